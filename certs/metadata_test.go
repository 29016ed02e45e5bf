package certs_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

// entity is metadata whose prefix md is declared in its root element.
func entity(attrs, inside string) string {
	return `<md:EntityDescriptor ` + mdNS + ` xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ` + attrs + `>` + inside + `</md:EntityDescriptor>`
}

func idpRole(attrs, inside string) string {
	return `<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" ` + attrs + `>` + inside + `</md:IDPSSODescriptor>`
}

func keyDescriptor(attrs string, cs ...certs.Cert) string {
	var b strings.Builder
	b.WriteString(`<md:KeyDescriptor ` + attrs + `><ds:KeyInfo><ds:KeyName>x</ds:KeyName><ds:X509Data>`)
	for _, c := range cs {
		b.WriteString("<ds:X509Certificate>" + c.Base64() + "</ds:X509Certificate>")
	}
	b.WriteString(`</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`)
	return b.String()
}

func sso(binding, location string) string {
	return `<md:SingleSignOnService Binding="` + binding + `" Location="` + location + `"/>`
}

func TestParseMetadata(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	spRole := `<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + keyDescriptor("", b) + `</md:SPSSODescriptor>`
	jumpCloud := &certs.Metadata{
		EntityID: "urn:uri:example.com", SigningCerts: []certs.Cert{a},
		SSO: []certs.Endpoint{
			{Binding: certs.BindingHTTPPost, Location: "https://sso.jumpcloud.com/saml2/office365"},
			{Binding: certs.BindingHTTPRedirect, Location: "https://sso.jumpcloud.com/saml2/office365"},
		},
		NameIDFormats: []string{"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"},
	}
	only := func(cs ...certs.Cert) *certs.Metadata { return &certs.Metadata{EntityID: "x", SigningCerts: cs} }
	for _, test := range []struct {
		name string
		doc  string
		want *certs.Metadata
	}{
		{"as JumpCloud serves it", jumpCloudMetadata(a.Base64()), jumpCloud},
		{"bom, comments, instructions, blanks", "\ufeff<?xml version='1.0'?>\n<!-- c --><?p i?>\n" + strings.TrimPrefix(jumpCloudMetadata(a.Base64()), `<?xml version="1.0" encoding="UTF-8"?>`) + "\n<!-- d -->\n<?q?>\n", jumpCloud},
		{"other prefixes", strings.NewReplacer("md:", "q1:", ":md=", ":q1=", "ds:", "_.-9:", ":ds=", ":_.-9=").Replace(jumpCloudMetadata(a.Base64())), jumpCloud},
		{"default namespace", strings.NewReplacer("md:", "", ":md=", "=").Replace(jumpCloudMetadata(a.Base64())), jumpCloud},
		{"rotation", entity(`entityID="x"`, idpRole("", keyDescriptor(`use="signing"`, a)+keyDescriptor(`use="signing"`, b))), only(a, b)},
		{"the same twice", entity(`entityID="x"`, idpRole("", keyDescriptor(`use="signing"`, b)+keyDescriptor("", b, a))), only(b, a)},
		{"without use", entity(`entityID="x"`, idpRole("", keyDescriptor("", a))), only(a)},
		{"encryption left out", entity(`entityID="x"`, idpRole("", keyDescriptor(`use="encryption"`, b)+keyDescriptor(`use="signing"`, a))), only(a)},
		{"two in one X509Data", entity(`entityID="x"`, idpRole("", keyDescriptor("", a, b))), only(a, b)},
		{"two roles", entity(`entityID="x"`, idpRole("", keyDescriptor("", a))+idpRole(`WantAuthnRequestsSigned="1"`, keyDescriptor("", b))),
			&certs.Metadata{EntityID: "x", SigningCerts: []certs.Cert{a, b}, WantAuthnRequestsSigned: true}},
		{"service provider role beside", entity(`entityID="x"`, spRole+idpRole("", keyDescriptor("", a))), only(a)},
		{"saml 1 role beside", entity(`entityID="x"`, `<md:IDPSSODescriptor protocolSupportEnumeration="urn:mace:shibboleth:1.0">`+keyDescriptor("", b)+`</md:IDPSSODescriptor>`+idpRole("", keyDescriptor("", a))), only(a)},
		{"aggregate of one idp", `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` + entity(`entityID="sp"`, spRole) + `<EntitiesDescriptor>` +
			entity(`entityID="x"`, idpRole("", keyDescriptor("", a))) + `</EntitiesDescriptor></EntitiesDescriptor>`, only(a)},
		{"entity in an element of another kind", entity(`entityID="x"`, `<md:Extensions>`+entity(`entityID="y"`, idpRole("", keyDescriptor("", b)))+`</md:Extensions>`+idpRole("", keyDescriptor("", a))), only(a)},
		{"key in another namespace", entity(`entityID="x"`, idpRole("", `<KeyDescriptor>`+keyDescriptor("", b)+`</KeyDescriptor>`+keyDescriptor("", a))), only(a)},
		{"references in values", entity(`entityID="a&amp;b&#x20;&quot;c&quot;&#10;&lt;"`, idpRole("", keyDescriptor("", a))), &certs.Metadata{EntityID: "a&b \"c\"\n<", SigningCerts: []certs.Cert{a}}},
		{"line ends in values", entity("entityID=\"a\r\nb\tc\nd\re\"", idpRole("", keyDescriptor("", a))), &certs.Metadata{EntityID: "a b c d e", SigningCerts: []certs.Cert{a}}},
		{"validity", `<md:EntitiesDescriptor ` + mdNS + ` validUntil="2026-05-01T00:00:00Z" cacheDuration="P1D">` +
			entity(`entityID="x" validUntil="2026-04-01T02:00:00.5+02:00" cacheDuration="PT6H"`, idpRole(`validUntil="2027-01-01T00:00:00" cacheDuration="P1DT"`, keyDescriptor("", a))) + `</md:EntitiesDescriptor>`,
			&certs.Metadata{EntityID: "x", SigningCerts: []certs.Cert{a}, ValidUntil: time.Date(2026, 4, 1, 0, 0, 0, 500e6, time.UTC), CacheDuration: 6 * time.Hour}},
		{"endpoints and formats", entity(`entityID="x"`, idpRole("", keyDescriptor("", a)+`<md:SingleLogoutService Binding="b1" Location="l1" ResponseLocation="r"/><md:NameIDFormat>
				f1 </md:NameIDFormat><md:NameIDFormat>f<!-- c -->2</md:NameIDFormat>`+sso("b2", "l?a=1&amp;b=2")+sso("b3", ""))),
			&certs.Metadata{EntityID: "x", SigningCerts: []certs.Cert{a}, SSO: []certs.Endpoint{{Binding: "b2", Location: "l?a=1&b=2"}, {Binding: "b3"}},
				SLO: []certs.Endpoint{{Binding: "b1", Location: "l1"}}, NameIDFormats: []string{"f1", "f2"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := certs.ParseMetadata([]byte(test.doc))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ParseMetadata (-want +got):\n%s", diff)
			}
			for name, read := range map[string]func() (*certs.Metadata, error){
				"ParseMetadataFor": func() (*certs.Metadata, error) { return certs.ParseMetadataFor([]byte(test.doc), test.want.EntityID) },
				"ReadMetadataFor": func() (*certs.Metadata, error) {
					return certs.ReadMetadataFor(strings.NewReader(test.doc), test.want.EntityID)
				},
				"ReadMetadataFor, bytewise": func() (*certs.Metadata, error) {
					return certs.ReadMetadataFor(iotest.OneByteReader(strings.NewReader(test.doc)), test.want.EntityID)
				},
				"ParseMetadata, base64":      func() (*certs.Metadata, error) { return certs.ParseMetadata([]byte(b64(test.doc))) },
				"ParseMetadata, html-escape": func() (*certs.Metadata, error) { return certs.ParseMetadata([]byte(htmlEscape(test.doc))) },
				"ParseMetadata, json string": func() (*certs.Metadata, error) { return certs.ParseMetadata([]byte(jsonString(test.doc))) },
				"ParseMetadata, utf-16": func() (*certs.Metadata, error) {
					return certs.ParseMetadata(utf16Text(strings.Replace(test.doc, "UTF-8", "UTF-16", 1), true, true))
				},
			} {
				got, err := read()
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func htmlEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// illFormed are documents that are not XML, though encoding/xml and etree take
// most of them.
var illFormed = []string{
	`<a/><b/>`,
	`<a></a><a></a>`,
	`<a/>text`,
	`text<a/>`,
	`<a/>&amp;`,
	`<a/><![CDATA[x]]>`,
	`<![CDATA[x]]><a/>`,
	`<a x="1" x="2"/>`,
	`<a xmlns:p="u" xmlns:q="u" p:x="1" q:x="2"/>`,
	`<a xmlns="u" xmlns="v"/>`,
	`<a xmlns:p="u" xmlns:p="v"/>`,
	`<p:a/>`,
	`<a p:x="1"/>`,
	`<a><p:b xmlns:p="u"/><p:c/></a>`,
	`<a xmlns:p=""/>`,
	`<xmlns:a/>`,
	`<a xmlns:xmlns="u"/>`,
	`<a xmlns:xml="u"/>`,
	`<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`,
	`<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`,
	`<:a/>`, `<a:/>`, `<a:b:c xmlns:a="u"/>`, `<a xmlns:b="u" b:c:d="1"/>`, `<a ::x="1"/>`, `<a:1 xmlns:a="u"/>`,
	`<1a/>`, `<-a/>`, `< a/>`, `<a&b/>`, `<×/>`,
	`<a x=1/>`, `<a x/>`, `<a x="1"y="2"/>`, `<a x="<"/>`, `<a x="1/>`, `<a x='1"/>`, `<a x="&"/>`, `<a x="&lt"/>`, `<a x="&bogus;"/>`,
	`<a / >`, `<a /x>`, `<a><b</a>`, `<a><b></a></b>`, `<a></b>`, `</a>`, `<a>`, `<a`, `<`, `<a></a`, `<a></a x="1">`, `<a></ a>`, `<a><b/>`,
	`<a>&</a>`, `<a>&bogus;</a>`, `<a>&#0;</a>`, `<a>&#x1F;</a>`, `<a>&#xD800;</a>`, `<a>&#xFFFE;</a>`, `<a>&#x110000;</a>`, `<a>&#;</a>`, `<a>&#x;</a>`, `<a>&#+65;</a>`, `<a>&#X41;</a>`,
	`<a>]]></a>`,
	"<a>\x00</a>", "<a>\x1b</a>", "<a>\xff</a>", "<a>\xc3</a>", "<a>\xed\xa0\x80</a>", "<a>\ufffe</a>", "<a x='\x01'/>", "<a><!--\x01--></a>", "<a><?p \x01?></a>", "<a><![CDATA[\x01]]></a>",
	`<a><!-- -- --></a>`, `<a><!-- ---></a>`, `<a><!--></a>`, `<a><!-- </a>`, `<a><![CDATA[</a>`, `<a><!ELEMENT b ANY></a>`, `<a><!x></a>`, `<a><! --></a>`, `<a><![cdata[x]]></a>`,
	`<a><?xml version="1.0"?></a>`, ` <?xml version="1.0"?><a/>`, `<?XML version="1.0"?><a/>`, `<a/><?xml version="1.0"?>`, `<a><? p?></a>`, `<a><??></a>`, `<a><?p></a>`, `<a><?p:q ?></a>`,
	`<?xml version="1.1"?><a/>`, `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, `<?xml version="1.0" encoding="UTF-16"?><a/>`, `<?xml encoding="UTF-8"?><a/>`,
	`<?xml version="1.0" standalone="maybe"?><a/>`, `<?xml version="1.0" version="1.0"?><a/>`, `<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>`, `<?xml?><a/>`, `<?xml version="1.0"encoding="UTF-8"?><a/>`,
	`<?xml version="1.0"?>`, `<!-- -->`,
	`<a ID="x"><b ID="x"/></a>`, `<a ID="x"/><b ID="x"/>`, `<a ID="&#120;"><b ID="x"/></a>`,
	`<a ` + strings.Repeat(`xmlns:p="u" `, 2) + `/>`,
	strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200),
	"<a" + attributes(500) + "/>",
	"<a" + declarations(500) + "/>",
	`<a x="` + strings.Repeat("x", 100<<10) + `"/>`,
	"<" + strings.Repeat("a", 5000) + "/>",
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d="x"`, i)
	}
	return b.String()
}

