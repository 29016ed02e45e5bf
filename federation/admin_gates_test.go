package federation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

func cloudOnly(name string) aad.User {
	return aad.User{UserPrincipalName: name + "@contoso.onmicrosoft.com", DisplayName: name}
}

// The gates about administrators, permissions and people.
var administratorGates = []gate{
	{name: "break-glass-none", code: federation.CodeBreakGlass,
		shut: func(t *testing.T, s *site) {
			s.AzureAD.AddDomain("other.example")
			s.AzureAD.SetFederation("other.example", okta(t))
			yes, no := true, false
			s.administrators(
				aad.User{UserPrincipalName: "root@sales.example.com"},
				aad.User{UserPrincipalName: "off@contoso.onmicrosoft.com", Enabled: &no},
				aad.User{UserPrincipalName: "guest_gmail.com#EXT#@contoso.onmicrosoft.com", UserType: "Guest"},
				aad.User{UserPrincipalName: "synced@contoso.onmicrosoft.com", OnPremisesSyncEnabled: &yes},
				aad.User{UserPrincipalName: "withid@contoso.onmicrosoft.com", ImmutableID: "QUJD"},
				aad.User{UserPrincipalName: "elsewhere@other.example"},
			)
		},
		consent: func(p *federation.Plan) { p.Consent.NoBreakGlass = true }},
	{name: "break-glass-of-many", code: federation.CodeBreakGlass,
		shut: func(_ *testing.T, s *site) {
			var users []aad.User
			for i := range 13 {
				users = append(users, aad.User{UserPrincipalName: fmt.Sprintf("admin%02d@sales.example.com", i)})
			}
			s.administrators(users...)
		},
		consent: func(p *federation.Plan) { p.Consent.NoBreakGlass = true }},
	{name: "break-glass-nobody-at-all", code: federation.CodeBreakGlass,
		shut:    func(_ *testing.T, s *site) { s.administrators() },
		consent: func(p *federation.Plan) { p.Consent.NoBreakGlass = true }},
	{name: "break-glass-one", code: federation.CodeBreakGlassOne, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) { s.administrators(cloudOnly("one")) }},
	{name: "break-glass-one-to-be-made", code: federation.CodeBreakGlassOne, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.administrators()
			s.plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
			s.opts.TechnicalPassword = aad.NewSecret("Correct-Horse-7")
		}},
	{name: "privileged-immutable-id", code: federation.CodePrivilegedImmutable, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			u := cloudOnly("withid")
			u.ImmutableID = "QUJD"
			s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddUser(u))
		}},
	{name: "technical-account-missing", code: federation.CodeTechnicalAccount,
		shut: func(_ *testing.T, s *site) {
			s.plan.TechnicalAccount.UserPrincipalName = "rescue@contoso.onmicrosoft.com"
		},
		mend: func(_ *testing.T, s *site) {
			s.plan.TechnicalAccount.Create = true
			s.opts.TechnicalPassword = aad.NewSecret("Correct-Horse-7")
		}},
	{name: "technical-account-without-password", code: federation.CodeTechnicalAccount,
		shut: func(_ *testing.T, s *site) {
			s.plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
		},
		mend: func(_ *testing.T, s *site) { s.opts.TechnicalPassword = aad.NewSecret("Correct-Horse-7") }},
	{name: "technical-account-disabled", code: federation.CodeTechnicalAccount,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddUser(cloudOnly("spare")))
			s.AzureAD.EditUser(s.Administrators[0], func(u *aad.User) { *u.Enabled = false })
		},
		mend: func(_ *testing.T, s *site) {
			s.AzureAD.EditUser(s.Administrators[0], func(u *aad.User) { *u.Enabled = true })
		}},
	{name: "technical-account-without-role", code: federation.CodeTechnicalAccount,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddUser(cloudOnly("rescue"))
			s.plan.TechnicalAccount.UserPrincipalName = "rescue@contoso.onmicrosoft.com"
		},
		mend: func(_ *testing.T, s *site) { s.plan.TechnicalAccount.Create = true }},
	{name: "technical-account-on-a-subdomain", code: federation.CodeTechnicalAccount,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("it.example.com")
			s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddUser(aad.User{UserPrincipalName: "root@it.example.com"}))
			s.plan.TechnicalAccount.UserPrincipalName = "root@it.example.com"
			s.plan.Consent.LockOut.People = []string{"root@it.example.com"} // on a subdomain that follows, and not in JumpCloud
		},
		mend: func(_ *testing.T, s *site) { s.plan.TechnicalAccount.UserPrincipalName = s.Administrators[0] }},
	{name: "technical-account-on-another-domain", code: federation.CodeTechnicalAccount, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("other.example")
			s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddUser(aad.User{UserPrincipalName: "root@other.example"}))
			s.plan.TechnicalAccount.UserPrincipalName = "root@other.example"
		}},
	{name: "permission-federation", code: federation.CodePermission,
		shut: func(_ *testing.T, s *site) { s.cred = readers },
		mend: func(_ *testing.T, s *site) {
			s.cred = append(readers[:len(readers):len(readers)], "Domain-InternalFederation.ReadWrite.All")
		}},
	{name: "permission-domain", code: federation.CodePermission, opts: &federationtest.Options{DefaultDomain: true},
		shut: func(_ *testing.T, s *site) {
			s.cred = append(readers[:len(readers):len(readers)], "Domain-InternalFederation.ReadWrite.All")
		},
		mend: func(_ *testing.T, s *site) { s.cred = nil }},
	{name: "permission-everything", code: federation.CodePermission, count: 4, opts: &federationtest.Options{DefaultDomain: true},
		shut: func(_ *testing.T, s *site) {
			s.cred = readers
			s.plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
			s.opts.TechnicalPassword = aad.NewSecret("Correct-Horse-7")
		},
		mend: func(_ *testing.T, s *site) { s.cred = nil }},
	{name: "permission-domain-alone", code: federation.CodePermission, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.cred = append(readers[:len(readers):len(readers)], "Domain.ReadWrite.All")
		}},
	{name: "permission-opaque-token", code: federation.CodePermission, severity: federation.Info,
		shut: func(_ *testing.T, s *site) { s.AzureAD.OpaqueTokens = true }},
	{name: "token-validation-policy", code: federation.CodeTokenPolicy, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			for _, name := range []string{"walt", "xena"} {
				id := s.JumpCloud.AddUser(jumpcloud.User{Username: name, Email: name + "@example.com", State: "ACTIVATED", Activated: true})
				s.JumpCloud.BindUser(s.Directory, id, s.AzureAD.AddUser(aad.User{
					UserPrincipalName: name + "@contoso.onmicrosoft.com", Mail: name + "@example.com", ImmutableID: "QUJD" + name,
				}))
				s.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.GroupObject, ID: s.JumpCloud.Groups()[0].ID}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: id})
			}
		}},
	{name: "lock-out-by-a-mistyped-group", code: federation.CodeLockOut,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddGroup("every one")
			s.JumpCloud.AddGroup("Sales")
			s.plan.Groups = []federation.Group{{Name: "Evreyone"}}
		},
		consent: func(p *federation.Plan) { p.Consent.LockOut.AtMost = 3 }},
	{name: "lock-out-by-an-empty-group", code: federation.CodeLockOut,
		shut: func(_ *testing.T, s *site) {
			s.JumpCloud.AddGroup("Microsoft 365")
			s.plan.Groups = []federation.Group{{Name: "Microsoft 365"}}
		},
		consent: func(p *federation.Plan) { p.Consent.LockOut.AtMost = 3 }},
	{name: "already-out", code: federation.CodeAlreadyOut, severity: federation.Warning,
		shut: func(t *testing.T, s *site) {
			federated(t, s.Env)
			s.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@example.com", ImmutableID: "TmV3"})
			s.plan.BrandName = "Example"
		}},
	{name: "consent-unused", code: federation.CodeConsentUnused, severity: federation.Info,
		shut: func(_ *testing.T, s *site) {
			s.plan.Consent.LockOut.People = []string{"Ada.Abbot@example.com", "ada.abbott@example.com"}
		}},
	{name: "subdomain", code: federation.CodeSubdomain, severity: federation.Info,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("uk.example.com")
			s.AzureAD.AddDomain("eu.example.com")
			s.AzureAD.AddDomain("labs.example.com", func(d *aad.Domain) { d.IsRoot = true })
			s.AzureAD.AddDomain("a.labs.example.com")
		}},
	{name: "immutable-ids-of-another-form", code: federation.CodeImmutableIDForm, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			for _, u := range s.AzureAD.Users() {
				if u.ImmutableID != "" {
					s.AzureAD.EditUser(u.ID, func(u *aad.User) { u.ImmutableID = u.UserPrincipalName })
				}
			}
		}},
	{name: "immutable-ids-never-synchronised", code: federation.CodeImmutableIDForm, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			for i, u := range s.AzureAD.Users() {
				if u.ImmutableID != "" {
					s.AzureAD.EditUser(u.ID, func(u *aad.User) { u.ImmutableID = fmt.Sprintf("b2xkZXIg%06d", i) })
				}
			}
			for _, u := range s.JumpCloud.Users() {
				s.JumpCloud.SetSync(s.Directory, jumpcloud.BoundUser{UserID: u.ID})
			}
		}},
	{name: "immutable-ids-expected", code: federation.CodeImmutableIDExpected, severity: federation.Info,
		shut: func(_ *testing.T, s *site) { // one is yet to be synchronised
			s.JumpCloud.SetSync(s.Directory, jumpcloud.BoundUser{UserID: s.JumpCloud.Users()[0].ID})
		}},
	{name: "mfa-claim", code: federation.CodeMFAClaim, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) { s.plan.MFA = aad.EnforceMFAByFederatedIdP }},
	{name: "lock-out", code: federation.CodeLockOut,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddUser(aad.User{UserPrincipalName: "Uma.Underhill@example.com", DisplayName: "Uma Underhill", ImmutableID: "VW1h"})
		},
		consent: func(p *federation.Plan) { p.Consent.LockOut.People = []string{"uma.underhill@example.com"} }},
	{name: "lock-out-of-many", code: federation.CodeLockOut,
		shut: func(_ *testing.T, s *site) {
			for i := range 14 {
				s.AzureAD.AddUser(aad.User{UserPrincipalName: fmt.Sprintf("user%02d@example.com", i), ImmutableID: fmt.Sprintf("QUJD%04d", i)})
			}
		},
		consent: func(p *federation.Plan) { p.Consent.LockOut.AtMost = 14 }},
}

