package schema_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

// forms are what types with a MarshalJSON of their own write, with the fields' names in Go.
var forms = map[reflect.Type]reflect.Type{
	reflect.TypeFor[aad.Federation]():    reflect.TypeFor[federationForm](),
	reflect.TypeFor[federation.People](): reflect.TypeFor[peopleForm](),
}

type federationForm struct {
	ODataType              string                  `json:"@odata.type,omitempty"`
	ID                     string                  `json:"id,omitempty"`
	DisplayName            string                  `json:"displayName,omitempty"`
	IssuerURI              string                  `json:"issuerUri,omitempty"`
	MetadataExchangeURI    string                  `json:"metadataExchangeUri,omitempty"`
	PassiveSignInURI       string                  `json:"passiveSignInUri,omitempty"`
	ActiveSignInURI        string                  `json:"activeSignInUri,omitempty"`
	SignOutURI             string                  `json:"signOutUri,omitempty"`
	Protocol               aad.Protocol            `json:"preferredAuthenticationProtocol,omitempty"`
	MFA                    aad.MFABehavior         `json:"federatedIdpMfaBehavior,omitempty"`
	PromptLogin            aad.PromptLoginBehavior `json:"promptLoginBehavior,omitempty"`
	SigningCertificate     certs.Cert              `json:"signingCertificate,omitzero"`
	NextSigningCertificate certs.Cert              `json:"nextSigningCertificate,omitzero"`
	SignedRequestsRequired *bool                   `json:"isSignedAuthenticationRequestRequired,omitempty"`
	UpdateStatus           *aad.UpdateStatus       `json:"signingCertificateUpdateStatus,omitempty"`
}

type peopleForm struct {
	Domain   string                     `json:"domain"`
	Counts   federation.PeopleCounts    `json:"counts"`
	Findings []federation.PersonFinding `json:"findings"`
}

// asked are the rules of Plan.Validate that a schema can say, by type and name in JSON.
var asked = map[string]rule{
	"Plan.domain":          func(_ *generator, n *node) { n.MinLength = 1 },
	"Plan.groups":          func(_ *generator, n *node) { n.Type, n.MinItems = "array", 1 },
	"Plan.signOutURL":      func(_ *generator, n *node) { n.Pattern = httpsURL },
	"Group.name":           func(_ *generator, n *node) { n.MinLength = 1 },
	"Group.members":        func(_ *generator, n *node) { n.Items.Pattern = ".@." },
	"Application.loginURL": func(_ *generator, n *node) { n.Pattern = httpsURL },
	"Directory.rules":      func(_ *generator, n *node) { n.Items.Pattern = "^user_" },
	"Consent.certificate": func(g *generator, n *node) { // a code that no version knows is taken, and does nothing
		n.Items.AnyOf = []*node{{Enum: g.words(reflect.TypeFor[certs.Code]()).Enum}, {}}
	},
	"LockOut.atMost": func(_ *generator, n *node) { n.Minimum = new(int) },
}

const (
	sha256Hex = "^[0-9a-f]{64}$"
	httpsURL  = "^\\s*([hH][tT][tT][pP][sS]://.+)?$" // none, or one in any spelling of the scheme
)

// toldBack is of a field that has a person's own word in it if that was refused.
func toldBack(_ *generator, n *node) { n.Ref, n.AnyOf = "", []*node{{Ref: n.Ref}, {Type: "string"}} }

// written are what the types of fields do not say of what this module writes.
var written = map[string]rule{
	"Row.state":               func(_ *generator, n *node) { n.Enum = []string{"done", "held", "checked", "open", "waiting"} },
	"Step.elapsedNanoseconds": func(_ *generator, n *node) { n.Minimum = new(int) },
	"Certificate.thumbprint":  func(_ *generator, n *node) { n.Pattern = "^([0-9A-F]{40})?$" },
	"Certificate.fingerprint": func(_ *generator, n *node) { n.Pattern = sha256Hex },
	"Certificate.key":         func(_ *generator, n *node) { n.Pattern = sha256Hex },
	"Rotation.method":         toldBack,
	"RepairPlan.immutableIDs": toldBack,
	"Rotation.expelled":       func(_ *generator, n *node) { n.Items.Pattern = sha256Hex },
	"Verdict.code":            func(_ *generator, n *node) { n.Pattern = "^AADSTS[0-9]+$" },
	"Check.code":              func(_ *generator, n *node) { n.Pattern = "^AADSTS[0-9]+$" },
	"People.findings": func(_ *generator, n *node) {
		n.Description = "Everything that was found about people, the worst first."
	},
	"Report.observed": func(_ *generator, n *node) { // "" is a source as well
		n.PropertyNames = &node{Enum: []string{string(federation.FromObjectID), string(federation.FromJumpCloudID), ""}}
	},
}

// TestForms: the forms are what the types write, field by field.
func TestForms(t *testing.T) {
	unnamed := []string{"RawSigningCertificate", "RawNextSigningCertificate", "Extra"}
	for typ, form := range forms {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if _, ok := form.FieldByName(f.Name); !ok && f.IsExported() && !slices.Contains(unnamed, f.Name) {
				t.Errorf("%v.%s is not in its form", typ, f.Name)
			}
		}
		v := reflect.New(form)
		fill(t, v.Elem(), "x")
		want, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		real := reflect.New(typ)
		if err := json.Unmarshal(want, real.Interface()); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(real.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var wantAny, gotAny any
		if json.Unmarshal(want, &wantAny) != nil || json.Unmarshal(got, &gotAny) != nil {
			t.Fatal("no JSON")
		}
		if d := cmp.Diff(wantAny, gotAny); d != "" {
			t.Errorf("%v (-form +type):\n%s", typ, d)
		}
	}
}
