package federation_test

import (
	"context"
	"encoding/json"
	"errors"
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

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		name     string
		lag      time.Duration                         // of the realm endpoint
		make     func(*testing.T, *federationtest.Env) // after the domain was federated
		later    func(*testing.T, *federationtest.Env) // two hours into the wait
		plan     func(*federation.Plan)
		is       error // nil: effective
		after    time.Duration
		within   time.Duration // of after
		requests int           // at most
	}{
		{name: "at once", requests: 20},
		{name: "the realm lags for minutes", lag: 7 * time.Minute, after: 7 * time.Minute, within: 11 * time.Minute, requests: 40},
		{name: "the realm lags for hours", lag: 5 * time.Hour, after: 5 * time.Hour, within: 13 * time.Minute, requests: 130},
		{name: "the realm lags for a day", lag: 23 * time.Hour, after: 23 * time.Hour, within: 13 * time.Minute, requests: 450},
		{name: "nothing shows within a day", lag: 48 * time.Hour, is: federation.ErrNotConverged, after: 24 * time.Hour, requests: 450},
		{name: "another provider is wrong, not late", is: federation.ErrWrong, within: time.Minute, requests: 50,
			make: func(_ *testing.T, env *federationtest.Env) {
				realmSays(env, `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://x.okta.com/app/1"}`)
			}},
		{name: "one wrong look is not enough", after: 20 * time.Second, within: time.Minute, requests: 50,
			make: func(_ *testing.T, env *federationtest.Env) {
				looks := 0
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if strings.Contains(r.URL.Path, "userrealm") {
						if looks++; looks == 1 {
							return aadtest.Fault{Kind: aadtest.Refuse503, Status: 200, Body: `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://x.okta.com/app/1"}`}
						}
					}
					return aadtest.Fault{}
				}
			}},
		{name: "the provider that is taken over from is late", after: time.Hour, within: 13 * time.Minute, requests: 60,
			plan: func(p *federation.Plan) { p.Consent.TakeOver = true },
			make: func(_ *testing.T, env *federationtest.Env) {
				start := time.Now()
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if strings.Contains(r.URL.Path, "userrealm") && time.Since(start) < time.Hour {
						return aadtest.Fault{Kind: aadtest.Refuse503, Status: 200, Body: `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://x.okta.com/app/1"}`}
					}
					return aadtest.Fault{}
				}
			}},
		{name: "failures to read do not end it", after: 30 * time.Minute, within: 20 * time.Minute, requests: 600,
			make: func(_ *testing.T, env *federationtest.Env) {
				start := time.Now()
				env.AzureAD.Fault = func(*http.Request) aadtest.Fault {
					if time.Since(start) < 30*time.Minute {
						return aadtest.Fault{Kind: aadtest.Error500Before}
					}
					return aadtest.Fault{}
				}
			}},
		{name: "a realm that does not answer does not end it", after: 2 * time.Hour, within: 13 * time.Minute, requests: 300,
			make: func(_ *testing.T, env *federationtest.Env) {
				start := time.Now()
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if strings.Contains(r.URL.Path, "realm") && time.Since(start) < 2*time.Hour {
						return aadtest.Fault{Kind: aadtest.DropBefore}
					}
					return aadtest.Fault{}
				}
			}},
		{name: "a refusal ends it", is: aad.ErrDenied, requests: 30,
			make: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if strings.HasSuffix(r.URL.Path, "/v1.0/domains") {
						return aadtest.Fault{Kind: aadtest.Refuse503, Status: 403, Body: `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}`}
					}
					return aadtest.Fault{}
				}
			}},
		{name: "what breaks meanwhile is noticed", lag: 20 * time.Hour, is: federation.ErrWrong, after: 2 * time.Hour, within: 90 * time.Minute, requests: 150,
			later: func(t *testing.T, env *federationtest.Env) {
				env.JumpCloud.SetApplicationField(app(t, env), "active", false)
			}},
		{name: "a person who is locked out is wrong", is: federation.ErrWrong, within: time.Minute, requests: 60,
			make: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", ImmutableID: "VW1h"})
			}},
	} {
		for name, wait := range map[string]func(context.Context, *testing.T, *federationtest.Env, federation.Plan) (*federation.Verification, error){
			"": func(ctx context.Context, _ *testing.T, e *federationtest.Env, p federation.Plan) (*federation.Verification, error) {
				return e.Federator(nil).Wait(ctx, p)
			},
			" by calls": waitByCalls,
		} {
			t.Run(tt.name+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					env := federationtest.New(nil)
					env.AzureAD.RealmLag = tt.lag
					federated(t, env)
					start := time.Now()
					if tt.make != nil {
						tt.make(t, env)
					}
					if tt.later != nil {
						go func() {
							time.Sleep(2 * time.Hour)
							tt.later(t, env)
						}()
					}
					env.ResetLog()
					plan := env.Plan()
					if tt.plan != nil {
						tt.plan(&plan)
					}
					v, err := wait(t.Context(), t, env, plan)
					if tt.is == nil && (err != nil || v == nil || !v.Effective()) {
						t.Fatalf("Wait: %v\n%s", err, v)
					}
					if !errors.Is(err, tt.is) {
						t.Fatalf("Wait: %v; want an error that is %v", err, tt.is)
					}
					if v != nil {
						readBack(t, v)
					}
					if v == nil && tt.is != aad.ErrDenied {
						t.Error("Wait returned no verification")
					}
					if took := time.Since(start); took < tt.after || took > tt.after+tt.within {
						t.Errorf("Wait took %s; want %s to %s", took, tt.after, tt.after+tt.within)
					}
					if n := env.Requests(); n > tt.requests {
						t.Errorf("Wait made %d requests; want at most %d", n, tt.requests)
					} else {
						t.Logf("%d requests in %s", n, time.Since(start))
					}
					if n := env.Writes(); n > 0 {
						t.Errorf("Wait wrote %d times", n)
					}
				})
			})
		}
	}
}

