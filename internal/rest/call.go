package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	maxRepeats       = 4 // after 5xx, connection errors and broken bodies
	maxDialRepeats   = 2 // where there was no connection
	maxCreateRepeats = 2 // of a create, after 503 with Retry-After
	minBackoff       = 500 * time.Millisecond
	maxBackoff       = 15 * time.Second
)

// attempt is one request and what came of it.
type attempt struct {
	status     int // 0: no answer
	header     http.Header
	body       []byte
	broken     error // the body could not be read
	err        error // no answer, or a 2xx with a broken body
	unsent     bool  // certainly nothing was written
	sent, done time.Time
}

func (a *attempt) ok() bool { return a.status/100 == 2 }

// call is the state of one Do. It belongs to one goroutine.
type call struct {
	c     *Caller
	r     *Request
	bulk  bool
	last  attempt
	n     int  // attempts
	spent int  // repeats after failures
	fresh bool // the last attempt was not looked at yet

	renewed   bool
	throttled bool          // the last answer was
	asked     time.Duration // by the service, in its last answer
	waited    time.Duration // because of throttling, in all
	pause     time.Duration // before the next attempt, by the gate's leave
	unknown   bool          // some attempt may have taken effect
	stop      error         // why no more attempts are made, beside the answer
	lease     lease
	slept     time.Duration // before the present attempt
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	cl, _ := ctx.Value(callKey{}).(*call)
	return cl
}

// Do sends r, repeats it as its class allows, and decodes a 2xx body into out:
// nil ignores it, *[]byte takes it raw, everything else is JSON. An empty body
// leaves out alone. The Response is nil if the error is not.
func (c *Caller) Do(ctx context.Context, r *Request, out any) (*Response, error) {
	path, err := expand(r.Path, r.Args)
	if err != nil {
		return nil, c.refuse(r, err)
	}
	return c.do(ctx, r, c.address(path, r.Query), out)
}

// Follow gets a link that the service sent, such as a nextLink. r gives
// everything but the address. A link that leaves the scheme and host of the
// base is an error that names the foreign host, and nothing is sent.
func (c *Caller) Follow(ctx context.Context, link string, r *Request, out any) (*Response, error) {
	g := Request{Method: http.MethodGet}
	if r != nil {
		g = *r
		g.Method, g.Body, g.Class = http.MethodGet, nil, Read
	}
	addr, err := c.resolve(link)
	if err != nil {
		return nil, c.refuse(&g, err)
	}
	return c.do(ctx, &g, addr, out)
}

// refuse is the failure of a request of which nothing was sent.
func (c *Caller) refuse(r *Request, err error) error {
	return c.cfg.Error(&Failure{Method: r.Method, Path: r.Path, Permission: r.Permission, Err: err})
}

func (c *Caller) do(ctx context.Context, r *Request, addr string, out any) (*Response, error) {
	if c.cfg.ReadOnly != nil && r.Class != Read {
		return nil, c.refuse(r, c.cfg.ReadOnly)
	}
	body, ctype, err := encode(r.Body)
	if err != nil {
		return nil, c.refuse(r, err)
	}
	cl := &call{c: c, r: r, bulk: r.Bulk || isBulk(ctx)}
	defer cl.release()
	for {
		if err := cl.send(context.WithValue(ctx, callKey{}, cl), addr, body, ctype); err != nil {
			return nil, err
		}
		err := decode(cl.last.body, out)
		if err == nil {
			break
		}
		// A body cut at a chunk's end is no transport error.
		cl.last.err = err
		if !errors.Is(err, io.ErrUnexpectedEOF) || !cl.again(ctx) {
			cl.unknown = r.Class != Read
			return nil, cl.failure(ctx)
		}
		if err := sleep(ctx, cl.pause); err != nil {
			cl.stop = err
			return nil, cl.failure(ctx)
		}
	}
	return &Response{
		Status: cl.last.status, Header: cl.last.header, Body: cl.last.body,
		RequestID: cl.requestID(), Attempts: cl.n,
	}, nil
}

