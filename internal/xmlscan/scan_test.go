package xmlscan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

// heads open something, units may make it long.
var (
	heads = []string{"", "<a>", "<a ", "<a b='", `<a b="`, "<a><!--", "<a><![CDATA[", "<a><?p ", "<?p ", "<!--", "<a xmlns:p='urn:p'>", "</", "<a>&", "<a>\ufeff", "<",
		"<a" + strings.Repeat(" ", 100) + ">", "<a>" + strings.Repeat("<b>", 90), "<a" + declared(120) + ">", "<a" + declared(120) + "><p1:b ", "\ufeff<?xml version='1.0'?><a>"}
	units = []string{" ", "\n", "\r", "\r\n", "\t", "x", "é", "-", "--", "- ", "]", "]]", "] ]", "?", "? ", "&", "&amp;", "&#10;", "&#x", ";", "<", "<b/>", "<p1:b/>", "<b></b>", "<!---->",
		"<![CDATA[]]>", "<?p?>", "'", `"`, "b='' ", "p1:b='' ", "<b c=''/>", "<b ID='x'/>", "<b>", "</b>", ">", "/", "=", ":", "a:", "<b" + declared(20) + "/>", "<b" + attributes(120) + "/>",
		"<b c='" + strings.Repeat("&lt;", 1000) + "'/>", strings.Repeat("text ", 1000) + "<b/>", "\x00", "\xff", "xmlns:q='urn:q' "}
)

func declared(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " xmlns:p%d='urn:%d'", i, i)
	}
	return b.String()
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

// The work is linear in the length of the input: however it begins, whatever
// follows many times, and however it is read. Nothing is timed.
func TestLinear(t *testing.T) {
	// What one byte may cost: an element may have 128 attributes, each compared
	// with the others and looked up among 128 prefixes.
	const most = 100
	scan := func(s *Scanner) int {
		for {
			k, err := s.Next()
			if err != nil || k == EOF {
				return s.work
			}
			if k == Start {
				s.Here()
			}
		}
	}
	for i, head := range heads {
		for j, unit := range units {
			if raceDetector && (3*i+j)%7 != 0 {
				continue // one goroutine works here: the race detector needs no more than some
			}
			var last [2]float64
			for _, n := range []int{1 << 13, 1 << 15, 1 << 17} {
				in := []byte(head + strings.Repeat(unit, n/len(unit)+1))
				for how, s := range []*Scanner{New(in), NewReader(iotest.HalfReader(bytes.NewReader(in)))} {
					per := float64(scan(s)) / float64(len(in))
					if per > most || last[how] > 0 && per > 2*last[how]+1 {
						t.Errorf("%.40q and %d bytes of %.40q, reader %d: %.1f per byte; %.1f with a quarter of it", head, n, unit, how, per, last[how])
					}
					last[how] = per
				}
			}
		}
	}
}

// TestLinear proves nothing unless the work is counted: every pass over the
// bytes, and every name that is compared.
func TestWorkIsCounted(t *testing.T) {
	x := strings.Repeat("x", 10000)
	scan := func(in string, stream bool) int {
		s := New([]byte(in))
		if stream {
			s = NewReader(iotest.OneByteReader(strings.NewReader(in)))
		}
		if _, err := tokens(s); err != nil {
			t.Fatal(err)
		}
		return s.work
	}
	for _, tc := range []struct {
		in     string
		passes int // over the 10,000
	}{
		{"<a>" + x + "</a>", 2},
		{"<a><!--" + x + "--></a>", 3},
		{"<a><![CDATA[" + x + "]]></a>", 2},
		{"<a><?p " + x + "?></a>", 2},
		{"<a b='" + x + "'/>", 2},
		{"<a b='&lt;" + x + "'/>", 4}, // the test asks for the value
		{"<a ID='" + x + "'/>", 3},
		{"<a xmlns='" + x + "'/>", 2},
	} {
		if got := (scan(tc.in, false) + 5000) / len(x); got != tc.passes {
			t.Errorf("%.20q: %d passes, want %d", tc.in, got, tc.passes)
		}
	}
	if got := scan("<a"+attributes(100)+"/>", false); got < 100*99/2 {
		t.Errorf("100 attributes: %d", got)
	}
	// The namespace of a tag without prefix is looked for among all, once.
	p := declared(100)
	if got := scan("<a"+p+"><b/></a>", false) - scan("<a"+p+"/>", false); got < 100 || got > 2*100 {
		t.Errorf("among 100 prefixes: %d", got)
	}
	if got := scan("<a"+p+" xmlns:q='v'/>", false) - scan("<a"+p+" another='v'/>", false); got < 100 {
		t.Errorf("a namespace among 100: %d", got)
	}
	if got := scan("<a>"+x+"</a>", true); got < 3*len(x) {
		t.Errorf("a byte at a time: %d", got)
	}
	if got := scan("<a b='"+x+"'/>", true); got < 3*len(x) || got > 20*len(x) {
		t.Errorf("a tag, a byte at a time: %d", got)
	}
	s := New([]byte("<a" + p + "/>"))
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	was := s.work
	s.URI([]byte("other"))
	if s.work-was != 101 {
		t.Errorf("a URI among 101: %d", s.work-was)
	}
	was = s.work
	s.Here()
	if s.work-was != s.pos {
		t.Errorf("a place at %d: %d", s.pos, s.work-was)
	}
}
