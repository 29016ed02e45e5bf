package rest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	maxBody      = 64 << 20 // of a 2xx
	maxErrorBody = 64 << 10
)

// newHTTPClient returns a client that follows no redirects and whose transport
// reports to the call in the request's context. hc is not modified.
func newHTTPClient(hc *http.Client, width int) *http.Client {
	var own http.Client
	if hc != nil {
		own = *hc
	}
	next := own.Transport
	if next == nil {
		next = newTransport(width)
	}
	own.Transport = &transport{next}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// newTransport is http.DefaultTransport with a pool as wide as the Caller may
// become, and a limit on the silence of a server.
func newTransport(width int) http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody replaced it: that is what they want
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = width
	t.MaxIdleConns = max(t.MaxIdleConns, width)
	// Without this limit, net/http dials for a request that then takes a
	// connection that has become free, and there is one too many.
	t.MaxConnsPerHost = width
	t.ResponseHeaderTimeout = time.Minute
	return t
}

// transport makes one attempt: it reads the whole body, so that a body that
// breaks off is an error of the attempt, and tells the call what happened.
//
// It has no CloseIdleConnections on purpose: go-retryablehttp calls that on
// every failure, which would cost each concurrent request its connection.
type transport struct{ next http.RoundTripper }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	cl := callOf(req.Context())
	if cl == nil {
		return t.next.RoundTrip(req)
	}
	var w wire
	a := attempt{sent: time.Now()}
	resp, err := t.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), w.trace())))
	if err == nil {
		a.status, a.header = resp.StatusCode, resp.Header
		a.body, a.broken = readBody(resp)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(nil))
		if a.broken != nil && a.ok() {
			resp, err = nil, a.broken
		}
	}
	a.err = bare(err)
	a.unsent = a.status == 0 && w.unsent(a.err)
	a.done = time.Now()
	cl.finish(req.Context(), a)
	return resp, err
}

// readBody reads a body to its end, so that the connection is used again. A
// success must fit into the limit; of an error, the beginning is enough.
func readBody(resp *http.Response) ([]byte, error) {
	if resp.StatusCode/100 != 2 {
		b, _, err := readLimited(resp.Body, resp.ContentLength, maxErrorBody)
		return b, err
	}
	if resp.ContentLength > maxBody {
		return nil, tooLarge()
	}
	b, more, err := readLimited(resp.Body, resp.ContentLength, maxBody)
	if more {
		return nil, tooLarge()
	}
	return b, err
}

func tooLarge() error { return fmt.Errorf("%w: over %d MiB", ErrTooLarge, maxBody>>20) }

// readLimited reads up to limit bytes and reports whether there are more.
func readLimited(body io.Reader, length, limit int64) (b []byte, more bool, err error) {
	var buf bytes.Buffer
	if length > 0 && length <= limit {
		buf.Grow(int(length) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(body, limit))
	if err != nil || n < limit {
		return buf.Bytes(), false, err
	}
	rest, _ := io.CopyN(io.Discard, body, 4<<10) // perhaps the connection can be saved
	return buf.Bytes(), rest > 0, nil
}

// wire is what httptrace saw of an attempt.
type wire struct{ asked, wrote atomic.Bool }

func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { w.asked.Store(true) },
		WroteHeaders: func() { w.wrote.Store(true) },
	}
}

// unsent reports whether it is certain that nothing was written. A transport
// that does not report to httptrace leaves it uncertain, unless the dial failed.
func (w *wire) unsent(err error) bool {
	if w.wrote.Load() {
		return false
	}
	return w.asked.Load() || isDialError(err)
}
