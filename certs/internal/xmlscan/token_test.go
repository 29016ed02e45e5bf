package xmlscan

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// spaces names the numbers of namespaces.
var spaces = map[Space]string{None: "", XML: "xml", MD: "md", DS: "ds", SAMLP: "samlp", SAML: "saml"}

func told(space Space, local []byte) string {
	name, ok := spaces[space]
	if !ok {
		name = fmt.Sprint("#", int(space-Other))
	}
	if name == "" {
		return string(local)
	}
	return "{" + name + "}" + string(local)
}

// tokens writes what the scanner finds in a document: an element as <name attr="value">,
// its end as </name>, text in quotes, declarations as xmlns attributes. What
// stops it comes last.
func tokens(s *Scanner) []string {
	var out []string
	for {
		k, err := s.Next()
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				return append(out, err.Error())
			}
			return append(out, fmt.Sprintf("%d:%d %s", e.Line, e.Column, e.Detail))
		}
		switch k {
		case Start:
			var b strings.Builder
			fmt.Fprintf(&b, "<%s", told(s.Name.Space, s.Name.Local))
			for i := range s.Attrs {
				a := &s.Attrs[i]
				if !a.Declares() {
					fmt.Fprintf(&b, " %s=%q", told(a.Space, a.Local), s.Value(a))
				}
			}
			for _, d := range s.Declared() {
				fmt.Fprintf(&b, " xmlns:%s=%q", d.Prefix, d.URI)
			}
			out = append(out, b.String()+">")
		case End:
			out = append(out, "</"+told(s.Name.Space, s.Name.Local)+">")
		case Text:
			if n := len(out); n > 0 && out[n-1][0] == '"' { // text may come in pieces
				out[n-1] = out[n-1][:len(out[n-1])-1] + fmt.Sprintf("%q", s.Text)[1:]
				break
			}
			out = append(out, fmt.Sprintf("%q", s.Text))
		case Comment:
			out = append(out, fmt.Sprintf("comment %q", s.Text))
		case Instruction:
			out = append(out, fmt.Sprintf("instruction %s %q", s.Name.Local, s.Text))
		case EOF:
			return out
		}
	}
}

// both scans a document in memory and as a stream that comes byte by byte; they
// must find the same.
func both(t *testing.T, doc string, set func(*Scanner)) []string {
	t.Helper()
	whole, stream := New([]byte(doc)), NewReader(iotest.OneByteReader(strings.NewReader(doc)))
	if set != nil {
		set(whole)
		set(stream)
	}
	got := tokens(whole)
	if diff := cmp.Diff(got, tokens(stream)); diff != "" {
		t.Errorf("%q: in memory (-) and as a stream (+):\n%s", doc, diff)
	}
	return got
}