// send makes attempts until one succeeds or none is left.
func (cl *call) send(ctx context.Context, addr string, body []byte, ctype string) error {
	var raw any
	if body != nil {
		raw = body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, cl.r.Method, addr, raw)
	if err != nil {
		cl.stop = bare(err)
		return cl.failure(ctx)
	}
	req.Header.Set("Accept", "application/json")
	if ctype != "" {
		req.Header.Set("Content-Type", ctype)
	}
	if cl.c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", cl.c.cfg.UserAgent)
	}
	for k, v := range cl.r.Header {
		req.Header[http.CanonicalHeaderKey(k)] = append([]string(nil), v...)
	}
	if err := cl.admit(ctx, req.Request); err != nil {
		cl.stop = err
		return cl.failure(ctx)
	}
	resp, err := cl.c.retry.Do(req)
	if resp != nil {
		resp.Body.Close()
	}
	if err != nil || !cl.last.ok() {
		return cl.failure(ctx)
	}
	return nil
}

// admit waits for a place, for the gate and for the pace, and sets the
// credential.
func (cl *call) admit(ctx context.Context, req *http.Request) error {
	began := time.Now()
	for {
		entered := time.Now()
		l, err := cl.c.pace.enter(ctx, cl.bulk, patience{cl.c.cfg.MaxWait, cl.c.cfg.MaxElapsed - cl.waited})
		cl.waited += time.Since(entered)
		if err != nil {
			return err
		}
		cl.lease = l
		if cl.c.cfg.Authorize != nil {
			if err := cl.c.cfg.Authorize(ctx, req.Header); err != nil {
				cl.release()
				return fmt.Errorf("no credential: %w", err)
			}
		}
		if cl.c.pace.closedFor() == 0 { // it may have closed while a token was fetched
			break
		}
		cl.release()
	}
	cl.slept = cl.pause + time.Since(began)
	return nil
}

func (cl *call) release() {
	cl.c.pace.leave(cl.lease)
	cl.lease = lease{}
}

// finish takes the result of an attempt.
func (cl *call) finish(ctx context.Context, a attempt) {
	cl.n++
	cl.last, cl.fresh = a, true
	if !cl.c.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", cl.r.Method),
		slog.String("path", cl.r.Path),
		slog.Int("status", a.status),
		slog.Int("attempt", cl.n),
		slog.Duration("elapsed", a.done.Sub(a.sent)),
		slog.Duration("wait", cl.slept),
	}
	if id := cl.requestID(); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	if a.err != nil {
		attrs = append(attrs, slog.String("error", a.err.Error()))
	}
	cl.c.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
}

func (cl *call) requestID() string {
	if cl.c.cfg.RequestID == nil || cl.last.header == nil {
		return ""
	}
	return cl.c.cfg.RequestID(cl.last.header)
}

// checkRetry, backoff and prepareRetry are what go-retryablehttp asks. They
// find the call in the context. Giving up is always (false, nil): an error, or
// a RetryMax that is reached, would lose the answer.
func checkRetry(ctx context.Context, _ *http.Response, err error) (bool, error) {
	cl := callOf(ctx)
	if !cl.fresh { // net/http refused the request before it was sent
		cl.stop = bare(err)
		return false, nil
	}
	return cl.again(ctx), nil
}

func backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	return 0 // prepareRetry waits: it alone has the context
}

func prepareRetry(req *http.Request) error {
	ctx := req.Context()
	cl := callOf(ctx)
	req.Header = req.Header.Clone() // the last attempt may still be writing its own
	err := sleep(ctx, cl.pause)
	if err == nil {
		err = cl.admit(ctx, req)
	}
	cl.stop = err
	return err
}

// again decides whether another attempt is made, and after which pause.
func (cl *call) again(ctx context.Context) bool {
	a, class := &cl.last, cl.r.Class
	cl.asked, _ = RetryAfter(a.header)
	cl.pause, cl.throttled = 0, cl.isThrottled()
	if cl.fresh {
		cl.fresh = false
		cl.c.pace.observe(cl.lease, a, cl.throttled, cl.asked)
		if a.status == http.StatusServiceUnavailable && class != Create {
			// Not so for a create: JumpCloud answers 503 to one kind of bad one.
			cl.c.pace.closeFor(cl.asked)
		}
		cl.release()
	}
	if class != Read && !a.unsent && (a.err != nil || a.status >= 500 && a.status != http.StatusNotImplemented) {
		cl.unknown = true
	}
	if ctx.Err() != nil {
		cl.stop = ended(ctx)
		return false
	}
	_, told := RetryAfter(a.header)
	switch {
	case a.err != nil && permanent(a.err):
		return false
	case a.err != nil:
		limit := maxRepeats
		if isDialError(a.err) {
			limit = maxDialRepeats // nobody likes to wait for "connection refused"
		}
		return (class != Create || a.unsent) && cl.repeat(ctx, limit, 0)
	case cl.throttled:
		return cl.waitOut(ctx)
	case a.status == http.StatusUnauthorized && cl.c.cfg.Renew != nil && !cl.renewed:
		cl.renewed = true
		cl.c.cfg.Renew()
		return true
	case a.status == http.StatusServiceUnavailable && class == Create:
		return told && cl.repeat(ctx, maxCreateRepeats, cl.asked)
	case a.status >= 500 && a.status != http.StatusNotImplemented, a.status == http.StatusRequestTimeout:
		return class != Create && cl.repeat(ctx, maxRepeats, cl.asked)
	}
	return false
}

