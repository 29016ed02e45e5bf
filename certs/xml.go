package certs

import "github.com/jcaad/jcaad/certs/internal/xmlscan"

// scanError turns an error of the scanner into this package's. Those of a
// reader stay as they are.
func scanError(err error) error {
	e, ok := err.(*xmlscan.Error)
	if !ok {
		return err
	}
	k := KindMalformedXML
	if e.DTD {
		k = KindDTD
	}
	return &ParseError{Found: k, Line: e.Line, Column: e.Column, detail: e.Detail}
}

func isSpace(c byte) bool { return xmlscan.IsSpace(c) }

func skipSpace(b []byte, i int) int { return xmlscan.SkipSpace(b, i) }
