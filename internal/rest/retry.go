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
	"strconv"
	"time"

	"github.com/jcaad/jcaad/internal/pace"
	"github.com/jcaad/jcaad/internal/wait"
)

const (
	maxRepeats       = 4 // after 5xx, connection errors and broken bodies
	maxDialRepeats   = 2 // where there was no connection
	maxCreateRepeats = 2 // of a create, after 503 with Retry-After
	minBackoff       = 500 * time.Millisecond
	maxBackoff       = 15 * time.Second
)

// again learns from the last attempt, and decides whether another one is made,
// and after which pause.
func (cl *call) again(ctx context.Context) bool {
	a, class := &cl.last, cl.r.Class
	cl.learn()
	if ctx.Err() != nil {
		cl.stop = wait.Ended(ctx)
		return false
	}
	switch {
	case a.err != nil && permanent(a.err), class == Create && a.took:
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
		return cl.told && cl.repeat(ctx, maxCreateRepeats, cl.asked)
	case a.status >= 500 && a.status != http.StatusNotImplemented, a.status == http.StatusRequestTimeout:
		return class != Create && cl.repeat(ctx, maxRepeats, cl.asked)
	}
	return false
}

// learn tells the gate what came of the last attempt, once, and gives back its
// place.
func (cl *call) learn() {
	a := &cl.last
	cl.asked, cl.told = RetryAfter(a.header)
	cl.pause, cl.throttled = 0, cl.isThrottled()
	if cl.fresh {
		cl.fresh = false
		var used float64
		if v := a.header.Get(throttleHeader); v != "" {
			used, _ = strconv.ParseFloat(v, 64)
		}
		cl.c.pace.Observe(cl.lease, pace.Answer{
			Status: a.status, Done: a.done, Refused: cl.throttled, Asked: cl.asked, Grain: grain(a.header), Used: used,
		})
		if a.status == http.StatusServiceUnavailable && cl.r.Class != Create {
			// Not so for a create: JumpCloud answers 503 to one kind of bad one.
			cl.c.pace.Close(cl.asked)
		}
		cl.release()
	}
	if cl.r.Class != Read && !a.unsent && (a.took && !a.ok() || a.err != nil || a.status >= 500 && a.status != http.StatusNotImplemented) {
		cl.unknown = true
	}
}

// throttleHeader is Graph's warning: the share of the limit that is used, sent
// from 0.8 on.
var throttleHeader = http.CanonicalHeaderKey("x-ms-throttle-limit-percentage")

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
	closed := cl.c.pace.Closed()
	switch {
	case cl.asked > cl.c.cfg.MaxWait:
		return false
	case !cl.bulk && cl.waited+closed > cl.c.cfg.MaxElapsed:
		return false
	case !wait.Fits(ctx, closed):
		cl.stop = &wait.DeadlineError{Wait: closed}
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
	if !wait.Fits(ctx, cl.pause) {
		cl.stop = &wait.DeadlineError{Wait: cl.pause}
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
	case errors.Is(err, errMisuse), errors.Is(err, ErrTooLarge), errors.Is(err, ErrNotJSON) && !errors.Is(err, io.ErrUnexpectedEOF):
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
