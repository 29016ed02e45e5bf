package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/schema"
)

var update = flag.Bool("update", false, "write the schemas anew")

// documents are the types that have a schema, by the file's name.
var documents = []struct {
	name   string
	typ    reflect.Type
	served func() []byte
}{
	{"plan", reflect.TypeFor[federation.Plan](), schema.Plan},
	{"report", reflect.TypeFor[federation.Report](), schema.Report},
	{"preflight", reflect.TypeFor[federation.Preflight](), schema.Preflight},
	{"rotation", reflect.TypeFor[federation.Rotation](), schema.Rotation},
	{"verdict", reflect.TypeFor[signin.Verdict](), schema.Verdict},
}

// TestSchemas: the files are what the types give, and what the package serves.
func TestSchemas(t *testing.T) {
	src := source{}
	for pkg, dir := range map[string]string{
		"federation": "..", "aad": "../../aad", "aad/signin": "../../aad/signin", "certs": "../../certs",
	} {
		src.parse(t, "github.com/jcaad/jcaad/"+pkg, dir)
	}
	used := map[string]bool{}
	for _, d := range documents {
		g := &generator{t: t, src: src, rules: []map[string]rule{written}, done: map[reflect.Type]bool{}, used: used}
		if d.name == "plan" {
			g.strict, g.rules = true, []map[string]rule{asked}
		}
		want := g.document(d.typ)
		file := d.name + ".json"
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("%s is not what the types give; -update writes it anew (-types +file):\n%s", file, diff)
		}
		if served := d.served(); !*update && !bytes.Equal(served, got) {
			t.Errorf("%s is not what is served", file)
		}
	}
	for _, rules := range []map[string]rule{asked, written} {
		for _, key := range slices.Sorted(maps.Keys(rules)) {
			if !used[key] {
				t.Errorf("no type has the field %s", key)
			}
		}
	}
}

// TestServedBytesAreCopies: who changes what was served changes nothing for others.
func TestServedBytesAreCopies(t *testing.T) {
	for _, d := range documents {
		first := d.served()
		clear(first)
		if second := d.served(); len(second) == 0 || bytes.Equal(first, second) {
			t.Errorf("%s: %d bytes, as they were changed", d.name, len(second))
		}
	}
}

// TestPlanIsDescribed: each field of a plan has a description, which an editor shows.
func TestPlanIsDescribed(t *testing.T) {
	type object struct {
		Description string
		Properties  map[string]object
		Defs        map[string]object `json:"$defs"`
	}
	var plan object
	if err := json.Unmarshal(schema.Plan(), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Defs == nil {
		t.Fatal("the plan's schema has no definitions")
	}
	plan.Defs["Plan"] = plan
	fields := 0
	for name, def := range plan.Defs {
		for field, p := range def.Properties {
			if fields++; p.Description == "" && field != "id" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
	if fields < 30 {
		t.Errorf("%d fields; a plan has more", fields)
	}
}

// fill gives every field below v a value.
func fill(t *testing.T, v reflect.Value, text string) {
	t.Helper()
	switch typ := v.Type(); {
	case typ == reflect.TypeFor[certs.Cert]():
		b, err := os.ReadFile("../testdata/first.pem")
		if err != nil {
			t.Fatal(err)
		}
		c, err := certs.ParseOne(b)
		if err != nil {
			t.Fatal(err)
		}
		v.Set(reflect.ValueOf(c))
	case typ.PkgPath() == "time" && typ.Kind() == reflect.Struct:
		if err := v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON([]byte(`"2026-01-05T22:00:00Z"`)); err != nil {
			t.Fatal(err)
		}
	case typ.Kind() == reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "@odata.type" {
				v.Field(i).SetString("#microsoft.graph.internalDomainFederation")
				continue
			}
			fill(t, v.Field(i), name)
		}
	case typ.Kind() == reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		fill(t, v.Elem(), text)
	case typ.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(typ, 1, 1))
		fill(t, v.Index(0), text)
	case typ.Kind() == reflect.Map:
		key, value := reflect.New(typ.Key()).Elem(), reflect.New(typ.Elem()).Elem()
		fill(t, key, text)
		fill(t, value, text)
		v.Set(reflect.MakeMap(typ))
		v.SetMapIndex(key, value)
	case typ.Kind() == reflect.String:
		v.SetString(text)
	case typ.Kind() == reflect.Bool:
		v.SetBool(true)
	case typ.Kind() == reflect.Int:
		v.SetInt(7)
	default:
		t.Fatalf("no value for %v", typ)
	}
}
