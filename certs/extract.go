package certs

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// state is where in a metadata document an element is.
type state uint8

const (
	inNothing state = iota // before the root, or in what is passed over
	inEntities
	inEntity
	inIDP
	inKey
	inKeyInfo
	inX509Data
	inCert   // text is a certificate
	inFormat // text is a NameIDFormat
	inEndpoint
)

// maxText bounds the text of one certificate or format in metadata.
const maxText = 1 << 20

// extractor picks the metadata of one provider out of the events of a
// document, whose structure it follows from the root: what stands in another
// place than the schema's, or in another namespace, does not count.
type extractor struct {
	want string // the entity to read, if byID
	byID bool

	all bool // read every provider, for results

	signed bool // what is read is the canonical form: places in it mean nothing

	states []state
	limits []limit // of the enclosing EntitiesDescriptors and the entity

	id   string    // of the entity at hand
	idp  *provider // of the entity at hand, once an IdP role was seen
	skip bool      // the entity at hand is not wanted
	sp   bool      // the entity at hand is a service provider
	old  bool      // the entity at hand has an IdP role without SAML 2.0

	text      []byte
	line, col int
	cert      bool // the last element begun is an X509Certificate
	rsa       int  // how deep the last RSAKeyValue's children are

	matches  int       // entities with the wanted ID
	found    *provider // the wanted one, or the first
	every    []*provider
	ids      []string // the first few IDs of entities, or of providers
	entities int
	idps     int
	sps      int
	olds     int
}

// scan feeds the extractor from a scanner to the end of the document.
func (x *extractor) scan(s *xmlscan.Scanner) error {
	for {
		k, err := s.Next()
		if err != nil {
			return scanError(err)
		}
		switch k {
		case xmlscan.Start:
			if err := x.keyIn(s); err != nil {
				return err
			}
			if err := x.start(s.Name, s); err != nil {
				return err
			}
		case xmlscan.End:
			x.end()
		case xmlscan.Text:
			if err := x.keyText(s.Text); err != nil {
				return err
			}
			x.data(s.Text)
		case xmlscan.Comment, xmlscan.Instruction:
			if err := findKey(s.Text); err != nil {
				return err
			}
		case xmlscan.EOF:
			return nil
		}
	}
}

// keyIn looks for a private key in the attributes of an element, and for the
// private part of an RSA key in what it is.
func (x *extractor) keyIn(s *xmlscan.Scanner) *ParseError {
	for i := range s.Attrs {
		if raw := s.Attrs[i].Raw; len(raw) >= minKeyText {
			if err := findKey(raw); err != nil {
				return err
			}
			if text, ok := decodeEntities(raw); ok {
				if err := findKey(text); err != nil {
					return err
				}
			}
		}
	}
	x.cert = false
	switch string(s.Name.Local) {
	case "X509Certificate":
		x.cert = true
	case "RSAKeyValue":
		x.rsa = len(x.states) + 1
	case "D", "DP", "DQ", "InverseQ":
		if x.rsa > 0 && len(x.states) == x.rsa {
			return refuse(KindPrivateKey, "%s", adviceKey)
		}
	}
	return nil
}

// keyText looks for a private key in text. That of a certificate, whoever's it
// is, is looked at where its lines begin: it is much, and base64.
func (x *extractor) keyText(t []byte) *ParseError {
	switch {
	case len(t) < minKeyText:
	case x.cert && bytes.IndexByte(t, '-') < 0:
		for line := range bytes.Lines(t) {
			if k := textKey(line); k != "" {
				return refuse(k, "%s", adviceKey)
			}
		}
	default:
		return findKey(t)
	}
	return nil
}

// attributes is what start needs to know of an element besides its name.
type attributes interface {
	Attr(local string) (string, bool) // an attribute without a namespace
	Here() (line, col int)            // 0, 0 if that is not known
}

