package signin

import (
	"html"
	"strings"

	"github.com/jcaad/jcaad/certs"
)

// isPage reports whether markup is HTML.
func isPage(text string) bool {
	if head := text[:min(len(text), 512)]; strings.Contains(head, ":SAML:") && !strings.Contains(head, "<html") {
		return false
	}
	head := strings.ToLower(text[:min(len(text), 2<<10)])
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<form", "<input", "<script"} {
		if strings.Contains(head, tag) {
			return true
		}
	}
	return false
}

// readPage finds the fields of the forms in a page, which a browser would post.
func readPage(text string, left *int) ([]Message, error) {
	var found []Message
	action, post := "", false
	for i := 0; i < len(text) && len(found) < maxMessages; {
		j := strings.IndexByte(text[i:], '<')
		if j < 0 {
			break
		}
		i += j + 1
		name, attrs, n := tag(text[i:])
		i += n
		switch name {
		case "form":
			action, post = attrs["action"], strings.EqualFold(attrs["method"], "post")
		case "input", "textarea":
			field := attrs["name"]
			if field != fieldSAML && field != fieldWSFed {
				continue
			}
			v := attrs["value"]
			if name == "textarea" {
				v, _, _ = strings.Cut(strings.TrimPrefix(text[i:], ">"), "</")
				v = html.UnescapeString(v)
			}
			if m, ok := decodeField(v, left); ok {
				m.Field, m.URL = field, withoutQuery(action)
				if m.Binding == "" && post {
					m.Binding = certs.BindingHTTPPost
				}
				found = append(found, m)
			}
		}
	}
	return checked(found)
}

func withoutQuery(u string) string {
	u, _, _ = strings.Cut(strings.TrimSpace(u), "?")
	return u
}

// tag reads a start tag behind its <, as leniently as browsers do, and returns
// where it ends.
func tag(s string) (name string, attrs map[string]string, n int) {
	const blank = " \t\r\n/"
	for n < len(s) && strings.IndexByte(blank+">", s[n]) < 0 && n < 16 {
		n++
	}
	name = strings.ToLower(s[:n])
	if name != "form" && name != "input" && name != "textarea" {
		return name, nil, n
	}
	attrs = make(map[string]string)
	for n < len(s) && s[n] != '>' {
		if strings.IndexByte(blank, s[n]) >= 0 {
			n++
			continue
		}
		from := n
		for n < len(s) && strings.IndexByte(blank+"=>", s[n]) < 0 {
			n++
		}
		key := strings.ToLower(s[from:n])
		for n < len(s) && strings.IndexByte(" \t\r\n", s[n]) >= 0 {
			n++
		}
		if n >= len(s) || s[n] != '=' {
			if from == n {
				n++
			}
			continue
		}
		n++
		for n < len(s) && strings.IndexByte(" \t\r\n", s[n]) >= 0 {
			n++
		}
		from = n
		var v string
		if n < len(s) && (s[n] == '"' || s[n] == '\'') {
			end := strings.IndexByte(s[n+1:], s[n])
			if end < 0 {
				return name, attrs, len(s)
			}
			v = s[n+1 : n+1+end]
			n += end + 2
		} else {
			for n < len(s) && strings.IndexByte(" \t\r\n>", s[n]) < 0 {
				n++
			}
			v = s[from:n]
		}
		if _, again := attrs[key]; !again && len(attrs) < 32 {
			attrs[key] = html.UnescapeString(v)
		}
	}
	return name, attrs, n
}
