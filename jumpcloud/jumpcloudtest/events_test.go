package jumpcloudtest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestEventsByAPI: what the API tells of sign-ins, by each of the ways in which JumpCloud
// may tell of those that failed.
func TestEventsByAPI(t *testing.T) {
	for _, tt := range []struct {
		failures jumpcloudtest.Failures
		want     []string
	}{
		{jumpcloudtest.FailedType, []string{"sso_auth_failed failed wrong-password", "sso_auth", "sso_auth idp"}},
		{jumpcloudtest.SuccessFlag, []string{"sso_auth flag failed wrong-password", "sso_auth flag", "sso_auth flag idp"}},
		{jumpcloudtest.NotTold, []string{"sso_auth", "sso_auth idp"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.EventLag = time.Minute
			w.Quirks.SignIn.Failures = tt.failures
			b := w.browser(t)
			p := b.post(loginURL, posted(request))
			b.submit(p, "username", "ann", "password", "x")
			w.now = w.now.Add(time.Second)
			b.logIn(p)
			w.now = w.now.Add(time.Second)
			b.get(loginURL)
			read := func(o jumpcloud.EventsOptions) (out []string) {
				o.From = w.now.Add(-time.Hour)
				for e, err := range w.Client(nil).Events(t.Context(), o) {
					if err != nil {
						t.Fatal(err)
					}
					s := e.Type
					if e.Success != nil {
						s += " flag"
					}
					if e.Failed() {
						s += " failed " + e.Message
					}
					if e.IDPInitiated {
						s += " idp"
					}
					out = append(out, s)
					if e.By != (jumpcloud.Actor{Type: "systemuser", ID: w.ann, Username: "ann"}) || e.Application.ID != w.app ||
						e.Application.SSOURL != loginURL || e.Organization != w.OrgID() || e.ClientIP != "192.0.2.1" || !json.Valid(e.Raw) {
						t.Errorf("%+v", e)
					}
				}
				return out
			}
			if got := read(jumpcloud.EventsOptions{}); got != nil {
				t.Errorf("at once: %q", got)
			}
			time.Sleep(time.Minute)
			if diff := gocmp.Diff(tt.want, read(jumpcloud.EventsOptions{ApplicationID: w.app})); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.failures, diff)
			}
			if got := read(jumpcloud.EventsOptions{To: w.now.Add(-3 * time.Second)}); got != nil {
				t.Errorf("before: %q", got)
			}
			if got := read(jumpcloud.EventsOptions{ApplicationID: "x"}); got != nil {
				t.Errorf("of another application: %q", got)
			}
			if got := read(jumpcloud.EventsOptions{Services: []string{"ldap"}}); got != nil {
				t.Errorf("of another service: %q", got)
			}
		})
	}
}

// TestEventsSearch: the parts of the request that the client does not use.
func TestEventsSearch(t *testing.T) {
	w := newWorld()
	b := w.browser(t)
	for range 5 {
		w.now = w.now.Add(time.Second)
		b.post(loginURL, nil)
	}
	b.logIn(b.get(loginURL))
	const path = "/insights/directory/v1/events"
	for _, tt := range []struct {
		body   string
		status int
		n      string
	}{
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z"}`, 200, "6"},
		{`{"service":["all"],"start_time":"2026-03-01T00:00:00Z","limit":2,"sort":"DESC"}`, 200, "2"},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","search_term":{"and":{"event_type":"sso_auth"}}}`, 200, "1"},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z",
			"search_term":{"not":{"event_type":["sso_auth"]},"or":{"application.name":"office365"}}}`, 200, "5"},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","fields":["id"]}`, 200, "6"},
		{`{"service":["sso"]}`, 400, ""},
		{`{"start_time":"2026-03-01T00:00:00Z"}`, 400, ""},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","limit":10001}`, 400, ""},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","sort":"UP"}`, 400, ""},
		{`{"service":"sso","start_time":"2026-03-01T00:00:00Z"}`, 400, ""},
	} {
		a := send(t, w.Server, "POST", path, tt.body)
		if a.status != tt.status || a.header.Get("X-Result-Count") != tt.n {
			t.Errorf("%s: %d, %s events\n%s", tt.body, a.status, a.header.Get("X-Result-Count"), a.body)
		}
	}
	if a := send(t, w.Server, "POST", path, `{}`, "-"); a.status != 302 {
		t.Errorf("without a key: %d", a.status)
	}
	// By pages, in both directions.
	for _, order := range []string{"ASC", "DESC"} {
		var ids []string
		for after := `[]`; len(ids) < 20; {
			a := send(t, w.Server, "POST", path, `{"service":["sso"],"start_time":"2026-03-01T00:00:00Z",
				"limit":2,"sort":"`+order+`","search_after":`+after+`}`)
			page := a.list(t)
			if ids = append(ids, page...); len(page) == 0 {
				break
			}
			after = a.header.Get("X-Search_after")
		}
		if len(ids) != 6 || (ids[0] < ids[5]) != (order == "ASC") {
			t.Errorf("%s: %q", order, ids)
		}
	}
}
