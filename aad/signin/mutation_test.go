package signin_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// TestMutations changes one thing at a time in a message that is accepted, and
// holds the verdict against the tables in testdata: what was done, whether the
// message is accepted, the code, and a check that must be among those told.
func TestMutations(t *testing.T) {
	by := make(map[string][]string) // the mutations by their verdict
	for _, table := range []struct {
		file     string
		base     func() maker
		protocol aad.Protocol
	}{
		{"testdata/mutations20.txt", good, aad.SAML},
		{"testdata/mutations11.txt", good11, aad.WSFed},
	} {
		b, err := os.ReadFile(table.file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			what, want, ok := strings.Cut(line, " => ")
			if !ok {
				t.Fatalf("%s: %q has no expectation", table.file, line)
			}
			t.Run(string(table.protocol)+" "+what, func(t *testing.T) {
				m := table.base()
				op, both := strings.CutPrefix(what, "both ")
				op, after := strings.CutPrefix(op, "after ")
				m.response = both
				edit := func(root *etree.Element) { mutate(t, root, strings.Fields(op)) }
				if m.before = edit; after {
					m.before, m.after = nil, edit
				}
				v := judge(t, m.make(t), tenant(table.protocol))
				got := fmt.Sprintf("%v %s", v.Accepted, strings.TrimPrefix(v.Code, "AADSTS"))
				fields := strings.Fields(want)
				accepted := strings.ReplaceAll(fields[0], "-", " ")
				code := strings.Trim(fields[1], "-")
				if got != accepted+" "+code {
					t.Errorf("%s; want %s\n%s", got, want, list(v))
				}
				if !slices.ContainsFunc(v.Checks, func(c signin.Check) bool {
					return string(c.Topic) == fields[2] && c.Result.String() == fields[3]
				}) {
					t.Errorf("no check %s %s\n%s", fields[2], fields[3], list(v))
				}
				if attack := len(fields) > 4 && fields[4] == "attack"; attack != (v.Attack != "") {
					t.Errorf("attack %q; want one: %v", v.Attack, attack)
				}
				if (v.User != nil) != (v.Accepted == signin.Yes) {
					t.Errorf("the user is %v with %v", v.User, v.Accepted)
				}
				by[accepted] = append(by[accepted], string(table.protocol)+" "+what+": "+strings.Join(fields[1:4], " "))
			})
		}
	}
	n := 0
	for _, k := range slices.Sorted(maps.Keys(by)) {
		t.Logf("%s: %d\n\t%s", k, len(by[k]), strings.Join(by[k], "\n\t"))
		n += len(by[k])
	}
	if n < 150 && !t.Failed() {
		t.Errorf("%d mutations; want 150", n)
	}
}

func list(v *signin.Verdict) string {
	var b strings.Builder
	for _, c := range v.Checks {
		fmt.Fprintf(&b, "\t%s %v %s", c.Topic, c.Result, c.Found)
		if c.Unproved {
			b.WriteString(" (unproved)")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// mutate does one thing to a message: see the head of the tables.
func mutate(t *testing.T, root *etree.Element, op []string) {
	el := find(root, op[1])
	if el == nil {
		t.Fatalf("there is no %s", op[1])
	}
	in := el.Parent()
	value := strings.ReplaceAll(strings.Join(op[min(len(op), 2):], " "), `\n`, "\n")
	switch op[0] {
	case "remove":
		in.RemoveChild(el)
	case "double":
		in.InsertChildAt(el.Index(), el.Copy())
	case "empty":
		for len(el.Child) > 0 {
			el.RemoveChildAt(0)
		}
	case "text":
		el.SetText(value)
	case "attr":
		el.CreateAttr(op[2], strings.Join(op[3:], " "))
	case "noattr":
		if el.RemoveAttr(op[2]) == nil {
			t.Fatalf("%s has no %s", op[1], op[2])
		}
	case "first":
		in.RemoveChild(el)
		in.InsertChildAt(0, el)
	case "last":
		in.RemoveChild(el)
		in.AddChild(el)
	case "move":
		in.RemoveChild(el)
		find(root, op[2]).AddChild(el)
	case "rename":
		el.Tag = op[2]
	case "space":
		el.Space = ""
		el.CreateAttr("xmlns", op[2])
	case "comment":
		s := el.Text()
		el.SetText(s[:len(s)/2])
		el.AddChild(etree.NewComment(""))
		el.CreateText(s[len(s)/2:])
	case "addtext":
		el.CreateText(value)
	case "append", "prepend":
		doc := etree.NewDocument()
		if err := doc.ReadFromString(value); err != nil {
			t.Fatal(err)
		}
		at := len(el.Child)
		if op[0] == "prepend" {
			at = 0
		}
		el.InsertChildAt(at, doc.Root())
	default:
		t.Fatalf("no operation %q", op[0])
	}
}
