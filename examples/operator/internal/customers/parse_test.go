package customers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
)

const full = `roles:
  ada@provider.example: admin
customers:
  - name: Contoso
    domain: Contoso.Example.
    owner: grace@provider.example
    labels: {tier: gold, since: 2024}
    mode: manage
    standing: [rotate-own-key, mend-ours]
    window: {days: [tue, mon], from: "22:00", to: 04:00, timeZone: Europe/Berlin}
    roles: {grace@provider.example: [view, approve]}
    twoPeople: false
    jumpCloud: &jc
      apiKey: env:CONTOSO_JUMPCLOUD
      organization: 5f0c
      region: eu
    azureAD:
      tenant: 7B1F
      clientID: 1c9d
      clientSecret: {command: [vault, read, -field=secret, kv/contoso]}
    plan:
      tenant: 7b1f
      mfa: acceptIfMfaDoneByFederatedIdp
      groups: &groups [{name: Everyone}]
  - jumpCloud: {clientID: abc, clientSecret: env:B, url: "https://jc.example", tokenURL: "http://127.0.0.1:1/t"}
    azureAD: {token: env:C, graphURL: "http://[::1]:2", loginURL: "http://localhost:3", cloud: china}
    plan: {domain: b.example, mfa: rejectMfaByFederatedIdp, groups: *groups}
`

// entry is a customer with nothing wrong, and what is put in front of its plan.
func entry(domain, more string) string {
	return "  - domain: " + domain + "\n    jumpCloud: {apiKey: env:A}\n    azureAD: {tenant: t, clientID: c, clientSecret: env:B}\n" +
		more + "    plan: {mfa: rejectMfaByFederatedIdp, groups: [{name: Everyone}]}\n"
}

