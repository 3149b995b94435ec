// Command cel gives the verdicts of the API server's own libraries (Go regexp, strfmt, resource.Quantity, netip, CEL of CRDs)
// to requests read as JSON lines: the truth behind fixtures/cel and `tests/cel.rs`. `go build ./cel` in the folder above.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/api/resource"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
)

type req struct {
	Op      string          `json:"op"`
	Pattern string          `json:"pattern"`
	Format  string          `json:"format"`
	Inputs  []string        `json:"inputs"`
	Schema  json.RawMessage `json:"schema"`
	Rule    string          `json:"rule"`
	Object  json.RawMessage `json:"object"`
	Old     json.RawMessage `json:"old"`
	Message string          `json:"message"`
}

func isRoot(s *structuralschema.Structural) bool {
	_, a := s.Properties["metadata"]
	_, b := s.Properties["spec"]
	return a && b
}

func cel(r req) string {
	var v1 apiextv1.JSONSchemaProps
	if err := json.Unmarshal(r.Schema, &v1); err != nil {
		return "schema: " + err.Error()
	}
	v1.XValidations = apiextv1.ValidationRules{{Rule: r.Rule}}
	var in apiextensions.JSONSchemaProps
	if err := apiextv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &in, nil); err != nil {
		return "schema: " + err.Error()
	}
	s, err := structuralschema.NewStructural(&in)
	if err != nil {
		return "schema: " + err.Error()
	}
	v := schemacel.NewValidator(s, isRoot(s), celconfig.PerCallLimit)
	var obj, old interface{}
	if err := utiljson.Unmarshal(r.Object, &obj); err != nil {
		return "object: " + err.Error()
	}
	if len(r.Old) > 0 && string(r.Old) != "null" {
		utiljson.Unmarshal(r.Old, &old)
	}
	errs, _ := v.Validate(context.Background(), field.NewPath("x"), s, obj, old, celconfig.RuntimeCELCostBudget)
	if len(errs) == 0 {
		return "true"
	}
	m := errs[0].Error()
	if strings.Contains(m, "failed rule:") {
		return "false"
	}
	if strings.Contains(m, "compile") {
		return "compile: " + m
	}
	return "error: " + m
}

// check compiles a rule against a schema and gives the most that it can cost, or why it does not compile.
func check(r req) (string, uint64) {
	var v1 apiextv1.JSONSchemaProps
	if err := json.Unmarshal(r.Schema, &v1); err != nil {
		return "schema: " + err.Error(), 0
	}
	v1.XValidations = apiextv1.ValidationRules{{Rule: r.Rule, MessageExpression: r.Message}}
	var in apiextensions.JSONSchemaProps
	if err := apiextv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &in, nil); err != nil {
		return "schema: " + err.Error(), 0
	}
	s, err := structuralschema.NewStructural(&in)
	if err != nil {
		return "schema: " + err.Error(), 0
	}
	env := environment.MustBaseEnvSet(version.MajorMinor(1, 36))
	found, err := schemacel.Compile(s, model.SchemaDeclType(s, isRoot(s)), celconfig.PerCallLimit, env, schemacel.StoredExpressionsEnvLoader())
	if err != nil {
		return err.Error(), 0
	}
	if found[0].Error != nil {
		return found[0].Error.Detail, 0
	}
	if found[0].MessageExpressionError != nil {
		return found[0].MessageExpressionError.Detail, 0
	}
	if r.Message != "" {
		return "", found[0].MessageExpressionMaxCost
	}
	return "", found[0].MaxCost
}

// crd gives what the server says of a CRD's schema: the errors, by their fields.
func crd(r req) []string {
	var in apiextensions.CustomResourceDefinition
	var v1 apiextv1.CustomResourceDefinition
	if err := json.Unmarshal(r.Object, &v1); err != nil {
		return []string{err.Error()}
	}
	apiextv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	if err := apiextv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &in, nil); err != nil {
		return []string{err.Error()}
	}
	out := []string{}
	for _, e := range crdvalidation.ValidateCustomResourceDefinition(context.Background(), &in) {
		out = append(out, e.Error())
	}
	return out
}

