package certs_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Layers around one certificate, and what stands beside it.
func TestLayers(t *testing.T) {
	c := pairA().Cert()
	pem, base := string(c.PEM()), c.Base64()
	body := fold(base, 64, "\n")
	raw := strings.TrimRight(base, "=")
	names := strings.NewReplacer("+", "&plus;", "/", "&sol;", "=", "&equals;")
	url64 := strings.NewReplacer("+", "-", "/", "_").Replace(raw)
	deep := pem
	for range 5 {
		deep = b64(deep)
	}
	config := func(s string) string { return "<config><x y=\"1\">" + s + "</x></config>" }
	for name, in := range map[string]string{
		"base64, five deep":                     deep,
		"HTML by name":                          names.Replace(base),
		"HTML by name, small letters of hex":    strings.ReplaceAll(base, "+", "&#x2b;"),
		"HTML by name, capital X":               strings.ReplaceAll(base, "+", "&#X2B;"),
		"HTML, the other alphabet":              strings.ReplaceAll(url64, "_", "&lowbar;"),
		"HTML, non-joiners":                     fold(base, 64, "&zwnj;"),
		"HTML, spaces":                          fold(base, 64, "&ensp;&emsp;&thinsp;&NewLine;&Tab;&nbsp;"),
		"HTML, nothing to be seen":              fold(base, 64, "&shy;&zwj;&lrm;&rlm;&ZeroWidthSpace;"),
		"HTML, dashes":                          strings.ReplaceAll(pem, "-----", "&mdash;&ndash;"),
		"HTML, hyphens":                         strings.ReplaceAll(pem, "-----", "&hyphen;&dash;&minus;"),
		"HTML, quotes":                          "&ldquo;" + base + "&rdquo;",
		"HTML, low quotes":                      "&bdquo;" + base + "&ldquo;",
		"HTML, guillemets":                      "&laquo;" + base + "&raquo;",
		"HTML, single quotes":                   "&lsquo;" + base + "&rsquo;",
		"HTML, an ampersand of the text":        "R&D; &unknown; & more\n" + strings.ReplaceAll(pem, "+", "&plus;"),
		"backslashes at the line ends":          fold(base, 64, "\\\r\n"),
		"backslashes at the line ends, old Mac": fold(base, 64, "\\\r"),
		"tabs escaped":                          fold(base, 64, `\t`),
		"form feeds and such escaped":           fold(base, 64, `\f\v\b\0`),
		"Unicode escaped":                       strings.NewReplacer("+", `\U0000002b`, "/", `\x2F`, "=", `\u003D`).Replace(base),
		"the last character escaped":            raw[:len(raw)-1] + `\x` + hex.EncodeToString([]byte(raw[len(raw)-1:])),
		"emoji escaped beside it":               `\ud83d\ude00\n` + strings.ReplaceAll(pem, "\n", `\n`),
		"half an escape beside it":              `C:\users\x\u12\n` + strings.ReplaceAll(pem, "\n", `\n`),
		"a backslash at the end":                strings.ReplaceAll(pem, "\n", `\n`) + `\`,
		"percent signs only for +":              strings.ReplaceAll(base, "+", "%2b"),
		"percent, the last":                     percentAll(base),
		"PowerShell, line feeds":                strings.ReplaceAll(pem, "\n", "`n"),
		"PowerShell, both":                      strings.ReplaceAll(pem, "\n", "`r`n"),
		"smart quotes, high":                    "‟" + base + "”",
		"smart quotes, of full width":           "＂" + base + "＂",
		"smart quotes, corners":                 "「" + base + "」",
		"smart quotes, French":                  "»" + base + "«",
		"smart quotes, low":                     "‚" + base + "‘",
		"smart quotes, high single":             "‛" + base + "’",
		"smart quotes, angles":                  "‹" + base + "›",
		"smart quotes, angles turned":           "›" + base + "‹",
		"smart quotes, prime":                   "′" + base + "′",
		"smart quotes, single of full width":    "＇" + base + "＇",
		"smart quotes, accents":                 "´" + base + "´",
		"quotes, escaped within":                `"` + strings.ReplaceAll(jsonString(`{"a": "`+base+`"}`), "\n", "") + `"`,
		"a data: URI in capitals":               "DATA:application/pkix-cert;BASE64," + base,
		"a data: URI without type":              "data:," + base,
		"a fence of three":                      "```\n" + body + "\n```",
		"a fence, and words behind":             "~~~\n" + body + "\n~~~\nBye\n",
		"tags":                                  "<textarea rows='3'\n>" + body + "</textarea>",
		"tags in capitals":                      "<PRE><B>" + body + "</B></PRE>",
		"tags, each line":                       "<ul><li>" + strings.ReplaceAll(body, "\n", "</li><li>") + "</li></ul>",
		"a tag alone":                           base[:100] + "<wbr>" + base[100:],
		"a tag with attributes":                 base[:100] + `<span class="` + strings.Repeat("x", 200) + `">` + base[100:] + "</span>",
		"quoted-printable, blanks before ends":  strings.NewReplacer("=", "=3D", "\n", "= \t\n").Replace(body),
		"quoted-printable, blanks and CRLF":     strings.NewReplacer("=", "=3D", "\n", "=\t \r\n").Replace(body),
		"quoted-printable, small letters":       strings.NewReplacer("=", "=3d", "+", "=2b", "/", "=2F", "\n", "=\n").Replace(fold(base, 60, "\n")),
		"quoted-printable, = at the end":        strings.NewReplacer("=", "=3D", "+", "=2B", "\n", "=\n").Replace(body) + "=",
		"quoted-printable in PEM":               "-----BEGIN CERTIFICATE-----\n" + strings.NewReplacer("=", "=3D", "\n", "=\n").Replace(body) + "\n-----END CERTIFICATE-----",
		"an assignment":                         "cert=" + base[:60] + "\n" + fold(base[60:], 64, "\n"),
		"an assignment with an arrow":           "'cert' => " + base,
		"an assignment of a block":              "cert: |+2\n" + eachLine(body, "  "),
		"an assignment of a folded block":       "cert: >\n" + eachLine(body, "  "),
		"an assignment of PowerShell":           "$env:cert = " + base,
		"brackets of all kinds":                 "([{" + base + "}])",
		"a list of one":                         "* " + base,
		"a mail":                                eachLine(body, "> "),
		"a prefix of eight":                     eachLine(body, "#######:"),
		"hexadecimal digits in capitals":        strings.ToUpper(hex.EncodeToString(c.DER())),
		"hexadecimal digits in lines":           fold(hex.EncodeToString(c.DER()), 64, "\r\n\t "),
		"hexadecimal digits with blanks":        "0x" + fold(hex.EncodeToString(c.DER()), 2, " "),
		"variation selectors":                   fold(base, 64, "\ufe00\ufe0f"),
		"fillers":                               fold(base, 64, "\u034f\u115f\u1160\u3164\u2800"),
		"a delete character":                    fold(base, 64, "\x7f"),
		"a control character of C1":             fold(base, 64, "\u0085"),
		"padding too long":                      base + "===",
		"JSON, deep":                            `{"a": [{"b": {"c": ["x", ` + jsonString(pem) + `]}}, null, true, 1.5e3], "d": "` + strings.Repeat("y ", 40) + `"}`,
		"JSON, the name is a certificate's":     `{"x5c": ["` + base + `"], "kty": "RSA", "d": ""}`,
		"JSON, a d that is a number":            `{"d": "5", "kty": "RSA", "x": ` + jsonString(pem) + `}`,
		"JSON, a long d without kty":            `{"d": "` + strings.Repeat("x", 60) + `", "x": ` + jsonString(pem) + `}`,
		"a configuration, text":                 config(pem),
		"a configuration, CDATA":                config("<![CDATA[" + pem + "]]>"),
		"a configuration, attribute":            `<config><x pem="` + pem + `"></x></config>`,
		"a configuration, empty tag":            `<config><x pem="` + pem + `"/></config>`,
		"a configuration, comments":             config("<!-- the old one: -----BEGIN CERTIFICATE----- AAAA -->" + pem),
		"a configuration, an instruction":       "<?pem -----BEGIN CERTIFICATE----- AAAA ?>" + config(pem),
		"PHP":                                   "<?php\n$x = <<<EOT\n" + pem + "EOT;\n",
		"the certificate twice":                 pem + "\n" + base,
		"the certificate twice in base64":       base + "\n" + base,
		"UTF-16 in base64, without a mark":      base64.StdEncoding.EncodeToString(utf16Text(pem, false, false)),
		"UTF-16 in base64, big-endian":          base64.StdEncoding.EncodeToString(utf16Text(pem, true, false)),
		"PEM of PEM":                            "-----BEGIN CERTIFICATE-----\n" + b64(pem) + "\n-----END CERTIFICATE-----",
	} {
		if got, err := certs.ParseOne([]byte(in)); err != nil || got != c {
			t.Errorf("%s: ParseOne = %v, %v", name, got, err)
		}
	}
}

