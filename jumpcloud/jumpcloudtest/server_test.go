package jumpcloudtest_test

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// answer is what the fake says on the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// json decodes the body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return m
}

func (a answer) list(t testing.TB) (ids []string) {
	t.Helper()
	var items []map[string]any
	if err := json.Unmarshal([]byte(a.body), &items); err != nil {
		var w struct{ Results []map[string]any }
		if err := json.Unmarshal([]byte(a.body), &w); err != nil {
			t.Fatalf("%s: %v", a.body, err)
		}
		items = w.Results
	}
	for _, i := range items {
		id, _ := i["id"].(string)
		if to, ok := i["to"].(map[string]any); ok {
			id = to["id"].(string)
		}
		if id == "" {
			id, _ = i["_id"].(string)
		}
		ids = append(ids, id)
	}
	return ids
}

// send makes a raw request; header "-" leaves the key out.
func send(t testing.TB, s *jumpcloudtest.Server, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://console.jumpcloud.com"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "k")
	for _, h := range header {
		if h == "-" {
			req.Header.Del("X-Api-Key")
			continue
		}
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	hc := s.HTTPClient()
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func wantAnswer(t testing.TB, a answer, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("%d %s; want %d %s", a.status, a.body, status, body)
	}
}

func TestNoKeyRedirects(t *testing.T) {
	var s jumpcloudtest.Server
	a := send(t, &s, "GET", "/api/applications", "", "-")
	if a.status != 302 || a.header.Get("Location") != "/login" {
		t.Errorf("%d, location %q; want 302 to /login", a.status, a.header.Get("Location"))
	}
}

func TestWrongKey(t *testing.T) {
	s := jumpcloudtest.Server{APIKey: "right"}
	wantAnswer(t, send(t, &s, "GET", "/api/applications", ""), 401, `{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`)
	wantAnswer(t, send(t, &s, "GET", "/api/applications", "", "X-Api-Key: right"), 200, `{"results":[],"totalCount":0}`)
}

func TestKeyOfAnotherRegion(t *testing.T) {
	s := jumpcloudtest.Server{Region: jumpcloud.IN}
	if a := send(t, &s, "GET", "/api/applications", ""); a.status != 401 {
		t.Errorf("%d; want 401", a.status)
	}
}

func TestEnvelopes(t *testing.T) {
	var s jumpcloudtest.Server
	g := s.AddGroup("G")
	s.AddUser(jumpcloud.User{ID: "u1", Username: "u", Email: "u@example.com"})
	a := send(t, &s, "GET", "/api/systemusers?skip=5", "")
	wantAnswer(t, a, 200, `{"totalCount":1,"results":[]}`)
	if a.header.Get("X-Total-Count") != "" || a.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("header = %v", a.header)
	}
	a = send(t, &s, "GET", "/api/v2/usergroups", "")
	if diff := cmp.Diff([]string{g}, a.list(t)); diff != "" || a.body[0] != '[' || a.header.Get("X-Total-Count") != "1" {
		t.Errorf("%s, total %q", a.body, a.header.Get("X-Total-Count"))
	}
	a = send(t, &s, "GET", "/api/v2/usergroups?skip=5", "")
	wantAnswer(t, a, 200, "[]")
	if a.header.Get("X-Total-Count") != "1" {
		t.Error("no total past the end")
	}
	s.Quirks.NoTotals = true
	if a := send(t, &s, "GET", "/api/v2/usergroups", ""); a.header.Get("X-Total-Count") != "" {
		t.Error("a total despite NoTotals")
	}
}

func TestLimits(t *testing.T) {
	var s jumpcloudtest.Server
	s.GenerateUsers(500, func(i int) jumpcloud.User { return jumpcloud.User{Username: fmt.Sprint(i)} })
	for query, want := range map[string]int{"": 10, "?limit=50": 50, "?limit=1000": 100, "?limit=100&skip=450": 50} {
		if got := len(send(t, &s, "GET", "/api/systemusers"+query, "").list(t)); got != want {
			t.Errorf("%q: %d users; want %d", query, got, want)
		}
	}
	s.PageSize = 20
	if got := len(send(t, &s, "GET", "/api/systemusers?limit=100", "").list(t)); got != 20 {
		t.Errorf("PageSize 20: %d users", got)
	}
}