func declarations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:a%d="x%d"`, i, i)
	}
	return b.String()
}

func TestIllFormed(t *testing.T) {
	for _, frag := range illFormed {
		// As it stands, and where it can be, inside of metadata that is fine.
		docs := []string{frag, strings.Replace(entity(`entityID="x"`, idpRole("", keyDescriptor("", pairA().Cert()))), "<md:IDPSSODescriptor", frag+"<md:IDPSSODescriptor", 1)}
		if strings.HasPrefix(frag, "<a/>") || strings.HasPrefix(frag, "<a></a><a>") || strings.HasPrefix(frag, "text") || strings.HasPrefix(frag, "<![CDATA[x") ||
			strings.HasPrefix(frag, "<!-- -->") {
			docs = docs[:1]
		}
		for _, doc := range docs {
			for name, read := range map[string]func() error{
				"ParseMetadata":    func() error { _, err := certs.ParseMetadata([]byte(doc)); return err },
				"ParseMetadataFor": func() error { _, err := certs.ParseMetadataFor([]byte(doc), "x"); return err },
				"ReadMetadataFor": func() error {
					_, err := certs.ReadMetadataFor(iotest.OneByteReader(strings.NewReader(doc)), "x")
					return err
				},
				"VerifyMetadata": func() error { _, err := certs.VerifyMetadata([]byte(doc), rsaSigner().cert); return err },
			} {
				err := read()
				switch k := found(err); {
				case k == "":
					t.Errorf("%s(%.80q): %v; want an error", name, doc, err)
				case k != certs.KindMalformedXML && doc != frag:
					t.Errorf("%s(%.80q): %v; want KindMalformedXML", name, frag, err)
				}
				if err != nil {
					checkErrorText(t, err)
				}
			}
		}
	}
}

func TestPositions(t *testing.T) {
	doc := "<md:EntityDescriptor " + mdNS + "\n entityID='x'>\n  <!-- äöü\n --><md:a>äöü</md:b>\n</md:EntityDescriptor>"
	for _, read := range []func() error{
		func() error { _, err := certs.ParseMetadata([]byte(doc)); return err },
		func() error {
			_, err := certs.ReadMetadataFor(iotest.OneByteReader(strings.NewReader(doc)), "x")
			return err
		},
	} {
		perr, ok := read().(*certs.ParseError)
		if !ok || perr.Line != 4 || perr.Column != 14 {
			t.Errorf("%v; want line 4, column 14", perr)
		}
	}
	pemText := strings.Replace(string(pairA().Cert().PEM()), "\n", "\r\n", 3)
	at := strings.Index(pemText, "\n") + 70
	_, err := certs.Parse([]byte("Hello,\n" + pemText[:at] + "*" + pemText[at:]))
	perr, ok := err.(*certs.ParseError)
	if !ok || perr.Line != 4 || perr.Column != 4 {
		t.Errorf("%v; want line 4, column 4", err)
	}
}

func TestMetadataRefuses(t *testing.T) {
	a := pairA().Cert()
	idp := func(id string) string { return entity(`entityID="`+id+`"`, idpRole("", keyDescriptor("", a))) }
	agg := func(in ...string) string {
		return `<md:EntitiesDescriptor ` + mdNS + `>` + strings.Join(in, "") + `</md:EntitiesDescriptor>`
	}
	for _, test := range []struct {
		name, doc, id string
		want          certs.Kind
	}{
		{"two", agg(idp("x"), idp("y")), "", certs.KindSeveralIdPs},
		{"unknown", agg(idp("x"), idp("y")), "z", certs.KindUnknownEntity},
		{"id with a blank", agg(idp("x"), idp("y")), "x ", certs.KindUnknownEntity},
		{"id of another case", agg(idp("x"), idp("y")), "X", certs.KindUnknownEntity},
		{"two of one id", agg(idp("x"), idp("x")), "x", certs.KindSeveralIdPs},
		{"no entity", agg(), "", certs.KindNotMetadata},
		{"no id", entity("", idpRole("", keyDescriptor("", a))), "", certs.KindNotMetadata},
		{"saml 1", entity(`entityID="x"`, `<md:IDPSSODescriptor protocolSupportEnumeration="urn:mace:shibboleth:1.0"/>`), "", certs.KindNotMetadata},
		{"no role", entity(`entityID="x"`, ``), "", certs.KindNotMetadata},
		{"no namespace", `<EntityDescriptor entityID="x"/>`, "", certs.KindNotMetadata},
		{"other namespace", `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadataX" entityID="x"/>`, "", certs.KindNotMetadata},
		{"odd validity", entity(`entityID="x" validUntil="tomorrow"`, idpRole("", keyDescriptor("", a))), "", certs.KindNotMetadata},
		{"a certificate", string(a.PEM()), "", certs.KindNotMetadata},
		{"a certificate in base64", a.Base64(), "", certs.KindNotMetadata},
		{"words", "TODO", "", certs.KindNotMetadata},
		{"empty", "", "", certs.KindEmpty},
		{"html", "<!doctype html><html></html>", "", certs.KindHTML},
		{"doctype", "<!DOCTYPE md:EntityDescriptor SYSTEM 'file:///etc/passwd'>" + idp("x"), "", certs.KindDTD},
		{"element in a certificate", jumpCloudMetadata(a.Base64() + "<x/>"), "", certs.KindMalformedXML},
		{"private key beside", entity(`entityID="x"`, idpRole("", keyDescriptor("", a)+"<md:Extensions><k>"+keyText(pairA())+"</k></md:Extensions>")), "x", certs.KindPrivateKey},
		{"private key as certificate", jumpCloudMetadata(keyText(pairA())), "", certs.KindPrivateKey},
		{"billion laughs", `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;">]><lolz>&lol1;</lolz>`, "", certs.KindDTD},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := test.doc
			if test.name == "element in a certificate" {
				doc = strings.Replace(doc, "<x/>", "<ds:x/>", 1)
				test.want = certs.KindNotMetadata
			}
			read := func() (*certs.Metadata, error) { return certs.ParseMetadata([]byte(doc)) }
			if test.id != "" {
				read = func() (*certs.Metadata, error) { return certs.ParseMetadataFor([]byte(doc), test.id) }
			}
			md, err := read()
			if found(err) != test.want {
				t.Errorf("got %v, %v; want Found = %q", md, err, test.want)
			}
			if err != nil {
				checkErrorText(t, err)
			}
		})
	}
}

