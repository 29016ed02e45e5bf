package federation_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

// TestPreviewRotation: of each method in each phase, what is ahead; that nothing is
// written, saved or asked; and that it then comes as it was told.
func TestPreviewRotation(t *testing.T) {
	own := func(n int) func(*testing.T, *rotation) { // after n calls of a rotation with an own pair
		return func(t *testing.T, r *rotation) {
			r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
			plan := r.plan
			r.plan = federation.RotatePlan{Plan: plan.Plan, Replace: plan.Replace, Key: plan.Key}
			for i := range n {
				if i > 0 {
					time.Sleep(time.Until(r.last.NotBefore))
				}
				if err := r.rotate(t); err != nil {
					t.Fatal(err)
				}
			}
			r.plan = plan
		}
	}
	calls := func(n int) func(*testing.T, *rotation) { // of the method itself
		return func(t *testing.T, r *rotation) {
			r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
			for range n {
				if err := r.rotate(t); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Until(r.last.NotBefore) / 2)
			}
		}
	}
	signs := func(r *rotation) string { return r.JumpCloud.Applications()[0].Certificate.Fingerprint() }
	broken := func(_ *testing.T, r *rotation) { r.JumpCloud.RegenerateCertificate(r.JumpCloud.Applications()[0].ID) }
	foreign := func(t *testing.T, r *rotation) {
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
	}
	ours := func(r *rotation) { // what the other rotation has brought is to be replaced
		r.plan.Replace, r.plan.Consent.Gap = signs(r), true
		r.last = nil
	}
	const W = 2 * time.Hour
	gap := W + 2*time.Minute
	var files []string
	for i, tt := range []struct {
		name   string
		method federation.RotateMethod
		make   func(*testing.T, *rotation)
		plan   func(r *rotation)
		phase  federation.RotationPhase
		calls  int
		after  time.Duration // from now to the end; -1: a person has to act
		gap    time.Duration
		says   string
		code   federation.Code // of a refusal
		noKeys bool
	}{
		{name: "own idle", phase: federation.RotationIdle, calls: 4, after: 3 * W, says: "make a key pair"},
		{name: "own not due", plan: func(r *rotation) { r.plan.Replace = "" }, phase: federation.RotationIdle, says: "nothing is due"},
		{name: "own saved", make: own(0), phase: federation.RotationSaved, calls: 4, after: 3 * W, says: "accept the stored certificate"},
		{name: "own published", make: own(1), phase: federation.RotationPublished, calls: 3, after: 3 * W, says: "1. 2000-01-02"},
		{name: "own published late", make: func(t *testing.T, r *rotation) { own(1)(t, r); time.Sleep(24 * time.Hour) }, phase: federation.RotationPublished,
			calls: 3, after: 2 * W, says: "1. now"},
		{name: "own published, last lost", make: func(t *testing.T, r *rotation) { own(1)(t, r); r.last = nil; time.Sleep(24 * time.Hour) },
			phase: federation.RotationPublished, calls: 4, after: 3 * W, says: "look, and write nothing"},
		{name: "own switched", make: own(2), phase: federation.RotationSwitched, calls: 2, after: 2 * W},
		{name: "own swapped", make: own(3), phase: federation.RotationSwapped, calls: 1, after: W},
		{name: "own swapped, null ignored", make: func(t *testing.T, r *rotation) {
			r.AzureAD.Quirks.IgnoreNullCertificate = true
			own(4)(t, r)
		}, phase: federation.RotationSwapped, calls: 1, after: W},
		{name: "own by halves", make: func(t *testing.T, r *rotation) {
			own(1)(t, r)
			time.Sleep(time.Until(r.last.NotBefore))
			r.JumpCloud.Quirks.KeepOldKey = true
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			r.JumpCloud.Quirks.KeepOldKey = false
		}, phase: federation.RotationSwitched, calls: 3, after: 2 * W, gap: W, says: "holds one half"},
		{name: "own retired", make: own(4), phase: federation.RotationRetired},
		{name: "own broken", make: broken, phase: federation.RotationBroken, calls: 2, after: W, gap: W, says: "at once and without asking"},
		{name: "own foreign", make: foreign, phase: federation.RotationForeign, after: -1, says: "until a person has looked"},
		{name: "own foreign with consent", make: foreign, plan: func(r *rotation) { r.plan.Consent.RemoveNextCertificate = true },
			phase: federation.RotationForeign, calls: 4, after: 3 * W, says: "is overwritten"},
		{name: "own cancelled", make: own(1), plan: func(r *rotation) { r.plan.Cancel = true }, phase: federation.RotationPublished, calls: 1, says: "led back"},
		{name: "own cancelled too late", make: own(2), plan: func(r *rotation) { r.plan.Cancel = true }, phase: federation.RotationSwitched, after: -1,
			code: federation.CodeRotation},
		{name: "own without a store", noKeys: true, phase: federation.RotationIdle, calls: 4, after: 3 * W, code: federation.CodeRotationKey},
		{name: "own with a longer settle", plan: func(r *rotation) { r.plan.Settle = 5 * time.Hour }, phase: federation.RotationIdle, calls: 4, after: 15 * time.Hour},
		{name: "own without permission", make: func(_ *testing.T, r *rotation) { r.readOnly = true }, phase: federation.RotationIdle, calls: 4, after: 3 * W,
			code: federation.CodePermission},

		{name: "regenerate idle", method: federation.Regenerate, plan: func(r *rotation) { r.plan.Consent.Gap = true }, phase: federation.RotationIdle,
			calls: 2, after: W, gap: gap, says: "nobody on example.com can sign in"},
		{name: "regenerate without consent", method: federation.Regenerate, phase: federation.RotationIdle, calls: 2, after: W, gap: gap, code: federation.CodeRotationGap},
		{name: "regenerate regenerated", method: federation.Regenerate, plan: func(r *rotation) { r.plan.Consent.Gap = true }, make: calls(1),
			phase: federation.RotationRegenerated, calls: 1, after: W / 2},
		{name: "regenerate published", method: federation.Regenerate, make: own(1), plan: func(r *rotation) { r.plan.Consent.Gap = true },
			phase: federation.RotationPublished, after: -1, code: federation.CodeRotation},
		{name: "regenerate switched", method: federation.Regenerate, make: own(2), plan: ours, phase: federation.RotationSwitched, calls: 5, after: 3 * W,
			gap: gap, says: "make a new key pair, with a gap"},
		{name: "regenerate swapped", method: federation.Regenerate, make: own(3), plan: ours, phase: federation.RotationRegenerated, calls: 2, after: W,
			gap: gap, says: "make a new key pair, with a gap"},
		{name: "regenerate broken", method: federation.Regenerate, make: broken, phase: federation.RotationBroken, calls: 2, after: W, gap: W},
		{name: "regenerate finished", method: federation.Regenerate, make: func(t *testing.T, r *rotation) {
			r.plan.Consent.Gap = true
			r.finish(t)
		}, phase: federation.RotationRetired},

		{name: "emergency idle", method: federation.Emergency, plan: func(r *rotation) { r.plan.Consent.Outage = true }, phase: federation.RotationIdle,
			calls: 2, after: time.Minute, gap: gap, says: "an outage"},
		{name: "emergency without a store", method: federation.Emergency, plan: func(r *rotation) { r.plan.Consent.Outage = true }, noKeys: true,
			phase: federation.RotationIdle, calls: 2, after: time.Minute, gap: gap, says: "JumpCloud make a new key pair"},
		{name: "emergency without consent", method: federation.Emergency, phase: federation.RotationIdle, calls: 2, after: time.Minute, gap: gap, code: federation.CodeRotationGap},
		{name: "emergency with sessions", method: federation.Emergency, plan: func(r *rotation) { r.plan.Consent.Outage, r.plan.RevokeSessions = true, true },
			phase: federation.RotationIdle, calls: 2, after: W, gap: gap, says: "sign out everybody"},
		{name: "emergency expelled", method: federation.Emergency, plan: func(r *rotation) { r.plan.Consent.Outage, r.plan.RevokeSessions = true, true },
			make: calls(1), phase: federation.RotationExpelled, calls: 1, after: W / 2, says: "once more"},
		{name: "emergency revoked", method: federation.Emergency, make: func(t *testing.T, r *rotation) {
			r.plan.Consent.Outage, r.plan.RevokeSessions = true, true
			r.finish(t)
		}, phase: federation.RotationRevoked},
		{name: "emergency in a slot alone", method: federation.Emergency, make: own(3), plan: func(r *rotation) { r.plan.Consent.Outage, r.last = true, nil },
			phase: federation.RotationIdle, calls: 2, after: time.Minute, says: "people notice: nothing"},
	} {
		file := "rotate-preview/" + strings.NewReplacer(" ", "-", ",", "").Replace(tt.name) + ".txt"
		files = append(files, file)
		t.Run(tt.name, func(t *testing.T) {
			thin(t, i)
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, cmp.Or(tt.method, federation.OwnKeyPair))
				if tt.plan != nil && !strings.Contains(tt.name, "switched") && !strings.Contains(tt.name, "swapped") {
					tt.plan(r)
				}
				if tt.make != nil {
					cancel := r.plan.Cancel
					r.plan.Cancel = false
					tt.make(t, r)
					r.plan.Cancel = cancel
				}
				if tt.plan != nil {
					tt.plan(r)
				}
				opts := r.opts()
				if tt.noKeys {
					opts.Keys = nil
				}
				now := time.Now()
				p, err := r.foretold(t, opts, tt.code, 12)
				if p.Phase != tt.phase || p.Method != r.plan.Method || len(p.Calls) != tt.calls || !strings.Contains(p.String(), tt.says) || p.Gap != tt.gap {
					t.Errorf("phase %s, %d calls, gap %v; want %s, %d, %v, with %q:\n%s", p.Phase, len(p.Calls), p.Gap, tt.phase, tt.calls, tt.gap, tt.says, p)
				}
				if tt.after < 0 != p.Done.IsZero() || tt.after >= 0 && (p.Done.Sub(now) < tt.after-time.Minute || p.Done.Sub(now) > tt.after+10*time.Minute) {
					t.Errorf("done at %v, %v from now; want %v:\n%s", p.Done, p.Done.Sub(now), tt.after, p)
				}
				federation.Golden(t, file, masked(p))
				if err != nil || p.Done.IsZero() || len(p.Calls) == 0 {
					r.sameRefusal(t, opts, err)
					return
				}
				r.comesTrue(t, opts.Keys, p)
			})
		})
	}
	federation.GoldenFiles(t, "rotate-preview", files)
}

