package work

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// A customer who is only watched is never written to, whatever is asked.
func TestWatchModeNeverWrites(t *testing.T) {
	b := newBench(t, nil, "")
	look := b.look(t.Context())
	if look.Mode != "watch" || look.Open != nil || look.Problem != nil || look.Look.Changes == 0 || look.Look.Preflight == nil {
		t.Errorf("look: %+v %+v", look, look.Problem)
	}
	c, _ := b.file.ByDomain(b.env.Domain)
	err := b.a.ask(t.Context(), c, true, b.a.options(), func(ctx context.Context, f *federation.Federator) error {
		_, err := f.Federate(ctx, c.Plan)
		return err
	})
	if err == nil || b.env.Writes() > 0 {
		t.Errorf("written: %v", err)
	}
	b.list(manage)
	in := b.approved(*b.look(t.Context()).Open, approve1)
	b.list("")
	if out := b.run(t.Context(), in); out.Done || out.Problem == nil || b.env.Writes() > 0 {
		t.Errorf("run: %+v", out)
	}
	// Nor do reads of one who is managed.
	b.list(manage)
	c, _ = b.file.ByDomain(b.env.Domain)
	err = b.a.ask(t.Context(), c, false, b.a.options(), func(ctx context.Context, f *federation.Federator) error {
		_, err := f.Federate(ctx, c.Plan)
		return err
	})
	if err == nil || b.env.Writes() > 0 {
		t.Errorf("written by a read: %v", err)
	}
}

// A credential that is refused is fetched anew once, then waits for people.
func TestCredential(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil, mend func(*bench)
		works       bool
	}{
		"renewed": {
			func(b *bench) { b.env.JumpCloud.APIKey = "another-key-0815"; b.vars["JC"] = "another-key-0815" }, nil, true,
		},
		"token renewed": {func(b *bench) { b.env.AzureAD.RevokeTokens(); b.vars["AD"] = token(b.t, b.env) }, nil, true},
		"the same":      {func(b *bench) { b.env.JumpCloud.APIKey = "another-key-0815" }, nil, false},
		"gone":          {func(b *bench) { delete(b.vars, "AD"); b.o.Vault.Forget() }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			b.look(t.Context())
			tt.spoil(b)
			b.env.ResetLog()
			out := b.look(t.Context())
			if tt.works != (out.Problem == nil && out.Open != nil) {
				t.Errorf("look: %+v %+v", out, out.Problem)
			}
			if !tt.works && (out.Problem == nil || out.Problem.Class != federation.ClassPeople || out.Problem.Code != "credential" ||
				!strings.Contains(out.Problem.Text, "env:")) {
				t.Errorf("the problem: %+v", out.Problem)
			}
			if tt.works {
				b.federated(t.Context())
			}
		})
	}
}

// What is told of a run, in the audit as well: before it, after it, and by whom.
func TestAudit(t *testing.T) {
	b := newBench(t, nil, manage)
	sent := make(map[federation.Outcome]int)
	b.o.OnSent = func(o federation.Outcome) { sent[o]++ }
	b.restart()
	out := b.federated(t.Context())
	var all []audit.Entry
	for e, err := range b.o.Audit.Entries(audit.Filter{Domain: b.env.Domain}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if len(all) != 2 || all[0].Outcome != "begins" || !strings.HasPrefix(all[1].Outcome, "done") || all[1].Report != out.Report.Name ||
		len(all[1].Requests) == 0 || all[0].Actors[0] != approve1 || all[0].Proposal == "" || all[0].Verb != "federate" {
		t.Errorf("the audit: %+v", all)
	}
	if len(sent) != 1 || sent[federation.Done] != out.Steps || out.Steps == 0 {
		t.Errorf("what was sent: %v, want %d done", sent, out.Steps)
	}
}

// What others have changed of ours is mended without an approval where that stands, and
// nothing else is.
func TestMendOurs(t *testing.T) {
	for name, tt := range map[string]struct {
		more  string
		spoil func(*bench)
		want  bool
	}{
		"a field of the federation": {"    standing: [mend-ours]\n", spoilFederation, true},
		"it does not stand":         {"", spoilFederation, false},
		"a binding":                 {"    standing: [mend-ours]\n", spoilBinding, true},
		"federation gone":           {"    standing: [mend-ours]\n", func(b *bench) { b.env.AzureAD.RemoveFederation(b.env.Domain) }, false},
		"application gone": {"    standing: [mend-ours]\n", func(b *bench) {
			b.env.JumpCloud.DeleteApplication(b.env.JumpCloud.Applications()[0].ID)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage+tt.more)
			b.federated(t.Context())
			tt.spoil(b)
			look := b.look(t.Context())
			if got := look.Open != nil && look.Open.Standing; got != tt.want {
				t.Fatalf("stands: %v; %+v %+v %+v", got, look, look.Open, look.Problem)
			}
			if !tt.want {
				return
			}
			in := flow.Approved{Open: *look.Open, Run: "mend"}
			if out := b.run(t.Context(), in); !out.Done || !out.Sent {
				t.Fatalf("mended: %+v %+v", out, out.Problem)
			}
			b.one()
			if look := b.look(t.Context()); look.Open != nil || look.Found != federation.StateFederated {
				t.Errorf("afterwards: %+v", look)
			}
			b.clean()
		})
	}
}

