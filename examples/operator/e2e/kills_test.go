//go:build !race

package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os/exec"
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
	f := p.figures
	t.Logf("%v; memory: operator %d MiB, server %d MiB; database %d MiB; %d requests",
		took.Round(time.Second), f.operator>>10, f.server>>10, f.database>>20, f.requests)
	if f.operator > 1<<20 {
		t.Errorf("the operator had %d KiB of memory", f.operator)
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
