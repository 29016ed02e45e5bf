package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
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

	// LayerSignIn: real sign-ins since the change, as both services have logged them. It
	// is there only with [Options.SignInLog], and Wait does not look at it, as whether
	// anybody signs in is up to people.
	//
	// It is Good once a sign-in through JumpCloud has succeeded, whatever failed beside
	// it. It is Unseen as long as none is seen, or a log cannot be read; that says
	// nothing of the federation, and keeps [Verification.Effective] from nothing. So is
	// what failed for a reason of one or two people's own, such as an immutable ID.
	// While nobody has succeeded, it is Wrong if everything was refused for reasons that
	// hold for all, such as issuer or signature, or at least three people for the same
	// reason. Late it is instead of the former, while the realm is.
	LayerSignIn = "sign-in"
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

	works bool // it is late, and people can sign in all the same
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

	// SignIns is what the layer [LayerSignIn] was made of. Nil: none, or not looked at.
	SignIns *SignIns `json:"signIns,omitempty"`

	// JumpCloudExpires is when the certificate ends that JumpCloud signs with.
	// AzureADExpires is when the one ends that Azure AD checks that with: in
	// whichever of its two places JumpCloud's is, else the first. While sign-in
	// works, they are the same. Both are UTC, and zero where they are not known:
	// no application, no federation, a certificate that cannot be read.
	JumpCloudExpires time.Time `json:"jumpCloudExpires,omitzero"`
	AzureADExpires   time.Time `json:"azureADExpires,omitzero"`

	expired bool // the certificate, which no second look changes
}

// Effective reports whether every layer is good: people can sign in. A second
// certificate that nobody knows does not keep them from it; see [Verification.Wrong].
// Nor does a rotation: while the public realm endpoint still names the other of its two
// applications, that layer is late, and both let people in. (A Verification that was
// read back from JSON does not know that.) That no sign-in was seen yet does not keep
// anybody from one either.
func (v *Verification) Effective() bool {
	for _, l := range v.Layers {
		if l.Status != Good && !l.works && (l.Name != LayerSignIn || l.Status == Wrong) {
			return false
		}
	}
	return true
}

// late reports whether a layer is.
func (v *Verification) late() bool {
	return slices.ContainsFunc(v.Layers, func(l Layer) bool { return l.Status == Late })
}

// Wrong reports whether something shows that waiting does not mend: a layer, or
// a second certificate that nobody knows, with whose key anybody can be.
func (v *Verification) Wrong() bool {
	if v.unknownNext() != nil {
		return true
	}
	for _, l := range v.Layers {
		if l.Status == Wrong {
			return true
		}
	}
	return false
}

