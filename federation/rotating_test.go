package federation_test

import (
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
	for i, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			thin(t, i)
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
			thin(t, i+2)
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
	readBack(t, v)
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
