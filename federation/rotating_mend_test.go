package federation_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

// A certificate that Azure AD does not accept is written at once, the one before kept
// unless the plan consents to its removal, and nobody's sign-in fails longer for it.
func TestFederateMends(t *testing.T) {
	for _, consent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRotation(t, federation.OwnKeyPair)
			before := r.slots(t)
			r.JumpCloud.RegenerateCertificate(app(t, r.Env))
			a, _ := r.JumpCloud.Application(app(t, r.Env))
			plan := r.Plan()
			plan.Consent.RemoveNextCertificate = consent
			began := time.Now()
			rep, err := r.Federator(r.opts()).Federate(t.Context(), plan)
			if err != nil || r.Writes() != 1 || !has(rep.Findings, federation.CodeRotationBroken) {
				t.Fatalf("%v, %d writes\n%s", err, r.Writes(), rep)
			}
			want := before
			want.SigningCertificate, want.NextSigningCertificate = a.Certificate, before.SigningCertificate
			if consent { // the next run would remove it
				want.NextSigningCertificate = certs.Cert{}
			}
			if d := cmp.Diff(want, r.slots(t)); d != "" {
				t.Errorf("the federation (-want +got):\n%s", d)
			}
			if took := time.Since(began); took < 15*time.Second || took > time.Minute {
				t.Errorf("the mend took %v", took)
			}
			// Whether the one before is kept, sign-ins fail until the mend has spread, and no longer.
			const lag = time.Hour
			s := r.SignIns(began, time.Now().Add(3*time.Hour), lag)
			if n := len(s.Gaps); n == 0 || s.Gaps[n-1].To.Sub(began) > lag+time.Minute {
				t.Errorf("%s", s)
			}
			if changes, err := r.Federator(r.opts()).Preview(t.Context(), plan); err != nil || len(changes) > 0 {
				t.Errorf("%v, and more is to be done: %s", err, changes)
			}
			if consent {
				return
			}
			// The report says how to go on, and so do Verify and Watch, whose alarms stay:
			// the one before is retired by Rotate.
			advice := "call Rotate with replace set to its fingerprint, " + before.SigningCertificate.Fingerprint()
			for _, opts := range []*federation.Options{nil, r.opts()} {
				v, err := r.Federator(opts).Verify(t.Context(), r.Plan())
				if err != nil || !v.Wrong() || !strings.Contains(v.String(), advice) {
					t.Errorf("Verify: %v; want an alarm with the advice\n%s", err, v)
				}
				w, err := r.Federator(opts).Watch(t.Context(), r.Plan())
				if err != nil || w.Level != federation.Alarm || !strings.Contains(w.String(), advice) {
					t.Errorf("Watch: %v; want an alarm with the advice\n%s", err, w)
				}
			}
			r.plan.Plan, r.plan.Replace = rep.Plan, before.SigningCertificate.Fingerprint()
			time.Sleep(time.Hour)
			r.finish(t)
			if fed := r.slots(t); fed.SigningCertificate != a.Certificate || !fed.NextSigningCertificate.IsZero() {
				t.Errorf("Azure AD accepts %v and %v", fed.SigningCertificate, fed.NextSigningCertificate)
			}
		})
	}
}

// A certificate that was put into the first slot after JumpCloud's was made is not what
// JumpCloud signed with, and does not stay.
func TestMendDropsAnIntruder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		before := r.slots(t)
		edit(t, r.Env, func(f *aad.Federation) { f.SigningCertificate = foreignCert(t) })
		if rep, err := r.Federator(nil).Federate(t.Context(), r.Plan()); err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		if d := cmp.Diff(before, r.slots(t)); d != "" {
			t.Errorf("the federation (-want +got):\n%s", d)
		}
	})
}

// The list of configurations may be old: the mend is believed only if the one that is
// read by its ID lacks the certificate as well, twice.
func TestMendIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		reach(federation.RotationPublished)(t, r)
		time.Sleep(time.Until(r.last.NotBefore))
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationSwitched {
			t.Fatalf("%v, %s", err, r.last.Phase)
		}
		// One replica shows for some minutes what was before the rotation began.
		stale := r.slots(t)
		stale.NextSigningCertificate = certs.Cert{}
		until := time.Now().Add(20 * time.Second)
		r.AzureAD.Fault = func(q *http.Request) aadtest.Fault {
			if q.Method == http.MethodGet && strings.HasSuffix(q.URL.Path, "/federationConfiguration") && time.Now().Before(until) {
				return aadtest.Fault{Kind: aadtest.Refuse503, Status: 200, Body: `{"value":[` + configurationJSON(stale) + `]}`}
			}
			return aadtest.Fault{}
		}
		r.ResetLog()
		rep, err := r.Federator(r.opts()).Federate(t.Context(), r.Plan())
		if err != nil || r.Writes() > 0 || rep.Before != federation.StateMismatch {
			t.Errorf("%v, %d writes, from %s; want none, from a mismatch\n%s", err, r.Writes(), rep.Before, rep)
		}
	})
}

func configurationJSON(f aad.Federation) string {
	return `{"id":"` + f.ID + `","displayName":"` + f.DisplayName + `","issuerUri":"` + f.IssuerURI + `","passiveSignInUri":"` + f.PassiveSignInURI +
		`","activeSignInUri":"` + f.ActiveSignInURI + `","signOutUri":"` + f.SignOutURI + `","preferredAuthenticationProtocol":"` + string(f.Protocol) +
		`","federatedIdpMfaBehavior":"` + string(f.MFA) + `","signingCertificate":"` + f.SigningCertificate.Base64() + `"}`
}

