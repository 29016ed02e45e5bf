// Package examples holds programs that use the library as a stranger would.
package examples

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestREADME builds the Go programs that the README prints.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var programs []string
	for i, part := range strings.Split(string(text), "\n```") {
		if code, ok := strings.CutPrefix(part, "go\n"); ok && i%2 == 1 {
			programs = append(programs, code)
		}
	}
	if len(programs) != 2 {
		t.Fatalf("%d programs, want 2", len(programs))
	}
	const head = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

var _ = azidentity.NewDefaultAzureCredential
var _ = federationtest.New
var _ = jumpcloud.New
var _ aad.Client
var _ federation.Plan
var _ = os.Getenv

func main() { fmt.Println(program(context.Background())) }

func program(ctx context.Context) error {
`
	dir, err := filepath.Abs("readme")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range programs {
		code = strings.ReplaceAll(code, "…", "if err != nil { return err }")
		if !strings.Contains(code, "fmt.Print(report)") {
			code += "\nfmt.Print(report)"
		}
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(head+code+"\nreturn err\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(dir, "main.go"): file}})
		if err != nil {
			t.Fatal(err)
		}
		list := filepath.Join(t.TempDir(), "overlay.json")
		if err := os.WriteFile(list, overlay, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "build", "-overlay", list, "-o", os.DevNull, "./readme").CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s\nin\n%s", err, out, code)
		}
	}
}
