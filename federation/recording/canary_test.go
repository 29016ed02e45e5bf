package recording_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/jcaad/jcaad/federation/recording"
)

// canaries are real values of every kind, and the parts of them that must not be found.
var canaries = []struct {
	kind, value string
	parts       []string
}{
	{"person", "Zebulon Quackenbush", []string{"zebulon", "quackenbush"}},
	{"one name", "Quackenbush", []string{"quackenbush"}},
	{"login", "zebulon.quackenbush", []string{"zebulon", "quackenbush"}},
	{"address", "Zebulon.Quackenbush@quackfabrik-graz.com", []string{"zebulon", "quackenbush", "quackfabrik"}},
	{"proxy address", "SMTP:zebulon@quackfabrik-graz.com", []string{"zebulon", "quackfabrik"}},
	{"guest", "zebulon_quackfabrik-graz.com#EXT#@ganderhof.onmicrosoft.com", []string{"zebulon", "quackfabrik", "ganderhof"}},
	{"domain", "mail.quackfabrik-graz.com", []string{"quackfabrik"}},
	{"initial domain", "ganderhof.onmicrosoft.com", []string{"ganderhof"}},
	{"ID of JumpCloud", "5eba11deadbeefcafef00d17", []string{"5eba11deadbeefca"}},
	{"GUID", "9f8e7d6c-5b4a-4321-8fed-cba987654321", []string{"9f8e7d6c", "cba987654321"}},
	{"token", "sk_live_Qm9yZGVyQ29sbGllMTk4NA", []string{"qm9yzgvyq29sbgllmtk4na"}},
	{"JWT", jwt(`{"alg":"RS256","kid":"quackenbush-key"}`, `{"upn":"zebulon@quackfabrik-graz.com","name":"Zebulon"}`),
		[]string{"zebulon", "quackfabrik", "quackenbush"}},
	{"URL", "https://intranet.quackfabrik-graz.com:8444/Zebulon/page?who=Quackenbush&at=5eba11deadbeefcafef00d17#Zebulon",
		[]string{"zebulon", "quackenbush", "quackfabrik", "5eba11deadbeefca"}},
	{"login address", "https://sso.jumpcloud.com/saml2/quackfabrik--graz-com", []string{"quackfabrik"}},
	{"name of everybody", "urn:uri:quackfabrik-graz.com", []string{"quackfabrik"}},
	{"path", "/api/users/zebulon/Quackenbush", []string{"zebulon", "quackenbush"}},
	{"telephone", "+43 316 4711 90817", []string{"316471190817", "316 4711 90817"}},
	{"number", "471190817263", []string{"471190817263"}},
	{"address of a machine", "213.47.119.81", []string{"213.47.119.81"}},
	{"time", "2023-07-19T13:37:42.7654321Z", []string{"2023-07-19t13:37:42", ".7654321z"}},
	{"free text", "Zebulon said that the Quackenbush account is quackfabrik's.", []string{"zebulon", "quackenbush", "quackfabrik"}},
	{"error", "AADSTS50107: realm object 'https://quackfabrik-graz.com' of Zebulon does not exist.", []string{"zebulon", "quackfabrik"}},
	{"missing", "Resource 'quackfabrik-graz.com' does not exist or one of its queried reference-property objects are not present.", []string{"quackfabrik"}},
	{"condition", "userPrincipalName eq 'zebulon@quackfabrik-graz.com' and Quackenbush eq 5", []string{"zebulon", "quackenbush", "quackfabrik"}},
	{"distinguished name", "CN=Zebulon Quackenbush,OU=Ganderhof,DC=quackfabrik", []string{"zebulon", "quackenbush", "ganderhof", "quackfabrik"}},
	{"XML", `<RealmInfo Success="true"><Login>zebulon@quackfabrik-graz.com</Login><!-- Quackenbush --><ganderhof a="Zebulon">Quackenbush</ganderhof></RealmInfo>`,
		[]string{"zebulon", "quackenbush", "ganderhof", "quackfabrik"}},
	{"JSON", `{"mail":"zebulon@quackfabrik-graz.com","Quackenbush":{"ganderhof":["Zebulon",true]}}`, []string{"zebulon", "quackenbush", "ganderhof", "quackfabrik"}},
	{"certificate", canaryCertificate.Base64(), certificateParts()},
	{"PEM", string(canaryCertificate.PEM()), certificateParts()},
}

