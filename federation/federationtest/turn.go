package federationtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// AddFederated adds a domain that is federated with JumpCloud already, with an
// application of its own and a subdomain that inherits, and returns the application's ID.
func (e *Env) AddFederated(domain string) (applicationID string) {
	e.AzureAD.AddDomain(domain)
	issuer := "urn:uri:" + domain
	loginURL := "https://sso.jumpcloud.com/saml2/" + text.Slug(domain)
	id := e.JumpCloud.AddApplication(jumpcloud.Office365Template, "Microsoft 365 ("+domain+")", issuer, loginURL)
	a, _ := e.JumpCloud.Application(id)
	e.AzureAD.SetFederation(domain, aad.Federation{
		DisplayName: domain, IssuerURI: issuer, PassiveSignInURI: loginURL, SignOutURI: jumpcloud.US.UserConsole(),
		Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: a.Certificate,
	})
	e.AzureAD.AddDomain("sub."+domain, func(d *aad.Domain) { d.AuthenticationType = aad.Federated })
	return id
}

// Turn makes the environment behave otherwise than an assumption says, one of those that
// [assumptions.All] lists as readable. knob is one of its Knobs; empty means the first.
// What shows at a federated domain, such as jc-metadata-entity-id, wants one: see
// [Env.AddFederated]. An assumption or a knob that there is none of is an error.
//
// [assumptions.All]: https://pkg.go.dev/github.com/jcaad/jcaad/federation/assumptions#All
func (e *Env) Turn(id, knob string) error {
	n := 0
	for _, t := range turns {
		if t.id != id {
			continue
		}
		if n++; knob == "" || t.knob == knob {
			t.turn(e)
			return nil
		}
	}
	if n == 0 {
		return fmt.Errorf("federationtest: there is nothing to turn for an assumption %q", id)
	}
	return fmt.Errorf("federationtest: the assumption %s has no knob %q", id, knob)
}

// turning is how an assumption is made to differ, by one of its knobs.
type turning struct {
	id, knob string
	turn     func(*Env)
}

// ofJumpCloud turns a quirk of JumpCloud.
func ofJumpCloud(id, name string, f func(*jumpcloudtest.Quirks)) turning {
	return turning{id, "jumpcloudtest." + name, func(e *Env) { f(&e.JumpCloud.Quirks) }}
}

// ofAzureAD turns a quirk of Azure AD.
func ofAzureAD(id, name string, f func(*aadtest.Quirks)) turning {
	return turning{id, "aadtest." + name, func(e *Env) { f(&e.AzureAD.Quirks) }}
}

// ofTemplate replaces a part of the template of Microsoft 365.
func ofTemplate(id, part, other string) turning {
	return turning{id, "jumpcloudtest.Server.SetTemplate", func(e *Env) {
		e.JumpCloud.SetTemplate(strings.Replace(someTemplate, part, other, 1))
	}}
}

// someTemplate is a template of Microsoft 365 as it is assumed to be.
const someTemplate = `{"name":"office365","displayName":"Microsoft 365","ssoUrl":"https://sso.jumpcloud.com/saml2/office365",` +
	`"sso":{"type":"saml"},"config":{"idpEntityId":{"value":""},"idpPrivateKey":{"value":""},"idpCertificate":{"value":""},` +
	`"spEntityId":{"value":"urn:federation:MicrosoftOnline"},"acsUrl":{"value":"https://login.microsoftonline.com/login.srf"},` +
	`"signAssertion":{"value":true}}}`

