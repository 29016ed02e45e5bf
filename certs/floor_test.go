package certs

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"hash"
	"slices"
)

// floor is what a verdict on a signature costs at least: one pass over the bytes
// of a document that is known to be signed as rsa-sha256 with Exclusive XML
// Canonicalization, in a Signature with the prefix ds. It writes the canonical
// form into the hash, and looks for nothing that could be wrong.
type floor struct {
	hash     hash.Hash
	out      []byte
	depth    int
	declared []floorBinding // in the document
	rendered []floorBinding // in the canonical form
	tag      []floorBinding // of the start tag at hand
	attrs    []floorAttr
}

type floorBinding struct {
	prefix, uri []byte
	depth       int
}

type floorAttr struct{ prefix, local, value []byte }

// verify returns nothing if the key has signed the document.
func (f *floor) verify(b []byte, key *rsa.PublicKey) error {
	from := bytes.Index(b, []byte("<ds:Signature "))
	to := from + bytes.Index(b[from:], []byte("</ds:Signature>")) + len("</ds:Signature>")
	sig := b[from:to]
	f.canonical(b[:from], true)
	f.canonical(b[to:], true)
	var sum [sha256.Size]byte
	if got, want := f.sum(sum[:0]), floorText(sig, "<ds:DigestValue>"); !bytes.Equal(got, want) {
		return errors.New("another digest")
	}
	in := bytes.Index(sig, []byte("<ds:SignedInfo"))
	end := bytes.Index(sig, []byte("</ds:SignedInfo>")) + len("</ds:SignedInfo>")
	f.canonical(b[:from], false)
	f.canonical(sig[:in], false)
	f.canonical(sig[in:end], true)
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, f.sum(sum[:0]), floorText(sig, "<ds:SignatureValue>"))
}

// floorText decodes the base64 behind a start tag.
func floorText(b []byte, tag string) []byte {
	b = b[bytes.Index(b, []byte(tag))+len(tag):]
	b = b[:bytes.IndexByte(b, '<')]
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, _ := base64.StdEncoding.Decode(out, b)
	return out[:n]
}

// sum returns the hash of what was written, and begins anew.
func (f *floor) sum(b []byte) []byte {
	f.hash.Write(f.out)
	b = f.hash.Sum(b)
	f.hash.Reset()
	f.out, f.depth = f.out[:0], 0
	f.declared, f.rendered = f.declared[:0], f.rendered[:0]
	return b
}

// canonical writes the canonical form of a piece of the document; or notes only
// what is declared in it.
func (f *floor) canonical(b []byte, write bool) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			i = len(b)
		}
		if write && f.depth > 0 {
			f.out = append(f.out, b[:i]...)
		}
		if b = b[i:]; len(b) == 0 {
			return
		}
		switch b[1] {
		case '?', '!':
			b = b[bytes.IndexByte(b, '>')+1:]
		case '/':
			end := bytes.IndexByte(b, '>') + 1
			f.out = append(f.out, b[:end]...)
			f.pop()
			b = b[end:]
		default:
			b = f.start(b, write)
		}
		if len(f.out) > 16<<10 {
			f.hash.Write(f.out)
			f.out = f.out[:0]
		}
	}
}

func (f *floor) pop() {
	for n := len(f.declared); n > 0 && f.declared[n-1].depth == f.depth; n = len(f.declared) {
		f.declared = f.declared[:n-1]
	}
	for n := len(f.rendered); n > 0 && f.rendered[n-1].depth == f.depth; n = len(f.rendered) {
		f.rendered = f.rendered[:n-1]
	}
	f.depth--
}

// floorName cuts a name off.
func floorName(b []byte) (prefix, local, rest []byte) {
	from := 0
	for i, c := range b {
		switch c {
		case ':':
			prefix, from = b[:i], i+1
		case ' ', '=', '>', '/', '\n':
			return prefix, b[from:i], b[i:]
		}
	}
	return prefix, b[from:], nil
}

