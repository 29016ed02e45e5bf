package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
)

// LayerStatus says how far a layer has come.
type LayerStatus string

const (
	// Good: the layer shows what the plan says.
	Good LayerStatus = "good"
	// Late: it does not yet, and waiting is the right thing to do.
	Late LayerStatus = "not yet"
	// Wrong: it shows something else, and waiting does not help.
	Wrong LayerStatus = "wrong"
	// Unseen: it could not be read.
	Unseen LayerStatus = "unseen"
)

// The layers of a verification, from JumpCloud to people.
const (
	LayerApplication = "application" // active, and bound to its groups
	LayerCertificate = "certificate" // in JumpCloud's metadata and in Azure AD: the same
	LayerGraph       = "azure-ad"    // Microsoft Graph says federated, with the plan's values
	LayerRealm       = "realm"       // the public endpoint that the sign-in page asks
	LayerPeople      = "people"      // bound, synchronised, with immutable IDs
)

// Published ranges of the delay between the change and its effect: JumpCloud
// says up to 20 minutes; Microsoft up to 2 hours, and up to 24 for a domain that
// was converted.
const (
	realmDelay  = "usually within 20 minutes, up to 2 hours, at worst 24"
	longestWait = 24 * time.Hour
)

// A Layer is one thing that was verified.
type Layer struct {
	Name     string      `json:"name"`
	Status   LayerStatus `json:"status"`
	Evidence string      `json:"evidence"`
	Checked  time.Time   `json:"checked"`
	// Range is the published delay of a layer that is late.
	Range string `json:"range,omitempty"`
}

// A Verification says, layer by layer, how far a federation has come.
type Verification struct {
	Domain string  `json:"domain"`
	State  State   `json:"state"`
	Layers []Layer `json:"layers"`
	// Drift lists what differs from the plan, as findings with severities.
	Drift []Finding `json:"drift,omitempty"`
	// Repair is what Federate would change.
	Repair Changes `json:"repair,omitempty"`
	// AskAgain is when it makes sense to verify again; 0 if everything is good
	// or something is wrong.
	AskAgain time.Duration `json:"askAgainNanoseconds,omitempty"`
}

// Effective reports whether every layer is good: people can sign in.
func (v *Verification) Effective() bool {
	for _, l := range v.Layers {
		if l.Status != Good {
			return false
		}
	}
	return true
}

// Wrong reports whether a layer shows something that waiting does not mend.
func (v *Verification) Wrong() bool {
	for _, l := range v.Layers {
		if l.Status == Wrong {
			return true
		}
	}
	return false
}

// String is the verification for people, one line per layer.
func (v *Verification) String() string {
	var b strings.Builder
	for _, l := range v.Layers {
		fmt.Fprintf(&b, "%-8s %-12s %s", l.Status, l.Name, l.Evidence)
		if l.Range != "" {
			fmt.Fprintf(&b, " (%s)", l.Range)
		}
		b.WriteByte('\n')
	}
	for _, f := range v.Drift {
		fmt.Fprintf(&b, "%s: %s\n", f.Severity, f)
	}
	if v.AskAgain > 0 {
		fmt.Fprintf(&b, "ask again in %s\n", v.AskAgain.Round(time.Second))
	}
	return b.String()
}

// ErrWrong means that a layer shows something else than the plan, which waiting
// does not mend. The [Verification] says what.
var ErrWrong = errors.New("something is wrong that waiting does not mend")

// Verify says, layer by layer, whether the plan holds and people can sign in,
// with the evidence, what has drifted, and when to ask again. It only reads.
//
// "Not yet" and "wrong" are told apart: a public realm endpoint that still says
// Managed is late; one that sends people to somebody else's URL is wrong.
func (f *Federator) Verify(ctx context.Context, plan Plan) (*Verification, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	return f.verify(ctx, plan, true)
}

