package certs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

// What an error says, and about whom: of an aggregate, of a message, of roots
// that are none.
func TestMetadataErrorsSay(t *testing.T) {
	a := pairA().Cert()
	idp := func(id string, attrs ...string) string {
		return entity(`entityID="`+id+`" `+strings.Join(attrs, " "), idpRole("", keyDescriptor("", a)))
	}
	sp := func(id string) string {
		return entity(`entityID="`+id+`"`, `<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>`)
	}
	old := func(id string) string {
		return entity(`entityID="`+id+`"`, `<md:IDPSSODescriptor protocolSupportEnumeration="urn:mace:shibboleth:1.0">`+keyDescriptor("", a)+`</md:IDPSSODescriptor>`)
	}
	group := func(in ...string) string {
		return `<md:EntitiesDescriptor ` + mdNS + `>` + strings.Join(in, "") + `</md:EntitiesDescriptor>`
	}
	many := func(n int) (docs, ids []string) {
		for i := range n {
			docs = append(docs, idp(fmt.Sprintf("urn:%d", i)))
			ids = append(ids, fmt.Sprintf("urn:%d", i))
		}
		return docs, ids
	}
	eight, eightIDs := many(8)
	ten, _ := many(10)
	long := strings.Repeat("x", 300)
	for _, test := range []struct {
		name, doc, id string
		byID          bool
		want          certs.Kind
		subjects      []string
		text          string
	}{
		{"two providers", group(idp("a"), sp("s"), idp("b")), "", false, certs.KindSeveralIdPs, []string{"a", "b"}, "2 of them"},
		{"eight providers", group(eight...), "", false, certs.KindSeveralIdPs, eightIDs, "8 of them"},
		{"ten providers", group(ten...), "", false, certs.KindSeveralIdPs, eightIDs, "10 of them"},
		{"nobody of that ID", group(idp("a"), sp("s")), "c", true, certs.KindUnknownEntity, []string{"a", "s"}, `"c" is not among the entities, of which there are 2`},
		{"nobody of that ID among ten", group(ten...), "c", true, certs.KindUnknownEntity, eightIDs, "of which there are 10"},
		{"the same ID twice", group(idp("a"), idp("a"), idp("b")), "a", true, certs.KindSeveralIdPs, nil, `2 entities have the ID "a"`},
		{"the same ID for two roles", group(sp("a"), idp("a")), "a", true, certs.KindSeveralIdPs, nil, `2 entities have the ID "a"`},
		{"a service provider", group(idp("a"), sp("s")), "s", true, certs.KindServiceProvider, nil, "download the metadata of the identity provider"},
		{"an old provider", group(old("a")), "", false, certs.KindNotMetadata, nil, "does not speak SAML 2.0"},
		{"an old provider, by ID", group(idp("b"), old("a")), "a", true, certs.KindNotMetadata, nil, "does not speak SAML 2.0"},
		{"no provider", group(entity(`entityID="a"`, "")), "", false, certs.KindNotMetadata, nil, "describes no identity provider"},
		{"nothing", group(), "", false, certs.KindNotMetadata, nil, "describes no identity provider"},
		{"no ID", entity("", idpRole("", keyDescriptor("", a))), "", false, certs.KindNotMetadata, nil, "has no entityID"},
		{"no key", entity(`entityID="a"`, idpRole("", "")), "", false, certs.KindNoSigningKey, nil, `"a" states no certificate for signing`},
		{"a long ID", entity(`entityID="`+long+`"`, idpRole("", "")), "", false, certs.KindNoSigningKey, nil, strings.Repeat("x", 190)},
		{"a bad date", entity(`entityID="a" validUntil="tomorrow"`, idpRole("", keyDescriptor("", a))), "", false, certs.KindNotMetadata, nil, `validUntil is "tomorrow", which is not a date and time`},
		{"a bad date of the role", entity(`entityID="a"`, idpRole(`validUntil="tomorrow"`, keyDescriptor("", a))), "", false, certs.KindNotMetadata, nil, "validUntil of the role"},
		{"the first of two faults", entity(`entityID="a" validUntil="tomorrow"`, idpRole(`validUntil="never"`, keyDescriptor("", a))), "", false, certs.KindNotMetadata, nil, "validUntil of the role"},
		{"a response", `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`, "", false, certs.KindNotMetadata, nil, "it is a SAML Response, a message"},
		{"an assertion", `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`, "", false, certs.KindNotMetadata, nil, "it is a SAML Assertion, a message"},
		{"no namespace", `<EntityDescriptor entityID="x"/>`, "", false, certs.KindNotMetadata, nil, `has no namespace: it must be xmlns="urn:oasis:names:tc:SAML:2.0:metadata"`},
		{"no namespace of the group", `<EntitiesDescriptor/>`, "", false, certs.KindNotMetadata, nil, "has no namespace"},
		{"another namespace", `<EntityDescriptor xmlns="urn:x" entityID="x"/>`, "", false, certs.KindNotMetadata, nil, "the root element is EntityDescriptor"},
		{"another root", `<project/>`, "", false, certs.KindNotMetadata, nil, "the root element is project"},
		{"HTML behind comments", "<?xml version='1.0'?>" + strings.Repeat("<!-- nothing -->", 40) + "<HTML/>", "", false, certs.KindHTML, nil, "sign in and download it again"},
		{"an element in a format", entity(`entityID="a"`, idpRole("", keyDescriptor("", a)+"<md:NameIDFormat>f<b/></md:NameIDFormat>")), "", false, certs.KindNotMetadata, nil, "an element inside the text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			read := func() error { _, err := certs.ParseMetadata([]byte(test.doc)); return err }
			if test.byID {
				read = func() error { _, err := certs.ParseMetadataFor([]byte(test.doc), test.id); return err }
			}
			var perr *certs.ParseError
			if err := read(); !errors.As(err, &perr) || perr.Found != test.want || !cmp.Equal(perr.Subjects, test.subjects) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v\nwant %q, %q, %q", err, test.want, test.subjects, test.text)
			} else {
				checkErrorText(t, err)
			}
		})
	}
}

