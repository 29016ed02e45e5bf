package certs

// Tags of DER.
const (
	tagInteger   = 0x02
	tagBitString = 0x03
	tagOctets    = 0x04
	tagOID       = 0x06
	tagUTCTime   = 0x17
	tagTime      = 0x18
	tagSequence  = 0x30
	tagContext0  = 0xa0
)

// oidSignedData is 1.2.840.113549.1.7.2.
const oidSignedData = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"

// element is one element of DER. Its body is what there is of it.
type element struct {
	tag  byte
	head int // bytes of tag and length
	size int // bytes that the length announces; may be more than there are
	body []byte
}

func (e element) whole() bool { return len(e.body) == e.size }

// readElement reads the element at the beginning of b, which may be cut off,
// and returns what follows it. Lengths must be definite and minimal; tags of
// more than one byte, which certificates do not have, are not read.
func readElement(b []byte) (e element, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return e, nil, false
	}
	e.tag, e.head, e.size = b[0], 2, int(b[1])
	if b[1] >= 0x80 {
		n := int(b[1] & 0x7f)
		if n == 0 || n > 4 || len(b) < 2+n || b[2] == 0 {
			return e, nil, false
		}
		e.head, e.size = 2+n, 0
		for _, c := range b[2 : 2+n] {
			e.size = e.size<<8 | int(c)
		}
		if e.size < 0x80 || e.size > 1<<30 {
			return e, nil, false
		}
	}
	end := min(len(b), e.head+e.size)
	e.body = b[e.head:end]
	return e, b[end:], true
}

// looksDER reports whether b is binary that begins a SEQUENCE. Text that begins
// with the digit 0, which is the same byte, does not.
func looksDER(b []byte) bool {
	if len(b) < 2 || b[0] != tagSequence {
		return false
	}
	return b[1] >= 0x80 && b[1] <= 0x84 || int(b[1])+2 == len(b)
}

// derKind recognises DER by its structure, even if it is cut off. The result is
// "" for a certificate, oidSignedData for PKCS#7 signed data, and
// KindNotCertificate for everything unknown.
func derKind(b []byte) Kind {
	outer, _, ok := readElement(b)
	if !ok || outer.tag != tagSequence {
		return KindNotCertificate
	}
	first, rest, ok := readElement(outer.body)
	if !ok {
		return KindNotCertificate
	}
	second, _, _ := readElement(rest)
	switch first.tag {
	case tagOID:
		if string(first.body) == oidSignedData {
			return oidSignedData
		}
	case tagInteger:
		switch {
		case len(first.body) != 1:
			if second.tag == tagInteger {
				return KindPublicKey // PKCS#1: modulus, exponent
			}
		case first.body[0] == 3 && second.tag == tagSequence:
			return KindPKCS12
		case first.body[0] <= 1 && keyBody(second):
			return KindPrivateKey
		}
	case tagSequence:
		return tbsKind(first, second)
	}
	return KindNotCertificate
}

// keyBody reports whether e is what follows the version in PKCS#8 (an
// algorithm), in PKCS#1 and DSA keys (a large number), or in SEC 1 (the key).
func keyBody(e element) bool {
	switch e.tag {
	case tagSequence:
		in, _, ok := readElement(e.body)
		return ok && in.tag == tagOID && in.size >= 3 && in.size <= 16
	case tagInteger:
		return e.size >= 32 && e.size <= 4096
	case tagOctets:
		return e.size >= 14 && e.size <= 72
	}
	return false
}

// tbsKind recognises what begins with two SEQUENCEs.
func tbsKind(tbs, next element) Kind {
	first, rest, ok := readElement(tbs.body)
	if !ok {
		return KindNotCertificate
	}
	switch first.tag {
	case tagContext0:
		return "" // the version of a certificate
	case tagOID:
		// The end may be cut off: PKCS #5 and PKCS #12 encrypt nothing else.
		if string(first.body[:min(len(first.body), 8)]) == "\x2a\x86\x48\x86\xf7\x0d\x01\x05" && next.tag == 0 ||
			string(first.body[:min(len(first.body), 9)]) == "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01" && next.tag == 0 {
			return KindEncryptedPrivateKey
		}
		switch next.tag {
		case tagBitString:
			return KindPublicKey
		case tagOctets:
			return KindEncryptedPrivateKey
		}
	case tagSequence: // the algorithm of a CRL of version 1
		if in, _, ok := readElement(first.body); ok && in.tag == tagOID {
			return KindCRL
		}
	case tagInteger: // a version or a serial number
		second, rest, ok := readElement(rest)
		if !ok || second.tag != tagSequence {
			return KindNotCertificate
		}
		if in, _, ok := readElement(second.body); !ok || in.tag != tagOID {
			return KindCSR // a name where the others have an algorithm
		}
		_, rest, ok = readElement(rest)
		if !ok {
			return ""
		}
		if third, _, ok := readElement(rest); ok && (third.tag == tagUTCTime || third.tag == tagTime) {
			return KindCRL
		}
		return ""
	}
	return KindNotCertificate
}

