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

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// repaired previews and carries out a repair that has to succeed.
func repaired(t *testing.T, env *federationtest.Env, plan federation.RepairPlan) *federation.Report {
	t.Helper()
	f := env.Federator(nil)
	preview, err := f.PreviewRepair(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	done, err := f.Repair(t.Context(), preview)
	if err != nil || len(done.Steps) == 0 || done.Count(federation.Done) != len(done.Steps) {
		t.Fatalf("%v\n%s", err, done)
	}
	return done
}

// A revert of a revert repairs again, and a revert that is called twice finds
// nothing to do: each says so in the report.
func TestRevertOfARevertOfARepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(3)
		f := env.Federator(nil)
		done := repaired(t, env, everything(env))
		ids := func() (n int) {
			for _, u := range env.AzureAD.Users() {
				if strings.Contains(u.DisplayName, "Berg") && u.ImmutableID != "" {
					n++
				}
			}
			return n
		}
		n := len(done.Steps)
		env.ResetLog()
		undone, err := f.Revert(t.Context(), done)
		if err != nil || undone.Count(federation.Done) != n || env.Writes() != n || ids() != 0 {
			t.Fatalf("%v, %d writes, %d immutable IDs\n%s", err, env.Writes(), ids(), undone)
		}
		if first, last := undone.Steps[0].Change, done.Steps[n-1].Change; first.Name != last.Name || first.Action != federation.Remove {
			t.Errorf("the first to be undone is %s, the last that was done %s", first, last)
		}
		if s := undone.String(); !strings.HasPrefix(s, "repair of people on example.com: 0 to do, 13 done, 0 skipped, 0 left, 0 refused, 0 unknown\ndone     remove jumpcloud/directory-user ") {
			t.Errorf("%s", s)
		}
		if _, err := f.Repair(t.Context(), undone); err == nil || !strings.Contains(err.Error(), "hand it to Revert") {
			t.Errorf("Repair took the report of a Revert: %v", err)
		}
		time.Sleep(time.Hour)

		env.ResetLog()
		twice, err := f.Revert(t.Context(), done)
		if err != nil || twice.Count(federation.Skipped) != n || env.Writes() != 0 {
			t.Errorf("twice: %v, %d writes\n%s", err, env.Writes(), twice)
		}
		again, err := f.Revert(t.Context(), undone)
		if err != nil || again.Count(federation.Done) != n || ids() != 3 {
			t.Errorf("again: %v\n%s", err, again)
		}
	})
}

// What an undo says is done it has read back.
func TestRevertOfARepairReadsBack(t *testing.T) {
	late := jumpcloudtest.Lag{For: 40 * time.Second}
	for name, tt := range map[string]struct {
		swallow, late bool
		want          federation.Outcome
	}{
		"late":            {late: true, want: federation.Done},
		"yes and nothing": {swallow: true, want: federation.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := broken(2)
				done := repaired(t, env, everything(env))
				time.Sleep(time.Hour)
				if tt.late {
					env.JumpCloud.ListLag, env.JumpCloud.GetLag, env.AzureAD.ListLag, env.AzureAD.GetLag = late, late, late, late
				}
				if tt.swallow {
					env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault { return swallowed(r) }
					env.AzureAD.Fault = func(r *http.Request) aadtest.Fault { return aadtest.Fault(swallowed(r)) }
				}
				out, err := env.Federator(nil).Revert(t.Context(), done)
				if (err == nil) != (tt.want == federation.Done) || out.Count(tt.want) != len(done.Steps) {
					t.Errorf("%v\n%s", err, out)
				}
			})
		})
	}
}