// What a document consists of, after XML 1.0 (fifth edition) and Namespaces in
// XML 1.0 (third edition).
func TestTokens(t *testing.T) {
	md := URIMD
	for _, tt := range []struct {
		name, doc string
		want      []string
	}{
		{"an empty element", `<a/>`, []string{`<a>`, `</a>`}},
		{"white space in tags", "<a \t\r\n b = 'c'\n/><", []string{`<a b="c">`, `</a>`, `3:3 a tag without an end`}},
		{"start and end", "<a></a\n>", []string{`<a>`, `</a>`}},
		{"a declaration", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><a/>`, []string{`<a>`, `</a>`}},
		{"a byte order mark", "\ufeff<a/>", []string{`<a>`, `</a>`}},
		{"a byte order mark and a declaration", "\ufeff<?xml version='1.0'?>\n<a/>\n", []string{`<a>`, `</a>`}},
		{"an instruction called xml-something", "<?xml-stylesheet href='x'?><a/>", []string{`instruction xml-stylesheet "href='x'"`, `<a>`, `</a>`}},
		{"instructions", "<?p?><a><?q  r \r\ns?></a><?t ?>", []string{`instruction p ""`, `<a>`, `instruction q "r \ns"`, `</a>`, `instruction t ""`}},
		{"comments", "<!-- a\rb --><a><!----><!-- - > --></a><!--x-->", []string{`comment " a\nb "`, `<a>`, `comment ""`, `comment " - > "`, `</a>`, `comment "x"`}},
		{"text", "<a> x\ty </a>", []string{`<a>`, `" x\ty "`, `</a>`}},
		{"line ends in text", "<a>1\n2\r\n3\r4\r</a>", []string{`<a>`, `"1\n2\n3\n4\n"`, `</a>`}},
		{"references in text", "<a>&lt;&gt;&amp;&quot;&apos;&#13;&#10;&#x9;&#xe9;&#x1F600;</a>", []string{`<a>`, `"<>&\"'\r\n\té😀"`, `</a>`}},
		{"references with zeros", "<a>&#0000000000000065;&#x00000000000000000042;</a>", []string{`<a>`, `"AB"`, `</a>`}},
		{"the first and the last characters", "<a>&#x20;&#xD7FF;&#xE000;&#xFFFD;&#x10000;&#x10FFFF;</a>", []string{`<a>`, fmt.Sprintf("%q", " \ud7ff\ue000\ufffd\U00010000\U0010ffff"), `</a>`}},
		{"the same as they are", "<a> \ud7ff\ue000\ufffd\U00010000\U0010ffff\x7f</a>", []string{`<a>`, fmt.Sprintf("%q", " \ud7ff\ue000\ufffd\U00010000\U0010ffff\x7f"), `</a>`}},
		{"> and ]] in text", "<a>a > b ]] c ]&gt; ]]&gt;</a>", []string{`<a>`, `"a > b ]] c ]> ]]>"`, `</a>`}},
		{"CDATA", "<a>x<![CDATA[<b>&amp;]] >\r\n]]>y</a>", []string{`<a>`, `"x<b>&amp;]] >\ny"`, `</a>`}},
		{"empty CDATA", "<a><![CDATA[]]></a>", []string{`<a>`, `</a>`}},
		{"CDATA that ends in brackets", "<a><![CDATA[]]]]></a>", []string{`<a>`, `"]]"`, `</a>`}},
		{"an attribute's white space", "<a b='1\n2\r\n3\r4\t5&#10;6&#13;7&#9;8  9'/>", []string{`<a b="1 2 3 4 5\n6\r7\t8  9">`, `</a>`}},
		{"an attribute's quotes", `<a b="'" c='"' d=">"/>`, []string{`<a b="'" c="\"" d=">">`, `</a>`}},
		{"an attribute's references", "<a b='&lt;&amp;&apos;&#xE9;é'/>", []string{`<a b="<&'éé">`, `</a>`}},
		{"names", "<_a.b-c·é x:y='' xmlns:x='u'/>", []string{`<_a.b-c·é {#1}y="" xmlns:x="u">`, `</_a.b-c·é>`}},
		{"known namespaces", "<m:a xmlns:m='" + md + "' xmlns='" + URIDS + "'><b/><p:c xmlns:p='" + URISAMLP + "'/><s:d xmlns:s='" + URISAML + "'/></m:a>", []string{
			`<{md}a xmlns:m="` + md + `" xmlns:="` + URIDS + `">`, `<{ds}b>`, `</{ds}b>`, `<{samlp}c xmlns:p="` + URISAMLP + `">`, `</{samlp}c>`,
			`<{saml}d xmlns:s="` + URISAML + `">`, `</{saml}d>`, `</{md}a>`}},
		{"a declaration that comes after its use", "<x:a x:b='' xmlns:x='u'/>", []string{`<{#1}a {#1}b="" xmlns:x="u">`, `</{#1}a>`}},
		{"a namespace by two prefixes", "<x:a xmlns:x='u' xmlns:y='u' y:b='1' z='2'/>", []string{`<{#1}a {#1}b="1" z="2" xmlns:x="u" xmlns:y="u">`, `</{#1}a>`}},
		{"another namespace is another", "<x:a xmlns:x='u' xmlns:y='v'><y:a/></x:a>", []string{`<{#1}a xmlns:x="u" xmlns:y="v">`, `<{#2}a>`, `</{#2}a>`, `</{#1}a>`}},
		{"the default is no attribute's", "<a xmlns='u' b=''/>", []string{`<{#1}a b="" xmlns:="u">`, `</{#1}a>`}},
		{"the default is taken back", "<a xmlns='u'><b xmlns=''><c/></b><d/></a>", []string{`<{#1}a xmlns:="u">`, `<b xmlns:="">`, `<c>`, `</c>`, `</b>`, `<{#1}d>`, `</{#1}d>`, `</{#1}a>`}},
		{"a prefix bound anew, and back", "<x:a xmlns:x='u'><x:a xmlns:x='v'/><x:a/></x:a>", []string{
			`<{#1}a xmlns:x="u">`, `<{#2}a xmlns:x="v">`, `</{#2}a>`, `<{#1}a>`, `</{#1}a>`, `</{#1}a>`}},
		{"the prefix xml", "<a xml:lang='de' xml:id='i'><xml:b xmlns:xml='" + URIXML + "'/></a>", []string{
			`<a {xml}lang="de" {xml}id="i">`, `<{xml}b>`, `</{xml}b>`, `</a>`}},
		{"a URI with references and white space", "<a xmlns='u&amp;&#32;v\n'/>", []string{`<{#1}a xmlns:="u& v ">`, `</{#1}a>`}},
		{"the same attribute in two namespaces", "<a b='' x:b='' y:b='' xmlns:x='u' xmlns:y='v'/>", []string{`<a b="" {#1}b="" {#2}b="" xmlns:x="u" xmlns:y="v">`, `</a>`}},
		{"IDs that differ", "<a ID='1'><b ID='2' id='1' xml:id='3'/></a>", []string{`<a ID="1">`, `<b ID="2" id="1" {xml}id="3">`, `</b>`, `</a>`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, both(t, tt.doc, nil)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.doc, diff)
			}
		})
	}
}

