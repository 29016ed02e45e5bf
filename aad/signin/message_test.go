package signin_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

func fold(s string, n int, end string) string {
	var b strings.Builder
	for len(s) > n {
		b.WriteString(s[:n] + end)
		s = s[n:]
	}
	return b.String() + s
}

func deflate(b []byte) string {
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, 9)
	w.Write(b)
	w.Close()
	return base64.StdEncoding.EncodeToString(z.Bytes())
}

func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

const login = "https://login.microsoftonline.com/login.srf"

// har returns an archive with these entries: method, URL, body.
func har(entries ...[3]string) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprintf(`{"startedDateTime": "2026-03-02T09:00:00Z", "request": {"method": %s, "url": %s, "headers": [],
			"postData": {"mimeType": "application/x-www-form-urlencoded", "text": %s, "params": []}},
				"response": {"content": {"text": "<\u003e"}}}`,
			jsonText(e[0]), jsonText(e[1]), jsonText(e[2])))
	}
	return `{"log": {"version": "1.2", "creator": {"name": "browser"}, "entries": [` + strings.Join(all, ",") + `]}}`
}

// TestMessages reads one message in all the forms in which people have it.
func TestMessages(t *testing.T) {
	xml := good().make(t)
	b64 := base64.StdEncoding.EncodeToString(xml)
	ws := string(good11().make(t))
	page := func(attrs string) string {
		return `<!DOCTYPE html><html><head><title>Working…</title></head><body><form method="POST" action="` + login + `?x=y">` +
			attrs + `<noscript><button>Continue</button></noscript></form></body></html>`
	}
	post, redirect := certs.BindingHTTPPost, certs.BindingHTTPRedirect
	for _, test := range []struct {
		name, in, want, field, binding, url string
	}{
		{"XML", string(xml), "", "", "", ""},
		{"XML with a mark", "\ufeff" + string(xml) + "\r\n", "", "", "", ""},
		{"XML with its markup escaped", html.EscapeString(string(xml)), "", "", "", ""},
		{"base64", b64, "", "", "", ""},
		{"base64, folded", fold(b64, 76, "\r\n"), "", "", "", ""},
		{"base64, indented", fold(b64, 64, "\n    "), "", "", "", ""},
		{"base64 without padding", strings.TrimRight(b64, "="), "", "", "", ""},
		{"base64 of URLs", base64.URLEncoding.EncodeToString(xml), "", "", "", ""},
		{"base64, quoted", `"` + b64 + `"`, "", "", "", ""},
		{"base64, escaped line ends", fold(b64, 76, `\r\n`), "", "", "", ""},
		{"percent-encoded", url.QueryEscape(b64), "", "", "", ""},
		{"percent-encoded with line breaks", url.QueryEscape(fold(b64, 76, "\r\n")), "", "", "", ""},
		{"percent-encoded twice", url.QueryEscape(url.QueryEscape(b64)), "", "", "", ""},
		{"references", strings.ReplaceAll(strings.ReplaceAll(b64, "+", "&#x2b;"), "=", "&#61;"), "", "", "", ""},
		{"body", "SAMLResponse=" + url.QueryEscape(b64) + "&RelayState=estsredirect%3d2", "", "SAMLResponse", post, ""},
		{"body, last", "RelayState=x&SAMLResponse=" + url.QueryEscape(b64), "", "SAMLResponse", post, ""},
		{"command line", "curl '" + login + "' --data-raw 'SAMLResponse=" + url.QueryEscape(b64) + "&RelayState=x' --compressed",
			"", "SAMLResponse", post, ""},
		{"list of fields", "SAMLResponse: " + b64 + "\nRelayState: x", "", "SAMLResponse", post, ""},
		{"fields in JSON", `{"SAMLResponse": "` + b64 + `"}`, "", "SAMLResponse", "", ""},
		{"page", page(`<input type="hidden" name="SAMLResponse" value="` + strings.ReplaceAll(b64, "+", "&#43;") + `"/>`),
			"", "SAMLResponse", post, login},
		{"page, other quotes", page(`<INPUT value='` + b64 + `' TYPE=hidden NAME=SAMLResponse>`), "", "SAMLResponse", post, login},
		{"page, text", page(`<textarea name="SAMLResponse">` + fold(b64, 76, "\n") + `</textarea>`), "", "SAMLResponse", post, login},
		{"page, WS-Federation", page(`<input name="wa" value="wsignin1.0"><input name=wresult value="` + html.EscapeString(ws) + `">`),
			ws, "wresult", post, login},
		{"body, WS-Federation", "wa=wsignin1.0&wresult=" + url.QueryEscape(ws) + "&wctx=", ws, "wresult", post, ""},
		{"redirect", login + "?SAMLResponse=" + url.QueryEscape(deflate(xml)) + "&RelayState=x", "", "SAMLResponse", redirect, login},
		{"deflated", deflate(xml), "", "", redirect, ""},
		{"HAR", har([3]string{"GET", "https://sso.example.com/", ""}, [3]string{"POST", login, "SAMLResponse=" + url.QueryEscape(b64)}),
			"", "SAMLResponse", post, login},
		{"HAR, WS-Federation", har([3]string{"POST", login, "wresult=" + url.QueryEscape(ws)}), ws, "wresult", post, login},
		{"HAR, params", `{"log": {"entries": [{"request": {"method": "POST", "url": "` + login + `", "postData": {"params": [` +
			`{"name": "SAMLResponse", "value": "` + url.QueryEscape(b64) + `"}]}}}]}}`, "", "SAMLResponse", post, login},
		{"HAR, redirect", har([3]string{"GET", login + "?SAMLResponse=" + url.QueryEscape(deflate(xml)), ""}),
			"", "SAMLResponse", redirect, login},
		{"HAR, cut off", har([3]string{"POST", login, "SAMLResponse=" + url.QueryEscape(b64)}) + `,"`, "", "SAMLResponse", post, login},
		{"SAML-tracer", `{"requests": [{"requestId": "1", "method": "POST", "url": "` + login + `",
			"protocol": "SAML-P", "post": [["SAMLResponse", "` +
			b64 + `"], ["RelayState", "x"]]}]}`, "", "SAMLResponse", post, login},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := signin.Messages([]byte(test.in))
			if err != nil || len(found) != 1 {
				t.Fatalf("%d messages, %v", len(found), err)
			}
			want := test.want
			if want == "" {
				want = string(xml)
			}
			m := found[0]
			if strings.TrimSpace(string(m.XML)) != want {
				t.Errorf("another message: %.200q", m.XML)
			}
			if m.Field != test.field || m.Binding != test.binding || m.URL != test.url {
				t.Errorf("field %q, binding %q, URL %q; want %q, %q, %q", m.Field, m.Binding, m.URL, test.field, test.binding, test.url)
			}
			protocol := aad.SAML
			if test.want != "" {
				protocol = aad.WSFed
			}
			v := signin.Judge([]byte(test.in), tenant(protocol), now)
			wantAnswer := signin.Yes
			if test.binding == redirect {
				wantAnswer = signin.CannotSay
			}
			if v.Accepted != wantAnswer {
				t.Errorf("%v\n%s", v, list(v))
			}
		})
	}
}