// threeParts reports whether a certificate consists of three elements, as it
// must, and nothing behind them. What is there is not signed, and crypto/x509
// passes over it.
func threeParts(cert []byte) bool {
	outer, _, _ := readElement(cert)
	rest := outer.body
	for range 3 {
		_, rest, _ = readElement(rest)
	}
	return len(rest) == 0
}

// isCertificate reports whether b is one whole certificate, as far as its outer
// structure tells.
func isCertificate(b []byte) bool {
	e, rest, ok := readElement(b)
	return ok && e.whole() && len(rest) == 0 && derKind(b) == ""
}

// parseDER reads one certificate, several one after the other, or PKCS#7.
func parseDER(b []byte) ([]Cert, *ParseError) {
	if k := derKind(b); k != "" && k != oidSignedData {
		if k == KindNotCertificate && len(b) > 1 && b[1] == 0x80 {
			return nil, refuse(k, "BER of indefinite length: convert it to DER")
		}
		return nil, refuse(k, "%s", adviceDER(k))
	}
	var cs []Cert
	for rest := b; len(rest) > 0; {
		e, after, ok := readElement(rest)
		k := derKind(rest)
		switch {
		case k == KindPrivateKey || k == KindEncryptedPrivateKey:
			return nil, refuse(k, "%s", adviceKey)
		case !ok || k != "" && k != oidSignedData:
			return nil, trailing(rest)
		case !e.whole():
			err := refuse(KindTruncated, "%d of %d bytes are missing: %s", e.size-len(e.body), e.head+e.size, adviceCopy)
			err.Missing = e.size - len(e.body)
			return nil, err
		}
		if k == oidSignedData {
			in, err := parsePKCS7(e)
			if err != nil {
				return nil, err
			}
			cs = append(cs, in...)
		} else {
			c, err := newCert(rest[:len(rest)-len(after)])
			if err != nil && err.Found == KindUnreadable && len(after) > 0 && derKind(after) == KindNotCertificate {
				// Not only the length is wrong, as when a line is there twice.
				return nil, trailing(after)
			}
			if err != nil {
				return nil, err
			}
			cs = append(cs, c)
		}
		rest = after
	}
	return cs, nil
}

func trailing(rest []byte) *ParseError {
	err := refuse(KindTrailingData, "%d bytes follow it: %s", len(rest), adviceCopy)
	err.Trailing = len(rest)
	return err
}

// parsePKCS7 reads the certificates of SignedData (RFC 2315, 9.1):
//
//	ContentInfo ::= SEQUENCE { OID, [0] SEQUENCE { version INTEGER,
//	  digestAlgorithms SET, contentInfo SEQUENCE, certificates [0] …
//
// Nothing else of it is looked at; that a .p7b file has no signature is usual.
// The PKCS#7 packages that exist take memory without bound on odd input.
func parsePKCS7(info element) ([]Cert, *ParseError) {
	odd := func() ([]Cert, *ParseError) {
		return nil, refuse(KindNotCertificate, "PKCS#7 that cannot be read: %s", adviceExport)
	}
	_, rest, _ := readElement(info.body)
	content, rest, ok := readElement(rest)
	if !ok || content.tag != tagContext0 || !content.whole() || len(rest) > 0 {
		return odd()
	}
	signed, rest, ok := readElement(content.body)
	if !ok || signed.tag != tagSequence || !signed.whole() || len(rest) > 0 {
		return odd()
	}
	rest = signed.body
	for _, tag := range [...]byte{tagInteger, 0x31, tagSequence} {
		var e element
		if e, rest, ok = readElement(rest); !ok || e.tag != tag || !e.whole() {
			return odd()
		}
	}
	list, _, ok := readElement(rest)
	if !ok || list.tag != tagContext0 || !list.whole() || len(list.body) == 0 {
		return nil, refuse(KindNotCertificate, "PKCS#7 without certificates: %s", adviceExport)
	}
	var cs []Cert
	for body := list.body; len(body) > 0; {
		e, after, ok := readElement(body)
		if !ok || e.tag != tagSequence || !e.whole() {
			return odd()
		}
		c, err := newCert(body[:len(body)-len(after)])
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
		body = after
	}
	return cs, nil
}

func adviceDER(k Kind) string {
	switch k {
	case KindPrivateKey, KindEncryptedPrivateKey:
		return adviceKey
	case KindCSR:
		return "have it signed, and pass the certificate that comes back"
	case KindPublicKey:
		return "a certificate with that key is needed"
	case KindCRL:
		return "a certificate is needed"
	case KindPKCS12:
		return "it may hold a private key: " + adviceExport
	}
	return adviceExport
}
