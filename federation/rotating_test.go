package federation_test

import (
	"context"
	"errors"
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
	"github.com/jcaad/jcaad/federation/federationtest"
)

// newKept is newRotation that keeps the report of the federation.
func newKept(t testing.TB) (*rotation, *federation.Report) {
	t.Helper()
	r := &rotation{Env: federationtest.New(nil), keys: new(keyShelf)}
	rep, err := r.Federator(nil).Federate(t.Context(), r.Plan())
	if err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
	time.Sleep(25 * time.Hour)
	fed := r.slots(t)
	r.plan = federation.RotatePlan{Plan: r.Plan(), Method: federation.OwnKeyPair, Replace: fed.SigningCertificate.Fingerprint()}
	r.plan.Key.Bits = 2048
	r.began = time.Now()
	r.ResetLog()
	return r, rep
}

// slots is the configuration that stands.
func (r *rotation) slots(t testing.TB) aad.Federation {
	t.Helper()
	fed, ok := r.AzureAD.Federation(r.Domain)
	if !ok {
		t.Fatalf("%s is not federated", r.Domain)
	}
	return fed
}

// reach rotates until a phase is reached.
func reach(phase federation.RotationPhase) func(*testing.T, *rotation) {
	return func(t *testing.T, r *rotation) {
		t.Helper()
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		for range 5 {
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			if r.last.Phase == phase {
				return
			}
			time.Sleep(time.Until(r.last.NotBefore))
		}
		t.Fatalf("the rotation is %s; want %s", r.last.Phase, phase)
	}
}

// withSecond makes the second application of a rotation, whose certificate Azure AD accepts.
func withSecond(active bool) func(*testing.T, *rotation) {
	return func(t *testing.T, r *rotation) {
		t.Helper()
		id := r.JumpCloud.AddApplication("office365", "Microsoft 365 (example.com)", entityID, loginURL+"-0123abcd")
		r.JumpCloud.SetApplicationField(id, "active", active)
		a, _ := r.JumpCloud.Application(id)
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = a.Certificate })
	}
}

// A moment is one of a rotation, and what the verbs say and do then.
type moment struct {
	name    string
	make    func(*testing.T, *rotation)
	noKeys  bool
	fails   bool // the key store
	phase   federation.RotationPhase
	state   federation.State
	says    string // evidence of the certificate layer
	next    string // of Inspect
	code    federation.Code
	alarm   bool // Verify raises one
	free    bool // the slots are anybody's: no rotation that is known
	refuses bool // with the consent to remove the second certificate
}

var moments = []moment{
	{name: "published", make: reach(federation.RotationPublished), phase: federation.RotationPublished, state: federation.StateRotating,
		says: "a rotation is published: Azure AD accepts", next: "have JumpCloud sign with it", code: federation.CodeRotation},
	{name: "switched", make: reach(federation.RotationSwitched), phase: federation.RotationSwitched, state: federation.StateRotating,
		says: "a rotation is switched: the first one is", next: "the first certificate in Azure AD", code: federation.CodeRotation},
	{name: "swapped", make: reach(federation.RotationSwapped), phase: federation.RotationSwapped, state: federation.StateRotating,
		says: "the certificate before, as far as can be known", next: "no more", code: federation.CodeRotation},
	{name: "published, without keys", make: reach(federation.RotationPublished), noKeys: true, phase: federation.RotationForeign,
		state: federation.StateUnknownNext, says: "in JumpCloud's metadata and in Azure AD", next: "find out who set it", code: federation.CodeNextCertificate,
		alarm: true, free: true},
	{name: "switched, without keys", make: reach(federation.RotationSwitched), noKeys: true, phase: federation.RotationSwitched,
		state: federation.StateRotating, says: "as the second one", next: "the first certificate in Azure AD", code: federation.CodeRotation},
	{name: "published, and the key store fails", make: reach(federation.RotationPublished), fails: true, phase: federation.RotationForeign,
		state: federation.StateUnknownNext, says: "in JumpCloud's metadata and in Azure AD", next: "find out", code: federation.CodeRotationKey,
		free: true, refuses: true},
	{name: "switched, and the key store fails", make: reach(federation.RotationSwitched), fails: true, phase: federation.RotationSwitched,
		state: federation.StateRotating, says: "as the second one", next: "the first certificate in Azure AD", code: federation.CodeRotationKey},
	{name: "second application, created", make: withSecond(false), phase: federation.RotationCreated, state: federation.StateRotating,
		says: "a rotation is created", next: "second-application", code: federation.CodeRotation},
	{name: "second application, activated", make: withSecond(true), noKeys: true, phase: federation.RotationActivated, state: federation.StateRotating,
		says: "a rotation is activated", next: "second-application", code: federation.CodeRotation},
	{name: "foreign", phase: federation.RotationForeign, state: federation.StateUnknownNext, says: "in JumpCloud's metadata and in Azure AD",
		next: "find out who set it", code: federation.CodeNextCertificate, alarm: true, free: true,
		make: func(t *testing.T, r *rotation) {
			edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
		}},
}