// foretold is the preview, which writes, saves and asks nothing; it is refused with a
// code if there is one.
func (r *rotation) foretold(t *testing.T, opts *federation.Options, code federation.Code, looks int) (*federation.RotationPreview, error) {
	t.Helper()
	before, asks, saves := jsonOf(t, r.last), *opts, r.keys.saves
	asks.Confirm = func(context.Context, *federation.Proposal) error { t.Error("it asks"); return nil }
	r.ResetLog()
	p, err := r.federator(&asks).PreviewRotation(t.Context(), r.plan, r.last)
	if n := r.Writes(); n > 0 || r.keys.saves != saves || r.Requests() == 0 || r.Requests() > looks {
		t.Errorf("%d writes, %d pairs saved, %d requests", n, r.keys.saves-saves, r.Requests())
	}
	if after := jsonOf(t, r.last); after != before {
		t.Errorf("the last rotation was changed:\n%s\n%s", before, after)
	}
	var pe *federation.PreconditionError
	if errors.As(err, &pe) != (code != "") || err != nil && !pe.Has(code) {
		t.Fatalf("%v; want %q\n%s", err, code, p)
	}
	for _, c := range p.Calls[min(1, len(p.Calls)):] {
		if len(c.Changes) > 0 {
			t.Errorf("changes of a later call: %v", c.Changes)
		}
	}
	if s := jsonOf(t, p); strings.Contains(s, "PRIVATE") {
		t.Error(s)
	}
	return p, err
}