// A replica that does not show yet what the repair has done does not make an undo
// believe that it is undone.
func TestRevertOfARepairThatDoesNotShowYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		done := repaired(t, env, everything(env))
		env.JumpCloud.ListLag, env.JumpCloud.GetLag = jumpcloudtest.Lag{For: time.Minute}, jumpcloudtest.Lag{For: time.Minute}
		env.AzureAD.ListLag, env.AzureAD.GetLag = env.JumpCloud.ListLag, env.JumpCloud.GetLag
		out, err := env.Federator(nil).Revert(t.Context(), done)
		if err != nil || out.Count(federation.Done) != len(done.Steps) {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// An answer that is older than the repair shows what the undo is to bring about: it
// proves nothing about a write whose own answer was lost.
func TestRevertOfARepairWithALostAnswer(t *testing.T) {
	for name, lost := range map[string]aadtest.FaultKind{"before": aadtest.DropBefore, "after": aadtest.DropAfter} {
		synctest.Test(t, func(t *testing.T) {
			env := broken(1)
			plan := everything(env)
			plan.Bind, plan.Group = false, ""
			done := repaired(t, env, plan)
			time.Sleep(time.Hour)
			id := done.Steps[0].Change.Target
			var mu sync.Mutex
			sent, old := time.Time{}, false
			env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case !strings.HasSuffix(r.URL.Path, "/users/"+id):
				case r.Method == http.MethodPatch && (sent.IsZero() || time.Since(sent) < 5*time.Second):
					sent = time.Now()
					return aadtest.Fault{Kind: lost}
				case r.Method == http.MethodGet && !sent.IsZero() && !old: // the next look
					old = true
					return aadtest.Fault{Kind: aadtest.Refuse503, Status: http.StatusOK, Body: `{"id":"` + id + `","userPrincipalName":"anna.berg0@example.com"}`}
				}
				return aadtest.Fault{}
			}
			out, err := env.Federator(nil).Revert(t.Context(), done)
			for _, u := range env.AzureAD.Users() {
				if u.ID == id && (u.ImmutableID == "") != (out.Count(federation.Done) == 1) {
					t.Errorf("lost %s its effect: the immutable ID is %q\n%s", name, u.ImmutableID, out)
				}
			}
			if err != nil || out.Count(federation.Done) != 1 {
				t.Errorf("lost %s its effect: %v\n%s", name, err, out)
			}
		})
	}
}

// A domain that is federated while a long undo is under way ends it: what people
// sign in by from then on stays.
func TestRevertOfARepairEndsWhenTheDomainIsFederated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1500
		env := broken(n)
		plan := everything(env)
		plan.Bind, plan.Group = false, ""
		done := repaired(t, env, plan)
		time.Sleep(time.Hour)
		env.AzureAD.Latency = 100 * time.Millisecond
		var once sync.Once
		var at time.Time
		start := time.Now()
		f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
			if e.Phase == federation.PhaseUndo && time.Since(start) > 40*time.Second {
				once.Do(func() {
					at = time.Now()
					env.AzureAD.SetFederation(env.Domain, aad.Federation{IssuerURI: "urn:elsewhere"})
				})
			}
		}})
		out, err := f.Revert(t.Context(), done)
		if !errors.Is(err, federation.ErrDiffers) || !strings.Contains(err.Error(), "is federated, and its people sign in by") {
			t.Errorf("%v\n%.300s", err, out)
		}
		if late := time.Since(at); late > 31*time.Second || out.Count(federation.Planned) == 0 || out.Count(federation.Left) == 0 {
			t.Errorf("ended %v after the domain was federated\n%.300s", late, out)
		}
	})
}

// An undo asks before it takes anything back, and a report of another customer, or a
// token that lacks the permission, ends it before anybody is asked.
func TestRevertOfARepairAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		done := repaired(t, env, everything(env))
		env.ResetLog()
		asked := 0
		no := &federation.Options{Confirm: func(_ context.Context, p *federation.Proposal) error {
			cs := p.Changes
			asked = len(cs)
			return errors.New("not on a Friday")
		}}
		if _, err := env.Federator(no).Revert(t.Context(), done); !errors.Is(err, federation.ErrNotConfirmed) || asked != len(done.Steps) || env.Writes() != 0 {
			t.Errorf("%v, asked for %d, %d writes", err, asked, env.Writes())
		}
		asked = 0
		f := federation.New(env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(readers...), nil), no)
		var bad *federation.PreconditionError
		if _, err := f.Revert(t.Context(), done); !errors.As(err, &bad) || !bad.Has(federation.CodePermission) || asked != 0 {
			t.Errorf("without the permission: %v, asked for %d", err, asked)
		}
		for _, verb := range []func(*federation.Report) (*federation.Report, error){
			func(r *federation.Report) (*federation.Report, error) {
				return env.Federator(no).Revert(t.Context(), r)
			},
			func(r *federation.Report) (*federation.Report, error) {
				return env.Federator(no).Repair(t.Context(), r)
			},
		} {
			other := *done
			other.Tenant = "00000000-0000-0000-0000-000000000001"
			other.Steps = append(slices.Clone(done.Steps), federation.Step{Outcome: federation.Planned, Change: done.Steps[0].Change})
			if _, err := verb(&other); !errors.As(err, &bad) || !bad.Has(federation.CodeWrongTenant) || asked != 0 {
				t.Errorf("of another customer: %v, asked for %d", err, asked)
			}
		}
		if env.Writes() != 0 {
			t.Errorf("%d writes", env.Writes())
		}
	})
}

