package signin_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// FuzzJudge: whatever comes, a verdict keeps its promises, and only what the
// realm's key has signed is accepted. Messages are long, and to make them shorter
// takes longer than to find them: -fuzzminimizetime=10x.
func FuzzJudge(f *testing.F) {
	msg := good().make(f)
	both := good()
	both.response = true
	f.Add(msg)
	f.Add(both.make(f))
	f.Add(good11().make(f))
	f.Add([]byte("SAMLResponse=" + base64.StdEncoding.EncodeToString(msg)))
	f.Add([]byte(har([3]string{"POST", login, "SAMLResponse=PHNhbWxwOlJlc3BvbnNlLz4%3D"})))
	f.Add([]byte(`<form><input name="SAMLResponse" value="PHNhbWxwOlJlc3BvbnNlLz4=">`))
	f.Add([]byte(deflate(msg)))
	for _, old := range []string{"<saml:Subject>", "ID=", "http://www.w3.org", annID, "_a1"} {
		f.Add(bytes.Replace(msg, []byte(old), nil, 1))
	}
	saml, wsfed := tenant(aad.SAML), tenant(aad.WSFed)
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := signin.Messages(b)
		if (err == nil) != (len(found) > 0) {
			t.Fatalf("%d messages and %v", len(found), err)
		}
		for _, ten := range []signin.Tenant{saml, wsfed} {
			v := signin.Judge(b, ten, now)
			bad, unknown := v.First(signin.Bad), v.First(signin.Unknown)
			switch {
			case len(v.Checks) == 0:
				t.Fatal("nothing is told")
			case (v.Accepted == signin.No) != (bad != nil), bad != nil && v.Code != bad.Code:
				t.Fatalf("%v, though\n%s", v, list(v))
			case v.Accepted == signin.Yes && (unknown != nil || v.User == nil):
				t.Fatalf("%v, though\n%s", v, list(v))
			case v.Accepted != signin.Yes && v.User != nil:
				t.Fatalf("a user with %v", v)
			}
			if v.Accepted == signin.Yes {
				for _, c := range v.Checks {
					if c.Unproved && (c.Topic == signin.TopicSubject || c.Topic == signin.TopicAudience || c.Topic == signin.TopicUser) {
						t.Fatalf("accepted, though %s is unproved", c.Topic)
					}
				}
			}
		}
	})
}

// FuzzExplain: each code once, and none that is not in the text.
func FuzzExplain(f *testing.F) {
	f.Add("AADSTS50107: The requested federation realm object 'x' does not exist. \"errorCode\": 51004, error_codes: [50126,50053]")
	f.Fuzz(func(t *testing.T, text string) {
		seen := make(map[string]bool)
		for _, e := range signin.Explain(text) {
			if e.Code == "" || e.Meaning == "" || seen[e.Code] {
				t.Fatalf("%+v", e)
			}
			seen[e.Code] = true
		}
	})
}