// keyText is the private key in base64 without markers.
func keyText(k *certs.KeyPair) string {
	lines := strings.Split(strings.TrimSpace(string(k.PrivateKeyPEM())), "\n")
	return strings.Join(lines[1:len(lines)-1], "\n")
}

// bigAggregate yields an aggregate of n entities without ever holding it.
func bigAggregate(n int, entityText func(i int) string) io.Reader {
	i := -1
	var rest string
	return readerFunc(func(p []byte) (int, error) {
		for rest == "" {
			switch {
			case i < 0:
				rest = `<?xml version="1.0" encoding="UTF-8"?><md:EntitiesDescriptor ` + mdNS + ` xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`
			case i < n:
				rest = entityText(i)
			case i == n:
				rest = `</md:EntitiesDescriptor>`
			default:
				return 0, io.EOF
			}
			i++
		}
		k := copy(p, rest)
		rest = rest[k:]
		return k, nil
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReadMetadataForBoundsMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 24 MB")
	}
	a := pairA().Cert()
	body := idpRole("", keyDescriptor("", a)) + "<md:Extensions>" + strings.Repeat("<md:x y='some text'>text of no interest</md:x>\n", 400) + "</md:Extensions>"
	one := func(i int) string {
		return fmt.Sprintf(`<md:EntityDescriptor ID="_%d" entityID="https://idp%d.example.com">`, i, i) + body + `</md:EntityDescriptor>`
	}
	n := 24 << 20 / len(one(0)) // hundreds of times the limit below, which does not depend on it
	var most uint64
	peak := func(r io.Reader) io.Reader {
		count := 0
		return readerFunc(func(p []byte) (int, error) {
			if count++; count%500 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			return r.Read(p)
		})
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	md, err := certs.ReadMetadataFor(peak(bigAggregate(n, one)), fmt.Sprintf("https://idp%d.example.com", n/2))
	if err != nil || len(md.SigningCerts) != 1 {
		t.Fatalf("ReadMetadataFor = %v, %v", md, err)
	}
	used, limit := int64(most)-int64(before.HeapAlloc), int64(3*len(one(0))+256<<10)
	t.Logf("%d entities of %d bytes: %d bytes in use at most", n, len(one(0)), used)
	if used > limit {
		t.Errorf("%d bytes in use at most; want at most %d", used, limit)
	}
}

func TestReadMetadataForReturnsErrors(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("<md:EntityDescriptor "), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := certs.ReadMetadataFor(broken, "x"); err != io.ErrUnexpectedEOF {
		t.Errorf("ReadMetadataFor: %v; want the reader's error", err)
	}
}
