package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
)

const entry = `  - name: Contoso
    domain: contoso.example
    jumpCloud: {apiKey: env:JC}
    azureAD: {token: env:AD}
    plan: {mfa: acceptIfMfaDoneByFederatedIdp, groups: [{name: All}], technicalAccount: {userPrincipalName: a@t.onmicrosoft.com}}
`

// An operator that cannot begin says why, and what it is about, in one message, and ends;
// its first line is there in any case. Temporal is never asked.
func TestNoStart(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 4)
	taken := filepath.Join(t.TempDir(), "taken")
	dir, err := data.Open(taken, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, tt := range map[string]struct {
		file, dir string // "" is a good one
		env       map[string]string
		says      []string
		code      int
	}{
		"no file": {file: "none", says: []string{"customers file cannot be read", "none"}},
		"two entries": {
			file: "customers:\n" + entry + strings.Replace(entry, "contoso.ex", "CONTOSO.ex", 1),
			says: []string{"line 3 ", "line 8", "contoso.example"},
		},
		"unknown field":  {file: "customers:\n" + entry + "    ownr: me\n", says: []string{"line 7", "ownr", `did you mean "owner"`}},
		"no customer":    {file: "customers: []\n", says: []string{"line 1,", "Stop"}},
		"folder is file": {dir: "/dev/null/data", says: []string{"/dev/null"}},
		"folder is held": {dir: taken, says: []string{"is held by", "end that one first"}},
		"bad key":        {env: map[string]string{payloadVariable: "short"}, says: []string{payloadVariable}},
		"bad address":    {env: map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "/none", "TEMPORAL_TLS": "true"}, says: []string{"TEMPORAL_"}},
		"bad collector":  {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "nowhere"}, says: []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		"no log-in":      {env: map[string]string{passwordVariable: ""}, says: []string{"-identity-header"}, code: exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []string{approve.KeyVariable, payloadVariable, passwordVariable} {
				t.Setenv(n, key)
			}
			t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
			for n, v := range tt.env {
				t.Setenv(n, v)
			}
			file := filepath.Join(t.TempDir(), "customers.yaml")
			text := tt.file
			if text == "" {
				text = "customers:\n" + entry
			}
			if text == "none" {
				file = filepath.Join(t.TempDir(), "none")
			} else if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			at := tt.dir
			if at == "" {
				at = filepath.Join(t.TempDir(), "data")
			}
			var out strings.Builder
			began := time.Now()
			code := dispatch(t.Context(), []string{"-customers", file, "-data", at, "-addr", "127.0.0.1:0"}, &out, &out)
			if tt.code == 0 {
				tt.code = exitWrong
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("does not say %q:\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), key) {
				t.Errorf("a key is in:\n%s", out.String())
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}
