// Package cli is what the example programs share: where the services are and
// how to sign in, reading a plan, progress, and errors in people's words.
package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Environment describes the environment variables that [Services.Clients]
// reads, for usage texts.
const Environment = `  JUMPCLOUD_API_KEY         an administrator's API key, or
  JUMPCLOUD_CLIENT_ID       a service account's ID and
  JUMPCLOUD_CLIENT_SECRET   its secret
  JUMPCLOUD_ORG_ID          the organisation, if the credential sees several
  AZURE_…                   what azidentity's DefaultAzureCredential reads; "az login" will do
`

// Services says where the two services are and how to sign in to them.
type Services struct {
	Region, JumpCloudURL, JumpCloudTokenURL string
	Cloud, GraphURL, LoginURL               string

	// GraphTokenEnv names an environment variable that holds an access token
	// for Microsoft Graph, to be used instead of DefaultAzureCredential.
	GraphTokenEnv string

	// Getenv reads the environment: [os.Getenv], or a stand-in of it.
	Getenv func(string) string
}

// Flags defines the flags that say where the services are.
func (s *Services) Flags(fs *flag.FlagSet) {
	fs.StringVar(&s.Region, "region", "us", "JumpCloud's `region`: us, eu or in")
	fs.StringVar(&s.JumpCloudURL, "jumpcloud-url", "", "`URL` of JumpCloud's console, instead of the region's")
	fs.StringVar(&s.JumpCloudTokenURL, "jumpcloud-token-url", "", "`URL` that gives tokens to service accounts, instead of the region's")
	s.AzureADFlags(fs)
}

// AzureADFlags defines those of them that say where Azure AD is.
func (s *Services) AzureADFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Cloud, "cloud", "public", "Microsoft's `cloud`: public, usgov-l4, usgov-l5 or china")
	fs.StringVar(&s.GraphURL, "graph-url", "", "`URL` of Microsoft Graph, instead of the cloud's")
	fs.StringVar(&s.LoginURL, "login-url", "", "`URL` of Microsoft's login service, instead of the cloud's")
	fs.StringVar(&s.GraphTokenEnv, "graph-token-env", "", "`name` of an environment variable with an access token for Microsoft Graph,\n"+
		"instead of azidentity's DefaultAzureCredential; for test environments, and for\n"+
		"\"az account get-access-token --resource https://graph.microsoft.com\"")
}

// ClientOptions are what both clients have in common.
type ClientOptions struct {
	ReadOnly bool         // nothing can be written, whoever tries
	Logger   *slog.Logger // nil discards

	// What stands between each client and its service; nil is nothing.
	WrapJumpCloud, WrapAzureAD func(http.RoundTripper) http.RoundTripper
}

// Clients makes both clients. What is missing for either comes back in one error.
func (s *Services) Clients(o ClientOptions) (*jumpcloud.Client, *aad.Client, error) {
	jc, jcErr := s.jumpCloud(o)
	ad, adErr := s.azureAD(o)
	return jc, ad, errors.Join(jcErr, adErr)
}

func (s *Services) jumpCloud(o ClientOptions) (*jumpcloud.Client, error) {
	opts := &jumpcloud.Options{
		BaseURL: s.JumpCloudURL, TokenURL: s.JumpCloudTokenURL, OrgID: s.Getenv("JUMPCLOUD_ORG_ID"),
		ReadOnly: o.ReadOnly, Logger: o.Logger, Wrap: o.WrapJumpCloud,
	}
	switch s.Region {
	case "", "us":
	case "eu":
		opts.Region = jumpcloud.EU
	case "in":
		opts.Region = jumpcloud.IN
	default:
		return nil, fmt.Errorf("-region %q is none of us, eu, in", s.Region)
	}
	key, id, secret := s.Getenv("JUMPCLOUD_API_KEY"), s.Getenv("JUMPCLOUD_CLIENT_ID"), s.Getenv("JUMPCLOUD_CLIENT_SECRET")
	switch {
	case key != "" && id != "":
		return nil, errors.New("two credentials for JumpCloud: JUMPCLOUD_API_KEY and JUMPCLOUD_CLIENT_ID are both set: unset one")
	case key != "":
		return jumpcloud.New(key, opts)
	case id != "" && secret != "":
		return jumpcloud.NewServiceAccount(id, secret, opts)
	case id != "":
		return nil, errors.New("no credential for JumpCloud: JUMPCLOUD_CLIENT_ID is set, JUMPCLOUD_CLIENT_SECRET is not")
	}
	return nil, errors.New("no credential for JumpCloud: " +
		"set JUMPCLOUD_API_KEY, or JUMPCLOUD_CLIENT_ID and JUMPCLOUD_CLIENT_SECRET of a service account")
}

// AzureADClient makes the client of Azure AD alone.
func (s *Services) AzureADClient(o ClientOptions) (*aad.Client, error) { return s.azureAD(o) }

// MicrosoftCloud is the cloud that the flag names.
func (s *Services) MicrosoftCloud() (aad.Cloud, error) {
	c, _, err := s.cloud()
	return c, err
}

func (s *Services) cloud() (aad.Cloud, cloud.Configuration, error) {
	switch s.Cloud {
	case "", "public":
		return aad.Public, cloud.AzurePublic, nil
	case "usgov-l4":
		return aad.USGovL4, cloud.AzureGovernment, nil
	case "usgov-l5":
		return aad.USGovL5, cloud.AzureGovernment, nil
	case "china":
		return aad.China, cloud.AzureChina, nil
	}
	return 0, cloud.Configuration{}, fmt.Errorf("-cloud %q is none of public, usgov-l4, usgov-l5, china", s.Cloud)
}

func (s *Services) azureAD(o ClientOptions) (*aad.Client, error) {
	opts := &aad.Options{GraphURL: s.GraphURL, LoginURL: s.LoginURL, ReadOnly: o.ReadOnly, Logger: o.Logger, Wrap: o.WrapAzureAD}
	var azure cloud.Configuration
	var err error
	if opts.Cloud, azure, err = s.cloud(); err != nil {
		return nil, err
	}
	cred, err := s.credential(azure)
	if err != nil {
		return nil, fmt.Errorf("no credential for Azure AD: %w", err)
	}
	return aad.New(cred, opts)
}

// credential is a token that the caller has, or whatever azidentity finds.
// azidentity refuses authorities without TLS, so that stand-ins of the login
// service can only be used with a token.
func (s *Services) credential(azure cloud.Configuration) (azcore.TokenCredential, error) {
	if s.GraphTokenEnv == "" {
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: azcore.ClientOptions{Cloud: azure},
		})
	}
	token := s.Getenv(s.GraphTokenEnv)
	if token == "" {
		return nil, fmt.Errorf("-graph-token-env names %s, which is empty", s.GraphTokenEnv)
	}
	return staticToken(token), nil
}

// staticToken is a credential that has one token, until that expires.
type staticToken string

// GetToken implements [azcore.TokenCredential].
func (t staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// JumpCloud and AzureAD name the services, for headings and messages.
func (s *Services) JumpCloud() string {
	return cmp.Or(s.JumpCloudURL, "region "+cmp.Or(s.Region, "us"))
}

// AzureAD names Azure AD.
func (s *Services) AzureAD() string {
	return cmp.Or(s.GraphURL, "cloud "+cmp.Or(s.Cloud, "public"))
}
