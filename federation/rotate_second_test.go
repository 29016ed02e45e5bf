package federation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// newSecond is a rotation by a second application.
func newSecond(t testing.TB) *rotation {
	t.Helper()
	r := newRotation(t, federation.SecondApplication)
	r.plan.Consent.Policies = true
	return r
}

// phaseNames are phases in their order, without repetitions.
func phaseNames(phases []federation.RotationPhase) string {
	var out []string
	for _, p := range slices.Compact(slices.Clone(phases)) {
		out = append(out, string(p))
	}
	return strings.Join(out, " ")
}

// judgeAll asks that nobody's sign-in failed, whatever server they met.
func (r *rotation) judgeAll(t testing.TB) {
	t.Helper()
	for _, lag := range []time.Duration{0, time.Minute, time.Hour, 2 * time.Hour} {
		r.judge(t, lag)
	}
}

// two are the first application and the second, as they are.
func (r *rotation) two(t testing.TB) (first, second jumpcloudtest.Application) {
	t.Helper()
	for _, a := range r.JumpCloud.Applications() {
		if strings.HasSuffix(a.SSOURL, "-"+r.plan.Replace[:8]) {
			second = a
		} else {
			first = a
		}
	}
	return first, second
}

const wholeSecond = "saved created activated bound redirected swapped deactivated closed"

// TestRotateSecond: a whole rotation, and nobody notices.
func TestRotateSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		user := r.JumpCloud.Users()[0].ID
		first, _ := r.two(t)
		r.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: first.ID}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: user})
		r.plan.Plan.Application.ID, r.plan.Plan.Application.LoginURL = first.ID, first.SSOURL
		phases := r.finish(t)
		if got := phaseNames(phases); got != wholeSecond {
			t.Errorf("phases %v; want %s", got, wholeSecond)
		}
		first, second := r.two(t)
		fed, _ := r.AzureAD.Federation(r.Domain)
		if fed.SigningCertificate != second.Certificate || !fed.NextSigningCertificate.IsZero() {
			t.Errorf("Azure AD accepts %v and %v; want %v", fed.SigningCertificate, fed.NextSigningCertificate, second.Certificate)
		}
		if fed.PassiveSignInURI != second.SSOURL || fed.ActiveSignInURI != second.SSOURL {
			t.Errorf("people are sent to %s and %s; want %s", fed.PassiveSignInURI, fed.ActiveSignInURI, second.SSOURL)
		}
		if first.Active || !first.Hidden || !second.Active || second.Hidden || first.Label != second.Label || first.EntityID != second.EntityID {
			t.Errorf("the first is %+v\nthe second %+v", first, second)
		}
		for _, o := range []jumpcloud.Object{{Type: jumpcloud.UserObject, ID: user}, {Type: jumpcloud.GroupObject, ID: r.JumpCloud.Groups()[0].ID}} {
			if !r.JumpCloud.Associated(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: second.ID}, o) {
				t.Errorf("%v is not bound to the second", o)
			}
		}
		if p := r.last.Plan.Application; p.ID != second.ID || p.LoginURL != second.SSOURL {
			t.Errorf("the plan to keep names %s and %s; want %s", p.ID, p.LoginURL, second.ID)
		}
		if r.last.Old.Fingerprint != r.plan.Replace || r.last.New.Fingerprint != second.Certificate.Fingerprint() {
			t.Errorf("old %v, new %v", r.last.Old, r.last.New)
		}
		r.judgeAll(t)
		if took := time.Since(r.began); took < 10*time.Hour || took > 11*time.Hour {
			t.Errorf("it took %v", took)
		}
	})
}

// TestRotateSecondRequests counts what each call costs.
func TestRotateSecondRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.plan.DeleteOld = true
		var told []string
		for range 40 {
			r.ResetLog()
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			n := r.Requests()
			for _, q := range r.JumpCloud.Requests() {
				if strings.HasSuffix(q.Pattern, "/associations") && q.Write {
					n--
				}
			}
			for _, q := range r.AzureAD.Requests() {
				if strings.Contains(q.Path, "oauth2") {
					n--
				}
			}
			told = append(told, fmt.Sprintf("%s %d", r.last.Phase, n))
			if n > 12 {
				t.Errorf("%s: %d requests, besides what is bound; want 12 at most", r.last.Phase, n)
				for _, q := range r.JumpCloud.Requests() {
					t.Log(q.Method, q.Path)
				}
				for _, q := range r.AzureAD.Requests() {
					t.Log(q.Method, q.Path)
				}
			}
			if r.last.Done() {
				break
			}
			time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
		}
		t.Log(strings.Join(told, ", "))
		if !r.last.Done() || len(r.JumpCloud.Applications()) != 1 {
			t.Errorf("%s, %d applications", r.last.Phase, len(r.JumpCloud.Applications()))
		}
		r.judgeAll(t)
	})
}

