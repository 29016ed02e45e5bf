package federation_test

import (
	"bytes"
	"hash/maphash"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Reading alone: what the two clients need for the users of both directories, beside
// a floor that makes the same requests with net/http and looks for the same texts
// byte by byte.

// readUser is what both keep of a user.
type readUser struct {
	id, name, email, immutable string
	lists                      []string
	on, off                    bool
}

// readAll is what is read of both sides.
type readAll struct{ jc, ad []readUser }

const readWorkers = 32

var readFields = []string{"email", "username", "state", "activated", "suspended", "password_expired", "account_locked"}

// clients reads by the two clients, as Preflight does; wrap, if not nil, sees the requests.
func (s served) clients(t testing.TB, people int, reuse bool, wrap func(http.RoundTripper) http.RoundTripper) (all readAll) {
	jc, err := jumpcloud.New("key", &jumpcloud.Options{BaseURL: s.jc, MaxWorkers: readWorkers, Wrap: wrap})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := aad.New(s, &aad.Options{GraphURL: s.ad, LoginURL: s.ad, MaxWorkers: readWorkers, Wrap: wrap})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		all.jc = make([]readUser, 0, people*103/100)
		for u, err := range jc.Users(t.Context(), &jumpcloud.UsersOptions{Fields: readFields}) {
			if err != nil {
				t.Error(err)
				return
			}
			all.jc = append(all.jc, readUser{
				id: u.ID, name: u.Username, email: u.Email, on: u.Activated, off: u.Suspended,
			})
		}
	})
	wg.Go(func() {
		all.ad = make([]readUser, 0, people*103/100)
		var lists []string
		for u, err := range ad.Users(t.Context(), &aad.UsersOptions{
			Filter:   "endsWith(userPrincipalName,'@example.com') or endsWith(mail,'@example.com')",
			Select:   readSelect,
			Parallel: true, Reuse: reuse,
		}) {
			if err != nil {
				t.Error(err)
				return
			}
			v := readUser{
				id: u.ID, name: u.UserPrincipalName, email: u.Mail, immutable: u.ImmutableID, lists: u.ProxyAddresses,
				on: u.Enabled != nil && *u.Enabled, off: u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled,
			}
			if reuse {
				if len(lists)+len(u.ProxyAddresses) > cap(lists) {
					lists = make([]string, 0, 4096)
				}
				from := len(lists)
				lists = append(lists, u.ProxyAddresses...)
				v.lists = lists[from:len(lists):len(lists)]
			}
			all.ad = append(all.ad, v)
		}
	})
	wg.Wait()
	return all
}

var readSelect = []string{
	"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "userType",
	"accountEnabled", "onPremisesSyncEnabled", "proxyAddresses", "otherMails",
}

// asked notes the requests of a run.
type asked struct {
	next http.RoundTripper
	mu   *sync.Mutex
	urls *[]string
}

func (a asked) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "users") {
		a.mu.Lock()
		*a.urls = append(*a.urls, r.URL.String())
		a.mu.Unlock()
	}
	return a.next.RoundTrip(r)
}

// requests are those that the clients make.
func (s served) requests(t testing.TB, people int) (urls []string) {
	var mu sync.Mutex
	s.clients(t, people, true, func(next http.RoundTripper) http.RoundTripper { return asked{next, &mu, &urls} })
	return urls
}

// floor makes the requests by as many workers, and scans.
func (s served) floor(t testing.TB, people int, urls []string) (all readAll) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readWorkers, MaxConnsPerHost: readWorkers}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	all.jc, all.ad = make([]readUser, 0, people*103/100), make([]readUser, 0, people*103/100)
	next := make(chan string)
	for range 2 * readWorkers {
		wg.Go(func() {
			var body bytes.Buffer
			var f flat
			for address := range next {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
				if err != nil {
					t.Error(err)
					return
				}
				jc := strings.HasPrefix(address, s.jc)
				if jc {
					req.Header.Set("X-Api-Key", "key")
				} else {
					req.Header.Set("Authorization", "Bearer "+s.token)
					req.Header.Set("ConsistencyLevel", "eventual")
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				body.Reset()
				_, err = body.ReadFrom(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Error(resp.Status, err)
					return
				}
				users := f.users(body.Bytes(), jc)
				mu.Lock()
				if jc {
					all.jc = append(all.jc, users...)
				} else {
					all.ad = append(all.ad, users...)
				}
				mu.Unlock()
			}
		})
	}
	for _, u := range urls {
		next <- u
	}
	close(next)
	wg.Wait()
	client.CloseIdleConnections()
	return all
}

// flat scans a page of a known form for what is wanted: it knows that there are no
// escapes, no white space and nothing cut, and checks nothing.
type flat struct {
	b     []byte
	text  []byte
	spans []part
}

// part is a text that belongs to *dst.
type part struct {
	dst      *string
	from, to int
}

