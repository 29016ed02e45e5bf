package rest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	maxBody      = 64 << 20 // of a 2xx
	maxErrorBody = 64 << 10
	drain        = 4 << 10 // of what is too long, to save the connection
)

// newHTTPClient returns a client that follows no redirects and whose transport
// reports to the call in the request's context. cfg.HTTPClient is not modified.
func newHTTPClient(cfg *Config, base *url.URL) (*http.Client, error) {
	var own http.Client
	if cfg.HTTPClient != nil {
		own = *cfg.HTTPClient
	}
	next := own.Transport
	if next == nil {
		next = newTransport(cfg.MaxWorkers)
	}
	if cfg.Wrap != nil {
		var err error
		if next, err = wrap(cfg.Wrap, &inner{next, base, cfg.Idle}); err != nil {
			return nil, err
		}
	}
	own.Transport = &transport{next, cfg.Idle, cfg.Wrap != nil}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own, nil
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
type transport struct {
	next    http.RoundTripper
	idle    time.Duration
	wrapped bool // next is what Wrap made
}

// minProgress is what an answer has to bring within the idle limit.
const minProgress = 1 << 10

// watch ends the reading of a body that stands still.
type watch struct {
	body  io.ReadCloser
	idle  time.Duration
	since int // bytes that came since the timer was set
	timer *time.Timer
	fired atomic.Bool
}

// start puts w in front of resp.Body, whose reading it ends by closing it: that
// wakes the readers of net/http, of HTTP/1 and HTTP/2 alike, and costs less than
// a context of its own for each page of a long list.
func (w *watch) start(resp *http.Response, idle time.Duration) {
	w.body, w.idle = resp.Body, idle
	w.timer = time.AfterFunc(idle, w.expire)
	resp.Body = w
}

func (w *watch) expire() {
	w.fired.Store(true)
	w.body.Close()
}

// Read implements [io.Reader].
func (w *watch) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if w.since += n; w.since >= minProgress && !w.fired.Load() {
		w.since = 0
		w.timer.Reset(w.idle)
	}
	return n, err
}

// Close implements [io.Closer].
func (w *watch) Close() error { return w.body.Close() }

// stop ends the watch and reports whether it has ended the reading.
func (w *watch) stop() bool {
	w.timer.Stop()
	return w.fired.Load()
}

func stalled(idle time.Duration) error {
	return fmt.Errorf("%w: it brought neither its end nor another %d bytes within %v", ErrStalled, minProgress, idle)
}

// readBody reads a body to its end, so that the connection is used again. A
// success must fit into the limit; of an error, the beginning is enough. It is read
// into buf, if that is not nil.
func readBody(resp *http.Response, buf *bytes.Buffer) ([]byte, error) {
	if buf == nil {
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	if resp.StatusCode/100 != 2 {
		_, err := readLimited(buf, resp.Body, resp.ContentLength, maxErrorBody)
		return buf.Bytes(), err
	}
	if resp.ContentLength > maxBody {
		return nil, tooLarge()
	}
	more, err := readLimited(buf, resp.Body, resp.ContentLength, maxBody)
	if more {
		return nil, tooLarge()
	}
	return buf.Bytes(), err
}

func tooLarge() error { return fmt.Errorf("%w: over %d MiB", ErrTooLarge, maxBody>>20) }

// readLimited reads up to limit bytes and reports whether there are more.
func readLimited(buf *bytes.Buffer, body io.Reader, length, limit int64) (more bool, err error) {
	if need := int(length) + bytes.MinRead; length > 0 && length <= limit && need > buf.Cap() {
		if buf.Cap() > 0 {
			need += need / 8 // the next page may be a little longer again
		}
		*buf = *bytes.NewBuffer(make([]byte, 0, need)) // Grow would double it
	}
	n, err := buf.ReadFrom(io.LimitReader(body, limit))
	if err != nil || n < limit {
		return false, err
	}
	rest, _ := io.CopyN(io.Discard, body, drain) // perhaps the connection can be saved
	return rest > 0, nil
}

// wire is what httptrace saw of an attempt, and what watches over its answer: one
// allocation, because there is one for each page of a list.
type wire struct {
	asked, wrote atomic.Bool
	hooks        httptrace.ClientTrace
	watch        watch
}

func (w *wire) trace() *httptrace.ClientTrace {
	w.hooks = httptrace.ClientTrace{
		GetConn:      func(string) { w.asked.Store(true) },
		WroteHeaders: func() { w.wrote.Store(true) },
	}
	return &w.hooks
}

// unsent reports whether it is certain that nothing was written. A transport
// that does not report to httptrace leaves it uncertain, unless the dial failed.
func (w *wire) unsent(err error) bool {
	if w.wrote.Load() {
		return false
	}
	return w.asked.Load() || isDialError(err)
}
