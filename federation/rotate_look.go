package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// A rotateSight is what both services show of who signs and who is accepted.
type rotateSight struct {
	st     observation
	app    *jumpcloud.Application   // the domain's: the one that people are sent to
	others []*jumpcloud.Application // the other ones with its entity ID

	shown     certs.Cert // in the application
	shownErr  error
	published certs.Cert // in its metadata
	metaErr   error
	read      time.Time // when it was asked for, by the clock of the options
}

const (
	rotateLooks = 6                // how often is looked at what does not show
	rotateApart = 15 * time.Second // between two looks that must agree
	notShownFor = 5 * time.Minute  // until a call that has seen nothing makes sense again
)

// signs is what JumpCloud signs with; it is known only if both places agree.
func (s *rotateSight) signs() (certs.Cert, error) {
	switch {
	case s.shownErr != nil:
		return certs.Cert{}, s.shownErr
	case s.metaErr != nil:
		return certs.Cert{}, s.metaErr
	case s.shown != s.published:
		return certs.Cert{}, fmt.Errorf("%w: the application shows the certificate %s, its metadata %s", errLagging,
			s.shown.Thumbprint(), s.published.Thumbprint())
	}
	return s.shown, nil
}

// look reads who signs and who is accepted: the applications, the domains, the
// federation, which a list only leads to, and the metadata.
func (r *rotating) look(ctx context.Context) error {
	s := rotateSight{read: r.f.now()}
	st, err := r.f.observe(ctx, r.plan.Plan, observation{}, partApplications|partDomains|partFederation)
	if err != nil {
		return reading(PhaseObserve, err)
	}
	s.st = st
	s.choose(r.plan.Plan)
	if s.st.fed == nil || s.app == nil {
		r.see = s
		return nil
	}
	return r.complete(ctx, s)
}

// choose finds the domain's application among those with the plan's entity ID: the one
// that people are sent to.
func (s *rotateSight) choose(p Plan) {
	s.app, s.others = s.st.sentTo(), nil
	for _, a := range s.st.apps {
		if a != s.app && a.IdPEntityID == p.Application.IdPEntityID {
			s.others = append(s.others, a)
		}
	}
}

// complete reads the federation by its ID and the metadata of the application.
func (r *rotating) complete(ctx context.Context, s rotateSight) error {
	fedID := s.st.fed.ID
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		fed, err := r.f.ad.FederationByID(gctx, r.plan.Plan.Domain, fedID)
		if errors.Is(err, aad.ErrNotFound) || errors.Is(err, aad.ErrNotFederated) {
			fed, err = nil, nil
		}
		s.st.fed = fed
		return err
	})
	g.Go(func() error {
		s.shown, s.shownErr = s.app.Certificate()
		if r.plan.Method == Emergency && s.shownErr == nil && s.shown.Fingerprint() == r.plan.Replace {
			s.published = s.shown // what the metadata says would change nothing
		} else {
			s.published, s.metaErr = r.f.inMetadata(gctx, s.app)
		}
		return ctx.Err()
	})
	if err := g.Wait(); err != nil {
		return reading(PhaseObserve, err)
	}
	r.see = s
	return nil
}

// inMetadata is the certificate in an application's metadata.
func (f *Federator) inMetadata(ctx context.Context, a *jumpcloud.Application) (certs.Cert, error) {
	m, err := f.jc.Metadata(ctx, a.OrganizationID, a.ID)
	switch {
	case err != nil:
		return certs.Cert{}, lagging(err)
	case len(m.SigningCerts) != 1:
		return certs.Cert{}, errors.New("the application's metadata does not hold exactly one signing certificate")
	case m.EntityID != a.IdPEntityID:
		return certs.Cert{}, fmt.Errorf("the application's entity ID %s is not the one in its metadata, %s", quote(a.IdPEntityID),
			quote(m.EntityID))
	}
	return m.SigningCerts[0], nil
}