// Several certificates, one after the other in base64, or in blocks of which
// something was lost.
func TestSeveralInARow(t *testing.T) {
	a, b, d := pairA().Cert(), pairB().Cert(), rsaSigner().cert
	raw := func(c certs.Cert) string { return strings.TrimRight(c.Base64(), "=") }
	x, y, z := a.Base64(), b.Base64(), d.Base64()
	end := "\n-----END CERTIFICATE-----\n"
	begin := "-----BEGIN CERTIFICATE-----\n"
	for name, in := range map[string]string{
		"lines":                  x + "\n" + y + "\n" + z,
		"lines of Windows":       x + "\r\n" + y + "\r\n" + z,
		"lines of old":           x + "\r" + y + "\r" + z,
		"commas":                 x + "," + y + ", " + z,
		"semicolons":             x + ";" + y + " ;\t" + z + ";",
		"folded":                 fold(x, 64, "\n") + "\n" + fold(y, 64, "\n") + "\n" + fold(z, 64, "\n"),
		"folded, with blanks":    fold(x, 64, "\n") + "\n\n" + fold(y, 64, "\n") + "\n\n" + fold(z, 64, "\n") + "\n",
		"no padding":             raw(a) + "\n" + raw(b) + "\n" + raw(d),
		"no padding, commas":     raw(a) + "," + raw(b) + "," + raw(d),
		"ends only":              x + end + y + end + z + end,
		"begins only":            begin + x + "\n" + begin + y + "\n" + begin + z,
		"the first begin lost":   x + end + begin + y + end + begin + z + end,
		"the second begin lost":  begin + x + end + y + end + begin + z + end,
		"one run of dashes":      begin + x + "-----END CERTIFICATE-----BEGIN CERTIFICATE-----\n" + y + "-----END CERTIFICATE-----BEGIN CERTIFICATE-----\n" + z + end,
		"DER":                    string(a.DER()) + string(b.DER()) + string(d.DER()),
		"JSON":                   `["` + x + `", {"a": "` + y + `"}, "` + z + `"]`,
		"a piece of metadata":    "<X509Data><X509Certificate>" + x + "</X509Certificate><X509Certificate>" + y + "</X509Certificate><X509Certificate>" + z + "</X509Certificate></X509Data>",
		"others between":         begin + x + end + "-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n" + begin + y + end + "-----BEGIN NOTE-----\nof mine\n-----END NOTE-----\n" + begin + z + end,
		"values of YAML":         "a: " + x + "\nb: " + y + "\nc: " + z + "\n",
		"values in many lines":   "a: |\n  " + fold(x, 64, "\n  ") + "\nb: |\n  " + fold(y, 64, "\n  ") + "\nc: |\n  " + fold(z, 64, "\n  ") + "\n",
		"words, then base64":     "The certificates are:\n\n" + x + "\n\n" + y + "\n\n" + z + "\n",
		"texts of configuration": "<config><a>" + begin + x + end + "</a><b><![CDATA[" + begin + y + end + "]]></b><c z='" + begin + z + end + "'/></config>",
	} {
		if got, err := certs.Parse([]byte(in)); err != nil || !slices.Equal(got, []certs.Cert{a, b, d}) {
			t.Errorf("%s: Parse = %v, %v", name, got, err)
		}
	}
}

