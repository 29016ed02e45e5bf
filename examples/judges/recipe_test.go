package judges_test

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"sync"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

const (
	online     = "urn:federation:MicrosoftOnline"
	loginSRF   = "https://login.microsoftonline.com/login.srf"
	idpIssuer  = "https://sso.example.com/saml2/example.com"
	annID      = "5f1b2c3d4e5f60718293a4b5"
	annUPN     = "ann@example.com"
	persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	password   = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	multiple   = "http://schemas.microsoft.com/claims/multipleauthn"
	requestID  = "_3f2504e0-4f89-11d3-9a0c-0305e82c3301"
)

// pairs are keys with their certificates: the realm's two, a stranger's, and one for
// encryption.
var pairs = sync.OnceValue(func() (p struct{ current, next, foreign, service *certs.KeyPair }) {
	for i, at := range []**certs.KeyPair{&p.current, &p.next, &p.foreign, &p.service} {
		pair, err := certs.NewKeyPair(pkix.Name{CommonName: "sso" + string(rune('0'+i)) + ".example.com"},
			certs.Lifetime{NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(2, 0, 0)}, 2048)
		if err != nil {
			panic(err)
		}
		*at = pair
	}
	return p
})

func signer(tb testing.TB, p *certs.KeyPair) *rsa.PrivateKey {
	tb.Helper()
	block, _ := pem.Decode(p.PrivateKeyPEM())
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			tb.Fatal(err)
		}
	}
	return key.(*rsa.PrivateKey)
}

// recipe is how an identity provider is set up to answer Azure AD.
type recipe struct {
	issuer, audience, destination string
	nameID, format, class, email  string
	method                        string // of the signature
	signs                         string // "both", "assertion", "response" or "none"
	by                            *certs.KeyPair
	at                            time.Time
	unsolicited, encrypted        bool
}

// facts is a recipe that follows what is known of working set-ups.
func facts() recipe {
	return recipe{
		issuer: idpIssuer, audience: online, destination: loginSRF, nameID: annID, format: persistent, class: password, email: annUPN,
		method: dsig.RSASHA256SignatureMethod, signs: "assertion", by: pairs().current, at: time.Now(),
	}
}

// tenant is the one in which Ann signs in by such an answer.
func tenant(issuer string, current, next certs.Cert, immutableID string) signin.Tenant {
	return signin.Tenant{
		Domains: []signin.Domain{
			{Name: "example.com", Root: "example.com", Federation: &aad.Federation{IssuerURI: issuer, Protocol: aad.SAML,
				MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: current, NextSigningCertificate: next}},
		},
		Policy: &aad.TokenValidationPolicy{RootDomains: aad.AllDomains},
		User:   signin.Users(&aad.User{ID: "1", UserPrincipalName: annUPN, ImmutableID: immutableID}),
	}
}

// verdict is the short form of a verdict: what, code, and the topics of the checks that
// decide it; of a yes those that are doubtful.
func verdict(v *signin.Verdict) string {
	s := v.Accepted.String()
	if v.Code != "" {
		s += " " + v.Code[len("AADSTS"):]
	}
	decides := map[signin.Answer]signin.Result{
		signin.No: signin.Bad, signin.CannotSay: signin.Unknown, signin.Yes: signin.Doubtful,
	}[v.Accepted]
	last := ""
	for _, c := range v.Checks {
		if this := string(c.Topic) + " " + c.Result.String(); c.Result == decides && this != last {
			s += ", " + this
			last = this
		}
	}
	if v.Attack != "" {
		s += ", attack"
	}
	return s
}

// found are the checks that are not good, in words.
func found(v *signin.Verdict) string {
	s := ""
	for _, c := range v.Checks {
		if c.Result != signin.Good {
			s += "\n\t" + string(c.Topic) + " " + c.Result.String() + ": " + c.Found
		}
	}
	return s
}
