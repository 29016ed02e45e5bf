package jumpcloudtest

import (
	"encoding/json"
	"errors"
	"strings"
)

var errNoKey = errors.New("the application has no key, or no certificate")

// AuthClaims is an application's authClaimConfiguration: what its assertions say of the
// way in which the person logged in. The names of the settings are JumpCloud's; what
// stands in them is not published, and read here as the comments say.
type AuthClaims struct {
	// Mode is the authnContextMode: with "single", or another word with that in it,
	// the class is Single, whatever the person did; with "mapping", or a word with
	// "map" in it, the one that Mappings has. Others change nothing.
	Mode string

	Single string // singleAuthnContextValue

	// Mappings are the authnContextMappings: the class by what the person gave,
	// "password" or "mfa".
	Mappings map[string]string

	// AMR is sendAmrClaim: an attribute tells what the person gave. In SAML 2.0
	// Azure AD does not read it.
	AMR bool
}

// MultipleAuthnAfterFactor are the claims by which Azure AD takes a second factor that
// JumpCloud has asked for, and no other one.
func MultipleAuthnAfterFactor() AuthClaims {
	return AuthClaims{Mode: "mapping", Mappings: map[string]string{"mfa": multipleAuthn}}
}

// wireClaims is the setting in the form of JumpCloud's specification.
type wireClaims struct {
	Mode struct {
		Value string `json:"value"`
	} `json:"authnContextMode"`
	Single struct {
		Value string `json:"value"`
	} `json:"singleAuthnContextValue"`
	Mappings struct {
		Value []map[string]string `json:"value"`
	} `json:"authnContextMappings"`
	AMR struct {
		Value bool `json:"value"`
	} `json:"sendAmrClaim"`
}

// The keys of a row of authnContextMappings, a guess.
const (
	mappingMethod  = "authMethod"
	mappingContext = "authnContext"
)

// SetAuthClaims sets the claims about the log-in of an application, as somebody in the
// console would. An application whose template does not have the setting has it
// until it is next written by the API.
func (s *Server) SetAuthClaims(appID string, c AuthClaims) {
	var w wireClaims
	w.Mode.Value, w.Single.Value, w.AMR.Value = c.Mode, c.Single, c.AMR
	for _, method := range []string{"password", "mfa"} {
		if class := c.Mappings[method]; class != "" {
			w.Mappings.Value = append(w.Mappings.Value, map[string]string{mappingMethod: method, mappingContext: class})
		}
	}
	var f object
	json.Unmarshal(raw(w), &f)
	s.edit(appID, func(a *app) { a.config["authClaimConfiguration"] = f })
}

// authnContext is the class of the log-in, and the methods if they are to be told.
func (v *visit) authnContext() (class string, methods []string) {
	class = v.s.Quirks.SignIn.AuthnContext
	if class == "" {
		class = classPassword
	}
	var w wireClaims
	json.Unmarshal(raw(v.app.config["authClaimConfiguration"]), &w)
	did := "password"
	if v.session.factor {
		did = "mfa"
	}
	switch mode := strings.ToLower(w.Mode.Value); {
	case strings.Contains(mode, "single") && w.Single.Value != "":
		class = w.Single.Value
	case strings.Contains(mode, "map"):
		for _, row := range w.Mappings.Value {
			if row[mappingMethod] == did && row[mappingContext] != "" {
				class = row[mappingContext]
			}
		}
	}
	if w.AMR.Value {
		methods = []string{"pwd"}
		if v.session.factor {
			methods = append(methods, multipleAuthn)
		}
	}
	return class, methods
}
