package certs

import (
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// opinionOn signs a document and returns what was read of its signature. Where
// goxmldsig's opinion counts, what it returned is in the second result.
func opinionOn(t *testing.T, k ecKey, doc string) (*signature, *covered, document) {
	t.Helper()
	signed, err := k.sign(doc)
	if err != nil {
		t.Fatal(err)
	}
	d := document{text: []byte(signed)}
	c, err := verifySignature(d, []*x509.Certificate{k.cert.X509()}, false, new(extractor).root)
	if err != nil {
		t.Fatalf("%v\n%s", err, signed)
	}
	p, _, err := prove(d, []*x509.Certificate{k.cert.X509()}, false, new(extractor).root)
	if err != nil {
		t.Fatal(err)
	}
	return p.g, c, d
}

// opinionDoc is a document to sign: with attributes of the root, an ID among
// them, content, and the inside of CanonicalizationMethod and Transform.
func opinionDoc(attrs, content, method, info, by, transform, space string) string {
	exc := func(alg, inside string) string {
		if alg == "" {
			alg = uriExclusive
		}
		return ` Algorithm="` + alg + `">` + inside
	}
	t := `<ds:Transform` + exc(by, transform) + `</ds:Transform>`
	if by == "none" {
		t = ""
	}
	return `<md:EntityDescriptor xmlns:md="` + xmlscan.URIMD + `" ` + attrs + `><ds:Signature xmlns:ds="` + xmlscan.URIDS + `"><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod` + exc(method, info) + `</ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/><ds:Reference URI="#_1"><ds:Transforms>` +
		`<ds:Transform Algorithm="` + xmlsig.Enveloped + `"/>` + t + `</ds:Transforms>` +
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>@D@` + space + `</ds:DigestValue></ds:Reference></ds:SignedInfo>` +
		`<ds:SignatureValue>@S@</ds:SignatureValue><ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo></ds:Signature>` + content + `</md:EntityDescriptor>`
}

// The opinion counts for what documents usually hold, and for everything that
// others than the signer can add.
func TestSecondOpinionCounts(t *testing.T) {
	k := newECKey(t)
	const (
		id   = `ID="_1"`
		list = `<ec:InclusiveNamespaces xmlns:ec="` + uriExclusive + `" PrefixList="`
		c10  = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	)
	for _, test := range []struct {
		name, doc string
		counts    bool
	}{
		{"plain", opinionDoc(id, "", "", "", "", "", ""), true},
		{"inclusive", opinionDoc(id, "", c10, "", c10, "", ""), true},
		{"comments", opinionDoc(id, "<!-- c --><md:Extensions><!-- d --></md:Extensions>", "", "", uriExclusive+"WithComments", "", ""), true},
		{"comment in the Signature", strings.Replace(opinionDoc(id, "", uriExclusive, "", uriExclusive+"WithComments", "", ""), "<ds:SignatureValue>", "<!-- c --><ds:SignatureValue>", 1), true},
		{"instruction beside the root", "<?p?>" + opinionDoc(id, "", "", "", "", "", "") + "<?q?>", true},
		{"instruction in the Signature", strings.Replace(opinionDoc(id, "", "", "", "", "", ""), "<ds:SignatureValue>", "<?p?><ds:SignatureValue>", 1), true},
		{"tab in the KeyInfo", strings.Replace(opinionDoc(id, "", "", "", "", "", ""), "<ds:KeyName>", "<ds:KeyName a='\t'>", 1), true},
		{"prefix list", opinionDoc(id, "", "", "", "", list+`md xs"/>`, ""), true},
		{"digest with a line end", opinionDoc(id, "", "", "", "", "", "\n"), true},
		{"one attribute with a prefix", opinionDoc(id+` xml:lang="de"`, "", "", "", "", "", ""), true},
		{"lists of prefixes for SignedInfo", opinionDoc(id, "", "", list+`md"/>`, "", "", ""), false},
		{"#default", opinionDoc(id, "", "", "", "", list+`#default"/>`, ""), false},
		{"no canonicalization", opinionDoc(id, "", "", "", "none", "", ""), false},
		{"digest with a space", opinionDoc(id, "", "", "", "", "", " "), false},
		{"digest with a tab", opinionDoc(id, "", "", "", "", "", "\t"), false},
		{"names of any XML", opinionDoc(id, "<\u2c00/>", "", "", "", "", ""), false},
		{"attributes' names of any XML", opinionDoc(id+" \u2c00=''", "", "", "", "", "", ""), false},
		{"instruction", opinionDoc(id, "<?p?>", "", "", "", "", ""), false},
		{"line end in an attribute", opinionDoc(id+" a='\n'", "", "", "", "", "", ""), false},
		{"CR in an attribute", opinionDoc(id+" a='\r'", "", "", "", "", "", ""), false},
		{"tab in an attribute", opinionDoc(id+" a='\t'", "", "", "", "", "", ""), false},
		{"tab in SignedInfo", strings.Replace(opinionDoc(id, "", "", "", "", "", ""), "<ds:DigestValue", "<ds:DigestValue a='\t'", 1), false},
		{"comment in SignedInfo", opinionDoc(id, "", uriExclusive+"WithComments", "<!-- c -->", "", "", ""), false},
		{"two attributes with a prefix", opinionDoc(id+` xml:lang="de" md:x=""`, "", "", "", "", "", ""), false},
		{"the default namespace taken back", opinionDoc(id, `<x xmlns="urn:x"><y xmlns=""/></x>`, "", "", "", "", ""), false},
		{"xml:lang passed on", opinionDoc(id+` xml:lang="de"`, "", c10, "", "", "", ""), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, c, _ := opinionOn(t, k, test.doc)
			if counts := c.tree != nil; counts != test.counts {
				t.Errorf("the opinion counts: %v; want %v", counts, test.counts)
			}
		})
	}
}

