package aad_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

func TestFederationStates(t *testing.T) {
	tests := []struct {
		name     string
		prepare  func(*aadtest.Server)
		domain   string
		want     error
		requests int
	}{
		{"managed", func(s *aadtest.Server) {}, "example.com", aad.ErrNotFederated, 1},
		{"managed, the text does not tell", func(s *aadtest.Server) { s.Quirks.PlainNotFound = true }, "example.com", aad.ErrNotFederated, 2},
		{"managed, empty list", func(s *aadtest.Server) { s.Quirks.EmptyList = true }, "example.com", aad.ErrNotFederated, 1},
		{"managed, null list", func(s *aadtest.Server) { s.Quirks.EmptyList, s.Quirks.NullLists = true, true }, "example.com", aad.ErrNotFederated, 1},
		{"no such domain", func(s *aadtest.Server) {}, "other.example", aad.ErrNotFound, 2},
		{"federated without configuration", func(s *aadtest.Server) { s.AddDomain("broken.example", aadtest.Broken) }, "broken.example", aad.ErrNotFederated, 1},
		{"federated", func(s *aadtest.Server) { s.SetFederation("example.com", federation(t)) }, "EXAMPLE.com", nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tenant()
			tt.prepare(s)
			_, err := s.Client(nil).Federation(t.Context(), tt.domain)
			if !errors.Is(err, tt.want) {
				t.Errorf("err = %v; want %v", err, tt.want)
			}
			for _, other := range []error{aad.ErrNotFound, aad.ErrNotFederated} {
				if other != tt.want && errors.Is(err, other) {
					t.Errorf("err = %v is also %v", err, other)
				}
			}
			if n := len(s.Requests()); n != tt.requests {
				t.Errorf("%d requests; want %d", n, tt.requests)
			}
		})
	}
}

func TestCreateFederationRefusesWhatWouldBreakTheDomain(t *testing.T) {
	tests := []struct {
		name string
		edit func(*aad.Federation)
		want []string
	}{
		{"nothing", func(f *aad.Federation) { *f = aad.Federation{} }, []string{
			"displayName is missing", "issuerUri is missing", "passiveSignInUri is missing", "signOutUri is missing",
			"preferredAuthenticationProtocol is missing", "federatedIdpMfaBehavior is missing", "signingCertificate is missing",
		}},
		{"no certificate", func(f *aad.Federation) { f.SigningCertificate = certs.Cert{} }, []string{"signingCertificate is missing"}},
		{"unreadable certificates", func(f *aad.Federation) {
			f.SigningCertificate, f.RawSigningCertificate, f.RawNextSigningCertificate = certs.Cert{}, "MIIE", "MIIE"
		}, []string{"signingCertificate cannot be read", "nextSigningCertificate cannot be read"}},
		{"issuer begins with a digit", func(f *aad.Federation) { f.IssuerURI = "1.example.com" }, []string{"issuerUri begins with a digit"}},
		{"issuer is no URI", func(f *aad.Federation) { f.IssuerURI = "example.com" }, []string{"issuerUri is not an absolute URI"}},
		{"issuer with a space", func(f *aad.Federation) { f.IssuerURI = "urn:uri:example .com" }, []string{"issuerUri is not an absolute URI"}},
		{"issuer with a line", func(f *aad.Federation) { f.IssuerURI = "urn:uri:example.com\n" }, []string{"issuerUri is not an absolute URI"}},
		{"http sign-in", func(f *aad.Federation) { f.PassiveSignInURI = "http://sso.example" }, []string{"passiveSignInUri is not an absolute URL that begins with https://"}},
		{"credentials in the URL", func(f *aad.Federation) { f.PassiveSignInURI = "https://a:b@sso.example" }, []string{"passiveSignInUri is not"}},
		{"relative sign-out", func(f *aad.Federation) { f.SignOutURI = "/logout" }, []string{"signOutUri is not"}},
		{"active", func(f *aad.Federation) { f.ActiveSignInURI = "x" }, []string{"activeSignInUri is not"}},
		{"metadata", func(f *aad.Federation) { f.MetadataExchangeURI = "ftp://x" }, []string{"metadataExchangeUri is not"}},
		{"old name of the protocol", func(f *aad.Federation) { f.Protocol = "SAMLP" }, []string{"preferredAuthenticationProtocol is none of saml, wsFed (capitals matter)"}},
		{"capitals", func(f *aad.Federation) { f.MFA = "AcceptIfMfaDoneByFederatedIdp" }, []string{"federatedIdpMfaBehavior is none of"}},
		{"prompt", func(f *aad.Federation) { f.PromptLogin = "x" }, []string{"promptLoginBehavior is none of"}},
		{"name of spaces", func(f *aad.Federation) { f.DisplayName = " " }, []string{"displayName is missing"}},
		{"name with a control character", func(f *aad.Federation) { f.DisplayName = "a\x00" }, []string{"displayName has a control character"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tenant()
			f := federation(t)
			tt.edit(&f)
			_, err := s.Client(nil).CreateFederation(t.Context(), "example.com", f)
			if !errors.Is(err, aad.ErrInvalid) || errors.Is(err, aad.ErrOutcomeUnknown) {
				t.Fatalf("err = %v; want ErrInvalid", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v; want it to say %q", err, want)
				}
			}
			if n := strings.Count(err.Error(), "; ") + 1; n != len(tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("err = %q has %d problems; want %d in one line", err, n, len(tt.want))
			}
			if len(s.Requests()) != 0 || s.Domain("example.com").AuthenticationType != aad.Managed {
				t.Errorf("something was sent")
			}
		})
	}
}

