package c14n_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

const (
	inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	v11       = "http://www.w3.org/2006/12/xml-c14n11"
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// canonical writes a document's canonical form: all of it, or what is in the
// element with the given local name.
func canonical(t *testing.T, m c14n.Method, doc, apex string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s, w := xmlscan.New([]byte(doc)), c14n.NewWriter(&out, m)
	depth := 0
	for {
		k, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if k == xmlscan.Start && (depth > 0 || apex == "" || string(s.Name.Local) == apex) {
			depth++
		}
		switch {
		case k == xmlscan.EOF:
			err := w.Close()
			return out.String(), err
		case k == xmlscan.Start && depth == 0:
			w.Ancestor(s)
		case depth == 0 && apex != "":
		case k == xmlscan.Start:
			w.Start(s)
		case k == xmlscan.End:
			w.End(s.Name)
			depth--
		case k == xmlscan.Text:
			w.Characters(s)
		case k == xmlscan.Comment && m.Comments && depth > 0:
			w.Comment(s.Text)
		case k == xmlscan.Instruction:
			w.Instruction(s.Name.Local, s.Text)
		}
	}
}

// The canonical forms are written by hand, after the specifications.
func TestWriter(t *testing.T) {
	for _, test := range []struct {
		name, method, prefixes, doc, apex, want string
	}{
		{"empty element", inclusive, "", `<a/>`, "", `<a></a>`},
		{"declaration and white space in tags", inclusive, "", "<?xml version='1.0'?>\n<a  b = 'c'\n></a >\n", "", `<a b="c"></a>`},
		{"attributes by namespace, then local name", inclusive, "", `<a xmlns:z="urn:a" xmlns:y="urn:b" y:a="1" z:b="2" z:a="3" b="4" a="5"/>`, "",
			`<a xmlns:y="urn:b" xmlns:z="urn:a" a="5" b="4" z:a="3" z:b="2" y:a="1"></a>`},
		{"xml:lang sorts as its namespace does", exclusive, "", `<a xmlns:x="urn:x" xmlns:h="http://a" x:a="1" xml:lang="de" h:b="2"/>`, "",
			`<a xmlns:h="http://a" xmlns:x="urn:x" h:b="2" xml:lang="de" x:a="1"></a>`},
		{"namespaces by prefix, the default first", inclusive, "", `<b:a xmlns:b="urn:b" xmlns:a="urn:a" xmlns="urn:x"/>`, "", `<b:a xmlns="urn:x" xmlns:a="urn:a" xmlns:b="urn:b"></b:a>`},
		{"line ends and tabs in an attribute", exclusive, "", "<a b='x\r\ny\tz\n\rw'/>", "", `<a b="x y z  w"></a>`},
		{"references in an attribute", exclusive, "", "<a b='&#10;&#9;&#xd;&#32;&lt;&gt;&amp;&quot;&apos;>&#xe9;'/>", "", `<a b="&#xA;&#x9;&#xD; &lt;>&amp;&quot;'>é"></a>`},
		{"line ends and references in text", exclusive, "", "<a>x\r\ny\rz&#13;&lt;&gt;>&amp;&quot;\"'\t</a>", "", "<a>x\ny\nz&#xD;&lt;&gt;&gt;&amp;\"\"'\t</a>"},
		{"cdata", exclusive, "", "<a><![CDATA[<&>\r\n]]]]></a>", "", "<a>&lt;&amp;&gt;\n]]</a>"},
		{"redundant declarations", inclusive, "", `<a xmlns="urn:a" xmlns:b="urn:b"><c xmlns="urn:a" xmlns:b="urn:b"/></a>`, "", `<a xmlns="urn:a" xmlns:b="urn:b"><c></c></a>`},
		{"declarations again behind an element", inclusive, "", `<a><c xmlns:b="urn:b"/><c xmlns:b="urn:b"/></a>`, "", `<a><c xmlns:b="urn:b"></c><c xmlns:b="urn:b"></c></a>`},
		{"the default taken back", inclusive, "", `<a xmlns="urn:a"><b xmlns=""><c/></b></a>`, "", `<a xmlns="urn:a"><b xmlns=""><c></c></b></a>`},
		{"nothing taken back", inclusive, "", `<a xmlns=""><b xmlns=""/></a>`, "", `<a><b></b></a>`},
		{"the default taken back, exclusive", exclusive, "", `<a xmlns="urn:a"><p:b xmlns="" xmlns:p="urn:p"><c/></p:b></a>`, "", `<a xmlns="urn:a"><p:b xmlns:p="urn:p"><c xmlns=""></c></p:b></a>`},
		{"unused namespaces, exclusive", exclusive, "", `<a xmlns="urn:a" xmlns:b="urn:b"><b:c/><d b:e=""/></a>`, "", `<a xmlns="urn:a"><b:c xmlns:b="urn:b"></b:c><d xmlns:b="urn:b" b:e=""></d></a>`},
		{"shadowed, exclusive", exclusive, "", `<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:2"/><p:c/></p:a>`, "", `<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:2"></p:b><p:c></p:c></p:a>`},
		{"xml declared", exclusive, "xml", `<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="de"/>`, "", `<a xml:lang="de"></a>`},
		{"xml declared, inclusive", inclusive, "", `<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="de"/>`, "", `<a xml:lang="de"></a>`},
		{"prefix list", exclusive, "b  c nobody", `<a xmlns:b="urn:b"><d xmlns:c="urn:c"/><e xmlns:b="urn:x" xmlns:f="urn:f"/></a>`, "",
			`<a xmlns:b="urn:b"><d xmlns:c="urn:c"></d><e xmlns:b="urn:x"></e></a>`},
		{"prefix list without the default", exclusive, "a", `<p:a xmlns="urn:d" xmlns:p="urn:p"/>`, "", `<p:a xmlns:p="urn:p"></p:a>`},
		{"prefix list, default", exclusive, "#default", `<p:a xmlns:p="urn:p" xmlns="urn:d"><p:b xmlns=""/></p:a>`, "", `<p:a xmlns="urn:d" xmlns:p="urn:p"><p:b xmlns=""></p:b></p:a>`},
		{"prefix list, no default to declare", exclusive, "#default", `<p:a xmlns:p="urn:p"/>`, "", `<p:a xmlns:p="urn:p"></p:a>`},
		{"around the root element", inclusive, "", "<?p  q ?><!-- c --><a/><?r?>\n<!-- d -->", "", "<?p q ?>\n<a></a>\n<?r?>"},
		{"comments", inclusive + "#WithComments", "", "<a><!-- c\r\nd --><!----></a>", "", "<a><!-- c\nd --><!----></a>"},
		{"instructions in elements", exclusive, "", "<a><?p?><?p  a\r\nb ?></a>", "", "<a><?p?><?p a\nb ?></a>"},
		{"subtree", inclusive, "", `<r xmlns="urn:r" xmlns:a="urn:1" xmlns:b="urn:b"><q xmlns:a="urn:2"><s xmlns:b="urn:b"/></q></r>`, "s", `<s xmlns="urn:r" xmlns:a="urn:2" xmlns:b="urn:b"></s>`},
		{"subtree, exclusive", exclusive, "", `<r xmlns="urn:r" xmlns:a="urn:1"><q xmlns:a="urn:2"><s a:b=""/></q></r>`, "s", `<s xmlns="urn:r" xmlns:a="urn:2" a:b=""></s>`},
		{"subtree, prefix list", exclusive, "a", `<r xmlns="urn:r" xmlns:a="urn:1"><q xmlns:a="urn:2"><s><t/></s></q></r>`, "s", `<s xmlns="urn:r" xmlns:a="urn:2"><t></t></s>`},
		{"subtree, xml attributes", inclusive, "", `<r xml:lang="de" xml:id="i" xml:x="y" xml:base="urn:r"><q xml:lang="en" xml:space="preserve"><s xml:space="default" a=""><t/></s></q></r>`, "s",
			`<s a="" xml:base="urn:r" xml:id="i" xml:lang="en" xml:space="default" xml:x="y"><t></t></s>`},
		{"subtree, xml attributes, 1.1", v11, "", `<r xml:lang="de" xml:id="i" xml:x="y" xml:base="urn:r"><q xml:lang="en"><s xml:id="j"/></q></r>`, "s",
			`<s xml:base="urn:r" xml:id="j" xml:lang="en"></s>`},
		{"subtree, xml attributes, exclusive", exclusive, "", `<r xml:lang="de"><s/></r>`, "s", `<s></s>`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, ok := c14n.Find(test.method)
			if !ok {
				t.Fatal("the method is not known")
			}
			if test.prefixes != "" && !m.PrefixList(test.prefixes) {
				t.Fatal("the PrefixList is refused")
			}
			got, err := canonical(t, m, test.doc, test.apex)
			if err != nil || got != test.want {
				t.Errorf("canonical form of %s:\n %s, %v; want\n %s", test.doc, got, err, test.want)
			}
		})
	}
}

