// Package surface has only a test: of what the module exports.
package surface

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
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestSurface: what the public packages export is what testdata/surface.txt lists,
// so that a change of it is seen by who makes it and by who reads it.
func TestSurface(t *testing.T) {
	var got strings.Builder
	root := os.DirFS("../..")
	for _, dir := range publicPackages(t, root) {
		list(t, &got, root, dir)
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
		t.Errorf("the exported surface differs (-want +got); -update writes it anew, and CHANGELOG.md tells of it:\n%s", diff)
	}
}

// publicPackages returns the folders of this module that others can import.
func publicPackages(t *testing.T, root fs.FS) []string {
	var dirs []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				dirs = append(dirs, path.Dir(name))
			}
		case name != "." && (d.Name() == "internal" || d.Name() == "testdata" || d.Name() == "examples" || d.Name()[0] == '.'):
			return fs.SkipDir
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

// list lists the exported declarations of a package without their comments.
func list(t *testing.T, w *strings.Builder, root fs.FS, dir string) {
	names, err := fs.Glob(root, path.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(fset, name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "package %s\n\n", p.ImportPath)
	show := func(decl ast.Node) {
		var b bytes.Buffer
		if err := format.Node(&b, fset, decl); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "%s\n", b.String())
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
