package federation_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

const toolURL = "https://sso.jumpcloud.com/saml2/office365"

// ownTool federates the domain as JumpCloud's own tool does.
func ownTool(s *federationtest.Env, entityID, issuer string) {
	own := s.JumpCloud.AddApplication("office365", "Microsoft 365", entityID, toolURL)
	app, _ := s.JumpCloud.Application(own)
	for _, g := range s.JumpCloud.Groups() {
		s.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: own}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID})
		s.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: s.Directory}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID})
	}
	s.AzureAD.SetFederation(s.Domain, aad.Federation{DisplayName: s.Domain, IssuerURI: issuer, PassiveSignInURI: toolURL, ActiveSignInURI: toolURL,
		SignOutURI: federation.DefaultSignOutURL, Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: app.Certificate})
	s.ResetLog()
}

func deleting(operation, status string) func(*aad.Domain) {
	return func(d *aad.Domain) { d.State = &aad.DomainState{Operation: operation, Status: status} }
}

// The gates about what a domain has, or is taken to have, of somebody else's.
var sharedGates = []gate{
	{name: "domain-being-deleted", code: federation.CodeDomainDeleted,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("old.example", deleting("ForceDelete", "InProgress"))
			s.plan.Domain = "old.example"
		},
		mend: func(_ *testing.T, s *site) { s.plan.Domain = s.Domain }},
	{name: "domain-whose-deletion-failed", code: federation.CodeDomainDeleted, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("old.example", deleting("ForceDelete", "Failed"))
			s.plan.Domain = "old.example"
		}},
	{name: "default-domain-being-deleted", code: federation.CodeDefaultDomain, opts: &federationtest.Options{DefaultDomain: true},
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("old.example", deleting("ForceDelete", "Scheduled"))
			s.plan.DefaultDomain = "old.example"
		},
		mend: func(_ *testing.T, s *site) { s.plan.DefaultDomain = "" }},
	{name: "break-glass-on-a-domain-being-deleted", code: federation.CodeBreakGlass,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("old.example", deleting("ForceDelete", "Scheduled"))
			s.administrators(aad.User{UserPrincipalName: "root@old.example"})
		},
		consent: func(p *federation.Plan) { p.Consent.NoBreakGlass = true }},
	{name: "own-tool", code: federation.CodeDomainOwn,
		shut: func(_ *testing.T, s *site) { ownTool(s.Env, "https://example.com", "https://example.com") },
		mend: func(_ *testing.T, s *site) {
			s.plan.Application.IdPEntityID, s.plan.BrandName = "https://example.com", "Example"
		}},
	{name: "own-tool-bare", code: federation.CodeDomainOwn,
		shut: func(_ *testing.T, s *site) { ownTool(s.Env, "example.com", "example.com") },
		mend: func(_ *testing.T, s *site) {
			s.plan.Application.IdPEntityID, s.plan.BrandName = "example.com", "Example"
		}},
	{name: "own-tool-without-the-application", code: federation.CodeDomainOwn,
		shut: func(t *testing.T, s *site) {
			ownTool(s.Env, "https://example.com/", "https://example.com/")
			s.JumpCloud.DeleteApplication(app(t, s.Env))
		},
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "https://example.com/" }},
	{name: "own-tool-other-capitals", code: federation.CodeDomainOwn,
		shut: func(_ *testing.T, s *site) { ownTool(s.Env, "urn:uri:EXAMPLE.com", "urn:uri:Example.com") },
		mend: func(t *testing.T, s *site) {
			s.JumpCloud.SetApplicationSetting(app(t, s.Env), "idpEntityId", "urn:uri:Example.com")
			s.plan.Application.IdPEntityID, s.plan.BrandName = "urn:uri:Example.com", "Example"
		}},
	{name: "own-application-by-hand", code: federation.CodeDomainOwn,
		shut: func(_ *testing.T, s *site) { ownTool(s.Env, "urn:sso:acme", "urn:sso:acme") },
		mend: func(_ *testing.T, s *site) {
			s.plan.Application.IdPEntityID, s.plan.BrandName = "urn:sso:acme", "Example"
		}},
	{name: "own-application-other-address", code: federation.CodeDomainOwn,
		shut: func(t *testing.T, s *site) {
			ownTool(s.Env, "urn:sso:acme", "urn:sso:acme")
			edit(t, s.Env, func(f *aad.Federation) { f.PassiveSignInURI = "https://sso.example.com/saml2" })
		},
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "urn:sso:acme" }},
	{name: "plan-entity-id-bare", code: federation.CodePlanEntityID,
		shut: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "Example.com" },
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "" }},
	{name: "sign-out-url", code: federation.CodeSignOut, severity: federation.Info,
		shut: func(t *testing.T, s *site) {
			federated(t, s.Env)
			edit(t, s.Env, func(f *aad.Federation) { f.SignOutURI = "https://console.eu.jumpcloud.com/userconsole/" })
			s.plan.BrandName = "Example"
		}},
	{name: "left-by-the-provider-before", code: federation.CodeLeftover, severity: federation.Warning,
		shut: func(t *testing.T, s *site) {
			s.AzureAD.SetFederation(s.Domain, adfs(t))
			s.AzureAD.Quirks.KeepCleared = true
			s.plan.Consent.TakeOver = true
		}},
	{name: "login-url-taken", code: federation.CodeLoginURLTaken,
		shut: func(_ *testing.T, s *site) { s.JumpCloud.AddApplication("saml2", "Wiki", "urn:wiki", loginURL+"/") },
		mend: func(_ *testing.T, s *site) { s.plan.Application.LoginURL = loginURL + "-365" }},
	{name: "login-url-of-two-applications", code: federation.CodeLoginURLTaken,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			s.JumpCloud.AddApplication("saml2", "Wiki", "urn:wiki", strings.ToUpper(loginURL[:20])+loginURL[20:])
		},
		mend: func(t *testing.T, s *site) {
			for _, a := range s.JumpCloud.Applications() {
				if a.EntityID == "urn:wiki" {
					s.JumpCloud.DeleteApplication(a.ID)
				}
			}
		}},
	{name: "group-similar", code: federation.CodeGroupSimilar,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddGroup("Pilot Users")
			s.plan.Groups = append(s.plan.Groups, federation.Group{Name: "pilotusers"})
		},
		mend: func(_ *testing.T, s *site) { s.plan.Groups[1].Name = "Pilot Users" }},
	{name: "group-similar-in-the-plan", code: federation.CodeGroupSimilar,
		shut: func(_ *testing.T, s *site) {
			s.plan.Groups = append(s.plan.Groups, federation.Group{Name: "Pilots"}, federation.Group{Name: "pilots"})
		},
		mend: func(_ *testing.T, s *site) { s.plan.Groups = s.plan.Groups[:2] }},
	{name: "group-similar-beside", code: federation.CodeGroupSimilar, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) { s.JumpCloud.AddGroup("every one") }},
	{name: "group-dynamic", code: federation.CodeGroupDynamic,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddDynamicGroup("By rule")
			s.plan.Groups = append(s.plan.Groups, federation.Group{Name: "By rule", Members: []string{"ada.abbott@example.com"}})
		},
		mend: func(_ *testing.T, s *site) { s.plan.Groups[1].Members = nil }},
	{name: "role-left-out", code: federation.CodeRoleLeftOut, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddGroup("Partners"))
			s.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
				if strings.Contains(r.URL.Path, "/groups/") {
					return aadtest.Fault{Kind: aadtest.Error500Before, Status: http.StatusForbidden}
				}
				return aadtest.Fault{}
			}
		}},
}

