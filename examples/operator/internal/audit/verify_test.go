package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whichever byte is changed, Verify says in which line.
func TestVerifyFindsEachChangedByte(t *testing.T) {
	_, text := filled(t, 3)
	if n, err := Verify(bytes.NewReader(text)); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for i := range text {
		changed := slices.Clone(text)
		changed[i] ^= 0x04
		n, err := Verify(bytes.NewReader(changed))
		line := bytes.Count(text[:i], []byte("\n")) + 1
		var where *BreakError
		if !errors.As(err, &where) || n >= 3 && i < len(text)-1 || where.Line != line {
			t.Fatalf("byte %d of line %d: %d, %v", i, line, n, err)
		}
	}
}

func TestVerifyBreaks(t *testing.T) {
	_, text := filled(t, 4)
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n")+"\n", "\n")[:4]
	forged := Entry{Seq: 2, Verb: "approve", Prev: first}
	b, err := encode(&forged)
	if err != nil {
		t.Fatal(err)
	}
	marker := Entry{Seq: 2, Verb: Repaired, Prev: mustDecode(t, lines[0]).Hash, Repair: &Repair{Bytes: 3, SHA256: strings.Repeat("0", 64)}}
	m, err := encode(&marker)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text  string
		n     int
		line  int
		after uint64
		torn  bool
		why   string
	}{
		"one is missing":        {lines[0] + lines[2] + lines[3], 1, 2, 1, false, "entry 2 is missing"},
		"the first is missing":  {lines[1] + lines[2], 0, 1, 0, false, "entry 1 is missing"},
		"two are exchanged":     {lines[0] + lines[2] + lines[1] + lines[3], 1, 2, 1, false, "it is entry 3"},
		"one is twice":          {lines[0] + lines[0], 1, 2, 1, false, "it is entry 1"},
		"one is of another":     {lines[0] + string(b), 1, 2, 1, false, "its prev is another hash"},
		"rubbish in the middle": {lines[0] + "abc\n" + lines[1], 1, 2, 1, false, "it is no entry"},
		"another object":        {lines[0] + "{}\n", 1, 2, 1, false, "it is no entry"},
		"a wrong repair":        {lines[0] + "abc\n" + string(m), 1, 2, 1, false, "it is no entry"},
		"a repair of nothing":   {lines[0] + string(m), 1, 2, 1, false, "not those before"},
		"a long line":           {lines[0] + strings.Repeat("x", 3*mostLine) + "\n" + lines[1], 1, 2, 1, false, "too long"},
		"an empty line":         {lines[0] + "\n", 1, 2, 1, true, "it is no entry"},
		"torn":                  {lines[0] + lines[1][:50], 1, 2, 1, true, "it is no entry"},
		"no line's end":         {lines[0] + strings.TrimSuffix(lines[1], "\n"), 2, 2, 2, true, "its line has no end"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := Verify(strings.NewReader(tt.text))
			var got *BreakError
			if !errors.As(err, &got) {
				t.Fatalf("%d, %v", n, err)
			}
			if n != tt.n || got.Line != tt.line || got.After != tt.after || got.Torn != tt.torn || !strings.Contains(got.Reason, tt.why) {
				t.Errorf("%d, %+v", n, got)
			}
			if again, err := Verify(iotest.OneByteReader(strings.NewReader(tt.text))); again != n || err.Error() != got.Error() {
				t.Errorf("byte by byte: %d, %v", again, err)
			}
		})
	}
	if n, err := Verify(strings.NewReader("")); n != 0 || err != nil {
		t.Errorf("of an empty file: %d, %v", n, err)
	}
	if n, err := Verify(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(text)))); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("of a file that cannot be read: %d, %v", n, err)
	}
}

func mustDecode(t *testing.T, line string) *Entry {
	t.Helper()
	e, err := decode([]byte(strings.TrimSuffix(line, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func seed(f *testing.F) {
	_, text := filled(f, 3)
	f.Add(text)
	f.Add(text[:len(text)-30])
	f.Add(append([]byte("x\n"), text...))
	f.Add([]byte("\n\n{"))
}

func FuzzVerify(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Verify(bytes.NewReader(b))
		var where *BreakError
		lines := bytes.Count(b, []byte("\n")) + 1
		if n > lines || err != nil && !errors.As(err, &where) {
			t.Fatalf("%d, %v", n, err)
		}
		if err != nil && (where.Offset > int64(len(b)) || where.Line < 1 || where.Line > lines || where.After != uint64(n)) {
			t.Fatalf("%d, %+v", n, where)
		}
		read := 0
		for _, failed := range Read(bytes.NewReader(b), Filter{}) {
			if failed == nil {
				read++
			}
		}
		if again, second := Verify(iotest.HalfReader(bytes.NewReader(b))); again != n || read != n || (second == nil) != (err == nil) {
			t.Fatalf("%d and %v; again %d and %v; %d are read", n, err, again, second, read)
		}
	})
}

// Whatever is in the file, it is refused and left as it is, or all of it stays and the
// chain goes on.
func FuzzOpen(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Verify(bytes.NewReader(b))
		var where *BreakError
		refused := errors.As(err, &where) && !where.Torn
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path)
		if refused != (err != nil) {
			t.Fatalf("Verify: %v, Open: %v", where, err)
		}
		if refused {
			if !bytes.Equal(contents(t, path), b) {
				t.Fatal("the file was changed")
			}
			return
		}
		defer l.Close()
		if err := l.Append(Entry{Verb: "resume"}); err != nil {
			t.Fatal(err)
		}
		now := contents(t, path)
		if after, err := Verify(bytes.NewReader(now)); err != nil || after <= n || !bytes.HasPrefix(now, b) {
			t.Fatalf("%d and then %d, %v", n, after, err)
		}
	})
}