func TestETag(t *testing.T) {
	var s jumpcloudtest.Server
	a := send(t, &s, "GET", "/api/organizations", "")
	sum := sha1.Sum([]byte(a.body))
	want := fmt.Sprintf(`W/"%x-%s"`, len(a.body), base64.StdEncoding.EncodeToString(sum[:])[:27])
	if got := a.header.Get("Etag"); got != want {
		t.Errorf("Etag = %s; want %s", got, want)
	}
	if a.header.Get("Cf-Ray") == "" {
		t.Error("no cf-ray")
	}
}

func TestBothIDs(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	u := s.AddUser(jumpcloud.User{Username: "u", Email: "u@example.com"})
	for path, want := range map[string]string{"/api/applications/" + id: id, "/api/systemusers/" + u: u} {
		m := send(t, &s, "GET", path, "").json(t)
		if m["_id"] != want || m["id"] != want || !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(want) {
			t.Errorf("%s: _id %v, id %v; want %s twice, 24 hex digits", path, m["_id"], m["id"], want)
		}
	}
}

// Lists that are not sorted by _id show somebody on two pages.
// put is an application's body out of what GET said.
// rdn is a subject in its own order, which x509 changes.
func TestOrganizationHeader(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	other := s.AddOrganization("").OrgID()
	md := "/api/organizations/" + s.OrgID() + "/applications/" + id + "/metadata.xml"
	for _, tt := range []struct {
		path, org string
		mt, md    bool
		want      int
	}{
		{"/api/applications", "", false, false, 200},
		{"/api/applications", s.OrgID(), false, false, 200},
		{"/api/applications", other, false, false, 200},
		{"/api/applications", "xyz", false, false, 400},
		{"/api/applications", "ffffffffffffffffffffffff", false, false, 404},
		{"/api/applications", "", true, false, 401},
		{"/api/applications", s.OrgID(), true, false, 200},
		{"/api/organizations", "", true, false, 200},
		{"/api/organizations", s.OrgID(), true, false, 403},
		{md, "", true, false, 200},
		{md, s.OrgID(), false, false, 200},
		{md, other, false, false, 400},
		{md, "", false, true, 400},
	} {
		s.MultiTenant, s.Quirks.RequireMetadataOrg = tt.mt, tt.md
		if a := send(t, &s, "GET", tt.path, "", "X-Org-Id: "+tt.org); a.status != tt.want {
			t.Errorf("%s with x-org-id %q, MultiTenant %v: %d %s; want %d", tt.path, tt.org, tt.mt, a.status, a.body, tt.want)
		}
	}
}

func TestEmptyNotFound(t *testing.T) {
	s := jumpcloudtest.Server{Quirks: jumpcloudtest.Quirks{EmptyNotFound: true}}
	wantAnswer(t, send(t, &s, "GET", "/api/applications/x", ""), 404, "")
}

func TestScopes(t *testing.T) {
	s := jumpcloudtest.Server{Scopes: []string{"applications", "groups.readonly"}}
	for path, want := range map[string]int{"/api/applications": 200, "/api/v2/usergroups": 200, "/api/systemusers": 403} {
		if a := send(t, &s, "GET", path, ""); a.status != want {
			t.Errorf("%s: %d; want %d", path, a.status, want)
		}
	}
	if a := send(t, &s, "POST", "/api/v2/usergroups", `{"name":"g"}`); a.status != 403 {
		t.Errorf("a write with a reading scope: %d", a.status)
	}
}

