package rest

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"
)

const modulePath = "github.com/jcaad/jcaad"

// UserAgent returns the value of a User-Agent header: extra, if any, then name
// with the version of this module in the running program, "devel" if it has none.
func UserAgent(extra, name string) string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = versionIn(info)
	}
	return strings.TrimSpace(strings.TrimSpace(extra) + " " + name + "/" + version)
}

// versionIn returns the version of this module in a build. A module that is replaced has
// the version of what it is replaced with; a folder has none, whatever go.mod requires.
func versionIn(info *debug.BuildInfo) string {
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != modulePath {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if semver.MatchString(m.Version) {
			return m.Version
		}
	}
	return "devel"
}

// semver is a version as modules have them. It has nothing that a header could not.
var semver = regexp.MustCompile(`^v\d+\.\d+\.\d+[-+.0-9A-Za-z]*$`)

// checkBase returns a copy of u without a trailing slash, or says what is
// wrong with it.
func checkBase(u *url.URL) (*url.URL, error) {
	if u == nil {
		return nil, errors.New("rest: no base URL")
	}
	b := *u
	switch {
	case b.Scheme == "":
		return nil, fmt.Errorf("rest: base URL %q has no scheme: write https://…", b.Redacted())
	case b.Scheme != "https" && b.Scheme != "http":
		return nil, fmt.Errorf("rest: base URL has scheme %q: only https is accepted, and http on loopback", b.Scheme)
	case b.Hostname() == "":
		return nil, fmt.Errorf("rest: base URL %q has no host", b.Redacted())
	case b.User != nil:
		return nil, errors.New("rest: base URL contains a user name or password")
	case b.RawQuery != "" || b.ForceQuery || b.Fragment != "":
		return nil, errors.New("rest: base URL contains a query or a fragment")
	case b.Scheme == "http" && !loopback(b.Hostname()):
		return nil, fmt.Errorf("rest: base URL of host %q is plain http, which is accepted for loopback addresses only", b.Hostname())
	}
	b.Path = strings.TrimRight(b.Path, "/")
	b.RawPath = strings.TrimRight(b.RawPath, "/")
	return &b, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// expand fills a path template.
func expand(template string, args []string) (string, error) {
	rest := strings.TrimPrefix(template, "/")
	if len(args) == 0 && !strings.Contains(rest, "{") {
		return rest, nil
	}
	var b strings.Builder
	for {
		before, tail, ok := strings.Cut(rest, "{")
		b.WriteString(before)
		if !ok {
			break
		}
		name, after, ok := strings.Cut(tail, "}")
		if !ok {
			return "", fmt.Errorf("path template %q has an open brace", template)
		}
		if len(args) == 0 {
			return "", fmt.Errorf("path template %q: no value for %s", template, name)
		}
		if err := checkSegment(name, args[0]); err != nil {
			return "", err
		}
		b.WriteString(url.PathEscape(args[0]))
		args, rest = args[1:], after
	}
	if len(args) > 0 {
		return "", fmt.Errorf("path template %q has fewer places than values", template)
	}
	return b.String(), nil
}

func checkSegment(name, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("empty %s", name)
	case s == "." || s == "..":
		return fmt.Errorf("%s is %q, which would address another resource", name, s)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s is not valid UTF-8", name)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s %q contains a control character", name, s)
	}
	return nil
}

// address returns the URL of a path below the base.
func (c *Caller) address(path string, query url.Values) string {
	if len(query) == 0 {
		return c.root + "/" + path
	}
	return c.root + "/" + path + "?" + query.Encode()
}

// resolve checks a link that the service sent and makes it absolute.
func (c *Caller) resolve(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || link == "" {
		return "", errors.New("the service sent a link that is not a URL")
	}
	u = c.base.ResolveReference(u)
	if u.User != nil || u.Scheme != c.base.Scheme || authority(u) != authority(&c.base) {
		return "", fmt.Errorf("%w: %q is not %q", ErrForeignLink, u.Scheme+"://"+u.Host, c.base.Scheme+"://"+c.base.Host)
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), nil
}

// authority is host and port, with the port of the scheme if there is none.
func authority(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
