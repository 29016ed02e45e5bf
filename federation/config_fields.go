package federation

import (
	"fmt"
	"slices"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// Names of fields of the federation configuration that are named elsewhere.
const (
	fieldIssuer          = "issuerUri"
	fieldPassiveSignIn   = "passiveSignInUri"
	fieldActiveSignIn    = "activeSignInUri"
	fieldProtocol        = "preferredAuthenticationProtocol"
	fieldSignOut         = "signOutUri"
	fieldCertificate     = "signingCertificate"     // as base64
	fieldNextCertificate = "nextSigningCertificate" // as base64
)

// A configField is one field of the federation configuration, under Graph's name.
type configField struct {
	name  string
	get   func(*aad.Federation) string                 // its value, as a [Field] has it
	set   func(*aad.Federation, string) error          // and back
	patch func(*aad.FederationUpdate, *aad.Federation) // takes the value over into an update
}

// configFields are the fields that are compared, written, restored and shown, in
// the order in which they are told.
var configFields = []configField{
	textField("displayName", func(f *aad.Federation) *string { return &f.DisplayName }, func(u *aad.FederationUpdate) **string { return &u.DisplayName }),
	textField(fieldIssuer, func(f *aad.Federation) *string { return &f.IssuerURI }, func(u *aad.FederationUpdate) **string { return &u.IssuerURI }),
	textField(fieldPassiveSignIn, func(f *aad.Federation) *string { return &f.PassiveSignInURI }, func(u *aad.FederationUpdate) **string { return &u.PassiveSignInURI }),
	textField(fieldActiveSignIn, func(f *aad.Federation) *string { return &f.ActiveSignInURI }, func(u *aad.FederationUpdate) **string { return &u.ActiveSignInURI }),
	textField(fieldSignOut, func(f *aad.Federation) *string { return &f.SignOutURI }, func(u *aad.FederationUpdate) **string { return &u.SignOutURI }),
	textField(fieldProtocol, func(f *aad.Federation) *aad.Protocol { return &f.Protocol }, func(u *aad.FederationUpdate) **aad.Protocol { return &u.Protocol }),
	textField("federatedIdpMfaBehavior", func(f *aad.Federation) *aad.MFABehavior { return &f.MFA }, func(u *aad.FederationUpdate) **aad.MFABehavior { return &u.MFA }),
	certificateField(fieldCertificate, func(f *aad.Federation) (*certs.Cert, *string) { return &f.SigningCertificate, &f.RawSigningCertificate },
		func(u *aad.FederationUpdate) **certs.Cert { return &u.SigningCertificate }),
	certificateField(fieldNextCertificate, func(f *aad.Federation) (*certs.Cert, *string) {
		return &f.NextSigningCertificate, &f.RawNextSigningCertificate
	},
		func(u *aad.FederationUpdate) **certs.Cert { return &u.NextSigningCertificate }),
	// What follows is never set by a plan, and cleared where a provider has left it.
	textField(fieldMetadataExchange, func(f *aad.Federation) *string { return &f.MetadataExchangeURI }, func(u *aad.FederationUpdate) **string { return &u.MetadataExchangeURI }),
	textField(fieldPromptLogin, func(f *aad.Federation) *aad.PromptLoginBehavior { return &f.PromptLogin },
		func(u *aad.FederationUpdate) **aad.PromptLoginBehavior { return &u.PromptLogin }),
	{
		name: fieldSignedRequests,
		get: func(f *aad.Federation) string {
			if f.SignedRequestsRequired != nil && *f.SignedRequestsRequired {
				return "true"
			}
			return "" // the service's default, which it says or leaves out
		},
		set:   func(f *aad.Federation, v string) error { f.SignedRequestsRequired = ptr(v == "true"); return nil },
		patch: func(u *aad.FederationUpdate, f *aad.Federation) { u.SignedRequestsRequired = f.SignedRequestsRequired },
	},
}

func ptr[T any](v T) *T { return &v }

func textField[T ~string](name string, in func(*aad.Federation) *T, out func(*aad.FederationUpdate) **T) configField {
	return configField{
		name:  name,
		get:   func(f *aad.Federation) string { return string(*in(f)) },
		set:   func(f *aad.Federation, v string) error { *in(f) = T(v); return nil },
		patch: func(u *aad.FederationUpdate, f *aad.Federation) { *out(u) = in(f) },
	}
}

func certificateField(
	name string, in func(*aad.Federation) (c *certs.Cert, raw *string), out func(*aad.FederationUpdate) **certs.Cert,
) configField {
	return configField{
		name: name,
		get: func(f *aad.Federation) string {
			c, raw := in(f)
			return rawCertificate(*c, *raw)
		},
		set: func(f *aad.Federation, v string) (err error) {
			c, _ := in(f)
			if *c = (certs.Cert{}); v != "" {
				*c, err = certs.ParseOne([]byte(v))
			}
			return err
		},
		patch: func(u *aad.FederationUpdate, f *aad.Federation) { *out(u), _ = in(f) }, // zero: cleared
	}
}

// federationField is the present value of a field, as diff writes it.
func federationField(fed *aad.Federation, name string) string {
	for _, f := range configFields {
		if f.name == name {
			return f.get(fed)
		}
	}
	return ""
}

// rawCertificate is the canonical base64 of a certificate, or whatever stands
// in its place.
func rawCertificate(c certs.Cert, raw string) string {
	if c.IsZero() {
		return raw
	}
	return c.Base64()
}

// backupFields are the values that a whole configuration sets.
func backupFields(fed *aad.Federation) []Field {
	var fs []Field
	for _, f := range configFields {
		if v := f.get(fed); v != "" {
			fs = append(fs, Field{Name: f.name, New: v})
		}
	}
	return fs
}

// configuration turns the fields of a change into what is to be written, as a
// whole configuration and as an update of one.
func configuration(fs []Field) (w aad.Federation, u aad.FederationUpdate, err error) {
	for _, f := range fs {
		i := slices.IndexFunc(configFields, func(c configField) bool { return c.name == f.Name })
		if i < 0 {
			return w, u, fmt.Errorf("federation: no way to write the field %s", f.Name)
		}
		if err := configFields[i].set(&w, f.New); err != nil {
			return w, u, fmt.Errorf("federation: %s: %w", f.Name, err)
		}
		configFields[i].patch(&u, &w)
	}
	return w, u, nil
}
