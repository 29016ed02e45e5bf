package judges_test

import (
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

const (
	fakeIssuer = "https://example.com"
	fakeLogin  = "https://sso.jumpcloud.com/saml2/example-com"
)

// world is the stand-in of JumpCloud with one application, and Ann, who may use it.
type world struct {
	*jumpcloudtest.Server
	app, ann string
}

func newWorld() *world {
	w := &world{Server: &jumpcloudtest.Server{}}
	w.app = w.AddApplication("office365", "Microsoft 365", fakeIssuer, fakeLogin)
	w.ann = w.AddUser(jumpcloud.User{Username: "ann", Email: annUPN, FirstName: "Ann"})
	w.SetPassword(w.ann, "correct horse")
	staff := w.AddGroup("Staff", w.ann)
	w.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: w.app}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: staff})
	w.BindUser(w.AddDirectory("M365"), w.ann, "0f0e0d0c-0000-4000-8000-000000000001")
	return w
}

// cert is the certificate that the application shows.
func (w *world) cert() certs.Cert {
	a, _ := w.Application(w.app)
	return a.Certificate
}

// setting sets a setting of the application.
func setting(pairs ...string) func(*world) {
	return func(w *world) {
		for i := 0; i < len(pairs); i += 2 {
			w.SetApplicationSetting(w.app, pairs[i], pairs[i+1])
		}
	}
}

// browser keeps cookies, and submits the one form of a page.
type browser struct {
	t *testing.T
	c *http.Client
}

func newBrowser(t *testing.T, c *http.Client) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Jar = jar
	return &browser{t, c}
}

// form is that of the page which answers, and where it goes.
func (b *browser) form(resp *http.Response, err error) (url.Values, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	doc, err := html.Parse(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	values, to := make(url.Values), ""
	for n := range doc.Descendants() {
		attr := make(map[string]string)
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "form":
			at, err := resp.Request.URL.Parse(attr["action"])
			if err != nil {
				b.t.Fatal(err)
			}
			to = at.String()
		case n.Data == "input":
			values.Set(attr["name"], attr["value"])
		}
	}
	if to == "" {
		b.t.Fatalf("%s has no form", resp.Request.URL)
	}
	return values, to
}

// signIn walks through the log-in pages, with or without a request of Azure AD, and
// returns what would be posted to it.
func (w *world) signIn(t *testing.T, ask url.Values) []byte {
	t.Helper()
	b := newBrowser(t, w.HTTPClient())
	var values url.Values
	var to string
	if ask == nil {
		values, to = b.form(b.c.Get(fakeLogin))
	} else {
		values, to = b.form(b.c.PostForm(fakeLogin, ask))
	}
	for range 3 {
		if values.Has("SAMLResponse") || values.Has("wresult") {
			break
		}
		for name, value := range map[string]string{"username": "ann", "password": "correct horse", "code": "123456"} {
			if values.Has(name) {
				values.Set(name, value)
			}
		}
		values, to = b.form(b.c.PostForm(to, values))
	}
	if to != loginSRF {
		t.Fatalf("the form goes to %s, with %v", to, values)
	}
	if values.Has("wresult") {
		return []byte(values.Get("wresult"))
	}
	message, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
	if err != nil || len(message) == 0 {
		t.Fatalf("%v: %q", err, values)
	}
	return message
}

// asked is Azure AD's request, as a browser posts it.
func asked() url.Values {
	return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(request(time.Now())))}, "RelayState": {"state"}}
}

