package work

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/internal/text"
)

// clouds are Microsoft's, and where each gives tokens.
var clouds = map[string]struct {
	cloud aad.Cloud
	login string
}{
	"public":   {aad.Public, "https://login.microsoftonline.com"},
	"usgov-l4": {aad.USGovL4, "https://login.microsoftonline.us"},
	"usgov-l5": {aad.USGovL5, "https://login.microsoftonline.us"},
	"china":    {aad.China, "https://login.partner.microsoftonline.cn"},
}

// bearer is a token that something else renews.
type bearer struct{ token secret.Value }

// GetToken implements [azcore.TokenCredential].
func (b bearer) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: b.token.Reveal(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// app is an application that signs in with its secret.
type app struct {
	tokenURL, id string
	value        secret.Value
	http         *http.Client

	mu    sync.Mutex
	token azcore.AccessToken
	scope string
}

func newApp(c customers.Credential, v secret.Value, login string, client *http.Client) *app {
	var h http.Client
	if client != nil {
		h = *client
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &app{
		tokenURL: strings.TrimSuffix(login, "/") + "/" + url.PathEscape(c.Of) + "/oauth2/v2.0/token", id: c.ClientID, value: v, http: &h,
	}
}

// loginTime is how long an answer of the login service is waited for.
const loginTime = 30 * time.Second

// GetToken implements [azcore.TokenCredential]. A token is used until five minutes
// before its end. No error has anything of the secret or the token in it.
func (a *app) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	scope := strings.Join(o.Scopes, " ")
	if a.scope == scope && time.Until(a.token.ExpiresOn) > 5*time.Minute {
		return a.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	login := clientcredentials.Config{
		ClientID: a.id, ClientSecret: a.value.Reveal(), TokenURL: a.tokenURL, Scopes: o.Scopes, AuthStyle: oauth2.AuthStyleInParams,
	}
	t, err := login.Token(context.WithValue(ctx, oauth2.HTTPClient, a.http))
	if err != nil {
		return azcore.AccessToken{}, refusedBy(err)
	}
	a.scope, a.token = scope, azcore.AccessToken{Token: t.AccessToken, ExpiresOn: t.Expiry}
	return a.token, nil
}

// loginError is an answer of the login service without a token.
type loginError struct {
	status int
	code   string
}

// refusedBy returns the error of a login that gave no token: one that may pass by itself is
// a [net.Error]. What the service has answered besides its status and code is left out.
func refusedBy(err error) error {
	var answer *oauth2.RetrieveError
	var e net.Error
	switch {
	case errors.As(err, &answer):
	case errors.As(err, &e): // a *url.Error, with the address and no more
		return err
	default:
		return errors.New("the answer of the login service has no token")
	}
	refused := loginError{answer.Response.StatusCode, text.Printable(text.NoAddresses(answer.ErrorCode), 100)}
	if refused.status >= http.StatusInternalServerError || refused.status == http.StatusTooManyRequests {
		return passing{refused}
	}
	return refused
}

// Error names the answer.
func (e loginError) Error() string {
	return fmt.Sprintf("the login service answered %d %s", e.status, e.code)
}

// passing is a loginError that may pass.
type passing struct{ loginError }

// Timeout and Temporary make it a [net.Error].
func (passing) Timeout() bool   { return false }
func (passing) Temporary() bool { return true }
