package schema_test

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A source has the comments and constants of the packages that types are from, which
// reflection does not show.
type source map[string]*sourceType // by the type's package path and name

// sourceType is what is written about a type.
type sourceType struct {
	doc    string
	fields map[string]string // comments, by the field's name in Go
	values []value           // constants of the type, in order
}

// value is a constant, with its comment.
type value struct{ text, doc string }

// parse reads the package in a folder.
func (s source) parse(t *testing.T, pkg, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %d files", dir, err, len(names))
	}
	fset := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.of(pkg, spec.Name.Name).describe(decl, spec)
				case *ast.ValueSpec:
					s.constant(t, pkg, decl.Tok, spec)
				}
			}
		}
	}
}

func (s source) of(pkg, name string) *sourceType {
	key := pkg + "." + name
	if s[key] == nil {
		s[key] = &sourceType{fields: map[string]string{}}
	}
	return s[key]
}

func (s source) at(typ reflect.Type) *sourceType { return s.of(typ.PkgPath(), typ.Name()) }

// describe notes the comments of a type and its fields. A comment that begins with the
// names of two fields is for both.
func (st *sourceType) describe(decl *ast.GenDecl, spec *ast.TypeSpec) {
	st.doc = plain(spec.Doc, spec.Comment)
	if st.doc == "" && len(decl.Specs) == 1 {
		st.doc = plain(decl.Doc)
	}
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	last := ""
	for _, f := range structure.Fields.List {
		text := plain(f.Doc, f.Comment)
		for _, name := range f.Names {
			switch {
			case text != "":
				last = text
			case !regexp.MustCompile(`^\w+ and ` + name.Name + `\b`).MatchString(last):
				last = ""
			}
			st.fields[name.Name] = last
		}
	}
}

// constant notes the constants that have a type of this package and are text.
func (s source) constant(t *testing.T, pkg string, tok token.Token, spec *ast.ValueSpec) {
	name, ok := spec.Type.(*ast.Ident)
	if tok != token.CONST || !ok || !name.IsExported() {
		return
	}
	for i, v := range spec.Values {
		lit, ok := v.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue // a number, which its method says in words
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		st := s.of(pkg, name.Name)
		st.values = append(st.values, value{text, strings.TrimPrefix(plain(spec.Doc, spec.Comment), spec.Names[i].Name+": ")})
	}
}

// plain is a comment as an editor shows it: a line for each paragraph, links without
// their brackets, code as it stands.
func plain(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := g.Text(); text != "" {
			p := comment.Parser{
				LookupSym:     func(string, string) bool { return true },
				LookupPackage: func(name string) (string, bool) { return name, true },
			}
			printer := comment.Printer{TextWidth: -1, TextCodePrefix: "  "}
			return strings.TrimSpace(string(printer.Text(p.Parse(text))))
		}
	}
	return ""
}
