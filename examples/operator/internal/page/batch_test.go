package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// twoBatches is a fake with a batch of both customers, and one of Contoso that is stopped.
func twoBatches(t *testing.T) *fake {
	f := mixed(t)
	f.batches = []flow.BatchState{
		{Batch: "newer-batch", Waves: [][]string{{"a.example"}, {"m.example", "b.example", "gone.example"}}, Wave: 1, Outcomes: map[string]flow.Outcome{
			"a.example": flow.OutcomeEffective, "m.example": flow.OutcomeTurn, "b.example": flow.OutcomeWaiting, "gone.example": flow.OutcomeSkipped,
		}},
		{Batch: "older-batch", Waves: [][]string{{"d.example"}, {"c.example", "e.example"}}, Wave: 1, Outcomes: map[string]flow.Outcome{
			"d.example": flow.OutcomeEffective, "c.example": flow.OutcomeFailed, "e.example": flow.OutcomeWithdrawn,
		}, Failed: 1, Stopped: true, Why: "too many domains failed"},
		{Batch: "last-batch", Waves: [][]string{{"m.example"}}, Outcomes: map[string]flow.Outcome{"m.example": flow.OutcomeFederated}, Done: true},
	}
	return f
}

func TestBatches(t *testing.T) {
	srv := site(t, twoBatches(t))
	for actor, want := range map[string]string{
		"ada": "newer-ba wave 2 of 2 has its turn a.example 4 2 0 older-ba stopped is stopped d.example 3 2 1 last-bat is over m.example 1 0 0",
		"bob": "newer-ba wave 2 of 2 has its turn a.example 4 2 0 older-ba stopped is stopped d.example 3 2 1",
		"sam": "",
	} {
		_, body, _ := strings.Cut(as(t, srv, actor).get("/batches").section(t, "batches"), "<tbody>")
		body, _, _ = strings.Cut(body, "</tbody>")
		if got := readable(body); got != want {
			t.Errorf("%s: %q", actor, got)
		}
	}
}

func TestBatchShowsWhatTheViewerMaySee(t *testing.T) {
	srv := site(t, twoBatches(t))
	for _, tt := range []struct {
		actor, batch string
		status       int
		waves, forms string
		says, hides  []string
	}{
		{"ada", "newer-batch", 200, "a.example m.example b.example", "pause skip", []string{"gone.example", "has its turn", "skipped by a person"}, []string{"may not see"}},
		{"all", "newer-batch", 200, "a.example m.example b.example", "", []string{"gone.example"}, nil},
		{"bob", "newer-batch", 200, "a.example b.example", "skip", []string{"And 2 domains that you may not see"}, []string{"m.example", "gone.example", "Fabrikam"}},
		{"kim", "newer-batch", 200, "a.example m.example b.example", "pause skip", []string{"And 1 domain that you may not see"}, []string{"gone.example"}},
		{"eve", "newer-batch", 200, "a.example b.example", "", nil, []string{"m.example"}},
		{"sam", "newer-batch", 404, "", "", nil, []string{"a.example"}},
		{"bob", "last-batch", 404, "", "", nil, []string{"m.example"}},
		{"kim", "last-batch", 200, "m.example", "", []string{"is over", "federated, not effective yet"}, nil},
		{"ada", "older-batch", 200, "d.example c.example e.example", "resume skip", []string{"too many domains failed", "failures are counted anew", "1 failure is counted"}, nil},
		{"bob", "older-batch", 200, "d.example c.example e.example", "resume skip", []string{"The batch is stopped", "withdrawn"}, []string{"too many"}},
		{"eve", "older-batch", 200, "d.example c.example e.example", "", []string{"The batch is stopped"}, []string{"too many"}},
		{"ada", "nothing", 404, "", "", nil, nil},
	} {
		got := as(t, srv, tt.actor).get("/batch/" + tt.batch)
		if got.status != tt.status {
			t.Fatalf("%s of %s: status %d", tt.batch, tt.actor, got.status)
		}
		if n := strings.Join(names(got.body), " "); n != tt.waves {
			t.Errorf("%s of %s: %q, want %q", tt.batch, tt.actor, n, tt.waves)
		}
		var forms []string
		for _, verb := range []string{"pause", "resume", "skip"} {
			if strings.Contains(got.body, `action="/batch/`+tt.batch+"/"+verb+`"`) {
				forms = append(forms, verb)
			}
		}
		if s := strings.Join(forms, " "); s != tt.forms {
			t.Errorf("%s of %s: forms %q, want %q", tt.batch, tt.actor, s, tt.forms)
		}
		for _, s := range tt.says {
			if !strings.Contains(got.body, s) {
				t.Errorf("%s of %s does not say %q", tt.batch, tt.actor, s)
			}
		}
		for _, s := range tt.hides {
			if strings.Contains(got.body, s) {
				t.Errorf("%s of %s says %q", tt.batch, tt.actor, s)
			}
		}
	}
	bob := as(t, srv, "bob").get("/batch/older-batch").body
	_, list, _ := strings.Cut(bob, "<select")
	if list, _, _ = strings.Cut(list, "</select>"); readable("<"+list) != "choose one c.example" {
		t.Errorf("bob may skip %q", readable("<"+list))
	}
}