// readers are the permissions that checking needs.
var readers = []string{
	"Domain.Read.All", "Domain-InternalFederation.Read.All", "User.Read.All", "Organization.Read.All",
	"RoleManagement.Read.Directory", "GroupMember.Read.All", "Policy.Read.All",
}

// The gates about the plan itself.
var planGates = []gate{
	{name: "plan-domain", code: federation.CodePlanDomain,
		shut: func(_ *testing.T, s *site) { s.plan.Domain = "https://example.com/" },
		mend: func(_ *testing.T, s *site) { s.plan.Domain = "Example.com." }},
	{name: "plan-entity-id-digit", code: federation.CodePlanEntityID,
		shut: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "1example.com" },
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "" }},
	{name: "plan-entity-id-sample", code: federation.CodePlanEntityID,
		shut: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "urn:uri:o365" },
		mend: func(_ *testing.T, s *site) { s.plan.Application.IdPEntityID = "" }},
	{name: "plan-url", code: federation.CodePlanURL, count: 2,
		shut: func(_ *testing.T, s *site) {
			s.plan.SignOutURL, s.plan.Application.LoginURL = "http://portal.example.com", "sso.jumpcloud.com/saml2/x"
		},
		mend: func(_ *testing.T, s *site) { s.plan.SignOutURL, s.plan.Application.LoginURL = "", "" }},
	{name: "plan-groups", code: federation.CodePlanGroups,
		shut: func(_ *testing.T, s *site) { s.plan.Groups = nil },
		mend: func(_ *testing.T, s *site) { s.plan.Groups = []federation.Group{{Name: federationtest.Group}} }},
	{name: "plan-rule", code: federation.CodePlanRule,
		shut: func(_ *testing.T, s *site) { s.plan.Directory.Rules = []string{"department"} },
		mend: func(_ *testing.T, s *site) { s.plan.Directory.Rules = []string{"user_department"} }},
	{name: "plan-mfa", code: federation.CodePlanMFA,
		shut: func(_ *testing.T, s *site) { s.plan.MFA = "" },
		mend: func(_ *testing.T, s *site) { s.plan.MFA = aad.RejectMFAByFederatedIdP }},
	{name: "plan-default-domain", code: federation.CodePlanDefaultDomain,
		shut: func(_ *testing.T, s *site) { s.plan.DefaultDomain = s.Domain },
		mend: func(_ *testing.T, s *site) { s.plan.DefaultDomain = "" }},
	{name: "plan-technical-account", code: federation.CodePlanTechnicalAccount,
		shut: func(_ *testing.T, s *site) { s.plan.TechnicalAccount.UserPrincipalName = "admin@example.com" },
		mend: func(_ *testing.T, s *site) { s.plan.TechnicalAccount.UserPrincipalName = s.Administrators[0] }},
	{name: "plan-consent", code: federation.CodePlanConsent,
		shut: func(_ *testing.T, s *site) { s.plan.Consent.LockOut.AtMost = -1 },
		mend: func(_ *testing.T, s *site) { s.plan.Consent.LockOut.AtMost = 0 }},
}

