package work

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// bend lets the clock of the activities and of both services be moved.
func (b *bench) bend() (move func(time.Duration)) {
	ahead := time.Duration(0)
	b.now = func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return time.Now().Add(ahead) }
	b.env.JumpCloud.Now, b.env.AzureAD.Now = b.now, b.now
	return func(d time.Duration) {
		b.mu.Lock()
		ahead += d
		b.mu.Unlock()
		b.vars["AD"] = token(b.t, b.env)
		b.o.Vault.Forget()
	}
}

func (b *bench) watch(ctx context.Context) *flow.Watched {
	b.t.Helper()
	w, err := b.a.Watch(ctx, flow.WatchIn{Domain: b.env.Domain})
	if keep(b, w, err); err != nil || w.Watched == nil {
		b.t.Fatalf("watch: %+v %+v, %v", w, w.Problem, err)
	}
	return w.Watched
}

// rotate calls until it is done, and returns how often.
func (b *bench) rotate(ctx context.Context, in flow.Approved, move func(time.Duration)) (calls int) {
	b.t.Helper()
	var last *data.Ref
	for calls = 1; calls < 60; calls++ {
		out, err := b.a.Rotate(ctx, flow.RotateIn{Domain: b.env.Domain, Approved: in, Last: last})
		if keep(b, out, err); err != nil || out.Problem != nil && out.Wait == 0 || out.Void || out.Busy > 0 {
			b.t.Fatalf("call %d: %+v %+v, %v", calls, out, out.Problem, err)
		}
		if last = out.Rotation; out.Done {
			return calls
		}
		if out.Wait <= 0 {
			b.t.Fatalf("call %d waits for nothing: %+v", calls, out)
		}
		move(out.Wait)
	}
	b.t.Fatal("it never ends")
	return 0
}

func TestRotate(t *testing.T) {
	for _, tt := range []struct {
		method   federation.RotateMethod
		standing string
		consent  federation.RotateConsent
		two      bool
	}{
		{federation.OwnKeyPair, "", federation.RotateConsent{}, false},
		{federation.OwnKeyPair, "rotate-own-key", federation.RotateConsent{}, false},
		{federation.SecondApplication, "rotate-second-application", federation.RotateConsent{}, false},
		{federation.Regenerate, "", federation.RotateConsent{Gap: true}, false},
		{federation.Emergency, "", federation.RotateConsent{Outage: true}, true},
	} {
		t.Run(string(tt.method)+" "+tt.standing, func(t *testing.T) {
			t.Parallel()
			more := manage
			if tt.standing != "" {
				more += "    standing: [" + tt.standing + "]\n"
			}
			b := newBench(t, nil, more)
			if testing.Short() || tt.method != federation.OwnKeyPair {
				b.plainKeys()
			}
			move := b.bend()
			b.federated(t.Context())
			move(26 * time.Hour)
			before := b.watch(t.Context())
			if before.Replace == "" || before.Due != "" {
				t.Fatalf("watched: %+v", before)
			}
			arg := flow.RotateArg{Method: tt.method, Replace: before.Replace, Consent: tt.consent}
			out, err := b.a.ProposeRotation(t.Context(), flow.ProposeRotationIn{Domain: b.env.Domain, Rotate: arg, Standing: tt.standing != ""})
			if keep(b, out, err); err != nil || out.Open == nil {
				t.Fatalf("proposed: %+v %+v, %v", out, out.Problem, err)
			}
			if out.Open.Two != tt.two || out.Open.Verb != federation.VerbRotate || out.Open.Changes == 0 {
				t.Errorf("proposed: %+v", out.Open)
			}
			in := flow.Approved{Open: *out.Open, Run: "rotation"}
			if tt.standing == "" {
				who := []string{approve1}
				if tt.two {
					who = append(who, approve2)
				}
				in = b.approved(*out.Open, who...)
			}
			n := b.rotate(t.Context(), in, move)
			after := b.watch(t.Context())
			if after.Replace == before.Replace || after.Foreign || n < 2 {
				t.Errorf("after %d calls: %+v", n, after)
			}
			if tt.standing != "" {
				b.list(manage)
				b.env.ResetLog()
				gone, err := b.a.Rotate(t.Context(), flow.RotateIn{Domain: b.env.Domain, Approved: in})
				if err != nil || !gone.Void || b.env.Writes() > 0 {
					t.Errorf("it stands no more: %+v, %v", gone, err)
				}
			}
			b.clean()
		})
	}
}

