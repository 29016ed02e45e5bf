package federation

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// fixedCert reads one of the certificates that are kept for tests: "first" and
// "second" look like JumpCloud's, "third" is somebody else's.
func fixedCert(t testing.TB, name string) certs.Cert {
	t.Helper()
	if c, ok := fixedCerts.Load(name); ok {
		return c.(certs.Cert)
	}
	b, err := os.ReadFile("testdata/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseOne(b)
	if err != nil {
		t.Fatal(err)
	}
	fixedCerts.Store(name, c)
	return c
}

var fixedCerts sync.Map // name -> certs.Cert

// fixedApp makes an application as JumpCloud would send it.
func fixedApp(t testing.TB, id, label, entityID, ssoURL string, active bool, cert certs.Cert) *jumpcloud.Application {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"_id": id, "name": "office365", "displayLabel": label, "ssoUrl": ssoURL, "active": active, "organization": "0e0000000000000000000001",
		"config": map[string]any{
			"idpEntityId":    map[string]string{"value": entityID},
			"idpCertificate": map[string]string{"value": base64.StdEncoding.EncodeToString(cert.PEM())},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var a jumpcloud.Application
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// scene is a plan and what both services say.
type scene struct {
	p  Plan
	st observation
}

// converged is a scene in which nothing is to be done.
func converged(t testing.TB) *scene {
	t.Helper()
	const (
		domain = "example.com"
		entity = "urn:uri:example.com"
		sso    = "https://sso.jumpcloud.com/saml2/example-com"
	)
	plan, err := Plan{
		Domain:    domain,
		Groups:    []Group{{Name: "Staff"}, {Name: "Contractors", Members: []string{"Ada@example.com"}}},
		Directory: Directory{Rules: []string{"user_department"}},
		MFA:       aad.AcceptIfMFADoneByFederatedIdP,
	}.normalize()
	if err != nil {
		t.Fatal(err)
	}
	own := fixedCert(t, "first")
	def := &jumpcloud.DirectoryDomain{ID: "d1", Domain: domain, Default: true}
	return &scene{p: plan, st: observation{
		apps:      []*jumpcloud.Application{fixedApp(t, "a1", "Microsoft 365", entity, sso, true, own)},
		metadata:  &certs.Metadata{EntityID: entity, SigningCerts: []certs.Cert{own}},
		appGroups: map[string]bool{"g1": true, "g2": true},
		groups: map[string][]*jumpcloud.Group{
			"Staff": {{ID: "g1", Name: "Staff"}}, "Contractors": {{ID: "g2", Name: "Contractors"}},
		},
		members:     map[string]map[string]bool{"g2": {"u1": true}},
		userIDs:     map[string]string{"ada@example.com": "u1"},
		directories: []*jumpcloud.Directory{{ID: "m1", Name: "Microsoft 365", Type: jumpcloud.DirectoryObject, DefaultDomain: def}},
		dirGroups:   map[string]bool{"g1": true, "g2": true},
		dirDomains:  []*jumpcloud.DirectoryDomain{def},
		rules:       map[string]bool{"user_department": true},
		signOut:     DefaultSignOutURL,
		domains: []*aad.Domain{
			{Name: "contoso.onmicrosoft.com", AuthenticationType: aad.Managed, IsInitial: true, IsDefault: true, IsRoot: true, IsVerified: true},
			{Name: domain, AuthenticationType: aad.Federated, IsRoot: true, IsVerified: true},
		},
		fed: &aad.Federation{
			ID: "f1", DisplayName: domain, IssuerURI: entity, PassiveSignInURI: sso, ActiveSignInURI: sso,
			SignOutURI: DefaultSignOutURL, Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: own,
		},
		admins: []admin{{id: "x1", upn: "breakglass@contoso.onmicrosoft.com", enabled: true, global: true}},
	}}
}

// unfederated takes the federation away.
func (s *scene) unfederated() {
	s.st.fed = nil
	s.st.domains[1].AuthenticationType = aad.Managed
}

// fresh takes away whatever Federate makes.
func (s *scene) fresh() {
	s.unfederated()
	s.st.apps, s.st.metadata, s.st.appGroups = nil, nil, nil
	s.st.groups, s.st.members = nil, nil
	s.st.dirGroups, s.st.rules, s.st.dirDomains = nil, nil, []*jumpcloud.DirectoryDomain{}
	s.st.directories[0].DefaultDomain = nil
}

// foreign makes it somebody else's.
func (s *scene) foreign(t testing.TB) {
	s.st.fed = &aad.Federation{
		ID: "f9", DisplayName: "Okta", IssuerURI: "http://www.okta.com/exk1", PassiveSignInURI: "https://example.okta.com/app/office365/exk1/sso/wsfed/passive",
		ActiveSignInURI: "https://example.okta.com/app/office365/exk1/sso/wsfed/active", SignOutURI: "https://example.okta.com/signout",
		Protocol: aad.WSFed, MFA: aad.EnforceMFAByFederatedIdP, SigningCertificate: fixedCert(t, "third"),
	}
}

// situations are those of the golden files of the diff.
var situations = []struct {
	name string
	make func(t testing.TB, s *scene)
}{
	{"fresh", func(_ testing.TB, s *scene) { s.fresh() }},
	{"fresh, with a label and a login URL", func(_ testing.TB, s *scene) {
		s.fresh()
		s.p.Application.Label, s.p.Application.LoginURL = "Office", "https://sso.jumpcloud.com/saml2/office-of-example"
	}},
	{"fresh in Europe", func(_ testing.TB, s *scene) {
		s.fresh()
		s.st.template = &jumpcloud.Template{Name: "office365", SSOURL: "https://sso.eu.jumpcloud.com/saml2/office365"}
	}},
	{"managed, everything else prepared", func(_ testing.TB, s *scene) { s.unfederated() }},
	{"managed, certificate not known yet", func(_ testing.TB, s *scene) { s.unfederated(); s.st.metadata = nil }},
	{"federated by us and equal", func(testing.TB, *scene) {}},
	{"federated by us and equal, with settings that the plan does not speak about", func(_ testing.TB, s *scene) {
		s.st.fed.PromptLogin, s.st.fed.ActiveSignInURI = aad.TranslateToFreshPasswordAuthentication, "https://sso.jumpcloud.com/wstrust"
		s.st.rules["user_location"] = true
		s.st.appGroups["g9"], s.st.members["g2"]["u9"] = true, true
		s.st.apps[0].DisplayLabel = "renamed by somebody"
	}},
	{"group missing", func(_ testing.TB, s *scene) {
		delete(s.st.groups, "Contractors")
		delete(s.st.appGroups, "g2")
		delete(s.st.dirGroups, "g2")
	}},
	{"member missing", func(_ testing.TB, s *scene) { s.st.members["g2"] = nil }},
	{"group not bound to the application", func(_ testing.TB, s *scene) { delete(s.st.appGroups, "g1") }},
	{"group not bound to the directory", func(_ testing.TB, s *scene) { delete(s.st.dirGroups, "g1") }},
	{"group of the application alone", func(_ testing.TB, s *scene) {
		s.p.Directory.Groups = []string{"Staff"}
		delete(s.st.dirGroups, "g2")
	}},
	{"application inactive", func(t testing.TB, s *scene) { s.st.apps[0].Active = false }},
	{"application label differs", func(_ testing.TB, s *scene) { s.p.Application.Label = "Office" }},
	{"application inactive and label differs", func(_ testing.TB, s *scene) {
		s.p.Application.Label, s.st.apps[0].Active = "Office", false
	}},
	{"application is gone", func(_ testing.TB, s *scene) { s.st.apps, s.st.metadata, s.st.appGroups = nil, nil, nil }},
	{"directory domain missing", func(_ testing.TB, s *scene) {
		s.st.directories[0].DefaultDomain.Domain = "other.example"
		s.st.dirDomains = []*jumpcloud.DirectoryDomain{{ID: "d2", Domain: "other.example", Default: true}}
	}},
	{"directory without a default domain", func(_ testing.TB, s *scene) {
		s.st.directories[0].DefaultDomain = nil
		s.st.dirDomains = []*jumpcloud.DirectoryDomain{{ID: "d1", Domain: "example.com"}}
	}},
	{"directory with another default domain than the plan's", func(_ testing.TB, s *scene) {
		s.p.Directory.DefaultDomain = "example.com"
		s.st.directories[0].DefaultDomain = &jumpcloud.DirectoryDomain{ID: "d2", Domain: "other.example", Default: true}
		s.st.dirDomains = []*jumpcloud.DirectoryDomain{{ID: "d2", Domain: "other.example", Default: true}, {ID: "d1", Domain: "Example.com"}}
	}},
	{"rule missing", func(_ testing.TB, s *scene) { delete(s.st.rules, "user_department") }},
	{"default domain", func(_ testing.TB, s *scene) { s.unfederated(); s.makeDefault() }},
	{"default domain, successor named", func(_ testing.TB, s *scene) {
		s.unfederated()
		s.makeDefault()
		s.p.DefaultDomain = "other.example"
	}},
	{"technical account to be made", func(_ testing.TB, s *scene) { s.technical() }},
	{"technical account without the role", func(_ testing.TB, s *scene) {
		s.technical()
		s.st.technical = &admin{id: "x7", upn: "rescue@contoso.onmicrosoft.com", enabled: true}
	}},
	{"technical account as it should be", func(_ testing.TB, s *scene) {
		s.technical()
		s.st.technical = &admin{id: "x7", upn: "rescue@contoso.onmicrosoft.com", enabled: true, global: true}
	}},
	{"displayName differs", func(_ testing.TB, s *scene) { s.st.fed.DisplayName = "Example Ltd" }},
	{"issuerUri differs", func(_ testing.TB, s *scene) { s.st.fed.IssuerURI = "urn:uri:example.org" }},
	{"passiveSignInUri differs", func(_ testing.TB, s *scene) { s.st.fed.PassiveSignInURI = "https://sso.jumpcloud.com/saml2/elsewhere" }},
	{"passiveSignInUri differs, without activeSignInUri", func(_ testing.TB, s *scene) {
		s.st.fed.PassiveSignInURI, s.st.fed.ActiveSignInURI = "https://sso.jumpcloud.com/saml2/elsewhere", ""
	}},
	{"activeSignInUri is somebody else's", func(_ testing.TB, s *scene) { s.st.fed.ActiveSignInURI = "https://login.example.net/wstrust" }},
	{"activeSignInUri is not set", func(_ testing.TB, s *scene) { s.st.fed.ActiveSignInURI = "" }},
	{"signOutUri differs", func(_ testing.TB, s *scene) { s.st.fed.SignOutURI = "https://portal.example.com/bye" }},
	{"preferredAuthenticationProtocol differs", func(_ testing.TB, s *scene) { s.st.fed.Protocol = aad.WSFed }},
	{"federatedIdpMfaBehavior differs", func(_ testing.TB, s *scene) { s.st.fed.MFA = aad.RejectMFAByFederatedIdP }},
	{"signingCertificate differs", func(t testing.TB, s *scene) { s.st.fed.SigningCertificate = fixedCert(t, "second") }},
	{"signingCertificate unreadable", func(_ testing.TB, s *scene) {
		s.st.fed.SigningCertificate, s.st.fed.RawSigningCertificate = certs.Cert{}, "not base64"
	}},
	{"rotating, second certificate is JumpCloud's", func(t testing.TB, s *scene) {
		s.st.fed.SigningCertificate, s.st.fed.NextSigningCertificate = fixedCert(t, "second"), fixedCert(t, "first")
	}},
	{"unknown second certificate is left", func(t testing.TB, s *scene) { s.st.fed.NextSigningCertificate = fixedCert(t, "third") }},
	{"unknown second certificate is removed", func(t testing.TB, s *scene) {
		s.p.Consent.RemoveNextCertificate = true
		s.st.fed.NextSigningCertificate = fixedCert(t, "third")
	}},
	{"unreadable second certificate is removed", func(_ testing.TB, s *scene) {
		s.p.Consent.RemoveNextCertificate = true
		s.st.fed.RawNextSigningCertificate = "not base64"
	}},
	{"own second certificate is kept", func(t testing.TB, s *scene) {
		s.p.Consent.RemoveNextCertificate = true
		s.st.fed.NextSigningCertificate = fixedCert(t, "first")
	}},
	{"take-over", func(t testing.TB, s *scene) { s.foreign(t); s.p.Consent.TakeOver = true }},
	{"take-over with a second certificate", func(t testing.TB, s *scene) {
		s.foreign(t)
		s.st.fed.NextSigningCertificate = fixedCert(t, "second")
		s.p.Consent.TakeOver = true
	}},
	{"half-federated, without consent", func(_ testing.TB, s *scene) { s.st.fed = nil }},
	{"half-federated, recover", func(_ testing.TB, s *scene) { s.st.fed = nil; s.p.Consent.Recover = true }},
	{"pinned application that a list does not show first", func(t testing.TB, s *scene) {
		s.p.Application.ID = "a2"
		sso := "https://sso.jumpcloud.com/saml2/example-com-2"
		s.st.apps = append(s.st.apps, fixedApp(t, "a2", "Microsoft 365 (new)", "urn:uri:example.com", sso, true, fixedCert(t, "first")))
	}},
	{"pinned group of two with one name", func(_ testing.TB, s *scene) {
		s.p.Groups[0].ID = "g7"
		s.st.groups["Staff"] = append(s.st.groups["Staff"], &jumpcloud.Group{ID: "g7", Name: "Staff"})
	}},
	{"two applications, nothing pinned", func(t testing.TB, s *scene) {
		s.st.apps = append(s.st.apps, fixedApp(t, "a2", "Microsoft 365 (new)", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/two", true, fixedCert(t, "second")))
	}},
	{"no directory", func(_ testing.TB, s *scene) { s.st.directories = nil; s.unfederated() }},
}

func (s *scene) makeDefault() {
	s.st.domains[0].IsDefault, s.st.domains[1].IsDefault = false, true
}

func (s *scene) technical() {
	s.p.TechnicalAccount = TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", DisplayName: "Federation break-glass", Create: true}
}

func TestDiffGolden(t *testing.T) {
	var names []string
	for _, tt := range situations {
		file := "diff/" + fileName(tt.name)
		if slices.Contains(names, file) {
			t.Fatalf("two situations share %s", file)
		}
		names = append(names, file)
		t.Run(tt.name, func(t *testing.T) {
			s := converged(t)
			tt.make(t, s)
			cs := diff(s.p, &s.st)
			got := cs.String()
			Golden(t, file, got)
			if strings.Contains(tt.name, "equal") && len(cs) > 0 {
				t.Errorf("diff wants %d changes; want none", len(cs))
			}
			checkOrder(t, cs)
			if again := diff(s.p, &s.st).String(); again != got {
				t.Errorf("a second diff says\n%s", again)
			}
		})
	}
	GoldenFiles(t, "diff", names)
}

// checkOrder demands that no change comes before one that it builds on, and
// that the domain comes last.
func checkOrder(t *testing.T, cs Changes) {
	t.Helper()
	for i, c := range cs {
		if (c.Resource == ResFederation || c.Resource == ResRecover) && i < len(cs)-2 {
			t.Errorf("%s is change %d of %d; want it at the end", c.String(), i+1, len(cs))
		}
		if c.Action == Create && len(c.Fields) == 0 && c.Resource != ResGroup {
			t.Errorf("%s shows no values", c.String())
		}
	}
	stage := 0
	for rest := cs; len(rest) > 0; {
		first := rest.first()
		if s := first[0].stage(); s <= stage {
			t.Fatalf("stage %d comes after stage %d", s, stage)
		} else {
			stage = s
		}
		rest = slices.DeleteFunc(slices.Clone(rest), func(c Change) bool { return first.has(c.key()) })
	}
}
