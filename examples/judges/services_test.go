package judges_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/crewjam/saml"

	"github.com/jcaad/jcaad/certs"
)

// services are foreign service providers, in the place of Azure AD. Each says whom a
// message names, or why it is refused; solicited, the message answers the request.
// Their words for what is wrong are there to tell one refusal from another.
var services = []struct {
	name  string
	judge func(t *testing.T, message []byte, cert certs.Cert, solicited bool) (nameID, refused string)
	says  map[string]string
	finds bool // it looks for the signed element in the whole document
}{
	{"crewjam", byCrewjam, map[string]string{
		"expired": "expired", "early": "in the future", "audience": "AudienceRestriction", "signature": "ignature",
	}, false},
	{"node-saml", byNodeSAML, map[string]string{
		"expired": "expired", "early": "not yet valid", "audience": "audience mismatch", "signature": "Invalid signature",
	}, false},
	{"samlify", bySamlify, map[string]string{
		"expired": "ERR_SUBJECT_UNCONFIRMED", "early": "ERR_SUBJECT_UNCONFIRMED", "audience": "ERR_AUDIENCE", "signature": "SIGNATURE",
	}, true},
}

// provider is what Azure AD would know of the stand-in of JumpCloud.
func provider(cert certs.Cert) *saml.EntityDescriptor {
	info := saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: cert.Base64()}}}}
	return &saml.EntityDescriptor{EntityID: fakeIssuer, IDPSSODescriptors: []saml.IDPSSODescriptor{{SSODescriptor: saml.SSODescriptor{
		RoleDescriptor: saml.RoleDescriptor{KeyDescriptors: []saml.KeyDescriptor{{Use: "signing", KeyInfo: info}}}}}}}
}

func byCrewjam(t *testing.T, message []byte, cert certs.Cert, solicited bool) (nameID, refused string) {
	t.Helper()
	acs, err := url.Parse(loginSRF)
	if err != nil {
		t.Fatal(err)
	}
	sp := saml.ServiceProvider{EntityID: online, AcsURL: *acs, IDPMetadata: provider(cert), AllowIDPInitiated: !solicited}
	var ids []string
	if solicited {
		ids = []string{requestID}
	}
	a, err := sp.ParseXMLResponse(message, ids, *acs)
	if err != nil {
		var invalid *saml.InvalidResponseError
		if errors.As(err, &invalid) {
			err = invalid.PrivateErr
		}
		return "", err.Error()
	}
	return a.Subject.NameID.Value, ""
}

func byNodeSAML(t *testing.T, message []byte, cert certs.Cert, solicited bool) (nameID, refused string) {
	t.Helper()
	a := node(t, "validate", map[string]any{"message": message, "certificate": string(cert.PEM())})
	if a.Error == "" && (solicited && a.InResponseTo != requestID || !solicited && a.InResponseTo != "" || a.Issuer != fakeIssuer) {
		t.Errorf("it is read as %+v", a)
	}
	return a.NameID, a.Error
}

func bySamlify(t *testing.T, message []byte, cert certs.Cert, _ bool) (nameID, refused string) {
	t.Helper()
	a := node(t, "parse", map[string]any{"message": message, "certificate": string(cert.PEM()), "issuer": fakeIssuer})
	if a.Error == "" && a.Audience != online {
		return a.NameID, "ERR_AUDIENCE: samlify leaves it to its user to compare " + a.Audience
	}
	if strings.HasPrefix(a.Error, "invalid signature: ") { // xml-crypto's own words
		a.Error = "SIGNATURE"
	}
	return a.NameID, a.Error
}