// A canonical form that two implementations write in two ways is none.
func TestWriterRefuses(t *testing.T) {
	for _, test := range []struct{ name, method, prefixes, doc string }{
		{"two bases", v11, "", `<r xml:base="urn:r"><q xml:base="urn:q"><s/></q></r>`},
		{"base and base", v11, "", `<r xml:base="urn:r"><s xml:base="urn:s"/></r>`},
		{"two spaces", exclusive, "a  b", `<r xmlns="urn:r"><p:s xmlns:p="urn:p"/></r>`},
		{"space at the end", exclusive, "a ", `<r xmlns="urn:r"><p:s xmlns:p="urn:p"/></r>`},
	} {
		m, _ := c14n.Find(test.method)
		if test.prefixes != "" {
			m.PrefixList(test.prefixes)
		}
		if got, err := canonical(t, m, test.doc, "s"); err == nil {
			t.Errorf("%s: %s; want an error", test.name, got)
		}
	}
	for _, v := range []string{"a\nb", "a\tb", "\r"} {
		if m, _ := c14n.Find(exclusive); m.PrefixList(v) {
			t.Errorf("PrefixList(%q) is accepted", v)
		}
	}
}

// A list that libxml2 reads otherwise is accepted where it makes no difference:
// no default namespace is there to be written or left out.
func TestWriterAcceptsAmbiguous(t *testing.T) {
	for _, test := range []struct{ doc, want string }{
		{`<p:s xmlns:p="urn:p"/>`, `<p:s xmlns:p="urn:p"></p:s>`},
		{`<s xmlns="urn:r"><p:t xmlns:p="urn:p"/></s>`, `<s xmlns="urn:r"><p:t xmlns:p="urn:p"></p:t></s>`},
	} {
		m, _ := c14n.Find(exclusive)
		if !m.PrefixList("a  b") || !m.Ambiguous {
			t.Fatalf("PrefixList: %+v", m)
		}
		if got, err := canonical(t, m, test.doc, "s"); err != nil || got != test.want {
			t.Errorf("canonical form of %s: %s, %v; want %s", test.doc, got, err, test.want)
		}
	}
}