func TestCreateFederationErrors(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*aadtest.Server)
		domain  string
		want    error
	}{
		{"already federated", func(s *aadtest.Server) {
			f := federation(t)
			f.IssuerURI = "urn:uri:own"
			s.SetFederation("example.com", f)
		}, "example.com", aad.ErrAlreadyFederated},
		{"half a state", func(s *aadtest.Server) { s.AddDomain("broken.example", aadtest.Broken) }, "broken.example", aad.ErrAlreadyFederated},
		{"issuer of another domain", func(s *aadtest.Server) {
			s.AddDomain("other.example")
			s.SetFederation("other.example", federation(t))
		}, "example.com", aad.ErrIssuerInUse},
		{"issuer of another domain, in words", func(s *aadtest.Server) {
			s.Quirks.SharedIssuerIs400 = true
			s.AddDomain("other.example")
			s.SetFederation("other.example", federation(t))
		}, "example.com", aad.ErrIssuerInUse},
		{"issuer of another tenant", func(s *aadtest.Server) { s.AddForeignIssuer("urn:uri:example.com") }, "example.com", aad.ErrIssuerInUse},
		{"no such domain", func(s *aadtest.Server) {}, "nobody.example", aad.ErrNotFound},
		{"initial domain", func(s *aadtest.Server) {}, "contoso.onmicrosoft.com", aad.ErrInvalid},
		{"default domain", func(s *aadtest.Server) { s.AddDomain("default.example", aadtest.Default) }, "default.example", aad.ErrInvalid},
		{"unverified domain", func(s *aadtest.Server) { s.AddDomain("new.example", aadtest.Unverified) }, "new.example", aad.ErrInvalid},
		{"subdomain", func(s *aadtest.Server) { s.AddDomain("sub.example.com") }, "sub.example.com", aad.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tenant()
			tt.prepare(s)
			_, err := s.Client(nil).CreateFederation(t.Context(), tt.domain, federation(t))
			if !errors.Is(err, tt.want) || errors.Is(err, aad.ErrOutcomeUnknown) {
				t.Errorf("err = %v; want %v", err, tt.want)
			}
			if s.Writes() != 1 {
				t.Errorf("%d writes; want 1", s.Writes())
			}
		})
	}
}

// A creation whose fate is unknown is not repeated.
func TestCreateFederationIsSentOnce(t *testing.T) {
	for _, tt := range []struct {
		fault   aadtest.Fault
		made    bool
		unknown bool
		sent    int
	}{
		{aadtest.Fault{Kind: aadtest.Error500Before}, false, true, 1},
		{aadtest.Fault{Kind: aadtest.Error500After}, true, true, 1},
		{aadtest.Fault{Kind: aadtest.DropBefore}, false, true, 1},
		{aadtest.Fault{Kind: aadtest.DropAfter}, true, true, 1},
		{aadtest.Fault{Kind: aadtest.Truncate}, true, true, 1},
		{aadtest.Fault{Kind: aadtest.TooMany, RetryAfter: "2.128"}, true, false, 2}, // turned away at the door
		{aadtest.Fault{Kind: aadtest.TooManyBare}, true, false, 2},
		{aadtest.Fault{Kind: aadtest.Refuse503, RetryAfter: "1"}, true, false, 2},
	} {
		t.Run(tt.fault.Kind.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := tenant()
				n := 0
				s.Fault = func(r *http.Request) aadtest.Fault {
					if r.Method == http.MethodPost && n == 0 {
						n++
						return tt.fault
					}
					return aadtest.Fault{}
				}
				_, err := s.Client(nil).CreateFederation(t.Context(), "example.com", federation(t))
				if got := errors.Is(err, aad.ErrOutcomeUnknown); got != tt.unknown || (err == nil) == tt.unknown {
					t.Errorf("err = %v; want unknown outcome: %v", err, tt.unknown)
				}
				if _, made := s.Federation("example.com"); made != tt.made {
					t.Errorf("federated = %v; want %v", made, tt.made)
				}
				if s.Writes() != tt.sent {
					t.Errorf("sent %d times; want %d", s.Writes(), tt.sent)
				}
			})
		})
	}
}

