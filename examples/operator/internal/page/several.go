package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// verbBatch is the verb of an Act that approves several.
const verbBatch = "batch"

// candidate is an open proposal that the viewer may approve.
type candidate struct {
	State flow.State
	Link  string
	Verb  string
	Text  string
	Why   string // it cannot be approved with others, or only as the pilot
	// Chosen and First say that the address has it, as one of them or as the pilot.
	Chosen, First bool
	pilot         bool // it may be the first, which is seen whole
	with          bool // it may be any of them
}

// candidate judges a domain. It is nobody's if pilot and with are false and Why is "".
func (v *viewer) candidate(s flow.State) candidate {
	c := candidate{State: s, Link: domainAddress(s.Domain)}
	if s.Open == nil || s.Phase != flow.Approval || !v.can(s.Customer, approve.Approve) {
		return c
	}
	o := *s.Open
	c.Verb, c.Text = string(o.Verb), proposed(o)
	var listed *customers.Customer
	if file := v.p.o.Backend.File(); file != nil {
		listed, _ = file.ByDomain(s.Domain)
	}
	switch {
	case listed == nil || s.Unlisted:
		c.Why = "it is not in the customers file"
	case listed.Mode != customers.Manage:
		c.Why = "the customer is only watched"
	case o.Verb != federation.VerbFederate && o.Verb != federation.VerbRepair:
		c.Why = "it is to " + string(o.Verb) + ": approve it by itself"
	case o.Two && v.p.o.Guard.ByPassword():
		c.Why = "two people must approve it, and a password cannot tell people apart"
	case o.Two && o.First == nil:
		c.Why = "two people must approve it: let the first approve it by itself"
	case o.Two && v.hasApproved(s):
		c.Why = "you have approved it, and somebody else must as well"
	case o.LockedOut > 0:
		c.pilot, c.Why = true, "it may be the pilot only: "+count(o.LockedOut, "person loses the sign-in", "people lose their sign-in")
	case o.Consent:
		c.pilot, c.Why = true, "it may be the pilot only: it needs a consent"
	default:
		c.pilot, c.with = true, true
	}
	return c
}

// severalView is the page on which several are chosen and confirmed.
type severalView struct {
	Choice               choice
	Wrong                string
	All                  bool // that can be approved with others are chosen
	With, Pilots, Cannot []candidate
	Confirm              bool
	Pilot                candidate
	Proposal             *proposalView // the pilot's, whole
	Others               []candidate
	Left                 []leftOut
	N                    int
	Form                 head
	Back                 string // the address of this confirmation
	Hashes               []string
	Domains              []string
}

// leftOut is a domain that was chosen and cannot be among them.
type leftOut struct{ Domain, Why string }

// errNotOffered is what is said of a domain that the viewer may not approve, known or not.
var errNotOffered = errors.New("no proposal of it waits for your approval")

// several is the page on which several proposals are chosen, and then seen once more
// before they are approved.
func several(v *viewer, r *http.Request) (*screen, error) {
	q := r.URL.Query()
	d := severalView{Choice: chosen(q), All: q.Get("all") != ""}
	known := make(map[string]candidate)
	tokens := []string{"several"}
	for _, row := range v.rows() {
		c := v.candidate(row.State)
		if !c.pilot && c.Why == "" {
			continue
		}
		known[row.State.Domain] = c
		c.Chosen, c.First = slices.Contains(q["domain"], row.State.Domain), q.Get("pilot") == row.State.Domain
		listed := d.Choice.matches(row)
		switch {
		case listed && c.with:
			d.With = append(d.With, c)
		case listed && c.pilot:
			d.Pilots = append(d.Pilots, c)
		case listed:
			d.Cannot = append(d.Cannot, c)
		}
		if listed || c.Chosen || c.First {
			tokens = append(tokens, row.State.Domain, row.State.Open.Hash, c.Why)
		}
	}
	s := &screen{name: "approve", Title: "Approve several at once"}
	if names := namesAsked(q, d.With); len(names) > 0 || q.Has("pilot") {
		d.confirm(v, r, known, names)
	}
	s.Data, s.Acts = d, offered(append(tokens, strconv.FormatBool(d.Confirm))...)
	return s, nil
}

