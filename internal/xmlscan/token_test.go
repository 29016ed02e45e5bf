package xmlscan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readers are the ways to read the same document.
var readers = []struct {
	name string
	of   func(in string) *Scanner
}{
	{"memory", func(in string) *Scanner { return New([]byte(in)) }},
	{"stream", func(in string) *Scanner { return NewReader(strings.NewReader(in)) }},
	{"one byte at a time", func(in string) *Scanner { return NewReader(iotest.OneByteReader(strings.NewReader(in))) }},
	{"with its end", func(in string) *Scanner { return NewReader(iotest.DataErrReader(strings.NewReader(in))) }},
}

// shown gives a namespace as the tests write it: only those without a number of
// their own are named by their URI.
func shown(s *Scanner, n Space, prefix []byte) string {
	if known := map[Space]string{None: "-", XML: "xml", MD: "md", DS: "ds", SAMLP: "samlp", SAML: "saml"}[n]; known != "" {
		return known
	}
	return s.URI(prefix)
}

func qualified(prefix, local []byte) string {
	if prefix == nil {
		return string(local)
	}
	return string(prefix) + ":" + string(local)
}

// tokens scans to the end and tells each token in a line.
func tokens(s *Scanner) ([]string, error) {
	var got []string
	for {
		k, err := s.Next()
		if err != nil {
			return got, err
		}
		switch k {
		case Start:
			line := "<" + qualified(s.Name.Prefix, s.Name.Local) + " " + shown(s, s.Name.Space, s.Name.Prefix)
			for i := range s.Attrs {
				a := &s.Attrs[i]
				line += fmt.Sprintf(" %s=%q", qualified(a.Prefix, a.Local), s.Value(a))
				if a.Space != None {
					line += " " + shown(s, a.Space, a.Prefix)
				}
			}
			got = append(got, line)
		case End:
			space := "other"
			if s.Name.Space < Other {
				space = shown(s, s.Name.Space, nil)
			}
			got = append(got, "</"+qualified(s.Name.Prefix, s.Name.Local)+" "+space)
		case Text:
			got = append(got, fmt.Sprintf("text %q", s.Text))
		case Comment:
			got = append(got, fmt.Sprintf("comment %q", s.Text))
		case Instruction:
			got = append(got, fmt.Sprintf("pi %s %q", qualified(s.Name.Prefix, s.Name.Local), s.Text))
		case EOF:
			return got, nil
		default:
			return got, fmt.Errorf("token of kind %d", k)
		}
	}
}

