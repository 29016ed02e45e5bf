package judges_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// missing skips a test that needs what is not installed, or fails it where that must be.
func missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("JUDGES") == "required" {
		tb.Fatalf("%s", what)
	}
	tb.Skipf("%s: NOTHING IS HELD AGAINST IT", what)
}

// process is the one that runs node/serve.js.
type process struct {
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

var serve = sync.OnceValues(func() (*process, string) {
	if _, err := os.Stat(filepath.Join("node", "node_modules", "samlify")); err != nil {
		return nil, "npm ci has not been run in node/"
	}
	cmd := exec.Command("node", "serve.js")
	cmd.Dir, cmd.Stderr = "node", os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err.Error()
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err.Error()
	}
	if err := cmd.Start(); err != nil {
		return nil, err.Error()
	}
	return &process{in: in, out: bufio.NewReader(out)}, "" // it ends with its standard input
})

// answer is what a call gave.
type answer struct {
	Error        string `json:"error"`
	Message      []byte `json:"message"`
	NameID       string `json:"nameID"`
	Issuer       string `json:"issuer"`
	InResponseTo string `json:"inResponseTo"`
	Email        string `json:"email"`
	Audience     string `json:"audience"`
	ID           string `json:"id"`
	Policy       string `json:"policy"`
}

// node calls a function of node/serve.js.
func node(tb testing.TB, call string, args any) answer {
	tb.Helper()
	p, why := serve()
	if p == nil {
		missing(tb, why)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := json.NewEncoder(p.in).Encode(map[string]any{"call": call, "args": args}); err != nil {
		tb.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		tb.Fatalf("node has ended: %v", err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		tb.Fatalf("%v: %s", err, line)
	}
	return a
}
