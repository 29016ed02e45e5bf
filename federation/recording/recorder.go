package recording

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Recorder records what goes between HTTP clients and services, and anonymises each exchange
// before it keeps it. It is safe for use by several goroutines.
type Recorder struct {
	mask *mask

	mu        sync.Mutex
	exchanges []*Exchange // in the order in which they were asked
}

// New returns a Recorder with a random key, of which nobody else learns: what one
// recording calls somebody says nothing about another recording.
func New() *Recorder { return &Recorder{mask: newMask()} }

// Transport returns a transport that sends requests through base and records them with their
// answers. A nil base means [http.DefaultTransport]. It changes nothing of what goes through. An answer
// is in the recording once its body was read to its end, or closed.
//
// With both clients' Options it is used as
//
//	opts.HTTPClient = &http.Client{Transport: rec.Transport(nil)}
//
// or as the Wrap of the Options, which leaves the client's own transport in its place.
func (r *Recorder) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{r, base}
}

type transport struct {
	r    *Recorder
	base http.RoundTripper
}

// maxRecorded is how much of a body is recorded: more than that is a body that cannot be read.
const maxRecorded = 64 << 20

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	x := t.r.begin(req)
	resp, err := t.base.RoundTrip(req)
	switch {
	case err != nil && req.Context().Err() != nil:
		t.r.forget(x) // the caller gave up, which says nothing about the service
		return resp, err
	case err != nil || resp == nil:
		t.r.end(x, nil, nil, false)
		return resp, err
	case resp.Body == nil:
		t.r.end(x, resp, nil, true)
		return resp, nil
	}
	resp.Body = &tee{ReadCloser: resp.Body, length: resp.ContentLength, end: func(body []byte, whole bool) { t.r.end(x, resp, body, whole) }}
	return resp, nil
}

// begin records a request.
func (r *Recorder) begin(req *http.Request) *Exchange {
	m := r.mask
	x := &Exchange{At: m.move(time.Now().UTC().Truncate(time.Second)), Method: methodOf(req.Method), URL: m.requestURL(req)}
	path, _, _ := strings.Cut(x.URL, "?")
	x.where = x.Method + " " + path
	x.Header = m.header(req.Header, requestHeaders, x.where)
	x.Body = m.requestBody(req, place{request: x.where, path: "request"})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, x)
	return x
}

func (r *Recorder) forget(x *Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, y := range r.exchanges {
		if x == y {
			r.exchanges = append(r.exchanges[:i:i], r.exchanges[i+1:]...)
			return
		}
	}
}

// end records an answer; without one, that there was none.
func (r *Recorder) end(x *Exchange, resp *http.Response, body []byte, whole bool) {
	var a *Answer
	if resp != nil {
		a = &Answer{Status: resp.StatusCode, Header: r.mask.header(resp.Header, responseHeaders, x.where), Cut: !whole}
		r.mask.body(a, body, place{request: x.where})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	x.Answer, x.done = a, true
}

// methodOf is the method, if it is one.
func methodOf(s string) string {
	switch s {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return s
	}
	return "OTHER"
}

// requestURL replaces the address of a request.
func (m *mask) requestURL(req *http.Request) string {
	u := *req.URL
	u.User = nil
	if u.Host == "" {
		u.Host = req.Host
	}
	if out, ok := m.link(u.String(), place{request: "requests"}, 0); ok && (u.Scheme == "https" || u.Scheme == "http") {
		return out
	}
	return "https://" + m.word(u.String()) + ".example/" // of a scheme that is none of HTTP
}

// requestBody records the JSON of a request that can be read twice. Forms are not recorded:
// they carry credentials.
func (m *mask) requestBody(req *http.Request, at place) json.RawMessage {
	if req.GetBody == nil || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxRecorded))
	if err != nil || !json.Valid(b) {
		return nil
	}
	return m.json(b, at, 0)
}

// body records the body of an answer: JSON as JSON, everything else as a text.
func (m *mask) body(a *Answer, b []byte, at place) {
	const mark = "\ufeff"
	if rest, ok := bytes.CutPrefix(b, []byte(mark)); ok {
		a.Mark, b = true, rest
	}
	trimmed := bytes.TrimSpace(b)
	kind, _, _ := mime.ParseMediaType(a.Header["Content-Type"])
	switch {
	case len(trimmed) == 0:
	case json.Valid(trimmed) && (trimmed[0] == '{' || trimmed[0] == '[' || strings.HasSuffix(kind, "json")):
		a.JSON = m.json(trimmed, at, 0)
	case !utf8.Valid(trimmed):
		a.Text = m.sentence(string(trimmed))
	case trimmed[0] == '<':
		if out, ok := m.xml(trimmed, at, 0); ok && !bytes.Contains(bytes.ToLower(trimmed[:min(len(trimmed), 256)]), []byte("<html")) {
			a.Text = string(out)
		} else {
			a.Text = "<!DOCTYPE html><html><head><title>" + m.sentence(string(trimmed)) + "</title></head></html>"
		}
	case strings.HasSuffix(at.request, "/$count"):
		at.key = "$count"
		a.Text = m.text(string(trimmed), at)
	case trimmed[0] == '{' || trimmed[0] == '[':
		a.Text = string(trimmed[:1]) + m.sentence(string(trimmed)) // what was to be JSON and is not
	default:
		a.Text = m.text(string(trimmed), at)
	}
}

// tee hands on what is read and calls end with it, once.
type tee struct {
	io.ReadCloser
	length int64 // of the body, -1 if nobody has told
	read   bytes.Buffer
	once   sync.Once
	end    func(body []byte, whole bool)
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if room := maxRecorded - t.read.Len(); room > 0 {
		t.read.Write(p[:min(n, room)])
	}
	if err != nil {
		t.finish(err == io.EOF)
	}
	return n, err
}

func (t *tee) Close() error {
	t.finish(int64(t.read.Len()) == t.length) // who knows the length need not ask for the end
	return t.ReadCloser.Close()
}

func (t *tee) finish(whole bool) {
	t.once.Do(func() {
		t.end(t.read.Bytes(), whole)
		t.read = bytes.Buffer{}
	})
}

// Remains lists what the recording holds as it came, sorted by kind and value: names of members, values
// of enumerations, numbers that count, names of hosts that are the services' own. It is to be
// shown to the person whose services these are, before the recording is written: all else is
// a pseudonym.
func (r *Recorder) Remains() []Remain { return r.mask.remains() }

// Recording returns what was recorded until now. What has no whole answer yet is left out.
func (r *Recorder) Recording() *Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := &Recording{Version: Version}
	for _, x := range r.exchanges {
		if x.done {
			rec.Exchanges = append(rec.Exchanges, *x)
		}
	}
	return rec
}

// WriteTo writes the recording; see [Recording.WriteTo].
func (r *Recorder) WriteTo(w io.Writer) (int64, error) { return r.Recording().WriteTo(w) }