func (m moment) opts(r *rotation) *federation.Options {
	if m.noKeys {
		return nil
	}
	if m.fails {
		r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
	}
	return r.opts()
}

func TestOtherVerbsDuringARotation(t *testing.T) {
	for _, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, rep := newKept(t)
				m.make(t, r)
				f := r.Federator(m.opts(r))
				r.ResetLog()
				m.reads(t, r, f)
				if n := r.Writes(); n > 0 {
					t.Fatalf("reading verbs wrote %d times", n)
				}
				m.federates(t, r, f)
				m.reverts(t, r, f, rep)
			})
		})
		t.Run(m.name+", Defederate", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := newKept(t)
				m.make(t, r)
				m.defederates(t, r, r.Federator(m.opts(r)))
			})
		})
	}
}

// TestFederateBetweenTheCallsOfARotation: whenever another program federates, with every
// consent, the rotation goes on, and nobody notices.
func TestFederateBetweenTheCallsOfARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		plan := r.Plan()
		plan.Consent.RemoveNextCertificate, plan.Consent.RemoveDuplicate, plan.Consent.TakeOver = true, true, true
		var phases []string
		for range 10 {
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			phases = append(phases, string(r.last.Phase))
			before := r.slots(t)
			for range 2 {
				rep, err := r.Federator(r.opts()).Federate(t.Context(), plan)
				if err != nil || len(rep.Steps) > 0 {
					t.Fatalf("%s: %v\n%s", r.last.Phase, err, rep)
				}
				time.Sleep(10 * time.Minute)
			}
			if d := cmp.Diff(before, r.slots(t)); d != "" {
				t.Fatalf("%s: the federation (-before +after):\n%s", r.last.Phase, d)
			}
			if r.last.Done() {
				break
			}
			time.Sleep(time.Until(r.last.NotBefore))
		}
		if got := strings.Join(phases, " "); got != "published switched swapped retired" {
			t.Errorf("the phases were %s", got)
		}
		r.judge(t, 2*time.Hour)
	})
}

// PreviewRepair tells of a rotation as well.
func TestPreviewRepairTellsARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		reach(federation.RotationPublished)(t, r)
		rep, err := r.Federator(r.opts()).PreviewRepair(t.Context(), federation.RepairPlan{Plan: r.Plan(), Bind: true})
		if err != nil || !has(rep.Findings, federation.CodeRotation) {
			t.Errorf("%v\n%s", err, rep)
		}
	})
}

