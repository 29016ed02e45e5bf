package signin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// TestEnvelopes judges what is not a whole message of the usual kind.
func TestEnvelopes(t *testing.T) {
	saml, ws := string(good().make(t)), string(good11().make(t))
	part := func(s, from, to string) string { return s[strings.Index(s, from) : strings.Index(s, to)+len(to)] }
	declare := func(s, ns string) string {
		return strings.Replace(s, "<saml:Assertion", `<saml:Assertion xmlns:saml="`+ns+`"`, 1)
	}
	collection := func(ns string) string {
		s := strings.Replace(ws, "http://schemas.xmlsoap.org/ws/2005/02/trust\"", ns+"\"", 1)
		return `<t:RequestSecurityTokenResponseCollection xmlns:t="` + ns + `">` + s + `</t:RequestSecurityTokenResponseCollection>`
	}
	for _, test := range []struct {
		name, in string
		protocol aad.Protocol
		want     string
		tells    string
	}{
		{"assertion alone", declare(part(saml, "<saml:Assertion", "</saml:Assertion>"), "urn:oasis:names:tc:SAML:2.0:assertion"), aad.SAML,
			"cannot say: message unknown", "without the message"},
		{"assertion of SAML 1.1 alone", part(ws, "<saml:Assertion", "</saml:Assertion>"), aad.WSFed,
			"cannot say: message unknown", "without the message"},
		{"collection", collection("http://docs.oasis-open.org/ws-sx/ws-trust/200512"), aad.WSFed, "yes", ""},
		{"collection of 2005", collection("http://schemas.xmlsoap.org/ws/2005/02/trust"), aad.WSFed, "yes", ""},
		{"empty collection", `<t:RequestSecurityTokenResponseCollection xmlns:t="http://schemas.xmlsoap.org/ws/2005/02/trust"/>`, aad.WSFed,
			"no 500082: message bad", "no assertion"},
		{"request", `<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>`, aad.SAML,
			"cannot say: message unknown", "a request and no answer"},
		{"response of SAML 1.1", `<p:Response xmlns:p="urn:oasis:names:tc:SAML:1.0:protocol"/>`, aad.SAML,
			"cannot say: message unknown", "SAML:1.0"},
		{"metadata", `<m:EntityDescriptor xmlns:m="urn:oasis:names:tc:SAML:2.0:metadata"/>`, aad.SAML,
			"cannot say: message unknown", "EntityDescriptor"},
		{"SAML 2.0 within WS-Federation", strings.Replace(ws, part(ws, "<saml:Assertion", "</saml:Assertion>"),
			declare(part(saml, "<saml:Assertion", "</saml:Assertion>"), "urn:oasis:names:tc:SAML:2.0:assertion"), 1), aad.WSFed,
			"no 500085: protocol bad", "SAML 2.0 in a token"},
		{"refused by the provider", `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0" ` +
			`IssueInstant="2026-03-02T09:00:00Z"><a:Issuer xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">` + issuer + `</a:Issuer>` +
			`<p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><p:StatusCode Value="urn:x"/></p:StatusCode>` +
			`<p:StatusMessage>not in the group</p:StatusMessage></p:Status></p:Response>`, aad.SAML,
			"no 500082: message bad", "Responder urn:x (not in the group)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := signin.Judge([]byte(test.in), tenant(test.protocol), now)
			inTable(t, v)
			if got := verdict(v); got != test.want || !strings.Contains(list(v), test.tells) {
				t.Errorf("%s; want %s and %q\n%s", got, test.want, test.tells, list(v))
			}
		})
	}
}

// TestElsewhere: a message that went to another address is told to have gone there.
func TestElsewhere(t *testing.T) {
	in := har([3]string{"POST", "https://login.microsoftonline.com/common/SAS/ProcessAuth", "SAMLResponse=" + formBase64(good().make(t))})
	v := signin.Judge([]byte(in), tenant(aad.SAML), now)
	if v.Accepted != signin.Yes || !strings.Contains(list(v), "recipient doubtful sent to") {
		t.Errorf("%v\n%s", v, list(v))
	}
}

// TestText: answers, results and verdicts as text and in JSON.
func TestText(t *testing.T) {
	for _, a := range []signin.Answer{signin.CannotSay, signin.Yes, signin.No} {
		var back signin.Answer
		b, _ := json.Marshal(a)
		if err := json.Unmarshal(b, &back); err != nil || back != a {
			t.Errorf("%s: %v, %v", b, back, err)
		}
	}
	for _, r := range []signin.Result{signin.Unknown, signin.Good, signin.Doubtful, signin.Bad} {
		var back signin.Result
		b, _ := json.Marshal(r)
		if err := json.Unmarshal(b, &back); err != nil || back != r {
			t.Errorf("%s: %v, %v", b, back, err)
		}
	}
	var r signin.Result
	err := r.UnmarshalText([]byte("so-so"))
	if err == nil || signin.Result(9).String() != "Result(9)" || signin.Answer(-1).String() != "Answer(-1)" {
		t.Error("what is none has a name")
	}
	m := good()
	for want, v := range map[string]*signin.Verdict{
		"accepted": signin.Judge(m.make(t), tenant(aad.SAML), now),
		"refused with AADSTS500082: message: no assertion": signin.Judge(
			[]byte(`<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>`), tenant(aad.SAML), now),
		"cannot say: message: the input is empty": signin.Judge(nil, signin.Tenant{}, now),
	} {
		if v.String() != want {
			t.Errorf("%q; want %q", v, want)
		}
	}
}
