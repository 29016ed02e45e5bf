package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/jcaad/jcaad/internal/pace"
	"github.com/jcaad/jcaad/internal/wait"
)

// The loop of attempts is go-retryablehttp's; everything in it is ours, and finds
// the call in the request's context. One Do, from left to right and downwards:
//
//	Do, Follow
//	   do           a read-only client refuses; the body is encoded once
//	      send      the headers that all attempts share
//	         admit            waits for a place, the gate and the pace; sets the credential
//	         retryablehttp.Do
//	         ┌─> RoundTrip    one attempt: sends it, reads the whole answer; Config.Wrap is below: see there
//	         │      finish    keeps the answer in the call, and logs it
//	         │   checkRetry
//	         │      again     learn: tells the gate what came, gives back the place;
//	         │                then: another attempt? after which pause?
//	         │       no ─────────────────────────────────────┐
//	         │      yes                                      │
//	         │   backoff      0: it has no context to wait in│
//	         │   prepareRetry waits for the pause            │
//	         │      admit     as above                       │
//	         └───────┘                                       │
//	      decode    a body cut short counts as a failed  <───┘
//	                attempt: again, and then send anew
//	   failure      what the client makes its *Error of
//
// Giving up is always (false, nil): an error, or a RetryMax that is reached, would
// lose the answer. So the answer is in call.last, and why there is no further
// attempt, if the answer does not say it, in call.stop.

// newRetrier returns the loop around hc.
func newRetrier(hc *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   hc,
		RetryMax:     1 << 30, // the budget is in call.again: see there
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		PrepareRetry: prepareRetry,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
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
		l, err := cl.c.pace.Enter(ctx, cl.bulk, pace.Patience{Single: cl.c.cfg.MaxWait, Total: cl.c.cfg.MaxElapsed - cl.waited})
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
		if cl.c.pace.Closed() == 0 { // it may have closed while a token was fetched
			break
		}
		cl.release()
	}
	if ctx.Err() != nil { // nothing is sent that nobody waits for
		cl.release()
		return wait.Ended(ctx)
	}
	cl.slept = cl.pause + time.Since(began)
	return nil
}

func (cl *call) release() {
	cl.c.pace.Leave(cl.lease)
	cl.lease = pace.Lease{}
}

// RoundTrip implements [http.RoundTripper]: it is one attempt.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	cl := callOf(req.Context())
	if cl == nil {
		return t.next.RoundTrip(req)
	}
	var w wire
	var p *passage
	ctx := req.Context()
	if t.wrapped {
		p = &passage{create: cl.r.Class == Create}
		ctx = withPassage(ctx, p)
	} else {
		ctx = httptrace.WithClientTrace(ctx, w.trace())
	}
	a := attempt{sent: time.Now()}
	resp, err := whole(t.next.RoundTrip(req.WithContext(ctx)))
	if p != nil {
		a.unsent, a.took = p.end(err)
		if err != nil {
			err = withoutSecrets(req, bare(err))
		}
	}
	if err == nil {
		a.status, a.header = resp.StatusCode, resp.Header
		w.watch.start(resp, t.idle)
		a.body, a.broken = readBody(resp, cl.buf)
		if w.watch.stop() { // whatever came then: a server that is hung up on may end its answer as if it were whole
			a.broken = stalled(t.idle)
		}
		w.watch.Close()
		resp.Body = http.NoBody
		if a.broken != nil && a.ok() {
			if p != nil {
				a.broken = withoutSecrets(req, a.broken)
			}
			resp, err = nil, a.broken
		}
	}
	a.err = bare(err)
	if p == nil {
		a.unsent = a.status == 0 && w.unsent(a.err)
	}
	a.done = time.Now()
	cl.finish(req.Context(), a)
	return resp, err
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
	err := wait.For(ctx, cl.pause)
	if err == nil {
		err = cl.admit(ctx, req)
	}
	cl.stop = err
	return err
}
