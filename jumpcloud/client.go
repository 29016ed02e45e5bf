package jumpcloud

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
)

// Options tune a [Client]. The zero value of every field is its default.
type Options struct {
	// Region is the data centre. The default is the United States.
	Region Region

	// BaseURL replaces the region's console address, scheme and host; the
	// paths /api and /api/v2 are put behind it. It must be https, or http on
	// a loopback address.
	BaseURL string

	// TokenURL replaces the address at which the region gives tokens to
	// service accounts. A client with an API key does not use it.
	TokenURL string

	// InsightsURL replaces the address at which the region tells of events, scheme and
	// host; see [Client.Events]. The default is https://api.jumpcloud.com, or the region's,
	// and BaseURL if there is one. JumpCloud's own text once names the console's
	// address for Europe.
	InsightsURL string

	// OrgID selects the organisation, for administrators who see several.
	// JumpCloud's default is the organisation of the key. One credential for
	// many organisations: see [Client.ForOrganization].
	OrgID string

	// HTTPClient sends the requests. It is never modified; redirects are not
	// followed whatever it says. The default has a pool of its own and waits
	// 60 seconds for the beginning of an answer.
	HTTPClient *http.Client

	// Wrap, if set, returns the transport that makes each attempt, around the one
	// that it is given: for tracing such as OpenTelemetry's, or a proxy. It is
	// called by New, once more by NewServiceAccount for the token address, and once
	// more when [Client.Events] is first ranged over.
	// It is inside of retries and pace, so it sees every attempt when that
	// is sent; what it returns for the service's answer is taken for it.
	//
	// It sees the API key, token or client secret in the header, and addresses of people in the URL's
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

	// Logger receives one debug record for each attempt: method, path
	// template, status, wait. It sees no query, no body and no credential.
	// The default discards.
	Logger *slog.Logger

	// ReadOnly makes every call that would write fail with [ErrReadOnly],
	// before anything is sent.
	ReadOnly bool

	// MaxWait is the longest time that a single Retry-After is waited for;
	// a longer one is returned in [Error.RetryAfter]. The default is two
	// minutes.
	MaxWait time.Duration

	// IdleTimeout is how long an answer that has begun may stand still. It is
	// counted from the beginning of the answer, and again from each KiB that
	// arrives, so that one that only drips ends too. Such an answer counts as
	// lost: a list ends with [ErrUnavailable], after the usual repetitions, a
	// write with [ErrOutcomeUnknown]. The default is one minute. How long the
	// beginning of an answer is waited for is up to HTTPClient.
	IdleTimeout time.Duration

	// MaxPages is how many pages a list may have before it ends with
	// [ErrTooManyPages], so that one that always has another page ends. A page
	// holds at most 100 objects. The default is 10,000.
	MaxPages int

	// Workers is how many pages of a bulk read are in flight at first, or a
	// twenty-fifth of a list if that is fewer, and MaxWorkers how many there may be when
	// JumpCloud shows no sign of strain. The defaults are 4 and 32. Beside them at most
	// MaxWorkers single requests are under way.
	Workers, MaxWorkers int
}

// Client calls the admin API of one JumpCloud organisation. It is safe for
// concurrent use; all its goroutines share one pace when JumpCloud throttles.
// Make it with [New] or [NewServiceAccount].
type Client struct {
	rest     *rest.Caller
	base     string
	region   Region
	orgID    string
	isView   bool // made by ForOrganization: there must be an orgID
	maxPages int
	maker    *errorMaker
	insights func() (*rest.Caller, error)
}

// defaultMaxPages is for a million users.
const defaultMaxPages = 10_000

// New returns a client that authenticates with an administrator's API key. It
// makes no request. A nil opts means the defaults; opts is not retained.
func New(apiKey string, opts *Options) (*Client, error) {
	if err := checkSecret("API key", apiKey); err != nil {
		return nil, err
	}
	return newClient(opts, func(*Options, *errorMaker) (credential, error) {
		return keyCredential{key: secret{apiKey}}, nil
	}, apiKey)
}

