// Package examples holds programs that use the library as a stranger would.
package examples

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestREADMESentences holds the README to what is tested: each sentence stands in a
// list, with the tests that hold it, and these exist.
func TestREADMESentences(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Example)\w*)\(`)
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(b, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(tests) < 100 {
		t.Fatalf("%d tests, %v", len(tests), err)
	}

	list, err := os.ReadFile(filepath.Join("testdata", "readme.txt"))
	if err != nil {
		t.Fatal(err)
	}
	held := make(map[string]bool)
	var last string
	for line := range strings.Lines(string(list)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"), line == "":
		case strings.HasPrefix(line, "\t"):
			for _, name := range strings.Fields(line) {
				_, err := os.Stat(filepath.Join(root, name))
				if !tests[name] && err != nil {
					t.Errorf("there is no %s, which is to hold: %s", name, last)
				}
			}
			held[last] = true
		default:
			last, held[line] = line, false
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := sentences(string(text))
	if len(said) < 40 {
		t.Errorf("%d sentences", len(said))
	}
	for _, s := range said {
		if by, ok := held[s]; !ok || !by {
			t.Errorf("nothing holds: %s", s)
		}
		delete(held, s)
	}
	for s := range held {
		t.Errorf("the README does not say: %s", s)
	}
}

// sentences are those of a text in Markdown, without headings, tables and code, and
// without lines that only lead to code.
func sentences(text string) (all []string) {
	text = regexp.MustCompile("(?s)\n```.*?\n```").ReplaceAllString(text, "\n")
	item := regexp.MustCompile(`(?m)^(?:- |\d+\. )`)
	end := regexp.MustCompile("\\. +([A-Z`])")
	for _, block := range regexp.MustCompile(`\n\s*\n`).Split(text, -1) {
		if block = strings.TrimSpace(block); strings.HasPrefix(block, "#") || strings.HasPrefix(block, "|") {
			continue
		}
		for _, part := range item.Split(block, -1) {
			part = strings.Join(strings.Fields(part), " ")
			for _, s := range strings.Split(end.ReplaceAllString(part, ".\n$1"), "\n") {
				if s != "" && s != "To watch it, and to test it:" && s != "Licence: Apache 2.0." {
					all = append(all, s)
				}
			}
		}
	}
	return all
}
