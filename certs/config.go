package certs

import "bytes"

// minLine is the length from which a run of base64 in a line may be part of a
// certificate. What is shorter is a word, a number or the last line of one.
const minLine = 40

// keepLongValues returns the values in base64 that are in lines of
// configuration, code or a mail, each with the lines that it goes on in, if no
// other line can be part of a certificate.
func keepLongValues(t []byte) ([]byte, bool) {
	var out, value []byte
	broken := false // the last value ended within a certificate
	end := func() {
		broken = len(value) >= minCertText && !wholeBase64(value)
		if len(value) >= minCertText {
			out = append(append(out, value...), '\n')
		}
		value = value[:0]
	}
	for line := range bytes.Lines(t) {
		count(len(line))
		run, key, ok := lineValue(line)
		switch {
		case !ok:
			return nil, false
		case len(run) == 0:
			if len(value) > 0 {
				end()
			}
		case len(value) > 0 && !key && value[len(value)-1] != '=' && (len(run) >= minLine || !wholeBase64(value)):
			value = append(value, run...)
			if len(run) < minLine {
				end() // the last line of a certificate
			}
		default:
			if len(value) > 0 {
				end()
			}
			if len(run) >= minLine {
				if broken && !key {
					return nil, false // something foreign is within it
				}
				value = append(value, run...)
			}
		}
	}
	end()
	return out, len(out) > 0
}

// lineValue returns the base64 in a line, and whether it is the value of a key:
// nothing else but punctuation and the line's number may be beside it. It
// reports false if there are several runs of base64 or something else that
// could be one.
func lineValue(line []byte) (run []byte, key, ok bool) {
	line = bytes.TrimLeft(line, " \t>|#*")
	line = bytes.TrimPrefix(line, []byte("- "))
	line = bytes.TrimRight(line, " \t\r\n\"'`,;\\)}]")
	run = longestRun(line)
	if len(run) == 0 {
		return nil, false, true
	}
	at := bytes.Index(line, run)
	before, after := line[:at], line[at+len(run):]
	pad := len(after) - len(bytes.TrimLeft(after, "="))
	run, after = line[at:at+len(run)+pad], after[pad:]
	before = bytes.TrimRight(before, " \t\"'`([{")
	if _, rest, numbered := lineNumber(before); numbered && len(bytes.TrimSpace(rest)) == 0 {
		before = nil
	}
	key = len(before) > 0
	switch {
	case len(after) == 0 && !key,
		len(after) == 0 && bytes.IndexByte([]byte(":=>"), before[len(before)-1]) >= 0 && len(longestRun(before)) < minLine:
		return run, key, true
	case len(run) < minLine || bytes.Contains(line, []byte("://")):
		return nil, false, true
	}
	return nil, false, false
}

// wholeBase64 reports whether t is one whole certificate.
func wholeBase64(t []byte) bool {
	count(len(t))
	raw, err := decodeBase64(t)
	return err == nil && isCertificate(raw)
}

// configPEM reads PEM in the texts and attributes of XML that is no metadata:
// the configuration of some program. What is in a comment does not count.
func configPEM(t []byte, in nesting) ([]Cert, *ParseError) {
	var cs []Cert
	take := func(b []byte) *ParseError {
		ms := findMarkers(b)
		if len(ms) == 0 {
			return nil
		}
		found, err := parsePEM(b, ms, in)
		if err != nil {
			err.offset = 0
		}
		cs = append(cs, found...)
		return err
	}
	for p := (pieces{rest: t}); p.next(); {
		var err *ParseError
		switch p.kind {
		case pieceText, pieceCDATA, pieceStart, pieceEmpty:
			err = take(p.body)
		}
		if err != nil {
			return nil, err
		}
	}
	return cs, nil
}