func TestBatchActs(t *testing.T) {
	for name, tt := range map[string]struct {
		actor, batch, verb string
		domain             string
		forged             bool // no page has shown this form
		status             int  // 200
		acts               []Act
		says               string
	}{
		"pause":  {actor: "kim", batch: "newer-batch", verb: "pause", acts: []Act{{Verb: "pause", Batch: "newer-batch"}}, says: "The batch is stopped."},
		"resume": {actor: "bob", batch: "older-batch", verb: "resume", acts: []Act{{Verb: "resume", Batch: "older-batch"}}, says: "The batch goes on."},
		"skip": {actor: "bob", batch: "newer-batch", verb: "skip", domain: "b.example",
			acts: []Act{{Verb: "skip", Batch: "newer-batch", Domains: []string{"b.example"}}}, says: "b.example is skipped"},
		"skip nothing":       {actor: "bob", batch: "newer-batch", verb: "skip", says: "Choose the domain"},
		"skip another's":     {actor: "bob", batch: "newer-batch", verb: "skip", domain: "m.example", status: 404},
		"skip what is not":   {actor: "bob", batch: "newer-batch", verb: "skip", domain: "d.example", status: 404},
		"skip what is gone":  {actor: "bob", batch: "newer-batch", verb: "skip", domain: "gone.example", status: 404},
		"skip as a viewer":   {actor: "eve", batch: "newer-batch", verb: "skip", domain: "b.example", forged: true, status: 403},
		"pause with half":    {actor: "bob", batch: "newer-batch", verb: "pause", forged: true, status: 403},
		"pause as a viewer":  {actor: "all", batch: "newer-batch", verb: "pause", forged: true, status: 403},
		"pause as nobody":    {actor: "sam", batch: "newer-batch", verb: "pause", forged: true, status: 404},
		"pause another's":    {actor: "bob", batch: "last-batch", verb: "pause", forged: true, status: 404},
		"pause without form": {actor: "ada", batch: "newer-batch", verb: "pause", forged: true, status: 409},
	} {
		t.Run(name, func(t *testing.T) {
			f := twoBatches(t)
			b := as(t, site(t, f), tt.actor)
			at := "/batch/" + tt.batch + "/" + tt.verb
			form := url.Values{"nonce": {"mine"}}
			if !tt.forged {
				form = openForm(t, b, "/batch/"+tt.batch, at)
			}
			if tt.domain != "" {
				form.Set("domain", tt.domain)
			}
			for i := range tt.acts {
				tt.acts[i].ID, tt.acts[i].Actor = form.Get("nonce"), approve.Actor{Name: tt.actor, From: "127.0.0.1"}
			}
			got := b.post(at, form)
			if tt.status != 0 && got.status != tt.status || tt.status == 0 && (got.status != http.StatusOK || got.url.Path != "/batch/"+tt.batch) {
				t.Errorf("status %d at %s", got.status, got.url)
			}
			if !strings.Contains(got.body, tt.says) {
				t.Errorf("not told %q:\n%s", tt.says, got.body)
			}
			b.post(at, form) // counts once
			if diff := cmp.Diff(tt.acts, f.done()); diff != "" {
				t.Errorf("acts (-want +got):\n%s", diff)
			}
			if tt.status != 0 && f.refusals(tt.verb) != 2 {
				t.Errorf("%d refusals in the audit", f.refusals(tt.verb))
			}
		})
	}
	f := twoBatches(t)
	f.actErr = errors.New("the batch is over")
	b := as(t, site(t, f), "ada")
	got := b.post("/batch/newer-batch/pause", openForm(t, b, "/batch/newer-batch", "/batch/newer-batch/pause"))
	if !strings.Contains(got.body, `class="result bad"`) || !strings.Contains(got.body, "The batch is over.") {
		t.Errorf("a refusal is not told:\n%s", got.body)
	}
	// A form of one batch is none of another, nor of another verb.
	form := openForm(t, b, "/batch/newer-batch", "/batch/newer-batch/pause")
	for _, at := range []string{"/batch/older-batch/resume", "/batch/newer-batch/resume", "/batch/older-batch/pause"} {
		if got := b.post(at, form); got.status != http.StatusConflict {
			t.Errorf("%s: status %d", at, got.status)
		}
	}
}

// TestActsToken: the script says that a page is outdated when other forms are to be shown,
// and not because somebody else is further.
func TestActsToken(t *testing.T) {
	f := twoBatches(t)
	ada := as(t, site(t, f), "ada")
	acts := func(path string) string { return partsOf(t, ada.get(path, partsHeader, "1")).Acts }
	batch, several := acts("/batch/newer-batch"), acts("/approve")
	f.set(flow.State{Domain: "d.example", Customer: "Contoso", Phase: flow.Looking})
	if acts("/batch/newer-batch") != batch || acts("/approve") != several {
		t.Error("another token, and nothing else can be done")
	}
	f.batches[0].Outcomes["b.example"] = flow.OutcomeEffective
	f.proposes("a.example", "Contoso", func(o *flow.Open) { o.Hash = "another" })
	if acts("/batch/newer-batch") == batch || acts("/approve") == several {
		t.Error("the same token, and something else can be done")
	}
}
