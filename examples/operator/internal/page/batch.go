package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// batchAddress is where the page of a batch is.
func batchAddress(id string) string { return "/batch/" + url.PathEscape(id) }

// shortBatch is enough of a batch's name to tell it from others.
func shortBatch(id string) string { return fmt.Sprintf("%.8s", id) }

// customersOf are the customers of the domains of a batch that exist.
func (v *viewer) customersOf(b flow.BatchState) []string {
	var out []string
	for _, wave := range b.Waves {
		for _, name := range wave {
			if s, ok := v.p.o.Backend.Domain(name); ok && !slices.Contains(out, s.Customer) {
				out = append(out, s.Customer)
			}
		}
	}
	return out
}

// maySee says that the viewer may see some domain of a batch.
func (v *viewer) maySee(b flow.BatchState) bool {
	return v.canAll(approve.View) ||
		slices.ContainsFunc(v.customersOf(b), func(c string) bool { return v.can(c, approve.View) })
}

// mayHold says that the viewer may stop a batch, and have it go on: that needs the role
// with all of its customers.
func (v *viewer) mayHold(b flow.BatchState) bool {
	all := v.customersOf(b)
	if len(all) == 0 {
		return v.canAll(approve.Approve)
	}
	return !slices.ContainsFunc(all, func(c string) bool { return !v.can(c, approve.Approve) })
}

// batch is a batch that the viewer may see, or errNotFound.
func (v *viewer) batch(id string) (flow.BatchState, error) {
	for _, b := range v.p.o.Backend.Batches() {
		if b.Batch == id && v.maySee(b) {
			return b, nil
		}
	}
	return flow.BatchState{}, errNotFound
}

// begun says that the viewer has begun a batch by this form, or most of it.
func (v *viewer) begun(id string) bool {
	res := v.p.results.get(v.actor.Name, id)
	_, err := v.batch(id)
	return err == nil || res != nil && res.Good
}

// batchLine is a batch among others.
type batchLine struct {
	Link, Name, Pilot, Stands string
	N, Settled, Failed        int
	Bad                       bool
}

// batchesView is what the page of all batches shows.
type batchesView struct {
	Lines []batchLine
	Pages pages
}

// batches is the page of all batches.
func batches(v *viewer, r *http.Request) (*screen, error) {
	var all []batchLine
	for _, b := range v.p.o.Backend.Batches() {
		if v.maySee(b) {
			all = append(all, v.batchLine(b))
		}
	}
	var d batchesView
	d.Lines, d.Pages = paged(all, r.URL)
	return &screen{name: "batches", Title: "Batches", Data: d, parts: []string{"batches"}}, nil
}

func (v *viewer) batchLine(b flow.BatchState) batchLine {
	out := batchLine{Link: batchAddress(b.Batch), Name: shortBatch(b.Batch), Stands: stands(b), Bad: b.Stopped && !b.Done}
	for i, wave := range b.Waves {
		for _, name := range wave {
			out.N++
			switch b.Outcomes[name] {
			case flow.OutcomeFailed:
				out.Failed++
			case flow.OutcomeEffective, flow.OutcomeSkipped, flow.OutcomeWithdrawn:
				out.Settled++
			}
			if i == 0 && out.Pilot == "" && v.seesDomain(name) {
				out.Pilot = name
			}
		}
	}
	return out
}

// stands is how far a batch is.
func stands(b flow.BatchState) string {
	switch {
	case b.Done:
		return "is over"
	case b.Stopped:
		return "is stopped"
	}
	return fmt.Sprintf("wave %d of %d has its turn", b.Wave+1, len(b.Waves))
}

// seesDomain says that the viewer may see a domain, which may be no more.
func (v *viewer) seesDomain(name string) bool {
	s, ok := v.p.o.Backend.Domain(name)
	if !ok {
		return v.canAll(approve.View)
	}
	return v.can(s.Customer, approve.View)
}

// outcomes are all outcomes in words.
var outcomes = map[flow.Outcome]string{
	flow.OutcomeWaiting:   "waits for its wave",
	flow.OutcomeTurn:      "has its turn",
	flow.OutcomeFederated: "federated, not effective yet",
	flow.OutcomeEffective: "effective",
	flow.OutcomeFailed:    "failed",
	flow.OutcomeSkipped:   "skipped by a person",
	flow.OutcomeWithdrawn: "withdrawn: its approval is void",
}

// waveLine is a domain in a wave.
type waveLine struct {
	Domain, Link, Customer, Words, Now string
	Bad, Good                          bool
}

// waveView is a wave of a batch.
type waveView struct {
	N      int
	Stands string
	Lines  []waveLine
	Hidden int // that the viewer may not see
}

// batchView is what the page of a batch shows.
type batchView struct {
	Name, Stands, Why string
	Begins            bool // nothing was heard of it yet
	Stopped, Done     bool
	Waves             []waveView
	Failed            int
	MayHold           bool
	Pause, Resume     head
	Skip              head
	Skippable         []string
}