// NewServiceAccount returns a client that authenticates as a service account:
// it exchanges the client's ID and secret for a token, and renews the token 30
// seconds before it expires, once for all goroutines. It makes no request
// itself. A nil opts means the defaults; opts is not retained.
func NewServiceAccount(clientID, clientSecret string, opts *Options) (*Client, error) {
	if err := checkSecret("client ID", clientID); err != nil {
		return nil, err
	}
	if err := checkSecret("client secret", clientSecret); err != nil {
		return nil, err
	}
	return newClient(opts, func(o *Options, m *errorMaker) (credential, error) {
		return newTokens(clientID, clientSecret, o, m)
	}, clientSecret)
}

func newClient(opts *Options, cred func(*Options, *errorMaker) (credential, error), secrets ...string) (*Client, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	domain, err := o.Region.domain()
	if err != nil {
		return nil, err
	}
	custom := o.BaseURL != ""
	o.BaseURL = cmp.Or(o.BaseURL, "https://console."+domain)
	o.TokenURL = cmp.Or(o.TokenURL, "https://admin-oauth.id."+domain+"/oauth2/token")
	base, err := parseBase("base URL", o.BaseURL)
	if err != nil {
		return nil, err
	}
	events, err := insightsBase(&o, domain, base, custom)
	if err != nil {
		return nil, err
	}
	if o.OrgID != "" {
		if err := checkID("organisation", o.OrgID); err != nil {
			return nil, err
		}
	}
	if o.MaxWait < 0 || o.IdleTimeout < 0 || o.MaxPages < 0 || o.Workers < 0 || o.MaxWorkers < 0 {
		return nil, errors.New("jumpcloud: MaxWait, IdleTimeout, MaxPages, Workers and MaxWorkers must not be negative")
	}
	maker := &errorMaker{}
	for _, s := range secrets {
		maker.hide(s)
	}
	auth, err := cred(&o, maker)
	if err != nil {
		return nil, err
	}
	cfg := restConfig(&o, base, maker)
	cfg.Authorize, cfg.Renew = auth.authorize, auth.renew()
	if o.ReadOnly {
		cfg.ReadOnly = ErrReadOnly
	}
	caller, err := rest.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("jumpcloud: %w", err)
	}
	cfg.Base = events
	region := o.Region
	if region == "us" {
		region = US
	}
	return &Client{rest: caller, base: base.String(), region: region, orgID: o.OrgID, maxPages: cmp.Or(o.MaxPages,
		defaultMaxPages), maker: maker, insights: insights(cfg)}, nil
}

// restConfig is what the API's caller and the token endpoint's have in common.
func restConfig(o *Options, base *url.URL, maker *errorMaker) rest.Config {
	return rest.Config{
		Base:       base,
		HTTPClient: o.HTTPClient,
		Wrap:       o.Wrap,
		Logger:     o.Logger,
		UserAgent:  rest.UserAgent(o.UserAgent, "jcaad-jumpcloud"),
		Error:      maker.make,
		Throttled:  suspectedAbuse,
		RequestID:  requestID,
		MaxWait:    o.MaxWait,
		Idle:       o.IdleTimeout,
		Workers:    o.Workers,
		MaxWorkers: o.MaxWorkers,
	}
}

// String says where the client points to. It shows no credential.
func (c *Client) String() string {
	if c == nil || c.rest == nil {
		return "jumpcloud.Client(not made by New)"
	}
	return "jumpcloud.Client(" + c.base + ")"
}

// GoString is [Client.String].
func (c *Client) GoString() string { return c.String() }

// LogValue implements [slog.LogValuer].
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// credential authorises requests.
type credential interface {
	authorize(context.Context, http.Header) error
	renew() func() // nil if there is nothing to renew
}

// secret keeps a credential out of printed structures.
type secret struct{ s string }

func (secret) String() string   { return "redacted" }
func (secret) GoString() string { return "redacted" }

type keyCredential struct{ key secret }

func (k keyCredential) authorize(_ context.Context, h http.Header) error {
	h.Set("X-Api-Key", k.key.s)
	return nil
}

func (keyCredential) renew() func() { return nil }

// do sends a request in the name of the organisation.
func (c *Client) do(ctx context.Context, r *rest.Request, out any) (*rest.Response, error) {
	return c.via(ctx, c.console, r, out)
}

// host is one of JumpCloud's, with a caller of its own.
type host func() (*rest.Caller, error)

func (c *Client) console() (*rest.Caller, error) { return c.rest, nil }