func (cl *call) isThrottled() bool {
	a := &cl.last
	switch {
	case a.status == 0 || a.ok():
		return false
	case a.status == http.StatusTooManyRequests:
		return true
	case a.status == http.StatusForbidden && cl.asked > 0:
		return true
	}
	return cl.c.cfg.Throttled != nil && cl.c.cfg.Throttled(a.status, a.header, a.body)
}

// waitOut reports whether the call waits for the gate, which is closed now.
func (cl *call) waitOut(ctx context.Context) bool {
	wait := cl.c.pace.closedFor()
	switch {
	case cl.asked > cl.c.cfg.MaxWait:
		return false
	case !cl.bulk && cl.waited+wait > cl.c.cfg.MaxElapsed:
		return false
	case !meets(ctx, wait):
		cl.stop = &deadlineError{wait: wait}
		return false
	}
	return true
}

// repeat spends one of the repeats that a call has after failures.
func (cl *call) repeat(ctx context.Context, limit int, asked time.Duration) bool {
	if cl.spent >= limit || asked > cl.c.cfg.MaxWait {
		return false
	}
	d := min(minBackoff<<cl.spent, maxBackoff)
	cl.pause = max(d/2+rand.N(d/2), asked)
	if !meets(ctx, cl.pause) {
		cl.stop = &deadlineError{wait: cl.pause}
		return false
	}
	cl.spent++
	return true
}

// failure describes the end of the call to the client.
func (cl *call) failure(ctx context.Context) error {
	a := &cl.last
	f := &Failure{
		Method: cl.r.Method, Path: cl.r.Path, Permission: cl.r.Permission,
		Status: a.status, Header: a.header, Body: a.body[:min(len(a.body), maxErrorBody)],
		RequestID: cl.requestID(), Attempts: cl.n,
		RetryAfter: cl.asked, Throttled: cl.throttled, OutcomeUnknown: cl.unknown,
		Err: a.err,
	}
	if cl.stop != nil {
		f.Err = cl.stop
	}
	var shut *shutError
	if errors.As(f.Err, &shut) {
		f.Throttled, f.RetryAfter = true, shut.wait
	}
	var late *deadlineError
	if errors.As(f.Err, &late) && late.gate {
		f.Throttled, f.RetryAfter = true, late.wait
	}
	return cl.c.cfg.Error(f)
}

// permanent reports whether err will be the same next time.
func permanent(err error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		host     x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		notFound *net.DNSError
	)
	switch {
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrNotJSON) && !errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return true
	case errors.As(err, &notFound):
		return notFound.IsNotFound
	}
	return false
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// meets reports whether ctx lives longer than d.
func meets(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > d
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

// encode marshals a request's body.
func encode(v any) (body []byte, contentType string, err error) {
	const jsonType = "application/json"
	switch v := v.(type) {
	case nil:
		return nil, "", nil
	case json.RawMessage:
		return v, jsonType, nil
	case []byte:
		return v, jsonType, nil
	case url.Values:
		return []byte(v.Encode()), "application/x-www-form-urlencoded", nil
	}
	body, err = json.Marshal(v)
	if err != nil {
		return nil, "", fmt.Errorf("encoding the request: %w", err)
	}
	return body, jsonType, nil
}

// decode unmarshals a 2xx body.
func decode(body []byte, out any) error {
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = body
		return nil
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	err := json.Unmarshal(body, out)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input" {
		return fmt.Errorf("%w: %w", ErrNotJSON, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("%w: %w", ErrNotJSON, err)
}
