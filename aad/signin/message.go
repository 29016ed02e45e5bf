package signin

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// Limits of what is read. Honest messages have 5 to 20 KiB.
const (
	// MaxInput bounds an archive in JSON, in bytes.
	MaxInput = 64 << 20
	// MaxMessage bounds one message in XML, in bytes, and with it whatever is no
	// archive: that may be four times as long.
	MaxMessage = 256 << 10

	maxMessages = 64 // of one input, of which the last are kept

	maxDecoded = 8 * MaxMessage // bytes of fields that are decoded, of which an archive's last are kept
)

// Message is an answer of an identity provider, as it was found.
type Message struct {
	XML []byte

	// Field is the form field that held it: "SAMLResponse", or "wresult" of
	// WS-Federation. It is empty for bare XML.
	Field string

	// Binding is [certs.BindingHTTPPost], [certs.BindingHTTPRedirect], or empty
	// if it cannot be told how the message was sent. Azure AD takes POST.
	Binding string

	// URL is where it was sent, without query; empty if that is not known.
	URL string

	// At is when it was sent, as a HAR tells it; zero if that is not known.
	At time.Time

	packed packing
}

// packing is what was done to the XML.
type packing int

const (
	plain packing = iota
	inBase64
	deflated
)

// odd says how a field differs from what Azure AD takes in it, if it does.
func (m *Message) odd(p aad.Protocol) string {
	switch {
	case m.Binding == certs.BindingHTTPRedirect || m.Field == "":
	case m.packed == deflated:
		return "compressed, and posted"
	case m.Field == fieldSAML && p != aad.SAML:
		return "a token of WS-Federation in the field " + fieldSAML
	case m.Field == fieldWSFed && p != aad.WSFed:
		return "a response of SAML 2.0 in the field " + fieldWSFed
	case m.Field == fieldSAML && m.packed == plain:
		return fieldSAML + " not in base64"
	case m.Field == fieldWSFed && m.packed == inBase64:
		return fieldWSFed + " in base64"
	}
	return ""
}

// Pick returns the message that [Judge] judges of several, by its number from 0:
// the last that was posted to login.srf, or the last if none was. Of none it is -1.
func Pick(found []Message) int {
	for i := len(found) - 1; i >= 0; i-- {
		if found[i].posted() {
			return i
		}
	}
	return len(found) - 1
}

// posted reports whether the message was posted to Azure AD.
func (m *Message) posted() bool {
	return m.Binding == certs.BindingHTTPPost && strings.HasSuffix(strings.ToLower(m.URL), "/login.srf")
}

var errNothing = errors.New("signin: no response of an identity provider in it: neither XML, nor a field SAMLResponse or wresult")

// Messages finds the answers of identity providers in what people have at hand:
//
//   - XML, also with its markup escaped;
//   - the value of the field SAMLResponse or wresult: base64, percent-encoded or not, with or without line breaks;
//   - the body of the request, or a command line or address that holds it;
//   - the page whose form posts it;
//   - a HAR, or an export of SAML-tracer: messages in their order.
//
// It does not judge them, and the XML may be none.
func Messages(b []byte) ([]Message, error) {
	b = fromUTF16(b)
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\ufeff")))
	archive := len(trimmed) > 0 && trimmed[0] == '{'
	switch {
	case len(trimmed) == 0:
		return nil, errors.New("signin: the input is empty")
	case len(b) > MaxInput, !archive && len(b) > 4*MaxMessage:
		return nil, fmt.Errorf("signin: %d bytes are too many: at most %d MiB are read of an archive, %d KiB of anything else",
			len(b), MaxInput>>20, 4*MaxMessage>>10)
	case archive:
		return readArchive(trimmed)
	}
	text := string(trimmed)
	if strings.HasPrefix(text, "&lt;") {
		text = html.UnescapeString(text)
	}
	left := maxDecoded
	if text[0] == '<' {
		if isPage(text) {
			return readPage(text, &left)
		}
		return checked([]Message{{XML: []byte(text)}})
	}
	if found := readFields(text, &left); len(found) > 0 {
		return checked(found)
	}
	if strings.Contains(text, "SAMLRequest=") || strings.Contains(text, "wtrealm=") {
		return nil, errors.New("signin: it is a request to the identity provider, not its answer")
	}
	left = maxDecoded
	m, ok := decodeField(text, &left)
	if !ok {
		return nil, errNothing
	}
	return checked([]Message{m})
}

// wide returns the order of bytes of UTF-16 that begins with its mark, or nil.
func wide(b []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		return binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return binary.BigEndian
	}
	return nil
}

