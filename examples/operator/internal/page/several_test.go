package page

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// TestCandidates: what may be approved with others, what is the pilot only, and what is
// neither, for each of the rules.
func TestCandidates(t *testing.T) {
	f := newFake(people()...)
	f.listed(t, entryOf{"good.example", "Contoso", "manage", "", ""}, entryOf{"watched.example", "Contoso", "watch", "", ""},
		entryOf{"repair.example", "Contoso", "manage", "", ""}, entryOf{"rotate.example", "Contoso", "manage", "", ""},
		entryOf{"revert.example", "Contoso", "manage", "", ""}, entryOf{"two.example", "Contoso", "manage", "", ""},
		entryOf{"second.example", "Contoso", "manage", "", ""}, entryOf{"own.example", "Contoso", "manage", "", ""},
		entryOf{"lost.example", "Contoso", "manage", "", ""}, entryOf{"consent.example", "Contoso", "manage", "", ""},
		entryOf{"twolost.example", "Contoso", "manage", "", ""}, entryOf{"other.example", "Fabrikam", "manage", "", ""},
		entryOf{"turn.example", "Contoso", "manage", "", ""})
	f.approvers["own.example federate"] = []string{"bob"}
	f.approvers["second.example federate"] = []string{"kim"}
	for domain, edit := range map[string]func(*flow.Open){
		"good.example": nil, "watched.example": nil, "gone.example": nil,
		"repair.example":  func(o *flow.Open) { o.Verb = federation.VerbRepair },
		"rotate.example":  func(o *flow.Open) { o.Verb = federation.VerbRotate },
		"revert.example":  func(o *flow.Open) { o.Verb = federation.VerbRevert },
		"two.example":     func(o *flow.Open) { o.Two = true },
		"second.example":  func(o *flow.Open) { o.Two, o.First = true, firstApproval },
		"own.example":     func(o *flow.Open) { o.Two, o.First = true, firstApproval },
		"lost.example":    func(o *flow.Open) { o.LockedOut = 2 },
		"consent.example": func(o *flow.Open) { o.Consent = true },
		"twolost.example": func(o *flow.Open) { o.Two, o.LockedOut = true, 2 },
		"turn.example":    nil,
	} {
		f.proposes(domain, "Contoso", edit)
	}
	f.proposes("other.example", "Fabrikam", nil)
	turn := f.states["turn.example"]
	turn.Phase = flow.Turn
	f.set(turn)
	srv := site(t, f)
	got := as(t, srv, "bob").get("/approve")
	lists := map[string][]string{"with": nil, "pilot": nil, "cannot": nil}
	for _, part := range strings.Split(got.body, "<h2>")[1:] {
		switch title, rest, _ := strings.Cut(part, "</h2>"); title {
		case "Can be approved with others":
			lists["with"] = names(rest)
		case "Can be the pilot only":
			lists["pilot"] = names(rest)
		case "Cannot be approved with others":
			lists["cannot"] = names(rest)
		}
	}
	want := map[string][]string{
		"with":   {"good.example", "repair.example", "second.example"},
		"pilot":  {"consent.example", "lost.example"},
		"cannot": {"gone.example", "own.example", "revert.example", "rotate.example", "two.example", "twolost.example", "watched.example"},
	}
	if diff := cmp.Diff(want, lists); diff != "" {
		t.Errorf("bob (-want +got):\n%s", diff)
	}
	for _, why := range []string{"it is not in the customers file", "you have approved it", "it is to revert", "it is to rotate",
		"let the first approve it by itself", "the customer is only watched", "it needs a consent", "2 people lose their sign-in"} {
		if !strings.Contains(got.body, why) {
			t.Errorf("bob is not told that %s", why)
		}
	}
	for _, actor := range []string{"eve", "all", "sam"} {
		if n := names(as(t, srv, actor).get("/approve").body); len(n) != 0 {
			t.Errorf("%s is offered %v", actor, n)
		}
	}
	if n := names(as(t, srv, "kim").get("/approve?q=fabrikam").body); !slices.Equal(n, []string{"other.example"}) {
		t.Errorf("kim is offered %v", n)
	}
	for query, wrong := range map[string]string{
		"domain=good.example&domain=repair.example": "Choose one as the pilot",
		"all=1":                                      "Choose one as the pilot",
		"pilot=good.example":                         "Choose at least one more",
		"pilot=good.example&domain=good.example":     "Choose at least one more",
		"pilot=two.example&domain=good.example":      "two.example cannot be the pilot: two people must approve it",
		"pilot=other.example&domain=good.example":    "other.example cannot be the pilot: no proposal of it waits for your approval.",
		"pilot=nowhere.example&domain=good.example":  "nowhere.example cannot be the pilot: no proposal of it waits for your approval.",
		"pilot=good.example&domain=lost.example":     "Choose at least one more",
		"pilot=consent.example&domain=other.example": "Choose at least one more",
	} {
		got := as(t, srv, "bob").get("/approve?" + query)
		if !strings.Contains(got.body, wrong) || strings.Contains(got.body, `action="/batch"`) {
			t.Errorf("%s: want %q and no form", query, wrong)
		}
	}
	kept := as(t, srv, "bob").get("/approve?domain=good.example&all=1").body
	if n := strings.Count(kept, " checked"); n != 2 || !strings.Contains(kept, `value="good.example" checked`) {
		t.Errorf("%d marks are kept", n)
	}
	beyond := as(t, srv, "bob").get("/approve?pilot=lost.example&domain=good.example&q=repair").body
	if !strings.Contains(beyond, "Approve all 2") {
		t.Error("what the address names is not found beside what is listed")
	}
	f.proposals["lost.example"].Hash = "another"
	if got := as(t, srv, "bob").get("/approve?pilot=lost.example&domain=good.example"); strings.Contains(got.body, `action="/batch"`) {
		t.Error("a pilot is offered whose proposal is another")
	}
}

