package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// decision is a form of a domain's page, filled in.
type decision struct {
	verb string
	set  func(*flow.State) // what the domain is like, beside contosoState
	more url.Values
	want Act // without what all have
	says string
}

var typedName = url.Values{"typed": {contoso}}

var decisions = map[string]decision{
	"approve": {verb: "approve", more: url.Values{"typed": {" CONTOSO.example. "}}, want: Act{Hashes: []string{hashA}},
		says: "Approved. It is carried out"},
	"approve first": {
		verb: "approve", set: func(s *flow.State) { s.Open.Two = true }, more: typedName,
		want: Act{Hashes: []string{hashA}}, says: "Approved as the first of two",
	},
	"approve second": {
		verb: "approve", set: func(s *flow.State) { s.Open.Two, s.Open.First = true, new(data.Ref) }, more: typedName,
		want: Act{Hashes: []string{hashA}}, says: "Approved. It is carried out",
	},
	"reject": {verb: "reject", want: Act{Hashes: []string{hashA}}, says: "Rejected."},
	"pause":  {verb: "pause", says: "Paused."},
	"resume": {verb: "resume", set: func(s *flow.State) { s.Paused = true }, says: "Resumed."},
	"note": {
		verb: "note", more: url.Values{"note": {" asked\r\nby telephone\n"}}, want: Act{Note: "asked\nby telephone"}, says: "The note is kept.",
	},
	"look":   {verb: "look", says: "Asked for a look."},
	"revert": {verb: "revert", more: typedName, says: "Asked for a proposal to revert."},
	"retire": {verb: "retire", more: typedName, says: "Approved as the first of two."},
	"rotate": {
		verb: "rotate", more: url.Values{"method": {"own-key-pair"}},
		want: Act{Rotate: &flow.RotateArg{Method: federation.OwnKeyPair, Replace: signs}}, says: "Asked for a proposal to rotate.",
	},
	"rotate with all": {
		verb: "rotate", more: url.Values{
			"method": {"emergency"}, "settle": {"1,5"}, "consent": {"gap", "outage", "policies", "removeNextCertificate", "noBreakGlass"},
		},
		want: Act{Rotate: &flow.RotateArg{Method: federation.Emergency, Replace: signs, Settle: 90 * time.Minute,
			Consent: federation.RotateConsent{Gap: true, Outage: true, Policies: true, RemoveNextCertificate: true, NoBreakGlass: true}}},
		says: "Asked for a proposal to rotate.",
	},
	"lead back": {
		verb: "rotate", set: func(s *flow.State) {
			s.Rotation = &flow.RotationState{Method: federation.SecondApplication, Phase: federation.RotationBound}
		},
		want: Act{Rotate: &flow.RotateArg{Method: federation.SecondApplication, Replace: hashB,
			Cancel: true}}, says: "Asked for a proposal to lead the rotation back",
	},
}

// decisionFake is a fake for a decision.
func decisionFake(t testing.TB, d decision) *fake {
	f := contosoFake(t)
	f.rotations[contoso] = &federation.Rotation{Old: federation.Certificate{Fingerprint: hashB}}
	s := contosoState()
	if d.set != nil {
		d.set(&s)
	}
	f.set(s)
	return f
}

// Every form is the act that is recorded, once, under the number of the form.
func TestDecide(t *testing.T) {
	for name, tt := range decisions {
		t.Run(name, func(t *testing.T) {
			f := decisionFake(t, tt)
			ada := as(t, site(t, f), "ada")
			page := ada.get("/domain/" + contoso)
			wellFormed(t, page.body)
			form := page.form(t, "/domain/"+contoso+"/"+tt.verb)
			for k, v := range tt.more {
				form[k] = v
			}
			got := ada.post("/domain/"+contoso+"/"+tt.verb, form)
			want := tt.want
			want.ID, want.Verb, want.Domains = form.Get("nonce"), tt.verb, []string{contoso}
			want.Actor = approve.Actor{Name: "ada", From: "127.0.0.1"}
			if d := cmp.Diff([]Act{want}, f.done()); d != "" {
				t.Fatalf("-want +got:\n%s\n%s", d, got.body)
			}
			if got.status != http.StatusOK || got.url.Path != "/domain/"+contoso {
				t.Errorf("%d at %s", got.status, got.url)
			}
			got.shows(t, `<p class="result good" role="alert">`+tt.says)
			// Sent again it is the same act.
			again := ada.post("/domain/"+contoso+"/"+tt.verb, form)
			if n := len(f.done()); n != 1 {
				t.Errorf("%d acts", n)
			}
			again.shows(t, tt.says)
		})
	}
}

