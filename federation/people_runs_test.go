package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestOnlyNewLockOuts: a run that mends a federation, or changes its brand, is not
// refused for somebody who cannot sign in anyhow; they are told. Whoever can until
// then needs consent.
func TestOnlyNewLockOuts(t *testing.T) {
	hire := []string{"new.hire@example.com"}
	brand := func(p *federation.Plan) { p.BrandName = "Example" }
	for _, tt := range []struct {
		name   string
		make   func(*testing.T, *federationtest.Env)
		plan   func(*federation.Plan)
		asked  func(*federationtest.Env) // while Confirm waits
		locked []string                  // newly
		out    []string                  // before too
	}{
		{name: "managed", make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain) }, locked: hire},
		{name: "the brand name", plan: brand, out: hire},
		{name: "another certificate", make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.RegenerateCertificate(app(t, env)) }, out: hire},
		{name: "an inactive application", make: func(t *testing.T, env *federationtest.Env) {
			env.JumpCloud.SetApplicationField(app(t, env), "active", false)
		}, out: hire},
		{name: "an application that is gone", make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.DeleteApplication(app(t, env)) }, out: hire},
		{name: "an unbound group", make: unbind, out: hire},
		{name: "an application that is gone, and a mistyped group", out: append([]string{"ada.abbott@example.com", "ben.baker@example.com", "cleo.clarke@example.com"}, hire...),
			plan: func(p *federation.Plan) { p.Groups = []federation.Group{{Name: "Everyon"}} },
			make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.DeleteApplication(app(t, env)) }},
		{name: "a sign-in URL of nobody's", out: hire,
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.PassiveSignInURI = "https://sso.jumpcloud.com/saml2/nobody" })
			}},
		{name: "half federated", plan: func(p *federation.Plan) { p.Consent.Recover = true }, out: hire,
			make: func(t *testing.T, env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain); half(t, env) }},
		{name: "half federated, and a mistyped group", out: hire, locked: []string{"ada.abbott@example.com", "ben.baker@example.com", "cleo.clarke@example.com"},
			plan: func(p *federation.Plan) { p.Consent.Recover, p.Groups = true, []federation.Group{{Name: "Everyon"}} },
			make: func(t *testing.T, env *federationtest.Env) {
				env.JumpCloud.DeleteApplication(app(t, env)) // which the right group is bound to
				env.AzureAD.RemoveFederation(env.Domain)
				half(t, env)
			}},
		{name: "another provider", plan: func(p *federation.Plan) { p.Consent.TakeOver = true }, locked: hire,
			make: func(t *testing.T, env *federationtest.Env) { env.AzureAD.SetFederation(env.Domain, okta(t)) }},
		{name: "another provider, and no immutable ID", plan: func(p *federation.Plan) { p.Consent.TakeOver = true }, out: hire,
			make: func(t *testing.T, env *federationtest.Env) {
				env.AzureAD.SetFederation(env.Domain, okta(t))
				env.AzureAD.EditUser(hire[0], func(u *aad.User) { u.ImmutableID = "" })
			}},
		{name: "set to Managed while Confirm waits", plan: func(p *federation.Plan) { p.Directory.Rules = []string{"user_department"} }, locked: hire, out: hire,
			asked: func(env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				env.AzureAD.AddUser(aad.User{UserPrincipalName: hire[0], DisplayName: "New Hire", ImmutableID: "TmV3"})
				if tt.make != nil {
					tt.make(t, env)
				}
				plan := env.Plan()
				if tt.plan != nil {
					tt.plan(&plan)
				}
				f := env.Federator(&federation.Options{Confirm: func(context.Context, *federation.Proposal) error {
					if tt.asked != nil {
						tt.asked(env)
					}
					return nil
				}})
				pf, err := f.Preflight(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.out, names(pf.People.AlreadyOut())); d != "" {
					t.Errorf("Preflight's AlreadyOut (-want +got):\n%s\n%s", d, pf)
				}
				if got, want := pf.People.Counts.AlreadyOut, len(tt.out); got != want {
					t.Errorf("%d people are counted who are out already; want %d", got, want)
				}
				env.ResetLog()
				rep, err := f.Federate(t.Context(), plan)
				if d := cmp.Diff(tt.locked, lockedOut(t, err)); d != "" {
					t.Fatalf("Federate (-want +got):\n%s%v", d, err)
				}
				if d := cmp.Diff(tt.out, toldOf(rep, federation.CodeAlreadyOut)); d != "" {
					t.Errorf("told as out already (-want +got):\n%s\n%s", d, rep)
				}
				if says := `the group "Everyon" does not exist`; strings.Contains(tt.name, "mistyped") && !strings.Contains(fmt.Sprint(err, rep), says) {
					t.Errorf("nothing says %q:\n%v\n%s", says, err, rep)
				}
				if tt.locked == nil && env.Writes() == 0 {
					t.Error("Federate wrote nothing, so the test says nothing")
				}
				if tt.asked != nil && env.AzureAD.Domain(env.Domain).AuthenticationType != aad.Managed {
					t.Error("the domain was federated though somebody can sign in who could not any more")
				}
			})
		})
	}
}

