package page

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// entryOf is an entry of a customers file.
type entryOf struct{ domain, name, mode, owner, labels string }

// listed puts entries into the customers file of a fake.
func (f *fake) listed(t testing.TB, entries ...entryOf) {
	t.Helper()
	var b strings.Builder
	b.WriteString("customers:\n")
	for i, e := range entries {
		owner := ""
		if e.owner != "" {
			owner = fmt.Sprintf("owner: %q, ", e.owner)
		}
		fmt.Fprintf(&b, "  - {name: %q, domain: %s, mode: %s, %slabels: {%s}, "+
			"plan: {mfa: acceptIfMfaDoneByFederatedIdp, groups: [{name: Everyone}]}, "+
			"jumpCloud: {apiKey: \"env:J%d\"}, azureAD: {tenant: 7b1f2c7e-0b0a-4b6e-9f0e-3f6a2f0c%04d, "+
			"clientID: 1c9d5a52-9f0e-4a0b-8a51-54a9a3d9b7b0, clientSecret: \"env:A%d\"}}\n", e.name, e.domain, e.mode, owner, e.labels, i, i, i)
	}
	var err error
	if f.file, err = customers.Parse([]byte(b.String()), "customers.yaml"); err != nil {
		t.Fatal(err)
	}
}

// proposes puts a proposal with a change into a fake, as it waits for an approval.
func (f *fake) proposes(domain, customer string, edit func(*flow.Open)) {
	o := &flow.Open{Hash: "hash-of-" + domain, Verb: federation.VerbFederate, Changes: 3, Life: time.Hour}
	if edit != nil {
		edit(o)
	}
	f.set(flow.State{Domain: domain, Customer: customer, Phase: flow.Approval, Mode: "manage", Waits: "an approval", Open: o})
	f.proposals[domain] = &federation.Proposal{
		Verb: o.Verb, Domain: domain, Hash: o.Hash, Created: then, Expires: then.Add(time.Hour),
		Findings: []federation.Finding{{Severity: federation.Info, Message: "seen whole: " + domain}},
	}
}

// The people of these tests: ada may do everything, bob approves for Contoso, eve looks at
// Contoso, and sam may do nothing.
func people() []approve.Grant {
	return []approve.Grant{
		{Actor: "ada", Customer: approve.Everywhere, Role: approve.Admin},
		{Actor: "all", Customer: approve.Everywhere, Role: approve.View},
		{Actor: "bob", Customer: "Contoso", Role: approve.Approve},
		{Actor: "eve", Customer: "Contoso", Role: approve.View},
		{Actor: "kim", Customer: "Contoso", Role: approve.Approve},
		{Actor: "kim", Customer: "Fabrikam", Role: approve.Approve},
	}
}

// mixed is a fake with a domain of each kind, of two customers.
func mixed(t testing.TB) *fake {
	f := newFake(people()...)
	f.listed(t,
		entryOf{"a.example", "Contoso", "manage", "olga@provider.example", "tier: gold, land: at"},
		entryOf{"b.example", "Contoso", "manage", "olga@provider.example", "tier: silver"},
		entryOf{"c.example", "Contoso", "manage", "", ""},
		entryOf{"d.example", "Contoso", "watch", "", ""},
		entryOf{"e.example", "Contoso", "manage", "", ""},
		entryOf{"m.example", "Fabrikam", "manage", "", "tier: gold"},
		entryOf{"n.example", "Fabrikam", "manage", "", ""},
	)
	f.proposes("a.example", "Contoso", nil)
	f.proposes("b.example", "Contoso", nil)
	f.set(
		flow.State{Domain: "c.example", Customer: "Contoso", Phase: flow.People, Problem: &flow.Problem{Text: "the key is wrong"}, Changed: then},
		flow.State{Domain: "d.example", Customer: "Contoso", Phase: flow.Watching, Effective: true, Found: federation.StateFederated,
			Watch: &flow.Watched{Known: true, Days: 400, Drift: 2}, Changed: then},
		flow.State{Domain: "e.example", Customer: "Contoso", Phase: flow.Watching, Effective: true, Found: federation.StateFederated,
			Watch: &flow.Watched{Known: true, Days: -2}, Changed: then},
	)
	f.proposes("m.example", "Fabrikam", nil)
	f.set(flow.State{Domain: "n.example", Customer: "Fabrikam", Phase: flow.Watching,
		Watch: &flow.Watched{Known: true, Days: 6, Foreign: true}})
	return f
}

// section is one live part of a page.
func (a answer) section(t testing.TB, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(a.body, `data-part="`+name+`"`)
	if !ok {
		t.Fatalf("there is no part %s in %s (%d)\n%s", name, a.url, a.status, a.body)
	}
	s, _, _ := strings.Cut(rest, "</section>")
	return s
}

var domainLink = regexp.MustCompile(`<th scope="row"><a href="/domain/([^"]*)"`)

// names are the domains of a table, in their order.
func names(html string) []string {
	var out []string
	for _, m := range domainLink.FindAllStringSubmatch(html, -1) {
		out = append(out, m[1])
	}
	return out
}

// readable is what is read of a piece of a page.
func readable(html string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(html, " ")), " ")
}

// openForm is the form of a page that is sent to an address, and its fields.
func openForm(t testing.TB, b *browser, page, action string) url.Values {
	t.Helper()
	return b.get(page).form(t, action)
}