func TestTokens(t *testing.T) {
	const md, ds = URIMD, URIDS
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"empty element", "<a/>", []string{"<a -", "</a -"}},
		{"empty element with space", "<a />", []string{"<a -", "</a -"}},
		{"start and end", "<a></a>", []string{"<a -", "</a -"}},
		{"spaces in tags", "<a \t\r\n></a \t\r\n>", []string{"<a -", "</a -"}},
		{"space around the root", " \t\r\n<a/> \t\r\n", []string{"<a -", "</a -"}},
		{"nesting", "<a><b/><c><d></d></c></a>", []string{"<a -", "<b -", "</b -", "<c -", "<d -", "</d -", "</c -", "</a -"}},
		{"names that begin alike", "<a><ab/><aa></aa></a>", []string{"<a -", "<ab -", "</ab -", "<aa -", "</aa -", "</a -"}},
		{"the elements of a file", "<?xml version='1.0' encoding='utf-8'?>\n<a>t</a>\n", []string{"<a -", `text "t"`, "</a -"}},

		{"attributes", `<a b="1" c='2'/>`, []string{`<a - b="1" c="2"`, "</a -"}},
		{"no attribute value", `<a b=""/>`, []string{`<a - b=""`, "</a -"}},
		{"other quote", `<a b='"' c="'"/>`, []string{`<a - b="\"" c="'"`, "</a -"}},
		{"space around =", "<a b \t=\r\n'1'/>", []string{`<a - b="1"`, "</a -"}},
		{"> and / in a value", "<a b='/>' c='/'></a>", []string{`<a - b="/>" c="/"`, "</a -"}},
		{"]]> in a value", "<a b=']]>'/>", []string{`<a - b="]]>"`, "</a -"}},
		{"white space in a value", "<a b='\t1\n2\r\n3\r4\r\r5 6  '/>", []string{`<a - b=" 1 2 3 4  5 6  "`, "</a -"}},
		{"white space in a value that ends so", "<a b='\r' c='\n' d='\t' e='\r\n'/>", []string{`<a - b=" " c=" " d=" " e=" "`, "</a -"}},
		{"white space by reference in a value", "<a b='&#9;&#10;&#13;&#32;&#xA;&#xD;&#x20;'/>", []string{`<a - b="\t\n\r \n\r "`, "</a -"}},
		{"CR by reference before LF", "<a b='&#13;\n'>&#13;\n</a>", []string{`<a - b="\r "`, `text "\r\n"`, "</a -"}},
		{"entities in a value", "<a b='&lt;&gt;&amp;&quot;&apos;'/>", []string{`<a - b="<>&\"'"`, "</a -"}},
		{"characters in a value", "<a b='é\u20ac\U00010000\x7f'/>", []string{`<a - b="é€𐀀\x7f"`, "</a -"}},
		{"references with zeros", "<a b='&#0000000000000065;'>&#x00000000000000000042;</a>", []string{`<a - b="A"`, `text "B"`, "</a -"}},
		{"characters and references in a value", "<a b='é&#233;é'/>", []string{`<a - b="ééé"`, "</a -"}},
		{"ID and its like", "<a ID='&#120;' Id='x' id='x'><b xml:id='y' ID='z'/></a>", []string{`<a - ID="x" Id="x" id="x"`, `<b - xml:id="y" xml ID="z"`, "</b -", "</a -"}},
		{"ID in a namespace is none", "<a ID='x' xmlns:p='u' p:ID='x' p:id='x'/>", []string{`<a - ID="x" xmlns:p="u" p:ID="x" u p:id="x" u`, "</a -"}},

		{"text", "<a>t</a>", []string{"<a -", `text "t"`, "</a -"}},
		{"entities", "<a>&lt;&gt;&amp;&quot;&apos;</a>", []string{"<a -", `text "<>&\"'"`, "</a -"}},
		{"no entity is read twice", "<a>&amp;lt;&#38;gt;</a>", []string{"<a -", `text "&lt;&gt;"`, "</a -"}},
		{"characters by number", "<a>&#65;&#x42;&#x6a;&#x6A;&#x10FFFF;&#xFFFD;&#xE000;&#xD7FF;&#1114111;&#000065;</a>",
			[]string{"<a -", fmt.Sprintf("text %q", "ABjj\U0010FFFF\uFFFD\uE000\uD7FF\U0010FFFFA"), "</a -"}},
		{"line ends", "<a>\n1\r2\r\n3\r\r\n4\n\r5\r</a>", []string{"<a -", `text "\n1\n2\n3\n\n4\n\n5\n"`, "</a -"}},
		{"line ends by reference", "<a>&#13;&#xD;&#10;\r&#10;</a>", []string{"<a -", `text "\r\r\n\n\n"`, "</a -"}},
		{"tab in text", "<a>\t&amp;\t</a>", []string{"<a -", `text "\t&\t"`, "</a -"}},
		{"> and quotes in text", `<a>>'"/]]]&gt;] ]>]></a>`, []string{"<a -", `text ">'\"/]]]>] ]>]>"`, "</a -"}},
		{"characters at the edges", "<a>\u0020\u007e\u007f\u0080\u0085\ud7ff\ue000\ufffd\U00010000\U0010ffff\ufeff\u2028</a>",
			[]string{"<a -", fmt.Sprintf("text %q", "\u0020\u007e\u007f\u0080\u0085\ud7ff\ue000\ufffd\U00010000\U0010ffff\ufeff\u2028"), "</a -"}},
		{"characters beside a reference", "<a>&amp;é\u20ac\U00010000&amp;</a>", []string{"<a -", `text "&é€𐀀&"`, "</a -"}},

		{"CDATA", "<a><![CDATA[<b>&amp;]]></a>", []string{"<a -", `text "<b>&amp;"`, "</a -"}},
		{"empty CDATA", "<a><![CDATA[]]></a>", []string{"<a -", "</a -"}},
		{"brackets in CDATA", "<a><![CDATA[]]]]></a>", []string{"<a -", `text "]]"`, "</a -"}},
		{"brackets and > in CDATA", "<a><![CDATA[]] >]>]]></a>", []string{"<a -", `text "]] >]>"`, "</a -"}},
		{"line ends in CDATA", "<a><![CDATA[1\r\n2\r3\n4\r]]></a>", []string{"<a -", `text "1\n2\n3\n4\n"`, "</a -"}},
		{"line ends at the end", "<a>\r\n<![CDATA[\r\n]]><!--\r\n--><?p x\r\n?>x\r\n</a>",
			[]string{"<a -", `text "\n"`, `text "\n"`, `comment "\n"`, `pi p "x\n"`, `text "x\n"`, "</a -"}},
		{"CDATA in text", "<a>1<![CDATA[2]]>3</a>", []string{"<a -", `text "1"`, `text "2"`, `text "3"`, "</a -"}},
		{"CDATA in CDATA", "<a><![CDATA[<![CDATA[]]></a>", []string{"<a -", `text "<![CDATA["`, "</a -"}},
		{"characters in CDATA", "<a><![CDATA[é\t \x7f\u20ac]]></a>", []string{"<a -", `text "é\t \x7f€"`, "</a -"}},

		{"comment", "<a><!-- b --></a>", []string{"<a -", `comment " b "`, "</a -"}},
		{"empty comment", "<a><!----></a>", []string{"<a -", `comment ""`, "</a -"}},
		{"comment with markup", "<a><!-- <b> & ]]> - - <?p?> -></a>--></a>", []string{"<a -", `comment " <b> & ]]> - - <?p?> -></a>"`, "</a -"}},
		{"line ends in a comment", "<a><!--1\r\n2\r3é--></a>", []string{"<a -", `comment "1\n2\n3é"`, "</a -"}},
		{"comments outside the root", "<!--1--><a/><!--2-->", []string{`comment "1"`, "<a -", "</a -", `comment "2"`}},
		{"comment in text", "<a>1<!--2-->3</a>", []string{"<a -", `text "1"`, `comment "2"`, `text "3"`, "</a -"}},

		{"instruction", "<a><?p d?></a>", []string{"<a -", `pi p "d"`, "</a -"}},
		{"instruction without data", "<a><?p?><?q \t\r\n?></a>", []string{"<a -", `pi p ""`, `pi q ""`, "</a -"}},
		{"instruction data", "<a><?p \t\r\n <b a='?'> & -- ]]> ? >\r\ré ?></a>", []string{"<a -", `pi p "<b a='?'> & -- ]]> ? >\n\né "`, "</a -"}},
		{"instruction with two question marks", "<a><?p ??></a>", []string{"<a -", `pi p "?"`, "</a -"}},
		{"instructions outside the root", "<?p 1?><a/><?q 2?>", []string{`pi p "1"`, "<a -", "</a -", `pi q "2"`}},
		{"instruction that begins with xml", "<?xml-stylesheet href='x'?><a/>", []string{`pi xml-stylesheet "href='x'"`, "<a -", "</a -"}},
		{"instruction after the declaration", "<?xml version='1.0'?><?p?><a/>", []string{`pi p ""`, "<a -", "</a -"}},

		{"declaration", "<?xml version='1.0'?><a/>", []string{"<a -", "</a -"}},
		{"declaration in full", "<?xml\tversion = \"1.0\"\r\nencoding='UTF-8' standalone='yes' ?><a/>", []string{"<a -", "</a -"}},
		{"declaration, standalone", "<?xml version='1.0' standalone='no'?><a/>", []string{"<a -", "</a -"}},
		{"byte order mark", "\ufeff<a/>", []string{"<a -", "</a -"}},
		{"byte order mark and space", "\ufeff \n<a/>", []string{"<a -", "</a -"}},
		{"byte order mark and declaration", "\ufeff<?xml\nversion='1.0'?><a/>", []string{"<a -", "</a -"}},
		{"byte order mark and instruction", "\ufeff<?xmls ?><a/>", []string{`pi xmls ""`, "<a -", "</a -"}},
		{"encoding utf8", "<?xml version='1.0' encoding='utf8'?><a/>", []string{"<a -", "</a -"}},
		{"encoding US-ASCII", "<?xml version='1.0' encoding='us-ascii'?><a/>", []string{"<a -", "</a -"}},
		{"encoding ASCII", "<?xml version='1.0' encoding='ASCII'?><a/>", []string{"<a -", "</a -"}},

		{"default namespace", "<a xmlns='" + md + "'><b xmlns=''><c/></b><d/></a>",
			[]string{`<a md xmlns="` + md + `"`, `<b - xmlns=""`, "<c -", "</c -", "</b -", "<d md", "</d md", "</a md"}},
		{"a default namespace is none of attributes", "<a xmlns='" + md + "' b=''/>", []string{`<a md xmlns="` + md + `" b=""`, "</a md"}},
		{"prefix", "<p:a xmlns:p='" + ds + "' p:b='' b=''><p:c/></p:a>", []string{`<p:a ds xmlns:p="` + ds + `" p:b="" ds b=""`, "<p:c ds", "</p:c ds", "</p:a ds"}},
		{"prefix declared behind its use", "<p:a p:b='' xmlns:p='" + ds + "'/>", []string{`<p:a ds p:b="" ds xmlns:p="` + ds + `"`, "</p:a ds"}},
		{"prefix declared anew", "<p:a xmlns:p='" + md + "'><p:b xmlns:p='u'><p:c/></p:b><p:d/></p:a>",
			[]string{`<p:a md xmlns:p="` + md + `"`, `<p:b u xmlns:p="u"`, "<p:c u", "</p:c other", "</p:b other", "<p:d md", "</p:d md", "</p:a md"}},
		{"all known", "<a xmlns='" + URISAML + "' xmlns:p='" + URISAMLP + "' p:a='' xml:lang=''/>",
			[]string{`<a saml xmlns="` + URISAML + `" xmlns:p="` + URISAMLP + `" p:a="" samlp xml:lang="" xml`, "</a saml"}},
		{"namespace by reference", "<p:a xmlns:p='&#117;rn:oasis:names:tc:SAML:2.0:metadata'/>", []string{`<p:a md xmlns:p="` + md + `"`, "</p:a md"}},
		{"namespaces are compared as they are", "<a xmlns='URN:oasis:names:tc:SAML:2.0:metadata'/>",
			[]string{`<a URN:oasis:names:tc:SAML:2.0:metadata xmlns="URN:oasis:names:tc:SAML:2.0:metadata"`, "</a other"}},
		{"the prefix xml", "<xml:a xml:b=''/>", []string{`<xml:a xml xml:b="" xml`, "</xml:a xml"}},
		{"the prefix xml declared", "<a xmlns:xml='" + URIXML + "' xml:b=''/>", []string{`<a - xmlns:xml="` + URIXML + `" xml:b="" xml`, "</a -"}},
		{"an element xmlns", "<xmlns/>", []string{"<xmlns -", "</xmlns -"}},
		{"a prefix that begins with xmlns", "<a xmlnsp='1' xmlns:p='u' p:xmlns='2'/>", []string{`<a - xmlnsp="1" xmlns:p="u" p:xmlns="2" u`, "</a -"}},
		{"the same local name", "<a xmlns:p='u' xmlns:q='v' b='1' p:b='2' q:b='3'/>", []string{`<a - xmlns:p="u" xmlns:q="v" b="1" p:b="2" u q:b="3" v`, "</a -"}},
		{"an attribute like a prefix", "<a xmlns:b='u' b='1'/>", []string{`<a - xmlns:b="u" b="1"`, "</a -"}},
		{"two prefixes of a namespace", "<p:a xmlns:p='u' xmlns:q='u' p:b='' q:c=''/>", []string{`<p:a u xmlns:p="u" xmlns:q="u" p:b="" u q:c="" u`, "</p:a other"}},
		{"names beyond ASCII", "<é:ñ.-1·\u0301 xmlns:é='u' _='' A='' é:z=''/>", []string{"<é:ñ.-1·\u0301 u xmlns:é=\"u\" _=\"\" A=\"\" é:z=\"\" u", "</é:ñ.-1·\u0301 other"}},
	} {
		for _, r := range readers {
			t.Run(tc.name+"/"+r.name, func(t *testing.T) {
				s := r.of(tc.in)
				got, err := tokens(s)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tc.want, got); d != "" {
					t.Error(d)
				}
				starts := 0
				for _, line := range tc.want {
					if line[0] == '<' && line[1] != '/' {
						starts++
					}
				}
				if s.Elements != starts {
					t.Errorf("%d elements counted, want %d", s.Elements, starts)
				}
				for range 2 {
					if k, err := s.Next(); k != EOF || err != nil {
						t.Errorf("after the end: %v, %v", k, err)
					}
				}
			})
		}
	}
}