// Who takes the canonical form from memory is told what is wrong with it too.
func TestWriterBytes(t *testing.T) {
	m, _ := c14n.Find(v11)
	s, w := xmlscan.New([]byte(`<r xml:base="urn:r"><s xml:base="urn:s"/></r>`)), c14n.NewWriter(nil, m)
	s.Next()
	w.Ancestor(s)
	s.Next()
	w.Start(s)
	if b, err := w.Bytes(); err == nil {
		t.Errorf("Bytes = %s; want an error", b)
	}
}

// chunks records what is written, and fails from the nth write on.
type chunks struct {
	most, fail int
	count      int
	all        bytes.Buffer
}

func (c *chunks) Write(b []byte) (int, error) {
	if c.count++; c.fail > 0 && c.count >= c.fail {
		return 0, errors.New("disk full")
	}
	c.most = max(c.most, len(b))
	return c.all.Write(b)
}

// The Writer passes on what it has as it goes, each byte once, whatever it is
// made of, so that a long document needs no more memory than a short one.
func TestWriterFlushes(t *testing.T) {
	piece := bytes.Repeat([]byte("x"), 1<<10)
	for name, write := range map[string]func(w *c14n.Writer, s *xmlscan.Scanner){
		"start":       func(w *c14n.Writer, s *xmlscan.Scanner) { w.Start(s) },
		"end":         func(w *c14n.Writer, s *xmlscan.Scanner) { w.End(xmlscan.Name{Local: piece}) },
		"text":        func(w *c14n.Writer, s *xmlscan.Scanner) { w.Text(piece) },
		"comment":     func(w *c14n.Writer, s *xmlscan.Scanner) { w.Comment(piece) },
		"instruction": func(w *c14n.Writer, s *xmlscan.Scanner) { w.Instruction([]byte("p"), piece) },
	} {
		s := xmlscan.New([]byte(`<a b="` + string(piece) + `"/>`))
		s.Next()
		var c chunks
		m, _ := c14n.Find(inclusive + "#WithComments")
		w, whole := c14n.NewWriter(&c, m), c14n.NewWriter(nil, m)
		for range 100 {
			write(w, s)
			write(whole, s)
		}
		w.Text([]byte("y"))
		whole.Text([]byte("y"))
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want, _ := whole.Bytes(); !bytes.Equal(c.all.Bytes(), want) {
			t.Errorf("%s: %d bytes were passed on, which are not the %d that were written", name, c.all.Len(), len(want))
		}
		if c.most > 20<<10 {
			t.Errorf("%s: %d bytes were kept; want about 16 KiB", name, c.most)
		}
	}
	// One byte is passed on as many are.
	var c chunks
	w := c14n.NewWriter(&c, c14n.Method{})
	w.Text([]byte("y"))
	if err := w.Close(); err != nil || c.all.String() != "y" {
		t.Errorf("Close passed on %q, %v", c.all.String(), err)
	}
}

