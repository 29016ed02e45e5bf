package memhttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// recorder is the http.ResponseWriter of one request, and the source of the
// client's body.
type recorder struct {
	ctx     context.Context // the client's
	cancel  context.CancelFunc
	req     *http.Request
	header  http.Header   // the handler's
	started chan struct{} // closed when the answer may start

	mu      sync.Mutex
	status  int
	sent    http.Header // as it was at WriteHeader
	buf     []byte
	size    int           // of buf; for HEAD, of what it would be
	more    chan struct{} // closed and replaced whenever buf or done changes
	begun   bool
	done    bool
	err     error // why the body ends, if not with io.EOF
	panicky any
}

func newRecorder(ctx context.Context, cancel context.CancelFunc, req *http.Request) *recorder {
	return &recorder{
		ctx: ctx, cancel: cancel, req: req,
		header: make(http.Header), started: make(chan struct{}), more: make(chan struct{}),
	}
}

// serve runs the handler to its end.
func (r *recorder) serve(h http.Handler, in *http.Request) {
	defer func() {
		p := recover()
		in.Body.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case p == http.ErrAbortHandler:
			r.err = io.ErrUnexpectedEOF
		case p != nil:
			r.panicky, r.err = p, io.ErrUnexpectedEOF
		default:
			r.writeHeader(http.StatusOK)
			n, err := strconv.Atoi(r.sent.Get("Content-Length"))
			switch {
			case err == nil && n > r.size && r.bodyAllowed() && !r.head():
				r.err = io.ErrUnexpectedEOF
			case err != nil && !r.begun && r.bodyAllowed() && (!r.head() || r.size > 0):
				r.sent.Set("Content-Length", strconv.Itoa(r.size))
			}
		}
		r.done = true
		r.begin()
		r.signal()
	}()
	h.ServeHTTP(r, in)
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if status >= 200 { // informational answers are not passed on
		r.writeHeader(status)
	}
}

func (r *recorder) writeHeader(status int) {
	if r.status != 0 {
		return
	}
	r.status = status
	r.sent = r.header.Clone()
	if r.sent.Get("Date") == "" {
		r.sent.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
}

// Write implements [http.ResponseWriter]. As in net/http, it fails when the
// client is gone.
func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeHeader(http.StatusOK)
	if !r.bodyAllowed() {
		return 0, http.ErrBodyNotAllowed
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.size == 0 && r.sent.Get("Content-Type") == "" && len(b) > 0 {
		r.sent.Set("Content-Type", http.DetectContentType(b))
	}
	r.size += len(b)
	if r.head() {
		return len(b), nil
	}
	r.buf = append(r.buf, b...)
	r.signal()
	return len(b), nil
}

// Flush implements [http.Flusher].
func (r *recorder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeHeader(http.StatusOK)
	r.begin()
}

// bodyAllowed reports whether an answer of the status has a body.
func (r *recorder) bodyAllowed() bool {
	return r.status != http.StatusNoContent && r.status != http.StatusNotModified
}

func (r *recorder) head() bool { return r.req.Method == http.MethodHead }

func (r *recorder) begin() {
	if !r.begun {
		r.begun = true
		close(r.started)
	}
}

func (r *recorder) signal() {
	close(r.more)
	r.more = make(chan struct{})
}

// response is called after started was closed.
func (r *recorder) response() (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.panicky != nil {
		panic(fmt.Sprintf("memhttp: handler panicked: %v", r.panicky))
	}
	if r.status == 0 {
		r.cancel()
		return nil, r.err
	}
	length := int64(-1)
	if n, err := strconv.ParseInt(r.sent.Get("Content-Length"), 10, 64); err == nil {
		length = n
	} else if !r.bodyAllowed() && !r.head() {
		length = 0
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode: r.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        r.sent,
		Body:          &body{rec: r},
		ContentLength: length,
		Request:       r.req,
	}, nil
}

// body reads what the handler writes.
type body struct {
	rec    *recorder
	off    int
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	r := b.rec
	for {
		r.mu.Lock()
		more, done, err := r.more, r.done, r.err
		switch {
		case b.closed:
			r.mu.Unlock()
			return 0, http.ErrBodyReadAfterClose
		case b.off < len(r.buf):
			n := copy(p, r.buf[b.off:])
			b.off += n
			r.mu.Unlock()
			return n, nil
		}
		r.mu.Unlock()
		if done {
			r.cancel()
			if err == nil || r.head() {
				err = io.EOF
			}
			return 0, err
		}
		select {
		case <-more:
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		}
	}
}

// Close ends the handler's context: the client is gone. A Read that waits ends.
func (b *body) Close() error {
	b.rec.mu.Lock()
	b.closed = true
	b.rec.signal()
	b.rec.mu.Unlock()
	b.rec.cancel()
	return nil
}
