// convert-oracle makes random v1beta1 objects from CRDs and converts them with Cluster API's own conversion functions.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/controller-runtime/pkg/conversion"
	"sigs.k8s.io/yaml"

	addonsold "sigs.k8s.io/cluster-api/api/addons/v1beta1"
	addonsnew "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	bootstrapold "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta1"
	bootstrapnew "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlold "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta1"
	controlnew "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	coreold "sigs.k8s.io/cluster-api/api/core/v1beta1"
	corenew "sigs.k8s.io/cluster-api/api/core/v1beta2"
	ipamolder "sigs.k8s.io/cluster-api/api/ipam/v1alpha1"
	ipamold "sigs.k8s.io/cluster-api/api/ipam/v1beta1"
	ipamnew "sigs.k8s.io/cluster-api/api/ipam/v1beta2"
	runtimeold "sigs.k8s.io/cluster-api/api/runtime/v1alpha1"
	runtimenew "sigs.k8s.io/cluster-api/api/runtime/v1beta2"
	dockerold "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta1"
	dockernew "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

var scheme = runtime.NewScheme()

func init() {
	for _, add := range []func(*runtime.Scheme) error{
		addonsold.AddToScheme, addonsnew.AddToScheme, bootstrapold.AddToScheme, bootstrapnew.AddToScheme,
		controlold.AddToScheme, controlnew.AddToScheme, coreold.AddToScheme, corenew.AddToScheme,
		ipamolder.AddToScheme, ipamold.AddToScheme, ipamnew.AddToScheme, runtimeold.AddToScheme, runtimenew.AddToScheme,
		dockerold.AddToScheme, dockernew.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
}

// dropNulls is what the server does before it converts: a null where none is allowed is as absent.
func dropNulls(value any, s *apiextensionsv1.JSONSchemaProps) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			property, ok := s.Properties[key]
			if !ok && s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
				property, ok = *s.AdditionalProperties.Schema, true
			}
			if ok && inner == nil && !property.Nullable {
				delete(value, key)
			} else if ok {
				dropNulls(inner, &property)
			}
		}
	case []any:
		for _, item := range value {
			if s.Items != nil && s.Items.Schema != nil {
				dropNulls(item, s.Items.Schema)
			}
		}
	}
}

// convert is what the conversion webhook does with one object.
func convert(raw []byte) (out []byte, err error) {
	object, kind, err := serializer.NewCodecFactory(scheme).UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return nil, err
	}
	hub, err := scheme.New(schema.GroupVersionKind{Group: kind.Group, Version: "v1beta2", Kind: kind.Kind})
	if err != nil {
		return nil, err
	}
	source, ok := object.(conversion.Convertible)
	if !ok {
		return nil, fmt.Errorf("%v has no conversion", kind)
	}
	if err := source.ConvertTo(hub.(conversion.Hub)); err != nil {
		return nil, err
	}
	hub.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{Group: kind.Group, Version: "v1beta2", Kind: kind.Kind})
	if out, err = json.Marshal(hub); err != nil {
		return nil, err
	}
	var value map[string]any
	if err := json.Unmarshal(out, &value); err != nil {
		return nil, err
	}
	delete(value, "status")
	return json.Marshal(value)
}

type maker struct {
	random *rand.Rand
	// Per mille of values that no sane person writes.
	odd int
}

func (m *maker) pick(options ...string) string { return options[m.random.Intn(len(options))] }
func (m *maker) oddly() bool                   { return m.random.Intn(1000) < m.odd }

