package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
)

// A Watch says how long the certificate of a federated domain is still good for, who
// signs with what, and whether a rotation is under way or stands still. It holds no
// secret, and can be stored as JSON.
type Watch struct {
	Version int       `json:"version"`
	Domain  string    `json:"domain"`
	Checked time.Time `json:"checked"`
	State   State     `json:"state"` // "" if it could not be read: see Error
	// Phase is how far a rotation has come, as both services show it; "" if that cannot
	// be told: the domain is not federated with the application, JumpCloud shows two
	// certificates, or the key store, which could not be read, decides.
	Phase RotationPhase `json:"phase,omitempty"`

	// JumpCloudExpires is when the certificate ends that JumpCloud signs with,
	// AzureADExpires when the one does that Azure AD checks that with: in whichever of
	// its two places JumpCloud's is, else the first. Zero where it is not known.
	JumpCloudExpires time.Time `json:"jumpCloudExpires,omitzero"`
	AzureADExpires   time.Time `json:"azureADExpires,omitzero"`
	// Days are the whole days that are left on the side that ends earlier: 0 on the last
	// day, -1 on the first one after the end. It is 0 as well if neither end is known.
	Days int `json:"days"`

	// Signs is what JumpCloud signs with, Accepts and AcceptsNext what Azure AD has in
	// its two places. Zero: none, or one that cannot be read.
	Signs       Certificate `json:"signs,omitzero"`
	Accepts     Certificate `json:"accepts,omitzero"`
	AcceptsNext Certificate `json:"acceptsNext,omitzero"`

	// Level is the highest severity of the findings: [Alarm], [Warning] or [Info]; "" if
	// there is none, and nothing is to be done.
	Level    Severity  `json:"level,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Error is why the services could not be read.
	Error string `json:"error,omitempty"`
}

const watchVersion = 1

// Watch looks when the certificate of the plan's domain ends, on both sides, and at what
// keeps a rotation from being begun or ended in time. It is for a program that runs
// every day over all domains. It only reads: the domain, its federation, the
// applications, the metadata of the domain's one and the directories, each with one
// request, so 5 in all.
//
// Findings are, of the side that ends earlier: an [Info] from 60 days before the end, a
// [Warning] from 30 and, in other words, from 7, an [Alarm] from one day before it on.
// An Alarm is a certificate of JumpCloud's that Azure AD does not accept (it says so where
// that looks like an interrupted emergency, which Rotate alone finishes), and one beside
// it that is unknown here: without [Options.Keys] that is every one, and in the phase
// [RotationSwapped] it can be the old one of a rotation, with whose fingerprint it has to
// be compared. A Warning is a first certificate that is unknown while JumpCloud's is
// the second, a rotation that stands still (its new certificate is older than 7 days), a
// key store that cannot be read, and a directory whose consent is broken. What is not
// federated with the plan's application says so in a finding, and is no error.
//
// Everything is read once: what the services show late is told as it shows, and the next
// Watch tells it right. With [Options.Keys] it waits for a run of the same domain, as
// runs wait for each other.
//
// The Watch is never nil. If the services could not be read the error says why, and it
// holds nothing but the domain, the time and the error. It is safe to repeat.
//
// Microsoft Graph: Domain.Read.All, Domain-InternalFederation.Read.All. JumpCloud:
// applications.readonly and directories.readonly.
func (f *Federator) Watch(ctx context.Context, plan Plan) (*Watch, error) {
	w := &Watch{Version: watchVersion, Domain: domainName(plan.Domain), Checked: f.now().UTC()}
	p, err := plan.normalize()
	if err == nil {
		err = f.watch(ctx, p, w)
	}
	if err != nil {
		return &Watch{Version: watchVersion, Domain: w.Domain, Checked: w.Checked, Error: plain(err.Error())}, err
	}
	return w, nil
}

// WatchAll watches several domains, as many at once as the options say: 4 by default.
// Reading does no harm, so one that cannot be read keeps none from being watched,
// whatever [BatchOptions.KeepGoing] says.
//
// What comes back is in the order of the plans and never nil. The error joins those of
// the domains, each with the domain's name; a domain to which ctx ended before it was
// come to has [ErrNotStarted].
func (f *Federator) WatchAll(ctx context.Context, plans []Plan, opts *BatchOptions) ([]*Watch, error) {
	var o BatchOptions
	if opts != nil {
		o = *opts
	}
	all, errs := make([]*Watch, len(plans)), make([]error, len(plans))
	var g errgroup.Group
	g.SetLimit(cmp.Or(max(o.Concurrency, 0), 4))
	for i, p := range plans {
		g.Go(func() error {
			name := domainName(p.Domain)
			if ctx.Err() != nil {
				errs[i] = fmt.Errorf("federation: %s: %w", name, notStarted(context.Cause(ctx)))
				all[i] = &Watch{Version: watchVersion, Domain: name, Checked: f.now().UTC(), Error: plain(errs[i].Error())}
				return nil
			}
			if all[i], errs[i] = f.Watch(ctx, p); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", name, errs[i])
			}
			return nil
		})
	}
	_ = g.Wait() // each domain's error is in errs
	return all, errors.Join(errs...)
}

// A watching is one Watch in progress.
type watching struct {
	*rotating // who signs and who is accepted, as a rotation sees it
	p         Plan
	w         *Watch
	now       time.Time
	found     findings
	keysErr   error // the key store could not be read
	dirErr    error // the directories could not
}

func (f *Federator) watch(ctx context.Context, p Plan, w *Watch) error {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Text: "watching the certificates"})
	a := &watching{rotating: f.newRotating(RotatePlan{Plan: p, Method: OwnKeyPair}, nil), p: p, w: w, now: f.now()}
	if f.opts.Keys != nil {
		unlock, err := f.lock(ctx, p.Domain)
		if err != nil {
			return reading(PhaseObserve, err)
		}
		defer unlock()
	}
	if err := a.read(ctx); err != nil {
		return reading(PhaseObserve, err)
	}
	if f.opts.Keys != nil {
		a.keysErr = a.load(ctx)
		if ctx.Err() != nil {
			return reading(PhaseObserve, context.Cause(ctx))
		}
		if a.key != nil {
			a.rotating.plan.Key.Bits = a.key.Bits() // whatever the plan of a rotation asks for
		}
	}
	a.judge()
	w.Findings = a.found
	w.Level = w.level()
	return nil
}

// read asks for everything once.
func (a *watching) read(ctx context.Context) error {
	f, p := a.f, a.p
	st := observation{signOut: f.jc.Region().UserConsole()}
	var domains, applications, directories observation
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		d, err := f.ad.Domain(gctx, p.Domain)
		switch {
		case errors.Is(err, aad.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		if domains.domains = []*aad.Domain{d}; !d.IsRoot || !domains.federated(p.Domain) {
			return nil
		}
		if domains.fed, err = f.ad.Federation(gctx, p.Domain); errors.Is(err, aad.ErrNotFederated) {
			err = nil
		}
		return err
	})
	g.Go(func() error { return f.applications(gctx, p, &applications) })
	g.Go(func() error {
		// A directory that cannot be read hides no certificate.
		a.dirErr = f.observeDirectory(gctx, p, &directories, partDirectories, lists{})
		return gctx.Err()
	})
	if err := g.Wait(); err != nil {
		return err
	}
	st.domains, st.fed, st.directories = domains.domains, domains.fed, directories.directories
	st.apps, st.others, st.pinLost = applications.apps, applications.others, applications.pinLost
	s := rotateSight{st: st, read: a.now}
	s.choose(p)
	if s.app != nil {
		s.st.apps = s.st.apps[:0:0]
		s.st.apps = append(s.st.apps, s.app) // by which the state is judged
	}
	if app := s.st.app(p); app != nil {
		s.shown, s.shownErr = app.Certificate()
		var err error
		s.st.metadata, err = f.jc.Metadata(ctx, app.OrganizationID, app.ID)
		switch err = lagging(err); {
		case err != nil && (ctx.Err() != nil || !temporary(err)):
			return err
		case err != nil:
			s.metaErr = err
		default:
			s.published, s.metaErr = s.st.cert(p)
		}
	}
	a.see = s
	return nil
}

// urgency orders severities by how soon somebody has to look.
var urgency = map[Severity]int{Info: 1, Warning: 2, Refusal: 2, Alarm: 3}

// level is the highest severity of the findings.
func (w *Watch) level() (worst Severity) {
	for _, f := range w.Findings {
		if urgency[f.Severity] > urgency[worst] {
			worst = f.Severity
		}
	}
	return worst
}

// String is the watch for people: how it stands, who signs with what, and one line for
// each finding.
func (w *Watch) String() string {
	var b strings.Builder
	if w.Error != "" {
		fmt.Fprintf(&b, "%s: could not be read: %s\n", w.Domain, w.Error)
		return b.String()
	}
	b.WriteString(w.Domain + ": " + string(w.State))
	if w.Phase != "" {
		b.WriteString(", rotation " + string(w.Phase))
	}
	if !w.JumpCloudExpires.IsZero() || !w.AzureADExpires.IsZero() {
		b.WriteString(", " + leftDays(w.Days))
	}
	b.WriteByte('\n')
	for _, c := range []struct {
		what string
		c    Certificate
	}{{"JumpCloud signs with", w.Signs}, {"Azure AD accepts", w.Accepts}, {"Azure AD also accepts", w.AcceptsNext}} {
		if c.c.Fingerprint != "" {
			fmt.Fprintf(&b, "  %s: certificate %s, SHA-256 %s\n", c.what, c.c, c.c.Fingerprint)
		}
	}
	for _, f := range w.Findings {
		fmt.Fprintf(&b, "  %s: %s\n", f.Severity, plain(f.String()))
	}
	return b.String()
}

// leftDays tells how long a certificate is still good for.
func leftDays(days int) string {
	switch {
	case days < 0:
		return "expired"
	case days == 0:
		return "less than a day left"
	}
	return plural(days, "day", "days") + " left"
}
