package federation

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/federation/internal/people"
)

// A roll is people with a finding of some sort, each once, by the number of the first
// such finding: they are put into words only as far as somebody reads them.
type roll struct {
	of *People
	at []uint32
}

// roll returns an empty one for at most so many findings.
func (p *People) roll(atMost int) roll {
	return roll{p, make([]uint32, 0, min(max(atMost, 0), p.Len()))}
}

// add adds the person of the i-th finding, unless the last one is the same.
func (r *roll) add(i int) {
	if n := len(r.at); n == 0 || !r.of.samePerson(int(r.at[n-1]), i) {
		r.at = append(r.at, uint32(i))
	}
}

// samePerson reports whether two findings are about one person.
func (p *People) samePerson(i, j int) bool {
	if p.judged == nil {
		return p.list[i].person() == p.list[j].person()
	}
	return p.judged.At(i).SamePerson(p.judged.At(j))
}

// all returns the people in words.
func (r roll) all() iter.Seq[PersonFinding] {
	return func(yield func(PersonFinding) bool) {
		for _, i := range r.at {
			if !yield(r.of.At(int(i))) {
				return
			}
		}
	}
}

// people returns all at once; nil if there are none.
func (r roll) people() []PersonFinding {
	if len(r.at) == 0 {
		return nil
	}
	return slices.AppendSeq(make([]PersonFinding, 0, len(r.at)), r.all())
}

// String names people.
func (r roll) String() string {
	names := make([]string, 0, namesAtMost+1)
	for p := range r.all() {
		if len(names) == namesAtMost {
			names = append(names, fmt.Sprintf("and %d more", len(r.at)-namesAtMost))
			break
		}
		names = append(names, p.Who())
	}
	return strings.Join(names, ", ")
}

// count says how many people it names.
func (r roll) count() string { return count(len(r.at)) }

func count(people int) string {
	if people == 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", people)
}

// lockedOut returns everyone who would be locked out, with the first reason.
func (p *People) lockedOut() roll {
	r := p.roll(p.counts().LockedOut)
	for i := range p.Len() {
		if !p.isLockedOut(i) {
			break // they stand first
		}
		r.add(i)
	}
	return r
}

// alreadyOut returns everyone who cannot sign in today and will not be able to, with
// the first reason.
func (p *People) alreadyOut() roll {
	r := p.roll(p.counts().AlreadyOut)
	for i := range p.Len() {
		if p.judged == nil && p.list[i].AlreadyOut || p.judged != nil && p.judged.At(i).AlreadyOut {
			r.add(i)
		}
	}
	return r
}

// with returns the people with a finding of a kind for which is holds. People who were
// read back have none.
func (p *People) with(k people.Kind, is func(people.Finding) bool) roll {
	if p.judged == nil || p.judged.ByKind[k] == 0 {
		return roll{of: p}
	}
	r := p.roll(p.judged.ByKind[k])
	for i := range p.judged.Len() {
		if f := p.judged.At(i); f.Kind == k && is(f) {
			r.add(i)
		}
	}
	return r
}

// split applies a consent: it returns those who are not covered, and those who are.
// People who are named are consented to; of all others at most AtMost, and if there are
// more, none.
func (c LockOut) split(locked roll) (unconsented, consented roll) {
	others, named := locked, roll{of: locked.of}
	if len(c.People) > 0 {
		others = roll{of: locked.of}
		names := c.names()
		for i, a := range locked.accounts() {
			if names[string(a.upn)] {
				named.at = append(named.at, i)
			} else {
				others.at = append(others.at, i)
			}
		}
	}
	if len(others.at) > c.AtMost {
		return others, named
	}
	return roll{of: locked.of}, roll{locked.of, slices.Concat(named.at, others.at)}
}

// names are the people of the consent, as user principal names are compared.
func (c LockOut) names() map[string]bool {
	named := make(map[string]bool, len(c.People))
	for _, s := range c.People {
		named[people.Fold(s)] = true
	}
	return named
}

// An account is the ID and the user principal name of one. Both are valid until the
// next is asked for.
type account struct{ id, upn []byte }

// accounts returns the accounts of the people, with the numbers of their findings.
func (r roll) accounts() iter.Seq2[uint32, account] {
	return func(yield func(uint32, account) bool) {
		var a account
		for _, i := range r.at {
			a.id, a.upn = r.of.appendAccount(a.id[:0], a.upn[:0], int(i))
			if !yield(i, a) {
				return
			}
		}
	}
}

func (p *People) appendAccount(id, upn []byte, i int) (_, _ []byte) {
	if p.judged == nil {
		return append(id, p.list[i].AzureADID...), append(upn, p.list[i].UserPrincipalName...)
	}
	return p.judged.AppendAccount(id, upn, p.judged.At(i))
}

// isLockedOut reports whether a finding is that somebody would be locked out.
func (p *People) isLockedOut(i int) bool {
	if p.judged == nil {
		return p.list[i].LockedOut
	}
	return p.judged.At(i).LockedOut
}

// code is what was found.
func (p *People) code(i int) Code {
	if p.judged == nil {
		return p.list[i].Code
	}
	return personCodes[p.judged.At(i).Kind].code
}
