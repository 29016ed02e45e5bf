package judges_test

import (
	"strings"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/aad/signin"
)

// providers are the implementations whose answers are judged.
var providers = []struct {
	name   string
	answer func(*testing.T, recipe, bool) []byte
}{{"crewjam", crewjam}, {"samlify", samlify}}

// TestProviders judges the answers of foreign identity providers: those that follow the
// facts are accepted, the others get what the rules say.
func TestProviders(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*recipe)
		want string
	}{
		{"as the facts have it", func(*recipe) {}, "yes"},
		{"unsolicited", func(r *recipe) { r.unsolicited = true }, "yes"},
		{"both signed", func(r *recipe) { r.signs = "both" }, "yes"},
		{"next key", func(r *recipe) { r.by = pairs().next }, "yes"},
		{"second factor", func(r *recipe) { r.class = multiple }, "yes"},
		{"no e-mail", func(r *recipe) { r.email = "" }, "yes, user doubtful"},
		{"SHA-1", func(r *recipe) { r.method = dsig.RSASHA1SignatureMethod }, "yes, signature doubtful"},
		{"SHA-512", func(r *recipe) { r.method = dsig.RSASHA512SignatureMethod }, "cannot say, signature unknown"},
		{"only the response signed", func(r *recipe) { r.signs = "response" }, "no 500081, signature bad"},
		{"not signed", func(r *recipe) { r.signs = "none" }, "no 500081, signature bad"},
		{"another key", func(r *recipe) { r.by = pairs().foreign }, "no 5000811, signature bad"},
		{"encrypted", func(r *recipe) { r.encrypted = true }, "no 500082, message bad"},
		{"encrypted, both signed", func(r *recipe) { r.encrypted, r.signs = true, "both" }, "no 500082, message bad"},
		{"another audience", func(r *recipe) { r.audience = "https://sso.example.com" }, "no 50010, audience bad"},
		{"the audience of guests", func(r *recipe) {
			r.audience = "https://login.microsoftonline.com/0f1a2b3c-0000-4000-8000-000000000000/"
		}, "no 50010, audience bad"},
		{"expired", func(r *recipe) { r.at = r.at.Add(-time.Hour) }, "no 500089, lifetime bad"},
		{"not yet valid", func(r *recipe) { r.at = r.at.Add(time.Hour) }, "no 500089, lifetime bad"},
		{"another issuer", func(r *recipe) { r.issuer += "/" }, "no 50107, realm bad"},
		{"another person", func(r *recipe) { r.nameID = "0123456789abcdef01234567" }, "no 51004, user bad"},
		{"the immutable ID in capitals", func(r *recipe) { r.nameID = "5F1B2C3D4E5F60718293A4B5" }, "no 51004, user bad"},
		{"an e-mail address as the name", func(r *recipe) {
			r.nameID, r.format = annUPN, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
		}, "no 51004, user bad"},
		{"another format", func(r *recipe) { r.format = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" }, "yes, subject doubtful"},
		{"another place", func(r *recipe) { r.destination = "https://login.microsoftonline.us/login.srf" }, "yes, recipient doubtful"},
		{"another e-mail address", func(r *recipe) { r.email = "bob@example.com" }, "yes, user doubtful"},
	} {
		for _, p := range providers {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				r := facts()
				tt.edit(&r)
				v := judged(t, p.answer(t, r, false))
				if got := verdict(v); got != tt.want {
					t.Errorf("%s; want %s%s", got, tt.want, found(v))
				}
				if (v.User != nil) != (v.Accepted == signin.Yes) {
					t.Errorf("the user is %v with %v", v.User, v)
				}
			})
		}
	}
}

// TestDefaults: what these implementations send if they know no more than the metadata,
// the key and the person's immutable ID. None of it is wrong SAML; the reasons say
// why a judge for Azure AD does not call it good.
func TestDefaults(t *testing.T) {
	type odd struct{ check, found, reason string }
	for _, tt := range []struct {
		name   string
		answer func(*testing.T, recipe, bool) []byte
		want   signin.Answer
		odd    []odd
	}{
		{"crewjam", crewjam, signin.Yes, []odd{
			{"subject doubtful", "nameid-format:transient", "the vendor's page asks for persistent; whether Azure AD looks at it is not known"},
			{"user doubtful", "no attribute IDPEmail", "it sends mail by its OID; the page asks for IDPEmail, two working set-ups send none"},
		}},
		{"samlify", samlify, signin.CannotSay, []odd{
			{"message unknown", "no AuthnStatement", "its template leaves the statement to the user; no working message lacks it"},
			{"message unknown", "no AttributeStatement", "there are no attributes by default; no working message lacks the statement"},
			{"user doubtful", "no attribute IDPEmail", "as above"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := facts()
			r.signs = "both"
			v := judged(t, tt.answer(t, r, true))
			if v.Accepted != tt.want {
				t.Errorf("%v; want %v%s", v, tt.want, found(v))
			}
			for _, c := range v.Checks {
				if c.Result == signin.Good {
					continue
				}
				what := string(c.Topic) + " " + c.Result.String()
				if len(tt.odd) == 0 || tt.odd[0].check != what || !strings.Contains(c.Found, tt.odd[0].found) {
					t.Errorf("%s: %s; want %v", what, c.Found, tt.odd)
					continue
				}
				t.Logf("%s: %s: %s", what, c.Found, tt.odd[0].reason)
				tt.odd = tt.odd[1:]
			}
			if len(tt.odd) > 0 {
				t.Errorf("not told: %v", tt.odd)
			}
		})
	}
}

// judged is what the judge says to an answer about Ann, after xmlsec1 was asked about
// its signatures.
func judged(t *testing.T, message []byte) *signin.Verdict {
	t.Helper()
	current, next := pairs().current.Cert(), pairs().next.Cert()
	v := signin.Judge(message, tenant(idpIssuer, current, next, annID), time.Now())
	agree(t, message, v, current, next)
	return v
}