// reads asks Preview, Propose, Verify, Inspect and Overview.
func (m moment) reads(t *testing.T, r *rotation, f *federation.Federator) {
	t.Helper()
	if cs, err := f.Preview(t.Context(), r.Plan()); err != nil || len(cs) > 0 {
		t.Errorf("Preview: %v, %v; want nothing to be done", err, cs)
	}
	if p, err := f.Propose(t.Context(), r.Plan()); err != nil || len(p.Changes) > 0 || !has(p.Findings, m.code) {
		t.Errorf("Propose: %v, %v\n%v; want %s", err, p.Changes, p.Findings, m.code)
	}
	v, err := f.Verify(t.Context(), r.Plan())
	if err != nil {
		t.Fatal(err)
	}
	l := v.Layers[1]
	if l.Status != federation.Good || !strings.Contains(l.Evidence, m.says) || !v.Effective() || v.State != m.state {
		t.Errorf("Verify says %s, %s: %s; want it good, %s: …%s…\n%s", v.State, l.Status, l.Evidence, m.state, m.says, v)
	}
	if v.Wrong() != m.alarm || !has(v.Drift, m.code) || len(v.Repair) > 0 {
		t.Errorf("wrong: %t; want %t, with %s, and nothing to repair\n%s", v.Wrong(), m.alarm, m.code, v)
	}
	s, err := f.Inspect(t.Context(), r.Domain)
	if err != nil {
		t.Fatal(err)
	}
	if s.State != m.state || s.Rotation != m.phase || !strings.Contains(s.Next, m.next) || !strings.Contains(s.String(), "rotation: "+string(m.phase)) {
		t.Errorf("Inspect says %s, %s, next: %s; want %s, %s, …%s…\n%s", s.State, s.Rotation, s.Next, m.state, m.phase, m.next, s)
	}
	if n := len(r.JumpCloud.Applications()); n == 2 != strings.Contains(s.String(), "the rotation's second") || has(s.Findings, federation.CodeApplicationTwice) {
		t.Errorf("of %d applications Inspect says\n%s", n, s)
	}
	all, err := f.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s federation.Status) bool { return s.Domain == r.Domain })
	if d := cmp.Diff(s.Next, all[i].Next); d != "" || all[i].Rotation != m.phase {
		t.Errorf("Overview says %s (-Inspect +Overview):\n%s", all[i].Rotation, d)
	}
	if table := federation.Statuses(all).String(); strings.Contains(table, "rotation "+string(m.phase)) != (m.state == federation.StateRotating) {
		t.Errorf("the table says\n%s", table)
	}
}

// federates demands that the rest of a plan is done, and that no slot is touched.
func (m moment) federates(t *testing.T, r *rotation, f *federation.Federator) {
	t.Helper()
	before, plan := r.slots(t), r.Plan()
	plan.BrandName = "Example"
	if !m.free {
		plan.Consent.RemoveNextCertificate, plan.Consent.RemoveDuplicate = true, true
	}
	r.ResetLog()
	rep, err := f.Federate(t.Context(), plan)
	if err != nil || !has(rep.Findings, m.code) {
		t.Fatalf("Federate: %v; want %s\n%s", err, m.code, rep)
	}
	want := before
	want.DisplayName = "Example"
	if d := cmp.Diff(want, r.slots(t)); d != "" || r.Writes() != 1 {
		t.Errorf("%d writes, and the federation (-want +got):\n%s\n%s", r.Writes(), d, rep)
	}
	r.ResetLog()
	if rep, err := f.Federate(t.Context(), rep.Plan); err != nil || r.Writes() > 0 || rep.After != m.state {
		t.Errorf("Federate again: %v, %d writes; want none, in the state %s\n%s", err, r.Writes(), m.state, rep)
	}
	n := len(r.JumpCloud.Applications())
	if n == 2 != (m.phase == federation.RotationCreated || m.phase == federation.RotationActivated) {
		t.Errorf("there are %d applications", n)
	}
	// What was updated is not led back before the rotation is over.
	update := rep
	r.ResetLog()
	out, err := f.Revert(t.Context(), update)
	if m.free {
		if err != nil || r.slots(t).DisplayName == "Example" {
			t.Errorf("Revert of the update: %v\n%s", err, out)
		}
	} else if !refusedWith(err, federation.CodeRotation) || r.Writes() > 0 {
		t.Errorf("Revert of the update: %v, %d writes; want a refusal\n%s", err, r.Writes(), out)
	}
	if m.refuses {
		plan.Consent.RemoveNextCertificate = true
		r.ResetLog()
		if _, err := f.Federate(t.Context(), plan); !refusedWith(err, federation.CodeRotationKey) || r.Writes() > 0 {
			t.Errorf("Federate with consent: %v, %d writes; want a refusal", err, r.Writes())
		}
	}
}

