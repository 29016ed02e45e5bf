package certs_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"mime/quotedprintable"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// odd holds what looks like an escape of one kind or another, and is none.
const odd = "urn:x:a%20b+c&amp;d`ne\\nf''g\"\"h“i”=3D&#x26;lt;"

// oddMetadata is metadata on several lines whose entity ID and location must come back as
// they are.
func oddMetadata(tb testing.TB) (xml, location string) {
	tb.Helper()
	c, err := certs.ParseOne(fixture(tb, "jumpcloud-2024.pem"))
	if err != nil {
		tb.Fatal(err)
	}
	xml = strings.ReplaceAll(jumpCloudMetadata(c.Base64()), "><", ">\n<")
	i := strings.Index(xml, `entityID="`) + len(`entityID="`)
	j := i + strings.IndexByte(xml[i:], '"')
	xml = xml[:i] + html.EscapeString(odd) + xml[j:]
	location = "https://sso.example/a%2Fb?c=d&e='f'"
	i = strings.Index(xml, `Location="`) + len(`Location="`)
	j = i + strings.IndexByte(xml[i:], '"')
	return xml[:i] + strings.ReplaceAll(html.EscapeString(location), "&#39;", "'") + xml[j:], location
}

func eachLine(s, prefix string) string {
	return prefix + strings.ReplaceAll(s, "\n", "\n"+prefix)
}

