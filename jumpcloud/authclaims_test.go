package jumpcloud_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestAuthnContext: each form that the settings may have is read, and none fails.
func TestAuthnContext(t *testing.T) {
	full := jumpcloud.AuthnContext{Mode: "m", Single: "s", Mapped: []string{"a", "b"}}
	for _, tt := range []struct {
		name, config string
		want         jumpcloud.AuthnContext
	}{
		{"none", `{}`, jumpcloud.AuthnContext{}},
		{"not set", `{"authClaimConfiguration":{"value":null,"label":"x"}}`, jumpcloud.AuthnContext{}},
		{"each with its value", `{"authClaimConfiguration":{"authnContextMode":{"value":"m"},"singleAuthnContextValue":{"value":"s"},` +
			`"authnContextMappings":{"value":[{"x":"a"},{"x":"b"}]}}}`, full},
		{"a value as a whole", `{"authClaimConfiguration":{"value":{"authnContextMode":"m","singleAuthnContextValue":"s",` +
			`"authnContextMappings":["a",{"deep":{"er":"b"},"n":1}]}}}`, full},
		{"bare", `{"authClaimConfiguration":{"authnContextMode":"m","singleAuthnContextValue":"s","authnContextMappings":{"p":"a","q":"b"}}}`, full},
		{"of other kinds", `{"authClaimConfiguration":{"value":{"authnContextMode":7,"singleAuthnContextValue":[],"authnContextMappings":null}}}`,
			jumpcloud.AuthnContext{Mode: "7"}},
		{"a text", `{"authClaimConfiguration":"x"}`, jumpcloud.AuthnContext{}},
		{"a config that a proxy blanked", `"x"`, jumpcloud.AuthnContext{}},
	} {
		var a jumpcloud.Application
		if err := json.Unmarshal([]byte(`{"_id":"1","config":`+tt.config+`}`), &a); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, a.AuthnContext()); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestAuthnContextOfStandIn: what the stand-in does is read as it is meant.
func TestAuthnContextOfStandIn(t *testing.T) {
	s := new(jumpcloudtest.Server)
	id := s.AddApplication("office365", "365", "urn:x", "https://sso.jumpcloud.com/saml2/x")
	s.SetAuthClaims(id, jumpcloudtest.MultipleAuthnAfterFactor())
	a, err := s.Client(nil).Application(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	const multi = "http://schemas.microsoft.com/claims/multipleauthn"
	if d := cmp.Diff(jumpcloud.AuthnContext{Mode: "mapping", Mapped: []string{"mfa", multi}}, a.AuthnContext()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