// What is not well-formed is refused where it is wrong, and by name.
func TestRefuses(t *testing.T) {
	const (
		char   = "a byte or character that XML in UTF-8 cannot have: convert the file to UTF-8"
		ref    = "a reference to an unknown entity or an impossible character"
		amp    = "an & that begins no reference: write &amp;"
		decl   = "an XML declaration that cannot be read"
		colon  = "a name with a misplaced colon"
		name   = "a character where a name should begin"
		twice  = "an attribute given twice"
		anew   = "a reserved namespace declared anew"
		cutOff = "the document ends inside an element: it is cut off"
		pi     = "a processing instruction without a name"
	)
	for doc, want := range map[string]string{
		"":                           "1:1 there is no element",
		" \n":                        "2:1 there is no element",
		"<!-- -->":                   "1:9 there is no element",
		"\ufeff":                     "1:2 there is no element",
		"<a>":                        "1:4 " + cutOff,
		"<a>\n é<b></b>":             "2:10 " + cutOff,
		"<a>x":                       "1:5 " + cutOff,
		"<a":                         "1:1 a tag without an end",
		"<a b='>":                    "1:1 a tag without an end",
		"<a/><b/>":                   "1:5 a second root element",
		"<a></a>\n<b>":               "2:1 a second root element",
		"<a/>x":                      "1:5 text outside the root element",
		" x<a/>":                     "1:2 text outside the root element",
		"<a/>&#32;":                  "1:5 text outside the root element",
		"<![CDATA[x]]><a/>":          "1:1 a CDATA section outside the root element",
		"<a><![CDATA[x]] >":          "1:4 a CDATA section without an end",
		"<a>]]></a>":                 "1:4 ]]> in text",
		"<a>\nx]]>&</a>":             "2:2 ]]> in text",
		"<a><!-- -- --></a>":         "1:9 -- in a comment",
		"<a><!-- ---></a>":           "1:9 -- in a comment",
		"<a><!-- -":                  "1:4 a comment without an end",
		"<a><!-->":                   "1:4 a comment without an end",
		"<a><!-- \x01--></a>":        "1:9 " + char,
		"<a><!-- \xff--></a>":        "1:9 " + char,
		"<a><?p":                     "1:4 a processing instruction without an end",
		"<a><?p \x02?></a>":          "1:8 " + char,
		"<a><? p?></a>":              "1:4 " + pi,
		"<a><?x:y?></a>":             "1:4 " + pi,
		"<a><?p+?></a>":              "1:4 " + pi,
		"<a><?XML x?></a>":           "1:4 an XML declaration that is not at the very beginning: remove what is before it",
		" <?xml version='1.0'?><a/>": "1:2 an XML declaration that is not at the very beginning: remove what is before it",
		"<a/><?xml version='1.0'?>":  "1:5 an XML declaration that is not at the very beginning: remove what is before it",
		"<?xml version='1.1'?><a/>":  "1:7 XML version 1.1: only 1.0 is in use for SAML",
		"<?xml version='1.0' encoding='ISO-8859-1'?><a/>":             "1:21 the encoding ISO-8859-1: convert the file to UTF-8",
		"<?xml version='1.0' encoding='UTF-16'?><a/>":                 "1:21 the encoding UTF-16: convert the file to UTF-8",
		"<?xml encoding='UTF-8'?><a/>":                                "1:7 " + decl,
		"<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>": "1:38 " + decl,
		"<?xml version='1.0' version='1.0'?><a/>":                     "1:21 " + decl,
		"<?xml version='1.0' standalone='true'?><a/>":                 "1:21 " + decl,
		"<?xml version='1.0' other='x'?><a/>":                         "1:21 " + decl,
		"<?xml version='1.0'encoding='UTF-8'?><a/>":                   "1:20 " + decl,
		"<?xml version='1.0' +?><a/>":                                 "1:21 " + decl,
		"<?xml ?><a/>":                                                "1:1 " + decl,
		"<?xml version=1.0?><a/>":                                     "1:15 an attribute without quotes",
		"<?xml version='1.0'":                                         "1:1 a processing instruction without an end",
		"\ufeff<?xml version='1.0'":                                   "1:2 an XML declaration without an end",
		"\ufeff<?xml version='1.1'?><a/>":                             "1:8 XML version 1.1: only 1.0 is in use for SAML",
		"<!DOCTYPE a><a/>":                                            "1:1 remove the DOCTYPE; SAML metadata has none",
		"<a><!ELEMENT a></a>":                                         "1:4 a markup declaration",
		"<a><!DOCTYPE":                                                "1:4 remove the DOCTYPE; SAML metadata has none",
		"<!a><a/>":                                                    "1:1 a markup declaration",
		"< a/>":                                                       "1:2 " + name,
		"<1/>":                                                        "1:2 " + name,
		"<-a/>":                                                       "1:2 " + name,
		"<.a/>":                                                       "1:2 " + name,
		"<·/>":                                                        "1:2 " + name,
		"<\xff/>":                                                     "1:2 " + name,
		"<a><//a></a>":                                                "1:6 " + name,
		"<a b='' 1=''/>":                                              "1:9 " + name,
		"<:a/>":                                                       "1:2 " + colon,
		"<a:/>":                                                       "1:2 " + colon,
		"<a:b:c/>":                                                    "1:2 " + colon,
		"<a:1/>":                                                      "1:2 " + colon,
		"<a><b></a></b>":                                              "1:7 </a> where </b> was expected",
		"<a></a ><b>":                                                 "1:9 a second root element",
		"<a></a b>":                                                   "1:7 an end tag with more than a name",
		"</a>":                                                        "1:1 an end tag without a start tag",
		"<a/></a>":                                                    "1:5 an end tag without a start tag",
		"<a></a":                                                      "1:4 a tag without an end",
		"<a <b/>":                                                     "1:4 a < inside a tag",
		"<a b='<'/>":                                                  "1:7 a < inside an attribute: a quote may be missing before it",
		"<a b/>":                                                      "1:5 an attribute without a value",
		"<a b >":                                                      "1:6 an attribute without a value",
		"<a b=/>":                                                     "1:6 an attribute without quotes",
		"<a b=c/>":                                                    "1:6 an attribute without quotes",
		"<a b='x'c='y'/>":                                             "1:9 no space before an attribute",
		"<a b='' b=''/>":                                              "1:1 " + twice,
		"<a x:b='' y:b='' xmlns:x='u' xmlns:y='u'/>": "1:1 " + twice,
		"<a xmlns='u' xmlns='v'/>":                   "1:14 " + twice,
		"<a xmlns:x='u' xmlns:x='u'/>":               "1:16 " + twice,
		"<x:a/>":                                     `1:1 the prefix "x" is not declared`,
		"<a x:b=''/>":                                `1:1 the prefix "x" is not declared`,
		"<a><b xmlns:x='u'/><x:c/></a>":              `1:20 the prefix "x" is not declared`,
		"<xmlns:a/>":                                 `1:1 the prefix "xmlns" is not declared`,
		"<a xmlns:x=''/>":                            "1:4 a prefix bound to no namespace",
		"<a xmlns:xml='u'/>":                         "1:4 " + anew,
		"<a xmlns:xmlns='u'/>":                       "1:4 " + anew,
		"<a xmlns:x='" + URIXMLNS + "'/>":            "1:4 " + anew,
		"<a xmlns='" + URIXMLNS + "'/>":              "1:4 " + anew,
		"<a xmlns:x='" + URIXML + "'/>":              "1:4 " + anew,
		"<a xmlns='" + URIXML + "'/>":                "1:4 " + anew,
		"<a>&</a>":                                   "1:4 " + amp,
		"<a>& </a>":                                  "1:4 " + amp,
		"<a>x&amp</a>":                               "1:5 " + amp,
		"<a>&" + strings.Repeat("a", maxReference) + ";</a>": "1:4 " + amp,
		"<a>&nbsp;</a>":                 "1:4 " + ref,
		"<a>&;</a>":                     "1:4 " + ref,
		"<a>&#;</a>":                    "1:4 " + ref,
		"<a>&#x;</a>":                   "1:4 " + ref,
		"<a>&#X41;</a>":                 "1:4 " + ref,
		"<a>&#+65;</a>":                 "1:4 " + ref,
		"<a>&#-65;</a>":                 "1:4 " + ref,
		"<a>&#x+41;</a>":                "1:4 " + ref,
		"<a>&#4_1;</a>":                 "1:4 " + ref,
		"<a>&#0;</a>":                   "1:4 " + ref,
		"<a>&#8;</a>":                   "1:4 " + ref,
		"<a>&#x1F;</a>":                 "1:4 " + ref,
		"<a>&#xD800;</a>":               "1:4 " + ref,
		"<a>&#xDFFF;</a>":               "1:4 " + ref,
		"<a>&#xFFFE;</a>":               "1:4 " + ref,
		"<a>&#xFFFF;</a>":               "1:4 " + ref,
		"<a>&#x110000;</a>":             "1:4 " + ref,
		"<a>&#x100000041;</a>":          "1:4 " + ref,
		"<a b='&#0;'/>":                 "1:1 " + ref,
		"<a ID='&x;'/>":                 "1:1 " + ref,
		"<a xmlns='&x;'/>":              "1:4 " + ref,
		"<a>\x00</a>":                   "1:4 " + char,
		"<a>é\x0b</a>":                  "1:5 " + char,
		"<a>\n&amp;\x1f</a>":            "2:6 " + char,
		"<a>\xc3</a>":                   "1:4 " + char,
		"<a>\r\xed\xa0\x80</a>":         "1:5 " + char,
		"<a>\uffff</a>":                 "1:4 " + char,
		"<a b='\x01'/>":                 "1:1 " + char,
		"<a><![CDATA[\x01]]></a>":       "1:13 " + char,
		"<a ID='1'><b ID='1'/></a>":     "1:11 an ID that two elements have",
		"<a ID='1'><b xml:id='1'/></a>": "1:11 an ID that two elements have",
		"<a ID='&#49;'><b ID='1'/></a>": "1:15 an ID that two elements have",
	} {
		got := both(t, doc, nil)
		last := ""
		if len(got) > 0 {
			last = got[len(got)-1]
		}
		if !strings.HasPrefix(last, want) {
			t.Errorf("%q: %q; want %q", doc, last, want)
		}
	}
}

