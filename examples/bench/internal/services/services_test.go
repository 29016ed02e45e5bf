package services

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/federation/federationtest"
)

func newWorld() *World {
	return &World{Crowd: crowd.New(2500, false), Env: federationtest.New(&federationtest.Options{Users: 1})}
}

// get decodes what a service answers.
func get(t *testing.T, h http.Handler, path string, q url.Values, out any) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path+"?"+q.Encode(), nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestRanges: ranges of names that are disjoint have everybody, once.
func TestRanges(t *testing.T) {
	w := newWorld()
	graph := w.ServeGraph()
	const all = "endsWith(userPrincipalName,'@example.com')"
	list := func(filter string) (names []string) {
		q := url.Values{"$filter": {filter}, "$select": {"userPrincipalName"}, "$top": {"999"}, "$count": {"true"}}
		total := -1
		for {
			var page struct {
				Count *int   `json:"@odata.count"`
				Next  string `json:"@odata.nextLink"`
				Value []struct{ UserPrincipalName string }
			}
			get(t, graph, "/v1.0/users", q, &page)
			if page.Count != nil {
				total = *page.Count
			}
			for _, v := range page.Value {
				names = append(names, v.UserPrincipalName)
			}
			if page.Next == "" {
				break
			}
			next, err := url.Parse(page.Next)
			if err != nil {
				t.Fatal(err)
			}
			q = next.Query()
		}
		if total != len(names) {
			t.Errorf("%s: %d names, and a count of %d", filter, len(names), total)
		}
		return names
	}
	whole := list(all)
	if len(whole) != w.N || !slices.IsSorted(whole) || len(slices.Compact(slices.Clone(whole))) != w.N {
		t.Fatalf("%d names, want %d, sorted, each once", len(whole), w.N)
	}
	parts := slices.Concat(
		list("("+all+") and (startsWith(userPrincipalName,'a'))"), list("startsWith(userPrincipalName,'jan.k') and ("+all+")"),
		list("("+all+") and (startsWith(userPrincipalName,'b') or startsWith(userPrincipalName,'c') or startsWith(userPrincipalName,'d'))"),
		list("not(startsWith(userPrincipalName,'a')) and not(startsWith(userPrincipalName,'b')) and not(startsWith(userPrincipalName,'c')) and "+
			"not(startsWith(userPrincipalName,'d')) and not(startsWith(userPrincipalName,'jan.k')) and ("+all+")"))
	slices.Sort(parts)
	if !slices.Equal(parts, whole) {
		t.Errorf("%d names in ranges, %d in all", len(parts), len(whole))
	}
}

// TestUsers: JumpCloud's pages have everybody, in the order of the IDs.
func TestUsers(t *testing.T) {
	w := newWorld()
	jc := w.ServeJumpCloud()
	var ids []string
	var sum crowd.Sum
	for _, skip := range []string{"0", "100", "200"} {
		var page struct {
			TotalCount int
			Results    []struct {
				ID    string `json:"_id"`
				Email string
			}
		}
		get(t, jc, "/api/systemusers", url.Values{"skip": {skip}, "limit": {"100"}}, &page)
		if page.TotalCount != w.N || len(page.Results) != 100 {
			t.Fatalf("%d users of %d", len(page.Results), page.TotalCount)
		}
		for _, u := range page.Results {
			ids = append(ids, u.ID)
			sum.Add(u.Email)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 300 {
		t.Errorf("the IDs are not in order: %q", ids)
	}
	for place := range w.N {
		if got := w.Place(w.Person(place)); got != place {
			t.Fatalf("place %d is that of person %d, whose place is %d", place, w.Person(place), got)
		}
	}
	rec := httptest.NewRecorder()
	jc.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/api/v2/usergroups/600000030000000000000001/membership?limit=100&skip=2450", nil))
	var members []struct{ ID string }
	if err := json.Unmarshal(rec.Body.Bytes(), &members); err != nil || len(members) != 50 || rec.Header().Get("X-Total-Count") != "2500" {
		t.Errorf("%d members, %v, %v", len(members), rec.Header(), err)
	}
}

// TestRefusals: what is too fast is refused, and what waits as it is told is not.
func TestRefusals(t *testing.T) {
	for _, windows := range []bool{false, true} {
		l := &Limit{Requests: 5, Per: 2 * time.Second, Windows: windows}
		now := time.Unix(1000, 0)
		for i := range 5 {
			if _, ok := l.take(now.Add(time.Duration(i))); !ok {
				t.Fatalf("request %d of 5 was refused", i)
			}
		}
		wait, ok := l.take(now.Add(time.Millisecond))
		if want := map[bool]int{false: 1, true: 2}[windows]; ok || wait != want {
			t.Errorf("windows %v: taken %v, wait %d, want %d", windows, ok, wait, want)
		}
		if _, ok := l.take(now.Add(time.Duration(wait)*time.Second + time.Millisecond)); !ok {
			t.Errorf("windows %v: refused after the wait that was named", windows)
		}
	}
}

// TestTrips: requests that are under way together are one round trip, whichever of them
// is answered last.
func TestTrips(t *testing.T) {
	for name, test := range map[string]struct {
		begin, end []int // in ms
		trips      int64
	}{
		"none":                       {},
		"one after the other":        {[]int{0, 10, 20}, []int{10, 20, 30}, 3},
		"beside each other":          {[]int{0, 1, 2}, []int{10, 11, 12}, 1},
		"a long one beside two":      {[]int{0, 0, 10}, []int{30, 10, 20}, 2},
		"a chain that a slow one is": {[]int{0, 5, 10, 20}, []int{10, 25, 20, 30}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w World
				start := time.Now()
				for i, begin := range test.begin {
					go func() {
						time.Sleep(time.Duration(test.end[i]) * time.Millisecond)
						w.stats.answered(start.Add(time.Duration(begin) * time.Millisecond))
					}()
				}
				time.Sleep(time.Second)
				if _, _, trips := w.Stats(); trips != test.trips {
					t.Errorf("%d round trips; want %d", trips, test.trips)
				}
			})
		})
	}
}
