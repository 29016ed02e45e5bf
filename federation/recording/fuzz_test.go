package recording_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/federation/recording"
)

// FuzzRecord plants a canary, packed in some way, in some place of an arbitrary answer, beside what is in it anyway,
// and finds it neither in the recording nor in what is shown. What is recorded can be read back, and valid JSON
// stays valid JSON of the same shape.
func FuzzRecord(f *testing.F) {
	for i, seed := range []string{
		`{"value":[{"id":"a","mail":"b@c.example","n":1.5e3,"t":"2021-01-01T00:00:00Z","x":null,"y":true}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=a"}`,
		`[{"to":{"id":"617c3664e6f8ae27f7e1201e","type":"user"}},[[]],"",{}]`,
		`{"message":"Resource 'a' does not exist","error":{"code":"Request_BadRequest"}}`,
		`{"config":{"acsUrl":{"value":"[{\"url\":\"https://a.example\"}]"},"idpPrivateKey":{"value":"a"}}}`,
		`"eyJhbGciOiJub25lIn0.eyJhIjoiYiJ9.YQ"`, `<RealmInfo><Login>a</Login></RealmInfo>`, `{"a":`, "\xff\xfe<\x00", `12`,
		`{"filter":"name:$in:a|b","$filter":"a eq 'b''c' and \"d\" or e","seconds":"1703732260","exp":1703732260123}`,
		`{"a":"%7B%22b%22%3A1%7D","b":"urn:a:b:c","c":"/a/../b?c=d#e","d":"@a.b","e":"1.2.3.4:5","f":"[::1]:2","g":"a:b@c"}`,
		`{"a":"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"}`,
	} {
		f.Add([]byte(seed), uint16(i), uint8(i), uint8(3*i))
	}
	f.Fuzz(func(t *testing.T, body []byte, where uint16, kind, wrapping uint8) {
		if len(body) > 1<<14 || len(found(string(body))) > 0 {
			return
		}
		c, w := canaries[int(kind)%len(canaries)], wrappings[int(wrapping)%len(wrappings)]
		planted := plantAt(body, int(where), w.wrap(c.value))
		rec := recording.New()
		req, err := http.NewRequest("GET", "https://graph.microsoft.com/v1.0/domains", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{planted, body} {
			exchange(t, rec, req, 200, http.Header{"Content-Type": {"application/json"}}, b)
		}
		all := http.Header{}
		for _, name := range []string{"Content-Type", "Link", "Location", "Www-Authenticate", "X-Ms-Throttle-Scope", "Retry-After", "Date", "Cf-Ray", "X-Search_after"} {
			all[name] = []string{string(planted)}
		}
		odd := get(t, "https://graph.microsoft.com/v1.0/users")
		odd.URL.Path, odd.URL.RawQuery, odd.URL.Fragment = "/v1.0/users/"+string(planted), string(planted), string(planted)
		odd.Header = all
		exchange(t, rec, odd, 200, all, nil)
		r, text := written(t, rec)
		for _, remain := range rec.Remains() {
			text += remain.String() + "\n"
		}
		if f := found(text); len(f) > 0 {
			t.Errorf("%s, %s: %+v in\n%s\nof\n%s", c.kind, w.name, f[0], text, planted)
		}
		if a := r.Exchanges[1].Answer; json.Valid(body) && shape(body) != shape(a.JSON) && a.Text == "" {
			t.Errorf("%s becomes %s", body, a.JSON)
		}
	})
}

// FuzzRead reads whatever it is given, or says why not; what it has read is written as it is read again, and replayed.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"version":1,"exchanges":[{"at":"2021-01-01T00:00:00Z","method":"GET","url":"https://a.example/b?c=d","answer":{"status":200,"json":{"e":1}}}]}`))
	f.Add([]byte(`{"version":1,"exchanges":[{"at":"2021-01-01T00:00:00Z","method":"GET","url":"https://a.example/","answer":{"status":204,"cut":true,"mark":true}}]}`))
	f.Add([]byte(`{"version":1,"exchanges":[{"at":"2021-01-01T00:00:00Z","method":"POST","url":"http://a.example:1/","header":{"X-Org-Id":"a"}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := recording.Read(bytes.NewReader(b))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "recording: ") {
				t.Errorf("error = %v", err)
			}
			return
		}
		var first, second bytes.Buffer
		if _, err := r.WriteTo(&first); err != nil {
			t.Fatal(err)
		}
		again, err := recording.Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first.String())
		}
		if again.WriteTo(&second); first.String() != second.String() {
			t.Errorf("written as %s\nand as %s", first.String(), second.String())
		}
		client := r.HTTPClient()
		for _, x := range r.Exchanges {
			req, err := http.NewRequestWithContext(t.Context(), x.Method, x.URL, nil)
			if err != nil {
				continue
			}
			req.Header.Set("X-Org-Id", x.Header["X-Org-Id"])
			resp, err := client.Transport.RoundTrip(req)
			if err != nil {
				continue // a connection that breaks
			}
			if resp.Body.Close(); resp.StatusCode == http.StatusNotImplemented && x.Answer != nil && x.Answer.Status != http.StatusNotImplemented {
				t.Errorf("%s %s is not found in its own recording", x.Method, x.URL)
			}
		}
	})
}

// plantAt replaces the n-th text of a body in JSON, or puts it at the end.
func plantAt(body []byte, n int, text string) []byte {
	if !json.Valid(body) {
		return append(bytes.Clone(body), text...)
	}
	var at [][2]int // of the texts
	for i := 0; i < len(body); i++ {
		if body[i] != '"' {
			continue
		}
		from := i
		for i++; body[i] != '"'; i++ {
			if body[i] == '\\' {
				i++
			}
		}
		at = append(at, [2]int{from, i + 1})
	}
	if len(at) == 0 {
		return mustJSON([]any{json.RawMessage(body), text})
	}
	span := at[n%len(at)]
	return []byte(string(body[:span[0]]) + string(mustJSON(text)) + string(body[span[1]:]))
}

// shape is JSON with nothing in it but its structure and its types.
func shape(doc []byte) string {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var b strings.Builder
	for {
		t, err := d.Token()
		if err != nil {
			return b.String()
		}
		switch v := t.(type) {
		case json.Delim:
			b.WriteString(v.String())
		case string:
			b.WriteByte('s')
		case json.Number:
			b.WriteByte('n')
		case bool:
			b.WriteByte('b')
		default:
			b.WriteByte('0')
		}
	}
}
