package people

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func userID(n int) string    { return fmt.Sprintf("6026bec6b8207255%08x", n) }
func accountID(n int) string { return fmt.Sprintf("6601d14b-d113-4f64-8da2-%012x", n) }

// TestJoinOnce makes sure that nobody is matched twice, on either side.
func TestJoinOnce(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		a := Audience{Domain: "example.com", Directory: true, AlternateEmail: seed%3 == 0}
		var do []func(*Crowd)
		address := func() string {
			return fmt.Sprintf("%c%c@%s", 'a'+r.IntN(4), "xX"[r.IntN(2)], []string{"example.com", "Example.Com", "other.example"}[r.IntN(3)])
		}
		for n := range 12 {
			email, alternate := address(), address()
			account := AzureADUser{
				ID: accountID(n), UPN: address(), Mail: address(), Proxies: []string{"smtp:" + address()}, Others: []string{address()},
			}
			do = append(do, func(c *Crowd) {
				c.AddJumpCloud(&JumpCloudUser{ID: userID(n), Email: email, Alternate: alternate})
			}, func(c *Crowd) { c.AddAzureAD(&account) })
			if bound, to := r.IntN(3) == 0, r.IntN(15); bound {
				do = append(do, func(c *Crowd) { c.AddBinding(userID(n), accountID(to), "") })
			}
		}
		r.Shuffle(len(do), func(i, j int) { do[i], do[j] = do[j], do[i] })
		c := New(a)
		for _, add := range do {
			add(c)
		}
		c.join(nil)
		seen := make(map[uint32]bool)
		for u, j := range c.partner {
			if j == 0 {
				continue
			}
			if seen[j] {
				t.Fatalf("seed %d: JumpCloud user %d is matched twice", seed, j)
			}
			seen[j] = true
			if p := c.jc.at(j - 1); p.ad != uint32(u)+1 || match(p.flags>>jcHow) == matchNone {
				t.Fatalf("seed %d: account %d has user %d, who has account %d", seed, u, j, p.ad)
			}
		}
		// Whoever is left has no address in common with anybody who is left.
		for j := range c.jc.n {
			if !c.free(j) {
				continue
			}
			for u := range c.ad.n {
				if c.open(u) && c.key(j) != 0 && c.key(j) == c.ad.at(u).upn {
					t.Fatalf("seed %d: user %d and account %d have the same address and were not matched", seed, j, u)
				}
			}
		}
	}
}

func TestIDs(t *testing.T) {
	c := New(Audience{Domain: "example.com"})
	for _, id := range []string{userID(1), "short", "ffffffffffffffffffffffff", "6026BEC6B820725500000001", "not-hexadecimal-24-chars"} {
		i := c.jumpCloud(id, listUsers)
		if got := c.jcID(i); got != strings.ToLower(id) || c.jumpCloud(id, listMembers) != i {
			t.Errorf("ID %q came back as %q", id, got)
		}
	}
	for _, id := range []string{accountID(1), "short", strings.ToUpper(accountID(2)), "6601d14b-d113-4f64-8da2-00000000000g", "6601d14b-d113-4f64-8da2x000000000001", "6601d14b-d113-4f64-8da2-0000000000-1", "6601d14b-d113-4f64-8da2--00000000001"} {
		i := c.azureAD(id)
		if got := c.adID(i); got != strings.ToLower(id) || c.azureAD(id) != i {
			t.Errorf("ID %q came back as %q", id, got)
		}
	}
}

// TestOddKeys makes sure that an immutable ID is not taken for the key of a user whose
// ID is none of JumpCloud's.
func TestOddKeys(t *testing.T) {
	for n := range 64 {
		c := New(Audience{Domain: "example.com"})
		c.AddJumpCloud(&JumpCloudUser{ID: "odd", Email: "o@example.com"})
		c.AddAzureAD(&AzureADUser{ID: accountID(1), UPN: "anna@example.com", ImmutableID: fmt.Sprintf("ffffffffffffffff%08x", n)})
		if j := c.Judge(); j.Matched != 0 || j.JumpCloud != 1 || j.AzureAD != 1 {
			t.Errorf("an immutable ID of %d: %+v", n, j.Figures)
		}
	}
}
