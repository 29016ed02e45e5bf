package federation_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// TestRotateBadPlan: what is wrong with the plan is said before either service is asked.
func TestRotateBadPlan(t *testing.T) {
	good := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name string
		edit func(*federation.RotatePlan)
		want string
	}{
		{"fingerprint", func(p *federation.RotatePlan) { p.Replace = "AB:CD" }, "no SHA-256 fingerprint"},
		{"thumbprint", func(p *federation.RotatePlan) { p.Replace = strings.Repeat("AB", 20) }, "no SHA-256 fingerprint"},
		{"approve", func(p *federation.RotatePlan) { p.Method, p.Approve = federation.SecondApplication, "x" }, "approve is"},
		{"method", func(p *federation.RotatePlan) { p.Method = "magic" }, `there is no method "magic"`},
		{"regenerate without replace", func(p *federation.RotatePlan) { p.Method, p.Replace = federation.Regenerate, "" }, "needs to know which certificate"},
		{"second without replace", func(p *federation.RotatePlan) { p.Method, p.Replace = federation.SecondApplication, "" }, "needs to know which certificate"},
		{"emergency without replace", func(p *federation.RotatePlan) { p.Method, p.Replace = federation.Emergency, "" }, "needs to know which certificate"},
		{"settle", func(p *federation.RotatePlan) { p.Settle = 19 * time.Minute }, "settle is 19m0s"},
		{"negative settle", func(p *federation.RotatePlan) { p.Settle = -time.Hour }, "settle is"},
		{"long settle", func(p *federation.RotatePlan) { p.Settle = 1000 * time.Hour }, "settle is"},
		{"within", func(p *federation.RotatePlan) { p.Within = -1 }, "within is"},
		{"bits", func(p *federation.RotatePlan) { p.Key.Bits = 1024 }, "a key of 1024 bits"},
		{"many bits", func(p *federation.RotatePlan) { p.Key.Bits = 8192 }, "a key of 8192 bits"},
		{"lifetime", func(p *federation.RotatePlan) { p.Key.Lifetime = 89 * 24 * time.Hour }, "lives for 89 days"},
		{"long lifetime", func(p *federation.RotatePlan) { p.Key.Lifetime = 20 * 366 * 24 * time.Hour }, "a certificate that lives"},
		{"pilot", func(p *federation.RotatePlan) { p.Pilot = true }, "pilot is nothing that the method own-key-pair knows"},
		{"delete", func(p *federation.RotatePlan) { p.DeleteOld = true }, "deleteOld is nothing"},
		{"revoke", func(p *federation.RotatePlan) { p.RevokeSessions = true }, "revokeSessions is nothing"},
		{"cancel", func(p *federation.RotatePlan) { p.Method, p.Cancel = federation.Regenerate, true }, "cancel is nothing"},
		{"domain", func(p *federation.RotatePlan) { p.Plan.Domain = "" }, "names no domain"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &rotation{keys: new(keyShelf)}
			r.Env = federationtest.New(nil)
			r.plan = federation.RotatePlan{Plan: r.Plan(), Replace: good}
			tt.edit(&r.plan)
			rot, err := r.Federator(r.opts()).Rotate(t.Context(), r.plan, nil)
			var pe *federation.PreconditionError
			if !errors.As(err, &pe) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v; want it to say %q", err, tt.want)
			}
			if rot == nil || rot.Error == "" || rot.Done() || r.Requests() != 0 {
				t.Errorf("%+v, %d requests", rot, r.Requests())
			}
		})
	}
}

// TestRotateBadLast: a rotation of another version or domain is refused, and returned as
// it was.
func TestRotateBadLast(t *testing.T) {
	r := &rotation{Env: federationtest.New(nil), keys: new(keyShelf)}
	r.plan = federation.RotatePlan{Plan: r.Plan()}
	for _, last := range []federation.Rotation{
		{Version: 2, Domain: r.Domain, Phase: federation.RotationSwitched},
		{Version: 0, Domain: r.Domain, Phase: federation.RotationSwitched},
		{Version: 1, Domain: "other.example", Phase: federation.RotationSwitched},
	} {
		_, err := r.Federator(r.opts()).Rotate(t.Context(), r.plan, &last)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodePlanRotation) || r.Requests() != 0 {
			t.Errorf("%+v: %v, %d requests", last, err, r.Requests())
		}
	}
}

