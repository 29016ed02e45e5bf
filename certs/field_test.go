package certs_test

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Wrappings as they were met: each comes off without a trace.
func TestFieldWrapped(t *testing.T) {
	const id = "urn:x:a%20b&amp;"
	doc := strings.Replace(jumpCloudMetadata(pairA().Cert().Base64()), `entityID="urn:uri:example.com"`, `entityID="`+html.EscapeString(id)+`"`, 1)
	lines := strings.ReplaceAll(doc, "><", ">\n<")
	single := strings.ReplaceAll(doc, `"`, `'`)
	esc := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	each := func(format string) string {
		var b strings.Builder
		for i, line := range strings.Split(lines, "\n") {
			fmt.Fprintf(&b, format, i+1, line)
		}
		return b.String()
	}
	literals := func(between string) string {
		return `  "` + strings.ReplaceAll(esc.Replace(lines), "\n", `\n"`+between+"\n  \"") + `"`
	}
	for name, in := range map[string]string{
		"adjacent literals of C":           "const char *md =\n" + literals("") + ";\n",
		"joined literals of Java":          "String md =\n" + literals(" +") + ";\n",
		"JSON escaped for HTML":            html.EscapeString(`{"m": ` + jsonString(doc) + `}`),
		"HTML in quoted-printable":         quotedPrintable("<pre>" + html.EscapeString(lines) + "</pre>"),
		"HTML in quoted-printable, alone":  quotedPrintable(html.EscapeString(lines)),
		"a soft break in a reference":      strings.Replace(strings.ReplaceAll(html.EscapeString(lines), "=", "=3D"), "&#34;&gt;", "&#3=\r\n4;&gt;", 1),
		"a mail that goes on":              "Bob <bob@example.com> wrote:\n> Hello,\n>\n" + eachLine(lines, "> ") + "\n>\n> Bob\n",
		"grep with numbers":                each("md.xml:%d:%s\n"),
		"a here-document of PHP":           "<?php\n$md = <<<'XML'\n" + lines + "\nXML;\n",
		"a fence in one line":              "Bob  10:42\n```" + doc + "```\n",
		"PowerShell's doubled quotes":      "$md = '" + strings.ReplaceAll(single, `'`, `''`) + "'\n",
		"YAML's doubled quotes":            "- '" + strings.ReplaceAll(single, `'`, `''`) + "'\n",
		"YAML's doubled quotes behind key": "'metadata': '" + strings.ReplaceAll(single, `'`, `''`) + "'\n",
		"YAML, folded":                     "md: \"" + strings.ReplaceAll(esc.Replace(single), " ", "\\\n    \\ ") + "\"\n",
		"YAML, folded, CRLF":               "md: \"" + strings.ReplaceAll(esc.Replace(doc), " ", "\\\r\n    \\ ") + "\"\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			md, err := certs.ParseMetadata([]byte(in))
			if err != nil || md.EntityID != id {
				t.Fatalf("%v, %v; want %q\n%.300s", md, err, id, in)
			}
			if c, err := certs.ParseOne([]byte(in)); err != nil || c != pairA().Cert() {
				t.Errorf("ParseOne: %v, %v", c, err)
			}
		})
	}
}

// What languages read in two ways is right, or refused; never something else.
func TestFieldWrappedInTwoWays(t *testing.T) {
	with := func(attr string) string {
		return strings.Replace(jumpCloudMetadata(pairA().Cert().Base64()), `entityID="urn:uri:example.com"`, "entityID="+attr, 1)
	}
	single := func(s string) string { return strings.ReplaceAll(s, `"`, `'`) }
	for name, tt := range map[string]struct{ in, want string }{
		"JavaScript, ${":               {"`" + with(`"urn:x:\${y}"`) + "`", "urn:x:${y}"},
		"PowerShell, a quote":          {`"` + strings.ReplaceAll(single(with(`"urn:x:@"`)), "@", "`\"x`\"") + `"`, `urn:x:"x"`},
		"PowerShell, a back quote":     {`"` + single(with("\"urn:x:a``b\"")) + `"`, "urn:x:a`b"},
		"PowerShell's here-string":     {"$md = @\"\n" + with("\"urn:x:a``b\"") + "\n\"@\n", "urn:x:a`b"},
		"a here-document of a shell":   {"cat <<EOF\n" + with(`"urn:x:a\\b"`) + "\nEOF\n", `urn:x:a\b`},
		"three quotes of Python":       {`x = """` + with(`"urn:x:a\\nb"`) + `"""`, `urn:x:a\nb`},
		"bytes of Python":              {`b'` + strings.Replace(with(`"urn:x:z\xc3\xbcrich"`), "?>", `?>\n`, 1) + `\n'`, "urn:x:zürich"},
		"octal digits of C":            {strings.ReplaceAll(jsonString(with(`"urn:x:@"`)), "@", `\303\274`), "urn:x:ü"},
		"YAML, folded without a blank": {"md: \"" + strings.ReplaceAll(single(with(`"urn:x:a@b"`)), "@", "\\\n    ") + "\\n\"\n", "urn:x:ab"},
		"YAML's long escape":           {strings.ReplaceAll(jsonString(with(`"urn:x:@"`)), "@", `\U0001F600`), "urn:x:😀"},
	} {
		t.Run(name, func(t *testing.T) {
			if md, err := certs.ParseMetadata([]byte(tt.in)); err == nil && md.EntityID != tt.want {
				t.Errorf("entityID %q; want %q, or a refusal", md.EntityID, tt.want)
			}
		})
	}
}

