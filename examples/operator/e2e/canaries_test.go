//go:build !race

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/jcaad/jcaad/examples/operator/internal/fakes"
)

// canaries are texts that are to be found nowhere, or where people may be named alone.
type canaries struct{ secrets, people [][]byte }

// naming is what of the program's folder may name people.
var naming = []string{"people", "reports", "proposals", "verifications", "rotations", "notes", "customers.yaml"}

// canaries are the secrets and the people of the customers.
func (p *program) canaries(all []fakes.Customer) (found canaries) {
	p.t.Helper()
	env := make(map[string]string)
	if err := p.get("/environment", &env); err != nil {
		p.t.Fatal(err)
	}
	for _, secret := range append(slices.Collect(maps.Values(env)), password, notifyKey) {
		found.secrets = append(found.secrets, []byte(secret))
	}
	if len(found.secrets) < 2*len(all) {
		p.t.Fatalf("there are only %d secrets", len(found.secrets))
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
			found.people = append(found.people, []byte(strings.ToLower(u.UserPrincipalName)))
			if strings.Contains(u.DisplayName, " ") {
				found.people = append(found.people, []byte(strings.ToLower(u.DisplayName)))
			}
		}
	}
	return found
}

// silence ends the program, and asserts that nothing of what it has printed, sent, logged,
// and kept in Temporal or in its folder has a secret, or names a person where it must not.
func (p *program) silence(c canaries) {
	p.t.Helper()
	metrics, err := fetch("http://"+p.metrics+"/metrics", nil)
	if err != nil {
		p.t.Error(err)
	}
	printed := p.stop(syscall.SIGTERM)
	texts := map[string][]byte{"metrics": metrics, "notices": []byte(p.notices.String()), "what it prints": []byte(printed)}
	var names strings.Builder // of files
	err = filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(p.dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintln(&names, name)
		texts[name], err = content(path)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	texts["names of files"] = []byte(names.String())
	// What can be read there at all.
	for name, want := range map[string]string{
		"metrics": "operator_domains", "notices": `"kind":"effective"`, "what it prints": "is written",
		"temporal.db": `{"domain":"customer01.example"`, "audit.jsonl": `"verb":"federate"`, "logs/operator.log": "serve-temporal is started",
		"logs/serve-fakes.log": "ready at", "names of files": "reports/customer01.example/",
	} {
		if !bytes.Contains(texts[name], []byte(want)) {
			p.t.Errorf("%s (%d bytes) does not have %s", name, len(texts[name]), want)
		}
	}
	named := 0
	for name, text := range texts {
		if canary := first(text, c.secrets); canary != nil {
			p.t.Errorf("%s has the secret %q", name, canary)
		}
		canary := first(bytes.ToLower(text), c.people)
		switch top, _, _ := strings.Cut(filepath.ToSlash(name), "/"); {
		case canary == nil:
		case slices.Contains(naming, top):
			named++
		default:
			p.t.Errorf("%s names %q", name, canary)
		}
	}
	if named == 0 {
		p.t.Error("no list of people names a person: the canaries are wrong")
	}
}

// first returns the first of the canaries that is in a text.
func first(text []byte, canaries [][]byte) []byte {
	for _, canary := range canaries {
		if bytes.Contains(text, canary) {
			return canary
		}
	}
	return nil
}

// content reads a file, and what is compressed in it.
func content(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || filepath.Ext(path) != ".gz" {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(z)
	return text, errors.Join(err, z.Close())
}