// TestRotateRefused: what stands in the way before the first write.
func TestRotateRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(*testing.T, *rotation)
		opts    func(*federation.Options)
		want    string
	}{
		{"no key store", nil, func(o *federation.Options) { o.Keys = nil }, "there is no place to keep the key"},
		{"managed", func(t *testing.T, r *rotation) {
			fed, _ := r.AzureAD.Federation(r.Domain)
			if err := r.AzureAD.Client(nil).DeleteFederation(t.Context(), r.Domain, fed.ID); err != nil {
				t.Fatal(err)
			}
		}, nil, "is managed"},
		{"somebody else's", func(t *testing.T, r *rotation) {
			fed, _ := r.AzureAD.Federation(r.Domain)
			fed.IssuerURI, fed.PassiveSignInURI = "https://idp.example/x", "https://idp.example/sso"
			r.AzureAD.SetFederation(r.Domain, fed)
		}, nil, "is federated with idp.example"},
		{"no application at the address", func(t *testing.T, r *rotation) {
			fed, _ := r.AzureAD.Federation(r.Domain)
			fed.PassiveSignInURI = "https://sso.jumpcloud.com/saml2/other"
			r.AzureAD.SetFederation(r.Domain, fed)
		}, nil, "no JumpCloud application with the entity ID"},
		{"half-federated", func(t *testing.T, r *rotation) {
			r.AzureAD.AddDomain("broken.example", aadtest.Broken)
			r.plan.Plan.Domain, r.plan.Plan.Application.IdPEntityID = "broken.example", "urn:uri:"+r.Domain
		}, nil, "its configuration cannot be read"},
		{"unknown domain", func(t *testing.T, r *rotation) { r.plan.Plan.Domain = "nobody.example" }, nil, "not a domain of this Azure AD tenant"},
		{"unverified", func(t *testing.T, r *rotation) {
			r.AzureAD.AddDomain("new.example", aadtest.Unverified)
			r.plan.Plan.Domain = "new.example"
		}, nil, "ownership is not verified"},
		{"inactive", func(t *testing.T, r *rotation) {
			id := r.JumpCloud.Applications()[0].ID
			_, err := r.JumpCloud.Client(nil).ModifyApplication(t.Context(), id, func(a *jumpcloud.Application) error { a.Active = false; return nil })
			if err != nil {
				t.Fatal(err)
			}
		}, nil, "is not active"},
		{"another pin", func(t *testing.T, r *rotation) {
			r.plan.Plan.Application.LoginURL = "https://sso.jumpcloud.com/saml2/other"
		}, nil, "set application.loginURL to"},
		{"a pin that is gone", func(t *testing.T, r *rotation) { r.plan.Plan.Application.ID = "600000000000000000000bad" }, nil, "does not exist any more"},
		{"no break-glass", func(t *testing.T, r *rotation) {
			for _, a := range r.AzureAD.RoleAssignments() {
				if err := r.AzureAD.Client(nil).RemoveRoleAssignment(t.Context(), a.ID); err != nil {
					t.Fatal(err)
				}
			}
		}, nil, "no Global Administrator could sign in"},
		{"key store fails", func(t *testing.T, r *rotation) {
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
		}, nil, "the key store could not be read: the shelf"},
		{"key store returns nothing", func(t *testing.T, r *rotation) {
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, nil }
		}, nil, "neither a pair nor ErrNoKey"},
		{"key store does not store", func(t *testing.T, r *rotation) {
			r.keys.save = func(*certs.KeyPair) error { return errShelf }
		}, nil, "could not be stored: the shelf"},
		{"key store forgets", func(t *testing.T, r *rotation) {
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, federation.ErrNoKey }
		}, nil, "cannot be read back"},
		{"key store returns another", func(t *testing.T, r *rotation) {
			n := 0
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) {
				if n++; n == 1 {
					return nil, federation.ErrNoKey
				}
				return pairOf(t, 2, time.Now()), nil
			}
		}, nil, "returned another pair"},
		{"not confirmed", nil, func(o *federation.Options) {
			o.Confirm = func(context.Context, *federation.Proposal) error { return errShelf }
		}, "not confirmed: the shelf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				r.plan.Replace = "" // it is due
				r.plan.Within = 10 * 366 * 24 * time.Hour
				if tt.prepare != nil {
					tt.prepare(t, r)
				}
				opts := r.opts()
				if tt.opts != nil {
					tt.opts(opts)
				}
				writes := r.Writes()
				rot, err := r.Federator(opts).Rotate(t.Context(), r.plan, nil)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("err = %v; want it to say %q", err, tt.want)
				}
				if rot.Done() || rot.Error == "" || r.Writes() != writes {
					t.Errorf("%+v, %d writes", rot, r.Writes()-writes)
				}
			})
		})
	}
}

