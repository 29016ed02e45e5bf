package aad

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	renewBefore  = 5 * time.Minute  // how long before its expiry a token is renewed, at most
	renewBackoff = 30 * time.Second // how long a usable token is used on after a renewal failed
	unknownLife  = 5 * time.Minute  // how long a token without expiry is used
)

// credentialError says that no token could be had.
type credentialError struct{ err error }

func (e *credentialError) Error() string { return oneLine(e.err.Error()) }
func (e *credentialError) Unwrap() error { return e.err }

// tokens keeps the token of a credential. It is renewed before it expires, by
// one goroutine for all.
type tokens struct {
	ask   func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)
	scope string
	turn  chan struct{} // held by the goroutine that asks the credential

	mu       sync.Mutex
	token    Secret
	renewAt  time.Time // from then on a new one is wanted
	expires  time.Time // from then on this one is of no use
	tries    int       // how often the credential was asked
	refusals int       // how often the service refused a token
	err      error     // its last answer, if that was an error
}

func newTokens(cred azcore.TokenCredential, scope string) *tokens {
	return &tokens{ask: cred.GetToken, scope: scope, turn: make(chan struct{}, 1)}
}

// use is what one call knows of the tokens that it was given.
type use struct {
	token    Secret
	refusals int
}

type useKey struct{}

// withUse prepares ctx for the attempts of one call.
func withUse(ctx context.Context) context.Context { return context.WithValue(ctx, useKey{}, new(use)) }

// refused notes that a token was refused. Whose, authorize finds out.
func (t *tokens) refused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusals++
}

// authorize sets the token on a request. A call that comes back because its
// token was refused gets another one; of many calls that were refused with one
// token, the first has it renewed.
func (t *tokens) authorize(ctx context.Context, h http.Header) error {
	u, _ := ctx.Value(useKey{}).(*use)
	t.mu.Lock()
	if u != nil && !u.token.IsZero() && u.token.Reveal() == t.token.Reveal() && t.refusals > u.refusals {
		t.token = Secret{}
	}
	refusals := t.refusals
	t.mu.Unlock()
	token, err := t.get(ctx)
	if err != nil {
		return err
	}
	if u != nil {
		*u = use{token, refusals}
	}
	h.Set("Authorization", "Bearer "+token.Reveal())
	return nil
}

// get returns a token that is good for a while.
func (t *tokens) get(ctx context.Context) (Secret, error) {
	t.mu.Lock()
	token, fresh, tries := t.token, t.fresh(), t.tries
	t.mu.Unlock()
	if fresh {
		return token, nil
	}

	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return Secret{}, context.Cause(ctx)
	}
	defer func() { <-t.turn }()

	t.mu.Lock()
	token, fresh = t.token, t.fresh()
	asked, err := t.tries != tries, t.err
	t.mu.Unlock()
	switch {
	case fresh:
		return token, nil
	case asked && err != nil: // somebody else asked while we waited; once is enough
		return Secret{}, err
	}

	got, err := t.ask(ctx, policy.TokenRequestOptions{Scopes: []string{t.scope}})
	if err == nil && got.Token == "" {
		err = errors.New("the token is empty")
	}
	if err == nil && strings.ContainsAny(got.Token, " \r\n\t") {
		err = errors.New("the token contains white space")
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if err != nil {
		if ctx.Err() != nil { // our caller gave up: that says nothing about the credential
			return Secret{}, context.Cause(ctx)
		}
		if !t.token.IsZero() && now.Before(t.expires) {
			t.renewAt = now.Add(renewBackoff)
			return t.token, nil
		}
		t.tries++
		t.err = &credentialError{err}
		return Secret{}, t.err
	}
	t.tries++
	t.err = nil
	t.token, t.expires = NewSecret(got.Token), got.ExpiresOn
	if got.ExpiresOn.IsZero() {
		t.expires = now.Add(unknownLife)
	}
	t.renewAt = t.expires.Add(-min(renewBefore, t.expires.Sub(now)/5))
	if !got.RefreshOn.IsZero() && got.RefreshOn.Before(t.renewAt) {
		t.renewAt = got.RefreshOn
	}
	return t.token, nil
}

// fresh reports whether the token can be used without asking for another.
// The caller holds t.mu.
func (t *tokens) fresh() bool { return !t.token.IsZero() && time.Now().Before(t.renewAt) }
