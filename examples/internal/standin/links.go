package standin

import (
	"bytes"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// SignInURL is the page on which Azure AD asks people for their user name.
func (s *Services) SignInURL() string { return s.AzureADURL + "/" }

// PortalURL is the page on which JumpCloud shows people their applications.
func (s *Services) PortalURL() string { return s.JumpCloudURL + "/userconsole/" }

// Browser returns a browser without scripts that reaches both services over HTTP.
func (s *Services) Browser() *federationtest.Browser {
	b := federationtest.NewBrowser(nil, s.SignInURL())
	b.Portal = s.PortalURL()
	return b
}

// local is where an address of a service leads on this machine: what the login
// service, and each application's login URL, is at its public host. Others stay.
func (s *Services) local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	origin := ""
	if login, err := url.Parse(aad.Public.LoginURL()); err == nil && strings.EqualFold(login.Host, u.Host) {
		origin = s.AzureADURL
	}
	for _, a := range s.JumpCloud.Applications() {
		if at, err := url.Parse(a.SSOURL); err == nil && origin == "" && strings.EqualFold(at.Host, u.Host) {
			origin = s.JumpCloudURL
		}
	}
	to, err := url.Parse(origin)
	if err != nil || origin == "" {
		return address
	}
	u.Scheme, u.Host, u.User = to.Scheme, to.Host, nil
	return u.String()
}

// link lets the pages of h lead to the services on this machine. Only where a browser
// goes on to is changed, the attributes href and action and the header Location; what is
// in messages and fields stays as the service has written it, signatures included.
func (s *Services) link(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := &linked{ResponseWriter: w, local: s.local}
		h.ServeHTTP(l, r)
		l.finish()
	})
}

// linked holds back a page until it is whole, and nothing else.
type linked struct {
	http.ResponseWriter
	local  func(string) string
	begun  bool
	status int
	page   *bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (l *linked) WriteHeader(status int) {
	if l.begun || status < 200 {
		l.ResponseWriter.WriteHeader(status)
		return
	}
	l.begun = true
	h := l.Header()
	if to := h.Get("Location"); to != "" {
		h.Set("Location", l.local(to))
	}
	if strings.HasPrefix(h.Get("Content-Type"), "text/html") && h.Get("Content-Encoding") == "" {
		l.status, l.page = status, new(bytes.Buffer)
		return
	}
	l.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (l *linked) Write(b []byte) (int, error) {
	if !l.begun {
		l.WriteHeader(http.StatusOK)
	}
	if l.page != nil {
		return l.page.Write(b)
	}
	return l.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] reach the real writer.
func (l *linked) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// In the pages of the stand-ins a quotation mark that stands for itself is always written
// as a character reference, so that this finds attributes and no text.
var destination = regexp.MustCompile(`(\s(?:href|action)=")([^"]*)(")`)

func (l *linked) finish() {
	if l.page == nil {
		return
	}
	b := destination.ReplaceAllFunc(l.page.Bytes(), func(attribute []byte) []byte {
		m := destination.FindSubmatch(attribute)
		to := html.EscapeString(l.local(html.UnescapeString(string(m[2]))))
		return bytes.Join([][]byte{m[1], []byte(to), m[3]}, nil)
	})
	l.Header().Set("Content-Length", strconv.Itoa(len(b)))
	l.ResponseWriter.WriteHeader(l.status)
	l.ResponseWriter.Write(b) // the client may be gone
}
