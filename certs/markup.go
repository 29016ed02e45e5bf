package certs

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// parseMarkup reads text that begins with <: metadata, or a piece of it.
func parseMarkup(t []byte, in nesting) ([]Cert, *ParseError) {
	if k := markupKind(t); k != "" {
		return nil, refuse(k, "%s", markupAdvice(k))
	}
	root := rootName(t)
	switch root {
	case "EntityDescriptor", "EntitiesDescriptor":
		return parseAllMetadata(t)
	case "X509Certificate", "X509Data", "KeyInfo", "KeyDescriptor", "IDPSSODescriptor":
		return parseSnippet(t)
	case "RSAKeyValue":
		return nil, refuse(KindPublicKey, "%s", adviceDER(KindPublicKey))
	}
	if bytes.IndexByte(t[1:], '<') < 0 && !bytes.ContainsAny(t, "\"'") {
		return nil, refuse(KindNotCertificate, "text in angle brackets: %s", adviceExport)
	}
	if isTextTag([]byte(root)) {
		return nil, refuse(KindNotCertificate, "text between HTML tags: %s", adviceExport)
	}
	if _, err := parseMetadata(t, &extractor{}); err != nil {
		if perr, ok := err.(*ParseError); ok {
			if perr.Found == KindNotMetadata {
				if cs, err := configPEM(t, in); err != nil || len(cs) > 0 {
					return cs, err
				}
			}
			return nil, perr
		}
	}
	return nil, refuse(KindNotMetadata, "%s", markupAdvice(KindNotMetadata))
}

// parseAllMetadata returns the signing certificates of every identity provider
// in a document.
func parseAllMetadata(t []byte) ([]Cert, *ParseError) {
	x := &extractor{all: true}
	s := xmlscan.New(t)
	s.UTF16 = true // whatever it was, it is UTF-8 now
	err := x.scan(s)
	var mds []*Metadata
	if err == nil {
		mds, err = x.results()
	}
	if err != nil {
		return nil, err.(*ParseError) // the scanner has no reader that could fail
	}
	var cs []Cert
	for _, md := range mds {
		cs = append(cs, md.SigningCerts...)
	}
	return cs, nil
}

// afterComment cuts off the comment of XML that t begins with, if no XML follows.
func afterComment(t []byte) ([]byte, bool) {
	if !bytes.HasPrefix(t, []byte("<!--")) {
		return nil, false
	}
	_, rest, ok := bytes.Cut(t[4:], []byte("-->"))
	return rest, ok && !bytes.HasPrefix(trimText(rest), []byte("<"))
}

// rootName returns the local name of the first element in t.
func rootName(t []byte) string {
	for {
		t = bytes.TrimLeft(t, " \t\r\n")
		var skip string
		switch {
		case bytes.HasPrefix(t, []byte("<?")):
			skip = "?>"
		case bytes.HasPrefix(t, []byte("<!--")):
			skip = "-->"
		case bytes.HasPrefix(t, []byte("<")):
			t = t[1:]
			_, local := xmlscan.SplitName(t[:xmlscan.ScanName(t[:min(len(t), xmlscan.MaxName)])])
			return string(local)
		default:
			return ""
		}
		_, after, ok := bytes.Cut(t, []byte(skip))
		if !ok {
			return ""
		}
		t = after
	}
}

// markupKind recognises HTML by its beginning.
func markupKind(t []byte) Kind {
	head := bytes.TrimLeft(t[:min(len(t), 512)], "\ufeff \t\r\n")
	head = bytes.ToLower(head[:min(len(head), 256)])
	switch {
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return KindHTML
	case bytes.HasPrefix(head, []byte("<!--")) || bytes.HasPrefix(head, []byte("<?xml")):
		if bytes.Contains(head, []byte("<!doctype html")) || bytes.Contains(head, []byte("<html")) {
			return KindHTML
		}
	case bytes.HasPrefix(head, []byte("<head")), bytes.HasPrefix(head, []byte("<body")):
		return KindHTML
	}
	return ""
}

func markupAdvice(k Kind) string {
	switch k {
	case KindHTML:
		return "perhaps a log-in or error page was saved in place of the file: sign in and download it again"
	case KindDTD:
		return "remove the DOCTYPE; SAML metadata has none"
	}
	return "download the metadata of the identity provider"
}

