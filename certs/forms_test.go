package certs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/jcaad/jcaad/certs"
)

// form is a way in which people get to hold a certificate.
type form struct {
	name string
	b    []byte
}

func fold(s string, n int, sep string) string {
	var b strings.Builder
	for len(s) > n {
		b.WriteString(s[:n])
		b.WriteString(sep)
		s = s[n:]
	}
	return b.String() + s
}

func utf16Text(s string, big, bom bool) []byte {
	var out []byte
	units := utf16.Encode([]rune(s))
	if bom {
		units = append([]uint16{0xfeff}, units...)
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

func jsonString(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

const metadataHead = `<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:uri:example.com">` +
	`<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`

const metadataTail = `<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>` +
	`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sso.jumpcloud.com/saml2/office365"/>` +
	`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://sso.jumpcloud.com/saml2/office365"/>` +
	`</md:IDPSSODescriptor></md:EntityDescriptor>`

// jumpCloudMetadata has the shape of what JumpCloud serves.
func jumpCloudMetadata(certText string) string {
	return metadataHead + `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
		certText + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` + metadataTail
}

// pkcs7 packs certificates as in a .p7b file.
func pkcs7(ders ...[]byte) []byte {
	tlv := func(tag byte, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		n := len(body)
		switch {
		case n < 0x80:
			return append([]byte{tag, byte(n)}, body...)
		case n < 0x100:
			return append([]byte{tag, 0x81, byte(n)}, body...)
		}
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
	oid := func(last byte) []byte {
		return []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, last}
	}
	return tlv(0x30, oid(2), tlv(0xa0, tlv(0x30,
		[]byte{2, 1, 1}, []byte{0x31, 0}, tlv(0x30, oid(1)), tlv(0xa0, ders...), []byte{0x31, 0})))
}

// acceptable returns c in every form that must be read as c and nothing else.
func acceptable(c certs.Cert) []form {
	der, b64, pem := c.DER(), c.Base64(), string(c.PEM())
	body := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(pem, "-----BEGIN CERTIFICATE-----\n"), "-----END CERTIFICATE-----\n"))
	crlf := strings.ReplaceAll(pem, "\n", "\r\n")
	raw := strings.TrimRight(b64, "=")
	url64 := strings.NewReplacer("+", "-", "/", "_").Replace(raw)
	md := jumpCloudMetadata(b64)
	snippet := `<ds:X509Certificate>` + b64 + `</ds:X509Certificate>`
	half := len(body) / 2
	quoted := func(s string) string { return `"` + s + `"` }
	prefixed := func(p, s string) string {
		return p + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n"+p) + "\n"
	}
	literals := func(open, end, join string) string {
		var parts []string
		for line := range strings.Lines(pem) {
			parts = append(parts, open+strings.TrimSuffix(line, "\n")+end)
		}
		return strings.Join(parts, join)
	}
	b := func(s string) []byte { return []byte(s) }
	enc := base64.StdEncoding.EncodeToString
	p7 := pkcs7(der)
	return []form{
		{"der", der},
		{"pem", b(pem)},
		{"pem without the last newline", b(strings.TrimSpace(pem))},
		{"pem crlf", b(crlf)},
		{"pem cr only", b(strings.ReplaceAll(pem, "\n", "\r"))},
		{"pem cr cr lf", b(strings.ReplaceAll(pem, "\n", "\r\r\n"))},
		{"pem uneven lines", b("-----BEGIN CERTIFICATE-----\n" + fold(b64, 50, "\n\n") + "\n-----END CERTIFICATE-----")},
		{"pem 76 columns", b("-----BEGIN CERTIFICATE-----\n" + fold(b64, 76, "\n") + "\n-----END CERTIFICATE-----")},
		{"pem body in one line", b("-----BEGIN CERTIFICATE-----\n" + b64 + "\n-----END CERTIFICATE-----")},
		{"pem blank lines", b(strings.ReplaceAll(pem, "\n", "\n\n"))},
		{"pem text before and after", b("subject: CN=idp\nHello,\n\nthe certificate:\n\n" + pem + "\nKind regards\nthe administrator\n")},
		{"pem bag attributes", b("Bag Attributes\n    localKeyID: 01 00 00 00\n    friendlyName: idp\nsubject=/C=US/CN=x\nissuer=/C=US/CN=x\n" + pem)},
		{"pem openssl -text", b("Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number:\n            e3:7b:f9\n    Signature Algorithm: sha256WithRSAEncryption\n" + pem)},
		{"pem rfc 1421 headers", b("-----BEGIN CERTIFICATE-----\nX-Comment: of the idp\nX-Other: 1\n\n" + body + "\n-----END CERTIFICATE-----\n")},
		{"pem indented", b(prefixed("    ", pem))},
		{"pem tabs", b(prefixed("\t\t", pem))},
		{"pem trailing blanks", b(strings.ReplaceAll(pem, "\n", "  \n"))},
		{"pem flattened with blanks", b(strings.ReplaceAll(strings.TrimSpace(pem), "\n", " "))},
		{"pem flattened without anything", b(strings.ReplaceAll(pem, "\n", ""))},
		{"pem bom", b("\ufeff" + pem)},
		{"pem utf-16le bom", utf16Text(pem, false, true)},
		{"pem utf-16be bom", utf16Text(pem, true, true)},
		{"pem utf-16le", utf16Text(pem, false, false)},
		{"pem utf-16be", utf16Text(pem, true, false)},
		{"pem utf-16le bom crlf in json quotes", utf16Text(jsonString(crlf), false, true)},
		{"pem zeros behind", append(b(pem), 0, 0, 0)},
		{"pem dos end of file", b(pem + "\x1a")},
		{"pem squashed markers", b("-----BEGINCERTIFICATE-----\n" + body + "\n-----ENDCERTIFICATE-----")},
		{"pem all white space removed", b("-----BEGINCERTIFICATE-----" + b64 + "-----ENDCERTIFICATE-----")},
		{"pem en dashes", b(strings.ReplaceAll(pem, "-----", "–––––"))},
		{"pem em dashes", b(strings.ReplaceAll(pem, "-----", "——-"))},
		{"pem one em dash", b(strings.ReplaceAll(pem, "-----", "—"))},
		{"pem en dashes in windows-1252", bytes.ReplaceAll(b(pem), b("-----"), b("\x96\x96-"))},
		{"pem 4 dashes", b(strings.ReplaceAll(pem, "-----", "----"))},
		{"pem 6 dashes", b(strings.ReplaceAll(pem, "-----", "------"))},
		{"pem 1 dash", b(strings.ReplaceAll(pem, "-----", "-"))},
		{"pem spaced markers", b(strings.NewReplacer("-----BEGIN", "----- BEGIN", "CERTIFICATE-----", "CERTIFICATE -----").Replace(pem))},
		{"pem no dashes", b(strings.ReplaceAll(pem, "-----", ""))},
		{"pem lower case markers", b("-----begin certificate-----\n" + body + "\n-----end certificate-----")},
		{"pem x509 label", b(strings.ReplaceAll(pem, "CERTIFICATE", "X509 CERTIFICATE"))},
		{"pem trusted label", b(strings.ReplaceAll(pem, "CERTIFICATE", "TRUSTED CERTIFICATE"))},
		{"pem trusted with settings", b("-----BEGIN TRUSTED CERTIFICATE-----\n" + enc(append(bytes.Clone(der), 0x30, 0x0c, 0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1)) + "\n-----END TRUSTED CERTIFICATE-----")},
		{"pem without end", b("-----BEGIN CERTIFICATE-----\n" + body + "\n")},
		{"pem without begin", b(body + "\n-----END CERTIFICATE-----\n")},
		{"pem without padding", b("-----BEGIN CERTIFICATE-----\n" + raw + "\n-----END CERTIFICATE-----\n")},
		{"pem twice", b(pem + pem)},
		{"pem beside parameters", b("-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n" + pem)},
		{"pem markdown fence", b("```\n" + pem + "```\n")},
		{"pem markdown fence with language", b("```pem\n" + pem + "```")},
		{"pem quoted mail", b(prefixed("> ", pem))},
		{"pem commented", b(prefixed("# ", pem))},
		{"pem commented slashes", b(prefixed("// ", pem))},
		{"pem patch", b(prefixed("+", pem))},
		{"base64", b(b64)},
		{"base64 newline", b(b64 + "\n")},
		{"base64 folded 64", b(body)},
		{"base64 folded 76 crlf", b(fold(b64, 76, "\r\n"))},
		{"base64 indented", b("\n      " + fold(b64, 64, "\n      ") + "\n   ")},
		{"base64 tabs", b("\t" + fold(b64, 64, "\n\t"))},
		{"base64 blanks everywhere", b(fold(b64, 1, " "))},
		{"base64 no padding", b(raw)},
		{"base64 url alphabet", b(url64)},
		{"base64 url alphabet folded", b(fold(url64, 64, "\n"))},
		{"base64 bom", b("\ufeff" + b64)},
		{"base64 utf-16le, as PowerShell writes it", utf16Text(b64+"\r\n", false, true)},
		{"base64 utf-16be", utf16Text(b64, true, true)},
		{"base64 nbsp", b(fold(b64, 64, "\u00a0"))},
		{"base64 nbsp in windows-1252", b(fold(b64, 64, "\xa0"))},
		{"base64 zero-width space", b(fold(b64, 64, "\u200b"))},
		{"base64 soft hyphen", b(fold(b64, 64, "\u00ad"))},
		{"base64 word joiner and direction marks", b("\u202a" + fold(b64, 64, "\u2060\u200e") + "\u202c")},
		{"base64 line separator", b(fold(b64, 64, "\u2028"))},
		{"base64 ideographic space", b(fold(b64, 64, "\u3000"))},
		{"base64 bom inside", b(fold(b64, 64, "\ufeff"))},
		{"base64 of pem, as JumpCloud's API returns it", b(enc(b(pem)))},
		{"base64 of pem crlf", b(enc(b(crlf)))},
		{"base64 of pem folded", b(fold(enc(b(pem)), 76, "\n"))},
		{"base64 of pem, url alphabet", b(base64.RawURLEncoding.EncodeToString(b(pem)))},
		{"base64 of utf-16 pem", b(enc(utf16Text(crlf, false, true)))},
		{"base64 of base64", b(enc(b(b64)))},
		{"base64 of base64 of base64", b(enc(b(enc(b(b64)))))},
		{"base64 of base64 of pem", b(enc(b(enc(b(pem)))))},
		{"base64 of metadata", b(enc(b(md)))},
		{"base64 in double quotes", b(quoted(b64))},
		{"base64 in single quotes", b("'" + b64 + "'")},
		{"base64 in backticks", b("`" + b64 + "`")},
		{"base64 in smart quotes", b("“" + b64 + "”")},
		{"base64 in single smart quotes", b("‘" + b64 + "’")},
		{"base64 in guillemets", b("«" + b64 + "»")},
		{"base64 in smart quotes of windows-1252", b("\x93" + b64 + "\x94")},
		{"base64 quoted with comma", b(quoted(b64) + ",")},
		{"base64 semicolon", b(b64 + ";")},
		{"base64 brackets", b("[" + b64 + "]")},
		{"base64 angle brackets", b("<" + b64 + ">")},
		{"base64 full stop", b(b64 + ".")},
		{"pem in double quotes", b(quoted(pem))},
		{"pem in smart quotes", b("“" + pem + "”")},
		{"pem escaped newlines", b(strings.ReplaceAll(pem, "\n", `\n`))},
		{"pem escaped crlf", b(strings.ReplaceAll(pem, "\n", `\r\n`))},
		{"pem doubly escaped newlines", b(strings.ReplaceAll(pem, "\n", `\\n`))},
		{"pem json string", b(jsonString(pem))},
		{"pem json string in json string", b(jsonString(jsonString(pem)))},
		{"base64 json string with escaped slashes", b(quoted(strings.ReplaceAll(b64, "/", `\/`)))},
		{"base64 json string with unicode escapes", b(quoted(strings.NewReplacer("+", `\u002b`, "/", `\u002f`, "=", `\u003d`).Replace(b64)))},
		{"json object", b(`{"id":"1","cert":` + jsonString(pem) + `,"other":"text"}`)},
		{"json array", b(`["` + b64 + `"]`)},
		{"json of the JumpCloud application", b(`{"config":{"idpCertificate":{"type":"file","value":"` + enc(b(pem)) + `"},"idpPrivateKey":{"type":"file","label":"IdP Private Key:","value":""}}}`)},
		{"json of the Graph configuration", b(`{"@odata.type":"#microsoft.graph.internalDomainFederation","issuerUri":"urn:uri:x","signingCertificate":"` + b64 + `","nextSigningCertificate":null}`)},
		{"jwks x5c", b(`{"keys":[{"kty":"RSA","use":"sig","n":"0vx7","e":"AQAB","x5c":["` + b64 + `"]}]}`)},
		{"percent-encoded pem", b(url.QueryEscape(pem))},
		{"percent-encoded pem as path", b(url.PathEscape(pem))},
		{"percent-encoded everything", b(percentAll(pem))},
		{"percent-encoded base64", b(url.QueryEscape(b64))},
		{"percent-encoded twice", b(url.QueryEscape(url.QueryEscape(pem)))},
		{"percent-encoded metadata", b(url.QueryEscape(md))},
		{"html-escaped base64", b(strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "=", "&#61;").Replace(b64))},
		{"html-escaped line ends", b(fold(b64, 64, "&#13;\n"))},
		{"html line ends only", b(fold(b64, 64, "&#10;"))},
		{"html nbsp", b(fold(b64, 64, "&nbsp;"))},
		{"html br", b(fold(b64, 64, "<br>"))},
		{"html br in pem", b(strings.ReplaceAll(pem, "\n", "<br/>\n"))},
		{"html pre", b("<pre>" + pem + "</pre>")},
		{"html p and code", b(`<p><code class="x">` + b64 + "</code></p>")},
		{"html-escaped metadata", b(strings.NewReplacer("<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(md))},
		{"html-escaped snippet", b(strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(snippet))},
		{"data uri pem", b("data:application/x-pem-file;base64," + enc(b(pem)))},
		{"data uri der", b("data:application/pkix-cert;base64," + b64)},
		{"data uri percent", b("data:text/plain," + url.PathEscape(pem))},
		{"yaml scalar", b("cert: " + b64 + "\n")},
		{"yaml among others", b("saml:\n  enabled: true\n  idp_cert: " + b64 + "\n  url: https://example.com/sso\n")},
		{"ini among others", b("[saml]\nurl = https://example.com/sso\nidp_cert = \"" + b64 + "\"\n")},
		{"php array", b("'x509cert' => '-----BEGIN CERTIFICATE-----\n    " + fold(b64, 64, "\n    ") + "\n    -----END CERTIFICATE-----',\n'other' => 'x',")},
		{"yaml quoted", b(`cert: "` + b64 + `"` + "\n")},
		{"yaml literal block", b("saml:\n  cert: |\n" + prefixed("    ", pem))},
		{"yaml literal block of base64", b("cert: |\n" + prefixed("    ", body))},
		{"yaml folded block of base64", b("idp_cert: >-\n" + prefixed("  ", body))},
		{"shell assignment", b("CERT=" + b64)},
		{"shell export", b("export IDP_CERT='" + pem + "'")},
		{"shell export quoted", b(`export IDP_CERT="` + b64 + `"`)},
		{"powershell assignment", b(`$cert = "` + b64 + `"`)},
		{"powershell here-string", b("$cert = @\"\r\n" + crlf + "\"@\r\n")},
		{"powershell here-string of base64", b("$cert = @'\r\n" + fold(b64, 64, "\r\n") + "\r\n'@\r\n")},
		{"powershell escapes", b(`"` + strings.ReplaceAll(pem, "\n", "`r`n") + `"`)},
		{"powershell parameter", b(`-SigningCertificate "` + b64 + `"`)},
		{"c string literals", b(literals(`"`, `\n"`, "\n") + ";")},
		{"joined string literals", b("cert = " + literals(`"`, `\n"`, " +\n       "))},
		{"joined php string literals", b("$cert = " + literals(`'`, `'`, ".\n") + ";")},
		{"lines continued with a backslash", b(fold(b64, 64, "\\\n"))},
		{"quoted-printable", b(fold(strings.ReplaceAll(b64, "=", "=3D"), 75, "=\r\n"))},
		{"hex", b(hex.EncodeToString(der))},
		{"hex colons", b(fold(strings.ToUpper(hex.EncodeToString(der)), 2, ":"))},
		{"hex 0x", b("0x" + hex.EncodeToString(der))},
		{"pkcs7 der", p7},
		{"pkcs7 pem", b("-----BEGIN PKCS7-----\n" + fold(enc(p7), 64, "\n") + "\n-----END PKCS7-----\n")},
		{"pkcs7 pem as certificate", b("-----BEGIN CERTIFICATE-----\n" + fold(enc(p7), 64, "\n") + "\n-----END CERTIFICATE-----\n")},
		{"pkcs7 base64", b(fold(enc(p7), 64, "\r\n"))},
		{"metadata", b(md)},
		{"metadata bom", b("\ufeff" + md)},
		{"metadata utf-16", utf16Text(strings.Replace(md, "UTF-8", "utf-16", 1), false, true)},
		{"metadata without declaration", b(strings.TrimPrefix(md, `<?xml version="1.0" encoding="UTF-8"?>`))},
		{"metadata folded certificate", b(jumpCloudMetadata("\n" + fold(b64, 64, "\n") + "\n"))},
		{"metadata folded crlf certificate", b(jumpCloudMetadata(fold(b64, 76, "\r\n")))},
		{"metadata references to cr", b(jumpCloudMetadata(fold(b64, 76, "&#13;\n")))},
		{"metadata pem inside", b(jumpCloudMetadata("\n" + pem))},
		{"metadata comment inside", b(jumpCloudMetadata(b64[:500] + "<!-- half -->" + b64[500:]))},
		{"metadata cdata", b(jumpCloudMetadata("<![CDATA[" + b64 + "]]>"))},
		{"metadata json string", b(jsonString(md))},
		{"snippet", b(snippet)},
		{"snippet without prefix", b("<X509Certificate>" + body + "</X509Certificate>")},
		{"snippet without end", b("<ds:X509Certificate>" + b64)},
		{"snippet indented", b("   <ds:X509Certificate>\n      " + fold(b64, 64, "\n      ") + "\n   </ds:X509Certificate>\n")},
		{"snippet x509data", b("<ds:X509Data>" + snippet + "</ds:X509Data>")},
		{"snippet keydescriptor", b(`<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>` + snippet + `</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`)},
		{"snippet escaped in json", b(jsonString(snippet))},
		{"broken line in the middle", b(body[:half] + "\n\n\n" + body[half:])},
	}
}
