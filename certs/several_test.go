package certs_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Of two documents, or of a document and a certificate beside it, none is chosen:
// all are read, or none.
func TestNoneIsChosen(t *testing.T) {
	a, b, c := pairA().Cert(), pairB().Cert(), rsaSigner().cert
	first := named("urn:a")
	second := strings.Replace(strings.Replace(first, "urn:a", "urn:b", 1), a.Base64(), b.Base64(), 1)
	x, y, z := a.Base64(), b.Base64(), c.Base64()
	csv := strings.NewReplacer(`"`, `""`)
	for name, in := range map[string]string{
		"fences":                       "```xml\n" + first + "\n```\n\n```xml\n" + second + "\n```",
		"a fence, and one without":     "```xml\n" + first + "\n```\n" + second,
		"here-documents":               "cat <<EOF\n" + first + "\nEOF\ncat <<EOF\n" + second + "\nEOF\n",
		"blocks":                       "a: |\n  " + first + "\nb: |\n  " + second + "\n",
		"quotes":                       "'" + first + "'\n'" + second + "'",
		"cells":                        `"` + csv.Replace(first) + `","` + csv.Replace(second) + `"`,
		"assignments":                  "a='" + first + "'\nb='" + second + "'\n",
		"three quotes":                 `a = """` + first + `"""` + "\nb = \"\"\"" + second + `"""`,
		"CDATA":                        "<![CDATA[" + first + "]]><![CDATA[" + second + "]]>",
		"fields of a form":             "a=" + url.QueryEscape(first) + "&b=" + url.QueryEscape(second),
		"pre":                          "<pre>" + htmlEscape(first) + "</pre><pre>" + htmlEscape(second) + "</pre>",
		"JSON":                         "[" + jsonString(first) + "," + jsonString(second) + "]",
		"one that is not wrapped":      first + second,
		"one in quotes, and PEM":       "'" + first + "'\n" + string(b.PEM()),
		"one in a fence, and PEM":      "```xml\n" + first + "\n```\n" + string(b.PEM()),
		"PEM, and one in a block":      string(b.PEM()) + "\na: |\n  " + first + "\n",
		"base64 and a literal":         y + ` "` + x + `"`,
		"a literal and base64":         `"` + x + `" ` + y,
		"two in a line, and one below": "a: " + z + ", b: " + y + "\nc: " + x,
	} {
		if cs, err := certs.Parse([]byte(in)); err == nil && len(cs) < 2 {
			t.Errorf("%s: Parse = %v", name, cs)
		}
		if strings.HasSuffix(name, "PEM") || strings.HasPrefix(name, "PEM") {
			continue // metadata alone can be asked for
		}
		if md, err := certs.ParseMetadata([]byte(in)); err == nil {
			t.Errorf("%s: ParseMetadata = %q", name, md.EntityID)
		}
	}
	// Beside metadata in JSON, a certificate is one more.
	for _, other := range []string{string(b.PEM()), y} {
		in := `{"metadata": ` + jsonString(first) + `, "other": ` + jsonString(other) + "}"
		if cs, err := certs.Parse([]byte(in)); err != nil || len(cs) != 2 {
			t.Errorf("JSON: Parse = %v, %v", cs, err)
		}
		if md, err := certs.ParseMetadata([]byte(in)); err != nil || md.EntityID != "urn:a" {
			t.Errorf("JSON: ParseMetadata = %v, %v", md, err)
		}
	}
}