// Lag and flapping: lists and single reads each have their own.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		id := addApp(&s) // seeded: it has been there for long
		s.ListLag = jumpcloudtest.Lag{Reads: 2, Flaps: 3}
		if n := len(send(t, &s, "GET", "/api/applications", "").list(t)); n != 1 {
			t.Errorf("seeded: %d", n)
		}
		send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, ""))
		var got []int
		for range 7 {
			got = append(got, len(send(t, &s, "GET", "/api/applications", "").list(t)))
		}
		if diff := cmp.Diff([]int{1, 1, 2, 1, 2, 2, 2}, got); diff != "" { // two stale, then fresh, stale, fresh, then for good
			t.Errorf("lists (-want +got):\n%s", diff)
		}
		if n := len(s.Applications()); n != 2 {
			t.Errorf("the truth: %d", n)
		}
		s.GetLag = jumpcloudtest.Lag{For: time.Minute}
		put(t, &s, id, func(app, _ map[string]any) { app["description"] = "new" })
		get := func() any { return send(t, &s, "GET", "/api/applications/"+id, "").json(t)["description"] }
		if got := get(); got != "" {
			t.Errorf("at once: %v", got)
		}
		time.Sleep(time.Minute)
		if got := get(); got != "new" {
			t.Errorf("after a minute: %v", got)
		}
		send(t, &s, "DELETE", "/api/applications/"+id, "")
		if a := send(t, &s, "GET", "/api/applications/"+id, ""); a.status != 200 {
			t.Errorf("deleted, at once: %d", a.status)
		}
		time.Sleep(time.Minute)
		if a := send(t, &s, "GET", "/api/applications/"+id, ""); a.status != 404 {
			t.Errorf("deleted, after a minute: %d", a.status)
		}
		// Edges lag, too.
		s.ListLag = jumpcloudtest.Lag{Reads: 1}
		app, g := addApp(&s), s.AddGroup("G")
		send(t, &s, "POST", "/api/v2/applications/"+app+"/associations", `{"op":"add","type":"user_group","id":"`+g+`"}`)
		for i := range 2 {
			if n := len(send(t, &s, "GET", "/api/v2/applications/"+app+"/associations?targets=user_group", "").list(t)); n != i {
				t.Errorf("read %d: %d edges", i, n)
			}
		}
	})
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for style, want := range map[jumpcloudtest.RetryAfterStyle]string{
			jumpcloudtest.WholeSeconds: "1", jumpcloudtest.FractionalSeconds: "0.500", jumpcloudtest.NoRetryAfter: "",
		} {
			s := jumpcloudtest.Server{Throttle: &jumpcloudtest.Throttle{Rate: 2, Burst: 1, Style: style}}
			if a := send(t, &s, "GET", "/api/applications", ""); a.status != 200 {
				t.Errorf("%d", a.status)
			}
			a := send(t, &s, "GET", "/api/applications", "")
			if a.status != 429 || a.header.Get("Retry-After") != want {
				t.Errorf("style %d: %d, Retry-After %q; want %q", style, a.status, a.header.Get("Retry-After"), want)
			}
		}
		s := jumpcloudtest.Server{Throttle: &jumpcloudtest.Throttle{Rate: 20, Burst: 5, Style: jumpcloudtest.WholeSeconds}}
		s.GenerateUsers(3000, func(i int) jumpcloud.User { return jumpcloud.User{Username: fmt.Sprint(i)} })
		n := 0
		for _, err := range s.Client(nil).Users(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 3000 {
			t.Errorf("%d users through the throttle", n)
		}
	})
}

