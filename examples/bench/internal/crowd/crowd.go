// Package crowd is the people of both directories, by number: nothing of them is kept.
package crowd

import (
	"math/big"
	"sort"
	"strings"
)

// Domain is the domain that everybody is on.
const Domain = "example.com"

// Crowd are people who are in both directories. Azure AD lists them by name, JumpCloud in
// an order of its own. Their number is a multiple of 100.
type Crowd struct {
	N int
	// All gives everybody a finding: no account has an immutable ID, as in a tenant that
	// JumpCloud has not synchronised yet. Otherwise two in a hundred have one.
	All bool

	starts       [len(given) + 1]int // where the names of each letter begin
	stride, back int64
}

var (
	given = [...]string{
		"anna", "ben", "carla", "dora", "emil", "fritz", "gina", "hugo", "ida", "jan", "kai", "lea", "mia",
		"noah", "olga", "paul", "quinn", "rosa", "sam", "tess", "uwe", "vera", "walt", "xena", "yara", "zoe",
	}
	family = [...]string{
		"berg", "caro", "diaz", "eis", "fuchs", "gold", "hof", "iten", "jung", "klee", "lang", "mai",
		"nagy", "ott", "pohl", "quast", "rot", "stern", "thal", "ude", "vogt", "wolf", "xu", "yilmaz", "zorn",
	}
	// Of 100 people, whose names begin with a letter: the alphabet is not even.
	often = [...]int{9, 4, 6, 5, 5, 3, 3, 4, 2, 10, 5, 6, 10, 3, 1, 4, 1, 4, 8, 3, 1, 1, 1, 0, 0, 1}
)

// New returns n people.
func New(n int, all bool) *Crowd {
	c := &Crowd{N: n, All: all, stride: 7919}
	sum := 0
	for i, per := range often {
		c.starts[i] = n * sum / 100
		sum += per
	}
	c.starts[len(given)] = n
	c.back = new(big.Int).ModInverse(big.NewInt(c.stride), big.NewInt(int64(n))).Int64()
	return c
}

// Person returns who is at a place of JumpCloud's list.
func (c *Crowd) Person(place int) int { return int(int64(place) * c.stride % int64(c.N)) }

// Place is the reverse of Person.
func (c *Crowd) Place(person int) int { return int(int64(person) * c.back % int64(c.N)) }

// AppendLogin appends the name of person i; names are in the order of the numbers.
func (c *Crowd) AppendLogin(b []byte, i int) []byte {
	letter := c.letter(i)
	within, size := i-c.starts[letter], c.starts[letter+1]-c.starts[letter]
	b = append(append(b, given[letter]...), '.')
	b = append(b, family[within*len(family)/size]...)
	return digits(b, within)
}

func (c *Crowd) letter(i int) int {
	return sort.Search(len(given), func(k int) bool { return c.starts[k+1] > i })
}

// AppendName appends the display name of person i.
func (c *Crowd) AppendName(b []byte, i int) []byte {
	from := len(b)
	b = c.AppendLogin(b, i)
	b = b[:len(b)-7]
	for k := from; k < len(b); k++ {
		switch {
		case b[k] == '.':
			b[k] = ' '
		case k == from || b[k-1] == ' ':
			b[k] -= 'a' - 'A'
		}
	}
	return b
}

// AppendAddress appends the user principal name of person i.
func (c *Crowd) AppendAddress(b []byte, i int) []byte {
	return append(append(c.AppendLogin(b, i), '@'), Domain...)
}

// AppendEmail appends the address that JumpCloud has of person i.
func (c *Crowd) AppendEmail(b []byte, i int) []byte {
	if c.Stray(i) {
		b = append(b, "gone."...)
	}
	return c.AppendAddress(b, i)
}

// Stray reports whether JumpCloud has another address of person i, and has not
// synchronised the account.
func (c *Crowd) Stray(i int) bool { return !c.All && i%100 == 7 }

// Bare reports whether the account of person i has no immutable ID.
func (c *Crowd) Bare(i int) bool { return c.All || i%100 == 3 }

// LockedOut returns how many could not sign in.
func (c *Crowd) LockedOut() int {
	if c.All {
		return c.N
	}
	return 2 * c.N / 100
}

// AppendJumpCloudID appends the ID of the user at a place of JumpCloud's list.
func AppendJumpCloudID(b []byte, place int) []byte {
	return hex(append(b, "60000002"...), uint64(place), 16)
}

// AppendObjectID appends the ID of the account of person i.
func AppendObjectID(b []byte, i int) []byte {
	b = hex(b, uint64(uint32(i)*2654435761), 8)
	return hex(append(b, "-9e37-4000-8000-"...), uint64(i), 12)
}

func hex(b []byte, v uint64, width int) []byte {
	for shift := 4 * (width - 1); shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[v>>shift&15])
	}
	return b
}

func digits(b []byte, v int) []byte {
	for unit := 1000000; unit > 0; unit /= 10 {
		b = append(b, byte('0'+v/unit%10))
	}
	return b
}

// Range returns those whose user principal names begin with prefix, as from and to.
func (c *Crowd) Range(prefix string) (from, to int) {
	var buf [64]byte
	at := func(i int) string { return string(c.AppendAddress(buf[:0], i)) }
	from = sort.Search(c.N, func(i int) bool { return at(i) >= prefix })
	to = from + sort.Search(c.N-from, func(i int) bool { return !strings.HasPrefix(at(from+i), prefix) })
	return from, to
}