// After an interrupted emergency JumpCloud may sign with a stolen key: that is never
// written to Azure AD.
func TestFederateLeavesAnInterruptedEmergency(t *testing.T) {
	for name, opts := range map[string]func(*rotation) *federation.Options{
		"with its key store": (*rotation).opts,
		"without one":        func(*rotation) *federation.Options { return nil },
		"with an empty one":  func(*rotation) *federation.Options { return (&rotation{keys: new(keyShelf)}).opts() },
		"with one that fails": func(r *rotation) *federation.Options {
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
			return r.opts()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				k := pairOf(t, 1, time.Now())
				r.keys.Save(t.Context(), r.Domain, k)
				edit(t, r.Env, func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = k.Cert(), k.Cert() })
				f := r.Federator(opts(r))
				before := r.slots(t)
				stolen := r.plan.Replace
				plan := r.Plan()
				plan.Consent.RemoveNextCertificate = true
				_, err := f.Federate(t.Context(), plan)
				if !refusedWith(err, federation.CodeRotationBroken) || !strings.Contains(err.Error(), "method emergency") || !strings.Contains(err.Error(), stolen) {
					t.Errorf("Federate: %v; want a refusal that names the emergency and what it replaces", err)
				}
				if cs, err := f.Preview(t.Context(), r.Plan()); len(cs) > 0 || err == nil {
					t.Errorf("Preview: %v, %v", cs, err)
				}
				v, err := f.Verify(t.Context(), r.Plan())
				if err != nil || v.Effective() || !v.Wrong() || v.State != federation.StateMismatch {
					t.Errorf("Verify: %v\n%s", err, v)
				}
				w, err := f.Watch(t.Context(), r.Plan())
				if err != nil || w.Level != federation.Alarm || !strings.Contains(w.String(), "call Rotate with the method emergency") ||
					strings.Contains(w.String(), "Federate") {
					t.Errorf("Watch: %v\n%s", err, w)
				}
				if d := cmp.Diff(before, r.slots(t)); d != "" || r.Writes() > 0 {
					t.Errorf("%d writes (-want +got):\n%s", r.Writes(), d)
				}
				// What they advise leads out of it.
				r.keys.load = nil
				r.plan.Consent.Outage = true
				r.finish(t)
				if v, err := r.Federator(r.opts()).Verify(t.Context(), r.Plan()); err != nil || !v.Effective() || v.Wrong() {
					t.Errorf("after the emergency: %v\n%s", err, v)
				}
			})
		})
	}
}

// Where the second slot held a copy of the first when JumpCloud got another certificate,
// that is the younger one, and no emergency was under way.
func TestMendOfACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = f.SigningCertificate })
		r.JumpCloud.RegenerateCertificate(app(t, r.Env))
		a, _ := r.JumpCloud.Application(app(t, r.Env))
		w, err := r.Federator(nil).Watch(t.Context(), r.Plan())
		if err != nil || !strings.Contains(w.String(), "call Rotate or Federate now") {
			t.Errorf("Watch: %v\n%s", err, w)
		}
		rep, err := r.Federator(nil).Federate(t.Context(), r.Plan())
		if fed := r.slots(t); err != nil || fed.SigningCertificate != a.Certificate {
			t.Errorf("%v: Azure AD accepts %s\n%s", err, fed.SigningCertificate.Thumbprint(), rep)
		}
	})
}

// A mend whose second certificate cannot be judged waits for the key store.
func TestMendWaitsForTheKeyStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		reach(federation.RotationPublished)(t, r)
		r.JumpCloud.RegenerateCertificate(app(t, r.Env))
		r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
		r.ResetLog()
		_, err := r.Federator(r.opts()).Federate(t.Context(), r.Plan())
		if !refusedWith(err, federation.CodeRotationKey) || r.Writes() > 0 {
			t.Errorf("%v, %d writes; want a refusal", err, r.Writes())
		}
		v, err := r.Federator(r.opts()).Verify(t.Context(), r.Plan())
		if err != nil || !slices.ContainsFunc(v.Drift, func(f federation.Finding) bool {
			return f.Code == federation.CodeRotationKey && f.Severity == federation.Warning && strings.Contains(f.Message, "the key store could not be read")
		}) {
			t.Errorf("Verify: %v\n%s", err, v)
		}
	})
}

// While both applications are active, a mend keeps the other one's certificate.
func TestMendKeepsTheOtherApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.SecondApplication)
		first := app(t, r.Env)
		withSecond(true)(t, r)
		next := r.slots(t).NextSigningCertificate
		// The federation sends people to the first one, and has lost its certificate.
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = certs.Cert{} })
		r.JumpCloud.RegenerateCertificate(first)
		a, _ := r.JumpCloud.Application(first)
		r.ResetLog()
		rep, err := r.Federator(nil).Federate(t.Context(), r.Plan())
		if fed := r.slots(t); err != nil || r.Writes() != 1 || fed.SigningCertificate != a.Certificate || fed.NextSigningCertificate != next {
			t.Errorf("%v, %d writes: Azure AD accepts %v and %v; want %v and %v\n%s", err, r.Writes(), fed.SigningCertificate, fed.NextSigningCertificate,
				a.Certificate, next, rep)
		}
	})
}
