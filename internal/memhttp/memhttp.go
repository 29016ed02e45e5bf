// Package memhttp connects an http.Client to an http.Handler in memory: no
// port, no socket, and nothing that testing/synctest would wait for in vain.
package memhttp

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/jcaad/jcaad/internal/wait"
)

// Transport is an http.RoundTripper that asks Handler. It behaves like
// net/http on both sides as far as a client can tell:
//
//   - A handler that panics with http.ErrAbortHandler drops the connection: the
//     round trip fails with io.ErrUnexpectedEOF, or, if something was written
//     already, the body breaks off with it. The same happens to a handler that
//     writes less than its Content-Length.
//   - The answer starts at the first Flush or when the handler returns.
//   - The end of the request's context ends the round trip, the reading of the
//     body and the handler's own context.
//   - httptrace hears WroteHeaders and GotFirstResponseByte, and Date is set.
//
// Any other panic of the handler is raised again in the client's goroutine.
type Transport struct {
	Handler http.Handler

	// Latency is added to each request, half of it before the handler runs
	// and half after.
	Latency time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if req.Body != nil {
		defer func() {
			if ctx.Err() != nil {
				req.Body.Close()
			}
		}()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if tr := httptrace.ContextClientTrace(ctx); tr != nil && tr.WroteHeaders != nil {
		tr.WroteHeaders()
	}
	if err := wait.For(ctx, t.Latency/2); err != nil {
		return nil, err
	}
	hctx, cancel := context.WithCancel(ctx)
	rec := newRecorder(ctx, cancel, req)
	go rec.serve(t.Handler, inbound(hctx, req))

	select {
	case <-rec.started:
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
	if err := wait.For(ctx, t.Latency-t.Latency/2); err != nil {
		cancel()
		return nil, err
	}
	resp, err := rec.response()
	if tr := httptrace.ContextClientTrace(ctx); err == nil && tr != nil && tr.GotFirstResponseByte != nil {
		tr.GotFirstResponseByte()
	}
	return resp, err
}

// inbound is req as a server sees it.
func inbound(ctx context.Context, req *http.Request) *http.Request {
	in := req.Clone(ctx)
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234" // reserved for documentation
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Header == nil {
		in.Header = make(http.Header)
	}
	if req.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: req.URL.Hostname()}
	}
	if user := req.URL.User; user != nil && in.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		in.SetBasicAuth(user.Username(), password)
	}
	u := *req.URL
	u.Scheme, u.Host, u.User, u.Fragment, u.RawFragment = "", "", nil, "", ""
	in.URL = &u
	in.Response, in.GetBody, in.Close = nil, nil, false
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return in
}

var _ io.ReadCloser = (*body)(nil)