// threeOf is a fake with three proposals of Contoso, and the address of their confirmation.
func threeOf(t *testing.T) (*fake, string) {
	f := mixed(t)
	f.proposes("e.example", "Contoso", func(o *flow.Open) { o.LockedOut = 1 })
	return f, "/approve?pilot=e.example&domain=a.example&domain=b.example&domain=m.example"
}

func filled(form url.Values, edit func(url.Values)) url.Values {
	for name, value := range map[string]string{"after": "effective", "failures": "1", "number": "3", "typed": "E.example."} {
		form.Set(name, value)
	}
	if edit != nil {
		edit(form)
	}
	return form
}

func TestSeveralAtOnce(t *testing.T) {
	f, at := threeOf(t)
	bob := as(t, site(t, f), "bob")
	page := bob.get(at)
	for _, want := range []string{"seen whole: e.example", "1 person loses the sign-in", "Approve all 3",
		"m.example: no proposal of it waits"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the confirmation does not show %q:\n%s", want, page.body)
		}
	}
	if strings.Contains(page.body, "seen whole: a.example") || strings.Contains(page.body, "Fabrikam") {
		t.Error("the confirmation shows too much")
	}
	form := filled(page.form(t, "/batch"), func(v url.Values) { v.Set("after", "federated"); v.Set("failures", "2") })
	nonce := form.Get("nonce")
	got := bob.post("/batch", form)
	want := []Act{{
		ID: nonce, Actor: approve.Actor{Name: "bob", From: "127.0.0.1"}, Verb: "batch", Domains: []string{"e.example", "a.example", "b.example"},
		Hashes: []string{"hash-of-e.example", "hash-of-a.example", "hash-of-b.example"}, Federated: true, Failures: 2,
	}}
	if diff := cmp.Diff(want, f.done()); diff != "" {
		t.Fatalf("acts (-want +got):\n%s", diff)
	}
	if got.url.Path != "/batch/"+nonce || !strings.Contains(got.body, "Approved, 3 domains") || !strings.Contains(got.body, "being begun") {
		t.Errorf("at %s:\n%s", got.url, got.body)
	}
	if again := bob.post("/batch", form); again.url.Path != "/batch/"+nonce || !strings.Contains(again.body, "Approved, 3 domains") {
		t.Errorf("sent again: at %s", again.url)
	}
	f.proposes("a.example", "Contoso", func(o *flow.Open) { o.Hash = "later" }) // what was approved is no more
	if again := bob.post("/batch", form); again.url.Path != "/batch/"+nonce || !strings.Contains(again.body, "Approved, 3 domains") {
		t.Errorf("sent again later: at %s", again.url)
	}
	if n := len(f.done()); n != 1 {
		t.Errorf("%d acts", n)
	}
	if other := as(t, bob.srv, "kim").get("/batch/" + nonce); other.status != http.StatusNotFound {
		t.Errorf("kim is shown what was not heard of: %d", other.status)
	}
}

