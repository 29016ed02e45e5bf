package federation_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// serveEnv makes the test binary a server: "<people>,<latency>,<ailment>", the last
// by its number in ailments, or -1. The services run in a process of their own, so
// that their work is not counted.
const serveEnv = "JCAAD_TEST_SERVE"

func TestServeCrowd(t *testing.T) {
	var n, of int
	var latency time.Duration
	if _, err := fmt.Sscan(strings.ReplaceAll(os.Getenv(serveEnv), ",", " "), &n, (*durationValue)(&latency), &of); err != nil {
		t.Skip("only with " + serveEnv)
	}
	env := crowd(n)
	if of >= 0 {
		env = ailing(n, ailments[of])
	}
	env.JumpCloud.Latency, env.AzureAD.Latency = latency, latency
	listen := func(h http.Handler) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if latency == 0 { // as fast as can be
			h = &memo{next: h, pages: make(map[string]*httptest.ResponseRecorder)}
		}
		go http.Serve(l, h)
		return "http://" + l.Addr().String()
	}
	token, err := env.AzureAD.Credential().GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("serving %s %s %s %s %s\n", listen(env.JumpCloud), listen(env.AzureAD), env.Directory, env.JumpCloud.Groups()[0].ID, token.Token)
	io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// memo answers what it was asked before out of memory.
type memo struct {
	next  http.Handler
	mu    sync.Mutex
	pages map[string]*httptest.ResponseRecorder
}

func (m *memo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	page := m.pages[r.URL.RequestURI()]
	m.mu.Unlock()
	if page == nil {
		page = httptest.NewRecorder()
		if m.next.ServeHTTP(page, r); r.Method == http.MethodGet && page.Code == http.StatusOK {
			m.mu.Lock()
			m.pages[r.URL.RequestURI()] = page
			m.mu.Unlock()
		}
	}
	maps.Copy(w.Header(), page.Header())
	w.Header().Set("Content-Length", strconv.Itoa(page.Body.Len()))
	w.WriteHeader(page.Code)
	w.Write(page.Body.Bytes())
}

type durationValue time.Duration

func (d *durationValue) Scan(s fmt.ScanState, _ rune) error {
	tok, err := s.Token(true, nil)
	if err != nil {
		return err
	}
	v, err := time.ParseDuration(string(tok))
	*d = durationValue(v)
	return err
}

// served is a crowd in another process.
type served struct {
	jc, ad, directory, group, token string
}

// GetToken implements [azcore.TokenCredential].
func (s served) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: s.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// serve starts services in which few have a finding.
func serve(t testing.TB, people int, latency time.Duration) served {
	t.Helper()
	return serveAiling(t, people, latency, -1)
}

// serveAiling starts services in which everybody has a finding, by the number of the
// ailment.
func serveAiling(t testing.TB, people int, latency time.Duration, of int) served {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeCrowd$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d,%v,%d", serveEnv, people, latency, of))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	var s served
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "serving %s %s %s %s %s", &s.jc, &s.ad, &s.directory, &s.group, &s.token); err == nil {
			go io.Copy(io.Discard, out)
			return s
		}
	}
	t.Fatal("the services did not start")
	return s
}

