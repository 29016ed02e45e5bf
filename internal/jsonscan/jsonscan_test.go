package jsonscan

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// walk makes of a value what encoding/json makes of it.
func walk(s *Scanner, a *Arena) any {
	switch c := s.Peek(); c {
	case '{':
		m := map[string]any{}
		for key, ok := s.Object(); ok; key, ok = s.Field() {
			k := string(key)
			m[k] = walk(s, a)
		}
		return m
	case '[':
		l := []any{}
		for ok := s.Array(); ok; ok = s.Element() {
			l = append(l, walk(s, a))
		}
		return l
	case '"':
		var v string
		a.Text(s, &v)
		return v
	case 't', 'f':
		return string(s.Skip()) == "true"
	case 'n':
		s.Skip()
		return nil
	}
	return json.Number(s.Skip())
}

// FuzzWalk: a value is what encoding/json says that it is, whatever of it is consumed.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-0.5e+3,true,null,"\u00e9\n"],"b":{},"c":[[],[[]],{}],"a":"again"}`, `[[],{},[{}],""]`, "[ { \"a\" : [ ] , \"\\u0061\" : 0 } ]", "\"\xff\xc3\"", `{"":{"":[{"":null}]}}`,
		`[{"a":1,"b":2},{"a":3,"b":4},{"b":5,"a":6,"c":{"a":[7]}},{"a" : 8}]`, `[{"a":1},{"a":2`, `[{"a":1},{"a"2}]`, `[{"a":1},{"a":}]`, `[{"a":1},{"a":2,}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, a := New(b), new(Arena)
		got := walk(&s, a)
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		var want any
		if !json.Valid(b) || d.Decode(&want) != nil {
			if s.End() == nil && !deep(b) {
				t.Errorf("%q is no mistake", b)
			}
			return
		}
		if diff := cmp.Diff(want, got); s.End() != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", b, s.End(), diff)
		}
		one, all := New(b), New(b)
		for ok := one.Array(); ok; ok = one.Element() { // and nothing of it is consumed
		}
		if all.Skip(); b[0] == '[' && (one.At() != all.At() || one.End() != nil) {
			t.Errorf("%q: %d, %v; want %d", b, one.At(), one.End(), all.At())
		}
	})
}

// FuzzKeys: keys that are expected are read as all others are.
func FuzzKeys(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":1,"b":2,"c":3}`, `{"a":4,"c":5}`}, {`{"a":1}`, `{"x":{"a":2},"a":[3],"b":4}`}, {`{}`, `{"b" : 1 , "a":2}`}, {`{"\u0061":1,"b":"x"}`, `{"\u0061":1,"b":"x`},
		{`{"a":1,"a":2}`, `{"a":3,"a":4,"a":5}`}, {`{"a" :1}`, `{"a" 1}`}, {`{"a":1,"b":2}`, `{"a":1,"b"`}, {`null`, `[{"a":1}]`},
		{`{"a":1}`, "{\"a\":\x10,{\"a\":1}"},
	} {
		f.Add(s[0], s[1])
	}
	find := func(key []byte) int { return len(key) + 256*int(append(key[:len(key):len(key)], 0)[0]) }
	f.Fuzz(func(t *testing.T, one, two string) {
		doc := []byte("[" + one + "," + two + "," + one + "," + two + "]")
		var got, want []string
		s := New(doc)
		k := NewKeys(find)
		for ok := s.Array(); ok; ok = s.Element() {
			for name, ok := s.ObjectOf(&k); ok; name, ok = s.FieldOf(&k) {
				got = append(got, strconv.Itoa(name))
				if name%2 == 0 {
					got = append(got, string(s.Skip()))
				}
			}
		}
		w := New(doc)
		for ok := w.Array(); ok; ok = w.Element() {
			for key, ok := w.Object(); ok; key, ok = w.Field() {
				name := find(key)
				want = append(want, strconv.Itoa(name))
				if name%2 == 0 {
					want = append(want, string(w.Skip()))
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || s.End() != w.End() {
			t.Errorf("%q: %v, want %v (-want +got):\n%s", doc, s.End(), w.End(), diff)
		}
	})
}

// TestArenaKeeps: what was made stays as it is, however much is made after it.
func TestArenaKeeps(t *testing.T) {
	a := new(Arena)
	var doc []byte
	var got, want []string
	for i := range 3 * chunk / 10 {
		text := strings.Repeat(strconv.Itoa(i%10), i%(chunk/4))
		doc = append(append(append(doc[:0], '"'), text...), '"') // the same memory each time
		s, v := New(doc), ""
		a.Text(&s, &v)
		got, want = append(got, v), append(want, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