// Characters that may be in a name, and begin one, by XML 1.0 (fifth edition).
func TestNames(t *testing.T) {
	first := []rune{':', 'A', 'Z', '_', 'a', 'z', 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x2FF, 0x370, 0x37D, 0x37F, 0x1FFF, 0x200C, 0x200D, 0x2070, 0x218F,
		0x2C00, 0x2FEF, 0x3001, 0xD7FF, 0xF900, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0xEFFFF}
	later := []rune{'-', '.', '0', '9', 0xB7, 0x300, 0x36F, 0x203F, 0x2040}
	never := []rune{' ', '!', ',', '/', ';', '@', '[', '^', '`', '{', 0x7F, 0xB6, 0xB8, 0xBF, 0xD7, 0xF7, 0x37E, 0x2000, 0x200B, 0x200E, 0x203E, 0x2041, 0x206F, 0x2190,
		0x2BFF, 0x2FF0, 0x3000, 0xE000, 0xF8FF, 0xFDD0, 0xFDEF, 0xFFFE, 0xF0000}
	for _, set := range []struct {
		runes          []rune
		begins, inside bool
	}{{first, true, true}, {later, false, true}, {never, false, false}} {
		for _, r := range set.runes {
			one := string(r)
			if got := ScanName([]byte(one)) == len(one); got != set.begins {
				t.Errorf("U+%04X begins a name: %t", r, got)
			}
			if got := ScanName([]byte("a"+one)) == 1+len(one); got != set.inside {
				t.Errorf("U+%04X is in a name: %t", r, got)
			}
		}
	}
	for b, want := range map[string]int{"": 0, "ab c": 2, "a\xff": 1, "é\xc3": 2, "a:b=": 3} {
		if got := ScanName([]byte(b)); got != want {
			t.Errorf("ScanName(%q) = %d; want %d", b, got, want)
		}
	}
}