// namesAsked are the domains that an address asks for, each once: the pilot first, if it names
// one.
func namesAsked(q url.Values, with []candidate) []string {
	list := slices.Clone(q["domain"])
	if q.Get("all") != "" {
		for _, c := range with {
			list = append(list, c.State.Domain)
		}
	}
	if p := q.Get("pilot"); p != "" {
		list = append([]string{p}, list...)
	}
	var out []string
	seen := make(map[string]bool)
	for _, name := range list {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// confirm fills in what is seen before several are approved.
func (d *severalView) confirm(v *viewer, r *http.Request, known map[string]candidate, names []string) {
	if r.URL.Query().Get("pilot") == "" {
		d.Wrong = "Choose one as the pilot: it is the first, and you see the whole of its proposal before."
		return
	}
	pilot, ok := known[names[0]]
	if !ok || !pilot.pilot {
		why := pilot.Why
		if !ok {
			why = errNotOffered.Error()
		}
		d.Wrong = fmt.Sprintf("%.253s cannot be the pilot: %s.", names[0], why)
		return
	}
	for _, name := range names[1:] {
		c, ok := known[name]
		switch {
		case !ok:
			d.Left = append(d.Left, leftOut{name, errNotOffered.Error()})
		case !c.with:
			d.Left = append(d.Left, leftOut{name, c.Why})
		default:
			d.Others = append(d.Others, c)
		}
	}
	if len(d.Others) == 0 {
		d.Wrong = "Choose at least one more besides the pilot; to approve one alone, open its page."
		return
	}
	var none offers
	proposal := v.proposal(pilot.State, &none)
	if proposal == nil || proposal.Lacks != "" || proposal.Expired {
		d.Wrong = "The proposal of " + pilot.State.Domain + " cannot be shown now: load this page again in some seconds."
		return
	}
	d.Confirm, d.Pilot, d.Proposal, d.N = true, pilot, proposal, len(d.Others)+1
	for _, c := range append([]candidate{pilot}, d.Others...) {
		d.Domains, d.Hashes = append(d.Domains, c.State.Domain), append(d.Hashes, c.State.Open.Hash)
	}
	d.Form = v.form("/batch", batchKind(d.Domains, d.Hashes)...)
	u := *r.URL
	q := u.Query()
	q.Del("sent")
	u.RawQuery = q.Encode()
	d.Back = u.RequestURI()
}

// Chosen are the domains with their proposals' hashes, in their order.
func (d severalView) Chosen() []chosenOne {
	var out []chosenOne
	for i, name := range d.Domains {
		out = append(out, chosenOne{name, d.Hashes[i]})
	}
	return out
}

// chosenOne is a domain of a batch that is to be begun, with what was shown of it.
type chosenOne struct{ Domain, Hash string }

func batchKind(domains, hashes []string) []string {
	return append(append([]string{verbBatch}, domains...), hashes...)
}

// beginBatch approves several proposals, and begins the batch that gives them their turns.
func beginBatch(v *viewer, r *http.Request) (*sent, error) {
	f := r.PostForm
	domains, hashes := f["domain"], f["hash"]
	s := &sent{kind: batchKind(domains, hashes), back: "/approve"}
	if to := inside(f.Get("back")); strings.HasPrefix(to, "/approve?") {
		s.back = to
	}
	if len(domains) < 2 || len(domains) != len(hashes) {
		s.wrong = errors.New("the form does not name the pilot and others with their proposals: load the page again")
		return s, nil
	}
	states := make([]flow.State, len(domains))
	for i, name := range domains {
		var err error
		if states[i], err = v.domain(name); err == nil && !v.can(states[i].Customer, approve.Approve) {
			err = errForbidden
		}
		if err != nil {
			v.refused(verbBatch, states[i], err)
			return nil, err
		}
	}
	nonce := f.Get("nonce")
	if before := v.p.results.get(v.actor.Name, nonce); before != nil {
		if v.begun(nonce) {
			s.back = batchAddress(nonce)
		}
		return s, nil // sent again: it is told what came of it
	}
	act := Act{ID: nonce, Actor: v.actor, Verb: verbBatch, Domains: domains, Hashes: hashes, Federated: f.Get("after") == "federated"}
	if act.Failures, s.wrong = wholeNumber(f.Get("failures"), "the number of failures that stop it", len(domains)); s.wrong != nil {
		return s, nil
	}
	n, err := wholeNumber(f.Get("number"), "the number of domains", 1<<20)
	switch {
	case err != nil:
		s.wrong = err
	case n != len(domains):
		s.wrong = fmt.Errorf("%d was typed, and these are %d domains", n, len(domains))
	default:
		if s.wrong = typed(f.Get("typed"), domains[0]); s.wrong == nil {
			s.wrong = v.stillGood(states, hashes)
		}
	}
	if s.wrong != nil {
		return s, nil
	}
	s.do = func(ctx context.Context, _ string) (string, error) {
		err := v.p.o.Backend.Act(ctx, act)
		var part *PartError
		switch {
		case errors.As(err, &part):
			s.back = batchAddress(nonce)
			return "", partly(part)
		case err != nil:
			return "", err
		}
		s.back = batchAddress(nonce)
		return "Approved, " + count(len(domains), "domain", "domains") + ": the pilot has the first turn.", nil
	}
	return s, nil
}

// partly is a batch that is under way without some, all of which it names.
func partly(part *PartError) error {
	var b strings.Builder
	fmt.Fprintf(&b, "the batch is under way without %s, whose approval was not taken", count(len(part.Left), "domain", "domains"))
	for i, name := range part.Left {
		between := "; "
		if i == 0 {
			between = ": "
		}
		b.WriteString(between + name)
		if i < len(part.Why) && part.Why[i] != nil {
			b.WriteString(" (" + strings.TrimSuffix(part.Why[i].Error(), ".") + ")")
		}
	}
	return errors.New(b.String())
}

// stillGood says why what was shown can not be approved together any more.
func (v *viewer) stillGood(states []flow.State, hashes []string) error {
	seen := make(map[string]bool)
	for i, s := range states {
		c := v.candidate(s)
		switch {
		case seen[s.Domain]:
			return fmt.Errorf("the form names %s twice: load the page again", s.Domain)
		case s.Open == nil || s.Open.Hash != hashes[i]:
			return fmt.Errorf("the proposal of %s has changed meanwhile: look at what is shown now", s.Domain)
		case i == 0 && !c.pilot, i > 0 && !c.with:
			why := c.Why
			if why == "" {
				why = errNotOffered.Error()
			}
			part := "one"
			if i == 0 {
				part = "the pilot"
			}
			return fmt.Errorf("%s of the batch cannot be approved in it: %s: %s", part, s.Domain, why)
		}
		seen[s.Domain] = true
	}
	return nil
}

// wholeNumber reads a number from 1 to most.
func wholeNumber(text, what string, most int) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, fmt.Errorf("type %s", what)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s is from 1 to %d, and %.20q was typed", what, most, text)
	}
	return n, nil
}
