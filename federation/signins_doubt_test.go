package federation_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestSignInsInDoubt: what looks like a proof and is none, and what looks like a fault and
// is none of the federation's.
func TestSignInsInDoubt(t *testing.T) {
	now := func() aad.SignIn {
		return aad.SignIn{UserPrincipalName: "ada.abbott@example.com", Protocol: aad.SignInSAML20, Token: aad.TokenSAML20}
	}
	with := func(edit func(*aad.SignIn)) func(*testing.T, *federationtest.Env) {
		return func(_ *testing.T, env *federationtest.Env) {
			e := now()
			edit(&e)
			env.AzureAD.AddSignIn(e)
		}
	}
	refused := func(code, people int) func(*testing.T, *federationtest.Env) {
		return func(_ *testing.T, env *federationtest.Env) {
			for i := range people {
				logged(env, i, code)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		wait   time.Duration // after the change
		make   func(*testing.T, *federationtest.Env)
		late   time.Duration // after that
		behind time.Duration // how late this machine's clock is
		since  time.Duration // after the change; negative: not given
		plan   func(*federation.Plan)
		want   federation.LayerStatus
		says   string
	}{
		{name: "through the provider before", wait: time.Hour, make: with(func(*aad.SignIn) {}), since: -1, want: federation.Unseen,
			says: "do not show that it was through JumpCloud"},
		{name: "through JumpCloud, by both logs", wait: time.Hour, since: -1, want: federation.Good, says: "1 person has signed in",
			make: func(t *testing.T, env *federationtest.Env) {
				if w, err := env.Browser().SignIn(t.Context(), federationtest.Person{UserName: "ada.abbott@example.com"}); err != nil || !w.Through() {
					t.Fatal(err, w)
				}
			}},
		{name: "an application's protocol, and a session of before", wait: time.Hour, want: federation.Unseen, says: "nobody has been seen",
			make: with(func(e *aad.SignIn) { e.Token = "primaryRefreshToken" })},
		{name: "an application's protocol alone", wait: time.Hour, want: federation.Unseen, says: "1 sign-in has succeeded, and the logs",
			make: with(func(e *aad.SignIn) { e.Token = "none" })},
		{name: "in the second of the change, before it", wait: 300 * time.Millisecond, make: with(func(*aad.SignIn) {}),
			since: 600 * time.Millisecond, late: time.Minute, want: federation.Unseen, says: "nobody has been seen"},
		{name: "by the certificate before, and a clock that is late", wait: time.Hour, behind: 30 * time.Minute, want: federation.Unseen, says: "certificate was replaced",
			make: func(t *testing.T, env *federationtest.Env) {
				logged(env, 0, 0)
				time.Sleep(5 * time.Minute)
				env.JumpCloud.RegenerateCertificate(app(t, env))
				if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "a guest", wait: time.Hour, want: federation.Unseen, says: "nobody has been seen",
			make: with(func(e *aad.SignIn) { e.UserPrincipalName = "eve_okta.example#ext#@example.com" })},
		{name: "it has broken since", wait: time.Hour, want: federation.Wrong, says: "AADSTS5000811", make: func(t *testing.T, env *federationtest.Env) {
			logged(env, 0, 0)
			time.Sleep(time.Hour)
			refused(5000811, 3)(t, env)
		}},
		{name: "two in trouble since", wait: time.Hour, want: federation.Good, says: "AADSTS5000811", make: func(t *testing.T, env *federationtest.Env) {
			logged(env, 0, 0)
			time.Sleep(time.Hour)
			refused(5000811, 2)(t, env)
		}},
		{name: "mended since", wait: time.Hour, want: federation.Good, make: func(t *testing.T, env *federationtest.Env) {
			refused(5000811, 3)(t, env)
			time.Sleep(time.Hour)
			logged(env, 0, 0)
		}},
		{name: "it is still arriving", wait: 5 * time.Minute, make: refused(50107, 1), want: federation.Late, says: "AADSTS50107"},
		{name: "it was still arriving", wait: 5 * time.Minute, make: refused(50107, 1), late: time.Hour, want: federation.Unseen, says: "AADSTS50107"},
		{name: "it should have arrived", wait: 21 * time.Minute, make: refused(50107, 1), want: federation.Wrong, says: "AADSTS50107"},
		{name: "blocked behind the federation", wait: time.Hour, make: refused(53003, 3), want: federation.Unseen, says: "AADSTS53003"},
		{name: "whom the plan lets be locked out", wait: time.Hour, want: federation.Unseen, says: "AADSTS51004",
			plan: func(p *federation.Plan) { p.Consent.LockOut.AtMost = 3 },
			make: func(t *testing.T, env *federationtest.Env) {
				for i := range 3 {
					env.AzureAD.EditUser(onDomain(env)[i].ID, func(u *aad.User) { u.ImmutableID = "" })
				}
				refused(51004, 3)(t, env)
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
				began := time.Now()
				time.Sleep(tt.wait)
				tt.make(t, env)
				time.Sleep(tt.late)
				log := new(federation.SignInLog)
				if tt.since >= 0 {
					log.Since = began.Add(tt.since)
				}
				plan := env.Plan()
				if tt.plan != nil {
					tt.plan(&plan)
				}
				opts := &federation.Options{SignInLog: log, Now: func() time.Time { return time.Now().Add(-tt.behind) }}
				v, err := env.Federator(opts).Verify(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				l := layer(t, v, federation.LayerSignIn)
				if l.Status != tt.want || !strings.Contains(l.Evidence, tt.says) {
					t.Errorf("the layer is %s: %s; want %s: …%s…", l.Status, l.Evidence, tt.want, tt.says)
				}
				// A clock that is late makes the new certificate wrong for another reason.
				if again := v.AskAgain > 0; tt.behind == 0 && (again != (tt.want == federation.Late) || v.Wrong() != (tt.want == federation.Wrong)) {
					t.Errorf("AskAgain %s, Wrong %t:\n%s", v.AskAgain, v.Wrong(), v)
				}
			})
		})
	}
}

// TestSignInsOfMany: a huge log costs no more than its newest pages, and names nobody.
func TestSignInsOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		federated(t, env)
		began := time.Now()
		time.Sleep(24 * time.Hour)
		for i := range 100_000 {
			env.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: fmt.Sprintf("person%d@example.com", i), Protocol: aad.SignInSAML20,
				Token: aad.TokenSAML20, ErrorCode: 51004, FailureReason: "person@example.com", Created: began.Add(time.Hour + time.Duration(i)*time.Second/2)})
		}
		env.ResetLog()
		v, err := env.Federator(&federation.Options{SignInLog: &federation.SignInLog{Since: began}}).Verify(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for _, r := range env.AzureAD.Requests() {
			if strings.Contains(r.Path, "signIns") {
				asked++
			}
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		l := layer(t, v, federation.LayerSignIn)
		if asked != 3 || l.Status != federation.Wrong || !strings.Contains(l.Evidence, "only the newest 2997 entries") || strings.Contains(string(b), "person1@") ||
			strings.Contains(string(b), "person@") || len(b) > 1<<14 {
			t.Errorf("%d pages, %d bytes; the layer is %s: %s\n%.2000s", asked, len(b), l.Status, l.Evidence, b)
		}
	})
}

// TestSignInsOutOfReach: whatever the logs answer, the other layers stand, and it ends.
func TestSignInsOutOfReach(t *testing.T) {
	for name, fault := range map[string]aadtest.Fault{
		"throttled for an hour": {Kind: aadtest.TooMany, RetryAfter: "3600"},
		"broken":                {Kind: aadtest.Error500Before},
		"hanging":               {Kind: aadtest.Hang},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if strings.HasSuffix(r.URL.Path, "/signIns") {
						return fault
					}
					return aadtest.Fault{}
				}
				began := time.Now()
				f := env.Federator(&federation.Options{SignInLog: &federation.SignInLog{Since: began}})
				v, err := f.Verify(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				l := layer(t, v, federation.LayerSignIn)
				if took := time.Since(began); took > 3*time.Minute || l.Status != federation.Unseen || !v.Effective() || len(v.SignIns.Unread) == 0 {
					t.Errorf("after %s the layer is %s: %s", took, l.Status, l.Evidence)
				}
				if _, err := f.Preflight(t.Context(), env.Plan()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
