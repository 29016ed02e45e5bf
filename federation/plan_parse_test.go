package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

// fullPlan has a value in every field.
func fullPlan() Plan {
	return Plan{
		Domain: "example.com", Tenant: "t", Organization: "o", MFA: aad.AcceptIfMFADoneByFederatedIdP,
		Application: Application{Label: "L", IdPEntityID: "urn:x", LoginURL: "https://x", Template: "office365", ID: "a"},
		Groups:      []Group{{Name: "Everyone", Members: []string{"ada@example.com"}, ID: "g"}, {Name: "123"}},
		Directory: Directory{
			Name: "D", Rules: []string{"user_department"}, Groups: []string{"Everyone"}, DefaultDomain: "example.com", ID: "d",
		},
		BrandName: "B <&> ü", SignOutURL: "https://s", DefaultDomain: "contoso.onmicrosoft.com",
		TechnicalAccount: TechnicalAccount{UserPrincipalName: "t@contoso.onmicrosoft.com", DisplayName: "T", Create: true},
		Consent: Consent{
			TakeOver: true, Recover: true, NoBreakGlass: true, DirectorySync: true, RemoveNextCertificate: true, RemoveDuplicate: true,
			Certificate: []string{"expired"}, LockOut: LockOut{People: []string{"uma@example.com"}, AtMost: 2},
		},
	}
}

// nothingEmpty reports the first field below v that has no value.
func nothingEmpty(v reflect.Value, path string) string {
	if v.IsZero() {
		return path
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if at := nothingEmpty(v.Field(i), path+"."+v.Type().Field(i).Name); at != "" {
				return at
			}
		}
	}
	return ""
}

func TestParsePlanRoundTrip(t *testing.T) {
	if at := nothingEmpty(reflect.ValueOf(fullPlan()), "Plan"); at != "" {
		t.Fatalf("%s is not tried", at)
	}
	for name, want := range map[string]Plan{"full": fullPlan(), "zero": {}, "good": goodPlan()} {
		b, err := json.MarshalIndent(want, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParsePlan(b)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, b)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// A plan that is read as YAML into the struct must have the names it has in JSON.
func TestPlanTagsAgree(t *testing.T) {
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			inJSON, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			inYAML, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if inJSON == "" || inJSON != inYAML {
				t.Errorf("%s.%s: json %q, yaml %q", typ.Name(), f.Name, inJSON, inYAML)
			}
			inner := f.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				walk(inner)
			}
		}
	}
	walk(reflect.TypeFor[Plan]())
}

func TestParsePlanAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want Plan
	}{
		"byte order mark": {"\ufeff{\"domain\": \"a.example\"}\r\n", Plan{Domain: "a.example"}},
		"white space":     {" \n\t{ } \n", Plan{}},
		"no lists":        {`{"groups": null, "directory": {"rules": null}, "consent": {"lockOut": null}}`, Plan{}},
		"empty lists":     {`{"groups": [], "consent": {"certificate": []}}`, Plan{}},
		"nothing below":   {`{"application": null, "technicalAccount": {}, "consent": null}`, Plan{}},
		"text like else": {`{"domain": "1e3.example", "brandName": "null", "groups": [{"name": "123"}, {"name": "true"}]}`,
			Plan{Domain: "1e3.example", BrandName: "null", Groups: []Group{{Name: "123"}, {Name: "true"}}}},
		"escaped name": {`{"\u0064omain": "a\u002eexample"}`, Plan{Domain: "a.example"}},
		"a negative number is a matter of Validate": {`{"consent": {"lockOut": {"atMost": -1}}}`,
			Plan{Consent: Consent{LockOut: LockOut{AtMost: -1}}}},
		"as deep as may be is still no reason": {`{"consent": {"lockOut": {"people": ["a"]}}}`,
			Plan{Consent: Consent{LockOut: LockOut{People: []string{"a"}}}}},
	} {
		got, err := ParsePlan([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestParsePlanRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string // problems, each of which begins so
	}{
		"empty":       {"", []string{"the plan is empty"}},
		"mark alone":  {"\ufeff \n", []string{"the plan is empty"}},
		"null":        {"null", []string{"line 1, column 1: the plan is empty"}},
		"a list":      {"[]", []string{"line 1, column 1: fields are wanted, this is a list"}},
		"a text":      {`"x"`, []string{`line 1, column 1: fields are wanted, this is the text "x"`}},
		"YAML":        {"domain: a.example\n", []string{"line 1, column 1: this is no JSON: invalid character 'd'"}},
		"syntax":      {"{\n  \"domain\": \"ü\" x}", []string{"line 2, column 17: this is no JSON: invalid character 'x'"}},
		"last comma":  {"{\"domain\": \"a\",\n}", []string{"line 2, column 1: this is no JSON"}},
		"cut":         {"{\n\"domain\": \"a", []string{"line 2, column 13: the JSON ends too early"}},
		"Latin-1":     {"{\n\"ü\": \"a\xfc\"}", []string{"line 2, column 8: the file is not UTF-8"}},
		"UTF-16":      {"\xff\xfe{\x00}\x00", []string{"line 1, column 1: the file is not UTF-8"}},
		"two":         {"{}\n{}", []string{"line 2, column 1: more follows"}},
		"comma after": {"{},", []string{"line 1, column 3: more follows"}},
		"second mark": {"{}\ufeff", []string{"line 1, column 3: more follows"}},
		"too deep": {`{"domain":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}",
			[]string{"line 1, column 43: more than 32 lists and objects are nested here"}},
		"far too deep": {strings.Repeat("[", 1<<20), []string{"line 1, column "}},

		"unknown": {`{"x": {"password": "hunter2"}}`, []string{`line 1, column 2: x: no such field; the fields in a plan are domain, tenant,`}},
		"near": {`{"consent": {"takeOvr": true}}`,
			[]string{`line 1, column 14: consent.takeOvr: no such field; did you mean "takeOver"?`}},
		"swapped":            {`{"gruops": []}`, []string{`line 1, column 2: gruops: no such field; did you mean "groups"?`}},
		"nearest":            {`{"application": {"lable": ""}}`, []string{`line 1, column 18: application.lable: no such field; did you mean "label"?`}},
		"case":               {`{"Domain": "a"}`, []string{`line 1, column 2: Domain: no such field; did you mean "domain"? Small and capital letters`}},
		"snake":              {`{"brand_name": "a"}`, []string{`line 1, column 2: brand_name: no such field; did you mean "brandName"?`}},
		"misplace":           {`{"atMost": 3}`, []string{`line 1, column 2: atMost: no such field; did you mean "consent.lockOut.atMost"?`}},
		"two places":         {`{"name": "x"}`, []string{`line 1, column 2: name: no such field; the fields in a plan are`}},
		"a terminal's words": {`{"\u001b[31mx": 1}`, []string{`line 1, column 2: [31mx: no such field`}},

		"doubled":           {"{\"domain\": \"a\",\n\"domain\": \"a\"}", []string{"line 2, column 1: domain: doubled: it is there already on line 1"}},
		"doubled below":     {`{"groups": [{"name": "a", "name": "b"}]}`, []string{"line 1, column 27: groups[0].name: doubled"}},
		"doubled, escaped":  {`{"mfa": "a", "\u006dfa": "b"}`, []string{"line 1, column 14: mfa: doubled"}},
		"doubled, and case": {`{"mfa": "a", "MFA": "b"}`, []string{`line 1, column 14: MFA: no such field; did you mean "mfa"?`}},
		"doubled consent": {`{"consent": {"lockOut": {"atMost": 1}}, "consent": {"lockOut": {"atMost": 100}}}`,
			[]string{"line 1, column 41: consent: doubled"}},

		"number for text":  {`{"groups": [{"name": 123}]}`, []string{"line 1, column 22: groups[0].name: text is wanted, this is 123"}},
		"boolean for text": {`{"domain": true}`, []string{"line 1, column 12: domain: text is wanted, this is true"}},
		"list for text":    {`{"domain": ["a"]}`, []string{"line 1, column 12: domain: text is wanted, this is a list"}},
		"object for text":  {`{"domain": {"a": "b"}}`, []string{"line 1, column 12: domain: text is wanted, this has fields"}},
		"text for list":    {`{"directory": {"groups": "a"}}`, []string{`line 1, column 26: directory.groups: a list is wanted, this is the text "a"`}},
		"object for list":  {`{"groups": {"name": "a"}}`, []string{"line 1, column 12: groups: a list is wanted, this has fields"}},
		"text for group":   {`{"groups": ["a"]}`, []string{`line 1, column 13: groups[0]: fields are wanted, this is the text "a"`}},
		"number for item":  {`{"consent": {"certificate": ["a", 1]}}`, []string{"line 1, column 35: consent.certificate[1]: text is wanted, this is 1"}},
		"text for boolean": {`{"consent": {"takeOver": "true"}}`, []string{`line 1, column 26: consent.takeOver: true or false is wanted, this is the text "true"`}},
		"number for bool":  {`{"consent": {"takeOver": 1}}`, []string{"line 1, column 26: consent.takeOver: true or false is wanted, this is 1"}},
		"bool for consent": {`{"consent": true}`, []string{"line 1, column 13: consent: fields are wanted, this is true"}},
		"text for number":  {`{"consent": {"lockOut": {"atMost": "3"}}}`, []string{`line 1, column 36: consent.lockOut.atMost: a number is wanted, this is the text "3"`}},
		"half a person":    {`{"consent": {"lockOut": {"atMost": 0.5}}}`, []string{"line 1, column 36: consent.lockOut.atMost: a whole number in decimal digits is wanted, this is 0.5"}},
		"exponent":         {`{"consent": {"lockOut": {"atMost": 1e3}}}`, []string{"line 1, column 36: consent.lockOut.atMost: a whole number"}},
		"more than all":    {`{"consent": {"lockOut": {"atMost": 9223372036854775808}}}`, []string{"line 1, column 36: consent.lockOut.atMost: a whole number"}},
		"null for text":    {`{"tenant": null}`, []string{"line 1, column 12: tenant: text is wanted, and there is no value"}},
		"null for boolean": {`{"consent": {"takeOver": null}}`, []string{"line 1, column 26: consent.takeOver: true or false is wanted, and there is no value"}},
		"null for number":  {`{"consent": {"lockOut": {"atMost": null}}}`, []string{"line 1, column 36: consent.lockOut.atMost: a number is wanted, and"}},
		"null for an item": {`{"groups": [null, {"members": [null]}]}`, []string{"line 1, column 13: groups[0]: the item is empty", "line 1, column 32: groups[1].members[0]: the item is empty"}},
		"null with a typo": {`{"concent": null}`, []string{`line 1, column 2: concent: no such field; did you mean "consent"?`}},
		"a secret, misused": {`{"technicalAccount": {"create": "correct horse battery staple"}}`,
			[]string{"line 1, column 33: technicalAccount.create: true or false is wanted, this is a value of 28 characters"}},
		"all at once": {"{\"domian\": \"a\",\n \"mfa\": 1,\n \"groups\": [{\"nam\": \"x\"}, 7],\n \"mfa\": \"x\"}\n[",
			[]string{"line 1, column 2: domian: ", "line 2, column 9: mfa: ", "line 3, column 14: groups[0].nam: ", "line 3, column 27: groups[1]: ",
				"line 4, column 2: mfa: doubled", "line 5, column 1: more follows"}},
	} {
		p, err := ParsePlan([]byte(c.in))
		var e *PlanError
		if !errors.As(err, &e) {
			t.Errorf("%s: ParsePlan(%.80s) = %v; want a *PlanError", name, c.in, err)
			continue
		}
		if d := cmp.Diff(Plan{}, p); d != "" {
			t.Errorf("%s: a refused plan has values:\n%s", name, d)
		}
		var got []string
		for i, p := range e.Problems {
			got = append(got, p.String())
			if i < len(c.want) && strings.HasPrefix(got[i], c.want[i]) {
				got[i] = c.want[i]
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, secret := range []string{"hunter2", "horse", "\x1b", "\n"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells %q: %v", name, secret, err)
			}
		}
	}
}

func TestPlanErrorText(t *testing.T) {
	_, err := ParsePlan([]byte(`{"domian": "a", "mfa": 1}`))
	const want = `federation: this is no plan, 2 problems: line 1, column 2: domian: no such field; did you mean "domain"?; ` +
		`line 1, column 24: mfa: text is wanted, this is 1`
	if err == nil || err.Error() != want {
		t.Errorf("ParsePlan = %v\nwant %s", err, want)
	}
	if x := Explain(fmt.Errorf("plan.json: %w", err)); len(x) != 2 || !strings.Contains(x[1].Happened, "mfa: text is wanted") {
		t.Errorf("Explain = %v; want one for each problem", x)
	}
	if got := (PlanProblem{Path: "mfa", Line: 3, Text: "x"}).String(); got != "line 3: mfa: x" {
		t.Errorf("without a column: %s", got)
	}
}

// A file of the greatest size is read, on one line too, with no more allocations for
// each person than a small one.
func TestParsePlanSize(t *testing.T) {
	plan := func(people int) []byte {
		return []byte(`{"consent": {"lockOut": {"people": [` + strings.Repeat(`"ada.abbott@example.com",`, people) + `"x"]}}}`)
	}
	const most = maxPlanSize / 26
	p, err := ParsePlan(plan(most))
	if err != nil || len(p.Consent.LockOut.People) != most+1 {
		t.Errorf("%d people, %v", len(p.Consent.LockOut.People), err)
	}
	work := func(people int) float64 {
		b := plan(people)
		return testing.AllocsPerRun(1, func() { ParsePlan(b) })
	}
	each := work(most/16) / (most / 16)
	if got := work(most) / most; each < 1 || got > 1.1*each {
		t.Errorf("%d people take %.2f allocations each; %.2f in a small file", most, got, each)
	}
	_, err = ParsePlan([]byte(string(plan(most)) + strings.Repeat(" ", maxPlanSize)))
	if err == nil || !strings.Contains(err.Error(), "a plan may have 4194304") {
		t.Errorf("over the size: %v", err)
	}
}

// A list of aliases of one list is no way to make a small file great.
func TestParsePlanNodeBounds(t *testing.T) {
	repeat := func(n Node) Node {
		l := node{kind: NodeList, line: 9}
		for range 1 << 11 {
			l.children = append(l.children, n)
		}
		return l
	}
	group := fields(word("members"), repeat(word("ada@example.com")))
	_, err := ParsePlanNode(fields(word("groups"), repeat(group)))
	var e *PlanError
	if !errors.As(err, &e) || len(e.Problems) != 1 || !strings.Contains(err.Error(), "line 9: groups[510].members: the plan has more than") {
		t.Errorf("4 million members: %.300v", err)
	}
}

// node is what a reader of another format may make.
type node struct {
	kind     NodeKind
	value    string
	line     int
	children []Node
}

func (n node) Kind() NodeKind   { return n.kind }
func (n node) Value() string    { return n.value }
func (n node) Line() int        { return n.line }
func (n node) Column() int      { return 0 }
func (n node) Children() []Node { return n.children }

func fields(children ...Node) Node { return node{kind: NodeObject, children: children} }
func unquoted(s string) Node       { return node{kind: NodePlain, value: s, line: 7} }
func word(s string) Node           { return node{kind: NodeText, value: s, line: 7} }

func TestParsePlanNode(t *testing.T) {
	group := func(name Node) Node {
		return fields(unquoted("groups"), node{kind: NodeList, children: []Node{fields(unquoted("name"), name)}})
	}
	atMost := func(n Node) Node { return fields(word("consent"), fields(word("lockOut"), fields(word("atMost"), n))) }
	takeOver := func(n Node) Node { return fields(word("consent"), fields(word("takeOver"), n)) }
	circle := &node{kind: NodeObject}
	circle.children = []Node{word("consent"), circle}

	for name, c := range map[string]struct {
		in   Node
		want Plan
		says string
	}{
		"a number's name":  {in: group(unquoted("0123")), want: Plan{Groups: []Group{{Name: "0123"}}}},
		"a boolean's name": {in: group(unquoted("true")), want: Plan{Groups: []Group{{Name: "true"}}}},
		"a date's name":    {in: group(unquoted("2024-01-01")), want: Plan{Groups: []Group{{Name: "2024-01-01"}}}},
		"a domain":         {in: fields(word("domain"), unquoted("1e3.example")), want: Plan{Domain: "1e3.example"}},
		"true":             {in: takeOver(unquoted("true")), want: Plan{Consent: Consent{TakeOver: true}}},
		"false":            {in: takeOver(unquoted("false")), want: Plan{}},
		"3":                {in: atMost(unquoted("3")), want: Plan{Consent: Consent{LockOut: LockOut{AtMost: 3}}}},

		"nothing":         {in: nil, says: "the plan is empty"},
		"null":            {in: node{kind: NodeNull}, says: "the plan is empty"},
		"yes":             {in: takeOver(word("yes")), says: `line 7: consent.takeOver: true or false is wanted, this is the text "yes"`},
		"True":            {in: takeOver(unquoted("True")), says: "true or false is wanted, this is True"},
		"a quoted true":   {in: takeOver(word("true")), says: "true or false is wanted"},
		"octal":           {in: atMost(unquoted("010")), says: "decimal digits is wanted, this is 010"},
		"hexadecimal":     {in: atMost(unquoted("0x10")), says: "decimal digits is wanted"},
		"grouped":         {in: atMost(unquoted("1_000")), says: "decimal digits is wanted"},
		"plus":            {in: atMost(unquoted("+3")), says: "decimal digits is wanted"},
		"a tag":           {in: group(node{kind: "!!binary", value: "c2VjcmV0"}), says: `groups[0].name: text is wanted, this is of the kind "!!binary"`},
		"a tag at once":   {in: node{kind: "!plan"}, says: `fields are wanted, this is of the kind "!plan"`},
		"a null name":     {in: fields(node{kind: NodeNull, line: 2}, word("x")), says: "line 2: a name of a field is wanted here"},
		"a list's name":   {in: fields(node{kind: NodeList}, word("x")), says: "a name of a field is wanted here"},
		"a number's key":  {in: fields(unquoted("12"), word("x")), says: "line 7: 12: no such field"},
		"half a field":    {in: fields(word("domain")), says: "a name has no value"},
		"not UTF-8":       {in: group(word("a\xff")), says: "groups[0].name: the text is not UTF-8"},
		"a merge":         {in: fields(node{kind: NodeText, value: "<<"}, fields()), says: "<<: no such field"},
		"a circle":        {in: circle, says: "consent.consent: no such field"},
		"doubled nowhere": {in: fields(node{kind: NodeText, value: "mfa"}, word("a"), node{kind: NodeText, value: "mfa"}, word("a")), says: "mfa: doubled: it is there already"},
	} {
		got, err := ParsePlanNode(c.in)
		var e *PlanError
		switch {
		case c.says == "" && err != nil, c.says != "" && !errors.As(err, &e), c.says != "" && !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: ParsePlanNode = %v; want %q", name, err, c.says)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// A JSON plan never makes trouble, and what is read is as encoding/json reads it, and can be written and read again.
func FuzzParsePlan(f *testing.F) {
	for _, p := range []Plan{{}, goodPlan(), fullPlan()} {
		b, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		"", "null", "[]", "{}{}", "\ufeff{}", `{"Domain":1}`, `{"groups":[{"name":1,"name":null}]}`, `{"consent":{"takeOver":"\ud800"}}`, `{"a":[[{"b":1}]]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePlan(b)
		if err != nil {
			var e *PlanError
			if !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Fatalf("ParsePlan = %v; want a *PlanError with a problem", err)
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("more than a line: %q", err)
			}
			return
		}
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePlan(out)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v\n%s", err, out)
		}
		if d := cmp.Diff(p, again); d != "" {
			t.Fatal(d)
		}
		var loose Plan
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(b), "\ufeff")), &loose); err != nil {
			t.Fatalf("only the strict reader takes it: %v", err)
		}
		if len(loose.Groups) == 0 {
			loose.Groups = nil
		}
		if b, err := json.Marshal(loose); err != nil || string(b) != string(out) {
			t.Fatalf("encoding/json reads %s, %v\nwant %s", b, err, out)
		}
	})
}