// The domain may be federated while somebody is asked.
func TestRevertOfARepairLooksAgainWhenItHasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		done := repaired(t, env, everything(env))
		env.ResetLog()
		f := env.Federator(&federation.Options{Confirm: func(context.Context, *federation.Proposal) error {
			env.AzureAD.SetFederation(env.Domain, aad.Federation{IssuerURI: "urn:elsewhere"})
			return nil
		}})
		out, err := f.Revert(t.Context(), done)
		if !errors.Is(err, federation.ErrDiffers) || env.Writes() != 0 || out.Count(federation.Left) != len(done.Steps) {
			t.Errorf("%v, %d writes\n%s", err, env.Writes(), out)
		}
	})
}

// A repair asks too, once, for what is still to be done; and it takes no report but
// that of a repair.
func TestRepairAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		preview, err := env.Federator(nil).PreviewRepair(t.Context(), everything(env))
		if err != nil {
			t.Fatal(err)
		}
		preview.Steps[0].Outcome = federation.Done
		env.ResetLog()
		asked := 0
		f := env.Federator(&federation.Options{Confirm: func(_ context.Context, p *federation.Proposal) error {
			cs := p.Changes
			asked = len(cs)
			return errors.New("not on a Friday")
		}})
		out, err := f.Repair(t.Context(), preview)
		if !errors.Is(err, federation.ErrNotConfirmed) || asked != len(preview.Steps)-1 || env.Writes() != 0 || out.Error == "" {
			t.Errorf("%v, asked for %d of %d, %d writes", err, asked, len(preview.Steps), env.Writes())
		}
		if _, err := env.Federator(nil).Repair(t.Context(), &federation.Report{Version: 2, Plan: env.Plan(), Steps: preview.Steps}); err == nil ||
			!strings.Contains(err.Error(), "PreviewRepair makes one") || env.Writes() != 0 {
			t.Errorf("the report of another verb: %v", err)
		}
		// What is only planned is nothing to undo.
		if out, err := f.Revert(t.Context(), &federation.Report{Version: 2, Plan: preview.Plan, Repair: preview.Repair, Steps: preview.Steps[1:]}); err != nil || len(out.Steps) != 0 {
			t.Errorf("Revert of a preview: %v\n%s", err, out)
		}
	})
}

// Somebody who is bound, or a member, where the repair's own answer was lost, may be
// that by anybody's doing, and stays; an immutable ID that is the repair's goes.
func TestRevertOfARepairWhoseAnswersWereLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(1)
		done := repaired(t, env, everything(env))
		for i := range done.Steps {
			done.Steps[i].Outcome = federation.Unknown
		}
		out, err := env.Federator(nil).Revert(t.Context(), done)
		if !errors.Is(err, federation.ErrDiffers) || strings.Count(err.Error(), "it is not known by whom") != 2 || !strings.Contains(err.Error(), "anna.berg0@example.com") {
			t.Errorf("%v", err)
		}
		for _, s := range out.Steps {
			if (s.Outcome == federation.Done) != (s.Change.Resource == federation.ResImmutableID) || (s.Outcome == federation.Left) != (s.Change.Resource != federation.ResImmutableID) {
				t.Errorf("%s %s: %s", s.Outcome, s.Change, s.Error)
			}
		}
	})
}

// Whose account is gone has nothing to be taken back.
func TestRevertOfARepairOfSomebodyWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		plan := everything(env)
		plan.Bind, plan.Group = false, ""
		done := repaired(t, env, plan)
		env.AzureAD.RemoveUser(whom(done.Steps[0]))
		out, err := env.Federator(nil).Revert(t.Context(), done)
		if err != nil || out.Count(federation.Skipped) != 1 || out.Count(federation.Done) != len(done.Steps)-1 {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// An account that has got its immutable ID from the premises meanwhile, or is said to
// get none at all, is not written to.
func TestRepairWritesNoOddImmutableID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		plan := everything(env)
		plan.Bind, plan.Group = false, ""
		preview, err := env.Federator(nil).PreviewRepair(t.Context(), plan)
		if err != nil || len(preview.Steps) != 2 {
			t.Fatalf("%v\n%s", err, preview)
		}
		on := true
		env.AzureAD.EditUser(preview.Steps[0].Change.Target, func(u *aad.User) { u.OnPremisesSyncEnabled = &on })
		preview.Steps[1].Change.Fields = []federation.Field{{Name: "immutableID"}}
		env.ResetLog()
		out, err := env.Federator(nil).Repair(t.Context(), preview)
		if err == nil || env.Writes() != 0 || out.Steps[0].Outcome != federation.Skipped || out.Steps[1].Outcome != federation.Refused {
			t.Errorf("%v, %d writes\n%s", err, env.Writes(), out)
		}
	})
}