// Who is told to adopt a federation can: with the issuer in the plan nothing is
// to be done, and nothing is made.
func TestAdoptOwnTool(t *testing.T) {
	for _, issuer := range []string{"https://example.com", "urn:uri:Example.com", "example.com", "EXAMPLE.com"} {
		t.Run(issuer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				ownTool(env, issuer, issuer)
				plan := env.Plan()
				plan.Application.IdPEntityID = issuer
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				if err != nil || rep.Changed() || env.Writes() != 0 || rep.Before != federation.StateFederated {
					t.Errorf("%v, %d writes, before: %s\n%s", err, env.Writes(), rep.Before, rep)
				}
			})
		})
	}
}

// Whoever insists on a second application has it, and it is told.
func TestOwnToolTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		ownTool(env, "https://example.com", "https://example.com")
		plan := env.Plan()
		plan.Consent.TakeOver = true
		rep, err := env.Federator(nil).Federate(t.Context(), plan)
		if err != nil || len(rep.Consents) != 1 || rep.Consents[0].Code != federation.CodeDomainOwn {
			t.Errorf("%v\n%s", err, rep)
		}
	})
}

// The default of the sign-out address is the region's console, and it is not
// written over another one of JumpCloud's that stands.
func TestSignOutOfTheRegion(t *testing.T) {
	for region, console := range map[jumpcloud.Region]string{
		jumpcloud.US: "https://console.jumpcloud.com/userconsole/", jumpcloud.EU: "https://console.eu.jumpcloud.com/userconsole/",
		jumpcloud.IN: "https://console.in.jumpcloud.com/userconsole/",
	} {
		t.Run("region "+string(region), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				env.JumpCloud.Region = region
				f := federation.New(env.JumpCloud.Client(&jumpcloud.Options{Region: region}), env.AzureAD.Client(nil), nil)
				if _, err := f.Federate(t.Context(), env.Plan()); err != nil {
					t.Fatal(err)
				}
				now := func() string {
					fed, _ := env.AzureAD.Federation(env.Domain)
					return fed.SignOutURI
				}
				if now() != console {
					t.Errorf("sign-out goes to %s; want %s", now(), console)
				}
				for _, tt := range []struct{ stands, plan, want string }{
					{"https://console.jumpcloud.com/userconsole/", "", "https://console.jumpcloud.com/userconsole/"},
					{"https://console.eu.jumpcloud.com/userconsole/", "", "https://console.eu.jumpcloud.com/userconsole/"},
					{"https://jumpcloud.com.example/", "", console},
					{"https://console.jumpcloud.com/userconsole/", "https://portal.example.com/", "https://portal.example.com/"},
				} {
					edit(t, env, func(f *aad.Federation) { f.SignOutURI = tt.stands })
					plan := env.Plan()
					plan.SignOutURL = tt.plan
					if _, err := f.Federate(t.Context(), plan); err != nil {
						t.Fatal(err)
					}
					if now() != tt.want {
						t.Errorf("with %s in Azure AD and %q in the plan, sign-out goes to %s; want %s", tt.stands, tt.plan, now(), tt.want)
					}
				}
			})
		})
	}
}

