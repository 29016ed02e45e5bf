package federation_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// TestCredentials: what a credential is not good for is told by service,
// permission or scope, and request ID, and nothing is written.
func TestCredentials(t *testing.T) {
	allScopes := []string{"applications", "applicationtemplates.readonly", "directories", "groups", "users.readonly", "organizations.readonly"}
	for _, tt := range []struct {
		name string
		make func(*federationtest.Env) (*jumpcloud.Client, *aad.Client)
		is   error
		says []string
	}{
		{"a key for another region", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			env.JumpCloud.Region = jumpcloud.EU
			return env.JumpCloud.Client(&jumpcloud.Options{Region: jumpcloud.US}), env.AzureAD.Client(nil)
		}, jumpcloud.ErrUnauthenticated, []string{"jumpcloud: ", "401", "another region", "request "}},
		{"a wrong key", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			env.JumpCloud.APIKey = "the right one"
			jc, err := jumpcloud.New("a wrong one", &jumpcloud.Options{HTTPClient: env.JumpCloud.HTTPClient()})
			if err != nil {
				panic(err)
			}
			return jc, env.AzureAD.Client(nil)
		}, jumpcloud.ErrUnauthenticated, []string{"jumpcloud: ", "401", "wrong", "request "}},
		{"a key without the scope for groups", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			env.JumpCloud.Scopes = without(allScopes, "groups")
			return env.JumpCloud.Client(nil), env.AzureAD.Client(nil)
		}, jumpcloud.ErrDenied, []string{"jumpcloud: ", "403", "the scope groups", "request "}},
		{"a key without the scope for directories", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			env.JumpCloud.Scopes = without(allScopes, "directories")
			return env.JumpCloud.Client(nil), env.AzureAD.Client(nil)
		}, jumpcloud.ErrDenied, []string{"jumpcloud: ", "403", "the scope directories", "request "}},
		{"a key without the scope for users", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			env.JumpCloud.Scopes = without(allScopes, "users.readonly")
			return env.JumpCloud.Client(nil), env.AzureAD.Client(nil)
		}, jumpcloud.ErrDenied, []string{"jumpcloud: ", "403", "needs the scope ", "request "}},
		{"a token without any permission", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			return env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(""), nil)
		}, aad.ErrDenied, []string{"aad: ", "403", "needs the permission", "request-id "}},
		{"a token without the permission to read domains", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			return env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(without(readers, "Domain.Read.All")...), nil)
		}, aad.ErrDenied, []string{"aad: ", "403", "the permission Domain.Read.All", "request-id "}},
		{"a token without the permission to read users", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			return env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(without(readers, "User.Read.All")...), nil)
		}, aad.ErrDenied, []string{"aad: ", "403", "the permission User.Read.All", "request-id "}},
		{"a token without the permission to read roles", func(env *federationtest.Env) (*jumpcloud.Client, *aad.Client) {
			return env.JumpCloud.Client(nil), env.AzureAD.ClientWith(env.AzureAD.Credential(without(readers, "RoleManagement.Read.Directory")...), nil)
		}, aad.ErrDenied, []string{"aad: ", "403", "the permission RoleManagement.Read.Directory", "request-id "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				f := federation.New(first(tt.make(env)), second(tt.make(env)), nil)
				for name, call := range map[string]func(context.Context) error{
					"Federate":  func(ctx context.Context) error { _, err := f.Federate(ctx, env.Plan()); return err },
					"Preview":   func(ctx context.Context) error { _, err := f.Preview(ctx, env.Plan()); return err },
					"Preflight": func(ctx context.Context) error { _, err := f.Preflight(ctx, env.Plan()); return err },
				} {
					err := call(t.Context())
					if name == "Preview" && err == nil && strings.Contains(tt.name, "users") {
						continue // which asks about nobody
					}
					if !errors.Is(err, tt.is) {
						t.Errorf("%s: %v; want an error that is %v", name, err, tt.is)
						continue
					}
					for _, s := range tt.says {
						if !strings.Contains(err.Error(), s) {
							t.Errorf("%s: %v; want it to say %q", name, err, s)
						}
					}
					if !requestID.MatchString(err.Error()) {
						t.Errorf("%s: %v; want a request ID", name, err)
					}
				}
				if n := env.Writes(); n > 0 {
					t.Errorf("%d requests wrote", n)
				}
				rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
				if tt.is == jumpcloud.ErrDenied || strings.Contains(tt.name, "key") {
					return // the environment itself refuses
				}
				if err != nil || !rep.Changed() {
					t.Errorf("with a good credential: %v, changed %t; the test says nothing", err, rep.Changed())
				}
			})
		})
	}
}

