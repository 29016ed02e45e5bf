package xmlscan

import (
	"bytes"
	"fmt"
	"testing"
	"unicode/utf8"
)

// within reports whether r is in one of the pairs of first and last.
func within(r rune, pairs ...rune) bool {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] <= r && r <= pairs[i+1] {
			return true
		}
	}
	return false
}

// The tables of XML 1.0, fifth edition: productions [4] and [4a].
var (
	nameStart = []rune{':', ':', 'A', 'Z', '_', '_', 'a', 'z', 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x2FF, 0x370, 0x37D, 0x37F, 0x1FFF, 0x200C, 0x200D, 0x2070, 0x218F,
		0x2C00, 0x2FEF, 0x3001, 0xD7FF, 0xF900, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0xEFFFF}
	nameMore = []rune{'-', '-', '.', '.', '0', '9', 0xB7, 0xB7, 0x300, 0x36F, 0x203F, 0x2040}
)

func TestNameCharacters(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		c := string(r)
		start := within(r, nameStart...)
		if n := ScanName([]byte(c)); (n == len(c)) != start || n != len(c) && n != 0 {
			t.Errorf("%U begins a name: %d bytes", r, n)
		}
		more := start || within(r, nameMore...)
		want := 1
		if more {
			want += len(c)
		}
		if n := ScanName([]byte("a" + c)); n != want {
			t.Errorf("%U in a name: %d bytes, want %d", r, n, want)
		}
	}
	for in, want := range map[string]int{"": 0, "\xff": 0, "a\xffb": 1, "a\xc3": 1, "é\xed\xa0\x80": 2, "a:b c": 3, "ab>": 2} {
		if n := ScanName([]byte(in)); n != want {
			t.Errorf("%q: %d bytes, want %d", in, n, want)
		}
	}
}

// Production [2], in text, in values and by number.
func TestCharacters(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune+0x100; r++ {
		want := within(r, 9, 10, 13, 13, 0x20, 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x10FFFF)
		edge := r < 0x300 || r&0x3ff < 2 || r&0x3ff > 0x3fc
		for _, format := range []string{"#%d", "#x%x"} {
			if !edge {
				break
			}
			name := fmt.Sprintf(format, r)
			if got, ok := Reference(name); ok != want || ok && got != r {
				t.Errorf("&%s; is %U, %v", name, got, ok)
			}
		}
		if !utf8.ValidRune(r) {
			continue
		}
		if n, ok := xmlRune([]byte(string(r) + "a")); ok != want || n != utf8.RuneLen(r) {
			t.Errorf("%U: %d bytes, %v", r, n, ok)
		}
	}
	for _, r := range []string{"#55296", "#x110000", "#x7fffffff", "#xffffffff", "#x100000041"} {
		if got, ok := Reference(r); ok {
			t.Errorf("&%s; is %U", r, got)
		}
	}
}

func TestReference(t *testing.T) {
	for name, want := range map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''} {
		if got, ok := Reference(name); got != want || !ok {
			t.Errorf("&%s; is %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "#", "a", "Lt", "am", "amp ", "65", "x65", "#x", "#x-1", "##65"} {
		if got, ok := Reference(name); ok {
			t.Errorf("&%s; is %q", name, got)
		}
	}
}

func TestSplitName(t *testing.T) {
	for in, want := range map[string][2]string{"a": {"", "a"}, "p:a": {"p", "a"}, ":a": {"", "a"}, "p:": {"p", ""}, "p:a:b": {"p", "a:b"}} {
		if p, l := SplitName([]byte(in)); string(p) != want[0] || string(l) != want[1] {
			t.Errorf("%q: %q, %q", in, p, l)
		}
	}
}

func TestSpace(t *testing.T) {
	for c := range 256 {
		want := c == 9 || c == 10 || c == 13 || c == 32
		if IsSpace(byte(c)) != want {
			t.Errorf("%#x: %v", c, !want)
		}
	}
	for _, tc := range []struct {
		in      string
		i, want int
	}{{"", 0, 0}, {"a", 0, 0}, {" \t\r\na ", 0, 4}, {"a  ", 1, 3}, {"  a", 1, 2}, {"a b", 3, 3}} {
		if n := SkipSpace([]byte(tc.in), tc.i); n != tc.want {
			t.Errorf("%q from %d: %d, want %d", tc.in, tc.i, n, tc.want)
		}
	}
}

// Each byte is found, wherever it stands in a run of any length, and whatever
// stands around it.
func TestClean(t *testing.T) {
	for c := range 256 {
		want := c < 0x20 || c == '&' || c >= 0x80
		for _, fill := range []byte("x '\x7f") {
			for _, n := range []int{1, 7, 8, 15, 16, 17, 31, 32, 35} {
				for at := range n {
					b := bytes.Repeat([]byte{fill}, n)
					b[at] = byte(c)
					if got := clean(b); (got == at) != want || got != at && got != n {
						t.Fatalf("clean(%q) = %d", b, got)
					}
				}
			}
		}
	}
}

// A qualified name is one with its only colon between two names.
func TestQName(t *testing.T) {
	for in, want := range map[string]struct {
		n, colon int
		ok       bool
	}{
		"a": {1, -1, true}, "a:b>": {3, 1, true}, "ab/": {2, -1, true}, "é:é=": {5, 2, true}, "a:é": {4, 1, true}, "aé:b ": {5, 3, true},
		"": {0, -1, true}, "1": {0, -1, true}, "1é": {0, -1, true}, ">": {0, -1, true}, "\xff": {0, -1, true},
		":a": {2, 0, false}, "a:": {2, 1, false}, "a:>": {2, 1, false}, "a:1": {3, 1, false}, "a:b:c": {5, -2, false}, "a::b": {4, -2, false},
		":": {1, 0, false}, "é:": {3, 2, false}, ":é": {3, 0, false}, "a:b:é": {6, -2, false}, "é:1": {4, 2, false}, "é:·": {5, 2, false}, "a:·": {4, 1, false},
	} {
		s := Scanner{ASCII: true}
		n, colon, ok := s.scanQName([]byte(in))
		if n != want.n || colon != want.colon && want.colon != -2 || ok != want.ok && n > 0 {
			t.Errorf("%q: %d, %d, %v; want %v", in, n, colon, ok, want)
		}
		if plain := bytes.IndexFunc([]byte(in[:n]), func(r rune) bool { return r >= utf8.RuneSelf }) < 0; n > 0 && s.ASCII != plain {
			t.Errorf("%q is ASCII: %v", in, s.ASCII)
		}
	}
}
