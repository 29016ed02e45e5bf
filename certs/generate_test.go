package certs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// generator makes documents that are hard to canonicalize.
type generator struct {
	r     *rand.Rand
	b     strings.Builder
	cert  Cert
	plain bool // nothing that goxmldsig is known to get wrong
	ids   int
	scope []map[string]string // of prefixes
}

func newGenerator(r *rand.Rand, c Cert) *generator {
	return &generator{r: r, cert: c, plain: r.IntN(2) == 0, scope: []map[string]string{{"": "", "xml": xmlscan.URIXML}}}
}

func (g *generator) one(of ...string) string { return of[g.r.IntN(len(of))] }

// name is one of the names; goxmldsig has those of an older XML.
func (g *generator) name(of ...string) string {
	for {
		if n := g.one(of...); !g.plain || !strings.Contains(n, "é") {
			return n
		}
	}
}

func (g *generator) maybe(percent int) bool { return g.r.IntN(100) < percent }
func (g *generator) write(s ...string) {
	for _, s := range s {
		g.b.WriteString(s)
	}
}

func (g *generator) space() string {
	return g.one("", "", "", " ", "\n", "\r\n", "\t", "\r", "\n  ")
}

// blank is white space that must be there.
func (g *generator) blank() string { return g.one(" ", " ", " ", "\n", "\t", "\r\n", " \n\t ") }

func (g *generator) comment() string {
	return "<!--" + g.one("", " c ", "<a>&amp;&lt;", "\r\n", "é", " - - ") + "-->"
}

func (g *generator) instruction() string {
	return "<?" + g.one("pi", "xml-stylesheet", "x") + g.one("", " ", "  a=\"b\" ", "\r\n\td\r\n", " ? > é &amp;") + "?>"
}

// misc is what may stand between elements.
func (g *generator) misc(percent int) {
	for g.maybe(percent) {
		switch n := g.r.IntN(4); {
		case n == 0:
			g.write(g.comment())
		case n == 1 && !g.plain:
			g.write(g.instruction())
		default:
			g.write(g.space())
		}
	}
}

func (g *generator) value() string {
	v := ""
	for range g.r.IntN(4) {
		if g.plain {
			v += g.one("a", "B c", "&#10;", "&#x9;", "&#13;", "&amp;", "&lt;", ">", "&quot;", "é", "😀", "]]>", "\u0085", "  ")
			continue
		}
		v += g.one("a", "B c", "\n", "\t", "\r\n", "\r", "&#10;", "&#x9;", "&#13;", "&#32;", "&amp;", "&lt;", "&gt;", ">", "&quot;", "&apos;", "é", "€", "😀",
			"&#xE9;", "&#x1F600;", "]]>", "\u0085", "\u2028", "&#x85;", "  ", "urn:x", "\ufeff", "&#38;#38;")
	}
	return v
}

// attribute returns name="value" with blanks before it.
func (g *generator) attribute(name, value string) string {
	q := g.one(`"`, `"`, `'`)
	if q == `'` {
		value = strings.ReplaceAll(value, `'`, "&apos;")
	} else {
		value = strings.ReplaceAll(value, `"`, "&quot;")
	}
	return g.blank() + name + g.one("=", "=", "=", " = ", "\n=\t") + q + value + q
}

var generatedURIs = []string{"urn:a", "urn:b", "urn:c", "http://example.com/a?b=c;d#e", "urn:z%20", xmlscan.URIMD, "urn:&#97;", "a:"}

// start writes a start tag without its end. The element has the given prefix
// and name, or random ones, and the given attributes in a random order among
// others. It opens a scope.
func (g *generator) start(prefix, name string, attrs ...string) string {
	in := map[string]string{}
	for p, u := range g.scope[len(g.scope)-1] {
		in[p] = u
	}
	g.scope = append(g.scope, in)
	fixed := map[string]bool{}
	for _, a := range attrs {
		fixed[strings.TrimLeft(strings.SplitN(a, "=", 2)[0], " \r\n\t")] = true
	}
	declared := map[string]bool{}
	for range g.r.IntN(5) * g.r.IntN(2) {
		p := g.name("", "a", "b", "c", "x", "aa", "a-", "é")
		if declared[p] || p == prefix && name != "" || fixed[strings.TrimSuffix("xmlns:"+p, ":")] {
			continue
		}
		declared[p] = true
		u := generatedURIs[g.r.IntN(len(generatedURIs))]
		if p == "" && g.maybe(40) && !g.plain {
			u = ""
		}
		in[p] = strings.NewReplacer("&#97;", "a").Replace(u)
		attrs = append(attrs, g.attribute(strings.TrimSuffix("xmlns:"+p, ":"), u))
	}
	var prefixes []string
	for _, p := range []string{"", "", "a", "b", "c", "x", "aa", "a-", "é", "md", "ds"} {
		if _, ok := in[p]; ok {
			prefixes = append(prefixes, p)
		}
	}
	if name == "" {
		prefix, name = g.one(prefixes...), g.name("e", "f", "Extension", "é", "a-b.c")
	}
	used := map[string]bool{}
	for range g.r.IntN(6) * g.r.IntN(2) {
		p, l := g.one(prefixes...), g.name("a", "b", "z", "é", "A", "a.b")
		if g.maybe(15) {
			p, l = "xml", g.one("lang", "space", "base", "foo")
		}
		expanded := " " + l
		if p != "" {
			expanded = in[p] + " " + l
		}
		if used[expanded] || p != "" && g.plain && (len(used) > 0 || p == "xml") {
			continue
		}
		used[expanded] = true
		v := g.value()
		if p == "xml" && l == "space" {
			v = g.one("default", "preserve")
		}
		if p == "xml" && l == "base" {
			v = g.one("http://example.com/", "http://example.com/a/b", "urn:x")
		}
		attrs = append(attrs, g.attribute(strings.TrimPrefix(p+":"+l, ":"), v))
	}
	g.r.Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
	qname := strings.TrimPrefix(prefix+":"+name, ":")
	g.write("<", qname, strings.Join(attrs, ""), g.space())
	return qname
}

