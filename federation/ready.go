package federation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

// sureAfter is how long after the first look at the lists a second one is taken
// before something is made that they did not show.
const sureAfter = 5 * time.Second

// ready holds back the changes that must not be made on a first glance.
func (r *run) ready(ctx context.Context, stage Changes) error {
	if slices.ContainsFunc(stage, func(c Change) bool { return c.makes() && !r.made(c) && !r.absent[c.key()] }) {
		return r.sure(ctx, stage)
	}
	switch c := stage[0]; {
	case c.recovers():
		return r.patience(ctx, c)
	case c.ofFederation():
		if err := r.twin(ctx, c); err != nil {
			return err
		}
		if err := r.certificate(ctx, c); err != nil {
			return err
		}
		if err := r.believe(ctx, c); err != nil {
			return err
		}
		_, err := r.fresh(ctx, c)
		return err
	}
	return nil
}

// twin looks for an application that another run has made at the same moment, right
// before the domain is sent to one that is as young: lists may not have shown it so
// far. A domain that was federated meanwhile, with our issuer and the certificate of
// no application that is seen, is the sure sign of one. Until that shows, its
// certificate stays: people may be signing in through it.
func (r *run) twin(ctx context.Context, c Change) error {
	if own := r.st.app(r.plan); own == nil || r.f.age(own.Created) > atWorkFor {
		return nil
	}
	parts := part(partApplications)
	if c.Action == Update {
		parts |= partMetadata | partDomains | partFederation
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n := 1; ; n++ {
		err := r.lookAgain(ctx, parts)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, c, err}
		case err == nil && !r.overtaken():
			r.listed = time.Now()
			return nil
		case err == nil:
			err = errOvertaken
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n, Err: err})
		if serr := sleep(ctx, backoff(n)); serr != nil {
			return &StepError{PhaseWait, c, errors.Join(serr, err)}
		}
	}
}

// sure looks a second time for what the stage is to make. A list may be older than
// what another run has made, and an answer without a list must not pass for an
// empty one.
func (r *run) sure(ctx context.Context, stage Changes) error {
	r.st.shown = new(sightings)
	defer func() { r.st.shown, r.st.appVanished, r.st.groupVanished = nil, false, false }()
	var vanished time.Time // since when
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n := 1; ; n++ {
		pause := max(sureAfter-since(ctx, r.looked.of(stage)), 0)
		if n > 1 {
			pause = max(pause, backoff(n))
		}
		if err := sleep(ctx, pause); err != nil {
			return &StepError{PhaseWait, stage[0], err}
		}
		again := ctx
		if n == 1 {
			again = r.batch.recalling(ctx, r.looked.of(stage).Add(sureAfter)) // what another plan of the batch has seen since
		}
		err := r.lookAgain(again, stage.parts())
		if err == nil && (r.st.appVanished || r.st.groupVanished) {
			if vanished.IsZero() {
				vanished = time.Now()
			}
			if since(ctx, vanished) < vanishedFor {
				err = errVanished
			}
		}
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, stage[0], err}
		case err == nil:
			for _, c := range diff(r.plan, &r.st).only(stage) {
				r.absent[c.key()] = c.makes()
			}
			r.pin()
			return nil
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &stage[0], Attempt: n, Err: err})
	}
}

// vanishedFor is how long something that a look has shown must not be there, by its ID
// either, until somebody else has deleted it.
const vanishedFor = 30 * time.Second

// unseenFor is how long what the gates' lists do not show counts as not there: two runs
// that begin together should seldom make two of it.
const unseenFor = time.Second

