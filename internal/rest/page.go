package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// HTMLPage reports whether an answer is a page of HTML, which neither service
// sends, and describes it in one line. What sends such pages stands between:
// proxies, captive portals, content filters and the edge of a cloud. Their word
// says nothing about credentials, permissions or objects.
func HTMLPage(h http.Header, body []byte) (string, bool) {
	b := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(b) == 0 || b[0] == '{' || b[0] == '[' {
		return "", false
	}
	head := strings.ToLower(string(b[:min(len(b), 1<<10)]))
	marked := b[0] == '<' && (strings.Contains(head, "<html") || strings.Contains(head, "<!doctype html") ||
		strings.Contains(head, "<head") || strings.Contains(head, "<body") || strings.Contains(head, "<title"))
	if !marked && !strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") {
		return "", false
	}
	text := "an HTML page instead of JSON, as proxies and captive portals send"
	if t := title(b); t != "" {
		text += fmt.Sprintf(": title %q", t)
	}
	return text, true
}

// title is the title of a page, in one line of bounded length.
func title(page []byte) string {
	const most = 80
	lower := bytes.ToLower(page)
	if len(lower) != len(page) { // some capitals are longer than their small letters
		lower = page
	}
	_, rest, ok := bytes.Cut(lower, []byte("<title"))
	if !ok {
		return ""
	}
	from := len(page) - len(rest)
	i := bytes.IndexByte(rest, '>')
	n := bytes.Index(rest, []byte("</title"))
	if i < 0 || n <= i {
		return ""
	}
	t := []rune(strings.Join(strings.Fields(html.UnescapeString(string(page[from+i+1:from+n]))), " "))
	if len(t) > most {
		return string(t[:most]) + "…"
	}
	return string(t)
}

// What says in a few words what a body is, for an error about a body that is
// not what was promised. It repeats no value.
func What(body []byte) string {
	b := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(b) == 0 {
		return "nothing"
	}
	if _, ok := HTMLPage(nil, b); ok {
		return "an HTML page"
	}
	if !json.Valid(b) {
		return "something that is not JSON, or not all of it"
	}
	switch b[0] {
	case '{':
		return members(b)
	case '[':
		return "a bare list"
	case '"':
		return "a text"
	case 'n':
		return "null"
	}
	return "a single value"
}

// members names the first members of an object, as far as they are names.
func members(object []byte) string {
	const most = 5
	var names []string
	d := json.NewDecoder(bytes.NewReader(object))
	d.Token()
	for d.More() && len(names) < most {
		key, err := d.Token()
		var skip json.RawMessage
		if err != nil || d.Decode(&skip) != nil {
			break
		}
		if s, ok := key.(string); ok && isName(s) {
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		return "an object without anything known"
	}
	return "an object with " + strings.Join(names, ", ")
}

// isName reports whether s is short and has only what names of members have, so
// that neither a person's address nor a key gets into an error.
func isName(s string) bool {
	return s != "" && len(s) <= 24 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '.' && r != '@' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) && strings.LastIndexByte(s, '@') <= 0
}
