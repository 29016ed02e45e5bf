package text

import (
	"strings"
	"testing"
)

func TestOneLine(t *testing.T) {
	for _, tt := range []struct {
		in   string
		most int
		want string
	}{
		{"", 5, ""},
		{"a\r\n b\x00\u2028c", 100, "a b c"},
		{"\x1b[31mred\u202e\u200b end \ufeff", 100, "[31mred end"},
		{"éééé", 2, "éé…"},
		{"éé", 2, "éé"},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc…"},
		{"a\xffb", 5, "a\ufffdb"},
	} {
		if got := OneLine(tt.in, tt.most); got != tt.want {
			t.Errorf("OneLine(%q, %d) = %q; want %q", tt.in, tt.most, got, tt.want)
		}
	}
}

// Printable bounds what strangers can write into errors and logs, and leaves
// nothing in it that ends a line or steers a terminal.
func TestPrintable(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"1234", "1234"},
		{"12345", "12345"},
		{"123456", "12345…"},
		{"1234567", "12345…"},
		{"éééééé", "ééééé…"},
		{"\x00\x1f \x7f~", "    ~"},
		{"!\u0080\u009f\u00a0\u00a1", "!  \u00a0\u00a1"},
		{"\u2027\u2028\u2029\u202a", "\u2027   "},
		{"a\r\nb", "a  b"},
		{"\u202f\u2030", "\u202f\u2030"},
	} {
		if got := Printable(test.in, 5); got != test.want {
			t.Errorf("Printable(%q) = %q; want %q", test.in, got, test.want)
		}
	}
}

func TestDomain(t *testing.T) {
	for in, want := range map[string]string{
		"example.com": "", "EXAMPLE.Com.": "", "a_b.xn--bcher-kva.example": "", "1.2": "", "_dmarc.example.com": "",
		"": "is empty", ".": "is empty", "localhost": "has no dot", "x.": "has no dot",
		strings.Repeat("a.", 127) + "a": "longer", strings.Repeat("a.", 126) + "a": "",
		strings.Repeat("a", 64) + ".com": "is not a domain name", strings.Repeat("a", 63) + ".com": "",
		"bücher.example": "xn--", "a..b": "is not a domain name", "a.b..": "is not a domain name", "..": "is not a domain name",
		"-a.com": "is not a domain name", "a-.com": "is not a domain name", "a.com-": "is not a domain name",
		"https://example.com": "is not a domain name", "ann@example.com": "is not a domain name", "exa mple.com": "is not a domain name",
		"x') or (true": "is not a domain name", "a,b.c": "is not a domain name", "example.com\n": "is not a domain name",
	} {
		got := WrongDomain(Domain(in))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestNoAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"Email dana+x@example.com is in use": "Email <address> is in use", "email:dana@exämple.com,x": "email:<address>,x",
		"/users?search=dana%40example.com&x=1": "/users?search=<address>&x=1", "nobody": "nobody",
	} {
		if got := NoAddresses(in); got != want {
			t.Errorf("NoAddresses(%q) = %q; want %q", in, got, want)
		}
	}
}