func (m *maker) value(s *apiextensionsv1.JSONSchemaProps, name string, depth int) any {
	if s.XIntOrString && s.Pattern != "" {
		return m.pick("5", "100m", "1Gi")
	}
	if s.XIntOrString {
		if m.random.Intn(2) == 0 {
			return m.random.Intn(5)
		}
		return fmt.Sprintf("%d%%", m.random.Intn(100))
	}
	if s.Type == "" || (s.XPreserveUnknownFields != nil && *s.XPreserveUnknownFields && len(s.Properties) == 0) {
		switch name {
		case "allOf", "anyOf", "oneOf":
			return []any{map[string]any{"type": "string"}}
		case "not", "items", "additionalProperties", "properties":
			if m.oddly() {
				return m.anything(1)
			}
			if name == "properties" {
				return map[string]any{"a": map[string]any{"type": "string"}}
			}
			return map[string]any{"type": "string"}
		}
		return m.anything(2)
	}
	if len(s.Enum) > 0 {
		var value any
		_ = json.Unmarshal(s.Enum[m.random.Intn(len(s.Enum))].Raw, &value)
		return value
	}
	switch s.Type {
	case "object":
		return m.object(s, name, depth)
	case "array":
		count := m.random.Intn(3)
		if m.oddly() {
			count = 0
		} else if count == 0 {
			count = 1
		}
		list := []any{}
		for i := 0; i < count; i++ {
			item := m.value(s.Items.Schema, name, depth+1)
			// Names tell items apart; the server or CAPI's webhooks refuse the same one twice.
			if fields, ok := item.(map[string]any); ok && i > 0 {
				for _, key := range []string{"name", "path", "class", "type", "key", "hostPath"} {
					if text, ok := fields[key].(string); ok && s.Items.Schema.Properties[key].Enum == nil {
						fields[key] = fmt.Sprintf("%s%d", text, i)
					}
				}
			}
			list = append(list, item)
		}
		return list
	case "boolean":
		return m.random.Intn(2) == 0
	case "integer":
		if m.oddly() {
			return 0
		}
		return m.random.Intn(2000)
	case "number":
		return float64(m.random.Intn(20))
	}
	return m.text(s, name)
}

func (m *maker) text(s *apiextensionsv1.JSONSchemaProps, name string) any {
	lower := strings.ToLower(name)
	switch {
	case s.Format == "byte":
		return "YWJj"
	case s.Format == "date-time":
		return m.pick("2024-01-02T03:04:05Z", "2030-12-31T23:59:59Z")
	case lower == "token" && m.random.Intn(20) > 0:
		return "abcdef.0123456789abcdef"
	}
	if m.oddly() {
		return m.pick("", " ", "#", "yes", "0x1F", "1e3", "null", "a: b", "- x", "two\nlines\n", "ü", "1_000", "~", "!t", "&a", "*a", "'q'", "\"", "tab\there", "trailing ", "0o17", "12:30:45", "2001-01-01", "=", "<<", "no", "{}", "[", "%x", "@x", "`x", "|", ">", "? x", "\\", "{{ .x }}")
	}
	switch {
	case strings.Contains(lower, "timeout") || strings.HasSuffix(lower, "duration") || lower == "ttl" || strings.HasSuffix(lower, "period"):
		if m.random.Intn(100) == 0 {
			return m.pick("5 minutes", "5", "1d", "", "m")
		}
		return m.pick("5m", "5m0s", "300s", "1h2m3.5s", "0s", "0", "1.9s", "-5m", "90m", "24h", "100ms", "+3s", ".5h", "3000000h", "1us", "1h1m1s1ms")
	case lower == "apiversion":
		if m.random.Intn(100) == 0 {
			return m.pick("a/b/c", "", "/v1", "v1/", "/")
		}
		return m.pick("infrastructure.cluster.x-k8s.io/v1beta1", "bootstrap.cluster.x-k8s.io/v1beta1", "a.example/v1", "v1")
	}
	return m.pick("text", "a-b-c", "v1.30.0", "10.0.0.0/16", "true", "123", "Ready", "/etc/x", "name", "with space", "a=b,c=d", "x.y/z")
}

