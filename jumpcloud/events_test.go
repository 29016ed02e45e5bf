package jumpcloud_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// ssoAuth is the example of JumpCloud's table of events.
const ssoAuth = `{"id":"30b03bc3-be76-4919-b341-f9b271a5777e","event_type":"sso_auth","timestamp":"2019-03-04T18:08:26Z",
"initiated_by":{"type":"systemuser","id":"5c86b7149fdce00001d38014","username":"testexample"},"organization":"5a2af2a82cf2b0010053ea41",
"application":{"display_label":"Zendesk SSO",
"id":"5c86b7469fdce00001d38016","name":"zendesk","sso_url":"https://sso.jumpcloud.com/saml2/zendesk"},
"client_ip":"10.1.2.3","useragent":{"os":"Fedora","name":"Firefox"},"geoip":{"country_code":"US"},"idp_initiated":true,
"service":"sso","@version":1}`

func TestEvent(t *testing.T) {
	yes, no := true, false
	full := jumpcloud.Event{
		ID: "30b03bc3-be76-4919-b341-f9b271a5777e", Type: "sso_auth", Service: "sso", At: time.Date(2019, 3, 4, 18, 8, 26, 0, time.UTC),
		By:           jumpcloud.Actor{Type: "systemuser", ID: "5c86b7149fdce00001d38014", Username: "testexample"},
		Organization: "5a2af2a82cf2b0010053ea41", ClientIP: "10.1.2.3", IDPInitiated: true,
		Application: jumpcloud.EventApplication{ID: "5c86b7469fdce00001d38016", Name: "zendesk", Label: "Zendesk SSO",
			SSOURL: "https://sso.jumpcloud.com/saml2/zendesk"},
	}
	for _, tt := range []struct {
		name, text string
		want       jumpcloud.Event
		failed     bool
	}{
		{"JumpCloud's example", ssoAuth, full, false},
		{"a flag", `{"event_type":"sso_auth","success":true}`, jumpcloud.Event{Type: "sso_auth", Success: &yes}, false},
		{"a flag of failure, in words", `{"event_type":"sso_auth","success":"false","error_message":"locked"}`,
			jumpcloud.Event{Type: "sso_auth", Success: &no, Message: "locked"}, true},
		{"a type of failure", `{"event_type":"sso_auth_failed","message":"no"}`, jumpcloud.Event{Type: "sso_auth_failed", Message: "no"}, true},
		{"other kinds of values", `{"id":7,"idp_initiated":"true","organization":{"id":"o"},"initiated_by":{"email":"ann@example.com"},
"application":"x",
"timestamp":null,"success":null}`,
			jumpcloud.Event{ID: "7", IDPInitiated: true, Organization: "o", By: jumpcloud.Actor{Username: "ann@example.com"}}, false},
		{"nothing known", `{"x":[1]}`, jumpcloud.Event{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got jumpcloud.Event
			if err := json.Unmarshal([]byte(tt.text), &got); err != nil {
				t.Fatal(err)
			}
			if string(got.Raw) != tt.text {
				t.Errorf("Raw = %s", got.Raw)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(got, "Raw")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Failed() != tt.failed {
				t.Errorf("Failed() = %v", got.Failed())
			}
		})
	}
	for _, text := range []string{`null`, `"x"`, `[]`} {
		if err := new(jumpcloud.Event).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s was read as an event", text)
		}
	}
}

