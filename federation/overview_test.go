package federation_test

import (
	"bytes"
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
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// motley is a tenant with domains in many states.
func motley(t *testing.T) *federationtest.Env {
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	federated(t, env)
	ad := env.AzureAD
	ad.AddDomain("sales.example.com")
	ad.AddDomain("new.example", aadtest.Unverified)
	ad.AddDomain("Plain.example", aadtest.Default)
	ad.AddDomain("shop.plain.example", func(d *aad.Domain) { d.IsRoot = true }) // promoted
	ad.AddDomain("till.shop.plain.example")
	ad.AddDomain("ready.example")
	env.JumpCloud.AddApplication("office365", "Ready", "urn:uri:ready.example", "https://sso.jumpcloud.com/saml2/ready-example")
	ad.AddDomain("okta.example")
	ad.SetFederation("okta.example", okta(t))
	ad.AddDomain("branch.okta.example")

	own := okta(t)
	own.IssuerURI, own.PassiveSignInURI, own.MFA = "https://tool.example", "https://sso.jumpcloud.com/saml2/tool-example", aad.RejectMFAByFederatedIdP
	id := env.JumpCloud.AddApplication("office365", "Tool", own.IssuerURI, own.PassiveSignInURI)
	app, _ := env.JumpCloud.Application(id)
	own.SigningCertificate, own.NextSigningCertificate = app.Certificate, foreignCert(t)
	ad.AddDomain("tool.example")
	ad.SetFederation("tool.example", own)

	gone := own
	gone.IssuerURI, gone.PassiveSignInURI = "urn:uri:gone.example", "https://sso.jumpcloud.com/saml2/gone-example"
	gone.SigningCertificate, gone.NextSigningCertificate, gone.RawNextSigningCertificate = foreignCert(t), certs.Cert{}, "not a certificate"
	ad.AddDomain("gone.example")
	ad.SetFederation("gone.example", gone)

	near := gone // its application carries another entity ID, and is found by the sign-in address
	near.IssuerURI, near.PassiveSignInURI = "urn:sso:near", "https://sso.jumpcloud.com/saml2/near-example"
	near.RawNextSigningCertificate = ""
	env.JumpCloud.AddApplication("office365", "Near", "urn:sso:nearly", near.PassiveSignInURI)
	ad.AddDomain("near.example")
	ad.SetFederation("near.example", near)

	for _, upn := range []string{"root@sales.example.com", "a@okta.example", "b@okta.example", "c@okta.example", "d@okta.example", "e@okta.example"} {
		ad.MakeGlobalAdministrator(ad.AddUser(aad.User{UserPrincipalName: upn}))
	}
	guest := ad.AddUser(aad.User{UserPrincipalName: "eve_okta.example#EXT#@contoso.onmicrosoft.com", UserType: "Guest"})
	ad.MakeGlobalAdministrator(guest)
	env.ResetLog()
	return env
}

// byName returns an overview by the names of the domains, having demanded that it
// writes nothing.
func byName(t *testing.T, env *federationtest.Env) ([]federation.Status, map[string]federation.Status) {
	t.Helper()
	all, err := env.Federator(nil).Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := env.Writes(); n > 0 {
		t.Errorf("Overview wrote %d times", n)
	}
	names := make(map[string]federation.Status)
	for _, s := range all {
		names[s.Domain] = s
	}
	if tenant := env.AzureAD.Domains(); len(names) != len(tenant) || len(all) != len(tenant) {
		t.Errorf("Overview tells %d domains, %d of them different; the tenant has %d", len(all), len(names), len(tenant))
	}
	return all, names
}

func TestOverview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := motley(t)
		all, names := byName(t, env)
		var md bytes.Buffer
		if err := federation.Statuses(all).WriteMarkdown(&md); err != nil {
			t.Fatal(err)
		}
		federation.Golden(t, "overview/motley.txt", federation.Stable(federation.Statuses(all).String()))
		federation.Golden(t, "overview/motley.md", federation.Stable(md.String()))
		federation.GoldenFiles(t, "overview", []string{"overview/motley.txt", "overview/motley.md"})

		if d := cmp.Diff([]string{"a@okta.example", "b@okta.example", "c@okta.example", "d@okta.example", "e@okta.example"},
			names["okta.example"].Administrators); d != "" {
			t.Errorf("administrators on okta.example (-want +got):\n%s", d)
		}
		b, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		var back []federation.Status
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if got, want := federation.Statuses(back).String(), federation.Statuses(all).String(); got != want {
			t.Errorf("read back from JSON:\n%s\nwant:\n%s", got, want)
		}
		agrees(t, env, all)
	})
}