func TestSuspectedAbusePage(t *testing.T) {
	s := jumpcloudtest.Server{Fault: func(*http.Request) jumpcloudtest.Fault { return jumpcloudtest.SuspectedAbuse() }}
	if a := send(t, &s, "GET", "/api/applications", ""); a.status != 403 || !strings.Contains(a.body, "suspected abuse") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestRequestLog(t *testing.T) {
	s := jumpcloudtest.Server{Fault: func(r *http.Request) jumpcloudtest.Fault {
		if r.Method == http.MethodDelete {
			return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500After}
		}
		return jumpcloudtest.Fault{}
	}}
	id := addApp(&s)
	send(t, &s, "GET", "/api/applications/"+id, "")
	send(t, &s, "DELETE", "/api/applications/"+id, "")
	type line struct {
		method, pattern string
		write           bool
		status, inner   int
		fault           jumpcloudtest.FaultKind
	}
	var got []line
	for _, r := range s.Requests() {
		got = append(got, line{r.Method, r.Pattern, r.Write, r.Status, r.Inner, r.Fault})
	}
	want := []line{
		{"GET", "GET /api/applications/{id}", false, 200, 0, jumpcloudtest.None},
		{"DELETE", "DELETE /api/applications/{id}", true, 500, 200, jumpcloudtest.Error500After},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" || s.Writes() != 1 {
		t.Errorf("%d writes (-want +got):\n%s", s.Writes(), diff)
	}
	s.ResetLog()
	if len(s.Requests()) != 0 {
		t.Error("the log was not reset")
	}
}

func TestOnChange(t *testing.T) {
	var got []jumpcloud.Object
	var s jumpcloudtest.Server
	s.OnChange = func(o jumpcloud.Object) {
		got = append(got, o)
		s.Application(o.ID) // the truth can be asked for
	}
	id := addApp(&s)
	s.SetApplicationField(id, "active", false)
	put(t, &s, id, func(map[string]any, map[string]any) {})
	if diff := cmp.Diff([]jumpcloud.Object{{Type: jumpcloud.ApplicationObject, ID: id}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jumpcloudtest.Server{Latency: 50 * time.Millisecond}
		began := time.Now()
		send(t, &s, "GET", "/api/applications", "")
		if took := time.Since(began); took != 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// The fake serves net/http as well, and many goroutines.
func TestOverTCP(t *testing.T) {
	var s jumpcloudtest.Server
	srv := httptest.NewServer(&s)
	defer srv.Close()
	c, err := jumpcloud.New("k", &jumpcloud.Options{BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	sa, err := jumpcloud.NewServiceAccount("id", "secret", &jumpcloud.Options{BaseURL: srv.URL, TokenURL: srv.URL + "/oauth2/token"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c := []*jumpcloud.Client{c, sa}[i%2]
			g, err := c.CreateGroup(t.Context(), jumpcloud.Group{Name: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := c.Group(t.Context(), g.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(s.Groups()); n != 20 {
		t.Errorf("%d groups", n)
	}
}

func TestMisusePanics(t *testing.T) {
	var s jumpcloudtest.Server
	id := s.AddUser(jumpcloud.User{})
	for name, f := range map[string]func(){
		"user twice":          func() { s.AddUser(jumpcloud.User{ID: id}) },
		"no such user":        func() { s.EditUser("nobody", func(*jumpcloud.User) {}) },
		"no such directory":   func() { s.Directory("nothing") },
		"no such application": func() { s.DeleteApplication("nothing") },
		"nobody to bind":      func() { s.BindUser(s.AddDirectory("M"), "nobody", "") },
		"impossible options":  func() { s.Client(&jumpcloud.Options{BaseURL: "x"}) },
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.HasPrefix(fmt.Sprint(p), "jumpcloudtest: ") {
					t.Errorf("%s: panic = %v", name, p)
				}
			}()
			f()
		}()
	}
}

// An HTTPClient in the options is kept: it may stand before the organisation.
func TestClientKeepsHTTPClient(t *testing.T) {
	var s jumpcloudtest.Server
	count := &counter{next: s.HTTPClient().Transport}
	opts := &jumpcloud.Options{HTTPClient: &http.Client{Transport: count}}
	for _, c := range []*jumpcloud.Client{s.Client(opts), s.ServiceAccount(opts)} {
		before := count.n
		if _, err := c.Group(t.Context(), s.AddGroup("G")); err != nil || count.n == before {
			t.Errorf("%d requests came by, %v", count.n-before, err)
		}
	}
}

type counter struct {
	next http.RoundTripper
	n    int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	return c.next.RoundTrip(r)
}
