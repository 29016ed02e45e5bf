package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPage(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{"short", "a line\n", "a line\n"},
		{"no line end", "Go on? ", "Go on? "},
		{"empty lines", "\n\na\n", "\n\na\n"},
		{"plain", "one two three four five six seven\n", "one two three four\nfive six seven\n"},
		{"indent", "  one two three four five six seven\n", "  one two three four\n  five six seven\n"},
		{"column", "  good  one two three four five six\n", "  good  one two\n        three four\n        five six\n"},
		{"column too far right", "  severity  somebody  one two three\n", "  severity  somebody\n            one two\n            three\n"},
		{"list", " 1. one two three four five\n", " 1. one two three\n    four five\n"},
		{"change", "  + group \"one two three four\"\n", "  + group \"one two\n    three four\"\n"},
		{"long word", "  https://example.com/a/long/path is it\n", "  https://example.com/a/long/path\n  is it\n"},
		{"long word only", strings.Repeat("x", 30) + "\n", strings.Repeat("x", 30) + "\n"},
		{"moving line", "\r\x1b[K  0.1 s  | one two three four\n", "\r\x1b[K  0.1 s  | one two\n         three four\n"},
		{"not ASCII", "ÄÖ ÜÄ ÖÜ ÄÖ ÜÄ ÖÜ ÄÖ ÜÄ\n", "ÄÖ ÜÄ ÖÜ ÄÖ ÜÄ ÖÜ ÄÖ\nÜÄ\n"},
		{"blank end", "one two three four     \n", "one two three four\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			p := NewPage(&b, func(string) string { return "20" })
			if n, err := p.Write([]byte(c.text)); n != len(c.text) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			if got := b.String(); got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
		})
	}
}

// Every width keeps all words, in order, and no line is longer but for one word.
func TestPageKeepsWords(t *testing.T) {
	const text = "  LOCKED OUT  uma.underhill@example.com     no-immutable-id: the account has none, so that Azure AD knows nobody by what JumpCloud sends\n" +
		"  1  checked  users' addresses agree\n     12. a thing: do this, and then do that, until it is done with https://example.com/some/where/far/away\n"
	for width := 20; width <= lineWidth; width++ {
		var b bytes.Buffer
		p := &Page{w: &b, width: width}
		if p.Write([]byte(text)); strings.Join(strings.Fields(b.String()), " ") != strings.Join(strings.Fields(text), " ") {
			t.Errorf("width %d: words are lost:\n%s", width, b.String())
		}
		for line := range strings.Lines(b.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > width && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("width %d: too long: %q", width, line)
			}
		}
	}
}

func TestPageWidth(t *testing.T) {
	for env, want := range map[string]int{"": lineWidth, "60": 60, "200": lineWidth, "5": lineWidth, "wide": lineWidth} {
		if got := NewPage(&bytes.Buffer{}, func(string) string { return env }).Width(); got != want {
			t.Errorf("COLUMNS=%s: %d, want %d", env, got, want)
		}
	}
}
