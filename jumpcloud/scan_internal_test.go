package jumpcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reference is what encoding/json makes of a page.
type reference struct {
	TotalCount int `json:"totalCount"`
	Results    []struct {
		ID       string `json:"_id"`
		Username string `json:"username"`
		Email    string `json:"email"`
	} `json:"results"`
}

func FuzzUserPage(f *testing.F) {
	f.Add("dana", "dana@example.com", "x", 3)
	f.Add("\"\\\u2028", "ü😀", "]}{[,:\"", 120)
	f.Add("\xff\xfe", "", "\x00", 1)
	f.Fuzz(func(t *testing.T, name, email, other string, n int) {
		n = max(0, min(n, 250))
		in := map[string]any{"totalCount": n, "name": other}
		results := []any{} // not null: that is no list
		for i := range n {
			results = append(results, map[string]any{
				"_id": fmt.Sprint(i), "username": name, "email": email, other: []any{other, map[string]any{other: nil}}, "zz": map[string]any{"email": other},
			})
		}
		in["results"] = results
		b, err := json.Marshal(in)
		if err != nil {
			t.Skip()
		}
		var want reference
		if err := json.Unmarshal(b, &want); err != nil {
			t.Skip() // other was one of the names, with another type
		}
		for _, doc := range [][]byte{b, indent(b)} {
			got := userPage{want: allUserFields}
			if err := got.decode(doc); err != nil {
				t.Fatal(err)
			}
			if got.total != want.TotalCount || len(got.items) != len(want.Results) {
				t.Fatalf("total %d, %d items; want %d, %d", got.total, len(got.items), want.TotalCount, len(want.Results))
			}
			if strings.EqualFold(other, "username") || strings.EqualFold(other, "email") || strings.EqualFold(other, "_id") || other == "id" {
				continue // encoding/json does not mind the case
			}
			for i, u := range got.items {
				w := want.Results[i]
				if u.ID != w.ID || u.Username != w.Username || u.Email != w.Email {
					t.Fatalf("item %d = %+v; want %+v", i, u, w)
				}
			}
		}
	})
}

