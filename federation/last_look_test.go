package federation_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// lastLook calls f with the number of each request for the list of applications that
// comes after the certificate was read: the first is the last one before the switch, if
// nothing has changed.
func lastLook(env *federationtest.Env, f func(n int32) jumpcloudtest.Fault) {
	var certified atomic.Bool
	var n atomic.Int32
	env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
		switch {
		case strings.HasSuffix(r.URL.Path, "/metadata.xml"):
			certified.Store(true)
		case r.Method == http.MethodGet && r.URL.Path == "/api/applications" && certified.Load():
			return f(n.Add(1))
		}
		return jumpcloudtest.Fault{}
	}
}

// arrivals is when requests of one kind arrived, before the domain was switched.
func arrivals(t *testing.T, env *federationtest.Env, requests []jumpcloudtest.Request, path string) (at []time.Time) {
	t.Helper()
	var switched time.Time
	for _, r := range env.AzureAD.Requests() {
		if r.Write && strings.HasSuffix(r.Path, "/federationConfiguration") {
			switched = r.At
		}
	}
	if switched.IsZero() {
		t.Fatal("the domain was not switched")
	}
	for _, r := range requests {
		if r.Method == http.MethodGet && r.Path == path && !r.At.After(switched) {
			at = append(at, r.At)
		}
	}
	return at
}

// What the applications show right before the switch is what the domain is sent to: if it is not what was judged, the domain is not switched
// before that was looked at.
func TestLastLookAtApplications(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, env *federationtest.Env) // right before the last look
		fault  jumpcloudtest.Fault                         // of the last look
		looks  int                                         // at the applications, after the certificate was read and before the switch
		apps   int
	}{
		"as it was judged": {looks: 1, apps: 1},
		"another run has made one": {
			change: func(t *testing.T, env *federationtest.Env) {
				env.JumpCloud.AddApplication("office365", "Twin", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/twin")
			},
			looks: 1, apps: 2,
		},
		"the application is switched off": {
			change: func(t *testing.T, env *federationtest.Env) {
				app := env.JumpCloud.Applications()[0]
				edit := func(a *jumpcloud.Application) error { a.Active = false; return nil }
				if _, err := env.JumpCloud.Client(nil).ModifyApplication(t.Context(), app.ID, edit); err != nil {
					t.Error(err)
				}
			},
			looks: 3, apps: 1, // once it is seen to be off, and after it was switched on
		},
		"no answer": {fault: jumpcloudtest.Fault{Kind: jumpcloudtest.TooMany, RetryAfter: "130"}, looks: 2, apps: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				slow(env)
				var last time.Time
				lastLook(env, func(n int32) jumpcloudtest.Fault {
					if n > 1 {
						return jumpcloudtest.Fault{}
					}
					last = time.Now()
					if test.change != nil {
						test.change(t, env)
					}
					return test.fault
				})
				rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
				if err != nil {
					t.Fatalf("%v\n%s", err, rep)
				}
				fed, ok := env.AzureAD.Federation(env.Domain)
				apps := env.JumpCloud.Applications()
				used := slices.IndexFunc(apps, func(a jumpcloudtest.Application) bool { return a.ID == rep.Plan.Application.ID })
				if !ok || len(apps) != test.apps || used < 0 || !apps[used].Active || apps[used].Certificate != fed.SigningCertificate {
					t.Errorf("%d applications, federated %t, with the report's application %v", len(apps), ok, apps)
				}
				looks := arrivals(t, env, env.JumpCloud.Requests(), "/api/applications")
				looks = slices.DeleteFunc(looks, func(at time.Time) bool { return at.Before(last.Add(-latency)) })
				if len(looks) < test.looks {
					t.Errorf("the applications were looked at %d times right before the switch; want %d", len(looks), test.looks)
				}
			})
		})
	}
}

// JumpCloud may be slow: nobody else who shares the Azure AD client is kept waiting for it,
// and Azure AD is asked when it has answered.
func TestSwitchWaitsWithoutTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		slow(env)
		const late = 7 * time.Second
		var free atomic.Bool
		begun := make(chan time.Time, 1)
		lastLook(env, func(n int32) jumpcloudtest.Fault {
			if n > 1 {
				return jumpcloudtest.Fault{}
			}
			begun <- time.Now()
			return jumpcloudtest.Fault{Delay: late}
		})
		client := env.AzureAD.Client(nil)
		f := federation.New(env.JumpCloud.Client(nil), client, nil)
		var answered time.Time
		var other sync.WaitGroup
		other.Go(func() {
			answered = (<-begun).Add(late)
			time.Sleep(late - time.Second)
			unlock, err := client.Switches().Lock(t.Context())
			free.Store(err == nil && time.Now().Before(answered))
			if err == nil {
				unlock()
			}
		})
		if rep, err := f.Federate(t.Context(), env.Plan()); err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		if other.Wait(); !free.Load() {
			t.Error("the lock was held while JumpCloud did not answer")
		}
		for _, path := range []string{"/v1.0/domains", "/v1.0/roleManagement/directory/roleAssignments"} {
			at := arrivals(t, env, env.AzureAD.Requests(), path)
			if last := at[len(at)-1]; last.Before(answered) {
				t.Errorf("%s was asked last at %v, before JumpCloud's answer of %v", path, last, answered)
			}
		}
	})
}

// An address of the plan that nobody has is told before the first write, also where the
// members of a new group are found among everybody.
func TestUnknownMemberOfANewGroup(t *testing.T) {
	for name, domain := range map[string]string{"a domain of the tenant": "", "no domain of the tenant": "elsewhere.example"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				if domain != "" {
					plan.Domain = domain
				}
				plan.Groups = []federation.Group{{Name: "Microsoft 365", Members: []string{env.JumpCloud.Users()[0].Email, "nobody@example.com"}}}
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				pe, ok := err.(*federation.PreconditionError)
				if !ok || !pe.Has(federation.CodeMemberUnknown) || pe.Has(federation.CodeDomainUnknown) != (domain != "") || env.Writes() != 0 {
					t.Fatalf("%v, %d writes; want a refusal\n%s", err, env.Writes(), rep)
				}
				for _, p := range rep.Findings {
					if p.Code == federation.CodeMemberUnknown && p.Subject != "nobody@example.com" {
						t.Errorf("%s is unknown too", p.Subject)
					}
				}
			})
		})
	}
}
