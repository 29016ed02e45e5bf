package aad

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/jcaad/jcaad/internal/rest"
	"github.com/jcaad/jcaad/internal/switches"
)

// Options tune a [Client]. The zero value of every field is its default.
type Options struct {
	// Cloud is where the tenant lives. The default is the public cloud. [CloudOf]
	// finds it in a configuration of azcore.
	Cloud Cloud

	// GraphURL and LoginURL replace the cloud's endpoints: scheme and host,
	// without version. Plain http is accepted for loopback addresses only.
	GraphURL, LoginURL string

	// HTTPClient sends the requests. It is never modified, and redirects are
	// never followed. The default has a connection pool of its own.
	HTTPClient *http.Client

	// Wrap, if set, returns the transport that makes each attempt, around the one
	// that it is given: for tracing such as OpenTelemetry's, or a proxy. It is
	// called twice by New: for Graph, and for the login service.
	// It is inside of retries and pace, so it sees every attempt when that
	// is sent; what it returns for the service's answer is taken for it.
	//
	// It sees the token in the header, and addresses of people in the URL's
	// query: it must not write them down. It must keep to what
	// [http.RoundTripper] demands, and keep the request's context or make its own
	// of it. The transport that it is given keeps the pool and its limits, sends to
	// the service's own address alone, and sends a write that must not be made
	// twice once. Whether a write may have been made is judged by what passes
	// that transport: an error of Wrap's own is [ErrOutcomeUnknown].
	//
	// With an HTTPClient, Wrap is put around that client's Transport; its Timeout
	// counts the time spent in Wrap as well.
	Wrap func(http.RoundTripper) http.RoundTripper

	// UserAgent is put in front of the package's own User-Agent, which has the version
	// of this module that the program was built with.
	UserAgent string

	// Logger receives one debug record for each attempt. The default discards.
	Logger *slog.Logger

	// ReadOnly makes every call that would write fail with [ErrReadOnly]
	// before anything is sent.
	ReadOnly bool

	// MaxWait is the longest Retry-After that is waited for; a longer one ends
	// the call with [ErrThrottled]. The default is two minutes.
	MaxWait time.Duration

	// IdleTimeout is how long an answer that has begun may stand still. It is
	// counted from the beginning of the answer, and again from each KiB that
	// arrives, so that one that only drips ends too. Such an answer counts as
	// lost: a read ends with [ErrUnavailable], after the usual repetitions, a
	// write with [ErrOutcomeUnknown]. The default is one minute. How long the
	// beginning of an answer is waited for is up to HTTPClient.
	IdleTimeout time.Duration

	// MaxPages is how many pages a list may have, or each range of a parallel
	// one, before it ends with [ErrTooManyPages], so that a service that always
	// names another page comes to an end. A page holds up to 999 users. The
	// default is 10,000.
	MaxPages int

	// Workers and MaxWorkers are the first and the largest number of requests
	// that a bulk read keeps going at once. The defaults are 4 and 32. Beside
	// them at most MaxWorkers single requests are under way.
	Workers, MaxWorkers int
}

// Client talks to Microsoft Graph on behalf of one tenant, and to the public
// realm endpoints of the login service. It is safe for use by several goroutines.
type Client struct {
	graph  *rest.Caller
	login  *rest.Caller
	logs   func() (*rest.Caller, error) // of Graph's logs, made when they are first wanted
	tokens *tokens
	width  int
	name   string

	maxPages int

	switches switches.Book
}

// Switches is what package federation keeps for all who share the client: which of
// the tenant's domains it has switched to an identity provider, and whose turn it is.
func (c *Client) Switches() *switches.Book { return &c.switches }

// defaultMaxPages is for ten million users.
const defaultMaxPages = 10_000

// Format implements [fmt.Formatter]: a client shows where it leads, and nothing else.
func (c *Client) Format(f fmt.State, _ rune) { io.WriteString(f, "aad.Client("+c.name+")") }