// FuzzUsers: whatever a user has in it, they are read as encoding/json reads them, the
// first one as those behind, whose keys are expected where the first one has them.
func FuzzUsers(f *testing.F) {
	for _, s := range []string{
		`{"_id":"1","username":"a","email":"a@b"}`, `{"email":"\u00e9\ud83d\ude00\n","_id":"2"}`, `{"username":"\ud800","x":{"email":["]}"]}}`, `{}`, `{"email":null,"_id":"3"}`,
		`{ "username" : "a" , "email":"b"}`, `{"username":"a","username":"b"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) || !strings.HasPrefix(s, "{") {
			return
		}
		doc := `{"results":[` + s + "," + s + `,{"email":"x","_id":"0","username":"y"},` + s + `],"totalCount":4}`
		for cut := range len(doc) {
			if err := new(userPage).decode([]byte(doc[:cut])); err == nil {
				t.Fatalf("%q is taken for a page", doc[:cut])
			}
		}
		got := userPage{want: allUserFields}
		if err := got.decode([]byte(doc)); err != nil || len(got.items) != 4 {
			t.Fatalf("%q: %d users, %v", doc, len(got.items), err)
		}
		var names map[string]json.RawMessage
		json.Unmarshal([]byte(s), &names)
		for k := range names { // encoding/json does not mind the case, and takes the last of two IDs
			if k == "id" || strings.EqualFold(k, "_id") && strings.Count(s, "_") > 1 || strings.Contains(s, `\u`) && len(names) > 1 {
				return
			}
			for _, name := range []string{"_id", "username", "email"} {
				if strings.EqualFold(k, name) && k != name {
					return
				}
			}
		}
		var want reference
		if json.Unmarshal([]byte(doc), &want) != nil {
			return // a field of another type, which is left out, or a number, which is taken
		}
		for i, w := range want.Results {
			if u := got.items[i]; u.ID != w.ID || u.Username != w.Username || u.Email != w.Email {
				t.Errorf("%q: item %d = %+v; want %+v", doc, i, u, w)
			}
		}
	})
}

func indent(b []byte) []byte {
	var out bytes.Buffer
	json.Indent(&out, b, " ", "\t")
	return out.Bytes()
}

// Whatever comes, reading it comes to an end.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{"", `{"results":[`, `[{"id":"`, `{"a":}`, `{"syncStatus":{"details":[`, `{"totalCount":1,"results":[{"_id":"1","created":"x"}]}`, `{"expiry":{"seconds":"1"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		new(userPage).decode(b)
		new(boundPage).decode(b)
		new(reachPage).decode(b)
		new(User).UnmarshalJSON(b)
		new(envelope[Group]).UnmarshalJSON(b)
		new(looseInt).UnmarshalJSON(b)
		new(OAuthStatus).UnmarshalJSON(b)
		message(b)
	})
}

// A page costs a handful of allocations, not some for each user.
func TestPageAllocations(t *testing.T) {
	var users, bound strings.Builder
	users.WriteString(`{"totalCount":100,"results":[`)
	bound.WriteString(`[`)
	for i := range 100 {
		if i > 0 {
			users.WriteString(",")
			bound.WriteString(",")
		}
		fmt.Fprintf(&users, `{"username":"user%d","email":"user%d@example.com","state":"ACTIVATED","_id":"%024x","id":"%024x"}`, i, i, i, i)
		fmt.Fprintf(&bound, `{"id":"%024x","type":"user","compiledAttributes":null,"paths":[[{"attributes":null,"to":{"attributes":null,"id":"%024x","type":"user"}}]],"externalId":"%032x","syncStatus":{"code":200,"message":"OK","syncedAt":"2026-01-02T03:04:05Z"}}`, i, i, i)
	}
	users.WriteString("]}")
	bound.WriteString("]")
	ub, bb := []byte(users.String()), []byte(bound.String())
	want, _ := fieldsOf([]string{"email", "state"})
	if n := testing.AllocsPerRun(50, func() {
		if err := (&userPage{want: want}).decode(ub); err != nil {
			t.Fatal(err)
		}
	}); n > 20 {
		t.Errorf("a page of 100 users: %v allocations; want at most 20", n)
	}
	if n := testing.AllocsPerRun(50, func() {
		if err := new(boundPage).decode(bb); err != nil {
			t.Fatal(err)
		}
	}); n > 20 {
		t.Errorf("a page of 100 bound users: %v allocations; want at most 20", n)
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, s := range []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "2026-01-02T04:04:05+01:00", "2026-01-02T03:04:05", "2026-01-02T03:04:05.0000000", "2026-01-02 03:04:05"} {
		if got := parseTime(s); !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v; want %v", s, got, want)
		}
	}
	if got := parseTime("soon"); !got.IsZero() {
		t.Errorf("parseTime(soon) = %v", got)
	}
}

func TestMessage(t *testing.T) {
	for _, tt := range []struct{ body, code, msg string }{
		{`{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`, "Unauthorized", "Unauthorized: api key user not found"},
		{`{"status":400,"error":"The IdP URL is required"}`, "", "The IdP URL is required"},
		{`{"message":"Not Found"}`, "", "Not Found"},
		{`{"code":400,"message":"name is required","status":"Bad Request"}`, "", "name is required"},
		{`{"code":3,"message":"","status":"INVALID_ARGUMENT","details":[]}`, "", "INVALID_ARGUMENT"},
		{`{"error":"invalid_client","error_description":"a\nb"}`, "invalid_client", "a\nb"},
		{`{"message":{"deep":1},"error":{"x":1}}`, "", ""},
		{`["message"]`, "", ""}, {`null`, "", ""}, {``, "", ""}, {"<html>", "", ""},
		{`{"message":"` + strings.Repeat("x", 400) + `"}`, "", strings.Repeat("x", 400)},
	} {
		if code, msg := message([]byte(tt.body)); code != tt.code || msg != tt.msg {
			t.Errorf("message(%s) = %q, %q; want %q, %q", tt.body, code, msg, tt.code, tt.msg)
		}
	}
}

func TestOAuthStatus(t *testing.T) {
	at := time.Unix(1703732260, 0).UTC()
	for in, want := range map[string]OAuthStatus{
		`{"expiry":{"seconds":"1703732260"}}`:         {Expiry: at},
		`{"expiry":{"seconds":1703732260,"nanos":1}}`: {Expiry: at},
		`{"expiry":1703732260}`:                       {Expiry: at},
		`{"expiry":"1703732260"}`:                     {Expiry: at},
		`{"expiry":"2023-12-28T02:57:40Z"}`:           {Expiry: at},
		`{"expiry":null,"error":{"code":1}}`:          {Error: `{"code":1}`},
		`{}`:                                          {},
	} {
		var got OAuthStatus
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func BenchmarkUserPage(b *testing.B) {
	var users strings.Builder
	users.WriteString(`{"totalCount":100,"results":[`)
	for i := range 100 {
		if i > 0 {
			users.WriteString(",")
		}
		fmt.Fprintf(&users, `{"username":"user%d","email":"user%d@example.com","state":"ACTIVATED","_id":"%024x","id":"%024x"}`, i, i, i, i)
	}
	users.WriteString("]}")
	doc := []byte(users.String())
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			(&userPage{want: allUserFields}).decode(doc)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			json.Unmarshal(doc, &reference{})
		}
	})
}
