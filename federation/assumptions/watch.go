package assumptions

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// MaxRequests is how many requests one [Look] sends at most, repetitions included.
const MaxRequests = 60

var (
	errNotWatched = errors.New("assumptions: the client was not made with the Watch: " +
		"set Options.Wrap to Watch.JumpCloud or Watch.AzureAD")
	errWrite = errors.New("assumptions: a Watch lets no write through")
	errSpent = errors.New("assumptions: the requests of one look are used up")
)

// Watch stands between the two clients and their services: it sees the form of answers,
// which the clients make nothing of, counts the requests of a [Look], and lets no write
// through, whatever the clients' options say. Its zero value is ready, and good for one
// client of each service. It keeps what it sees until the Look ends.
type Watch struct {
	mu    sync.Mutex
	spent func(error) // ends the look; nil: there is none
	sent  int
	seen  []*exchange
}

// JumpCloud is for jumpcloud.Options.Wrap.
func (w *Watch) JumpCloud(next http.RoundTripper) http.RoundTripper { return &watched{w, true, next} }

// AzureAD is for aad.Options.Wrap.
func (w *Watch) AzureAD(next http.RoundTripper) http.RoundTripper { return &watched{w, false, next} }

// begin starts a look, which spent ends; it reports false if one is under way.
func (w *Watch) begin(spent func(error)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spent != nil {
		return false
	}
	w.spent, w.sent, w.seen = spent, 0, nil
	return true
}

// end forgets what was seen, and returns how many requests were sent.
func (w *Watch) end() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spent, w.seen = nil, nil
	return w.sent
}

// since returns what was seen of a service after the first n exchanges, and how many
// there are now.
func (w *Watch) since(n int, jumpCloud bool) ([]*exchange, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var of []*exchange
	for _, x := range w.seen[min(n, len(w.seen)):] {
		if x.jumpCloud == jumpCloud {
			of = append(of, x)
		}
	}
	return of, len(w.seen)
}

// enter notes a request that is about to be sent. It returns nil if no look is under way.
func (w *Watch) enter(r *http.Request, jumpCloud bool) (*exchange, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spent == nil {
		return nil, nil
	}
	if w.sent == MaxRequests {
		w.spent(errSpent)
		return nil, errSpent
	}
	w.sent++
	x := &exchange{
		jumpCloud: jumpCloud, method: r.Method, host: r.URL.Host, path: r.URL.Path, org: r.Header.Get("X-Org-Id") != "", sent: time.Now(),
	}
	w.seen = append(w.seen, x)
	return x, nil
}

// exchange is a request and what came back.
type exchange struct {
	jumpCloud          bool
	method, host, path string
	org                bool // the request named an organisation
	sent, came         time.Time
	status             int // 0: no answer
	header             http.Header
	body               bytes.Buffer // as far as it was read, and no more than maxBody
}

const maxBody = 1 << 20

// offset is how far the clock of the service is ahead, and how exactly that is known.
func (x *exchange) offset() (ahead, within time.Duration, ok bool) {
	date, err := http.ParseTime(x.header.Get("Date"))
	if err != nil || x.came.IsZero() {
		return 0, 0, false
	}
	half := x.came.Sub(x.sent) / 2
	return date.Add(time.Second / 2).Sub(x.sent.Add(half)), half + time.Second/2, true // dates have whole seconds
}

// watched is the transport of one client.
type watched struct {
	w         *Watch
	jumpCloud bool
	next      http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	refuse := func(err error) (*http.Response, error) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	if writes(r) {
		return refuse(errWrite)
	}
	x, err := t.w.enter(r, t.jumpCloud)
	if err != nil {
		return refuse(err)
	}
	resp, err := t.next.RoundTrip(r)
	if x == nil || err != nil {
		return resp, err
	}
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	x.came, x.status, x.header = time.Now(), resp.StatusCode, resp.Header
	resp.Body = &tee{resp.Body, t.w, x}
	return resp, nil
}

// writes reports whether r could change something: everything but GET, HEAD, a search,
// and what asks for a token, which is a form.
func writes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return false
	case http.MethodPost:
		return !strings.HasSuffix(r.URL.Path, "/insights/directory/v1/events") && !strings.Contains(r.URL.Path, "/api/search/") &&
			!strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	}
	return true
}

// tee keeps what is read of a body.
type tee struct {
	io.ReadCloser
	w *Watch
	x *exchange
}

// Read implements [io.Reader].
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.x.body.Write(p[:min(n, maxBody-t.x.body.Len())])
	return n, err
}