// The first error of what is written to is kept, and nothing is written behind it.
func TestWriterFails(t *testing.T) {
	c := chunks{fail: 2}
	w := c14n.NewWriter(&c, c14n.Method{})
	for range 10 {
		w.Text(bytes.Repeat([]byte("x"), 20<<10))
	}
	if err := w.Close(); err == nil || c.count != 2 {
		t.Errorf("Close = %v after %d writes; want the second's error and no third", err, c.count)
	}
}

func TestFind(t *testing.T) {
	for uri, want := range map[string]bool{
		inclusive: true, inclusive + "#WithComments": true, inclusive + "WithComments": false, inclusive + "#": false,
		v11: true, v11 + "#WithComments": true, v11 + "#": false,
		exclusive: true, exclusive + "WithComments": true, exclusive + "#WithComments": false, strings.TrimSuffix(exclusive, "#"): false,
		"": false, "WithComments": false,
	} {
		m, ok := c14n.Find(uri)
		if ok != want || ok && (m.Comments != strings.HasSuffix(uri, "WithComments") || m.Exclusive != strings.Contains(uri, "exc") || m.V11 != strings.Contains(uri, "11")) {
			t.Errorf("Find(%q) = %+v, %v", uri, m, ok)
		}
	}
}

func TestAbsolute(t *testing.T) {
	for uri, want := range map[string]bool{
		"urn:a": true, "http://www.w3.org/2001/10/xml-exc-c14n#": true, "a:": true, "http://a:80/b?c#d": true, "a+b-c.1:d%2F": true, "HTTP://A/(b)!$'*+,;=~@": true,
		"": false, "a": false, ":a": false, "1:a": false, "a b:c": false, "a/b:c": false, "urn:a b": false, "urn:é": false, "urn:%2": false, "urn:%2g": false, "urn:%g2": false,
		"urn:a#b#c": false, "http://a:/": false, "http://a:x/": false, "http://a:123456/": false, "http:///a": false, "http://u@a/": false, "http://[::1]/": false,
		"z:a": true, "Z9:a": true, "a0:b": true, "urn:%99%aA%fF": true, "urn:%@0": false, "urn:%0@": false, "a@b:c": false, "urn:a`b": false, "urn:[": false,
		"http://a:65535/": true, "http://a": true, "http://a?b:c": true,
		"urn:a&b": false, "urn:<": false, `urn:"`: false, "urn:\x7f": false, "urn:a|b": false, "http://a%20/": false,
	} {
		if got := c14n.Absolute(uri); got != want {
			t.Errorf("Absolute(%q) = %v; want %v", uri, got, want)
		}
	}
}
