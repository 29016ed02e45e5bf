package recording

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/jcaad/jcaad/internal/text"
)

// Addresses of pages and of resources, and the questions in them.

var (
	schemeForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://([^\s]*)$`)
	urnForm    = regexp.MustCompile(`^[Uu][Rr][Nn]:[^\s]+$`)
	schemes    = set("http https ldap ldaps ftp sip api spn")
)

// link reads URLs, URNs, and paths.
func (m *mask) link(s string, at place, depth int) (string, bool) {
	switch {
	case urnForm.MatchString(s):
		return m.urn(s, at, depth), true
	case pathForm.MatchString(s) && !strings.HasPrefix(s, "//"):
		return m.target(s, at, depth), true
	case strings.HasPrefix(s, "//"): // of the scheme of the page that it stands in
		out, ok := m.link("https:"+s, at, depth)
		return strings.TrimPrefix(out, "https:"), ok
	}
	p := schemeForm.FindStringSubmatch(s)
	if p == nil {
		return "", false
	}
	scheme := p[1]
	if !schemes[strings.ToLower(scheme)] {
		scheme = m.word(scheme)
	}
	host, rest := p[2], ""
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host, rest = host[:i], host[i:]
	}
	user := ""
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		user, host = m.word(host[:i])+"@", host[i+1:]
	}
	port := ""
	if q := hostPort.FindStringSubmatch(host); q != nil && !strings.Contains(q[1], ":") {
		host = q[1]
		if port = ":" + m.port(q[2]); host == "127.0.0.1" || host == "localhost" {
			port = ":" + q[2] // of this machine
		}
	}
	if host != "" {
		host = m.host(host, at)
	}
	return scheme + "://" + user + host + port + m.target(rest, at, depth), true
}

// urn replaces the parts of a name that not everybody uses.
func (m *mask) urn(s string, at place, depth int) string {
	parts := strings.Split(s, ":")
	all := true
	for i, part := range parts {
		if public().urns[strings.ToLower(part)] || part == "" {
			continue
		}
		all = false
		parts[i] = m.form(part, place{request: at.request, path: at.path}, depth+1)
	}
	s = strings.Join(parts, ":")
	if all {
		return m.keep("value", s, at)
	}
	return s
}

// target replaces path, query and fragment.
func (m *mask) target(s string, at place, depth int) string {
	s, fragment, hasFragment := strings.Cut(s, "#")
	path, query, hasQuery := strings.Cut(s, "?")
	if strings.HasSuffix(path, "$metadata") {
		fragment = m.question(fragment, at, depth)
	} else {
		fragment = m.segments(fragment, at, depth)
	}
	out := m.segments(path, at, depth)
	if hasQuery {
		out += "?" + m.query(query, at, depth)
	}
	if hasFragment {
		out += "#" + fragment
	}
	return out
}

// segments replaces the segments of a path that are not the services' own.
func (m *mask) segments(path string, at place, depth int) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			plain = part
		}
		at := place{request: at.request, path: at.path}
		switch {
		case plain == "" || plain == "." || plain == "..":
		case public().paths[strings.ToLower(plain)]:
			m.keep("path", plain, at)
		case i > 0 && (parts[i-1] == "saml2" || parts[i-1] == "wsfed") && slugForm.MatchString(plain):
			parts[i] = m.slug(plain, at)
		case callForm.MatchString(plain):
			parts[i] = url.PathEscape(m.question(plain, at, depth))
		default:
			parts[i] = url.PathEscape(m.form(plain, at, depth+1))
		}
	}
	return strings.Join(parts, "/")
}

var (
	callForm = regexp.MustCompile(`^[A-Za-z$]+\('.*'\)$`)
	slugForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)
)

// slug replaces the last part of an application's log-in address. This library makes it of a
// domain's name, with dots as hyphens and hyphens doubled; so does its pseudonym.
func (m *mask) slug(s string, at place) string {
	dotted := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "--", "\x00"), "-", "."), "\x00", "-")
	if !domainForm.MatchString(dotted) {
		return m.form(s, at, 1)
	}
	return text.Slug(m.domain(dotted, at))
}

// query replaces the parameters of a query, in their order.
func (m *mask) query(s string, at place, depth int) string {
	parts := strings.Split(s, "&")
	for i, part := range parts {
		name, value, has := strings.Cut(part, "=")
		key, err := url.QueryUnescape(name)
		if err != nil {
			key = name
		}
		plain, err := url.QueryUnescape(value)
		if err != nil {
			plain = value
		}
		shown, known := m.member(key, at)
		in := place{request: at.request}.in("?"+shown, known)
		in.key = strings.TrimPrefix(in.key, "?")
		parts[i] = url.QueryEscape(shown)
		if has {
			parts[i] += "=" + url.QueryEscape(m.form(plain, in, depth+1))
		}
	}
	return strings.Join(parts, "&")
}

// member returns the name of a member, or its pseudonym if it is none that is public.
func (m *mask) member(name string, at place) (shown string, known bool) {
	if public().names[strings.ToLower(name)] {
		return m.keep("member", name, place{request: at.request}), true
	}
	if before, annotation, ok := strings.Cut(name, "@odata."); ok && before != "" && public().names["@odata."+strings.ToLower(annotation)] {
		shown, known = m.member(before, at)
		return shown + "@odata." + annotation, known
	}
	return "x" + utter(m.draw("member", name), 4), false
}
