package aad_test

import (
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/jcaad/jcaad/aad"
)

// TestCloudOf: a configuration of azcore is taken for what it says, and what it
// does not say is not guessed: a token would go to another cloud.
func TestCloudOf(t *testing.T) {
	const (
		public = "https://login.microsoftonline.com/"
		us     = "https://login.microsoftonline.us/"
	)
	with := func(login string, services ...cloud.ServiceConfiguration) cloud.Configuration {
		c := cloud.Configuration{ActiveDirectoryAuthorityHost: login, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: "https://management.usgovcloudapi.net", Audience: "https://management.core.usgovcloudapi.net"},
		}}
		for i, s := range services {
			c.Services[cloud.ServiceName("graph"+string(rune('0'+i)))] = s
		}
		return c
	}
	tests := []struct {
		name string
		c    cloud.Configuration
		want aad.Cloud
		text string // of the error
	}{
		{"nothing said", cloud.Configuration{}, aad.Public, ""},
		{"public", cloud.AzurePublic, aad.Public, ""},
		{"China", cloud.AzureChina, aad.China, ""},
		{"China, newer", with("https://login.partner.microsoftonline.cn"), aad.China, ""},
		{"spelling", with(" HTTPS://Login.MicrosoftOnline.com.:443/tenant "), aad.Public, ""},
		{"government", cloud.AzureGovernment, 0, "USGovL4 (GCC High) or USGovL5 (DoD)"},
		{"government, with its resource manager", with(us), 0, `"login.microsoftonline.us", which is of USGovL4 and USGovL5`},
		{"L4 by its endpoint", with(us, cloud.ServiceConfiguration{Endpoint: "https://graph.microsoft.us/v1.0"}), aad.USGovL4, ""},
		{"L5 by its audience", with(us, cloud.ServiceConfiguration{Audience: "https://dod-graph.microsoft.us"}), aad.USGovL5, ""},
		{"L5 twice", with(us, cloud.ServiceConfiguration{Endpoint: "https://dod-graph.microsoft.us"},
			cloud.ServiceConfiguration{Endpoint: "https://dod-graph.microsoft.us/beta"}), aad.USGovL5, ""},
		{"L4 and L5", with(us, cloud.ServiceConfiguration{Endpoint: "https://graph.microsoft.us"},
			cloud.ServiceConfiguration{Endpoint: "https://dod-graph.microsoft.us"}), 0, "[USGovL4 USGovL5] at once"},
		{"of two clouds", with(public, cloud.ServiceConfiguration{Endpoint: "https://graph.microsoft.us"}), 0, "Microsoft Graph of USGovL4"},
		{"services alone", with(""), 0, "no ActiveDirectoryAuthorityHost"},
		{"unknown", with("https://login.microsoftonline.de/"), 0, `"login.microsoftonline.de"`},
		{"the beginning of a known one", with("https://login.microsoftonline.com.evil.example/"), 0, "evil.example"},
		{"not https", with("http://login.microsoftonline.com/"), 0, "https://host"},
		{"no scheme", with("login.microsoftonline.com"), 0, "https://host"},
		{"a password", with("https://me:s3cret@login.microsoftonline.com/"), 0, "https://host"},
		{"no address", with("https://s3cret%zz"), 0, "https://host"},
		{"another port", with("https://login.microsoftonline.com:8443/"), 0, "https://host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := aad.CloudOf(tt.c)
			if tt.text == "" {
				if err != nil || got != tt.want {
					t.Errorf("%v, %v; want %v", got, err, tt.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), "USGovL4") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v, %v; want an error with %q, and advice", got, err, tt.text)
			}
		})
	}
}
