package people

import (
	"runtime"
	"strconv"
	"testing"
)

// An ailing crowd is made by number, and the same is wrong with everybody.
type ailing struct {
	name   string
	edit   func(i int, p *persona)
	before Reach
	rule   bool // the alternate email is the user principal name
	kinds  []Kind
	more   float64 // bytes that each person has more than others
}

// persona is somebody of a crowd: in order on both sides, unless edited.
type persona struct {
	user                JumpCloudUser
	account             AzureADUser
	bound               bool
	external            string
	fault               string
	in                  bool // a group, which the directory has
	hasUser, hasAccount bool
}

const family = "berg.caro.diaz.fuchs.gold.hof.iten.jung.klee.lang.mai.nagy.ott.pohl.quast.rot.stern.thal.ude.vogt"

func login(i int) string {
	k := i * 7919 % len(family)
	return string(rune('a'+i%26)) + "nna." + family[k:min(k+6, len(family))] + strconv.Itoa(i)
}

func address(i int) string { return login(i) + "@example.com" }

func newPersona(i int) persona {
	return persona{
		user:    JumpCloudUser{ID: userID(i), Username: login(i), Email: address(i)},
		account: AzureADUser{ID: accountID(i), UPN: address(i), Name: "Anna Berg", Mail: address(i), ImmutableID: userID(i)},
		bound:   true, external: accountID(i), in: true, hasUser: true, hasAccount: true,
	}
}

var ailings = []ailing{
	{name: "in order"},
	{name: "first run", kinds: []Kind{NoImmutableID, NotInGroup, NotBound}, edit: func(i int, p *persona) {
		p.account.ImmutableID, p.bound, p.in = "", false, false
	}},
	{name: "nobody bound", kinds: []Kind{NotBound}, edit: func(i int, p *persona) { p.bound = false }},
	{name: "suspended", kinds: []Kind{Suspended}, edit: func(i int, p *persona) { p.user.Suspended = true }},
	{name: "other IDs", kinds: []Kind{ImmutableIDDiffers}, edit: func(i int, p *persona) {
		p.account.ImmutableID = [...]string{"other " + strconv.Itoa(i), "b" + address(i), accountID(i)}[i%3]
	}},
	{name: "renamed", kinds: []Kind{EmailDiffers}, edit: func(i int, p *persona) { p.user.Email = "new." + p.user.Email }},
	{name: "alias only", kinds: []Kind{AliasOnly, NotBound}, edit: func(i int, p *persona) {
		p.user.Email, p.bound, p.account.ImmutableID = "old."+p.user.Email, false, "other "+strconv.Itoa(i)
		p.account.Proxies = []string{"smtp:old." + address(i)}
	}},
	{name: "apart", kinds: []Kind{NotInJumpCloud, NotInAzureAD}, edit: func(i int, p *persona) {
		p.user.Email, p.bound, p.in, p.account.ImmutableID = "here."+p.user.Email, false, false, ""
	}},
	{name: "bound to others", kinds: []Kind{BoundElsewhere, NoImmutableID}, edit: func(i int, p *persona) {
		p.external, p.account.ImmutableID = accountID(i^1), ""
	}},
	{name: "binding errors", more: 70, kinds: []Kind{BindingError}, edit: func(i int, p *persona) {
		p.external, p.fault = "", "Another object with the value "+address(i)+" exists."
		p.account.ImmutableID = "other " + strconv.Itoa(i)
	}},
	{name: "one error", kinds: []Kind{BindingError}, edit: func(i int, p *persona) {
		p.external, p.fault, p.account.ImmutableID = "", "There are not enough licences.", "other "+strconv.Itoa(i)
	}},
	{name: "IDs shared", kinds: []Kind{SharedImmutableID}, edit: func(i int, p *persona) {
		p.account.ImmutableID = "pair " + strconv.Itoa(i/2)
	}},
	{name: "one ID", kinds: []Kind{SharedImmutableID}, edit: func(i int, p *persona) { p.account.ImmutableID = "the same" }},
	{name: "no alternate email", rule: true, kinds: []Kind{NoEmail}},
	{name: "alternate emails", rule: true, kinds: []Kind{EmailDiffers}, edit: func(i int, p *persona) { p.user.Alternate = "alt." + address(i) }},
	{name: "strangers", more: 40, kinds: []Kind{NotInJumpCloud, OtherDomain}, edit: func(i int, p *persona) {
		p.user.Email, p.external, p.account.ImmutableID = "here."+p.user.Email, accountID(i|1<<30), ""
	}},
	{name: "twins", kinds: []Kind{DuplicateEmail}, edit: func(i int, p *persona) {
		p.user.Email, p.account.UPN, p.account.Mail = address(i&^1), address(i&^1), address(i&^1)
	}},
}

