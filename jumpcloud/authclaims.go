package jumpcloud

import (
	"bytes"
	"encoding/json"
	"slices"
)

const settingAuthClaims = "authClaimConfiguration"

// AuthnContext is what an application is set to say of the way in which a person has
// logged in, its AuthnContextClassRef. JumpCloud publishes the names of the settings and
// nothing of what stands in them.
type AuthnContext struct {
	Mode   string   // setting authnContextMode
	Single string   // setting singleAuthnContextValue: what is said whatever the person did, if the mode is that
	Mapped []string // every text in the setting authnContextMappings
}

// AuthnContext returns the application's settings of what it says of a log-in. They are
// empty if the application has none, as most have, or none that can be read. Each setting
// is read bare, and as the others are: as an object with its value.
func (a *Application) AuthnContext() AuthnContext {
	var settings struct {
		Mode     json.RawMessage `json:"authnContextMode"`
		Single   json.RawMessage `json:"singleAuthnContextValue"`
		Mappings json.RawMessage `json:"authnContextMappings"`
	}
	if json.Unmarshal(bare(a.config[settingAuthClaims]), &settings) != nil {
		return AuthnContext{}
	}
	return AuthnContext{
		Mode: loose(bare(settings.Mode)), Single: loose(bare(settings.Single)), Mapped: textsIn(bare(settings.Mappings), nil),
	}
}

// bare is the value of a setting, or the setting itself if it is not wrapped.
func bare(field json.RawMessage) json.RawMessage {
	if v := fieldValue(field); v != nil && string(v) != "null" {
		return v
	}
	return field
}

// textsIn appends every text in a value of JSON, but for the names of members.
func textsIn(b json.RawMessage, texts []string) []string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return texts
	}
	switch b[0] {
	case '[':
		var all []json.RawMessage
		json.Unmarshal(b, &all)
		for _, v := range all {
			texts = textsIn(v, texts)
		}
	case '{':
		var m map[string]json.RawMessage
		json.Unmarshal(b, &m)
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			texts = textsIn(m[k], texts)
		}
	case '"':
		texts = append(texts, loose(b))
	}
	return texts
}
