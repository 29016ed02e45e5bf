package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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
		if first, err = d.approval(*s.Open.First); err != nil {
			return signed{}, err
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

// retireGood is for how long the first approval of two waits for the second.
const retireGood = 24 * time.Hour

// retire ends the management of a domain. There is no proposal, as nothing is written:
// what is approved is that it ends. The first approval of two is kept in memory, and is
// to be given again after a restart.
func (d *Desk) retire(ctx context.Context, act page.Act, domain string) error {
	c := change{id: flow.DomainID(domain)}
	s, _ := d.Domain(domain)
	var two *bool
	if listed, ok := d.File().ByDomain(domain); ok {
		two = listed.TwoPeople
	}
	if s.Customer == "" {
		return d.refuse(act, domain, c, errors.New("nothing was heard of the domain yet: try it again in some seconds"))
	}
	now := d.o.Now()
	h := sha256.Sum256([]byte("retire\x00" + s.Customer + "\x00" + domain))
	c.hash = hex.EncodeToString(h[:])
	a := approve.Act{
		Customer: s.Customer, Domain: domain, Verb: approve.VerbRetire, Hash: c.hash, Expires: now.Add(retireGood),
		Two: approve.NeedsTwo(approve.VerbRetire, nil, two),
	}
	ref, has := d.retirement(domain)
	var first *approve.Approval
	if has && a.Two {
		var err error
		if first, err = d.approval(ref); err != nil || !now.Before(first.Expires) {
			first = nil
		}
	}
	made, err := d.signAct(a, first, act)
	if err != nil {
		return d.refuse(act, domain, c, err)
	}
	if made.complete {
		c.before = func() (any, error) {
			ref, err := d.o.Data.SaveApproval(made.b)
			return flow.RetireArg{Approval: ref}, err
		}
		if err := d.do(ctx, act, domain, c); err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.retiring, domain)
		return nil
	}
	e := d.entry(act, domain, c)
	e.Outcome = asked + ", the first of two"
	if err := d.Log(e); err != nil {
		return fmt.Errorf("nothing was recorded: %w", err)
	}
	if ref, err = d.o.Data.SaveApproval(made.b); err != nil {
		return d.failed(e, err)
	}
	d.mu.Lock()
	d.retiring[domain] = ref
	d.mu.Unlock()
	return nil
}

// Approvers returns who have approved so far what waits for two: the first of them, or
// nobody.
func (d *Desk) Approvers(domain string, verb federation.Verb) []string {
	domain = lower(domain)
	ref, ok := d.retirement(domain)
	if verb != approve.VerbRetire {
		s, _ := d.Domain(domain)
		if ok = s.Open != nil && s.Open.First != nil && s.Open.Verb == verb; ok {
			ref = *s.Open.First
		}
	}
	if !ok {
		return nil
	}
	a, err := d.approval(ref)
	if err != nil || !d.o.Now().Before(a.Expires) {
		return nil
	}
	return a.Actors
}

// retirement returns the first approval of two to retire a domain, if there is one.
func (d *Desk) retirement(domain string) (data.Ref, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ref, ok := d.retiring[domain]
	return ref, ok
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