// oneBatch is the page of a batch.
func oneBatch(v *viewer, r *http.Request) (*screen, error) {
	id := r.PathValue("id")
	s := &screen{name: "batch", Title: "Batch " + shortBatch(id), parts: []string{"waves"}}
	b, err := v.batch(id)
	if err != nil {
		if !v.begun(id) {
			return nil, err
		}
		s.Data, s.Acts = batchView{Name: shortBatch(id), Begins: true}, offered("begins")
		return s, nil
	}
	d := v.batchView(b)
	s.Data = d
	s.Acts = offered(append([]string{fmt.Sprint(d.Stopped, d.Done, d.MayHold)}, d.Skippable...)...)
	return s, nil
}

func (v *viewer) batchView(b flow.BatchState) batchView {
	at := batchAddress(b.Batch)
	d := batchView{
		Name: shortBatch(b.Batch), Stands: stands(b), Stopped: b.Stopped && !b.Done, Done: b.Done, Failed: b.Failed,
		MayHold: v.mayHold(b) && !b.Done,
		Pause:   v.form(at+"/pause", flow.UpdatePause, b.Batch), Resume: v.form(at+"/resume", flow.UpdateResume, b.Batch),
		Skip: v.form(at+"/skip", flow.UpdateSkip, b.Batch),
	}
	if v.canAll(approve.View) {
		d.Why = b.Why
	}
	for i, wave := range b.Waves {
		w := waveView{N: i + 1, Stands: "waits for the wave before"}
		switch {
		case b.Done || i < b.Wave:
			w.Stands = "done"
		case i == b.Wave:
			w.Stands = "has its turn"
		}
		for _, name := range wave {
			if !v.seesDomain(name) {
				w.Hidden++
				continue
			}
			o := b.Outcomes[name]
			s, exists := v.p.o.Backend.Domain(name)
			l := waveLine{Domain: name, Words: outcomes[o], Bad: o == flow.OutcomeFailed, Good: o == flow.OutcomeEffective}
			if exists {
				l.Link, l.Customer, l.Now = domainAddress(name), s.Customer, inWords(s.Phase)
				if s.Waits != "" {
					l.Now += ": " + s.Waits
				}
			}
			w.Lines = append(w.Lines, l)
			if !b.Done && v.maySkip(name) && skippable(o) {
				d.Skippable = append(d.Skippable, name)
			}
		}
		d.Waves = append(d.Waves, w)
	}
	return d
}

// skippable says that a wave may wait for a domain of this outcome.
func skippable(o flow.Outcome) bool {
	switch o {
	case flow.OutcomeWaiting, flow.OutcomeTurn, flow.OutcomeFederated, flow.OutcomeFailed:
		return true
	}
	return false
}

// maySkip says that the viewer may skip a domain, which may be no more.
func (v *viewer) maySkip(name string) bool {
	s, ok := v.p.o.Backend.Domain(name)
	if !ok {
		return v.canAll(approve.Approve)
	}
	return v.can(s.Customer, approve.Approve)
}

// holdBatch stops a batch, or has it go on.
func holdBatch(verb string) func(*viewer, *http.Request) (*sent, error) {
	return func(v *viewer, r *http.Request) (*sent, error) {
		b, err := v.batch(r.PathValue("id"))
		if err == nil && !v.mayHold(b) {
			err = errForbidden
		}
		if err != nil {
			v.refused(verb, flow.State{}, err)
			return nil, err
		}
		return &sent{kind: []string{verb, b.Batch}, back: batchAddress(b.Batch), do: func(ctx context.Context, nonce string) (string, error) {
			if err := v.p.o.Backend.Act(ctx, Act{ID: nonce, Actor: v.actor, Verb: verb, Batch: b.Batch}); err != nil {
				return "", err
			}
			if verb == flow.UpdatePause {
				return "The batch is stopped. What has its turn goes on.", nil
			}
			return "The batch goes on.", nil
		}}, nil
	}
}

// skipDomain takes a domain out of a batch.
func skipDomain(v *viewer, r *http.Request) (*sent, error) {
	b, err := v.batch(r.PathValue("id"))
	name := strings.ToLower(r.PostForm.Get("domain"))
	state, _ := v.p.o.Backend.Domain(name)
	in := err == nil && slices.ContainsFunc(b.Waves, func(wave []string) bool { return slices.Contains(wave, name) })
	switch {
	case err != nil:
	case name != "" && (!in || !v.seesDomain(name)):
		err, state = errNotFound, flow.State{}
	case name != "" && !v.maySkip(name):
		err = errForbidden
	}
	if err != nil {
		v.refused(flow.UpdateSkip, state, err)
		return nil, err
	}
	s := &sent{kind: []string{flow.UpdateSkip, b.Batch}, back: batchAddress(b.Batch)}
	if name == "" {
		s.wrong = errors.New("choose the domain that is to be skipped")
		return s, nil
	}
	s.do = func(ctx context.Context, nonce string) (string, error) {
		act := Act{ID: nonce, Actor: v.actor, Verb: flow.UpdateSkip, Batch: b.Batch, Domains: []string{name}}
		if err := v.p.o.Backend.Act(ctx, act); err != nil {
			return "", err
		}
		return name + " is skipped: the next wave does not wait for it. If it has had its turn, that goes on; " +
			"else its approval is void, and it waits for another.", nil
	}
	return s, nil
}
