package federationtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

var epoch = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// someCerts returns four certificates, the last of which has the key of the first.
func someCerts(t testing.TB) (all [4]certs.Cert) {
	t.Helper()
	var first *ecdsa.PrivateKey
	for i := range all {
		key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = key
		}
		if i == len(all)-1 {
			key = first
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), NotBefore: epoch, NotAfter: epoch.AddDate(5, 0, 0)}
		der, err := x509.CreateCertificate(crand.Reader, tmpl, tmpl, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = certs.ParseOne(der); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// story is a small history that is made by chance.
type story struct {
	realms    []change[realm]
	histories []jumpcloudtest.History
}

const grain = 250 * time.Millisecond

// tell makes a story: all is well at the beginning, then a few things change.
func tell(r *rand.Rand, all [4]certs.Cert, length time.Duration) story {
	pick := func(common string, rare ...string) string {
		if r.IntN(3) > 0 {
			return common
		}
		return rare[r.IntN(len(rare))]
	}
	at := func(last time.Time) time.Time {
		if r.IntN(6) == 0 {
			return last // two changes at the same moment
		}
		return last.Add(time.Duration(r.Int64N(int64(length/grain)/4)) * grain)
	}
	someCert := func() certs.Cert { return all[r.IntN(len(all))*r.IntN(2)] }

	now := realm{federated: true, readable: true, issuer: "I", url: "U", signing: all[0]}
	s := story{realms: []change[realm]{{state: now}}}
	last := epoch.Add(-length / 8)
	for range r.IntN(8) {
		last = at(last)
		switch r.IntN(11) {
		case 8, 9, 10:
			now = s.realms[0].state
		case 0:
			now = realm{federated: r.IntN(2) == 0}
		case 1:
			now.issuer = pick("I", "J")
		case 2:
			now.url = pick("U", "V")
		case 3, 4:
			now.signing = someCert()
		case 5:
			now.next = certs.Cert{}
		default:
			now.next = someCert()
		}
		if !now.readable && r.IntN(3) > 0 {
			now = s.realms[0].state
		}
		s.realms = append(s.realms, change[realm]{at: last, state: now})
	}
	for i := range 1 + r.IntN(3) {
		id := fmt.Sprint("a", i)
		v := jumpcloudtest.Version{
			At: epoch.Add(-length), Everywhere: r.IntN(3) > 0, Signs: all[0], Bound: i == 0 || r.IntN(4) == 0,
			Application: jumpcloudtest.Application{ID: id, Label: "L", EntityID: "I", SSOURL: "U", Active: true, Hidden: i > 0 && r.IntN(2) == 0},
		}
		if i > 0 {
			v.At, v.SSOURL = at(epoch.Add(-length/8)), "V"
		}
		h := jumpcloudtest.History{ID: id, Versions: []jumpcloudtest.Version{v}}
		last := v.At
		if i == 0 {
			last = epoch.Add(-length / 8)
		}
		for range r.IntN(8) {
			last = at(last)
			v.At, v.Everywhere = last, false
			switch r.IntN(12) {
			case 9, 10, 11:
				v.Application, v.Signs = h.Versions[0].Application, all[0]
			case 0:
				v.Active = r.IntN(2) == 0
			case 1:
				v.Hidden = !v.Hidden
			case 2:
				v.Bound = !v.Bound
			case 3:
				v.EntityID = pick("I", "J")
			case 4:
				v.SSOURL = pick("U", "V")
			case 5:
				v.Signs = certs.Cert{}
			default:
				v.Signs = someCert()
			}
			if h.Versions = append(h.Versions, v); r.IntN(16) == 0 {
				h.Versions = append(h.Versions, jumpcloudtest.Version{At: at(v.At), Gone: true, Application: jumpcloudtest.Application{ID: id}})
				break
			}
		}
		s.histories = append(s.histories, h)
	}
	return s
}

// visible returns the states that some server shows at a moment.
func visible[T comparable](changes []change[T], u time.Time, lag time.Duration) (out []T) {
	for i, ch := range changes {
		if ch.at.After(u) {
			break
		}
		shows := i == len(changes)-1 || changes[i+1].at.After(u.Add(-lag))
		for _, later := range changes[i+1:] {
			shows = shows && (!later.everywhere || later.at.After(u))
		}
		if shows {
			out = append(out, ch.state)
		}
	}
	return out
}

// slow judges as the court does, by trying out everything. It returns for each second
// why a sign-in that begins then can fail.
func (s story) slow(t *testing.T, c *court, all [4]certs.Cert) []map[string]bool {
	type meeting struct {
		realm realm
		app   tile
	}
	texts := make(map[meeting]string)
	out := make([]map[string]bool, c.seconds)
	apps := make([][]change[tile], len(s.histories))
	for i, h := range s.histories {
		apps[i] = tiles(h)
	}
	for i := range out {
		why := make(map[string]bool)
		out[i] = why
		begin := c.time(i)
		answer := func(where string, u time.Time, a tile) {
			if can := a.there && a.app.Active && !a.signs.IsZero(); !can {
				why[where+a.cannot()] = true
				return
			}
			for _, n2 := range visible(s.realms, u, c.lag) {
				accepted := n2.federated && n2.readable && n2.issuer == a.app.EntityID && (samePublicKey(all, n2.signing, a.signs) ||
					samePublicKey(all, n2.next, a.signs))
				text, ok := texts[meeting{n2, a}]
				if !ok {
					text = c.refuses(n2, a)
					texts[meeting{n2, a}] = text
				}
				if accepted != (text == "") {
					t.Fatalf("%+v\n%+v\n%q", n2, a, text)
				}
				if !accepted {
					why[where+text] = true
				}
			}
		}
		moments := func(f func(u time.Time)) {
			for d := time.Duration(0); d <= c.open; d += grain {
				f(begin.Add(d))
			}
		}
		for _, n1 := range visible(s.realms, begin, c.lag) {
			switch {
			case !n1.federated:
				why["the domain is managed in Azure AD"] = true
				continue
			case !n1.readable:
				why["the domain's federation in Azure AD is broken"] = true
				continue
			}
			to := "sent to " + n1.url + ": "
			moments(func(u time.Time) {
				absent := true
				for _, app := range apps {
					without := false
					for _, a := range visible(app, u, c.lag) {
						if a.there && a.app.SSOURL == n1.url {
							answer(to, u, a)
						} else {
							without = true
						}
					}
					absent = absent && without
				}
				if absent {
					why[to+"no application has this URL"] = true
				}
			})
			for _, app := range apps {
				for _, shown := range visible(app, begin, c.lag) {
					if shown.there && shown.bound && shown.app.Active && !shown.app.Hidden && shown.app.EntityID == n1.issuer {
						moments(func(u time.Time) {
							for _, a := range visible(app, u, c.lag) {
								answer("from the tile: ", u, a)
							}
						})
						break
					}
				}
			}
		}
	}
	return out
}

func samePublicKey(all [4]certs.Cert, a, b certs.Cert) bool {
	twins := func(a, b certs.Cert) bool { return a == all[0] && b == all[3] }
	return !a.IsZero() && (a == b || twins(a, b) || twins(b, a))
}

// TestCourt compares the court's judgement with that of one who tries out everything.
func TestCourt(t *testing.T) {
	all := someCerts(t)
	var failed, seconds, mixed, severalGaps int
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 16))
		c := &court{
			from: epoch, seconds: 1 + r.IntN(40), keys: make(map[certs.Cert]string),
			lag: time.Duration(max(0, r.IntN(28)-6)) * grain, open: time.Duration(r.IntN(20)) * grain,
		}
		s := tell(r, all, 40*time.Second)
		want := s.slow(t, c, all)
		got := c.judge(s.realms, s.histories)
		bad := make([]string, c.seconds) // by second, what it failed for
		for i, g := range got.Gaps {
			if i > 0 && g.From.Before(got.Gaps[i-1].To) || i > 0 && g.From.Equal(got.Gaps[i-1].To) && g.Why == got.Gaps[i-1].Why {
				t.Errorf("seed %d: gap %d overlaps the one before, or is part of it", seed, i)
			}
			for at := g.From; at.Before(g.To); at = at.Add(time.Second) {
				bad[at.Sub(epoch)/time.Second] = g.Why
			}
		}
		n := 0
		for i, why := range want {
			if len(why) > 0 {
				n++
			}
			if len(why) > 0 != (bad[i] != "") || bad[i] != "" && !why[bad[i]] {
				t.Fatalf("seed %d, second %d: %q; want one of %q\nlag %s, open %s\n%+v",
					seed, i, bad[i], slices.Collect(maps.Keys(why)), c.lag, c.open, s)
			}
		}
		if got.Failed != n || got.Seconds != c.seconds {
			t.Fatalf("seed %d: %s; want %d of %d", seed, got, n, c.seconds)
		}
		failed, seconds = failed+n, seconds+c.seconds
		if n > 0 && n < c.seconds {
			mixed++
		}
		if len(got.Gaps) > 1 {
			severalGaps++
		}
	}
	if failed < seconds/4 || failed > seconds*3/4 || mixed < 200 || severalGaps < 100 {
		t.Errorf("%d of %d failed, %d stories with both, %d with several gaps; the stories show too little", failed, seconds, mixed, severalGaps)
	}
}

