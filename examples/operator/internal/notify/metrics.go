package notify

import (
	"cmp"
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// MaxDomains is how many domains have a line of their own in the metrics, those whose
// certificates end first.
const MaxDomains = 1000

const other = "other" // what has a name that nobody knows

// Services that [Metrics.Transport] counts by; requests to any other are of "other".
const (
	JumpCloud = "jumpcloud"
	AzureAD   = "azuread"
)

// Metrics are what Prometheus is told. No label names a person or holds a secret: labels
// are names of this program, and domains. All methods may be called at once.
// The methods that count may be called on nil, and count nothing.
type Metrics struct {
	registry  *prometheus.Registry
	steps     *prometheus.CounterVec
	requests  *prometheus.CounterVec
	throttles *prometheus.CounterVec
	notices   *prometheus.CounterVec
	states    atomic.Pointer[[]prometheus.Metric]
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("operator_"+name, help, labels, nil)
}

// What is made of the states, all at once.
var (
	descDomains  = desc("domains", "Domains, by what their workflow does or waits for.", "phase")
	descFound    = desc("domains_found", "Domains, by the state that they were last seen in; retired and unlisted ones not.", "state")
	descDays     = desc("certificate_days", "Days that are left of the domain's certificate that ends first.", "domain")
	descWaiting  = desc("approvals_waiting", "Proposals that wait for people.")
	descFailing  = desc("domains_failing", "Domains whose last read or run failed.")
	descPaused   = desc("domains_paused", "Domains whose writes somebody holds.")
	descUnlisted = desc("domains_unlisted", "Domains that are not in the customers file.")
	descForeign  = desc("domains_foreign_certificate", "Domains for which Azure AD accepts a certificate that nobody knows.")
	descDrift    = desc("domains_drift", "Domains that were seen twice to differ from their plan.")
)

// NewMetrics returns metrics in a registry of their own. There are no domains before the
// first [Metrics.Observe].
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "operator", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		steps:     counter("steps_total", "Changes that were sent, by what became of them.", "outcome"),
		requests:  counter("requests_total", "Requests to a service, by the class of the answer; error is none.", "service", "class"),
		throttles: counter("throttles_total", "Answers of a service that say to come later (429).", "service"),
		notices:   counter("notices_total", "Attempts to send a notice.", "kind", "outcome"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "operator", Name: "build_info", Help: "1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": buildVersion(), "go": runtime.Version()},
	})
	build.Set(1)
	for _, service := range []string{JumpCloud, AzureAD} {
		m.throttles.WithLabelValues(service) // so that an alert sees the first
	}
	m.registry.MustRegister(m.steps, m.requests, m.throttles, m.notices, build, (*observed)(m),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (version == "" || version == "(devel)") {
			version = s.Value
		}
	}
	return cmp.Or(version, "unknown")
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Observe replaces what is told of the domains, all at once: one that is not in states is
// told no more.
func (m *Metrics) Observe(states []flow.State) {
	if m == nil {
		return
	}
	byPhase, byFound := make(map[string]float64), make(map[string]float64)
	for _, p := range phases {
		byPhase[string(p)] = 0
	}
	for _, s := range federation.States() {
		byFound[string(s)] = 0
	}
	known := func(counts map[string]float64, name string) string {
		if _, ok := counts[name]; ok {
			return name
		}
		return other
	}
	var waiting, failing, paused, unlisted, foreign, drift float64
	days := make(map[string]int)
	for i := range states {
		s := &states[i]
		byPhase[known(byPhase, string(s.Phase))]++
		if s.Phase == flow.Retired {
			continue
		}
		count(&unlisted, s.Unlisted)
		if s.Unlisted {
			continue
		}
		if s.Found != "" {
			byFound[known(byFound, string(s.Found))]++
		}
		count(&waiting, s.Phase == flow.Approval)
		count(&failing, s.Failures > 0)
		count(&paused, s.Paused)
		if w := s.Watch; w != nil {
			count(&foreign, w.Foreign)
			count(&drift, w.Drift > 0 && w.Twice)
			if w.Known && isDomain(s.Domain) {
				days[s.Domain] = w.Days
			}
		}
	}
	var out []prometheus.Metric
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out = append(out, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...))
	}
	for phase, n := range byPhase {
		gauge(descDomains, n, phase)
	}
	for state, n := range byFound {
		gauge(descFound, n, state)
	}
	gauge(descWaiting, waiting)
	gauge(descFailing, failing)
	gauge(descPaused, paused)
	gauge(descUnlisted, unlisted)
	gauge(descForeign, foreign)
	gauge(descDrift, drift)
	for _, domain := range soonest(days) {
		gauge(descDays, float64(days[domain]), domain)
	}
	m.states.Store(&out)
}