// Two prefixes are the same namespace if and only if their URIs are the same.
func TestNamespacesDiffer(t *testing.T) {
	s := New([]byte("<a xmlns:p='u' xmlns:q='v' xmlns:r='u' xmlns:s='w' xmlns:t='urn:oasis:names:tc:SAML:2.0:metadata' p:a='' q:a='' s:a='' r:b='' t:a=''><p:b xmlns='u'><b/><q:b/></p:b></a>"))
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	by := map[string]Space{}
	for _, a := range s.Attrs {
		if !a.Declares() {
			by[string(a.Prefix)] = a.Space
		}
	}
	if by["p"] != by["r"] || by["p"] == by["q"] || by["p"] == by["s"] || by["q"] == by["s"] || by["t"] != MD {
		t.Errorf("%v", by)
	}
	for p, n := range by {
		if p != "t" && n < Other {
			t.Errorf("%s is a known namespace, %d", p, n)
		}
	}
	for _, want := range []Space{by["p"], by["p"], by["p"], by["q"]} {
		if _, err := s.Next(); err != nil || s.Name.Space != want {
			t.Errorf("%s:%s is in %d (%v), want %d", s.Name.Prefix, s.Name.Local, s.Name.Space, err, want)
		}
	}
}

// The spaces of namespaces that are out of scope may be had again, those in
// scope may not.
func TestNamespaceOfSibling(t *testing.T) {
	s := New([]byte("<r xmlns:p='u'><a xmlns:q='v'/><a xmlns:q='w'><p:b/><q:b/></a></r>"))
	var p, q Space
	for {
		k, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if k == EOF {
			break
		}
		switch string(s.Name.Prefix) {
		case "p":
			p = s.Name.Space
		case "q":
			q = s.Name.Space
		}
	}
	if p == q || p < Other || q < Other {
		t.Errorf("p is %d, q is %d", p, q)
	}
}

