package federation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

// The key store is asked only where there is a second certificate, and once.
func TestKeyStoreIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		asked := 0
		count := func(k *certs.KeyPair) (*certs.KeyPair, error) {
			asked++
			if k == nil {
				return nil, federation.ErrNoKey
			}
			return k, nil
		}
		f := r.Federator(r.opts())
		runs := func(want int) {
			t.Helper()
			plan := r.Plan()
			for name, call := range map[string]func() error{
				"Preview":  func() error { _, err := f.Preview(t.Context(), plan); return err },
				"Federate": func() error { _, err := f.Federate(t.Context(), plan); return err },
				"Verify":   func() error { _, err := f.Verify(t.Context(), plan); return err },
				"Inspect":  func() error { _, err := f.Inspect(t.Context(), r.Domain); return err },
				"Overview": func() error { _, err := f.Overview(t.Context()); return err },
			} {
				asked = 0
				if err := call(); err != nil || asked != want {
					t.Errorf("%s: %v; the store was asked %d times; want %d", name, err, asked, want)
				}
			}
		}
		r.keys.load = count
		runs(0)
		r.keys.load = nil
		reach(federation.RotationPublished)(t, r)
		r.keys.load = count
		runs(1)
	})
}

// A stranger's certificate is not hidden by a rotation that ended long ago, or is older
// than it could be.
func TestSwappedIsNotForever(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *rotation){
		"a week later": func(*testing.T, *rotation) { time.Sleep(8 * 24 * time.Hour) },
		"a younger one": func(t *testing.T, r *rotation) {
			edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				reach(federation.RotationSwapped)(t, r)
				f := r.Federator(r.opts())
				if v, err := f.Verify(t.Context(), r.Plan()); err != nil || v.Wrong() {
					t.Fatalf("%v\n%s", err, v)
				}
				change(t, r)
				v, err := f.Verify(t.Context(), r.Plan())
				if err != nil || !v.Wrong() || !v.Effective() || !has(v.Drift, federation.CodeNextCertificate) {
					t.Errorf("%v\n%s", err, v)
				}
			})
		})
	}
}

// A plan that names the other of two applications is refused, with the line to change.
func TestPinOfTheOtherApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.SecondApplication)
		first := app(t, r.Env)
		withSecond(true)(t, r)
		r.ResetLog()
		for _, a := range r.JumpCloud.Applications() {
			if a.ID == first {
				continue
			}
			plan := r.Plan()
			plan.Application.ID = a.ID
			_, err := r.Federator(nil).Federate(t.Context(), plan)
			if !refusedWith(err, federation.CodeApplicationFixed) || !strings.Contains(err.Error(), "set application.id to "+first) {
				t.Errorf("a pinned ID: %v; want a refusal with the line to change", err)
			}
			plan = r.Plan()
			plan.Application.LoginURL = a.SSOURL
			_, err = r.Federator(nil).Federate(t.Context(), plan)
			if !refusedWith(err, federation.CodeApplicationFixed) || !strings.Contains(err.Error(), "set application.loginURL to "+loginURL) {
				t.Errorf("a login URL: %v; want a refusal with the line to change", err)
			}
		}
		// Somebody has sent people to another application than the plan pins.
		r.JumpCloud.AddApplication("office365", "Old", entityID, loginURL+"-old")
		edit(t, r.Env, func(f *aad.Federation) { f.PassiveSignInURI, f.ActiveSignInURI = loginURL+"-old", loginURL+"-old" })
		plan := r.Plan()
		plan.Application.ID = first
		if _, err := r.Federator(nil).Federate(t.Context(), plan); !refusedWith(err, federation.CodeApplicationFixed) {
			t.Errorf("a pin of an application that people are not sent to: %v", err)
		}
		if r.Writes() > 0 {
			t.Errorf("%d writes", r.Writes())
		}
	})
}

// The public realm endpoint may name either application of a rotation: that is late, and
// people can sign in.
func TestRealmOfTheOtherApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.SecondApplication)
		withSecond(true)(t, r)
		realmSays(r.Env, `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"`+loginURL+`-0123abcd?username=a"}`)
		v, err := r.Federator(nil).Verify(t.Context(), r.Plan())
		if err != nil || !v.Effective() || v.Wrong() || v.AskAgain == 0 {
			t.Fatalf("%v\n%s", err, v)
		}
		if l := v.Layers[3]; l.Status != federation.Late || !strings.Contains(l.Evidence, "other application of the rotation") {
			t.Errorf("the realm is %s: %s", l.Status, l.Evidence)
		}
		// Who has stored it goes on from it: nobody is told meanwhile that sign-in fails.
		last := readBack(t, v)
		for range 20 {
			time.Sleep(last.AskAgain)
			if v, err = r.Federator(nil).VerifyAgain(t.Context(), r.Plan(), last); err != nil || !v.Effective() || v.AskAgain == 0 {
				t.Fatalf("after look %d: %v\n%s", last.Looks, err, v)
			}
			last = readBack(t, v)
		}
		if v.Layers[3].Works = true; !v.Effective() {
			t.Error("works, and is not effective")
		}
		for _, status := range []federation.LayerStatus{federation.Wrong, federation.Unseen} {
			if v.Layers[3].Status = status; v.Effective() {
				t.Errorf("what is %s works", status)
			}
		}
		// The other application is active, and Azure AD does not accept its certificate.
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
		if v, err = r.Federator(nil).Verify(t.Context(), r.Plan()); err != nil || v.Effective() || v.OtherSignInURL != "" {
			t.Errorf("people are sent to an application whose certificate is not accepted: %v\n%s", err, v)
		}
	})
}

