package federation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// relabelled is a plan that gives the application another label.
func relabelled(r *rotation) federation.Plan {
	p := r.Plan()
	p.Application.Label = "Another label"
	return p
}

// labelWaits reports whether a finding says that the label waits.
func labelWaits(fs []federation.Finding) bool {
	return slices.ContainsFunc(fs, func(f federation.Finding) bool {
		return f.Code == federation.CodeRotation && f.Severity == federation.Info && strings.Contains(f.Message, `does not become "Another label" yet`)
	})
}

// Behind the switch an answer of JumpCloud may still show the certificate before. An
// application that is written back as it shows there signs with the new key under the old
// certificate, and nobody signs in: Federate writes nothing to it until the rotation is over.
func TestFederateLeavesTheApplication(t *testing.T) {
	for _, lag := range []jumpcloudtest.Lag{
		{}, {For: time.Minute}, {FlapFor: time.Minute}, {FlapFor: 59 * time.Second}, {For: 30 * time.Second, FlapFor: 30 * time.Second},
	} {
		for _, pause := range []time.Duration{0, 2 * time.Second, 20 * time.Second, 40 * time.Second} {
			for _, keys := range []bool{true, false} {
				t.Run(fmt.Sprint(lag, pause, keys), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						r := inPhase(t, federation.RotationPublished)
						time.Sleep(time.Until(r.last.NotBefore))
						r.JumpCloud.GetLag, r.JumpCloud.ListLag, r.JumpCloud.Quirks.MetadataLag = lag, lag, lag
						if err := r.rotate(t); err != nil {
							t.Fatal(err)
						}
						if a := r.JumpCloud.Applications()[0]; a.Certificate == r.slots(t).SigningCertificate {
							t.Fatal("JumpCloud does not sign with the new one")
						}
						time.Sleep(pause)
						opts := r.opts()
						if !keys {
							opts.Keys = nil
						}
						rep, err := r.Federator(opts).Federate(t.Context(), relabelled(r))
						if err != nil || len(rep.Steps) > 0 || !labelWaits(rep.Findings) {
							t.Errorf("%v\n%s", err, rep)
						}
						time.Sleep(3 * time.Hour)
						r.judge(t, 0)
						r.JumpCloud.GetLag, r.JumpCloud.ListLag, r.JumpCloud.Quirks.MetadataLag = jumpcloudtest.Lag{}, jumpcloudtest.Lag{}, jumpcloudtest.Lag{}
						r.finish(t)
						rep, err = r.Federator(opts).Federate(t.Context(), relabelled(r))
						if label := r.JumpCloud.Applications()[0].Label; err != nil || label != "Another label" || labelWaits(rep.Findings) {
							t.Errorf("after the rotation: %v, the label is %q\n%s", err, label, rep)
						}
					})
				})
			}
		}
	}
}

// In each phase the label waits or does not, and no verb that reads says that it is missing.
func TestLabelDuringARotation(t *testing.T) {
	stranger := func(t *testing.T, r *rotation) {
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
	}
	for _, tt := range []struct {
		name   string
		make   func(*testing.T, *rotation)
		noKeys bool
		remove bool // consent.removeNextCertificate
		waits  bool
	}{
		{name: "none", make: func(*testing.T, *rotation) {}},
		{name: "published", make: reach(federation.RotationPublished), remove: true, waits: true},
		{name: "published, without keys", make: reach(federation.RotationPublished), noKeys: true, waits: true},
		{name: "switched", make: reach(federation.RotationSwitched), waits: true},
		{name: "switched, without keys", make: reach(federation.RotationSwitched), noKeys: true, remove: true, waits: true},
		{name: "swapped", make: reach(federation.RotationSwapped)},
		{name: "second application", make: withSecond(true), noKeys: true, waits: true},
		{name: "a stranger's", make: stranger, noKeys: true, waits: true},
		{name: "a stranger's, with consent", make: stranger, remove: true},
		{name: "regenerated", make: func(t *testing.T, r *rotation) { r.JumpCloud.RegenerateCertificate(app(t, r.Env)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				first := app(t, r.Env)
				tt.make(t, r)
				opts := r.opts()
				if tt.noKeys {
					opts.Keys = nil
				}
				f, plan := r.Federator(opts), relabelled(r)
				plan.Consent.RemoveNextCertificate = tt.remove
				listed := func(cs federation.Changes) bool { return strings.Contains(fmt.Sprint(cs), "Another label") }
				if cs, err := f.Preview(t.Context(), plan); err != nil || listed(cs) == tt.waits {
					t.Errorf("Preview: %v, %v; waits: %t", err, cs, tt.waits)
				}
				v, err := f.Verify(t.Context(), plan)
				if err != nil || labelWaits(v.Drift) != tt.waits {
					t.Errorf("Verify: %v; waits: %t\n%s", err, tt.waits, v)
				}
				rep, err := f.Federate(t.Context(), plan)
				a, _ := r.JumpCloud.Application(first)
				if err != nil || labelWaits(rep.Findings) != tt.waits || a.Label == "Another label" == tt.waits {
					t.Errorf("Federate: %v, the label is %q; waits: %t\n%s", err, a.Label, tt.waits, rep)
				}
			})
		})
	}
}

