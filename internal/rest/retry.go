package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

const (
	maxRepeats       = 4 // after 5xx, connection errors and broken bodies
	maxDialRepeats   = 2 // where there was no connection
	maxCreateRepeats = 2 // of a create, after 503 with Retry-After
	minBackoff       = 500 * time.Millisecond
	maxBackoff       = 15 * time.Second
)

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