// A stored proposal that was changed is refused before anything is asked, and so is what
// stands for another verb, whoever has put it into a history.
func TestChangedProposal(t *testing.T) {
	for name, edit := range map[string]func(p *federation.Proposal, open *flow.Open){
		"another method":      func(p *federation.Proposal, _ *flow.Open) { p.Rotate.Method = federation.Regenerate },
		"another certificate": func(p *federation.Proposal, _ *flow.Open) { p.Rotate.Replace = strings.Repeat("ab", 32) },
		"another consent":     func(p *federation.Proposal, _ *flow.Open) { p.Rotate.Consent.RemoveNextCertificate = true },
		"another wait":        func(p *federation.Proposal, _ *flow.Open) { p.Rotate.Settle = 20 * time.Minute },
		"it stands":           func(_ *federation.Proposal, open *flow.Open) { open.Standing = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			b.federated(t.Context())
			arg := flow.RotateArg{Method: federation.SecondApplication, Replace: b.watch(t.Context()).Replace}
			arg.Consent.Policies = true
			out, err := b.a.ProposeRotation(t.Context(), flow.ProposeRotationIn{Domain: b.env.Domain, Rotate: arg})
			if err != nil || out.Open == nil {
				t.Fatalf("proposed: %+v %+v, %v", out, out.Problem, err)
			}
			in := b.approved(*out.Open, approve1)
			p, err := b.a.loadProposal(in.Open, b.env.Domain)
			if err != nil {
				t.Fatal(err)
			}
			edit(p, &in.Open)
			j, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if in.Open.Proposal, err = b.dir.SaveProposal(p.Hash, j); err != nil {
				t.Fatal(err)
			}
			b.env.ResetLog()
			got, err := b.a.Rotate(t.Context(), flow.RotateIn{Domain: b.env.Domain, Approved: in})
			if err != nil || !got.Void || got.Problem == nil || b.env.Requests() > 0 {
				t.Errorf("%+v %+v, %v after %d requests", got, got.Problem, err, b.env.Requests())
			}
		})
	}
}

// What stands for nothing that the customers file can name is refused by Run as well.
func TestStandingVerb(t *testing.T) {
	b := newBench(t, nil, manage+"    standing: [mend-ours]\n")
	b.federated(t.Context())
	refs, err := b.dir.Reports(b.env.Domain)
	if err != nil || len(refs) == 0 {
		t.Fatalf("%d reports, %v", len(refs), err)
	}
	out, err := b.a.ProposeRevert(t.Context(), flow.ProposeRevertIn{Domain: b.env.Domain, Reports: refs})
	if err != nil || out.Open == nil {
		t.Fatalf("proposed: %+v %+v, %v", out, out.Problem, err)
	}
	out.Open.Standing = true
	b.env.ResetLog()
	got, err := b.a.Run(t.Context(), flow.RunIn{Domain: b.env.Domain, Approved: flow.Approved{Open: *out.Open, Run: "standing"}})
	if err != nil || !got.Void || got.Problem == nil || got.Problem.Code != "standing" || b.env.Requests() > 0 {
		t.Errorf("%+v %+v, %v after %d requests", got, got.Problem, err, b.env.Requests())
	}
}

// A step is told without whom it is about.
func TestStepNamesNobody(t *testing.T) {
	change := federation.Change{
		Action: federation.Add, Resource: federation.ResMember, Name: "ada@example.com", Parent: "Ada's group", Target: "Ada Lovelace",
		Fields: []federation.Field{{Name: "userPrincipalName", New: "ada@example.com"}},
	}
	got := stepText(federation.Event{Phase: federation.PhaseApply, Change: &change, Attempt: 2, Err: errors.New("Ada Lovelace is unknown")})
	if want := "apply add " + string(federation.ResMember) + ", attempt 2: fault"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Near its end a certificate may be replaced where that stands, by the method that can.
func TestDue(t *testing.T) {
	for name, tt := range map[string]struct {
		more, passphrase string
		want             federation.RotateMethod
	}{
		"own key":        {manage + "    standing: [rotate-own-key, rotate-second-application]\n", "p", federation.OwnKeyPair},
		"no passphrase":  {manage + "    standing: [rotate-own-key, rotate-second-application]\n", "", federation.SecondApplication},
		"not this":       {manage + "    standing: [rotate-own-key]\n", "", ""},
		"nothing stands": {manage, "p", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, tt.more)
			b.o.KeyPassphrase = tt.passphrase
			b.restart()
			move := b.bend()
			b.federated(t.Context())
			move(time.Duration(b.watch(t.Context()).Days-50) * 24 * time.Hour)
			if w := b.watch(t.Context()); w.Due != tt.want || w.Days > 60 || !w.Known {
				t.Errorf("watched: %+v, want %q", w, tt.want)
			}
		})
	}
}

func TestOwnKeyPairNeedsAPassphrase(t *testing.T) {
	b := newBench(t, nil, manage)
	b.federated(t.Context())
	b.o.KeyPassphrase = ""
	b.restart()
	arg := flow.RotateArg{Replace: b.watch(t.Context()).Replace}
	out, err := b.a.ProposeRotation(t.Context(), flow.ProposeRotationIn{Domain: b.env.Domain, Rotate: arg})
	if err != nil || out.Open != nil || out.Problem == nil || out.Problem.Code != "no-key-store" {
		t.Errorf("proposed: %+v %+v, %v", out, out.Problem, err)
	}
}