// The way out of the state that a failed creation leaves.
func TestHalfState(t *testing.T) {
	s := tenant()
	s.Quirks.HalfState = 1
	c, ctx := s.Client(nil), t.Context()
	_, err := c.CreateFederation(ctx, "example.com", federation(t))
	if !errors.Is(err, aad.ErrOutcomeUnknown) || !errors.Is(err, aad.ErrUnavailable) {
		t.Fatalf("create: err = %v; want an unknown outcome", err)
	}
	d, err := c.Domain(ctx, "example.com")
	if err != nil || d.AuthenticationType != aad.Federated {
		t.Fatalf("domain = %+v, %v; want it to be federated", d, err)
	}
	if _, err := c.Federation(ctx, "example.com"); !errors.Is(err, aad.ErrNotFederated) {
		t.Fatalf("federation: err = %v; want ErrNotFederated", err)
	}
	if err := c.SetManaged(ctx, "example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateFederation(ctx, "example.com", federation(t)); err != nil {
		t.Errorf("create after SetManaged: %v", err)
	}
}

func TestUpdateFederation(t *testing.T) {
	next := newCert(t, "two")
	tests := []struct {
		name   string
		quirks aadtest.Quirks
		update aad.FederationUpdate
		want   func(*aad.Federation)
		err    error
		writes int
	}{
		{"nothing", aadtest.Quirks{}, aad.FederationUpdate{}, nil, nil, 0},
		{"next certificate", aadtest.Quirks{}, aad.FederationUpdate{NextSigningCertificate: &next}, func(f *aad.Federation) { f.NextSigningCertificate = next }, nil, 1},
		{"answer without content", aadtest.Quirks{UpdateStatus: 204}, aad.FederationUpdate{MFA: ptr(aad.RejectMFAByFederatedIdP)}, func(f *aad.Federation) { f.MFA = aad.RejectMFAByFederatedIdP }, nil, 1},
		{"wrapped answer", aadtest.Quirks{WrapEntities: true}, aad.FederationUpdate{Protocol: ptr(aad.WSFed)}, func(f *aad.Federation) { f.Protocol = aad.WSFed }, nil, 1},
		{"an error once, repeated", aadtest.Quirks{UpdateReplies500: 1}, aad.FederationUpdate{SignOutURI: ptr("https://x.example/")}, func(f *aad.Federation) { f.SignOutURI = "https://x.example/" }, nil, 2},
		{"always an error", aadtest.Quirks{UpdateReplies500: 99}, aad.FederationUpdate{IssuerURI: ptr("urn:x:y")}, nil, aad.ErrOutcomeUnknown, 5},
		{"null refused", aadtest.Quirks{RefuseNullCertificate: true}, aad.FederationUpdate{NextSigningCertificate: new(certs.Cert)}, nil, aad.ErrInvalid, 1},
		{"issuer in use", aadtest.Quirks{}, aad.FederationUpdate{IssuerURI: ptr("urn:taken:x")}, nil, aad.ErrIssuerInUse, 1},
		{"issuer as it is", aadtest.Quirks{}, aad.FederationUpdate{IssuerURI: ptr("urn:uri:example.com")}, func(*aad.Federation) {}, nil, 1},
		{"no certificate", aadtest.Quirks{}, aad.FederationUpdate{SigningCertificate: new(certs.Cert)}, nil, aad.ErrInvalid, 0},
		{"no MFA", aadtest.Quirks{}, aad.FederationUpdate{MFA: ptr(aad.MFABehavior(""))}, nil, aad.ErrInvalid, 0},
		{"bad addresses", aadtest.Quirks{}, aad.FederationUpdate{IssuerURI: ptr("x"), PassiveSignInURI: ptr("x"), DisplayName: ptr(""), PromptLogin: ptr(aad.PromptLoginBehavior("x"))}, nil, aad.ErrInvalid, 0},
		{"optional ones", aadtest.Quirks{}, aad.FederationUpdate{
			ActiveSignInURI: ptr(""), MetadataExchangeURI: ptr("https://m.example/"), SignedRequestsRequired: ptr(true), SigningCertificate: &next,
			DisplayName: ptr("New"), PassiveSignInURI: ptr("https://p.example/"), PromptLogin: ptr(aad.NativeSupport),
		}, func(f *aad.Federation) {
			f.MetadataExchangeURI, f.SignedRequestsRequired, f.SigningCertificate = "https://m.example/", ptr(true), next
			f.DisplayName, f.PassiveSignInURI, f.PromptLogin = "New", "https://p.example/", aad.NativeSupport
		}, nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := tenant()
				s.Quirks = tt.quirks
				s.AddForeignIssuer("urn:taken:x")
				want := federation(t)
				want.ID = "id"
				s.SetFederation("example.com", want)
				got, err := s.Client(nil).UpdateFederation(t.Context(), "example.com", "id", tt.update)
				if !errors.Is(err, tt.err) {
					t.Fatalf("err = %v; want %v", err, tt.err)
				}
				if s.Writes() != tt.writes {
					t.Errorf("%d writes; want %d", s.Writes(), tt.writes)
				}
				if tt.err != nil {
					return
				}
				if tt.want != nil {
					tt.want(&want)
				}
				if diff := cmp.Diff(&want, got, compare); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				truth, _ := s.Federation("example.com")
				if diff := cmp.Diff(want, truth, compare); diff != "" {
					t.Errorf("at the server (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestDeleteFederation(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*aadtest.Server)
		id      string
		want    error
		after   aad.AuthenticationType
	}{
		{"there", func(s *aadtest.Server) { f := federation(t); f.ID = "id"; s.SetFederation("example.com", f) }, "id", nil, aad.Managed},
		{"not federated", func(s *aadtest.Server) {}, "id", nil, aad.Managed},
		{"another one", func(s *aadtest.Server) { f := federation(t); f.ID = "new"; s.SetFederation("example.com", f) }, "id", aad.ErrNotFound, aad.Federated},
		{"empty ID", func(s *aadtest.Server) { s.SetFederation("example.com", federation(t)) }, "", aad.ErrInvalid, aad.Federated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tenant()
			tt.prepare(s)
			if err := s.Client(nil).DeleteFederation(t.Context(), "example.com", tt.id); !errors.Is(err, tt.want) {
				t.Errorf("err = %v; want %v", err, tt.want)
			}
			if got := s.Domain("example.com").AuthenticationType; got != tt.after {
				t.Errorf("the domain is %s; want %s", got, tt.after)
			}
		})
	}
}

func TestFederationJSON(t *testing.T) {
	cert := newCert(t, "one")
	const zone = "2021-08-25T07:44:46.2616778Z"
	sample := `{"@odata.context":"x","@odata.type":"#microsoft.graph.internalDomainFederation","id":"6601d14b","displayName":"Contoso",
		"issuerUri":"http://contoso.com/adfs/services/trust","metadataExchangeUri":null,"signingCertificate":"` + cert.Base64() + `",
		"passiveSignInUri":"https://sts.contoso.com/adfs/ls","preferredAuthenticationProtocol":"unknownFutureValue","activeSignInUri":null,
		"signOutUri":"https://sts.contoso.com/adfs/ls","promptLoginBehavior":"somethingNew","isSignedAuthenticationRequestRequired":true,
		"nextSigningCertificate":"MIIE3jCCAsagAwIBAgIQQcyDaZz3MI","signingCertificateUpdateStatus":{"certificateUpdateResult":"Success","lastRunDateTime":"` + zone + `"},
		"federatedIdpMfaBehavior":"rejectMfaByFederatedIdp","passwordResetUri":null,"newThing":{"a":[1,2]},"otherThing":"kept"}`
	var f aad.Federation
	if err := json.Unmarshal([]byte(sample), &f); err != nil {
		t.Fatal(err)
	}
	want := aad.Federation{
		ID: "6601d14b", DisplayName: "Contoso", IssuerURI: "http://contoso.com/adfs/services/trust", PassiveSignInURI: "https://sts.contoso.com/adfs/ls",
		SignOutURI: "https://sts.contoso.com/adfs/ls", Protocol: "unknownFutureValue", PromptLogin: "somethingNew", MFA: aad.RejectMFAByFederatedIdP,
		SigningCertificate: cert, RawNextSigningCertificate: "MIIE3jCCAsagAwIBAgIQQcyDaZz3MI", SignedRequestsRequired: ptr(true),
		UpdateStatus: &aad.UpdateStatus{Result: "Success", LastRun: time.Date(2021, 8, 25, 7, 44, 46, 261677800, time.UTC)},
		Extra:        map[string]json.RawMessage{"newThing": json.RawMessage(`{"a":[1,2]}`), "otherThing": json.RawMessage(`"kept"`)},
	}
	if diff := cmp.Diff(want, f, compare); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var again aad.Federation
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, again, compare); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
}

// What was read can be restored, with what this package does not know.
func TestRestoreKeepsUnknownProperties(t *testing.T) {
	s := tenant()
	f := federation(t)
	f.Extra = map[string]json.RawMessage{"newThing": json.RawMessage(`"kept"`)}
	s.SetFederation("example.com", f)
	c, ctx := s.Client(nil), t.Context()
	before, err := c.Federation(ctx, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetManaged(ctx, "example.com"); err != nil {
		t.Fatal(err)
	}
	after, err := c.CreateFederation(ctx, "example.com", *before)
	if err != nil {
		t.Fatal(err)
	}
	if after.ID == before.ID {
		t.Errorf("the ID is still %s", after.ID)
	}
	after.ID = before.ID
	if diff := cmp.Diff(before, after, compare); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
}

func ExampleClient_CreateFederation() {
	var tenant aadtest.Server // stands in for a tenant: see New for a real one
	tenant.AddDomain("example.com")
	client := tenant.Client(nil)
	ctx := context.Background()

	_, err := client.CreateFederation(ctx, "example.com", aad.Federation{
		DisplayName:      "Example",
		IssuerURI:        "urn:uri:example.com",
		PassiveSignInURI: "https://sso.jumpcloud.com/saml2/example",
		SignOutURI:       "https://console.jumpcloud.com/userconsole/",
		Protocol:         aad.SAML,
		// What is missing is refused before anything is sent.
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, aad.ErrInvalid), tenant.Writes())
	// Output:
	// aad: POST domains/{domain}/federationConfiguration: federatedIdpMfaBehavior is missing; signingCertificate is missing
	// true 0
}

func ExampleClient_Federation() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	client := tenant.Client(nil)
	ctx := context.Background()

	_, err := client.Federation(ctx, "example.com")
	switch {
	case errors.Is(err, aad.ErrNotFederated):
		domain, err := client.Domain(ctx, "example.com")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("no configuration; the domain is", domain.AuthenticationType)
	case err != nil:
		log.Fatal(err)
	}
	// Output: no configuration; the domain is Managed
}

// TestPatchFederation: one request, whatever the answer is, and the same refusals as of
// UpdateFederation.
func TestPatchFederation(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusNoContent} {
		s := tenant()
		f := federation(t)
		f.ID = "id"
		s.SetFederation("example.com", f)
		s.Quirks.UpdateStatus = status
		c := s.Client(nil)
		name := "New"
		if err := c.PatchFederation(t.Context(), "example.com", "id", aad.FederationUpdate{DisplayName: &name}); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Federation("example.com"); got.DisplayName != "New" || len(s.Requests()) != 1 {
			t.Errorf("status %d: %q after %d requests", status, got.DisplayName, len(s.Requests()))
		}
		if err := c.PatchFederation(t.Context(), "example.com", "id", aad.FederationUpdate{}); err != nil || len(s.Requests()) != 1 {
			t.Errorf("without a field: %v, %d requests", err, len(s.Requests()))
		}
		for _, err := range []error{
			c.PatchFederation(t.Context(), "example.com", "", aad.FederationUpdate{DisplayName: &name}),
			c.PatchFederation(t.Context(), "", "id", aad.FederationUpdate{}),
			c.PatchFederation(t.Context(), "example.com", "id", aad.FederationUpdate{SigningCertificate: new(certs.Cert)}),
		} {
			if !errors.Is(err, aad.ErrInvalid) || len(s.Requests()) != 1 {
				t.Errorf("%v, %d requests", err, len(s.Requests()))
			}
		}
	}
}
