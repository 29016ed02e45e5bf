// Package text judges names and makes texts fit for one line.
package text

import (
	"regexp"
	"strings"
)

// OneLine returns s on one line of at most so many characters: what a terminal
// would obey, and what nobody can see, is a space, and spaces in a row are one.
func OneLine(s string, most int) string {
	return Printable(strings.Join(strings.Fields(strings.Map(Visible, s)), " "), most)
}

// Printable returns at most so many characters of s, each as by [Visible].
func Printable(s string, most int) string {
	s = strings.Map(Visible, s)
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// Visible returns r, or a space for what a terminal would obey or nobody can see.
func Visible(r rune) rune {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029,
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, // directions
		r == 0x200b, r == 0xfeff:
		return ' '
	}
	return r
}

var address = regexp.MustCompile(`[^\s<>()\[\]{}"',;:=&]+(@|%40)[^\s<>()\[\]{}"',;:&]+`)

// NoAddresses blanks email addresses.
func NoAddresses(s string) string {
	if !strings.Contains(s, "@") && !strings.Contains(s, "%40") {
		return s
	}
	return address.ReplaceAllString(s, "<address>")
}

// Domain returns the one spelling of a domain: lower case, no trailing dot.
func Domain(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// WrongDomain says what speaks against a name, spelled as by [Domain], to go behind
// "the domain"; "" means nothing.
func WrongDomain(name string) string {
	const none = "is not a domain name"
	switch {
	case name == "":
		return "is empty"
	case len(name) > 253:
		return "is longer than a domain name may be"
	case strings.ContainsAny(name, "/@ "):
		return none
	case !strings.Contains(name, "."):
		return "has no dot: give the full domain name, such as example.com"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return none
		}
		for _, r := range label {
			switch {
			case r >= 0x80: // AADSTS90029: realms with Unicode domains are refused
				return "is not in ASCII (use its xn-- form)"
			case r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z'):
				return none
			}
		}
	}
	return ""
}

// Slug is the last segment of the login URL that is made for a domain. No two domains have
// the same: acme-co.uk is acme--co-uk, acme.co.uk acme-co-uk.
func Slug(domain string) string {
	return strings.ReplaceAll(strings.ReplaceAll(domain, "-", "--"), ".", "-")
}
