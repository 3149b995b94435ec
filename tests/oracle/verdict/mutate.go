package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Derived objects: real objects with one or a few faults put in, and objects made up from a schema alone. Each is judged for
// all three clients. The same seed gives the same objects.

type props = apiextensionsv1.JSONSchemaProps

// derived is what is printed for one of them.
type derived struct {
	Number   int                    `json:"n"`
	How      string                 `json:"how"`
	Object   map[string]any         `json:"object"`
	Old      map[string]any         `json:"old,omitempty"` // what it is derived from, for some: then there is a verdict "update"
	Verdicts map[string]string      `json:"verdicts"`
	Errors   map[string][][2]string `json:"errors,omitempty"` // by client: path and type
	Stages   map[string]string      `json:"stages,omitempty"`
}

// base is a real object and its schema.
type base struct {
	object map[string]any
	schema *props
}

// mutate writes count derived objects.
func (set *kindSet) mutate(streams []string, count int, seed uint64, use settings, workers int, out io.Writer) error {
	bases, err := set.bases(streams)
	if err != nil {
		return err
	}
	var kinds []schema.GroupVersionKind
	for _, gvk := range set.order {
		if set.all[gvk].ready() == nil {
			kinds = append(kinds, gvk)
		}
	}
	var real []schema.GroupVersionKind
	for _, gvk := range kinds {
		if len(bases[gvk]) > 0 {
			real = append(real, gvk)
		}
	}
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = i
	}
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	one := func(n int) derived {
		m := mutator{Rand: rand.New(rand.NewPCG(seed, uint64(n)))}
		d := derived{Number: n}
		if n%4 == 3 || len(real) == 0 { // one in four is made up
			k := set.all[kinds[(n/4)%len(kinds)]]
			d.Object = m.invent(k)
			d.How = "invented"
			if m.IntN(2) == 0 {
				d.How += "; " + m.mutate(d.Object, k.version.Schema.OpenAPIV3Schema)
			}
		} else {
			gvk := real[n%len(real)]
			b := bases[gvk][m.IntN(len(bases[gvk]))]
			d.Object = runtime.DeepCopyJSON(b.object)
			for range 1 + max(0, m.IntN(5)-3) {
				d.How += "; " + m.mutate(d.Object, b.schema)
			}
			d.How = strings.TrimPrefix(d.How, "; ")
			if n%4 == 0 {
				d.Old = b.object
			}
		}
		set.judgeDerived(&d, use)
		return d
	}
	for d := range inOrder(numbers, workers, one) {
		if err := lines.Encode(d); err != nil {
			return err
		}
	}
	return nil
}

// judgeDerived fills in the verdicts. The body takes the way through a client that any manifest takes.
func (set *kindSet) judgeDerived(d *derived, use settings) {
	d.Verdicts, d.Errors, d.Stages = map[string]string{}, map[string][][2]string{}, map[string]string{}
	text, err := json.Marshal(d.Object)
	if err != nil {
		d.Verdicts["create"] = err.Error()
		return
	}
	if d.Old != nil {
		set.judgeUpdate(d, text, use)
	}
	for _, client := range []string{"create", "warn", "apply"} {
		use.client, use.all = client, true
		found := readStream(text)
		if len(found) != 1 {
			d.Verdicts[client] = "none"
			continue
		}
		j := set.judge(found[0], nil, use)
		d.Verdicts[client] = j.Verdict
		if j.Stage != "" {
			d.Stages[client] = j.Stage
		}
		for _, e := range j.Errors {
			if pair := [2]string{e.Path, e.Type}; !slices.Contains(d.Errors[client], pair) {
				d.Errors[client] = append(d.Errors[client], pair)
			}
		}
	}
}

// judgeUpdate fills in the verdict on the replacement of the old object by the derived one. There is none where the old one
// could not be in the cluster, or is another object.
func (set *kindSet) judgeUpdate(d *derived, text []byte, use settings) {
	before, err := json.Marshal(d.Old)
	if err != nil {
		return
	}
	old, found := readStream(before), readStream(text)
	same := len(old) == 1 && len(found) == 1 && found[0].Object != nil && old[0].Object != nil &&
		old[0].gvk() == found[0].gvk() && old[0].Object.GetName() == found[0].Object.GetName() &&
		old[0].Object.GetNamespace() == found[0].Object.GetNamespace()
	use.client = "create"
	if !same || set.judge(old[0], nil, use).Verdict != "accept" {
		d.Old = nil
		return
	}
	use.all = true
	j := set.judge(found[0], &old[0], use)
	d.Verdicts["update"] = j.Verdict
	for _, e := range j.Errors {
		d.Errors["update"] = append(d.Errors["update"], [2]string{e.Path, e.Type})
	}
}