// waitByCalls waits by looks of which each is made by another process, that has what the
// one before returned in JSON.
func waitByCalls(ctx context.Context, t *testing.T, env *federationtest.Env, plan federation.Plan) (*federation.Verification, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 24*time.Hour, federation.ErrNotConverged)
	defer cancel()
	var last *federation.Verification
	for {
		v, err := env.Federator(nil).VerifyAgain(ctx, plan, last)
		pause := time.Minute
		switch {
		case err != nil && federation.Class(err) != federation.ClassTemporary:
			return last, err
		case err == nil && v.AskAgain == 0 && v.Effective():
			return v, nil
		case err == nil && v.AskAgain == 0:
			return v, federation.ErrWrong
		case err == nil:
			last, pause = readBack(t, v), v.AskAgain
		}
		select {
		case <-ctx.Done():
			return last, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// TestVerifyAgain: while only the realm is behind, it alone is asked, and everything once
// an hour; what was handed over is not changed.
func TestVerifyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		env.AzureAD.RealmLag = 3 * time.Hour
		federated(t, env)
		var last *federation.Verification
		alone, whole := 0, 0
		for n := 1; ; n++ {
			before, err := json.Marshal(last)
			if err != nil {
				t.Fatal(err)
			}
			env.ResetLog()
			v, err := env.Federator(nil).VerifyAgain(t.Context(), env.Plan(), last)
			if err != nil {
				t.Fatal(err)
			}
			if after, _ := json.Marshal(last); string(after) != string(before) {
				t.Errorf("what was handed over has changed:\n%s\n%s", before, after)
			}
			if v.Looks != n || v.WrongLooks != 0 {
				t.Errorf("look %d says that it is %d, with %d wrong", n, v.Looks, v.WrongLooks)
			}
			if len(v.Layers) != 5 {
				t.Fatalf("%d layers:\n%s", len(v.Layers), v)
			}
			if env.Requests() == 1 {
				alone++
			} else {
				whole++
			}
			last = v
			if v.AskAgain == 0 {
				break
			}
			if v.AskAgain > 13*time.Minute || n == 1 && v.AskAgain > 40*time.Second {
				t.Errorf("after look %d, again in %v", n, v.AskAgain)
			}
			time.Sleep(v.AskAgain)
		}
		if !last.Effective() || alone < 12 || whole < 4 || whole > 5 {
			t.Errorf("effective %t; the realm alone %d times, everything %d times", last.Effective(), alone, whole)
		}
		if v, err := env.Federator(nil).VerifyAgain(t.Context(), env.Plan(), &federation.Verification{Domain: env.Domain, Looks: -9}); err != nil || !v.Effective() {
			t.Errorf("after one that nobody made: %v\n%s", err, v)
		}
		env.JumpCloud.SetApplicationField(app(t, env), "active", false)
		v, err := env.Federator(nil).VerifyAgain(t.Context(), env.Plan(), &federation.Verification{Domain: env.Domain, Looks: -9})
		if err != nil || !v.Wrong() || v.AskAgain == 0 {
			t.Errorf("wrong for the first time, after one that nobody made: %v\n%s", err, v)
		}
		other := env.Plan()
		other.Domain = "example.org"
		if v, err := env.Federator(nil).VerifyAgain(t.Context(), other, last); err != nil || v.Looks != 1 || !v.Wrong() {
			t.Errorf("another domain: %v\n%s", err, v)
		}
	})
}

// TestWaitCancelled: the context's own cause comes back, with what was seen
// last; who asks again, in another process perhaps, goes on.
func TestWaitCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		env.AzureAD.RealmLag = 3 * time.Hour
		federated(t, env)
		stopped := errors.New("the host is shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(time.Hour)
			cancel(stopped)
		}()
		start := time.Now()
		v, err := env.Federator(nil).Wait(ctx, env.Plan())
		if !errors.Is(err, stopped) || errors.Is(err, federation.ErrNotConverged) {
			t.Errorf("Wait: %v; want %v", err, stopped)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("Wait ended %s after the start; want an hour", took)
		}
		if v == nil || layer(t, v, federation.LayerRealm).Status != federation.Late {
			t.Fatalf("Wait returned\n%v\nwant what was seen last", v)
		}
		v, err = env.Federator(nil).Wait(t.Context(), env.Plan())
		if err != nil || !v.Effective() {
			t.Errorf("Wait in another process: %v\n%s", err, v)
		}
	})
}

// TestWaitProgress: each look is told, with what it waits for.
func TestWaitProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		env.AzureAD.RealmLag = 10 * time.Minute
		federated(t, env)
		var looks []string
		f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
			if e.Phase == federation.PhaseWait {
				looks = append(looks, e.Text)
				if e.Attempt != len(looks) || e.Domain != env.Domain {
					t.Errorf("event %d is attempt %d of %q", len(looks), e.Attempt, e.Domain)
				}
			}
		}})
		if _, err := f.Wait(t.Context(), env.Plan()); err != nil {
			t.Fatal(err)
		}
		if len(looks) < 3 || looks[0] != "realm: still says Managed" || looks[len(looks)-1] != "every layer is good" {
			t.Errorf("the events say %q", looks)
		}
	})
}
