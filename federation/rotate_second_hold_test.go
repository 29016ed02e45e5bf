package federation_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// confirming is a call whose confirmation takes a quarter of an hour, in which somebody does
// something.
func (r *rotation) confirming(t *testing.T, do func()) error {
	t.Helper()
	opts, asked := r.opts(), false
	opts.Confirm = func(context.Context, *federation.Proposal) error {
		asked = true
		time.Sleep(7 * time.Minute)
		do()
		time.Sleep(8 * time.Minute)
		return nil
	}
	var err error
	if r.last, err = r.Federator(opts).Rotate(t.Context(), r.plan, r.last); !asked {
		t.Fatalf("%s: nothing was asked: %v", r.last.Phase, err)
	}
	return err
}

// TestRotateSecondConfirm: what somebody does while a confirmation is waited for ends the
// call before its write, and what people are sent to stays.
func TestRotateSecondConfirm(t *testing.T) {
	active := func(second, is bool) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			a, b := r.two(t)
			if second {
				a = b
			}
			r.JumpCloud.SetApplicationField(a.ID, "active", is)
		}
	}
	regenerate := func(t *testing.T, r *rotation) {
		_, b := r.two(t)
		r.JumpCloud.RegenerateCertificate(b.ID)
	}
	send := func(second bool) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			a, b := r.two(t)
			if second {
				a = b
			}
			edit(t, r.Env, func(f *aad.Federation) { f.PassiveSignInURI, f.ActiveSignInURI = a.SSOURL, a.SSOURL })
		}
	}
	remove := func(t *testing.T, r *rotation) {
		_, b := r.two(t)
		r.JumpCloud.DeleteApplication(b.ID)
	}
	unbind := func(t *testing.T, r *rotation) {
		a, _ := r.two(t)
		r.JumpCloud.Unbind(object(jumpcloud.ApplicationObject, a.ID), jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.Groups()[0].ID})
	}
	for _, tt := range []struct {
		name string
		at   federation.RotationPhase
		back bool
		do   func(*testing.T, *rotation)
		goes bool // it is no error: the call writes nothing, and says why
		hurt bool // what was done keeps people out of what they see
	}{
		{name: "publish, second activated", at: "saved", do: active(true, true)},
		{name: "activate, second regenerated", at: "created", do: regenerate},
		{name: "bind, second deactivated", at: "activated", do: active(true, false)},
		{name: "redirect, second deactivated", at: "bound", do: active(true, false)},
		{name: "redirect, second regenerated", at: "bound", do: regenerate},
		{name: "redirect, second deleted", at: "bound", do: remove},
		{name: "redirect, a group taken away", at: "bound", do: unbind, goes: true},
		{name: "tiles, sent back", at: "redirected", do: send(false)},
		{name: "deactivate, sent back", at: "swapped", do: send(false)},
		{name: "retire, first activated", at: "deactivated", do: active(false, true)},
		{name: "return, first deactivated", at: "redirected", back: true, do: active(false, false), hurt: true},
		{name: "withdraw, sent there", at: "returned", back: true, do: send(true)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				switch tt.at {
				case "saved":
					r.until(t, "saved")
				case "returned":
					r.until(t, "redirected")
					r.plan.Cancel = true
					r.until(t, tt.at)
				default:
					r.until(t, tt.at)
				}
				r.plan.Cancel = tt.back
				time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
				writes := 0
				before := r.last.NotBefore
				err := r.confirming(t, func() {
					tt.do(t, r)
					writes = r.Writes()
				})
				if goes := err == nil; goes != tt.goes || !goes && !strings.Contains(err.Error(), "nothing was written") {
					t.Errorf("%s: %v", r.last.Phase, err)
				}
				if n := r.Writes() - writes; n > 0 || r.last.Done() || !r.last.NotBefore.After(before) {
					t.Errorf("%d writes, %s until %v", n, r.last.Phase, r.last.NotBefore)
				}
				time.Sleep(3 * time.Hour)
				if s := r.SignIns(r.began, time.Now(), 0); (s.Failed > 0) != tt.hurt || s.Failed > 600 {
					t.Errorf("%s", s)
				}
			})
		})
	}
}