func TestBindings(t *testing.T) {
	type binding struct{ Prefix, URI string }
	show := func(b []Binding) (l []binding) {
		for _, b := range b {
			l = append(l, binding{b.Prefix, b.URI})
		}
		return l
	}
	s := New([]byte("<a xmlns='u' xmlns:p='v'><b/><c xmlns:p='w' xmlns='' xmlns:q='x'><d xmlns:q='y'/></c><e/></a>"))
	xml := binding{"xml", URIXML}
	outer := []binding{{"", "u"}, {"p", "v"}}
	inner := []binding{{"p", "w"}, {"", ""}, {"q", "x"}}
	all := func(l ...[]binding) []binding {
		sum := []binding{xml}
		for _, l := range l {
			sum = append(sum, l...)
		}
		return sum
	}
	if d := cmp.Diff(all(), show(s.InScope())); d != "" {
		t.Error(d)
	}
	want := map[string]struct{ declared, scope, uris []binding }{
		"a": {outer, all(outer), outer},
		"b": {nil, all(outer), append([]binding{xml, {"q", ""}}, outer...)},
		"c": {inner, all(outer, inner), inner},
		"d": {[]binding{{"q", "y"}}, all(outer, inner, []binding{{"q", "y"}}), []binding{{"p", "w"}, {"", ""}, {"q", "y"}}},
		"e": {nil, all(outer), outer},
	}
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
		w := want[string(s.Name.Local)]
		if d := cmp.Diff(w.declared, show(s.Declared())); d != "" {
			t.Errorf("%s declares: %s", s.Name.Local, d)
		}
		if d := cmp.Diff(w.scope, show(s.InScope())); d != "" {
			t.Errorf("%s in scope: %s", s.Name.Local, d)
		}
		for _, u := range w.uris {
			if got := s.URI([]byte(u.Prefix)); got != u.URI {
				t.Errorf("in %s %q is bound to %q, want %q", s.Name.Local, u.Prefix, got, u.URI)
			}
		}
	}
	if d := cmp.Diff(all(), show(s.InScope())); d != "" {
		t.Error(d)
	}
}

