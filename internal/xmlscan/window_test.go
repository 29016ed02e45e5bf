package xmlscan

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// Pos and Here are the end of the token, wherever the window is.
func TestPlaces(t *testing.T) {
	in := "\n<a\n b='é'>é1<!--\n-->\r\n<?p?><b/><![CDATA[é\n\n2]]></a>\n"
	want := []struct{ pos, line, col int }{
		{12, 3, 8}, {15, 3, 10}, {23, 4, 4}, {25, 5, 1}, {30, 5, 6}, {34, 5, 10}, {34, 5, 10}, {51, 7, 5}, {55, 7, 9}, {56, 8, 1},
	}
	for _, r := range readers {
		for every := 1; every <= 3; every++ {
			s := r.of(in)
			for i, w := range want {
				if _, err := s.Next(); err != nil {
					t.Fatal(err)
				}
				if r.name == "memory" && s.Pos() != w.pos {
					t.Errorf("token %d ends at %d, want %d", i, s.Pos(), w.pos)
				}
				if i%every != 0 {
					continue
				}
				for range 2 {
					if line, col := s.Here(); line != w.line || col != w.col {
						t.Errorf("%s, each %d: token %d ends at %d:%d, want %d:%d", r.name, every, i, line, col, w.line, w.col)
					}
				}
				if e := s.Fail("x %d", 1).(*Error); *e != (Error{w.line, w.col, false, "x 1"}) {
					t.Errorf("%s: %v, want %d:%d", r.name, e, w.line, w.col)
				}
			}
		}
	}
	for i, w := range want {
		if line, col := Position([]byte(in), w.pos); line != w.line || col != w.col {
			t.Errorf("token %d ends at %d:%d, want %d:%d", i, line, col, w.line, w.col)
		}
	}
	if line, col := Position([]byte("ab"), 0); line != 1 || col != 1 {
		t.Errorf("the first character is at %d:%d", line, col)
	}
}

// A window that moves changes nothing: not the tokens, not the places.
func TestWindow(t *testing.T) {
	var doc strings.Builder
	doc.WriteString("<r xmlns:p='u'>\n")
	for i := 0; doc.Len() < 3*minWindow; i++ {
		fmt.Fprintf(&doc, "<p:a%d b='é%s'\n>text &amp; é%s</p:a%d><!-- %s\r\n --><![CDATA[%s]]><?p %s?>", i, strings.Repeat("v", i%977), strings.Repeat("t", i*7%1999), i,
			strings.Repeat("c", i%99), strings.Repeat("d", i%101), strings.Repeat("i", i%103))
		if i%3 == 0 {
			doc.WriteByte('\n')
		}
	}
	doc.WriteString("</r>")
	in := doc.String()
	type place struct{ line, col int }
	scan := func(s *Scanner) (all []string, at []place) {
		for i := 0; ; i++ {
			k, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if i%5 == 0 {
				l, c := s.Here()
				at = append(at, place{l, c})
			}
			switch k {
			case Text, Comment:
				all = append(all, string(s.Text))
			default:
				all = append(all, fmt.Sprintf("%d %s", k, qualified(s.Name.Prefix, s.Name.Local)))
			}
			if k == EOF {
				return all, at
			}
		}
	}
	want, places := scan(New([]byte(in)))
	for _, r := range readers[1:] {
		got, at := scan(r.of(in))
		if !cmp.Equal(want, got) {
			t.Errorf("%s: other tokens", r.name)
		}
		if !cmp.Equal(places, at, cmp.AllowUnexported(place{})) {
			t.Errorf("%s: other places", r.name)
		}
	}
	for i := range len(in) {
		if i < 50 || i > len(in)-10 || i%39983 == 0 {
			if _, err := tokens(NewReader(iotest.HalfReader(strings.NewReader(in[:i])))); err == nil {
				t.Errorf("cut at %d and accepted", i)
			}
		}
	}
}

// A token is shorter than the window, no more of the input is held.
func TestWindowStaysSmall(t *testing.T) {
	s := NewReader(strings.NewReader("<r>" + strings.Repeat("<a b='c'/>text", 8*minWindow/14) + "</r>"))
	if _, err := tokens(s); err != nil {
		t.Fatal(err)
	}
	if cap(s.buf) > minWindow {
		t.Errorf("a window of %d bytes", cap(s.buf))
	}
}

type faulty struct {
	r     io.Reader
	err   error
	empty int // reads without anything before each
}

func (f *faulty) Read(b []byte) (int, error) {
	for range f.empty {
		f.empty--
		return 0, nil
	}
	n, err := f.r.Read(b)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

func TestReadErrors(t *testing.T) {
	broken := io.ErrUnexpectedEOF
	for _, in := range []string{"", "\ufeff", "<", "<a", "<a b='", "<aaaaaaaaa", "<a>", "<a>text text text", "<a>texttexttext<", "<a>1</", "<a></aaaaaaaaaaaa", "<a><![CDATA[", "<a><![CDATA[xx]]",
		"<!--", "<!--xxxxxxxx-", "<!--xxxxxxxx--", "<?p xxxxxxxxxx", "<?p xxxxxxxxxx?", "<?xml version='1.0'", "\ufeff<?xml version='1.0'", "\ufeff<?xm", "<a/>"} {
		if _, err := tokens(NewReader(&faulty{r: strings.NewReader(in), err: broken})); err != broken {
			t.Errorf("%q: %v", in, err)
		}
		if _, err := tokens(NewReader(&faulty{r: iotest.OneByteReader(strings.NewReader(in)), err: broken})); err != broken {
			t.Errorf("%q, by the byte: %v", in, err)
		}
	}
	if _, err := tokens(NewReader(&faulty{r: strings.NewReader("<a/>"), err: io.EOF, empty: 99})); err != nil {
		t.Error(err)
	}
	if _, err := tokens(NewReader(&faulty{r: strings.NewReader("<a/>"), err: io.EOF, empty: 100})); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}