func parse(t *testing.T, s string) *File {
	t.Helper()
	f, err := Parse([]byte(s), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func env(t *testing.T, name string) secret.Source {
	t.Helper()
	s, err := secret.Env(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	f := parse(t, full)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	command, err := secret.Command("vault", "read", "-field=secret", "kv/contoso")
	if err != nil {
		t.Fatal(err)
	}
	everyone := []federation.Group{{Name: "Everyone"}}
	want := &File{
		Roles: []Role{{"ada@provider.example", Admin}},
		Customers: []Customer{
			{
				Name: "Contoso", Domain: "contoso.example", Owner: "grace@provider.example",
				Labels: map[string]string{"tier": "gold", "since": "2024"}, Mode: Manage, Standing: []Standing{RotateOwnKey, MendOurs},
				Window:    &Window{[]time.Weekday{time.Monday, time.Tuesday}, 22 * time.Hour, 4 * time.Hour, berlin},
				Roles:     []Role{{"grace@provider.example", View}, {"grace@provider.example", Approve}},
				TwoPeople: new(bool),
				JumpCloud: Credential{Kind: APIKey, Secret: env(t, "CONTOSO_JUMPCLOUD"), Of: "5f0c", Region: "eu"},
				AzureAD:   Credential{Kind: App, ClientID: "1c9d", Secret: command, Of: "7B1F", Region: "public"},
				Plan: federation.Plan{
					Domain: "contoso.example", Tenant: "7b1f", MFA: "acceptIfMfaDoneByFederatedIdp", Groups: everyone,
				},
			},
			{
				Name: "b.example", Domain: "b.example", Mode: Watch,
				JumpCloud: Credential{
					Kind: ServiceAccount, ClientID: "abc", Secret: env(t, "B"), Region: "us",
					URL: "https://jc.example", LoginURL: "http://127.0.0.1:1/t",
				},
				AzureAD: Credential{Kind: Token, Secret: env(t, "C"), Region: "china", URL: "http://[::1]:2", LoginURL: "http://localhost:3"},
				Plan:    federation.Plan{Domain: "b.example", MFA: "rejectMfaByFederatedIdp", Groups: everyone},
			},
		},
	}
	opts := cmp.Options{
		cmpopts.IgnoreUnexported(File{}),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
	}
	if d := cmp.Diff(want, f, opts); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, spelling := range []string{"contoso.example", "CONTOSO.example.", " contoso.EXAMPLE "} {
		if c, ok := f.ByDomain(spelling); !ok || c != &f.Customers[0] {
			t.Errorf("ByDomain(%q) = %v, %v", spelling, c, ok)
		}
	}
	if _, ok := f.ByDomain("c.example"); ok {
		t.Error("a domain that is not listed is there")
	}
	if _, ok := (*File)(nil).ByDomain("b.example"); ok {
		t.Error("no file has an entry")
	}
}

func TestCredentialKey(t *testing.T) {
	a := Credential{Kind: APIKey, Secret: env(t, "A"), Of: "o", Region: "us"}
	if same := a; same.Key() != a.Key() {
		t.Error("equal credentials have different keys")
	}
	for i, change := range []func(*Credential){
		func(c *Credential) { c.Kind = Token }, func(c *Credential) { c.ClientID = "o" }, func(c *Credential) { c.Secret = env(t, "B") },
		func(c *Credential) { c.Of = "" }, func(c *Credential) { c.Region = "eu" }, func(c *Credential) { c.URL = "u" },
		func(c *Credential) { c.LoginURL = "u" },
	} {
		b := a
		if change(&b); b.Key() == a.Key() {
			t.Errorf("change %d: another credential has the same key", i)
		}
	}
}

const canary = "canary-7d1e"

func TestProblems(t *testing.T) {
	one := func(more string) string { return "customers:\n" + entry("a.example", more) }
	credentials := func(jc, ad string) string {
		return "customers:\n  - domain: a.example\n    jumpCloud: " + jc + "\n    azureAD: " + ad +
			"\n    plan: {mfa: rejectMfaByFederatedIdp, groups: [{name: E}]}\n"
	}
	const goodAD, goodJC = "{token: env:B}", "{apiKey: env:A}"
	plan := func(p string) string {
		return "customers:\n  - domain: a.example\n    jumpCloud: {apiKey: env:A}\n    azureAD: {token: env:B}\n    plan: " + p + "\n"
	}
	window := func(w string) string { return one("    window: " + w + "\n") }
	for _, c := range []struct{ file, says string }{
		{"", "c.yaml: the file is empty"},
		{"# nothing\n", "the file is empty"},
		{"---\n", "line 2, column 1: something with fields is wanted, this is without a value"},
		{"- a\n", "line 1, column 1: something with fields is wanted, this is a list"},
		{"customers: [\n", "this is no YAML"},
		{"a: b\n\tc: d\n", "line 2: this is no YAML"},
		{"a: \xff\n", "this is no YAML"},
		{"a: b\nc: *" + canary + "\n", "line 2, column 4: this is no YAML: an alias of nothing"},
		{"a: &a [*a]\n", "line 1, column 4: this contains an alias of itself"},
		{"customers: []\n", "line 1, column 12: customers: no customer is listed"},
		{"customers:\n", "customers: a list is wanted, this is without a value"},
		{"roles: {}\n", "the field customers is missing"},
		{one("") + "---\n" + one(""), "more than one document"},
		{one("") + "customrs: 1\n", `line 6, column 1: customrs: no such field; did you mean "customers"?`},
		{one("    two_people: true\n"), `line 5, column 5: customers[0].two_people: no such field; did you mean "twoPeople"?`},
		{one("    Mode: watch\n"), `did you mean "mode"? Small and capital letters are told apart`},
		{one("    zzzzzzzz: 1\n"), "no such field; there are name, domain, owner"},
		{one("    <<: {mode: manage}\n"), "no such field"},
		{one("    ? [a]\n    : b\n"), "line 5, column 7: customers[0]: a name is wanted here"},
		{one("    mode: watch\n    mode: manage\n"), "line 6, column 5: customers[0]: a name is doubled: it is there already on line 5"},
		{one("    mode: mange\n"), `line 5, column 11: customers[0].mode: no such value; did you mean "manage"?`},
		{one("    mode:\n"), "customers[0].mode: a text is wanted, this is without a value"},
		{one("    standing: rotate-own-key\n"), "customers[0].standing: a list is wanted, this is a text"},
		{one("    standing: [rotate-ownkeys]\n"), `customers[0].standing[0]: no such value; did you mean "rotate-own-key"?`},
		{one("    standing: [mend-ours, mend-ours]\n"), "customers[0].standing[1]: doubled"},
		{one("    twoPeople: yes\n"), "customers[0].twoPeople: true or false, without quotes, is wanted, this is a text"},
		{one("    twoPeople: 1\n"), "true or false, without quotes, is wanted"},
		{one("    name: ' x'\n"), "customers[0].name: the text begins or ends with white space"},
		{one("    name: \"a\\u202eb\"\n"), "characters that cannot be seen"},
		{one("    owner: ''\n"), "customers[0].owner: the text is empty"},
		{one("    owner: " + strings.Repeat("x", 257) + "\n"), "longer than 256 bytes"},
		{one("    labels: {a: [b]}\n"), "customers[0].labels: a text is wanted, this is a list"},
		{one("    labels: {'': b}\n"), "the name of a label: the text is empty"},
		{one("    labels: x\n"), "customers[0].labels: something with fields is wanted, this is a text"},
		{one("    roles: {ada: [vew]}\n"), `customers[0].roles[0]: no such value; did you mean "view"?`},
		{one("    roles: {ada: []}\n"), "this actor has no role"},
		{one("    roles: {ada: }\n"), "customers[0].roles: a list is wanted"},
		{one("    roles: {'*': view}\n"), "roles are given to actors"},
		{one("    roles: {ada " + canary + ": x}\n"), "no such value; there are view, approve, admin"},
		{"roles:\n  Ada" + canary + ": view\n" + one("    roles: {ada"+canary+": view}\n"),
			"line 7, column 13: customers[0].roles: this actor and the one on line 2"},
		{window("{}"), "the field days is missing"},
		{window("{days: [], from: '1:00', to: 25:00, timeZone: Mars}"), "a window without days never opens"},
		{window("{days: [monday], from: 01:00, to: 02:00, timeZone: UTC}"), `customers[0].window.days[0]: no such value`},
		{window("{days: [mon], from: '1:00', to: 02:00, timeZone: UTC}"), "customers[0].window.from: this is no time of day"},
		{window("{days: [mon], from: 01:00, to: 24:01, timeZone: UTC}"), "customers[0].window.to: this is no time of day"},
		{window("{days: [mon], from: 01:00, to: 02:00, timeZone: Local}"), "customers[0].window.timeZone: no such time zone"},
		{window("{days: [mon], from: 01:00, to: 02:00, timeZone: ''}"), "no such time zone"},
		{window("{days: [mon], from: 01:00, to: 02:00, timeZone: ../../etc/passwd}"), "no such time zone"},
		{window("{days: [mon], from: 24:00, to: 02:00, timeZone: UTC}"), "a window begins before it"},
		{window("{days: [mon], from: 02:00, to: 02:00, timeZone: UTC}"), "ends when it begins"},
		{"customers:\n  - {}\n", "customers[0]: the field jumpCloud is missing"},
		{"customers:\n  - {}\n", "customers[0]: the field domain is missing"},
		{"customers:\n  - x\n", "customers[0]: something with fields is wanted"},
		{"customers:\n" + entry("nodot", ""), "line 2, column 13: customers[0].domain: the domain has no dot"},
		{"customers:\n" + entry("[a]", ""), "customers[0].domain: a text is wanted"},
		{"customers:\n" + entry("bücher.example", ""), "xn--"},
		{"customers:\n" + entry("x.onmicrosoft.com", ""), "Microsoft's own"},
		{credentials("{apiKey: "+canary+"}", goodAD), "line 3, column 25: customers[0].jumpCloud.apiKey: this says where the secret is"},
		{credentials("{apiKey: {"+canary+": x}}", goodAD), "env:NAME, or command:"},
		{credentials("{apiKey: {command: "+canary+"}}", goodAD), "env:NAME, or command:"},
		{credentials("{apiKey: {command: []}}", goodAD), "names no program"},
		{credentials("{apiKey: {command: [a, [b]]}}", goodAD), "customers[0].jumpCloud.apiKey.command: an argument is a text"},
		{credentials("{apiKey: ["+canary+"]}", goodAD), "env:NAME, or command:"},
		{credentials("{apiKey: !!binary "+canary+"}", goodAD), "env:NAME, or command:"},
		{credentials("{apiKey: env:A, clientID: x}", goodAD), "there are two credentials"},
		{credentials("{region: us}", goodAD), "there is no credential"},
		{credentials("{clientID: x}", goodAD), "the field clientSecret is missing"},
		{credentials("{clientSecret: env:X}", goodAD), "the field clientID is missing"},
		{credentials("{apikey: env:A}", goodAD), `customers[0].jumpCloud.apikey: no such field; did you mean "apiKey"?`},
		{credentials("{apiKey: env:A, region: uk}", goodAD), "customers[0].jumpCloud.region: no such value"},
		{credentials("{apiKey: env:A, url: 'http://jc.example'}", goodAD), "https is wanted"},
		{credentials("{apiKey: env:A, url: 'https://u:"+canary+"@jc.example'}", goodAD), "without user, password"},
		{credentials("{apiKey: env:A, url: jc}", goodAD), "an address such as https://host is wanted"},
		{credentials(goodJC, "{clientID: a, clientSecret: env:B}"), "customers[0].azureAD: the field tenant is missing"},
		{credentials(goodJC, "{}"), "there is no credential: give token, or clientID and clientSecret"},
		{plan(""), "customers[0].plan: the plan is empty"},
		{plan("{mfa: rejectMfaByFederatedIdp, groups: [{nam: E}]}"),
			`line 5, column 52: customers[0].plan.groups[0].nam: no such field; did you mean "name"?`},
		{plan("{mfa: rejectMfa, groups: [{name: E}]}"), "line 5, column 17: customers[0].plan: "},
		{plan("{mfa: rejectMfaByFederatedIdp, groups: []}"), "line 5, column 42: customers[0].plan: the plan names no group"},
		{plan("{mfa: rejectMfaByFederatedIdp, groups: [{name: E, members: " + canary + "}]}"), "a list is wanted, this is something else"},
		{plan("{mfa: rejectMfaByFederatedIdp, groups: [{name: E, members: ['" + canary + "']}]}"), "the member (not shown) of the group"},
		{plan("{mfa: rejectMfaByFederatedIdp, groups: [{name: E}], technicalAccount: {userPrincipalName: ' " + canary + " '}}"),
			"(not shown) is not a user"},
		{plan("{domain: b.example, mfa: rejectMfaByFederatedIdp, groups: [{name: E}]}"),
			"customers[0].plan.domain: the plan is of another domain than the entry, which says a.example on line 2"},
		{credentials("{apiKey: env:A, organization: o}", goodAD+"\n    plan: {organization: p}"), "a name is doubled"},
		{"customers:\n  - domain: a.example\n    jumpCloud: {apiKey: env:A, organization: o}\n    azureAD: {token: env:B, tenant: t}\n" +
			"    plan: {tenant: T2, organization: O2, mfa: rejectMfaByFederatedIdp, groups: [{name: E}]}\n",
			"line 5, column 24: customers[0].plan.organization: the plan is pinned to another organization"},
	} {
		f, err := Parse([]byte(c.file), "c.yaml")
		var e *Error
		if !errors.As(err, &e) || f != nil || len(e.Problems) == 0 {
			t.Errorf("%s\nis a file: %v, %v; want %q", c.file, f, err, c.says)
			continue
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s\nsays %v\nwant %q", c.file, err, c.says)
		}
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\nthe error tells too much: %v", c.file, err)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	file := "customers:\n" + entry("a.example", "    mode: x\n    twoPeople: 3\n") + entry("A.Example.", "") + entry(".", "") + "rolls: {}\n"
	_, err := Parse([]byte(file), "c.yaml")
	want := []Problem{
		{Path: "customers[0].mode", Line: 5, Column: 11, Text: "no such value; there are watch, manage"},
		{Path: "customers[0].twoPeople", Line: 6, Column: 16, Text: "true or false, without quotes, is wanted, this is a number, a date, true or false"},
		{Path: "customers[1]", Line: 8, Column: 13, Text: "the domain a.example has two entries, on line 2 and on line 8: give it one"},
		{Path: "customers[2].domain", Line: 12, Column: 13, Text: "the domain is empty"},
		{Path: "rolls", Line: 16, Column: 1, Text: `no such field; did you mean "roles"?`},
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, e.Problems); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if !strings.HasPrefix(err.Error(), "c.yaml: 5 problems: line 5, column 11: customers[0].mode: no such value") {
		t.Errorf("the error says %v", err)
	}
}

// Two entries of one domain, one of which names it in its plan only.
func TestDoubledInPlan(t *testing.T) {
	file := full + entry("B.EXAMPLE", "")
	_, err := Parse([]byte(file), "c.yaml")
	if err == nil || !strings.Contains(err.Error(), "the domain b.example has two entries, on line 27 and on line 28") {
		t.Errorf("err = %v", err)
	}
}

// Aliases of aliases make a file of few lines that has many values.
func TestManyValues(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	if _, err := Parse([]byte(b.String()), "c.yaml"); err == nil || !strings.Contains(err.Error(), "more than 4194304 values") {
		t.Errorf("err = %v", err)
	}
	if _, err := Parse(make([]byte, maxSize+1), "c.yaml"); err == nil || !strings.Contains(err.Error(), "more than 32 MiB") {
		t.Errorf("err = %v", err)
	}
}

func TestManyCustomers(t *testing.T) {
	var b strings.Builder
	b.WriteString("customers:\n")
	for i := range 1000 {
		b.WriteString(entry(fmt.Sprintf("c%d.example", i), ""))
	}
	f := parse(t, b.String())
	if c, ok := f.ByDomain("C999.example"); len(f.Customers) != 1000 || !ok || c.Domain != "c999.example" {
		t.Errorf("%d customers, %v", len(f.Customers), c)
	}
}

// FuzzParse holds that every file that is read is one whose entries are whole, and that
// every problem is on one line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("customers:\n" + entry("a.example", "    mode: x\n")))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("customers: [{domain: a.example, <<: {}, plan: !x {}}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b, "f")
		if err != nil {
			var e *Error
			if file != nil || !errors.As(err, &e) || len(e.Problems) == 0 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("%v, %q", file, err)
			}
			return
		}
		if len(file.Customers) == 0 {
			t.Error("a file without customers")
		}
		for i := range file.Customers {
			c := &file.Customers[i]
			if got, ok := file.ByDomain(c.Domain); !ok || got != c || c.Plan.Domain != c.Domain || c.Plan.Validate() != nil {
				t.Errorf("entry %d is not whole: %+v", i, c)
			}
			if c.JumpCloud.Secret.IsZero() || c.AzureAD.Secret.IsZero() || c.Name == "" || c.Mode != Watch && c.Mode != Manage {
				t.Errorf("entry %d lacks something: %+v", i, c)
			}
			if c.Window != nil && c.Window.Next(time.Now()).IsZero() {
				t.Errorf("entry %d: the window never opens: %+v", i, c.Window)
			}
		}
		if d := Compare(file, file); len(d) > 0 {
			t.Errorf("a file differs from itself: %v", d)
		}
	})
}
