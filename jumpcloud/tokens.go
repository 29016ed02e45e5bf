package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/jcaad/jcaad/internal/rest"
)

// renewBefore is how long before its expiry a token is given up.
const renewBefore = 30 * time.Second

// tokens is the credential of a service account.
type tokens struct {
	config func() *clientcredentials.Config // a function, for printers that follow pointers
	client *http.Client
	maker  *errorMaker

	lock    chan struct{} // holds one element; whoever has it may use what is below
	token   *oauth2.Token
	fetched time.Time
}

func newTokens(clientID, clientSecret string, o *Options, maker *errorMaker) (*tokens, error) {
	u, err := parseBase("token URL", o.TokenURL)
	if err != nil {
		return nil, err
	}
	base := &url.URL{Scheme: u.Scheme, Host: u.Host}
	cfg := restConfig(o, base, maker)
	caller, err := rest.New(cfg)
	if errors.Is(err, rest.ErrNoTransport) {
		return nil, fmt.Errorf("jumpcloud: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("jumpcloud: token URL: %w", err)
	}
	t := &tokens{
		config: func() *clientcredentials.Config {
			return &clientcredentials.Config{
				ClientID: clientID, ClientSecret: clientSecret, TokenURL: u.String(),
				Scopes: []string{"api"}, AuthStyle: oauth2.AuthStyleInHeader,
			}
		},
		client: &http.Client{Transport: tokenTransport{caller}},
		maker:  maker,
		lock:   make(chan struct{}, 1),
	}
	t.lock <- struct{}{}
	return t, nil
}

// authorize sets the token, and fetches one if there is none that lasts. While
// one goroutine fetches, the others wait for it, or for their own context.
func (t *tokens) authorize(ctx context.Context, h http.Header) error {
	select {
	case <-t.lock:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { t.lock <- struct{}{} }()
	if t.token == nil || !t.token.Expiry.IsZero() && time.Until(t.token.Expiry) < renewBefore {
		cfg := t.config()
		tok, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
		if err != nil {
			return tokenError(ctx, cfg.TokenURL, err)
		}
		t.maker.hide(tok.AccessToken)
		t.token, t.fetched = tok, time.Now()
	}
	h.Set("Authorization", "Bearer "+t.token.AccessToken)
	return nil
}

// renew gives up a token that was refused. One that was fetched a moment ago is
// kept: the refusal meant the one before.
func (t *tokens) renew() func() {
	return func() {
		<-t.lock
		if time.Since(t.fetched) > 5*time.Second {
			t.token = nil
		}
		t.lock <- struct{}{}
	}
}

// tokenFailure is a failure of the token endpoint, in the error of the request
// for which a token was wanted.
type tokenFailure struct{ err *Error }

func (t *tokenFailure) Error() string { return t.err.Error() }
func (t *tokenFailure) Unwrap() error { return t.err }

// tokenError keeps what the token endpoint said, without the request.
func tokenError(ctx context.Context, tokenURL string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var e *Error
	if errors.As(err, &e) {
		return &tokenFailure{e}
	}
	// The endpoint answered with 2xx, or the transport would have failed.
	e = &Error{Op: "POST (token endpoint)", StatusCode: http.StatusOK, Attempts: 1, Message: "the answer holds no token"}
	if u, uerr := url.Parse(tokenURL); uerr == nil {
		e.Op = opName(http.MethodPost, u.Path)
	}
	return &tokenFailure{e}
}

// tokenTransport sends what x/oauth2 asks for through a Caller, so that the
// token endpoint gets the same retries, limits and refusals as the API.
type tokenTransport struct{ caller *rest.Caller }

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	var form []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if form, err = io.ReadAll(io.LimitReader(req.Body, 1<<20)); err != nil {
			return nil, err
		}
	}
	resp, err := t.caller.Do(req.Context(), &rest.Request{
		Method: req.Method, Path: req.URL.EscapedPath(), Body: form, Class: rest.Read, // a token more does no harm
		Header: http.Header{"Authorization": req.Header["Authorization"], "Content-Type": req.Header["Content-Type"]},
	}, nil)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(resp.Status), StatusCode: resp.Status, Header: resp.Header,
		Body: io.NopCloser(strings.NewReader(string(resp.Body))), ContentLength: int64(len(resp.Body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
	}, nil
}
