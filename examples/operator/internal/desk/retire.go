package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
)

// retireGood is for how long the first approval of two waits for the second.
const retireGood = 24 * time.Hour

// toRetire is what is approved when the management of a domain ends: that it does. There
// is no proposal, as nothing is written.
func (d *Desk) toRetire(domain string) (approve.Act, error) {
	s, _ := d.Domain(domain)
	if s.Customer == "" {
		return approve.Act{}, errors.New("nothing was heard of the domain yet: try it again in some seconds")
	}
	var two *bool
	if listed, ok := d.File().ByDomain(domain); ok {
		two = listed.TwoPeople
	}
	return retireOf(s.Customer, domain, d.o.Now().Add(retireGood), approve.NeedsTwo(approve.VerbRetire, nil, two)), nil
}

func retireOf(customer, domain string, expires time.Time, two bool) approve.Act {
	h := sha256.Sum256([]byte("retire\x00" + customer + "\x00" + domain))
	return approve.Act{
		Customer: customer, Domain: domain, Verb: approve.VerbRetire, Hash: hex.EncodeToString(h[:]), Expires: expires, Two: two,
	}
}

// retire ends the management of a domain. The first approval of two is kept in the folder,
// for a day.
func (d *Desk) retire(ctx context.Context, act page.Act, domain string) error {
	c := change{id: flow.DomainID(domain)}
	a, err := d.toRetire(domain)
	if err != nil {
		return d.refuse(act, domain, c, err)
	}
	c.hash = a.Hash
	made, err := d.signRetire(act, domain, c, a)
	if err != nil || !made.complete {
		return err
	}
	c.before = func() (any, error) {
		ref, err := d.o.Data.SaveApproval(made.b)
		return flow.RetireArg{Approval: ref}, err
	}
	if err = d.do(ctx, act, domain, c); err == nil || errors.Is(err, page.ErrTaken) {
		d.signing.Lock()
		defer d.signing.Unlock()
		if kept := d.keepFirst(domain, nil); kept != nil {
			d.o.Log.Warn("the first approval to retire a domain stays until it has expired", "domain", domain, "error", kept.Error())
		}
	}
	return err
}

// signRetire makes the approval, and keeps it if it is the first of two. Of two people at
// once one is the first.
func (d *Desk) signRetire(act page.Act, domain string, c change, a approve.Act) (signed, error) {
	d.signing.Lock()
	defer d.signing.Unlock()
	made, err := d.signAct(a, d.retirement(a), act)
	if err != nil {
		return made, d.refuse(act, domain, c, err)
	}
	if made.complete {
		return made, nil
	}
	e := d.entry(act, domain, c)
	e.Outcome = asked + ", the first of two"
	if err := d.Log(e); err != nil {
		return made, fmt.Errorf("nothing was recorded: %w", err)
	}
	ref, err := d.o.Data.SaveApproval(made.b)
	if err == nil {
		err = d.keepFirst(domain, &ref)
	}
	if err != nil {
		return made, d.failed(e, err)
	}
	d.board.changed()
	return made, nil
}

// retirement returns the first approval of two to retire a domain, nil if there is none
// that is good now.
func (d *Desk) retirement(of approve.Act) *approve.Approval {
	d.mu.Lock()
	ref, ok := d.retiring[of.Domain]
	d.mu.Unlock()
	if !ok || !of.Two {
		return nil
	}
	a, _ := d.first(ref, of)
	return a
}

// keepFirst keeps the first approval to retire a domain, or with nil none, in the folder
// and here. It is called by who holds d.signing.
func (d *Desk) keepFirst(domain string, ref *data.Ref) error {
	d.mu.Lock()
	all := maps.Clone(d.retiring)
	d.mu.Unlock()
	if ref != nil {
		all[domain] = *ref
	} else if _, ok := all[domain]; ok {
		delete(all, domain)
	} else {
		return nil
	}
	err := d.o.Data.SaveRetiring(all)
	if err == nil || ref == nil { // what was used counts no more here, in any case
		d.mu.Lock()
		defer d.mu.Unlock()
		d.retiring = all
	}
	return err
}

// retirements reads the first approvals that are kept in the folder. One that has expired,
// or was not made by this operator, is none; what else it must be is seen when it is used.
func (d *Desk) retirements() map[string]data.Ref {
	out := make(map[string]data.Ref)
	kept, err := d.o.Data.Retiring()
	if err != nil {
		d.o.Log.Warn("first approvals to retire a domain are to be given again", "error", err.Error())
		return out
	}
	for domain, ref := range kept {
		a, err := d.approval(ref)
		if err == nil {
			err = d.o.Key.Check(*a, retireOf(a.Customer, domain, a.Expires, true), false, d.Roles(), d.o.Now())
		}
		if err == nil || errors.Is(err, approve.ErrOnePerson) || errors.Is(err, approve.ErrNoRole) {
			out[domain] = ref
			continue
		}
		d.o.Log.Warn("a first approval to retire a domain counts no more", "domain", domain, "error", err.Error())
	}
	return out
}