// bases gives the real objects of the streams whose kinds are known, by kind.
func (set *kindSet) bases(streams []string) (map[schema.GroupVersionKind][]base, error) {
	out := map[schema.GroupVersionKind][]base{}
	for _, file := range streams {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, d := range readStream(data) {
			if d.Err != nil || len(d.JSON) > 24_000 {
				continue
			}
			if k := set.all[d.gvk()]; k != nil && k.ready() == nil {
				out[k.gvk] = append(out[k.gvk], base{d.Object.Object, k.version.Schema.OpenAPIV3Schema})
			}
		}
	}
	return out, nil
}

// mutator makes its choices by one source of randomness.
type mutator struct{ *rand.Rand }

func pick[T any](m *mutator, from []T) T { return from[m.IntN(len(from))] }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// spot is a place in an object: a value with its schema (nil where nothing describes it) and its holder.
type spot struct {
	path   string
	value  any
	schema *props
	set    func(any)
	drop   func()
	holder map[string]any // where it is a field
	of     *props         // the holder's schema
	key    string
}

// spots lists every place below a value.
func spots(path string, value any, s *props, out []spot) []spot {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			sub := child(s, key)
			at := spot{path: path + "." + key, value: v[key], schema: sub, holder: v, of: s, key: key}
			at.set = func(x any) { v[key] = x }
			at.drop = func() { delete(v, key) }
			out = spots(at.path, v[key], sub, append(out, at))
		}
	case []any:
		for i := range v {
			var sub *props
			if s != nil && s.Items != nil {
				sub = s.Items.Schema
			}
			at := spot{path: path + "[" + strconv.Itoa(i) + "]", value: v[i], schema: sub}
			at.set = func(x any) { v[i] = x }
			at.drop = func() { v[i] = nil }
			out = spots(at.path, v[i], sub, append(out, at))
		}
	}
	return out
}

func child(s *props, key string) *props {
	if s == nil {
		return nil
	}
	if p, ok := s.Properties[key]; ok {
		return &p
	}
	if s.AdditionalProperties != nil {
		return s.AdditionalProperties.Schema
	}
	return nil
}

// mutate changes one thing in the object and says what.
func (m *mutator) mutate(object map[string]any, s *props) string {
	switch m.IntN(12) {
	case 0:
		return m.metadata(object)
	case 1:
		if how := m.near(object, s); how != "" {
			return how
		}
	case 2:
		if m.IntN(4) == 0 {
			object["status"] = pick(m, []any{map[string]any{"nonsense": true}, "x", nil, map[string]any{"conditions": "x"},
				map[string]any{"conditions": []any{map[string]any{"type": int64(5)}}}, map[string]any{"ready": "y"}, map[string]any{"observedGeneration": 1.5},
				map[string]any{"conditions": nil}, m.value(orAny(child(s, "status")), 0)})
			return "status"
		}
	}
	all := spots("", object, s, nil)
	for range 20 {
		at := pick(m, all)
		if m.IntN(8) != 0 && (at.path == ".apiVersion" || at.path == ".kind" || strings.HasPrefix(at.path, ".metadata")) {
			continue
		}
		if how := m.change(at); how != "" {
			return how + " at " + at.path
		}
	}
	return "nothing"
}

func orAny(s *props) *props {
	if s == nil {
		return &props{}
	}
	return s
}

// near changes a field under a node that has CEL rules: what the rules look at is mostly right below.
func (m *mutator) near(object map[string]any, s *props) string {
	var ruled []spot
	root := spot{path: "", value: object, schema: s}
	for _, at := range append(spots("", object, s, nil), root) {
		if at.schema != nil && len(at.schema.XValidations) > 0 {
			ruled = append(ruled, at)
		}
	}
	if len(ruled) == 0 {
		return ""
	}
	at := pick(m, ruled)
	below := spots(at.path, at.value, at.schema, nil)
	if len(below) > 0 && m.IntN(2) == 0 {
		to := pick(m, below)
		if how := m.change(to); how != "" {
			return how + " under rule at " + to.path
		}
	}
	if v, ok := at.value.(map[string]any); ok && len(at.schema.Properties) > 0 {
		key := pick(m, sortedKeys(at.schema.Properties))
		if at.path == "" && (key == "apiVersion" || key == "kind" || key == "metadata") {
			return ""
		}
		v[key] = m.value(orAny(child(at.schema, key)), 3)
		return "field set under rule at " + at.path + "." + key
	}
	if at.set != nil {
		at.set(m.value(at.schema, 3))
		return "new value of rule at " + at.path
	}
	return ""
}

