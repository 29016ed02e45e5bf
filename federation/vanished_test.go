package federation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// answered is an answer in place of JumpCloud's own.
func answered(status int, body string) jumpcloudtest.Fault {
	return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before, Status: status, Body: body}
}

var (
	noApplications = answered(http.StatusOK, `{"results":[],"totalCount":0}`)
	notFound       = answered(http.StatusNotFound, `{"message":"Not Found"}`)
)

// readsOf lets f answer what is read from JumpCloud, one request after the other: "applications", the list
// that is narrowed to templates, "all applications", "application", "groups", "metadata", or a path.
func readsOf(env *federationtest.Env, f func(what string, since time.Duration) jumpcloudtest.Fault) {
	var mu sync.Mutex
	begun := time.Now()
	env.JumpCloud.Fault = func(r *http.Request) (none jumpcloudtest.Fault) {
		if r.Method != http.MethodGet {
			return none
		}
		what := r.URL.Path
		switch {
		case what == "/api/applications" && strings.Contains(r.URL.RawQuery, "filter"):
			what = "applications"
		case what == "/api/applications":
			what = "all applications"
		case strings.HasPrefix(what, "/api/applications/"):
			what = "application"
		case what == "/api/v2/usergroups":
			what = "groups"
		case strings.HasSuffix(what, "/metadata.xml"):
			what = "metadata"
		}
		mu.Lock()
		defer mu.Unlock()
		return f(what, time.Since(begun))
	}
}

// pilots is a plan with a group that is yet to be made, for everybody.
func pilots(env *federationtest.Env) federation.Plan {
	plan := env.Plan()
	g := federation.Group{Name: "Pilots"}
	for _, u := range env.JumpCloud.Users() {
		g.Members = append(g.Members, u.Email)
	}
	plan.Groups = []federation.Group{g}
	return plan
}

// notMade asks that nothing was created at these paths.
func notMade(t *testing.T, env *federationtest.Env, rep *federation.Report, paths ...string) {
	t.Helper()
	for _, r := range env.JumpCloud.Requests() {
		if r.Method == http.MethodPost && slices.Contains(paths, r.Path) {
			t.Errorf("%s: made again\n%s", r.Path, rep)
		}
	}
}

func addTwin(env *federationtest.Env) (id string) {
	return env.JumpCloud.AddApplication("office365", "Twin", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/twin")
}

// Another run's application shows in the list of all, while the list of groups fails, and in
// no list for a while: it is not made again.
func TestShownInASecondLookThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		twin, failed := "", false
		readsOf(env, func(what string, since time.Duration) (f jumpcloudtest.Fault) {
			switch {
			case since < 5*time.Second || since > 20*time.Second:
			case strings.HasSuffix(what, "applications"):
				if twin == "" {
					twin = addTwin(env)
				}
				if since > 5*time.Second || what == "applications" {
					return noApplications
				}
			case what == "application":
				return notFound
			case what == "groups" && !failed:
				failed = true
				f = answered(http.StatusOK, `{}`)
				f.Delay = 100 * time.Millisecond
			}
			return f
		})
		rep, err := env.Federator(nil).Federate(t.Context(), pilots(env))
		if err != nil || twin == "" || !failed {
			t.Fatalf("%v; the other application %q, a list failed: %t\n%s", err, twin, failed, rep)
		}
		notMade(t, env, rep, "/api/applications")
	})
}

// Somebody deletes an application that a look has shown which failed: the run goes on without it once
// that is sure.
func TestShownAndDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		twin, failed, looks := "", false, 0
		readsOf(env, func(what string, since time.Duration) (f jumpcloudtest.Fault) {
			switch {
			case since < 5*time.Second:
			case what == "groups" && !failed:
				failed = true
				f = answered(http.StatusOK, `{}`)
				f.Delay = time.Second
			case what == "applications":
				switch looks++; looks {
				case 1:
					twin = addTwin(env)
				case 2:
					env.JumpCloud.DeleteApplication(twin)
				}
			}
			return f
		})
		opts := &federation.Options{Confirm: func(context.Context, *federation.Proposal) error { return nil }}
		start := time.Now()
		rep, err := env.Federator(opts).Federate(t.Context(), pilots(env))
		if err != nil || !failed || looks < 3 {
			t.Fatalf("%v; a list failed: %t, %d looks\n%s", err, failed, looks, rep)
		}
		if took := time.Since(start); took < 30*time.Second || took > 90*time.Second {
			t.Errorf("took %v; want half a minute, and not much more", took)
		}
	})
}

// The groups of an application that one replica does not know are read once it shows.
func TestBackFromAReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		if rep, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		time.Sleep(time.Hour)
		seen := make(map[string]int)
		readsOf(env, func(what string, _ time.Duration) (f jumpcloudtest.Fault) {
			switch seen[what]++; {
			case what == "metadata" && seen[what] == 1, what == "application" && seen[what] == 1:
				return notFound
			case what == "applications" && seen[what] == 2:
				return noApplications
			}
			return f
		})
		missing, err := env.Federator(nil).Preview(t.Context(), env.Plan())
		if err != nil || seen["application"] == 0 || seen["applications"] < 3 {
			t.Fatalf("%v, looks: %v", err, seen)
		}
		if len(missing) > 0 {
			t.Errorf("missing: %v; want nothing", missing)
		}
	})
}

// What fails beside the second look is told as what it is, and not after minutes.
func TestSecondLookErrors(t *testing.T) {
	for name, test := range map[string]struct {
		fail  func(env *federationtest.Env)
		phase federation.Phase
	}{
		"a gate cannot be read": {func(env *federationtest.Env) {
			env.AzureAD.Fault = func(r *http.Request) (f aadtest.Fault) {
				if strings.HasSuffix(r.URL.Path, "/organization") {
					f.Kind = aadtest.Refuse503
				}
				return f
			}
		}, federation.PhaseCheck},
		"the list is denied": {func(env *federationtest.Env) {
			readsOf(env, func(what string, since time.Duration) (f jumpcloudtest.Fault) {
				if what == "all applications" && since > 0 {
					return answered(http.StatusForbidden, `{"message":"Forbidden"}`)
				}
				return f
			})
		}, federation.PhaseCheck},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				test.fail(env)
				start := time.Now()
				_, err := env.Federator(nil).Federate(t.Context(), env.Plan())
				var se *federation.StepError
				if !errors.As(err, &se) || se.Phase != test.phase || errors.Is(err, federation.ErrNotConverged) {
					t.Errorf("%v; want an error of the phase %v", err, test.phase)
				}
				if took := time.Since(start); took > time.Minute {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}