// TestOverviewStates: in every state an overview says of a domain what Inspect says.
func TestOverviewStates(t *testing.T) {
	for _, tt := range inStates {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				if tt.make != nil {
					tt.make(t, env)
				}
				env.ResetLog()
				all, _ := byName(t, env)
				agrees(t, env, all)
			})
		})
	}
}

// agrees demands that Inspect says the same of each domain, as far as it reads.
func agrees(t *testing.T, env *federationtest.Env, all []federation.Status) {
	t.Helper()
	for _, s := range all {
		one, err := env.Federator(nil).Inspect(t.Context(), s.Domain)
		if err != nil {
			t.Fatal(err)
		}
		ignore := []string{"Checked", "Administrators"}
		if s.State == federation.StateInherits {
			ignore = append(ignore, "Provider", "MFA", "Expires", "NextExpires", "ApplicationExpires") // the root's
		}
		if d := cmp.Diff(*one, s, cmpopts.IgnoreFields(federation.Status{}, ignore...), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-Inspect +Overview):\n%s", s.Domain, d)
		}
	}
}

// TestOverviewRequests: five requests, one more for each federated domain, and one for
// each application that belongs to a domain, at most eight at a time.
func TestOverviewRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		const ours, theirs, managed, strangers = 40, 25, 30, 15
		for i := range ours {
			name := fmt.Sprintf("ours%02d.example", i)
			id := env.JumpCloud.AddApplication("office365", name, "urn:uri:"+name, "https://sso.jumpcloud.com/saml2/"+name)
			app, _ := env.JumpCloud.Application(id)
			f := okta(t)
			f.IssuerURI, f.PassiveSignInURI, f.SigningCertificate = app.EntityID, app.SSOURL, app.Certificate
			env.AzureAD.AddDomain(name)
			env.AzureAD.SetFederation(name, f)
			env.AzureAD.AddDomain("sub." + name)
		}
		for i := range theirs {
			name := fmt.Sprintf("theirs%02d.example", i)
			f := okta(t)
			f.IssuerURI += name
			env.AzureAD.AddDomain(name)
			env.AzureAD.SetFederation(name, f)
		}
		for i := range managed {
			env.AzureAD.AddDomain(fmt.Sprintf("managed%02d.example", i))
		}
		for i := range strangers { // applications that no domain has to do with
			env.JumpCloud.AddApplication("office365", "x", fmt.Sprintf("urn:uri:elsewhere%d.example", i), "https://sso.jumpcloud.com/saml2/x")
		}
		for i := range 25 {
			env.AzureAD.MakeGlobalAdministrator(env.AzureAD.AddUser(cloudOnly(fmt.Sprintf("admin%d", i))))
		}
		// One application that two domains mean: a managed one by its name, another by its issuer.
		env.JumpCloud.AddApplication("office365", "shared", "urn:uri:managed00.example", "https://sso.jumpcloud.com/saml2/shared")
		f := okta(t)
		f.IssuerURI = "urn:uri:managed00.example"
		env.AzureAD.AddDomain("theirs-shared.example")
		env.AzureAD.SetFederation("theirs-shared.example", f)
		env.ResetLog()
		_, names := byName(t, env)
		if n, most := env.Requests(), 5+ours+theirs+1+ours+1; n != most {
			t.Errorf("an overview of %d domains made %d requests; want %d", len(names), n, most)
		}
		for _, s := range names {
			want := federation.StateManaged
			switch {
			case strings.HasPrefix(s.Domain, "sub."):
				want = federation.StateInherits
			case strings.HasPrefix(s.Domain, "ours"):
				want = federation.StateDiffers // by brand and protocol
			case s.Domain == "managed00.example":
				want = federation.StatePrepared
			case s.Domain == "theirs-shared.example":
				want = federation.StateMismatch
			case strings.HasPrefix(s.Domain, "theirs"):
				want = federation.StateForeign
			case strings.HasSuffix(s.Domain, ".onmicrosoft.com"):
				want = federation.StateInitial
			}
			if s.State != want {
				t.Errorf("%s: %s; want %s", s.Domain, s.State, want)
			}
		}
		for service, n := range map[string]int{"Azure AD": env.AzureAD.MaxInFlight(), "JumpCloud": env.JumpCloud.MaxInFlight()} {
			if n > 8 {
				t.Errorf("%d requests to %s were under way at once; want at most 8", n, service)
			}
		}
	})
}