// TestRotateSecondConfirmBind: who is taken from the first application while the bindings
// are confirmed is not bound to the second.
func TestRotateSecondConfirmBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		a, _ := r.two(t)
		one := object(jumpcloud.ApplicationObject, a.ID)
		group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.AddGroup("Leaving")}
		r.JumpCloud.Bind(one, group)
		r.until(t, federation.RotationActivated)
		if err := r.confirming(t, func() { r.JumpCloud.Unbind(one, group) }); err != nil || r.last.Phase != federation.RotationBound {
			t.Errorf("%s: %v", r.last.Phase, err)
		}
		_, b := r.two(t)
		if two := object(jumpcloud.ApplicationObject, b.ID); r.JumpCloud.Associated(two, group) ||
			!r.JumpCloud.Associated(two, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.Groups()[0].ID}) {
			t.Error("bound is not what was to be")
		}
	})
}

// TestRotateSecondConfirmRescue: the second application comes back while the way back is
// confirmed, or the first changes.
func TestRotateSecondConfirmRescue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationRedirected)
		a, b := r.two(t)
		r.JumpCloud.DeleteApplication(b.ID)
		r.plan.Cancel = true
		writes := r.Writes()
		err := r.confirming(t, func() { r.JumpCloud.RegenerateCertificate(a.ID) })
		if err == nil || !strings.Contains(err.Error(), "nothing was written") || r.Writes() != writes {
			t.Errorf("%v, %d writes", err, r.Writes()-writes)
		}
		if err := r.confirming(t, func() {}); err != nil {
			t.Error(err)
		}
		a, _ = r.two(t)
		if fed := r.slots(t); fed.PassiveSignInURI != a.SSOURL || fed.SigningCertificate != a.Certificate {
			t.Errorf("%+v", fed)
		}
	})
}

// TestRotateSecondDoubleLate: of two second applications the one that shows late is left
// alone until what is waited for is over, and the wait begins anew when it is gone.
func TestRotateSecondDoubleLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationBound)
		end := r.last.NotBefore
		_, b := r.two(t)
		time.Sleep(5 * time.Minute)
		id := r.JumpCloud.AddApplication("office365", b.Label, b.EntityID, b.SSOURL)
		r.JumpCloud.SetApplicationField(id, "active", false)
		writes := r.Writes()
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationBound || !r.last.NotBefore.Equal(end) || r.Writes() != writes {
			t.Fatalf("%s until %v: %v, %d writes", r.last.Phase, r.last.NotBefore, err, r.Writes()-writes)
		}
		time.Sleep(time.Until(end))
		var gone time.Time
		for r.last.Phase != federation.RotationRedirected {
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			if gone.IsZero() && len(r.JumpCloud.Applications()) == 2 {
				gone = time.Now()
			}
			if r.last.Phase != federation.RotationRedirected {
				time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
			}
		}
		if gone.IsZero() || time.Since(gone) < 2*time.Hour {
			t.Errorf("redirected %v after the double was gone", time.Since(gone))
		}
		time.Sleep(time.Until(r.last.NotBefore))
		r.finish(t)
		r.judgeAll(t)
	})
}

// TestRotateSecondUnbound: who is taken from the first application, while the second has
// its bindings and before people are sent there, does not keep the access by that; who was
// bound there by hand is told of.
func TestRotateSecondUnbound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		a, _ := r.two(t)
		one := object(jumpcloud.ApplicationObject, a.ID)
		group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.AddGroup("Leaving")}
		kept := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.Groups()[0].ID}
		user := jumpcloud.Object{Type: jumpcloud.UserObject, ID: r.JumpCloud.Users()[0].ID}
		r.JumpCloud.Bind(one, group)
		r.until(t, federation.RotationBound)
		_, b := r.two(t)
		two := object(jumpcloud.ApplicationObject, b.ID)
		if !r.JumpCloud.Associated(two, group) {
			t.Fatal("not bound")
		}
		r.JumpCloud.Unbind(one, group)
		r.JumpCloud.Bind(two, user)
		time.Sleep(time.Until(r.last.NotBefore))
		r.until(t, federation.RotationBound)
		if r.JumpCloud.Associated(two, group) || !r.JumpCloud.Associated(two, kept) || !r.JumpCloud.Associated(two, user) {
			t.Error("bound to the second is not what was to be")
		}
		time.Sleep(time.Until(r.last.NotBefore))
		r.until(t, federation.RotationRedirected)
		if r.JumpCloud.Associated(two, group) || !r.told("not to the first: "+user.String()) {
			t.Errorf("%v", r.last.Findings)
		}
		time.Sleep(time.Until(r.last.NotBefore))
		r.finish(t)
		r.judgeAll(t)
	})
}