// via sends it to a host.
func (c *Client) via(ctx context.Context, host host, r *rest.Request, out any) (*rest.Response, error) {
	if c == nil || c.rest == nil {
		return nil, errors.New("jumpcloud: the client was not made by New or NewServiceAccount")
	}
	if c.isView {
		if err := checkID("organisation", c.orgID); err != nil {
			return nil, op(r.Method, r.Path, err)
		}
	}
	if c.orgID != "" && !ownOrganization(r.Path) {
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("X-Org-Id", c.orgID)
	}
	if len(r.Args) > 0 {
		for _, id := range r.Args {
			if err := checkID("object", id); err != nil {
				return nil, op(r.Method, r.Path, err)
			}
		}
	}
	caller, err := host()
	if err != nil {
		return nil, err
	}
	return caller.Do(ctx, r, out)
}

// decoder reads an answer by itself, in one pass, and keeps nothing of it: the next
// answer is read into the same memory.
type decoder interface {
	decode([]byte) error
}

// read sends a reading request whose answer out decodes. An answer that was cut
// is asked for again.
func (c *Client) read(ctx context.Context, r *rest.Request, out decoder) (*rest.Response, error) {
	return c.readVia(ctx, c.console, r, out)
}

func (c *Client) readVia(ctx context.Context, host host, r *rest.Request, out decoder) (*rest.Response, error) {
	for try := 1; ; try++ {
		var body rest.Body
		resp, err := c.via(ctx, host, r, &body)
		if err != nil {
			return nil, err
		}
		if err = out.decode(bytes.TrimPrefix(body.Bytes, []byte("\xef\xbb\xbf"))); err == nil {
			resp.Body = nil // out has kept nothing of it
			body.Release()
			return resp, nil
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || try == maxReads {
			return nil, c.unusable(r, resp, try, fmt.Errorf("the answer cannot be read: it is %s: %w", rest.What(body.Bytes), err))
		}
	}
}

// delete deletes what may not be there.
func (c *Client) delete(ctx context.Context, path, scope string, args ...string) error {
	_, err := c.do(ctx, &rest.Request{Method: http.MethodDelete, Path: path, Args: args, Class: rest.Idempotent, Permission: scope}, nil)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// unusable is the error for a 2xx answer that is not what was promised.
func (c *Client) unusable(r *rest.Request, resp *rest.Response, attempts int, err error) error {
	return c.maker.make(&rest.Failure{
		Method: r.Method, Path: r.Path, Permission: r.Permission,
		Status: resp.Status, Header: resp.Header, Body: resp.Body, RequestID: resp.RequestID, Attempts: attempts,
		OutcomeUnknown: r.Class != rest.Read, // a write has been made, and nobody has seen it
		Err:            err,
	})
}

// whole is err, or an error if a 2xx answer did not hold what it should: a list,
// or an object with an ID.
func (c *Client) whole(r *rest.Request, resp *rest.Response, read bool, err error) error {
	if err != nil || read {
		return err
	}
	return c.unusable(r, resp, resp.Attempts, fmt.Errorf("%w: it is %s", errNotWhole, rest.What(resp.Body)))
}

var errNotWhole = errors.New("the answer does not hold what it should")

// maxReads is how often an answer is asked for that comes cut.
const maxReads = 5

func parseBase(what, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("jumpcloud: the %s cannot be read as an address: write scheme and host, like https://console.jumpcloud.com", what)
	case u.Scheme == "" || u.Host == "":
		return nil, fmt.Errorf("jumpcloud: the %s has no scheme or no host: write it like https://console.jumpcloud.com", what)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("jumpcloud: the %s must have no user, query or fragment", what)
	}
	return u, nil
}

// checkSecret refuses what cannot be a credential, without repeating it.
func checkSecret(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("jumpcloud: empty %s", what)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("jumpcloud: the %s begins or ends with white space", what)
	case strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fmt.Errorf("jumpcloud: the %s contains control characters", what)
	}
	return nil
}

// checkID refuses what cannot be an ID of JumpCloud and would change the path:
// proxies decode an escaped slash.
func checkID(what, id string) error {
	switch {
	case id == "":
		return invalidf("empty %s ID", what)
	case id == "." || id == "..":
		return invalidf("%s ID %q", what, id)
	case strings.ContainsFunc(id, func(r rune) bool {
		return r <= 0x20 || r >= 0x7f || strings.ContainsRune(`/\?#%&;"'<>|`, r)
	}):
		return invalidf("%s ID %q has a character that no ID has", what, id)
	}
	return nil
}
