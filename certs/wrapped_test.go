package certs_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

// wrapped returns doc in every wrapping that must come off without a trace.
func wrapped(doc string) map[string]string {
	lines := strings.ReplaceAll(doc, "><", ">\n<")
	prefixed := func(p, s string) string { return p + strings.ReplaceAll(s, "\n", "\n"+p) }
	html := htmlEscape(doc)
	esc := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	numbered := func(format string) string {
		var b strings.Builder
		for i, line := range strings.Split(lines, "\n") {
			fmt.Fprintf(&b, format, i+1, line)
		}
		return b.String()
	}
	qp := func(s string) string {
		var b strings.Builder
		col := 0
		for i := range len(s) {
			out := s[i : i+1]
			if s[i] == '=' || s[i] >= 0x80 {
				out = fmt.Sprintf("=%02X", s[i])
			}
			if col+len(out) > 75 && s[i] != '\n' {
				b.WriteString("=\r\n")
				col = 0
			}
			b.WriteString(out)
			if col += len(out); s[i] == '\n' {
				col = 0
			}
		}
		return b.String()
	}
	literals := func(quote, join string, r *strings.Replacer) string {
		parts := strings.Split(lines, "\n")
		for i := range parts {
			parts[i] = quote + r.Replace(parts[i]) + quote
		}
		return strings.Join(parts, join)
	}
	single := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	return map[string]string{
		"single quotes":              "'" + doc + "'",
		"single quotes, comma":       "  '" + lines + "',\n",
		"double quotes":              `"` + doc + `"`,
		"back quotes":                "`" + doc + "`",
		"smart quotes":               "“" + doc + "”",
		"single smart quotes":        "‘" + lines + "’",
		"guillemets":                 "«" + doc + "»",
		"low quotes":                 "„" + doc + "“",
		"three quotes":               `x = """` + lines + `"""`,
		"json string":                jsonString(doc),
		"json string twice":          jsonString(jsonString(doc)),
		"json object":                `{"id":"1","metadata":` + jsonString(doc) + `}`,
		"json in yaml":               "config: '{\"metadata\":" + strings.ReplaceAll(jsonString(doc), "'", "''") + "}'\n",
		"json without quotes":        strings.Trim(jsonString(doc), `"`),
		"c string":                   `char *md = "` + esc.Replace(lines) + `";`,
		"percent":                    url.QueryEscape(doc),
		"percent as path":            url.PathEscape(doc),
		"percent twice":              url.QueryEscape(url.QueryEscape(doc)),
		"percent in single quotes":   "'" + url.QueryEscape(doc) + "'",
		"percent, everything":        percentAll(doc),
		"form":                       "id=1&metadata=" + url.QueryEscape(doc) + "&x=a%20b",
		"html":                       html,
		"html twice":                 htmlEscape(html),
		"html in pre":                "<pre>" + html + "</pre>",
		"html in pre and code":       `<pre class="x"><code>` + html + "</code></pre>",
		"html in single quotes":      "'" + html + "'",
		"html of json":               htmlEscape(jsonString(doc)),
		"json of html":               jsonString(html),
		"percent of html":            url.QueryEscape(html),
		"base64":                     b64(doc),
		"base64 folded":              fold(b64(doc), 76, "\r\n"),
		"base64 in quotes":           `"` + b64(doc) + `"`,
		"base64 in yaml":             "metadata: " + b64(doc),
		"base64 twice":               b64(b64(doc)),
		"base64 of html":             b64(html),
		"data uri":                   "data:text/xml;base64," + b64(doc),
		"fence":                      "```\n" + doc + "\n```",
		"fence with language":        "```xml\n" + lines + "\n```\n",
		"fence of tildes":            "~~~~xml\n" + lines + "\n~~~~\n",
		"fence in a text":            "Here it is:\n\n```xml\n" + lines + "\n```\nThank you.\n",
		"fence in a mail":            prefixed("> ", "```xml\n"+lines+"\n```"),
		"mail":                       prefixed("> ", lines),
		"mail, no blank":             prefixed(">", lines),
		"mail, twice":                prefixed("> > ", lines),
		"mail with who wrote":        "On Monday, Bob <bob@example.com> wrote:\n" + prefixed("> ", lines),
		"comment":                    prefixed("# ", lines),
		"comment with slashes":       prefixed("// ", lines),
		"patch":                      prefixed("+", lines),
		"grep":                       prefixed("metadata.xml:", lines),
		"line numbers":               numbered("%6d\t%s\n"),
		"line numbers and bars":      numbered("%d | %s\n"),
		"line numbers and colons":    numbered("%d: %s\n"),
		"quoted-printable":           qp(lines),
		"quoted-printable, one line": qp(doc),
		"quoted-printable of a mail": qp(prefixed("> ", lines)),
		"yaml block":                 "idp:\n  metadata: |\n" + prefixed("    ", lines) + "\n  other: 1\n",
		"yaml block, stripped":       "metadata: |-\n" + prefixed("  ", lines) + "\n",
		"yaml folded block":          "metadata: >-\n" + prefixed("  ", doc) + "\n",
		"yaml single quotes":         "metadata: '" + strings.ReplaceAll(doc, "'", "''") + "'\n",
		"assignment":                 "METADATA='" + doc + "'",
		"heredoc":                    "cat > md.xml <<'EOF'\n" + lines + "\nEOF\n",
		"terraform":                  "metadata = <<-EOT\n" + prefixed("    ", lines) + "\n  EOT\n",
		"php":                        "$md = '" + single.Replace(lines) + "';\n",
		"joined literals":            "md = " + literals(`"`, " +\n  ", esc) + ";",
		"joined single quotes":       "$md = " + literals(`'`, " .\n  ", strings.NewReplacer()) + ";",
		"adjacent literals":          literals(`"`, "\n", esc),
		"powershell":                 "$md = \"" + strings.NewReplacer("`", "``", `"`, "`\"", "$", "`$").Replace(lines) + "\"",
		"powershell here-string":     "$md = @'\r\n" + lines + "\r\n'@\r\n",
		"csv":                        `"` + strings.ReplaceAll(doc, `"`, `""`) + `","x"`,
		"sql":                        "INSERT INTO idp VALUES ('" + strings.ReplaceAll(doc, "'", "''") + "');",
		"prose":                      "The metadata of our IdP:\n\n" + lines + "\n\nKind regards\nthe administrator\n",
	}
}

