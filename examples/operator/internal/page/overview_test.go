package page

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// answerOfParts is what the script is answered.
type answerOfParts struct {
	Acts  string
	Parts map[string]string
}

func partsOf(t testing.TB, a answer) answerOfParts {
	t.Helper()
	var out answerOfParts
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: status %d, %v\n%s", a.url, a.status, err, a.body)
	}
	return out
}

func TestOverviewShowsWhatTheViewerMaySee(t *testing.T) {
	srv := site(t, mixed(t))
	contoso := []string{"c.example", "e.example", "a.example", "b.example", "d.example"}
	all := []string{"c.example", "e.example", "n.example", "a.example", "b.example", "m.example", "d.example"}
	for _, tt := range []struct {
		actor, path string
		want        []string
		waits       string
	}{
		{"ada", "/", all, "a.example b.example c.example m.example"},
		{"all", "/", all, ""},
		{"bob", "/", contoso, "a.example b.example c.example"},
		{"eve", "/", contoso, ""},
		{"sam", "/", nil, ""},
		{"ada", "/?state=approval", []string{"a.example", "b.example", "m.example"}, "a.example b.example c.example m.example"},
		{"eve", "/?state=approval", []string{"a.example", "b.example"}, ""},
		{"ada", "/?state=nothing", nil, "a.example b.example c.example m.example"},
		{"ada", "/?label=tier%3Dgold", []string{"a.example", "m.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?label=tier", []string{"a.example", "b.example", "m.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?label=tier&label=land%3Dat", []string{"a.example"}, "a.example b.example c.example m.example"},
		{"bob", "/?label=tier%3Dgold", []string{"a.example"}, "a.example b.example c.example"},
		{"ada", "/?days=ended", []string{"e.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?days=7", []string{"n.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?days=later", []string{"d.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?days=unknown&q=CONTOSO", []string{"c.example", "a.example", "b.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?q=olga", []string{"a.example", "b.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?q=M.exam", []string{"m.example"}, "a.example b.example c.example m.example"},
		{"ada", "/?q=silver", []string{"b.example"}, "a.example b.example c.example m.example"},
		{"bob", "/?waits=me", []string{"c.example", "a.example", "b.example"}, "a.example b.example c.example"},
		{"eve", "/?waits=me", nil, ""},
		{"bob", "/?q=fabrikam", nil, "a.example b.example c.example"},
	} {
		got := as(t, srv, tt.actor).get(tt.path)
		if got.status != http.StatusOK {
			t.Fatalf("%s for %s: status %d", tt.path, tt.actor, got.status)
		}
		if diff := cmp.Diff(tt.want, names(got.section(t, "domains"))); diff != "" {
			t.Errorf("%s for %s (-want +got):\n%s", tt.path, tt.actor, diff)
		}
		var waits []string
		for _, d := range all {
			if strings.Contains(got.section(t, "waits"), `"/domain/`+d+`"`) {
				waits = append(waits, d)
			}
		}
		slices.Sort(waits)
		if s := strings.Join(waits, " "); s != tt.waits {
			t.Errorf("%s for %s: waits %q, want %q", tt.path, tt.actor, s, tt.waits)
		}
	}
	for _, actor := range []string{"bob", "eve", "sam"} {
		if body := as(t, srv, actor).get("/").body; strings.Contains(body, "Fabrikam") || strings.Contains(body, "m.example") {
			t.Errorf("%s is shown what is of Fabrikam", actor)
		}
	}
	if body := as(t, srv, "ada").get("/").body; strings.Contains(body, "olga") {
		t.Error("the owner's name is shown")
	}
}

func TestOverviewCounts(t *testing.T) {
	srv := site(t, mixed(t))
	for actor, want := range map[string][2]string{
		"ada": {"7 domains 1 waiting for people 3 waiting for an approval 3 watched",
			"1 domain : certificates have ended 0 domains : certificates end within 1 day 1 domain : certificates end within 7 days " +
				"0 domains : certificates end within 30 days 0 domains : certificates end within 90 days " +
				"0 domains : certificates end within 365 days 1 domain : certificates end later 4 domains : certificates are not known"},
		"eve": {"5 domains 1 waiting for people 2 waiting for an approval 2 watched",
			"1 domain : certificates have ended 0 domains : certificates end within 1 day 0 domains : certificates end within 7 days " +
				"0 domains : certificates end within 30 days 0 domains : certificates end within 90 days " +
				"0 domains : certificates end within 365 days 1 domain : certificates end later 3 domains : certificates are not known"},
	} {
		got := as(t, srv, actor).get("/?state=watching")
		_, counts, _ := strings.Cut(got.section(t, "counts"), ">")
		if counts = readable(counts); counts != want[0] {
			t.Errorf("%s: counts %q", actor, counts)
		}
		_, list, _ := strings.Cut(got.section(t, "chart"), "</summary>")
		if list = readable(list); list != want[1] {
			t.Errorf("%s: chart %q", actor, list)
		}
	}
}

func TestBuckets(t *testing.T) {
	for days, want := range map[int]string{
		-400: "ended", -1: "ended", 0: "1", 1: "1", 2: "7", 7: "7", 8: "30", 30: "30", 31: "90", 90: "90", 91: "365", 365: "365", 366: "later",
	} {
		if got := bucketOf(&flow.Watched{Known: true, Days: days}); got != want {
			t.Errorf("%d days: %s, want %s", days, got, want)
		}
	}
	for _, w := range []*flow.Watched{nil, {Days: 3}} {
		if got := bucketOf(w); got != "unknown" {
			t.Errorf("%+v: %s", w, got)
		}
	}
}

// TestOrder: each thing that fails comes before what waits, and that before the rest.
func TestOrder(t *testing.T) {
	f := newFake(people()...)
	put := func(domain string, s flow.State) { s.Domain, s.Customer = domain, "Contoso"; f.set(s) }
	put("z1.example", flow.State{Phase: flow.Watching, Failures: 1})
	put("z2.example", flow.State{Phase: flow.Looking, Problem: &flow.Problem{Text: "no"}})
	put("z3.example", flow.State{Phase: flow.Verifying, Layers: []flow.Layer{{Name: "realm", Status: federation.Wrong}}})
	put("z4.example", flow.State{Phase: flow.People})
	put("z5.example", flow.State{Phase: flow.Watching, Watch: &flow.Watched{Foreign: true}})
	put("z6.example", flow.State{Phase: flow.Watching, Rotation: &flow.RotationState{Problem: &flow.Problem{Text: "no"}}})
	put("x3.example", flow.State{Phase: flow.Watching, Rotation: &flow.RotationState{Done: true, Problem: &flow.Problem{Text: "no"}}})
	put("y1.example", flow.State{Phase: flow.Turn})
	put("y2.example", flow.State{Phase: flow.Verifying, Layers: []flow.Layer{{Name: "realm", Status: federation.Late}}})
	put("y3.example", flow.State{Phase: flow.Watching, Paused: true})
	put("x1.example", flow.State{Phase: flow.Watching})
	put("x2.example", flow.State{Phase: flow.Looking})
	put("a1.example", flow.State{Phase: flow.Retired, Problem: &flow.Problem{Text: "old"}})
	want := []string{"z1.example", "z2.example", "z3.example", "z4.example", "z5.example", "z6.example",
		"y1.example", "y2.example", "y3.example",
		"x1.example", "x2.example", "x3.example", "a1.example"}
	if diff := cmp.Diff(want, names(as(t, site(t, f), "eve").get("/").body)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestWhatWaitsForWhom(t *testing.T) {
	f := mixed(t)
	f.proposes("a.example", "Contoso", func(o *flow.Open) { o.Two, o.First = true, firstApproval })
	f.approvers["a.example federate"] = []string{"bob"}
	f.batches = []flow.BatchState{
		{Batch: "both", Waves: [][]string{{"a.example"}, {"m.example"}}, Stopped: true},
		{Batch: "ours", Waves: [][]string{{"a.example"}}, Stopped: true},
		{Batch: "over", Waves: [][]string{{"a.example"}}, Stopped: true, Done: true},
		{Batch: "goes", Waves: [][]string{{"a.example"}}},
	}
	srv := site(t, f)
	f.approvers["n.example retire"], f.approvers["e.example retire"] = []string{"max"}, []string{"Ada"}
	for actor, want := range map[string]string{
		"bob": "b.example c.example batch ours", "kim": "batch both batch ours c.example a.example b.example m.example", "eve": "", "sam": "",
		"ada": "batch both batch ours c.example n.example a.example b.example", // who may retire; six are shown
	} {
		html := as(t, srv, actor).get("/").section(t, "waits")
		var got []string
		for _, item := range strings.Split(html, "<li>")[1:] {
			name, _, _ := strings.Cut(item, "</a>")
			got = append(got, readable(name))
		}
		if second := strings.Contains(html, "retire, approved by the first of two"); second != (actor == "ada") {
			t.Errorf("%s: a second is asked for: %v\n%s", actor, second, html)
		}
		w := strings.Join(got, " ")
		if actor == "bob" {
			w = strings.Join(slices.Sorted(slices.Values(got)), " ")
			want = "b.example batch ours c.example"
		}
		if w != want {
			t.Errorf("%s: %q, want %q", actor, w, want)
		}
	}
}

func TestExports(t *testing.T) {
	f := newFake(people()...)
	f.listed(t, entryOf{"a.example", "Contoso", "manage", "olga@provider.example", `note: "=1+1", tier: gold`})
	f.set(
		flow.State{Domain: "a.example", Customer: "Contoso", Phase: flow.People, Problem: &flow.Problem{Text: "=cmd|x"}, Failures: 2,
			Waits: "+1", Changed: then, Watch: &flow.Watched{Known: true, Days: -3, Drift: 1, Foreign: true}},
		flow.State{Domain: "b.example", Customer: "Contoso", Phase: flow.Watching, Found: federation.StateFederated, Effective: true},
		flow.State{Domain: "m.example", Customer: "Fabrikam", Phase: flow.Watching},
	)
	srv := site(t, f)
	eve := as(t, srv, "eve")
	got := eve.get("/?format=csv")
	want := "domain,customer,labels,phase,waits for,problem,failures,found,effective,days,drift,foreign,paused,unlisted,changed\n" +
		"a.example,Contoso,note==1+1; tier=gold,people,'+1,'=cmd|x,2,,false,-3,1,true,false,false,2026-03-14T09:00:00Z\n" +
		"b.example,Contoso,,watching,,,0,federated,true,,0,false,false,false,\n"
	if diff := cmp.Diff(want, got.body); diff != "" || got.header.Get("Content-Disposition") != `attachment; filename="domains.csv"` {
		t.Errorf("CSV as %q (-want +got):\n%s", got.header.Get("Content-Disposition"), diff)
	}
	if _, err := csv.NewReader(strings.NewReader(got.body)).ReadAll(); err != nil {
		t.Error(err)
	}
	wantJSON := `[
  {
    "domain": "a.example",
    "customer": "Contoso",
    "labels": [
      "note==1+1",
      "tier=gold"
    ],
    "phase": "people",
    "waits": "+1",
    "problem": "=cmd|x",
    "failures": 2,
    "effective": false,
    "days": -3,
    "drift": 1,
    "foreign": true,
    "changed": "2026-03-14T09:00:00Z"
  },
  {
    "domain": "b.example",
    "customer": "Contoso",
    "phase": "watching",
    "found": "federated",
    "effective": true
  }
]
`
	for _, a := range []answer{eve.get("/?format=json"), eve.get("/", "Accept", "application/json")} {
		if diff := cmp.Diff(wantJSON, a.body); diff != "" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
	}
	if got := eve.get("/?format=json&q=nobody").body; got != "[]\n" {
		t.Errorf("nothing is %q", got)
	}
	if got := eve.get("/?format=csv&state=watching").body; strings.Contains(got, "a.example") || !strings.Contains(got, "b.example") {
		t.Errorf("the filter is not that of the page: %s", got)
	}
}

// hundreds is a fake with n domains, half of which wait for an approval.
func hundreds(t testing.TB, n int) *fake {
	f := newFake(approve.Grant{Actor: "ada", Customer: approve.Everywhere, Role: approve.Admin})
	var entries []entryOf
	for i := range n {
		domain, customer := fmt.Sprintf("customer-with-a-long-name-%03d.example", i), fmt.Sprintf("Customer number %03d", i)
		entries = append(entries, entryOf{domain, customer, "manage", "olga@provider.example", "tier: gold, land: at, team: west"})
		if i%2 == 0 {
			f.proposes(domain, customer, nil)
			continue
		}
		f.set(flow.State{Domain: domain, Customer: customer, Phase: flow.Watching, Effective: true, Found: federation.StateFederated,
			Watch: &flow.Watched{Known: true, Days: i, Drift: i % 3}, Changed: then})
	}
	f.listed(t, entries...)
	return f
}

func TestHundreds(t *testing.T) {
	ada := as(t, site(t, hundreds(t, 300)), "ada")
	for path, want := range map[string]int{"/": 200, "/?page=2": 100, "/?page=9": 100, "/?page=x": 200, "/?state=approval": 150} {
		got := ada.get(path)
		if n := len(names(got.section(t, "domains"))); n != want {
			t.Errorf("%s: %d rows, want %d", path, n, want)
		}
		if len(got.body) > 1<<20 {
			t.Errorf("%s: %d bytes", path, len(got.body))
		}
	}
	for _, path := range []string{"/approve", "/approve?all=1&pilot=customer-with-a-long-name-000.example"} {
		if got := ada.get(path); len(got.body) > 1<<20 || strings.Count(got.body, "<tr>") < 150 {
			t.Errorf("%s: %d bytes, %d rows", path, len(got.body), strings.Count(got.body, "<tr>"))
		}
	}
	if n := strings.Count(ada.get("/?format=csv&page=2").body, "\n"); n != 301 {
		t.Errorf("%d lines of CSV", n)
	}
	got := readable(ada.get("/").section(t, "waits"))
	if !strings.Contains(got, "And 144 more") || !strings.Contains(got, "Approve several at once") {
		t.Errorf("waits: %s", got)
	}
}

func BenchmarkOverview300(b *testing.B) {
	ada := as(b, site(b, hundreds(b, 300)), "ada")
	for b.Loop() {
		ada.get("/")
	}
}