func (m *maker) object(s *apiextensionsv1.JSONSchemaProps, name string, depth int) any {
	value := map[string]any{}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil && len(s.Properties) == 0 {
		for i := m.random.Intn(4); i > 0; i-- {
			key := m.pick("a", "b-c", "v", "feature-gates", "x.y/z", "10", "true", "name", "Zed")
			if m.oddly() {
				key = m.pick("yes", "a b", "a: b", "#x", "'", "-", "1.5", "null", "é")
			}
			value[key] = m.value(s.AdditionalProperties.Schema, name, depth+1)
			if m.oddly() {
				value[key] = nil
			}
		}
		return value
	}
	keys := make([]string, 0, len(s.Properties))
	for key := range s.Properties {
		if key == "contentFormat" { // Newer than the functions.
			continue
		}
		keys = append(keys, key)
	}
	sort.Strings(keys)
	required := map[string]bool{}
	for _, key := range s.Required {
		required[key] = true
	}
	share := m.random.Intn(90) + 10
	if depth > 5 {
		share = share * 2 / 3
	}
	for _, key := range keys {
		property := s.Properties[key]
		if (required[key] && !m.oddly()) || m.random.Intn(100) < share {
			value[key] = m.value(&property, key, depth+1)
			// A null as a chart writes it that has no value. Where anything is taken, a null is something.
			if m.oddly() && (property.Type != "" || property.XIntOrString) {
				value[key] = nil
			}
		}
	}
	return value
}

func (m *maker) anything(depth int) any {
	switch m.random.Intn(7) {
	case 0:
		return m.random.Intn(100)
	case 1:
		return m.random.Intn(2) == 0
	case 2:
		if depth > 0 {
			return map[string]any{"class": m.anything(depth - 1), "b": m.anything(depth - 1)}
		}
	case 3:
		if depth > 0 {
			return []any{m.anything(depth - 1)}
		}
	case 4:
		return 1.5
	}
	return m.pick("text", "a", "yes", "10m")
}

func main() {
	crds := flag.String("crds", "", "folder of CRDs")
	each := flag.Int("each", 250, "objects of each kind and version")
	odd := flag.Int("odd", 15, "per mille of odd values")
	seed := flag.Int64("seed", 1, "of the random numbers")
	read := flag.Bool("stdin", false, "convert the `in` of each line of standard input instead")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	write := func(in any, spec *apiextensionsv1.JSONSchemaProps) {
		raw, _ := json.Marshal(in)
		line := map[string]any{"in": json.RawMessage(raw)}
		if spec != nil {
			dropNulls(in.(map[string]any)["spec"], spec)
			raw, _ = json.Marshal(in)
		}
		if converted, err := convert(raw); err != nil {
			line["refused"] = err.Error()
		} else {
			line["out"] = json.RawMessage(converted)
		}
		text, _ := json.Marshal(line)
		_, _ = out.Write(append(text, '\n'))
	}
	if *read {
		lines := json.NewDecoder(os.Stdin)
		for {
			var line struct{ In map[string]any }
			if lines.Decode(&line) != nil {
				return
			}
			write(line.In, nil)
		}
	}
	m := &maker{random: rand.New(rand.NewSource(*seed)), odd: *odd}
	var files []string
	_ = filepath.WalkDir(*crds, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".yaml") {
			files = append(files, path)
		}
		return nil
	})
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if yaml.Unmarshal(text, &crd) != nil || crd.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, version := range crd.Spec.Versions {
			kind := schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
			object, err := scheme.New(kind)
			if err != nil || version.Name == "v1beta2" {
				continue
			}
			if _, ok := object.(conversion.Convertible); !ok {
				fmt.Fprintln(os.Stderr, "no conversion:", kind)
				continue
			}
			spec := version.Schema.OpenAPIV3Schema.Properties["spec"]
			for i := 0; i < *each; i++ {
				metadata := map[string]any{"name": "random"}
				if m.random.Intn(2) == 0 {
					metadata["namespace"] = m.pick("default", "name", "text")
				}
				if m.random.Intn(3) == 0 {
					metadata["labels"] = map[string]any{"a": "b"}
				}
				write(map[string]any{"apiVersion": kind.GroupVersion().String(), "kind": kind.Kind, "metadata": metadata,
					"spec": m.value(&spec, "spec", 0)}, &spec)
			}
		}
	}
}