// change puts one fault, or one harmless change, into a place.
func (m *mutator) change(at spot) string {
	switch m.IntN(15) {
	case 0:
		at.drop()
		return "dropped"
	case 1:
		at.set(nil)
		return "null"
	case 2:
		if at.holder == nil {
			return ""
		}
		delete(at.holder, at.key)
		at.holder[m.misspell(at.key)] = at.value
		return "misspelt"
	case 3:
		at.set(m.otherType(at.value))
		return "other type"
	case 4:
		if v, ok := at.value.(map[string]any); ok {
			v[pick(m, []string{"nonsense", "nodes", "kind", "metadata", "apiVersion", "status", "name", "a.b/c"})] = m.value(&props{}, 2)
			return "unknown field"
		}
	case 5, 6:
		if v, ok := at.value.(map[string]any); ok && at.schema != nil && len(at.schema.Properties) > 0 {
			key := pick(m, sortedKeys(at.schema.Properties))
			v[key] = m.value(orAny(child(at.schema, key)), 3)
			return "field " + key + " set"
		}
	case 7:
		if v, ok := at.value.([]any); ok && len(v) > 0 {
			at.set(append(slices.Clone(v), runtime.DeepCopyJSONValue(pick(m, v))))
			return "item twice"
		}
	case 8:
		if v, ok := at.value.([]any); ok {
			if at.schema != nil && at.schema.MaxItems != nil && *at.schema.MaxItems < 300 && len(v) > 0 {
				for int64(len(v)) < *at.schema.MaxItems+int64(m.IntN(2)) {
					v = append(v, runtime.DeepCopyJSONValue(v[0]))
				}
				at.set(v)
				return "many items"
			}
			at.set([]any{})
			return "no items"
		}
		if _, ok := at.value.(map[string]any); ok {
			at.set(map[string]any{})
			return "no fields"
		}
	case 9:
		if v, ok := at.value.(map[string]any); ok && len(v) > 0 {
			v[pick(m, sortedKeys(v))] = nil
			return "null within"
		}
	case 10, 11:
		if at.schema != nil {
			at.set(m.value(at.schema, 3))
			return "new value"
		}
	default:
		if s, ok := at.value.(string); ok {
			at.set(m.breakString(s, at.schema))
			return "other text"
		}
		if _, ok := at.value.(map[string]any); !ok {
			if _, ok := at.value.([]any); !ok {
				at.set(m.number(orAny(at.schema)))
				return "other number"
			}
		}
	}
	return ""
}

func (m *mutator) misspell(key string) string {
	if len(key) < 2 {
		return key + "x"
	}
	i := m.IntN(len(key) - 1)
	switch m.IntN(4) {
	case 0:
		return key[:i] + key[i+1:]
	case 1:
		return key[:i] + key[i+1:i+2] + key[i:i+1] + key[i+2:]
	case 2:
		return strings.ToLower(key) + "s"
	default:
		return key[:i] + "x" + key[i:]
	}
}

func (m *mutator) otherType(value any) any {
	options := []any{"x", "5", "", int64(5), 80.5, true, map[string]any{}, []any{}, map[string]any{"a": "b"}, []any{"a"}, []any{map[string]any{}}}
	switch v := value.(type) {
	case int64:
		options = append(options, strconv.FormatInt(v, 10), float64(v)+0.5, []any{v})
	case string:
		options = append(options, []any{v}, map[string]any{"name": v})
	case bool:
		options = append(options, strconv.FormatBool(v))
	case []any:
		if len(v) > 0 {
			options = append(options, v[0])
		}
	}
	return runtime.DeepCopyJSONValue(pick(m, options))
}

func (m *mutator) breakString(s string, schema *props) any {
	options := []string{"", " ", s + " ", s + "!", s + "-", "-" + s, strings.ToUpper(s), s + "é", s + "/x", "_" + s, s + ".", s + "\n", "0" + s, s + "%",
		strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("é", 64), strings.Repeat("a", 257), strings.Repeat("x", 254)}
	if schema != nil {
		if n := schema.MaxLength; n != nil && *n < 20000 {
			options = append(options, strings.Repeat("a", int(*n)), strings.Repeat("a", int(*n)+1), strings.Repeat("é", int(*n)))
		}
		if n := schema.MinLength; n != nil && *n > 0 {
			options = append(options, strings.Repeat("a", int(*n)-1), strings.Repeat("a", int(*n)))
		}
		for _, e := range schema.Enum {
			options = append(options, strings.Trim(string(e.Raw), `"`), strings.ToLower(strings.Trim(string(e.Raw), `"`)))
		}
	}
	options = append(options, texts...)
	return pick(m, options)
}

