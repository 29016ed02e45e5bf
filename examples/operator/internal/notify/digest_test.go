package notify

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

func TestDigest(t *testing.T) {
	watched := func(days int) *flow.Watched { return &flow.Watched{Known: true, Days: days} }
	lasting := &flow.Problem{Class: "denied", Code: "a-code", Text: "ada@contoso.example may not"}
	at := time.Date(2026, 11, 28, 1, 0, 0, 0, time.FixedZone("", 2*3600)) // still the 27th in UTC
	for _, test := range []struct {
		name   string
		states []flow.State
		days   int
		want   string
	}{
		{"none", nil, 0, "2026-11-27: 0 domains\nno certificate's end is known"},
		{"one", []flow.State{{Domain: "a.example", Phase: flow.Watching, Watch: watched(1)}}, 1,
			"2026-11-27: 1 domain: 1 only watched\nthe certificate that ends first: a.example, 1 day left"},
		{"ended", []flow.State{{Domain: "a.example", Phase: flow.Watching, Watch: watched(-2)}}, -2,
			"2026-11-27: 1 domain: 1 only watched\nthe certificate that ends first: a.example, 2 days ago"},
		{"all kinds", []flow.State{
			{Domain: "g.example", Phase: flow.Retired, Problem: lasting, Watch: watched(1)},
			{Domain: "f.example", Phase: flow.Watching, Unlisted: true, Failures: 3, Watch: watched(2)},
			{Domain: "e.example", Phase: flow.Watching, Paused: true, Watch: &flow.Watched{Known: true, Days: 40, Foreign: true}},
			{Domain: "d.example", Phase: flow.Watching, Watch: &flow.Watched{Known: true, Days: 30, Drift: 1, Twice: true}},
			{Domain: "c.example", Phase: flow.Verifying, Failures: 1},
			{Domain: "b.example", Phase: flow.People, Problem: lasting, Watch: &flow.Watched{Days: 3, Drift: 1}},
			{Domain: "a.example", Phase: flow.Approval},
			{Domain: "h.example", Phase: "dreaming"},
		}, 30, strings.Join([]string{
			"2026-11-27: 8 domains: 1 waiting for an approval, 1 waiting until people can sign in, 3 only watched, " +
				"1 waiting for somebody, 1 retired, 1 other",
			"1 wait for an approval: a.example",
			"1 wait for somebody to do something: b.example (denied a-code)",
			"1 fail: c.example",
			"1 accept a certificate that nobody knows: e.example",
			"1 differ from their plan: d.example",
			"1 are paused: e.example",
			"1 are not in the customers file: f.example",
			"the certificate that ends first: d.example, 30 days left",
		}, "\n")},
		{"names of people", []flow.State{
			{Domain: "ada@contoso.example", Phase: flow.People, Problem: &flow.Problem{Class: "denied", Code: "grace@contoso.example"}},
		}, 0, "2026-11-27: 1 domain: 1 waiting for somebody\n1 wait for somebody to do something: <address> (denied <address>)\n" +
			"no certificate's end is known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := flow.Notice{ID: "digest/2026-11-27", Kind: flow.NoticeDigest, Days: test.days, Text: test.want}
			if diff := cmp.Diff(want, Digest(test.states, at)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDigestIsBounded(t *testing.T) {
	var states []flow.State
	for i := range 3000 {
		name := fmt.Sprintf("%04d-%s.example", i, strings.Repeat("ä", 200))
		for _, p := range phases {
			problem := &flow.Problem{Code: strings.Repeat("x", 999)}
			states = append(states, flow.State{Domain: name, Phase: p, Failures: 1, Paused: true, Problem: problem})
		}
	}
	before := states[0].Domain
	n := Digest(states, noon)
	if len(n.Text) > digestText || !strings.Contains(n.Text, "3000 wait for an approval") || !strings.Contains(n.Text, "and 2990 more") {
		t.Errorf("%d bytes: %s", len(n.Text), n.Text)
	}
	if states[0].Domain != before {
		t.Error("the states were put into another order")
	}
	if _, err := encode(n); err != nil {
		t.Error(err)
	}
}

// TestPhasesAreAll reads the phases of package flow, so that a new one is told by name.
func TestPhasesAreAll(t *testing.T) {
	text, err := os.ReadFile("../flow/state.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\t\w+ +Phase = "(\w+)"`).FindAllStringSubmatch(string(text), -1)
	if len(found) != len(phases) {
		t.Fatalf("%d phases, want %d", len(phases), len(found))
	}
	for i, m := range found {
		if string(phases[i]) != m[1] {
			t.Errorf("phase %d: %s, want %s", i, phases[i], m[1])
		}
	}
}
