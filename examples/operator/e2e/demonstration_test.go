//go:build !race

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDemonstration: without flags, but for where, the program shows within two minutes
// of its start what it is for, and ends with all of its children.
func TestDemonstration(t *testing.T) {
	if testing.Short() {
		t.Skip("a server is built")
	}
	t.Parallel()
	exe, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, exe: exe, dir: filepath.Join(t.TempDir(), "data"), metrics: free(t), env: os.Environ()}
	p.args = []string{"-data", p.dir, "-addr", free(t), "-metrics-addr", p.metrics}
	t.Cleanup(p.clean)
	begun := time.Now()
	p.start()
	p.until("a first line", firstLine, func() bool { return p.out.String() != "" })
	for _, tt := range []struct{ what, text string }{
		{"federate", `customer01.example +is written`},
		{"wait", `customer01.example +written; waits until people can sign in`},
		{"effective", `customer01.example +effective`},
		{"drift", `customer\d+.example +drift: .*waits for you`},
		{"rotation, begun", `customer01.example +rotation: published`},
		{"rotation, done", `customer01.example +rotation: retired`},
		{"the whole tour", `has seen it all`},
	} {
		text := regexp.MustCompile(tt.text)
		p.until(tt.what, 2*time.Minute-time.Since(begun), func() bool { return text.MatchString(p.out.String()) })
		t.Logf("%4.0f s: %s", time.Since(begun).Seconds(), tt.what)
	}
	for _, domain := range []string{"customer05", "customer07", "customer08"} {
		if !regexp.MustCompile(domain + `.example +does not go on: `).MatchString(p.out.String()) {
			t.Errorf("%s is not in trouble:\n%s", domain, p.out.String())
		}
	}
	p.told()
	out, err := exec.Command(exe, "-data", p.dir, "-addr", free(t)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is held by") {
		t.Errorf("a second operator: %v\n%s", err, out)
	}
	p.stop(os.Interrupt)
	p.childless()
	log, err := os.ReadFile(filepath.Join(p.dir, "logs", "operator.log"))
	if err != nil || strings.Contains(string(log), "level=ERROR") || strings.Contains(string(log), "Heartbeat") {
		t.Errorf("the log: %v\n%s", err, log)
	}
}

// told asserts what the metrics tell of a demonstration.
func (p *program) told() {
	p.t.Helper()
	b, err := fetch("http://"+p.metrics+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, want := range []string{
		`operator_steps_total{outcome="done"} [1-9]`,
		`operator_requests_total{class="2xx",service="azuread"} [1-9]`,
		`operator_requests_total{class="2xx",service="jumpcloud"} [1-9]`,
		`operator_throttles_total{service="jumpcloud"} \d`,
		`operator_domains{phase="watching"} [1-9]`,
		`operator_domains{phase="people"} 3`,
		`operator_domains_found{state="federated"} [1-9]`,
		`operator_certificate_days{domain="customer01.example"} [1-9]`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).Match(b) {
			p.t.Errorf("the metrics do not have %s:\n%s", want, b)
		}
	}
}

// childless asserts that no child is left.
func (p *program) childless() {
	p.t.Helper()
	for _, role := range []string{"serve-temporal", "serve-fakes"} {
		if info, ok := p.find(role); ok {
			p.t.Errorf("%s is still there: process %d", role, info.PID)
		}
	}
}