// Whatever stands around or within it, nothing is dropped and nothing guessed.
// Where a place is known in the text as it was pasted, it is told; in a layer
// it would mislead.
func TestLayersRefuse(t *testing.T) {
	a := pairA().Cert()
	pem, base, body := string(a.PEM()), a.Base64(), fold(a.Base64(), 64, "\n")
	starred := pem[:300] + "*" + pem[300:]
	cut := base[:len(base)-100]
	flipped := func(at int) string {
		b := a.DER()
		b[at] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	damaged := flipped(400)
	deep := pem
	for range 6 {
		deep = b64(deep)
	}
	line := 1 + strings.Count(starred[:300], "\n")
	column := 300 - strings.LastIndexByte(starred[:300], '\n')
	for _, test := range []struct {
		name, in     string
		want         certs.Kind
		line, column int
	}{
		{"a star", starred, certs.KindNotCertificate, line, column},
		{"a star, behind words", "The\ncertificate:\n" + starred, certs.KindNotCertificate, line + 2, column},
		{"a star, behind blank lines", "\n \n" + starred, certs.KindNotCertificate, line + 2, column},
		{"a star, behind headers", strings.Replace(starred, "\n", "\nA: b\n\n", 1), certs.KindNotCertificate, line + 2, column},
		{"a star in bare base64", "\n" + base[:100] + "*" + base[100:], certs.KindNotCertificate, 2, 101},
		{"a star in bare base64, first", "*" + base[:100] + "*" + base[100:], certs.KindNotCertificate, 1, 1},
		{"a star in base64 of PEM", b64(starred), certs.KindNotCertificate, 0, 0},
		{"a star in base64 of base64", b64(base[:100] + "*" + base[100:]), certs.KindNotCertificate, 0, 0},
		{"a star in PEM of PEM", "-----BEGIN CERTIFICATE-----\n" + b64(starred) + "\n-----END CERTIFICATE-----", certs.KindNotCertificate, 0, 0},
		{"a star in a mail", eachLine(strings.TrimSpace(starred), "> "), certs.KindNotCertificate, 0, 0},
		{"a star in a configuration", "<config><x>" + starred + "</x></config>", certs.KindNotCertificate, 0, 0},
		{"a star in a fence", "```\n" + base[:100] + "*" + base[100:] + "\n```", certs.KindNotCertificate, 1, 1},
		{"an underscore among the others", base[:100] + "_" + base[100:], certs.KindNotCertificate, 1, 101},
		{"padding in the middle", base[:100] + "=" + base[100:], certs.KindNotCertificate, 1, 101},
		{"base64, six deep", deep, certs.KindNotCertificate, 0, 0},
		{"damaged in base64", b64(damaged), certs.KindDamaged, 0, 0},
		{"damaged in JSON", `{"a": "` + damaged + `"}`, certs.KindDamaged, 0, 0},
		{"damaged in metadata in JSON", `{"a": ` + jsonString(strings.Replace(jumpCloudMetadata(damaged), "><", ">\n<", -1)) + `}`, certs.KindDamaged, 0, 0},
		{"damaged, then cut off, in JSON", `["` + damaged + `", "` + cut + `"]`, certs.KindDamaged, 0, 0},
		{"cut off, then damaged, in JSON", `["` + cut + `", "` + damaged + `"]`, certs.KindTruncated, 0, 0},
		{"good and cut off in JSON", `["` + base + `", "` + cut + `"]`, certs.KindTruncated, 0, 0},
		{"JSON within JSON within JSON", strings.Repeat(`{"a":`, 3) + `"` + strings.Repeat("no certificate ", 20) + `"` + strings.Repeat("}", 3), certs.KindJSON, 0, 0},
		{"a JWK with its private part", `{"kty": "RSA", "x5c": ["` + base + `"], "d": "` + strings.Repeat("x", 21) + `"}`, certs.KindPrivateKey, 0, 0},
		{"a piece, damaged", "<X509Certificate>" + damaged + "</X509Certificate>", certs.KindDamaged, 0, 0},
		{"a piece, damaged, without end", "<X509Certificate>" + damaged, certs.KindDamaged, 0, 0},
		{"a piece without content", "<X509Certificate> \n</X509Certificate>", certs.KindEmpty, 0, 0},
		{"a piece with two certificates", "<X509Certificate>" + pem + string(pairB().Cert().PEM()) + "</X509Certificate>", certs.KindSeveral, 0, 0},
		{"a piece within a piece", "<X509Certificate>" + base[:100] + "<X509Certificate>" + base[100:] + "</X509Certificate></X509Certificate>", certs.KindMalformedXML, 0, 0},
		{"a tag in a tag", "<X509Data><a <X509Certificate>" + base + "</X509Certificate></X509Data>", certs.KindMalformedXML, 0, 0},
		{"a quote without end", "<X509Data a='><X509Certificate>" + base + "</X509Certificate></X509Data>", certs.KindMalformedXML, 0, 0},
		{"a tag without end, two letters", "<X509Data><a", certs.KindMalformedXML, 0, 0},
		{"configuration with a damaged one", "<config><x>" + pem + "</x><y>-----BEGIN CERTIFICATE-----\n" + damaged + "\n-----END CERTIFICATE-----</y></config>", certs.KindDamaged, 0, 0},
		{"configuration without any", "<config><x>1</x></config>", certs.KindNotMetadata, 0, 0},
		{"words in angle brackets", "<" + strings.Repeat("a ", 20) + ">", certs.KindNotCertificate, 0, 0},
		{"hexadecimal digits with a letter", hex.EncodeToString(a.DER())[:200] + "g" + hex.EncodeToString(a.DER())[200:], certs.KindNotCertificate, 0, 0},
		{"hexadecimal digits, an odd number", hex.EncodeToString(a.DER()) + "0", certs.KindNotCertificate, 0, 0},
		{"hexadecimal digits, half of them", hex.EncodeToString(a.DER()[:500]), certs.KindTruncated, 0, 0},
		{"an X509Certificate with words", jumpCloudMetadata("TODO: the certificate"), certs.KindNotCertificate, 1, 381},
		{"an empty X509Certificate", jumpCloudMetadata(" "), certs.KindEmpty, 1, 381},
		{"two certificates in one X509Certificate", jumpCloudMetadata(pem + string(pairB().Cert().PEM())), certs.KindSeveral, 1, 381},
		{"a block with nothing but white space", "-----BEGIN CERTIFICATE-----\n \n-----END CERTIFICATE-----", certs.KindNotCertificate, 0, 0},
		{"a block of hexadecimal digits", "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("00", 400) + "\n-----END CERTIFICATE-----", certs.KindNotCertificate, 0, 0},
		{"a block of another kind", "-----BEGIN NOTE-----\n" + b64("a note of mine") + "\n-----END NOTE-----", certs.KindNotCertificate, 0, 0},
		{"an attribute certificate", "-----BEGIN ATTRIBUTE CERTIFICATE-----\n" + base + "\n-----END ATTRIBUTE CERTIFICATE-----", certs.KindNotCertificate, 0, 0},
		{"an end too many", pem + "-----END CERTIFICATE-----\n", certs.KindNotCertificate, 0, 0},
		{"the second damaged, its begin lost", pem + damaged + "\n-----END CERTIFICATE-----\n", certs.KindDamaged, 0, 0},
		{"percent-encoding that is cut off", strings.ReplaceAll(body, "\n", "%0A") + "%0", certs.KindNotCertificate, 1, 65},
		{"HTML, quoted", `"<!DOCTYPE html><html><body>Sign in</body></html>"`, certs.KindHTML, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := certs.ParseOne([]byte(test.in))
			var perr *certs.ParseError
			if !errors.As(err, &perr) || perr.Found != test.want || perr.Line != test.line || perr.Column != test.column {
				t.Errorf("%v, %v; want %q at %d, %d", got, err, test.want, test.line, test.column)
			} else {
				checkErrorText(t, err)
			}
		})
	}
	for name, in := range map[string]string{
		"a key, percent-encoded":              url.QueryEscape(string(pairA().PrivateKeyPEM())),
		"a key in metadata, percent-encoded":  percentAll(strings.Replace(jumpCloudMetadata(base), "<md:IDPSSO", "<!--"+string(pairA().PrivateKeyPEM())+"--><md:IDPSSO", 1)),
		"a key beside the certificate, there": percentAll(pem + string(pairA().PrivateKeyPEM())),
	} {
		if got, err := certs.Parse([]byte(in)); found(err) != certs.KindPrivateKey {
			t.Errorf("%s: Parse = %v, %v", name, got, err)
		}
		if got, err := certs.ParseMetadata([]byte(in)); found(err) != certs.KindPrivateKey {
			t.Errorf("%s: ParseMetadata = %v, %v", name, got, err)
		}
	}
}
