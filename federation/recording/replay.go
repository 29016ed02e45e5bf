package recording

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/jcaad/jcaad/internal/memhttp"
)

// Handler returns a handler that answers as the recorded services did: the n-th request for the same
// method, host, path and query gets the n-th answer, and the last one is repeated. Parameters may stand in
// any order, and a time in them may be any time. A request that names an organisation of
// JumpCloud gets what was answered for that organisation.
//
// What was not recorded is answered with 501 and what was asked for, in the form of an
// error of either service. An exchange without an answer ends in a connection that breaks.
//
// A host on this machine stands for all hosts of the recording: Graph's links to the
// next page then lead back to it. Each handler counts for itself.
func (r *Recording) Handler() http.Handler {
	p := &replay{queues: make(map[question]*queue), hosts: make(map[string]bool)}
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		u, err := url.Parse(x.URL)
		if err != nil {
			continue
		}
		p.hosts[strings.ToLower(u.Host)] = true
		org := strings.ToLower(x.Header["X-Org-Id"])
		for _, host := range []string{u.Host, ""} {
			for _, org := range slices.Compact([]string{org, ""}) {
				p.add(ask(x.Method, host, u, org), x.Answer)
			}
		}
	}
	return p
}

// HTTPClient returns a client that asks Handler in memory, for the HTTPClient of the Options of
// both clients.
func (r *Recording) HTTPClient() *http.Client {
	return &http.Client{Transport: &memhttp.Transport{Handler: r.Handler()}}
}

// question is what one asks for.
type question struct{ method, host, path, query, org string }

var instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?`)

func ask(method, host string, u *url.URL, org string) question {
	query := u.Query()
	for name, values := range query {
		for i, v := range values {
			query[name][i] = instant.ReplaceAllString(v, "T")
		}
	}
	return question{method, strings.ToLower(host), strings.ToLower(u.Path), strings.ToLower(query.Encode()), org}
}

// queue are the answers to a question that are to be given.
type queue struct{ answers []*Answer }

type replay struct {
	mu     sync.Mutex
	queues map[question]*queue
	hosts  map[string]bool
}

func (p *replay) add(q question, a *Answer) {
	if p.queues[q] == nil {
		p.queues[q] = new(queue)
	}
	p.queues[q].answers = append(p.queues[q].answers, a)
}

// take returns the next answer to a question.
func (p *replay) take(q question) (*Answer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue := p.queues[q]
	if queue == nil {
		return nil, false
	}
	a := queue.answers[0]
	if len(queue.answers) > 1 {
		queue.answers = queue.answers[1:]
	}
	return a, true
}

// ServeHTTP implements [http.Handler].
func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, own := strings.ToLower(r.Host), ""
	if !p.hosts[host] && loopback(host) {
		host, own = "", "http://"+r.Host
		if r.TLS != nil {
			own = "https://" + r.Host
		}
	}
	io.Copy(io.Discard, r.Body)
	a, ok := p.take(ask(r.Method, host, r.URL, strings.ToLower(r.Header.Get("X-Org-Id"))))
	switch {
	case !ok:
		refuse(w, r)
	case a == nil:
		panic(http.ErrAbortHandler)
	default:
		a.write(w, r, own)
	}
}

func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// refuse says what was asked for and is not in the recording.
func refuse(w http.ResponseWriter, r *http.Request) {
	asked := fmt.Sprintf("not recorded: %s https://%s%s", r.Method, r.Host, r.URL.RequestURI())
	if org := r.Header.Get("X-Org-Id"); org != "" {
		asked += " of organization " + org
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotImplemented)
	fmt.Fprintf(w, `{"error":{"code":"NotRecorded","message":%s},"message":%[1]s}`+"\n", quote(asked))
}

// links are the members that lead to another page, and where they lead.
var links = regexp.MustCompile(`("@odata\.(?:nextLink|deltaLink)"\s*:\s*")https?://[^/"]*`)

// write writes an answer. Links lead to the server's own address, if one is given.
func (a *Answer) write(w http.ResponseWriter, r *http.Request, own string) {
	body := a.Text
	if a.JSON != nil {
		body = string(a.JSON)
	}
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if own != "" {
		body = links.ReplaceAllString(body, "${1}"+own)
		if u, err := url.Parse(a.Header["Location"]); err == nil && u.Host != "" {
			w.Header().Set("Location", own+u.RequestURI())
		}
	}
	if a.Mark {
		body = "\ufeff" + body
	}
	if a.Header["Content-Type"] == "" {
		w.Header()["Content-Type"] = nil
	}
	w.WriteHeader(a.Status)
	if body != "" && a.Status != http.StatusNoContent && a.Status != http.StatusNotModified && r.Method != http.MethodHead {
		io.WriteString(w, body)
	}
	if a.Cut {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