// crowded is half a day with lag, in which much happens.
func crowded(tb testing.TB) (*court, story) {
	all := someCerts(tb)
	r := rand.New(rand.NewPCG(1, 16))
	s := tell(r, all, 12*time.Hour)
	for i := range 60 {
		now := s.realms[0].state
		now.next = all[i%4]
		s.realms = append(s.realms, change[realm]{at: epoch.Add(time.Duration(i) * 12 * time.Minute), state: now})
		v := s.histories[0].Versions[0]
		v.At, v.Signs = epoch.Add(time.Duration(i)*11*time.Minute), all[(i+1)%4]
		s.histories[0].Versions = append(s.histories[0].Versions, v)
	}
	return &court{from: epoch, seconds: 12 * 3600, lag: 2 * time.Hour, open: pageOpen}, s
}

func TestCrowdedCourt(t *testing.T) {
	c, s := crowded(t)
	if got := c.judge(s.realms, s.histories); got.Failed == 0 || got.Seconds != 12*3600 {
		t.Error(got)
	}
}

// BenchmarkCourt: what is counted second by second must not cost the square of the seconds.
func BenchmarkCourt(b *testing.B) {
	c, s := crowded(b)
	for b.Loop() {
		c.judge(s.realms, s.histories)
	}
}

func TestSignInsString(t *testing.T) {
	s := SignIns{Seconds: 43200}
	if diff := cmp.Diff("43200 sign-ins, 0 failed", s.String()); diff != "" {
		t.Error(diff)
	}
	s.Failed, s.Gaps = 61, []Gap{
		{epoch, epoch.Add(time.Minute), "the domain is managed in Azure AD"},
		{epoch.Add(time.Hour), epoch.Add(time.Hour + time.Second), "sent to U: no application has this URL"},
	}
	want := `43200 sign-ins, 61 failed
2026-01-01 12:00:00 to 2026-01-01 12:01:00 (1m0s): the domain is managed in Azure AD
2026-01-01 13:00:00 to 2026-01-01 13:00:01 (1s): sent to U: no application has this URL`
	if diff := cmp.Diff(want, s.String()); diff != "" {
		t.Error(diff)
	}
}
