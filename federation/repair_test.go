package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// broken is an environment in which people lack what Repair can give: n of them
// everything, and some in ways that it must not touch.
func broken(n int) *federationtest.Env {
	env := federationtest.New(nil)
	for i := range n {
		a := login(i) + "@" + env.Domain
		env.JumpCloud.AddUser(jumpcloud.User{Username: login(i), Email: a, State: jumpcloud.Activated, Activated: true})
		env.AzureAD.AddUser(aad.User{UserPrincipalName: a, DisplayName: display(i), Mail: a})
	}
	add := func(name string, ju jumpcloud.User, au aad.User) (userID, objectID string) {
		ju.Username, ju.Email = name, name+"@"+env.Domain
		au.UserPrincipalName, au.DisplayName, au.Mail = ju.Email, name, ju.Email
		return env.JumpCloud.AddUser(ju), env.AzureAD.AddUser(au)
	}
	active := jumpcloud.User{State: jumpcloud.Activated, Activated: true}
	add("suspended", jumpcloud.User{State: jumpcloud.Suspended, Suspended: true, Activated: true}, aad.User{})
	on := true
	add("premises", active, aad.User{OnPremisesSyncEnabled: &on})
	_, id := add("boss", active, aad.User{})
	env.AzureAD.MakeGlobalAdministrator(id)
	env.ResetLog()
	return env
}

func everything(env *federationtest.Env) federation.RepairPlan {
	return federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromObjectID, Bind: true, Group: federationtest.Group}
}

// whom is the person that a step is about: a membership has the group's name before it.
func whom(s federation.Step) string {
	return s.Change.Name[strings.LastIndexByte(s.Change.Name, ' ')+1:]
}

// immutableID is what a step gives.
func immutableID(s federation.Step) string { return s.Change.Fields[0].New }

// stepOf is the first step of a kind.
func stepOf(r *federation.Report, kind federation.Resource) *federation.Step {
	return &r.Steps[slices.IndexFunc(r.Steps, func(s federation.Step) bool { return s.Change.Resource == kind })]
}

// open is how many steps a further Repair would try.
func open(r *federation.Report) int {
	return r.Count(federation.Planned, federation.Unknown, federation.Refused)
}

func TestRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 5
		env := broken(n)
		f := env.Federator(nil)
		before, err := f.Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		preview, err := f.PreviewRepair(t.Context(), everything(env))
		if err != nil {
			t.Fatal(err)
		}
		if env.Writes() != 0 {
			t.Errorf("the preview has made %d writes", env.Writes())
		}
		federation.Golden(t, "people/repair.txt", preview.String())
		for _, s := range preview.Steps {
			who := whom(s)
			if s.Change.Resource == federation.ResImmutableID && (who == "boss@example.com" || who == "premises@example.com") || strings.HasPrefix(who, "suspended") {
				t.Errorf("planned: %s", s.Change)
			}
		}

		// The confirmation is the report, on its way through a file.
		b, err := json.Marshal(preview)
		if err != nil {
			t.Fatal(err)
		}
		confirmed, err := federation.ParseReport(b)
		if err != nil {
			t.Fatal(err)
		}
		done, err := f.Repair(t.Context(), confirmed)
		if err != nil {
			t.Fatalf("%v\n%s", err, done)
		}
		if open(done) != 0 || done.Count(federation.Done) != len(preview.Steps) || open(confirmed) != len(preview.Steps) {
			t.Errorf("done:\n%s", done)
		}
		if got := env.Writes(); got != len(preview.Steps) {
			t.Errorf("%d writes for %d steps", got, len(preview.Steps))
		}
		after, err := f.Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if d := federation.Diff(before, after); len(d.New) != 0 || d.LockedOutBefore-d.LockedOutAfter != n {
			t.Errorf("%s", d)
		}

		// Twice is nothing.
		env.ResetLog()
		again, err := f.Repair(t.Context(), done)
		if err != nil || env.Requests() != 0 || again.Count(federation.Done) != len(done.Steps) {
			t.Errorf("again: %d requests, %v\n%s", env.Requests(), err, again)
		}
		// A stale report repairs nobody a second time.
		stale, err := f.Repair(t.Context(), confirmed)
		if err != nil || env.Writes() != 0 || stale.Count(federation.Skipped) != len(done.Steps) {
			t.Errorf("stale: %d writes, %v\n%s", env.Writes(), err, stale)
		}

		// Undo leaves alone what somebody has changed.
		id := stepOf(done, federation.ResImmutableID).Change.Target
		env.AzureAD.EditUser(id, func(u *aad.User) { u.ImmutableID = "by hand" })
		undone, err := f.Revert(t.Context(), done)
		if !errors.Is(err, federation.ErrDiffers) || undone.Count(federation.Done) != len(done.Steps)-1 || undone.Count(federation.Left) != 1 {
			t.Errorf("undo: %v\n%s", err, undone)
		}
		for _, u := range env.AzureAD.Users() {
			if u.ID == id && u.ImmutableID != "by hand" || u.ID != id && u.ImmutableID != "" && u.DisplayName == display(1) {
				t.Errorf("%s has the immutable ID %q", u.UserPrincipalName, u.ImmutableID)
			}
		}
		end, err := f.Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if end.People.Counts.LockedOut != before.People.Counts.LockedOut {
			t.Errorf("%s", federation.Diff(before, end))
		}
	})
}