// What the backend says is shown, and no worker is told apart.
func TestDecideFails(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{ErrNoWorker, "Nothing was recorded: no worker answered within 10 s; look again, then send it again."},
		{approve.ErrSamePerson, "Two different people must approve, and this one has already: ask another one."},
	} {
		f := contosoFake(t)
		f.actErr = tt.err
		got := asked(t, site(t, f), "ada", "approve", typedName)
		if len(f.done()) != 1 {
			t.Fatal("the backend was not asked")
		}
		got.shows(t, `<p class="result bad" role="alert">`+tt.want)
		got.hides(t, "Approved.")
	}
}

// Who may do what: each role, each verb.
func TestDecideRoles(t *testing.T) {
	approver := []string{"approve", "reject", "pause", "resume", "note", "look"}
	for who, may := range map[string][]string{
		"ada": append(slices.Clone(approver), "revert", "rotate", "retire"), "abe": approver, "vic": nil, "eve": nil, "zed": nil,
	} {
		for name, tt := range decisions {
			f := decisionFake(t, tt)
			srv := site(t, f)
			// The form is ada's: whoever sends it is judged before the form is.
			form := as(t, srv, "ada").get("/domain/"+contoso).form(t, "/domain/"+contoso+"/"+tt.verb)
			if slices.Contains(may, tt.verb) {
				form = as(t, srv, who).get("/domain/"+contoso).form(t, "/domain/"+contoso+"/"+tt.verb)
			}
			for k, v := range tt.more {
				form[k] = v
			}
			want := http.StatusForbidden
			switch {
			case slices.Contains(may, tt.verb):
				want = http.StatusOK
			case who == "eve" || who == "zed":
				want = http.StatusNotFound
			}
			before := len(f.logged())
			got := as(t, srv, who).post("/domain/"+contoso+"/"+tt.verb, form)
			if got.status != want {
				t.Errorf("%s: %s: %d, want %d", who, name, got.status, want)
			}
			if n := len(f.done()); (n == 1) != (want == http.StatusOK) {
				t.Errorf("%s: %s: %d acts", who, name, n)
			}
			logged := f.logged()[before:]
			if want != http.StatusOK && (len(logged) != 1 || logged[0].Verb != "refuse" || logged[0].Actors[0] != who ||
				logged[0].Domain != contoso || !strings.HasPrefix(logged[0].Outcome, tt.verb+": ")) {
				t.Errorf("%s: %s: the audit says %+v", who, name, logged)
			}
		}
		f := contosoFake(t)
		for _, action := range as(t, site(t, f), who).get("/domain/" + contoso).forms() {
			verb := strings.TrimPrefix(action, "/domain/"+contoso+"/")
			if verb != "preflight" && action != "/stop" && !slices.Contains(may, verb) {
				t.Errorf("%s is shown a form to %s", who, verb)
			}
		}
	}
}

