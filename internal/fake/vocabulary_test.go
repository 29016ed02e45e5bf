package fake_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the vocabulary of the stand-ins anew")

// inside are the types that nobody has to name who uses a stand-in.
var inside = []string{"Cell", "Front", "Log", "ThrottleStats"}

// TestVocabulary: both stand-ins export what this package does, under the same
// names and with the same words, so that a fault is added here alone.
func TestVocabulary(t *testing.T) {
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/jcaad/jcaad/internal/fake")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, typ := range p.Types {
		if slices.Contains(inside, typ.Name) {
			continue
		}
		alias(t, &b, fset, typ)
		for _, v := range typ.Consts {
			constants(&b, v)
		}
	}
	for _, dir := range []string{"../../aad/aadtest", "../../jumpcloud/jumpcloudtest"} {
		want, err := format.Source([]byte("// Code generated from package internal/fake by its test with -update. DO NOT EDIT.\n\npackage " +
			filepath.Base(dir) + "\n\nimport \"" + p.ImportPath + "\"\n" + b.String()))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "vocabulary.go")
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s does not say what this package does; -update writes it anew (-want +got):\n%s", name, diff)
		}
	}
}

// alias writes a type. "go doc" does not show what an alias of an internal type
// stands for, so the comment does.
func alias(t *testing.T, b *strings.Builder, fset *token.FileSet, typ *doc.Type) {
	var code bytes.Buffer
	if err := format.Node(&code, fset, typ.Decl); err != nil {
		t.Fatal(err)
	}
	for _, m := range typ.Methods {
		m.Decl.Doc, m.Decl.Body = nil, nil
		code.WriteByte('\n')
		if err := format.Node(&code, fset, m.Decl); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintf(b, "\n%s//\n", comment(typ.Doc, "// "))
	fmt.Fprintf(b, "%stype %s = fake.%[2]s\n", comment(code.String(), "//\t"), typ.Name)
}

// constants writes a group of constants, with what stands behind each.
func constants(b *strings.Builder, v *doc.Value) {
	fmt.Fprintf(b, "\n%sconst (\n", comment(v.Doc, "// "))
	for _, spec := range v.Decl.Specs {
		s := spec.(*ast.ValueSpec)
		for _, name := range s.Names {
			fmt.Fprintf(b, "%s = fake.%[1]s // %s\n", name.Name, strings.TrimSpace(s.Comment.Text()))
		}
	}
	b.WriteString(")\n")
}

func comment(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString(strings.TrimRight(prefix+strings.TrimRight(line, "\n"), " \t") + "\n")
	}
	return b.String()
}