// TestRotateSecondPilot: nobody is sent to the second application before somebody has
// tried it.
func TestRotateSecondPilot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.plan.Pilot = true
		for range 10 {
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			if r.last.NotBefore.IsZero() {
				break
			}
			time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
		}
		_, second := r.two(t)
		if r.last.Phase != federation.RotationPilot || !strings.Contains(r.last.Next, second.SSOURL) || r.last.Done() || !second.Active || !second.Hidden {
			t.Fatalf("%s: %s\n%+v", r.last.Phase, r.last.Next, second)
		}
		group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.Groups()[0].ID}
		if r.JumpCloud.Associated(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: second.ID}, group) {
			t.Error("everybody is bound before somebody has tried it")
		}
		r.plan.Approve = r.plan.Replace // not the new one
		writes := r.Writes()
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPilot || r.Writes() != writes {
			t.Errorf("%v, %s, %d writes", err, r.last.Phase, r.Writes()-writes)
		}
		if !slices.ContainsFunc(r.last.Findings, func(f federation.Finding) bool { return strings.Contains(f.Message, "approve names") }) {
			t.Errorf("findings %v", r.last.Findings)
		}
		user := jumpcloud.Object{Type: jumpcloud.UserObject, ID: r.JumpCloud.Users()[0].ID}
		r.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: second.ID}, user)
		r.plan.Approve = r.last.New.Fingerprint
		r.until(t, federation.RotationBound)
		if !r.told("not to the first: " + user.String()) {
			t.Errorf("findings %v", r.last.Findings)
		}
		time.Sleep(time.Until(r.last.NotBefore))
		if got := phaseNames(r.finish(t)); got != "redirected swapped deactivated closed" {
			t.Errorf("phases %s", got)
		}
		r.judgeAll(t)
	})
}

// until calls until a phase has come to be, and waits until that has lasted.
func (r *rotation) until(t testing.TB, phase federation.RotationPhase) {
	t.Helper()
	for range 40 {
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		if r.last.Phase == phase {
			return
		}
		if r.last.Done() || r.last.NotBefore.IsZero() {
			t.Fatalf("%s: %s; want %s", r.last.Phase, r.last.Next, phase)
		}
		time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
	}
	t.Fatalf("not %s", phase)
}

// TestRotateSecondCancel leads back from each phase, at once or when it has lasted, with
// what the last call has returned and without.
func TestRotateSecondCancel(t *testing.T) {
	for _, phase := range strings.Fields("idle saved created activated pilot bound redirected swapped deactivated") {
		for _, how := range []string{"at once", "later", "without the last", "with a plan that pins the first"} {
			t.Run(phase+" "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newSecond(t)
					before, _ := r.AzureAD.Federation(r.Domain)
					one, _ := r.two(t)
					if how == "with a plan that pins the first" {
						r.plan.Plan.Application.ID, r.plan.Plan.Application.LoginURL = one.ID, one.SSOURL
					}
					r.plan.Pilot = phase == "pilot"
					if phase != "idle" {
						r.until(t, federation.RotationPhase(phase))
					}
					switch how {
					case "later":
						time.Sleep(3 * time.Hour)
					case "without the last":
						r.last = nil
					}
					r.plan.Cancel = true
					began := time.Now()
					phases := r.finish(t)
					t.Logf("%s, %v", phaseNames(phases), time.Since(began))
					if r.last.Phase != federation.RotationCancelled || !r.last.Done() {
						t.Errorf("%s: %s", r.last.Phase, r.last.Next)
					}
					after, _ := r.AzureAD.Federation(r.Domain)
					if after.PassiveSignInURI != before.PassiveSignInURI || after.ActiveSignInURI != before.ActiveSignInURI ||
						after.SigningCertificate != before.SigningCertificate || !after.NextSigningCertificate.IsZero() {
						t.Errorf("Azure AD has %+v; want %+v", after, before)
					}
					if apps := r.JumpCloud.Applications(); len(apps) != 1 || apps[0] != one {
						t.Errorf("JumpCloud has %+v; want %+v", apps, one)
					}
					if p, given := r.last.Plan.Application, r.plan.Plan.Application; p.ID != given.ID || p.LoginURL != given.LoginURL {
						t.Errorf("the plan to keep names %q and %q; want %q", p.ID, p.LoginURL, given.ID)
					}
					time.Sleep(3 * time.Hour)
					r.judgeAll(t)
					r.plan.Cancel = false // and once more forward
					r.plan.Approve = ""
					r.plan.Pilot = false
					if r.finish(t); r.last.Phase != federation.RotationClosed {
						t.Errorf("%s: %s", r.last.Phase, r.last.Next)
					}
					r.judgeAll(t)
				})
			})
		}
	}
	t.Run("closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newSecond(t)
			r.finish(t)
			r.plan.Cancel = true
			writes := r.Writes()
			if err := r.rotate(t); err == nil || !strings.Contains(err.Error(), "cannot be led back") || r.Writes() != writes {
				t.Errorf("%v, %d writes", err, r.Writes()-writes)
			}
		})
	})
}
