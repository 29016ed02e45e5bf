package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/federation"
)

// passwordToTell is what is printed of the password: one that was given is known already, and
// what is printed is often kept.
func (s settings) passwordToTell(password string) string {
	if s.getenv(passwordVariable) != "" {
		return "the one in " + passwordVariable
	}
	return password
}

// explain says what runs, and what to try.
func (o *operator) explain(at string) {
	fmt.Fprintf(o.out, `
The page:      %s
The password:  %s

%d customers, some of them in trouble, on stand-ins of JumpCloud and Azure AD; a clock that
runs %g times as fast: a day passes in %s. To try:

  approve    choose a domain that waits, look at what would change, type its name
  waves      approve several at once: a pilot first, the next when all of one are effective
  drift      curl -X POST 'http://%s/drift?domain=NAME': somebody changes the federation by hand;
             then "Look now" on its page, or wait: it looks by itself once a week
  rotate     of a domain that is effective: a new signing certificate, and no sign-in fails
  stop       the button holds all new writes
  kill       kill -9 %d, and start it again: it goes on where it was
  file       edit %s, then kill -HUP %d

Ctrl-C ends all of it. %s
`, at, o.passwordToTell(o.password), o.fakeCount, o.speed, (24 * time.Hour / time.Duration(o.speed)).Round(time.Second), o.fakes,
		os.Getpid(), o.settings.customers, os.Getpid(), map[bool]string{
			true:  "Meanwhile a tour does some of this by itself (-tour 0: it does not):",
			false: "What happens:",
		}[o.tour > 0])
}

// told is what narrate has said of a domain.
type told struct {
	phase     flow.Phase
	effective bool
	problem   string
	rotation  federation.RotationPhase
	drift     bool
}

