package assumptions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// ad is a turn of a quirk of Azure AD.
func ad(name, shows string, f func(*aadtest.Quirks)) turn {
	return turn{"aadtest.Quirks." + name, func(b *bench) { f(&b.AzureAD.Quirks) }, shows}
}

// adThrottled is Graph that refuses the second request of three seconds.
func adThrottled(shows string, style aadtest.RetryAfterStyle) turn {
	return turn{"aadtest.Throttle.Style", func(b *bench) {
		b.AzureAD.Throttle = &aadtest.Throttle{Rate: 0.4, Burst: 1, Style: style}
	}, shows}
}

var azureADTrials = map[string]trial{
	"aad-update-answer": {updates, `200 of "New", which it is`, []turn{
		ad("UpdateStatus", `204 of "", which it is`, func(q *aadtest.Quirks) { q.UpdateStatus = http.StatusNoContent }),
		ad("UpdateReplies500", `500 of "", which it is`, func(q *aadtest.Quirks) { q.UpdateReplies500 = 1 }),
	}},
	"aad-half-state": {creates, "201, Federated, read by 200, back by 204, Managed; 500, Federated, read by 404, back by 204, Managed", []turn{
		ad("HalfState", "500, Federated, read by 404, back by 204, Managed; 500, Federated, read by 404, back by 204, Managed",
			func(q *aadtest.Quirks) { q.HalfState = 1 }),
	}},
	"aad-issuer-in-use": {takesIssuer, "409", []turn{
		ad("SharedIssuerIs400", "400 that says in use", func(q *aadtest.Quirks) { q.SharedIssuerIs400 = true }),
	}},
	"aad-clear-certificate": {clearsCertificate, "200, cleared", []turn{
		ad("RefuseNullCertificate", "400, kept", func(q *aadtest.Quirks) { q.RefuseNullCertificate = true }),
		ad("IgnoreNullCertificate", "200, kept", func(q *aadtest.Quirks) { q.IgnoreNullCertificate = true }),
	}},
	"aad-clear-others": {clearsOthers, `200, left "" and ""`, []turn{
		ad("RefuseCleared", `400, left "https://adfs.example/mex" and "disabled"`, func(q *aadtest.Quirks) { q.RefuseCleared = true }),
		ad("KeepCleared", `200, left "https://adfs.example/mex" and "disabled"`, func(q *aadtest.Quirks) { q.KeepCleared = true }),
	}},
	"aad-domain-write": {writesAsDomain, "update 200, deletion 204, creation 201", []turn{
		ad("DomainWriteIsNotEnough", "update 200, deletion 403, creation 403", func(q *aadtest.Quirks) { q.DomainWriteIsNotEnough = true }),
		ad("DomainWriteMayNotUpdate", "update 403, deletion 204, creation 201", func(q *aadtest.Quirks) { q.DomainWriteMayNotUpdate = true }),
	}},
	"aad-immutable-id-write": {setsImmutableIDs, "204; after its owner was deleted 204", []turn{
		ad("ImmutableIDFixedWhenFederated", "400; after its owner was deleted 400", func(q *aadtest.Quirks) { q.ImmutableIDFixedWhenFederated = true }),
		ad("DeletedKeepImmutableIDs", "204; after its owner was deleted 400", func(q *aadtest.Quirks) { q.DeletedKeepImmutableIDs = true }),
	}},
	"aad-read-lag": {waits, "after five minutes: list new, one new", []turn{
		{"aadtest.Server.ListLag", func(b *bench) { b.AzureAD.ListLag = aadtest.Lag{For: time.Hour} }, "after five minutes: list old, one new"},
		{"aadtest.Server.GetLag", func(b *bench) { b.AzureAD.GetLag = aadtest.Lag{For: time.Hour} }, "after five minutes: list new, one old"},
		{"aadtest.Server.ResourceLag", func(b *bench) {
			b.AzureAD.ResourceLag = func(resource string) aadtest.Lag {
				if resource == "domains" {
					return aadtest.Lag{For: time.Hour}
				}
				return aadtest.Lag{}
			}
		}, "after five minutes: list old, one new"},
	}},
	"aad-request-binding": {asks, "POST without the name", []turn{
		ad("RedirectBinding", "GET without the name", func(q *aadtest.Quirks) { q.RedirectBinding = true }),
		ad("SAMLUserName", "POST with the name", func(q *aadtest.Quirks) { q.SAMLUserName = true }),
	}},
	"aad-enforced-mfa": {demands, "asked 3 times, for a second factor false: AADSTS50079", []turn{
		ad("RequestMFA", "asked 3 times, for a second factor true: AADSTS50079", func(q *aadtest.Quirks) { q.RequestMFA = true }),
		ad("MFALoops", "asked 1 times, for a second factor false: AADSTS50079", func(q *aadtest.Quirks) { q.MFALoops = -1 }),
		ad("MFALoopCode", "asked 3 times, for a second factor false: AADSTS50196", func(q *aadtest.Quirks) { q.MFALoopCode = "AADSTS50196" }),
	}},
	"aad-issuer-code": {isUnknown, "AADSTS50107", []turn{
		ad("NoRealmIs500083", "AADSTS500083", func(q *aadtest.Quirks) { q.NoRealmIs500083 = true }),
	}},
	"aad-revoke-administrators": {revokes, "200, ended 1", []turn{
		ad("RevokeRefusesAdministrators", "403, ended 0", func(q *aadtest.Quirks) { q.RevokeRefusesAdministrators = true }),
	}},
	"aad-retry-after": {adHurries, `429, Retry-After "3"`, []turn{
		adThrottled(`429, Retry-After "2.500"`, aadtest.FractionalSeconds),
		adThrottled(`429, Retry-After "Sat, 01 Jan 2000 01:00:03 GMT"`, aadtest.HTTPDate),
		adThrottled(`429, Retry-After ""`, aadtest.NoRetryAfter),
	}},
}