func (f *flat) users(b []byte, jc bool) []readUser {
	f.b, f.text, f.spans = b, f.text[:0], f.spans[:0]
	begin, most := `"value":[`, 999
	if jc {
		begin, most = `"results":[`, 100
	}
	users := make([]readUser, 0, most)
	lists := make([]string, 0, 2*most)
	for i := bytes.Index(b, []byte(begin)) + len(begin); b[i] == '{'; {
		users = append(users, readUser{})
		i = f.user(i, &users[len(users)-1], &lists)
		if b[i] == ',' {
			i++
		}
	}
	all := string(f.text)
	for _, p := range f.spans {
		*p.dst = all[p.from:p.to]
	}
	return users
}

// user scans the user that begins at i, and returns where it ends.
func (f *flat) user(i int, u *readUser, lists *[]string) int {
	b := f.b
	for b[i] != '}' {
		i += 2 // {" or ,"
		n := bytes.IndexByte(b[i:], '"')
		key := b[i : i+n]
		i += n + 2 // ":
		switch string(key) {
		case "_id", "id":
			i = f.take(i, &u.id)
		case "username", "userPrincipalName":
			i = f.take(i, &u.name)
		case "email", "mail":
			i = f.take(i, &u.email)
		case "onPremisesImmutableId":
			i = f.take(i, &u.immutable)
		case "activated", "accountEnabled":
			u.on = b[i] == 't'
			i = f.pass(i)
		case "suspended", "onPremisesSyncEnabled":
			u.off = b[i] == 't'
			i = f.pass(i)
		case "proxyAddresses":
			from := len(*lists)
			for i++; b[i] != ']'; {
				*lists = append(*lists, "")
				if i = f.take(i, &(*lists)[len(*lists)-1]); b[i] == ',' {
					i++
				}
			}
			i++
			u.lists = (*lists)[from:len(*lists):len(*lists)]
		default:
			i = f.pass(i)
		}
	}
	return i + 1
}

// take keeps the text at i, if it is one.
func (f *flat) take(i int, dst *string) int {
	if f.b[i] != '"' {
		return f.pass(i)
	}
	n := bytes.IndexByte(f.b[i+1:], '"')
	from := len(f.text)
	f.text = append(f.text, f.b[i+1:i+1+n]...)
	f.spans = append(f.spans, part{dst, from, len(f.text)})
	return i + n + 2
}

// pass goes over a text, a list of texts or a word.
func (f *flat) pass(i int) int {
	switch f.b[i] {
	case '"':
		return i + 2 + bytes.IndexByte(f.b[i+1:], '"')
	case '[':
		return i + 1 + bytes.IndexByte(f.b[i:], ']')
	}
	for f.b[i] != ',' && f.b[i] != '}' {
		i++
	}
	return i
}

// readSum is what a run has kept, in figures that do not depend on the order.
type readSum struct {
	users, on, off int
	texts          uint64
}

var readSeed = maphash.MakeSeed()

// sum counts who was on two pages once.
func (r readAll) sum() (sum readSum) {
	for _, side := range [][]readUser{r.jc, r.ad} {
		seen := make(map[string]bool, len(side))
		for i := range side {
			u := &side[i]
			if seen[u.id] {
				continue
			}
			seen[u.id] = true
			sum.users++
			for _, s := range append([]string{u.id, u.name, u.email, u.immutable}, u.lists...) {
				sum.texts += maphash.String(readSeed, s)
			}
			if u.on {
				sum.on++
			}
			if u.off {
				sum.off++
			}
		}
	}
	return sum
}

// BenchmarkReadAll measures the processor time and the allocations of reading all
// users of both directories, which run in another process, beside the floor. The
// aim is twice the floor's time and 1.5 allocations a user.
func BenchmarkReadAll(b *testing.B) {
	const people = 300000
	s := serve(b, people, 0)
	urls := s.requests(b, people)
	run := func(f func() readAll) (took time.Duration, allocs float64, sum readSum) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := cpu()
		all := f()
		took = cpu() - began
		runtime.ReadMemStats(&after)
		sum = all.sum()
		return took, float64(after.Mallocs-before.Mallocs) / float64(sum.users), sum
	}
	var took [3]time.Duration
	var allocs [3]float64
	n := 0
	for ; b.Loop(); n++ {
		var want readSum
		for i, f := range []func() readAll{
			func() readAll { return s.floor(b, people, urls) },
			func() readAll { return s.clients(b, people, false, nil) },
			func() readAll { return s.clients(b, people, true, nil) },
		} {
			work, each, sum := run(f)
			took[i] += work
			allocs[i] += each
			if i == 0 {
				want = sum
			}
			if want.users < 2*people || sum != want {
				b.Errorf("%+v; want %+v", sum, want)
			}
		}
	}
	for i, name := range []string{"floor", "kept", "reused"} {
		b.ReportMetric(took[i].Seconds()/float64(n), name+"-cpu-s")
		b.ReportMetric(allocs[i]/float64(n), name+"-allocs/user")
		if i > 0 {
			b.ReportMetric(took[i].Seconds()/took[0].Seconds(), name+"-x-floor")
		}
	}
	b.ReportMetric(float64(len(urls)), "requests")
	b.ReportMetric(0, "ns/op")
}
