package certs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

const mdNS = `xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"`

// attack is a document in which something that was not signed should be read.
type attack struct{ name, doc string }

var signatureElement = regexp.MustCompile(`(?s)<ds:Signature .*</ds:Signature>`)

// wrappings returns the known ways to move a signature to a document that it
// was not made for.
func wrappings(signed string) []attack {
	sig := signatureElement.FindString(signed)
	i := strings.Index(signed, "<md:EntityDescriptor")
	head, root := signed[:i], signed[i:]
	bare := strings.Replace(root, sig, "", 1)
	evil := strings.NewReplacer("urn:uri:example.com", "urn:uri:evil.example", `ID="_1a2b"`, `ID="_evil"`).Replace(bare)
	evilSame := strings.Replace(evil, "_evil", "_1a2b", 1)
	open := strings.Index(evil, ">") + 1
	openSame := strings.Index(evilSame, ">") + 1
	wrap := func(doc string, at int, in string) string { return head + doc[:at] + in + doc[at:] }
	object := func(in string) string {
		return strings.Replace(sig, "</ds:Signature>", "<ds:Object>"+in+"</ds:Object></ds:Signature>", 1)
	}
	ext := func(in string) string { return "<md:Extensions>" + in + "</md:Extensions>" }
	return []attack{
		{"original inside evil, before", wrap(evil, open, root)},
		{"original inside evil, signature first", wrap(evil, open, sig+bare)},
		{"original in Object", wrap(evil, open, object(bare))},
		{"original in Extensions", wrap(evil, open, sig+ext(bare))},
		{"signed original in Extensions", wrap(evil, open, ext(root))},
		{"same ID", wrap(evilSame, openSame, sig+ext(bare))},
		{"same ID in Object", wrap(evilSame, openSame, object(bare))},
		{"aggregate of evil and original", head + `<md:EntitiesDescriptor ` + mdNS + `>` + evil + root + `</md:EntitiesDescriptor>`},
		{"aggregate with the signature on top", head + `<md:EntitiesDescriptor ` + mdNS + ` ID="_1a2b">` + sig + evil + bare + `</md:EntitiesDescriptor>`},
		{"second root behind", head + root + evil},
		{"second root before", head + evil + root},
		{"evil in Object of the signature", strings.Replace(signed, "</ds:Signature>", "<ds:Object>"+evil+"</ds:Object></ds:Signature>", 1)},
		{"evil in KeyInfo", strings.Replace(signed, "</ds:KeyInfo>", evil+"</ds:KeyInfo>", 1)},
		{"second signature", strings.Replace(signed, sig, sig+sig, 1)},
		{"signature last", strings.Replace(signed[:len(signed)-len("</md:EntityDescriptor>")], sig, "", 1) + sig + "</md:EntityDescriptor>"},
		{"evil attribute", strings.Replace(signed, `entityID="urn:uri:example.com"`, `entityID="urn:uri:evil.example"`, 1)},
		{"evil location", strings.Replace(signed, "sso.jumpcloud.com", "sso.evil.example", 1)},
		{"comment in the certificate", regexp.MustCompile(`(?s)(</ds:Signature>.*<ds:X509Certificate>.{40})`).ReplaceAllString(signed, "$1<!-- x -->")},
		{"comment in a format", strings.Replace(signed, "nameid-format:unspecified", "nameid-format:<!-- x -->unspecified", 1)},
		{"doctype", strings.Replace(signed, "<md:EntityDescriptor", "<!DOCTYPE md:EntityDescriptor [<!ENTITY x 'y'>]><md:EntityDescriptor", 1)},
		{"reference to the whole emptied", strings.Replace(signed, `URI="#_1a2b"`, `URI="#"`, 1)},
		{"two SignedInfos", regexp.MustCompile(`(?s)(<ds:SignedInfo.*</ds:SignedInfo>)`).ReplaceAllString(signed, "$1$1")},
		{"two SignatureValues", regexp.MustCompile(`(?s)(<ds:SignatureValue.*</ds:SignatureValue>)`).ReplaceAllString(signed, "$1$1")},
		{"text after the root", signed + "evil"},
		{"attribute twice", strings.Replace(signed, `entityID="`, `entityID="urn:uri:evil.example" entityID="`, 1)},
		{"ID with a prefix", strings.Replace(signed, `ID="_1a2b"`, `md:ID="_1a2b"`, 1)},
		{"signature removed", head + bare},
		{"signature emptied", strings.Replace(signed, sig, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`, 1)},
		{"hmac", strings.Replace(signed, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", 1)},
	}
}

func TestVerifyMetadata(t *testing.T) {
	c := pairA().Cert()
	doc := signable(c)
	want, err := certs.ParseMetadata([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	good, other, ec := rsaSigner(), rsaOther(), ecSigner()
	signed := good.sign(doc, "")
	sha1 := good.sign(doc, "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
	keyInfo := regexp.MustCompile(`(?s)<ds:KeyInfo>.*?</ds:KeyInfo>`)
	value := regexp.MustCompile(`(<ds:SignatureValue>)([^<]+)`)
	emptyRef := strings.Replace(signable(c), `ID="_1a2b" `, "", 1)
	for _, test := range []struct {
		name    string
		doc     string
		trusted []certs.Cert
		sha1    bool
		want    certs.Kind // "" if it must verify
	}{
		{"signed", signed, []certs.Cert{good.cert}, false, ""},
		{"second of two trusted", signed, []certs.Cert{other.cert, good.cert}, false, ""},
		{"first of two trusted", signed, []certs.Cert{good.cert, ec.cert}, false, ""},
		{"other key", signed, []certs.Cert{other.cert}, false, certs.KindBadSignature},
		{"other kind of key", signed, []certs.Cert{ec.cert}, false, certs.KindBadSignature},
		{"no trusted", signed, nil, false, certs.KindBadSignature},
		{"zero trusted", signed, []certs.Cert{{}}, false, certs.KindBadSignature},
		{"not signed", doc, []certs.Cert{good.cert}, false, certs.KindUnsigned},
		{"without KeyInfo", keyInfo.ReplaceAllString(signed, ""), []certs.Cert{other.cert, good.cert}, false, ""},
		{"KeyInfo without certificate", keyInfo.ReplaceAllString(signed, "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>"), []certs.Cert{good.cert}, false, ""},
		{"trusted certificate in KeyInfo of another signature", strings.Replace(other.sign(doc, ""), other.cert.Base64(), good.cert.Base64(), 1),
			[]certs.Cert{good.cert}, false, certs.KindBadSignature},
		{"folded SignatureValue", value.ReplaceAllStringFunc(signed, func(s string) string { return s[:40] + "\n    " + s[40:80] + "&#xD;\n" + s[80:] }),
			[]certs.Cert{good.cert}, false, ""},
		{"reference to the document", good.sign(emptyRef, ""), []certs.Cert{good.cert}, false, ""},
		{"an ID that is an XPointer", good.sign(strings.Replace(doc, "_1a2b", "xpointer(/)", 1), ""), []certs.Cert{good.cert}, false, certs.KindBadSignature},
		{"an ID with a blank", good.sign(strings.Replace(doc, "_1a2b", "a b", 1), ""), []certs.Cert{good.cert}, false, certs.KindBadSignature},
		{"an ID with a quote", good.sign(strings.Replace(doc, "_1a2b", "a'b", 1), ""), []certs.Cert{good.cert}, false, certs.KindBadSignature},
		{"sha-1", sha1, []certs.Cert{good.cert}, false, certs.KindWeakSignature},
		{"sha-1 allowed", sha1, []certs.Cert{good.cert}, true, ""},
		{"sha-1 allowed, other key", sha1, []certs.Cert{other.cert}, true, certs.KindBadSignature},
		{"rsa-sha512", good.sign(doc, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"), []certs.Cert{good.cert}, false, ""},
		{"ecdsa-sha256", ec.sign(doc, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), []certs.Cert{good.cert, ec.cert}, false, ""},
		{"bom", "\ufeff" + signed, []certs.Cert{good.cert}, false, ""},
		{"utf-16", string(utf16Text(strings.Replace(signed, "UTF-8", "UTF-16", 1), false, true)), []certs.Cert{good.cert}, false, ""},
		{"not metadata", good.sign(`<x ID="_1a2b"><y/></x>`, ""), []certs.Cert{good.cert}, false, certs.KindNotMetadata},
		{"service provider", good.sign(`<md:EntityDescriptor `+mdNS+` ID="_1a2b" entityID="sp"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></md:EntityDescriptor>`, ""),
			[]certs.Cert{good.cert}, false, certs.KindServiceProvider},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := certs.VerifyMetadataWith([]byte(test.doc), test.trusted, &certs.VerifyOptions{InsecureAllowSHA1: test.sha1})
			if found(err) != test.want || (err == nil) != (test.want == "") {
				t.Fatalf("VerifyMetadata: %v; want Found = %q", err, test.want)
			}
			if err != nil {
				checkErrorText(t, err)
				return
			}
			if diff := cmp.Diff(want, got); test.name != "reference to the document" && diff != "" {
				t.Errorf("metadata differs (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("wrapping", func(t *testing.T) {
		for _, a := range wrappings(signed) {
			t.Run(a.name, func(t *testing.T) {
				if a.doc == signed {
					t.Fatal("the attack changes nothing")
				}
				for _, sha1 := range []bool{false, true} {
					got, err := certs.VerifyMetadataWith([]byte(a.doc), []certs.Cert{good.cert}, &certs.VerifyOptions{InsecureAllowSHA1: sha1})
					if err != nil {
						checkErrorText(t, err)
						continue
					}
					// KeyInfo is not signed, and not read either.
					if a.name != "evil in KeyInfo" || !cmp.Equal(got, want) {
						t.Fatalf("accepted as %v", got)
					}
				}
			})
		}
	})
	t.Run("aggregate", func(t *testing.T) {
		inner := strings.Replace(jumpCloudMetadata(c.Base64()), `<?xml version="1.0" encoding="UTF-8"?>`, "", 1)
		second := strings.Replace(inner, "urn:uri:example.com", "urn:uri:example.org", 1)
		agg := good.sign(`<md:EntitiesDescriptor `+mdNS+` ID="_1a2b">`+inner+second+`</md:EntitiesDescriptor>`, "")
		if _, err := certs.VerifyMetadata([]byte(agg), good.cert); found(err) != certs.KindSeveralIdPs {
			t.Errorf("VerifyMetadata: %v; want KindSeveralIdPs", err)
		}
		md, err := certs.VerifyMetadataWith([]byte(agg), []certs.Cert{good.cert}, &certs.VerifyOptions{EntityID: "urn:uri:example.org"})
		if err != nil || md.EntityID != "urn:uri:example.org" {
			t.Errorf("VerifyMetadataWith = %v, %v", md, err)
		}
	})
}

// TestTransformsHoldTransforms: whatever else stands among the transforms is
// refused by name, before the signature is looked at: what verifies a signature
// may read it as a transform, or skip it, and sign something else than was read.
func TestTransformsHoldTransforms(t *testing.T) {
	const (
		open      = `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`
		enveloped = `Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"`
	)
	good := rsaSigner()
	signed := good.sign(signable(pairA().Cert()), "")
	if !strings.Contains(signed, open) {
		t.Fatalf("the signed document has other transforms than this test knows:\n%s", signed)
	}
	for name, other := range map[string]string{
		"another name":                  `<ds:Other ` + enveloped + `/>`,
		"another namespace":             `<x:Transform xmlns:x="urn:x" ` + enveloped + `/>`,
		"no namespace":                  `<Transform xmlns="" ` + enveloped + `/>`,
		"another name beside it":        open + `<ds:Other ` + enveloped + `/>`,
		"another namespace beside it":   open + `<x:Transform xmlns:x="urn:x" ` + enveloped + `/>`,
		"another name, no algorithm":    `<ds:Other/>` + open,
		"the name, another's algorithm": `<x:Transform xmlns:x="urn:x" Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` + open,
	} {
		_, err := certs.VerifyMetadata([]byte(strings.Replace(signed, open, other, 1)), good.cert)
		if found(err) != certs.KindBadSignature || !strings.Contains(err.Error(), "its Transforms hold something else") {
			t.Errorf("%s: err = %v; want it to say that the Transforms hold something else", name, err)
		}
	}
}
