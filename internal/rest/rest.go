// Package rest sends JSON over retrying HTTP for the two API clients. It is
// the only package that knows what may be repeated, how fast a service may be
// asked, and what must not leave the process in an error or a log.
//
// What it promises:
//
//   - A request of class [Create] is sent a second time only if the service
//     turned it away at the door (429, or 503 with Retry-After) or nothing of
//     it was written. Everything else ends in a [Failure] with OutcomeUnknown.
//   - Every answer ends: one that stands still, or drips, is given up after a
//     limit and counts as lost.
//   - No request leaves a [Caller] before the time that the service named in a
//     throttling answer. All goroutines of a Caller share one gate, one pace
//     and one width.
//   - Redirects are not followed, links of the service only to its own host.
//   - Errors and log records name the path template: never a query, a key, a
//     body or a whole URL.
package rest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/jcaad/jcaad/internal/pace"
)

// Class says what may be repeated.
type Class int

const (
	// Read changes nothing: GET, HEAD, a POST that only searches. It is
	// repeated after throttling, 5xx, connection errors and broken bodies.
	Read Class = iota
	// Idempotent may be sent twice without harm: PUT, DELETE, a PATCH of
	// absolute values. It is repeated like Read.
	Idempotent
	// Create makes a second thing when sent twice. It is repeated only if it
	// was turned away at the door or was never written.
	Create
)

// Defaults of [Config].
const (
	defaultMaxWait    = 2 * time.Minute
	defaultMaxElapsed = 5 * time.Minute
	defaultIdle       = time.Minute
	defaultWorkers    = 4
	defaultMaxWorkers = 32
)

// Config configures a [Caller]. Base is required, everything else has a
// default.
type Config struct {
	// Base is scheme, host and path prefix: https, or http on loopback.
	Base *url.URL

	// HTTPClient sends the requests. It is never modified: a shallow copy
	// follows no redirects. The default has a transport of its own, with a
	// timeout of a minute for the answer's header.
	HTTPClient *http.Client

	// Wrap, if set, is called once by [New] with the transport, and returns the
	// one that makes the attempts: see wrap.go.
	Wrap func(http.RoundTripper) http.RoundTripper

	// Logger gets one debug record an attempt. The default discards.
	Logger *slog.Logger

	// UserAgent is sent as it is; see [UserAgent].
	UserAgent string

	// Authorize sets the credential. It is called before each attempt.
	Authorize func(ctx context.Context, h http.Header) error

	// Renew is called after a 401, once a call, and the call is repeated.
	Renew func()

	// Error makes the client's error out of a failure; it never returns nil.
	// The default returns the *Failure itself.
	Error func(*Failure) error

	// ReadOnly, if set, fails every request whose class is not Read, before
	// anything is sent.
	ReadOnly error

	// Throttled reports what is throttling beside a 429 and a 403 with
	// Retry-After.
	Throttled func(status int, h http.Header, body []byte) bool

	// RequestID finds the service's name for a request in its answer.
	RequestID func(http.Header) string

	// MaxWait is the longest single wait that a service may ask for; a longer
	// one is returned in [Failure].RetryAfter. 0 means two minutes.
	MaxWait time.Duration

	// MaxElapsed limits how long one call waits for throttling in all. Bulk
	// reads wait as long as their context lives. 0 means five minutes.
	MaxElapsed time.Duration

	// Idle is how long an answer that has begun may go on without bringing
	// another KiB or its end: see [ErrStalled]. 0 means a minute.
	Idle time.Duration

	// Workers and MaxWorkers are the first and the largest number of bulk
	// requests at a time. 0 means 4 and 32. Beside them at most MaxWorkers single
	// requests are under way.
	Workers, MaxWorkers int
}

// A Caller sends the requests of one client to one service. It is safe for
// use by several goroutines, and made once for the client's life.
type Caller struct {
	cfg   Config
	base  url.URL
	root  string // base as text
	retry *retryablehttp.Client
	pace  *pace.Gate

	bodies sync.Pool // of *bytes.Buffer: see [Body]
}

// New returns a Caller. It refuses a base URL that is neither https nor http
// on a loopback address.
func New(cfg Config) (*Caller, error) {
	base, err := checkBase(cfg.Base)
	if err != nil {
		return nil, err
	}
	if cfg.MaxWait < 0 || cfg.MaxElapsed < 0 || cfg.Idle < 0 || cfg.Workers < 0 || cfg.MaxWorkers < 0 {
		return nil, errors.New("rest: negative wait or number of workers")
	}
	cfg.Base = nil // base is ours; the caller's may change
	if cfg.MaxWait == 0 {
		cfg.MaxWait = defaultMaxWait
	}
	if cfg.MaxElapsed == 0 {
		cfg.MaxElapsed = defaultMaxElapsed
	}
	if cfg.Idle == 0 {
		cfg.Idle = defaultIdle
	}
	if cfg.MaxWorkers == 0 {
		cfg.MaxWorkers = max(defaultMaxWorkers, cfg.Workers)
	}
	if cfg.Workers == 0 {
		cfg.Workers = defaultWorkers
	}
	cfg.Workers = min(cfg.Workers, cfg.MaxWorkers)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Error == nil {
		cfg.Error = func(f *Failure) error { return f }
	}
	c := &Caller{cfg: cfg, base: *base, root: base.String(), pace: pace.New(cfg.Workers, cfg.MaxWorkers)}
	c.bodies.New = func() any { return new(bytes.Buffer) }
	hc, err := newHTTPClient(&cfg, base)
	if err != nil {
		return nil, err
	}
	c.retry = newRetrier(hc)
	return c, nil
}

// Request is one call of an API.
type Request struct {
	Method string

	// Path is a template relative to the base, such as
	// "domains/{domain}/federationConfiguration/{id}": each {…} takes the next
	// of Args, escaped. An empty argument, ".", ".." and control characters
	// are refused.
	Path string
	Args []string

	Query  url.Values
	Header http.Header

	// Body is marshalled once: json.RawMessage and []byte are sent as they
	// are, url.Values as a form, everything else as JSON.
	Body any

	Class Class

	// Bulk marks a page of a bulk read: it waits out any number of throttling
	// windows while its context lives, and counts for the Caller's width.
	// Requests made by the fetch function of [Pages] are bulk without it.
	Bulk bool

	// Permission is what the operation needs; it is handed to Failure.
	Permission string
}

// Response is a 2xx answer.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte
	RequestID string
	Attempts  int
}
