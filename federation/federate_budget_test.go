package federation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// latency is added to each request where chains of requests are measured.
const latency = 50 * time.Millisecond

func slow(env *federationtest.Env) {
	env.JumpCloud.Latency, env.AzureAD.Latency = latency, latency
}

// A fresh domain with one group that is yet to be made, with one listed member: at most
// 36 requests, with every second look, in at most 12 round trips, besides the five seconds
// between the two looks that must show no such group and application.
func TestFederateFreshBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{Users: 1})
		slow(env)
		plan := env.Plan()
		plan.Groups = []federation.Group{{Name: "Microsoft 365", Members: []string{env.JumpCloud.Users()[0].Email}}}
		start := time.Now()
		rep, err := env.Federator(nil).Federate(t.Context(), plan)
		took := time.Since(start)
		if err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		if !rep.Changed() || env.Writes() != 6 {
			t.Fatalf("%d writes; want 6: group, member, application, two bindings, federation", env.Writes())
		}
		if n := env.Requests(); n > 36 {
			t.Errorf("%d requests; want at most 36", n)
		}
		// Each of these needs the answer of the one before it.
		chain := []string{
			"list applications, groups, domains and administrators",
			"look at everybody and the gates, and at the lists a second time",
			"create application", "see application",
			"bind group", "see binding and certificate",
			"see applications right before the switch", "read domains and who has the role", "read administrators",
			"create federation", "see federation", "see everything once more",
		}
		const apart = 5 * time.Second // the two looks at the lists
		if limit := apart + time.Duration(len(chain))*latency; took < apart || took > limit || len(chain) > 12 {
			t.Errorf("took %v; want at most %v, a chain of %d requests", took, limit, len(chain))
		}
		t.Logf("%d requests in %v, %.1f in a row", env.Requests(), took, float64(took-apart)/float64(latency))
		twiceBefore(t, env, apart)
	})
}

// twiceBefore asks that lists were asked twice, far enough apart, before something was
// made that they did not show.
func twiceBefore(t *testing.T, env *federationtest.Env, apart time.Duration) {
	t.Helper()
	for _, list := range []string{"/api/applications", "/api/v2/usergroups"} {
		var looks []time.Time
		for _, r := range env.JumpCloud.Requests() {
			if r.Path == list && r.Write {
				break
			}
			if r.Path == list {
				looks = append(looks, r.At)
			}
		}
		if len(looks) < 2 || looks[len(looks)-1].Sub(looks[0]) < apart {
			t.Errorf("%s was asked at %v before the write; want two looks, %v apart", list, looks, apart)
		}
	}
}

// When nothing is to be done: no write, at most 10 requests, at most 2 in a row.
func TestFederateAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{DefaultDomain: true})
		first, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if len(first.Steps) == 0 || env.Writes() == 0 {
			t.Fatal("the first run changed nothing, so a second one proves nothing")
		}
		for name, plan := range map[string]federation.Plan{"the same plan": env.Plan(), "the report's plan": first.Plan} {
			env.ResetLog()
			slow(env)
			start := time.Now()
			rep, err := env.Federator(nil).Federate(t.Context(), plan)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(rep.Steps) != 0 || rep.Changed() || env.Writes() != 0 {
				t.Errorf("%s: the second run wrote %d times:\n%s", name, env.Writes(), rep)
			}
			if n := env.Requests(); n > 10 {
				t.Errorf("%s: %d requests; want at most 10", name, n)
			}
			if took := time.Since(start); took > 2*latency {
				t.Errorf("%s: took %v; want at most 2 requests in a row, %v", name, took, 2*latency)
			}
			if rep.Before != federation.StateFederated || rep.After != federation.StateFederated {
				t.Errorf("%s: state %s -> %s; want federated", name, rep.Before, rep.After)
			}
		}
	})
}
