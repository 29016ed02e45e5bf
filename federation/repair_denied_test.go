package federation_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestRepairRefusals tells a refusal of some people from one of everybody.
func TestRepairRefusals(t *testing.T) {
	const n = 40
	forbidden := aadtest.Fault{Kind: aadtest.Error500Before, Status: http.StatusForbidden}
	page := aadtest.Fault{Kind: aadtest.Refuse503, Status: http.StatusForbidden, Body: "<!DOCTYPE html><html><body>Access denied by the proxy</body></html>"}
	for name, tt := range map[string]struct {
		fault   func(patch int) aadtest.Fault // of the nth update of a user, from 1
		cred    []string                      // nil: all
		opaque  bool
		few     bool // no more than ten are tried
		denied  bool // the error is ErrDenied
		done    int
		message string
	}{
		"one person":              {fault: nth(forbidden, 1, 1), done: n - 1, message: "1 of 40 steps were refused"},
		"the first four":          {fault: nth(forbidden, 1, 4), done: n - 4, message: "4 of 40"},
		"many after a success":    {fault: nth(forbidden, 2, 30), done: n - 29, message: "and 19 more"},
		"everybody":               {fault: nth(forbidden, 1, n), few: true, denied: true, message: "the first 5 people were refused"},
		"everybody, opaque token": {fault: nth(forbidden, 1, n), opaque: true, few: true, denied: true, message: "nobody has succeeded"},
		"a permission is missing": {cred: readers, few: true, denied: true, message: "lacks the permission User.ReadWrite.All"},
		"missing, opaque token":   {cred: readers, opaque: true, few: true, denied: true, message: "the first 5 people"},
		"a page of a proxy":       {fault: nth(page, 1, 20), done: n - 20, message: "20 of 40"},
		"a page for everybody":    {fault: nth(page, 1, n), message: "40 of 40"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := broken(n)
				env.AzureAD.OpaqueTokens = tt.opaque
				plan := everything(env)
				plan.Bind, plan.Group = false, ""
				rep, err := env.Federator(nil).PreviewRepair(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				patches := 0
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if r.Method != http.MethodPatch {
						return aadtest.Fault{}
					}
					mu.Lock()
					defer mu.Unlock()
					if patches++; tt.fault == nil {
						return aadtest.Fault{}
					}
					return tt.fault(patches)
				}
				f := federation.New(env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(tt.cred...), nil), nil)
				rep, err = f.Repair(t.Context(), rep)
				if err == nil || !strings.Contains(err.Error(), tt.message) || errors.Is(err, aad.ErrDenied) != tt.denied {
					t.Errorf("%v; want %q, ErrDenied: %t", err, tt.message, tt.denied)
				}
				if !strings.Contains(err.Error(), "left: ") || !strings.Contains(err.Error(), "@example.com") {
					t.Errorf("the error does not say who is left: %v", err)
				}
				if got := rep.Count(federation.Done); got != tt.done {
					t.Errorf("%d done; want %d", got, tt.done)
				}
				if tt.few != (patches <= 12) {
					t.Errorf("%d updates were sent", patches)
				}
				for _, s := range rep.Steps {
					if s.Outcome != federation.Done && s.Error == "" {
						t.Errorf("no reason: %s", s.Change)
					}
				}
			})
		})
	}
}

func nth(f aadtest.Fault, from, to int) func(int) aadtest.Fault {
	return func(patch int) aadtest.Fault {
		if patch >= from && patch <= to {
			return f
		}
		return aadtest.Fault{}
	}
}

// What is refused of one kind does not end what can be done of another.
func TestRepairRefusalOfOneKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(20)
		rep, err := env.Federator(nil).PreviewRepair(t.Context(), everything(env))
		if err != nil {
			t.Fatal(err)
		}
		f := federation.New(env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(readers...), nil), nil)
		rep, err = f.Repair(t.Context(), rep)
		if !errors.Is(err, aad.ErrDenied) {
			t.Error(err)
		}
		for _, s := range rep.Steps {
			if (s.Outcome == federation.Done) == (s.Change.Resource == federation.ResImmutableID) {
				t.Errorf("%s %s", s.Outcome, s.Change)
			}
		}
	})
}

