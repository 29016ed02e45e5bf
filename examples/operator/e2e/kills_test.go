//go:build !race

package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/fakes"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

var load = flag.Bool("load", false, "run TestLoad: 300 customers of 1,000 people")

// TestKills federates 30 customers while the operator is killed three times and Temporal
// once. Nothing is done twice, nothing is lost, nobody is named.
func TestKills(t *testing.T) {
	if testing.Short() {
		t.Skip("a server is built")
	}
	run(t, 30, 100, 3, 3*time.Minute)
}

// TestLoad is TestKills of a size that a provider has.
func TestLoad(t *testing.T) {
	if !*load {
		t.Skip("without -load")
	}
	begun := time.Now()
	p := run(t, 300, 1000, 10, 20*time.Minute)
	took := time.Since(begun)
	t.Logf("%v, %d MiB of the operator", took.Round(time.Second), p.highWater>>10)
	if p.highWater > 1<<20 {
		t.Errorf("the operator had %d KiB of memory", p.highWater)
	}
	if took > 10*time.Minute {
		t.Errorf("it took %v", took)
	}
}

// run federates customers through kills of the operator, and one of Temporal, spread over
// the whole of it.
func run(t *testing.T, customers, people, kills int, limit time.Duration) *program {
	p := begin(t, customers, people, 720)
	p.until("the first write", limit, func() bool {
		n := 0
		return p.get("/writes", &n) == nil && n > 0
	})
	p.kill() // while the pilot is written
	p.start()
	p.until("it is there again", time.Minute, func() bool {
		_, err := fetch("http://"+p.metrics+"/metrics", nil)
		return err == nil
	})
	p.kill() // while it finds out where everything is
	p.start()
	for i := 2; i < kills; i++ {
		want := 1 + i*customers/(kills+1)
		p.until(fmt.Sprintf("%d are federated", want), limit, func() bool { return p.federated() >= want })
		if i == (kills+1)/2 {
			p.killServer()
		}
		p.kill()
		p.start()
	}
	c := p.dial()
	var all []fakes.Customer
	if err := p.get("/customers", &all); err != nil || len(all) != customers {
		t.Fatalf("%d customers, %v", len(all), err)
	}
	for _, customer := range all {
		var s flow.State
		p.until(customer.Domain+" is effective", limit, func() bool {
			var err error
			s, err = state(c, customer.Domain)
			return err == nil && s.Effective && s.Phase == flow.Watching
		})
		if s.Problem != nil || len(s.Reports) == 0 {
			t.Errorf("%s: %+v", customer.Domain, s)
		}
	}
	var counts []fakes.Counts
	if err := p.get("/counts", &counts); err != nil || len(counts) != customers {
		t.Fatalf("%d counts, %v", len(counts), err)
	}
	for _, n := range counts {
		if n.Applications != 1 || n.Created != 1 || n.Federations != 1 || n.Federated != 1 || n.Bindings != 1 {
			t.Errorf("not once: %+v", n)
		}
	}
	p.histories(c, customers)
	p.silence(p.canaries(all))
	out, err := exec.Command(p.exe, "audit", "verify", "-data", p.dir).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("the chain is whole")) {
		t.Errorf("the audit: %v, %s", err, out)
	}
	p.childless()
	return p
}

// canaries are the secrets and the people of the customers.
func (p *program) canaries(all []fakes.Customer) []string {
	p.t.Helper()
	env := make(map[string]string)
	if err := p.get("/environment", &env); err != nil {
		p.t.Fatal(err)
	}
	found := append(slices.Collect(maps.Values(env)), password, notifyKey)
	if len(found) < 2*len(all) {
		p.t.Fatalf("there are only %d secrets", len(found))
	}
	for _, c := range all[:min(3, len(all))] {
		token := http.Header{"Authorization": {"Bearer " + env[fmt.Sprintf("FAKE_%03d_GRAPH", c.Number)]}}
		b, err := fetch(fmt.Sprintf("http://%s/c/%d/graph/v1.0/users", p.child("serve-fakes").Addr, c.Number), token)
		if err != nil {
			p.t.Fatal(err)
		}
		var page struct {
			Value []struct{ UserPrincipalName, DisplayName string }
		}
		if err := json.Unmarshal(b, &page); err != nil || len(page.Value) < 50 {
			p.t.Fatalf("%v, %d people", err, len(page.Value))
		}
		for _, u := range page.Value {
			found = append(found, u.UserPrincipalName)
			if strings.Contains(u.DisplayName, " ") {
				found = append(found, u.DisplayName)
			}
		}
	}
	return found
}

// silence ends the program, and asserts that nothing of what it has kept in Temporal,
// logged, printed or sent has a canary.
func (p *program) silence(canaries []string) {
	p.t.Helper()
	metrics, err := fetch("http://"+p.metrics+"/metrics", nil)
	if err != nil {
		p.t.Error(err)
	}
	// It prints the password for whoever has started it.
	printed := strings.ReplaceAll(p.stop(syscall.SIGTERM), password, "")
	texts := map[string][]byte{"metrics": metrics, "notices": []byte(p.notices.String()), "what it prints": []byte(printed)}
	kept := filepath.Join(p.dir, "temporal.db")
	for _, pattern := range []string{kept + "*", filepath.Join(p.dir, "logs", "*"), filepath.Join(p.dir, "audit.jsonl")} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			p.t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, name := range files {
			if texts[name], err = os.ReadFile(name); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	// What can be read there at all.
	for name, want := range map[string]string{
		"metrics": "operator_domains", "notices": `"kind":"effective"`, "what it prints": "is written", kept: `{"domain":"customer01.example"`,
	} {
		if !bytes.Contains(texts[name], []byte(want)) {
			p.t.Errorf("%s (%d bytes) does not have %s", name, len(texts[name]), want)
		}
	}
	for name, text := range texts {
		text = bytes.ToLower(text)
		for _, canary := range canaries {
			if bytes.Contains(text, bytes.ToLower([]byte(canary))) {
				p.t.Errorf("%s has %q", name, canary)
			}
		}
	}
}
