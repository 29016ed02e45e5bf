package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/federation"
)

var errOutdated = errors.New("it is not the proposal that waits now: load the page again, look at the present one, and approve that")

// signed is an approval that is not stored yet.
type signed struct {
	b        []byte
	complete bool
	open     flow.Open
}

// sign makes the approval of the proposal that waits for one, by all who have approved it
// so far. It changes nothing.
func (d *Desk) sign(act page.Act, domain, hash string) (signed, error) {
	c, ok := d.File().ByDomain(domain)
	if !ok {
		return signed{}, errors.New("the domain is not in the customers file: nothing is done for it")
	}
	s, ok := d.board.get(domain)
	switch {
	case !ok:
		return signed{}, errors.New("nothing was heard of the domain yet: try it again in some seconds")
	case s.Open == nil:
		return signed{}, errors.New("no proposal waits for an approval: it was approved, rejected or is void; load the page again")
	case s.Open.Hash != hash:
		return signed{}, errOutdated
	}
	p, err := d.Proposal(domain)
	if err != nil {
		return signed{}, err
	}
	if p.Hash != hash {
		return signed{}, errOutdated
	}
	a, err := approve.Of(c.Name, p.Verb, p, c.TwoPeople)
	if err != nil {
		return signed{}, err
	}
	var first *approve.Approval
	if a.Two && s.Open.First != nil {
		if first, err = d.first(*s.Open.First, a); err != nil {
			return signed{}, fmt.Errorf("the first approval is good no more: reject the proposal, and look again for a new one: %w", err)
		}
	}
	out, err := d.signAct(a, first, act)
	out.open = *s.Open
	return out, err
}

func (d *Desk) signAct(a approve.Act, first *approve.Approval, act page.Act) (signed, error) {
	approval, err := d.o.Key.Sign(a, first, act.Actor.Name, d.Roles(), d.o.Now())
	if err != nil {
		return signed{}, err
	}
	b, err := json.Marshal(approval)
	return signed{b: b, complete: approval.Complete(a)}, err
}

func (d *Desk) approval(ref data.Ref) (*approve.Approval, error) {
	b, err := d.o.Data.Load(ref)
	if err != nil {
		return nil, err
	}
	var a approve.Approval
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("the first approval cannot be read: %w", err)
	}
	return &a, nil
}

// first returns the first approval of two of an act, or why it is none now.
func (d *Desk) first(ref data.Ref, of approve.Act) (*approve.Approval, error) {
	a, err := d.approval(ref)
	if err != nil {
		return nil, err
	}
	if err := d.o.Key.Check(*a, of, false, d.Roles(), d.o.Now()); err != nil && !errors.Is(err, approve.ErrOnePerson) {
		return nil, err
	}
	return a, nil
}

// Approvers returns who have approved so far what waits for two: the first of them, or
// nobody. One whose approval is good no more has not approved.
func (d *Desk) Approvers(domain string, verb federation.Verb) []string {
	domain = lower(domain)
	var a *approve.Approval
	if verb == approve.VerbRetire {
		if act, err := d.toRetire(domain); err == nil {
			a = d.retirement(act)
		}
	} else if act, ref, ok := d.half(domain, verb); ok {
		a, _ = d.first(ref, act)
	}
	if a == nil {
		return nil
	}
	return a.Actors
}

// half is the open proposal of a verb that one of two has approved.
func (d *Desk) half(domain string, verb federation.Verb) (act approve.Act, ref data.Ref, ok bool) {
	s, _ := d.Domain(domain)
	c, listed := d.File().ByDomain(domain)
	if !listed || s.Open == nil || s.Open.First == nil || s.Open.Verb != verb {
		return act, ref, false
	}
	p, err := d.Proposal(domain)
	if err != nil || p.Hash != s.Open.Hash {
		return act, ref, false
	}
	act, err = approve.Of(c.Name, p.Verb, p, c.TwoPeople)
	return act, *s.Open.First, err == nil
}

// approve approves one proposal.
func (d *Desk) approve(ctx context.Context, act page.Act, domain, hash string) error {
	c := change{id: flow.DomainID(domain), hash: hash}
	a, err := d.sign(act, domain, hash)
	if err != nil {
		return d.refuse(act, domain, c, err)
	}
	return d.do(ctx, act, domain, d.approved(c, a, ""))
}

// approved is the change by which an approval is stored and told.
func (d *Desk) approved(c change, a signed, batch string) change {
	if !a.complete {
		c.more = "the first of two"
	}
	c.before = func() (any, error) {
		ref, err := d.o.Data.SaveApproval(a.b)
		return flow.ApproveArg{Hash: c.hash, Approval: ref, Complete: a.complete, Batch: batch}, err
	}
	return c
}

// together says why a proposal cannot be approved with others, nil if it can. The pilot's
// is seen whole by who approves it: nothing of it stands in the way but that one approval
// has to be enough.
func together(c *customers.Customer, a signed, pilot bool) error {
	switch {
	case c.Mode != customers.Manage:
		return errors.New("the customer is only watched")
	case a.open.LockedOut > 0 && !pilot:
		return fmt.Errorf("%d people would lose their sign-in: approve it by itself", a.open.LockedOut)
	case a.open.Consent && !pilot:
		return errors.New("it needs a consent: approve it by itself")
	case !a.complete:
		return errors.New("two people must approve it: let the first approve it by itself, and the second with the others")
	case a.open.Verb != federation.VerbFederate && a.open.Verb != federation.VerbRepair:
		return fmt.Errorf("it is to %s: approve it by itself", a.open.Verb)
	}
	return nil
}