func (f *Federator) verify(ctx context.Context, plan Plan, everybody bool) (*Verification, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: plan.Domain, Text: "verifying"})
	var st state
	var realm *aad.Realm
	var realmErr error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		st, err = f.observe(gctx, plan, state{}, partAll)
		return err
	})
	g.Go(func() error {
		realm, realmErr = f.ad.Realm(gctx, plan.Domain)
		return nil // the endpoint is public and undocumented: a layer, not a failure
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	now := time.Now()
	v := &Verification{Domain: plan.Domain, State: classify(plan, &st), Repair: diff(plan, &st)}
	v.Drift = drift(plan, &st, v.Repair, now)
	v.Layers = []Layer{
		layerApplication(plan, &st, v.Repair),
		layerCertificate(plan, &st),
		layerGraph(plan, &st, v.Repair),
		layerRealm(plan, &st, realm, realmErr),
	}
	if everybody && st.domain(plan.Domain) != nil {
		l, err := f.layerPeople(ctx, plan, &st)
		if err != nil {
			return nil, err
		}
		v.Layers = append(v.Layers, l)
	}
	for i := range v.Layers {
		v.Layers[i].Checked = now
	}
	if !v.Effective() && !v.Wrong() {
		v.AskAgain = 5 * time.Minute
	}
	return v, nil
}

func layerApplication(p Plan, st *state, missing Changes) Layer {
	l := Layer{Name: LayerApplication, Status: Good}
	a := st.app(p)
	if a == nil {
		l.Status, l.Evidence = Wrong, "JumpCloud has no single application with the entity ID "+p.Application.IdPEntityID
		return l
	}
	var bad []string
	for _, c := range missing {
		switch {
		case c.Resource == ResApplication && !a.Active:
			bad = append(bad, "it is not active")
		case c.Resource == ResApplicationGroup:
			bad = append(bad, "the group "+quote(c.Name)+" is not bound to it")
		}
	}
	l.Evidence = quote(a.DisplayLabel) + " (" + a.ID + ")"
	if bad != nil {
		l.Status = Wrong
		l.Evidence += ": " + strings.Join(bad, ", ")
		return l
	}
	l.Evidence += " is active and bound to its groups"
	return l
}

func layerCertificate(p Plan, st *state) Layer {
	l := Layer{Name: LayerCertificate, Status: Wrong}
	own, err := st.cert(p)
	switch {
	case err != nil:
		l.Evidence = err.Error()
	case st.fed == nil:
		l.Evidence = "Azure AD has no certificate for the domain; JumpCloud signs with " + own.Thumbprint()
	case st.fed.SigningCertificate == own:
		l.Status, l.Evidence = Good, own.Thumbprint()+" in JumpCloud's metadata and in Azure AD"
	case st.fed.NextSigningCertificate == own:
		l.Status, l.Evidence = Good, own.Thumbprint()+" in JumpCloud's metadata and, as the second one, in Azure AD"
	default:
		l.Evidence = "JumpCloud signs with " + own.Thumbprint() + ", Azure AD expects the " + showCertificate(rawCertificate(st.fed.SigningCertificate, st.fed.RawSigningCertificate))
	}
	return l
}

func layerGraph(p Plan, st *state, missing Changes) Layer {
	l := Layer{Name: LayerGraph, Status: Good, Evidence: p.Domain + " is federated with the plan's values"}
	d := st.domain(p.Domain)
	switch {
	case d == nil:
		l.Status, l.Evidence = Wrong, p.Domain+" is not a domain of this tenant"
	case !st.federated(p.Domain):
		l.Status, l.Evidence = Wrong, p.Domain+" is "+string(d.AuthenticationType)
	case st.fed == nil:
		l.Status, l.Evidence = Wrong, "the configuration cannot be read"
	default:
		for _, c := range missing {
			if c.Resource != ResFederation {
				continue
			}
			var names []string
			for _, f := range c.Fields {
				names = append(names, f.Name)
			}
			l.Status, l.Evidence = Wrong, "differs in "+strings.Join(names, ", ")
		}
	}
	return l
}

func layerRealm(p Plan, st *state, realm *aad.Realm, err error) Layer {
	l := Layer{Name: LayerRealm}
	a := st.app(p)
	switch {
	case err != nil:
		l.Status, l.Evidence = Unseen, "the public realm endpoint did not answer: "+err.Error()
	case realm.NameSpaceType == aad.Federated && a != nil && sameEndpoint(realm.AuthURL, a.SSOURL) && realm.Protocol == aad.RealmWSTrust:
		l.Status, l.Evidence = Wrong, "sends people to "+a.SSOURL+", but with WS-Trust instead of SAML"
	case realm.NameSpaceType == aad.Federated && a != nil && sameEndpoint(realm.AuthURL, a.SSOURL):
		l.Status, l.Evidence = Good, "sends people to "+a.SSOURL
	case realm.NameSpaceType == aad.Federated && realm.AuthURL != "":
		l.Status, l.Evidence = Wrong, "sends people to "+provider("", realm.AuthURL)+" instead of JumpCloud"
	case realm.NameSpaceType == aad.Federated:
		l.Status, l.Evidence = Unseen, "says federated, but not where it sends people"
	default:
		l.Status, l.Evidence, l.Range = Late, "still says "+string(realm.NameSpaceType), realmDelay
	}
	return l
}

// sameEndpoint compares what the realm endpoint says, which carries a query of
// unknown form, with the application's login URL.
func sameEndpoint(auth, sso string) bool {
	a, err1 := url.Parse(auth)
	b, err2 := url.Parse(sso)
	return err1 == nil && err2 == nil && strings.EqualFold(a.Host, b.Host) && strings.TrimSuffix(a.Path, "/") == strings.TrimSuffix(b.Path, "/")
}

func (f *Federator) layerPeople(ctx context.Context, p Plan, st *state) (Layer, error) {
	l := Layer{Name: LayerPeople, Status: Good}
	people, err := f.people(ctx, newAudience(p, st))
	if err != nil {
		return l, err
	}
	l.Evidence = peopleSummary(people)
	if bad, _ := people.lockedOut(p.Consent.LockOut); len(bad) > 0 {
		l.Status = Wrong
		l.Evidence += "; " + lockOutFindings(people, p.Consent.LockOut)[0].Message
	}
	return l, nil
}

// drift turns what is missing and what is odd into findings.
func drift(p Plan, st *state, missing Changes, now time.Time) []Finding {
	var ps problems = inspect(p, st, now)
	for i := range ps {
		if ps[i].Code == CodeCertificateMismatch {
			ps[i].Severity = Alarm
		}
	}
	for _, c := range missing {
		f := Finding{Code: CodeDrift, Severity: Warning, Subject: c.Name, Message: "the plan does not hold: Federate would " + c.title(), Repair: "run Federate"}
		switch c.Resource {
		case ResFederation:
			for _, field := range c.Fields {
				g := f
				g.Message = fmt.Sprintf("Azure AD has %s %s for %s, the plan says %s", field.Name, field.show(field.Old), c.Name, field.show(field.New))
				switch field.Name {
				case fieldCertificate, fieldNextCertificate, "issuerUri", "passiveSignInUri":
					g.Severity = Alarm // sign-in is broken, or somebody else's
				}
				if c.Action == Update {
					ps = append(ps, g)
				}
			}
			if c.Action == Create {
				f.Message, f.Severity = c.Name+" is not federated", Alarm
				ps = append(ps, f)
			}
			continue
		case ResApplication:
			f.Message = "JumpCloud's application is missing"
			f.Severity = Alarm
			if c.Action == Update {
				f.Message = "JumpCloud's application differs: " + describe(c)
			}
		case ResApplicationGroup:
			f.Message = "the group " + quote(c.Name) + " is not bound to JumpCloud's application, so its members cannot sign in"
			f.Severity = Alarm
		case ResDirectoryGroup:
			f.Message = "the group " + quote(c.Name) + " is not bound to the Microsoft 365 directory, so new members are not exported"
		case ResDefaultDomain:
			f.Message = "the tenant's default domain is " + p.Domain + " again"
		}
		ps = append(ps, f)
	}
	if want := p.DefaultDomain; want != "" {
		if d := st.domain(want); d != nil && !d.IsDefault {
			ps = append(ps, Finding{Code: CodeDrift, Severity: Info, Subject: want, Message: "the tenant's default domain is no longer " + want})
		}
	}
	return ps
}

func describe(c Change) string {
	var parts []string
	for _, f := range c.Fields {
		parts = append(parts, fmt.Sprintf("%s is %s, the plan says %s", f.Name, f.show(f.Old), f.show(f.New)))
	}
	return strings.Join(parts, ", ")
}

// Wait verifies until people can sign in, the context ends, or 24 hours have
// passed. It keeps no state: after a restart, call it again.
//
// It asks after half a minute, then less and less often, down to every ten
// minutes, with jitter. Failures to read do not end it. It returns the last
// verification with nil when everything is good, with [ErrWrong] when a layer
// was found wrong twice in a row, with [ErrNotConverged] after 24 hours, else
// with the context's cause.
func (f *Federator) Wait(ctx context.Context, plan Plan) (*Verification, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, longestWait, ErrNotConverged)
	defer cancel()
	var last *Verification
	wrong, everybody := 0, true
	for n := 1; ; n++ {
		v, err := f.verify(ctx, plan, everybody)
		switch {
		case err != nil && !temporary(err):
			if ctx.Err() != nil {
				return last, fmt.Errorf("federation: %s: %w", PhaseWait, context.Cause(ctx))
			}
			return last, err
		case err != nil:
			f.emit(ctx, Event{Phase: PhaseWait, Domain: plan.Domain, Attempt: n, Err: err})
		default:
			if last != nil && !everybody && len(last.Layers) > len(v.Layers) {
				v.Layers = append(v.Layers, last.Layers[len(last.Layers)-1]) // people were looked at already
			}
			last = v
			f.emit(ctx, Event{Phase: PhaseWait, Domain: plan.Domain, Attempt: n, Text: v.slowest()})
			if v.Effective() {
				return v, nil
			}
			if wrong++; !v.Wrong() {
				wrong = 0
			}
			if wrong == 2 {
				return v, fmt.Errorf("federation: %s: %w: %s", plan.Domain, ErrWrong, v.slowest())
			}
			// Everybody is looked at when something changes about people: at
			// the start, and while that layer is not good.
			everybody = v.Layers[len(v.Layers)-1].Name != LayerPeople || v.Layers[len(v.Layers)-1].Status != Good
		}
		pause := min(30*time.Second<<min(n-1, 6), 10*time.Minute)
		if err := sleep(ctx, pause*3/4+rand.N(pause/2)); err != nil {
			if parent.Err() != nil {
				err = context.Cause(parent)
			}
			return last, fmt.Errorf("federation: %s: %w", PhaseWait, err)
		}
	}
}

// slowest describes the first layer that is not good.
func (v *Verification) slowest() string {
	for _, status := range []LayerStatus{Wrong, Unseen, Late} {
		for _, l := range v.Layers {
			if l.Status == status {
				return l.Name + ": " + l.Evidence
			}
		}
	}
	return "every layer is good"
}