// texts are strings that some format or rule takes and another refuses.
var texts = []string{"a", "A", "a.b", "a-b", "a_b", "10.0.0.1", "010.0.0.1", "10.0.0.0/16", "10.0.0.1/8", "fd00::/64", "::1", "::ffff:10.0.0.1", "10.0.0.0/33",
	"fd00::1%eth0", "5m", "5m0s", "300s", "1h30m", "-5s", "3 days", "PT5M", "0", "1", "100", "0.5", "1Gi", "500m", "1e3", "v1.34.0", "1.34.0", "v1.34.0+build.1",
	"10%", "5%x", "101%", "2026-01-02T03:04:05Z", "2026-01-02", "https://example.com/x", "example.com:6443", "/etc/x", "user@example.com", "ami-0123456789abcdef0",
	"subnet-01", "arn:aws:iam::123456789012:role/x", "aGVsbG8=", "00:11:22:33:44:55", "123e4567-e89b-12d3-a456-426614174000", "Ready", "Available", "True", "true",
	"Standard", "Linux", "a/b", "kubernetes.io/os", "self", "{{ .x }}", "${VAR}"}

// number is a number near what the schema bounds.
func (m *mutator) number(s *props) any {
	options := []any{int64(0), int64(1), int64(-1), int64(5), int64(100), int64(2147483647), int64(2147483648), int64(9007199254740993), 0.5, 80.5, int64(65536), int64(9223372036854775807), 1e20, -0.5, 80.00000001}
	if s.Minimum != nil {
		options = append(options, int64(*s.Minimum), int64(*s.Minimum)-1, *s.Minimum-0.25)
	}
	if s.Maximum != nil {
		options = append(options, int64(*s.Maximum), int64(*s.Maximum)+1)
	}
	if s.MultipleOf != nil {
		options = append(options, int64(*s.MultipleOf)*3, int64(*s.MultipleOf)*3+1)
	}
	return pick(m, options)
}

// value makes up a value that mostly fits a schema; depth bounds how far optional fields are filled in.
func (m *mutator) value(s *props, depth int) any {
	if s.Nullable && m.IntN(6) == 0 {
		return nil
	}
	if m.IntN(40) == 0 {
		return m.otherType(nil)
	}
	if s.Default != nil && m.IntN(3) == 0 {
		return decoded(s.Default.Raw)
	}
	if len(s.Enum) > 0 && m.IntN(12) != 0 {
		return decoded(pick(m, s.Enum).Raw)
	}
	switch {
	case s.XIntOrString:
		return pick(m, []any{int64(m.IntN(100)), strconv.Itoa(m.IntN(100)) + "%", strconv.Itoa(m.IntN(100)), "1Gi"})
	case s.Type == "object":
		return m.object(s, depth)
	case s.Type == "array":
		n := m.IntN(3)
		if s.MinItems != nil && m.IntN(8) != 0 {
			n = max(n, int(min(*s.MinItems, 8)))
		}
		list := []any{}
		for range n {
			if s.Items != nil && s.Items.Schema != nil {
				list = append(list, m.value(s.Items.Schema, depth-1))
			}
		}
		return list
	case s.Type == "integer":
		if m.IntN(4) == 0 {
			return m.number(s)
		}
		low := int64(0)
		if s.Minimum != nil {
			low = int64(*s.Minimum)
		}
		return low + int64(m.IntN(4))
	case s.Type == "number":
		return m.number(s)
	case s.Type == "boolean":
		return m.IntN(2) == 0
	case s.Type == "string":
		return m.text(s)
	}
	return runtime.DeepCopyJSONValue(pick(m, []any{"x", int64(1), true, map[string]any{"a": nil}, []any{"a", nil}, map[string]any{}, 0.5}))
}

func (m *mutator) text(s *props) any {
	if m.IntN(5) == 0 {
		return m.breakString("abc", s)
	}
	for range 8 { // some formats and patterns are met by luck
		t := pick(m, texts)
		if (s.MaxLength == nil || int64(len(t)) <= *s.MaxLength) && (s.MinLength == nil || int64(len(t)) >= *s.MinLength) {
			return t
		}
	}
	return pick(m, texts)
}

