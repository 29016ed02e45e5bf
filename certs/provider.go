package certs

import (
	"errors"
	"time"

	"github.com/jcaad/jcaad/internal/text"
)

// certText is the content of an X509Certificate element.
type certText struct {
	text      string
	line, col int
}

// provider is an identity provider as it is read.
type provider struct {
	md    Metadata
	certs []certText
	err   *ParseError
}

// limit is the validity that an element states.
type limit struct {
	until time.Time
	cache time.Duration
	bad   string // a validUntil that is none, quoted
}

// result is what was found, once the document has ended.
func (x *extractor) result() (*Metadata, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	return x.found.metadata(readCert)
}

// check refuses documents in which what was asked for is not, or not alone.
func (x *extractor) check() error {
	switch {
	case x.byID && x.matches == 0:
		e := refuse(KindUnknownEntity, "%q is not among the entities, of which there are %d", text.Printable(x.want, 200), x.entities)
		e.Subjects = x.ids
		return e
	case x.byID && x.matches > 1:
		return refuse(KindSeveralIdPs, "%d entities have the ID %q", x.matches, text.Printable(x.want, 200))
	case !x.byID && !x.all && x.idps > 1:
		e := refuse(KindSeveralIdPs, "%d of them: choose one by its entity ID", x.idps)
		e.Subjects = x.ids
		return e
	case x.found == nil && x.sps > 0:
		return refuse(KindServiceProvider, "download the metadata of the identity provider")
	case x.found == nil && x.olds > 0:
		return refuse(KindNotMetadata, "the identity provider does not speak SAML 2.0")
	case x.found == nil:
		return refuse(KindNotMetadata, "it describes no identity provider")
	}
	return nil
}

// results is the same for every provider, and for certificates that were
// pasted, which may be damaged.
func (x *extractor) results() ([]*Metadata, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	var mds []*Metadata
	var none error
	for _, p := range x.every {
		md, err := p.metadata(newCert)
		var perr *ParseError
		switch {
		case err == nil:
			mds = append(mds, md)
		case len(x.every) > 1 && errors.As(err, &perr) && perr.Found == KindNoSigningKey:
			none = err // the others have some
		default:
			return nil, err
		}
	}
	if len(mds) == 0 {
		return nil, none
	}
	return mds, nil
}

// metadata reads the provider's certificates by read.
func (p *provider) metadata(read func(der []byte) (Cert, *ParseError)) (*Metadata, error) {
	if p.err != nil {
		return nil, p.err
	}
	md := p.md
	if md.EntityID == "" {
		return nil, refuse(KindNotMetadata, "the identity provider has no entityID")
	}
	seen := make(map[Cert]bool)
	for _, ct := range p.certs {
		c, err := parseElement(ct.text, read)
		if err != nil {
			err.Line, err.Column = ct.line, ct.col // none, if there is no place to tell
			return nil, err
		}
		if !seen[c] {
			seen[c] = true
			md.SigningCerts = append(md.SigningCerts, c)
		}
	}
	if len(md.SigningCerts) == 0 {
		return nil, refuse(KindNoSigningKey, "the identity provider %q states no certificate for signing: add one there, "+
			"and download the metadata again",
			text.Printable(md.EntityID, 200))
	}
	return &md, nil
}
