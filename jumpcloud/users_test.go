package jumpcloud_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func generated(i int) jumpcloud.User {
	return jumpcloud.User{
		Username: "user" + strconv.Itoa(i), Email: fmt.Sprintf("user%d@example.com", i), FirstName: "Ünï \"quoted\"", State: jumpcloud.Activated, Activated: i%2 == 0,
		Created: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func ids(t testing.TB, c *jumpcloud.Client, opts *jumpcloud.UsersOptions) []string {
	t.Helper()
	var out []string
	for u, err := range c.Users(t.Context(), opts) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, u.ID)
	}
	return out
}

func wantIDs(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = jumpcloudtest.GeneratedID(i)
	}
	return out
}

func TestUsersPages(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 250, 1000} {
		for _, size := range []int{0, 1000, 7} {
			t.Run(fmt.Sprintf("%d users, pages of %d", n, size), func(t *testing.T) {
				var s jumpcloudtest.Server
				s.PageSize = size
				s.GenerateUsers(n, generated)
				c := s.Client(nil)
				for range 2 { // each range starts again
					if diff := cmp.Diff(wantIDs(n), ids(t, c, nil), equateEmpty); diff != "" {
						t.Fatalf("(-want +got):\n%s", diff)
					}
				}
				per := 100
				if size == 7 {
					per = 7
				}
				want := 1
				if n > per { // pages overlap by one
					want += (n - per + per - 2) / (per - 1)
				}
				if got, want := len(s.Requests()), 2*want; size != 1000 && got != want {
					t.Errorf("%d requests; want %d", got, want)
				}
			})
		}
	}
}

var equateEmpty = cmp.Options{plainData}

func TestUsersInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jumpcloudtest.Server{Latency: 50 * time.Millisecond}
		s.GenerateUsers(4001, generated)
		began := time.Now()
		if got := len(ids(t, s.Client(nil), &jumpcloud.UsersOptions{Fields: []string{"email"}})); got != 4001 {
			t.Errorf("%d users", got)
		}
		// The first six pages one after the other, as a small limit would refuse what is
		// beside them, and then two at a time: a twenty-fifth of the list.
		if took := time.Since(began); took > 50*time.Millisecond*(6+18) {
			t.Errorf("took %v", took)
		}
		if n := s.MaxInFlight(); n != 2 {
			t.Errorf("%d in flight at most; want 2", n)
		}
	})
}

// A loop that is left early leaves nothing behind.
func TestUsersBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jumpcloudtest.Server{Latency: 50 * time.Millisecond}
		s.GenerateUsers(4001, generated)
		for u, err := range s.Client(nil).Users(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if u.ID == jumpcloudtest.GeneratedID(150) {
				break
			}
		}
		// The first page, 4 at a time, and twice as many, which may be on their way by then.
		if n := len(s.Requests()); n > 1+4+8 {
			t.Errorf("%d requests for two pages", n)
		}
	})
}

// list is a list of users that a function decides about.
type list func(skip, limit, request int) (ids []int, total int)

func (l list) handler() http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		got, total := l(skip, limit, int(n.Add(1)))
		io.WriteString(w, `{"totalCount":`+strconv.Itoa(total)+`,"results":[`)
		for i, id := range got {
			if i > 0 {
				io.WriteString(w, ",")
			}
			fmt.Fprintf(w, `{"_id":"%024x"}`, id)
		}
		io.WriteString(w, "]}")
	})
}