// TestFake: what the stand-in of JumpCloud sends is accepted by every judge, and what is
// wrong about it by none.
func TestFake(t *testing.T) {
	both := setting("signResponse", "true")
	for _, tt := range []struct {
		name      string
		edit      func(*world)
		initiated bool // by JumpCloud
		want      string
		refused   string // by the others, for this reason; "-": they do not look at it
	}{
		{name: "as it is", want: "yes"},
		{name: "initiated by JumpCloud", initiated: true, want: "yes"},
		{name: "both signed", edit: both, want: "yes"},
		{name: "both signed, initiated by JumpCloud", edit: both, initiated: true, want: "yes"},
		{name: "SHA-1", edit: setting("signatureAlgorithm", "RSA-SHA1"), want: "yes, signature doubtful"},
		{name: "SHA-1, both signed", edit: setting("signatureAlgorithm", "RSA-SHA1", "signResponse", "true"), want: "yes, signature doubtful"},
		{name: "another format", edit: setting("overrideNameIdFormat", ""), want: "yes, subject doubtful"},
		{name: "second factor, mapped", edit: func(w *world) {
			w.SetSecondFactor(w.ann, "123456")
			w.SetAuthClaims(w.app, jumpcloudtest.MultipleAuthnAfterFactor())
		}, want: "yes"},
		{name: "second factor, and an attribute", edit: func(w *world) {
			w.SetSecondFactor(w.ann, "123456")
			w.SetAuthClaims(w.app, jumpcloudtest.AuthClaims{AMR: true})
		}, want: "yes, mfa doubtful"},
		{name: "one class for all", edit: func(w *world) {
			w.SetAuthClaims(w.app, jumpcloudtest.AuthClaims{Mode: "single", Single: multiple})
		}, want: "yes"},
		{name: "the immutable ID in an attribute", edit: func(w *world) { w.Quirks.SignIn.ImmutableIDAttribute = true }, want: "yes"},
		{name: "an hour", edit: func(w *world) { w.Quirks.SignIn.Lifetime = time.Hour }, want: "yes"},
		{name: "regenerated", edit: func(w *world) { w.RegenerateCertificate(w.app) }, want: "yes"},
		{name: "names that XML would change", edit: func(w *world) {
			w.EditUser(w.ann, func(u *jumpcloud.User) { u.Email = `a"<&>'` + "\r\n\tä\x01@example.com" })
		}, want: "yes, user doubtful"},

		{name: "expired", edit: func(w *world) { w.Quirks.SignIn.ClockSkew = -time.Hour },
			want: "no 500089, lifetime bad", refused: "expired"},
		{name: "not yet valid", edit: func(w *world) { w.Quirks.SignIn.ClockSkew = time.Hour },
			want: "no 500089, lifetime bad", refused: "early"},
		{name: "another audience", edit: setting("spEntityId", "urn:x"), initiated: true,
			want: "no 50010, audience bad", refused: "audience"},
		{name: "not signed", edit: setting("signAssertion", "false"), want: "no 500081, signature bad", refused: "signature"},
		{name: "an older key", edit: func(w *world) {
			w.Quirks.KeepOldKey = true
			pair, err := certs.NewKeyPair(pkix.Name{CommonName: "new"},
				certs.Lifetime{NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0)}, 2048)
			if err == nil {
				_, err = w.Client(nil).ReplaceCertificate(t.Context(), w.app, pair)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, want: "no 50006, signature bad", refused: "signature"},
		{name: "only the response signed", edit: setting("signResponse", "true", "signAssertion", "false"),
			want: "no 500081, signature bad", refused: "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			if tt.edit != nil {
				tt.edit(w)
			}
			ask := asked()
			if tt.initiated {
				ask = nil
			}
			message := w.signIn(t, ask)
			v := signin.Judge(message, tenant(fakeIssuer, w.cert(), certs.Cert{}, w.ann), time.Now())
			agree(t, message, v, w.cert())
			if got := verdict(v); got != tt.want {
				t.Errorf("%s; want %s%s", got, tt.want, found(v))
			}
			if tt.refused == "-" {
				return
			}
			for _, sp := range services {
				t.Run(sp.name, func(t *testing.T) {
					name, refused := sp.judge(t, message, w.cert(), !tt.initiated)
					if tt.refused == "" && (refused != "" || name != w.ann) {
						t.Errorf("%s for %q\n%s", refused, name, message)
					}
					if tt.refused != "" && !strings.Contains(refused, sp.says[tt.refused]) || tt.refused != "" && refused == "" {
						t.Errorf("refused as %q; want %q", refused, sp.says[tt.refused])
					}
				})
			}
		})
	}
}

// TestFakeWSFed: the token of WS-Federation is judged, and xmlsec1 asked about it; the
// others know SAML 2.0 only.
func TestFakeWSFed(t *testing.T) {
	w := newWorld()
	w.Quirks.SignIn.WSFed = true
	message := w.signIn(t, url.Values{"wa": {"wsignin1.0"}, "wtrealm": {online}, "wctx": {"state"}})
	ten := tenant(fakeIssuer, w.cert(), certs.Cert{}, w.ann)
	ten.Domains[0].Federation.Protocol = "wsFed"
	v := signin.Judge(message, ten, time.Now())
	agree(t, message, v, w.cert())
	if v.Accepted != signin.Yes {
		t.Errorf("%v%s\n%s", v, found(v), message)
	}
}