// Parse takes the certificates of all providers of an aggregate, in order,
// whatever their dates are; of those that have none it says so only if nobody
// has any.
func TestParseAggregate(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	group := func(in ...string) string {
		return `<md:EntitiesDescriptor ` + mdNS + `>` + strings.Join(in, "") + `</md:EntitiesDescriptor>`
	}
	idp := func(id, attrs, in string) string { return entity(`entityID="`+id+`" `+attrs, idpRole(attrs, in)) }
	bad := `validUntil="tomorrow"`
	for _, test := range []struct {
		name, in string
		want     []certs.Cert
		kind     certs.Kind
	}{
		{"two", group(idp("a", "", keyDescriptor("", a)), idp("b", "", keyDescriptor("", b))), []certs.Cert{a, b}, ""},
		{"two of one ID", group(idp("a", "", keyDescriptor("", b)), idp("a", "", keyDescriptor("", a))), []certs.Cert{b, a}, ""},
		{"bad dates", group(idp("a", bad, keyDescriptor("", a)), idp("b", bad, keyDescriptor("", b))), []certs.Cert{a, b}, ""},
		{"one without", group(idp("a", "", ""), idp("b", "", keyDescriptor("", b))), []certs.Cert{b}, ""},
		{"the other without", group(idp("a", "", keyDescriptor("", a)), idp("b", "", "")), []certs.Cert{a}, ""},
		{"both without", group(idp("a", "", ""), idp("b", "", "")), nil, certs.KindNoSigningKey},
		{"one, without", idp("a", "", ""), nil, certs.KindNoSigningKey},
		{"no provider", group(entity(`entityID="a"`, "")), nil, certs.KindNotMetadata},
		{"not well-formed", group(idp("a", "", keyDescriptor("", a))) + "<", nil, certs.KindMalformedXML},
	} {
		got, err := certs.Parse([]byte(test.in))
		if !cmp.Equal(got, test.want) || found(err) != test.kind {
			t.Errorf("%s: Parse = %v, %v; want %v, %q", test.name, got, err, test.want, test.kind)
		}
	}
}