// survey asks the gates and about everybody. Among what the gates read are the lists of
// all applications and of all groups: if the run is to make nothing else at first, and
// nobody is asked before it does, they are read late enough to be the second look for
// that as well. A run that is refused anyway does not wait. What they show, somebody has
// made since the first look: then it is overtaken, and what was judged is of no use.
func (r *run) survey(ctx context.Context, todo Changes, refused bool) (gates findings, people *People, overtaken bool, err error) {
	r.absent = make(map[string]bool)
	stage := todo.first()
	asks := r.f.opts.Confirm != nil && r.approved == nil
	second := !refused && !r.only && !asks && r.batch == nil && !slices.ContainsFunc(stage, func(c Change) bool { return !c.inLists() })
	if second {
		if err := sleep(ctx, max(sureAfter-since(ctx, r.looked.of(stage)), 0)); err != nil {
			return nil, nil, false, &StepError{PhaseWait, stage[0], err}
		}
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n := 1; ; n++ {
		lists := new(recall)
		r.judged, r.judgedAt = time.Now(), len(r.rep.Steps)
		gates, people, err = r.f.check(lists.within(parent, r.judged), r.plan, &r.st, true)
		unread := false
		for _, c := range stage {
			if second {
				there, read := r.surveyed(lists, c)
				overtaken, unread = overtaken || there, unread || !read
				r.absent[c.key()] = read && !overtaken
			}
		}
		if !unread || !temporary(err) || parent.Err() != nil {
			return gates, people, overtaken, err
		}
		r.f.emit(ctx, Event{Phase: PhaseCheck, Domain: r.plan.Domain, Attempt: n, Text: "looking again for what is to be made", Err: err})
		if serr := sleep(ctx, backoff(n)); serr != nil {
			return nil, nil, false, &StepError{PhaseWait, stage[0], errors.Join(serr, err)}
		}
	}
}

// inLists reports whether the change makes what a list of all such things shows.
func (c Change) inLists() bool { return c.makes() && resources[c.Resource].doubles }

// surveyed reports whether a list of all shows what the change is to make, which the next
// look goes by, and whether there was such a list.
func (r *run) surveyed(lists *recall, c Change) (there, read bool) {
	if c.makesApplication() {
		plan := r.plan.Application
		all, read := remembered[*jumpcloud.Application](lists, "applications")
		for _, a := range all {
			if a.IdPEntityID == plan.IdPEntityID && (a.Name == plan.Template || a.Name == "saml2") {
				there = true
				r.st.shown.applications.add(a.ID)
			}
		}
		return there, read
	}
	all, read := remembered[*jumpcloud.Group](lists, "groups")
	for _, g := range all {
		if g.Name == c.Name {
			there = true
			r.st.shown.groups.add(g.ID)
		}
	}
	return there, read
}

// halfStateLooks and halfStatePause: a configuration that lags behind its
// domain looks like one that cannot be read. Only what stays unreadable over
// this many looks is recovered from.
const (
	halfStateLooks = 6
	halfStatePause = 10 * time.Second
)

func (r *run) patience(ctx context.Context, c Change) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for looks := 0; looks < halfStateLooks; {
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: looks + 1,
			Text: "making sure that the configuration cannot be read"})
		if err := sleep(ctx, halfStatePause); err != nil {
			return &StepError{PhaseWait, c, err}
		}
		switch err := r.lookAgain(ctx, partDomains|partFederation); {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, c, err}
		case err != nil:
			continue // saw nothing
		case !diff(r.plan, &r.st).has(c.key()):
			return nil
		}
		looks++
	}
	return nil
}

// certificate waits until JumpCloud shows the application's certificate, the
// same in both places, and judges it.
func (r *run) certificate(ctx context.Context, c Change) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n := 1; ; n++ {
		own, err := r.st.cert(r.plan)
		if err == nil {
			var ps findings
			checkCertificate(&ps, r.plan, own, r.f.now())
			if err := ps.err(); err != nil {
				r.rep.note(ps)
				return err
			}
			r.certified = time.Now()
			return nil
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n, Err: err})
		if n > 1 {
			if serr := sleep(ctx, backoff(n)); serr != nil {
				return &StepError{PhaseWait, c, errors.Join(serr, err)}
			}
		}
		if err := r.lookAgain(ctx, partApplications|partMetadata); err != nil && (!temporary(err) || parent.Err() != nil) {
			return &StepError{PhaseWait, c, err}
		}
	}
}

// makes reports whether the change makes something that there must not be two
// of, and that nobody would be told of if its answer were lost.
func (c Change) makes() bool {
	return c.Action == Create && resources[c.Resource].single
}