// turns has each knob of each readable assumption.
var turns = []turning{
	{"jc-template-name", "jumpcloudtest.Server.RemoveTemplate", func(e *Env) { e.JumpCloud.RemoveTemplate(jumpcloud.Office365Template) }},
	ofTemplate("jc-template-keys", `"idpEntityId":`, `"entityId":`),
	ofTemplate("jc-template-defaults", "urn:federation:MicrosoftOnline", "https://sp.example"),
	ofTemplate("jc-template-login-url", "https://sso.jumpcloud.com/saml2/office365", "office365"),
	ofJumpCloud("jc-list-config", "Shapes.ListsWithoutConfig", func(q *jumpcloudtest.Quirks) { q.Shapes.ListsWithoutConfig = true }),
	ofJumpCloud("jc-certificate-form", "Shapes.CertificateDER", func(q *jumpcloudtest.Quirks) { q.Shapes.CertificateDER = true }),
	ofJumpCloud("jc-certificate-dates", "Quirks.OmitUpdatedAt", func(q *jumpcloudtest.Quirks) { q.OmitUpdatedAt = true }),
	ofJumpCloud("jc-metadata-endpoints", "Shapes.MetadataLocation", func(q *jumpcloudtest.Quirks) {
		q.Shapes.MetadataLocation = "https://sso.example/other"
	}),
	ofJumpCloud("jc-metadata-certificate", "Shapes.NextInMetadata", func(q *jumpcloudtest.Quirks) { q.Shapes.NextInMetadata = true }),
	{"jc-metadata-certificate", "jumpcloudtest.Quirks.MetadataLag", func(e *Env) {
		for _, a := range e.JumpCloud.Applications() {
			e.JumpCloud.RegenerateCertificate(a.ID)
		}
		e.JumpCloud.Quirks.MetadataLag = jumpcloudtest.Lag{For: time.Hour}
	}},
	ofJumpCloud("jc-metadata-entity-id", "Shapes.MetadataEntityID", func(q *jumpcloudtest.Quirks) { q.Shapes.MetadataEntityID = "jumpcloud" }),
	ofJumpCloud("jc-metadata-type", "Quirks.MetadataType", func(q *jumpcloudtest.Quirks) { q.MetadataType = "text/plain" }),
	ofJumpCloud("jc-metadata-org", "Quirks.RequireMetadataOrg", func(q *jumpcloudtest.Quirks) { q.RequireMetadataOrg = true }),
	ofJumpCloud("jc-404-body", "Quirks.EmptyNotFound", func(q *jumpcloudtest.Quirks) { q.EmptyNotFound = true }),
	ofJumpCloud("jc-events", "Shapes.NoEvents", func(q *jumpcloudtest.Quirks) { q.Shapes.NoEvents = true }),
	ofJumpCloud("jc-clock", "Shapes.ClockAhead", func(q *jumpcloudtest.Quirks) { q.Shapes.ClockAhead = -7 * time.Minute }),
	ofJumpCloud("jc-list-office365s", "Quirks.ListOffice365s", func(q *jumpcloudtest.Quirks) { q.ListOffice365s = true }),
	{"jc-directory-grant", "jumpcloudtest.Server.SetOAuth", func(e *Env) {
		e.JumpCloud.SetOAuth(e.Directory, jumpcloud.OAuthStatus{Error: "invalid_grant", Message: "AADSTS70008"})
	}},
	ofJumpCloud("jc-directory-domains", "Shapes.NoDirectoryDomains", func(q *jumpcloudtest.Quirks) { q.Shapes.NoDirectoryDomains = true }),
	ofJumpCloud("jc-total-number", "Quirks.StringTotals", func(q *jumpcloudtest.Quirks) { q.StringTotals = true }),
	ofJumpCloud("jc-total-header", "Quirks.NoTotals", func(q *jumpcloudtest.Quirks) { q.NoTotals = true }),
	ofJumpCloud("jc-sync-status", "Shapes.NoSyncStatus", func(q *jumpcloudtest.Quirks) { q.Shapes.NoSyncStatus = true }),
	{"jc-external-id", "jumpcloudtest.Server.BindUser", func(e *Env) {
		for _, u := range e.JumpCloud.Users() {
			e.JumpCloud.BindUser(e.Directory, u.ID, "11111111-0000-4000-8000-"+u.ID[12:])
		}
	}},
	{"jc-immutable-id", "aadtest.Server.EditUser", func(e *Env) {
		for _, u := range e.AzureAD.Users() {
			e.AzureAD.EditUser(u.ID, func(u *aad.User) { u.ImmutableID = "another, " + u.ID[len(u.ID)-12:] })
		}
	}},
	ofJumpCloud("jc-group-method", "Shapes.NoMembershipMethod", func(q *jumpcloudtest.Quirks) { q.Shapes.NoMembershipMethod = true }),

	ofAzureAD("aad-managed-404", "Quirks.EmptyList", func(q *aadtest.Quirks) { q.EmptyList = true }),
	ofAzureAD("aad-managed-404-text", "Quirks.PlainNotFound", func(q *aadtest.Quirks) { q.PlainNotFound = true }),
	{"aad-domain-list", "aadtest.Server.ListLag", func(e *Env) { e.AzureAD.ListLag = e.becomesDefault() }},
	{"aad-domain-list", "aadtest.Server.GetLag", func(e *Env) { e.AzureAD.GetLag = e.becomesDefault() }},
	ofAzureAD("aad-federation-list", "Shapes.ListsWithoutCertificates", func(q *aadtest.Quirks) { q.Shapes.ListsWithoutCertificates = true }),
	ofAzureAD("aad-bare-entities", "Quirks.WrapEntities", func(q *aadtest.Quirks) { q.WrapEntities = true }),
	ofAzureAD("aad-empty-list", "Quirks.NullLists", func(q *aadtest.Quirks) { q.NullLists = true }),
	ofAzureAD("aad-policy", "Quirks.NoPolicy", func(q *aadtest.Quirks) { q.NoPolicy = true }),
	ofAzureAD("aad-policy", "Quirks.PolicyList", func(q *aadtest.Quirks) { q.PolicyList = true }),
	{"aad-permissions", "aadtest.Server.OpaqueTokens", func(e *Env) { e.AzureAD.OpaqueTokens = true }},
	ofAzureAD("aad-realm-userrealm", "Quirks.NoUserRealm", func(q *aadtest.Quirks) { q.NoUserRealm = true }),
	ofAzureAD("aad-realm-srf", "Quirks.RealmXML", func(q *aadtest.Quirks) { q.RealmXML = true }),
	ofAzureAD("aad-realm-srf", "Shapes.NoGetUserRealm", func(q *aadtest.Quirks) { q.Shapes.NoGetUserRealm = true }),
	{"aad-realm-graph", "aadtest.Server.RealmLag", func(e *Env) { e.AzureAD.RealmLag = time.Hour }},
	ofAzureAD("aad-realm-protocol", "Shapes.NoRealmProtocol", func(q *aadtest.Quirks) { q.Shapes.NoRealmProtocol = true }),
	ofAzureAD("aad-saml-auth-url", "Quirks.SAMLAuthURL", func(q *aadtest.Quirks) {
		q.SAMLAuthURL = func(_, user string) string { return "https://login.microsoftonline.com/saml2?username=" + user }
	}),
	ofAzureAD("aad-subdomain", "Quirks.SubdomainShowsParent", func(q *aadtest.Quirks) { q.SubdomainShowsParent = true }),
	ofAzureAD("aad-throttle-headers", "Shapes.NoResourceUnits", func(q *aadtest.Quirks) { q.Shapes.NoResourceUnits = true }),
	ofAzureAD("aad-clock", "Shapes.ClockAhead", func(q *aadtest.Quirks) { q.Shapes.ClockAhead = 10 * time.Minute }),
	ofAzureAD("aad-ends-with", "Shapes.NoEndsWith", func(q *aadtest.Quirks) { q.Shapes.NoEndsWith = true }),
	ofAzureAD("aad-starts-with", "Shapes.NoStartsWith", func(q *aadtest.Quirks) { q.Shapes.NoStartsWith = true }),
	ofAzureAD("aad-counts", "Shapes.NoCounts", func(q *aadtest.Quirks) { q.Shapes.NoCounts = true }),
	{"aad-next-link", "aadtest.Quirks.NextLinkHost", func(e *Env) {
		e.AzureAD.PageSize = max(4, len(e.AzureAD.Domains()))
		e.AzureAD.Quirks.NextLinkHost = "graph.example"
	}},
	ofAzureAD("aad-role-expand", "Shapes.NoPrincipals", func(q *aadtest.Quirks) { q.Shapes.NoPrincipals = true }),
	ofAzureAD("aad-principal-names", "Quirks.PrincipalNames", func(q *aadtest.Quirks) { q.PrincipalNames = true }),
	ofAzureAD("aad-sign-in-log", "Quirks.NoPremium", func(q *aadtest.Quirks) { q.NoPremium = true }),
	ofAzureAD("aad-sign-in-protocol", "Quirks.BareSignIns", func(q *aadtest.Quirks) { q.BareSignIns = true }),
}

// becomesDefault makes the domain, or if it is that already the initial one, the default
// one now, and returns a lag that hides it.
func (e *Env) becomesDefault() aadtest.Lag {
	name := e.Domain
	if e.AzureAD.Domain(name).IsDefault {
		name = e.AzureAD.InitialDomain
	}
	if err := e.AzureAD.Client(nil).SetDefaultDomain(context.Background(), name); err != nil {
		panic("federationtest: " + err.Error())
	}
	return aadtest.Lag{For: time.Hour}
}
