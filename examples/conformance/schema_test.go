package conformance

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/schema"
)

const root = "../.."

// compile returns a schema; what it says of formats is held as well.
func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(nil) // nothing is loaded from anywhere
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds a text against a schema.
func validate(s *jsonschema.Schema, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// unseen are the problems of a plan that no schema can see; see package schema.
var unseen = regexp.MustCompile(`doubled: it is there already|more follows behind the end|` +
	`a whole number in decimal digits is wanted, this is \d+(\.0+|[eE]\d+)$`)

// TestPlansOfTheRepository: of every text of the repository that may be a plan, the
// schema says what the strict reader says: those in tests, examples, documentation and
// the seeds of fuzz targets.
func TestPlansOfTheRepository(t *testing.T) {
	s := compile(t, schema.Plan())
	taken, refused, apart := 0, 0, 0
	for text, where := range texts(t) {
		plan, err := federation.ParsePlan([]byte(text))
		says := validate(s, []byte(text))
		switch {
		case err != nil && !unseen.MatchString(err.Error()):
			if refused++; says == nil {
				t.Errorf("%s: the schema takes what the reader refuses: %v\n%.300s", where, err, text)
			}
		case err == nil && plan.Validate() == nil:
			if taken++; says != nil {
				t.Errorf("%s: the schema refuses a plan: %v\n%.300s", where, says, text)
			}
		default:
			apart++ // only its form is a plan's
		}
	}
	t.Logf("%d plans, %d that are none, %d by their form", taken, refused, apart)
	if taken < 1 || refused < 50 || apart < 10 {
		t.Errorf("%d plans, %d that are none, %d by their form: the texts have not been found", taken, refused, apart)
	}
}

// texts returns everything in the repository that looks like an object in JSON or a plan
// in YAML, and where it is.
func texts(t *testing.T) map[string]string {
	all := map[string]string{}
	add := func(where, text string) {
		if strings.HasPrefix(strings.TrimLeft(text, "\ufeff \t\r\n"), "{") {
			all[text] = where
		}
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if d.Name() == "node_modules" || d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		seed := strings.Contains(filepath.ToSlash(name), "/testdata/fuzz/FuzzParsePlan/")
		ext := filepath.Ext(name)
		if !seed && ext != ".go" && ext != ".json" && ext != ".yaml" {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		switch {
		case seed:
			_, quoted, _ := strings.Cut(string(b), "[]byte(")
			if text, err := strconv.Unquote(strings.TrimSuffix(strings.TrimSpace(quoted), ")")); err == nil {
				add(name, text)
			}
		case ext == ".go":
			for _, text := range literals(t, name, b) {
				add(name, text)
			}
		case ext == ".yaml":
			if b, err := yaml.YAMLToJSON(b); err == nil {
				add(name, string(b))
			}
		default:
			add(name, string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// literals returns the texts of a program.
func literals(t *testing.T, name string, b []byte) (all []string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, b, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// TestExamplePlanNamesItsSchema: an editor that opens the example completes and checks it.
func TestExamplePlanNamesItsSchema(t *testing.T) {
	const dir = root + "/examples/federate"
	b, err := os.ReadFile(dir + "/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	at, ok := strings.CutPrefix(first, "# yaml-language-server: $schema=")
	if !ok {
		t.Fatalf("the first line is %q", first)
	}
	named, err := os.ReadFile(filepath.Join(dir, at))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(named, schema.Plan()) {
		t.Errorf("%s is not the schema of a plan", at)
	}
	text, err := yaml.YAMLToJSON(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(compile(t, named), text); err != nil {
		t.Error(err)
	}
	if _, err := federation.ParsePlan(text); err != nil {
		t.Error(err)
	}
}

// TestWrongPlans: what is wrong with a plan is seen by the schema, and by the reader or
// by Validate.
func TestWrongPlans(t *testing.T) {
	s := compile(t, schema.Plan())
	const good = `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "Everyone"}]`
	for name, c := range map[string]struct {
		more  string // what is added to a good plan
		wrong bool
	}{
		"nothing":             {"", false},
		"lists that are not":  {`, "directory": {"rules": null, "groups": []}, "consent": {"certificate": null}`, false},
		"nothing below":       {`, "application": null, "directory": {}, "technicalAccount": null, "consent": {"lockOut": null}`, false},
		"field":               {`, "domian": "example.com"`, true},
		"capital":             {`, "BrandName": "B"`, true},
		"field below":         {`, "consent": {"takeOvr": true}`, true},
		"field further below": {`, "consent": {"lockOut": {"everyone": true}}`, true},
		"field of a group":    {`, "groups": [{"name": "a", "dynamic": true}]`, true},
		"text for boolean":    {`, "consent": {"takeOver": "true"}`, true},
		"number for boolean":  {`, "consent": {"takeOver": 1}`, true},
		"text for number":     {`, "consent": {"lockOut": {"atMost": "3"}}`, true},
		"half a person":       {`, "consent": {"lockOut": {"atMost": 0.5}}`, true},
		"number for text":     {`, "brandName": 3`, true},
		"null for text":       {`, "tenant": null`, true},
		"null for boolean":    {`, "technicalAccount": {"create": null}`, true},
		"list for text":       {`, "brandName": ["B"]`, true},
		"text for list":       {`, "directory": {"rules": "user_department"}`, true},
		"object for list":     {`, "consent": {"certificate": {"a": 1}}`, true},
		"list for object":     {`, "application": []`, true},
		"null in a list":      {`, "consent": {"certificate": [null]}`, true},
	} {
		text := good + c.more + "}"
		if c.more != "" && strings.HasPrefix(c.more, `, "groups"`) {
			text = strings.Replace(text, `"groups": [{"name": "Everyone"}], `, "", 1)
		}
		agree(t, s, name, text, c.wrong)
	}
	for name, text := range map[string]string{
		"empty": `{}`, "null": `null`, "list": `[]`, "text": `"x"`,
		"no domain":         `{"mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "a"}]}`,
		"domain empty":      `{"domain": "", "mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "a"}]}`,
		"no choice":         `{"domain": "example.com", "groups": [{"name": "a"}]}`,
		"no such choice":    `{"domain": "example.com", "mfa": "always", "groups": [{"name": "a"}]}`,
		"no group":          `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp"}`,
		"groups null":       `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": null}`,
		"groups empty":      `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": []}`,
		"group null":        `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [null]}`,
		"group of text":     `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": ["a"]}`,
		"group unnamed":     `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [{}]}`,
		"member":            `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "a", "members": ["ada"]}]}`,
		"rule":              `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "a"}], "directory": {"rules": ["x"]}}`,
		"fewer than nobody": `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "a"}], "consent": {"lockOut": {"atMost": -1}}}`,
		"no address":        `{"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "groups": [{"name": "a"}], "signOutURL": "console"}`,
	} {
		agree(t, s, name, text, true)
	}
}

// fullPlan has a value in every field.
const fullPlan = `{
	"domain": "example.com", "mfa": "rejectMfaByFederatedIdp", "tenant": "t", "organization": "o",
	"groups": [{"name": "Everyone", "members": ["ada@example.com"], "id": "g"}],
	"application": {"label": "L", "idpEntityID": "urn:x", "loginURL": "https://x.example/a", "template": "office365", "id": "a"},
	"directory": {"name": "D", "rules": ["user_department"], "groups": ["Everyone"], "defaultDomain": "example.com", "id": "d"},
	"brandName": "B", "signOutURL": "https://s.example", "defaultDomain": "contoso.onmicrosoft.com",
	"technicalAccount": {"userPrincipalName": "t@contoso.onmicrosoft.com", "displayName": "T", "create": true},
	"consent": {"takeOver": true, "recover": true, "noBreakGlass": true, "directorySync": true, "removeNextCertificate": true,
		"removeDuplicate": true, "certificate": ["expired", "of a newer version"], "lockOut": {"people": ["u@example.com"], "atMost": 2}}
}`

// TestEveryPlaceOfAPlan: with another value anywhere in a plan that has all fields, the
// schema refuses what the reader refuses, and takes what the reader and Validate take.
func TestEveryPlaceOfAPlan(t *testing.T) {
	s := compile(t, schema.Plan())
	var plan any
	if err := json.Unmarshal([]byte(fullPlan), &plan); err != nil {
		t.Fatal(err)
	}
	agree(t, s, "all fields", fullPlan, false)
	taken, refused := 0, 0
	places(plan, func(path string, set func(any)) {
		for _, value := range []string{`null`, `""`, `"x"`, `"x@y.example"`, `"user_x"`, `"https://x.example"`,
			`0`, `-1`, `1.5`, `true`, `[]`, `[null]`, `{}`} {
			set(json.RawMessage(value))
			text, err := json.Marshal(plan)
			if err != nil {
				t.Fatal(err)
			}
			says := validate(s, text)
			switch p, err := federation.ParsePlan(text); {
			case err != nil:
				if refused++; says == nil {
					t.Errorf("%s: %s: the schema takes what the reader refuses: %v", path, value, err)
				}
			case p.Validate() == nil:
				if taken++; says != nil {
					t.Errorf("%s: %s: the schema refuses a plan: %v", path, value, says)
				}
			}
		}
	})
	t.Logf("%d plans, %d that are none", taken, refused)
	if taken < 80 || refused < 250 {
		t.Errorf("%d plans, %d that are none: places are left out", taken, refused)
	}
}

// places calls visit for each field and item below v, with what replaces its value. After
// the visit the value is there again.
func places(v any, visit func(path string, set func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for name, old := range v {
			visit(name, func(replacement any) { v[name] = replacement })
			v[name] = old
			places(old, func(path string, set func(any)) { visit(name+"."+path, set) })
		}
	case []any:
		for i, old := range v {
			visit(strconv.Itoa(i), func(replacement any) { v[i] = replacement })
			v[i] = old
			places(old, func(path string, set func(any)) { visit(strconv.Itoa(i)+"."+path, set) })
		}
	}
}

// agree demands the same of both: of the schema, and of the reader with Validate.
func agree(t *testing.T, s *jsonschema.Schema, name, text string, wrong bool) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("%s: no JSON: %s", name, text)
	}
	plan, err := federation.ParsePlan([]byte(text))
	if err == nil {
		err = plan.Validate()
	}
	if (err != nil) != wrong {
		t.Errorf("%s: the reader says %v", name, err)
	}
	if says := validate(s, []byte(text)); (says != nil) != wrong {
		t.Errorf("%s: the schema says %v", name, says)
	}
}