// wrappings are what a canary may be packed in.
var wrappings = []struct {
	name string
	wrap func(string) string
}{
	{"plain", func(s string) string { return s }},
	{"capitals", strings.ToUpper},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64 for URLs", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{"percent", url.QueryEscape},
	{"percent everywhere", func(s string) string { return percent([]byte(s)) }},
	{"JSON in a text", func(s string) string {
		return string(mustJSON(map[string]any{"name": s, "Quackenbush's": []string{s}}))
	}},
	{"JSON in JSON", func(s string) string { return string(mustJSON(string(mustJSON([]string{s})))) }},
	{"XML", func(s string) string { return "<AuthURL>" + escape(s) + "</AuthURL>" }},
	{"in a sentence", func(s string) string { return "Access of " + s + " was refused." }},
	{"JWT", func(s string) string { return jwt(`{"alg":"none"}`, string(mustJSON(map[string]string{"name": s}))) }},
	{"query", func(s string) string {
		return "https://login.microsoftonline.com/login.srf?wctx=1&whr=" + url.QueryEscape(s)
	}},
	{"twice base64", func(s string) string { return b64(b64(s)) }},
	{"base64 of percent", func(s string) string { return b64(url.QueryEscape(s)) }},
	{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"UTF-16", func(s string) string { return b64(string(utf16le(s))) }},
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func jwt(header, claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(claims)) + "." + e([]byte("signature of Quackenbush"))
}

func percent(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		fmt.Fprintf(&out, "%%%02x", c)
	}
	return out.String()
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