// TestEverybodyIsData: sentences shorten, what programs read does not; and what a
// number has covered is told in full.
func TestEverybodyIsData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		var want []string
		for i := range 25 {
			upn := fmt.Sprintf("user%02d@example.com", i)
			want = append(want, upn)
			env.AzureAD.AddUser(aad.User{UserPrincipalName: upn})
		}
		_, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if d := cmp.Diff(want, lockedOut(t, err)); d != "" {
			t.Errorf("the error (-want +got):\n%s", d)
		}
		if !strings.Contains(err.Error(), "user09@example.com, and 15 more") || strings.Contains(err.Error(), "user10") {
			t.Errorf("the sentence does not shorten: %v", err)
		}
		plan := env.Plan()
		plan.Consent.LockOut = federation.LockOut{People: []string{"USER07@Example.com"}, AtMost: 24}
		rep, err := env.Federator(nil).Federate(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(rep.Findings, func(f federation.Finding) bool { return f.Code == federation.CodeConsentUnused }) {
			t.Errorf("a consent that fits is told as unused:\n%s", rep)
		}
		b, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		back, err := federation.ParseReport(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*federation.Report{rep, back} {
			if len(r.Consents) != 1 || r.Consents[0].Code != federation.CodeLockOut {
				t.Fatalf("consents %v", r.Consents)
			}
			got := names(r.Consents[0].People)
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("the consent (-want +got):\n%s", d)
			}
		}
	})
}

// TestDefederateNamesEverybody: whoever needs a password is named, on subdomains
// too; people of other tenants need none.
func TestDefederateNamesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{Users: 1})
		env.AzureAD.AddDomain("eu.example.com")
		env.AzureAD.AddDomain("labs.example.com", func(v *aad.Domain) { v.IsRoot = true })
		off := false
		for _, u := range []aad.User{
			{UserPrincipalName: "Eva@eu.example.com"}, {UserPrincipalName: "lars@labs.example.com"}, {UserPrincipalName: "off@eu.example.com", Enabled: &off},
			{UserPrincipalName: "contractor@example.com", UserType: "Guest"}, {UserPrincipalName: "max_mail.example#EXT#@example.com", UserType: "Guest"},
		} {
			env.AzureAD.AddUser(u)
		}
		plan := env.Plan()
		plan.Consent.LockOut.AtMost = 2
		if _, err := env.Federator(nil).Federate(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		rep, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsReset})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range rep.Findings {
			if f.Code == federation.CodePasswordNeeded {
				got = append(got, f.Subject)
			}
		}
		if d := cmp.Diff([]string{"ada.abbott@example.com", "contractor@example.com", "Eva@eu.example.com"}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// TestBreakGlassOnSubdomains: an administrator on a subdomain that follows the
// domain depends on JumpCloud as well; one on a subdomain of its own does not.
func TestBreakGlassOnSubdomains(t *testing.T) {
	root := func(d *aad.Domain) { d.IsRoot = true }
	for _, tt := range []struct {
		name string
		make func(*testing.T, *site)
		upn  string
		fit  bool
	}{
		{"on one that follows", func(_ *testing.T, s *site) { s.AzureAD.AddDomain("it.example.com") }, "root@it.example.com", false},
		{"on one of its own", func(_ *testing.T, s *site) { s.AzureAD.AddDomain("it.example.com", root) }, "root@it.example.com", true},
		{"on one of its own that is federated", func(t *testing.T, s *site) {
			s.AzureAD.AddDomain("it.example.com", root)
			s.AzureAD.SetFederation("it.example.com", okta(t))
		}, "root@it.example.com", false},
		{"below one of its own", func(_ *testing.T, s *site) {
			s.AzureAD.AddDomain("it.example.com", root)
			s.AzureAD.AddDomain("x.it.example.com")
		}, "root@x.it.example.com", true},
		{"a member of another tenant", func(*testing.T, *site) {}, "root_mail.example#EXT#@contoso.onmicrosoft.com", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(nil)
				tt.make(t, s)
				s.administrators(aad.User{UserPrincipalName: tt.upn, UserType: "Member"})
				s.plan.Consent.LockOut.AtMost = 1
				_, err := s.federator().Federate(t.Context(), s.plan)
				var p *federation.PreconditionError
				if shut := errors.As(err, &p) && p.Has(federation.CodeBreakGlass); shut == tt.fit || tt.fit && err != nil {
					t.Errorf("Federate: %v; want that %s is enough: %t", err, tt.upn, tt.fit)
				}
			})
		})
	}
}

