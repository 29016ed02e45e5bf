package aad_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/internal/pace/limits"
)

// people is Graph's list of users in the order of their IDs. Each page goes on after
// the last user of the one before, and moves, if it is not nil, comes after each page.
type people struct {
	mu    sync.Mutex
	users []person
	size  int
	moves func(*people)
}

type person struct{ ID, UserPrincipalName string }

var startsWith = regexp.MustCompile(`(not\()?startsWith\(userPrincipalName,'([^']*)'\)`)

// selection returns what tells whether a user fulfils $filter: its name begins with
// nothing that is left out, and with one of the others.
func selection(filter string) func(name string) bool {
	var with, without []string
	for _, m := range startsWith.FindAllStringSubmatch(filter, -1) {
		if m[1] != "" {
			without = append(without, m[2])
		} else {
			with = append(with, m[2])
		}
	}
	return func(name string) bool {
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		return !slices.ContainsFunc(without, begins) && (len(with) == 0 || slices.ContainsFunc(with, begins))
	}
}

func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	var list []person
	count, selected, from := 0, selection(q.Get("$filter")), q.Get("$skiptoken")
	for _, u := range p.users {
		if selected(u.UserPrincipalName) {
			if count++; u.ID > from {
				list = append(list, u)
			}
		}
	}
	if strings.HasSuffix(r.URL.Path, "/$count") {
		fmt.Fprint(w, count)
		return
	}
	page := map[string]any{"@odata.count": count}
	if len(list) > p.size {
		list = list[:p.size]
		q.Set("$skiptoken", list[p.size-1].ID)
		page["@odata.nextLink"] = "https://graph.microsoft.com" + r.URL.Path + "?" + q.Encode()
	}
	value := make([]map[string]string, len(list))
	for i, u := range list {
		value[i] = map[string]string{"id": u.ID, "userPrincipalName": u.UserPrincipalName}
	}
	page["value"] = value
	json.NewEncoder(w).Encode(page)
	if p.moves != nil {
		p.moves(p)
	}
}

// crowd are n people whose names begin with any letter.
func crowd(n, size int) *people {
	p := &people{size: size}
	for i := range n {
		p.users = append(p.users, person{fmt.Sprintf("%08d", 10*i), fmt.Sprintf("%c%c%d@example.com", 'a'+i*7%26, 'a'+i*11%26, i)})
	}
	return p
}

// clientOf returns a client of the service behind h.
func clientOf(h http.Handler, latency time.Duration) *aad.Client {
	var tokens aadtest.Server
	return tokens.Client(&aad.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h, Latency: latency}}})
}

// TestThrottledSchedule compares a list under a limit with what the limit allows to a
// reader who knows it and reads page after page. What ranges cost more than pages
// counts: 200 pages would fill four windows of 50, and so take a fifth.
func TestThrottledSchedule(t *testing.T) {
	const latency = 10 * time.Millisecond
	for _, limit := range []limits.Limit{
		{Kind: limits.Windows, Requests: 5, Per: 2 * time.Second},
		{Kind: limits.Windows, Requests: 50, Per: 2 * time.Second},
		{Kind: limits.Bucket, Requests: 20, Per: time.Second},
	} {
		for _, style := range []limits.Style{limits.Whole, limits.Fraction} {
			for _, pages := range []int{21, 50, 101, 190, 1000} {
				if raceDetector && (pages > 200 || style == limits.Fraction) {
					continue
				}
				if pages == 50 && limit.Kind == limits.Bucket || pages <= limit.Requests {
					continue // see internal/rest
				}
				t.Run(fmt.Sprintf("%v/%v/%d", limit, style, pages), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						s := &limits.Server{Limit: limit, Style: style, Warns: pages == 101, Latency: latency, Next: crowd(3*pages, 3)}
						began, n := time.Now(), 0
						for _, err := range clientOf(s, latency).Users(t.Context(), &aad.UsersOptions{Parallel: true, Reuse: true}) {
							if err != nil {
								t.Fatal(err)
							}
							n++
						}
						took, k := time.Since(began), s.Counts()
						ideal := limit.Schedule(pages, latency, true)
						told := max(ideal, s.Told(pages, latency, true))
						t.Logf("%8v of %8v: %.3f (%.3f), %d requests, %d refused", took.Round(time.Millisecond),
							ideal.Round(time.Millisecond), float64(took)/float64(ideal), float64(took)/float64(told), k.Accepted, k.Refused)
						if n != 3*pages || k.Early > 0 || k.Accepted > pages*11/10 {
							t.Errorf("%d users, %d early, %d requests", n, k.Early, k.Accepted)
						}
						most := told * 115 / 100
						if style == limits.Whole && limit.Kind == limits.Bucket && pages < 190 { // see internal/rest
							most = told * 130 / 100
						}
						if took > most || k.Refused > max(1, pages*5/95) {
							t.Errorf("took %v of %v, %d refused", took, told, k.Refused)
						}
					})
				})
			}
		}
	}
}

// TestRangesGivenUp is the law of a list in ranges that the service throttles half-way,
// while users come and go: who is there all the time is seen once, and nobody twice.
func TestRangesGivenUp(t *testing.T) {
	for seed := range uint64(4) {
		bubble(t, func(t *testing.T) {
			const latency = 10 * time.Millisecond
			r := rand.New(rand.NewPCG(seed, 0))
			p := crowd(1200, 8)
			always := make(map[string]bool)
			for _, u := range p.users {
				always[u.ID] = true
			}
			p.moves = func(p *people) {
				i := r.IntN(len(p.users))
				delete(always, p.users[i].ID)
				p.users = slices.Delete(p.users, i, i+1)
				at := r.IntN(12000)
				born := person{fmt.Sprintf("%08d", at-at%10+1+r.IntN(9)), fmt.Sprintf("%cnew%d@example.com", 'a'+r.IntN(26), r.Uint32())}
				if i, ok := slices.BinarySearchFunc(p.users, born, func(a, b person) int { return cmp.Compare(a.ID, b.ID) }); !ok {
					p.users = slices.Insert(p.users, i, born)
				}
			}
			var inRanges atomic.Bool
			s := &limits.Server{Limit: limits.Limit{Kind: limits.Windows, Requests: 60, Per: 2 * time.Second}, Latency: latency,
				Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Query().Get("$filter"), " or ") {
						inRanges.Store(true)
					}
					p.ServeHTTP(w, r)
				})}
			seen := make(map[string]bool)
			for u, err := range clientOf(s, latency).Users(t.Context(), &aad.UsersOptions{Parallel: true}) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[u.ID] {
					t.Errorf("seed %d: %s twice", seed, u.ID)
				}
				seen[u.ID] = true
			}
			if k := s.Counts(); !inRanges.Load() || k.Refused == 0 || k.Accepted > 165 {
				t.Errorf("seed %d: ranges %v, %d refused, %d requests; want ranges that are throttled, for 150 pages",
					seed, inRanges.Load(), k.Refused, k.Accepted)
			}
			for id := range always {
				if !seen[id] {
					t.Errorf("seed %d: %s was there all the time, and is lost", seed, id)
				}
			}
		})
	}
}