// run gives what an evaluation really costs, and its verdict.
func run(r req) (string, int64) {
	var v1 apiextv1.JSONSchemaProps
	if err := json.Unmarshal(r.Schema, &v1); err != nil {
		return "schema: " + err.Error(), 0
	}
	if r.Rule != "" {
		v1.XValidations = apiextv1.ValidationRules{{Rule: r.Rule}}
	}
	var in apiextensions.JSONSchemaProps
	if err := apiextv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &in, nil); err != nil {
		return "schema: " + err.Error(), 0
	}
	s, err := structuralschema.NewStructural(&in)
	if err != nil {
		return "schema: " + err.Error(), 0
	}
	var obj interface{}
	if err := utiljson.Unmarshal(r.Object, &obj); err != nil {
		return "object: " + err.Error(), 0
	}
	v := schemacel.NewValidator(s, isRoot(s), celconfig.PerCallLimit)
	errs, left := v.Validate(context.Background(), field.NewPath("x"), s, obj, nil, celconfig.RuntimeCELCostBudget)
	if len(errs) == 0 {
		return "true", celconfig.RuntimeCELCostBudget - left
	}
	return errs.ToAggregate().Error(), celconfig.RuntimeCELCostBudget - left
}

// said gives what the server says of a rule that does not hold and has this expression for a message; nothing where it fails.
func said(r req) string {
	var v1 apiextv1.JSONSchemaProps
	if err := json.Unmarshal(r.Schema, &v1); err != nil {
		return "schema: " + err.Error()
	}
	v1.XValidations = apiextv1.ValidationRules{{Rule: "false", Message: "-", MessageExpression: r.Message}}
	var in apiextensions.JSONSchemaProps
	if err := apiextv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &in, nil); err != nil {
		return "schema: " + err.Error()
	}
	s, err := structuralschema.NewStructural(&in)
	if err != nil {
		return "schema: " + err.Error()
	}
	var obj interface{}
	if err := utiljson.Unmarshal(r.Object, &obj); err != nil {
		return "object: " + err.Error()
	}
	v := schemacel.NewValidator(s, isRoot(s), celconfig.PerCallLimit)
	errs, _ := v.Validate(context.Background(), field.NewPath("x"), s, obj, nil, celconfig.RuntimeCELCostBudget)
	if len(errs) != 1 {
		return errs.ToAggregate().Error()
	}
	if errs[0].Detail == "-" {
		return ""
	}
	return errs[0].Detail
}

func main() {
	sc := bufio.NewScanner(os.Stdin)
	sc.Buffer(make([]byte, 1<<20), 1<<28)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for sc.Scan() {
		var r req
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			panic(err)
		}
		res := map[string]any{}
		switch r.Op {
		case "regex":
			re, err := regexp.Compile(r.Pattern)
			if err != nil {
				res["err"] = err.Error()
			} else {
				l := make([]string, 0, len(r.Inputs))
				for _, i := range r.Inputs {
					loc := re.FindStringIndex(i)
					if loc == nil {
						l = append(l, "")
					} else {
						l = append(l, fmt.Sprintf("%d-%d", loc[0], loc[1]))
					}
				}
				res["out"] = l
			}
		case "format":
			l := []bool{}
			for _, i := range r.Inputs {
				l = append(l, strfmt.Default.Validates(r.Format, i))
			}
			res["out"] = l
		case "quantity":
			l := []string{}
			for _, i := range r.Inputs {
				q, err := resource.ParseQuantity(i)
				if err != nil {
					l = append(l, "")
				} else {
					n, ok := q.AsInt64()
					l = append(l, fmt.Sprintf("%s|%d|%v|%v|%d", q.AsDec().String(), n, ok, q.AsApproximateFloat64(), q.Sign()))
				}
			}
			res["out"] = l
		case "ip":
			l := []string{}
			for _, i := range r.Inputs {
				a, err := netip.ParseAddr(i)
				p, err2 := netip.ParsePrefix(i)
				s := ""
				if err == nil {
					s = a.String()
				}
				if err2 == nil {
					s += "|" + p.String()
				}
				l = append(l, s)
			}
			res["out"] = l
		case "cel":
			res["out"] = cel(r)
		case "check":
			res["err"], res["cost"] = check(r)
		case "crd":
			res["out"] = crd(r)
		case "said":
			res["out"] = said(r)
		case "run":
			res["out"], res["cost"] = run(r)
		}
		b, _ := json.Marshal(res)
		out.Write(b)
		out.WriteByte('\n')
	}
}