func count(n *float64, yes bool) {
	if yes {
		*n++
	}
}

// soonest returns at most [MaxDomains] domains.
func soonest(days map[string]int) []string {
	domains := make([]string, 0, len(days))
	for domain := range days {
		domains = append(domains, domain)
	}
	slices.SortFunc(domains, func(a, b string) int {
		return cmp.Or(cmp.Compare(days[a], days[b]), cmp.Compare(a, b))
	})
	return domains[:min(len(domains), MaxDomains)]
}

// isDomain reports whether a label may be made of it: an address of a person may not.
func isDomain(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
	})
}

// observed is the collector of what Observe has stored.
type observed Metrics

func (o *observed) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descDomains, descFound, descDays, descWaiting, descFailing, descPaused, descUnlisted, descForeign, descDrift,
	} {
		ch <- d
	}
}

func (o *observed) Collect(ch chan<- prometheus.Metric) {
	if metrics := o.states.Load(); metrics != nil {
		for _, m := range *metrics {
			ch <- m
		}
	}
}

// Step counts a change that was sent.
func (m *Metrics) Step(outcome federation.Outcome) {
	if m == nil {
		return
	}
	label := other
	switch outcome {
	case federation.Done, federation.Made, federation.Unknown, federation.Refused, federation.Skipped, federation.Left:
		label = string(outcome)
	}
	m.steps.WithLabelValues(label).Inc()
}

// notice counts an attempt to send one.
func (m *Metrics) notice(kind string, err error) {
	if m == nil {
		return
	}
	switch kind {
	case flow.NoticeApproval, flow.NoticeRefused, flow.NoticeFailed, flow.NoticeEffective, flow.NoticeExpiry, flow.NoticeDrift,
		flow.NoticeForeign, flow.NoticeUnlisted, flow.NoticeDigest, flow.NoticeRotated:
	default:
		kind = other
	}
	outcome := "sent"
	if err != nil {
		outcome = "failed" // and is tried again
		if _, ok := errors.AsType[*Permanent](err); ok {
			outcome = "refused"
		}
	}
	m.notices.WithLabelValues(kind, outcome).Inc()
}

// Transport counts what goes through base, each attempt, by service: [JumpCloud],
// [AzureAD] or other. A nil base is [http.DefaultTransport].
func (m *Metrics) Transport(service string, base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	if service != JumpCloud && service != AzureAD {
		service = other
	}
	return &counting{metrics: m, service: service, base: base}
}

type counting struct {
	metrics *Metrics
	service string
	base    http.RoundTripper
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.base.RoundTrip(r)
	if c.metrics == nil {
		return resp, err
	}
	class := "error"
	if err == nil {
		if class = other; resp.StatusCode >= 100 && resp.StatusCode < 600 {
			class = strconv.Itoa(resp.StatusCode/100) + "xx"
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			c.metrics.throttles.WithLabelValues(c.service).Inc()
		}
	}
	c.metrics.requests.WithLabelValues(c.service, class).Inc()
	return resp, err
}