func (g *generator) end(qname string) {
	g.write("</", qname, g.space(), ">")
	g.scope = g.scope[:len(g.scope)-1]
}

// foreign writes an element of no meaning.
func (g *generator) foreign(depth int) {
	var attrs []string
	if g.maybe(10) {
		g.ids++
		attrs = append(attrs, g.attribute(g.one("ID", "Id", "id"), fmt.Sprintf("id%d", g.ids)))
	}
	qname := g.start("", "", attrs...)
	if g.maybe(30) {
		g.write("/>")
		g.scope = g.scope[:len(g.scope)-1]
		return
	}
	g.write(">")
	text := g.maybe(50) // text, or comments
	for range g.r.IntN(5) {
		switch n := g.r.IntN(8); {
		case n == 0:
			if !g.plain {
				g.write(g.instruction())
			}
		case n <= 2 && depth > 0:
			g.foreign(depth - 1)
		case !text:
			g.misc(50)
		case n == 3:
			g.write("<![CDATA[", g.one("", "<&>", "\r\n", "]]", "é", "&amp;"), "]]>")
		default:
			g.write(g.one("text", "&amp;", "&lt;", "&gt;", ">", "\r\n", "\r", "\t", "&#13;", "&#xD;&#10;", "é", "]]&gt;", "\"", "'", "&quot;", "&#x10FFFF;", "] "))
		}
	}
	g.end(qname)
}

func (g *generator) document() string {
	g.write(g.one("", "", `<?xml version="1.0"?>`, `<?xml version='1.0' encoding="UTF-8"?>`, "\ufeff", "\ufeff<?xml version=\"1.0\"?>"))
	g.misc(30)
	p := g.one("md", "md", "", "m")
	id := g.one("_1", "id-1.x", "_é")
	root := g.start(p, "EntityDescriptor", g.attribute(strings.TrimSuffix("xmlns:"+p, ":"), xmlscan.URIMD), g.attribute("ID", id),
		g.attribute("entityID", "urn:idp"+g.value()))
	g.scope[len(g.scope)-1][p] = xmlscan.URIMD
	g.write(">")
	g.misc(30)
	g.signature(g.one("", "#"+id))
	g.misc(20)
	for range g.r.IntN(3) {
		g.foreign(3)
	}
	role := g.start(p, "IDPSSODescriptor", g.attribute("protocolSupportEnumeration", xmlscan.URISAMLP))
	g.write(">")
	g.misc(20)
	key := g.start(p, "KeyDescriptor")
	g.write("><KeyInfo xmlns='", xmlscan.URIDS, "'><X509Data><X509Certificate>", g.space(), g.cert.Base64(), g.space(), "</X509Certificate></X509Data></KeyInfo>")
	g.end(key)
	g.misc(20)
	g.start(p, "SingleSignOnService", g.attribute("Binding", BindingHTTPPost), g.attribute("Location", "https://idp.example.com/"+g.value()))
	g.write("/>")
	g.scope = g.scope[:len(g.scope)-1]
	g.end(role)
	g.end(root)
	g.misc(30)
	return g.b.String()
}

