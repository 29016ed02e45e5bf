package federation

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// A Proposal is what a person approves: what a verb was asked for, what it would
// change and who would lose their sign-in by it, as things stood when it was made.
// It is plain data without secrets: stored as JSON, shown, and applied later, perhaps
// by another process, with [Federator.Apply], which does just that or refuses.
//
// Exactly one of Plan, Defederate, Repair, Revert and Rotate is set, by the verb. What
// [Federator.Rotate] hands to [Options.Confirm] has Rotate, and is for that call alone:
// Apply refuses it.
type Proposal struct {
	Version int    `json:"version"`
	Verb    Verb   `json:"verb"`
	Domain  string `json:"domain"`
	// Tenant and Organization are the customer's, as far as they are known.
	Tenant       string `json:"tenant,omitempty"`
	Organization string `json:"organization,omitempty"`

	Plan       *Plan           `json:"plan,omitempty"`
	Defederate *DefederatePlan `json:"defederate,omitempty"`
	Repair     *RepairPlan     `json:"repair,omitempty"`
	Revert     []*Report       `json:"revert,omitempty"`
	Rotate     *RotatePlan     `json:"rotate,omitempty"`

	// Changes are all that may be changed. Findings are what should be known, those
	// that a consent overrides included.
	Changes  Changes   `json:"changes"`
	Findings []Finding `json:"findings,omitempty"`
	// People are those who would lose their sign-in, by the plan's consent.
	People []PersonFinding `json:"people,omitempty"`

	// Created is when it was made, in UTC, and Expires when it is good no more, by
	// [Options.ProposalLife] of who made it. Both are by [Options.Now].
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Hash is of what was approved: two proposals with one hash are one approval. It
	// is SHA-256, in hexadecimal, over the verb, the customer, what was asked for, the
	// changes, the consents and the people, and over no text for people, nor over when
	// the proposal was made. What was asked for is, of a Revert, all that decides what
	// the reports have undone: their plans and steps, and when these were sent.
	Hash string `json:"hash"`

	// Runs are the reports of earlier calls of [Federator.Apply] with this proposal
	// that did not come to their end, as [Options.OnReport] was given them. What they
	// have begun may be carried on. They are no part of the hash.
	Runs []*Report `json:"runs,omitempty"`
}

const proposalVersion = 1

// ErrNotApproved says that a change is missing, or that somebody would lose their
// sign-in, whom the proposal does not name; or that the proposal is none any more: it
// has expired, or was changed. The text says which; a [NotApprovedError] has it in parts.
var ErrNotApproved = errors.New("not approved")

// ParseProposal reads back what json.Marshal made of a [Proposal]. An error says that it
// is none, or one of a newer version of this package. Whether the proposal is still good,
// and as it was made, [Federator.Apply] says.
func ParseProposal(b []byte) (*Proposal, error) {
	var p Proposal
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("federation: this is no proposal: %w", err)
	}
	switch {
	case p.Version == 0 || p.Domain == "" || p.Hash == "":
		return nil, errors.New("federation: this is no proposal: it has no version, no domain or no hash")
	case p.Version > proposalVersion:
		return nil, fmt.Errorf("federation: the proposal has version %d, this package reads up to %d: use a newer one",
			p.Version, proposalVersion)
	}
	return &p, nil
}

// String is the proposal for people: the changes as a diff, who would lose their
// sign-in, and what should be known.
func (p *Proposal) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", p.Verb, p.Domain, plural(len(p.Changes), "change", "changes"))
	if n := len(p.People); n > 0 {
		fmt.Fprintf(&b, ", %s will be locked out", count(len(p.People)))
	}
	fmt.Fprintf(&b, "\nproposal %.12s of %s, good until %s\n", p.Hash, when(p.Created), when(p.Expires))
	b.WriteString(p.Changes.String())
	for _, f := range p.People {
		fmt.Fprintf(&b, "locked out: %s: %s\n", f.Who(), f.Evidence)
	}
	for _, f := range p.Findings {
		word := string(f.Severity)
		if f.Consented {
			word = "consented to"
		}
		fmt.Fprintf(&b, "%s: %s\n", word, f)
	}
	return b.String()
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// seal completes a proposal.
func (f *Federator) seal(p *Proposal) *Proposal {
	p.Version = proposalVersion
	p.Created = f.now().UTC().Truncate(time.Second)
	p.Expires = p.Created.Add(f.opts.ProposalLife)
	p.People = lostBy(p.Findings)
	if p.Changes == nil {
		p.Changes = Changes{}
	}
	p.Hash = p.hash()
	return p
}

