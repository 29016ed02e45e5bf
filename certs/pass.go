package certs

import (
	"hash"
	"math"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// pass is the one pass over a signed document. It checks strictly what etree and
// goxmldsig do not, and that the document has one Signature among the children of
// its root element. That is verified as it comes by; from there on, what it covers
// goes into the hash in canonical form. Only what stands before it is looked at
// again, once it is known how it was signed.
type pass struct {
	doc    document
	sha1   bool
	root   func(xmlscan.Name, attributes) error        // is shown the root element
	verify func(g *signature, info []byte) *ParseError // whether a trusted key has signed the SignedInfo

	s *xmlscan.Scanner
	w *c14n.Writer // of what is signed; nil unless the Signature verifies
	h hash.Hash

	g     *signature
	perr  *ParseError // what is wrong with g
	first bool        // the Signature is the first child of the root element

	mixed                []mix
	children, signatures int
}

// mix is what an open element was seen to contain.
type mix struct{ text, comment bool }

// run goes through the document. What is wrong with the document comes before
// what is wrong with its signature.
func (p *pass) run() error {
	p.s = p.doc.scanner()
	p.s.MaxIDs = math.MaxInt // an ID that is not compared could be the signature's
	p.mixed = make([]mix, 0, 16)
	p.g = new(signature)
	for {
		from := p.s.Pos()
		k, err := p.next()
		switch {
		case err != nil:
			return err
		case k == xmlscan.EOF:
			return p.end()
		case k == xmlscan.Start && len(p.mixed) == 2:
			if p.s.Name.Is(xmlscan.DS, "Signature") {
				if err := p.signature(from); err != nil {
					return err
				}
				continue
			}
			p.children++
		}
		if p.w != nil {
			p.g.write(p.w, p.s, k, len(p.mixed) > 0)
		}
	}
}

// next reads a token, and refuses what others may read in another way.
func (p *pass) next() (xmlscan.Kind, error) {
	s := p.s
	k, err := s.Next()
	if err != nil {
		return k, scanError(err)
	}
	switch k {
	case xmlscan.Start:
		return k, p.start()
	case xmlscan.End:
		p.mixed = p.mixed[:len(p.mixed)-1]
		return k, nil
	case xmlscan.Text:
		m := &p.mixed[len(p.mixed)-1]
		m.text = m.text || skipSpace(s.Text, 0) < len(s.Text)
	case xmlscan.Comment:
		if len(p.mixed) > 0 {
			p.mixed[len(p.mixed)-1].comment = true
		}
	}
	if n := len(p.mixed); n > 0 && p.mixed[n-1].text && p.mixed[n-1].comment {
		// Some readers stop at the comment: user@example.com<!---->.evil.com
		return k, scanError(s.Fail("a comment within text: remove it before signing"))
	}
	return k, nil
}

// start looks at a start tag.
func (p *pass) start() error {
	s := p.s
	if len(p.mixed) == 0 {
		if err := p.root(s.Name, s); err != nil {
			return err
		}
		p.g.ofRoot(s)
	}
	for _, b := range s.Declared() {
		if b.URI != "" && !c14n.Absolute(b.URI) {
			return scanError(s.Fail("the namespace %q is no absolute URI: it cannot be signed", text.Printable(b.URI, 100)))
		}
	}
	p.mixed = append(p.mixed, mix{})
	// 30 elements to the KiB are twice what real metadata has. More would take
	// more memory than the document promises.
	if s.Elements > 10_000+len(p.doc.text)/32 {
		return scanError(s.Fail("too many elements for its size"))
	}
	return nil
}

// signature reads a Signature, whose start tag is at hand, and verifies it if it
// is the first. goxmldsig would take any, at any depth, whose reference names the
// root. The error is about the document.
func (p *pass) signature(from int) error {
	p.first = p.first || p.children == 0
	p.children++
	p.signatures++
	p.w = nil
	n, perr, err := readNode(p.s, p.next)
	if err != nil || p.signatures > 1 {
		return err
	}
	g := p.g
	g.from, g.to = from, p.s.Pos()
	if perr == nil {
		perr = g.shape(n)
	}
	if perr == nil {
		perr = g.check(p.sha1)
	}
	if perr == nil {
		perr = p.proved()
	}
	if p.perr = perr; perr != nil {
		return nil
	}
	p.h = g.digest.New()
	p.w = c14n.NewWriter(p.h, g.by)
	p.w.Grow(min(len(p.doc.text), c14n.MinFlush+2<<10))
	return g.again(p.doc, g.from, p.w)
}

// proved reports whether the SignedInfo is what a trusted key has signed.
func (p *pass) proved() *ParseError {
	var ok bool
	if p.g.signed, ok = p.g.value.base64(); !ok {
		return refuse(KindBadSignature, "its SignatureValue is not base64")
	}
	info, err := p.g.canonicalInfo(p.doc)
	if err != nil {
		return refuse(KindBadSignature, "its SignedInfo cannot be canonicalized: %v", err)
	}
	return p.verify(p.g, info)
}

// end judges what was seen of the document.
func (p *pass) end() error {
	switch {
	case p.signatures == 0:
		return refuse(KindUnsigned, "JumpCloud signs none: to use it, compare its certificate's thumbprint and read it with ParseMetadata")
	case p.signatures > 1:
		return refuse(KindBadSignature, "the document has more than one Signature")
	case p.perr != nil:
		return p.perr
	}
	return p.w.Close()
}