// How metadata is wrapped on its way: each undone by the rules of its own, once.
var waysToWrap = map[string]func(xml string) string{
	"as it is":             func(s string) string { return s },
	"single quotes":        func(s string) string { return "'" + s + "'" },
	"double quotes":        func(s string) string { return `"` + s + `"` },
	"back quotes":          func(s string) string { return "`" + s + "`" },
	"smart quotes":         func(s string) string { return "“" + s + "”" },
	"smart single quotes":  func(s string) string { return "‘" + s + "’" },
	"low quotes":           func(s string) string { return "„" + s + "“" },
	"guillemets":           func(s string) string { return "«" + s + "»" },
	"a quote that is lost": func(s string) string { return `"` + s },
	"HTML":                 html.EscapeString,
	"HTML, twice":          func(s string) string { return html.EscapeString(html.EscapeString(s)) },
	"HTML by numbers": func(s string) string {
		return strings.NewReplacer("&", "&#38;", "<", "&#60;", ">", "&#x3E;", `"`, "&#34;").Replace(s)
	},
	"HTML in pre":            func(s string) string { return "<pre>" + html.EscapeString(s) + "</pre>" },
	"HTML in pre and code":   func(s string) string { return "<pre class=x><code>" + html.EscapeString(s) + "</code></pre>\n" },
	"HTML in quotes":         func(s string) string { return `"` + html.EscapeString(s) + `"` },
	"percent":                url.QueryEscape,
	"percent, blanks too":    url.PathEscape,
	"percent, twice":         func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"a form":                 func(s string) string { return "metadata=" + url.QueryEscape(s) + "&x=1" },
	"base64":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 in quotes":       func(s string) string { return "'" + base64.StdEncoding.EncodeToString([]byte(s)) + "'" },
	"a data: URI":            func(s string) string { return "data:text/xml;base64," + base64.StdEncoding.EncodeToString([]byte(s)) },
	"a data: URI, percent":   func(s string) string { return "data:application/xml," + url.PathEscape(s) },
	"a JSON string":          jsonString,
	"a JSON string, twice":   func(s string) string { return jsonString(jsonString(s)) },
	"JSON":                   func(s string) string { return `{"name": "x", "saml": {"metadata": ` + jsonString(s) + `}}` },
	"JSON in YAML":           func(s string) string { return "metadata: " + jsonString(s) + "\n" },
	"JSON of PHP":            func(s string) string { return strings.ReplaceAll(jsonString(s), "/", `\/`) },
	"a Go string":            strconv.Quote,
	"escapes without quotes": func(s string) string { q := strconv.Quote(s); return q[1 : len(q)-1] },
	"JavaScript":             func(s string) string { return "const metadata = `" + s + "`;" },
	"JavaScript, escaped":    func(s string) string { return "const metadata = " + jsonString(s) + ";" },
	"single quotes, escaped": func(s string) string {
		return "$md = '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "';"
	},
	"an environment file": func(s string) string { return "IDP_METADATA='" + s + "'\nOTHER=1\n" },
	"an export":           func(s string) string { return "export IDP_METADATA='" + s + "'" },
	"PHP":                 func(s string) string { return "'metadata' => '" + s + "',\n" },
	"Python":              func(s string) string { return "METADATA = \"\"\"" + s + "\"\"\"\n" },
	"TOML":                func(s string) string { return "[saml]\nmetadata = '''\n" + s + "'''\n" },
	"Terraform":           func(s string) string { return "resource \"x\" \"y\" {\n  metadata = <<EOT\n" + s + "\nEOT\n}\n" },
	"a shell":             func(s string) string { return "cat > md.xml <<'END_OF_XML'\n" + s + "\nEND_OF_XML\n" },
	"PowerShell":          func(s string) string { return "$md = @'\n" + s + "\n'@\n" },
	"PowerShell, escaped": func(s string) string {
		return `$md = "` + strings.NewReplacer("`", "``", `"`, "`\"", "\n", "`n").Replace(s) + `"`
	},
	"CSV":                 func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` },
	"YAML":                func(s string) string { return "saml:\n  metadata: |\n" + eachLine(s, "    ") + "\n  other: 1\n" },
	"YAML, chomped":       func(s string) string { return "metadata: |-\n" + eachLine(s, "  ") },
	"YAML, folded":        func(s string) string { return "metadata: >2+\n" + eachLine(s, "  ") },
	"YAML, a list":        func(s string) string { return "- |\n" + eachLine(s, "  ") },
	"YAML, a comment":     func(s string) string { return "metadata: | # of the provider\n" + eachLine(s, "\t") },
	"a fence":             func(s string) string { return "```\n" + s + "\n```" },
	"a fence with a name": func(s string) string { return "```xml\n" + s + "\n```\nThat is all.\n" },
	"a fence of tildes":   func(s string) string { return "~~~~ xml\n" + s + "\n~~~~" },
	"a fence in prose":    func(s string) string { return "Here you are:\n\n```xml\n" + s + "\n```\n\nRegards\n" },
	"a mail":              func(s string) string { return eachLine(s, "> ") },
	"a mail, twice":       func(s string) string { return eachLine(s, "> > ") },
	"a mail, tight":       func(s string) string { return eachLine(s, ">") },
	"a comment":           func(s string) string { return eachLine(s, "# ") },
	"a comment of C":      func(s string) string { return eachLine(s, "// ") },
	"a patch":             func(s string) string { return eachLine(s, "+") },
	"prose":               func(s string) string { return "Our metadata is below.\n\n" + s + "\n\nRegards\n" },
	"prose and a mail":    func(s string) string { return eachLine("Our metadata:\n\n"+s, "> ") },
	"quoted-printable":    quotedPrintable,
	"CDATA":               func(s string) string { return "<![CDATA[" + s + "]]>" },
	"UTF-16": func(s string) string {
		return string(utf16Text("“"+strings.Replace(s, `encoding="UTF-8"`, `encoding="UTF-16"`, 1)+"”", false, true))
	},
	"a fence in a mail": func(s string) string { return eachLine("```xml\n"+s+"\n```", "> ") },
	"HTML in JSON":      func(s string) string { return jsonString(html.EscapeString(s)) },
	"percent in HTML":   func(s string) string { return html.EscapeString(url.QueryEscape(s)) },
	"base64 in JSON":    func(s string) string { return jsonString(base64.StdEncoding.EncodeToString([]byte(s))) },
}

func quotedPrintable(s string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// Metadata that was wrapped is what it was before, down to the last character.
func TestWrappedMetadata(t *testing.T) {
	xml, location := oddMetadata(t)
	want, err := certs.ParseMetadata([]byte(xml))
	if err != nil || want.EntityID != odd || want.SSO[0].Location != location {
		t.Fatalf("%v, %+v", err, want)
	}
	for name, wrap := range waysToWrap {
		t.Run(name, func(t *testing.T) {
			in := []byte(wrap(xml))
			md, err := certs.ParseMetadata(in)
			if err != nil {
				t.Fatalf("%v\n%.300s", err, in)
			}
			if md.EntityID != odd || md.SSO[0] != want.SSO[0] {
				t.Errorf("entityID %q, want %q\nSSO %q, want %q", md.EntityID, odd, md.SSO[0], want.SSO[0])
			}
			cs, err := certs.Parse(in)
			if err != nil || len(cs) != 1 || cs[0] != want.SigningCerts[0] {
				t.Errorf("Parse: %v, %v", cs, err)
			}
		})
	}
}

// Two layers of any kind are as good as one, or refused; never something else.
func TestMetadataWrappedTwice(t *testing.T) {
	alone(t)
	xml, _ := oddMetadata(t)
	refused := 0
	for outer, f := range waysToWrap {
		for inner, g := range waysToWrap {
			md, err := certs.ParseMetadata([]byte(f(g(xml))))
			if err != nil {
				refused++
				continue
			}
			if md.EntityID != odd {
				t.Errorf("%s in %s: entityID %q, want %q", inner, outer, md.EntityID, odd)
			}
		}
	}
	if all := len(waysToWrap) * len(waysToWrap); refused*3 > all {
		t.Errorf("%d of %d pairs are refused; want at most a third", refused, all)
	} else {
		t.Logf("%d of %d pairs are refused", refused, all)
	}
}

// What cannot be told is refused.
func TestWrappedMetadataRefuses(t *testing.T) {
	xml, _ := oddMetadata(t)
	for name, in := range map[string]string{
		"quotes that a word processor changed":  strings.ReplaceAll(xml, `"`, "”"),
		"a broken percent-encoding":             strings.Replace(url.PathEscape(xml), "%20", "%2", 1),
		"two documents in JSON":                 fmt.Sprintf("[%s, %s]", jsonString(xml), jsonString(xml)),
		"a mail in which a line is not quoted":  strings.Replace(eachLine(xml, "> "), "\n> ", "\n", 1) + "x",
		"nothing but quotes":                    `"'"`,
		"quotes around nothing of the kind":     `"hello"`,
		"a fence around nothing":                "```xml\n```",
		"a private key beside it, in a comment": "'" + strings.Replace(xml, "<md:IDPSSODescriptor", "<!-- "+string(pairA().PrivateKeyPEM())+" --><md:IDPSSODescriptor", 1) + "'",
	} {
		t.Run(name, func(t *testing.T) {
			if md, err := certs.ParseMetadata([]byte(in)); err == nil {
				t.Errorf("accepted: %q", md.EntityID)
			}
		})
	}
}
