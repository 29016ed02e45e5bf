package certs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Each label that a block can have, and what is left of markers.
func TestMarkers(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	base := a.Base64()
	body := "\n" + fold(base, 64, "\n") + "\n"
	block := func(label, body string) string {
		return "-----BEGIN " + label + "-----" + body + "-----END " + label + "-----\n"
	}
	p7 := "\n" + b64(string(pkcs7(a.DER()))) + "\n"
	quoted := func(prefix, s string) string { return eachLine(strings.TrimSpace(s), prefix) + "\n" }
	numbered := func(s, format string) string {
		out := ""
		for i, line := range strings.Split(strings.TrimSpace(s), "\n") {
			out += strings.NewReplacer("N", string(rune('1'+i%9)), "L", line).Replace(format)
			if i == 8 {
				break
			}
		}
		return out
	}
	short := "-----BEGIN CERTIFICATE-----\n" + fold(base, 200, "\n") + "\n-----END CERTIFICATE-----\n" // in nine lines at most
	other := certs.KindNotCertificate
	type test struct {
		name, in string
		want     []certs.Cert
		kind     certs.Kind
	}
	one := []certs.Cert{a}
	tests := []test{
		{"a label with a number", block("X.509 CERTIFICATE", body), one, ""},
		{"a label in the plural", block("CERTIFICATES", body), one, ""},
		{"a short label", block("CERT", body), one, ""},
		{"a label with an underscore", block("X509_CERTIFICATE", body), one, ""},
		{"a label in mixed case", block("Trusted Certificate", body), one, ""},
		{"a label in small letters, a to z", block("azAZ09", body), one, ""},
		{"PKCS #7", block("PKCS #7 SIGNED DATA", p7), one, ""},
		{"PKCS7", block("PKCS7", p7), one, ""},
		{"PKCS#7", block("PKCS#7", p7), one, ""},
		{"PKCS7 signed data", block("PKCS7 SIGNED DATA", p7), one, ""},
		{"CMS", block("CMS", p7), one, ""},
		{"a chain", block("CERTIFICATE CHAIN", p7), one, ""},
		{"trusted, and nothing behind", block("TRUSTED CERTIFICATE", body), one, ""},
		{"a request", block("NEW CERTIFICATE REQUEST", body), nil, certs.KindCSR},
		{"a public key", block("EC PUBLIC KEY", body), nil, certs.KindPublicKey},
		{"a public key of RSA", block("RSA PUBLIC KEY", body), nil, certs.KindPublicKey},
		{"a public key alone", block("PUBLIC KEY", body), nil, certs.KindPublicKey},
		{"a list", block("CRL", body), nil, certs.KindCRL},
		{"PKCS12", block("PKCS12", body), nil, certs.KindPKCS12},
		{"PKCS#12", block("PKCS #12", body), nil, certs.KindPKCS12},
		{"SSH2", block("SSH2 PUBLIC KEY", body), nil, certs.KindSSHKey},
		{"two of other kinds: the first", block("CRL", body) + block("PKCS12", body), nil, certs.KindCRL},
		{"another kind, and one that is unknown", block("CRL", body) + block("NOTE", "\nof mine\n"), nil, certs.KindCRL},
		{"one that is unknown, and another kind", block("NOTE", "\nof mine\n") + block("CRL", body), nil, other},
		{"an unknown one beside", block("NOTE", "\nof mine\n") + block("CERTIFICATE", body), one, ""},
		{"a known one beside", block("PUBLIC KEY", body) + block("CERTIFICATE", body), one, ""},
		{"ends as another", "-----BEGIN CERTIFICATE-----" + body + "-----END CERT-----", nil, other},
		{"begins twice", "-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----" + body + "-----END CERTIFICATE-----", nil, other},
		{"words in it", block("CERTIFICATE", body[:65]+"\nand so on\n"+body[65:]), nil, certs.KindTrailingData},
		{"headers without an empty line", block("CERTIFICATE", "\nComment: x"+body), nil, other},
		{"a header without a name", block("CERTIFICATE", "\n: x\n"+body), nil, other},
		{"headers, an empty line before", block("CERTIFICATE", "\n\nComment: x\nOther: y\n"+body), one, ""},
		{"headers, blanks in the empty line", block("CERTIFICATE", "\nComment: x\n  more: of it\n \t\r\n"+body[1:]), one, ""},
		{"no dashes, and in small letters", strings.ToLower("BEGIN CERTIFICATE") + body + "end certificate", one, ""},
		{"no dashes, indented", "  BEGIN CERTIFICATE  " + body + "\tEND CERTIFICATE\t\n", one, ""},
		{"no dashes, lines of Windows", strings.ReplaceAll("BEGIN CERTIFICATE"+body+"END CERTIFICATE\n", "\n", "\r\n"), one, ""},
		{"no dashes, lines of old", strings.ReplaceAll("x\nBEGIN CERTIFICATE"+body+"END CERTIFICATE\n", "\n", "\r"), one, ""},
		{"dashes at one side", "-BEGIN CERTIFICATE" + body + "END CERTIFICATE-", one, ""},
		{"dashes at the other", "BEGIN CERTIFICATE-" + body + "-END CERTIFICATE", one, ""},
		{"zero-width spaces beside the dashes", strings.NewReplacer("-BEGIN", "-\u200bBEGIN", "-END", "-\u200b-\u200bEND", "E-", "E\u200b-").Replace(block("CERTIFICATE", body)), one, ""},
		{"a non-breaking space in the label", block("X509\u00a0CERTIFICATE", body), one, ""},
		{"a marker in the line of the last", "-----BEGIN CERTIFICATE-----" + body + "-----END CERTIFICATE----- -----BEGIN CERTIFICATE-----\n" + b.Base64() + "\n-----END CERTIFICATE-----", []certs.Cert{a, b}, ""},
		{"words with the letters of a marker", "Be at the end of the beginning: beg, begin, BEGINNER, END\n" + block("CERTIFICATE", body), one, ""},
		{"long words before", strings.Repeat("x", 4095) + "\n" + block("CERTIFICATE", body), one, ""},
		{"longer words before", strings.Repeat("x", 4096) + "\n" + block("CERTIFICATE", body), one, ""},
		{"still longer words before", strings.Repeat("x", 4097) + "\n" + block("CERTIFICATE", body), one, ""},
		{"long words behind", block("CERTIFICATE", body) + strings.Repeat("x", 9000), one, ""},
		{"B at the end", block("CERTIFICATE", body) + "B", one, ""},
		{"a fence of quotes", quoted("> ", block("CERTIFICATE", body)), one, ""},
		{"quotes, and an empty line", strings.Replace(quoted("> ", block("CERTIFICATE", body)), "\n> ", "\n\n> ", 3), one, ""},
		{"quotes, and a line of a quote alone", strings.Replace(quoted("> ", block("CERTIFICATE", body)), "\n> ", "\n>\n> ", 3), one, ""},
		{"quotes, in lines of old", strings.ReplaceAll("Hello\n"+quoted("> ", block("CERTIFICATE", body)), "\n", "\r"), one, ""},
		{"a long prefix", quoted("the certificate of x: ", block("CERTIFICATE", body)), nil, other},
		{"a prefix of twenty", quoted(strings.Repeat("#", 20), block("CERTIFICATE", body)), one, ""},
		{"a prefix that one line lacks", strings.Replace(quoted("# ", block("CERTIFICATE", body)), "\n# ", "\n", 3), nil, other},
		{"numbers", numbered(short, "N L\n"), one, ""},
		{"numbers and a colon", numbered(short, "N: L\n"), one, ""},
		{"numbers and a bar", numbered(short, "  N | L\n"), one, ""},
		{"numbers of which two are changed", strings.NewReplacer("\n3 ", "\n4 ", "\n4 ", "\n3 ").Replace(numbered(short, "N L\n")), nil, other},
		{"escapes in it", block("CERTIFICATE", strings.ReplaceAll(body, "\n", `\n`)), one, ""},
		{"escapes twice", block("CERTIFICATE", strings.ReplaceAll(body, "\n", `\\n`)), one, ""},
		{"percent signs in it", "100 % of\n" + block("CERTIFICATE", strings.ReplaceAll(body, "\n", "%0A")), one, ""},
		{"references in it", "R&D\n" + block("CERTIFICATE", strings.ReplaceAll(body, "\n", "&#10;")), one, ""},
		{"tags in it", "a < b\n" + block("CERTIFICATE", strings.ReplaceAll(body, "\n", "<br />")), one, ""},
		{"tags of another kind in it", block("CERTIFICATE", strings.ReplaceAll(body, "\n", "<x>")), nil, other},
		{"percent signs in percent signs in it", block("CERTIFICATE", strings.ReplaceAll(body, "\n", "%25250A")), one, ""},
		{"PEM and metadata's root in words", "<EntityDescriptor is not here\n" + block("CERTIFICATE", body), nil, certs.KindMalformedXML},
	}
	for _, dash := range "-‐‑‒–—―−﹘﹣－" {
		tests = append(tests, test{"dashes " + string(dash), strings.ReplaceAll(block("CERTIFICATE", body), "-----", string(dash)), one, ""})
	}
	for _, ssh := range []string{"ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-dss AAAA", "ecdsa-sha2-nistp256 AAAA", "sk-ssh-ed25519@openssh.com AAAA", "sk-ecdsa-sha2-nistp256@openssh.com A",
		"AAAAB3NzaC1yc2EAAAADAQABAAABAQC7", "AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY"} {
		tests = append(tests, test{ssh, ssh, nil, certs.KindSSHKey})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := certs.Parse([]byte(test.in))
			if !slices.Equal(got, test.want) || found(err) != test.kind {
				t.Errorf("Parse = %v, %v; want %v, %q", got, err, test.want, test.kind)
			}
		})
	}
}
