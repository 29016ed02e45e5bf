package certs_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// configurations are certificates in files and mails among much else, whose
// quotation marks, percent signs and colons have no part in them.
func configurations(c certs.Cert) map[string]string {
	pem, base := string(c.PEM()), c.Base64()
	body := fold(base, 64, "\n")
	prefixed := func(p, s string) string {
		return p + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n"+p) + "\n"
	}
	numbered := func(format, s string) string {
		var b strings.Builder
		for i, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
			fmt.Fprintf(&b, format, i+1, line)
		}
		return b.String()
	}
	qp := func(s string) string { return fold(strings.ReplaceAll(s, "=", "=3D"), 70, "=\r\n") }
	other := "url = \"https://example.com/?a=%20b%2Bc&x=1\"\n"
	base64Of := b64
	return map[string]string{
		"a token before":        "token: " + strings.Repeat("a1", 32) + "\ncert: |\n" + prefixed("  ", body),
		"fence prose base64":    "Here:\n\n```\n" + body + "\n```\nBye, Bob\n",
		"fence prose pem":       "Here:\n\n~~~pem\n" + pem + "~~~\nBye, Bob\n",
		"fence inline pem":      "```" + pem + "```",
		"yaml block among":      "saml:\n  entity_id: https://x/y\n  cert: |\n" + prefixed("    ", body) + "  url: https://example.com/sso\n",
		"yaml folded pem among": "saml:\n  cert: >-\n" + prefixed("    ", pem) + "  url: https://example.com/sso?a=%20\n",
		"yaml binary":           "cert: !!binary |\n" + prefixed("  ", body),
		"yaml plain multi":      "cert:\n" + prefixed("  ", body) + "url: x\n",
		"yaml list":             "certs:\n  - |\n" + prefixed("    ", pem),
		"yaml list scalar":      "certs:\n  - " + base + "\n",
		"yaml json":             "cert: {\"value\": \"" + base + "\"}\n",
		"pem + percent url":     other + "cert = \"" + strings.ReplaceAll(pem, "\n", `\n`) + "\"\n",
		"pem raw + percent url": other + "cert = <<EOF\n" + pem + "EOF\n",
		"b64 + percent url":     other + "cert = \"" + base + "\"\n",
		"pem percent among":     "id=1&cert=" + url.QueryEscape(pem) + "&x=a%2Bb",
		"numbered pem":          numbered("%6d\t%s\n", pem),
		"numbered pem colon":    numbered("%d: %s\n", pem),
		"numbered b64":          numbered("%d  %s\n", body),
		"grep pem":              prefixed("idp.pem:", pem),
		"docker log":            prefixed("web_1  | ", pem),
		"heredoc b64":           "CERT=$(cat <<EOF\n" + body + "\nEOF\n)\n",
		"terraform b64":         "cert = <<-EOT\n" + prefixed("    ", body) + "  EOT\n",
		"terraform pem":         "cert = <<-EOT\n" + prefixed("    ", pem) + "  EOT\nother = 1\n",
		"qp pem":                qp(pem),
		"qp mail pem":           "Subject: =?utf-8?Q?a?=\nContent-Transfer-Encoding: quoted-printable\n\nHello =E2=80=93\n" + qp(pem),
		"mail twice pem":        prefixed("> > ", pem),
		"mail folded pem":       "> -----BEGIN CERTIFICATE-----\n> " + fold(base, 64, "\n> ") + "\n> -----END CERTIFICATE-----",
		"mail folded lost":      "> -----BEGIN CERTIFICATE-----\n> " + strings.Replace(fold(base, 64, "\n> "), "\n> ", "\n", 1) + "\n> -----END CERTIFICATE-----",
		"mail b64":              prefixed("> ", body),
		"mail b64 with who":     "On Monday Bob <b@x.com> wrote:\n" + prefixed("> ", body),
		"mail flowed":           prefixed("> ", strings.ReplaceAll(pem, "\n", " \n")),
		"smart pem lines":       "“" + strings.ReplaceAll(pem, "\n", "”\n“") + "”",
		"php":                   "<?php\nreturn [\n 'cert' => '" + pem + "',\n 'x' => 'y%zz',\n];\n",
		"php b64":               "<?php\nreturn array (\n 'x509cert' => '" + base + "',\n);\n",
		"env":                   "A=1\nCERT=\"" + strings.ReplaceAll(pem, "\n", `\n`) + "\"\nB=it's\n",
		"env b64 quotes":        "A=1\nCERT='" + base + "'\nB=\"2\"\n",
		"ini multi":             "[saml]\ncert = " + fold(base, 64, "\n   ") + "\nurl = https://x\n",
		"json5":                 "{ // comment\n cert: '" + strings.ReplaceAll(pem, "\n", `\n`) + "', }",
		"json frag":             "\"idpCertificate\": {\"type\":\"file\", \"value\": \"" + base + "\"},",
		"list":                  prefixed("- ", body),
		"md list pem":           "- cert:\n" + prefixed("  ", pem),
		"ldif":                  "dn: cn=x\nuserCertificate;binary:: " + fold(base, 60, "\n ") + "\ncn: x\n",
		"xml config":            "<config><cert>" + pem + "</cert></config>",
		"html div lines":        "<div>" + strings.ReplaceAll(pem, "\n", "</div><div>") + "</div>",
		"html esc pem":          strings.ReplaceAll(strings.ReplaceAll(pem, "\n", "&#10;"), "+", "&#43;"),
		"html esc twice":        strings.ReplaceAll(strings.ReplaceAll(pem, "\n", "&amp;#10;"), "+", "&amp;#43;"),
		"unicode esc":           strings.ReplaceAll(strings.ReplaceAll(pem, "\n", `\u000a`), "+", `\u002B`),
		"two layers":            "'" + strings.ReplaceAll(jsonString(pem), `\`, `\\`) + "'",
		"k8s":                   "apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: " + base64Of(pem) + "\n",
		"csv":                   "\"name\",\"cert\"\n\"x\",\"" + pem + "\"\n",
		"sql":                   "INSERT INTO x VALUES (1,'" + strings.ReplaceAll(pem, "\n", `\r\n`) + "');",
		"bullets":               "* the cert:\n\n    " + strings.ReplaceAll(pem, "\n", "\n    "),
		"comment hash among":    "x = 1\n" + prefixed("# ", pem) + "y = 2\n",
		"block comment":         "/*\n" + prefixed(" * ", pem) + " */",
		"cert text":             "subject=CN=x %\n" + other + pem,
	}
}

func TestConfigurations(t *testing.T) {
	for _, pair := range []*certs.KeyPair{pairA(), pairB()} {
		c := pair.Cert()
		for name, in := range configurations(c) {
			if got, err := certs.ParseOne([]byte(in)); err != nil || got != c {
				t.Errorf("%s: ParseOne = %v, %v", name, got, err)
			}
		}
	}
}

// What is around a certificate never makes another of it, or hides one.
func TestConfigurationsRefuse(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	base := a.Base64()
	for name, in := range map[string]string{
		"two keys":               "old: " + b.Base64() + "\nnew: " + base + "\n",
		"a line masked":          "cert:\n" + fold(base[:640]+"****"+base[644:], 64, "\n"),
		"a line missing":         "cert: |\n  " + fold(base[:640]+base[704:], 64, "\n  ") + "\nurl: x\n",
		"hyphenated":             "cert: |\n  " + fold(base, 64, "-\n  ") + "\n",
		"words in it":            "cert: |\n  " + fold(base[:640]+"\nand so on\n"+base[640:], 64, "\n  ") + "\n",
		"in a comment of xml":    "<config><!-- " + string(a.PEM()) + " --></config>",
		"two in xml":             "<config><a>" + string(a.PEM()) + `</a><b x="` + string(b.PEM()) + `"/></config>`,
		"in prose without a key": "The certificate is " + base + " and no other",
	} {
		if got, err := certs.ParseOne([]byte(in)); err == nil {
			t.Errorf("%s: ParseOne = %v; want an error", name, got)
		}
	}
}