var (
	generatedC14N = []string{
		"http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
		"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
		"http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2006/12/xml-c14n11#WithComments",
	}
	generatedDigests = []string{"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
)

// signature writes a Signature, in which @D@ and @S@ stand for its values.
func (g *generator) signature(uri string) {
	p := g.one("ds", "ds", "", "a", "dsig")
	tag := func(name string, attrs ...string) string { return g.start(p, name, attrs...) }
	open := func(name string, attrs ...string) func() {
		q := tag(name, attrs...)
		g.write(">")
		g.misc(15)
		return func() { g.misc(15); g.end(q) }
	}
	empty := func(name string, attrs ...string) {
		tag(name, attrs...)
		g.write("/>")
		g.scope = g.scope[:len(g.scope)-1]
		g.misc(15)
	}
	value := func(name, text string) {
		q := tag(name)
		before, behind := g.space(), g.space()
		if g.plain && name == "DigestValue" {
			before, behind = "", "\n"
		}
		g.write(">", before, text, behind)
		g.end(q)
		g.misc(15)
	}
	// method writes an element that names a canonicalization.
	method := func(name string) {
		alg := g.one(generatedC14N...)
		if g.maybe(50) {
			alg = g.one(generatedC14N[:2]...)
		}
		a := g.attribute("Algorithm", alg)
		if !strings.Contains(alg, "exc-c14n") || g.maybe(60) || g.plain && name != "Transform" {
			empty(name, a)
			return
		}
		end := open(name, a)
		list := g.one("", "#default", "a", "xs b", "md ds #default", " a\n\tb  c ", "xml", "a a", "é x", "#default a b c x aa a- md ds")
		if g.plain {
			list = g.one("a", "xs b", "md a")
		}
		g.start("ec", "InclusiveNamespaces", g.attribute("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#"), g.attribute("PrefixList", list))
		g.write("/>")
		g.scope = g.scope[:len(g.scope)-1]
		end()
	}
	algorithm := func(alg string) string { return g.attribute("Algorithm", alg) }
	sig := open("Signature", g.attribute(strings.TrimSuffix("xmlns:"+p, ":"), xmlscan.URIDS))
	info := open("SignedInfo")
	method("CanonicalizationMethod")
	g.misc(15)
	empty("SignatureMethod", algorithm("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha"+g.one("256", "384", "512")))
	ref := open("Reference", g.attribute("URI", uri))
	transforms := open("Transforms")
	empty("Transform", algorithm(xmlsig.Enveloped))
	if g.plain || g.maybe(90) {
		method("Transform")
	}
	transforms()
	g.misc(15)
	empty("DigestMethod", algorithm(g.one(generatedDigests...)))
	value("DigestValue", "@D@")
	ref()
	info()
	g.misc(15)
	value("SignatureValue", "@S@")
	if g.maybe(30) {
		q := open("KeyInfo")
		g.foreign(2)
		q()
	}
	sig()
}

// mutate changes a document at one place or a few.
func mutate(r *rand.Rand, doc string) string {
	b := []byte(doc)
	for range 1 + r.IntN(2) {
		i, j := r.IntN(len(b)), r.IntN(len(b))
		switch r.IntN(9) {
		case 0: // another character
			b[i] = byte(" \n\t<>&;\"'=/:?!-a\r#"[r.IntN(18)])
		case 1: // one more
			b = append(b[:i:i], append([]byte{" \n\t<>&;\"'=/:?!-a\r#"[r.IntN(18)]}, b[i:]...)...)
		case 2: // one less
			b = append(b[:i:i], b[i+1:]...)
		case 3: // something in front of a tag
			if at := bytes.IndexByte(b[i:], '<'); at >= 0 {
				in := []string{"<!-- -->", "<?p?>", "\n", " ", "<![CDATA[]]>", "<![CDATA[x]]>", "x", "<x/>", "<?xml-stylesheet a?>"}[r.IntN(9)]
				b = append(b[:i+at:i+at], append([]byte(in), b[i+at:]...)...)
			}
		case 4: // an attribute in a tag
			if at := bytes.IndexByte(b[i:], '>'); at > 0 {
				in := []string{" q='x'", " xmlns:q='urn:q'", " xmlns=''", " xml:lang='de'", " ID='q'", " Id='_1'", " xml:id='_1'", " xmlns:ds='urn:q'"}[r.IntN(8)]
				b = append(b[:i+at:i+at], append([]byte(in), b[i+at:]...)...)
			}
		case 5: // a piece twice
			if n := j - i; n > 0 && n < 2000 {
				b = append(b[:j:j], append(bytes.Clone(b[i:j]), b[j:]...)...)
			}
		case 6: // a piece moved
			if n := j - i; n > 0 && n < 500 {
				piece := bytes.Clone(b[i:j])
				b = append(b[:i:i], b[j:]...)
				k := r.IntN(len(b) + 1)
				b = append(b[:k:k], append(piece, b[k:]...)...)
			}
		case 7: // equal for XML, more or less
			for _, p := range [][2]string{{"&#10;", "\n"}, {"\r\n", "\n"}, {"\t", " "}, {"&amp;", "&#38;"}, {"&quot;", "&#34;"}, {"'", `"`}, {"/>", "></x>"}, {"é", "&#233;"}, {"&#13;", "\r"}} {
				if r.IntN(3) == 0 {
					b = []byte(strings.Replace(string(b), p[0], p[1], 1+r.IntN(3)))
				}
			}
		case 8: // the base64 and the algorithms
			for _, p := range [][2]string{{"sha256", "sha512"}, {"WithComments", ""}, {"#default", "a"}, {"URI=\"\"", "URI=\"#_1\""}, {"c14n#", "c14n#WithComments"}, {"==<", "=<"}, {"=<", "<"}} {
				if r.IntN(3) == 0 {
					b = []byte(strings.Replace(string(b), p[0], p[1], 1))
				}
			}
		}
	}
	return string(b)
}
