package assumptions_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/federation/assumptions"
)

// named is how comments name an assumption.
var named = regexp.MustCompile(`\b(?:jc|aad)(?:-[a-z0-9]+)+\b`)

// comments returns what the comments of a package's production code name, by file.
func comments(t *testing.T, dir string) map[string][]string {
	t.Helper()
	names := make(map[string][]string)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Comments {
			names[filepath.Base(file)] = append(names[filepath.Base(file)], named.FindAllString(c.Text(), -1)...)
		}
	}
	return names
}

// TestNamed: what comments name exists, and everything on the list is named on its
// package's page and at its knobs.
func TestNamed(t *testing.T) {
	exists := make(map[string]bool)
	for _, a := range assumptions.All() {
		exists[a.ID] = true
	}
	n := 0
	err := filepath.WalkDir("../..", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name == "testdata" || name != ".." && strings.HasPrefix(name, ".") || strings.Contains(dir, "examples/") {
			return filepath.SkipDir
		}
		for file, names := range comments(t, dir) {
			for _, name := range names {
				if n++; !exists[name] && name != "jc-cli" { // a program of JumpCloud's
					t.Errorf("%s/%s names %s, which is not on the list", dir, file, name)
				}
			}
		}
		return nil
	})
	if err != nil || n < 2*len(exists) {
		t.Fatalf("%d names, %v", n, err)
	}

	in := make(map[string]bool) // package and name
	for name, dir := range map[string]string{
		"jc": "../../jumpcloud", "aad": "../../aad", "jumpcloudtest": "../../jumpcloud/jumpcloudtest", "aadtest": "../../aad/aadtest",
	} {
		for file, names := range comments(t, dir) {
			for _, id := range names {
				in[name+" "+id] = true
				in[name+" "+id+" on the page"] = in[name+" "+id+" on the page"] || file == "doc.go"
			}
		}
	}
	for _, a := range assumptions.All() {
		pkg, _, _ := strings.Cut(a.ID, "-")
		if !in[pkg+" "+a.ID+" on the page"] {
			t.Errorf("%s is not on the page of its package", a.ID)
		}
		for _, knob := range a.Knobs {
			pkg, _, _ := strings.Cut(knob, ".")
			if !in[pkg+" "+a.ID] {
				t.Errorf("%s is not named at %s", a.ID, knob)
			}
		}
	}
}