// What stands before the Signature is signed, whatever it is; goxmldsig says the
// same of each.
func TestBeforeTheSignature(t *testing.T) {
	k := newECKey(t)
	doc := opinionDoc(`ID="_1"`, "<md:Extensions/>", "", "", "", "", "")
	for _, test := range []struct {
		name, root, before string // in front of the root element, and of the Signature
		first              bool
	}{
		{"nothing", "", "", true},
		{"a declaration", `<?xml version="1.0"?>`, "", true},
		{"an instruction and a comment", "<?p?>\n<!-- c -->\n", "", true},
		{"white space", "", "\r\n  ", true},
		{"nothing in CDATA", "", "<![CDATA[]]>", true},
		{"text, and nothing in CDATA", "", "a<![CDATA[]]>", true},
		{"text in CDATA", "", "<![CDATA[<&]]>", true},
		{"a reference", "", "&#13;&lt;", true},
		{"a comment", "", "<!-- c -->", true},
		{"an empty element", "", "<a/>", false},
		{"an element, and nothing in CDATA", "", "<a b='c'></a><![CDATA[]]>", false},
		{"elements", "", "<a><b/>c</a>\n<md:d/>", false},
	} {
		signed := test.root + strings.Replace(doc, "<ds:Signature ", test.before+"<ds:Signature ", 1)
		g, c, d := opinionOn(t, k, signed)
		if c.tree == nil || c.first != test.first {
			t.Errorf("%s: goxmldsig was asked: %v; the Signature is the first element: %v, want %v", test.name, c.tree != nil, c.first, test.first)
		}
		text, err := g.text(d)
		if err != nil || strings.Contains(string(text), "Signature") || !strings.Contains(string(text), "<md:Extensions></md:Extensions></md:EntityDescriptor>") {
			t.Errorf("%s: the canonical form is %s, %v", test.name, text, err)
		}
		if test.before == "" {
			continue
		}
		changed := document{text: []byte(strings.Replace(string(d.text), test.before, test.before+"<a/>", 1))}
		if _, err := verifySignature(changed, []*x509.Certificate{k.cert.X509()}, false, new(extractor).root); err == nil {
			t.Errorf("%s: accepted with an element more", test.name)
		}
	}
}

