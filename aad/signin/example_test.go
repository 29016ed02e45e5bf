package signin_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// The form data of the POST to login.srf, as the browser's developer tools show
// it, is judged against what Azure AD holds.
func ExampleJudge() {
	form := "SAMLResponse=" + url.QueryEscape(base64.StdEncoding.EncodeToString(maker{xml: response}.make(new(testing.B)))) + "&RelayState=x"
	tenant := signin.Tenant{
		Domains: []signin.Domain{{Name: "example.com", Root: "example.com", Federation: &aad.Federation{
			IssuerURI:          "https://sso.example.com/saml2/example.com/", // one character too many
			Protocol:           aad.SAML,
			MFA:                aad.AcceptIfMFADoneByFederatedIdP,
			SigningCertificate: keys().current.cert,
		}}},
		User: signin.Users(&aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "5f1b2c3d4e5f60718293a4b5"}),
	}
	v := signin.Judge([]byte(form), tenant, time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC))
	fmt.Println(v.Accepted, v.Code)
	c := v.First(signin.Bad)
	fmt.Println("topic: ", c.Topic)
	fmt.Println("found: ", c.Found)
	fmt.Println("want:  ", c.Want)

	tenant.Domains[0].Federation.IssuerURI = "https://sso.example.com/saml2/example.com"
	v = signin.Judge([]byte(form), tenant, time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC))
	fmt.Println(v.Accepted, v.User.UserPrincipalName)
	// Output:
	// no AADSTS50107
	// topic:  realm
	// found:  the issuer "https://sso.example.com/saml2/example.com"
	// want:   "https://sso.example.com/saml2/example.com/", character for character
	// yes ann@example.com
}

func ExampleExplain() {
	page := `Sorry, but we're having trouble signing you in.
AADSTS51004: The user account 5f1b2c3d4e5f60718293a4b5 does not exist in the 3c1d… directory.`
	for _, e := range signin.Explain(page) {
		fmt.Println(e.Code + ": " + e.Meaning)
		for _, c := range e.Causes {
			fmt.Println("-", c)
		}
		fmt.Println("Repair:", e.Repair)
	}
	// Output:
	// AADSTS51004: no user of the directory has the value that the provider sent as NameID: the message quotes it
	// - the user has no immutable ID, or another one
	// - the provider sends another value, such as the e-mail address
	// - it differs in upper and lower case
	// - the user does not exist
	// Repair: compare the value in the message with the user's onPremisesImmutableId, byte for byte, and set or map it
}

func ExampleMessages() {
	found, err := signin.Messages([]byte("SAMLResponse=PHNhbWxwOlJlc3BvbnNlLz4%3D&RelayState=x"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range found {
		fmt.Printf("%s: %s\n", m.Field, m.XML)
	}
	// Output:
	// SAMLResponse: <samlp:Response/>
}

// A tenant that was written down, with the shapes that Graph gives.
func ExampleTenant_UnmarshalJSON() {
	var t signin.Tenant
	err := json.Unmarshal([]byte(`{
		"domains": [{"name": "example.com", "root": "example.com", "federation": {
			"issuerUri": "https://sso.example.com/saml2/example.com", "preferredAuthenticationProtocol": "saml"}}],
		"policy": {"validatingDomains": {"rootDomains": "allFederated"}},
		"users": [{"userPrincipalName": "ann@example.com", "onPremisesImmutableId": "5f1b2c3d4e5f60718293a4b5"}],
		"mfa": "yes"
	}`), &t)
	user, _ := t.User("5f1b2c3d4e5f60718293a4b5")
	fmt.Println(err, t.Domains[0].Federation.Protocol, t.Policy.RootDomains, t.MFA, user.UserPrincipalName)
	// Output: <nil> saml allFederated yes ann@example.com
}
