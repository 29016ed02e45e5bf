package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files")

// TestFast: a whole rotation by each method, with the sign-ins of every second counted.
func TestFast(t *testing.T) {
	for _, c := range []struct {
		name, args string
		code       int
		says       []string
	}{
		{"own-key-pair", "", exitDone, []string{"published", "switched", "swapped", "retired", "sign-ins, 0 failed sign-ins"}},
		{"second-application", "-method second-application", exitDone,
			[]string{"created", "bound", "redirected", "swapped", "deactivated", "closed", "loginURL", "sign-ins, 0 failed sign-ins"}},
		{"pilot", "-method second-application -pilot", exitDone, []string{"pilot", "-approve", "closed", "sign-ins, 0 failed sign-ins"}},
		{"regenerate", "-method regenerate", exitDone,
			[]string{"gap: sign-ins fail for at most 2h2m", "regenerated", "retired", "7802 failed sign-ins", "promised a gap of at most 2h2m", "it was 2h0m6s"}},
		{"emergency", "-method emergency", exitDone,
			[]string{"an outage", "expelled", "revoked", "7802 failed sign-ins", "promised a gap of at most 2h2m", "it was 2h0m4s"}},
		{"no-lag", "-lag 0s", exitDone, []string{"sign-ins, 0 failed sign-ins"}},
		{"settle-below-lag", "-settle 30m", exitFailed, []string{"retired", "failed sign-ins", "signs with"}},
		{"regenerate-settle-below-lag", "-method regenerate -settle 30m", exitFailed, []string{"promised a gap of at most 32m", "it was 2h"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := program(t, t.Context(), clock{}, strings.NewReader(""), append([]string{"-fast"}, strings.Fields(c.args)...)...)
			r.want(t, c.code, c.says...)
			if zero := strings.Contains(r.out, " sign-ins, 0 failed sign-ins\n"); zero != strings.HasSuffix(c.says[len(c.says)-1], ", 0 failed sign-ins") {
				t.Errorf("0 failed sign-ins: %v", zero)
			}
			if r.err != "" {
				t.Errorf("standard error is not empty: %s", r.err)
			}
			golden(t, c.name, masked(r.out))
		})
	}
	for _, line := range []string{"-fast -settle 5m", "-fast -bits 1024", "-fast -method own-key-pair -pilot"} {
		program(t, t.Context(), clock{}, strings.NewReader(""), strings.Fields(line)...).want(t, exitRefused, "Refused")
	}
}

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update writes it anew:\n%s", path, got)
	}
}