// What was typed wrong is nothing, and the form is still good.
func TestDecideTyped(t *testing.T) {
	for _, tt := range []struct {
		verb  string
		wrong url.Values
		says  string
		right url.Values
	}{
		{"approve", url.Values{"typed": {"fabrikam.example"}}, "was typed, and this is about contoso.example", typedName},
		{"approve", url.Values{"typed": {""}}, "Type contoso.example into the field", typedName},
		{"revert", url.Values{"typed": {"contoso"}}, "was typed", typedName},
		{"retire", url.Values{"typed": {contoso + "x"}}, "was typed", typedName},
		{"note", url.Values{"note": {" \n"}}, "The note is empty", url.Values{"note": {"a"}}},
		{"note", url.Values{"note": {strings.Repeat("ä", 2049)}}, "The note has 4,098 bytes, and 4,096 fit",
			url.Values{"note": {strings.Repeat("ä", 2048)}}},
		{"note", url.Values{"note": {"\xff"}}, "The note is no text", url.Values{"note": {"a"}}},
		{"rotate", url.Values{"method": {""}}, "Choose a method", url.Values{"method": {"own-key-pair"}}},
		{"rotate", url.Values{"method": {"magic"}}, "Choose a method", url.Values{"method": {"own-key-pair"}}},
		{"rotate", url.Values{"method": {"regenerate"}}, "needs the consent gap", url.Values{"method": {"regenerate"}, "consent": {"gap"}}},
		{"rotate", url.Values{"method": {"emergency"}}, "needs the consent outage", url.Values{"method": {"emergency"}, "consent": {"outage"}}},
		{"rotate", url.Values{"method": {"second-application"}}, "needs the consent policies",
			url.Values{"method": {"second-application"}, "consent": {"policies"}}},
		{"rotate", url.Values{"method": {"own-key-pair"}, "settle": {"0.1"}}, "in hours", url.Values{"settle": {"0.34"}}},
		{"rotate", url.Values{"method": {"own-key-pair"}, "settle": {"NaN"}}, "in hours", url.Values{"settle": {""}}},
		{"rotate", url.Values{"method": {"own-key-pair"}, "settle": {"1e300"}}, "in hours", url.Values{"settle": {"168"}}},
		{"rotate", url.Values{"method": {"own-key-pair"}, "consent": {"everything"}}, "nothing that can be consented to",
			url.Values{"consent": {"gap"}}},
	} {
		f := contosoFake(t)
		ada := as(t, site(t, f), "ada")
		at := "/domain/" + contoso + "/" + tt.verb
		form := ada.get("/domain/"+contoso).form(t, at)
		for k, v := range tt.wrong {
			form[k] = v
		}
		got := ada.post(at, form)
		if len(f.done()) != 0 {
			t.Fatalf("%s %v: recorded", tt.verb, tt.wrong)
		}
		got.shows(t, `class="result bad"`, tt.says, "Nothing was done.")
		for k, v := range tt.right {
			form[k] = v
		}
		ada.post(at, form)
		if n := len(f.done()); n != 1 {
			t.Errorf("%s %v: then %d acts", tt.verb, tt.wrong, n)
		}
	}
}

// A form counts once, for who it was shown to, and for what was shown.
func TestDecideForms(t *testing.T) {
	const at = "/domain/" + contoso + "/approve"
	approval := func(b *browser) url.Values {
		form := b.get("/domain/"+contoso).form(t, at)
		form.Set("typed", contoso)
		return form
	}
	for name, tt := range map[string]struct {
		spoil  func(f *fake, ada, abe *browser, form url.Values) (path string)
		status int
		says   string
	}{
		"without a number": {func(_ *fake, _, _ *browser, form url.Values) string { form.Del("nonce"); return at }, http.StatusConflict,
			"load the page again"},
		"made up": {func(_ *fake, _, _ *browser, form url.Values) string { form.Set("nonce", "AAAA"); return at },
			http.StatusConflict, "load the page again"},
		"of another form": {func(_ *fake, ada, _ *browser, form url.Values) string {
			form.Set("nonce", ada.get("/domain/"+contoso).form(t, "/domain/"+contoso+"/pause").Get("nonce"))
			return at
		}, http.StatusConflict, "for somebody else or for something else"},
		"of another person": {func(_ *fake, _, abe *browser, form url.Values) string {
			form.Set("nonce", approval(abe).Get("nonce"))
			return at
		}, http.StatusConflict, "for somebody else or for something else"},
		"for another verb": {func(_ *fake, _, _ *browser, form url.Values) string { return "/domain/" + contoso + "/reject" },
			http.StatusConflict, "for somebody else or for something else"},
		"for another domain": {func(f *fake, _, _ *browser, form url.Values) string {
			s := contosoState()
			s.Domain = "b.example"
			f.set(s)
			form.Set("typed", "b.example")
			return "/domain/b.example/approve"
		}, http.StatusConflict, "for somebody else or for something else"},
		"for another hash": {func(f *fake, _, _ *browser, form url.Values) string { form.Set("hash", hashB); return at },
			http.StatusConflict, "for somebody else or for something else"},
		"of a proposal that has changed": {func(f *fake, _, _ *browser, _ url.Values) string {
			s := contosoState()
			s.Open.Hash = hashB
			f.set(s)
			return at
		}, http.StatusOK, "is not the one that waits now"},
		"for the hash that is new": {func(f *fake, _, _ *browser, form url.Values) string {
			s := contosoState()
			s.Open.Hash = hashB
			f.set(s)
			form.Set("hash", hashB)
			return at
		}, http.StatusConflict, "for somebody else or for something else"},
		"of a proposal that is gone": {func(f *fake, _, _ *browser, _ url.Values) string {
			s := contosoState()
			s.Open = nil
			f.set(s)
			return at
		}, http.StatusOK, "load the page again"},
		"of a customer that is only watched": {func(f *fake, _, _ *browser, _ url.Values) string {
			s := contosoState()
			s.Mode = "watch"
			f.set(s)
			return at
		}, http.StatusOK, "only watched"},
	} {
		f := contosoFake(t)
		srv := site(t, f)
		ada, abe := as(t, srv, "ada"), as(t, srv, "abe")
		form := approval(ada)
		path := tt.spoil(f, ada, abe, form)
		before := len(f.logged())
		got := ada.post(path, form)
		if n := len(f.done()); n != 0 {
			t.Errorf("%s: %d acts", name, n)
		}
		if got.status != tt.status {
			t.Errorf("%s: %d", name, got.status)
		}
		got.shows(t, tt.says)
		if n := len(f.logged()) - before; n != 1 {
			t.Errorf("%s: %d entries in the audit", name, n)
		}
	}
	// A form that shows another certificate than is signed with now.
	f := contosoFake(t)
	ada := as(t, site(t, f), "ada")
	form := ada.get("/domain/"+contoso).form(t, "/domain/"+contoso+"/rotate")
	form.Set("method", "own-key-pair")
	s := contosoState()
	s.Watch.Replace = hashB
	f.set(s)
	ada.post("/domain/"+contoso+"/rotate", form).shows(t, "signs with another certificate now")
	if len(f.done()) != 0 {
		t.Error("recorded")
	}
}

