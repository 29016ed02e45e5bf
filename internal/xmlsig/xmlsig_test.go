package xmlsig_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/internal/xmlsig"
)

const inner = `<s:b xmlns:s="urn:s" ID="i1" s:x="&lt;é"><s:c>text</s:c><s:d/></s:b>`

// signer makes a key and its certificate.
func signer(t *testing.T) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(1.7e9, 0), NotAfter: time.Unix(1.9e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// signed returns inner with its signature, by goxmldsig.
func signed(t *testing.T, key *rsa.PrivateKey, cert *x509.Certificate) string {
	t.Helper()
	ctx, err := dsig.NewSigningContext(key, [][]byte{cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	doc := etree.NewDocument()
	if err := doc.ReadFromString(inner); err != nil {
		t.Fatal(err)
	}
	el, err := ctx.SignEnveloped(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	doc.SetRoot(el)
	s, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestVerify verifies the signature of an element within a document, and within
// what others have written around it.
func TestVerify(t *testing.T) {
	key, cert := signer(t)
	_, other := signer(t)
	el := signed(t, key, cert)
	cut := func(from, to string) string {
		i, j := strings.Index(el, from), strings.Index(el, to)
		return el[:i] + el[j+len(to):]
	}
	for _, test := range []struct {
		name, doc string
		key       int
		covers    bool
	}{
		{"alone", el, 1, true},
		{"within another", `<a>` + el + `</a>`, 1, true},
		{"behind others", `<a><x ID="i2">` + "\n" + `</x><!-- c --><?p?>` + el + `<y/></a>`, 1, true},
		{"namespaces around it", `<a xmlns="urn:x" xmlns:q="urn:q" xmlns:s="urn:other" xml:lang="de"><q:b>` + el + `</q:b></a>`, 1, true},
		{"declared outside", `<a xmlns:s="urn:s">` + strings.Replace(el, ` xmlns:s="urn:s"`, "", 1) + `</a>`, 1, true},
		{"without KeyInfo", cut("<ds:KeyInfo>", "</ds:KeyInfo>"), 1, true},
		{"a comment between elements", strings.Replace(el, "<s:d", "<!-- c --><s:d", 1), 1, true},
		{"changed", strings.Replace(el, "text", "Text", 1), 1, false},
		{"white space added", strings.Replace(el, "<s:d", " <s:d", 1), 1, false},
		{"another namespace", `<a xmlns:s="urn:t">` + strings.Replace(el, ` xmlns:s="urn:s"`, "", 1) + `</a>`, 1, false},
		{"other digest", strings.Replace(el, "<ds:DigestValue>", "<ds:DigestValue>AAAA", 1), -1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc, err := xmlsig.Parse([]byte(test.doc), 100)
			if err != nil {
				t.Fatal(err)
			}
			var n *xmlsig.Node
			doc.Root.Walk(func(m *xmlsig.Node) bool {
				if m.Local == "Signature" {
					n = m
				}
				return true
			})
			g, fault := xmlsig.Read(n, "ID")
			if fault != nil {
				t.Fatal(fault)
			}
			o, err := xmlsig.NewVerifier(doc, "ID").Verify(g, []*x509.Certificate{other, cert})
			if err != nil || o.Disagree != nil {
				t.Fatal(err, o.Disagree)
			}
			if o.Key != test.key || (o.Covers != nil) != test.covers {
				t.Errorf("key %d, covers %v", o.Key, o.Covers)
			}
			if test.covers && (o.Covers != n.Parent || !n.Parent.Kids[0].Within(o.Covers) || doc.Root != n.Parent && doc.Root.Within(o.Covers)) {
				t.Errorf("covers %s", o.Covers.Path())
			}
			if o, err := xmlsig.NewVerifier(doc, "ID").Verify(g, []*x509.Certificate{other}); err != nil || o.Key >= 0 || o.Covers != nil {
				t.Errorf("with another key: %+v, %v", o, err)
			}
		})
	}
}

// TestWhole: a reference to the whole document covers the whole document.
func TestWhole(t *testing.T) {
	key, cert := signer(t)
	ctx, err := dsig.NewSigningContext(key, [][]byte{cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	doc := etree.NewDocument()
	if err := doc.ReadFromString(strings.Replace(inner, ` ID="i1"`, "", 1)); err != nil {
		t.Fatal(err)
	}
	el, err := ctx.SignEnveloped(doc.Root()) // without an ID it refers to the document
	if err != nil {
		t.Fatal(err)
	}
	doc.SetRoot(el)
	s, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	for in, covers := range map[string]bool{s: true, "<a>" + s + "</a>": false} {
		d, err := xmlsig.Parse([]byte(in), 100)
		if err != nil {
			t.Fatal(err)
		}
		holder := d.Root
		if !covers {
			holder = d.Root.Kids[0]
		}
		g, fault := xmlsig.Read(holder.Kids[len(holder.Kids)-1], "ID")
		if fault != nil {
			t.Fatal(fault)
		}
		o, err := xmlsig.NewVerifier(d, "ID").Verify(g, []*x509.Certificate{cert})
		if !g.Whole() || (o.Covers == d.Root) != covers || o.Disagree != nil || (err != nil) == covers {
			t.Errorf("%.20s…: %+v, %v", in, o, err)
		}
	}
}

// TestRead names what is wrong with a Signature.
func TestRead(t *testing.T) {
	key, cert := signer(t)
	el := signed(t, key, cert)
	for _, test := range []struct {
		old, by string
		want    xmlsig.Fault
	}{
		{"<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>", xmlsig.Several},
		{"<ds:SignatureValue>", "<ds:SignatureValue>!", xmlsig.Incomplete},
		{"<ds:DigestValue>", "<ds:DigestValue>!", xmlsig.Incomplete},
		{"ds:SignatureValue>", "ds:Value>", xmlsig.Incomplete},
		{"<ds:KeyInfo>", "<ds:Object/><ds:KeyInfo>", xmlsig.Malformed},
		{`ID="i1"`, `ID="i2"`, xmlsig.Elsewhere},
		{`ID="i1"`, ``, xmlsig.Elsewhere},
		{`ID="i1"`, `xmlns:w="urn:w" w:ID="i1"`, xmlsig.Elsewhere},
		{"#rsa-sha256", "#hmac-sha256", xmlsig.HMAC},
		{"#rsa-sha256", "#rsa-md5", xmlsig.Unsupported},
		{"xmlenc#sha256", "xmlenc#ripemd160", xmlsig.Unsupported},
		{"xmldsig#enveloped-signature", "xmldsig#base64", xmlsig.Rewrites},
		{"<ds:Transforms>", `<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>`, xmlsig.Rewrites},
		{"<ds:DigestMethod", "<!-- --><ds:DigestMethod", xmlsig.Comments},
		{"<ds:Reference ", `<ds:Reference URI=""/><ds:Reference `, xmlsig.Several},
		{"2001/10/xml-exc-c14n#", "2001/10/xml-exc-c14n#x", xmlsig.Unsupported},
	} {
		s := strings.ReplaceAll(el, test.old, test.by)
		if strings.HasPrefix(test.old, "<") {
			s = strings.Replace(el, test.old, test.by, 1)
		}
		doc, err := xmlsig.Parse([]byte(s), 100)
		if err != nil {
			t.Fatalf("%q: %v", test.by, err)
		}
		kids := doc.Root.Kids
		_, fault := xmlsig.Read(kids[len(kids)-1], "ID")
		if fault == nil || fault.Fault != test.want || fault.Error() == "" {
			t.Errorf("%q: %+v; want %d", test.by, fault, test.want)
		}
	}
}

// TestParse: what is read is what stands there, and no more than was allowed.
func TestParse(t *testing.T) {
	doc, err := xmlsig.Parse([]byte("<a x='1' p:x='2' xmlns:p='urn:p'>t<b/>\n<p:b>u<!---->v<![CDATA[<]]></p:b></a>"), 3)
	if err != nil {
		t.Fatal(err)
	}
	a := doc.Root
	p := a.Kid("urn:p", "b")
	switch {
	case a.Value("x") != "1" || !a.Mixed || a.Text() != "t\n" || len(a.Kids) != 2:
		t.Errorf("%+v", a)
	case p == nil || p.Text() != "uv<" || !p.Comment || p.Mixed || p.Parent != a || p.Path() != "a/b":
		t.Errorf("%+v", p)
	case len(a.All("", "b")) != 1 || a.Kid("", "c") != nil || !p.Within(a) || a.Within(p) || p.Within(nil):
		t.Error("children are not found")
	}
	for _, bad := range []string{"<a/><a/>", "<a><b/><b/><b/></a>", "<a", "<!DOCTYPE a><a/>", "<a b=''c=''/>"} {
		if _, err := xmlsig.Parse([]byte(bad), 3); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
	doc, err = xmlsig.Parse([]byte(`<a xmlns:p="relative"/>`), 3)
	if err != nil || doc.Relative != "relative" {
		t.Errorf("%q, %v", doc.Relative, err)
	}
}
