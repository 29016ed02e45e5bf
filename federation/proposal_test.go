package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// stored is a proposal that was stored and read back.
func stored(t *testing.T, p *federation.Proposal) *federation.Proposal {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := federation.ParseProposal(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, back, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("read back (-made +read):\n%s", d)
	}
	return back
}

// never is asked by nobody who applies a proposal.
func never(t *testing.T) func(context.Context, *federation.Proposal) error {
	return func(context.Context, *federation.Proposal) error {
		t.Error("somebody was asked again")
		return nil
	}
}

// A proposal is made, stored, applied by another process that is killed anywhere, and
// applied again until it is done.
func TestApplyKilledAnywhere(t *testing.T) {
	step := 1
	if testing.Short() || raceDetector {
		step = 5
	}
	for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			for k, n := 1, 0; n >= k-step; k += step {
				synctest.Test(t, func(t *testing.T) {
					env := federationtest.New(&federationtest.Options{DefaultDomain: true})
					plan, opts := everyKind(env)
					opts.Confirm = never(t)
					p, err := env.Federator(opts).Propose(t.Context(), plan)
					if err != nil || env.Writes() > 0 || len(p.Changes) < 9 {
						t.Fatalf("%d writes: %v\n%s", env.Writes(), err, p)
					}
					p = stored(t, p)
					time.Sleep(time.Hour)
					var s shelf
					opts.OnReport = s.begin()
					ctx, over := s.killAt(t.Context(), env, k, kind)
					_, _ = env.Federator(opts).Apply(ctx, p)
					n = over()
					time.Sleep(time.Hour)
					p.Runs = s.reports(t)
					opts.OnReport = s.begin()
					rep, err := env.Federator(opts).Apply(t.Context(), stored(t, p))
					if err != nil {
						t.Fatalf("killed at %d: %v\n%s", k, err, rep)
					}
					if changes, err := env.Federator(nil).Preview(t.Context(), plan); err != nil || len(changes) > 0 {
						t.Errorf("killed at %d: %v\n%s", k, err, changes)
					}
				})
			}
		})
	}
}

// Whatever is not in the proposal is not done, and told.
func TestApplyRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		since  func(env *federationtest.Env, p *federation.Proposal)
		says   string // in the error; "" for none
		other  bool   // another error than ErrNotApproved
		writes bool   // something that was approved may have been done before
	}{
		"nothing has changed": {func(*federationtest.Env, *federation.Proposal) {}, "", false, true},
		"one thing less": {func(env *federationtest.Env, _ *federation.Proposal) {
			env.JumpCloud.AddApplication("office365", "Microsoft 365 (example.com)", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com")
		}, "", false, true},
		"the domain is the default domain": {func(env *federationtest.Env, _ *federation.Proposal) {
			if err := env.AzureAD.Client(nil).SetDefaultDomain(context.Background(), "example.com"); err != nil {
				panic(err)
			}
		}, `azure-ad/default-domain`, false, false},
		"somebody is hired": {func(env *federationtest.Env, _ *federation.Proposal) {
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@example.com"})
		}, "new.hire@example.com", false, false},
		"it has expired":       {func(*federationtest.Env, *federation.Proposal) { time.Sleep(73 * time.Hour) }, "expired", false, false},
		"a change was added":   {func(_ *federationtest.Env, p *federation.Proposal) { p.Changes = append(p.Changes, p.Changes[0]) }, "was changed since", false, false},
		"the plan was changed": {func(_ *federationtest.Env, p *federation.Proposal) { p.Plan.BrandName = "Other" }, "was changed since", false, false},
		"it is of another customer": {func(_ *federationtest.Env, p *federation.Proposal) { p.Tenant = "00000000-0000-4000-8000-000000000000" },
			"was changed since", false, false},
		"it is no proposal": {func(_ *federationtest.Env, p *federation.Proposal) { p.Plan = nil }, "no proposal", true, false},
		"the domain is changed while it is applied": {func(env *federationtest.Env, _ *federation.Proposal) {
			var once sync.Once
			env.JumpCloud.OnRequest = func(r *http.Request) {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/associations") {
					once.Do(func() {
						env.JumpCloud.SetApplicationField(env.JumpCloud.Applications()[0].ID, "displayLabel", "Somebody's")
						env.JumpCloud.SetApplicationField(env.JumpCloud.Applications()[0].ID, "active", false)
					})
				}
			}
		}, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				env.AzureAD.AddUser(aad.User{UserPrincipalName: "known@example.com"})
				plan := env.Plan()
				plan.Consent.LockOut.AtMost = 5
				opts := &federation.Options{Confirm: never(t)}
				p, err := env.Federator(opts).Propose(t.Context(), plan)
				if err != nil || len(p.People) != 1 || p.People[0].UserPrincipalName != "known@example.com" {
					t.Fatalf("%v\n%s", err, p)
				}
				p = stored(t, p)
				tt.since(env, p)
				env.ResetLog()
				rep, err := env.Federator(opts).Apply(t.Context(), p)
				switch {
				case (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says):
					t.Errorf("%v; want %q\n%s", err, tt.says, rep)
				case err != nil && errors.Is(err, federation.ErrNotApproved) == tt.other:
					t.Errorf("%v is ErrNotApproved: %v", err, !tt.other)
				case err != nil && rep.Error == "":
					t.Error("the report does not tell it")
				}
				inParts(t, err)
				if !tt.writes && env.Writes() > 0 {
					t.Errorf("%d writes\n%s", env.Writes(), rep)
				}
			})
		})
	}
}

