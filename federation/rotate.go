package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// RotateMethod is a way to replace the certificate that JumpCloud signs with.
type RotateMethod string

const (
	// OwnKeyPair, the default, makes a key pair, has Azure AD accept its certificate,
	// and gives it to the application then. It has no gap. It needs [Options.Keys].
	OwnKeyPair RotateMethod = "own-key-pair"
	// SecondApplication makes a second application, which has a pair of its own, and
	// sends people there once Azure AD accepts that. It has no gap, needs no key, and
	// can be led back.
	SecondApplication RotateMethod = "second-application"
	// Regenerate has JumpCloud make a new pair, and tells Azure AD at once. It has a
	// gap, for which the plan must consent.
	Regenerate RotateMethod = "regenerate"
	// Emergency answers a stolen key: Azure AD stops accepting the old certificate
	// before anything else. It is an outage, for which the plan must consent.
	Emergency RotateMethod = "emergency"
)

// RotationPhase is how far a rotation has come, as both services show it.
type RotationPhase string

// The phases of every method, then those of some.
const (
	RotationIdle      RotationPhase = "idle"      // nothing is under way
	RotationSaved     RotationPhase = "saved"     // a pair is stored, and nobody knows of it
	RotationPublished RotationPhase = "published" // Azure AD accepts the new certificate as well
	RotationSwitched  RotationPhase = "switched"  // JumpCloud signs with the new one, Azure AD has it second
	RotationSwapped   RotationPhase = "swapped"   // Azure AD has the new one first and the old one second
	RotationRetired   RotationPhase = "retired"   // Azure AD accepts the old one no more

	RotationCreated    RotationPhase = "created"    // second application: Azure AD accepts its certificate
	RotationActivated  RotationPhase = "activated"  // it is active, and nobody sees it
	RotationPilot      RotationPhase = "pilot"      // one person tries it
	RotationBound      RotationPhase = "bound"      // everybody who may use the first one may use it
	RotationRedirected RotationPhase = "redirected" // people are sent to it
	// The first one is inactive, and its certificate accepted still; then it is retired.
	RotationDeactivated RotationPhase = "deactivated"
	RotationClosed      RotationPhase = "closed"

	RotationReactivated RotationPhase = "reactivated" // led back: the first application is active again
	RotationReturning   RotationPhase = "returning"   // people are sent to it again; who sees which tile is as it was
	RotationReturned    RotationPhase = "returned"    // and nobody sees the second
	RotationWithdrawn   RotationPhase = "withdrawn"   // the second is inactive, its certificate accepted still

	RotationRegenerated RotationPhase = "regenerated" // JumpCloud has made a new pair, which Azure AD accepts
	RotationExpelled    RotationPhase = "expelled"    // emergency: Azure AD accepts the old one no more
	RotationRevoked     RotationPhase = "revoked"     // and people's sessions have ended

	RotationCancelled RotationPhase = "cancelled" // led back by Cancel
	RotationBroken    RotationPhase = "broken"    // Azure AD accepts nothing that JumpCloud signs
	RotationForeign   RotationPhase = "foreign"   // Azure AD accepts a second certificate that nobody here knows
)