// TestRotateDenied: a token without the permission is refused before any write; a key of
// JumpCloud that may not write shows at the switch, and the rotation stays published.
func TestRotateDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		reader := federation.New(r.JumpCloud.Client(nil), r.AzureAD.ClientWith(r.AzureAD.Credential("Domain.Read.All", "User.Read.All",
			"RoleManagement.Read.Directory", "Domain-InternalFederation.Read.All"), nil), r.opts())
		_, err := reader.Rotate(t.Context(), r.plan, nil)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodePermission) || r.Writes() != 0 {
			t.Fatalf("%v, %d writes", err, r.Writes())
		}
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished {
			t.Fatalf("%v %v", r.last.Phase, err)
		}
		time.Sleep(time.Until(r.last.NotBefore))
		r.JumpCloud.Scopes = []string{"applications.readonly", "directories.readonly", "groups.readonly", "organizations.readonly"}
		r.ResetLog()
		if err = r.rotate(t); !errors.Is(err, jumpcloud.ErrDenied) || !strings.Contains(err.Error(), "stays published") {
			t.Fatalf("err = %v", err)
		}
		if fed, _ := r.AzureAD.Federation(r.Domain); r.last.Phase != federation.RotationPublished || fed.NextSigningCertificate != pairOf(t, 1, time.Now()).Cert() {
			t.Errorf("%s, Azure AD accepts %v", r.last.Phase, fed.NextSigningCertificate)
		}
		r.JumpCloud.Scopes = nil
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationSwitched {
			t.Errorf("%v %v", r.last.Phase, err)
		}
	})
}

// TestRotateStoredPairs: which stored pair is used, and which is replaced by a new one.
func TestRotateStoredPairs(t *testing.T) {
	pair := func(t *testing.T, from time.Time, bits int) *certs.KeyPair {
		k, err := certs.NewKeyPair(pkix.Name{CommonName: "stored"}, certs.Lifetime{NotBefore: from, NotAfter: from.AddDate(1, 0, 0)}, bits)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for _, tt := range []struct {
		name string
		from time.Duration
		bits int
		used bool
	}{
		{"young", -time.Hour, 2048, true},
		{"29 days", -29 * 24 * time.Hour, 2048, true},
		{"31 days", -31 * 24 * time.Hour, 2048, false},
		{"expired", -2 * 366 * 24 * time.Hour, 2048, false},
		{"not valid yet", 30 * 24 * time.Hour, 2048, false},
		{"of other bits", -time.Hour, 2304, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				k := pair(t, time.Now().Add(tt.from), tt.bits)
				r.keys.Save(t.Context(), r.Domain, k)
				if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished {
					t.Fatalf("%s %v", r.last.Phase, err)
				}
				fed, _ := r.AzureAD.Federation(r.Domain)
				if got := fed.NextSigningCertificate == k.Cert(); got != tt.used || fed.NextSigningCertificate != r.keys.keys[r.Domain].Cert() {
					t.Errorf("used %v; want %v", got, tt.used)
				}
				if want := map[bool]int{true: 1, false: 2}[tt.used]; r.keys.saves != want {
					t.Errorf("saved %d times; want %d", r.keys.saves, want)
				}
			})
		})
	}
}