// TestVerifyCertificates: the certificate's time is over, nearly over, or a second
// one is there.
func TestVerifyCertificates(t *testing.T) {
	second := func(t *testing.T, env *federationtest.Env) {
		edit(t, env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
	}
	for _, tt := range []struct {
		name             string
		make             func(*testing.T, *federationtest.Env)
		plan             func(*federation.Plan)
		effective, wrong bool
		says             string
	}{
		{"expired", func(*testing.T, *federationtest.Env) { time.Sleep(6 * 366 * 24 * time.Hour) }, nil, false, true, "sign-in may still work"},
		{"expired, and accepted in the plan", func(*testing.T, *federationtest.Env) { time.Sleep(6 * 366 * 24 * time.Hour) },
			func(p *federation.Plan) { p.Consent.Certificate = []string{"expired"} }, false, true, "sign-in may still work"},
		{"expires soon", func(*testing.T, *federationtest.Env) { time.Sleep((5*365 + 1 - 20) * 24 * time.Hour) }, nil, true, false, "warning: JumpCloud's certificate"},
		{"an unknown second one", second, nil, true, true, "alarm: beside JumpCloud's"},
		{"an unknown second one, to be removed", second,
			func(p *federation.Plan) { p.Consent.RemoveNextCertificate = true }, true, false, "warning: beside JumpCloud's"},
		{"an unreadable second one", func(t *testing.T, env *federationtest.Env) {
			edit(t, env, func(f *aad.Federation) { f.RawNextSigningCertificate = "not a certificate" })
		}, nil, true, true, "(unreadable certificate)"},
		{"JumpCloud's as the second one", func(t *testing.T, env *federationtest.Env) {
			edit(t, env, func(f *aad.Federation) { f.NextSigningCertificate = f.SigningCertificate })
		}, nil, true, false, "good"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				tt.make(t, env)
				plan := env.Plan()
				if tt.plan != nil {
					tt.plan(&plan)
				}
				v, err := env.Federator(nil).Verify(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				if v.Effective() != tt.effective || v.Wrong() != tt.wrong || !strings.Contains(v.String(), tt.says) {
					t.Errorf("effective %t, wrong %t; want %t, %t and %q\n%s", v.Effective(), v.Wrong(), tt.effective, tt.wrong, tt.says, v)
				}
				if v.AskAgain != 0 {
					t.Errorf("ask again in %s, though waiting changes nothing", v.AskAgain)
				}
				start := time.Now()
				_, err = env.Federator(nil).Wait(t.Context(), plan)
				if took := time.Since(start); errors.Is(err, federation.ErrWrong) != tt.wrong || !tt.wrong && err != nil || took > 5*time.Second {
					t.Errorf("Wait: %v after %s; want ErrWrong: %t, at once", err, took, tt.wrong)
				}
			})
		})
	}
}

// TestListsThatLag: a binding to a group that is gone, and an application that not
// all replicas know, let nobody in and are no reason to give up.
func TestListsThatLag(t *testing.T) {
	for _, path := range []string{"/membership", "/associations"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				id := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: env.JumpCloud.AddApplication("office365", "Microsoft 365", entityID, loginURL)}
				old := env.JumpCloud.AddGroup("Old")
				env.JumpCloud.Bind(id, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: old})
				asked := 0
				env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
					if strings.HasSuffix(r.URL.Path, old+path) || strings.HasSuffix(r.URL.Path, id.ID+path) && r.URL.Query().Get("targets") == "user" {
						asked++
						return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: http.StatusNotFound, Body: `{"message":"Not Found"}`}
					}
					return jumpcloudtest.Fault{}
				}
				pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
				if err != nil || len(pf.LockedOut()) > 0 || asked != 1 {
					t.Errorf("Preflight: %v, asked %d times\n%s", err, asked, pf)
				}
			})
		})
	}
}

// Bindings that name nobody of the tenant show that directory and tenant belong to
// two customers.
func TestBindingsOfAnotherCustomer(t *testing.T) {
	for _, tt := range []struct {
		name     string
		strange  int // of three people, whose bindings name accounts of another tenant
		unbound  bool
		severity federation.Severity
	}{
		{"all of them", 3, false, federation.Refusal},
		{"two of three", 2, false, ""},
		{"nobody is bound", 0, true, federation.Info},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				for i, u := range env.JumpCloud.Users() {
					dir, user := jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: env.Directory}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: u.ID}
					if tt.unbound || i < tt.strange {
						env.JumpCloud.Unbind(dir, user)
					}
					if !tt.unbound && i < tt.strange {
						env.JumpCloud.BindUser(env.Directory, u.ID, "0e3a9f44-1111-4222-8333-00000000000"+string(rune('0'+i)))
					}
				}
				plan := env.Plan()
				plan.Consent.LockOut.AtMost = 3
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				var found federation.Severity
				for _, f := range rep.Findings {
					if f.Code == federation.CodeWrongTenant {
						found = f.Severity
					}
				}
				if found != tt.severity || (err != nil) != (tt.severity == federation.Refusal) {
					t.Errorf("found %q, %v; want %q\n%s", found, err, tt.severity, rep)
				}
			})
		})
	}
}
