package federation_test

import (
	"errors"
	"net/http"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// brand edits what Microsoft's sign-in page shows, which nobody's sign-in depends on.
func (s *tale) brand() {
	s.edit(func() {
		fed, _ := s.AzureAD.Federation(s.Domain)
		fed.DisplayName = "Somebody's brand"
		s.AzureAD.SetFederation(s.Domain, fed)
	})
}

// withRemoval is a Defederate that deletes the application.
func withRemoval(domain string) federation.DefederatePlan {
	return federation.DefederatePlan{Domain: domain, Passwords: federation.PasswordsKnown, RemoveApplication: true}
}

// onlyByGroup lets the directory know people by the group alone.
func (s *tale) onlyByGroup() {
	s.edit(func() {
		for _, u := range s.JumpCloud.Users() {
			s.JumpCloud.Unbind(object(jumpcloud.DirectoryObject, s.Directory), object(jumpcloud.UserObject, u.ID))
		}
	})
}

var undoing = []situation{
	{"the brand name was edited", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		s.brand()
		s.revert(s.ctx, rep)
	}},
	{"the brand name was edited, and people are bound to the application directly", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		s.edit(func() {
			for _, u := range s.JumpCloud.Users() {
				s.JumpCloud.Bind(object(jumpcloud.ApplicationObject, s.app().ID), object(jumpcloud.UserObject, u.ID))
			}
		})
		s.brand()
		s.revert(s.ctx, rep)
	}},
	{"the brand name was edited, and the run had activated the application", func(s *tale) {
		s.edit(func() {
			s.JumpCloud.SetApplicationField(s.JumpCloud.AddApplication("office365", "Microsoft 365", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com"), "active", false)
			s.JumpCloud.Bind(object(jumpcloud.ApplicationObject, s.app().ID), object(jumpcloud.GroupObject, s.groupID(federationtest.Group)))
		})
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		s.brand()
		s.revert(s.ctx, rep)
	}},
	{"the brand name was edited, and the run had made the only administrator", func(s *tale) {
		s.withoutAdministrators()
		p := s.Plan()
		p.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
		rep, _ := s.federate(s.ctx, p, &federation.Options{TechnicalPassword: aad.NewSecret("long enough 1!")})
		s.brand()
		s.revert(s.ctx, rep)
	}},
	{"taking the federation away is refused", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		defer s.onRequest(http.MethodDelete, "/v1.0/domains/*/federationConfiguration/*", 100, denied)()
		s.revert(s.ctx, rep)
	}},
	{"taking the federation away lags", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		defer s.onRequest(http.MethodDelete, "/v1.0/domains/*/federationConfiguration/*", 1000, fake.Fault{Kind: fake.Refuse503})()
		s.revert(s.ctx, rep)
	}},
	{"a report from before the domain was switched", func(s *tale) {
		ctx, over := s.killed(http.MethodPost, "/api/v2/applications/*/associations", fake.DropAfter)
		first, _ := s.federate(ctx, s.Plan(), nil)
		over()
		s.federate(s.ctx, first.Plan, nil)
		time.Sleep(time.Hour)
		s.revert(s.ctx, first)
	}},
	{"the older of two reports, and the newer one changed the certificate", func(s *tale) {
		first, _ := s.federate(s.ctx, s.Plan(), nil)
		s.edit(func() { s.JumpCloud.RegenerateCertificate(s.app().ID) })
		s.federate(s.ctx, first.Plan, nil)
		s.revert(s.ctx, first)
	}},
	{"the report has repaired a certificate", func(s *tale) {
		first, _ := s.federate(s.ctx, s.Plan(), nil)
		s.edit(func() { s.JumpCloud.RegenerateCertificate(s.app().ID) })
		second, _ := s.federate(s.ctx, first.Plan, nil)
		s.revert(s.ctx, second)
	}},
	{"of a Defederate, and the application is inactive", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		rep, _ := s.defederate(s.ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsKnown})
		s.edit(func() { s.JumpCloud.SetApplicationField(s.app().ID, "active", false) })
		s.revert(s.ctx, rep)
	}},
	{"of a Defederate, and somebody was hired since", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		rep, _ := s.defederate(s.ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsKnown})
		s.onlyInAzureAD("new.hire@example.com")
		s.revert(s.ctx, rep)
	}},
	{"of a Defederate, and the group was unbound since", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		rep, _ := s.defederate(s.ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsKnown})
		s.edit(func() {
			s.JumpCloud.Unbind(object(jumpcloud.ApplicationObject, s.app().ID), object(jumpcloud.GroupObject, s.groupID(federationtest.Group)))
		})
		s.revert(s.ctx, rep)
	}},
	{"of a Defederate that died between unbinding and deleting", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		ctx, over := s.killed(http.MethodDelete, "/api/applications/*", fake.DropBefore)
		rep, _ := s.defederate(ctx, withRemoval(s.Domain))
		over()
		time.Sleep(time.Minute)
		s.revert(s.ctx, rep)
	}},
	{"of a Defederate that died while its answer was on the way", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		ctx, over := s.killed(http.MethodDelete, "/v1.0/domains/*/federationConfiguration/*", fake.DropAfter)
		rep, err := s.defederate(ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsKnown})
		over()
		if err == nil || len(rep.Steps) == 0 || rep.Steps[0].Outcome != federation.Unknown {
			s.t.Errorf("%v; want an error, and the first step unknown:\n%s", err, rep)
		}
		time.Sleep(time.Hour)
		if out, err := s.revert(s.ctx, rep); err != nil || out.After != federation.StateFederated {
			s.t.Errorf("%v; want the domain federated again:\n%s", err, out)
		}
	}},
	{"of a Defederate that has deleted the application", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		rep, _ := s.defederate(s.ctx, withRemoval(s.Domain))
		time.Sleep(time.Hour)
		if _, err := s.revert(s.ctx, rep); !errors.Is(err, federation.ErrDiffers) {
			s.t.Errorf("%v; want ErrDiffers", err)
		}
	}},
	{"of a Defederate, and an old list shows the application that it deleted", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		time.Sleep(time.Hour)
		s.JumpCloud.ListLag = jumpcloudtest.Lag{For: 5 * time.Minute}
		rep, _ := s.defederate(s.ctx, withRemoval(s.Domain))
		s.revert(s.ctx, rep)
	}},
	{"one old list says that the domain is managed", func(s *tale) {
		s.AzureAD.ResourceLag = func(resource string) aadtest.Lag {
			if resource == "domains" {
				return aadtest.Lag{For: time.Minute}
			}
			return aadtest.Lag{}
		}
		ctx, over := s.killed(http.MethodPost, "/v1.0/domains/*/federationConfiguration", fake.DropAfter)
		s.federate(ctx, s.Plan(), nil)
		over()
		time.Sleep(10 * time.Second)
		s.defederate(s.ctx, withRemoval(s.Domain))
	}},
	{"a list of domains without its list", func(s *tale) {
		s.federate(s.ctx, s.Plan(), nil)
		defer s.onRequest(http.MethodGet, "/v1.0/domains", 100, nothing)()
		s.defederate(s.ctx, withRemoval(s.Domain))
	}},
	{"a configuration without its list", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		defer s.onRequest(http.MethodGet, "/v1.0/domains/*/federationConfiguration", 100, nothing)()
		s.revert(s.ctx, rep)
	}},
	{"two domains share the group and the directory", func(s *tale) {
		s.onlyByGroup()
		other := s.second("other.example")
		s.edit(func() {
			u := s.JumpCloud.Users()[0]
			s.AzureAD.EditUser(u.Email, func(a *aad.User) { a.UserPrincipalName = "ada@other.example" })
			s.JumpCloud.EditUser(u.ID, func(u *jumpcloud.User) { u.Email = "ada@other.example" })
		})
		first, _ := s.federate(s.ctx, s.Plan(), nil)
		s.federate(s.ctx, other, nil)
		s.revert(s.ctx, first)
	}},
	{"two domains share listed members", func(s *tale) {
		other := s.second("other.example")
		s.edit(func() {
			id := s.JumpCloud.AddUser(jumpcloud.User{Username: "ann", Email: "ann@other.example", State: jumpcloud.Activated, Activated: true})
			s.JumpCloud.BindUser(s.Directory, id, s.AzureAD.AddUser(aad.User{UserPrincipalName: "ann@other.example", ImmutableID: id}))
		})
		p := s.Plan()
		p.Groups[0].Members = []string{"ann@other.example"}
		other.Groups = p.Groups
		first, _ := s.federate(s.ctx, p, nil)
		s.federate(s.ctx, other, nil)
		s.revert(s.ctx, first)
	}},
	{"the answer to the technical account's creation was lost", func(s *tale) {
		p := s.Plan()
		p.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
		ctx, over := s.killed(http.MethodPost, "/v1.0/users", fake.DropAfter)
		rep, err := s.federate(ctx, p, &federation.Options{TechnicalPassword: aad.NewSecret("long enough 1!")})
		over()
		if err == nil {
			s.t.Error("the run did not die")
		}
		for range 3 {
			time.Sleep(time.Hour)
			if _, err = s.revert(s.ctx, rep); err == nil {
				break
			}
		}
		if err != nil {
			s.blame("Revert: fails however often it is called", "%v", err)
		}
		for _, u := range s.AzureAD.Users() {
			if u.UserPrincipalName == p.TechnicalAccount.UserPrincipalName && err == nil {
				s.blame("Revert: leaves what the run made, without a word", "%s", u.UserPrincipalName)
			}
		}
	}},
	{"the report is of another tenant, the JumpCloud organisation is the same", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		other := federationtest.New(&federationtest.Options{Domain: "other.example"})
		other.AzureAD.TenantID = "0e3a9f44-1111-4222-8333-444455556666"
		s.call("Revert", func() (w said) {
			out, err := federation.New(s.JumpCloud.Client(nil), other.AzureAD.Client(nil), nil).Revert(s.ctx, rep)
			s.note("Revert: %v\n%s", err, out)
			w.refusal(err)
			w.report(out)
			return w
		})
	}},
	{"of a take-over, and the other provider's configuration comes back", func(s *tale) {
		s.edit(func() {
			fed := aad.Federation{DisplayName: "Okta", IssuerURI: "http://www.okta.com/exk1", PassiveSignInURI: "https://example.okta.com/app/sso/saml",
				SignOutURI: "https://example.okta.com/out", Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP}
			id := s.JumpCloud.AddApplication("saml2", "Wiki", "urn:wiki", "https://wiki.example") // for its certificate
			a, _ := s.JumpCloud.Application(id)
			fed.SigningCertificate = a.Certificate
			s.AzureAD.SetFederation(s.Domain, fed)
		})
		p := s.Plan()
		p.Consent.TakeOver = true
		rep, err := s.federate(s.ctx, p, nil)
		if err != nil {
			s.t.Error(err)
		}
		if _, err := s.revert(s.ctx, rep); err != nil {
			s.t.Error(err)
		}
	}},
	{"replicas disagree on what Revert has deleted", func(s *tale) {
		p := s.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "New"})
		rep, _ := s.federate(s.ctx, p, nil)
		time.Sleep(time.Hour)
		s.JumpCloud.GetLag = jumpcloudtest.Lag{Flaps: 9}
		if _, err := s.revert(s.ctx, rep); err != nil {
			s.blame("Revert: ends with an error although nothing was wrong but lag", "%v", err)
		}
	}},
	{"lists do not show yet what the run has bound", func(s *tale) {
		rep, _ := s.federate(s.ctx, s.Plan(), nil)
		s.JumpCloud.ListLag = jumpcloudtest.Lag{For: time.Minute}
		_, err := s.revert(s.ctx, rep)
		if group := object(jumpcloud.GroupObject, s.groupID(federationtest.Group)); err == nil && s.JumpCloud.Associated(object(jumpcloud.DirectoryObject, s.Directory), group) {
			s.blame("Revert: leaves what the run made, without a word", "the directory is bound to the group")
		}
	}},
}