func TestSeveralRefused(t *testing.T) {
	set := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	again := func(domain string, edit func(*flow.Open)) func(*fake) {
		return func(f *fake) { f.proposes(domain, "Contoso", edit) }
	}
	add := func(domain, hash string) func(url.Values) {
		return func(v url.Values) { v.Add("domain", domain); v.Add("hash", hash) }
	}
	for name, tt := range map[string]struct {
		actor  string // bob
		edit   func(url.Values)
		before func(*fake)
		status int // 200
		says   string
		keep   bool // the same form can be sent again, corrected
	}{
		"no number":     {edit: set("number", ""), says: "Type the number of domains", keep: true},
		"wrong number":  {edit: set("number", "2"), says: "2 was typed, and these are 3 domains", keep: true},
		"words":         {edit: set("number", "three"), says: "&#34;three&#34; was typed", keep: true},
		"wrong pilot":   {edit: set("typed", "a.example"), says: "this is about e.example", keep: true},
		"no pilot":      {edit: set("typed", ""), says: "Type e.example into the field", keep: true},
		"no failures":   {edit: set("failures", "0"), says: "The number of failures that stop it is from 1 to 3", keep: true},
		"many failures": {edit: set("failures", "4"), says: "is from 1 to 3", keep: true},
		"changed": {before: again("b.example", func(o *flow.Open) { o.Hash = "new" }),
			says: "The proposal of b.example has changed"},
		"void": {before: func(f *fake) { f.set(flow.State{Domain: "a.example", Customer: "Contoso"}) },
			says: "The proposal of a.example has changed"},
		"locks out now": {before: again("b.example", func(o *flow.Open) { o.LockedOut = 9 }),
			says: "One of the batch cannot be approved in it: b.example: it may be the pilot only"},
		"two now": {before: again("e.example", func(o *flow.Open) { o.Two = true }),
			says: "The pilot of the batch cannot be approved in it: e.example: two people"},
		"another's domain": {edit: add("m.example", "hash-of-m.example"), status: 404, says: "nothing that you may see"},
		"no such domain":   {edit: add("x.example", "x"), status: 404, says: "nothing that you may see"},
		"another order": {edit: func(v url.Values) {
			v["domain"] = []string{"a.example", "e.example", "b.example"}
			v["hash"] = []string{"hash-of-a.example", "hash-of-e.example", "hash-of-b.example"}
			v.Set("typed", "a.example")
		},
			says: "One of the batch cannot be approved in it: e.example"},
		"fewer": {edit: func(v url.Values) { v["domain"], v["hash"] = v["domain"][:2], v["hash"][:2]; v.Set("number", "2") },
			status: 409, says: "made for somebody else or for something else"},
		"other hash": {edit: func(v url.Values) { v["hash"][1] = "of my own" }, says: "The proposal of a.example has changed"},
		"twice": {edit: func(v url.Values) { v["domain"][2], v["hash"][2] = "a.example", "hash-of-a.example" },
			says: "The form names a.example twice"},
		"nothing":      {edit: func(v url.Values) { v.Del("domain") }, says: "does not name the pilot"},
		"one":          {edit: func(v url.Values) { v["domain"], v["hash"] = v["domain"][:1], v["hash"][:1] }, says: "does not name the pilot"},
		"no hash":      {edit: func(v url.Values) { v["hash"] = v["hash"][:2] }, says: "does not name the pilot"},
		"no nonce":     {edit: func(v url.Values) { v.Del("nonce") }, status: 409, says: "not known any more"},
		"only looks":   {actor: "eve", status: 403, says: "role does not allow"},
		"sees nothing": {actor: "sam", status: 404, says: "nothing that you may see"},
		"bob's form":   {actor: "kim", status: 409, says: "made for somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			f, at := threeOf(t)
			srv := site(t, f)
			bob := as(t, srv, "bob")
			form := bob.get(at).form(t, "/batch")
			if tt.before != nil {
				tt.before(f)
			}
			sender := bob
			if tt.actor != "" {
				sender = as(t, srv, tt.actor)
			}
			good := filled(clone(form), nil)
			got := sender.post("/batch", filled(clone(form), tt.edit))
			if want := max(tt.status, http.StatusOK); got.status != want {
				t.Errorf("status %d, want %d", got.status, want)
			}
			if !strings.Contains(got.body, tt.says) {
				t.Errorf("not told %q:\n%s", tt.says, got.body)
			}
			if tt.status == 0 && !strings.Contains(got.body, "Nothing was done.") {
				t.Error("not told that nothing was done")
			}
			if acts := f.done(); len(acts) != 0 {
				t.Fatalf("done: %+v", acts)
			}
			if tt.status >= 400 && f.refusals("batch") != 1 {
				t.Errorf("%d refusals in the audit", f.refusals("batch"))
			}
			if tt.keep {
				if got.url.Path != "/approve" || got.url.Query().Get("pilot") != "e.example" || !strings.Contains(got.body, `action="/batch"`) {
					t.Errorf("back at %s", got.url)
				}
				if sender.post("/batch", good); len(f.done()) != 1 {
					t.Error("the form cannot be sent again")
				}
			}
		})
	}
}