// In every phase of a rotation, whatever the realm endpoint says then: what was stored says
// the same as what was seen, and that people can sign in only by an application that is
// active and whose certificate is accepted.
func TestVerifyRotationReadBack(t *testing.T) {
	both := []federation.RotationPhase{federation.RotationActivated, federation.RotationBound, federation.RotationRedirected, federation.RotationSwapped}
	for i, phase := range []federation.RotationPhase{
		federation.RotationCreated, federation.RotationActivated, federation.RotationBound, federation.RotationRedirected,
		federation.RotationSwapped, federation.RotationDeactivated, federation.RotationClosed,
	} {
		t.Run(string(phase), func(t *testing.T) {
			thin(t, i)
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				r.until(t, phase)
				f, plan := r.Federator(r.opts()), r.last.Plan
				verify := func() *federation.Verification {
					t.Helper()
					v, err := f.Verify(t.Context(), plan)
					if err != nil {
						t.Fatal(err)
					}
					return readBack(t, v)
				}
				if v := verify(); v.OtherSignInURL != "" != slices.Contains(both, phase) {
					t.Errorf("two applications let people in: %q and %q", v.SignInURL, v.OtherSignInURL)
				}
				answers := map[string]bool{
					`{"NameSpaceType":"Managed"}`: false,
					`{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://x.okta.com/app/1"}`: false,
				}
				accepted := r.slots(t)
				for _, a := range r.JumpCloud.Applications() {
					answers[`{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"`+a.SSOURL+`"}`] = a.Active &&
						(a.Certificate == accepted.SigningCertificate || a.Certificate == accepted.NextSigningCertificate)
				}
				if len(answers) != 4 {
					t.Fatalf("the applications are %v", r.JumpCloud.Applications())
				}
				for answer, effective := range answers {
					realmSays(r.Env, answer)
					if v := verify(); v.Effective() != effective {
						t.Errorf("effective %t with the realm %s; want %t\n%s", v.Effective(), answer, effective, v)
					}
				}
			})
		})
	}
}

// Calls for one domain queue: a Federate during a Rotate sees what that has done.
func TestRotateAndFederateQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		opts := r.opts()
		asked, goOn := make(chan struct{}), make(chan struct{})
		opts.Confirm = func(context.Context, *federation.Proposal) error {
			close(asked)
			<-goOn
			return nil
		}
		f := r.Federator(opts)
		done := make(chan error, 1)
		go func() { _, err := f.Rotate(t.Context(), r.plan, nil); done <- err }()
		<-asked
		plan := r.Plan()
		plan.Consent.RemoveNextCertificate = true
		federated := make(chan error, 1)
		go func() { _, err := f.Federate(t.Context(), plan); federated <- err }()
		synctest.Wait()
		select {
		case err := <-federated:
			t.Fatalf("Federate did not wait: %v", err)
		default:
		}
		close(goOn)
		if err := errors.Join(<-done, <-federated); err != nil {
			t.Fatal(err)
		}
		if fed := r.slots(t); fed.NextSigningCertificate != pairOf(t, 1, time.Now()).Cert() {
			t.Errorf("Azure AD's second certificate is %v", fed.NextSigningCertificate)
		}
	})
}

// After a rotation by a second application the first one stays, inactive: no verb takes
// it for a duplicate, and Revert of the federation takes away what stands now.
func TestClosedSecondApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, first := newKept(t)
		old := app(t, r.Env)
		withSecond(true)(t, r)
		r.JumpCloud.SetApplicationField(old, "active", false)
		edit(t, r.Env, func(f *aad.Federation) {
			f.SigningCertificate, f.NextSigningCertificate = f.NextSigningCertificate, certs.Cert{}
			f.PassiveSignInURI += "-0123abcd"
			f.ActiveSignInURI = f.PassiveSignInURI
		})
		before := r.slots(t)
		f := r.Federator(r.opts())
		plan := r.Plan()
		plan.Consent.RemoveDuplicate = true
		rep, err := f.Federate(t.Context(), plan)
		if err != nil || len(r.JumpCloud.Applications()) != 2 || rep.After != federation.StateFederated || rep.Plan.Application.ID == old {
			t.Fatalf("Federate: %v\n%s", err, rep)
		}
		if d := cmp.Diff(before, r.slots(t)); d != "" {
			t.Errorf("the federation (-want +got):\n%s", d)
		}
		_, err = f.Federate(t.Context(), first.Plan)
		if !refusedWith(err, federation.CodeApplicationFixed) || !strings.Contains(err.Error(), "set application.id to "+rep.Plan.Application.ID) {
			t.Errorf("Federate with the plan of before: %v; want a refusal with the line to change", err)
		}
		v, err := f.Verify(t.Context(), rep.Plan)
		if err != nil || v.Wrong() || has(v.Drift, federation.CodeApplicationTwice) {
			t.Errorf("Verify: %v\n%s", err, v)
		}
		s, err := f.Inspect(t.Context(), r.Domain)
		if err != nil || s.State != federation.StateFederated || s.Rotation != "" || !strings.Contains(s.String(), "the other one of a rotation") ||
			has(s.Findings, federation.CodeApplicationTwice) {
			t.Errorf("Inspect: %v\n%s", err, s)
		}
		out, err := f.Revert(t.Context(), first)
		if _, ok := r.AzureAD.Federation(r.Domain); !errors.Is(err, federation.ErrDiffers) || ok { // the group is bound to the one that is left
			t.Fatalf("Revert: %v; federated: %t\n%s", err, ok, out)
		}
		left := r.JumpCloud.Applications()
		if len(left) != 1 || left[0].ID == old || !strings.Contains(out.String(), left[0].ID+", whose certificate Azure AD accepts) is left") {
			t.Errorf("%d applications are left\n%s", len(left), out)
		}
	})
}
