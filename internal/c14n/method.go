package c14n

import (
	"strings"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Method is a canonicalization.
type Method struct {
	Exclusive bool
	Comments  bool
	V11       bool // Canonical XML 1.1, not 1.0, of the inclusive ones

	// Prefixes are those that an exclusive canonicalization treats as an
	// inclusive one does: an InclusiveNamespaces' PrefixList. The default
	// namespace is "".
	Prefixes map[string]bool

	// Ambiguous says that libxml2 takes the PrefixList for one that names the
	// default namespace. The Writer fails where that makes a difference.
	Ambiguous bool
}

// Find returns the method with the given identifier.
func Find(uri string) (Method, bool) {
	switch uri {
	case "http://www.w3.org/2001/10/xml-exc-c14n#":
		return Method{Exclusive: true}, true
	case "http://www.w3.org/2001/10/xml-exc-c14n#WithComments":
		return Method{Exclusive: true, Comments: true}, true
	case "http://www.w3.org/TR/2001/REC-xml-c14n-20010315":
		return Method{}, true
	case "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments":
		return Method{Comments: true}, true
	case "http://www.w3.org/2006/12/xml-c14n11":
		return Method{V11: true}, true
	case "http://www.w3.org/2006/12/xml-c14n11#WithComments":
		return Method{V11: true, Comments: true}, true
	}
	return Method{}, false
}

// Absolute reports whether a namespace's name is an absolute URI, as Canonical
// XML demands: what is relative may mean something else at another place. An &
// in it is refused too, for libxml2 takes the reference for the name.
func Absolute(uri string) bool {
	if _, known := xmlscan.KnownSpace(uri); known && uri != "" {
		return true
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || scheme == "" {
		return false
	}
	for i := range len(uri) {
		c := uri[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case c == '%' && (i+2 >= len(uri) || !isHex(uri[i+1]) || !isHex(uri[i+2])), i == 0,
			c <= ' ', c >= 0x7f, strings.IndexByte("\"<>[]\\^`{|}&", c) >= 0,
			i < len(scheme) && strings.IndexByte("0123456789+-.", c) < 0:
			return false
		}
	}
	if host, ok := strings.CutPrefix(rest, "//"); ok {
		if i := strings.IndexAny(host, "/?#"); i >= 0 {
			host = host[:i]
		}
		host, port, given := strings.Cut(host, ":")
		digits := len(port) > 0 && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
		if host == "" || strings.ContainsAny(host, "@%") || given && !digits {
			return false
		}
	}
	return strings.Count(uri, "#") <= 1
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// PrefixList sets Prefixes to those of an InclusiveNamespaces' PrefixList. It
// reports false if others read other names in it: it holds white space that was
// written as a reference.
func (m *Method) PrefixList(v string) bool {
	m.Prefixes = make(map[string]bool)
	for _, p := range strings.Fields(v) {
		if p == "#default" {
			p = ""
		}
		m.Prefixes[p] = true
	}
	// Two blanks have an empty name between them, for libxml2.
	m.Ambiguous = !m.Prefixes[""] && v != strings.Join(strings.Fields(v), " ")
	return !strings.ContainsAny(v, "\t\r\n")
}

// MinFlush is how much of the canonical form is collected before it is passed
// on.
const MinFlush = 16 << 10