// An application that somebody has switched off keeps everybody out, and a rotation does
// not go on with it: it is activated, and nothing else of it is changed.
func TestFederateActivatesDuringARotation(t *testing.T) {
	for _, phase := range []federation.RotationPhase{federation.RotationPublished, federation.RotationSwitched} {
		synctest.Test(t, func(t *testing.T) {
			r := inPhase(t, phase)
			before := r.JumpCloud.Applications()[0]
			r.JumpCloud.SetApplicationField(before.ID, "active", false)
			rep, err := r.Federator(r.opts()).Federate(t.Context(), relabelled(r))
			t.Log(rep, r.Env.JumpCloud.Requests())
			a := r.JumpCloud.Applications()[0]
			if err != nil || !a.Active || a.Label != before.Label || a.Certificate != before.Certificate {
				t.Errorf("%s: %v: active %t, %q, %s\n%s", phase, err, a.Active, a.Label, a.Certificate.Thumbprint(), rep)
			}
			r.finish(t)
		})
	}
}

// Nor does Revert set a label back meanwhile.
func TestRevertLeavesTheApplication(t *testing.T) {
	for _, phase := range []federation.RotationPhase{federation.RotationPublished, federation.RotationSwitched} {
		for _, keys := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				rep, err := r.Federator(nil).Federate(t.Context(), relabelled(r))
				if err != nil || len(rep.Steps) != 1 {
					t.Fatalf("%v\n%s", err, rep)
				}
				reach(phase)(t, r)
				opts := r.opts()
				if !keys {
					opts.Keys = nil
				}
				r.ResetLog()
				if out, err := r.Federator(opts).Revert(t.Context(), rep); !refusedWith(err, federation.CodeRotation) || r.Writes() > 0 {
					t.Errorf("%s: %v, %d writes; want a refusal\n%s", phase, err, r.Writes(), out)
				}
				r.finish(t)
				if out, err := r.Federator(opts).Revert(t.Context(), rep); err != nil || r.JumpCloud.Applications()[0].Label == "Another label" {
					t.Errorf("%s: after the rotation: %v\n%s", phase, err, out)
				}
			})
		}
	}
}

// Without a rotation, too, an answer that shows another certificate than a moment ago is
// not written back.
func TestFederateWritesNoOldCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		id := app(t, r.Env)
		if _, err := r.JumpCloud.Client(nil).RegenerateCertificate(t.Context(), id, r.slots(t).SigningCertificate); err != nil {
			t.Fatal(err)
		}
		now, _ := r.JumpCloud.Application(id)
		time.Sleep(10 * time.Second)
		// Of what Federate reads only the answer right before the write is old.
		opts, tries := r.opts(), 0
		opts.OnEvent = func(e federation.Event) {
			r.JumpCloud.GetLag = jumpcloudtest.Lag{}
			if e.Phase != federation.PhaseApply || e.Change.Resource != federation.ResApplication || e.Elapsed > 0 {
				return
			}
			if tries++; tries == 1 {
				r.JumpCloud.GetLag = jumpcloudtest.Lag{For: time.Minute}
			}
		}
		rep, err := r.Federator(opts).Federate(t.Context(), relabelled(r))
		if tries != 2 {
			t.Errorf("the label was sent %d times; want 2", tries)
		}
		a, _ := r.JumpCloud.Application(id)
		if err != nil || a.Certificate != now.Certificate || a.Label != "Another label" {
			t.Errorf("%v: %q signs with %s; want %s\n%s", err, a.Label, a.Certificate.Thumbprint(), now.Certificate.Thumbprint(), rep)
		}
		if fed := r.slots(t); fed.SigningCertificate != now.Certificate {
			t.Errorf("Azure AD accepts %s", fed.SigningCertificate.Thumbprint())
		}
		time.Sleep(time.Hour)
		if v, err := r.Federator(r.opts()).Verify(t.Context(), rep.Plan); err != nil || !v.Effective() {
			t.Errorf("%v\n%s", err, v)
		}
	})
}

// A second rotation by a second application, beside the first one of the rotation before:
// the other verbs know which of the three belong to it.
func TestThirdApplication(t *testing.T) {
	for i, phase := range []federation.RotationPhase{
		federation.RotationCreated, federation.RotationBound, federation.RotationRedirected, federation.RotationSwapped, federation.RotationDeactivated,
	} {
		t.Run(string(phase), func(t *testing.T) {
			thin(t, i)
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				oldest := app(t, r.Env)
				r.finish(t)
				r.plan.Plan, r.plan.Replace = r.last.Plan, r.last.New.Fingerprint
				time.Sleep(30 * 24 * time.Hour)
				r.began = time.Now()
				r.until(t, phase)
				if n := len(r.JumpCloud.Applications()); n != 3 {
					t.Fatalf("there are %d applications", n)
				}
				before, p, f := r.slots(t), r.last.Plan, r.Federator(r.opts())
				v, err := f.Verify(t.Context(), p)
				if err != nil || v.Wrong() || !readBack(t, v).Effective() {
					t.Errorf("Verify: %v\n%s", err, v)
				}
				p.Consent.RemoveNextCertificate, p.Consent.RemoveDuplicate = true, true
				if rep, err := f.Federate(t.Context(), p); err != nil || !cmp.Equal(before, r.slots(t)) {
					t.Errorf("Federate: %v: Azure AD accepts %s and %s\n%s", err, r.slots(t).SigningCertificate.Thumbprint(),
						r.slots(t).NextSigningCertificate.Thumbprint(), rep)
				}
				// With the consent goes the inactive one of the rotation before, and no other.
				if left := r.JumpCloud.Applications(); len(left) != 2 || slices.ContainsFunc(left, func(a jumpcloudtest.Application) bool { return a.ID == oldest }) {
					t.Errorf("Federate leaves %d applications", len(left))
				}
				time.Sleep(3 * time.Hour)
				r.judge(t, 2*time.Hour)
			})
		})
	}
}