// fromUTF16 converts what a shell has written in UTF-16. An XML declaration, which
// may say so, is left out with it.
func fromUTF16(b []byte) []byte {
	order := wide(b)
	if order == nil || len(b) > MaxInput {
		return b
	}
	out := make([]byte, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		r := rune(order.Uint16(b[i:]))
		if utf16.IsSurrogate(r) && i+3 < len(b) {
			r = utf16.DecodeRune(r, rune(order.Uint16(b[i+2:])))
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	if t := bytes.TrimSpace(out); bytes.HasPrefix(t, []byte("<?xml ")) {
		if _, rest, ok := bytes.Cut(t, []byte("?>")); ok {
			return rest
		}
	}
	return out
}

// checked refuses messages that are too long, and keeps the last of too many.
func checked(found []Message) ([]Message, error) {
	if len(found) == 0 {
		return nil, errNothing
	}
	found = found[max(0, len(found)-maxMessages):]
	for _, m := range found {
		if len(m.XML) > MaxMessage {
			return nil, fmt.Errorf("signin: a message of more than %d KiB", MaxMessage>>10)
		}
	}
	return found, nil
}

// decodeField reads the value of a form field, whatever was done to it. It takes
// what that costs from what is left.
func decodeField(v string, left *int) (Message, bool) {
	if *left -= len(v) + 1<<10; *left < 0 {
		return Message{}, false
	}
	v = strings.Trim(v, "\ufeff\"'` \t\r\n")
	for range 2 { // a value that was taken from a request is encoded once, from a log of it twice
		if strings.HasPrefix(v, "<") || !strings.Contains(v, "%") {
			break
		}
		un, err := url.PathUnescape(v)
		if err == nil && strings.HasPrefix(strings.TrimSpace(un), "<") { // XML, in which + is a blank
			un, err = url.QueryUnescape(v)
		}
		if err != nil {
			return Message{}, false
		}
		v = strings.TrimSpace(un)
	}
	if !strings.HasPrefix(v, "<") && (strings.Contains(v, "&#") || strings.HasPrefix(v, "&lt;")) {
		v = strings.TrimSpace(html.UnescapeString(v))
	}
	if strings.HasPrefix(v, "<") {
		return Message{XML: []byte(v)}, true
	}
	raw, ok := decodeBase64(v)
	if !ok || len(raw) == 0 {
		return Message{}, false
	}
	if t := bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff"))); len(t) > 0 && t[0] == '<' || wide(raw) != nil {
		return Message{XML: raw, packed: inBase64}, true
	}
	// Only the Redirect binding compresses.
	if *left -= 32 << 10; *left < 0 {
		return Message{}, false
	}
	z, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), MaxMessage+1))
	*left -= len(z)
	if t := bytes.TrimSpace(z); err != nil && len(z) <= MaxMessage || len(t) == 0 || t[0] != '<' {
		return Message{}, false
	}
	return Message{XML: z, Binding: certs.BindingHTTPRedirect, packed: deflated}, true
}

// decodeBase64 decodes either alphabet, with or without padding and white space.
func decodeBase64(v string) ([]byte, bool) {
	v = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n':
			return -1
		case '-':
			return '+'
		case '_':
			return '/'
		}
		return r
	}, v)
	v = strings.ReplaceAll(strings.ReplaceAll(v, `\n`, ""), `\r`, "") // of a log
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
	return b, err == nil
}

// Fields of the two protocols.
const (
	fieldSAML  = "SAMLResponse"
	fieldWSFed = "wresult"
)

// readFields finds the fields in a request's body, in an address, and in whatever
// was copied together with them.
func readFields(text string, left *int) []Message {
	var found []Message
	next := map[string]int{fieldSAML: -1, fieldWSFed: -1}
	for i, tries := 0, 0; tries < 2*maxMessages && *left > 0; tries++ {
		at, name := len(text), ""
		for field, j := range next {
			if j < i {
				if j = strings.Index(text[i:], field); j < 0 {
					j = len(text)
				} else {
					j += i
				}
				next[field] = j
			}
			if j < at {
				at, name = j, field
			}
		}
		if name == "" {
			break
		}
		i = at + len(name)
		v, ok := fieldValue(text[i:])
		if !ok {
			continue
		}
		m, ok := decodeField(v, left)
		if !ok {
			continue
		}
		m.Field = name
		if m.Binding == "" {
			m.Binding = certs.BindingHTTPPost
		}
		before := text[max(0, at-2<<10):at]
		before = before[strings.LastIndexAny(before, " \t\r\n\"'")+1:]
		address, _, query := strings.Cut(before, "?")
		if query && (strings.Contains(address, "://") || !strings.Contains(address, "=")) && !strings.HasPrefix(address, "RelayState=") {
			m.Binding, m.URL = certs.BindingHTTPRedirect, address
		}
		found = append(found, m)
	}
	return found
}

// fieldValue returns the value behind the name of a field: name=value as in a
// body, or "name": value as in a list.
func fieldValue(s string) (string, bool) {
	sep := strings.IndexAny(s[:min(len(s), 8)], "=:")
	if sep < 0 || strings.Trim(s[:sep], "\"' ") != "" {
		return "", false
	}
	v, stop := strings.TrimLeft(s[sep+1:], "\"' "), "&\"'"
	if s[sep] == ':' {
		stop = "\r\n"
	}
	switch n := strings.IndexAny(v, stop); {
	case strings.HasPrefix(v, "<"):
		v = v[:strings.LastIndexByte(v, '>')+1]
	case n >= 0 && !strings.HasPrefix(v, "&lt;"):
		v = v[:n]
	}
	return v, true
}