func spoilFederation(b *bench) {
	f, _ := b.env.AzureAD.Federation(b.env.Domain)
	f.DisplayName = "Somebody else's"
	f.MFA = aad.RejectMFAByFederatedIdP
	b.env.AzureAD.SetFederation(b.env.Domain, f)
}

func spoilBinding(b *bench) {
	for _, as := range b.env.JumpCloud.Associations() {
		if as[0].Type == "application" || as[1].Type == "application" {
			b.env.JumpCloud.Unbind(as[0], as[1])
		}
	}
}

func TestRevert(t *testing.T) {
	b := newBench(t, nil, manage)
	done := b.federated(t.Context())
	in := flow.ProposeRevertIn{Domain: b.env.Domain, Reports: []data.Ref{*done.Report}}
	out, err := b.a.ProposeRevert(t.Context(), in)
	if keep(b, out, err); err != nil || out.Open == nil || !out.Open.Two || out.Open.Verb != federation.VerbRevert {
		t.Fatalf("proposed: %+v %+v, %v", out, out.Problem, err)
	}
	if one := b.run(t.Context(), b.approved(*out.Open, approve1)); !one.Void {
		t.Errorf("by one of two: %+v", one)
	}
	run := b.run(t.Context(), b.approved(*out.Open, approve1, approve2))
	if !run.Done || run.Report == nil {
		t.Fatalf("reverted: %+v %+v", run, run.Problem)
	}
	if _, ok := b.env.AzureAD.Federation(b.env.Domain); ok || len(b.env.JumpCloud.Applications()) > 0 {
		t.Error("it is still there")
	}
	lost := in
	lost.Reports = append(lost.Reports, data.Ref{Name: strings.Replace(done.Report.Name, "run-", "ran-", 1), SHA256: done.Report.SHA256})
	out, err = b.a.ProposeRevert(t.Context(), lost)
	if err != nil || out.Open != nil || out.Problem == nil || out.Problem.Code != "report-lost" {
		t.Errorf("with one that is lost: %+v, %v", out, err)
	}
	b.clean()
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		var leaves []func()
		for i := range slotsEach {
			leave, _, _ := s.take(fmt.Sprint("a", i), "jc", "ad")
			if leave == nil {
				t.Fatalf("domain %d has no place", i)
			}
			leaves = append(leaves, leave)
		}
		if leave, wait, why := s.take("a0", "jc", "ad"); leave != nil || wait <= 0 || !strings.Contains(why, "another call") {
			t.Errorf("a domain has two calls: %v, %q", wait, why)
		}
		var before time.Duration
		for i := range 12 {
			leave, wait, why := s.take(fmt.Sprint("w", i), "jc", fmt.Sprint("ad", i))
			if leave != nil || wait < before || wait < time.Second || wait > 10*time.Second || why == "" {
				t.Errorf("waiter %d: %v, %q", i, wait, why)
			}
			before = wait
		}
		for i := range slotsAll - slotsEach { // others do not wait for those
			if leave, _, _ := s.take(fmt.Sprint("b", i), fmt.Sprint("k", i)); leave == nil {
				t.Errorf("another customer's domain %d has no place", i)
			}
		}
		if leave, _, _ := s.take("c", "l"); leave != nil {
			t.Error("there are more places than in all")
		}
		leaves[0]()
		if leave, _, _ := s.take("w5", "jc", "ad5"); leave != nil {
			t.Error("the sixth came before the first")
		}
		leave, _, _ := s.take("w0", "jc", "ad0")
		if leave == nil {
			t.Fatal("the first has no place")
		}
		time.Sleep(2 * time.Minute) // the others have gone away
		leave()
		leave() // does nothing
		if leave, _, _ := s.take("w5", "jc", "ad5"); leave == nil {
			t.Error("nobody else waits")
		}
	})
}

func TestUnlisted(t *testing.T) {
	b := newBench(t, nil, manage)
	for _, domain := range []string{"other.example", ""} {
		out, err := b.a.Look(t.Context(), flow.LookIn{Domain: domain})
		if err != nil || !out.Unlisted {
			t.Errorf("%q: %+v, %v", domain, out, err)
		}
	}
	b.o.Customers = func() *customers.File { return nil }
	b.restart()
	if _, err := b.a.Look(t.Context(), flow.LookIn{Domain: b.env.Domain}); err == nil {
		t.Error("without a file nothing is said")
	}
	if b.env.Requests() > 0 {
		t.Error("something was asked")
	}
}

// Who is locked out is counted, and consent is told.
func TestLookCounts(t *testing.T) {
	b := newBench(t, &federationtest.Options{Lifelike: true}, manage)
	out := b.look(t.Context())
	if out.Open == nil || !out.Open.Consent || out.Open.LockedOut == 0 || !out.Open.Two || out.Look.LockedOut == 0 || out.Look.People == 0 ||
		out.Open.Life <= 0 || out.Look.Preflight == nil {
		t.Fatalf("look: %+v %+v %+v %+v", out, out.Look, out.Open, out.Problem)
	}
	text, err := b.dir.Load(*out.Look.Preflight)
	if err != nil || !strings.Contains(string(text), b.env.OnlyInAzureAD) {
		t.Errorf("the preflight: %.100s, %v", text, err)
	}
	b.env.OnlyInAzureAD = "" // nobody consents
	b.list(manage)
	out = b.look(t.Context())
	if out.Open != nil || out.Problem == nil || out.Problem.Code != "lock-out" || out.Problem.Class != federation.ClassPeople {
		t.Errorf("without a consent: %+v %+v", out, out.Problem)
	}
	b.clean()
}
