package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// believe holds a mend back until it was seen twice and apart, read by IDs, that Azure AD
// accepts nothing that JumpCloud signs: one of two answers may be older than the other.
func (r *run) believe(ctx context.Context, c Change) error {
	if err := r.st.stored.err; err != nil && c.writesSlots() {
		var ps findings
		r.st.inspectRotation(&ps, r.plan)
		return switching(ps.err()) // it has failed since the gates were asked
	}
	if !r.st.mending(r.plan, c) {
		return nil
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n, looks := 1, 0; ; n++ {
		err := r.lookByID(ctx)
		pause := backoff(n)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, c, err}
		case err != nil:
		case !r.st.mending(r.plan, c):
			return r.disbelieve(ctx, c)
		default:
			if looks++; looks == 2 {
				seen := r.st.rotation(r.plan)
				var ps findings
				message := "nobody on " + r.plan.Domain + " could sign in: JumpCloud signs with the certificate " +
					newCertificate(seen.certs.j).String() + ", and Azure AD accepted " + accepts(r.st.fed)
				repair := "find out who has changed it in Azure AD"
				if !seen.next.IsZero() {
					message += "; " + seen.next.Thumbprint() + " stays accepted as the second one, because some of JumpCloud's nodes may still " +
						"sign with it"
					if s := &seen.certs; s.second() && s.e2 != seen.next {
						message += "; what was second goes, the " +
							showCertificate(rawCertificate(r.st.fed.NextSigningCertificate, r.st.fed.RawNextSigningCertificate))
					}
					repair = "find out who has changed it, most likely by Regenerate certificate in JumpCloud; " +
						"some hours later have the one before removed: " +
						"call Rotate with replace set to its fingerprint, " + seen.next.Fingerprint() + ", or set consent.removeNextCertificate"
				}
				ps.alarm(CodeRotationBroken, r.plan.Domain, message, repair)
				r.rep.note(ps)
				return nil
			}
			pause = rotateApart
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n,
			Text: "making sure that Azure AD accepts nothing that JumpCloud signs", Err: err})
		if serr := sleep(ctx, pause); serr != nil {
			return &StepError{PhaseWait, c, errors.Join(serr, err)}
		}
	}
}

// disbelieve waits a moment where a list shows what is not so. It is an error if that
// goes on for as long as a change may take to show.
func (r *run) disbelieve(ctx context.Context, c Change) error {
	if r.disbelieved.IsZero() {
		r.disbelieved = time.Now()
	}
	err := sleep(ctx, rotateApart)
	if err == nil && since(ctx, r.disbelieved) > r.f.opts.Settle {
		err = ErrNotConverged
	}
	if err != nil {
		return &StepError{PhaseWait, c, errors.Join(err, errLagging)}
	}
	return nil
}

// mending reports whether the change has Azure AD accept what JumpCloud signs with, in a
// federation that stands, with an application that this run has not made.
func (st *observation) mending(p Plan, c Change) bool {
	r := st.rotation(p)
	return c.ofFederation() && c.Action == Update && c.writes(fieldCertificate) && r.mends && !st.anew
}

// lookByID reads who signs and who is accepted anew, each by its ID.
func (r *run) lookByID(ctx context.Context) error {
	st := r.st
	fed, err := r.f.ad.FederationByID(ctx, r.plan.Domain, st.fed.ID)
	switch {
	case errors.Is(err, aad.ErrNotFound), errors.Is(err, aad.ErrNotFederated):
		return fmt.Errorf("%w: %w", errLagging, err)
	case err != nil:
		return err
	}
	own := st.app(r.plan)
	a, err := r.f.jc.Application(ctx, own.ID)
	if err != nil {
		return lagging(err)
	}
	m, err := r.f.jc.Metadata(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return lagging(err)
	}
	apps := make([]*jumpcloud.Application, len(st.apps))
	for i, b := range st.apps {
		if apps[i] = b; b == own {
			apps[i] = a
		}
	}
	st.fed, st.apps, st.metadata = fed, apps, m
	if err := r.f.observeKey(ctx, r.plan.Domain, &st); err != nil {
		return err
	}
	r.st = st
	return nil
}