// inParts asserts that an ErrNotApproved is a NotApprovedError, which has either a reason
// that names nobody, or what the proposal does not have.
func inParts(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, federation.ErrNotApproved) {
		return
	}
	var e *federation.NotApprovedError
	if !errors.As(err, &e) {
		t.Errorf("%v is no NotApprovedError", err)
		return
	}
	if (e.Reason == "") == (len(e.Changes)+len(e.People) == 0) || strings.Contains(e.Reason, "@") {
		t.Errorf("%q, %d changes, %d people", e.Reason, len(e.Changes), len(e.People))
	}
	if !strings.HasPrefix(e.Error(), "federation: not approved: ") || !strings.Contains(err.Error(), e.Error()) {
		t.Errorf("%q in %q", e, err)
	}
}

// Two proposals of one state are one approval; whatever matters makes another.
func TestProposalHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		propose := func(edit func(*federation.Plan)) *federation.Proposal {
			plan := env.Plan()
			if edit != nil {
				edit(&plan)
			}
			p, err := env.Federator(nil).Propose(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		one := propose(nil)
		time.Sleep(time.Hour)
		two := propose(nil)
		if one.Hash != two.Hash || one.Created.Equal(two.Created) || two.Expires.Sub(two.Created) != 72*time.Hour || len(one.Hash) != 64 {
			t.Errorf("%s of %v, %s of %v to %v", one.Hash, one.Created, two.Hash, two.Created, two.Expires)
		}
		for name, edit := range map[string]func(*federation.Plan){
			"brand":   func(p *federation.Plan) { p.BrandName = "Other" },
			"consent": func(p *federation.Plan) { p.Consent.TakeOver = true },
			"rule":    func(p *federation.Plan) { p.Directory.Rules = []string{"user_department"} },
		} {
			if p := propose(edit); p.Hash == one.Hash {
				t.Errorf("%s: the same hash", name)
			}
		}
		env.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@example.com"})
		if p := propose(func(p *federation.Plan) { p.Consent.LockOut.AtMost = 1 }); p.Hash == propose(func(p *federation.Plan) {
			p.Consent.LockOut.AtMost = 1
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "another@example.com"})
			env.AzureAD.RemoveUser("new.hire@example.com")
		}).Hash {
			t.Errorf("another person, the same hash\n%s", p)
		}
		p, err := env.Federator(nil).Propose(t.Context(), env.Plan())
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || p == nil || len(p.Changes) == 0 || len(p.Findings) == 0 {
			t.Errorf("refused: %v\n%v", err, p)
		}
	})
}