// A RotatePlan says how the certificate of a federated domain is to be replaced. It is
// plain data without secrets. Each call of one rotation is given the same.
type RotatePlan struct {
	// Plan is the plan that the domain was federated with. What it says besides the
	// domain and the application is looked at by no rotation.
	Plan Plan `json:"plan" yaml:"plan"`
	// Method is [OwnKeyPair] if it is left out.
	Method RotateMethod `json:"method,omitempty" yaml:"method,omitempty"`
	// Replace is the SHA-256 fingerprint of the certificate to be replaced, in
	// hexadecimal. Only OwnKeyPair may leave it out: what is due is replaced then.
	Replace string `json:"replace,omitempty" yaml:"replace,omitempty"`
	// Within is how long before its end a certificate is due. The default is 60 days.
	Within time.Duration `json:"within,omitempty" yaml:"within,omitempty"`
	// Settle is how long a change of either service may take to reach every one of its
	// nodes. The default is 2 hours, 24 if the application is younger than a day;
	// below 20 minutes it is refused.
	Settle time.Duration `json:"settle,omitempty" yaml:"settle,omitempty"`
	// Key tells what key is made, by OwnKeyPair and Emergency.
	Key RotateKey `json:"key,omitzero" yaml:"key,omitempty"`
	// Pilot, of SecondApplication, stops before anybody is sent to the second
	// application, until Approve names its certificate.
	Pilot bool `json:"pilot,omitempty" yaml:"pilot,omitempty"`
	// Approve is the fingerprint of the new certificate, with which somebody has
	// signed in.
	Approve string `json:"approve,omitempty" yaml:"approve,omitempty"`
	// Cancel leads the rotation back, as far as that is still possible.
	Cancel bool `json:"cancel,omitempty" yaml:"cancel,omitempty"`
	// RevokeSessions, of Emergency, signs out everybody on the domain, twice.
	RevokeSessions bool `json:"revokeSessions,omitempty" yaml:"revokeSessions,omitempty"`
	// DeleteOld, of SecondApplication, deletes the first application in a call after
	// the one that has closed it.
	DeleteOld bool `json:"deleteOld,omitempty" yaml:"deleteOld,omitempty"`
	// Consent names what the rotation may do that is not harmless.
	Consent RotateConsent `json:"consent,omitzero" yaml:"consent,omitempty"`
}

// RotateKey tells what key is made.
type RotateKey struct {
	Bits     int           `json:"bits,omitempty" yaml:"bits,omitempty"`         // 2048 to 4096; 0 is 4096
	Lifetime time.Duration `json:"lifetime,omitempty" yaml:"lifetime,omitempty"` // 90 days to 10 years; 0 is 5 years
}

// RotateConsent names the dangerous things that a rotation may do.
type RotateConsent struct {
	// Gap is for Regenerate, and for a mend that has to make a new pair: sign-ins fail
	// until the new certificate has reached every node of Azure AD.
	Gap bool `json:"gap,omitempty" yaml:"gap,omitempty"`
	// Outage is for Emergency: failed sign-ins until all has spread, whatever stands in
	// the second slot overwritten, no waits. Not sign-outs, not other domains.
	Outage bool `json:"outage,omitempty" yaml:"outage,omitempty"`
	// RemoveNextCertificate allows overwriting a second certificate that is not ours.
	RemoveNextCertificate bool `json:"removeNextCertificate,omitempty" yaml:"removeNextCertificate,omitempty"`
	// Policies is for SecondApplication: JumpCloud's authentication policies for the
	// first application cannot be read here, and have been extended to the second.
	Policies bool `json:"policies,omitempty" yaml:"policies,omitempty"`
	// NoBreakGlass allows going on although no administrator could sign in if
	// JumpCloud were down.
	NoBreakGlass bool `json:"noBreakGlass,omitempty" yaml:"noBreakGlass,omitempty"`
}

// A KeyStore keeps the pair of a rotation between its calls, one for each domain. Only
// [Federator.Rotate] saves. Neither method is called for one domain by two calls of one
// Federator at once.
type KeyStore interface {
	// Save returns only when the pair is safe: what was stored for the domain is
	// replaced by it.
	Save(ctx context.Context, domain string, key *certs.KeyPair) error
	// Load returns what was saved last. [ErrNoKey] is normal; another error ends the
	// call before it writes.
	Load(ctx context.Context, domain string) (*certs.KeyPair, error)
}

// ErrNoKey is what a [KeyStore] returns, perhaps wrapped, that has no pair for a domain.
var ErrNoKey = errors.New("no key pair is stored for the domain")

// A Certificate names a certificate in a [Rotation].
type Certificate struct {
	Thumbprint  string    `json:"thumbprint"`  // SHA-1, as both consoles show it
	Fingerprint string    `json:"fingerprint"` // SHA-256, as a [RotatePlan] names it
	Expires     time.Time `json:"expires"`
	// Key is the SHA-256 of its public key, which two certificates can share.
	Key string `json:"key,omitempty"`
}

