package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

	// LayerSignIn: real sign-ins since the change, as both services have logged them. It
	// is there only with [Options.SignInLog], and Wait does not look at it, as whether
	// anybody signs in is up to people.
	//
	// It is Good once a sign-in through JumpCloud has succeeded, whatever failed before
	// it. It is Unseen as long as none is seen, or a log cannot be read; that says
	// nothing of the federation, and keeps [Verification.Effective] from nothing. So is
	// what failed for a reason of one or two people's own, such as an immutable ID, or of
	// those who are known not to get in.
	// While nobody has succeeded, it is Wrong if everything was refused for reasons that
	// hold for all, such as issuer or signature, or at least three people for the same
	// reason; and it is again once three people were refused for one that holds for all
	// after the last success. Late it is instead of the former, while the realm is, and in
	// the first 20 minutes; what was refused for such a reason in those counts for nothing
	// later.
	LayerSignIn = "sign-in"
)

// Published ranges of the delay between the change and its effect: JumpCloud
// says up to 20 minutes; Microsoft up to 2 hours, and up to 24 for a domain that
// was converted.
const (
	realmDelay  = "usually within 20 minutes, up to 2 hours, at worst 24"
	longestWait = 24 * time.Hour
)

// askAgain is how long nothing new is to be expected.
const askAgain = 5 * time.Minute

// A Layer is one thing that was verified.
type Layer struct {
	Name     string      `json:"name"`
	Status   LayerStatus `json:"status"`
	Evidence string      `json:"evidence"`
	Checked  time.Time   `json:"checked"`
	// Range is the published delay of a layer that is late.
	Range string `json:"range,omitempty"`
	// Works says of a layer that is late that people can sign in all the same: while the
	// realm endpoint still names the other of the two applications of a rotation.
	Works bool `json:"works,omitempty"`
}

// hinders reports whether the layer keeps people from signing in, as far as is known.
func (l *Layer) hinders() bool {
	switch {
	case l.Status == Good, l.Status == Late && l.Works:
		return false
	}
	return l.Name != LayerSignIn || l.Status == Wrong
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

	// Looks is how many looks there were in a row, this one included, and WrongLooks how
	// many of them in a row, to this one, found something wrong. See
	// [Federator.VerifyAgain].
	Looks      int `json:"looks,omitempty"`
	WrongLooks int `json:"wrongLooks,omitempty"`

	// SignInURL is where the realm endpoint is to send people, OtherSignInURL that of the
	// other application of a rotation, as long as that lets people in as well: it is
	// active, and Azure AD accepts its certificate. Empty: there is none.
	SignInURL      string `json:"signInURL,omitempty"`
	OtherSignInURL string `json:"otherSignInURL,omitempty"`

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
// applications, and both let people in, that layer is late: see Works of [Layer]. That no
// sign-in was seen yet does not keep anybody from one either.
//
// It needs nothing but the layers, so a Verification that was read back from JSON says
// the same.
func (v *Verification) Effective() bool {
	return !slices.ContainsFunc(v.Layers, func(l Layer) bool { return l.hinders() })
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
	v, st, err := f.verify(ctx, plan, true)
	if err != nil {
		return nil, err
	}
	if err := f.addSignIns(ctx, plan, v, st); err != nil {
		return nil, err
	}
	return v, nil
}

// addSignIns adds the layer of real sign-ins, if the caller allows to look at them.
func (f *Federator) addSignIns(ctx context.Context, plan Plan, v *Verification, st *observation) error {
	if f.opts.SignInLog == nil || st.domain(plan.Domain) == nil {
		return nil
	}
	l, seen, err := f.layerSignIn(ctx, plan, st, v.layer(LayerRealm))
	if err != nil {
		return reading(PhaseCheck, err)
	}
	l.Checked = f.now()
	v.Layers, v.SignIns = append(v.Layers, l), seen
	switch {
	case l.Status == Wrong:
		v.AskAgain = 0
	case l.Status == Late && !v.Wrong():
		v.AskAgain = cmp.Or(v.AskAgain, askAgain)
	}
	return nil
}

// layer returns a layer, nil if there is no such one.
func (v *Verification) layer(name string) *Layer {
	i := slices.IndexFunc(v.Layers, func(l Layer) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &v.Layers[i]
}

// verify looks at everything; at people only if it is asked to.
func (f *Federator) verify(ctx context.Context, plan Plan, everybody bool) (*Verification, *observation, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: plan.Domain, Text: "verifying"})
	var st observation
	var realm *aad.Realm
	var realmErr error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
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
	if a := st.app(plan); a != nil {
		v.SignInURL = a.SSOURL
	}
	if o := st.rotation(plan).second; o != nil && o.Active {
		if c, err := o.Certificate(); err == nil && holds(st.fed, c) {
			v.OtherSignInURL = o.SSOURL
		}
	}
	v.Looks = 1
	v.Layers = []Layer{
		st.layerApplication(plan, v.Repair),
		st.layerCertificate(plan, now),
		st.layerGraph(plan, v.Repair),
		v.layerRealm(plan, realm, realmErr),
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
		v.AskAgain = askAgain
	}
	if v.Wrong() {
		v.WrongLooks = 1
	}
	return v, &st, nil
}
