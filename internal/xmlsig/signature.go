package xmlsig

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Signature is what a Signature element claims: nothing of it is verified yet.
type Signature struct {
	Node   *Node
	Method string // algorithms, by their identifiers
	Digest string
	By     string // the canonicalization of what is signed; empty if none is named
	InfoBy string // that of the SignedInfo
	URI    string // of the reference

	keyRSA      bool
	hash        crypto.Hash
	digest      crypto.Hash
	infoBy, by  c14n.Method
	info        *Node
	keyInfo     *Node // or nil
	value, want []byte
	tagged      string // the value of the attribute that the reference names
	doubt       bool   // goxmldsig may be wrong about it
}

// SHA1 reports whether SHA-1 is anywhere in it.
func (g *Signature) SHA1() bool { return g.hash == crypto.SHA1 || g.digest == crypto.SHA1 }

// Certs returns the first certificates that KeyInfo names, as DER if they are
// any. Nothing follows from them.
func (g *Signature) Certs() [][]byte {
	var all [][]byte
	for _, k := range g.Node.All(xmlscan.URIDS, "KeyInfo") {
		k.Walk(func(c *Node) bool {
			if c.Is(xmlscan.URIDS, "X509Certificate") && len(all) < 8 {
				if der, ok := decode(c); ok {
					all = append(all, der)
				}
			}
			return true
		})
	}
	return all
}

// Whole reports whether the reference is to the whole document.
func (g *Signature) Whole() bool { return g.URI == "" }

// Fault is a class of what can be wrong with a Signature.
type Fault int

// The faults.
const (
	Incomplete  Fault = iota + 1 // it lacks what no signature is without
	Malformed                    // it has its parts in another order, or more
	HMAC                         // signed with a secret, which a public key would be taken for
	Rewrites                     // a transform that makes something else of what is signed
	Unsupported                  // an algorithm that this package does not know
	Several                      // more than one reference, or than one SignedInfo
	Elsewhere                    // the reference is to another element than the one that holds it
	Comments                     // a comment where some stop reading
)

// Error is why a Signature is not one that could be verified.
type Error struct {
	Fault  Fault
	Detail string
}

// Error implements error.
func (e *Error) Error() string { return e.Detail }

func fault(f Fault, format string, args ...any) *Error {
	return &Error{f, fmt.Sprintf(format, args...)}
}

const uriExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"

// Read reads a Signature that is a child of the element it should sign. The
// attribute by which that element is referred to has the name id. What can be
// read of a faulty one is returned with the error.
func Read(n *Node, id string) (*Signature, *Error) {
	g := &Signature{Node: n}
	infos := n.All(xmlscan.URIDS, "SignedInfo")
	if len(infos) > 1 {
		return g, fault(Several, "%d SignedInfo in one Signature, of which readers may take either", len(infos))
	}
	tags := []string{"SignedInfo", "SignatureValue"}
	if len(n.Kids) == 3 {
		tags = append(tags, "KeyInfo") // outside of what is signed: it says nothing that is trusted
	}
	if err := parts(n, tags); err != nil {
		return g, err
	}
	g.info = n.Kids[0]
	if len(n.Kids) == 3 {
		g.keyInfo = n.Kids[2]
	}
	comment := false
	n.Walk(func(c *Node) bool { comment = comment || c.Comment; return c != g.keyInfo })
	if comment {
		return g, fault(Comments, "a comment or an instruction within the Signature: some stop reading a value there")
	}
	return g, g.read(id)
}

// parts checks that an element has one child of each tag, in this order, and
// nothing else.
func parts(n *Node, tags []string) *Error {
	for i, tag := range tags {
		if i < len(n.Kids) && n.Kids[i].Is(xmlscan.URIDS, tag) {
			continue
		}
		f := Malformed
		if tag != "KeyInfo" && tag != "Transforms" && n.Kid(xmlscan.URIDS, tag) == nil {
			f = Incomplete
		}
		return fault(f, "its %s has no %s where one is due", n.Local, tag)
	}
	if len(n.Kids) > len(tags) || n.Mixed {
		return fault(Malformed, "its %s holds more than %s", n.Local, strings.Join(tags, ", "))
	}
	return nil
}