// TestRepairNames narrows a repair, and names what it otherwise leaves alone.
func TestRepairNames(t *testing.T) {
	env := broken(2)
	for i, u := range env.AzureAD.Users() {
		if u.ImmutableID != "" {
			env.AzureAD.EditUser(u.ID, func(u *aad.User) { u.ImmutableID = "older" + string(rune('0'+i)) })
		}
	}
	plan := federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID, People: []string{"BOSS@example.com", "nobody@example.com"}}
	rep, err := env.Federator(nil).PreviewRepair(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	boss := slices.IndexFunc(env.JumpCloud.Users(), func(u jumpcloud.User) bool { return u.Username == "boss" })
	if len(rep.Steps) != 1 || whom(rep.Steps[0]) != "boss@example.com" || immutableID(rep.Steps[0]) != env.JumpCloud.Users()[boss].ID {
		t.Errorf("%s", rep)
	}
	if s := rep.String(); !strings.Contains(s, "nobody@example.com") || !strings.Contains(s, "only 0 have the one that jumpCloudID makes") {
		t.Errorf("notes: %s", s)
	}
}

func TestRepairObserves(t *testing.T) {
	env := federationtest.New(&federationtest.Options{Users: 1})
	for i := range 6 {
		a := login(i) + "@" + env.Domain
		u := aad.User{ID: "33221100-5544-7766-8899-aabbccddee0" + string(rune('0'+i)), UserPrincipalName: a, Mail: a}
		if i < 5 {
			// The bytes 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee 0i.
			u.ImmutableID = []string{"ABEiM0RVZneImaq7zN3uAA==", "ABEiM0RVZneImaq7zN3uAQ==", "ABEiM0RVZneImaq7zN3uAg==", "ABEiM0RVZneImaq7zN3uAw==", "ABEiM0RVZneImaq7zN3uBA=="}[i]
		}
		env.JumpCloud.AddUser(jumpcloud.User{Username: login(i), Email: a, Activated: true})
		env.AzureAD.AddUser(u)
	}
	rep, err := env.Federator(nil).PreviewRepair(t.Context(), federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromObjectID})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[federation.ImmutableIDSource]int{federation.FromObjectID: 5, federation.FromJumpCloudID: 1}, rep.Observed); d != "" || len(rep.Findings) != 0 {
		t.Errorf("%s, findings %q", d, rep.Findings)
	}
	if len(rep.Steps) != 1 || immutableID(rep.Steps[0]) != "ABEiM0RVZneImaq7zN3uBQ==" {
		t.Errorf("%s", rep)
	}
}

