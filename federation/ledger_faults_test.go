package federation_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// mishaps are what may befall a request: the troubles that pass by themselves or
// end the process, and answers that do not.
var mishaps = func() (all []mishap) {
	for _, tr := range troubles {
		all = append(all, mishap{trouble: tr})
	}
	return append(all,
		mishap{trouble{name: "denied", kind: denied.Kind}, http.StatusForbidden, deniedBody},
		mishap{trouble{name: "denied from here on", kind: denied.Kind, many: 1000}, http.StatusForbidden, deniedBody},
		mishap{trouble{name: "200 with nothing", kind: nothing.Kind}, http.StatusOK, nothing.Body},
	)
}()

// replicas, beside the readings: what is asked by ID is old now and then.
var ledgerReadings = append(readings[:len(readings):len(readings)], reads{"replicas disagree", func(e *federationtest.Env) {
	e.JumpCloud.ListLag, e.JumpCloud.GetLag = jumpcloudtest.Lag{For: 7 * time.Second}, jumpcloudtest.Lag{Flaps: 4}
	e.AzureAD.ListLag, e.AzureAD.GetLag = aadtest.Lag{Flaps: 3}, aadtest.Lag{Flaps: 3}
}})

// A verb is a call under trouble, with what led to it and what follows.
type verb struct {
	name string
	tell func(*tale)
}

// shares are the plans of two domains that have everything in common.
func (s *tale) shares() []federation.Plan {
	s.edit(func() {
		s.AzureAD.AddDomain("other.example")
		id := s.JumpCloud.AddUser(jumpcloud.User{Username: "ann", Email: "ann@other.example", State: jumpcloud.Activated, Activated: true})
		s.JumpCloud.BindUser(s.Directory, id, s.AzureAD.AddUser(aad.User{UserPrincipalName: "ann@other.example", ImmutableID: id}))
		s.JumpCloud.Bind(object(jumpcloud.GroupObject, s.groupID(federationtest.Group)), object(jumpcloud.UserObject, id))
	})
	p, q := s.Plan(), s.Plan()
	p.Groups = append(p.Groups, federation.Group{Name: "Pilots", Members: []string{"ada.abbott@example.com", "ann@other.example"}})
	q.Domain, q.Groups = "other.example", p.Groups
	return []federation.Plan{p, q}
}

// rich is the plan that needs every kind of change.
func (s *tale) rich() federation.Plan {
	p := s.Plan()
	p.Groups = append(p.Groups, federation.Group{Name: "Pilots", Members: []string{"ada.abbott@example.com"}})
	p.Directory.Rules = []string{"user_department"}
	p.TechnicalAccount = federation.TechnicalAccount{}
	return p
}

// lacking adds people who lack everything that a repair gives.
func (s *tale) lacking() federation.RepairPlan {
	s.edit(func() {
		for i := range 3 {
			upn := fmt.Sprintf("r%d@%s", i, s.Domain)
			s.JumpCloud.AddUser(jumpcloud.User{Username: upn[:2], Email: upn, State: jumpcloud.Activated, Activated: true})
			s.AzureAD.AddUser(aad.User{UserPrincipalName: upn})
		}
	})
	return federation.RepairPlan{Plan: s.Plan(), ImmutableIDs: federation.FromJumpCloudID, Bind: true, Group: federationtest.Group}
}