// narrate prints what happens to the domains, as it happens.
func (o *operator) narrate(ctx context.Context) {
	changed, cancel := o.desk.Subscribe()
	defer cancel()
	begun := time.Now()
	known := make(map[string]told)
	for {
		for _, s := range o.desk.Domains() {
			now := told{phase: s.Phase, effective: s.Effective}
			if s.Problem != nil {
				now.problem = s.Problem.Text
			}
			if s.Rotation != nil {
				now.rotation = s.Rotation.Phase
			}
			now.drift = s.Watch != nil && s.Watch.Drift > 0
			before, ok := known[s.Domain]
			known[s.Domain] = now
			if text := happened(before, now, s); text != "" && (ok || s.Phase != flow.Looking) {
				fmt.Fprintf(o.out, "%4.0f s  %-32s %s\n", time.Since(begun).Seconds(), s.Domain, text)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// rotationText says what the phases of a rotation mean.
var rotationText = map[federation.RotationPhase]string{
	federation.RotationPublished: ": Azure AD accepts the new certificate as well",
	federation.RotationSwitched:  ": JumpCloud signs with the new one",
	federation.RotationSwapped:   ": Azure AD has the new one first, the old one second",
	federation.RotationRetired:   ": Azure AD accepts the old one no more; done",
}

// happened says what is new of a domain, "" if nothing is worth a line.
func happened(before, now told, s flow.State) string {
	switch {
	case now.problem != "" && now.problem != before.problem:
		return "does not go on: " + now.problem
	case now.drift && !before.drift:
		return fmt.Sprintf("drift: it differs from its plan, in so many places: %d", s.Watch.Drift)
	case now.rotation != before.rotation && now.rotation != "":
		return "rotation: " + string(now.rotation) + rotationText[now.rotation]
	case now.effective && !before.effective:
		return "effective: people sign in through JumpCloud"
	case now.phase == before.phase:
		return ""
	}
	switch now.phase {
	case flow.Approval:
		switch {
		case s.Open == nil:
		case s.Open.Verb == federation.VerbFederate && before.effective:
			return fmt.Sprintf("drift: somebody has changed it by hand; waits for you: to put it back, changes: %d", s.Open.Changes)
		default:
			return fmt.Sprintf("waits for you: to %s, changes: %d", s.Open.Verb, s.Open.Changes)
		}
	case flow.Turn:
		if s.Approved != nil && s.Approved.Open.Standing {
			return fmt.Sprintf("to %s: the customers file allows that without you; waits for its turn", s.Approved.Open.Verb)
		}
		return "approved; waits for its turn"
	case flow.Running:
		return "is written"
	case flow.Verifying:
		return "written; waits until people can sign in"
	case flow.Retired:
		return "is not managed any more"
	}
	return ""
}

// tourLook is how often the tour looks whether it may go on.
const tourLook = 500 * time.Millisecond

// guide is the tour: it approves some domains in waves, changes one by hand, and rotates
// another, as the actor of the page.
func (o *operator) guide(ctx context.Context) {
	say := func(format string, args ...any) { fmt.Fprintf(o.out, "   tour: "+format+"\n", args...) }
	if !o.wait(ctx, func() bool { return !slices.ContainsFunc(o.desk.Domains(), looks) }) {
		return
	}
	act := o.touring("batch")
	for {
		chosen := o.choose()
		if len(chosen) > 0 {
			act = o.touring("batch")
			for _, s := range chosen {
				act.Domains, act.Hashes = append(act.Domains, s.Domain), append(act.Hashes, s.Open.Hash)
			}
			say("approves %d domains, in waves; the pilot is %s", len(chosen), act.Domains[0])
			if err := o.desk.Act(ctx, act); err != nil {
				say("%v", err)
			}
		}
		if !o.fakePlain {
			break
		}
		if !o.wait(ctx, func() bool { return len(o.choose()) > 0 }) { // all of the plain ones are the tour's
			return
		}
	}
	if len(act.Domains) == 0 {
		return
	}
	pilot := act.Domains[0]
	var replace string // known once the domain was watched for the first time
	if !o.wait(ctx, func() bool {
		s, _ := o.desk.Domain(pilot)
		if s.Watch != nil {
			replace = s.Watch.Replace
		}
		return s.Effective && s.Phase == flow.Watching && replace != ""
	}) {
		return
	}
	rotate := o.touring(flow.UpdateRotate, pilot)
	// A new application is given a day by the library; the stand-ins need half an hour.
	rotate.Rotate = &flow.RotateArg{Method: federation.OwnKeyPair, Replace: replace, Settle: 2 * time.Hour}
	say("asks for a new signing certificate of %s, and approves what is proposed", pilot)
	if err := o.desk.Act(ctx, rotate); err != nil {
		say("%v", err)
	} else {
		o.wait(ctx, func() bool {
			s, _ := o.desk.Domain(pilot)
			if s.Open == nil || s.Open.Verb != federation.VerbRotate {
				return s.Problem != nil
			}
			act := o.touring(flow.UpdateApprove, pilot)
			act.Hashes = []string{s.Open.Hash}
			if err := o.desk.Act(ctx, act); err != nil && !errors.Is(err, page.ErrNoWorker) {
				say("%v", err)
			}
			return true
		})
	}
	if len(act.Domains) == 1 {
		return
	}
	other := act.Domains[1]
	if !o.wait(ctx, func() bool { s, _ := o.desk.Domain(other); return s.Effective && s.Phase == flow.Watching }) {
		return
	}
	say("somebody changes %s by hand", other)
	if err := o.drift(ctx, other); err != nil {
		say("%v", err)
		return
	}
	say("has it looked at, which happens by itself once a week")
	if err := o.desk.Act(ctx, o.touring("look", other)); err != nil {
		say("%v", err)
	}
	if o.wait(ctx, func() bool { s, _ := o.desk.Domain(pilot); return s.Rotation != nil && s.Rotation.Done }) {
		say("has seen it all; what waits now waits for you")
	}
}

// touring begins an act of the tour.
func (o *operator) touring(verb string, domains ...string) page.Act {
	return page.Act{ID: rand.Text(), Actor: approve.Actor{Name: approve.Operator, From: "tour"}, Verb: verb, Domains: domains, Failures: 1}
}

// looks reports whether nobody knows yet what a domain needs.
func looks(s flow.State) bool { return s.Phase == flow.Looking && s.Problem == nil }

// choose returns the first domains that wait for an approval that can be given with
// others.
func (o *operator) choose() []flow.State {
	var out []flow.State
	for _, s := range o.desk.Domains() {
		good := s.Phase == flow.Approval && s.Open != nil && s.Open.Verb == federation.VerbFederate && s.Open.LockedOut == 0 && !s.Open.Consent
		if good && len(out) < o.tour {
			out = append(out, s)
		}
	}
	return out
}

// wait looks again and again until something is so, or ctx ends.
func (o *operator) wait(ctx context.Context, is func() bool) bool {
	tick := time.NewTicker(tourLook)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// drift has the stand-ins change a federation, as somebody might by hand.
func (o *operator) drift(ctx context.Context, domain string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+o.fakes+"/drift?domain="+url.QueryEscape(domain), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the stand-ins: %s", b)
	}
	return nil
}
