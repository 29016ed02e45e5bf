package customers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/text"
)

const (
	longestName = text.LongestName // of a field, in a message
	longestText = 256              // of a name, a label, an ID
)

// reader reads strictly, and collects what is wrong.
type reader struct {
	problems []Problem
	actors   map[string]actor // by their names in small letters
}

type node = federation.Node

func (r *reader) add(n node, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{Path: path, Line: n.Line(), Column: n.Column(), Text: fmt.Sprintf(format, args...)})
}

// want notes that n is something else. Its value is not told: it may be a secret.
func (r *reader) want(n node, path, what string) {
	is := "of another kind"
	switch n.Kind() {
	case federation.NodeNull:
		is = "without a value: give one, or leave the name out"
	case federation.NodeList:
		is = "a list"
	case federation.NodeObject:
		is = "something with fields"
	case federation.NodeText:
		is = "a text"
	case federation.NodePlain:
		is = "a number, a date, true or false"
	}
	r.add(n, path, "%s is wanted, this is %s", what, is)
}

// field is one that an object may have.
type field struct {
	name string
	read func(n node, path string)
}

// pair is a name in the file, and its value.
type pair struct {
	name       string
	key, value node
}

// pairs returns what an object has, but what is no name or doubled; false if it is none.
func (r *reader) pairs(n node, path string) ([]pair, bool) {
	if n.Kind() != federation.NodeObject {
		r.want(n, path, "something with fields")
		return nil, false
	}
	var out []pair
	lines := make(map[string]int)
	children := n.Children()
	for i := 0; i+1 < len(children); i += 2 {
		key := children[i]
		if key.Kind() != federation.NodeText && key.Kind() != federation.NodePlain {
			r.add(key, path, "a name is wanted here")
			continue
		}
		name := key.Value()
		if line, ok := lines[name]; ok {
			r.add(key, path, "a name is doubled: it is there already on line %d", line)
			continue
		}
		lines[name] = key.Line()
		out = append(out, pair{name, key, children[i+1]})
	}
	return out, true
}

// object reads the fields that n has, and returns them by name; nil if it is no object.
func (r *reader) object(n node, path string, fields []field) map[string]node {
	pairs, ok := r.pairs(n, path)
	if !ok {
		return nil
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	has := make(map[string]node, len(pairs))
	for _, p := range pairs {
		at := join(path, text.OneLine(text.NoAddresses(p.name), longestName))
		i := slices.Index(names, p.name)
		if i < 0 {
			r.add(p.key, at, "no such field; %s", hint(p.name, names))
			continue
		}
		has[p.name] = p.value
		fields[i].read(p.value, at)
	}
	return has
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// list returns the items of n; none if it is no list.
func (r *reader) list(n node, path string) []node {
	if n.Kind() != federation.NodeList {
		r.want(n, path, "a list")
		return nil
	}
	return n.Children()
}

// word returns what is written at n, for what is judged by itself; false if it is no text.
func (r *reader) word(n node, path string) (string, bool) {
	if n.Kind() != federation.NodeText && n.Kind() != federation.NodePlain {
		r.want(n, path, "a text")
		return "", false
	}
	return n.Value(), true
}

// text reads a text of one line with something in it.
func (r *reader) text(n node, path string) string {
	s, ok := r.word(n, path)
	if !ok {
		return ""
	}
	if says := wrongText(s); says != "" {
		r.add(n, path, "the text %s", says)
		return ""
	}
	return s
}

// wrongText says what is wrong with a text; "" means nothing.
func wrongText(s string) string {
	switch {
	case s == "":
		return "is empty: give one, or leave the name out"
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case len(s) > longestText:
		return fmt.Sprintf("is longer than %d bytes", longestText)
	case strings.TrimSpace(s) != s:
		return "begins or ends with white space"
	case strings.ContainsFunc(s, func(c rune) bool { return c != ' ' && (unicode.IsControl(c) || text.Visible(c) == ' ') }):
		return "has characters that cannot be seen"
	}
	return ""
}

func (r *reader) bool(n node, path string) bool {
	if n.Kind() != federation.NodePlain || n.Value() != "true" && n.Value() != "false" {
		r.want(n, path, "true or false, without quotes,")
		return false
	}
	return n.Value() == "true"
}

// choice reads one of some words; "" if it is none of them.
func choice[T ~string](r *reader, n node, path string, words ...T) T {
	s, ok := r.word(n, path)
	if !ok {
		return ""
	}
	if i := slices.Index(words, T(s)); i >= 0 {
		return words[i]
	}
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	r.add(n, path, "no such value; %s", hint(s, names))
	return ""
}

// choices reads a list of some words, each at most once.
func choices[T ~string](r *reader, n node, path string, words ...T) []T {
	var out []T
	for i, item := range r.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch w := choice(r, item, at, words...); {
		case w == "":
		case slices.Contains(out, w):
			r.add(item, at, "doubled: %s is in the list already", w)
		default:
			out = append(out, w)
		}
	}
	return out
}
