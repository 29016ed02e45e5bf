package federation_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// metadata is a document of the application's entity ID with another
// certificate: what a replica shows that is behind.
func metadata(c certs.Cert) string {
	return `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + entityID + `"><md:IDPSSODescriptor ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` +
		`<ds:X509Data><ds:X509Certificate>` + c.Base64() + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + loginURL + `"/></md:IDPSSODescriptor></md:EntityDescriptor>`
}

// The gates about the domain.
var domainGates = []gate{
	{name: "domain-unknown", code: federation.CodeDomainUnknown,
		shut: func(_ *testing.T, s *site) { s.plan.Domain = "exmaple.com" },
		mend: func(_ *testing.T, s *site) { s.plan.Domain = "example.com" }},
	{name: "domain-unverified", code: federation.CodeDomainUnverified,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("new.example", aadtest.Unverified)
			s.plan.Domain = "new.example"
		},
		mend: func(t *testing.T, s *site) {
			if _, err := s.AzureAD.Client(nil).VerifyDomain(t.Context(), "new.example"); err != nil {
				t.Fatal(err)
			}
		}},
	{name: "domain-initial", code: federation.CodeDomainInitial,
		shut: func(_ *testing.T, s *site) {
			s.plan.Domain, s.plan.TechnicalAccount = "contoso.onmicrosoft.com", federation.TechnicalAccount{}
		},
		mend: func(_ *testing.T, s *site) { s.plan.Domain = s.Domain }},
	{name: "domain-inherits", code: federation.CodeDomainInherits,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("sales.example.com")
			s.plan.Domain = "sales.example.com"
		},
		mend: func(_ *testing.T, s *site) { s.plan.Domain = s.Domain }},
	{name: "domain-federated-elsewhere", code: federation.CodeDomainForeign,
		shut:    func(t *testing.T, s *site) { s.AzureAD.SetFederation(s.Domain, okta(t)) },
		consent: func(p *federation.Plan) { p.Consent.TakeOver = true }},
	{name: "domain-federated-unreadable", code: federation.CodeDomainHalf,
		shut:    func(t *testing.T, s *site) { half(t, s.Env) },
		consent: func(p *federation.Plan) { p.Consent.Recover = true }},
	{name: "default-domain-unknown", code: federation.CodeDefaultDomain, opts: &federationtest.Options{DefaultDomain: true},
		shut: func(_ *testing.T, s *site) { s.plan.DefaultDomain = "elsewhere.example" },
		mend: func(_ *testing.T, s *site) { s.plan.DefaultDomain = "" }},
	{name: "default-domain-unverified", code: federation.CodeDefaultDomain, opts: &federationtest.Options{DefaultDomain: true},
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("new.example", aadtest.Unverified)
			s.plan.DefaultDomain = "new.example"
		},
		mend: func(_ *testing.T, s *site) { s.plan.DefaultDomain = "" }},
	{name: "default-domain-federated", code: federation.CodeDefaultDomain, opts: &federationtest.Options{DefaultDomain: true},
		shut: func(t *testing.T, s *site) {
			s.AzureAD.AddDomain("other.example")
			s.AzureAD.SetFederation("other.example", okta(t))
			s.plan.DefaultDomain = "other.example"
		},
		mend: func(_ *testing.T, s *site) { s.plan.DefaultDomain = "" }},
	{name: "issuer-in-use", code: federation.CodeIssuerInUse,
		shut: func(t *testing.T, s *site) {
			f := okta(t)
			f.IssuerURI = entityID
			s.AzureAD.AddDomain("other.example")
			s.AzureAD.SetFederation("other.example", f)
		},
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "urn:uri:signin.example.com" }},
	{name: "directory-sync", code: federation.CodeDirectorySync,
		shut:    func(_ *testing.T, s *site) { s.AzureAD.SetOnPremisesSync(true) },
		consent: func(p *federation.Plan) { p.Consent.DirectorySync = true }},
}