// What the other verbs propose is applied in the same manner.
func TestProposeOtherVerbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		before := truth(env)
		f := env.Federator(&federation.Options{Confirm: never(t)})
		apply := func(p *federation.Proposal, err error) *federation.Report {
			t.Helper()
			if err != nil {
				t.Fatalf("%v\n%s", err, p)
			}
			time.Sleep(time.Hour)
			rep, err := f.Apply(t.Context(), stored(t, p))
			if err != nil || rep.Verb != p.Verb || !rep.Changed() || len(rep.Steps) < len(p.Changes) {
				t.Fatalf("%s: %v\n%s\n%s", p.Verb, err, p, rep)
			}
			time.Sleep(time.Hour)
			return rep
		}
		one := apply(f.Propose(t.Context(), env.Plan()))
		plan := env.Plan()
		plan.Directory.Rules = []string{"user_department"}
		two := apply(f.Propose(t.Context(), plan))
		ended := apply(f.ProposeDefederate(t.Context(), federation.DefederatePlan{Domain: "example.com", Passwords: federation.PasswordsKnown}))
		back := apply(f.ProposeRevert(t.Context(), ended))
		if _, ok := env.AzureAD.Federation("example.com"); !ok {
			t.Fatal("the federation is not back")
		}
		apply(f.ProposeRevert(t.Context(), one, back, two, ended))
		if d := cmp.Diff(before, truth(env)); d != "" {
			t.Errorf("left behind (-before +after):\n%s", d)
		}
		env.AzureAD.EditUser(env.JumpCloud.Users()[0].Email, func(u *aad.User) { u.ImmutableID = "" })
		p, err := f.ProposeRepair(t.Context(), federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
		if len(p.Changes) != 1 {
			t.Fatalf("%v\n%s", err, p)
		}
		apply(p, err)
	})
}

// Of a proposal to undo, whatever decides what is undone is part of what was approved.
func TestProposalHashOfReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		f := env.Federator(nil)
		rep, err := f.Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		ended, err := f.Defederate(t.Context(), federation.DefederatePlan{Domain: "example.com", Passwords: federation.PasswordsKnown})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		p, err := f.ProposeRevert(t.Context(), rep, ended)
		if err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			edit   func(*federation.Report)
			counts bool
		}{
			"texts and times of the run": {func(r *federation.Report) {
				r.Error, r.Finished, r.Findings, r.Rows, r.Steps[0].Error, r.Steps[0].Elapsed = "e", time.Time{}, nil, nil, "e", 7
			}, false},
			"the zone of a time": {func(r *federation.Report) { r.Started = r.Started.In(time.FixedZone("", 7200)) }, false},
			"consent":            {func(r *federation.Report) { r.Plan.Consent.LockOut.AtMost = 500 }, true},
			"another thing":      {func(r *federation.Report) { r.Steps[0].ID = "0123456789abcdef01234567" }, true},
			"another target":     {func(r *federation.Report) { r.Steps[0].Change.Target = "0123456789abcdef01234567" }, true},
			"a backup":           {func(r *federation.Report) { r.Steps[0].Backup = &aad.Federation{IssuerURI: "urn:other"} }, true},
			"that there was none": {func(r *federation.Report) {
				r.Steps[0].Absent = !r.Steps[0].Absent
			}, true},
			"an outcome":  {func(r *federation.Report) { r.Steps[0].Outcome = federation.Skipped }, true},
			"a step less": {func(r *federation.Report) { r.Steps = r.Steps[1:] }, true},
			"tenant":      {func(r *federation.Report) { r.Tenant = "other" }, true},
		} {
			for i := range p.Revert {
				edited := stored(t, p)
				tt.edit(edited.Revert[i])
				env.ResetLog()
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // it is not to be done, only to be judged
				_, err := f.Apply(ctx, edited)
				if refused := errors.Is(err, federation.ErrNotApproved); err == nil || refused != tt.counts || refused && env.Requests() > 0 {
					t.Errorf("%s of report %d: %v", name, i, err)
				}
			}
		}
	})
}

// What an earlier run of the proposal has made is found by its ID, where lists do not
// show it yet.
func TestApplyAgainWhereListsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		plan := env.Plan()
		plan.Groups = append(plan.Groups, federation.Group{Name: "Pilots"})
		p, err := env.Federator(nil).Propose(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		ctx, die := context.WithCancel(t.Context())
		env.JumpCloud.ListLag = jumpcloudtest.Lag{For: 3 * time.Minute}
		env.JumpCloud.OnChange = func(o jumpcloud.Object) {
			if o.Type == jumpcloud.ApplicationObject {
				time.AfterFunc(2*time.Second, die)
			}
		}
		var s shelf
		if _, err := env.Federator(&federation.Options{OnReport: s.begin()}).Apply(ctx, p); err == nil || len(env.JumpCloud.Applications()) != 1 {
			t.Fatal(err, len(env.JumpCloud.Applications()))
		}
		env.JumpCloud.OnChange = nil
		p.Runs = s.reports(t)
		rep, err := env.Federator(nil).Apply(t.Context(), p)
		if apps := len(env.JumpCloud.Applications()); err != nil || apps != 1 || len(env.JumpCloud.Groups()) != 2 {
			t.Errorf("%v: %d applications, %d groups\n%s", err, apps, len(env.JumpCloud.Groups()), rep)
		}
	})
}