// TestSeveral: of several messages the last that was posted to login.srf is judged.
func TestSeveral(t *testing.T) {
	body := func(m maker) string {
		return "SAMLResponse=" + url.QueryEscape(base64.StdEncoding.EncodeToString(m.make(t)))
	}
	old, other := good(), good()
	old.by, other.unsigned = keys().foreign, true
	in := har([3]string{"POST", login, body(old)}, [3]string{"POST", login, body(good())},
		[3]string{"POST", "https://app.example.com/acs", body(other)})
	v := signin.Judge([]byte(in), tenant(aad.SAML), now)
	if v.Accepted != signin.Yes || !strings.Contains(v.Checks[0].Found, "judged of 3 messages as the last that was posted to login.srf") {
		t.Errorf("%v\n%s", v, list(v))
	}
	in = har([3]string{"POST", "https://a.example.com/", body(good())}, [3]string{"POST", "https://app.example.com/acs", body(other)})
	v = signin.Judge([]byte(in), tenant(aad.SAML), now)
	if v.Code != "AADSTS500081" || !strings.Contains(v.Checks[0].Found, "none was posted") {
		t.Errorf("%v\n%s", v, list(v))
	}
}

// TestNoMessage: what is none is said to be none.
func TestNoMessage(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "empty",
		" \n":                         "empty",
		"hello":                       "no response",
		"SAMLResponse=%ZZ":            "no response",
		"SAMLRequest=fZ&RelayState=x": "request",
		"{}":                          "no response",
		"{]":                          "not valid JSON",
		`{"log": {"entries": [`:       "archive",
		"<html><form></form></html>":  "no response",
		strings.Repeat("A", 2<<20):    "too many",
		"<a>" + strings.Repeat(" ", 3e5) + "</a>": "more than 256 KiB",
	} {
		_, err := signin.Messages([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v; want %q", in, err, want)
		}
		v := signin.Judge([]byte(in), tenant(aad.SAML), now)
		if v.Accepted != signin.CannotSay || len(v.Checks) != 1 || v.Checks[0].Topic != signin.TopicMessage || v.User != nil {
			t.Errorf("%.40q: %v\n%s", in, v, list(v))
		}
	}
	for in, want := range map[string]string{
		`<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>&e;</r>`: "document type",
		string(good().make(t)) + string(good().make(t)):                    "two documents",
		"<a/>": "", "<a": "", "<a><b></a>": "",
	} {
		v := signin.Judge([]byte(in), tenant(aad.SAML), now)
		if v.Accepted != signin.CannotSay || !strings.Contains(v.Attack, want) || (v.Attack == "") != (want == "") {
			t.Errorf("%.40q: %v; attack %q", in, v, v.Attack)
		}
	}
}

