package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A RotationPreview says what the calls of a rotation will do from here on, when, and
// what people notice of it, if nobody else changes anything meanwhile. It holds no secret.
type RotationPreview struct {
	Domain string        `json:"domain"`
	Method RotateMethod  `json:"method"`
	Phase  RotationPhase `json:"phase"`
	// Old is the certificate that is replaced, New the one in its place, if it is known
	// already.
	Old Certificate `json:"old,omitzero"`
	New Certificate `json:"new,omitzero"`
	// Calls are those that are left, in their order: none if nothing is to be done, or if
	// a person has to act first. Next says so then.
	Calls []RotationCall `json:"calls"`
	Next  string         `json:"next,omitempty"`
	// Gap is for how long sign-ins fail at most, if every node follows within the plan's
	// Settle. 0: none is promised to fail.
	Gap time.Duration `json:"gapNanoseconds,omitempty"`
	// Done is when the rotation will be complete at the earliest; zero if that depends
	// on a person.
	Done     time.Time `json:"done,omitzero"`
	Findings []Finding `json:"findings,omitempty"`
}

// A RotationCall is one call of [Federator.Rotate].
type RotationCall struct {
	Number int `json:"number"` // from 1: the next one
	// Times is how many calls do this, one right after the other, if it takes more than
	// one: Number is that of the first.
	Times int `json:"times,omitempty"`
	// At is when it will do what it does, called then or later; zero: now.
	At   time.Time `json:"at,omitzero"`
	Does string    `json:"does"`
	// Changes are exactly what the next call writes, apart from the certificates that
	// are not made yet; of later calls they are empty.
	Changes Changes `json:"changes,omitempty"`
	// Notice is what people notice of it: "nothing", or for how long they cannot sign in.
	Notice string `json:"notice"`
}

// nothingNoticed is what people notice of most calls.
const nothingNoticed = "nothing"

// PreviewRotation says what each call of [Federator.Rotate] with this plan, from the next
// one to the last, will do, when, and what people will notice. It only reads, as much as
// the call of Rotate would before its first write, and of SecondApplication what is bound
// to the applications, and asks nobody: neither of the services nor the key store is
// written, and [Options.Confirm] is not called.
//
// What Rotate would refuse, now or when the next call's time has come, comes back as the
// same [*PreconditionError], and the preview says all the same what the calls would do
// otherwise; the changes of one that is refused are empty. After another error it holds
// what was known before, and no calls. The preview is never nil. It waits for a run of
// the same domain, as runs wait for each other. It is safe to repeat, and needs the same
// permissions as Rotate.
func (f *Federator) PreviewRotation(ctx context.Context, plan RotatePlan, last *Rotation) (*RotationPreview, error) {
	r := f.newRotating(plan, last)
	r.only = true
	err := r.run(ctx)
	var refused *PreconditionError
	if errors.As(err, &refused) && r.see.read.IsZero() {
		// What is refused by the plan is judged before anything is read. Of a plan that
		// lacks nothing but the store, the rest is told all the same.
		if p, bad := plan.normalize(); bad == nil && last.check(p) == nil && r.firstLook(ctx) != nil {
			r.see = rotateSight{}
		}
	}
	if errors.Is(err, errOnly) {
		err = nil
	}
	if refused != nil || err == nil && len(r.ahead) > 0 {
		if ferr := r.foresee(ctx); ferr != nil && err == nil {
			err = ferr
		}
	}
	return r.preview(err, refused), err
}

