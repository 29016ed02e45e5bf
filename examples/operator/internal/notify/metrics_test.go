package notify

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// scrape returns what Prometheus is told of the operator, without zeros and build.
func scrape(t *testing.T, m *Metrics) []string {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", resp.Status, err, body)
	}
	build := regexp.MustCompile(`(?m)^operator_build_info\{go="go1[^"]*",version="[^"]+"\} 1$`)
	if !build.Match(body) || !strings.Contains(string(body), "go_goroutines") {
		t.Errorf("no build info or process:\n%s", body)
	}
	var out []string
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "operator_") && !strings.HasPrefix(line, "operator_build_info") && !strings.HasSuffix(line, " 0") {
			out = append(out, strings.TrimPrefix(line, "operator_"))
		}
	}
	return out
}

func TestObserve(t *testing.T) {
	m := NewMetrics()
	if diff := cmp.Diff([]string(nil), scrape(t, m)); diff != "" {
		t.Errorf("before the first states: %s", diff)
	}
	m.Observe([]flow.State{
		{Domain: "a.example", Phase: flow.Approval, Found: federation.StateManaged, Paused: true},
		{Domain: "b.example", Phase: flow.Approval, Found: federation.StateManaged, Failures: 2},
		{Domain: "c.example", Phase: flow.Watching, Found: federation.StateFederated, Watch: &flow.Watched{Known: true, Days: 30, Foreign: true}},
		{Domain: "d.example", Phase: flow.Watching, Found: federation.StateFederated, Watch: &flow.Watched{Days: 9, Drift: 1, Twice: true}},
		{Domain: "e.example", Phase: flow.Watching, Found: federation.StateFederated, Unlisted: true, Watch: &flow.Watched{Known: true, Days: 3}},
		{Domain: "f.example", Phase: flow.Retired, Found: federation.StateManaged, Watch: &flow.Watched{Known: true, Days: 3}},
		{Domain: "g.example", Phase: "canary@phase", Found: "canary@state", Customer: "canary@customer", Waits: "canary@waits",
			Problem: &flow.Problem{Class: "canary@class", Code: "canary@code", Text: "canary@text"}},
		{Domain: "canary@contoso.example", Phase: flow.People, Watch: &flow.Watched{Known: true, Days: 4}},
	})
	want := []string{
		"approvals_waiting 2",
		`certificate_days{domain="c.example"} 30`,
		`domains{phase="approval"} 2`,
		`domains{phase="other"} 1`,
		`domains{phase="people"} 1`,
		`domains{phase="retired"} 1`,
		`domains{phase="watching"} 3`,
		"domains_drift 1",
		"domains_failing 1",
		"domains_foreign_certificate 1",
		`domains_found{state="federated"} 2`,
		`domains_found{state="managed"} 2`,
		`domains_found{state="other"} 1`,
		"domains_paused 1",
		"domains_unlisted 1",
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Error(diff)
	}
	m.Observe([]flow.State{{Domain: "z.example", Phase: flow.Watching, Watch: &flow.Watched{Known: true, Days: -1}}})
	want = []string{`certificate_days{domain="z.example"} -1`, `domains{phase="watching"} 1`}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Errorf("what is gone is still told: %s", diff)
	}
}

func TestObserveIsBounded(t *testing.T) {
	m := NewMetrics()
	var states []flow.State
	for i := range MaxDomains + 7 {
		watched := &flow.Watched{Known: true, Days: 5000 - i}
		states = append(states, flow.State{Domain: fmt.Sprintf("d%d.example", i), Phase: flow.Watching, Watch: watched})
	}
	m.Observe(states)
	text := strings.Join(scrape(t, m), "\n")
	if n := strings.Count(text, "certificate_days"); n != MaxDomains {
		t.Errorf("%d domains, want %d", n, MaxDomains)
	}
	if !strings.Contains(text, `"d1006.example"`) || strings.Contains(text, `"d6.example"`) {
		t.Error("not those that end first")
	}
}

func TestCounters(t *testing.T) {
	m := NewMetrics()
	for _, o := range []federation.Outcome{federation.Done, federation.Done, federation.Refused, "canary@outcome"} {
		m.Step(o)
	}
	m.notice(flow.NoticeDrift, nil)
	m.notice(flow.NoticeDrift, &Temporary{})
	m.notice("canary@kind", fmt.Errorf("wrapped: %w", &Permanent{}))

	status := http.StatusOK
	base := roundTripper(func(*http.Request) (*http.Response, error) {
		if status == 0 {
			return nil, errors.New("canary@error")
		}
		return &http.Response{StatusCode: status, Body: http.NoBody}, nil
	})
	for _, c := range []struct {
		service string
		status  int
	}{{JumpCloud, 200}, {JumpCloud, 204}, {JumpCloud, 429}, {AzureAD, 503}, {AzureAD, 0}, {"canary@service", 404}, {AzureAD, 999}} {
		status = c.status
		req, err := http.NewRequest("GET", "https://contoso.example/users/canary@path?canary@query", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := m.Transport(c.service, base).RoundTrip(req)
		if (err != nil) != (c.status == 0) || err == nil && resp.StatusCode != c.status {
			t.Errorf("%+v: %v", c, err)
		}
	}
	want := []string{
		`notices_total{kind="drift",outcome="failed"} 1`,
		`notices_total{kind="drift",outcome="sent"} 1`,
		`notices_total{kind="other",outcome="refused"} 1`,
		`requests_total{class="2xx",service="jumpcloud"} 2`,
		`requests_total{class="4xx",service="jumpcloud"} 1`,
		`requests_total{class="4xx",service="other"} 1`,
		`requests_total{class="5xx",service="azuread"} 1`,
		`requests_total{class="error",service="azuread"} 1`,
		`requests_total{class="other",service="azuread"} 1`,
		`steps_total{outcome="done"} 2`,
		`steps_total{outcome="other"} 1`,
		`steps_total{outcome="refused"} 1`,
		`throttles_total{service="jumpcloud"} 1`,
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Error(diff)
	}
	if problems, err := testutil.GatherAndLint(m.registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestSendIsCounted(t *testing.T) {
	m := NewMetrics()
	s, err := New(Options{URL: "https://hooks.example", Key: testKey(t, keyText), Metrics: m, Client: &http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), flow.Notice{Kind: flow.NoticeDrift}); err == nil {
		t.Fatal("a notice without an ID was sent")
	}
	want := []string{`notices_total{kind="approval",outcome="sent"} 1`, `notices_total{kind="drift",outcome="refused"} 1`}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Error(diff)
	}
}

func TestNoMetrics(t *testing.T) {
	var m *Metrics
	m.Step(federation.Done)
	m.Observe(nil)
	m.notice(flow.NoticeDrift, nil)
	base := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	req := httptest.NewRequest("GET", "https://contoso.example/", nil)
	if resp, err := m.Transport(JumpCloud, base).RoundTrip(req); err != nil || resp.StatusCode != http.StatusOK {
		t.Error(err)
	}
}

func TestMetricsAtOnce(t *testing.T) {
	m := NewMetrics()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			m.Observe([]flow.State{{Domain: fmt.Sprintf("d%d.example", i), Phase: flow.Approval, Watch: &flow.Watched{Known: true, Days: i}}})
			m.Step(federation.Done)
			if _, err := m.registry.Gather(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	text := strings.Join(scrape(t, m), "\n")
	if strings.Count(text, "certificate_days") != 1 || !strings.Contains(text, `steps_total{outcome="done"} 8`) {
		t.Error(text)
	}
}
