package work

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

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
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.id}, "client_secret": {a.value.Reveal()}, "scope": {scope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return azcore.AccessToken{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.http.Do(req)
	if err != nil {
		return azcore.AccessToken{}, err // a *url.Error: a net.Error, with the address and no more
	}
	defer resp.Body.Close()
	var t struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Error       string `json:"error"`
	}
	bad := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&t)
	if resp.StatusCode != http.StatusOK || bad != nil || t.AccessToken == "" {
		return azcore.AccessToken{}, refusedBy(resp.StatusCode, t.Error)
	}
	a.scope, a.token = scope, azcore.AccessToken{Token: t.AccessToken, ExpiresOn: time.Now().Add(time.Duration(t.ExpiresIn) * time.Second)}
	return a.token, nil
}

// loginError is an answer of the login service without a token.
type loginError struct {
	status int
	code   string
}

// refusedBy returns the error of an answer: one that may pass by itself is a [net.Error].
func refusedBy(status int, code string) error {
	e := loginError{status, text.Printable(text.NoAddresses(code), 100)}
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return passing{e}
	}
	return e
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
