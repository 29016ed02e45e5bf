package recording

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// What is kept of the headers. Credentials and cookies are never looked at, and an ETag of
// JumpCloud's would prove what the body was.
var (
	requestHeaders  = []string{"Consistencylevel", "X-Eventually-Consistent", "X-Org-Id", "Prefer"}
	responseHeaders = []string{
		"Client-Request-Id", "Content-Type", "Date", "Link", "Location", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset",
		"Request-Id", "Retry-After", "Www-Authenticate", "X-Limit", "X-Ms-Resource-Unit", "X-Ms-Throttle-Information",
		"X-Ms-Throttle-Limit-Percentage", "X-Ms-Throttle-Scope", "X-Request-Id", "X-Result-Count", "X-Search_after", "X-Sort",
		"X-Total-Count", "X-Unfiltered-Total-Count", "Cf-Ray",
	}
)

// header replaces the values of those headers that are kept.
func (m *mask) header(h http.Header, names []string, request string) map[string]string {
	out := make(map[string]string)
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		if !slices.Contains(names, name) || len(values) == 0 {
			continue
		}
		at := place{request: request, path: "header " + name, key: strings.ToLower(name)}
		out[name] = m.headerValue(name, strings.Join(values, ", "), at)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

var (
	mediaForm = regexp.MustCompile(`^(application|text)/([a-z]+\+)?(json|xml|html|plain|problem|samlmetadata|octet-stream)$`)
	// mediaParameters are those of Microsoft Graph and JumpCloud.
	mediaParameters = set(`charset=utf-8 charset="utf-8" charset=utf-16 odata.metadata=minimal odata.metadata=full odata.metadata=none
		odata.streaming=true ieee754compatible=false ieee754compatible=true`)
	linkForm  = regexp.MustCompile(`<([^>]*)>`)
	paramForm = regexp.MustCompile(`([A-Za-z_]+)="([^"]*)"`)
)

func (m *mask) headerValue(name, value string, at place) string {
	switch name {
	case "Content-Type":
		return m.media(value, at)
	case "Link":
		var links []string
		for _, l := range linkForm.FindAllStringSubmatch(value, -1) {
			links = append(links, "<"+m.text(l[1], place{request: at.request, path: at.path})+`>; rel="next"`)
		}
		return strings.Join(links, ", ")
	case "Www-Authenticate":
		scheme, rest, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "Basic") {
			return m.text(value, at)
		}
		out := []string{scheme}
		for _, p := range paramForm.FindAllStringSubmatch(rest, -1) {
			shown, known := m.member(p[1], at)
			out = append(out, shown+`="`+strings.ReplaceAll(m.text(p[2], at.in(shown, known)), `"`, "'")+`"`)
		}
		return strings.Join(out, " ")
	case "X-Ms-Throttle-Scope":
		parts := strings.Split(value, "/")
		for i, p := range parts {
			if i < 2 && throttleWords[strings.ToLower(p)] {
				m.keep("value", p, at)
			} else {
				parts[i] = m.text(p, place{request: at.request, path: at.path})
			}
		}
		return strings.Join(parts, "/")
	case "Cf-Ray":
		ray, _, _ := strings.Cut(value, "-") // what follows is a place on earth
		return m.text(ray, place{request: at.request, path: at.path})
	case "Consistencylevel", "X-Eventually-Consistent":
		if strings.EqualFold(value, "eventual") || value == "true" {
			return m.keep("header", value, at)
		}
	}
	return m.text(value, at)
}

var throttleWords = set("tenant application tenant_application user read write readwrite")

// media keeps a media type that is one, and its parameters that are public.
func (m *mask) media(value string, at place) string {
	var out []string
	for i, part := range strings.Split(value, ";") {
		part = strings.TrimSpace(part)
		if i == 0 && !mediaForm.MatchString(part) {
			return "application/octet-stream"
		}
		if i == 0 || mediaParameters[strings.ToLower(part)] {
			out = append(out, part)
		}
	}
	return m.keep("header", strings.Join(out, ";"), at)
}