// An immutable ID that somebody else has is explained, above all if nobody can see
// who that is.
func TestRepairTakenImmutableID(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			env := broken(1)
			env.AzureAD.Quirks.DeletedKeepImmutableIDs = true
			plan := everything(env)
			plan.Bind, plan.Group = false, ""
			rep, err := env.Federator(nil).PreviewRepair(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "older@contoso.onmicrosoft.com", ImmutableID: immutableID(rep.Steps[0])})
			want := "older@contoso.onmicrosoft.com has the immutable ID"
			if deleted {
				env.AzureAD.RemoveUser("older@contoso.onmicrosoft.com")
				want = "a deleted user most likely holds it"
			}
			rep, err = env.Federator(nil).Repair(t.Context(), rep)
			if err == nil || rep.Count(federation.Refused) != 1 || !strings.Contains(rep.Steps[0].Error, want) {
				t.Errorf("deleted: %t: %v\n%s", deleted, err, rep)
			}
		})
	}
}

// What a repair says is done it has read back.
func TestRepairReadsBack(t *testing.T) {
	const n = 3
	late := jumpcloudtest.Lag{For: 40 * time.Second}
	for name, tt := range map[string]struct {
		swallow bool // a service says yes and does nothing
		late    bool
		want    federation.Outcome
	}{
		"at once":         {want: federation.Done},
		"late":            {late: true, want: federation.Done},
		"yes and nothing": {swallow: true, want: federation.Unknown},
	} {
		for _, kind := range []federation.Resource{federation.ResImmutableID, federation.ResDirectoryUser, federation.ResMember} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					env := broken(n)
					plan := everything(env)
					if plan.Bind = kind == federation.ResDirectoryUser; kind != federation.ResMember {
						plan.Group = ""
					}
					if kind != federation.ResImmutableID {
						plan.ImmutableIDs = ""
					}
					f := env.Federator(nil)
					rep, err := f.PreviewRepair(t.Context(), plan)
					if err != nil || len(rep.Steps) < n {
						t.Fatalf("%v\n%s", err, rep)
					}
					if tt.late {
						env.JumpCloud.ListLag, env.JumpCloud.GetLag = late, late
						env.AzureAD.ListLag, env.AzureAD.GetLag = late, late
					}
					if tt.swallow {
						env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault { return swallowed(r) }
						env.AzureAD.Fault = func(r *http.Request) aadtest.Fault { return aadtest.Fault(swallowed(r)) }
					}
					start := time.Now()
					rep, err = f.Repair(t.Context(), rep)
					if (err == nil) != (tt.want == federation.Done) || rep.Count(tt.want) != len(rep.Steps) {
						t.Errorf("%v\n%s", err, rep)
					}
					if took := time.Since(start); took > 6*time.Minute {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

// swallowed answers a write with 204, and that is all.
func swallowed(r *http.Request) jumpcloudtest.Fault {
	if r.Method == http.MethodGet {
		return jumpcloudtest.Fault{}
	}
	return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: http.StatusNoContent}
}

// A group that has got its rule since the preview is told, at once.
func TestRepairOfAGroupThatGotARule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(3)
		plan := everything(env)
		plan.ImmutableIDs, plan.Bind = "", false
		rep, err := env.Federator(nil).PreviewRepair(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		rule := env.JumpCloud.AddDynamicGroup("By rule")
		for i := range rep.Steps {
			rep.Steps[i].Change.Parent = rule
		}
		start := time.Now()
		rep, err = env.Federator(nil).Repair(t.Context(), rep)
		if err == nil || rep.Count(federation.Refused) != len(rep.Steps) || !strings.Contains(rep.Steps[0].Error, "a rule decides") || time.Since(start) > time.Second {
			t.Errorf("%v after %v\n%s", err, time.Since(start), rep)
		}
	})
}

