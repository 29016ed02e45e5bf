package certs_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

const (
	c14nInclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	c14nExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	xsi           = "http://www.w3.org/2001/XMLSchema-instance"
)

// handSigned is a document whose canonical form, and that of its SignedInfo, was
// written by hand. Where a form is empty, it is as in the document.
type handSigned struct {
	name                   string
	before, signed         string // what comes before the root element, and its canonical form
	root, rootC            string // attributes of the root element besides the ones every document has
	uri                    string
	method, info           string // CanonicalizationMethod, and the SignedInfo's start tag in canonical form
	transform              string // "" for none
	digest                 [2]string
	content, signedContent string // before the role
}

// document returns the document, signed.
func (h handSigned) document(s signer) string {
	role := idpRole("", keyDescriptor("", s.cert)+sso(certs.BindingHTTPPost, "https://idp.example.com/sso"))
	roleC := strings.NewReplacer(`/>`, `></md:SingleSignOnService>`, `<md:KeyDescriptor >`, `<md:KeyDescriptor>`, `protocol" >`, `protocol">`,
		`<ds:KeyInfo>`, `<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`).Replace(role)
	role = strings.Replace(role, "<ds:KeyInfo>", `<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`, 1)
	or := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	content, rootC := or(h.signedContent, h.content), or(h.rootC, h.root)
	canonical := h.signed + `<md:EntityDescriptor ` + mdNS + rootC + `>` + content + roleC + `</md:EntityDescriptor>`
	sum := sha256.Sum256([]byte(canonical))
	// The SignedInfo in canonical form, but for its start tag.
	var b strings.Builder
	method := or(h.method, `<ds:CanonicalizationMethod Algorithm="`+c14nExclusive+`"></ds:CanonicalizationMethod>`)
	b.WriteString(method + `<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="` + h.uri +
		`"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>` + h.transform +
		`</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>` +
		h.digest[0] + base64.StdEncoding.EncodeToString(sum[:]) + h.digest[1] + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`)
	hash := sha256.Sum256([]byte(or(h.info, `<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`) + b.String()))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key.(*rsa.PrivateKey), crypto.SHA256, hash[:])
	if err != nil {
		panic(err)
	}
	return h.before + `<md:EntityDescriptor ` + mdNS + h.root + `><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` + b.String() +
		`<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(sig) + `</ds:SignatureValue></ds:Signature>` + h.content + role + `</md:EntityDescriptor>`
}

func transform(alg string) string { return `<ds:Transform Algorithm="` + alg + `"></ds:Transform>` }

func prefixList(tag, list string) string {
	return `<ds:` + tag + ` Algorithm="` + c14nExclusive + `"><ec:InclusiveNamespaces xmlns:ec="` + c14nExclusive + `" PrefixList="` + list + `"></ec:InclusiveNamespaces></ds:` + tag + `>`
}

// What XML Signature says is right is accepted. Most of these were refused by
// one implementation or another in the field: federations sign with comments,
// over schema locations of several lines, and with lists of prefixes.
func TestVerifyMetadataAccepts(t *testing.T) {
	const (
		id   = ` ID="_r" entityID="x"`
		noID = ` entityID="x"`
		ext  = `<md:Extensions>`
		end  = `</md:Extensions>`
	)
	s := rsaSigner()
	want := &certs.Metadata{EntityID: "x", SigningCerts: []certs.Cert{s.cert}, SSO: []certs.Endpoint{{Binding: certs.BindingHTTPPost, Location: "https://idp.example.com/sso"}}}
	exc, withComments := transform(c14nExclusive), transform(c14nExclusive+"WithComments")
	location := func(space string) string {
		return ` xmlns:xsi="` + xsi + `"` + id + ` xsi:schemaLocation="urn:a` + space + `a.xsd"`
	}
	for _, h := range []handSigned{
		{name: "plain", root: id, uri: "#_r", transform: exc},
		{name: "line end in an attribute", root: location("\n"), rootC: location(" "), uri: "#_r", transform: exc},
		{name: "line end in an attribute, whole document", root: strings.Replace(location("\n"), ` ID="_r"`, "", 1), rootC: strings.Replace(location(" "), ` ID="_r"`, "", 1), transform: exc},
		{name: "tab in an attribute", root: location("\t"), rootC: location(" "), uri: "#_r", transform: exc},
		{name: "CRLF in an attribute", root: location("\r\n"), rootC: location(" "), uri: "#_r", transform: exc},
		{name: "CR in an attribute", root: location("\r"), rootC: location(" "), uri: "#_r", transform: exc},
		{name: "references to white space in an attribute", root: location("&#9;&#10;"), rootC: location("&#x9;&#xA;"), uri: "#_r", transform: exc},
		{name: "CRLF in text", root: id, uri: "#_r", transform: exc, content: ext + "\r\n" + end, signedContent: ext + "\n" + end},
		{name: "a reference to CR in text", root: id, uri: "#_r", transform: exc, content: ext + "&#13;" + end, signedContent: ext + "&#xD;" + end},
		{name: "cdata", root: id, uri: "#_r", transform: exc, content: ext + "<![CDATA[<&]]>" + end, signedContent: ext + "&lt;&amp;" + end},
		{name: "order by namespace, not by prefix or name", root: id, uri: "#_r", transform: exc,
			content:       ext + `<e:e xmlns:a="urn:2" xmlns:b="urn:1" xmlns:e="urn:e" a:alpha="1" b:zeta="2"></e:e>` + end,
			signedContent: ext + `<e:e xmlns:a="urn:2" xmlns:b="urn:1" xmlns:e="urn:e" b:zeta="2" a:alpha="1"></e:e>` + end},
		{name: "order of xml:lang and xsi:type", root: id, uri: "#_r", transform: transform(c14nInclusive),
			content:       ext + `<e:e xmlns:e="urn:e" xmlns:xsi="` + xsi + `" xml:lang="en" xsi:type="x"></e:e>` + end,
			signedContent: ext + `<e:e xmlns:e="urn:e" xmlns:xsi="` + xsi + `" xsi:type="x" xml:lang="en"></e:e>` + end},
		{name: "order of a namespace before xml's", root: id, uri: "#_r", transform: exc,
			content:       ext + `<h:e xmlns:h="http://a" h:b="" xml:lang="en" a=""></h:e>` + end,
			signedContent: ext + `<h:e xmlns:h="http://a" a="" h:b="" xml:lang="en"></h:e>` + end},
		{name: "the default namespace taken back", root: id, uri: "#_r", transform: exc, content: ext + `<e xmlns="urn:e"><f xmlns=""><g></g></f></e>` + end},
		{name: "comments with a fragment", root: id, uri: "#_r", transform: withComments, content: ext + `<!-- c -->` + end, signedContent: ext + end},
		{name: "comments with the whole document", root: noID, transform: withComments, content: ext + `<!-- c -->` + end, signedContent: ext + end},
		{name: "comments around the whole document", before: "<!-- c -->", root: noID, transform: withComments},
		{name: "comments with inclusive canonicalization", root: id, uri: "#_r", transform: transform(c14nInclusive + "#WithComments"), content: ext + `<!-- c -->` + end, signedContent: ext + end},
		{name: "comments, 1.1", root: id, uri: "#_r", transform: transform("http://www.w3.org/2006/12/xml-c14n11#WithComments"), content: ext + `<!-- c -->` + end, signedContent: ext + end},
		{name: "an instruction before the whole document", before: "<?xml-stylesheet href='a'?>\n", signed: "<?xml-stylesheet href='a'?>\n", root: noID, transform: exc},
		{name: "an instruction before a fragment", before: "<?xml-stylesheet href='a'?>\n", root: id, uri: "#_r", transform: exc},
		{name: "an instruction inside", root: id, uri: "#_r", transform: exc, content: ext + "<?p  q?>" + end, signedContent: ext + "<?p q?>" + end},
		{name: "white space around the digest", root: id, uri: "#_r", transform: exc, digest: [2]string{"\n    ", "\t\n  "}},
		{name: "a prefix list, used", root: ` xmlns:xs="urn:xs"` + id, uri: "#_r", transform: prefixList("Transform", "xs")},
		{name: "a prefix list with #default, unused", root: ` xmlns:xs="urn:xs"` + id, uri: "#_r", transform: prefixList("Transform", "#default xs")},
		{name: "a prefix list with #default, used", root: id, uri: "#_r", transform: prefixList("Transform", "#default"),
			content:       ext + `<e:e xmlns:e="urn:e" xmlns="urn:d"></e:e>` + end,
			signedContent: ext + `<e:e xmlns="urn:d" xmlns:e="urn:e"></e:e>` + end},
		{name: "a prefix list that names nothing", root: id, uri: "#_r", transform: prefixList("Transform", "nobody")},
		{name: "a prefix list of the SignedInfo", root: ` xmlns:xs="urn:xs"` + id, rootC: id, uri: "#_r", transform: exc, method: prefixList("CanonicalizationMethod", "xs"),
			info: `<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xs="urn:xs">`},
		{name: "xml:lang passed on to the SignedInfo", root: id + ` xml:lang="en"`, uri: "#_r", transform: exc,
			method: `<ds:CanonicalizationMethod Algorithm="` + c14nInclusive + `"></ds:CanonicalizationMethod>`,
			info:   `<ds:SignedInfo ` + `xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ` + mdNS + ` xml:lang="en">`},
		{name: "no canonicalization named", root: id, uri: "#_r", content: ext + `<!-- c -->` + end, signedContent: ext + end},
	} {
		t.Run(h.name, func(t *testing.T) {
			doc := h.document(s)
			got, err := certs.VerifyMetadata([]byte(doc), s.cert)
			if err != nil {
				t.Fatalf("VerifyMetadata: %v\n%s", err, doc)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("VerifyMetadata (-want +got):\n%s", diff)
			}
			// What is signed cannot be changed.
			if _, err := certs.VerifyMetadata([]byte(strings.Replace(doc, "idp.example.com", "evil.example.com", 1)), s.cert); err == nil {
				t.Error("another Location is accepted")
			}
		})
	}
}

// Places in the canonical form are none in the document, and are not told.
func TestVerifyMetadataTellsNoPlace(t *testing.T) {
	s := rsaSigner()
	for _, space := range []string{" ", "\t"} { // with a second opinion, and without
		h := handSigned{root: ` ID="_r" entityID="x" a="b` + space + `c"`, rootC: ` ID="_r" a="b c" entityID="x"`, uri: "#_r", transform: transform(c14nExclusive),
			content: idpRole("", `<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>?</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`)}
		h.signedContent = strings.Replace(h.content, `" >`, `">`, 1)
		_, err := certs.VerifyMetadata([]byte(h.document(s)), s.cert)
		var e *certs.ParseError
		if !errors.As(err, &e) || e.Found == certs.KindBadSignature || e.Line != 0 || e.Column != 0 {
			t.Errorf("err = %v; want one about the certificate, without a place", err)
		}
	}
}
