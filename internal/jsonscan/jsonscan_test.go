package jsonscan

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// The scanner takes what encoding/json takes, and nothing else; it comes to an
// end, and knows what was cut.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{"", "{", "{]", `{"results":[`, `[{"id":"`, `{"a"`, `{"a":}`, "nul", `"\`, "[[[[", "]]]", `{"syncStatus":{"details":[`,
		`{"a":[1,-0.5e+3,true,null,"\u00e9\n"],"b":{}}`, "[01]", "[1.]", "[-]", "[1,]", `{"a":1,}`, "tru", "[truex]", "\"\x01\"", `"\x"`, `"\u12"`, "1 2", "\x00"} {
		f.Add([]byte(s))
	}
	f.Add([]byte(`"a text that is longer than eight bytes, with \u00fc, \" and ü"`))
	f.Add([]byte("\"seven..\\"))
	f.Add([]byte("\"1234567\x1f\""))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(b)
		s.Skip()
		err := s.End()
		if valid := json.Valid(b); valid != (err == nil) && !deep(b) {
			t.Errorf("%q: err = %v; valid = %v", b, err, valid)
		}
		if err == nil && len(b) > 0 && strings.ContainsRune(`{["`, rune(b[0])) {
			for n := range len(bytes.TrimRight(b, " \t\r\n")) {
				s := New(b[:n])
				s.Skip()
				if err := s.End(); err != io.ErrUnexpectedEOF {
					t.Fatalf("%q: err = %v; want io.ErrUnexpectedEOF", b[:n], err)
				}
			}
		}
	})
}

func deep(b []byte) bool { return bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > maxDepth }

// FuzzText: a string says what encoding/json says that it says.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "dana", "\"\\\u2028\u0000", "ü😀 behind more than eight", "\xff\xfe", "\xc3", "behind more than eight \xff", strings.Repeat("x", 100) + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := json.Marshal([]string{text, text})
		if err != nil {
			t.Skip()
		}
		raw := []byte(`["` + strings.NewReplacer(`"`, "", `\`, "").Replace(text) + `"]`)
		for _, doc := range [][]byte{b, raw} {
			var want []string
			if json.Unmarshal(doc, &want) != nil {
				continue
			}
			got := make([]string, len(want))
			s, a, n := New(doc), Arena{}, 0
			for ok := s.Array(); ok; ok = s.Element() {
				a.Text(&s, &got[n])
				n++
			}
			if err := s.End(); err != nil || n != len(want) || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%q: %q, %v; want %q", doc, got, err, want)
			}
		}
	})
}

func TestLoose(t *testing.T) {
	for in, want := range map[string]string{`"a"`: "a", "-1.50": "-1.50", "null": "before", "true": "before", `{"a":["b"]}`: "before", `""`: ""} {
		s, a, got := New([]byte(in)), Arena{}, "before"
		a.Loose(&s, &got)
		if err := s.End(); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", in, got, err, want)
		}
	}
}

// TestStop: who has enough is not called again, and the scan is no success.
func TestStop(t *testing.T) {
	s, n := New([]byte("[1,2,3]")), 0
	for ok := s.Array(); ok; ok = s.Element() {
		n++
		s.Stop()
	}
	if err := s.End(); n != 1 || err == nil {
		t.Errorf("%d elements, %v", n, err)
	}
}

// TestDepth: what is too deep for encoding/json is too deep here, and no stack ends.
func TestDepth(t *testing.T) {
	for _, n := range []int{100, maxDepth, maxDepth + 1} {
		doc := []byte(strings.Repeat("[", n) + strings.Repeat("]", n))
		s := New(doc)
		s.Skip()
		if err := s.End(); (err == nil) != json.Valid(doc) {
			t.Errorf("depth %d: %v; valid = %v", n, err, json.Valid(doc))
		}
	}
}