// refusals are what the audit has of a verb that was refused.
func (f *fake) refusals(verb string) int {
	n := 0
	for _, e := range f.logged() {
		if e.Verb == "refuse" && strings.HasPrefix(e.Outcome, verb+": ") {
			n++
		}
	}
	return n
}

// TestPartsHoldNoForm: what the script replaces takes nothing away that is being typed,
// and every part is there when the page is loaded.
func TestPartsHoldNoForm(t *testing.T) {
	f := mixed(t)
	f.batches = []flow.BatchState{{Batch: "one", Waves: [][]string{{"a.example"}, {"b.example"}}, Outcomes: map[string]flow.Outcome{}}}
	ada := as(t, site(t, f), "ada")
	for _, tt := range []struct {
		path  string
		parts []string
	}{
		{"/", []string{"chart", "counts", "domains", "notices", "waits"}},
		{"/approve", []string{"notices"}},
		{"/approve?pilot=a.example&domain=b.example", []string{"notices"}},
		{"/batches", []string{"batches", "notices"}},
		{"/batch/one", []string{"notices", "waves"}},
		{"/audit", []string{"notices"}},
	} {
		whole := ada.get(tt.path)
		if whole.status != http.StatusOK {
			t.Fatalf("%s: status %d", tt.path, whole.status)
		}
		fresh := partsOf(t, ada.get(tt.path, partsHeader, "1"))
		if got := slices.Sorted(maps.Keys(fresh.Parts)); !slices.Equal(got, tt.parts) {
			t.Errorf("%s: parts %v, want %v", tt.path, got, tt.parts)
		}
		for name, html := range fresh.Parts {
			if regexp.MustCompile(`<(form|input|button|select|textarea)`).MatchString(html) {
				t.Errorf("%s: the part %s has a form", tt.path, name)
			}
			if !strings.Contains(whole.body, html) {
				t.Errorf("%s: the part %s is not that of the page", tt.path, name)
			}
		}
		if !strings.Contains(whole.body, `data-acts="`+fresh.Acts+`"`) {
			t.Errorf("%s: the token %s is not that of the page", tt.path, fresh.Acts)
		}
	}
}

// TestNothingIsMarkup: no text of a workflow, a file or an address becomes part of a page's
// language.
func TestNothingIsMarkup(t *testing.T) {
	const canary = `"'><script>alert(1)</script><img src=x onerror=y>`
	f := newFake(people()...)
	f.listed(t, entryOf{"a.example", canary, "manage", canary, "tier: " + fmt.Sprintf("%q", canary)},
		entryOf{"b.example", canary, "manage", "", ""})
	for _, name := range []string{"a.example", "b.example"} {
		f.proposes(name, canary, func(o *flow.Open) { o.Hash = canary + name })
		f.proposals[name].Findings[0].Message = canary
		s := f.states[name]
		s.Waits, s.Found = canary, federation.State(canary)
		f.set(s)
	}
	f.set(flow.State{Domain: "c.example", Customer: canary, Phase: flow.People, Problem: &flow.Problem{Text: canary}},
		flow.State{Domain: "d.example", Customer: canary, Phase: flow.Phase(canary), Waits: canary})
	f.batches = []flow.BatchState{{Batch: canary, Waves: [][]string{{canary}, {"a.example"}},
		Outcomes: map[string]flow.Outcome{canary: flow.OutcomeFailed}, Stopped: true, Why: canary}}
	f.entries = append(f.entries, auditEntry(canary))
	ada := as(t, site(t, f), "ada")
	q := url.QueryEscape(canary)
	for path, shows := range map[string]int{
		"/": 6, "/?q=" + q + "&label=" + q + "&state=" + q + "&days=" + q: 2, "/?label=" + url.QueryEscape("tier="+canary): 2,
		"/approve": 2, "/approve?q=" + q: 2, "/approve?pilot=a.example&domain=b.example": 3,
		"/approve?pilot=a.example&domain=b.example&domain=" + q: 3, "/approve?pilot=" + q: 1,
		"/batches": 1, "/batch/" + url.PathEscape(canary): 3, "/audit": 5, "/audit?from=" + q + "&actor=" + q: 2,
	} {
		got := ada.get(path)
		if got.status != http.StatusOK {
			t.Errorf("%s: status %d", path, got.status)
		}
		if n := strings.Count(got.body, "alert(1)"); n < shows {
			t.Errorf("%s: shown %d times, want %d at least", path, n, shows)
		}
		if strings.Contains(got.body, "<script>") || strings.Contains(got.body, "<img") || strings.Contains(got.body, `"'><`) {
			t.Errorf("%s: a text is markup:\n%s", path, got.body)
		}
		if regexp.MustCompile(`\s(style|on[a-z]+)="`).MatchString(got.body) {
			t.Errorf("%s: a style or a script in the page itself", path)
		}
	}
}

// firstApproval is the reference of the first approval of two.
var firstApproval = &data.Ref{Name: "first"}

// proxied is a guard that believes the proxy that the tests play.
func proxied(t testing.TB) *approve.Guard {
	t.Helper()
	g, err := approve.NewGuard(approve.GuardOptions{Header: identity, Trusted: prefixes("127.0.0.0/8", "::1/128")})
	if err != nil {
		t.Fatal(err)
	}
	return g
}
