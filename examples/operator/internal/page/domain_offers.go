package page

import (
	"errors"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// verbLook has a domain looked at now. It is no update.
const verbLook = "look"

// domainVerbs are what can be asked of a domain, and the role that it needs.
var domainVerbs = map[string]approve.Role{
	flow.UpdateApprove: approve.Approve, flow.UpdateReject: approve.Approve, flow.UpdatePause: approve.Approve,
	flow.UpdateResume: approve.Approve, flow.UpdateNote: approve.Approve, verbLook: approve.Approve,
	flow.UpdateRevert: approve.Admin, flow.UpdateRotate: approve.Admin, flow.UpdateRetire: approve.Admin,
}

// offer is a form, or why there is none. Without both there is nothing to say.
type offer struct {
	Form *head
	Why  string
}

// offers are the forms of the page of a domain.
type offers struct {
	Approve, Reject, Look, Pause, Resume, Note offer
	Revert, Rotate, Cancel, Retire             offer
	// First are who has approved first what waits for two, RetireFirst that it is managed no
	// more.
	First, RetireFirst []string
	TwoRetire          bool
	Replace            string // the certificate that a rotation would replace
	Methods            []methodView
	Consents           []rotateConsent
}

func (o *offers) all() []offer {
	return []offer{o.Approve, o.Reject, o.Look, o.Pause, o.Resume, o.Note, o.Revert, o.Rotate, o.Cancel, o.Retire}
}

// methodView is a way to rotate.
type methodView struct {
	Value federation.RotateMethod
	Means string
}

var rotateMethods = []methodView{
	{federation.OwnKeyPair, "no gap; a key is left in keys/, to be deleted when it is done; no way back once JumpCloud has the key"},
	{federation.SecondApplication, "no gap, no key; can be led back; people's tile and the application of the plan change"},
	{federation.Regenerate, "a gap in which sign-ins fail, until Azure AD has heard of JumpCloud's new pair everywhere"},
	{federation.Emergency, "for a stolen key only: an outage until the new certificate is known everywhere"},
}

func methodWords(m federation.RotateMethod) string {
	for _, one := range rotateMethods {
		if one.Value == m {
			return string(m) + ": " + one.Means
		}
	}
	return string(m)
}

// rotateConsent is something that a rotation may do that is not harmless.
type rotateConsent struct {
	Name, Means string
	of          func(*federation.RotateConsent) bool
	set         func(*federation.RotateConsent)
	needs       federation.RotateMethod // the method that cannot do without
}

var rotateConsents = []rotateConsent{
	{
		Name: "gap", Means: "Sign-ins may fail until the new certificate has reached every node of Azure AD.",
		of: func(c *federation.RotateConsent) bool { return c.Gap }, set: func(c *federation.RotateConsent) { c.Gap = true },
		needs: federation.Regenerate,
	},
	{
		Name:  "outage",
		Means: "Sign-ins may fail until all has spread, and whatever stands in the second place is overwritten.",
		of:    func(c *federation.RotateConsent) bool { return c.Outage }, set: func(c *federation.RotateConsent) { c.Outage = true },
		needs: federation.Emergency,
	},
	{
		Name:  "policies",
		Means: "JumpCloud's authentication policies that name the first application have been extended to the second, or there are none.",
		of:    func(c *federation.RotateConsent) bool { return c.Policies }, set: func(c *federation.RotateConsent) { c.Policies = true },
		needs: federation.SecondApplication,
	},
	{
		Name:  "removeNextCertificate",
		Means: "A second certificate in Azure AD that nobody here knows may be overwritten: somebody has found out whose it is.",
		of:    func(c *federation.RotateConsent) bool { return c.RemoveNextCertificate },
		set:   func(c *federation.RotateConsent) { c.RemoveNextCertificate = true },
	},
	{
		Name:  "noBreakGlass",
		Means: "It may go on although no administrator could sign in if JumpCloud were down.",
		of:    func(c *federation.RotateConsent) bool { return c.NoBreakGlass },
		set:   func(c *federation.RotateConsent) { c.NoBreakGlass = true },
	},
}

// offers are the forms that the viewer may have of a domain now.
func (v *viewer) offers(s flow.State) *offers {
	o := &offers{Methods: rotateMethods, Consents: rotateConsents}
	b := v.p.o.Backend
	if s.Open != nil {
		o.First = b.Approvers(s.Domain, s.Open.Verb)
	}
	o.TwoRetire = v.p.twoRetire(s)
	if o.TwoRetire {
		o.RetireFirst = b.Approvers(s.Domain, approve.VerbRetire)
	}
	hash := ""
	if s.Open != nil {
		hash = s.Open.Hash
	}
	if s.Watch != nil {
		o.Replace = s.Watch.Replace
	}
	o.Approve = v.offer(s, flow.UpdateApprove, hash)
	o.Reject = v.offer(s, flow.UpdateReject, hash)
	o.Look, o.Note = v.offer(s, verbLook), v.offer(s, flow.UpdateNote)
	o.Pause, o.Resume = v.offer(s, flow.UpdatePause), v.offer(s, flow.UpdateResume)
	o.Revert, o.Retire = v.offer(s, flow.UpdateRevert), v.offer(s, flow.UpdateRetire)
	if isRotating(s) {
		o.Cancel = v.offer(s, flow.UpdateRotate, cancelled, string(s.Rotation.Method))
	} else {
		o.Rotate = v.offer(s, flow.UpdateRotate, o.Replace)
	}
	return o
}

// cancelled is what the form of a rotation is of that leads one back, instead of a
// certificate.
const cancelled = "cancel"

// offer is one form. Who has not the role is told nothing of it.
func (v *viewer) offer(s flow.State, verb string, shown ...string) offer {
	if !v.can(s.Customer, domainVerbs[verb]) {
		return offer{}
	}
	switch err := v.hinders(s, verb); {
	case errors.Is(err, errNone):
		return offer{}
	case err != nil:
		return offer{Why: sentence(err.Error())}
	}
	h := v.form("/domain/"+s.Domain+"/"+verb, append([]string{verb, s.Domain}, shown...)...)
	return offer{Form: &h}
}

// isRotating reports whether a rotation is under way.
func isRotating(s flow.State) bool { return s.Rotation != nil && !s.Rotation.Ended }

// twoRetire reports whether two people must say that a domain is managed no more.
func (p *page) twoRetire(s flow.State) bool {
	var two *bool
	if c, ok := p.o.Backend.File().ByDomain(s.Domain); ok {
		two = c.TwoPeople
	}
	return approve.NeedsTwo(approve.VerbRetire, nil, two)
}

// Why something cannot be asked for. An errNone is of what there is nothing to say about.
var (
	errNone     = errors.New("there is nothing of that kind to be done now: load the page again")
	errRetired  = errors.New("the domain is managed no more: nothing is done for it")
	errUnlisted = errors.New("the domain is not in the customers file: list it again first")
	errWatched  = errors.New("the customer is only watched: set mode: manage in the customers file first")
	errUnder    = errors.New("a rotation of the certificate is under way: wait until it is done, or have it led back first")
	errYou      = errors.New("you have approved it as the first: another person has to approve it now")
)

// hinders says why a verb cannot be asked for now, nil if it can. The workflow has the last
// word.
func (v *viewer) hinders(s flow.State, verb string) error {
	asked := func(revert bool) bool {
		return s.Kept.Asked != nil && s.Kept.Asked.Revert == revert && !s.Kept.Asked.Look
	}
	if s.Phase == flow.Retired || s.Kept.Retiring {
		return errRetired
	}
	switch verb {
	case flow.UpdateApprove:
		return v.hindersApproval(s)
	case flow.UpdateReject:
		if s.Open == nil {
			return errNone
		}
		return nil
	case flow.UpdatePause:
		if s.Paused {
			return errNone
		}
		return nil
	case flow.UpdateResume:
		if !s.Paused && s.Phase != flow.People {
			return errNone
		}
		return nil
	case flow.UpdateNote:
		return nil
	case flow.UpdateRetire:
		return v.hindersRetirement(s)
	}
	switch {
	case s.Unlisted:
		return errUnlisted
	case verb == verbLook:
		return nil
	case s.Mode == "watch":
		return errWatched
	case verb == flow.UpdateRevert && len(s.Reports) == 0:
		return errors.New("this operator has written nothing for the domain: there is nothing to revert")
	case verb == flow.UpdateRevert && isRotating(s):
		return errUnder
	case verb == flow.UpdateRevert && asked(true):
		return errors.New("a proposal to revert is being made: wait for it")
	case verb == flow.UpdateRevert && s.Open != nil && s.Open.Verb == federation.VerbRevert:
		return errors.New("a proposal to revert waits for an approval already")
	case verb == flow.UpdateRevert:
		return nil
	}
	switch {
	case s.Approved != nil:
		return errors.New("a run is approved or under way: ask for a rotation when it is done")
	case asked(false):
		return errors.New("a proposal to rotate is being made: wait for it")
	case s.Open != nil && s.Open.Verb == federation.VerbRotate:
		return errors.New("a proposal to rotate waits already: approve it, or reject it first")
	case isRotating(s):
		switch s.Rotation.Method {
		case federation.OwnKeyPair, federation.SecondApplication, "":
			return nil
		}
		return errors.New("a rotation by the method " + string(s.Rotation.Method) + " is under way, " +
			"which cannot be led back: wait until it is done")
	case s.Watch == nil || s.Watch.Replace == "":
		return errors.New("it is not known which certificate JumpCloud signs with: wait until the domain was watched")
	}
	return nil
}

func (v *viewer) hindersApproval(s flow.State) error {
	switch {
	case s.Open == nil:
		return errNone
	case s.Unlisted:
		return errUnlisted
	case s.Mode == "watch":
		return errWatched
	case isRotating(s) && (s.Open.Rotate == nil || !s.Open.Rotate.Cancel):
		return errors.New("a rotation of the certificate is under way: approve when it is done")
	case s.Open.Two && v.p.o.Guard.ByPassword():
		return approve.ErrNoTwo
	case s.Open.Two && v.isOne(v.p.o.Backend.Approvers(s.Domain, s.Open.Verb)):
		return errYou
	}
	return nil
}

func (v *viewer) hindersRetirement(s flow.State) error {
	two := v.p.twoRetire(s)
	switch {
	case isRotating(s):
		return errUnder
	case two && v.p.o.Guard.ByPassword():
		return approve.ErrNoTwo
	case two && v.isOne(v.p.o.Backend.Approvers(s.Domain, approve.VerbRetire)):
		return errYou
	}
	return nil
}

// isOne reports whether the viewer is one of some people.
func (v *viewer) isOne(people []string) bool {
	return slices.ContainsFunc(people, func(name string) bool { return strings.EqualFold(name, v.actor.Name) })
}
