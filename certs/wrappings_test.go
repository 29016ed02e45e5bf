package certs_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Wrappings at their edges: metadata in them comes back as it was, or is
// refused, never altered. The ID is one that means something to every
// wrapping, or what the test says.
func TestWrappingsAtTheirEdges(t *testing.T) {
	doc := named("urn:x:a&amp;b c")
	lines := strings.ReplaceAll(doc, "><", ">\n<")
	indented := strings.ReplaceAll(lines, "\n", "\n  ")
	const same, none = "urn:x:a&b c", "refused"
	head, rest, _ := strings.Cut(lines, "\n")
	firstAttr := strings.Replace(doc, `<?xml version="1.0" encoding="UTF-8"?>`, "", 1) // begins with the root
	numbers := func(format string, from, step int) string {
		out := ""
		for i, line := range strings.Split(lines, "\n") {
			n := from + step*i
			out += strings.NewReplacer("N", string(rune('0'+n/10))+string(rune('0'+n%10)), "L", line).Replace(format)
		}
		return out
	}
	powerShell := strings.NewReplacer("`", "``", `"`, "`\"", "\n", "`n")
	quotes := func(n int) string {
		in := doc
		for i := range n {
			in = string("'`"[i%2]) + in + string("'`"[i%2])
		}
		return in
	}
	for _, test := range []struct{ name, in, want string }{
		// What begins like XML.
		{"CDATA that has no end", "<![CDATA[" + doc, same},
		{"CDATA, and words", "<![CDATA[" + doc + "]]> and words", same},
		{"tags", "<p><b>" + doc + "</b></p>", same},
		{"a tag without its other", "<p>" + htmlEscape(doc), none},
		{"tags with nothing in them", "<p></p>", none},
		{"a tag alone", "<p>", none},
		{"no attribute", "<a>" + strings.Repeat("b", 3000) + "</a>", none},
		{"CSV from the first attribute", strings.ReplaceAll(firstAttr, `"`, `""`), same},
		{"an empty attribute first, then >", `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" a=""><!-- -->` + firstAttr + `</md:EntitiesDescriptor>`, same},
		{"an empty attribute first", strings.Replace(firstAttr, "<md:EntityDescriptor ", `<md:EntityDescriptor ID="" `, 1), same},
		{"an empty attribute before the end", strings.Replace(firstAttr, ">", ` cacheDuration="">`, 1), same},
		{"an empty attribute of an instruction", `<?x a=""?>` + firstAttr, same},
		{"an empty attribute of an empty element", strings.Replace(firstAttr, "<md:IDPSSO", `<md:Extensions a=""/><md:IDPSSO`, 1), same},
		{"references for quotes", strings.ReplaceAll(htmlEscape(doc), "&lt;", "<"), same},
		{"references for quotes, by number", strings.NewReplacer("&", "&amp;", `"`, "&#34;").Replace(doc), same},
		{"references for single quotes", strings.NewReplacer("&", "&amp;", `"`, "&#39;").Replace(doc), same},
		{"references for single quotes, by name", strings.NewReplacer("&", "&amp;", `"`, "&apos;").Replace(doc), same},
		{"an underscore", strings.NewReplacer("md:", "_md:", ":md=", ":_md=").Replace(firstAttr), same},
		{"a letter of another script", strings.NewReplacer("md:", "é:", ":md=", ":é=").Replace("'" + firstAttr + "'"), same},
		{"the first letter of the alphabet", strings.NewReplacer("md:", "a:", ":md=", ":a=").Replace("'" + firstAttr + "'"), same},
		{"the last letter of the alphabet", strings.NewReplacer("md:", "Z:", ":md=", ":Z=").Replace("'" + firstAttr + "'"), same},
		{"a comment in quotes", "'<!-- of mine -->" + firstAttr + "'", same},
		{"a digit", "'<1" + firstAttr[1:] + "'", none},
		{"a brace", "'<{" + firstAttr[1:] + "'", none},
		{"a backslash and a letter behind the declaration", strings.Replace(doc, "?>", `?>\x`, 1), none},
		{"a backslash behind the declaration", strings.Replace(doc, "?>", `?>\`, 1), none},
		// Quotes.
		{"quotes five deep", quotes(5), same},
		{"quotes thirty deep", quotes(30), none},
		{"a quote that is lost, and words", `"` + doc + " and more words", same},
		{"a quote that is lost before", doc + `"`, none},
		{"quotes that do not fit", "“" + doc + "»", same},
		{"corner brackets", "「" + doc + "」", same},
		{"guillemets turned", "»" + doc + "«", same},
		{"angles", "‹" + doc + "›", same},
		{"angles turned", "›" + doc + "‹", same},
		{"low single quotes", "‚" + doc + "‘", same},
		{"low single quotes, the other way", "‚" + doc + "’", same},
		{"low double quotes", "„" + doc + "”", same},
		{"high quotes", "‟" + doc + "”", same},
		{"high single quotes", "‛" + doc + "’", same},
		{"the same quote twice", "”" + doc + "”", same},
		{"the same single quote twice", "’" + doc + "’", same},
		{"quotes of full width", "＂" + doc + "＂", same},
		{"single quotes of full width", "＇" + doc + "＇", same},
		{"accents", "´" + doc + "´", same},
		{"primes", "′" + doc + "′", same},
		{"double primes", "″" + doc + "″", same},
		{"three single quotes", "'''" + lines + "'''", same},
		{"three quotes, and no end", `"""` + lines, same},
		{"words behind the quote", "'" + doc + "', and many more words", same},
		{"many words behind the quote", "'" + doc + "' " + strings.Repeat("many words ", 30), same},
		{"a backslash doubled in single quotes", "'" + named(`a\\b`) + "'", none},
		{"a quote escaped in single quotes", "'" + named(`a\'b`) + "'", none},
		{"a quote doubled in single quotes", "'" + named(`a''b`) + "'", none},
		{"a quote doubled in quotes", `"` + strings.Replace(doc, "<md:NameID", `<md:Extensions>""x""</md:Extensions><md:NameID`, 1) + `"`, none},
		{"a quote doubled in quotes, at a value's end", `"` + strings.Replace(doc, "<md:NameID", `<md:Extensions a="" b=""/><md:NameID`, 1) + `"`, same},
		{"a quote doubled in quotes, the second", `"` + strings.Replace(doc, "<md:NameID", `<md:Extensions a="" b=""x""/><md:NameID`, 1) + `"`, none},
		{"back quotes, and one of them within", "`" + named("a`b") + "`", "a`b"},
		{"back quotes, and one of them doubled within", "`" + named("a``b") + "`", none},
		{"back quotes, and one of them escaped within", "`" + named("a\\`b") + "`", none},
		{"a backslash doubled in smart quotes", "“" + named(`a\\b`) + "”", `a\\b`},
		{"PowerShell with a backslash", `"` + powerShell.Replace(strings.Replace(lines, "urn:x", `urn:\\x`, 1)) + `"`, "urn:\\\\x:a&b c"},
		{"quotes around something else, escaped", `'a \'b\' ` + doc + `'`, none},
		{"a name in quotes before", `"metadata": '` + doc + `'`, same},
		{"a name in quotes, and an arrow", `"metadata" => '` + doc + `'`, same},
		{"a name in quotes, and =", `'metadata' = "` + doc + `"`, same},
		{"a name in quotes, and a comma", `'metadata', '` + doc + `'`, same},
		{"a name in smart quotes", `“metadata” : “` + doc + `”`, same},
		{"a name without one", `"": '` + doc + `'`, same},
		// String literals that are joined.
		{"literals joined by +", `"` + strings.NewReplacer(`"`, `\"`, "\n", "\" +\n\"").Replace(lines) + `"`, same},
		{"literals joined by a line end", `'` + strings.ReplaceAll(lines, "\n", "'\n'") + `'`, same},
		{"literals joined by . in one line", `'` + strings.ReplaceAll(lines, "\n", "' . '") + `'`, same},
		{"literals joined by &", `"` + strings.NewReplacer(`"`, `\"`, "\n", `" & "`).Replace(lines) + `"`, same},
		{"literals joined by ~", `'` + strings.ReplaceAll(lines, "\n", "' ~ '") + `'`, same},
		{"literals joined by a comma", `'` + strings.ReplaceAll(lines, "\n", "', '") + `'`, same},
		{"literals joined by a backslash", `'` + strings.ReplaceAll(lines, "\n", "' \\\n'") + `'`, same},
		{"literals in back quotes joined by +", "`" + strings.ReplaceAll(lines, "\n", "` + `") + "`", same},
		{"literals joined by blanks alone", `'` + strings.ReplaceAll(lines, "\n", "' '") + `'`, none},
		{"the last literal without its end", `'` + strings.ReplaceAll(lines, "\n", "' +\n'"), same},
		// Lines.
		{"a prefix of twenty", eachLine(lines, strings.Repeat("#", 20)), same},
		{"a prefix of twenty-one", eachLine(lines, strings.Repeat("#", 21)), same},
		{"an empty line among the quoted", strings.Replace(eachLine(lines, "> "), "\n", "\n\n", 2), same},
		{"a line of the sign alone", strings.Replace(eachLine(lines, "> "), "\n", "\n>\n", 2), same},
		{"the value goes on in an empty line", strings.Replace(eachLine(strings.Replace(lines, "a&amp;b c", "a&amp;b\n\nc", 1), "> "), "\n> \n", "\n\n", 1), "urn:x:a&b  c"},
		{"two signs, then one", eachLine(head, "> > ") + "\n" + eachLine(rest, "> "), none},
		{"the first line is not quoted", "On Monday, a@b.example wrote:\n" + eachLine(lines, "> "), same},
		{"one line is not quoted", "Hello\n" + strings.Replace(eachLine(lines, "> "), "\n> ", "\n", 3), none},
		{"the last line is not quoted", "Hello\n" + eachLine(lines, "> ") + "\nBye", same},
		{"the quoted goes on with XML that is not", "Hello\n" + eachLine(lines, "> ") + "\n<a/>", none},
		{"one quoted line", "Hello\n> " + doc, none},
		{"a long name of a file", eachLine(lines, strings.Repeat("x", 59)+":"), same},
		{"too long a name of a file", eachLine(lines, strings.Repeat("x", 70)+":"), none},
		{"numbers", numbers("NL\n", 10, 1), same},
		{"numbers and tabs", numbers("  N\tL\n", 10, 1), same},
		{"numbers and two blanks", numbers("N  L\n", 10, 1), same},
		{"numbers and colons", numbers("N:L\n", 10, 1), same},
		{"numbers and dots", numbers("N. L\n", 10, 1), same},
		{"numbers and brackets", numbers("N) L\n", 10, 1), same},
		{"numbers and bars", numbers("N | L\n", 10, 1), same},
		{"numbers, with an empty line", strings.Replace(numbers("N: L\n", 10, 1), "\n12", "\n\n12", 1), same},
		{"numbers behind words", "The file:\n" + numbers("N: L\n", 10, 1), same},
		{"numbers that leave some out", numbers("N: L\n", 10, 2), none},
		{"numbers that do not count", numbers("N: L\n", 10, 0), none},
		// Contexts.
		{"an address, a page and a comparison before", "From: <a@b.example>, see <https://a.example/x>; 1 < 2 << 3\n\n" + lines, same},
		{"an address, as XML does not", "Bob <bob@b.example> wrote:\n'" + doc + "'", same},
		{"a here-document", "cat <<EOF\n" + lines + "\nEOF\ncat <<EOF\n<a/>\nEOF\n", same},
		{"a here-document, indented", "cat <<-EOF\n\t" + strings.ReplaceAll(lines, "\n", "\n\t") + "\n\tEOF\n<a/>\n", same},
		{"a here-document, squiggly", "x = <<~X_1\n  " + indented + "\n  X_1\n<a/>", same},
		{"a here-document in quotes", `cat << "A+B"` + "\n" + lines + "\nA\n<a/>\n", same},
		{"a here-document of PHP", "$x = <<<'XML'\n" + lines + "\nXML;\n$y = '<a/>';\n", same},
		{"a here-document of Windows", "cat <<EOF\r\n" + strings.ReplaceAll(lines, "\n", "\r\n") + "\r\nEOF\r\n<a/>\r\n", same},
		{"a here-document without a word", "x << \n" + lines + "\n", same},
		{"a here-string", "$x = @\"\n" + lines + "\n\"@\n$y = '<a/>'\n", same},
		{"a here-string in single quotes", "$x = @'  \r\n" + strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n'@\r\n$y = '<a/>'\n", same},
		{"a block", "x:\n  md: |\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n  y: '<a/>'\n", same},
		{"a block with empty lines", "md: |\n  " + strings.Replace(indented, "\n", "\n\n \n", 1) + "\ny: '<a/>'\n", same},
		{"a block in a list", "- |\n  " + indented + "\n- '<a/>'\n", same},
		{"a block below its sign", "x:\n  md:\n    |\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n  y: '<a/>'\n", same},
		{"a block, chomped, with a comment", "md: >-2 # x\n  " + indented + "\ny: '<a/>'\n", same},
		{"a bar that is none of YAML", "x |\n  " + indented + "\n", same},
		{"a fence in words", "So:\n```xml\n" + lines + "\n```\n<a/>\n", same},
		{"a fence in words, of tildes", "So:\n~~~\n" + lines + "\n~~~\n<a/>\n", same},
		{"a fence of four", "````\n" + lines + "\n````\n<a/>", same},
		{"a fence of two", "``\n" + lines + "\n``", same},
		{"words behind", "The metadata is " + doc + ", and no more", same},
		{"a long run before", strings.Repeat("QUJD", 20) + "\n" + doc, none},
		{"a run before", strings.Repeat("QUJD", 9) + "ABC\n" + doc, same},
		{"a literal of YAML", "md: '" + strings.ReplaceAll(strings.Replace(doc, "urn:x", "urn:it''s", 1), "><", "> <") + "'\n", "urn:it's:a&b c"},
		{"a literal of SQL", "x(1, '" + strings.Replace(doc, "urn:x", "urn:it''s", 1) + "');", "urn:it's:a&b c"},
		{"a literal of SQL, the first", "x('" + strings.Replace(doc, "urn:x", "urn:it''s", 1) + "');", "urn:it's:a&b c"},
		{"a literal of SQL, and another", "x('" + strings.Replace(doc, "urn:x", "urn:it''s", 1) + "', 'y');", none},
		{"a literal of SQL with a backslash", "x('" + strings.Replace(doc, "urn:x", `urn:it''s\\`, 1) + "');", none},
		{"a literal of SQL without its end", "x('" + strings.Replace(doc, "urn:x", "urn:it''s", 1), none},
		{"a literal of SQL, and none doubled", "x('" + doc + "');", same},
		{"a literal that is assigned", "x = '" + strings.Replace(doc, "urn:x", "urn:it''s", 1) + "'", none},
		{"percent in words", "The metadata is " + url.QueryEscape(doc) + " and no more", same},
		{"percent in words, and a bare ampersand", "The metadata is " + url.PathEscape(doc) + " and no more", none},
		{"percent at the end", "The metadata is " + url.QueryEscape(doc), same},
		{"percent in quotes, behind words", `x "` + url.QueryEscape(doc) + `" y`, same},
		{"references in words", "The metadata is " + htmlEscape(doc) + " and no more", same},
		{"references twice in words", "The metadata is " + htmlEscape(htmlEscape(doc)) + " and no more", same},
		{"escapes in words", `The metadata is ` + strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, `"`, `\"`).Replace(doc), same},
		{"escapes by two digits", strings.NewReplacer("<", `\x3c`, ">", `\x3e`, `"`, `\x22`).Replace(doc), same},
		{"a quote escaped before", `\"` + strings.ReplaceAll(doc, `"`, `\\\"`) + `\"`, same},
		{"a mail in quoted-printable", "Hello =E2=80=93\n\n" + strings.ReplaceAll(lines, "=", "=3D"), same},
		{"a data: URI in capitals", "DATA:text/xml;BASE64," + b64(doc), same},
		{"a data: URI with a long head", "data:text/xml;x=" + strings.Repeat("y", 300) + ";base64," + b64(doc), none},
		{"base64, a key of YAML", "x: 1\nmetadata: " + b64(doc) + "\ny: 2\n", same},
		{"base64 of base64 of base64", b64(b64(b64(doc))), same},
		{"base64 with blanks", fold(b64(doc), 4, " "), same},
		{"JSON, a list", `["x", ` + jsonString(doc) + `]`, same},
		{"JSON, short strings beside", `{"a": "<a/>", "b": ` + jsonString(doc) + `}`, same},
		{"JSON, two of them", `{"a": ` + jsonString(doc) + `, "b": ` + jsonString(doc) + `}`, none},
		{"JSON that is none", `{"a": ` + jsonString(doc) + `,}`, same},
	} {
		t.Run(test.name, func(t *testing.T) {
			md, err := certs.ParseMetadata([]byte(test.in))
			switch {
			case err != nil && test.want != none:
				t.Errorf("%v; want entityID %q", err, test.want)
			case err == nil && md.EntityID != test.want:
				t.Errorf("entityID %q; want %q", md.EntityID, test.want)
			}
		})
	}
}
