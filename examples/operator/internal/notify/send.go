package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/internal/text"
)

const (
	// Limit is how long an attempt may take.
	Limit = 10 * time.Second
	// MostRetryAfter is the longest that a receiver is believed about when to try again.
	MostRetryAfter = time.Hour

	defaultAgent = "jcaad-operator"
	mostID       = 256 // bytes of a notice's ID
)

// Options are what [New] needs.
type Options struct {
	// URL takes the notices: https, or http to this machine (localhost, 127.0.0.0/8 or
	// ::1). Its path, query and user are taken for secrets, and never shown.
	URL string
	Key Key
	// Client carries the requests; nil is a client of its own. It is not changed. Its
	// policy of redirects, its cookies and its time limit do not hold here.
	Client *http.Client
	// Now is the real time: a receiver compares it with its clock. nil is [time.Now].
	Now func() time.Time
	// UserAgent is "" for "jcaad-operator".
	UserAgent string
	// Metrics counts what is sent, if it is not nil.
	Metrics *Metrics
}

// Sender sends notices. It is safe for concurrent use.
type Sender struct {
	url     *url.URL
	key     Key
	client  *http.Client
	now     func() time.Time
	agent   string
	metrics *Metrics
	hide    *strings.Replacer
}

// New returns a Sender. The error does not show the URL.
func New(o Options) (*Sender, error) {
	u, err := url.Parse(o.URL)
	switch {
	case o.URL == "":
		return nil, errors.New("notify: there is no URL")
	case err != nil:
		return nil, errors.New("notify: the URL cannot be read") // the error would show it
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("notify: the URL is not of the form https://host/path")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("notify: the URL is http to another machine, where others can read along: use https")
	case u.Fragment != "":
		return nil, errors.New("notify: the URL has a fragment (#), which no server receives")
	case len(o.Key.b) == 0:
		return nil, errors.New("notify: there is no key: set " + KeyVariable + " to what openssl rand -hex 32 prints")
	}
	s := &Sender{url: u, key: o.Key, now: o.Now, agent: o.UserAgent, metrics: o.Metrics, hide: hider(u, o.Key)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.agent == "" {
		s.agent = defaultAgent
	}
	s.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if o.Client != nil {
		s.client.Transport = o.Client.Transport
	}
	return s, nil
}

// String returns scheme and host of the address, and nothing else of it.
func (s *Sender) String() string { return s.url.Scheme + "://" + s.url.Host }

// Send makes one attempt of at most [Limit]; net/http may repeat it on another connection
// if an idle one was closed meanwhile. nil means that the receiver has the notice.
// The error is a *[Permanent] if another attempt would be of no use, else a *[Temporary];
// neither shows more of the URL than its host, nor what the receiver wrote. A word of the
// text that is an address is replaced, and a text that is too long is cut. A nil
// Sender sends nothing, and returns nil.
func (s *Sender) Send(ctx context.Context, n flow.Notice) (err error) {
	if s == nil {
		return nil
	}
	defer func() { s.metrics.notice(n.Kind, err) }()
	body, err := encode(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return &Permanent{text: "the request cannot be made"}
	}
	s.key.sign(req.Header, n.ID, body, s.now())
	req.Header.Set("User-Agent", s.agent)
	resp, err := s.client.Do(req)
	if err != nil {
		return s.unanswered(ctx, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, MaxBody) // so that the connection can be used again
	return s.answered(resp)
}

func (s *Sender) answered(resp *http.Response) error {
	code := resp.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 400 && code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooManyRequests:
		return &Permanent{Status: code, text: fmt.Sprintf("%s refuses the notice: %s", s, status(code))}
	}
	e := &Temporary{Status: code, RetryAfter: s.retryAfter(resp.Header.Get("Retry-After"))}
	e.text = fmt.Sprintf("%s does not take the notice now: %s", s, status(code))
	if code >= 300 && code < 400 {
		e.text += "; redirects are not followed: give the address that it leads to"
	}
	return e
}

func (s *Sender) unanswered(ctx context.Context, err error) error {
	e := &Temporary{}
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		e.text, e.cause = fmt.Sprintf("%s has not answered within %v", s, Limit), context.DeadlineExceeded
	case cause != nil:
		e.text, e.cause = fmt.Sprintf("the request to %s was ended", s), context.Canceled
	default:
		var u *url.Error // shows the whole URL
		for errors.As(err, &u) {
			err = u.Err
		}
		e.text = fmt.Sprintf("%s cannot be reached: %s", s, cut(s.hide.Replace(err.Error()), 512))
	}
	return e
}

func (s *Sender) retryAfter(value string) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(value, 10, 64); err == nil {
		d = time.Duration(min(n, uint64(MostRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(s.now())
	}
	return min(max(d, 0), MostRetryAfter)
}

// Permanent means that the notice will never be taken: it is not to be sent again.
type Permanent struct {
	Status int // of the answer; 0 if nothing was sent
	text   string
}

func (e *Permanent) Error() string { return "notify: " + e.text }

// Temporary means that the same notice may be taken later.
type Temporary struct {
	Status int // of the answer; 0 if there was none: the notice may have arrived
	// RetryAfter is how long the receiver asks to be left alone, in real time; 0 if it
	// does not say.
	RetryAfter time.Duration
	text       string
	cause      error
}

func (e *Temporary) Error() string { return "notify: " + e.text }

// Unwrap returns [context.Canceled] or [context.DeadlineExceeded] if the attempt was ended
// by that, else nil.
func (e *Temporary) Unwrap() error { return e.cause }

// encode returns the body: its text is cut until it fits.
func encode(n flow.Notice) ([]byte, error) {
	if n.ID == "" || len(n.ID) > mostID || strings.ContainsFunc(n.ID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &Permanent{text: fmt.Sprintf("the notice's ID is not of 1 to %d printable ASCII characters", mostID)}
	}
	n.Text = text.NoAddresses(strings.ToValidUTF8(n.Text, "\ufffd"))
	for most := MaxBody; ; most /= 2 {
		n.Text = cut(n.Text, most)
		body, err := json.Marshal(n)
		switch {
		case err != nil:
			return nil, &Permanent{text: "the notice cannot be written as JSON"}
		case len(body) <= MaxBody:
			return body, nil
		case n.Text == "" || most == 0:
			return nil, &Permanent{text: fmt.Sprintf("the notice has more than %d bytes without its text", MaxBody)}
		}
	}
}

// cut returns at most n bytes of valid text, with a sign that there was more.
func cut(s string, n int) string {
	const more = "…"
	if len(s) <= n {
		return s
	}
	if n <= len(more) {
		return ""
	}
	n -= len(more)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// hider replaces what of the URL and the key could stand in somebody else's error.
func hider(u *url.URL, key Key) *strings.Replacer {
	var pairs []string
	hide := func(secrets ...string) {
		for _, s := range secrets {
			if len(s) > 1 { // not the path "/"
				pairs = append(pairs, s, "(not shown)")
			}
		}
	}
	hide(u.String(), string(key.b), u.RequestURI(), u.RawQuery, u.EscapedPath(), u.Path)
	for _, values := range u.Query() {
		hide(values...)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		hide(u.User.String(), u.User.Username(), password)
	}
	for segment := range strings.SplitSeq(strings.Trim(u.Path, "/"), "/") {
		if len(segment) >= 8 {
			hide(segment)
		}
	}
	return strings.NewReplacer(pairs...)
}
