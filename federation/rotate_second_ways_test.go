package federation_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestRotateSecondMany: more than one call binds, and each binds 20.
func TestRotateSecondMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		first, _ := r.two(t)
		var all []jumpcloud.Object
		for i := range 43 {
			o := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.AddGroup("Group " + string(rune('A'+i)))}
			if i%2 == 0 {
				o = jumpcloud.Object{Type: jumpcloud.UserObject, ID: r.AddPerson([2]string{"Many", "People"}, i)}
			}
			all = append(all, o)
			r.JumpCloud.Bind(object(jumpcloud.ApplicationObject, first.ID), o)
		}
		r.until(t, federation.RotationActivated)
		var each []int
		for r.last.Phase == federation.RotationActivated {
			r.ResetLog()
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			each = append(each, r.JumpCloud.Writes())
			time.Sleep(time.Second)
		}
		if len(each) != 3 || each[0] != 20 || each[1] != 20 || each[2] != 4 {
			t.Errorf("bound %v a call", each)
		}
		r.finish(t)
		_, second := r.two(t)
		for _, o := range all {
			if !r.JumpCloud.Associated(object(jumpcloud.ApplicationObject, second.ID), o) {
				t.Errorf("%v is not bound", o)
			}
		}
		r.judgeAll(t)
	})
}

// TestRotateSecondHidden: an application that nobody saw is replaced by one that nobody
// sees.
func TestRotateSecondHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		first, _ := r.two(t)
		if _, err := r.JumpCloud.Client(nil).ModifyApplication(t.Context(), first.ID, func(a *jumpcloud.Application) error { a.Hidden = true; return nil }); err != nil {
			t.Fatal(err)
		}
		r.finish(t)
		if _, second := r.two(t); !second.Hidden || !second.Active {
			t.Errorf("%+v", second)
		}
		r.judgeAll(t)
	})
}

// TestRotateSecondTwice: two second applications, which a lost answer leaves, become one.
func TestRotateSecondTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationSaved)
		_, second := r.two(t)
		time.Sleep(time.Minute)
		twin := r.JumpCloud.AddApplication("office365", second.Label, second.EntityID, second.SSOURL)
		r.JumpCloud.SetApplicationField(twin, "active", false)
		r.last = nil
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		if n := len(r.JumpCloud.Applications()); n != 2 {
			t.Fatalf("%d applications", n)
		}
		r.finish(t)
		r.judgeAll(t)
	})
}

// TestRotateSecondRenewed: if JumpCloud makes a new certificate whenever an application is
// written, nobody is sent to one whose certificate is not accepted, and what people are
// sent to is mended in the same call.
func TestRotateSecondRenewed(t *testing.T) {
	t.Run("from the beginning", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newSecond(t)
			r.JumpCloud.Quirks.EmptyKey = jumpcloudtest.RenewCertificate
			for range 12 {
				r.rotate(t)
				time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
			}
			if first, _ := r.two(t); r.last.Phase != federation.RotationForeign || !first.Active {
				t.Errorf("%s: %s", r.last.Phase, r.last.Next)
			}
			r.judgeAll(t)
		})
	})
	t.Run("when people are sent there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newSecond(t)
			r.until(t, federation.RotationRedirected)
			time.Sleep(time.Until(r.last.NotBefore))
			r.JumpCloud.Quirks.EmptyKey = jumpcloudtest.RenewCertificate
			if err := r.rotate(t); !errors.Is(err, jumpcloud.ErrCertificateRegenerated) || !r.told("could sign in") {
				t.Errorf("%v", err)
			}
			_, second := r.two(t)
			if fed, _ := r.AzureAD.Federation(r.Domain); fed.SigningCertificate != second.Certificate || fed.NextSigningCertificate.Fingerprint() != r.plan.Replace {
				t.Errorf("Azure AD accepts %v and %v", fed.SigningCertificate, fed.NextSigningCertificate)
			}
			r.JumpCloud.Quirks.EmptyKey = jumpcloudtest.KeepKey
			r.finish(t)
			if r.last.Phase != federation.RotationClosed {
				t.Errorf("%s", r.last.Phase)
			}
		})
	})
}

// TestRotateSecondOther: another rotation by a second application is not mistaken for the
// plan's.
func TestRotateSecondOther(t *testing.T) {
	for _, at := range []string{"created", "bound", "redirected", "swapped", "deactivated"} {
		synctest.Test(t, func(t *testing.T) {
			r := newSecond(t)
			r.until(t, federation.RotationPhase(at))
			r.plan.Replace = r.last.New.Fingerprint
			writes := r.Writes()
			if err := r.rotate(t); err == nil || !strings.Contains(err.Error(), "replaces another certificate") || r.Writes() != writes {
				t.Errorf("%s: %v, %d writes", at, err, r.Writes()-writes)
			}
		})
	}
}

// TestRotateSecondAgain: the second application becomes the first of the next rotation,
// with a plan that names it or none; and the old one, which nobody has deleted, is no
// part of that.
func TestRotateSecondAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.finish(t)
		r.plan.Plan = r.last.Plan
		r.plan.Replace = r.last.New.Fingerprint
		r.last = nil
		time.Sleep(48 * time.Hour)
		if got := phaseNames(r.finish(t)); got != wholeSecond {
			t.Errorf("%s", got)
		}
		if n := len(r.JumpCloud.Applications()); n != 3 {
			t.Errorf("%d applications", n)
		}
		r.judgeAll(t)
	})
}

// TestRotateSecondDeleteOld: the first application is deleted in the end, though the plan
// pins it still, and a lost answer to that does no harm.
func TestRotateSecondDeleteOld(t *testing.T) {
	for _, kind := range []fake.FaultKind{fake.None, fake.DropAfter} {
		synctest.Test(t, func(t *testing.T) {
			r := newSecond(t)
			first, _ := r.two(t)
			r.plan.Plan.Application.ID, r.plan.Plan.Application.LoginURL = first.ID, first.SSOURL
			r.finish(t)
			if len(r.JumpCloud.Applications()) != 2 {
				t.Fatal("deleted without being asked to")
			}
			r.plan.DeleteOld = true
			r.JumpCloud.Fault = func(q *http.Request) fake.Fault {
				if q.Method == http.MethodDelete {
					return fake.Fault{Kind: kind}
				}
				return fake.Fault{}
			}
			r.finish(t)
			r.finish(t) // and once more
			if apps := r.JumpCloud.Applications(); len(apps) != 1 || apps[0].ID == first.ID {
				t.Errorf("%+v", apps)
			}
			if !r.told("set application.id to") {
				t.Errorf("findings %v", r.last.Findings)
			}
			r.judgeAll(t)
		})
	}
}