// An identity is believed of the proxy alone.
func TestDecideForged(t *testing.T) {
	f := contosoFake(t)
	form := as(t, site(t, f), "ada").get("/domain/"+contoso).form(t, "/domain/"+contoso+"/pause")
	g, err := approve.NewGuard(approve.GuardOptions{Header: identity, Trusted: prefixes("192.0.2.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	ada := as(t, serve(t, Options{Backend: f, Guard: g, Now: func() time.Time { return then }}), "ada")
	before := len(f.logged())
	if got := ada.post("/domain/"+contoso+"/pause", form); got.status != http.StatusForbidden {
		t.Errorf("%d", got.status)
	}
	if got := ada.get("/domain/" + contoso); got.status != http.StatusForbidden || strings.Contains(got.body, "Contoso") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if logged := f.logged()[before:]; len(f.done()) != 0 || len(logged) != 2 || len(logged[0].Actors) != 0 {
		t.Errorf("%d acts; the audit says %+v", len(f.done()), logged)
	}
}

// A form that another site sends is nothing.
func TestDecideCrossed(t *testing.T) {
	f := contosoFake(t)
	srv := site(t, f)
	ada := as(t, srv, "ada")
	form := ada.get("/domain/"+contoso).form(t, "/domain/"+contoso+"/pause")
	req, err := http.NewRequest(http.MethodPost, srv.URL+"/domain/"+contoso+"/pause", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "http://evil.example")
	if got := ada.do(req); got.status != http.StatusForbidden || len(f.done()) != 0 {
		t.Errorf("%d, %d acts", got.status, len(f.done()))
	}
}

// What is typed as hours is none, or within what a rotation takes.
func FuzzSettleHours(f *testing.F) {
	for _, s := range []string{"", "2", "0.34", "1,5", " 168 ", "NaN", "-1", "1e9", "0x1p3", "1/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := settleHours(s)
		if err != nil && d != 0 || err == nil && d == 0 && strings.TrimSpace(s) != "" || d != 0 && (d < 20*time.Minute || d > 168*time.Hour) {
			t.Errorf("%q: %v, %v", s, d, err)
		}
	})
}

// A note is text of at most 4 KiB, and not empty.
func FuzzNote(f *testing.F) {
	for _, s := range []string{"", " a ", "a\r\nb", "a\r\r\nb", "\xff", "a\x00b", strings.Repeat("x", mostNote+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := noteText(s)
		if (err == nil) != (got != "") || len(got) > mostNote || !utf8.ValidString(got) || strings.Contains(got, "\r") {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	})
}