func span(from, to int) []int {
	var out []int
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func TestUsersWhileTheyChange(t *testing.T) {
	cut := func(all []int, skip, limit int) []int {
		return all[min(skip, len(all)):min(skip+limit, len(all))]
	}
	tests := []struct {
		name string
		list list
		want []int
	}{
		{"the total grows", func(skip, limit, n int) ([]int, int) {
			total := 250
			if n > 1 {
				total = 420
			}
			return cut(span(0, total), skip, limit), total
		}, span(0, 420)},
		{"the total is too large", func(skip, limit, _ int) ([]int, int) { return cut(span(0, 230), skip, limit), 100000 }, span(0, 230)},
		{"the total is too small", func(skip, limit, _ int) ([]int, int) { return cut(span(0, 230), skip, limit), 100 }, span(0, 100)},
		{"no total, and skip is ignored", func(_, limit, _ int) ([]int, int) { return span(0, limit), -1 }, span(0, 100)},
		{"the total is negative", func(skip, limit, _ int) ([]int, int) { return cut(span(0, 230), skip, limit), -5 }, span(0, 230)},
		{"somebody is deleted", func(skip, limit, n int) ([]int, int) {
			if n == 1 {
				return span(0, 100), 300
			}
			return cut(append(span(0, 50), span(51, 300)...), skip, limit), 299
		}, span(0, 300)}, // 100 slid over the border
		{"somebody comes back", func(skip, limit, n int) ([]int, int) { // before the border: its last user is seen twice
			if n == 1 {
				return append(span(0, 50), span(51, 101)...), 299
			}
			return cut(span(0, 300), skip, limit), 300
		}, append(span(0, 50), span(51, 300)...)},
		{"a page comes short in the middle", func(skip, limit, _ int) ([]int, int) {
			if limit > 60 && skip > 0 {
				limit = 60
			}
			return cut(span(0, 500), skip, limit), 500
		}, span(0, 500)},
		{"no order", func(skip, limit, _ int) ([]int, int) {
			all := span(0, 300)
			slices.Reverse(all)
			return cut(all, max(0, skip-1), limit), 301
		}, reversed(300)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			for _, i := range tt.want {
				want = append(want, fmt.Sprintf("%024x", i))
			}
			got := ids(t, newClient(t, tt.list.handler(), nil), nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func reversed(n int) []int {
	out := span(0, n)
	slices.Reverse(out)
	return out
}

func TestUsersError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		s.GenerateUsers(1000, generated)
		s.Fault = func(r *http.Request) jumpcloudtest.Fault {
			if r.URL.Query().Get("skip") == "297" {
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before}
			}
			return jumpcloudtest.Fault{}
		}
		n, errs := 0, 0
		for _, err := range s.Client(nil).Users(t.Context(), nil) {
			if err != nil {
				errs++
			} else {
				n++
			}
		}
		if n != 298 || errs != 1 {
			t.Errorf("%d users and %d errors; want 298 and 1, in this order", n, errs)
		}
	})
}

// Lists are read to their end through whatever passes.
func TestListsUnderFaults(t *testing.T) {
	for _, kind := range []jumpcloudtest.FaultKind{
		jumpcloudtest.Refuse503, jumpcloudtest.Error500Before, jumpcloudtest.DropBefore, jumpcloudtest.DropAfter, jumpcloudtest.Truncate,
		jumpcloudtest.TooMany, jumpcloudtest.TooManyBare, jumpcloudtest.SlowBody,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s jumpcloudtest.Server
				s.GenerateUsers(950, generated)
				dir := s.AddDirectory("d")
				s.GenerateBound(dir, 950, func(i int) jumpcloud.BoundUser {
					return jumpcloud.BoundUser{UserID: jumpcloudtest.GeneratedID(i), ExternalID: "e" + strconv.Itoa(i)}
				})
				var n atomic.Int64
				s.Fault = func(*http.Request) jumpcloudtest.Fault {
					if n.Add(1)%4 == 2 {
						return jumpcloudtest.Fault{Kind: kind, Delay: time.Second}
					}
					return jumpcloudtest.Fault{}
				}
				c := s.Client(nil)
				if diff := cmp.Diff(wantIDs(950), ids(t, c, nil)); diff != "" {
					t.Errorf("users (-want +got):\n%s", diff)
				}
				var got []string
				for u, err := range c.Office365Users(t.Context(), dir) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, u.UserID)
				}
				if diff := cmp.Diff(wantIDs(950), got); diff != "" {
					t.Errorf("bound users (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The edge's 403 is throttling: it is waited out.
func TestSuspectedAbuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		s.GenerateUsers(500, generated)
		n := 0
		s.Fault = func(*http.Request) jumpcloudtest.Fault {
			if n++; n <= 3 {
				return jumpcloudtest.SuspectedAbuse()
			}
			return jumpcloudtest.Fault{}
		}
		if got := len(ids(t, s.Client(nil), nil)); got != 500 {
			t.Errorf("%d users", got)
		}
	})
}

func TestUserSurvivesOddJSON(t *testing.T) {
	for in, want := range map[string]jumpcloud.User{
		`{"id":"u1","email":"a@b.c"}`: {ID: "u1", Email: "a@b.c"},
		`{"_id":"u1","id":"u1","username":7,"activated":"true","suspended":null,"state":"SOMETHING_NEW","created":"2024-01-02T03:04:05.1234567"}`: {
			ID: "u1", Username: "7", Activated: true, State: "SOMETHING_NEW", Created: time.Date(2024, 1, 2, 3, 4, 5, 123456700, time.UTC)},
		"{ \"_id\" : \"u1\" , \n \"firstname\":\"\\u00dcn\\ud83d\\ude00 \\\"q\\\\\" , \"attributes\":[{\"email\":\"no\"},[\"]\"]],\"email\":null, \"em\\u0061il\":\"yes\"}": {
			ID: "u1", FirstName: "Ün😀 \"q\\", Email: "yes"},
		`{"_id":"u1","externally_managed":{"value":true},"created":null,"lastname":{"x":"y"}}`: {ID: "u1"},
	} {
		var got jumpcloud.User
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if string(got.Raw) != in {
			t.Errorf("Raw = %s; want %s", got.Raw, in)
		}
		got.Raw = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestUsersOnTotal(t *testing.T) {
	var s jumpcloudtest.Server
	s.GenerateUsers(250, generated)
	var totals []int
	ids(t, s.Client(nil), &jumpcloud.UsersOptions{OnTotal: func(n int) { totals = append(totals, n) }})
	if diff := cmp.Diff([]int{250}, totals); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