func (x *extractor) start(n xmlscan.Name, at attributes) error {
	if len(x.states) == 0 {
		return x.root(n, at)
	}
	next := inNothing
	switch x.states[len(x.states)-1] {
	case inEntities:
		switch {
		case n.Is(xmlscan.MD, "EntitiesDescriptor"):
			next = inEntities
			x.push(at)
		case n.Is(xmlscan.MD, "EntityDescriptor"):
			next = inEntity
			x.entity(at)
		}
	case inEntity:
		next = x.role(n, at)
	case inIDP:
		switch {
		case n.Is(xmlscan.MD, "KeyDescriptor"):
			if use, ok := at.Attr("use"); !ok || use == "signing" {
				next = inKey
			}
		case n.Is(xmlscan.MD, "NameIDFormat"):
			next, x.text = inFormat, x.text[:0]
		case n.Is(xmlscan.MD, "SingleSignOnService"):
			next = inEndpoint
			x.idp.md.SSO = append(x.idp.md.SSO, endpoint(at))
		case n.Is(xmlscan.MD, "SingleLogoutService"):
			next = inEndpoint
			x.idp.md.SLO = append(x.idp.md.SLO, endpoint(at))
		}
	case inKey:
		if n.Is(xmlscan.DS, "KeyInfo") {
			next = inKeyInfo
		}
	case inKeyInfo:
		if n.Is(xmlscan.DS, "X509Data") {
			next = inX509Data
		}
	case inX509Data:
		if n.Is(xmlscan.DS, "X509Certificate") {
			next, x.text = inCert, x.text[:0]
			if !x.signed {
				x.line, x.col = at.Here()
			}
		}
	case inCert, inFormat:
		x.spoil("an element inside the text of an X509Certificate or NameIDFormat")
	}
	x.states = append(x.states, next)
	return nil
}

func endpoint(at attributes) Endpoint {
	binding, _ := at.Attr("Binding")
	location, _ := at.Attr("Location")
	return Endpoint{binding, location}
}

func (x *extractor) root(n xmlscan.Name, at attributes) error {
	switch {
	case n.Is(xmlscan.MD, "EntitiesDescriptor"):
		x.states = append(x.states, inEntities)
		x.push(at)
		return nil
	case n.Is(xmlscan.MD, "EntityDescriptor"):
		x.states = append(x.states, inEntity)
		x.entity(at)
		return nil
	case strings.EqualFold(string(n.Local), "html"):
		return refuse(KindHTML, "%s", markupAdvice(KindHTML))
	case n.Space == xmlscan.SAMLP || n.Space == xmlscan.SAML:
		return refuse(KindNotMetadata, "it is a SAML %s, a message of one sign-in: download the metadata of the identity provider",
			text.Printable(string(n.Local), 40))
	case n.Is(xmlscan.None, "EntityDescriptor") || n.Is(xmlscan.None, "EntitiesDescriptor"):
		return refuse(KindNotMetadata, "the root element has no namespace: it must be xmlns=%q", xmlscan.URIMD)
	}
	return refuse(KindNotMetadata, "the root element is %s: download the metadata of the identity provider",
		text.Printable(string(n.Local), 60))
}

func (x *extractor) entity(at attributes) {
	x.id, _ = at.Attr("entityID")
	x.idp, x.sp, x.old = nil, false, false
	x.entities++
	x.skip = x.byID && x.id != x.want
	if x.byID && len(x.ids) < maxListed {
		x.ids = append(x.ids, text.Printable(x.id, 200))
	}
	if !x.skip {
		x.matches++
	}
	x.push(at)
}

// push notes the validity that an element states.
func (x *extractor) push(at attributes) {
	var l limit
	if v, ok := at.Attr("validUntil"); ok && !x.skip {
		if l.until, ok = parseDateTime(v); !ok {
			l.bad = strconv.Quote(text.Printable(v, 60))
		}
	}
	if v, ok := at.Attr("cacheDuration"); ok {
		l.cache = parseDuration(v)
	}
	x.limits = append(x.limits, l)
}