// The gates about the application and its certificate.
var applicationGates = []gate{
	{name: "application-twice", code: federation.CodeApplicationTwice, severity: federation.Alarm,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			s.JumpCloud.AddApplication("saml2", "Office by hand", entityID, loginURL+"-2")
		},
		mend: removeSecond},
	{name: "application-twice-one-in-use", code: federation.CodeApplicationTwice, severity: federation.Alarm,
		shut: func(t *testing.T, s *site) {
			federated(t, s.Env)
			s.JumpCloud.AddApplication("office365", "Office again", entityID, loginURL+"-2")
			s.plan.BrandName = "Example"
		},
		mend: removeSecond},
	{name: "application-gone", code: federation.CodeApplicationGone,
		shut: func(_ *testing.T, s *site) { s.plan.Application.ID = "600000040000000000009999" },
		mend: func(_ *testing.T, s *site) { s.plan.Application.ID = "" }},
	{name: "application-entity-id", code: federation.CodeApplicationFixed,
		shut: func(_ *testing.T, s *site) {
			s.plan.Application.ID = s.JumpCloud.AddApplication("office365", "Office", "urn:uri:other.example", loginURL)
		},
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "urn:uri:other.example" }},
	{name: "application-login-url", code: federation.CodeApplicationFixed,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			s.plan.Application.LoginURL = "https://sso.jumpcloud.com/saml2/office"
		},
		mend: func(_ *testing.T, s *site) { s.plan.Application.LoginURL = "" }},
	{name: "template-missing", code: federation.CodeTemplateMissing,
		shut: func(_ *testing.T, s *site) { s.plan.Application.Template = "microsoft365" },
		mend: func(_ *testing.T, s *site) { s.plan.Application.Template = "" }},
	{name: "group-twice", code: federation.CodeGroupTwice,
		shut: func(_ *testing.T, s *site) { s.JumpCloud.AddGroup(federationtest.Group) },
		mend: func(_ *testing.T, s *site) { s.plan.Groups[0].ID = s.JumpCloud.Groups()[0].ID }},
	{name: "member-unknown", code: federation.CodeMemberUnknown, count: 2,
		shut: func(_ *testing.T, s *site) {
			s.plan.Groups[0].Members = []string{"ada.abbott@example.com", "ben.barker@example.com", "nobody@example.com"}
		},
		mend: func(_ *testing.T, s *site) { s.plan.Groups[0].Members = nil }},
	{name: "certificate-expired", code: federation.CodeCertificate,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			time.Sleep(6 * 366 * 24 * time.Hour)
		},
		consent: func(p *federation.Plan) { p.Consent.Certificate = []string{"expired"} }},
	{name: "certificate-expires-soon", code: federation.CodeCertificate, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			time.Sleep((5*365 + 1 - 20) * 24 * time.Hour)
		}},
	{name: "certificate-not-rsa", code: federation.CodeCertificate,
		shut:    func(t *testing.T, s *site) { s.use(t, "ecdsa") },
		consent: func(p *federation.Plan) { p.Consent.Certificate = []string{"not-rsa"} }},
	{name: "certificate-weak", code: federation.CodeCertificate,
		shut:    func(t *testing.T, s *site) { s.use(t, "weak") },
		consent: func(p *federation.Plan) { p.Consent.Certificate = []string{"weak-rsa"} }},
	{name: "certificate-rather-weak", code: federation.CodeCertificate, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.KeyBits = 1024
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
		}},
	{name: "certificate-mismatch", code: federation.CodeCertificateMismatch,
		shut: func(t *testing.T, s *site) {
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			s.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
				if !strings.HasSuffix(r.URL.Path, "/metadata.xml") {
					return jumpcloudtest.Fault{}
				}
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: 200, Body: metadata(foreignCert(t))}
			}
		},
		mend: func(t *testing.T, s *site) { s.JumpCloud.Fault = nil }},
	{name: "next-certificate", code: federation.CodeNextCertificate, severity: federation.Alarm,
		shut: func(t *testing.T, s *site) {
			federated(t, s.Env)
			edit(t, s.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
			s.plan.BrandName = "Example" // something else that is to be written
		}},
}

// The gates about JumpCloud's Microsoft 365 directory.
var directoryGates = []gate{
	{name: "directory-missing", code: federation.CodeDirectoryMissing,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.RemoveDirectory(s.Directory)
			s.plan.Consent.LockOut.AtMost = 3 // nobody is bound to anything
		},
		mend: func(_ *testing.T, s *site) {
			s.JumpCloud.AddDirectoryDomain(s.JumpCloud.AddDirectory("Microsoft 365"), s.Domain, true)
		}},
	{name: "directory-not-found", code: federation.CodeDirectoryMissing,
		shut: func(_ *testing.T, s *site) { s.plan.Directory.Name = "Office" },
		mend: func(_ *testing.T, s *site) { s.plan.Directory.Name = "Microsoft 365" }},
	{name: "directory-ambiguous", code: federation.CodeDirectoryAmbiguous,
		shut: func(_ *testing.T, s *site) { s.JumpCloud.AddDirectory("Microsoft 365 (test)") },
		mend: func(_ *testing.T, s *site) { s.plan.Directory.Name = "Microsoft 365" }},
	{name: "directory-grant", code: federation.CodeDirectoryGrant,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.SetOAuth(s.Directory, jumpcloud.OAuthStatus{Error: "AADSTS50173", Message: "The provided grant has expired due to it being revoked"})
		},
		mend: func(_ *testing.T, s *site) { s.JumpCloud.SetOAuth(s.Directory, jumpcloud.OAuthStatus{}) }},
	{name: "directory-domain", code: federation.CodeDirectoryDomain,
		shut: func(_ *testing.T, s *site) { s.plan.Directory.DefaultDomain = "other.example" },
		mend: func(_ *testing.T, s *site) { s.plan.Directory.DefaultDomain = "" }},
}

// removeSecond removes the application that is not used.
func removeSecond(t *testing.T, s *site) {
	apps := s.JumpCloud.Applications()
	if len(apps) != 2 {
		t.Fatalf("%d applications; want 2", len(apps))
	}
	s.JumpCloud.DeleteApplication(apps[1].ID)
}
