package federation_test

import (
	"cmp"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

var urlDigits = regexp.MustCompile(`-[0-9a-f]{8}\b`)

// TestPreviewRotationSecond: of a rotation by a second application, in each phase and led
// back from each, what is ahead; and that it then comes as it was told.
func TestPreviewRotationSecond(t *testing.T) {
	const (
		W     = 2*time.Hour + time.Minute
		open  = 10 * time.Minute // a page
		whole = 5*W + open
	)
	at := func(phase federation.RotationPhase) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) { r.until(t, phase) }
	}
	lasted := func(phase federation.RotationPhase) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			r.until(t, phase)
			time.Sleep(time.Until(r.last.NotBefore))
		}
	}
	lost := func(phase federation.RotationPhase) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			r.until(t, phase)
			time.Sleep(24 * time.Hour)
			r.last = nil
		}
	}
	tiles := func(t *testing.T, r *rotation) { // redirected, and the tiles are changed
		r.until(t, federation.RotationRedirected)
		time.Sleep(time.Until(r.last.NotBefore))
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationRedirected {
			t.Fatal(err, r.last.Phase)
		}
	}
	many := func(n int) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			first, _ := r.two(t)
			for i := range n {
				r.JumpCloud.Bind(object(jumpcloud.ApplicationObject, first.ID), object(jumpcloud.GroupObject, r.JumpCloud.AddGroup("Group "+string(rune('A'+i)))))
			}
		}
	}
	both := func(all ...func(*testing.T, *rotation)) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			for _, do := range all {
				do(t, r)
			}
		}
	}
	regenerated := func(second bool) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			a, b := r.two(t)
			if second {
				a = b
			}
			r.JumpCloud.RegenerateCertificate(a.ID)
		}
	}
	stranger := func(t *testing.T, r *rotation) {
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
	}
	gone := func(second bool) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			a, b := r.two(t)
			if second {
				a = b
			}
			r.JumpCloud.DeleteApplication(a.ID)
			time.Sleep(30 * time.Second) // what is asked again after a 404 takes seconds by chance, which are to end in one minute
		}
	}
	twice := func(t *testing.T, r *rotation) {
		_, second := r.two(t)
		time.Sleep(time.Minute)
		twin := r.JumpCloud.AddApplication("office365", second.Label, second.EntityID, second.SSOURL)
		r.JumpCloud.SetApplicationField(twin, "active", false)
		r.last = nil
	}
	cancel := func(r *rotation) { r.plan.Cancel = true }
	remove := func(r *rotation) { r.plan.Consent.RemoveNextCertificate = true }
	deletes := func(r *rotation) { r.plan.DeleteOld = true }
	pilot := func(r *rotation) { r.plan.Pilot = true }
	refused := func(r *rotation) { r.plan.Consent.Policies = false }
	pilots := func(t *testing.T, r *rotation) { r.plan.Pilot = true; r.until(t, federation.RotationPilot) }
	var files []string
	for i, tt := range []struct {
		name  string
		make  func(*testing.T, *rotation)
		plan  func(*rotation)
		phase federation.RotationPhase
		calls int           // Rotate's, not lines
		after time.Duration // from now to the end; -1: a person has to act
		gap   time.Duration
		says  string
		code  federation.Code
		looks int // requests at most, if not 12: somebody has made trouble
	}{
		{name: "idle", phase: "idle", calls: 9, after: whole, says: "make a second application"},
		{name: "idle, deleting", plan: deletes, phase: "idle", calls: 10, after: whole, says: "10. 2000-01-02 11:15 UTC: delete the first application"},
		{name: "idle, with a pilot", plan: pilot, phase: "idle", calls: 3, after: -1, says: "the one person whom you bind to it may try it"},
		{name: "idle, nobody bound", make: func(t *testing.T, r *rotation) {
			first, _ := r.two(t)
			r.JumpCloud.Unbind(object(jumpcloud.ApplicationObject, first.ID), object(jumpcloud.GroupObject, r.JumpCloud.Groups()[0].ID))
		}, phase: "idle", calls: 9, after: whole, says: "look, and write nothing: whoever may use"},
		{name: "idle, many bound", make: many(43), phase: "idle", calls: 11, after: whole, says: "44 groups and users, in 3 calls"},
		{name: "idle, a longer settle", plan: func(r *rotation) { r.plan.Settle = 5 * time.Hour }, phase: "idle", calls: 9, after: 5*(5*time.Hour+time.Minute) + open},
		{name: "idle, not due", plan: func(r *rotation) { r.plan.Replace = strings.Repeat("ab", 32) }, phase: "idle", says: "nothing is due"},
		{name: "idle, policies", plan: refused, phase: "idle", calls: 9, after: whole, says: "authentication policies", code: federation.CodeRotation},
		{name: "idle, read only", plan: func(r *rotation) { r.readOnly = true }, phase: "idle", calls: 9, after: whole, code: federation.CodePermission},
		{name: "idle, pinned wrongly", make: func(t *testing.T, r *rotation) {
			r.plan.Plan.Application.ID = r.JumpCloud.AddApplication("office365", "Other", r.plan.Plan.Domain, "https://sso.jumpcloud.com/saml2/other")
		}, phase: "idle", calls: 9, after: whole, says: "set application.id to", code: federation.CodeApplicationFixed},
		{name: "saved", make: at("saved"), phase: "saved", calls: 8, after: whole, says: "beside the first one's"},
		{name: "saved twice", make: both(at("saved"), twice), phase: "saved", calls: 9, after: whole, says: "1. now: delete the application", looks: 14},
		{name: "created", make: at("created"), phase: "created", calls: 7, after: whole, says: "activate the second application"},
		{name: "created, last lost", make: lost("created"), phase: "created", calls: 8, after: whole, says: "look, and write nothing"},
		{name: "activated", make: at("activated"), phase: "activated", calls: 6, after: whole - W, says: "one group or user"},
		{name: "activated, many bound", make: both(many(43), at("activated")), phase: "activated", calls: 8, after: whole - W, says: "1 to 3. now"},
		{name: "pilot", make: pilots, phase: "pilot", after: -1, says: "have that person open"},
		{name: "pilot approved", make: both(pilots, func(t *testing.T, r *rotation) { r.plan.Approve = r.last.New.Fingerprint }), phase: "activated", calls: 6,
			after: whole - W},
		{name: "bound", make: at("bound"), phase: "bound", calls: 5, after: whole - W, says: "have Azure AD send people to the second"},
		{name: "bound for long", make: both(at("bound"), func(*testing.T, *rotation) { time.Sleep(24 * time.Hour) }), phase: "bound", calls: 5, after: whole - 2*W,
			says: "1. now"},
		{name: "bound, last lost", make: lost("bound"), phase: "bound", calls: 6, after: whole - W, says: "for 2h before the next step"},
		{name: "bound, policies", make: lasted("bound"), plan: refused, phase: "bound", calls: 5, after: whole - 2*W, code: federation.CodeRotation},
		{name: "bound, and more since", make: both(at("bound"), many(1)), phase: "activated", calls: 7, after: whole - W, says: "alone since the last call"},
		{name: "redirected", make: at("redirected"), phase: "redirected", calls: 4, after: whole - 2*W, says: "tile, of the same name"},
		{name: "redirected, tiles changed", make: tiles, phase: "redirected", calls: 3, after: whole - 3*W, says: "first in Azure AD"},
		{name: "swapped", make: at("swapped"), phase: "swapped", calls: 2, after: 2*W + open, says: "deactivate the first"},
		{name: "swapped, last lost", make: lost("swapped"), phase: "swapped", calls: 3, after: 2*W + open, says: "for 2h10m before the next step"},
		{name: "deactivated", make: at("deactivated"), phase: "deactivated", calls: 1, after: W},
		{name: "deactivated, deleting", make: at("deactivated"), plan: deletes, phase: "deactivated", calls: 2, after: W},
		{name: "closed", make: at("closed"), phase: "closed", says: "keep the plan"},
		{name: "closed, deleting", make: at("closed"), plan: deletes, phase: "closed", calls: 1, says: "delete the first application"},
		{name: "closed, deleted", make: func(t *testing.T, r *rotation) { r.plan.DeleteOld = true; r.finish(t) }, phase: "closed"},

		{name: "back from idle", plan: cancel, phase: "cancelled"},
		{name: "back from saved", make: at("saved"), plan: cancel, phase: "withdrawn", calls: 1, says: "delete the second"},
		{name: "back from created", make: at("created"), plan: cancel, phase: "withdrawn", calls: 2, says: "2. now: delete the second"},
		{name: "back from pilot", make: pilots, plan: cancel, phase: "returned", calls: 4, after: 2*W + open},
		{name: "back from bound", make: at("bound"), plan: cancel, phase: "returned", calls: 4, after: 2*W + open},
		{name: "back from redirected", make: at("redirected"), plan: cancel, phase: "reactivated", calls: 4, after: 2*W + open, says: "1. now: have Azure AD send"},
		{name: "back from redirected, tiles changed", make: tiles, plan: cancel, phase: "reactivated", calls: 5, after: 2*W + open, says: "tile again"},
		{name: "back from swapped", make: at("swapped"), plan: cancel, phase: "reactivated", calls: 7, after: 3*W + open, says: "look, and write nothing"},
		{name: "back from deactivated", make: at("deactivated"), plan: cancel, phase: "deactivated", calls: 7, after: 3*W + open, says: "activate the first application again"},
		{name: "back from closed", make: at("closed"), plan: cancel, phase: "closed", after: -1, code: federation.CodeRotation},
		{name: "back and forth", make: both(at("redirected"), func(t *testing.T, r *rotation) {
			r.plan.Cancel = true
			r.until(t, "returned")
			r.plan.Cancel = false
		}), phase: "bound", calls: 6, after: whole - W, says: "look, and write nothing"},

		{name: "broken", make: regenerated(false), phase: "broken", calls: 2, gap: 2 * time.Hour, says: "nobody on example.com can sign in"},
		{name: "broken when created", make: both(at("created"), regenerated(false)), phase: "broken", calls: 2, after: -1, gap: 2 * time.Hour, says: "until a person has looked"},
		{name: "broken when redirected", make: both(at("redirected"), regenerated(true)), phase: "broken", calls: 4, after: whole - 2*W, gap: 2 * time.Hour,
			says: "at once and without asking"},
		{name: "broken behind", make: both(at("redirected"), regenerated(false)), phase: "broken", calls: 4, after: whole - 2*W, gap: 2 * time.Hour,
			says: "whoever opens the first application cannot"},
		{name: "broken, back", make: both(at("swapped"), regenerated(true)), plan: cancel, phase: "broken", calls: 7, after: 3*W + open, gap: 2 * time.Hour},
		{name: "broken, read only", make: both(at("redirected"), regenerated(true), func(_ *testing.T, r *rotation) { r.readOnly = true }), phase: "broken", calls: 4,
			after: whole - 2*W, gap: 2 * time.Hour, code: federation.CodePermission},
		{name: "second gone, back", make: both(at("swapped"), gone(true)), plan: cancel, phase: "broken", calls: 4, gap: 2 * time.Hour, after: W,
			says: "somebody has deleted the second", looks: 18},
		{name: "second gone", make: both(at("swapped"), gone(true)), phase: "swapped", after: -1, says: "call with cancel", code: federation.CodeRotation, looks: 18},
		{name: "first gone", make: both(at("swapped"), gone(false)), phase: "deactivated", calls: 2, after: 24*time.Hour + time.Minute, says: "no more"},

		{name: "foreign", make: stranger, phase: "foreign", after: -1, says: "until a person has looked"},
		{name: "foreign with consent", make: stranger, plan: remove, phase: "foreign", calls: 9, after: whole, says: "is overwritten"},
		{name: "foreign when bound", make: both(at("bound"), stranger), plan: remove, phase: "saved", calls: 9, after: whole, says: "is overwritten"},
		{name: "foreign when deactivated", make: both(at("deactivated"), stranger), plan: remove, phase: "foreign", calls: 1, says: "what nobody here knows no more"},
		{name: "foreign when deactivated, without consent", make: both(at("deactivated"), stranger), phase: "foreign", after: -1, says: "until a person has looked"},
	} {
		file := "rotate-preview-second/" + strings.NewReplacer(" ", "-", ",", "").Replace(tt.name) + ".txt"
		files = append(files, file)
		t.Run(tt.name, func(t *testing.T) {
			thin(t, i)
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				if tt.make != nil {
					tt.make(t, r)
				}
				if tt.plan != nil {
					tt.plan(r)
				}
				opts, now := r.opts(), time.Now()
				p, err := r.foretold(t, opts, tt.code, cmp.Or(tt.looks, 12))
				calls := 0
				for _, c := range p.Calls {
					calls += max(1, c.Times)
				}
				if p.Phase != tt.phase || p.Method != r.plan.Method || calls != tt.calls || !strings.Contains(p.String(), tt.says) || p.Gap != tt.gap {
					t.Errorf("phase %s, %d calls, gap %v; want %s, %d, %v, with %q:\n%s", p.Phase, calls, p.Gap, tt.phase, tt.calls, tt.gap, tt.says, p)
				}
				if tt.after < 0 != p.Done.IsZero() || tt.after >= 0 && p.Done.Sub(now.Add(tt.after)).Abs() > 5*time.Minute {
					t.Errorf("done at %v, %v from now; want %v:\n%s", p.Done, p.Done.Sub(now), tt.after, p)
				}
				federation.Golden(t, file, urlDigits.ReplaceAllString(masked(p), "-<digits>"))
				if err != nil || len(p.Calls) == 0 {
					r.sameRefusal(t, opts, err)
					return
				}
				r.comesTrue(t, opts.Keys, p)
			})
		})
	}
	federation.GoldenFiles(t, "rotate-preview-second", files)
}
