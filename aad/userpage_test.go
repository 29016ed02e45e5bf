package aad

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func users(t testing.TB, body string) ([]User, *userPage, error) {
	t.Helper()
	p, err := parsePage([]byte(body), blocks{})
	if err != nil {
		return nil, nil, err
	}
	var all []User
	for u := range p.users() {
		all = append(all, *u)
	}
	return all, &p, nil
}

func TestUserPage(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name string
		body string
		want []User
		page userPage
	}{
		{"null list", `{"value":null,"@odata.count":0}`, nil, userPage{count: 0}},
		{"empty list", `{"value":[ ]}`, nil, userPage{count: -1}},
		{"count in quotes, link with escapes", `{"@odata.count":"12","@odata.nextLink":"https:\/\/x\/?a=1\u0026b=2","value":[]}`, nil, userPage{count: 12, link: "https://x/?a=1&b=2"}},
		{"null among users", `{"value":[null,{"id":"1"},null]}`, []User{{ID: "1"}}, userPage{count: -1}},
		{"link behind the list", `{"value":[{"id":"1"},{"id":"2"}],"@odata.nextLink":"x"}`, []User{{ID: "1"}, {ID: "2"}}, userPage{count: -1, link: "x"}},
		{
			"everything", "\n{ \"value\" : [ {\"@odata.type\":\"#x\", \"id\" : \"1\" , \"userPrincipalName\":\"o'neil_x#EXT#@\\u00fc.example\",\"displayName\":\"a \\\"b\\\" \\\\\",\"mail\":null,\"onPremisesImmutableId\":\"QQ==\\\\\\\\\",\"userType\":\"Guest\",\"accountEnabled\":false,\"onPremisesSyncEnabled\":true,\"proxyAddresses\":[\"SMTP:a@b\",null,\"smtp:\\u0041\"],\"otherMails\":[],\"createdDateTime\":\"2021-08-25T07:44:46.2616778Z\",\"new\":{\"id\":[{\"id\":\"no\"},\"]}\"]},\"n\":-1.5e3,\"b\":true} ]\t}",
			[]User{{ID: "1", UserPrincipalName: "o'neil_x#EXT#@ü.example", DisplayName: `a "b" \`, ImmutableID: `QQ==\\`, UserType: "Guest", Enabled: &no, OnPremisesSyncEnabled: &yes,
				ProxyAddresses: []string{"SMTP:a@b", "", "smtp:A"}, Created: time.Date(2021, 8, 25, 7, 44, 46, 261677800, time.UTC)}}, userPage{count: -1},
		},
		{"odd types", `{"value":[{"id":7,"mail":{"a":1},"accountEnabled":null,"proxyAddresses":null,"otherMails":"x","createdDateTime":null,"userType":[]}]}`, []User{{}}, userPage{count: -1}},
		{"escaped key", `{"v\u0061lue":[{"\u0069d":"1"}]}`, []User{{ID: "1"}}, userPage{count: -1}},
	}
	for _, tt := range tests {
		got, page, err := users(t, tt.body)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if page.count != tt.page.count || page.link != tt.page.link || page.len < len(tt.want) {
			t.Errorf("%s: count %d, link %q, len %d", tt.name, page.count, page.link, page.len)
		}
	}
	for _, body := range []string{
		`{}`, `{"@odata.count":0}`, `{"error":{"code":"x","message":"y"}}`, `null`, `{"values":[]}`, ``, `[]`, `"x"`, `{"value":{}}`, `{"value":[1]}`, `{"value":[[]]}`, `{"value":[{"id":"1"`, `{"value":[]}x`, `{"value":[],}`, `{"value" []}`, `{value:[]}`, `{"value":[{"id":"1"} {"id":"2"}]}`,
		`{"value":[{"id":"1"},]}`, `{"value":[{"id":}]}`, `{"value":[{"id":x}]}`, `{"value":[{"id" "1"}]}`, `{"value":[{"proxyAddresses":["a" "b"]}]}`, `<html>`, `{"value":tru}`, `{"value":[],"@odata.nextLink":"x`,
	} {
		if _, _, err := users(t, body); err == nil {
			t.Errorf("%s: no error", body)
		}
	}
}

// What encoding/json makes of a user is what we make of it.
func FuzzUserPage(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","userPrincipalName":"a@b"}`, `{"displayName":"\u00e9\ud83d\ude00\n","accountEnabled":true}`, `{"proxyAddresses":["a","\"b\\"],"x":{"y":[1,{"z":"}]"}]}}`,
		`{"id":"a","id":"b"}`, `{"mail":"\ud800"}`, `{}`, `{"onPremisesImmutableId":" "}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want struct {
			ID                    string   `json:"id"`
			UserPrincipalName     string   `json:"userPrincipalName"`
			DisplayName           string   `json:"displayName"`
			Mail                  string   `json:"mail"`
			OnPremisesImmutableID string   `json:"onPremisesImmutableId"`
			AccountEnabled        *bool    `json:"accountEnabled"`
			ProxyAddresses        []string `json:"proxyAddresses"`
		}
		if !json.Valid([]byte(s)) || !strings.HasPrefix(strings.TrimSpace(s), "{") {
			return
		}
		// The first user says in which order the properties of the others are expected.
		other := `{"id":"0","accountEnabled":false,"proxyAddresses":[],"mail":"m","userPrincipalName":"n"}`
		whole := `{"value":[` + s + "," + s + "," + other + "," + s + `],"@odata.count":1}`
		for cut := range len(whole) {
			if _, err := parsePage([]byte(whole[:cut]), blocks{}); err == nil {
				t.Fatalf("%q is taken for a page", whole[:cut])
			}
		}
		got, _, err := users(t, whole)
		if err != nil || len(got) != 4 {
			t.Fatalf("%q: %v, %v", s, got, err)
		}
		var names map[string]json.RawMessage
		json.Unmarshal([]byte(s), &names)
		for k := range names { // encoding/json does not distinguish capitals, and merges what comes twice
			if strings.ToLower(k) == "id" && k != "id" || strings.Count(s, `"`+k+`"`) > 1 || strings.Contains(s, `\u`) && len(names) > 1 {
				return
			}
			for _, name := range userFields {
				if strings.EqualFold(k, name) && k != name {
					return
				}
			}
		}
		if json.Unmarshal([]byte(s), &want) != nil {
			return // a property of another type, which we leave out
		}
		for _, u := range slices.Delete(got, 2, 3) {
			if u.ID != want.ID || u.UserPrincipalName != want.UserPrincipalName || u.DisplayName != want.DisplayName || u.Mail != want.Mail ||
				u.ImmutableID != want.OnPremisesImmutableID || !cmp.Equal(u.Enabled, want.AccountEnabled) || !cmp.Equal(u.ProxyAddresses, want.ProxyAddresses, cmpopts.EquateEmpty()) {
				t.Errorf("%q: got %+v; want %+v", s, u, want)
			}
		}
	})
}

func page(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(id,userPrincipalName,mail,onPremisesImmutableId,accountEnabled)","@odata.count":300000,"value":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%08x-9e37-4000-8000-%012x","userPrincipalName":"user%06d@example.com","mail":"user%06d@example.com","onPremisesImmutableId":"%024d","accountEnabled":true,"proxyAddresses":["SMTP:user%06d@example.com","smtp:u%06d@example.com"],"otherMails":["u%06d@home.example"]}`, i, i, i, i, i, i, i, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// A page costs an allocation for many users, and next to none for users that are not kept.
func TestUserPageAllocations(t *testing.T) {
	body := page(maxPage)
	for _, reuse := range []*block{nil, new(block)} {
		var made blocks
		n := testing.AllocsPerRun(10, func() {
			made.clear()
			p, err := parsePage(body, made)
			if err != nil {
				t.Fatal(err)
			}
			if p.reuse = reuse; reuse != nil {
				made = p.made
			}
			n := 0
			for u := range p.users() {
				if n++; len(u.ProxyAddresses) != 2 || len(u.OtherMails) != 1 || reuse != nil && u != &reuse.User {
					t.Fatal(u)
				}
			}
			if n != maxPage {
				t.Fatal(n, "users")
			}
		})
		if perUser := n / maxPage; perUser > 0.1 {
			t.Errorf("%.2f allocations a user; want at most 0.1", perUser)
		}
	}
}

func BenchmarkUserPage(b *testing.B) {
	body := page(maxPage)
	b.Run("aad", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			p, err := parsePage(body, blocks{})
			if err != nil {
				b.Fatal(err)
			}
			for range p.users() {
			}
		}
	})
	b.Run("reuse", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		reuse, made := new(block), blocks{}
		for b.Loop() {
			made.clear()
			p, err := parsePage(body, made)
			if err != nil {
				b.Fatal(err)
			}
			p.reuse, made = reuse, p.made
			for range p.users() {
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var p struct {
				Value []*struct {
					ID, UserPrincipalName, Mail, OnPremisesImmutableID string
					AccountEnabled                                     *bool
					ProxyAddresses, OtherMails                         []string
				}
			}
			if err := json.Unmarshal(body, &p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\tc\x00":                        "a b c",
		"Resource 'o'neil@x.example' is gone":  "Resource [user] is gone",
		"/users/alice%40x.example failed":      "[user] failed",
		"a '@odata.type' b":                    "a '@odata.type' b",
		"Bearer eyJ" + strings.Repeat("x", 60): "Bearer [token]",
		"eyJ":                                  "eyJ",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q; want %q", in, got, want)
		}
	}
	if got := oneLine(strings.Repeat("é", 1000)); len([]rune(got)) != 601 || strings.ContainsRune(got, '�') {
		t.Errorf("long text: %d bytes", len(got))
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2023, 2, 15, 10, 48, 47, 0, time.UTC)
	for _, s := range []string{"2023-02-15T10:48:47Z", "2023-02-15T10:48:47", "2023-02-15T12:48:47+02:00", "2023-02-15 10:48:47Z", "2023-02-15T10:48:47.0000000Z", "2023-02-15T10:48:47.0000000"} {
		if got := parseTime(s); !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v; want %v", s, got, want)
		}
	}
	for _, s := range []string{"", "null", "yesterday"} {
		if got := parseTime(s); !got.IsZero() {
			t.Errorf("parseTime(%q) = %v; want zero", s, got)
		}
	}
}