// A Rotation says how far a rotation has come and what the next call will do. It holds
// no secret. Store it, and hand it to the next call: without it that waits longer, and
// is as safe.
type Rotation struct {
	Version int           `json:"version"`
	Domain  string        `json:"domain"`
	Method  RotateMethod  `json:"method"`
	Phase   RotationPhase `json:"phase"`
	// Old is the certificate that is replaced, New the one in its place, as far as
	// they are known.
	Old Certificate `json:"old,omitzero"`
	New Certificate `json:"new,omitzero"`
	// OldApplication and NewApplication are the IDs of the two applications of a
	// SecondApplication; of the other methods both are the domain's.
	OldApplication string `json:"oldApplication,omitempty"`
	NewApplication string `json:"newApplication,omitempty"`
	// Plan is the plan to keep from now on: after a SecondApplication it names another
	// application.
	Plan Plan `json:"plan"`
	// Next says in a sentence what the next call will do, or what a person has to.
	Next string `json:"next"`
	// NotBefore is when it makes sense to call again; zero: at once, or no more. A call
	// before it reads, and writes nothing.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Steps are the changes of all calls of this rotation, in their order.
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings,omitempty"`
	Error    string    `json:"error,omitempty"`
	// Complete is what [Rotation.Done] returns.
	Complete bool `json:"complete,omitempty"`
	// Expelled are the public keys, as in [Certificate].Key, that emergencies have taken
	// out of Azure AD: none of them is ever written there again.
	Expelled []string `json:"expelled,omitempty"`
	// Sessions is how far the sign-out of an emergency has come.
	Sessions *SessionsRevoked `json:"sessions,omitempty"`
}

// SessionsRevoked is how far the sign-out of everybody on the domain has come, which is
// made twice: at once, and when the old certificate is out of every node of Azure AD.
type SessionsRevoked struct {
	Round   int       `json:"round"`             // 1 or 2: the one under way, or the last that is done
	After   string    `json:"after,omitempty"`   // the user principal name that came last; "" between two rounds
	First   time.Time `json:"first,omitzero"`    // when the first was done
	Second  time.Time `json:"second,omitzero"`   // when the second was done
	People  int       `json:"people"`            // how many were signed out in the last round
	Refused []string  `json:"refused,omitempty"` // whom the service refused to sign out
	// Again are those whom it failed to sign out: they are tried once more by the next
	// call, Tries times so far.
	Again []string `json:"again,omitempty"`
	Tries int      `json:"tries,omitempty"`
}

const rotationVersion = 1

// Done reports whether nothing is left to be done: the rotation is complete, or none was
// due. A nil Rotation is not.
func (r *Rotation) Done() bool { return r != nil && r.Complete }

// ParseRotation reads back what json.Marshal made of a [Rotation]. An error says that it
// is none, or one of a newer version of this package.
func ParseRotation(b []byte) (*Rotation, error) {
	var r Rotation
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("federation: this is no rotation: %w", err)
	}
	switch {
	case r.Version == 0 || r.Domain == "" || r.Phase == "":
		return nil, errors.New("federation: this is no rotation: it has no version, no domain or no phase")
	case r.Version > rotationVersion:
		return nil, fmt.Errorf("federation: the rotation has version %d, this package reads up to %d: use a newer one", r.Version,
			rotationVersion)
	}
	return &r, nil
}

// newCertificate names a certificate; the zero one for none.
func newCertificate(c certs.Cert) Certificate {
	if c.IsZero() {
		return Certificate{}
	}
	return Certificate{Thumbprint: c.Thumbprint(), Fingerprint: c.Fingerprint(), Expires: ends(c), Key: keyOf(c)}
}

// is reports whether it names this certificate.
func (c Certificate) is(d certs.Cert) bool {
	return !d.IsZero() && c.Fingerprint != "" && c.Fingerprint == d.Fingerprint()
}

// String names it for people.
func (c Certificate) String() string {
	if c.Fingerprint == "" {
		return "(none)"
	}
	return c.Thumbprint + ", valid until " + c.Expires.UTC().Format("2006-01-02")
}
