package recording

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

var (
	hexForm   = regexp.MustCompile(`^[0-9A-Fa-f]{8,}$`)
	guidForm  = regexp.MustCompile(`^\{?[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\}?$`)
	digitForm = regexp.MustCompile(`^-?[0-9]+$`)
	phoneForm = regexp.MustCompile(`^[+(]?[0-9][0-9 ()./:,-]*$`)
	codeForm  = regexp.MustCompile(`AADSTS[0-9]{4,9}\b`)
	wordForm  = regexp.MustCompile(`^[\pL\pN_'’.-]+$`)
	codedForm = regexp.MustCompile(`^[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?$`)
	pathForm  = regexp.MustCompile(`^/[!-~]*$`)
)

// maxDepth is how deep forms within forms are opened: base64 of percent-encoded JSON with a URL in
// it. What lies deeper goes as a whole.
const maxDepth = 12

// text returns the pseudonym of a text by its form, or the text if it is public.
func (m *mask) text(s string, at place) string { return m.form(s, at, 0) }

// form is text at some depth of forms within forms.
func (m *mask) form(s string, at place, depth int) string {
	core := strings.Trim(s, " \t\r\n")
	if core != s {
		i := strings.Index(s, core)
		return s[:i] + m.form(core, at, depth) + s[i+len(core):]
	}
	switch {
	case s == "":
		return s
	case !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r >= 0x80 }) && len(s) <= 3:
		return m.keep("value", s, at)
	case at.treatment() == secret:
		return m.hide(s)
	case at.treatment() == coded && codedForm.MatchString(s):
		return m.opaque(s)
	case at.enumerated(s), at.key != "" && (s == "true" || s == "false" || s == "null"):
		return m.keep("value", s, at)
	case depth > maxDepth:
		return m.sentence(s)
	}
	for _, f := range [...]func(string, place, int) (string, bool){
		m.numeral, m.moment, m.identifier, m.list, m.said, m.opened, m.sited, m.named,
	} {
		if out, ok := f(s, at, depth); ok {
			return out
		}
	}
	return m.prose(s, at)
}

// hide replaces a secret: a token that is a JWT stays one, of everything else only the length is left.
func (m *mask) hide(s string) string {
	if out, ok := m.jwt(s, place{}, 0); ok {
		return out
	}
	return m.opaque(s)
}

// numeral reads numbers that are written as texts.
func (m *mask) numeral(s string, at place, _ int) (string, bool) {
	if at.treatment() == counted && countForm.MatchString(s) {
		return m.keep("number", s, at), true
	}
	if !digitForm.MatchString(s) || len(s) == 24 || len(s) >= 32 {
		return "", false // the latter are hexadecimal IDs without a letter
	}
	return m.number(s, at), true
}

// identifier reads the IDs of both services.
func (m *mask) identifier(s string, at place, _ int) (string, bool) {
	switch {
	case guidForm.MatchString(s):
		if public().ids[strings.ToLower(s)] {
			return m.keep("id", s, at), true
		}
		return m.guid(s), true
	case hexForm.MatchString(s) && (strings.ContainsAny(s, digits) || len(s) == 24 || len(s) >= 32):
		return m.hex(s), true
	case strings.HasPrefix(s, "S-1-") && phoneForm.MatchString(s[4:]):
		return "S-1-" + m.digits(s[4:]), true
	}
	return "", false
}

// guid is the pseudonym of a GUID: one of version 4.
func (m *mask) guid(s string) string {
	out := []byte(m.hex(s))
	if string(out) == s {
		return s // the ID of nothing
	}
	first := strings.IndexByte(s, '-')
	out[first+6] = '4'
	if c := out[first+11]; strings.IndexByte("89abAB", c) < 0 {
		out[first+11] = "89ab"[int(c)%4]
		if strings.ToUpper(s) == s {
			out[first+11] = "89AB"[int(c)%4]
		}
	}
	return string(out)
}

// list reads values that hold several, and questions.
func (m *mask) list(s string, at place, depth int) (string, bool) {
	switch at.treatment() {
	case asked:
		return m.question(s, at, depth), true
	case listed:
		parts := strings.FieldsFunc(s, listSeparator)
		if len(parts) < 2 {
			return "", false
		}
		var b strings.Builder
		for rest := s; rest != ""; {
			n := strings.IndexFunc(rest, listSeparator)
			switch {
			case n < 0:
				n = len(rest)
				fallthrough
			case n > 0:
				b.WriteString(m.form(rest[:n], at, depth+1))
			default:
				n = 1
				b.WriteByte(rest[0])
			}
			rest = rest[n:]
		}
		return b.String(), true
	}
	return "", false
}

func listSeparator(r rune) bool { return r == ',' || r == ' ' || r == ';' }

// named reads names of people and things, of one to three words, and telephone numbers.
func (m *mask) named(s string, _ place, _ int) (string, bool) {
	if phoneForm.MatchString(s) {
		return m.digits(s), true
	}
	parts := strings.Split(s, " ")
	if len(parts) > 3 {
		return "", false
	}
	for _, w := range parts {
		if !wordForm.MatchString(w) || len(w) > 64 {
			return "", false
		}
	}
	if len(parts) == 1 && len(s) >= 20 && mixed(s) {
		return m.opaque(s), true
	}
	return m.phrase(parts), true
}

// mixed reports whether s looks drawn: small letters, capitals and digits.
func mixed(s string) bool {
	return strings.ContainsAny(s, small) && strings.ContainsAny(s, strings.ToUpper(small)) && strings.ContainsAny(s, digits)
}

// said reads what a service says in an error: what it says to everybody stays, and so do
// the codes of Azure AD in it.
func (m *mask) said(s string, at place, _ int) (string, bool) {
	if !public().speaks[at.key] {
		return "", false
	}
	for _, pattern := range public().sentences {
		before, after, hole := strings.Cut(pattern, "*")
		switch {
		case !hole && s == pattern:
			return m.keep("sentence", s, at), true
		case hole && len(s) > len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after):
			m.keep("sentence", pattern, at)
			in := place{request: at.request, path: at.path}
			what := s[len(before) : len(s)-len(after)]
			if lower := strings.ToLower(what); public().paths[lower] || public().names[lower] {
				return before + m.keep("value", what, in) + after, true // what is missing, not whose
			}
			return before + m.form(what, in, maxDepth) + after, true
		}
	}
	if code := codeForm.FindString(s); code != "" && code != s {
		return m.keep("value", code, at) + ": " + m.sentence(s), true
	} else if code != "" {
		return m.keep("value", code, at), true
	}
	return "", false
}

// prose replaces what somebody has written.
func (m *mask) prose(s string, _ place) string {
	if !strings.ContainsAny(s, " \n") && len(s) >= 20 {
		return m.opaque(s)
	}
	return m.sentence(s)
}

// number returns the pseudonym of a number, as it is written in JSON: one that counts stays
// while it is small, one that is a time moves, and of every other one only the form is left.
func (m *mask) number(s string, at place) string {
	switch at.treatment() {
	case counted:
		if countForm.MatchString(s) || s == "2147483647" { // which is "never", of the validity of passwords
			return m.keep("number", s, at)
		}
	case dated:
		if out, ok := m.epoch(s); ok {
			return out
		}
	}
	mantissa, _, exponent := strings.Cut(strings.ToLower(s), "e")
	if exponent {
		return m.digits(mantissa) + "e1"
	}
	return m.digits(mantissa)
}

var countForm = regexp.MustCompile(`^-?[0-9]{1,6}(\.[0-9]{1,3})?$`)

// quote writes a text in JSON.
func quote(s string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string: never fails
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