// The limits hold to the last one, and say what they are.
func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	ids := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "<b ID='%d'/>", i)
		}
		return "<a>" + b.String() + "<b ID='0'/><b ID='" + fmt.Sprint(n-1) + "'/></a>"
	}
	for _, tt := range []struct {
		name, good, bad, want string
		set                   func(*Scanner)
	}{
		{"depth", nested(maxDepth), nested(maxDepth + 1), "elements nested more than 100 deep", nil},
		{"attributes", "<a" + attributes(maxAttrs) + "/>", "<a" + attributes(maxAttrs+1) + "/>", "more than 128 attributes in one element", nil},
		{"declarations", "<a" + declared(maxPrefixes-1) + "/>", "<a" + declared(maxPrefixes) + "/>", "more than 128 namespace declarations", nil},
		{"declarations of several", "<a><b" + declared(100) + "/><b" + declared(100) + "/></a>", "<a" + declared(100) + "><b" + declared(100) + "/></a>",
			"more than 128 namespace declarations", nil},
		{"a value", "<a b='" + strings.Repeat("x", maxAttrValue) + "'/>", "<a b='" + strings.Repeat("x", maxAttrValue+1) + "'/>", "an attribute of more than 64 KiB", nil},
		{"a name", "<" + strings.Repeat("x", MaxName) + "/>", "<" + strings.Repeat("x", MaxName+1) + "/>", "a name of more than 1024 bytes", nil},
		{"IDs that are kept", "<a><b ID='0'/><b ID='1'/><b ID='2'/><b ID='2'/></a>", ids(2), "an ID that two elements have", func(s *Scanner) { s.MaxIDs = 2 }},
	} {
		if got := both(t, tt.good, tt.set); strings.Contains(got[len(got)-1], " ") {
			t.Errorf("%s, as many as there may be: %s", tt.name, got[len(got)-1])
		}
		if got := both(t, tt.bad, tt.set); !strings.Contains(got[len(got)-1], tt.want) {
			t.Errorf("%s, one more: %.80s; want %q", tt.name, got[len(got)-1], tt.want)
		}
	}
}