// TestBreakGlassGroups: a group that has the role makes administrators of its
// members, and of those of the groups in it.
func TestBreakGlassGroups(t *testing.T) {
	for _, tt := range []struct {
		name   string
		inside bool // the two are in a group in the group
	}{
		{name: "members of a role-assignable group"},
		{name: "members of a group in the group", inside: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(nil)
				s.administrators()
				ids := []string{s.AzureAD.AddUser(cloudOnly("one")), s.AzureAD.AddUser(cloudOnly("two"))}
				group := s.AzureAD.AddGroup("Break-glass", ids...)
				if tt.inside {
					group = s.AzureAD.AddGroup("Administrators", group)
				}
				if _, err := s.federator().Federate(t.Context(), s.plan); err == nil || s.AzureAD.Writes() > 0 {
					t.Fatalf("Federate without the role: %v, %d writes; want a refusal", err, s.AzureAD.Writes())
				}
				s.AzureAD.MakeGlobalAdministrator(group)
				rep, err := s.federator().Federate(t.Context(), s.plan)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range slices.Concat(rep.Findings, rep.Consents) {
					if f.Code == federation.CodeBreakGlass || f.Code == federation.CodeBreakGlassOne {
						t.Errorf("Federate finds %s", f)
					}
				}
				for _, upn := range []string{"one@contoso.onmicrosoft.com", "two@contoso.onmicrosoft.com"} {
					if !strings.Contains(rep.Rows[1].Evidence, upn) {
						t.Errorf("row 2 of the report does not name %s: %s", upn, rep.Rows[1].Evidence)
					}
				}
			})
		})
	}
}

// TestTokenPolicyOff: a tenant whose policy holds for no domain is not warned.
func TestTokenPolicyOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, g := range administratorGates {
			if g.name != "token-validation-policy" {
				continue
			}
			s := newSite(nil)
			g.shut(t, s)
			s.AzureAD.SetPolicy(aad.TokenValidationPolicy{RootDomains: aad.NoDomains})
			rep, err := s.federator().Federate(t.Context(), s.plan)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range rep.Findings {
				if f.Code == federation.CodeTokenPolicy {
					t.Errorf("Federate finds %s", f)
				}
			}
		}
	})
}