func TestRepairRefusesPlans(t *testing.T) {
	env := broken(1)
	env.JumpCloud.AddDynamicGroup("Rule")
	for _, tt := range []struct {
		name string
		edit func(p *federation.RepairPlan)
		want string
	}{
		{"nothing", func(p *federation.RepairPlan) { p.ImmutableIDs, p.Bind, p.Group = "", false, "" }, "names nothing to repair"},
		{"unknown source", func(p *federation.RepairPlan) { p.ImmutableIDs = "guess" }, `"guess" is unknown`},
		{"group of another plan", func(p *federation.RepairPlan) { p.Group = "Others" }, "not among the plan's groups"},
		{"group that is missing", func(p *federation.RepairPlan) {
			p.Plan.Groups = append(p.Plan.Groups, federation.Group{Name: "New"})
			p.Group = "New"
		}, `no one group "New"`},
		{"dynamic group", func(p *federation.RepairPlan) {
			p.Plan.Groups = append(p.Plan.Groups, federation.Group{Name: "Rule"})
			p.Group = "Rule"
		}, "decided by a rule"},
		{"no directory", func(p *federation.RepairPlan) { p.Plan.Directory.Name = "Other" }, "no one Microsoft 365 directory"},
		{"unknown domain", func(p *federation.RepairPlan) { p.Plan.Domain = "elsewhere.example" }, "no domain elsewhere.example"},
		{"plan", func(p *federation.RepairPlan) { p.Plan.MFA = "" }, "second factor"},
	} {
		p := everything(env)
		tt.edit(&p)
		rep, err := env.Federator(nil).PreviewRepair(t.Context(), p)
		var bad *federation.PreconditionError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) || rep == nil || rep.Error == "" {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	// A report as it was before its steps were changes says what it is.
	_, err := federation.ParseReport([]byte(`{"version":1,"plan":{"plan":{"domain":"a.example"},"bind":true},"steps":[{"kind":"bind-to-directory","outcome":"done"}]}`))
	if err == nil || !strings.Contains(err.Error(), "the report of a repair as it was written before") {
		t.Error(err)
	}
}

// TestRepairPace keeps to the published limit, told by the service's own clock,
// and tells how long it will take.
func TestRepairPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1300
		env := broken(n)
		env.AzureAD.Latency = 100 * time.Millisecond
		plan := everything(env)
		plan.Bind, plan.Group = false, ""
		last := federation.Event{}
		f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
			if e.Phase == federation.PhaseApply {
				if e.Total != n || e.Done != last.Done+1 || !strings.Contains(e.Text, "left") {
					t.Errorf("event %+v", e)
				}
				last = e
			}
		}})
		rep, err := f.PreviewRepair(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if len(rep.Steps) != n || !strings.Contains(rep.String(), "at 20 writes a second this takes at least 1m5s") {
			t.Errorf("%d steps, %v", len(rep.Steps), rep.Findings)
		}
		env.ResetLog()
		if _, err := f.Repair(t.Context(), rep); err != nil {
			t.Fatal(err)
		}
		var writes []time.Time
		for _, r := range env.AzureAD.Requests() {
			if r.Write {
				writes = append(writes, r.At)
			}
		}
		slices.SortFunc(writes, time.Time.Compare)
		for i := 20; i < len(writes); i++ {
			if d := writes[i].Sub(writes[i-20]); d < 999*time.Millisecond {
				t.Fatalf("21 writes within %v", d)
			}
		}
		if d := writes[len(writes)-1].Sub(writes[0]); len(writes) != n || d > 66*time.Second {
			t.Errorf("%d writes in %v", len(writes), d)
		}
	})
}

// TestRepairResumes stops in the middle, at once, and goes on from the report.
func TestRepairResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(40)
		env.AzureAD.Latency, env.JumpCloud.Latency = 50*time.Millisecond, 50*time.Millisecond
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
			if e.Phase == federation.PhaseApply && e.Done == 30 && at.IsZero() {
				at = time.Now()
				cancel()
			}
		}})
		preview, err := f.PreviewRepair(ctx, everything(env))
		if err != nil {
			t.Fatal(err)
		}
		rep, err := f.Repair(ctx, preview)
		if !errors.Is(err, context.Canceled) || rep.Error == "" || time.Since(at) > time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(at))
		}
		if n := rep.Count(federation.Done); n < 22 || open(rep) < 50 || n+open(rep) != len(rep.Steps) {
			t.Errorf("%s", rep)
		}
		rep, err = env.Federator(nil).Repair(t.Context(), rep)
		if err != nil || rep.Count(federation.Done) != len(rep.Steps) {
			t.Errorf("%v\n%s", err, rep)
		}
	})
}

