package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"
)

// One attempt of a Caller whose Config has a Wrap, from the outside:
//
//	transport  watches over the answer, reads it, tells the call
//	  Wrap     the user's: it may do anything, also what it must not
//	    inner  what Wrap was given: refuses, traces, watches
//	      the pool, or the transport of Config.HTTPClient
//
// Whether a write may have taken effect is judged by what passed inner alone: a
// context with another trace, an answer or an error of Wrap's own do not hide it.

// ErrNoTransport is the error of [New] for a Wrap that returns nothing.
var ErrNoTransport = errors.New("Options.Wrap returned nil: it must return a transport, the one that it was given if it has nothing to add")

// errMisuse is the error of what Wrap must not do with the transport it was given.
var errMisuse = errors.New("Options.Wrap")

// wrap returns what f makes of in.
func wrap(f func(http.RoundTripper) http.RoundTripper, in *inner) (http.RoundTripper, error) {
	rt := f(in)
	if v := reflect.ValueOf(rt); rt == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, ErrNoTransport
	}
	return rt, nil
}

// passage is what went through inner in one attempt.
type passage struct {
	create bool

	mu   sync.Mutex
	over bool  // the attempt has ended
	open int   // requests under way
	sent bool  // something may have been written
	took bool  // and may have taken effect
	err  error // of the last request, nil if it was answered
}

type passageKey struct{}

// enter notes a request that is about to be sent, or says why it must not be.
func (p *passage) enter(wrong error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case wrong != nil:
		p.err = wrong
		return wrong
	case p.over:
		return fmt.Errorf("%w: a request was sent after its attempt had ended", errMisuse)
	case p.create && (p.sent || p.open > 0):
		return fmt.Errorf("%w: a write that must not be made twice was sent again; leave repeating to the client", errMisuse)
	}
	p.open++
	return nil
}

// leave notes what came of a request: status 0 is no answer.
func (p *passage) leave(status int, unsent bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.err = err
	if unsent {
		return
	}
	p.sent = true
	p.took = p.took || status/100 == 2 || status == 0 || status >= 500 && status != http.StatusNotImplemented
}

// end ends the attempt. It reports whether it is certain that nothing was
// written, given the error that the attempt ended with: one that is not inner's
// may be of a transport that nobody knows. And whether something may have taken
// effect, whatever the answer says that came out.
func (p *passage) end(err error) (unsent, took bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	own := err != nil && p.err != nil && reflect.TypeOf(err).Comparable() && err == p.err
	return own && !p.sent && p.open == 0, p.took || p.open > 0
}

// inner is the transport that Wrap is given.
type inner struct {
	next http.RoundTripper
	base *url.URL
	idle time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (n *inner) RoundTrip(req *http.Request) (*http.Response, error) {
	p, _ := req.Context().Value(passageKey{}).(*passage)
	if err := n.admit(p, req); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	var w wire
	resp, err := whole(n.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), w.trace()))))
	if err != nil {
		p.leave(0, w.unsent(bare(err)), err)
		return nil, err
	}
	p.leave(resp.StatusCode, false, nil)
	resp.Body = &closer{ReadCloser: resp.Body}
	b := new(innerBody)
	b.watch.start(resp, n.idle)
	resp.Body = b
	return resp, nil
}

func (n *inner) admit(p *passage, req *http.Request) error {
	var wrong error
	switch {
	case p == nil:
		return fmt.Errorf("%w: a request has another context than the one it was given: keep it, or make yours of it", errMisuse)
	case req.URL == nil || req.URL.Scheme != n.base.Scheme || authority(req.URL) != authority(n.base):
		var host string
		if req.URL != nil {
			host = req.URL.Scheme + "://" + req.URL.Host
		}
		wrong = fmt.Errorf("%w: a request, which carries the credential, was to go to %q instead of %q",
			errMisuse, host, n.base.Scheme+"://"+n.base.Host)
	case p.create && (req.Header["Idempotency-Key"] != nil || req.Header["X-Idempotency-Key"] != nil):
		wrong = fmt.Errorf("%w: a write was given an Idempotency-Key, which the services do not know, and with which net/http may send it twice",
			errMisuse)
	}
	return p.enter(wrong)
}

// innerBody is an answer's body as Wrap sees it: it ends, and within the limit,
// also if Wrap reads it by itself.
type innerBody struct {
	watch watch
	n     int64
}

// Read implements [io.Reader].
func (b *innerBody) Read(p []byte) (int, error) {
	n, err := b.watch.Read(p)
	b.n += int64(n)
	switch {
	case b.watch.fired.Load():
		err = stalled(b.watch.idle)
	case b.n > maxBody+drain:
		err = tooLarge()
	}
	if err != nil {
		b.watch.timer.Stop()
	}
	return n, err
}

// Close implements [io.Closer].
func (b *innerBody) Close() error {
	b.watch.timer.Stop()
	return b.watch.Close()
}

// closer closes once, whoever comes first.
type closer struct {
	io.ReadCloser
	once sync.Once
	err  error
}

func (c *closer) Close() error {
	c.once.Do(func() { c.err = c.ReadCloser.Close() })
	return c.err
}

// whole holds a transport to what [http.RoundTripper] promises: an error, or an
// answer with a status and a body.
func whole(resp *http.Response, err error) (*http.Response, error) {
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither an answer nor an error")
	case resp.StatusCode < 100 || resp.StatusCode > 999:
		err = fmt.Errorf("the transport returned an answer with the status %d", resp.StatusCode)
	case resp.Body == nil && resp.ContentLength > 0:
		err = fmt.Errorf("the transport returned an answer without its body of %d bytes", resp.ContentLength)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// discreet is an error of Wrap in whose text stood what must not leave the
// process: the credential, or the query.
type discreet struct {
	err  error
	text string
}

func (d *discreet) Error() string { return d.text }
func (d *discreet) Unwrap() error { return d.err }

// withoutSecrets returns err, with what is secret of req left out of its text.
func withoutSecrets(req *http.Request, err error) error {
	secrets := []string{req.URL.RawQuery}
	for _, h := range [...]string{"Authorization", "X-Api-Key"} {
		for _, v := range req.Header[h] {
			secrets = append(secrets, v, v[strings.LastIndexByte(v, ' ')+1:])
		}
	}
	was := err.Error()
	s := was
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "…")
		}
	}
	if s == was {
		return err
	}
	return &discreet{err, s}
}

func withPassage(ctx context.Context, p *passage) context.Context {
	return context.WithValue(ctx, passageKey{}, p)
}
