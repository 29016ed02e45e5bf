package assumptions_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// trial is how something that is not readable is tried: do does what it takes, and says
// what was seen.
type trial struct {
	do    func(*bench) string
	shows string // on the stand-ins as they are, which is what is assumed
	turns []turn
}

// turn is one of the ways in which it may be otherwise.
type turn struct {
	knob  string
	turn  func(*bench)
	shows string
}

// TestTried: what reading cannot tell is tried on the stand-ins, as they are and with each
// of its knobs turned.
func TestTried(t *testing.T) {
	trials := maps.Clone(jumpCloudTrials)
	maps.Copy(trials, azureADTrials)
	for _, a := range assumptions.All() {
		if a.Kind == assumptions.Readable {
			continue
		}
		tr, ok := trials[a.ID]
		if !ok {
			t.Errorf("%s is not tried", a.ID)
			continue
		}
		delete(trials, a.ID)
		t.Run(a.ID, func(t *testing.T) { tr.run(t, a.Knobs) })
	}
	for id := range trials {
		t.Errorf("%s is tried, and not on the list of what is not readable", id)
	}
}

func (tr trial) run(t *testing.T, knobs []string) {
	tr.try(t, "as it is", func(*bench) {}, tr.shows)
	tried := make(map[string]bool)
	for _, turn := range tr.turns {
		tried[turn.knob] = true
		if !slices.Contains(knobs, turn.knob) {
			t.Errorf("%s is none of its knobs", turn.knob)
		}
		if turn.shows == tr.shows {
			t.Errorf("%s shows no difference", turn.knob)
		}
		tr.try(t, turn.knob, turn.turn, turn.shows)
	}
	for _, knob := range knobs {
		if !tried[knob] {
			t.Errorf("%s is not turned", knob)
		}
	}
}

func (tr trial) try(t *testing.T, name string, turn func(*bench), want string) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			turn(b)
			if got := tr.do(b); got != want {
				t.Errorf("seen: %s\nwant: %s", got, want)
			}
		})
	})
}

const (
	domain   = "example.com"
	issuer   = "urn:uri:" + domain
	loginURL = "https://sso.jumpcloud.com/saml2/example-com"
)

// bench is an environment whose domain is federated, with one application that
// everybody may use, and whose domain other.example is not.
type bench struct {
	*federationtest.Env
	t   *testing.T
	ada string // her ID in JumpCloud
	app string

	requests []*http.Request // for a sign-in, that came to JumpCloud
	asked    []string        // what they said
}

func newBench(t *testing.T) *bench {
	e := federationtest.New(nil)
	b := &bench{Env: e, t: t, ada: e.JumpCloud.Users()[0].ID}
	b.app = e.JumpCloud.AddApplication(jumpcloud.Office365Template, "Microsoft 365", issuer, loginURL)
	e.JumpCloud.Bind(b.object(jumpcloud.ApplicationObject, b.app), b.object(jumpcloud.GroupObject, e.JumpCloud.Groups()[0].ID))
	a, _ := e.JumpCloud.Application(b.app)
	e.AzureAD.SetFederation(domain, aad.Federation{
		ID: "f", DisplayName: domain, IssuerURI: issuer, PassiveSignInURI: loginURL, SignOutURI: "https://console.jumpcloud.com/",
		Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: a.Certificate,
	})
	e.AzureAD.AddDomain("other.example")
	time.Sleep(time.Hour) // nothing of this is new any more
	return b
}

func (b *bench) object(t jumpcloud.ObjectType, id string) jumpcloud.Object {
	return jumpcloud.Object{Type: t, ID: id}
}

// federation edits the domain's federation behind everybody's back.
func (b *bench) federation(edit func(*aad.Federation)) {
	f, _ := b.AzureAD.Federation(domain)
	edit(&f)
	b.AzureAD.SetFederation(domain, f)
}

// reply is an answer of either service.
type reply struct {
	status int
	header http.Header
	text   string
}

// field is a member of an answer's object.
func (r reply) field(name string) string {
	var m map[string]any
	if json.Unmarshal([]byte(r.text), &m) != nil || m[name] == nil {
		return ""
	}
	return fmt.Sprint(m[name])
}

func (b *bench) send(c *http.Client, method, address, body string, header http.Header) reply {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// jumpCloud sends a request to JumpCloud.
func (b *bench) jumpCloud(method, path, body string) reply {
	b.t.Helper()
	return b.send(b.JumpCloud.HTTPClient(), method, "https://console.jumpcloud.com"+path, body, http.Header{"X-Api-Key": {"k"}})
}

// graph sends a request to Graph, with every permission; graphAs with those of a credential.
func (b *bench) graph(method, path, body string) reply {
	b.t.Helper()
	return b.graphAs(b.AzureAD.Credential(), method, path, body)
}

func (b *bench) graphAs(cred azcore.TokenCredential, method, path, body string) reply {
	b.t.Helper()
	token, err := cred.GetToken(b.t.Context(), policy.TokenRequestOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	header := http.Header{"Authorization": {"Bearer " + token.Token}}
	return b.send(b.AzureAD.HTTPClient(), method, "https://graph.microsoft.com/v1.0"+path, body, header)
}

// RoundTrip brings a browser to the one service or the other, and notes the requests of
// SAML on their way to JumpCloud. Its log-in form, which carries one along, is none.
func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() == "login.microsoftonline.com" {
		return b.AzureAD.HTTPClient().Transport.RoundTrip(r)
	}
	in := r.Clone(r.Context())
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body, in.Body = io.NopCloser(strings.NewReader(string(body))), io.NopCloser(strings.NewReader(string(body)))
	}
	if in.ParseForm() == nil && in.Form.Has("SAMLRequest") && !in.Form.Has("password") {
		said, _ := base64.StdEncoding.DecodeString(in.Form.Get("SAMLRequest"))
		b.requests, b.asked = append(b.requests, in), append(b.asked, string(said))
	}
	return b.JumpCloud.HTTPClient().Transport.RoundTrip(r)
}

// signIn is a sign-in of Ada's in a browser of her own; start is empty for the usual page.
func (b *bench) signIn(start, password string) *federationtest.Walk {
	b.t.Helper()
	const usual = "https://login.microsoftonline.com/"
	browser := federationtest.NewBrowser(&http.Client{Transport: b}, usual)
	who := federationtest.Person{UserName: "ada.abbott@" + domain, Password: password}
	if start == "" {
		start = usual
	}
	walk, err := browser.Open(b.t.Context(), start, who)
	if err != nil {
		b.t.Fatalf("%v\n%v", err, walk)
	}
	return walk
}

// ended is how a walk ended, in a word.
func ended(w *federationtest.Walk) string {
	switch {
	case w.SignedIn != "":
		return "signed in"
	case w.Code != "":
		return w.Code
	case w.Refusal != "":
		return string(w.Refusal)
	}
	return w.Text
}