func formBase64(b []byte) string { return url.QueryEscape(base64.StdEncoding.EncodeToString(b)) }

// TestPick: of several messages the last that was posted to login.srf is judged, and
// an archive tells when that was.
func TestPick(t *testing.T) {
	field := "SAMLResponse=" + formBase64(good().make(t))
	post := [3]string{"POST", login, field}
	elsewhere := [3]string{"POST", "https://login.microsoftonline.com/common/SAS/ProcessAuth", field}
	for _, test := range []struct {
		name, in string
		n, pick  int
		at       string
	}{
		{"posted before another", har(post, post, elsewhere), 3, 1, "2026-03-02T09:00:00Z"},
		{"none posted there", har(elsewhere, elsewhere), 2, 1, "2026-03-02T09:00:00Z"},
		{"the time behind the request", `{"log": {"entries": [{"request": {"method": "POST", "url": "` + login + `", "postData": {"text": "` +
			field + `"}}, "startedDateTime": "2026-03-02T10:00:00.5+01:00"}]}}`, 1, 0, "2026-03-02T09:00:00.5Z"},
		{"cut off behind the " +
			"request", `{"log": {"entries": [{"startedDateTime": "2026-03-02T09:00:00Z", "request": {"method": "POST", "url": "` +
			login + `", "postData": {"text": "` + field + `"}}, "resp`, 1, 0, "2026-03-02T09:00:00Z"},
		{"a time that is none", `{"log": {"entries": [{"startedDateTime": "today", "request": {"method": "POST", "url": "` + login +
			`", "postData": {"text": "` + field + `"}}}]}}`, 1, 0, "0001-01-01T00:00:00Z"},
		{"a form field", field, 1, 0, "0001-01-01T00:00:00Z"},
	} {
		found, err := signin.Messages([]byte(test.in))
		if err != nil || len(found) != test.n || signin.Pick(found) != test.pick {
			t.Errorf("%s: %d messages, picked %d, %v; want %d and %d", test.name, len(found), signin.Pick(found), err, test.n, test.pick)
			continue
		}
		if at := found[test.pick].At.UTC().Format(time.RFC3339Nano); at != test.at {
			t.Errorf("%s: sent at %s, want %s", test.name, at, test.at)
		}
	}
	if signin.Pick(nil) != -1 {
		t.Error("of no message one is picked")
	}
}

// TestWithoutTenant: no issuer is refused where no domain is known, and the certificate
// that the message names is told.
func TestWithoutTenant(t *testing.T) {
	v := signin.Judge(good().make(t), signin.Tenant{}, now)
	text := list(v)
	for _, want := range []string{"realm unknown", "the tenant's domains are not known", "names the certificate " +
		keys().current.cert.Thumbprint(),
		"lifetime good", "audience good"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if v.Accepted != signin.CannotSay || v.Code != "" {
		t.Error(v)
	}
}
