package certs

import (
	"bytes"
	"unicode/utf8"
)

// marker is a BEGIN or END line of PEM, or what is left of one.
type marker struct {
	from, to int // in the text
	end      bool
	label    string // upper case, without spaces
}

// findMarkers finds the markers in t: -----BEGIN CERTIFICATE----- with any
// number and kind of dashes, in any case, with or without the spaces. Around a label
// that nobody knows one hyphen is too few: base64 in the URL alphabet may hold
// "-End4u-".
func findMarkers(t []byte) []marker {
	var ms []marker
	for i := 0; i < len(t); {
		m, ok := marker{}, false
		switch t[i] {
		case 'B', 'b':
			m, ok = readMarker(t, i, "BEGIN")
		case 'E', 'e':
			m, ok = readMarker(t, i, "END")
		}
		if !ok {
			// Words stand at the beginning of a line or behind a dash; so
			// most of the text can be skipped.
			n := bytes.IndexAny(t[i+1:min(len(t), i+1+4096)], "BbEe")
			if n < 0 {
				i = min(len(t), i+1+4096)
			} else {
				i += 1 + n
			}
			continue
		}
		if n := len(ms); n > 0 {
			m.from = max(m.from, ms[n-1].to) // two may share a run of dashes
		}
		ms = append(ms, m)
		i = m.to
	}
	return ms
}

// readMarker reads the marker with the given word at t[i].
func readMarker(t []byte, i int, word string) (marker, bool) {
	m := marker{end: word == "END"}
	if len(t)-i < len(word) || !bytes.EqualFold(t[i:i+len(word)], []byte(word)) {
		return m, false
	}
	from, dashes := dashesBefore(t, i)
	label, j := readLabel(t, i+len(word))
	count(i - from + j - i)
	m.label = string(label)
	to, after := dashesAfter(t, j)
	count(to - j)
	known := labelKind(m.label) != labelUnknown
	if len(label) == 0 || dashes == 0 && !(known && string(t[i:i+len(word)]) == word && lineBegins(t, i)) ||
		after == 0 && !(known && lineEnds(t, j)) || len(label) > 40 || !known && min(i-from, to-j) < 2 {
		return m, false
	}
	m.from, m.to = from, to
	return m, true
}

// readLabel reads the label at t[i], up to the first dash or other character
// that does not belong, and returns where that is.
func readLabel(t []byte, i int) (label []byte, end int) {
	for i < len(t) && len(label) <= 40 {
		switch c := t[i]; {
		case 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '#' || c == '.':
			label = append(label, c)
		case 'a' <= c && c <= 'z':
			label = append(label, c-'a'+'A')
		case c == '_':
		default:
			r, n := utf8.DecodeRune(t[i:])
			if r == '\n' || r == '\r' || !invisible(r) {
				return label, i
			}
			i += n - 1
		}
		i++
	}
	return label, i
}

func lineBegins(t []byte, i int) bool {
	s := bytes.TrimRight(t[:i], " \t")
	return len(s) == 0 || s[len(s)-1] == '\n' || s[len(s)-1] == '\r'
}

func lineEnds(t []byte, i int) bool {
	s := bytes.TrimLeft(t[i:], " \t")
	return len(s) == 0 || s[0] == '\n' || s[0] == '\r'
}

// dashesBefore returns where the run of dashes that ends before t[i] begins.
func dashesBefore(t []byte, i int) (from, n int) {
	from = i
	for j := i; j > 0; {
		r, size := utf8.DecodeLastRune(t[:j])
		switch {
		case isDash(r):
			n++
			from = j - size
		case r == '\n' || r == '\r' || !invisible(r):
			return from, n
		}
		j -= size
	}
	return from, n
}

// dashesAfter returns where the run of dashes that begins at t[i] ends.
func dashesAfter(t []byte, i int) (to, n int) {
	to = i
	for j := i; j < len(t); {
		r, size := utf8.DecodeRune(t[j:])
		switch {
		case isDash(r):
			n++
			to = j + size
		case r == '\n' || r == '\r' || !invisible(r):
			return to, n
		}
		j += size
		if n > 0 && to != j { // the next marker's dashes may follow a blank
			return to, n
		}
	}
	return to, n
}

// markerStart returns where the dashes of the marker at the end of line begin.
func markerStart(line []byte) int {
	up := bytes.ToUpper(line)
	i := bytes.LastIndex(up, []byte("BEGIN"))
	if i < 0 {
		return 0
	}
	from, _ := dashesBefore(line, i)
	return from
}

type labelClass int

const (
	labelUnknown labelClass = iota
	labelCert
	labelTrusted // a certificate with OpenSSL's trust settings behind it
	labelPKCS7
	labelOther // known, and no certificate
)

func labelKind(label string) labelClass {
	switch label {
	case "CERTIFICATE", "X509CERTIFICATE", "X.509CERTIFICATE", "CERTIFICATES", "CERT":
		return labelCert
	case "TRUSTEDCERTIFICATE":
		return labelTrusted
	case "PKCS7", "PKCS#7", "CMS", "PKCS7SIGNEDDATA", "PKCS#7SIGNEDDATA", "CERTIFICATECHAIN":
		return labelPKCS7
	}
	if otherLabel(label) != "" {
		return labelOther
	}
	return labelUnknown
}

func otherLabel(label string) Kind {
	switch label {
	case "CERTIFICATEREQUEST", "NEWCERTIFICATEREQUEST":
		return KindCSR
	case "PUBLICKEY", "RSAPUBLICKEY", "ECPUBLICKEY":
		return KindPublicKey
	case "X509CRL", "CRL":
		return KindCRL
	case "SSH2PUBLICKEY":
		return KindSSHKey
	case "PKCS12", "PKCS#12":
		return KindPKCS12
	case "DHPARAMETERS", "ECPARAMETERS", "PGPMESSAGE", "PGPPUBLICKEYBLOCK", "PGPSIGNATURE", "ATTRIBUTECERTIFICATE":
		return KindNotCertificate
	}
	return ""
}
