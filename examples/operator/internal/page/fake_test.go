package page

import (
	"context"
	"fmt"
	"html"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// fake is a Backend in memory.
type fake struct {
	mu            sync.Mutex
	roles         approve.Roles
	file          *customers.File
	fileProblem   error
	away          error
	states        map[string]flow.State
	batches       []flow.BatchState
	live          map[string][]string
	subs          []chan struct{}
	preflights    map[string]*federation.Preflight
	proposals     map[string]*federation.Proposal
	verifications map[string]*federation.Verification
	rotations     map[string]*federation.Rotation
	reports       map[string][]data.Ref
	report        map[string]*federation.Report // by name
	notes         map[string][]string
	approvers     map[string][]string // by domain and verb, with a blank between
	entries       []audit.Entry
	held          *data.Stop
	acts          []Act
	actErr        error
}

var _ Backend = (*fake)(nil)

// then is when everything in a fake happens.
var then = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)

func newFake(grants ...approve.Grant) *fake {
	roles, err := approve.NewRoles(grants...)
	if err != nil {
		panic(err)
	}
	return &fake{
		roles: roles, file: &customers.File{}, states: make(map[string]flow.State), live: make(map[string][]string),
		preflights: make(map[string]*federation.Preflight), proposals: make(map[string]*federation.Proposal),
		verifications: make(map[string]*federation.Verification), rotations: make(map[string]*federation.Rotation),
		reports: make(map[string][]data.Ref), report: make(map[string]*federation.Report), notes: make(map[string][]string),
		approvers: make(map[string][]string),
	}
}

// set puts states, and tells who has subscribed.
func (f *fake) set(states ...flow.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range states {
		f.states[s.Domain] = s
	}
	for _, c := range f.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// done returns the acts so far.
func (f *fake) done() []Act {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acts)
}

// logged returns the audit so far.
func (f *fake) logged() []audit.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

func (f *fake) Roles() approve.Roles             { f.mu.Lock(); defer f.mu.Unlock(); return f.roles }
func (f *fake) File() *customers.File            { return f.file }
func (f *fake) FileProblem() (time.Time, error)  { return then, f.fileProblem }
func (f *fake) Away() (time.Time, error)         { return then, f.away }
func (f *fake) Batches() []flow.BatchState       { return f.batches }
func (f *fake) Live(domain string) []string      { return f.live[domain] }
func (f *fake) Notes(d string) ([]string, error) { return f.notes[d], nil }

func (f *fake) Domains() []flow.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []flow.State
	for _, s := range f.states {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b flow.State) int { return strings.Compare(a.Domain, b.Domain) })
	return out
}

func (f *fake) Domain(domain string) (flow.State, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.states[strings.ToLower(domain)]
	return s, ok
}

func (f *fake) Subscribe() (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{}, 1)
	f.subs = append(f.subs, c)
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.subs = slices.DeleteFunc(f.subs, func(o chan struct{}) bool { return o == c })
	}
}

func have[T any](m map[string]*T, key string) (*T, error) {
	if v := m[key]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("there is none: %w", fs.ErrNotExist)
}

func (f *fake) Preflight(d string) (*federation.Preflight, error) { return have(f.preflights, d) }
func (f *fake) Proposal(d string) (*federation.Proposal, error)   { return have(f.proposals, d) }
func (f *fake) Verification(d string) (*federation.Verification, error) {
	return have(f.verifications, d)
}
func (f *fake) Rotation(d string) (*federation.Rotation, error) { return have(f.rotations, d) }
func (f *fake) Reports(d string) ([]data.Ref, error)            { return f.reports[d], nil }
func (f *fake) Report(ref data.Ref) (*federation.Report, error) { return have(f.report, ref.Name) }
func (f *fake) Approvers(d string, verb federation.Verb) []string {
	return f.approvers[d+" "+string(verb)]
}
func (f *fake) Evidence(domain string, w io.Writer) error {
	_, err := fmt.Fprintf(w, "# %s\n", domain)
	return err
}

func (f *fake) Audit(filter audit.Filter) iter.Seq2[audit.Entry, error] {
	all := f.logged()
	return func(yield func(audit.Entry, error) bool) {
		for _, e := range all {
			if filter.Match(e) && !yield(e, nil) {
				return
			}
		}
	}
}

func (f *fake) Stop() (data.Stop, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held == nil {
		return data.Stop{}, false
	}
	return *f.held, true
}

func (f *fake) SetStop(_ context.Context, actor approve.Actor, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held = nil; on {
		f.held = &data.Stop{Who: actor.Name, At: then}
	}
	return nil
}

func (f *fake) Act(_ context.Context, act Act) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts = append(f.acts, act)
	return f.actErr
}

func (f *fake) Log(e audit.Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Seq = uint64(len(f.entries) + 1)
	f.entries = append(f.entries, e)
	return nil
}

// browser is somebody with a browser that has no script.
type browser struct {
	t     testing.TB
	srv   *httptest.Server
	c     *http.Client
	actor string // told by the proxy
}

// identity is the header of a proxy that the tests play.
const identity = "X-Test-Identity"

// site serves the pages over a backend behind a proxy, which is this machine.
func site(t testing.TB, f *fake) *httptest.Server {
	t.Helper()
	g, err := approve.NewGuard(approve.GuardOptions{Header: identity, Trusted: prefixes("127.0.0.0/8", "::1/128")})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, Options{Backend: f, Guard: g, Now: func() time.Time { return then }})
}

func serve(t testing.TB, o Options) *httptest.Server {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// as is a browser of somebody.
func as(t testing.TB, srv *httptest.Server, actor string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, srv: srv, actor: actor, c: &http.Client{Jar: jar}}
}

// answer is what a browser shows in the end.
type answer struct {
	status int
	body   string
	header http.Header
	url    *url.URL
}

// do sends a request, and follows where it leads.
func (b *browser) do(req *http.Request) answer {
	b.t.Helper()
	if b.actor != "" {
		req.Header.Set(identity, b.actor)
		b.c.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
			next.Header.Set(identity, b.actor)
			return nil
		}
	}
	resp, err := b.c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body), resp.Header, resp.Request.URL}
}

// get opens an address; headers are name, value, name, value.
func (b *browser) get(path string, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.srv.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

// post sends a form.
func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.srv.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	attribute = regexp.MustCompile(`(name|value|type)="([^"]*)"`)
)

// form returns the hidden fields of the form of a page that is sent to an address.
func (a answer) form(t testing.TB, action string) url.Values {
	t.Helper()
	for _, f := range formTag.FindAllStringSubmatch(a.body, -1) {
		if f[1] != action {
			continue
		}
		out := make(url.Values)
		for _, tag := range inputTag.FindAllString(f[2], -1) {
			got := make(map[string]string)
			for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
				got[m[1]] = html.UnescapeString(m[2])
			}
			if got["type"] == "hidden" {
				out.Add(got["name"], got["value"])
			}
		}
		return out
	}
	t.Fatalf("there is no form for %s in %s\n%s", action, a.url, a.body)
	return nil
}