// TestEventsRequest: each region has a host of its own, which options replace; the
// request is the one of JumpCloud's specification.
func TestEventsRequest(t *testing.T) {
	from, to := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 10, 0, 0, 500e6, time.FixedZone("", 3600))
	for _, tt := range []struct {
		name       string
		opts       jumpcloud.Options
		events     jumpcloud.EventsOptions
		host, body string
	}{
		{"defaults", jumpcloud.Options{}, jumpcloud.EventsOptions{From: from}, "api.jumpcloud.com",
			`{"limit":1000,"service":["sso"],"sort":"ASC","start_time":"2026-03-02T09:00:00Z"}`},
		{"Europe, a type and an end", jumpcloud.Options{Region: jumpcloud.EU},
			jumpcloud.EventsOptions{From: from, To: to, Types: []string{"sso_auth"}},
			"api.eu.jumpcloud.com", `{"end_time":"2026-03-02T09:00:00.5Z","limit":1000,"search_term":{"and":{"event_type":"sso_auth"}},` +
				`"service":["sso"],"sort":"ASC","start_time":"2026-03-02T09:00:00Z"}`},
		{"an address of its own", jumpcloud.Options{Region: jumpcloud.IN, InsightsURL: "https://insights.example.com"},
			jumpcloud.EventsOptions{From: from, Services: []string{"all"}, Types: []string{"a", "b"}}, "insights.example.com",
			`{"limit":1000,"service":["all"],"sort":"ASC","start_time":"2026-03-02T09:00:00Z"}`},
		{"everything elsewhere", jumpcloud.Options{BaseURL: "https://jc.example.com"}, jumpcloud.EventsOptions{From: from}, "jc.example.com",
			`{"limit":1000,"service":["sso"],"sort":"ASC","start_time":"2026-03-02T09:00:00Z"}`},
		{"the newest first", jumpcloud.Options{}, jumpcloud.EventsOptions{From: from, NewestFirst: true}, "api.jumpcloud.com",
			`{"limit":1000,"service":["sso"],"sort":"DESC","start_time":"2026-03-02T09:00:00Z"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var host, path, body, org, key string
			tt.opts.OrgID, tt.opts.ReadOnly = "5a2af2a82cf2b0010053ea41", true
			c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				host, path, body, org, key = r.Host, r.URL.Path, string(b), r.Header.Get("X-Org-Id"), r.Header.Get("X-Api-Key")
				io.WriteString(w, `{"results":[{"id":"1"}]}`)
			}), &tt.opts)
			if n, err := count(c.Events(t.Context(), tt.events)); n != map[bool]int{true: 0, false: 1}[len(tt.events.Types) > 0] || err != nil {
				t.Errorf("%d events, %v", n, err)
			}
			want := []string{tt.host, "/insights/directory/v1/events", tt.body, "5a2af2a82cf2b0010053ea41", "0123456789abcdef-key"}
			if diff := cmp.Diff(want, []string{host, path, body, org, key}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, u := range []string{"http://insights.example.com", "insights", "https://x.example.com/?q=1"} {
		_, err := jumpcloud.New("0123456789abcdef-key", &jumpcloud.Options{InsightsURL: u})
		if err == nil || !strings.Contains(err.Error(), "Insights URL") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// TestEventsPages: pages are followed by the cursor, as long as there are full ones, and
// not beyond where it leads.
func TestEventsPages(t *testing.T) {
	page := func(from, n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":"e%d","event_type":"sso_auth"}`, from+i)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	limit := func(n, cursor string) http.Header { return http.Header{"X-Limit": {n}, "X-Search_after": {cursor}} }
	cursor := func(c string) http.Header { return http.Header{"X-Search_after": {c}} }
	for _, tt := range []struct {
		name    string
		answers []answer
		n, sent int
		class   error
	}{
		{"one", []answer{{200, page(0, 3), limit("1000", `["t","e2"]`)}}, 3, 1, nil},
		{"full ones", []answer{{200, page(0, 1000), cursor(`[1]`)}, {200, page(1000, 1000), cursor(`[2]`)}, {200, `[]`, nil}}, 2000, 3, nil},
		{"smaller than asked for", []answer{{200, page(0, 2), limit("2", `[1]`)}, {200, page(2, 1), limit("2", `[2]`)}}, 3, 2, nil},
		{"smaller, and that is not said", []answer{{200, page(0, 2), cursor(`[1]`)}, {200, page(2, 1), cursor(`[2]`)},
			{200, `[]`, nil}}, 3, 3, nil},
		{"that begin with the last one", []answer{{200, page(0, 2), limit("2", `[1]`)}, {200, page(1, 2), limit("2", `[2]`)},
			{200, `[]`, nil}}, 3, 3, nil},
		{"full, and no way on", []answer{{200, page(0, 1000), nil}}, 1000, 1, jumpcloud.ErrUnavailable},
		{"a cursor that is none", []answer{{200, page(0, 2), limit("2", `[1`)}}, 2, 1, jumpcloud.ErrUnavailable},
		{"a cursor that stands still", []answer{{200, page(0, 2), limit("2", `[1]`)}}, 3, 2, jumpcloud.ErrUnavailable},
		{"an error later", []answer{{200, page(0, 2), limit("2", `[1]`)}, {403, `{"message":"Forbidden"}`, nil}}, 2, 2, jumpcloud.ErrDenied},
		{"no list later", []answer{{200, page(0, 2), limit("2", `[1]`)}, {200, `null`, nil}}, 2, 2, jumpcloud.ErrUnavailable},
		{"no events in it", []answer{{200, `[1]`, nil}}, 0, 1, jumpcloud.ErrUnavailable},
		{"without end", endless(page), 14, 7, jumpcloud.ErrTooManyPages},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &canned{answers: tt.answers}
			var ids []string
			var last error
			for e, err := range newClient(t, h, &jumpcloud.Options{MaxPages: 7}).Events(t.Context(), jumpcloud.EventsOptions{}) {
				if last = err; err == nil {
					ids = append(ids, e.ID)
				}
			}
			if tt.class == nil && last != nil || tt.class != nil && !errors.Is(last, tt.class) {
				t.Errorf("err = %v; want %v", last, tt.class)
			}
			if len(ids) != tt.n || len(h.seen) != tt.sent {
				t.Errorf("%d events of %d requests; want %d of %d", len(ids), len(h.seen), tt.n, tt.sent)
			}
			if tt.sent > 1 && !strings.Contains(h.seen[1].Body, `"search_after":[1]`) {
				t.Errorf("the second request: %s", h.seen[1].Body)
			}
		})
	}
}

