package assumptions_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/jumpcloud"
)

// TestAll: each entry is whole, has an ID of its own, and its texts can be put together
// to sentences.
func TestAll(t *testing.T) {
	all := assumptions.All()
	if len(all) < 40 {
		t.Fatalf("%d entries", len(all))
	}
	id := regexp.MustCompile(`^(jc|aad)(-[a-z0-9]+)+$`)
	seen := make(map[string]bool)
	kinds := make(map[assumptions.Kind]int)
	for _, a := range all {
		if !id.MatchString(a.ID) || seen[a.ID] {
			t.Errorf("the ID %q is no good one, or there is another", a.ID)
		}
		seen[a.ID] = true
		kinds[a.Kind]++
		for name, text := range map[string]string{"assumed": a.Assumed, "breaks": a.Breaks, "source": a.Source} {
			if text == "" {
				t.Errorf("%s does not say what it has as %s", a.ID, name)
			}
		}
		for _, text := range []string{a.Assumed, a.Tolerated, a.Breaks, a.Source} {
			if strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "\n") {
				t.Errorf("%s: %q is no sentence without a full stop", a.ID, text)
			}
		}
		switch a.Advice {
		case assumptions.SafeToGoOn, assumptions.DoNotFederate:
		case assumptions.SetOption:
			if a.Setting == "" {
				t.Errorf("%s: there is nothing to set", a.ID)
			}
		default:
			t.Errorf("%s: advice %q", a.ID, a.Advice)
		}
		if len(a.Knobs) == 0 {
			t.Errorf("%s has no knob", a.ID)
		}
	}
	if kinds[assumptions.Readable] < 25 || kinds[assumptions.NeedsWrite] < 10 || kinds[assumptions.NeedsLoad] < 2 || len(kinds) != 3 {
		t.Errorf("kinds: %v", kinds)
	}
	all[0].ID = "changed"
	if assumptions.All()[0].ID == "changed" {
		t.Error("the list is shared")
	}
}

// TestKnobs: the knob of each entry exists.
func TestKnobs(t *testing.T) {
	has := make(map[string]bool)
	for name, dir := range map[string]string{"jumpcloudtest": "../../jumpcloud/jumpcloudtest", "aadtest": "../../aad/aadtest"} {
		for _, member := range members(t, dir) {
			has[name+"."+member] = true
		}
		for _, member := range members(t, "../../internal/fake") { // whose types both export
			has[name+"."+member] = true
		}
	}
	if !has["aadtest.Quirks.EmptyList"] || !has["jumpcloudtest.Server.SetOAuth"] || has["aadtest.Quirks.Nonsense"] {
		t.Fatalf("%d members were read", len(has))
	}
	for _, a := range assumptions.All() {
		for _, k := range a.Knobs {
			if !has[k] {
				t.Errorf("%s: there is no %s", a.ID, k)
			}
		}
	}
}

// members lists the functions of a package, the fields of its types and their methods.
func members(t *testing.T, dir string) (all []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(names), err)
	}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch d := n.(type) {
			case *ast.FuncDecl:
				recv := ""
				if d.Recv != nil {
					typ := d.Recv.List[0].Type
					if p, ok := typ.(*ast.StarExpr); ok {
						typ = p.X
					}
					if id, ok := typ.(*ast.Ident); ok {
						recv = id.Name + "."
					}
				}
				all = append(all, recv+d.Name.Name)
				return false
			case *ast.TypeSpec:
				if st, ok := d.Type.(*ast.StructType); ok {
					for _, field := range st.Fields.List {
						for _, n := range field.Names {
							all = append(all, d.Name.Name+"."+n.Name)
						}
					}
				}
			}
			return true
		})
	}
	return all
}

// TestSettings: the setting of each entry exists.
func TestSettings(t *testing.T) {
	types := map[string]reflect.Type{
		"federation.Options": reflect.TypeFor[federation.Options](), "federation.Plan": reflect.TypeFor[federation.Plan](),
		"federation.Application": reflect.TypeFor[federation.Application](), "federation.Group": reflect.TypeFor[federation.Group](),
		"federation.Consent": reflect.TypeFor[federation.Consent](), "federation.RotatePlan": reflect.TypeFor[federation.RotatePlan](),
		"federation.RepairPlan": reflect.TypeFor[federation.RepairPlan](),
		"aad.Options":           reflect.TypeFor[aad.Options](), "jumpcloud.Options": reflect.TypeFor[jumpcloud.Options](),
	}
	n := 0
	for _, a := range assumptions.All() {
		if a.Setting == "" {
			continue
		}
		n++
		i := strings.LastIndex(a.Setting, ".")
		typ := types[a.Setting[:i]]
		if typ == nil {
			t.Errorf("%s: %s is of no type that has settings", a.ID, a.Setting)
			continue
		}
		if _, ok := typ.FieldByName(a.Setting[i+1:]); !ok {
			t.Errorf("%s: there is no %s", a.ID, a.Setting)
		}
	}
	if n < 10 {
		t.Errorf("%d settings", n)
	}
}
