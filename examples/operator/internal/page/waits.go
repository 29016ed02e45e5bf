package page

import (
	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// waiting is something that waits for the viewer.
type waiting struct {
	Link, Name, Customer, Text string
	Bad                        bool
}

// waitsFor says that a domain waits for this viewer: for an approval that the viewer may
// give and has not given, or for somebody who does something.
func (v *viewer) waitsFor(s flow.State) bool {
	switch {
	case !v.can(s.Customer, approve.Approve):
		return false
	case s.Phase == flow.People:
		return true
	}
	return v.mayBegin(s) || v.mayEnd(s)
}

// mayBegin says that a proposal waits which the viewer has not approved.
func (v *viewer) mayBegin(s flow.State) bool {
	return s.Phase == flow.Approval && s.Open != nil && !s.Unlisted && !v.hasApproved(s)
}

// mayEnd says that somebody has approved that a domain is managed no more, and that the
// viewer may be the second.
func (v *viewer) mayEnd(s flow.State) bool {
	if !v.can(s.Customer, domainVerbs[flow.UpdateRetire]) || !v.p.twoRetire(s) {
		return false
	}
	first := v.p.o.Backend.Approvers(s.Domain, approve.VerbRetire)
	return len(first) > 0 && !v.isOne(first)
}

// hasApproved says that the viewer is the first of two who approve the open proposal.
func (v *viewer) hasApproved(s flow.State) bool {
	return s.Open.First != nil && v.isOne(v.p.o.Backend.Approvers(s.Domain, s.Open.Verb))
}

// waits are all that wait for the viewer, stopped batches first, then in the order of the rows.
func (v *viewer) waits(rows []domainRow) []waiting {
	var out []waiting
	for _, b := range v.p.o.Backend.Batches() {
		if b.Stopped && !b.Done && v.mayHold(b) {
			out = append(out, waiting{
				Link: batchAddress(b.Batch), Name: "batch " + shortBatch(b.Batch), Bad: true, Text: "It is stopped: no turn is given any more.",
			})
		}
	}
	for _, r := range rows {
		if !r.Mine {
			continue
		}
		w := waiting{Link: r.Link, Name: r.State.Domain, Customer: r.State.Customer}
		switch {
		case r.State.Phase == flow.People && r.State.Problem != nil:
			w.Text, w.Bad = r.State.Problem.Text, true
		case r.State.Phase == flow.People:
			w.Text, w.Bad = r.State.Waits, true
		case v.mayBegin(r.State):
			w.Text = proposed(*r.State.Open)
		default:
			w.Text = "retire, approved by the first of two"
		}
		out = append(out, w)
	}
	return out
}

// proposed is a proposal in a few words.
func proposed(o flow.Open) string {
	text := string(o.Verb) + ", " + count(o.Changes, "change", "changes")
	if o.LockedOut > 0 {
		text += ", " + count(o.LockedOut, "person loses the sign-in", "people lose their sign-in")
	}
	if o.Consent {
		text += ", needs a consent"
	}
	switch {
	case o.Two && o.First != nil:
		text += ", approved by the first of two"
	case o.Two:
		text += ", two must approve"
	}
	return text
}
