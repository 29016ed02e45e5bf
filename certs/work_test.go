package certs

import (
	"strings"
	"testing"
)

// The work on text is in proportion to its length: however it begins, whatever it
// consists of. Work is bytes looked at, not time.
func TestWorkIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	heads := []string{
		"", "<KeyInfo>", "<KeyInfo ", "<X509Certificate>", "<X509Data><!--", "-----BEGIN CERTIFICATE-----\n", "'", "“", "&lt;", "%3C?", "key: |\n  <a ", "> <a", `{"a":"`,
		"```\n", "x = '<a ", "<pre>", "1: <a>\n", "f.xml:<a ", `x = "<a " +`, "<RSAKeyValue>", "key: ",
		`"kty"`, `x = """<a>`, `"<a b=\"`, "```<a ", "m: \"<a ",
	}
	units := []string{
		"‹", "<", ">", "&lt;", "&amp;a;", "%3C", `\u003c`, "'", "`n", "=\n", "-", " ", "A\n", "BEGIN\u200b", "<KeyDescriptor", "<X509Certificate>", "<X509Certificate>A</X509Certificate>", "<!--",
		"<![CDATA[", "> ", "a:", "BEGIN PRIVATE ", "priv:00", "M ", "LS0tLS1CRUdJT", "-----BEGIN X-----\n", "=3D", "<a b='", "<<EOF\n", "\" +\n\"", "it''s", "private key:", "PRIVATE KEY-----\n", "END PRIVATE KEY-----", ":RSAKeyValue", "<RSAKeyValue>", "<D>",
		strings.Repeat("A", 64) + "\n", "a: " + strings.Repeat("A", 64) + "\n", "1: " + strings.Repeat("MIID", 16) + "\n", "<?php",
		"\"d\":\"a\",", "\\\n    ", "\\\\x", "eCB5", strings.Repeat("eCB5", 16) + "\n", "e\n" + strings.Repeat(" ", 30), "<!---->",
	}
	const size = 8 << 10
	work := func(in string) int {
		n := 0
		counted = func(k int) { n += k }
		defer func() { counted = nil }()
		_, _ = Parse([]byte(in))
		_, _ = ParseMetadata([]byte(in))
		return n
	}
	some, pairs := 0, 0
	for i, head := range heads {
		for j, unit := range units {
			if raceDetector && (3*i+j)%29 != 0 {
				continue // one goroutine works here: the race detector needs no more than some
			}
			pairs++
			var works [3]int
			for i := range works {
				works[i] = work(head + strings.Repeat(unit, size<<i/len(unit)))
			}
			some += works[0]
			for i, w := range works[1:] {
				if w > 3*works[i]+100_000 {
					t.Errorf("%q and many %q: %v bytes of work for %d, %d, %d bytes; want in proportion", head, unit, works, size, 2*size, 4*size)
				}
			}
			if most := 1000 * 4 * size; works[2] > most {
				t.Errorf("%q and many %q: %d bytes of work for %d bytes", head, unit, works[2], 4*size)
			}
		}
	}
	if some < pairs*size {
		t.Errorf("%d bytes of work were counted", some)
	}
}
