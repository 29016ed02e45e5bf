package approve

import (
	"slices"
	"time"

	"github.com/jcaad/jcaad/federation"
)

// Covers returns what [federation.Federator.Apply] is handed to carry on with an
// approved proposal: a copy with the reports of its earlier runs, as stored before each
// of their writes. The proposal must be the one that was approved; call [Key.Check]
// before, with what [Started] says. All times are by the one clock of federation.Options.Now.
//
// Apply decides the rest: it goes on if every change that is still missing is one of the
// approved, or what is left of one that a report shows as sent, and nobody is locked out
// whom the proposal does not name; anything else is a [federation.ErrNotApproved] that
// names the difference. Apply also refuses a proposal that has expired; an approval,
// though, covers a run until it is done. So once a run has sent something the copy is
// dated anew. That does not change the hash, which is not over dates.
func Covers(a Approval, p *federation.Proposal, runs []*federation.Report, now time.Time) (*federation.Proposal, error) {
	switch {
	case p == nil || p.Hash != a.Hash:
		return nil, ErrOtherProposal
	case p.Domain != a.Domain:
		return nil, ErrOtherDomain
	}
	out := *p
	out.Runs = slices.Clone(runs)
	if Started(a, p, runs) {
		out.Created, out.Expires = now, now.Add(carryOn)
	} else if !now.Before(a.Expires) {
		return nil, ErrExpired
	}
	return &out, nil
}

// carryOn is how long a copy of [Covers] is good, by all clocks.
const carryOn = 2 * time.Hour

// Started reports whether one of the runs is a run of the proposal that was started
// under the approval, while that was good, and has sent something, or may have. It is
// what [Key.Check] is told.
func Started(a Approval, p *federation.Proposal, runs []*federation.Report) bool {
	return slices.ContainsFunc(runs, func(r *federation.Report) bool {
		return r != nil && r.Verb == p.Verb && r.Plan.Domain == p.Domain && r.Changed() &&
			!r.Started.Before(a.At.Add(-clocksApart)) && r.Started.Before(a.Expires)
	})
}