// role handles the elements of an entity.
func (x *extractor) role(n xmlscan.Name, at attributes) state {
	switch {
	case n.Is(xmlscan.MD, "SPSSODescriptor"):
		x.sp = true
	case n.Is(xmlscan.MD, "IDPSSODescriptor"):
		protocols, _ := at.Attr("protocolSupportEnumeration")
		saml2 := false
		for _, p := range strings.FieldsFunc(protocols, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }) {
			saml2 = saml2 || p == xmlscan.URISAMLP
		}
		if !saml2 {
			x.old = true // Shibboleth, SAML 1.x
			break
		}
		if x.idp == nil {
			x.idp = &provider{}
			x.idps++
		}
		if x.skip || !x.byID && !x.all && x.idps > 1 {
			break // counted; the content is not needed
		}
		want, _ := at.Attr("WantAuthnRequestsSigned")
		x.idp.md.WantAuthnRequestsSigned = x.idp.md.WantAuthnRequestsSigned || isTrue(want)
		if v, ok := at.Attr("validUntil"); ok {
			t, ok := parseDateTime(v)
			if !ok && !x.all {
				x.spoil("validUntil of the role is not a date and time")
			}
			x.idp.md.ValidUntil = earlier(x.idp.md.ValidUntil, t)
		}
		if v, ok := at.Attr("cacheDuration"); ok {
			x.idp.md.CacheDuration = shorter(x.idp.md.CacheDuration, parseDuration(v))
		}
		return inIDP
	}
	return inNothing
}

// isTrue reads xs:boolean, whose white space collapses.
func isTrue(v string) bool {
	v = strings.Trim(v, " \t\r\n")
	return v == "true" || v == "1"
}

func (x *extractor) spoil(what string) {
	if x.idp != nil && x.idp.err == nil {
		x.idp.err = refuse(KindNotMetadata, "%s", what)
	}
}

func (x *extractor) data(b []byte) {
	if len(x.states) == 0 {
		return
	}
	if st := x.states[len(x.states)-1]; st == inCert || st == inFormat {
		if len(x.text)+len(b) > maxText {
			x.spoil("more than 1 MiB of text in an X509Certificate or NameIDFormat")
			return
		}
		x.text = append(x.text, b...)
	}
}

func (x *extractor) end() {
	st := x.states[len(x.states)-1]
	x.states = x.states[:len(x.states)-1]
	switch st {
	case inCert:
		x.idp.certs = append(x.idp.certs, certText{string(x.text), x.line, x.col})
	case inFormat:
		x.idp.md.NameIDFormats = append(x.idp.md.NameIDFormats, strings.TrimSpace(string(x.text)))
	case inEntity:
		x.endEntity()
		x.limits = x.limits[:len(x.limits)-1]
	case inEntities:
		x.limits = x.limits[:len(x.limits)-1]
	}
}

func (x *extractor) endEntity() {
	skipped := x.skip
	x.skip = false
	switch {
	case x.sp && x.idp == nil:
		x.sps++
	case x.old && x.idp == nil:
		x.olds++
	}
	if x.idp == nil || skipped {
		return
	}
	if !x.byID && len(x.ids) < maxListed {
		x.ids = append(x.ids, text.Printable(x.id, 200))
	}
	if x.found != nil && !x.all {
		return
	}
	x.found = x.idp
	if x.all {
		x.every = append(x.every, x.idp)
	}
	md := &x.found.md
	md.EntityID = x.id
	for _, l := range x.limits {
		if l.bad != "" && !x.all { // certificates alone have no date
			x.spoil("validUntil is " + l.bad + ", which is not a date and time")
		}
		md.ValidUntil = earlier(md.ValidUntil, l.until)
		md.CacheDuration = shorter(md.CacheDuration, l.cache)
	}
}
