package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

func program(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestStandIns(t *testing.T) {
	code, out, errs := program(t, "-latency", "0")
	if code != exitLockedOut || errs != "" {
		t.Errorf("code %d, stderr %q", code, errs)
	}
	for _, s := range []string{"LOCKED OUT", "uma.underhill@example.com", "Tess Turner", "suspended in JumpCloud", "Meeting Room", "what to do"} {
		if !strings.Contains(out, s) {
			t.Errorf("the output does not say %q:\n%s", s, out)
		}
	}
}

func TestFormats(t *testing.T) {
	_, out, _ := program(t, "-latency", "0", "-people", "250", "-o", "csv")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) < 8 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	_, out, _ = program(t, "-latency", "0", "-o", "md")
	if !strings.HasPrefix(out, "# Preflight of example.com") || !strings.Contains(out, "| **locked out** |") {
		t.Errorf("Markdown: %s", out)
	}
	code, out, _ := program(t, "-latency", "0", "-o", "json")
	pf, err := federation.ParsePreflight([]byte(out))
	if err != nil || code != exitLockedOut || len(pf.LockedOut()) != 3 {
		t.Fatalf("code %d, %v\n%s", code, err, out)
	}
	path := filepath.Join(t.TempDir(), "before.json")
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	_, out, errs := program(t, "-latency", "0", "-before", path)
	if !strings.Contains(out, "locked out 3 -> 3") || errs != "" {
		t.Errorf("%s%s", out, errs)
	}
}

// TestLive runs against stand-ins that the flags name, as against live tenants.
func TestLive(t *testing.T) {
	env := federationtest.New(nil)
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Setenv("JUMPCLOUD_API_KEY", standin.APIKey)
	t.Setenv("JUMPCLOUD_CLIENT_ID", "")
	t.Setenv("JUMPCLOUD_ORG_ID", "")
	t.Setenv("GRAPH_TOKEN", s.GraphToken)
	plan := func(domain string) string {
		path := filepath.Join(t.TempDir(), "plan.yaml")
		text := "domain: " + domain + "\nmfa: acceptIfMfaDoneByFederatedIdp\ngroups: [{name: Everyone}]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	flags := []string{"-live", "-jumpcloud-url", s.JumpCloudURL, "-graph-url", s.AzureADURL, "-login-url", s.AzureADURL, "-graph-token-env", "GRAPH_TOKEN"}
	code, out, errs := program(t, append(flags, "-plan", plan("example.com"))...)
	if code != exitNobody || !strings.Contains(out, "nobody would be locked out") || errs != "" {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if n := env.Writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
	code, out, _ = program(t, append(flags, "-plan", plan("elsewhere.example"))...)
	if code != exitFailed || !strings.Contains(out, "elsewhere.example") {
		t.Errorf("unknown domain: code %d\n%s", code, out)
	}
	t.Setenv("JUMPCLOUD_API_KEY", "wrong")
	if code, _, errs := program(t, append(flags, "-plan", plan("example.com"))...); code != exitFailed || !strings.Contains(errs, "JumpCloud") {
		t.Errorf("wrong key: code %d\n%s", code, errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var o, e bytes.Buffer
	if code := run(ctx, append(flags, "-plan", plan("example.com")), &o, &e); code != exitInterrupted {
		t.Errorf("interrupted: code %d\n%s%s", code, o.String(), e.String())
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-nonsense"}, {"file"}, {"-o", "xml"}, {"-live"}, {"-plan", "x"}, {"-people", "-1"}, {"-live", "-plan", "x", "-people", "3"},
		{"-before", "missing.json"}, {"-before", "x", "-o", "csv"}, {"-live", "-plan", "missing.yaml"}, {"-latency", "-1s"},
	} {
		if code, out, errs := program(t, args...); code != exitUsage || out != "" || errs == "" {
			t.Errorf("%q: code %d, %q, %q", args, code, out, errs)
		}
	}
	if code, _, errs := program(t, "-h"); code != exitNobody || !strings.Contains(errs, "Exit codes:") {
		t.Errorf("-h: code %d, %s", code, errs)
	}
}