// TestRepairTroubles lets single writes fail in every way.
func TestRepairTroubles(t *testing.T) {
	for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.Error500After, jumpcloudtest.DropAfter, jumpcloudtest.DropBefore, jumpcloudtest.Error500Before, jumpcloudtest.Refuse503, jumpcloudtest.TooMany} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := broken(6)
				var mu sync.Mutex
				hit := make(map[string]int)
				trouble := func(r *http.Request) jumpcloudtest.Fault {
					mu.Lock()
					defer mu.Unlock()
					if r.Method == http.MethodGet {
						return jumpcloudtest.Fault{}
					}
					if hit[r.URL.Path]++; hit[r.URL.Path]%3 != 0 {
						return jumpcloudtest.Fault{Kind: kind}
					}
					return jumpcloudtest.Fault{}
				}
				f := env.Federator(nil)
				rep, err := f.PreviewRepair(t.Context(), everything(env))
				if err != nil {
					t.Fatal(err)
				}
				env.JumpCloud.Fault = trouble
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault { return aadtest.Fault(trouble(r)) }
				for range 4 {
					if rep, err = f.Repair(t.Context(), rep); err == nil {
						break
					}
				}
				if err != nil || open(rep) != 0 || rep.Count(federation.Done) != len(rep.Steps) {
					t.Fatalf("%v\n%s", err, rep)
				}
				pf, err := f.Preflight(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range pf.LockedOut() {
					if p.Code == federation.CodePersonNoImmutableID && strings.Contains(p.UserPrincipalName, ".") && strings.HasSuffix(p.DisplayName, "Berg") {
						t.Errorf("still: %s", p)
					}
				}
			})
		})
	}
}

// TestRepairDenied stops at the first refusal that everybody would get.
func TestRepairDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(50)
		rep, err := env.Federator(nil).PreviewRepair(t.Context(), everything(env))
		if err != nil {
			t.Fatal(err)
		}
		jc := env.JumpCloud.Client(&jumpcloud.Options{ReadOnly: true})
		ad := env.AzureAD.Client(&aad.Options{ReadOnly: true})
		env.ResetLog()
		got, err := federation.New(jc, ad, nil).Repair(t.Context(), rep)
		if !errors.Is(err, jumpcloud.ErrReadOnly) && !errors.Is(err, aad.ErrReadOnly) || env.Writes() != 0 {
			t.Errorf("%v, %d writes", err, env.Writes())
		}
		if got.Count(federation.Refused) > 8 || open(got) != len(got.Steps) {
			t.Errorf("%s", got)
		}
	})
}

// What a repair has given people is their sign-in while the domain is federated,
// and is taken back only once it is managed.
func TestRevertOfARepairWaitsForTheDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		f := env.Federator(nil)
		preview, err := f.PreviewRepair(t.Context(), everything(env))
		if err != nil {
			t.Fatal(err)
		}
		done, err := f.Repair(t.Context(), preview)
		if err != nil || done.Count(federation.Done) == 0 {
			t.Fatalf("%v\n%s", err, done)
		}
		plan := env.Plan()
		plan.Consent.LockOut.AtMost = 10
		if _, err := f.Federate(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		env.ResetLog()
		out, err := f.Revert(t.Context(), done)
		if !errors.Is(err, federation.ErrDiffers) || env.Writes() != 0 || out.Count(federation.Left) != done.Count(federation.Done) {
			t.Fatalf("of a federated domain: %v, %d writes\n%s", err, env.Writes(), out)
		}
		if _, err := f.Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown}); err != nil {
			t.Fatal(err)
		}
		out, err = f.Revert(t.Context(), done)
		if err != nil || out.Count(federation.Done) != done.Count(federation.Done) {
			t.Errorf("of a managed domain: %v\n%s", err, out)
		}
	})
}