// A here-document in quotes has no escapes: nothing in it is refused for them.
func TestFieldHereDocumentRaw(t *testing.T) {
	doc := strings.Replace(jumpCloudMetadata(pairA().Cert().Base64()), `"urn:uri:example.com"`, `"urn:x:a\\b"`, 1)
	md, err := certs.ParseMetadata([]byte("cat <<'EOF'\n" + doc + "\nEOF\n"))
	if err != nil || md.EntityID != `urn:x:a\\b` {
		t.Errorf("%v, %v", md, err)
	}
}

// A private key is found however often it, and it alone, was encoded.
func TestFieldKeys(t *testing.T) {
	cert := string(pairA().Cert().PEM())
	key := string(pairA().PrivateKeyPEM())
	bare := strings.Join(strings.Split(strings.TrimSpace(key), "\n")[1:], "")
	bare = bare[:strings.IndexByte(bare, '-')]
	// What OpenSSL prints of a key, and the other ways to write one; the numbers are none.
	hex := strings.Repeat("    01:d1:63:ec:c8:85:ed:ec:8c:2c:4b:83:91:cb:be:\n", 8)
	printed := "Private-Key: (1024 bit, 2 primes)\nprivateExponent:\n" + hex
	number := strings.Repeat("AdFj7MiF7eyMLEuD", 8)
	rsaKey := "<RSAKeyValue><Modulus>" + number + "</Modulus><D>" + number + "</D></RSAKeyValue>"
	jwk, err := json.Marshal(map[string]string{"kty": "RSA", "n": number, "e": "AQAB", "d": number})
	if err != nil {
		t.Fatal(err)
	}
	// An EncryptedPrivateKeyInfo of PKCS #5 begins so, in DER of 1,325 bytes.
	encrypted := b64("\x30\x82\x05\x2d\x30\x57\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d\x30\x4a" + strings.Repeat("\x5a", 1310))
	folded := func(s string) string { return fold(b64(s), 64, "\n") }
	for name, in := range map[string]string{
		"PEM, twice":              cert + b64(b64(key)),
		"PEM, twice, before":      b64(b64(key)) + "\n" + cert,
		"PEM, twice, folded":      folded(b64(key)) + "\n" + cert,
		"PEM, three times":        b64(b64(b64(key))) + "\n" + cert,
		"behind a certificate":    pairA().Cert().Base64() + "\n" + b64(b64(key)),
		"DER, twice":              b64(bare) + "\n" + cert,
		"DER, encrypted":          cert + encrypted,
		"printed, in base64":      b64(printed) + "\n" + cert,
		"printed, in HTML":        strings.ReplaceAll(printed, "\n", "<br>\n") + cert,
		"printed, with HTML ends": strings.ReplaceAll(printed, "\n", "&#10;") + "\n" + cert,
		"RSAKeyValue, in base64":  b64(rsaKey) + "\n" + cert,
		"a JSON Web Key":          cert + string(jwk),
		"a JSON Web Key, fenced":  "```json\n" + string(jwk) + "\n```\n" + cert,
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := certs.ParseOne([]byte(in)); found(err) != certs.KindPrivateKey && found(err) != certs.KindEncryptedPrivateKey {
				t.Errorf("%v, %v; want a refusal for a private key", c, err)
			}
		})
	}
	for name, in := range map[string]string{
		"RSAKeyValue":    html.EscapeString(rsaKey),
		"printed":        strings.ReplaceAll(printed, "\n", "&#10;"),
		"PEM, twice":     b64(b64(key)),
		"DER, encrypted": encrypted,
		"JSON Web Key":   html.EscapeString(string(jwk)),
	} {
		t.Run("attribute, "+name, func(t *testing.T) {
			doc := strings.Replace(jumpCloudMetadata(pairA().Cert().Base64()), "entityID=", `xmlns:v="urn:v" v:x="`+in+`" entityID=`, 1)
			if md, err := certs.ParseMetadata([]byte(doc)); found(err) != certs.KindPrivateKey && found(err) != certs.KindEncryptedPrivateKey {
				t.Errorf("%v, %v; want a refusal for a private key", md, err)
			}
		})
	}
	// None of these is one.
	for name, in := range map[string]string{
		"base64 of words":         cert + b64(strings.Repeat("The private key stays on the server, please. ", 4)),
		"base64 of a certificate": b64(cert),
		"a public JSON Web Key":   `{"kty":"RSA","n":"` + number + `","e":"AQAB"}` + "\n" + cert,
		"numbers by that name":    `{"d":"` + number + `"}` + "\n" + cert,
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := certs.ParseOne([]byte(in)); err != nil || c != pairA().Cert() {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
}

// A certificate in a comment is not there, whatever else is.
func TestFieldComments(t *testing.T) {
	a, b := pairA().Cert(), rsaSigner().cert
	comment := "<!--\n" + string(b.PEM()) + "-->\n"
	if cs, err := certs.Parse([]byte(comment)); err == nil {
		t.Errorf("only a comment: %v", cs)
	}
	if cs, err := certs.Parse([]byte(comment + string(a.PEM()))); err != nil || len(cs) != 1 || cs[0] != a {
		t.Errorf("a comment and PEM: %v, %v", cs, err)
	}
	snippet := `<KeyDescriptor use="&#101;ncryption"><X509Certificate>` + b.Base64() + `</X509Certificate></KeyDescriptor>` +
		`<KeyDescriptor><X509Certificate>` + a.Base64() + `</X509Certificate></KeyDescriptor>`
	if cs, err := certs.Parse([]byte(snippet)); err != nil || len(cs) != 1 || cs[0] != a {
		t.Errorf("a key for encryption, with a reference: %v, %v", cs, err)
	}
}