var verbs = []verb{
	{"Federate", func(s *tale) {
		p := s.rich()
		var rep *federation.Report
		s.amid(func(ctx context.Context) { rep, _ = s.federate(ctx, p, nil) })
		time.Sleep(time.Minute)
		rep, _ = s.federate(s.ctx, rep.Plan, nil)
		s.doubles("Federate")
		s.revert(s.ctx, rep)
	}},
	{"FederateAll", func(s *tale) {
		plans := s.shares()
		var reps []*federation.Report
		s.amid(func(ctx context.Context) { reps, _ = s.federateAll(ctx, plans) })
		time.Sleep(time.Minute)
		for _, r := range reps {
			s.federate(s.ctx, r.Plan, nil)
		}
	}},
	{"two Federates at once", func(s *tale) {
		plans := s.shares()
		var reps [2]*federation.Report
		s.amid(func(ctx context.Context) { reps = s.twoAtOnce(ctx, plans[0], plans[1]) })
		time.Sleep(time.Minute)
		s.federate(s.ctx, reps[0].Plan, nil)
		s.federate(s.ctx, reps[1].Plan, nil)
	}},
	{"Revert", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.rich(), nil)
		time.Sleep(time.Minute)
		s.amid(func(ctx context.Context) { s.revert(ctx, rep) })
		time.Sleep(time.Minute)
		s.revert(s.ctx, rep)
	}},
	{"Revert of a Federate that died", func(s *tale) {
		ctx, over := s.killed(http.MethodPost, "/v1.0/domains/*/federationConfiguration", fake.DropAfter)
		rep, _ := s.federate(ctx, s.rich(), nil)
		over()
		s.amid(func(ctx context.Context) { s.revert(ctx, rep) })
		time.Sleep(time.Minute)
		s.revert(s.ctx, rep)
	}},
	{"Defederate", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		time.Sleep(time.Minute)
		var rep *federation.Report
		s.amid(func(ctx context.Context) { rep, _ = s.defederate(ctx, withRemoval(s.Domain)) })
		time.Sleep(time.Minute)
		s.revert(s.ctx, rep)
	}},
	{"Revert of a Defederate", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		time.Sleep(time.Minute)
		rep, _ := s.defederate(s.ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsKnown})
		time.Sleep(time.Minute)
		s.amid(func(ctx context.Context) { s.revert(ctx, rep) })
		time.Sleep(time.Minute)
		s.revert(s.ctx, rep)
	}},
	{"Repair", func(s *tale) {
		p := s.lacking()
		var rep *federation.Report
		s.amid(func(ctx context.Context) { rep = s.repair(ctx, p) })
		time.Sleep(time.Minute)
		s.revertRepair(s.ctx, rep)
	}},
	{"Revert of a Repair", func(s *tale) {
		rep := s.repair(s.ctx, s.lacking())
		time.Sleep(time.Minute)
		s.amid(func(ctx context.Context) { s.revertRepair(ctx, rep) })
		time.Sleep(time.Minute)
		s.revertRepair(s.ctx, rep)
	}},
}

// A faulty is one verb with one mishap at one request.
type faulty struct {
	v verb
	r reads
	m *mishap
	k int
}

func (f faulty) String() string {
	if f.m == nil {
		return fmt.Sprintf("%s, %s reads", f.v.name, f.r.name)
	}
	return fmt.Sprintf("%s, %s reads, %s at request %d", f.v.name, f.r.name, f.m.name, f.k)
}

func (f faulty) tell(t *testing.T) *tale {
	s := newTale(t, "faults", federationtest.New(&federationtest.Options{DefaultDomain: true}))
	s.hit, s.at, s.reads = f.m, f.k, f.r.set
	f.v.tell(s)
	return s
}

// ledgerStep is how many scenarios are skipped for each that is told. All of them
// take half an hour.
var ledgerStep = flag.Int("ledger-step", 0, "tell every n-th scenario of faults; 1 tells all, 0 as many as there is time for")

// mishapScenarios are every mishap of every verb under every reading, at so many
// of its requests as there is time for: each request has its turn with one mishap
// or another.
func mishapScenarios(t *testing.T) (all []faulty) {
	step := *ledgerStep
	if step == 0 {
		step = everyNth(127, 307, 1409)
	}
	turn := 0
	for _, v := range slices.Concat(verbs, keepers) {
		for _, r := range ledgerReadings {
			n := 0
			synctest.Test(t, func(t *testing.T) { n = faulty{v: v, r: r}.tell(t).spent })
			if n == 0 {
				t.Fatalf("%s, %s reads: nothing was asked", v.name, r.name)
			}
			for m := range mishaps {
				// All request numbers of all mishaps in one row, of which every step-th is taken.
				for ; turn < n; turn += step {
					all = append(all, faulty{v, r, &mishaps[m], turn + 1})
				}
				turn -= n
			}
		}
	}
	return all
}
