package signin

import (
	"slices"
	"strings"
	"unicode"
)

// Explanation says what a code of Azure AD's sign-in means in a domain that is
// federated.
type Explanation struct {
	Code    string   `json:"code"` // such as "AADSTS50107"
	Meaning string   `json:"meaning"`
	Causes  []string `json:"causes,omitempty"` // the likeliest first
	Repair  string   `json:"repair,omitempty"`
	Source  string   `json:"source,omitempty"` // of the meaning; empty for a code that is not known

	// Confirmed says that the text of the error was seen on a real page. Of
	// other codes only the meaning is known, from reference and reports.
	Confirmed bool `json:"confirmed"`
}

// Limits of Explain.
const (
	maxText         = 4 << 20 // bytes that are looked at
	maxExplanations = 100
)

const prefix = "AADSTS"

var table = func() map[string]Explanation {
	m := make(map[string]Explanation)
	for _, r := range rows {
		for _, c := range strings.Fields(r.codes) {
			if !strings.HasPrefix(c, "0x") {
				c = prefix + c
			}
			m[strings.ToUpper(c)] = Explanation{c, r.meaning, r.causes, r.repair, r.source, r.confirmed}
		}
	}
	return m
}()

// Explain explains every code in a text, in their order, each once: a page that
// was copied, a log, an answer in JSON, or a code alone. A number counts as a
// code where it stands behind AADSTS, or is the value of a field that holds
// codes in logs: errorCode, error_codes, ResultType, "error code". No other
// number does.
//
// Azure AD's codes may change, and their texts do: take an explanation for a
// hint. A code that is not known is said to be so.
func Explain(text string) []Explanation {
	text = text[:min(len(text), maxText)]
	var found []Explanation
	for i := 0; i < len(text) && len(found) < maxExplanations; {
		codes, n := codesAt(text, i)
		for _, code := range codes {
			if !slices.ContainsFunc(found, func(e Explanation) bool { return e.Code == code }) {
				found = append(found, explain(code))
			}
		}
		i += n
	}
	return found
}

// explain returns what is known of a code.
func explain(code string) Explanation {
	e, ok := table[strings.ToUpper(code)]
	if !ok {
		return Explanation{Code: code, Meaning: "not known to this package: nothing is said of it in the context of a federated domain",
			Repair: "look it up at https://login.microsoftonline.com/error?code=" + strings.TrimPrefix(code, prefix)}
	}
	e.Causes = slices.Clone(e.Causes)
	return e
}

// fields are the names of fields that hold codes, without what parts their words.
var fields = []string{"errorcode", "errorcodes", "resulttype", "signinerrorcode"}

// codesAt looks for codes at a place of a text, and says how far to go on.
func codesAt(text string, i int) (codes []string, n int) {
	rest := text[i:]
	switch rest[0] | 0x20 {
	case '0':
		if len(rest) >= 10 && strings.EqualFold(rest[:10], "0x800488FC") && !wordAt(rest, 10) && !wordBefore(text, i) {
			return []string{"0x800488FC"}, 10
		}
	case 'a':
		if len(rest) > len(prefix) && strings.EqualFold(rest[:len(prefix)], prefix) && !wordBefore(text, i) {
			if d := digits(rest[len(prefix):]); d >= 3 && d <= 9 {
				return []string{prefix + rest[len(prefix):len(prefix)+d]}, len(prefix) + d
			}
		}
	case 'e', 'r', 's':
		if wordBefore(text, i) {
			break
		}
		at := field(rest)
		if at == 0 {
			break
		}
		v := strings.TrimLeft(rest[at:], "\\\"'")
		if v == "" || strings.IndexByte(" \t\r\n:=", v[0]) < 0 {
			return nil, at
		}
		v = strings.TrimLeft(v, " \t\r\n:=")
		list := strings.HasPrefix(v, "[")
		for len(codes) < maxExplanations {
			v = strings.TrimLeft(v, "[\\\"' \t\r\n")
			d := digits(v)
			if d < 5 || d > 8 || wordAt(v, d) || v[0] == '0' {
				break
			}
			codes = append(codes, prefix+v[:d])
			v = strings.TrimLeft(v[d:], "\\\"' \t\r\n")
			if !list || !strings.HasPrefix(v, ",") {
				break
			}
			v = v[1:]
		}
		return codes, max(at, len(rest)-len(v))
	}
	return nil, 1
}

// field returns the length of a name of a field that holds codes, or 0.
func field(s string) int {
	var name []byte
	for i := 0; i < min(len(s), 24); i++ {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			name = append(name, c|0x20)
			if i+1 == len(s) || s[i+1]|0x20 < 'a' || s[i+1]|0x20 > 'z' {
				if slices.Contains(fields, string(name)) {
					return i + 1
				}
			}
		case c == ' ' || c == '_' || c == '-':
		default:
			return 0
		}
	}
	return 0
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// wordAt reports whether a word or a fraction goes on at a place.
func wordAt(s string, i int) bool {
	if i >= len(s) {
		return false
	}
	c := rune(s[i])
	return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) || c == '.' && i+1 < len(s) && unicode.IsDigit(rune(s[i+1]))
}

// wordBefore reports whether a place is in the middle of a word. The letter of a line
// end that is escaped, as in JSON and addresses, belongs to none.
func wordBefore(text string, i int) bool {
	switch {
	case i == 0 || !alnum(text[i-1]):
		return false
	case i >= 2 && text[i-2] == '\\':
		return strings.IndexByte("nrt", text[i-1]) < 0
	case i >= 3 && text[i-3] == '%':
		return !hex(text[i-2]) || !hex(text[i-1])
	}
	return true
}

func alnum(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func hex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