func of(entries ...Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestFilter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	for _, e := range []Entry{
		{Time: noon, Actors: []string{"ann"}, Customer: "A", Domain: "a.example", Verb: "approve"},
		{Time: noon.Add(time.Hour), Actors: []string{"ben", "ann"}, Customer: "B", Domain: "b.example", Verb: "approve"},
		{Time: noon.Add(-time.Hour), Actors: []string{"ben"}, Customer: "A", Domain: "a2.example", Verb: "revert"},
	} {
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		f    Filter
		want []uint64
	}{
		"all":       {Filter{}, []uint64{1, 2, 3}},
		"from":      {Filter{From: noon}, []uint64{1, 2}},
		"to":        {Filter{To: noon}, []uint64{3}},
		"actor":     {Filter{Actor: "ann"}, []uint64{1, 2}},
		"customer":  {Filter{Customer: "A"}, []uint64{1, 3}},
		"domain":    {Filter{Domain: "B.Example"}, []uint64{2}},
		"verb":      {Filter{Verb: "revert"}, []uint64{3}},
		"several":   {Filter{Actor: "ben", Verb: "approve", From: noon, To: noon.AddDate(0, 0, 1)}, []uint64{2}},
		"no such":   {Filter{Actor: "an"}, nil},
		"no moment": {Filter{From: noon, To: noon}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []uint64
			for e, err := range l.Entries(tt.f) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Seq)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	for range l.Entries(Filter{}) {
		break // ends well
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"plain-text a=b":      "plain-text a=b",
		"=1+1":                "'=1+1",
		"+1":                  "'+1",
		"-1":                  "'-1",
		"@SUM(A1)":            "'@SUM(A1)",
		" \t=1":               " \t'=1",
		"\r\n=1":              "\r\n'=1",
		"\"=1":                "\"'=1",
		"a;=1":                "a;'=1",
		"a, -1|+2":            "a, '-1|'+2",
		"＝1":                  "'＝1",
		"\u00a0=1":            "\u00a0'=1",
		"ann@msp.example":     "ann@msp.example",
		"ann; @ben":           "ann; '@ben",
		"2026-03-01T12:00:00": "2026-03-01T12:00:00",
	} {
		if got := Cell(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestExport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	for _, e := range []Entry{
		{Time: noon, Actors: []string{"=cmd|' /C calc'!A0", "ben"}, Source: "192.0.2.1", Customer: "A, \"B\"", Verb: "approve",
			Requests: []string{"1", "+2"}},
		{Time: noon.Add(-1), Verb: "pause", Outcome: "</script>\nx"},
	} {
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	var table, list bytes.Buffer
	if err := errors.Join(WriteCSV(&table, l.Entries(Filter{})), WriteJSON(&list, l.Entries(Filter{}))); err != nil {
		t.Fatal(err)
	}
	all := verified(t, path)
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{columns,
		{"1", "2026-03-01T12:00:00Z", "'=cmd|' /C calc'!A0; ben", "192.0.2.1", "A, \"B\"", "", "approve", "", "", "",
			"1; '+2", "", first, all[0].Hash},
		{"2", "2026-03-01T11:59:59.999999999Z", "", "", "", "", "pause", "", "</script>\nx", "", "", "", all[0].Hash, all[1].Hash}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("CSV (-want +got)\n%s", diff)
	}
	if strings.Contains(list.String(), "</script>") {
		t.Error("the JSON can end a script")
	}
	var got []Entry
	if err := json.Unmarshal(list.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("JSON (-want +got)\n%s", diff)
	}
	list.Reset()
	if err := WriteJSON(&list, of()); err != nil || list.String() != "[]\n" {
		t.Errorf("of none: %q, %v", list.String(), err)
	}
	broken := func() iter.Seq2[Entry, error] { return Read(strings.NewReader("x"), Filter{}) }
	var where *BreakError
	if err := WriteJSON(&list, broken()); !errors.As(err, &where) {
		t.Errorf("JSON of a broken file: %v", err)
	}
	if err := WriteCSV(&table, broken()); !errors.As(err, &where) {
		t.Errorf("CSV of a broken file: %v", err)
	}
}