// TestOverviewUnreadable: a domain that cannot be read hides no other, and what was
// read of it is told.
func TestOverviewUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := motley(t)
		whole, _ := byName(t, env)
		env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
			if strings.Contains(r.URL.Path, "/okta.example/federationConfiguration") {
				return aadtest.Fault{Kind: aadtest.Refuse503, Status: 403, Body: `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}`}
			}
			return aadtest.Fault{}
		}
		env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
			if strings.HasSuffix(r.URL.Path, "/metadata.xml") && (strings.Contains(r.URL.Path, appOf(env, "Ready")) || strings.Contains(r.URL.Path, appOf(env, "Tool"))) {
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: 403, Body: `{"message":"no"}`}
			}
			return jumpcloudtest.Fault{}
		}
		all, names := byName(t, env)
		for i, s := range all {
			failed := s.Domain == "okta.example" || s.Domain == "tool.example" || s.Domain == "ready.example"
			if (s.Error != "") != failed {
				t.Errorf("%s: error %q", s.Domain, s.Error)
			}
			if s.Domain == "branch.okta.example" {
				continue // whose root's provider is not known
			}
			if d := cmp.Diff(whole[i], s, cmpopts.IgnoreFields(federation.Status{}, "Checked")); !failed && d != "" {
				t.Errorf("%s is told otherwise when others cannot be read:\n%s", s.Domain, d)
			}
		}
		if s := names["okta.example"]; s.State != "" || s.Provider != "" || len(s.Administrators) != 5 || !strings.Contains(s.Error, "Insufficient privileges") {
			t.Errorf("a domain whose federation may not be read: %+v", s)
		}
		if s := names["branch.okta.example"]; s.State != federation.StateInherits || s.Root != "okta.example" || s.Provider != "" {
			t.Errorf("what inherits from it: %+v", s)
		}
		if s := names["tool.example"]; s.State != "" || s.Provider != "JumpCloud (own tool)" || s.MFA == "" || s.Expires.IsZero() || len(s.Applications) != 1 {
			t.Errorf("a domain whose application's metadata may not be read: %+v", s)
		}
		if s := names["ready.example"]; s.State != federation.StatePrepared {
			t.Errorf("a managed domain whose application's metadata may not be read: %+v", s)
		}
		if text := federation.Statuses(all).String(); !strings.Contains(text, "okta.example: could not be read: ") {
			t.Errorf("the table does not say what could not be read:\n%s", text)
		}
		s := names["okta.example"]
		if text := s.String(); !strings.HasPrefix(text, "okta.example: not known\n  could not be read: ") {
			t.Errorf("the status of what could not be read is\n%s", text)
		}
	})
}

