package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "canary-5f2c"

func TestParse(t *testing.T) {
	for _, in := range []string{"env:A", "env:_a9", "env:CONTOSO_JUMPCLOUD_KEY"} {
		s, err := Parse(in)
		if err != nil || s.String() != in || s.IsZero() {
			t.Errorf("Parse(%q) = %v, %v", in, s, err)
		}
	}
	for in, says := range map[string]string{
		"":                                     "not the secret itself",
		canary:                                 "not the secret itself",
		"ENV:" + canary:                        "not the secret itself",
		"command: cat " + canary:               "no shell",
		"env:":                                 "the name of an environment variable",
		"env:" + canary:                        "the name of an environment variable",
		"env:9" + canary:                       "the name of an environment variable",
		"env:" + strings.Repeat("A", 257):      "the name of an environment variable",
		"env: " + strings.ToUpper(canary[:6]):  "the name of an environment variable",
		"env:\u00c4" + strings.ToUpper("abcd"): "the name of an environment variable",
	} {
		s, err := Parse(in)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), canary) || !s.IsZero() {
			t.Errorf("Parse(%q) = %v, %v; want an error that says %q", in, s, err, says)
		}
	}
}

func TestCommand(t *testing.T) {
	args := []string{"/opt/vault", "read", canary}
	s, err := Command(args...)
	if err != nil || s.IsZero() {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %s", s, struct{ S Source }{s}, s); got != "command:vault {S:command:vault} command:vault" {
		t.Errorf("printed: %s", got)
	}
	args[2] = "changed"
	if same, _ := Command("/opt/vault", "read", canary); !same.Equal(s) || same.Key() != s.Key() {
		t.Error("the arguments are the caller's")
	}
	for _, other := range [][]string{{"/opt/vault", "read"}, {"/opt/vault", "read" + canary}, {"/opt/vault"}} {
		if o, _ := Command(other...); o.Equal(s) || o.Key() == s.Key() {
			t.Errorf("%q is the same source", other)
		}
	}
	for says, args := range map[string][]string{
		"names no program":   {" ", canary},
		"NUL":                {"a", canary + "\x00"},
		"64 arguments":       append([]string{canary}, make([]string, 64)...),
		"or than 16 KiB":     {canary, strings.Repeat("x", 16<<10)},
		"program, argument]": nil,
	} {
		if _, err := Command(args...); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v", says, err)
		}
	}
	if got := (Source{}).String(); got != "no source" {
		t.Errorf("the zero source is %q", got)
	}
}

func TestValuePrintsNowhere(t *testing.T) {
	v := NewValue(canary)
	if v.Reveal() != canary || v.IsZero() || !v.Equal(NewValue(canary)) || v.Equal(NewValue("x")) || v.Equal(Value{}) {
		t.Fatal("the value is not what it was made of")
	}
	if !(Value{}).IsZero() || (Value{}).Reveal() != "" || !NewValue("").IsZero() {
		t.Error("the zero value is not empty")
	}
	type open struct{ V Value }
	type closed struct{ v Value }
	var b bytes.Buffer
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %t %p %T %40s") {
		for _, arg := range []any{v, &v, open{v}, &open{v}, closed{v}, &closed{v}, []Value{v}, map[string]Value{"a": v}} {
			fmt.Fprintf(&b, verb+"\n", arg)
		}
	}
	fmt.Fprintln(&b, v.String(), v.GoString(), v)
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("x", "v", v, "open", open{v}, "closed", closed{v}, "group", slog.GroupValue(slog.Any("v", v)))
	}
	for _, arg := range []any{v, &v, open{v}, closed{v}, map[string]any{"a": v}} {
		j, err := json.Marshal(arg)
		if err != nil {
			t.Error(err)
		}
		b.Write(j)
	}
	x, err := xml.Marshal(open{v})
	if err != nil {
		t.Error(err)
	}
	b.Write(x)
	printed := b.String()
	if strings.Count(printed, hidden) < 50 {
		t.Errorf("hardly anything was printed:\n%s", printed)
	}
	for _, known := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
		if strings.Contains(printed, known) {
			t.Errorf("the secret is in what was printed:\n%s", printed)
		}
	}
}

// FuzzParse holds that no error repeats what may be a secret, and that what is read
// prints as it was written.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"env:A", "env:", "command:x", "s3cret-value", "env:9A"} {
		f.Add(s)
	}
	fixed := fmt.Sprint(Parse("")) + fmt.Sprint(Parse("command:")) + fmt.Sprint(Parse("env:"))
	f.Fuzz(func(t *testing.T, in string) {
		s, err := Parse(in)
		switch {
		case err == nil && (s.String() != in || s.IsZero()):
			t.Errorf("Parse(%q) = %v", in, s)
		case err != nil && !s.IsZero():
			t.Errorf("Parse(%q): a source with an error", in)
		case err != nil && strings.Contains(err.Error(), in) && !strings.Contains(fixed, in):
			t.Errorf("Parse(%q): the error repeats it: %v", in, err)
		}
	})
}