func (a ailing) people(n int) []persona {
	all := make([]persona, n)
	for i := range all {
		all[i] = newPersona(i)
		if a.edit != nil {
			a.edit(i, &all[i])
		}
	}
	return all
}

// fill adds the people as the lists come: all of them at once, a page of each.
func (a ailing) fill(all []persona) *Crowd {
	c := New(Audience{Domain: "example.com", Directory: true, Before: a.before, AlternateEmail: a.rule})
	c.ExpectJumpCloud(len(all))
	c.ExpectAzureAD(len(all))
	const page = 100
	for from := 0; from < len(all); from += page {
		some := all[from:min(from+page, len(all))]
		for i := range some {
			c.AddJumpCloud(&some[i].user)
		}
		for i := range some {
			if p := &some[i]; p.bound {
				c.AddBinding(p.user.ID, p.external, p.fault)
			}
		}
		for i := range some {
			if p := &some[i]; p.in {
				c.AddMember(p.user.ID, true, true)
			}
		}
		for i := range some {
			c.AddAzureAD(&some[i].account)
		}
	}
	return c
}

// spent is what f has allocated, and what its result holds.
func spent(f func() any) (bytes, allocs, live uint64) {
	var before, after, kept runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	result := f()
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&kept)
	runtime.KeepAlive(result)
	return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs, kept.HeapAlloc - min(kept.HeapAlloc, before.HeapAlloc)
}

// TestCrowdMemory holds the bytes and allocations that people cost while they are read,
// while they are judged, and as findings, whatever befalls all of them.
func TestCrowdMemory(t *testing.T) {
	if raceDetector {
		t.Skip("counts what the race detector adds to")
	}
	const n = 10000
	for _, a := range ailings {
		t.Run(a.name, func(t *testing.T) {
			all := a.people(n)
			var c *Crowd
			var j *Judgement
			_, added, filled := spent(func() any { c = a.fill(all); return c })
			bytes, allocs, kept := spent(func() any { j = c.Judge(); return j })
			for _, k := range a.kinds {
				if got := j.ByKind[k]; got != n {
					t.Errorf("%d findings of kind %d, want %d", got, k, n)
				}
			}
			if got := j.Len(); got != n*len(a.kinds) {
				t.Errorf("%d findings, want %d: %v", got, n*len(a.kinds), j.ByKind)
			}
			runtime.KeepAlive(all) // it is none of what was spent
			per := func(v uint64) float64 { return float64(v) / n }
			t.Logf("a person: %.0f bytes and %.3f allocations to read; %.0f and %.3f to judge; %.0f kept", per(filled), per(added), per(bytes), per(allocs), per(filled+kept))
			if per(filled) > 145+a.more || per(bytes) > 90 || per(filled+kept) > 150+a.more || per(added+allocs) > 0.1 {
				t.Errorf("want at most %.0f, 90 and %.0f bytes and 0.1 allocations", 145+a.more, 150+a.more)
			}
		})
	}
}

func BenchmarkCrowd(b *testing.B) {
	const n = 300000
	for _, a := range ailings {
		b.Run(a.name, func(b *testing.B) {
			all := a.people(n)
			var c *Crowd
			b.Run("fill", func(b *testing.B) {
				for b.Loop() {
					bytes, _, live := spent(func() any { c = a.fill(all); return c })
					b.ReportMetric(float64(bytes)/n, "B/person")
					b.ReportMetric(float64(live)/n, "live/person")
				}
			})
			b.Run("judge", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					c := a.fill(all)
					b.StartTimer()
					var j *Judgement
					bytes, allocs, live := spent(func() any { j = c.Judge(); return j })
					b.ReportMetric(float64(bytes)/n, "B/person")
					b.ReportMetric(float64(allocs)/n, "allocs/person")
					b.ReportMetric(float64(live)/n, "more/person")
				}
			})
		})
	}
}