// appOf is the ID of the application with a label.
func appOf(env *federationtest.Env, label string) string {
	apps := env.JumpCloud.Applications()
	i := slices.IndexFunc(apps, func(a jumpcloudtest.Application) bool { return a.Label == label })
	return apps[i].ID
}

// TestOverviewFails: without the lists there is no overview, and an end is no empty
// tenant.
func TestOverviewFails(t *testing.T) {
	for name, path := range map[string]string{
		"domains": "/domains", "administrators": "/roleManagement", "applications": "/api/applications",
	} {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
				if strings.Contains(r.URL.Path, path) {
					return aadtest.Fault{Kind: aadtest.Refuse503, Status: 403, Body: `{"error":{"code":"Authorization_RequestDenied","message":"no"}}`}
				}
				return aadtest.Fault{}
			}
			env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
				if strings.Contains(r.URL.Path, path) {
					return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: 403, Body: `{"message":"no"}`}
				}
				return jumpcloudtest.Fault{}
			}
			all, err := env.Federator(nil).Overview(t.Context())
			if all != nil || err == nil {
				t.Errorf("without the list of %s: %v, %v; want an error alone", name, all, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		env := motley(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
			if strings.Contains(r.URL.Path, "federationConfiguration") {
				cancel(enough)
			}
			return aadtest.Fault{}
		}
		if all, err := env.Federator(nil).Overview(ctx); all != nil || !errors.Is(err, enough) {
			t.Errorf("ended in the middle: %v, %v; want what ended it", all, err)
		}
	})
}

// TestStatuses: what the table says of the days that are left, and of hostile names.
func TestStatuses(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	many := []string{"a@x.example", "b@x.example", "c@x.example", "d@x.example"}
	for _, tt := range []struct {
		status federation.Status
		want   string
	}{
		{federation.Status{Domain: "x.example", State: federation.StateManaged}, "x.example managed"},
		{federation.Status{Domain: "x.example", State: federation.StateInherits, Root: "example"}, "  x.example inherits"},
		{federation.Status{Domain: "x.example"}, "x.example not known"},
		{federation.Status{Domain: "x.example", State: "s", Expires: now.Add(day)}, "x.example s 1 day"},
		{federation.Status{Domain: "x.example", State: "s", Expires: now.Add(day - 1)}, "x.example s 0 days"},
		{federation.Status{Domain: "x.example", State: "s", Expires: now}, "x.example s expired"},
		{federation.Status{Domain: "x.example", State: "s", NextExpires: now.Add(90 * day)}, "x.example s none; 90 days"},
		{federation.Status{Domain: "x.example", State: "s", Expires: now.Add(-day), NextExpires: now.Add(90 * day), ApplicationExpires: now.Add(90 * day)},
			"x.example s expired; 90 days 90 days"},
		{federation.Status{Domain: "x.example", State: "s", Federation: &aad.Federation{RawSigningCertificate: "x"}}, "x.example s not readable"},
		{federation.Status{Domain: "x.example", State: "s", MFA: "new", Administrators: many}, "x.example s new a@x.example, b@x.example, c@x.example and 1 more"},
		{federation.Status{Domain: "x.example", State: "s", Administrators: many[:3]}, "x.example s a@x.example, b@x.example, c@x.example"},
		{federation.Status{Domain: "x.example", State: "s", Provider: "a\x1b[2J\nb"}, "x.example s a [2J b"},
	} {
		tt.status.Checked = now
		_, line, _ := strings.Cut(federation.Statuses{tt.status}.String(), "\n")
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		if got := indent + strings.Join(strings.Fields(line), " "); got != tt.want {
			t.Errorf("%+v: %q; want %q", tt.status, got, tt.want)
		}
	}
	var md bytes.Buffer
	federation.Statuses{{Domain: "x.example", Provider: "a|b\n*c*", Error: "<script>"}}.WriteMarkdown(&md)
	for _, want := range []string{`a\|b \*c\*`, `\<script\>`} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("the Markdown does not contain %s:\n%s", want, md.String())
		}
	}
}