// New returns a client that authenticates with cred: any credential of azidentity
// will do. No request is made. A nil opts means the defaults; opts is not retained.
func New(cred azcore.TokenCredential, opts *Options) (*Client, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if v := reflect.ValueOf(cred); cred == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, errors.New("aad: the credential is nil")
	}
	if !o.Cloud.known() {
		return nil, fmt.Errorf("aad: unknown cloud %d", int(o.Cloud))
	}
	if o.Workers < 0 || o.MaxWorkers < 0 || o.MaxWait < 0 || o.IdleTimeout < 0 || o.MaxPages < 0 {
		return nil, errors.New("aad: negative Workers, MaxWorkers, MaxWait, IdleTimeout or MaxPages")
	}
	graph, err := endpoint("GraphURL", cmp.Or(o.GraphURL, o.Cloud.GraphURL()))
	if err != nil {
		return nil, err
	}
	login, err := endpoint("LoginURL", cmp.Or(o.LoginURL, o.Cloud.LoginURL()))
	if err != nil {
		return nil, err
	}

	c := &Client{
		tokens: newTokens(cred, graph.String()+"/.default"),
		width:  cmp.Or(o.MaxWorkers, 32),
		name:   graph.Host,

		maxPages: cmp.Or(o.MaxPages, defaultMaxPages),
	}
	config := rest.Config{
		Base:       graph.JoinPath("v1.0"),
		HTTPClient: o.HTTPClient,
		Wrap:       o.Wrap,
		Logger:     o.Logger,
		UserAgent:  rest.UserAgent(o.UserAgent, "jcaad-aad"),
		Authorize:  c.tokens.authorize,
		Renew:      c.tokens.refused,
		Error:      newError,
		RequestID:  requestID,
		MaxWait:    o.MaxWait,
		Idle:       o.IdleTimeout,
		Workers:    o.Workers,
		MaxWorkers: o.MaxWorkers,
	}
	if o.ReadOnly {
		config.ReadOnly = ErrReadOnly
	}
	if c.graph, err = rest.New(config); err != nil {
		return nil, optionError("GraphURL", err)
	}
	c.logs = sync.OnceValues(func() (*rest.Caller, error) { return rest.New(config) })
	// The login service gets no token: what it tells is public.
	public := config
	public.Base, public.Authorize, public.Renew, public.Error = login, nil, nil, newLoginError
	if c.login, err = rest.New(public); err != nil {
		return nil, optionError("LoginURL", err)
	}
	return c, nil
}

// optionError says which option a caller cannot be made of.
func optionError(field string, err error) error {
	if errors.Is(err, rest.ErrNoTransport) {
		return fmt.Errorf("aad: %w", err)
	}
	return fmt.Errorf("aad: %s: %w", field, err)
}

// endpoint parses the root of a service.
func endpoint(field, s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(s, "/"))
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The text of err would show the URL, and with it what somebody put in by mistake.
		return nil, fmt.Errorf("aad: %s is not of the form https://host", field)
	}
	return u, nil
}

func requestID(h http.Header) string { return h.Get("request-id") }

// do makes one call to Graph.
func (c *Client) do(ctx context.Context, r *rest.Request, out any) (*rest.Response, error) {
	id := label(r)
	caller, err := c.caller(r)
	if err != nil {
		return nil, err
	}
	resp, err := caller.Do(withUse(ctx), r, out)
	return resp, identify(err, id)
}

// caller is who makes a call to Graph. The logs have a limit of their own, of which the
// rest of Graph knows nothing: while they are throttled, everything else goes on.
func (c *Client) caller(r *rest.Request) (*rest.Caller, error) {
	if strings.HasPrefix(r.Path, "auditLogs/") {
		return c.logs()
	}
	return c.graph, nil
}

// get reads a page of a list: the first one, or the one that link names.
func (c *Client) get(ctx context.Context, link string, r *rest.Request, out any) (*rest.Response, error) {
	if link == "" {
		return c.do(ctx, r, out)
	}
	id := label(r)
	caller, err := c.caller(r)
	if err != nil {
		return nil, err
	}
	resp, err := caller.Follow(withUse(ctx), link, r, out)
	return resp, identify(err, id)
}

// label gives a request an ID of our own, a new one for each call, which the
// service keeps in its logs.
func label(r *rest.Request) string {
	id := newID()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set("client-request-id", id)
	return id
}

// identify notes our ID in the error of a call whose answer did not tell it.
func identify(err error, id string) error {
	var e *Error
	if errors.As(err, &e) && e.ClientRequestID == "" {
		e.ClientRequestID = id
	}
	return err
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// WithRequestIDs returns a context whose requests tell Microsoft Graph's ID of each
// request that succeeded, for a change record; that of a request that failed is
// in the [Error]. tell may be called from several goroutines.
func WithRequestIDs(ctx context.Context, tell func(id string)) context.Context {
	return rest.WithRequestIDs(ctx, tell)
}
