package certs_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// hostile are inputs of about n bytes that cost a careless reader quadratic
// time, or memory, or its stack.
func hostile(n int) map[string][]byte {
	c := pairA().Cert()
	in := make(map[string][]byte)
	for _, unit := range []string{
		"-", "—", "BEGIN ", "END ", "e", "-BEGIN", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----- ", "-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\na: b\n", "> -----BEGIN CERTIFICATE-----\n", "-BEGIN" + strings.Repeat(" ", 500), "BEGIN CERTIFICATE\n",
		"MII", "M", "M ", "AAAA=", "=", "=\n", "A\n", "MII\n", "PRIVATE ", "PRIVATE KEY ", "LS0tLS1CRUdJTi", " LS0tLS1CRUdJTi", " 3082", "30", "3082:",
		"%25", "%", "%0A", "&amp;", "&", "&#10;", `\\`, `\`, `\n`, `\u002b`, `"`, "'", "`n", "`", "“", "<", "<br>", "<a>", "<a/>", "</a>", "<?a?>", "<!---->", "<a b='", "<!--",
		"<X509Certificate>", "<ds:X509Certificate>A", "{", "[", `{"a":`, `["a",`, "\u200b", "\u00a0", "0\x82", "\x30\x82\xff\xff", "\x30\x80", ":", "=:", "a=", "```", "data:,", "> ", "# ", "\x00", "\xff", "\xff\xfe",
		"a: |\n", "\"A\"+", "\t", "\r", "ssh-rsa ",
	} {
		in[fmt.Sprintf("%.30q", unit)] = []byte(strings.Repeat(unit, n/len(unit)+1)[:n])
	}
	one := strings.ReplaceAll(string(c.PEM()), "\n", " ")
	in["certificates in one line"] = []byte(strings.Repeat(one, n/len(one)))
	in["certificates"] = []byte(strings.Repeat(string(c.PEM()), n/len(c.PEM())))
	in["certificates, then a key marker"] = append([]byte(strings.Repeat(string(c.PEM()), n/len(c.PEM()))), "-----BEGIN PRIVATE KEY-----"...)
	in["x509 elements"] = []byte(jumpCloudMetadata(strings.Repeat("A", n)))
	in["ids"] = []byte("<a>" + func() string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, `<a ID="%d"/>`, i)
		}
		return b.String()
	}() + "</a>")
	in["prefixes"] = []byte("<a" + declarations(100) + ">" + strings.Repeat("<a/>", n/4) + "</a>")
	in["attributes"] = []byte("<r>" + strings.Repeat("<a"+attributes(120)+"/>", n/900) + "</r>")
	// Each layer holds base64 of text that has layers of its own.
	text := "x"
	for len(text) < n/4 {
		text = "\"-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString([]byte(text)) + "\n-----END CERTIFICATE-----\n*\""
		for range 11 {
			text = strings.ReplaceAll(text, "%", "%25") + "%25"
		}
		if len(text) > 4*n {
			break
		}
	}
	in["layers in layers"] = []byte(text)
	in["percent many times"] = []byte(url.QueryEscape(url.QueryEscape(url.QueryEscape(strings.Repeat("%", n/30)))))
	return in
}

// Time and memory are linear: 64 KiB of anything take little of both. The
// limits leave room for slow machines; quadratic work would exceed them many
// times.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	trusted := rsaSigner().cert
	for name, in := range hostile(1 << 16) {
		for what, f := range map[string]func() error{
			"Parse":          func() error { _, err := certs.Parse(in); return err },
			"ParseMetadata":  func() error { _, err := certs.ParseMetadata(in); return err },
			"VerifyMetadata": func() error { _, err := certs.VerifyMetadata(in, trusted); return err },
		} {
			if what == "VerifyMetadata" && in[0] != '<' {
				continue // the same as ParseMetadata's
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			err := f()
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if err != nil {
				checkErrorText(t, err)
			}
			limit := 10 * time.Second
			if strings.HasPrefix(name, "certificates") {
				limit = 30 * time.Second // honest work: a signature each
			}
			if took > limit {
				t.Errorf("%s of %s: %v", what, name, took)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
				t.Errorf("%s of %s: %d MB allocated", what, name, used>>20)
			}
			if took > 500*time.Millisecond || after.TotalAlloc-before.TotalAlloc > 20<<20 {
				t.Logf("%s of %s (%d bytes): %v, %d MB: %.200v", what, name, len(in), took, (after.TotalAlloc-before.TotalAlloc)>>20, err)
			}
		}
	}
}
