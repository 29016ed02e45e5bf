package certs_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/jcaad/jcaad/certs"
)

// named is metadata of the entity with the given ID, as it stands in the document.
func named(id string) string {
	return strings.Replace(jumpCloudMetadata(pairA().Cert().Base64()), "urn:uri:example.com", id, 1)
}

// An escape that all languages read alike is undone; metadata with one that
// they read differently is refused. So is what holds half a character.
func TestEscapesInMetadata(t *testing.T) {
	lost := func(id string) string { return strings.ReplaceAll(named(id), `"`, `\"`) } // of a string, without its quotes
	powerShell := func(id string) string { return strings.ReplaceAll(named(id), `"`, "`\"") }
	const none = "refused"
	for _, test := range []struct{ name, in, want string }{
		{"four digits", lost(`a\u00e9b`), "aéb"},
		{"eight digits", lost(`a\U0001f600b`), "a😀b"},
		{"two digits", lost(`a\x41b`), "aAb"},
		{"the last character of two digits", lost(`a\x7eb`), "a~b"},
		{"a pair", lost(`a\ud83d\ude00b`), "a😀b"},
		{"a pair at the end", lost(`a\ud83d\ude00`), "a😀"},
		{"a slash", lost(`a\/b`), "a/b"},
		{"a backslash", lost(`a\\b`), `a\b`},
		{"a single quote", lost(`a\'b`), "a'b"},
		{"a tab", lost(`a\tb`), "a b"},
		{"a line feed", lost(`a\nb`), "a b"},
		{"a carriage return", lost(`a\rb`), "a b"},
		{"both", lost(`a\r\nb`), "a b"},
		{"a line that goes on", lost("a\\\nb"), "ab"},
		{"a line that goes on, of Windows", lost("a\\\r\nb"), "ab"},
		{"a line end escaped, then a word", lost("a\\\rb"), "a b"},
		{"single quotes of the other kind", strings.ReplaceAll(named(`a\u00e9b`), `"`, `\'`), "aéb"},
		{"line ends alone", strings.ReplaceAll(strings.Replace(named("a"), "?>", `?>\n`, 1), "><", `>\n<`), "a"},
		{"line ends of Windows alone", strings.ReplaceAll(strings.Replace(named("a"), "?>", `?>\r\n`, 1), "><", `>\r\n<`), "a"},
		{"half a pair", lost(`a\ud83db`), none},
		{"half a pair, and a letter", lost(`a\ud83d\u0041b`), none},
		{"half a pair, and half an escape", lost(`a\ud83d\u00b`), none},
		{"the other half", lost(`a\ude00b`), none},
		{"a byte of Python, or a letter of JavaScript", lost(`a\xe9b`), none},
		{"the first of these", lost(`a\x80b`), none},
		{"octal digits", lost(`a\303\251b`), none},
		{"zero", lost(`a\0b`), none},
		{"nine", lost(`a\9b`), none},
		{"three digits", lost(`a\u00egb`), none},
		{"braces", lost(`a\u{e9}b`), none},
		{"a name", lost(`a\N{BULLET}b`), none},
		{"a letter that is no escape", lost(`a\qb`), none},
		{"beyond Unicode", lost(`a\U00110000b`), none},
		{"far beyond Unicode", lost(`a\Uffffff41b`), none},
		{"an escape that is cut off", lost("a") + `\u00`, none},
		{"PowerShell", powerShell("a`tb``c`'d"), "a b`c'd"},
		{"PowerShell, line ends", strings.ReplaceAll(strings.Replace(named("a"), "?>", "?>`r`n", 1), "><", ">`r`n`t<"), "a"},
		{"PowerShell, line feeds", strings.ReplaceAll(strings.Replace(named("a"), "?>", "?>`n", 1), "><", ">`n<"), "a"},
		{"PowerShell, a letter", powerShell("a`gb"), "agb"},
		{"PowerShell, Unicode", powerShell("a`u{e9}b"), none},
		{"PowerShell, a quote alone at the end", powerShell("a") + "`", none},
		{"JSON", jsonString(named(`a\`)), `a\`},
		{"JSON, a pair", strings.Replace(jsonString(named("ab")), "ab", `a\ud83d\ude00b`, 1), "a😀b"},
		{"JSON, half a pair", strings.Replace(jsonString(named("ab")), "ab", `a\ud83db`, 1), none},
		{"JSON, half a pair deeper", `{"x": ` + strings.Replace(jsonString(named("ab")), "ab", `a\ud83db`, 1) + `}`, none},
		{"JSON, the character that stands for one", jsonString(named("a\ufffdb")), "a\ufffdb"},
		{"percent, a + that is one", strings.ReplaceAll(url.PathEscape(named("a+b")), "&", "%26"), "a+b"},
		{"percent, a blank", url.QueryEscape(named("a+b c")), "a+b c"},
		{"percent, cut off", url.PathEscape(named("a")) + "%2", none},
		{"percent, cut off before", url.PathEscape(named("a")) + "%", none},
		{"percent, in small letters", strings.ReplaceAll(url.QueryEscape(named("a")), "%3C", "%3c"), "a"},
		{"percent, with references", strings.ReplaceAll(url.PathEscape(named("a&amp;b")), "&", "&amp;"), none},
		{"percent, with references and an encoded semicolon", strings.NewReplacer("&", "&#38;", "%3B", ";").Replace(url.PathEscape(named("a&amp;b"))), none},
		{"percent, with a reference behind an ampersand", strings.Replace(url.PathEscape(named("a&amp;b")), "&", "&amp;-&amp;", 1), none},
		{"HTML, by numbers", "&#60;" + strings.TrimPrefix(htmlEscape(named("a&lt;b")), "&lt;"), "a<b"},
		{"quoted-printable, a line that goes on", strings.ReplaceAll(strings.ReplaceAll(named("ab"), "=", "=3D"), "ab", "a=\r\nb"), "ab"},
		{"quoted-printable, all of it", strings.NewReplacer("=", "=3D", "<", "=3C").Replace(named("aéb")), "aéb"},
		{"quoted-printable, in small letters", strings.NewReplacer("=", "=3d", "<", "=3c").Replace(named("a")), "a"},
		{"CSV", `"` + strings.ReplaceAll(named(`a`), `"`, `""`) + `"`, "a"},
		{"CSV, without its quotes", strings.ReplaceAll(named(`a`), `"`, `""`), "a"},
		{"two quotes that are no escape", strings.Replace(named("a"), `<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor`, `<md:EntityDescriptor cacheDuration=""`, 1), "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			md, err := certs.ParseMetadata([]byte(test.in))
			switch {
			case test.want == none && err == nil:
				t.Errorf("entityID %q; want an error", md.EntityID)
			case test.want != none && (err != nil || md.EntityID != test.want):
				t.Errorf("%+v, %v; want entityID %q", md, err, test.want)
			}
		})
	}
}

// Metadata that is neither in UTF-8 nor in UTF-16 is not guessed at, though the
// quotes around it and a certificate may be in Windows-1252.
func TestEncodingsOfMetadata(t *testing.T) {
	units := func(s string, more ...uint16) (out []uint16) {
		for _, r := range s {
			if r == '\x01' {
				out = append(out, more...)
			} else {
				out = utf16.AppendRune(out, r)
			}
		}
		return out
	}
	bytesOf := func(units []uint16, big bool) []byte {
		out := []byte{0xff, 0xfe}
		if big {
			out = []byte{0xfe, 0xff}
		}
		for _, u := range units {
			if big {
				out = append(out, byte(u>>8), byte(u))
			} else {
				out = append(out, byte(u), byte(u>>8))
			}
		}
		return out
	}
	const none = "refused"
	quoted := func(s string) string { return "“" + s + "”" }
	for _, test := range []struct {
		name string
		in   []byte
		want string
	}{
		{"quotes of Windows-1252", []byte("\x93" + named("a") + "\x94"), "a"},
		{"single quotes of Windows-1252", []byte("\x91" + named("a") + "\x92"), "a"},
		{"a letter of Windows-1252", []byte("\x93" + named("a\xe9b") + "\x94"), none},
		{"a quote of Windows-1252", []byte("'" + named("a\x92b") + "'"), none},
		{"a euro of Windows-1252", []byte(`"` + named("a\x80b") + `"`), none},
		{"a letter of Windows-1252, without quotes", []byte(named("a\xe9b")), none},
		{"a letter of Windows-1252 in base64", []byte(base64.StdEncoding.EncodeToString([]byte(named("a\xe9b")))), none},
		{"UTF-8 between quotes", []byte(quoted(named("aéb"))), "aéb"},
		{"UTF-16", bytesOf(units(quoted(named("a😀b"))), false), "a😀b"},
		{"UTF-16, big-endian", bytesOf(units(quoted(named("a😀éb"))), true), "a😀éb"},
		{"UTF-16, half a character", bytesOf(units(quoted(named("a\x01b")), 0xd83d), false), none},
		{"UTF-16, the other half", bytesOf(units(quoted(named("a\x01b")), 0xde00), false), none},
		{"UTF-16, the halves the wrong way round", bytesOf(units(quoted(named("a\x01b")), 0xde00, 0xd83d), true), none},
		{"UTF-16, half a character in quotes at the end", bytesOf(append(units(quoted(named("a"))), 0xd83d), false), "a"},
		{"UTF-16, a byte too many", append(bytesOf(units(quoted(named("a"))), false), 'x'), "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			md, err := certs.ParseMetadata(test.in)
			switch {
			case test.want == none && err == nil:
				t.Errorf("entityID %q; want an error", md.EntityID)
			case test.want != none && (err != nil || md.EntityID != test.want):
				t.Errorf("%+v, %v; want entityID %q", md, err, test.want)
			}
		})
	}
	// A certificate is in ASCII, whatever is around it.
	c := pairA().Cert()
	for name, in := range map[string][]byte{
		"smart quotes":        []byte("\x93" + c.Base64() + "\x94"),
		"single smart quotes": []byte("\x91" + c.Base64() + "\x92"),
		"dashes":              bytes.ReplaceAll(c.PEM(), []byte("-----"), []byte("\x97")),
		"short dashes":        bytes.ReplaceAll(c.PEM(), []byte("-----"), []byte("\x96\x96")),
		"words":               append([]byte("Le certificat sign\xe9 :\n"), c.PEM()...),
		"emoji in UTF-16":     bytesOf(units("😀\n"+string(c.PEM())), false),
		"half of one":         bytesOf(units("\x01\n"+string(c.PEM()), 0xd83d), false),
		"a byte too many":     append(bytesOf(units(string(c.PEM())), true), 'x'),
	} {
		if got, err := certs.ParseOne(in); err != nil || got != c {
			t.Errorf("%s: ParseOne = %v, %v", name, got, err)
		}
	}
	if got, err := certs.ParseOne([]byte(c.Base64()[:100] + "\x85" + c.Base64()[100:])); found(err) != certs.KindNotCertificate ||
		!strings.Contains(err.Error(), "U+2026") {
		t.Errorf("dots of Windows-1252: %v, %v", got, err)
	}
}