// TestEventsMaxPages: the list's own bound counts, and not beyond the client's.
func TestEventsMaxPages(t *testing.T) {
	page := func(from, n int) string { return fmt.Sprintf(`[{"id":"e%d"},{"id":"e%d"}]`, from, from+n-1) }
	for _, tt := range []struct{ own, sent int }{{0, 7}, {3, 3}, {8, 7}} {
		h := &canned{answers: endless(page)}
		c := newClient(t, h, &jumpcloud.Options{MaxPages: 7})
		n, err := count(c.Events(t.Context(), jumpcloud.EventsOptions{MaxPages: tt.own}))
		if !errors.Is(err, jumpcloud.ErrTooManyPages) || len(h.seen) != tt.sent || n != 2*tt.sent {
			t.Errorf("MaxPages %d: %d events of %d requests, %v; want %d requests", tt.own, n, len(h.seen), err, tt.sent)
		}
	}
}

func endless(page func(from, n int) string) (all []answer) {
	for i := range 9 {
		all = append(all, answer{200, page(2*i, 2), http.Header{"X-Limit": {"2"}, "X-Search_after": {fmt.Sprintf("[%d]", i+1)}}})
	}
	return all
}

// TestEventsOfTheStandIn: what the client asks for is what the stand-in takes, for a key
// and for a service account, over the network as well.
func TestEventsOfTheStandIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		s.AddApplication("office365", "Microsoft 365", "https://example.com", "https://sso.jumpcloud.com/saml2/office365")
		hc := &http.Client{Transport: &memhttp.Transport{Handler: &s}}
		if resp, err := hc.Get("https://sso.jumpcloud.com/saml2/office365?SAMLRequest=x"); err != nil || resp.StatusCode != 400 {
			t.Fatal(resp, err)
		}
		for _, c := range []*jumpcloud.Client{
			s.Client(nil), s.ServiceAccount(nil), s.Client(&jumpcloud.Options{BaseURL: "https://jc.example.com"}),
		} {
			var got []string
			for e, err := range c.Events(t.Context(), jumpcloud.EventsOptions{Types: []string{"sso_auth_failed"}}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Application.Label+": "+e.Message)
			}
			if diff := cmp.Diff([]string{"Microsoft 365: bad-request"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		eu := s.Client(&jumpcloud.Options{Region: jumpcloud.EU})
		if _, err := count(eu.Events(t.Context(), jumpcloud.EventsOptions{})); !errors.Is(err, jumpcloud.ErrUnauthenticated) {
			t.Errorf("another region's host: %v", err)
		}
	})
	var s jumpcloudtest.Server
	hs := httptest.NewServer(&s)
	defer hs.Close()
	c, err := jumpcloud.New("k", &jumpcloud.Options{BaseURL: hs.URL})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := count(c.Events(t.Context(), jumpcloud.EventsOptions{})); n != 0 || err != nil {
		t.Errorf("%d events, %v", n, err)
	}
}