// reverts demands that the federation is taken away as it is now.
func (m moment) reverts(t *testing.T, r *rotation, f *federation.Federator, rep *federation.Report) {
	t.Helper()
	before := r.slots(t)
	out, err := f.Revert(t.Context(), rep)
	if _, ok := r.AzureAD.Federation(r.Domain); err != nil || ok {
		t.Fatalf("Revert: %v; federated: %t\n%s", err, ok, out)
	}
	i := slices.IndexFunc(out.Steps, func(s federation.Step) bool { return s.Backup != nil })
	if i < 0 {
		t.Fatalf("the report of Revert keeps no configuration\n%s", out)
	}
	if d := cmp.Diff(&before, out.Steps[i].Backup); d != "" {
		t.Errorf("Revert took away (-want +got):\n%s", d)
	}
	if told := has(out.Findings, federation.CodeRotation); told != !m.free {
		t.Errorf("Revert tells of a rotation: %t\n%s", told, out)
	}
}

// defederates demands the same of Defederate, which may remove the application.
func (m moment) defederates(t *testing.T, r *rotation, f *federation.Federator) {
	t.Helper()
	before, n := r.slots(t), len(r.JumpCloud.Applications())
	plan := federation.DefederatePlan{Domain: r.Domain, Passwords: federation.PasswordsKnown, RemoveApplication: true}
	out, err := f.Defederate(t.Context(), plan)
	if _, ok := r.AzureAD.Federation(r.Domain); err != nil || ok || len(r.JumpCloud.Applications()) != n-1 {
		t.Fatalf("Defederate: %v; federated: %t\n%s", err, ok, out)
	}
	if d := cmp.Diff(&before, out.Steps[0].Backup); d != "" {
		t.Errorf("Defederate took away (-want +got):\n%s", d)
	}
	if told := has(out.Findings, federation.CodeRotation); told != !m.free {
		t.Errorf("Defederate tells of a rotation: %t\n%s", told, out)
	}
	if n == 2 && !strings.Contains(out.String(), r.JumpCloud.Applications()[0].ID+", whose certificate Azure AD accepts) is left") {
		t.Errorf("Defederate does not say which application is left\n%s", out)
	}
}

func has(fs []federation.Finding, c federation.Code) bool {
	return slices.ContainsFunc(fs, func(f federation.Finding) bool { return f.Code == c })
}

func refusedWith(err error, c federation.Code) bool {
	var p *federation.PreconditionError
	return errors.As(err, &p) && p.Has(c)
}

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

// A certificate that Azure AD does not accept is written at once, the one before kept,
// whatever the plan consents to, and nobody's sign-in fails longer for it.
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
			if d := cmp.Diff(want, r.slots(t)); d != "" {
				t.Errorf("the federation (-want +got):\n%s", d)
			}
			if took := time.Since(began); took < 15*time.Second || took > time.Minute {
				t.Errorf("the mend took %v", took)
			}
			// The report says how to go on: the one before is retired by Rotate.
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
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		k := pairOf(t, 1, time.Now())
		r.keys.Save(t.Context(), r.Domain, k)
		edit(t, r.Env, func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = k.Cert(), k.Cert() })
		f := r.Federator(r.opts())
		before := r.slots(t)
		_, err := f.Federate(t.Context(), r.Plan())
		if !refusedWith(err, federation.CodeRotationBroken) || !strings.Contains(err.Error(), "method emergency") {
			t.Errorf("Federate: %v; want a refusal that names the emergency", err)
		}
		if cs, err := f.Preview(t.Context(), r.Plan()); len(cs) > 0 || err == nil {
			t.Errorf("Preview: %v, %v", cs, err)
		}
		v, err := f.Verify(t.Context(), r.Plan())
		if err != nil || v.Effective() || !v.Wrong() || v.State != federation.StateMismatch {
			t.Errorf("Verify: %v\n%s", err, v)
		}
		if d := cmp.Diff(before, r.slots(t)); d != "" || r.Writes() > 0 {
			t.Errorf("%d writes (-want +got):\n%s", r.Writes(), d)
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
	})
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
