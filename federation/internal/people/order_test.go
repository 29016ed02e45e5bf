package people

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMarks(t *testing.T) {
	for k := Kind(1); k < Kinds; k++ {
		for _, rank := range []uint32{0, 1, 1<<32 - 1} {
			for s := range severities {
				for _, f := range []Finding{
					{Kind: k, Severity: s}, {Kind: k, Severity: s, AlreadyOut: true}, {Kind: k, Severity: Refusal, LockedOut: true},
				} {
					m := newMark(f).ranked(rank)
					if got := m.finding(); got != f || m.rank() != rank || m.unranked() != newMark(f) {
						t.Fatalf("%+v of %d came back as %+v of %d", f, rank, got, m.rank())
					}
				}
			}
		}
	}
}

// TestOrder is the law by which findings are told, with addresses that have much in
// common: lock-outs, by severity, by address, by ID, by kind.
func TestOrder(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		c := New(Audience{Domain: "example.com", Subdomains: []string{"sub.example.com"}})
		text := func() string {
			s := strings.Repeat([]string{"a", "abcd", "ab"}[r.IntN(3)], r.IntN(12))
			return s + []string{"", "a", "b", "\x00", "\x00a", "z\xff", "-"}[r.IntN(7)]
		}
		for n := range 200 + r.IntN(400) {
			id := accountID(n)
			if r.IntN(9) == 0 {
				id = fmt.Sprint("odd ", n)
			}
			upn := text() + "@" + []string{"example.com", "sub.example.com"}[r.IntN(2)]
			if r.IntN(3) == 0 {
				c.AddJumpCloud(&JumpCloudUser{ID: userID(n), Email: upn, Suspended: r.IntN(2) == 0, Expired: r.IntN(2) == 0})
				c.AddBinding(userID(n), id, "")
			}
			c.AddAzureAD(&AzureADUser{
				ID: id, UPN: upn, Mail: upn, ImmutableID: fmt.Sprint(r.IntN(900)),
				Disabled: r.IntN(5) == 0, Synced: r.IntN(3) == 0, Admin: r.IntN(6) == 0,
			})
		}
		j := c.Judge()
		told := func(i int) (class int, local, domain, id string, k Kind) {
			f := j.At(i)
			p := j.Person(f)
			local, domain, _ = strings.Cut(cmp.Or(p.UserPrincipalName, p.Email), "@")
			if class = int(f.Severity) + 1; f.LockedOut {
				class = 0
			}
			return class, local, domain, p.AzureADID, f.Kind
		}
		for i := 1; i < j.Len(); i++ {
			class, local, domain, id, k := told(i - 1)
			class2, local2, domain2, id2, k2 := told(i)
			if cmp.Or(cmp.Compare(class, class2), cmp.Compare(local, local2), cmp.Compare(domain, domain2),
				cmp.Compare(id, id2), cmp.Compare(k, k2)) >= 0 {
				t.Fatalf("seed %d: %d %q %q %s %d is told before %d %q %q %s %d",
					seed, class, local, domain, id, k, class2, local2, domain2, id2, k2)
			}
		}
		if j.Len() < 200 {
			t.Fatalf("seed %d: %d findings", seed, j.Len())
		}
	}
}