// Whatever is around metadata, what is in it comes back as it was: the layers
// are peeled from the outside, and what looks like another in XML's own text is
// that text.
func TestWrapped(t *testing.T) {
	a := pairA().Cert()
	for _, id := range []string{
		"https://idp.example.com/idp", "urn:x:a%20b", "urn:x:a%2Bb+c", "urn:x:a&amp;b", "urn:x:a&b", "urn:x:a`nb", `urn:x:a\nb`, `urn:x:"quoted"`, "urn:x:it's",
		"urn:x:&lt;b&gt;", "urn:x:=3D", "urn:x:l’été", "urn:x:“quoted”", "urn:x:a  b", "urn:x:😀", "urn:x:%3Cbr%3E", "urn:x:+a+b", "urn:x:a''b", "urn:x:> # b", "urn:x:$b",
	} {
		attr := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(id)
		doc := strings.Replace(jumpCloudMetadata(a.Base64()), `entityID="urn:uri:example.com"`, `entityID="`+attr+`"`, 1)
		doc = strings.Replace(doc, "saml2/office365", "saml2/office365?a=%2F&amp;b=1%2B2", 2)
		want, err := certs.ParseMetadata([]byte(doc))
		if err != nil || want.EntityID != id {
			t.Fatalf("%q: %v, %v", id, want, err)
		}
		for name, in := range wrapped(doc) {
			got, err := certs.ParseMetadata([]byte(in))
			if err != nil {
				if !mayRefuse[name+" "+id] {
					t.Errorf("%s, %q: %v", name, id, err)
				}
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %q (-want +got):\n%s", name, id, diff)
			}
			if c, err := certs.ParseOne([]byte(in)); err != nil || c != a {
				t.Errorf("%s, %q: ParseOne = %v, %v", name, id, c, err)
			}
		}
	}
}

// mayRefuse are the wrappings that can be undone in two ways.
var mayRefuse = map[string]bool{
	`php urn:x:a\nb`:                   true,
	"php urn:x:it's":                   true,
	"php urn:x:a''b":                   true,
	"json in yaml urn:x:it's":          true,
	"json in yaml urn:x:a''b":          true,
	"single quotes urn:x:a''b":         true,
	"single quotes, comma urn:x:a''b":  true,
	"html in single quotes urn:x:a''b": true,
	"assignment urn:x:a''b":            true,
	"joined single quotes urn:x:a''b":  true,
}