// No two domains have one login URL, whatever they are made of.
func TestLoginURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{Domain: "a-b.c.example"})
		domains := []string{"a-b.c.example", "a.b-c.example", "a-b-c.example", "a.b.c.example", "a--b.c.example"}
		seen := make(map[string]string)
		for _, d := range domains {
			if d != env.Domain {
				env.AzureAD.AddDomain(d, func(d *aad.Domain) { d.IsRoot = true })
			}
			plan := env.Plan()
			plan.Domain = d
			if _, err := env.Federator(nil).Federate(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			fed, _ := env.AzureAD.Federation(d)
			if other := seen[fed.PassiveSignInURI]; other != "" {
				t.Errorf("%s and %s have the login URL %s", other, d, fed.PassiveSignInURI)
			}
			seen[fed.PassiveSignInURI] = d
		}
		if seen["https://sso.jumpcloud.com/saml2/a--b-c-example"] != "a-b.c.example" {
			t.Errorf("login URLs: %v", seen)
		}
	})
}

// An application that came after the gates, with the same login URL, keeps ours
// from being made.
func TestLoginURLTakenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		f := env.Federator(&federation.Options{Confirm: func(context.Context, *federation.Proposal) error {
			env.JumpCloud.AddApplication("saml2", "Wiki", "urn:wiki", loginURL)
			return nil
		}})
		rep, err := f.Federate(t.Context(), env.Plan())
		if err == nil || !strings.Contains(err.Error(), "Wiki") || len(env.JumpCloud.Applications()) != 1 {
			t.Errorf("%v\n%s", err, rep)
		}
		if env.AzureAD.Domain(env.Domain).AuthenticationType == aad.Federated {
			t.Error("the domain is federated")
		}
	})
}

// Two groups of almost the same name, both of which the plan means, are nothing to
// be told of.
func TestSimilarGroupsThatThePlanNames(t *testing.T) {
	env := federationtest.New(nil)
	env.JumpCloud.AddGroup("every one")
	plan := env.Plan()
	plan.Groups = append(plan.Groups, federation.Group{Name: "every one"})
	pre, err := env.Federator(nil).Preflight(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range pre.Gates {
		if g.Code == federation.CodeGroupSimilar {
			t.Errorf("Preflight finds %s", g)
		}
	}
}

// Who looks without a plan is told what a plan needs, and what is under way.
func TestInspectTellsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		env.AzureAD.AddDomain("old.example", deleting("ForceDelete", "InProgress"))
		ownTool(env, "https://example.com", "https://example.com")
		for domain, want := range map[string]string{"example.com": `set application.idpEntityID to "https://example.com"`, "old.example": "is being deleted"} {
			s, err := env.Federator(nil).Inspect(t.Context(), domain)
			if err != nil || !strings.Contains(s.String(), want) {
				t.Errorf("%v\n%s", err, s)
			}
		}
		env = federationtest.New(nil)
		federated(t, env)
		s, err := env.Federator(nil).Inspect(t.Context(), env.Domain)
		if err != nil || len(s.Findings) > 0 {
			t.Errorf("%v\n%s", err, s)
		}
	})
}