const (
	federationPath = "/domains/" + domain + "/federationConfiguration/f"
	otherPath      = "/domains/other.example/federationConfiguration"
)

// creation is the body of a creation. Without a certificate the stand-in breaks the
// domain, as the service was seen to.
func (b *bench) creation(issuer string, certificate bool) string {
	body := map[string]string{
		"@odata.type": "#microsoft.graph.internalDomainFederation", "displayName": "Other", "issuerUri": issuer,
		"passiveSignInUri": loginURL, "preferredAuthenticationProtocol": "saml", "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp",
	}
	if f, _ := b.AzureAD.Federation(domain); certificate {
		body["signingCertificate"] = f.SigningCertificate.Base64()
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func updates(b *bench) string {
	r := b.graph("PATCH", federationPath, `{"displayName":"New"}`)
	is := "which it is"
	if f, _ := b.AzureAD.Federation(domain); f.DisplayName != "New" {
		is = "which it is not"
	}
	return fmt.Sprintf("%d of %q, %s", r.status, r.field("displayName"), is)
}

// creates federates a domain that is not, as one does and without a certificate.
func creates(b *bench) string {
	var seen []string
	for _, certificate := range []bool{true, false} {
		made := b.graph("POST", otherPath, b.creation("urn:uri:other.example", certificate))
		is := b.AzureAD.Domain("other.example").AuthenticationType
		read := b.graph("GET", otherPath, "")
		back := b.graph("PATCH", "/domains/other.example", `{"authenticationType":"Managed"}`)
		seen = append(seen, fmt.Sprintf("%d, %s, read by %d, back by %d, %s", made.status, is, read.status, back.status,
			b.AzureAD.Domain("other.example").AuthenticationType))
	}
	return strings.Join(seen, "; ")
}

func takesIssuer(b *bench) string {
	r := b.graph("POST", otherPath, b.creation(issuer, true))
	if strings.Contains(r.text, "in use") {
		return fmt.Sprint(r.status, " that says in use")
	}
	return fmt.Sprint(r.status)
}

func clearsCertificate(b *bench) string {
	b.federation(func(f *aad.Federation) { f.NextSigningCertificate = f.SigningCertificate })
	r := b.graph("PATCH", federationPath, `{"nextSigningCertificate":null}`)
	if f, _ := b.AzureAD.Federation(domain); f.NextSigningCertificate.IsZero() {
		return fmt.Sprint(r.status, ", cleared")
	}
	return fmt.Sprint(r.status, ", kept")
}

func clearsOthers(b *bench) string {
	b.federation(func(f *aad.Federation) { f.MetadataExchangeURI, f.PromptLogin = "https://adfs.example/mex", "disabled" })
	r := b.graph("PATCH", federationPath, `{"metadataExchangeUri":null,"promptLoginBehavior":null}`)
	f, _ := b.AzureAD.Federation(domain)
	return fmt.Sprintf("%d, left %q and %q", r.status, f.MetadataExchangeURI, f.PromptLogin)
}

func writesAsDomain(b *bench) string {
	as, create := b.AzureAD.Credential("Domain.ReadWrite.All"), b.creation("urn:uri:other.example", true)
	update := b.graphAs(as, "PATCH", federationPath, `{"displayName":"New"}`)
	deletion := b.graphAs(as, "DELETE", federationPath, "")
	creation := b.graphAs(as, "POST", otherPath, create)
	return fmt.Sprintf("update %d, deletion %d, creation %d", update.status, deletion.status, creation.status)
}

func setsImmutableIDs(b *bench) string {
	b.AzureAD.RemoveUser(b.AzureAD.AddUser(aad.User{UserPrincipalName: "older@" + domain, ImmutableID: "older"}))
	const ada = "/users/ada.abbott@" + domain
	fresh := b.graph("PATCH", ada, `{"onPremisesImmutableId":"fresh"}`)
	older := b.graph("PATCH", ada, `{"onPremisesImmutableId":"older"}`)
	return fmt.Sprintf("%d; after its owner was deleted %d", fresh.status, older.status)
}

// waits makes a domain managed, and looks five minutes later.
func waits(b *bench) string {
	if r := b.graph("PATCH", "/domains/"+domain, `{"authenticationType":"Managed"}`); r.status != http.StatusNoContent {
		b.t.Fatal(r)
	}
	time.Sleep(5 * time.Minute)
	age := map[bool]string{true: "old", false: "new"}
	var list struct {
		Value []struct{ ID, AuthenticationType string }
	}
	if err := json.Unmarshal([]byte(b.graph("GET", "/domains", "").text), &list); err != nil {
		b.t.Fatal(err)
	}
	inList := ""
	for _, d := range list.Value {
		if d.ID == domain {
			inList = age[d.AuthenticationType == "Federated"]
		}
	}
	one := b.graph("GET", "/domains/"+domain, "").field("authenticationType")
	return fmt.Sprintf("after five minutes: list %s, one %s", inList, age[one == "Federated"])
}

func asks(b *bench) string {
	if walk := b.signIn("", ""); walk.SignedIn == "" || len(b.requests) != 1 {
		b.t.Fatalf("%d requests\n%v", len(b.requests), walk)
	}
	r := b.requests[0]
	if strings.Contains(r.URL.RawQuery, "ada.abbott") {
		return r.Method + " with the name"
	}
	return r.Method + " without the name"
}

// demands demands a second factor, which JumpCloud does not tell of.
func demands(b *bench) string {
	b.federation(func(f *aad.Federation) { f.MFA = aad.EnforceMFAByFederatedIdP })
	b.AzureAD.DemandMFA = func(aad.User) bool { return true }
	walk := b.signIn("", "")
	asked := strings.Contains(strings.Join(b.asked, ""), "RequestedAuthnContext")
	return fmt.Sprintf("asked %d times, for a second factor %t: %s", len(b.requests), asked, ended(walk))
}

// isUnknown is what comes of an assertion whose issuer no domain has.
func isUnknown(b *bench) string {
	b.federation(func(f *aad.Federation) { f.IssuerURI = "urn:uri:changed" })
	return ended(b.signIn("", ""))
}

func revokes(b *bench) string {
	r := b.graph("POST", "/users/"+b.Administrators[0]+"/revokeSignInSessions", "")
	return fmt.Sprintf("%d, ended %d", r.status, len(b.AzureAD.Revocations()))
}

func adHurries(b *bench) string {
	if b.AzureAD.Throttle == nil {
		adThrottled("", aadtest.WholeSeconds).turn(b)
	}
	if r := b.graph("GET", "/domains", ""); r.status != http.StatusOK {
		b.t.Fatal(r)
	}
	r := b.graph("GET", "/domains", "")
	return fmt.Sprintf("%d, Retry-After %q", r.status, r.header.Get("Retry-After"))
}
