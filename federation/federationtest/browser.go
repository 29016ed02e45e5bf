package federationtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// What a new [Env] takes from everybody who signs in, until its servers are told
// otherwise: aadtest.Server.SetPassword, jumpcloudtest.Server.SetPassword.
const (
	AzureADPassword   = "azure-ad-password"  // while the domain is managed
	JumpCloudPassword = "jumpcloud-password" // once it is federated
	VerificationCode  = "123456"             // of Azure AD's own second factor
	portalAddress     = "https://console.jumpcloud.com/userconsole/"
	agent             = "federationtest.Browser"
)

// Bounds of a walk: a page of the stand-ins has some kilobytes, a message included.
const (
	maxPages = 40
	maxPage  = 1 << 20
)

// Person is who sits before a [Browser].
type Person struct {
	UserName string // that of Azure AD, an e-mail address

	// JumpCloudName is what the person types at JumpCloud, where that is another one.
	JumpCloudName string

	// Password is given to whoever asks for one. Empty means that each service gets
	// its own: [AzureADPassword] and [JumpCloudPassword].
	Password string

	// Code is the second factor, for whoever asks for one; empty means
	// [VerificationCode].
	Code string
}

// A Browser walks the pages of both stand-ins as a person does whose browser runs no
// scripts: it follows redirects, fills and sends forms, and keeps cookies, so that who
// has signed in once is known the next time. It is one person's, and not for use by
// several goroutines.
type Browser struct {
	client *http.Client
	start  string

	// Portal is where JumpCloud shows people their applications. That of
	// [Env.Browser] is set.
	Portal string
}

// Browser returns a browser that reaches both services in memory, under their public
// names: everything at the host of the login service is Azure AD's, everything at
// jumpcloud.com and at the login URLs of applications is JumpCloud's, and there
// is nothing else.
func (e *Env) Browser() *Browser {
	b := NewBrowser(&http.Client{Transport: hosts{e}}, aad.Public.LoginURL()+"/")
	b.Portal = portalAddress
	return b
}

// NewBrowser returns a browser that reaches the services through client, of which
// only the transport and the timeout are used. It starts at the page that asks for the
// user name. If that page is on this machine, the browser goes nowhere else: a page
// that leads away is an error, and nobody elsewhere is told a password.
func NewBrowser(client *http.Client, start string) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic("federationtest: " + err.Error())
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if client != nil {
		c.Transport, c.Timeout = client.Transport, client.Timeout
	}
	return &Browser{client: c, start: start}
}

// hosts are the servers behind the public names.
type hosts struct{ *Env }

// RoundTrip implements [http.RoundTripper].
func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	name := strings.ToLower(r.URL.Hostname())
	if u, err := url.Parse(aad.Public.LoginURL()); err == nil && name == u.Hostname() {
		return (&memhttp.Transport{Handler: h.AzureAD}).RoundTrip(r)
	}
	var front http.Handler = h.JumpCloud
	if h.provider != nil {
		front = h.provider.JumpCloud
	}
	if strings.HasSuffix(name, ".jumpcloud.com") || slices.ContainsFunc(h.JumpCloud.Applications(), func(a jumpcloudtest.Application) bool {
		u, err := url.Parse(a.SSOURL)
		return err == nil && strings.EqualFold(u.Hostname(), name)
	}) {
		return (&memhttp.Transport{Handler: front}).RoundTrip(r)
	}
	if r.Body != nil {
		r.Body.Close()
	}
	return nil, fmt.Errorf("there is no host %s in this environment", r.URL.Hostname())
}

// SignIn begins at the page that asks for the user name and does what the pages ask
// for, until the person is signed in or there is nothing left to do: nobody types a
// wrong password, or code, twice. That somebody is not signed in is no error, but
// what the [Walk] tells. An error is a page that no stand-in has, a service that
// cannot be reached, or a walk without an end; what was walked until then is returned.
func (b *Browser) SignIn(ctx context.Context, p Person) (*Walk, error) {
	return b.walk(ctx, b.start, p, "")
}