func clone(v url.Values) url.Values {
	out := make(url.Values)
	for k, list := range v {
		out[k] = slices.Clone(list)
	}
	return out
}

func TestSeveralWithoutSome(t *testing.T) {
	f, at := threeOf(t)
	bob := as(t, site(t, f), "bob")
	form := filled(bob.get(at).form(t, "/batch"), nil)
	f.actErr = &PartError{
		Batch: form.Get("nonce"), Left: []string{"a.example", "b.example"}, Why: []error{errors.New("it was rejected."), ErrNoWorker},
	}
	f.batches = []flow.BatchState{{Batch: form.Get("nonce"), Waves: [][]string{{"e.example"}}}}
	got := bob.post("/batch", form)
	if got.url.Path != "/batch/"+form.Get("nonce") {
		t.Errorf("at %s", got.url)
	}
	for _, want := range []string{"under way without 2 domains", "a.example (it was rejected)", "b.example (nothing was recorded: no worker"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("not told %q:\n%s", want, got.body)
		}
	}
	if again := bob.post("/batch", form); again.url.Path != got.url.Path || !strings.Contains(again.body, "under way without 2 domains") {
		t.Errorf("sent again: at %s", again.url)
	}
}

func TestSeveralNotRecorded(t *testing.T) {
	f, at := threeOf(t)
	bob := as(t, site(t, f), "bob")
	f.actErr = ErrNoWorker
	form := filled(bob.get(at).form(t, "/batch"), nil)
	got := bob.post("/batch", form)
	if got.url.Path != "/approve" || !strings.Contains(got.body, "Nothing was recorded") {
		t.Errorf("at %s:\n%s", got.url, got.body)
	}
	if missing := bob.get("/batch/" + form.Get("nonce")); missing.status != http.StatusNotFound {
		t.Errorf("a batch that is none: %d", missing.status)
	}
	if again := bob.post("/batch", form); again.url.Path != "/approve" || len(f.done()) != 1 {
		t.Errorf("sent again: at %s, %d acts", again.url, len(f.done()))
	}
}

// TestSeveralByPassword: one password is one person, so nothing that needs two is offered.
func TestSeveralByPassword(t *testing.T) {
	const password = "correct horse battery"
	f, at := threeOf(t)
	f.roles = approve.PasswordRoles()
	f.proposes("b.example", "Contoso", func(o *flow.Open) { o.Two, o.First = true, firstApproval })
	g, err := approve.NewGuard(approve.GuardOptions{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	b := as(t, serve(t, Options{Backend: f, Guard: g, Now: func() time.Time { return then }}), "")
	b.post("/log-in", url.Values{"password": {password}, "to": {"/"}})
	got := b.get(at)
	if !strings.Contains(got.body, "b.example: two people must approve it, and a password cannot tell people apart") {
		t.Errorf("b.example is not left out:\n%s", got.body)
	}
}

// TestAllOfAList: everything that a filter shows is chosen by one mark, and approved as it
// was shown.
func TestAllOfAList(t *testing.T) {
	f := hundreds(t, 300)
	ada := as(t, site(t, f), "ada")
	const pilot = "customer-with-a-long-name-010.example"
	page := ada.get("/approve?all=1&label=tier%3Dgold&pilot=" + pilot)
	form := page.form(t, "/batch")
	f.proposes("customer-with-a-long-name-001.example", "Customer number 001", nil) // after the page was shown
	bad := filled(clone(form), func(v url.Values) { v.Set("number", "151"); v.Set("typed", pilot) })
	got := ada.post("/batch", bad)
	if got.url.RawQuery == "" || len(got.url.RequestURI()) > 300 || !strings.Contains(got.body, "these are 150 domains") {
		t.Fatalf("back at %s", got.url)
	}
	ada.post("/batch", filled(form, func(v url.Values) { v.Set("number", strconv.Itoa(150)); v.Set("typed", pilot) }))
	acts := f.done()
	if len(acts) != 1 || len(acts[0].Domains) != 150 || acts[0].Domains[0] != pilot ||
		slices.Contains(acts[0].Domains, "customer-with-a-long-name-001.example") {
		t.Fatalf("%+v", acts)
	}
}
