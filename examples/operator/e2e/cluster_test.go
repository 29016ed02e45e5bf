//go:build !race

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/codec"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/temporal"
)

// Keys of production, to be found nowhere.
const (
	approvalKey = "3f9a41c07be2d5618fa04c7e92b1d36058ea7c4f10b9d2637e5a81c4f06b9d21"
	payloadKey  = "91d0e7b35ac24f8613be07d9a45c82f1607e3bd9c41a5f8207d6e93b1c4a0f75"
)

// TestCluster: with a customers file the program works on a Temporal that is not its own,
// and that is away at the start, and once more in the middle. What that keeps is
// encrypted. A wrong file changes nothing, and a good one is taken as soon as it can be.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("a server is built")
	}
	t.Parallel()
	exe, err := build()
	if err != nil {
		t.Fatal(err)
	}
	services, addr := filepath.Join(t.TempDir(), "services"), free(t)
	service := func(args ...string) *program {
		s := &program{t: t, exe: exe, dir: services, args: append(args, "-data", services), env: os.Environ()}
		t.Cleanup(s.clean)
		return s
	}
	cluster := service("serve-temporal", "-addr", addr)
	stand := service("serve-fakes", "-customers", "3", "-plain", "-speed", "1", "-propagation", "-1s", "-drift", "0")
	stand.start()
	at := "http://" + stand.child("serve-fakes").Addr
	whole, err := fetch(at+"/customers.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets := make(map[string]string)
	if err := stand.get("/environment", &secrets); err != nil || len(secrets) == 0 {
		t.Fatalf("%d secrets, %v", len(secrets), err)
	}
	third := bytes.LastIndex(whole, []byte("  - name:"))
	file := filepath.Join(t.TempDir(), "customers.yaml")
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(file+".new", b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(whole[:third])

	page := free(t)
	traced, collector := collect(t)
	p := &program{t: t, exe: exe, dir: filepath.Join(t.TempDir(), "data"), metrics: free(t)}
	p.args = []string{"-customers", file, "-data", p.dir, "-addr", page, "-metrics-addr", p.metrics,
		"-identity-header", "X-User", "-trusted-proxy", "127.0.0.1/32"}
	p.env = append(os.Environ(), "TEMPORAL_ADDRESS="+addr, "TEMPORAL_NAMESPACE="+temporal.Namespace,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector, "OPERATOR_APPROVAL_KEY="+approvalKey,
		"OPERATOR_PAYLOAD_KEY="+payloadKey, "OPERATOR_KEY_PASSPHRASE="+password)
	for name, value := range secrets {
		p.env = append(p.env, name+"="+value)
	}
	t.Cleanup(p.clean)
	says := func(text string) func() bool {
		return func() bool { return strings.Contains(p.out.String(), text) }
	}
	p.start()
	p.until("a first line", firstLine, says("The operator begins"))
	p.until("it says that Temporal is away", time.Minute, says("Temporal does not answer"))
	answers(t, page)

	cluster.start()
	c := encryptedClient(t, addr)
	waits := func(domain string) func() bool {
		return func() bool {
			s, err := state(c, domain)
			return err == nil && s.Phase == flow.Approval && s.Open != nil
		}
	}
	p.until("the first waits for an approval", time.Minute, waits("customer01.example"))
	p.until("the second waits for an approval", time.Minute, waits("customer02.example"))
	p.until("it says that Temporal is back", time.Minute, says("Temporal answers again"))
	if _, err := state(c, "customer03.example"); err == nil {
		t.Error("a domain is managed that is not listed")
	}

	hangup := func() {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	again := bytes.Replace(whole[third:], []byte("customer03"), []byte("CUSTOMER01"), 1)
	write(append(bytes.Clone(whole[:third]), again...))
	hangup()
	p.until("the wrong file is told", 10*time.Second, says("the domain customer01.example has two entries"))
	write(bytes.Replace(whole, []byte("    mode: manage"), []byte("    mods: manage"), 1))
	hangup()
	p.until("the wrong field is told", 10*time.Second, says("did you mean"))
	if s, err := state(c, "customer01.example"); err != nil || s.Unlisted || s.Phase != flow.Approval {
		t.Errorf("a wrong file has changed something: %v, %+v", err, s)
	}

	cluster.kill()
	write(whole)
	hangup()
	p.until("it says that the change is told later", time.Minute, says("told to the workflows later"))
	answers(t, page)
	cluster.start()
	p.until("the third waits for an approval", 2*time.Minute, waits("customer03.example"))

	p.stop(syscall.SIGTERM)
	c.Close()
	cluster.stop(syscall.SIGTERM)
	p.readable(services, secrets, traced.String())
	out, err := exec.Command(exe, "audit", "verify", "-data", p.dir).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("the chain is whole")) {
		t.Errorf("the audit: %v, %s", err, out)
	}
	log, err := os.ReadFile(filepath.Join(p.dir, "audit.jsonl"))
	if err != nil || bytes.Count(log, []byte(`"not taken: `)) != 2 {
		t.Errorf("the audit does not tell the wrong files: %v\n%s", err, log)
	}
}

// answers asserts that the page is served, to somebody whom the proxy names.
func answers(t *testing.T, addr string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-User", "operator")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		t.Errorf("the page: %s", resp.Status)
	}
}

