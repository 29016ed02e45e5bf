// Package surface_test holds what this module exports against a list, so that a
// change of it is seen by who makes it and by who reads it.
package surface_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

// root is the module's folder.
const root = "../.."

// TestSurface: what the public packages export is what testdata/surface.txt lists.
// The list has one line for each declaration of "go doc -short", and the members
// of the types beside it. It does not depend on how a declaration is broken into
// lines, nor on comments.
func TestSurface(t *testing.T) {
	var got strings.Builder
	for _, dir := range publicPackages(t) {
		surface(t, &got, dir)
	}
	const golden = "testdata/surface.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("the exported surface differs (-want +got); -update writes it anew, and CHANGELOG.md has to tell of it:\n%s", diff)
	}
}

// publicPackages returns the folders of this module that others can import.
func publicPackages(t *testing.T) []string {
	var dirs []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				dirs = append(dirs, filepath.Dir(name))
			}
		case name != root && (d.Name() == "internal" || d.Name() == "testdata" || d.Name() == "examples" || d.Name()[0] == '.'):
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(dirs)
	if dirs = slices.Compact(dirs); len(dirs) < 5 {
		t.Fatalf("packages: %q", dirs)
	}
	return dirs
}

const unexported = "// contains filtered or unexported fields\n"

// surface lists the exported declarations of a package without their comments.
func surface(t *testing.T, w *strings.Builder, dir string) {
	name, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, path.Join("github.com/jcaad/jcaad", filepath.ToSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "package %s\n\n", p.ImportPath)
	show := func(decl ast.Node) {
		var b bytes.Buffer
		if err := format.Node(&b, token.NewFileSet(), decl); err != nil { // without places: see above
			t.Fatal(err)
		}
		text := b.String()
		for _, gap := range [...]string{"\n\n}", "\n}"} { // the printer does not know where the remark belongs
			text = strings.ReplaceAll(text, gap+unexported, "\n\t"+strings.TrimSpace(unexported)+"\n}")
		}
		fmt.Fprintf(w, "%s\n", text)
	}
	values := func(all []*doc.Value) {
		for _, v := range all {
			show(v.Decl)
		}
	}
	funcs := func(all []*doc.Func) {
		for _, f := range all {
			f.Decl.Doc, f.Decl.Body = nil, nil
			show(f.Decl)
		}
	}
	values(p.Consts)
	values(p.Vars)
	funcs(p.Funcs)
	for _, typ := range p.Types {
		show(typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs)
		funcs(typ.Methods)
	}
	fmt.Fprintln(w)
}