var requestID = regexp.MustCompile(`request(-id)? [0-9A-Za-z-]{8,}`)

func first(jc *jumpcloud.Client, _ *aad.Client) *jumpcloud.Client { return jc }
func second(_ *jumpcloud.Client, ad *aad.Client) *aad.Client      { return ad }

func without(all []string, one string) []string {
	var out []string
	for _, s := range all {
		if s != one {
			out = append(out, s)
		}
	}
	return out
}

// TestNoCredential: there is no client without a credential.
func TestNoCredential(t *testing.T) {
	if _, err := jumpcloud.New("", nil); err == nil || !strings.Contains(err.Error(), "jumpcloud") {
		t.Errorf("jumpcloud.New without a key: %v; want an error that names the service", err)
	}
	if _, err := aad.New(nil, nil); err == nil || !strings.Contains(err.Error(), "aad") {
		t.Errorf("aad.New without a credential: %v; want an error that names the service", err)
	}
}

// TestEverythingWrongAtOnce: one refusal lists all that is wrong, each with
// what to do.
func TestEverythingWrongAtOnce(t *testing.T) {
	env := federationtest.New(nil)
	plan := env.Plan()
	plan.Domain, plan.MFA, plan.Groups = "example", "", nil
	plan.Application.IdPEntityID = "urn:uri:o365"
	plan.Application.LoginURL = "http://sso.jumpcloud.com/saml2/x"
	plan.TechnicalAccount.UserPrincipalName = "nobody"
	_, err := env.Federator(nil).Federate(t.Context(), plan)
	var p *federation.PreconditionError
	if !errors.As(err, &p) {
		t.Fatalf("Federate: %v; want a *PreconditionError", err)
	}
	for _, c := range []federation.Code{
		federation.CodePlanDomain, federation.CodePlanMFA, federation.CodePlanGroups, federation.CodePlanEntityID,
		federation.CodePlanURL, federation.CodePlanTechnicalAccount,
	} {
		if !p.Has(c) {
			t.Errorf("Federate does not mention %s: %v", c, err)
		}
	}
	if n := env.Requests(); n > 0 {
		t.Errorf("a plan that is wrong by itself made %d requests", n)
	}

	// And of the services, in one error too.
	env = federationtest.New(nil)
	plan = env.Plan()
	env.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
	env.JumpCloud.AddApplication("office365", "Office again", entityID, loginURL+"-2")
	env.JumpCloud.AddGroup(federationtest.Group)
	env.AzureAD.SetFederation(env.Domain, okta(t))
	env.AzureAD.SetOnPremisesSync(true)
	env.AzureAD.RemoveUser(env.Administrators[0])
	env.AzureAD.RemoveUser(env.Administrators[1])
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", ImmutableID: "VW1h"})
	env.ResetLog()
	_, err = env.Federator(nil).Federate(t.Context(), plan)
	if !errors.As(err, &p) {
		t.Fatalf("Federate: %v; want a *PreconditionError", err)
	}
	for _, c := range []federation.Code{
		federation.CodeGroupTwice, federation.CodeDirectorySync, federation.CodeBreakGlass,
		federation.CodeTechnicalAccount, federation.CodeLockOut,
	} {
		if !p.Has(c) {
			t.Errorf("Federate does not mention %s: %v", c, err)
		}
	}
	if n := env.Writes(); n > 0 {
		t.Errorf("a refused Federate wrote %d times", n)
	}
}

// A report that is none is an error with a report, not a panic.
func TestNoReport(t *testing.T) {
	f := federationtest.New(nil).Federator(nil)
	for name, verb := range map[string]func(context.Context, *federation.Report) (*federation.Report, error){"Revert": f.Revert, "Repair": f.Repair} {
		if rep, err := verb(t.Context(), nil); err == nil || rep == nil || rep.Error != err.Error() || !strings.Contains(err.Error(), "no report") {
			t.Errorf("%s: %v\n%s", name, err, rep)
		}
	}
}