// What a provider of an aggregate says is its own: its roles', its groups', and
// nobody else's.
func TestMetadataIsTheProviders(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	group := func(attrs string, in ...string) string {
		return `<md:EntitiesDescriptor ` + mdNS + " " + attrs + `>` + strings.Join(in, "") + `</md:EntitiesDescriptor>`
	}
	day := func(n int) time.Time { return time.Date(2026, 5, n, 0, 0, 0, 0, time.UTC) }
	until := func(n int) string { return fmt.Sprintf(`validUntil="2026-05-%02dT00:00:00Z"`, n) }
	me := func(attrs, role string) string {
		return entity(`entityID="me" `+attrs, idpRole(role, keyDescriptor("", a)))
	}
	other := entity(`entityID="other" `+until(1)+` cacheDuration="PT1S"`, idpRole(until(2)+` cacheDuration="PT2S" WantAuthnRequestsSigned="true"`, keyDescriptor("", b)+sso("b", "l")))
	for _, test := range []struct {
		name, doc string
		until     time.Time
		cache     time.Duration
	}{
		{"nothing", group("", other, me("", ""), other), time.Time{}, 0},
		{"of the entity", group(until(9), other, me(until(5)+` cacheDuration="PT5S"`, until(7)+` cacheDuration="PT7S"`), other), day(5), 5 * time.Second},
		{"of the role", group(until(9), other, me(until(7)+` cacheDuration="PT7S"`, until(5)+` cacheDuration="PT5S"`)), day(5), 5 * time.Second},
		{"of the group", group(until(4)+` cacheDuration="PT4S"`, other, me(until(7), until(5))), day(4), 4 * time.Second},
		{"of the inner group", group(until(9), group(until(3)+` cacheDuration="PT3S"`, other), group(until(6)+` cacheDuration="PT6S"`, me("", "")), group(until(2), other)), day(6), 6 * time.Second},
		{"behind a group", group(until(9), group(until(3)+` cacheDuration="PT3S"`, other), me("", "")), day(9), 0},
		{"of two roles", group("", strings.Replace(me("", until(8)+` cacheDuration="PT8S"`), "</md:EntityDescriptor>", idpRole(until(6)+` cacheDuration="PT6S"`, "")+"</md:EntityDescriptor>", 1)), day(6), 6 * time.Second},
	} {
		want := &certs.Metadata{EntityID: "me", SigningCerts: []certs.Cert{a}, ValidUntil: test.until, CacheDuration: test.cache}
		if got, err := certs.ParseMetadataFor([]byte(test.doc), "me"); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, want)
		}
	}
	// Between white space of XML, and nothing else, stand the protocols.
	for protocols, ok := range map[string]bool{
		"urn:a urn:oasis:names:tc:SAML:2.0:protocol": true, "urn:oasis:names:tc:SAML:2.0:protocol\turn:a\n": true,
		"urn:oasis:names:tc:SAML:2.0:protocol,urn:a": false, "urn:oasis:names:tc:SAML:2.0:protocol\u00a0urn:a": false, "\u0080 urn:oasis:names:tc:SAML:2.0:protocol": true,
		"": false,
	} {
		doc := strings.Replace(me("", ""), `protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"`, `protocolSupportEnumeration="`+protocols+`"`, 1)
		if _, err := certs.ParseMetadata([]byte(doc)); (err == nil) != ok {
			t.Errorf("protocols %q: %v", protocols, err)
		}
	}
	md := &certs.Metadata{SSO: []certs.Endpoint{{Binding: "a", Location: "1"}, {Binding: "b", Location: "2"}, {Binding: "b", Location: "3"}}}
	if e, ok := md.Endpoint("b"); !ok || e.Location != "2" {
		t.Errorf("Endpoint = %v, %v; want the first of the binding", e, ok)
	}
	if e, ok := md.Endpoint("c"); ok || e != (certs.Endpoint{}) {
		t.Errorf("Endpoint = %v, %v; want none", e, ok)
	}
}

// The limits on size are exact.
func TestLimits(t *testing.T) {
	c := pairA().Cert()
	fill := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
	text := func(n int) string { return jumpCloudMetadata(fill(c.Base64(), n)) }
	const mib = 1 << 20
	for _, test := range []struct {
		name string
		read func() error
		want certs.Kind
		text string
	}{
		{"an input of 16 MiB", func() error { _, err := certs.Parse([]byte(fill(string(c.PEM()), certs.MaxInput))); return err }, "", ""},
		{"more", func() error { _, err := certs.Parse(make([]byte, certs.MaxInput+1)); return err }, certs.KindTooLarge, "16777217 bytes, where at most 16 MiB are read"},
		{"metadata of more than 256 MiB", func() error { _, err := certs.ParseMetadata(make([]byte, certs.MaxMetadata+1)); return err }, certs.KindTooLarge, "268435457 bytes, where at most 256 MiB are read"},
		{"metadata of more than 16 MiB", func() error {
			_, err := certs.ParseMetadata([]byte(fill(jumpCloudMetadata(c.Base64()), certs.MaxInput+1)))
			return err
		}, "", ""},
		{"wrapped metadata of more than 16 MiB", func() error {
			_, err := certs.ParseMetadata([]byte(fill("'"+jumpCloudMetadata(c.Base64())+"'", certs.MaxInput+1)))
			return err
		}, certs.KindNotMetadata, "it does not begin with <"},
		{"a certificate in a text of 1 MiB", func() error { _, err := certs.ParseMetadata([]byte(text(mib))); return err }, "", ""},
		{"more, of a text", func() error { _, err := certs.ParseMetadata([]byte(text(mib + 1))); return err }, certs.KindNotMetadata, "more than 1 MiB of text"},
		{"more, of a text on a stream", func() error {
			_, err := certs.ReadMetadataFor(strings.NewReader(text(mib+1)), "urn:uri:example.com")
			return err
		}, certs.KindNotMetadata, "more than 1 MiB of text"},
	} {
		if err := test.read(); found(err) != test.want || test.want == "" && err != nil || err != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v; want %q, %q", test.name, err, test.want, test.text)
		}
	}
}