// Only somebody's own membership is a step's doing: the group in between is
// somebody else's.
func TestRepairMembersOfAGroupInTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(1)
		plan := everything(env)
		plan.ImmutableIDs, plan.Bind = "", false
		f := env.Federator(nil)
		rep, err := f.PreviewRepair(t.Context(), plan)
		if err != nil || len(rep.Steps) == 0 {
			t.Fatalf("%v\n%s", err, rep)
		}
		user := jumpcloud.Object{Type: jumpcloud.UserObject, ID: rep.Steps[0].Change.Target}
		outer := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: rep.Steps[0].Change.Parent}
		inner := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.AddGroup("Within")}
		env.JumpCloud.Bind(inner, user)
		env.JumpCloud.Bind(outer, inner)
		rep.Steps = rep.Steps[:1]

		// Nothing is planned for somebody who is in it already, in any way.
		skipped, err := f.Repair(t.Context(), rep)
		if err != nil || skipped.Count(federation.Skipped) != 1 {
			t.Errorf("%v\n%s", err, skipped)
		}
		// What is not known to be done is not done by somebody else's group.
		rep.Steps[0].Outcome = federation.Unknown
		env.ResetLog()
		done, err := f.Repair(t.Context(), rep)
		if err != nil || done.Count(federation.Done) != 1 || env.Writes() != 1 {
			t.Errorf("%v, %d writes\n%s", err, env.Writes(), done)
		}
		// Nor is there anything to be taken back once the own membership is gone.
		if err := env.JumpCloud.Client(nil).RemoveGroupMember(t.Context(), outer.ID, user.ID); err != nil {
			t.Fatal(err)
		}
		env.ResetLog()
		undone, err := f.Revert(t.Context(), done)
		if err != nil || undone.Count(federation.Skipped) != 1 || env.Writes() != 0 {
			t.Errorf("%v, %d writes\n%s", err, env.Writes(), undone)
		}
	})
}

// A credential that is refused ends everything at once. What was on its way then
// has most likely been done: it is looked at, and not forgotten.
func TestRepairEndsWithItsCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(30)
		plan := everything(env)
		plan.ImmutableIDs, plan.Bind = "", false
		f := env.Federator(nil)
		rep, err := f.PreviewRepair(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		n := 0
		env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
			if r.Method != http.MethodPost {
				return jumpcloudtest.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			if n++; n == 2 {
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before, Status: http.StatusUnauthorized, Delay: 100 * time.Millisecond}
			}
			return jumpcloudtest.Fault{Kind: jumpcloudtest.DropAfter}
		}
		env.ResetLog()
		rep, err = f.Repair(t.Context(), rep)
		if !errors.Is(err, jumpcloud.ErrUnauthenticated) || n > 16 {
			t.Errorf("%v after %d writes", err, n)
		}
		group := rep.Steps[0].Change.Parent
		members := make(map[string]bool)
		for id, err := range env.JumpCloud.Client(nil).GroupMembers(t.Context(), group) {
			if err != nil {
				t.Fatal(err)
			}
			members[id] = true
		}
		if rep.Count(federation.Done) == 0 {
			t.Error("nothing was on its way, so the test says nothing")
		}
		for _, s := range rep.Steps {
			if members[s.Change.Target] != (s.Outcome == federation.Done) {
				t.Errorf("a member: %t, %s %s", members[s.Change.Target], s.Outcome, s.Change)
			}
		}
	})
}

// One step of which nothing is known is enough for an error.
func TestRepairOfOneUnknownStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(1)
		plan := everything(env)
		plan.Bind, plan.Group, plan.People = false, "", []string{login(0) + "@example.com"}
		rep, err := env.Federator(nil).PreviewRepair(t.Context(), plan)
		if err != nil || len(rep.Steps) != 1 {
			t.Fatalf("%v\n%s", err, rep)
		}
		env.AzureAD.Fault = func(r *http.Request) aadtest.Fault { return aadtest.Fault(swallowed(r)) }
		out, err := env.Federator(nil).Repair(t.Context(), rep)
		if err == nil || out.Count(federation.Unknown) != 1 || !strings.Contains(err.Error(), "the outcome of 1 steps is unknown") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