// A stream's errors come back as they are, and one that brings nothing ends.
func TestStreams(t *testing.T) {
	broken := errors.New("the line is dead")
	for name, tt := range map[string]struct {
		r    io.Reader
		want string
	}{
		"an error in the middle":      {io.MultiReader(strings.NewReader("<a>x"), iotest.ErrReader(broken)), broken.Error()},
		"an error in a tag":           {io.MultiReader(strings.NewReader("<a b='"), iotest.ErrReader(broken)), broken.Error()},
		"an error in a comment":       {io.MultiReader(strings.NewReader("<!-- "), iotest.ErrReader(broken)), broken.Error()},
		"an error behind a mark":      {io.MultiReader(strings.NewReader("\ufeff"), iotest.ErrReader(broken)), broken.Error()},
		"an error in an end tag":      {io.MultiReader(strings.NewReader("<a></a"), iotest.ErrReader(broken)), broken.Error()},
		"an error in an instruction":  {io.MultiReader(strings.NewReader("<?p "), iotest.ErrReader(broken)), broken.Error()},
		"an error in a CDATA section": {io.MultiReader(strings.NewReader("<a><![CDATA[ "), iotest.ErrReader(broken)), broken.Error()},
		"nothing comes":               {idle{}, io.ErrNoProgress.Error()},
		"data and the end at once":    {iotest.DataErrReader(strings.NewReader("<a/>")), "</a>"},
		"a tag that has no end":       {io.MultiReader(strings.NewReader("<a b='"), endless{}), "1:1 a tag, comment or text of more than 16 MiB"},
		"lines far into the stream":   {strings.NewReader("<a>" + strings.Repeat("é\n", 60_000) + "xy&</a>"), "60001:3 an & that begins no reference: write &amp;"},
		"a line that is very long":    {strings.NewReader("<a>" + strings.Repeat("<é/>", 40_000) + "&</a>"), "1:160004 an & that begins no reference: write &amp;"},
	} {
		got := tokens(NewReader(tt.r))
		if len(got) == 0 || got[len(got)-1] != tt.want {
			t.Errorf("%s: %.200q; want %q last", name, got[max(0, len(got)-1):], tt.want)
		}
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Where a token is, and what is in scope there.
func TestHereAndScope(t *testing.T) {
	const doc = "<a xmlns='u' xmlns:p='v'>\n é<p:b\n x='1' p:y='2'/>\n\n<c xmlns='' xmlns:p='w'>t</c></a>"
	for how, s := range map[string]*Scanner{"in memory": New([]byte(doc)), "stream": NewReader(iotest.OneByteReader(strings.NewReader(doc)))} {
		var got []string
		for {
			k, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if k == EOF {
				break
			}
			if k != Start {
				continue
			}
			line, col := s.Here()
			x, ok := s.Attr("x")
			y, found := s.Attr("y") // it has a namespace
			got = append(got, fmt.Sprintf("%s %d:%d, default %q, p %q, q %q, x %q %t, y %q %t, %d in scope, %d elements", s.Name.Local, line, col,
				s.URI(nil), s.URI([]byte("p")), s.URI([]byte("q")), x, ok, y, found, len(s.InScope()), s.Elements))
		}
		want := []string{
			`a 1:26, default "u", p "v", q "", x "" false, y "" false, 3 in scope, 1 elements`,
			`b 3:17, default "u", p "v", q "", x "1" true, y "" false, 3 in scope, 2 elements`,
			`c 5:25, default "", p "w", q "", x "" false, y "" false, 5 in scope, 3 elements`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
	s := New([]byte("<?xml version='1.0' encoding='UTF-16'?><a/>"))
	s.UTF16 = true
	if got := tokens(s); len(got) != 2 || s.Pos() != 43 {
		t.Errorf("converted from UTF-16: %q, to %d", got, s.Pos())
	}
	s = New([]byte("<a>\n x</a>"))
	for range 2 {
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	var e *Error
	if err := s.Fail("not %s", "this"); !errors.As(err, &e) || e.Line != 2 || e.Column != 3 || e.Detail != "not this" {
		t.Errorf("Fail = %v", err)
	}
	for uri, want := range map[string]Space{"": None, URIXML: XML, URIMD: MD, URIDS: DS, URISAMLP: SAMLP, URISAML: SAML} {
		if got, ok := KnownSpace(uri); got != want || !ok {
			t.Errorf("KnownSpace(%q) = %v, %t", uri, got, ok)
		}
	}
	if got, ok := KnownSpace("u"); got < Other || ok {
		t.Errorf("KnownSpace of another = %v, %t", got, ok)
	}
	if n := (Name{MD, nil, []byte("a")}); !n.Is(MD, "a") || n.Is(DS, "a") || n.Is(MD, "b") {
		t.Error("Is")
	}
}

// What an error says of a document.
func TestError(t *testing.T) {
	_, err := New([]byte("<!DOCTYPE a>")).Next()
	var e *Error
	if !errors.As(err, &e) || !e.DTD || e.Error() != "line 1, column 1: remove the DOCTYPE; SAML metadata has none" {
		t.Errorf("of a document type: %v", err)
	}
	if _, err = New([]byte("<a")).Next(); !errors.As(err, &e) || e.DTD {
		t.Errorf("of another: %v", err)
	}
	if line, col := Position([]byte("é\né x"), 6); line != 2 || col != 3 {
		t.Errorf("Position = %d, %d", line, col)
	}
	for in, want := range map[string]string{"": "", "éa": "éa", "éab": "éab", "éabc": "éab…", "a\xffb": "a\ufffdb"} {
		if got := clip([]byte(in), 3); got != want {
			t.Errorf("clip(%q, 3) = %q; want %q", in, got, want)
		}
	}
}