// parseJSON reads the strings in a JSON document: the x5c of a JWKS, the
// application that JumpCloud's API returns, the configuration that Microsoft
// Graph does. Strings that are nothing of the kind are passed over. It reports
// false if t is not JSON.
func parseJSON(t []byte, in nesting) ([]Cert, *ParseError, bool) {
	if !json.Valid(t) {
		return nil, nil, false
	}
	var cs []Cert
	jwk, d := false, false
	err := jsonStrings(t, func(key, value string) *ParseError {
		jwk = jwk || key == "kty"
		d = d || key == "d" && len(value) > 20
		if len(value) < 64 || !in.more() {
			return nil
		}
		found, err := parseNested([]byte(value), in)
		if err == nil {
			cs = append(cs, found...)
			return nil
		}
		switch err.Found {
		case KindPrivateKey, KindEncryptedPrivateKey, KindTruncated, KindTrailingData, KindDamaged, KindUnreadable:
			err.Line, err.Column = 0, 0 // in the string
			return err
		}
		return nil
	})
	switch {
	case jwk && d:
		return nil, refuse(KindPrivateKey, "%s", adviceKey), true
	case err != nil:
		return nil, err, true
	case len(cs) == 0:
		return nil, refuse(KindJSON, "pass the certificate alone"), true
	}
	return cs, nil, true
}

// jsonStrings calls f with each string value in t and the key of the object
// member that it is, or that its array is.
func jsonStrings(t []byte, f func(key, value string) *ParseError) *ParseError {
	type level struct {
		object, value bool
		key           string
	}
	var stack []level
	var first *ParseError
	dec := json.NewDecoder(bytes.NewReader(t))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err != nil {
			return first
		}
		top := level{}
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		if s, ok := tok.(string); ok && top.object && !top.value {
			stack[len(stack)-1].key, stack[len(stack)-1].value = s, true
			continue
		}
		if d, ok := tok.(json.Delim); ok && (d == '}' || d == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) > 0 {
			stack[len(stack)-1].value = false
		}
		switch v := tok.(type) {
		case json.Delim:
			stack = append(stack, level{object: v == '{', key: top.key})
		case string:
			if perr := f(top.key, v); perr != nil && first == nil {
				first = perr
			}
		}
	}
}

// unwrapMetadata takes off what is around metadata.
func unwrapMetadata(b []byte) (document, *ParseError) {
	if len(b) == 0 {
		return document{}, refuse(KindEmpty, "there is no input at all")
	}
	if looksDER(b) {
		_, err := parseDER(b)
		return document{}, notMetadata(err)
	}
	text, guessed, err := decodeText(b)
	if err != nil {
		return document{}, notMetadata(err)
	}
	if err := findKey(text); err != nil {
		return document{}, err
	}
	if t, ok := peelXML(text); ok && !isTextTag([]byte(rootName(t))) {
		if k := markupKind(t); k != "" {
			return document{}, refuse(k, "%s", markupAdvice(k))
		}
		if err := findKey(t); err != nil {
			return document{}, err
		}
		if guessed && bytes.IndexFunc(t, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			return document{}, refuse(KindMalformedXML, "text that is neither UTF-8 nor UTF-16: save it as UTF-8")
		}
		return document{text: t, utf16: true}, nil
	}
	t := trimText(text)
	switch {
	case len(t) == 0:
		return document{}, refuse(KindEmpty, "there is only white space")
	case t[0] == '<':
		return document{text: t, utf16: true}, nil
	}
	if _, err = parseText(text, newNesting(text)); err != nil && err.Found == KindNotCertificate {
		err = refuse(KindNotMetadata, "it does not begin with <")
	}
	return document{}, notMetadata(err)
}

// notMetadata makes an error for metadata of one for certificates, or of the
// fact that there was no error.
func notMetadata(err *ParseError) *ParseError {
	if err == nil {
		return refuse(KindNotMetadata, "it is a certificate alone: use Parse, or pass the metadata it comes from")
	}
	if err.Found == KindNotCertificate {
		err.Found = KindNotMetadata
	}
	return err
}
