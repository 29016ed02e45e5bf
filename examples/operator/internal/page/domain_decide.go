package page

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

const mostNote = 4 << 10 // bytes

// decide reads what somebody has decided about a domain. What was typed is judged before
// the form counts; whether it can still be asked for, when it does.
func (p *page) decide(v *viewer, r *http.Request) (*sent, error) {
	verb := r.PathValue("verb")
	role, ok := domainVerbs[verb]
	if !ok {
		return nil, errNotFound
	}
	s, err := v.domainOf(r)
	if err != nil {
		if other, known := p.o.Backend.Domain(s.Domain); known && s.Domain != "" {
			v.refused(verb, other, err)
		}
		return nil, err
	}
	if !v.can(s.Customer, role) {
		v.refused(verb, s, errForbidden)
		return nil, errForbidden
	}
	form := r.PostForm
	act := Act{Actor: v.actor, Verb: verb, Domains: []string{s.Domain}}
	out := &sent{kind: []string{verb, s.Domain}, back: "/domain/" + s.Domain}
	var changed error
	switch verb {
	case flow.UpdateApprove, flow.UpdateReject:
		hash := form.Get("hash")
		act.Hashes, out.kind = []string{hash}, append(out.kind, hash)
		if s.Open != nil && s.Open.Hash != hash {
			changed = errors.New("the proposal that you were shown is not the one that waits now: look at the present one; nothing was recorded")
		}
		if verb == flow.UpdateApprove {
			out.wrong = typed(form.Get("typed"), s.Domain)
		}
	case flow.UpdateNote:
		act.Note, out.wrong = noteText(form.Get("note"))
	case flow.UpdateRevert, flow.UpdateRetire:
		out.wrong = typed(form.Get("typed"), s.Domain)
	case flow.UpdateRotate:
		var shown []string
		if act.Rotate, shown, out.wrong = p.rotation(s, form); act.Rotate == nil {
			act.Rotate = new(flow.RotateArg)
		}
		out.kind = append(out.kind, shown...)
		if !act.Rotate.Cancel && s.Watch != nil && act.Rotate.Replace != s.Watch.Replace {
			changed = errors.New("JumpCloud signs with another certificate now than the page has shown: " +
				"look at the present one; nothing was recorded")
		}
		if act.Rotate.Cancel != isRotating(s) {
			changed = errNone
		}
	}
	out.do = func(ctx context.Context, nonce string) (string, error) {
		err := v.hinders(s, verb)
		if err == nil {
			err = changed
		}
		if err != nil {
			v.refused(verb, s, err)
			return "", err
		}
		text := p.told(s, verb, &act)
		act.ID = nonce
		if err := p.o.Backend.Act(ctx, act); err != nil {
			return "", err
		}
		return text, nil
	}
	return out, nil
}

// noteText is a note as it is kept.
func noteText(text string) (string, error) {
	text = strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text))
	switch {
	case text == "":
		return "", errors.New("the note is empty: write something")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", errors.New("the note is no text")
	case len(text) > mostNote:
		return "", fmt.Errorf("the note has %s bytes, and %s fit: make it shorter", thousands(len(text)), thousands(mostNote))
	}
	return text, nil
}

// rotation reads what a rotation is asked for, and of what its form is.
func (p *page) rotation(s flow.State, form url.Values) (*flow.RotateArg, []string, error) {
	arg := &flow.RotateArg{Method: federation.RotateMethod(form.Get("method")), Replace: form.Get("replace")}
	shown := []string{arg.Replace}
	if form.Get("cancel") != "" {
		arg.Cancel, shown = true, []string{cancelled, string(arg.Method)}
		if isRotating(s) {
			arg.Replace = p.replaced(s)
		}
	}
	for _, name := range form["consent"] {
		known := false
		for _, c := range rotateConsents {
			if c.Name == name {
				c.set(&arg.Consent)
				known = true
			}
		}
		if !known {
			return arg, shown, fmt.Errorf("%.40q is nothing that can be consented to", name)
		}
	}
	var err error
	if arg.Settle, err = settleHours(form.Get("settle")); err != nil {
		return arg, shown, err
	}
	if arg.Cancel {
		return arg, shown, nil
	}
	known := false
	for _, m := range rotateMethods {
		known = known || m.Value == arg.Method
	}
	if !known {
		return arg, shown, errors.New("choose a method")
	}
	for _, c := range rotateConsents {
		if c.needs == arg.Method && !c.of(&arg.Consent) {
			return arg, shown, fmt.Errorf("the method %s needs the consent %s: %s Tick it, or choose another method", arg.Method, c.Name, c.Means)
		}
	}
	return arg, shown, nil
}

// replaced is the certificate that the rotation under way replaces.
func (p *page) replaced(s flow.State) string {
	if rot, err := p.o.Backend.Rotation(s.Domain); err == nil && rot.Old.Fingerprint != "" {
		return rot.Old.Fingerprint
	}
	if s.Watch != nil {
		return s.Watch.Replace
	}
	return ""
}

// settleHours reads how long is waited after each change; 0 if it is left to the method.
func settleHours(text string) (time.Duration, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), ",", ".")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n < 1.0/3-0.004 || n > 7*24 {
		return 0, errors.New("give how long is waited after each change in hours, from 0.34 to 168, or leave it out")
	}
	return max(time.Duration(n*float64(time.Hour)).Round(time.Minute), 20*time.Minute), nil
}

// told is what is said when an act was recorded.
func (p *page) told(s flow.State, verb string, act *Act) string {
	first := "Approved as the first of two. Another person has to approve the same before anything is done."
	switch verb {
	case flow.UpdateApprove:
		if s.Open.Two && s.Open.First == nil {
			return first
		}
		return "Approved. It is carried out as soon as nothing holds it: the window, a free slot, the Stop button."
	case flow.UpdateReject:
		return "Rejected. The same is not proposed again until somebody has it looked at."
	case flow.UpdatePause:
		return "Paused. No new write begins for this domain until somebody resumes it."
	case flow.UpdateResume:
		return "Resumed. It goes on now."
	case flow.UpdateNote:
		return "The note is kept."
	case verbLook:
		return "Asked for a look. What is found is shown here in a moment."
	case flow.UpdateRevert:
		return "Asked for a proposal to revert. Nothing is written before it is approved."
	case flow.UpdateRotate:
		if act.Rotate.Cancel {
			return "Asked for a proposal to lead the rotation back. Nothing is written before it is approved."
		}
		return "Asked for a proposal to rotate. Nothing is written before it is approved."
	}
	if p.twoRetire(s) && len(p.o.Backend.Approvers(s.Domain, approve.VerbRetire)) == 0 {
		return first
	}
	return "Retired. The domain is managed no more as soon as nothing is under way; the federation stays as it is."
}