// unknownNext is the alarm about a second certificate, or nil.
func (v *Verification) unknownNext() *Finding {
	for i, f := range v.Drift {
		if f.Code == CodeNextCertificate && f.Severity == Alarm {
			return &v.Drift[i]
		}
	}
	return nil
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
//
// With [Options.SignInLog] it looks at real sign-ins as well, in at most six requests
// more: see [LayerSignIn].
func (f *Federator) Verify(ctx context.Context, plan Plan) (*Verification, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	v, st, err := f.verify(ctx, plan, nil, true)
	if err != nil || f.opts.SignInLog == nil || st.domain(plan.Domain) == nil {
		return v, err
	}
	i := slices.IndexFunc(v.Layers, func(l Layer) bool { return l.Name == LayerRealm })
	l, seen, err := f.layerSignIn(ctx, plan, st, &v.Layers[i])
	if err != nil {
		return nil, reading(PhaseCheck, err)
	}
	l.Checked = f.now()
	v.Layers, v.SignIns = append(v.Layers, l), seen
	if l.Status == Wrong {
		v.AskAgain = 0
	}
	return v, nil
}

// verify looks at everything, or, if it is given what both services said
// before, at the public realm endpoint alone.
func (f *Federator) verify(ctx context.Context, plan Plan, known *observation, everybody bool) (*Verification, *observation, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: plan.Domain, Text: "verifying"})
	var st observation
	var realm *aad.Realm
	var realmErr error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if known != nil {
			st = *known
			return nil
		}
		st, err = f.observe(gctx, plan, observation{signOut: f.jc.Region().UserConsole()}, partAll)
		return err
	})
	g.Go(func() error {
		realm, realmErr = f.ad.Realm(gctx, plan.Domain)
		return nil // the endpoint is public and undocumented: a layer, not a failure
	})
	if err := g.Wait(); err != nil {
		return nil, nil, reading(PhaseObserve, err)
	}
	now := f.now()
	v := &Verification{Domain: plan.Domain, State: st.classify(plan), expired: expired(plan, &st, now)}
	v.JumpCloudExpires, v.AzureADExpires = st.expiries(plan)
	if v.State != StateAmbiguous { // what would be made depends on a person's choice
		v.Repair = diff(plan, &st)
	}
	v.Drift = st.drift(plan, v.Repair, now)
	v.Layers = []Layer{
		st.layerApplication(plan, v.Repair),
		st.layerCertificate(plan, now),
		st.layerGraph(plan, v.Repair),
		st.layerRealm(plan, v.Repair, realm, realmErr),
	}
	if everybody && st.domain(plan.Domain) != nil {
		l, err := f.layerPeople(ctx, plan, &st)
		if err != nil {
			return nil, nil, reading(PhaseCheck, err)
		}
		v.Layers = append(v.Layers, l)
	}
	for i := range v.Layers {
		v.Layers[i].Checked = now
	}
	if (!v.Effective() || v.late()) && !v.Wrong() {
		v.AskAgain = 5 * time.Minute
	}
	return v, &st, nil
}