// goxmldsig is really asked: it refuses other keys, and other documents.
func TestSecondOpinionRefuses(t *testing.T) {
	k, other := newECKey(t), newECKey(t)
	g, _, d := opinionOn(t, k, opinionDoc(`ID="_1" entityID="x"`, "", "", "", "", "", ""))
	if root, perr := g.secondOpinion(d, k.cert.X509()); perr != nil || root.SelectAttrValue("entityID", "") != "x" {
		t.Fatalf("secondOpinion = %v, %v", root, perr)
	}
	_, perr := g.secondOpinion(d, other.cert.X509())
	if perr == nil || perr.Found != KindBadSignature || !strings.Contains(perr.Error(), "do not agree") || errors.Unwrap(perr) == nil {
		t.Errorf("with another key: %v", perr)
	}
	for _, change := range [][2]string{{`entityID="x"`, `entityID="y"`}, {`#_1`, `#_2`}, {`ID="_1"`, `ID="_2"`}, {"<ds:Signature ", "<ds:Other "}} {
		changed := document{text: []byte(strings.Replace(string(d.text), change[0], change[1], 1))}
		if root, perr := g.secondOpinion(changed, k.cert.X509()); perr == nil {
			t.Errorf("%q made %q: accepted as %v", change[0], change[1], root)
		}
	}
}

// What names the canonicalization holds a list of prefixes in its place, or
// nothing.
func TestCanonicalizationMethod(t *testing.T) {
	list := &node{space: uriExclusive, tag: "InclusiveNamespaces", attrs: []nodeAttr{{"PrefixList", "#default a"}}}
	method := func(alg, text string, kids ...*node) *node {
		return &node{tag: "Transform", attrs: []nodeAttr{{"Algorithm", alg}}, text: []byte(text), kids: kids}
	}
	m, ok := canonicalization(method(uriExclusive, "\n", list))
	if !ok || !m.Exclusive || len(m.Prefixes) != 2 || !m.Prefixes[""] || !m.Prefixes["a"] {
		t.Errorf("canonicalization = %+v, %v", m, ok)
	}
	for name, n := range map[string]*node{
		"text":                method(uriExclusive, "x"),
		"two lists":           method(uriExclusive, "", list, list),
		"inclusive":           method("http://www.w3.org/2006/12/xml-c14n11", "", list),
		"another element":     method(uriExclusive, "", &node{space: uriExclusive, tag: "Other", attrs: list.attrs}),
		"another namespace":   method(uriExclusive, "", &node{space: xmlscan.URIDS, tag: list.tag, attrs: list.attrs}),
		"no list":             method(uriExclusive, "", &node{space: uriExclusive, tag: list.tag}),
		"something in it":     method(uriExclusive, "", &node{space: uriExclusive, tag: list.tag, attrs: list.attrs, kids: []*node{list}}),
		"a line end in it":    method(uriExclusive, "", &node{space: uriExclusive, tag: list.tag, attrs: []nodeAttr{{"PrefixList", "a\nb"}}}),
		"an unknown method":   method("urn:x", ""),
		"no method":           {tag: "Transform"},
		"enveloped-signature": method(xmlsig.Enveloped, ""),
	} {
		if m, ok := canonicalization(n); ok {
			t.Errorf("%s: accepted as %+v", name, m)
		}
	}
}

// Changes of a document whose signature is refused do not make it accepted.
func TestCorpusMutants(t *testing.T) {
	dir := os.Getenv("JCAAD_CORPUS")
	if dir == "" {
		t.Skip("JCAAD_CORPUS is not set: the corpus is not part of the repository")
	}
	count := 0
	for _, kind := range []string{"hostile-xml", "signed"} {
		err := filepath.WalkDir(filepath.Join(dir, kind), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			count += mutantsRefused(t, path, b)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d changed documents", count)
}

// mutantsRefused changes a document that is refused and returns how often.
func mutantsRefused(t *testing.T, path string, b []byte) int {
	var keys []*x509.Certificate
	for _, m := range embeddedCert.FindAllSubmatch(b, -1) {
		if c, err := ParseOne(m[1]); err == nil {
			keys = append(keys, c.X509())
		}
	}
	doc, perr := openMetadata(b)
	if perr != nil || len(doc.text) == 0 || len(keys) == 0 {
		return 0
	}
	root := func(xmlscan.Name, attributes) error { return nil }
	if _, err := verifySignature(doc, keys, true, root); err == nil {
		return 0
	}
	r := rand.New(rand.NewPCG(uint64(len(b)), 1))
	const n = 30
	for range n {
		m := mutate(r, string(doc.text))
		if _, err := verifySignature(document{text: []byte(m)}, keys, true, root); err == nil {
			t.Errorf("%s: accepted once it is\n%q", path, m)
		}
	}
	return n
}