func (g *Signature) read(id string) *Error {
	if refs := g.info.All(xmlscan.URIDS, "Reference"); len(refs) > 1 {
		return fault(Several, "%d references, of which readers may take any", len(refs))
	}
	if err := parts(g.info, []string{"CanonicalizationMethod", "SignatureMethod", "Reference"}); err != nil {
		return err
	}
	by, method, ref := g.info.Kids[0], g.info.Kids[1], g.info.Kids[2]
	g.InfoBy, g.Method = by.Value("Algorithm"), method.Value("Algorithm")
	uri, given := ref.Attr("URI")
	g.URI = uri
	list := ref.Kid(xmlscan.URIDS, "Transforms")
	if list != nil && list != ref.Kids[0] {
		return fault(Malformed, "its Reference has its Transforms at another place than the first")
	}
	// The transforms come first: one that rewrites says more than all else.
	if err := g.transforms(list); err != nil {
		return err
	}
	want := []string{"Transforms", "DigestMethod", "DigestValue"}
	if err := parts(ref, want); err != nil {
		return err
	}
	digest, value := ref.Kids[1], ref.Kids[2]
	g.Digest = digest.Value("Algorithm")
	g.tagged, _ = g.Node.Parent.Attr(id)
	var ok bool
	switch {
	case strings.Contains(g.Method, "#hmac-"):
		return fault(HMAC, "signed with %s: a secret, for which some take the public key", text.Printable(g.Method, 100))
	case strings.HasPrefix(uri, "#") && strings.ContainsAny(uri[1:], xpointer):
		return fault(Unsupported, "the reference %q is to no name", text.Printable(uri, 80))
	case !given || uri != "" && (g.tagged == "" || uri != "#"+g.tagged):
		return fault(Elsewhere, "the reference is to %q, and not to the %s that holds it", text.Printable(uri, 80), g.Node.Parent.Local)
	}
	if g.infoBy, ok = canonicalization(by); !ok {
		return fault(Unsupported, "the canonicalization %q is not known", text.Printable(g.InfoBy, 100))
	}
	if g.keyRSA, g.hash = Method(g.Method); g.hash == 0 || len(method.Kids) > 0 {
		return fault(Unsupported, "the algorithm %q is not known", text.Printable(g.Method, 100))
	}
	if g.digest = Digest(g.Digest); g.digest == 0 || len(digest.Kids) > 0 {
		return fault(Unsupported, "the digest %q is not known", text.Printable(g.Digest, 100))
	}
	if g.want, ok = decode(value); !ok {
		return fault(Incomplete, "its DigestValue is not base64")
	}
	if g.value, ok = decode(g.Node.Kids[1]); !ok {
		return fault(Incomplete, "its SignatureValue is not base64")
	}
	g.doubt = g.By == "" || // goxmldsig would sign the comments
		len(g.infoBy.Prefixes) > 0 || // it does not look at them
		g.by.Prefixes[""] || // it does not know #default
		bytes.ContainsAny(value.text, " \t") // it takes line ends only
	return nil
}

// xpointer are characters that no ID has, and with which a reference is not to
// an ID but an XPointer, for some: #xpointer(/).
const xpointer = "()[]{}'\"^#<> \t\r\n"

// transforms reads what was done to the element before it was digested.
func (g *Signature) transforms(list *Node) *Error {
	if list == nil {
		return fault(Malformed, "its Reference has no Transforms, so that it would have to sign itself")
	}
	enveloped, canonical := 0, 0
	for _, t := range list.Kids {
		alg := t.Value("Algorithm")
		by, known := canonicalization(t)
		switch {
		case !t.Is(xmlscan.URIDS, "Transform"):
			return fault(Malformed, "its Transforms hold something else")
		case alg == Enveloped && canonical == 0 && len(t.Kids) == 0:
			enveloped++
		case known:
			g.By, g.by = alg, by
			canonical++
		case rewrites(alg):
			return fault(Rewrites, "the transform %q: what is signed is not what is read", text.Printable(alg, 100))
		default:
			return fault(Unsupported, "the transform %q is not known", text.Printable(alg, 100))
		}
		if enveloped > 1 || canonical > 1 {
			return fault(Malformed, "%d transforms", len(list.Kids))
		}
	}
	if enveloped != 1 || list.Mixed {
		return fault(Malformed, "its transforms are not enveloped-signature and one canonicalization")
	}
	return nil
}

func rewrites(alg string) bool {
	for _, s := range []string{"xslt", "xpath", "xmldsig-filter2", "decrypt", "base64"} {
		if strings.Contains(strings.ToLower(alg), s) {
			return true
		}
	}
	return false
}

// canonicalization reads a CanonicalizationMethod or Transform.
func canonicalization(n *Node) (c14n.Method, bool) {
	m, ok := c14n.Find(n.Value("Algorithm"))
	if !ok || len(n.Kids) == 0 {
		return m, ok && len(bytes.Trim(n.text, space)) == 0
	}
	list := n.Kids[0]
	v, given := list.Attr("PrefixList")
	if !m.Exclusive || !given || len(n.Kids) > 1 || len(list.Kids) > 0 {
		return m, false
	}
	return m, list.Is(uriExclusive, "InclusiveNamespaces") && m.PrefixList(v)
}

// decode decodes the base64 that is the element's text, in which white space
// does not count.
func decode(n *Node) ([]byte, bool) {
	b := slices.DeleteFunc(slices.Clone(n.text), func(c byte) bool { return strings.IndexByte(space, c) >= 0 })
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	m, err := base64.StdEncoding.Decode(out, b)
	return out[:m], err == nil && len(n.Kids) == 0
}