func (st *observation) layerApplication(p Plan, missing Changes) Layer {
	l := Layer{Name: LayerApplication, Status: Good}
	a := st.app(p)
	if a == nil {
		l.Status, l.Evidence = Wrong, "JumpCloud has no single application with the entity ID "+p.Application.IdPEntityID
		return l
	}
	var bad []string
	for _, c := range missing {
		switch {
		case c.ofApplication() && !a.Active:
			bad = append(bad, "it is not active")
		case c.bindsApplication():
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

func (st *observation) layerCertificate(p Plan, now time.Time) Layer {
	l := Layer{Name: LayerCertificate, Status: Wrong}
	own, err := st.cert(p)
	rot := st.rotation(p)
	switch {
	case err != nil && rot.unsure:
		l.Status, l.Evidence = Good, err.Error()+"; Azure AD accepts both"
	case err != nil:
		l.Evidence = err.Error()
	case st.fed == nil:
		l.Evidence = "Azure AD has no certificate for the domain; JumpCloud signs with " + own.Thumbprint()
	case st.fed.SigningCertificate == own:
		l.Status, l.Evidence = Good, own.Thumbprint()+" in JumpCloud's metadata and in Azure AD"+rot.evidence()
	case st.fed.NextSigningCertificate == own:
		l.Status, l.Evidence = Good, own.Thumbprint()+" in JumpCloud's metadata and, as the second one, in Azure AD"+rot.evidence()
	default:
		l.Evidence = "JumpCloud signs with " + own.Thumbprint() + ", Azure AD expects the " +
			showCertificate(rawCertificate(st.fed.SigningCertificate, st.fed.RawSigningCertificate))
	}
	if expired(p, st, now) { // nobody says whether Azure AD looks at the dates
		l.Status = Wrong
		l.Evidence += ", expired on " + own.X509().NotAfter.UTC().Format("2006-01-02") + "; sign-in may still work"
	}
	return l
}

// expired reports whether the certificate is in its place and its time is over.
func expired(p Plan, st *observation, now time.Time) bool {
	own, err := st.cert(p)
	return err == nil && st.fed != nil && (st.fed.SigningCertificate == own || st.fed.NextSigningCertificate == own) &&
		now.After(own.X509().NotAfter)
}

// expiries returns when the certificate of either side ends; see [Verification].
func (st *observation) expiries(p Plan) (jc, ad time.Time) {
	own, err := st.cert(p)
	if err == nil {
		jc = expiry(own)
	}
	switch {
	case st.fed == nil:
	case err == nil && st.fed.NextSigningCertificate == own:
		ad = expiry(own)
	default:
		ad = expiry(st.fed.SigningCertificate)
	}
	return jc, ad
}

// expiry is when c ends; a certificate that could not be read is zero.
func expiry(c certs.Cert) time.Time {
	if c.IsZero() {
		return time.Time{}
	}
	return c.X509().NotAfter.UTC()
}

func (st *observation) layerGraph(p Plan, missing Changes) Layer {
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
			if !c.ofFederation() {
				continue
			}
			var names []string
			for _, f := range c.Fields {
				names = append(names, f.Name)
			}
			if !slices.ContainsFunc(names, func(n string) bool { return n != fieldNextCertificate && !leftover(n) }) {
				if names[0] == fieldNextCertificate {
					l.Evidence += "; Federate will remove a second certificate"
				} else {
					l.Evidence += "; Federate will clear what a provider before has left"
				}
				continue // which hinders nobody
			}
			l.Status, l.Evidence = Wrong, "differs in "+strings.Join(names, ", ")
		}
	}
	return l
}

func (st *observation) layerRealm(p Plan, missing Changes, realm *aad.Realm, err error) Layer {
	l := Layer{Name: LayerRealm}
	if err != nil {
		l.Status, l.Evidence = Unseen, "the public realm endpoint did not answer: "+err.Error()
		return l
	}
	if realm.NameSpaceType != aad.Federated {
		l.Status, l.Evidence, l.Range = Late, "still says "+string(realm.NameSpaceType), realmDelay
		return l
	}
	a := st.app(p)
	own := provider("", realm.AuthURL) == jumpCloud // perhaps by an application that was
	if o := st.rotation(p).second; o != nil && sameEndpoint(realm.AuthURL, o.SSOURL) && realm.Protocol != aad.RealmWSTrust {
		l.Status, l.Range, l.works = Late, realmDelay, true
		l.Evidence = "still sends people to the other application of the rotation, " + o.SSOURL
		return l
	}
	switch {
	case realm.AuthURL == "":
		l.Status, l.Evidence = Unseen, "says federated, but not where it sends people"
		return l
	case a != nil && sameEndpoint(realm.AuthURL, a.SSOURL) && realm.Protocol != aad.RealmWSTrust:
		l.Status, l.Evidence = Good, "sends people to "+a.SSOURL
		return l
	case a != nil && sameEndpoint(realm.AuthURL, a.SSOURL):
		l.Evidence = "sends people to " + a.SSOURL + ", but with WS-Trust instead of SAML"
	case own:
		l.Evidence = "sends people to another JumpCloud application, " + endpoint(realm.AuthURL)
	default:
		l.Evidence = "sends people to " + provider("", realm.AuthURL) + " instead of JumpCloud"
	}
	l.Status = Wrong
	for _, c := range missing {
		if c.ofFederation() {
			return l
		}
	}
	if a != nil && (own || p.Consent.TakeOver) {
		// Graph has the plan's values, and what the endpoint shows is what was
		// before them.
		l.Status, l.Evidence, l.Range = Late, "still "+l.Evidence, realmDelay
	}
	return l
}

func (f *Federator) layerPeople(ctx context.Context, p Plan, st *observation) (Layer, error) {
	l := Layer{Name: LayerPeople, Status: Good}
	people, err := f.people(ctx, newAudience(p, st))
	if err != nil {
		return l, err
	}
	l.Evidence = people.Counts.Summary()
	unable := append(people.LockedOut(), people.AlreadyOut()...)
	if bad, _ := p.Consent.LockOut.apply(unable); len(bad) > 0 {
		l.Status = Wrong
		l.Evidence += "; " + count(bad) + " cannot sign in: " + whoAll(bad)
	}
	return l, nil
}
