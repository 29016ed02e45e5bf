// Package customers reads the customers file: who there is, what should be true of each
// domain, where the credentials are, and who may do what.
//
// It is YAML, read strictly, and whole or not at all:
//
//	roles:                                # of everybody's domains
//	  ada@provider.example: admin
//	customers:
//	  - name: Contoso
//	    domain: contoso.example
//	    owner: grace@provider.example
//	    labels: {tier: gold}
//	    mode: manage                      # or watch, the default: nothing is ever written
//	    standing: [rotate-own-key]        # what needs no approval
//	    window: {days: [mon, tue], from: "22:00", to: "04:00", timeZone: Europe/Berlin}
//	    roles: {grace@provider.example: [view, approve]}
//	    twoPeople: true
//	    jumpCloud:
//	      apiKey: env:CONTOSO_JUMPCLOUD   # or clientID and clientSecret
//	      organization: 5f0c5c6d1c7a8e0001b2c3d4
//	    azureAD:
//	      tenant: 7b1f2c7e-0b0a-4b6e-9f0e-3f6a2f0c9d11
//	      clientID: 1c9d5a52-9f0e-4a0b-8a51-54a9a3d9b7b0
//	      clientSecret: {command: [vault, read, -field=secret, kv/contoso]}
//	    plan:                             # as of the program federate
//	      mfa: acceptIfMfaDoneByFederatedIdp
//	      groups: [{name: Everyone}]
//
// Aliases of YAML may be used; merge keys may not.
package customers

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/text"
)

// File is a customers file. It is read only: many may have it at once.
type File struct {
	// Customers are in the order of the file, each domain once.
	Customers []Customer
	// Roles hold for every customer, and for what is of none.
	Roles []Role

	byDomain map[string]int
}

// ByDomain returns the entry of a domain, in any spelling.
func (f *File) ByDomain(domain string) (*Customer, bool) {
	if f == nil {
		return nil, false
	}
	i, ok := f.byDomain[canonical(domain)]
	if !ok {
		return nil, false
	}
	return &f.Customers[i], true
}

// canonical is the one spelling of a domain.
func canonical(domain string) string { return text.Domain(strings.TrimSpace(domain)) }

// Customer is one domain of a customer.
type Customer struct {
	Name   string // default: Domain; several domains may have one
	Domain string // lower case, no trailing dot
	// Plan is valid, and of Domain.
	Plan               federation.Plan
	JumpCloud, AzureAD Credential
	Labels             map[string]string
	Owner              string
	// Roles hold for this domain, besides those of the file.
	Roles []Role
	Mode  Mode
	// Standing is what may be written without an approval, in Mode [Manage].
	Standing []Standing
	// Window is when a run may start; nil is always.
	Window *Window
	// TwoPeople says whether two have to approve; nil is the default of each verb.
	TwoPeople *bool
}

// Mode says whether anything may be written for a customer.
type Mode string

// Modes. In Watch, the default, both clients are read only.
const (
	Watch  Mode = "watch"
	Manage Mode = "manage"
)

// Standing names something that may be written without an approval.
type Standing string

// What may stand in the list standing.
const (
	RotateOwnKey Standing = "rotate-own-key"
	// RotateSecondApplication says as well that no authentication policy of JumpCloud's
	// names the application: one that does would not hold for the second. Nobody is asked
	// about that, and no interface tells it; see federation.RotateConsent.Policies.
	RotateSecondApplication Standing = "rotate-second-application"
	// MendOurs allows to put right fields of our federation and application, and bindings
	// that were there before; never people, never a foreign federation.
	MendOurs Standing = "mend-ours"
)

// Role is what an actor may do.
type Role struct {
	Actor string // as whoever signs people in names them; letters are told apart
	Name  RoleName
}

// RoleName names a role.
type RoleName string

// Roles.
const (
	View    RoleName = "view"
	Approve RoleName = "approve"
	Admin   RoleName = "admin"
)

// CredentialKind says what the secret of a credential is.
type CredentialKind string

// Kinds of credentials.
const (
	APIKey         CredentialKind = "api-key"         // of an administrator of JumpCloud
	ServiceAccount CredentialKind = "service-account" // of JumpCloud; the secret of ClientID
	App            CredentialKind = "app"             // of Azure AD; the secret of ClientID in the tenant Of
	Token          CredentialKind = "token"           // for Microsoft Graph, where something else renews it
)

// Credential says how to sign in to one of the two services, and where it is.
type Credential struct {
	Kind     CredentialKind
	ClientID string
	Secret   secret.Source
	// Of is the ID of JumpCloud's organisation, "" for the only one that the credential
	// sees; or of Azure AD's tenant, "" for a Token's.
	Of string
	// Region is JumpCloud's region (us, eu, in), or Microsoft's cloud (public, usgov-l4,
	// usgov-l5, china).
	Region string
	// URL and LoginURL are other addresses of the service, and of what gives tokens for
	// it, than those of the region; "" is the region's.
	URL, LoginURL string
}

// Key is a text that two credentials have in common if they are equal, and only then: for
// one client, and one count of what is under way, for each. It tells nothing of them.
func (c Credential) Key() string {
	h := sha256.New()
	for _, part := range []string{string(c.Kind), c.ClientID, c.Secret.Key(), c.Of, c.Region, c.URL, c.LoginURL} {
		h.Write([]byte(part + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
