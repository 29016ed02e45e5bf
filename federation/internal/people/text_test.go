package people

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestTextsKeepWhatTheyAreGiven(t *testing.T) {
	x := newTexts()
	r := rand.New(rand.NewPCG(1, 1))
	refs := make(map[string]ref)
	for n := range 60000 {
		local := strings.Repeat("x", r.IntN(300)*(n%17/16)) + fmt.Sprint(r.IntN(20000))
		s := fmt.Sprintf("%s@d%d.example", local, r.IntN(400)) // more domains than have numbers
		got := x.address(strings.ToUpper(s))
		if old, ok := refs[s]; ok && old != got {
			t.Fatalf("%q has two refs", s)
		}
		refs[s] = got
	}
	byRef := make(map[ref]string)
	for s, got := range refs {
		if other, ok := byRef[got]; ok {
			t.Fatalf("%q and %q have one ref", s, other)
		}
		byRef[got] = s
		if x.str(got) != s || x.known(s) != got || x.domain(got) != s[strings.IndexByte(s, '@')+1:] {
			t.Fatalf("%q came back as %q, domain %q", s, x.str(got), x.domain(got))
		}
	}
	if x.known("nobody@d1.example") != 0 || x.address("") != 0 || x.address("  ") != 0 || x.name("") != 0 {
		t.Error("refs for nothing")
	}
	if got := x.str(x.address("a@b@Example.COM.")); got != "a@b@example.com" {
		t.Errorf("got %q", got)
	}
	if got := x.str(x.name("a\x1b[31m\nb\u202e")); got != "a [31m b " {
		t.Errorf("got %q", got)
	}
}

// TestNames is the law that a name comes back, whether the login spells it or not.
func TestNames(t *testing.T) {
	c := New(Audience{Domain: "example.com"})
	back := func(upn, name string) (is string, stored bool) {
		c.AddAzureAD(&AzureADUser{ID: fmt.Sprint(c.ad.n), UPN: upn, Name: name})
		return c.name(c.ad.n - 1), c.names.at(c.ad.n-1) != 0
	}
	for _, tt := range []struct {
		login, name string
		stored      bool
	}{
		{"anna.berg", "Anna Berg", false},
		{"anna_berg-lang12", "Anna Berg Lang", false},
		{"anna", "Anna", false},
		{"anna.b", "Anna Berg", true},
		{"anna.berg", "anna berg", true},
		{"anna.berg", "Anna berg", true},
		{"anna.berg", "Anna  Berg", true},
		{"anna..berg", "Anna  Berg", true},
		{"anna.berg", "Anna ", true},
		{"anna.berg", "Anna.Berg", true},
		{"a1.b2", "A1 B2", false},
		{"1a", "1a", true},
		{"änne.berg", "Änne Berg", true},
		{"zoë.berg", "Zoë Berg", true},
		{"anna.berg", "", false},
		{strings.Repeat("a", 300), "A" + strings.Repeat("a", 299), true},
	} {
		if got, stored := back(tt.login+"@example.com", tt.name); got != tt.name || stored != tt.stored {
			t.Errorf("%s: %q came back as %q, stored %v", tt.login, tt.name, got, stored)
		}
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 20000 {
		random := func(from string) string {
			b := make([]byte, r.IntN(6))
			for i := range b {
				b[i] = from[r.IntN(len(from))]
			}
			return string(b)
		}
		login, name := random("ab._-")+"x", random("aAbB ._")
		if got, _ := back(login, name); got != name {
			t.Fatalf("%q: %q came back as %q", login, name, got)
		}
	}
}