func utf16le(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// encodings returns what a part may look like: as it is, in hexadecimal, percent-encoded, escaped in
// JSON, in UTF-16, and in base64 at each of its three offsets. Those in which capitals matter are exact.
func encodings(part string) (folded, exact []string) {
	folded = []string{part, hex.EncodeToString([]byte(part)), percent([]byte(part)), strings.Trim(string(mustJSON(part)), `"`), hex.EncodeToString(utf16le(part))}
	escaped, spread := "", ""
	for _, c := range part {
		escaped += fmt.Sprintf(`\u%04x`, c)
		spread += string(c) + `\u0000`
	}
	folded = append(folded, escaped, spread)
	for _, spelling := range []string{part, strings.ToUpper(part), strings.ToUpper(part[:1]) + part[1:]} {
		for _, b := range [][]byte{[]byte(spelling), utf16le(spelling)} {
			for offset := range 3 {
				text := base64.StdEncoding.EncodeToString(append(make([]byte, offset), b...))
				from, to := (offset*8+5)/6, (offset+len(b))*8/6
				if text = text[from:to]; len(text) >= 6 {
					exact = append(exact, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
				}
			}
		}
	}
	return folded, exact
}

// gram is the beginning of what is looked for.
type gram [6]byte

// needles are all encodings of all parts of all canaries, by their beginning in small letters.
var needles = sync.OnceValue(func() map[gram][]needle {
	out := make(map[gram][]needle)
	add := func(s, what string, exact bool) {
		g := gram([]byte(strings.ToLower(s))[:6])
		out[g] = append(out[g], needle{s, what, exact})
	}
	for _, c := range canaries {
		for _, part := range c.parts {
			folded, exact := encodings(part)
			for _, s := range folded {
				add(strings.ToLower(s), c.kind+": "+part, false)
			}
			for _, s := range exact {
				add(s, c.kind+": "+part, true)
			}
		}
	}
	return out
})

type needle struct {
	text, what string
	exact      bool // capitals matter
}

// found returns what is found of all canaries in a text.
func found(text string) (out []needle) {
	all, lower := needles(), strings.ToLower(text)
	if len(lower) != len(text) {
		lower = strings.Map(func(r rune) rune { return r | 0x20 }, text)
	}
	for i := 0; i+len(gram{}) <= len(lower); i++ {
		for _, n := range all[gram([]byte(lower[i:i+len(gram{})]))] {
			if n.exact && strings.HasPrefix(text[i:], n.text) || !n.exact && strings.HasPrefix(lower[i:], n.text) {
				out = append(out, n)
			}
		}
	}
	return out
}

// planted is a transport that answers what it is told.
type planted struct {
	resp func(*http.Request) *http.Response
}

func (p planted) RoundTrip(r *http.Request) (*http.Response, error) { return p.resp(r), nil }

// exchange sends a request through a recorder, which gets that answer.
func exchange(t *testing.T, rec *recording.Recorder, req *http.Request, status int, h http.Header, body []byte) {
	t.Helper()
	resp, err := rec.Transport(planted{func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
	}}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(b, body) {
		t.Fatalf("the client read %d bytes, %v; want the %d that were answered", len(b), err, len(body))
	}
	resp.Body.Close()
}

var canaryEvery = flag.Int("canary-every", 41,
	"which part of the canaries' places is tried: one in so many, a twelfth of it under the race detector")

// TestNoCanary plants real values of every kind, packed in every way, in every field, header, address and
// error of both fakes' answers, and finds none of them in what is recorded and in what is shown.
func TestNoCanary(t *testing.T) {
	all := captured(t)
	every := *canaryEvery
	if raceEnabled || testing.Short() {
		every *= 12
	}
	n := 0
	for j, c := range canaries {
		if len(found(c.value+string(canaryCertificate.DER()))) == 0 {
			t.Errorf("%s: the test does not find its own canary", c.kind)
		}
		for k, w := range wrappings {
			rec := recording.New()
			for i, a := range all {
				if (i+5*j+7*k)%every == 0 {
					record(t, rec, a, c.kind, w.wrap(c.value), i+j+k)
					n++
				}
			}
			_, text := written(t, rec)
			for _, r := range rec.Remains() {
				text += r.String() + "\n"
			}
			if f := found(text); len(f) > 0 {
				t.Errorf("%s, %s: %+v in the recording", c.kind, w.name, f)
				show(t, text, f[0])
			}
		}
	}
	t.Logf("%d exchanges", n)
}

// record records an exchange with a canary in all of its places.
func record(t *testing.T, rec *recording.Recorder, a answered, kind, text string, n int) {
	t.Helper()
	value := any(text)
	if kind == "number" && strings.Trim(text, "0123456789") == "" {
		value = json.Number(text)
	}
	body := plantText(t, a.body, value)
	h := a.header.Clone()
	for _, name := range []string{"Set-Cookie", "Location", "Etag", "X-Ms-Throttle-Scope", "Retry-After", "Link", "Www-Authenticate", "X-Search_after",
		"X-Nobody", "Server", "X-Ms-Ags-Diagnostic", "Content-Security-Policy"} {
		h[name] = nil
	}
	for name := range h {
		h[name] = []string{text}
	}
	if n%2 == 0 {
		h.Set("Content-Type", a.header.Get("Content-Type"))
	}
	q := url.QueryEscape(text)
	address := "https://graph.microsoft.com/v1.0/users/" + url.PathEscape(text) + "/x?$filter=mail+eq+'" + q + "'&" + q +
		"=1&filter=name:$in:" + q + "&search=" + q + "#" + url.PathEscape(text)
	if n%3 == 0 {
		u := *a.req.URL
		u.Host = "zebulon.quackfabrik-graz.com"
		address = u.String()
	}
	req, err := http.NewRequest(a.req.Method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "X-Api-Key", "Cookie", "X-Org-Id", "Consistencylevel", "Prefer", "User-Agent", "X-Nobody"} {
		req.Header[name] = []string{text}
	}
	req.Header.Set("Content-Type", "application/json")
	exchange(t, rec, req, a.status, h, body)
}

// show shows where a canary is.
func show(t *testing.T, text string, n needle) {
	t.Helper()
	if i := strings.Index(strings.ToLower(text), strings.ToLower(n.text)); i >= 0 {
		t.Logf("…%s…", text[max(0, i-300):min(len(text), i+100)])
	}
}