// encryptedClient is one that can read what the operator has Temporal keep.
func encryptedClient(t *testing.T, addr string) client.Client {
	t.Helper()
	keys, err := codec.ParseKeys(payloadKey)
	if err != nil {
		t.Fatal(err)
	}
	o := client.Options{HostPort: addr, Namespace: temporal.Namespace, Logger: silent{}}
	if o.DataConverter, o.FailureConverter, err = codec.New(keys, codec.Options{}); err != nil {
		t.Fatal(err)
	}
	c, err := client.NewLazyClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// readable asserts that the database has names of domains in the IDs of workflows alone,
// and that nothing there, in the logs, the audit or the traces is a secret.
func (p *program) readable(services string, secrets map[string]string, traced string) {
	p.t.Helper()
	if !regexp.MustCompile(`"name":\s*"GET azuread /[^"]*\{id\}`).MatchString(traced) || strings.Contains(traced, "customer0") {
		p.t.Errorf("no request is traced, or a domain is named:\n%.2000s", traced)
	}
	var kept []byte
	files, err := filepath.Glob(filepath.Join(services, "temporal.db*"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		kept = append(kept, b...)
	}
	for _, want := range []string{"domain/customer03.example", "Look"} { // what can be read there at all
		if !bytes.Contains(kept, []byte(want)) {
			p.t.Errorf("the database (%d bytes) does not have %s", len(kept), want)
		}
	}
	all := regexp.MustCompile(`.{0,40}customer0\d\.example.{0,20}`).FindAll(kept, -1)
	for _, at := range all {
		if !bytes.Contains(at, []byte("domain/customer0")) {
			p.t.Errorf("the database names a domain: %q", at)
			break
		}
	}
	for _, not := range []string{`"domain":`, `"phase":`, `"customer":`} {
		if bytes.Contains(kept, []byte(not)) {
			p.t.Errorf("the database has %s", not)
		}
	}
	log, err := os.ReadFile(filepath.Join(p.dir, "audit.jsonl"))
	if err != nil {
		p.t.Fatal(err)
	}
	for name, value := range secrets {
		b, err := json.Marshal(value)
		if err != nil {
			p.t.Fatal(err)
		}
		for where, text := range map[string][]byte{"database": kept, "audit": log, "log": []byte(p.out.String()), "trace": []byte(traced)} {
			if bytes.Contains(text, bytes.Trim(b, `"`)) {
				p.t.Errorf("the %s has the value of %s", where, name)
			}
		}
	}
	for _, key := range []string{approvalKey, payloadKey, password} {
		if strings.Contains(p.out.String(), key) || bytes.Contains(kept, []byte(key)) || bytes.Contains(log, []byte(key)) {
			p.t.Errorf("a key is shown: %s", key)
		}
	}
}