// Open is SignIn from any other address, such as a link that names the domain
// already: https://login.microsoftonline.com/?domain_hint=example.com.
func (b *Browser) Open(ctx context.Context, address string, p Person) (*Walk, error) {
	return b.walk(ctx, address, p, "")
}

// OpenTile begins at JumpCloud's user portal, and opens the application with that
// label there: a sign-in that Azure AD has not asked for. Otherwise it is like SignIn. If
// the person sees no such tile, the walk ends at the portal, and its Text says so.
func (b *Browser) OpenTile(ctx context.Context, p Person, label string) (*Walk, error) {
	if b.Portal == "" {
		return nil, errors.New("federationtest: the browser has no address of the portal")
	}
	return b.walk(ctx, b.Portal, p, label)
}

func (b *Browser) walk(ctx context.Context, start string, p Person, tile string) (*Walk, error) {
	w := new(Walk)
	typed := make(map[string]bool)
	fail := func(err error) (*Walk, error) {
		return w, fmt.Errorf("federationtest: page %d: %w", len(w.Pages)+1, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, start, nil)
	for err == nil {
		if len(w.Pages) == maxPages {
			return w, fmt.Errorf("federationtest: the walk does not end: %d pages, the last one %s", maxPages, w.Pages[maxPages-1])
		}
		doc, next, err := b.ask(req)
		if err != nil {
			return fail(err)
		}
		at := Page{Service: b.service(req.URL), Title: doc.heading(), URL: plain(req.URL), Status: doc.status}
		if next != nil {
			at.Title = "(redirect)"
			w.Pages = append(w.Pages, at)
			req, err = http.NewRequestWithContext(ctx, http.MethodGet, next.String(), nil)
			if err != nil {
				return fail(err)
			}
			continue
		}
		var does step
		done := w.read(doc)
		if !done {
			does, err = doc.step(p, tile, typed)
			at.Did, w.Text = does.says, cmp.Or(does.stops, w.Text)
		}
		w.Pages = append(w.Pages, at)
		switch {
		case err != nil:
			return w, fmt.Errorf("federationtest: %w", err)
		case done || does.stops != "":
			return w, nil
		}
		if does.fields.Has("SAMLResponse") || does.fields.Has("wresult") {
			w.Posted = does.fields
		}
		req, err = does.request(ctx, req.URL)
		if err != nil {
			return fail(err)
		}
	}
	return fail(err)
}

// ask gets a page, or where it sends on to.
func (b *Browser) ask(req *http.Request) (*document, *url.URL, error) {
	if err := b.stays(req.URL); err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", agent)
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, nil, err
	}
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		to, err := resp.Location()
		return &document{status: resp.StatusCode}, to, err
	}
	if resp.StatusCode/100 == 3 {
		return nil, nil, fmt.Errorf("%s answers %d, which no stand-in does", plain(req.URL), resp.StatusCode)
	}
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/html") {
		return nil, nil, fmt.Errorf("%s answers %d with %q, which is no page", plain(req.URL), resp.StatusCode, ct)
	}
	doc, err := readPage(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", plain(req.URL), err)
	}
	doc.status = resp.StatusCode
	return doc, nil, nil
}

// stays refuses to leave this machine if the start is on it.
func (b *Browser) stays(to *url.URL) error {
	start, err := url.Parse(b.start)
	if err != nil {
		return err
	}
	if loopback(start.Hostname()) && !loopback(to.Hostname()) {
		return fmt.Errorf("it leads to %s, which is not on this machine", to.Host)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// service is whose page it is: one host is that of the start, all else is JumpCloud's.
func (b *Browser) service(u *url.URL) string {
	if start, err := url.Parse(b.start); err == nil && strings.EqualFold(start.Host, u.Host) {
		return "Microsoft"
	}
	return "JumpCloud"
}

// plain is an address without what came along in it.
func plain(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