// connect returns clients of both services.
func (s served) connect(t testing.TB, workers int) (*jumpcloud.Client, *aad.Client) {
	jc, err := jumpcloud.New("key", &jumpcloud.Options{BaseURL: s.jc, MaxWorkers: workers})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := aad.New(s, &aad.Options{GraphURL: s.ad, LoginURL: s.ad, MaxWorkers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return jc, ad
}

// preflight is what is measured.
func (s served) preflight(t testing.TB, workers int) *federation.Preflight {
	jc, ad := s.connect(t, workers)
	pf, err := federation.New(jc, ad, nil).Preflight(t.Context(), (&federationtest.Env{Domain: "example.com", Administrators: [2]string{"breakglass1@contoso.onmicrosoft.com"}}).Plan())
	if err != nil {
		t.Fatal(err)
	}
	return pf
}

// loop is what one would write by hand: net/http and encoding/json, the pages of
// JumpCloud by as many workers, those of Azure AD one after the other.
func (s served) loop(t testing.TB, people, workers int) (lockedOut int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	get := func(address string, out any) http.Header {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		req.Header.Set("X-Api-Key", "key")
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("ConsistencyLevel", "eventual")
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return nil
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", address, resp.Status)
		} else if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			t.Error(err)
		}
		return resp.Header
	}
	type jcUser struct {
		ID                   string `json:"_id"`
		Username, Email      string
		State                string
		Activated, Suspended bool
	}
	type bound struct {
		ID         string
		ExternalID string
		SyncStatus *struct {
			Code    json.RawMessage
			Message string
		}
	}
	type member struct {
		ID    string
		Paths [][]struct{ To struct{ ID, Type string } }
	}
	type adUser struct {
		ID, UserPrincipalName, DisplayName, Mail, UserType string
		OnPremisesImmutableID                              string
		AccountEnabled, OnPremisesSyncEnabled              *bool
		ProxyAddresses, OtherMails                         []string
	}
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		users   = make(map[string]jcUser)
		bounds  = make(map[string]bound)
		members = make(map[string]member)
		slots   = make(chan struct{}, workers)
	)
	pages := func(f func(skip int)) {
		for skip := 0; skip <= people; skip += 100 {
			slots <- struct{}{}
			wg.Go(func() {
				f(skip)
				<-slots
			})
		}
	}
	wg.Go(func() {
		pages(func(skip int) {
			var p struct{ Results []jcUser }
			get(fmt.Sprintf("%s/api/systemusers?sort=_id&limit=100&skip=%d&fields=%s", s.jc, skip, url.QueryEscape("_id email username state activated suspended")), &p)
			mu.Lock()
			defer mu.Unlock()
			for _, u := range p.Results {
				users[strings.ToLower(u.Email)] = u
			}
		})
	})
	wg.Go(func() {
		pages(func(skip int) {
			var p []bound
			get(fmt.Sprintf("%s/api/v2/office365s/%s/users?syncStatus=true&limit=100&skip=%d", s.jc, s.directory, skip), &p)
			mu.Lock()
			defer mu.Unlock()
			for _, u := range p {
				bounds[u.ID] = u
			}
		})
	})
	wg.Go(func() {
		pages(func(skip int) {
			var p []member
			get(fmt.Sprintf("%s/api/v2/usergroups/%s/membership?limit=100&skip=%d", s.jc, s.group, skip), &p)
			mu.Lock()
			defer mu.Unlock()
			for _, u := range p {
				members[u.ID] = u
			}
		})
	})
	var accounts []adUser
	q := url.Values{
		"$top": {"999"}, "$count": {"true"}, "$filter": {"endsWith(userPrincipalName,'@example.com') or endsWith(mail,'@example.com')"},
		"$select": {"id,userPrincipalName,displayName,mail,onPremisesImmutableId,userType,accountEnabled,onPremisesSyncEnabled,proxyAddresses,otherMails"},
	}
	for next := s.ad + "/v1.0/users?" + q.Encode(); next != "" && !t.Failed(); {
		var p struct {
			Value []adUser
			Next  string `json:"@odata.nextLink"`
		}
		get(next, &p)
		accounts = append(accounts, p.Value...)
		next = p.Next
	}
	wg.Wait()
	for _, a := range accounts {
		u, ok := users[strings.ToLower(a.UserPrincipalName)]
		_, in := members[u.ID]
		if !ok || !in || bounds[u.ID].ID == "" || a.OnPremisesImmutableID == "" || u.Suspended || !u.Activated {
			lockedOut++
		}
	}
	return lockedOut
}

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// report tells what a run has cost.
func (u usage) report(b *testing.B, took, work time.Duration) {
	b.ReportMetric(took.Seconds(), "wall-s")
	b.ReportMetric(work.Seconds(), "cpu-s")
	b.ReportMetric(u.allocs, "allocs/person")
	b.ReportMetric(u.peak, "peakB/person")
	b.ReportMetric(u.live, "liveB/person")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPreflight measures a preflight beside the loop that one would write by
// hand, over the same services, which run in another process and take 50 ms for
// each request. A person is one in both directories.
func BenchmarkPreflight(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000, 300000} {
		b.Run("people="+strconv.Itoa(n), func(b *testing.B) {
			s := serve(b, n, 50*time.Millisecond)
			for _, workers := range []int{32, 96} {
				b.Run("preflight/workers="+strconv.Itoa(workers), func(b *testing.B) {
					for b.Loop() {
						var pf *federation.Preflight
						began, worked := time.Now(), cpu()
						u := measure(n, func() any { pf = s.preflight(b, workers); return pf })
						u.report(b, time.Since(began), cpu()-worked)
						if n == 300000 && workers == 32 && (u.peak > 200 || u.allocs > 6) {
							b.Errorf("%.0f bytes at the peak and %.2f allocations a person, want at most 200 and 6", u.peak, u.allocs)
						}
						if c := pf.People.Counts; c.JumpCloud != n+1 || c.AzureAD != n+1 || c.LockedOut != 2*n/100 {
							b.Fatalf("%+v", c)
						}
					}
				})
			}
			b.Run("loop", func(b *testing.B) {
				for b.Loop() {
					began, worked := time.Now(), cpu()
					u := measure(n, func() any {
						if got := s.loop(b, n, 32); got != 2*n/100 {
							b.Fatalf("%d locked out", got)
						}
						return nil
					})
					u.report(b, time.Since(began), cpu()-worked)
				}
			})
		})
	}
	runtime.GC()
}