func TestKnownSpace(t *testing.T) {
	for uri, want := range map[string]Space{"": None, URIXML: XML, URIMD: MD, URIDS: DS, URISAMLP: SAMLP, URISAML: SAML} {
		if got, ok := KnownSpace(uri); got != want || !ok {
			t.Errorf("%q: %d, %v; want %d", uri, got, ok, want)
		}
	}
	for _, uri := range []string{"u", URIXMLNS, URIMD + " ", " "} {
		if got, ok := KnownSpace(uri); got != Other || ok {
			t.Errorf("%q: %d, %v", uri, got, ok)
		}
	}
}

func TestNameIs(t *testing.T) {
	n := Name{Space: MD, Prefix: []byte("p"), Local: []byte("a")}
	if !n.Is(MD, "a") || n.Is(DS, "a") || n.Is(MD, "b") || n.Is(MD, "p:a") {
		t.Error("a name in a namespace is taken for another")
	}
}

func TestAttr(t *testing.T) {
	s := New([]byte("<a xmlns:p='u' p:b='1' b='&lt;2' c='3\n' d=''/>"))
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"b": "<2", "c": "3 ", "d": ""} {
		if got, ok := s.Attr(name); got != want || !ok {
			t.Errorf("%s is %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"p", "p:b", "xmlns:p", "e", ""} {
		if got, ok := s.Attr(name); got != "" || ok {
			t.Errorf("%s is %q, %v", name, got, ok)
		}
	}
}

// A value that needs no decoding is not copied.
func TestNothingCopied(t *testing.T) {
	in := []byte("<a b='plain' c='é'>text é\n\t</a>")
	s := New(in)
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	for i := range s.Attrs {
		if v := s.Value(&s.Attrs[i]); &v[0] != &s.Attrs[i].Raw[0] {
			t.Errorf("%q is copied", v)
		}
	}
	if _, err := s.Next(); err != nil || &s.Text[0] != &in[bytes.IndexByte(in, '>')+1] {
		t.Errorf("%q is copied, %v", s.Text, err)
	}
}

func TestUTF16Declared(t *testing.T) {
	for _, enc := range []string{"UTF-16", "utf-16le", "UTF-16BE", "UTF-8"} {
		in := "<?xml version='1.0' encoding='" + enc + "'?><a/>"
		s := New([]byte(in))
		s.UTF16 = true
		if _, err := tokens(s); err != nil {
			t.Errorf("%s, converted: %v", enc, err)
		}
		if _, err := tokens(New([]byte(in))); (err == nil) != (enc == "UTF-8") {
			t.Errorf("%s, not converted: %v", enc, err)
		}
	}
}
