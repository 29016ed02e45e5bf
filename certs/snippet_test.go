package certs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// A piece of metadata means what XML says that it means, though its prefixes
// are declared nowhere.
func TestSnippets(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	el := func(c certs.Cert) string { return "<ds:X509Certificate>" + c.Base64() + "</ds:X509Certificate>" }
	data := func(in string) string { return "<ds:X509Data>" + in + "</ds:X509Data>" }
	half := len(a.Base64()) / 2
	first, second := a.Base64()[:half], a.Base64()[half:]
	for _, test := range []struct {
		name, in string
		want     []certs.Cert
		kind     certs.Kind
	}{
		{"the old one commented out", data("<!-- " + el(b) + " -->" + el(a)), []certs.Cert{a}, ""},
		{"the new one commented out", data(el(a) + "<!--" + el(b) + "-->"), []certs.Cert{a}, ""},
		{"a tag in the comment", data("<!-- > </ds:X509Data> -->" + el(a)), []certs.Cert{a}, ""},
		{"only one, commented out", data("<!-- " + el(a) + " -->"), nil, certs.KindNoSigningKey},
		{"a comment without an end", data("<!-- " + el(a)), nil, certs.KindMalformedXML},
		{"a comment inside", data("<ds:X509Certificate>" + first + "<!-- " + b.Base64() + " -->" + second + "</ds:X509Certificate>"), []certs.Cert{a}, ""},
		{"tags in CDATA are text", data("<![CDATA[" + el(b) + "]]>" + el(a)), []certs.Cert{a}, ""},
		{"CDATA", data("<ds:X509Certificate><![CDATA[" + a.Base64() + "]]></ds:X509Certificate>"), []certs.Cert{a}, ""},
		{"CDATA in two", data("<ds:X509Certificate><![CDATA[" + first + "]]>\n<![CDATA[" + second + "]]></ds:X509Certificate>"), []certs.Cert{a}, ""},
		{"CDATA in the middle", data("<ds:X509Certificate>" + first + "<![CDATA[" + second + "]]></ds:X509Certificate>"), []certs.Cert{a}, ""},
		{"only tags in CDATA", data("<![CDATA[" + el(a) + "]]>"), nil, certs.KindNoSigningKey},
		{"a > in the comment", data("<!-- a > b " + el(b) + " -->" + el(a)), []certs.Cert{a}, ""},
		{"a KeyDescriptor in a comment", `<KeyDescriptor use="signing"><!-- <KeyDescriptor use="encryption"> -->` + data(el(a)) + "</KeyDescriptor>", []certs.Cert{a}, ""},
		{"a comment without an end behind it", data(el(a) + "<!--" + el(b)), nil, certs.KindMalformedXML},
		{"an instruction", data("<?old " + el(b) + "?>" + el(a)), []certs.Cert{a}, ""},
		{"a tag in an attribute", `<ds:X509Data old="<ds:X509Certificate>">` + el(a) + "</ds:X509Data>", []certs.Cert{a}, ""},
		{"both", data(el(b) + el(a)), []certs.Cert{b, a}, ""},
		{"for encryption", `<md:KeyDescriptor use = 'encryption' >` + data(el(b)) + "</md:KeyDescriptor>", nil, certs.KindNoSigningKey},
		{"for encryption, then alone", `<IDPSSODescriptor><KeyDescriptor use="encryption">` + data(el(b)) + "</KeyDescriptor>" + data(el(a)) + "</IDPSSODescriptor>", []certs.Cert{a}, ""},
		{"for signing, with the word elsewhere", `<KeyDescriptor title="encryption" use="signing">` + data(el(a)) + "</KeyDescriptor>", []certs.Cert{a}, ""},
		{"for encryption, behind a name", `<KeyDescriptor use="encryption"><KeyInfo><KeyName>x</KeyName>` + data(el(b)) + "</KeyInfo></KeyDescriptor>", nil, certs.KindNoSigningKey},
		{"for encryption, behind other attributes", `<KeyDescriptor a = "" b='use="signing"'  use="encryption">` + data(el(b)) + "</KeyDescriptor>", nil, certs.KindNoSigningKey},
		{"for encryption, in an attribute of another", `<KeyDescriptor xuse="encryption" use2="encryption">` + data(el(a)) + "</KeyDescriptor>", []certs.Cert{a}, ""},
		{"an attribute without a value", `<KeyDescriptor use>` + data(el(a)) + "</KeyDescriptor>", []certs.Cert{a}, ""},
		{"an attribute without quotes", `<KeyDescriptor use=encryption>` + data(el(a)) + "</KeyDescriptor>", []certs.Cert{a}, ""},
		{"a reference", data("<ds:X509Certificate>" + strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "=", "&#61;").Replace(a.Base64()) + "</ds:X509Certificate>"), []certs.Cert{a}, ""},
		{"an empty element beside", data("<ds:X509SKI/>" + el(a)), []certs.Cert{a}, ""},
		{"an empty X509Certificate beside", data("<ds:X509Certificate/>" + el(a)), []certs.Cert{a}, ""},
		{"an element inside", data("<ds:X509Certificate>" + first + "<b>" + second + "</b></ds:X509Certificate>"), nil, certs.KindMalformedXML},
		{"an empty element inside", data("<ds:X509Certificate>" + first + "<br/>" + second + "</ds:X509Certificate>"), nil, certs.KindMalformedXML},
		{"no end of the tag", "<ds:X509Data><ds:X509Certificate " + a.Base64(), nil, certs.KindMalformedXML},
		{"no end of the element", "<ds:X509Certificate>" + a.Base64() + "\n", []certs.Cert{a}, ""},
		{"a document type", "<ds:X509Data><!DOCTYPE x>" + el(a), nil, certs.KindDTD},
		{"an entity", "<ds:X509Data><!ENTITY x 'y'>" + el(a), nil, certs.KindDTD},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := certs.Parse([]byte(test.in))
			if !slices.Equal(got, test.want) || found(err) != test.kind {
				t.Errorf("Parse = %v, %v; want %v, %q", got, err, test.want, test.kind)
			}
		})
	}
}