func (m *mutator) object(s *props, depth int) any {
	v := map[string]any{}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		for range m.IntN(3) {
			v[pick(m, []string{"a", "b", "x.y/z", "Key"})] = m.value(s.AdditionalProperties.Schema, depth-1)
		}
	}
	for _, key := range sortedKeys(s.Properties) {
		p := s.Properties[key]
		chance := 3
		if depth <= 0 {
			chance = 30
		}
		if slices.Contains(s.Required, key) && m.IntN(40) != 0 || depth > -3 && m.IntN(chance) == 0 {
			v[key] = m.value(&p, depth-1)
		}
	}
	return v
}

func decoded(raw []byte) (v any) {
	u := unstructured.Unstructured{}
	if u.UnmarshalJSON([]byte(`{"apiVersion":"v1","kind":"x","v":`+string(raw)+`}`)) != nil {
		return nil
	}
	return u.Object["v"]
}

// invent makes up an object of a kind.
func (m *mutator) invent(k *servedKind) map[string]any {
	s := k.version.Schema.OpenAPIV3Schema
	object, _ := m.object(s, 2+m.IntN(3)).(map[string]any)
	if m.IntN(4) != 0 {
		delete(object, "status")
	}
	object["apiVersion"], object["kind"] = k.gvk.GroupVersion().String(), k.gvk.Kind
	object["metadata"] = map[string]any{"name": fmt.Sprintf("invented-%d", m.IntN(1000))}
	return object
}

// metadata changes the object's own metadata.
func (m *mutator) metadata(object map[string]any) string {
	meta, ok := object["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{"name": "x"}
		object["metadata"] = meta
	}
	words := append([]string{"", "a b", "-a", "a/b/c", "UPPER", strings.Repeat("x", 64), strings.Repeat("y", 254), "a..b", "é", "/a", "a/", "example.com/a-", "ExAmple.com/a", ".", "..", "a/b"}, texts...)
	odd := func() any {
		if m.IntN(3) == 0 {
			return m.otherType(nil)
		}
		return pick(m, words)
	}
	field := pick(m, []string{"name", "namespace", "generateName", "labels", "labels", "labels", "annotations", "annotations", "finalizers", "ownerReferences", "ownerReferences",
		"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "uid", "selfLink", "managedFields", "clusterName", "", "initializers"})
	how := m.IntN(8)
	switch {
	case field == "":
		object["metadata"] = pick(m, []any{nil, "x", []any{}, map[string]any{}, map[string]any{"generateName": "a-"}, map[string]any{"name": nil, "generateName": "b-"}})
		return "metadata replaced"
	case how == 0:
		delete(meta, field)
		return "no metadata." + field
	case how == 1:
		meta[field] = nil
		return "null metadata." + field
	case how == 2:
		meta[field] = m.otherType(nil)
		return "other type of metadata." + field
	}
	switch field {
	case "labels", "annotations":
		meta[field] = map[string]any{pick(m, words): odd(), "a": pick(m, []any{"b", nil, "yes", true})}
		if m.IntN(2) == 0 {
			meta[field] = map[string]any{pick(m, words): "v"}
		}
	case "finalizers":
		meta[field] = pick(m, []any{[]any{odd()}, []any{"example.com/a", odd()}, []any{"orphan", "foregroundDeletion"}, []any{nil}, "x", []any{"a", "a"}})
	case "ownerReferences":
		owner := map[string]any{"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": "c", "uid": "u"}
		if key := pick(m, []string{"apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion", "nonsense"}); m.IntN(3) == 0 {
			delete(owner, key)
		} else {
			owner[key] = pick(m, []any{"", nil, true, "x", int64(5)})
		}
		meta[field] = pick(m, []any{[]any{owner}, []any{owner, owner}, []any{owner, map[string]any{"apiVersion": "v1", "kind": "Event", "name": "x", "uid": "w", "controller": true}}, owner})
	case "managedFields":
		meta[field] = pick(m, []any{[]any{}, []any{map[string]any{"manager": "x"}}, []any{map[string]any{"nonsense": "x"}}, []any{map[string]any{"time": "x"}}, []any{map[string]any{"fieldsV1": map[string]any{"f:a": map[string]any{}}}}})
	case "creationTimestamp", "deletionTimestamp":
		meta[field] = pick(m, []any{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+02:00", "2026-01-02", "", "x", int64(5), nil})
	default:
		meta[field] = odd()
		if m.IntN(3) == 0 {
			meta[field] = m.number(&props{})
		}
	}
	return "metadata." + field
}