// again reads the application, its metadata and the federation anew, each by its ID.
func (r *rotating) again(ctx context.Context) error {
	s := r.see
	s.read = r.f.now()
	a, err := r.f.jc.Application(ctx, s.app.ID)
	if err != nil {
		return reading(PhaseObserve, lagging(err))
	}
	s.app = a
	return r.complete(ctx, s)
}

// firstLook looks until what is seen can be believed: a certificate that differs between
// two places, a configuration that does not show, may be two answers of different age.
func (r *rotating) firstLook(ctx context.Context) error {
	r.f.emit(ctx, Event{Phase: PhaseObserve, Domain: r.plan.Plan.Domain, Text: "reading who signs and who is accepted"})
	failed, doubted := 0, 0
	for n := 1; ; n++ {
		err := r.look(ctx)
		switch {
		case err != nil && temporary(err):
			failed++
		case err == nil && r.see.doubtful(r.plan.Plan):
			doubted++
		default:
			return err
		}
		if failed == rotateLooks || doubted == rotateLooks {
			return err
		}
		r.f.emit(ctx, Event{Phase: PhaseObserve, Domain: r.plan.Plan.Domain, Attempt: n, Text: "reading again what may be out of date", Err: err})
		if err := sleep(ctx, backoff(n)); err != nil {
			return reading(PhaseObserve, err)
		}
	}
}

func (s *rotateSight) doubtful(p Plan) bool {
	switch d := s.st.domain(p.Domain); {
	case s.st.pinLost:
		return true
	case d == nil || !d.IsRoot || !d.IsVerified:
		return false // a list that lags shows a domain as it was, which is told
	case !s.st.federated(p.Domain):
		return len(s.st.apps) > 0 // then it was federated, or is to be
	case s.st.fed == nil || s.app == nil:
		return true
	}
	_, err := s.signs()
	return err != nil
}

// slots reads the federation by its ID anew.
func (r *rotating) slots(ctx context.Context) error {
	fed, err := r.f.ad.FederationByID(ctx, r.plan.Plan.Domain, r.see.st.fed.ID)
	if err != nil {
		return reading(PhaseObserve, err)
	}
	r.see.st.fed = fed
	r.see.read = r.f.now()
	return nil
}

// certs is what the phase is decided by.
func (r *rotating) certs() standingCerts {
	fed := r.see.st.fed
	j, _ := r.see.signs()
	s := standingCerts{
		j: j, e1: fed.SigningCertificate, e2: fed.NextSigningCertificate,
		odd1:    fed.SigningCertificate.IsZero() && fed.RawSigningCertificate != "",
		odd2:    fed.NextSigningCertificate.IsZero() && fed.RawNextSigningCertificate != "",
		replace: r.plan.Replace,
	}
	if r.last != nil {
		s.lastOld = r.last.Old.Fingerprint
	}
	if r.key != nil {
		s.k = r.key.Cert()
		s.usable = r.unusable() == ""
	}
	return s
}

// shows waits until the federation, read by its ID, is as it should be. It is false if
// that does not show after some looks.
func (r *rotating) shows(ctx context.Context, is func(*aad.Federation) bool) (bool, error) {
	for n := 1; ; n++ {
		err := r.slots(ctx)
		switch {
		case err != nil && (!temporary(err) || n == rotateLooks):
			return false, err
		case err == nil && is(r.see.st.fed):
			return true, nil
		case n == rotateLooks:
			return false, nil
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Plan.Domain, Attempt: n, Err: err})
		if err := sleep(ctx, backoff(n)); err != nil {
			return false, reading(PhaseWait, err)
		}
	}
}

// holds reports whether a certificate is in one of the slots.
func holds(fed *aad.Federation, c certs.Cert) bool {
	return fed != nil && !c.IsZero() && slices.Contains([]certs.Cert{fed.SigningCertificate, fed.NextSigningCertificate}, c)
}