// preview tells what is ahead of a call that was refused, or that would write what is in
// r.ahead.
func (r *rotating) preview(err error, refused *PreconditionError) *RotationPreview {
	a := &forecast{r: r, at: r.f.now().UTC(), s: r.standing(), p: &RotationPreview{Calls: []RotationCall{}}}
	r.rot.Method = cmp.Or(r.plan.Method, OwnKeyPair)
	switch {
	case err != nil && refused == nil:
	case refused == nil && r.rot.Complete:
		a.p.Done = a.at
	case a.s == nil || refused == nil && len(r.ahead) == 0 && !a.sessions() && !r.seconds.behind():
		if err == nil && !r.rot.NotBefore.IsZero() { // what was seen cannot be believed yet
			a.at = r.rot.NotBefore
			a.call(r.rot.Next, "")
		}
	default:
		if refused != nil {
			r.rot.Next = ""
			r.placeRefused(a.s)
		}
		a.all()
	}
	rot := r.rot
	p := a.p
	p.Domain, p.Method, p.Phase, p.Old, p.New = rot.Domain, rot.Method, rot.Phase, rot.Old, rot.New
	if p.Findings = slices.Clone(rot.Findings); refused != nil {
		for _, f := range refused.Findings {
			if !slices.ContainsFunc(p.Findings, func(g Finding) bool { return g.Code == f.Code && g.Message == f.Message }) {
				p.Findings = append(p.Findings, f)
			}
		}
	}
	if len(p.Calls) == 0 {
		p.Next = rot.Next
	}
	return p
}

// standing is which certificate stands where; nil if that is not known.
func (r *rotating) standing() *standingCerts {
	if r.see.app == nil || r.see.st.fed == nil {
		return nil
	}
	s := r.certs()
	if s.j.IsZero() && r.see.shownErr == nil && (r.plan.Method == Emergency || r.gives()) {
		s.j = r.see.shown
	}
	if s.j.IsZero() {
		return nil
	}
	return &s
}

// gives reports whether the next call gives JumpCloud a pair, and does nothing else.
func (r *rotating) gives() bool { return len(r.ahead) == 1 && r.ahead[0].ofApplication() }

// placeRefused says where a rotation stands whose call was refused before that was said.
func (r *rotating) placeRefused(s *standingCerts) {
	switch r.plan.Method {
	case Emergency:
		if r.rot.Old.Fingerprint == "" && r.stolen(s.j) {
			r.rot.Old = newCertificate(s.j)
		}
	case OwnKeyPair, Regenerate:
		row := s.row()
		r.place(s, row)
		r.rot.NotBefore = r.notBefore()
	}
}

// String is the preview for people.
func (p *RotationPreview) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s\n", p.Domain, p.Method, p.Phase)
	for _, c := range []struct {
		what string
		c    Certificate
	}{{"old", p.Old}, {"new", p.New}} {
		if c.c.Fingerprint != "" {
			fmt.Fprintf(&b, "  %s certificate: %s\n", c.what, c.c)
		}
	}
	for _, f := range p.Findings {
		what := string(f.Severity)
		if f.Severity == Refusal && f.Consented {
			what = "consented"
		}
		fmt.Fprintf(&b, "  %s: %s\n", what, plain(f.String()))
	}
	for _, c := range p.Calls {
		at := "now"
		if !c.At.IsZero() {
			at = when(c.At)
		}
		number := strconv.Itoa(c.Number)
		if c.Times > 1 {
			number += " to " + strconv.Itoa(c.Number+c.Times-1)
		}
		fmt.Fprintf(&b, "  %s. %s: %s\n     people notice: %s\n", number, at, plain(c.Does), plain(c.Notice))
		for line := range strings.Lines(c.Changes.String()) {
			b.WriteString("     " + line)
		}
	}
	if p.Next != "" {
		fmt.Fprintf(&b, "  next: %s\n", plain(p.Next))
	}
	if len(p.Calls) > 0 {
		if p.Gap > 0 {
			fmt.Fprintf(&b, "  gap: sign-ins fail for at most %s\n", short(p.Gap))
		} else {
			b.WriteString("  gap: none\n")
		}
	}
	if len(p.Calls) > 0 && !p.Done.IsZero() {
		fmt.Fprintf(&b, "  complete at the earliest: %s\n", when(p.Done))
	}
	return b.String()
}

// short is a duration without the parts that are zero at its end.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
