package federation

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// Codes of findings of a rotation.
const (
	CodePlanRotation   Code = "plan-rotation"
	CodeRotation       Code = "rotation"
	CodeRotationKey    Code = "rotation-key"
	CodeRotationBroken Code = "rotation-broken"
	CodeRotationGap    Code = "rotation-gap"
	CodeSessions       Code = "sessions"
)

// Bounds of a plan.
const (
	leastSettle   = 20 * time.Minute
	usualSettle   = 2 * time.Hour
	youngSettle   = 24 * time.Hour // of an application that is younger than that
	usualWithin   = 60 * 24 * time.Hour
	leastLifetime = 90 * 24 * time.Hour
	leastBits     = 2048
	mostBits      = 4096
	keyFreshFor   = 30 * 24 * time.Hour // a stored pair that nobody knows of is used so long
)

var fingerprintForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// fingerprint is the one spelling of a SHA-256 fingerprint, as [certs.Cert] has it.
func fingerprint(s string) string {
	return strings.ToLower(strings.NewReplacer(":", "", " ", "", "\t", "", "\n", "", "-", "").Replace(s))
}

// normalize returns the plan with its defaults, but for Settle, whose default depends
// on what is found.
func (p RotatePlan) normalize() (RotatePlan, error) {
	plan, err := p.Plan.normalize()
	if err != nil {
		return p, err
	}
	p.Plan = plan
	p.Method = cmp.Or(p.Method, OwnKeyPair)
	p.Within = cmp.Or(p.Within, usualWithin)
	p.Key.Bits = cmp.Or(p.Key.Bits, mostBits)
	var ps findings
	bad := func(field, message, repair string) { ps.refuse(CodePlanRotation, field, message, repair) }
	fingerprints := func(field, value string) string {
		f := fingerprint(value)
		if value != "" && !fingerprintForm.MatchString(f) {
			bad(field, field+" is "+quote(plain(value))+", which is no SHA-256 fingerprint",
				"give the 64 hexadecimal digits that Inspect, Watch or openssl x509 -fingerprint -sha256 show")
		}
		return f
	}
	p.Replace, p.Approve = fingerprints("replace", p.Replace), fingerprints("approve", p.Approve)
	switch p.Method {
	case OwnKeyPair:
	case SecondApplication, Regenerate, Emergency:
		if p.Replace == "" {
			bad("replace", "the method "+string(p.Method)+
				" needs to know which certificate is to be replaced, so that it never replaces the new one",
				"set replace to the fingerprint of the certificate that JumpCloud signs with now")
		}
	default:
		bad("method", "there is no method "+quote(plain(string(p.Method))),
			"choose own-key-pair, second-application, regenerate or emergency")
	}
	switch {
	case p.Settle < 0 || p.Settle > 0 && p.Settle < leastSettle:
		bad("settle", fmt.Sprintf("settle is %v, and changes need longer to reach every node", p.Settle),
			"set it to 20 minutes or more, or leave it out for 2 hours")
	case p.Settle > 7*24*time.Hour:
		bad("settle", fmt.Sprintf("settle is %v, in which nothing is waited for any more", p.Settle), "set it to a week or less")
	}
	if p.Within < 0 {
		bad("within", fmt.Sprintf("within is %v", p.Within), "give how long before its end a certificate is to be replaced")
	}
	if p.Key.Bits < leastBits || p.Key.Bits > mostBits {
		bad("key.bits", fmt.Sprintf("a key of %d bits is asked for", p.Key.Bits), "choose 2048 to 4096")
	}
	if l := p.Key.Lifetime; l != 0 && (l < leastLifetime || l > 10*366*24*time.Hour) {
		bad("key.lifetime", fmt.Sprintf("a certificate that lives for %d days is asked for", l/(24*time.Hour)), "choose 90 days to 10 years")
	}
	only := func(set bool, field string, methods ...RotateMethod) {
		for _, m := range methods {
			set = set && p.Method != m
		}
		if set {
			bad(field, field+" is nothing that the method "+string(p.Method)+" knows", "leave it out, or choose another method")
		}
	}
	only(p.Pilot || p.Approve != "", "pilot", SecondApplication)
	only(p.DeleteOld, "deleteOld", SecondApplication)
	only(p.RevokeSessions, "revokeSessions", Emergency)
	only(p.Cancel, "cancel", OwnKeyPair, SecondApplication)
	if p.Cancel && p.DeleteOld {
		bad("cancel", "the rotation is to be led back, and the first application to be deleted", "choose one of cancel and deleteOld")
	}
	return p, ps.err()
}

// lifetime is when a certificate that is made now begins and ends to be valid: from an
// hour ago, because clocks differ.
func (k RotateKey) lifetime(now time.Time) certs.Lifetime {
	from := now.Add(-time.Hour)
	to := from.AddDate(5, 0, 0)
	if k.Lifetime != 0 {
		to = from.Add(k.Lifetime)
		if most := from.AddDate(10, 0, 0); to.After(most) {
			to = most
		}
	}
	return certs.Lifetime{NotBefore: from, NotAfter: to}
}

// settle is how long is waited.
func (p RotatePlan) settle(young bool) time.Duration {
	switch {
	case p.Settle != 0:
		return p.Settle
	case young:
		return youngSettle
	}
	return usualSettle
}

// check says what speaks against a rotation that the call was handed.
func (r *Rotation) check(p RotatePlan) error {
	switch {
	case r == nil:
		return nil
	case r.Version > rotationVersion || r.Version < 1:
		var ps findings
		ps.refuse(CodePlanRotation, r.Domain, fmt.Sprintf("the rotation has version %d, this package reads up to %d", r.Version, rotationVersion),
			"use the newer version of this program that has written it, or hand over nothing, which waits longer")
		return ps.err()
	case domainName(r.Domain) != p.Plan.Domain:
		var ps findings
		ps.refuse(CodePlanRotation, r.Domain, "the rotation is of "+quote(plain(r.Domain))+", and the plan of "+p.Plan.Domain,
			"hand over the rotation that the last call for "+p.Plan.Domain+" returned, or nothing, which waits longer")
		return ps.err()
	}
	if r.Method == Emergency && p.Method != Emergency && !r.Complete && r.Phase != RotationIdle {
		var ps findings
		ps.refuse(CodePlanRotation, r.Domain, "an emergency of "+p.Plan.Domain+" is under way ("+string(r.Phase)+
			"), and what it still has to do would be forgotten",
			"call Rotate with the method emergency until it is done; or hand over nothing, to give that up")
		return ps.err()
	}
	return nil
}