// lostBy are the people who lose their sign-in by what was found.
func lostBy(fs []Finding) (people []PersonFinding) {
	for _, f := range fs {
		if f.Code == CodeLockOut {
			people = append(people, f.People...)
		}
	}
	return people
}

// hash is what the proposal's Hash must be.
func (p *Proposal) hash() string {
	type consent struct{ Code, Subject string }
	type made struct {
		Change  Change
		Outcome Outcome
		ID      string
		Backup  *aad.Federation
		Absent  bool
		Sent    string
	}
	type run struct {
		Verb                 Verb
		Tenant, Organization string
		Plan                 Plan
		Repair               *RepairPlan
		Began                string
		Steps                []made
	}
	instant := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	var seal struct {
		Format               int
		Verb                 Verb
		Domain               string
		Tenant, Organization string
		Plan                 *Plan           `json:",omitempty"`
		Defederate           *DefederatePlan `json:",omitempty"`
		Repair               *RepairPlan     `json:",omitempty"`
		Revert               []run           `json:",omitempty"`
		Rotate               *RotatePlan     `json:",omitempty"`
		Changes              Changes
		Consents             []consent
		Lose                 []string
	}
	seal.Format, seal.Verb, seal.Domain = proposalVersion, p.Verb, p.Domain
	seal.Tenant, seal.Organization = p.Tenant, p.Organization
	seal.Plan, seal.Defederate, seal.Repair, seal.Rotate = p.Plan, p.Defederate, p.Repair, p.Rotate
	for _, rep := range p.Revert {
		r := run{rep.Verb, rep.Tenant, rep.Organization, rep.Plan, rep.Repair, instant(rep.Started), nil}
		for _, s := range rep.Steps {
			r.Steps = append(r.Steps, made{s.Change, s.Outcome, s.ID, s.Backup, s.Absent, instant(s.Started)})
		}
		seal.Revert = append(seal.Revert, r)
	}
	seal.Changes = slices.Clone(p.Changes)
	sortShort(seal.Changes, func(a, b *Change) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Target, b.Target),
			cmp.Compare(a.Action, b.Action), cmp.Compare(a.Parent, b.Parent), cmp.Compare(fmt.Sprint(a.Fields), fmt.Sprint(b.Fields)))
	})
	for _, f := range p.Findings {
		if f.Consented {
			seal.Consents = append(seal.Consents, consent{string(f.Code), f.Subject})
		}
	}
	sortShort(seal.Consents, func(a, b *consent) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject)) })
	seal.Consents = slices.Compact(seal.Consents)
	for _, f := range p.People {
		seal.Lose = append(seal.Lose, f.account())
	}
	slices.Sort(seal.Lose)
	seal.Lose = slices.Compact(seal.Lose)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(&seal); err != nil {
		panic(err) // strings, numbers, and certificates that are in order
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// account identifies the person who would lose their sign-in.
func (f PersonFinding) account() string { return cmp.Or(f.AzureADID, f.JumpCloudID, f.Who()) }

// good says why a proposal must not be applied any more, or at all. The dates are not
// in the hash, so the one who applies counts the days as well: from when it was made,
// by the life that their own options give it.
func (p *Proposal) good(now time.Time, life time.Duration) error {
	if p == nil {
		return errors.New("federation: there is no proposal to apply")
	}
	asked := map[Verb]bool{
		VerbFederate: p.Plan != nil, VerbDefederate: p.Defederate != nil, VerbRepair: p.Repair != nil, VerbRevert: len(p.Revert) > 0,
	}
	only := asked[p.Verb]
	for verb, is := range asked {
		only = only && (verb == p.Verb || !is)
	}
	expires := p.Expires
	if last := p.Created.Add(life); last.Before(expires) {
		expires = last
	}
	switch {
	case p.Verb == VerbRotate:
		return errors.New("federation: a rotation is not applied from a proposal, because each call makes what can be made then: " +
			"call Rotate, and compare what Options.Confirm is given")
	case p.Version != proposalVersion || !only:
		return errors.New("federation: this is no proposal of this package: make one with Propose")
	case slices.Contains(p.Revert, nil) || slices.Contains(p.Runs, nil):
		return errors.New("federation: one of the proposal's reports is nil")
	case p.Hash != p.hash():
		return &NotApprovedError{Reason: "the proposal was changed since it was made: make a new one"}
	case p.Created.After(now.Add(clocksApart)):
		return &NotApprovedError{
			Reason: "the proposal is of " + when(p.Created) + ", which is yet to come: look at the clock, or make a new one",
		}
	case !now.Before(expires):
		return &NotApprovedError{Reason: "the proposal has expired at " + when(expires) + ": make a new one"}
	}
	return nil
}

// clocksApart is how far the clocks of who proposes and who applies may differ.
const clocksApart = time.Hour
