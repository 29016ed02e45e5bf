package federation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A NotApprovedError is an [ErrNotApproved] in parts, for a program that must not repeat
// the names of people, which the text has in it.
type NotApprovedError struct {
	// Reason says, without naming anybody, why the proposal is none any more, or is another
	// customer's, and what to do. "": it is good, and Changes or People are not in it.
	Reason string
	// Changes are those that are missing and not in the proposal, People those who would
	// lose their sign-in and are not named there.
	Changes Changes
	People  []PersonFinding
}

// Error tells the reason, or the first of the changes and people, on one line.
func (e *NotApprovedError) Error() string {
	var what []string
	if e.Reason != "" {
		what = append(what, e.Reason)
	}
	if len(e.Changes) > 0 {
		var other []string
		for _, c := range e.Changes {
			other = append(other, strings.Join(strings.Fields(Changes{c}.String()), " "))
		}
		what = append(what, "not in the proposal: "+some(other, "; "))
	}
	if len(e.People) > 0 {
		var people []string
		for _, f := range e.People {
			people = append(people, f.Who())
		}
		what = append(what, "would lose their sign-in and are not named: "+some(people, ", "))
	}
	said := "federation: " + ErrNotApproved.Error() + ": " + strings.Join(what, "; ")
	if e.Reason == "" {
		said += ": make a new proposal"
	}
	return said
}

// Unwrap returns [ErrNotApproved].
func (e *NotApprovedError) Unwrap() error { return ErrNotApproved }

// An approval is what a run may do. A nil one allows everything.
type approval struct {
	tenant, organization string              // for whom
	changes              map[string][]Change // by key
	people               map[string]bool     // who may lose their sign-in, by account
	begun                []Step              // what earlier runs of it have sent
}

func approve(p *Proposal) *approval {
	a := &approval{
		tenant: p.Tenant, organization: p.Organization,
		changes: make(map[string][]Change, len(p.Changes)), people: make(map[string]bool, len(p.People)),
	}
	for _, c := range p.Changes {
		a.changes[c.key()] = append(a.changes[c.key()], c)
	}
	for _, f := range p.People {
		a.people[f.account()] = true
	}
	for _, rep := range p.Runs {
		if rep.Verb == p.Verb && domainName(rep.Plan.Domain) == p.Domain {
			a.begun = append(a.begun, rep.Steps...)
		}
	}
	return a
}

// customer returns an error if a run works for another customer than the one that was
// approved, or for one of whom the credential does not tell.
func (a *approval) customer(tenant, organization string) error {
	switch {
	case a == nil:
	case a.tenant != "" && tenant != a.tenant:
		return &NotApprovedError{Reason: fmt.Sprintf("the proposal is of the Azure AD tenant %s, and the credential of %s",
			a.tenant, cmp.Or(tenant, "one that its token does not name"))}
	case a.organization != "" && organization != "" && organization != a.organization:
		return &NotApprovedError{Reason: fmt.Sprintf("the proposal is of the JumpCloud organisation %s, and the key of %s",
			a.organization, organization)}
	}
	return nil
}

// allows reports whether a change was approved, or is what is left of one that was
// and that a run has sent: of an earlier run, or of this one, whose steps are given.
func (a *approval) allows(c Change, sent []Step) bool {
	if a == nil || slices.ContainsFunc(a.changes[c.key()], c.within) {
		return true
	}
	left := func(s Step) bool {
		return s.tookEffect() && s.Change.Name == c.Name && slices.ContainsFunc(a.changes[s.Change.key()], c.leftOf)
	}
	return slices.ContainsFunc(sent, left) || slices.ContainsFunc(a.begun, left)
}

// leftOf reports whether c leads to nothing but what the approved change, which was
// sent, leads to: it mends what that has done by halves.
func (c Change) leftOf(approved Change) bool {
	switch {
	case c.recovers() && approved.ofFederation():
		return true
	case c.Resource != approved.Resource || c.takesAway() != approved.takesAway() || !c.at(approved):
		return false
	}
	for _, f := range c.Fields {
		if f.Name == fieldIssuer && !slices.Contains(approved.Fields, f) {
			return false // somebody else has federated the domain meanwhile
		}
		if v := approved.value(f.Name); v != Later && v != f.New || !approved.writes(f.Name) && approved.Action != Create {
			return false
		}
	}
	return true
}

// at reports whether c is about the very thing that the approved change is about, as
// far as that was known.
func (c Change) at(approved Change) bool {
	known := func(was, is string) bool { return was == "" || was == is }
	return known(approved.Parent, c.Parent) && known(approved.Target, c.Target)
}

// within reports whether c changes nothing but what the approved change does, as far
// as that was known.
func (c Change) within(approved Change) bool {
	if !c.at(approved) {
		return false
	}
	for _, f := range c.Fields {
		i := slices.IndexFunc(approved.Fields, func(g Field) bool { return g.Name == f.Name })
		if i < 0 {
			return false
		}
		g := approved.Fields[i]
		if g.New != f.New && g.New != Later && f.New != Later || g.Old != f.Old && g.Old != Later {
			return false
		}
	}
	return true
}

// objections returns an error that names what is to be changed, and who would lose
// their sign-in, without having been approved; nil if there is nothing.
func (a *approval) objections(changes Changes, lose []PersonFinding, sent []Step) error {
	if a == nil {
		return nil
	}
	e := &NotApprovedError{}
	for _, c := range changes {
		if !a.allows(c, sent) {
			e.Changes = append(e.Changes, c)
		}
	}
	for _, f := range lose {
		if !a.people[f.account()] {
			e.People = append(e.People, f)
		}
	}
	if len(e.Changes) == 0 && len(e.People) == 0 {
		return nil
	}
	return e
}