// federator is one with what the rotation may do.
func (r *rotation) federator(opts *federation.Options) *federation.Federator {
	if r.readOnly {
		cred := r.AzureAD.Credential("Domain.Read.All", "User.Read.All", "RoleManagement.Read.Directory", "Domain-InternalFederation.Read.All")
		return federation.New(r.JumpCloud.Client(nil), r.AzureAD.ClientWith(cred, nil), opts)
	}
	return r.Federator(opts)
}

// sameRefusal asks that Rotate says the same as the preview, and writes nothing.
func (r *rotation) sameRefusal(t *testing.T, opts *federation.Options, want error) {
	t.Helper()
	r.ResetLog()
	_, err := r.federator(opts).Rotate(t.Context(), r.plan, r.last)
	if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() || r.Writes() > 0 {
		t.Errorf("%d writes; Rotate says %v, the preview\n%v", r.Writes(), err, want)
	}
}

// comesTrue calls Rotate at the times that the preview names, and asks that it does what
// was told.
func (r *rotation) comesTrue(t *testing.T, keys federation.KeyStore, p *federation.RotationPreview) {
	t.Helper()
	f := r.federator(&federation.Options{Keys: keys})
	var calls []federation.RotationCall // each by itself
	for _, c := range p.Calls {
		if c.Number != len(calls)+1 {
			t.Errorf("number %d of the call that is the %d.", c.Number, len(calls)+1)
		}
		for range max(1, c.Times) {
			calls = append(calls, c)
		}
	}
	began := time.Now()
	for i, c := range calls {
		at := c.At
		if r.last != nil && i > 0 { // the calls before have taken their time
			if at = r.last.NotBefore; at.Sub(laterOf(c.At, began)) > time.Duration(i+2)*2*time.Minute || c.At.Sub(at) > time.Minute {
				t.Errorf("call %d: not before %v; announced for %v", c.Number, at, c.At)
			}
		}
		time.Sleep(max(0, time.Until(at)) + 90*time.Second)
		var last []federation.Step
		if r.last != nil {
			last = r.last.Steps
		}
		rot, err := f.Rotate(t.Context(), r.plan, r.last)
		if err != nil {
			t.Fatalf("call %d: %v", c.Number, err)
		}
		r.last = rot
		end := i == len(calls)-1
		if done := end && !p.Done.IsZero(); rot.Done() != done || end && !rot.NotBefore.IsZero() {
			t.Fatalf("call %d of %d: done is %v: %s, %s, not before %v", i+1, len(calls), rot.Done(), rot.Phase, rot.Next, rot.NotBefore)
		}
		if i > 0 {
			continue
		}
		made := rot.Steps
		if len(made) >= len(last) && len(last) > 0 && made[0].Started.Equal(last[0].Started) {
			made = made[len(last):]
		}
		var got, want federation.Changes
		for _, s := range made {
			if fs := s.Change.Fields; p.Method != federation.Regenerate || fs[0].Old != fs[0].New { // which proves that it may
				got = append(got, s.Change)
			}
		}
		want = c.Changes
		if len(got) != len(want) {
			t.Fatalf("announced\n%smade\n%s", want, got)
		}
		for i := range want {
			if w, g := want[i], got[i]; w.Action != g.Action || w.Resource != g.Resource || w.Target != g.Target || w.Parent != g.Parent || len(w.Fields) != len(g.Fields) {
				t.Fatalf("announced %s, made %s", want, got)
			}
			for j, w := range want[i].Fields {
				if g := got[i].Fields[j]; g.Name != w.Name || g.Old != w.Old || g.New != w.New && w.New != federation.Later {
					t.Errorf("announced %s, made %s", want, got)
				}
			}
		}
	}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// TestPreviewRotationErrors: another error leaves the preview with what was known.
func TestPreviewRotationErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
		p, err := r.Federator(r.opts()).PreviewRotation(t.Context(), r.plan, nil)
		if !errors.Is(err, errShelf) || p == nil || p.Domain != r.Domain || len(p.Calls) > 0 || !p.Done.IsZero() {
			t.Errorf("%v: %+v", err, p)
		}
		r.plan.Key.Bits = 1024
		p, err = r.Federator(r.opts()).PreviewRotation(t.Context(), r.plan, nil)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodePlanRotation) || len(p.Findings) == 0 || len(p.Calls) > 0 {
			t.Errorf("%v: %+v", err, p)
		}
	})
}

// TestRotateBelievesWhatItSees: of a last rotation, whatever it says, nothing is believed
// that is not seen: nobody waits for its NotBefore while the domain is broken, and one
// that is done does not keep another from being begun.
func TestRotateBelievesWhatItSees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished {
			t.Fatal(err, r.last.Phase)
		}
		r.JumpCloud.RegenerateCertificate(r.JumpCloud.Applications()[0].ID)
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationSwapped || len(r.last.Findings) == 0 {
			t.Fatalf("not mended: %v, %s: %s", err, r.last.Phase, r.last.Next)
		}
		r.finish(t)
		if !r.last.Done() {
			t.Fatal("not done")
		}
		r.plan.Replace = r.JumpCloud.Applications()[0].Certificate.Fingerprint()
		r.last.NotBefore = time.Now().Add(1000 * time.Hour)
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished || r.last.Done() {
			t.Errorf("not begun: %v, %s: %s", err, r.last.Phase, r.last.Next)
		}
	})
}