// start reads a start tag and writes it.
func (f *floor) start(b []byte, write bool) []byte {
	f.depth++
	prefix, local, b := floorName(b[1:])
	name := floorAttr{prefix: prefix, local: local}
	f.attrs, f.tag = f.attrs[:0], f.tag[:0]
	for b[0] != '>' && b[0] != '/' {
		if b[0] == ' ' || b[0] == '\n' {
			b = b[1:]
			continue
		}
		var a floorAttr
		a.prefix, a.local, b = floorName(b)
		end := 2 + bytes.IndexByte(b[2:], b[1])
		a.value, b = b[2:end], b[end+1:]
		switch {
		case string(a.prefix) == "xmlns":
			f.declared = append(f.declared, floorBinding{a.local, a.value, f.depth})
		case len(a.prefix) == 0 && string(a.local) == "xmlns":
			f.declared = append(f.declared, floorBinding{nil, a.value, f.depth})
		default:
			f.attrs = append(f.attrs, a)
		}
	}
	empty := b[0] == '/'
	if empty {
		b = b[1:]
	}
	if !write {
		return b[1:]
	}
	f.render(name.prefix)
	for i := range f.attrs {
		if p := f.attrs[i].prefix; len(p) > 0 && string(p) != "xml" {
			f.render(p)
		}
	}
	f.tagOut(name)
	if empty {
		f.out = append(f.out, "</"...)
		f.name(name)
		f.out = append(f.out, '>')
		f.pop()
	}
	return b[1:]
}

// render adds the declaration of a prefix, if the canonical form lacks it.
func (f *floor) render(prefix []byte) {
	uri := floorURI(f.declared, prefix)
	if bytes.Equal(floorURI(f.rendered, prefix), uri) {
		return
	}
	f.rendered = append(f.rendered, floorBinding{prefix, uri, f.depth})
	f.tag = append(f.tag, f.rendered[len(f.rendered)-1])
}

func floorURI(in []floorBinding, prefix []byte) []byte {
	for i := len(in) - 1; i >= 0; i-- {
		if bytes.Equal(in[i].prefix, prefix) {
			return in[i].uri
		}
	}
	return nil
}

// tagOut writes the start tag at hand.
func (f *floor) tagOut(name floorAttr) {
	slices.SortFunc(f.tag, func(a, b floorBinding) int { return bytes.Compare(a.prefix, b.prefix) })
	slices.SortFunc(f.attrs, func(a, b floorAttr) int {
		return cmp.Or(bytes.Compare(floorURI(f.declared, a.prefix), floorURI(f.declared, b.prefix)), bytes.Compare(a.local, b.local))
	})
	f.out = append(f.out, '<')
	f.name(name)
	for _, b := range f.tag {
		f.out = append(f.out, " xmlns"...)
		if len(b.prefix) > 0 {
			f.out = append(append(f.out, ':'), b.prefix...)
		}
		f.out = append(append(append(f.out, `="`...), b.uri...), '"')
	}
	for _, a := range f.attrs {
		f.out = append(f.out, ' ')
		f.name(a)
		f.out = append(append(append(f.out, `="`...), a.value...), '"')
	}
	f.out = append(f.out, '>')
}

func (f *floor) name(a floorAttr) {
	if len(a.prefix) > 0 {
		f.out = append(append(f.out, a.prefix...), ':')
	}
	f.out = append(f.out, a.local...)
}

// Floor returns the floor for documents that signer has signed.
func Floor(signer Cert) func(b []byte) error {
	f, key := &floor{hash: sha256.New()}, signer.X509().PublicKey.(*rsa.PublicKey)
	return func(b []byte) error { return f.verify(b, key) }
}

// Verdict returns this package's own verdict on whether signer has signed a
// document: what VerifyMetadata does before it asks goxmldsig.
func Verdict(signer Cert) func(b []byte) error {
	keys := []*x509.Certificate{signer.X509()}
	return func(b []byte) error {
		doc, perr := openMetadata(b)
		if perr != nil {
			return perr
		}
		_, _, err := prove(doc, keys, false, new(extractor).root)
		return err
	}
}
