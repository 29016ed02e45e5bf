package people

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// A mark is a finding without its person: from the highest bit on, how soon it is told,
// the rank of the person, the kind, and whether the person is out already. So marks
// sort in the order in which findings are told.
type mark uint64

const (
	markOut   = 1 // the bit
	markKind  = 1 // from this bit on
	markRank  = 8
	markClass = markRank + 32
)

// newMark makes a mark of what a finding says, for the person of rank 0.
func newMark(f Finding) mark {
	m := mark(f.Kind) << markKind
	if f.AlreadyOut {
		m |= markOut
	}
	if f.LockedOut { // and that is a refusal
		return m
	}
	return m | mark(1+f.Severity)<<markClass
}

func (m mark) ranked(rank uint32) mark { return m | mark(rank)<<markRank }
func (m mark) rank() uint32            { return uint32(m >> markRank) }
func (m mark) unranked() mark          { return m &^ (1<<markClass - 1<<markRank) }

// classes are how soon findings are told: lock-outs, and then by severity.
const classes = 1 + severities

func (m mark) class() int { return int(m >> markClass) }

// finding is what the mark says.
func (m mark) finding() Finding {
	f := Finding{Kind: Kind(m & (1<<markRank - 1) >> markKind), AlreadyOut: m&markOut != 0}
	if f.LockedOut = m.class() == 0; f.LockedOut {
		f.Severity = Refusal
	} else {
		f.Severity = Severity(m.class() - 1)
	}
	return f
}

// A person is an account, or a user without one.
type person uint32

const onlyUser person = 1 << 31

// newPerson makes a person of a user and an account, both from 1.
func newPerson(jc, ad uint32) person {
	if ad != 0 {
		return person(ad - 1)
	}
	return person(jc-1) | onlyUser
}

// both are the user and the account of a person, from 1, after join.
func (c *Crowd) both(p person) (jc, ad uint32) {
	if p&onlyUser != 0 {
		return uint32(p&^onlyUser) + 1, 0
	}
	return c.partner[p], uint32(p) + 1
}

// order sorts what was found. Only the people are sorted, each once; their findings
// are then laid out class by class.
func (j *judging) order() {
	at := make([]uint64, 0, j.people) // where each person's findings begin
	var next [classes + 1]int
	for n := range j.found.n {
		m := *j.found.at(n)
		if n == 0 || m.rank() != j.found.at(n-1).rank() {
			at = append(at, uint64(n))
		}
		next[m.class()+1]++
	}
	for k := range classes {
		next[k+1] += next[k]
	}
	first := next
	j.sortPeople(at, 0)
	out := j.out
	out.who, out.found = make([]person, len(at)), make([]mark, j.found.n)
	for rank, a := range at {
		who := j.whose(a)
		out.who[rank] = who
		for n := uint32(a); n < j.found.n && person(j.found.at(n).rank()) == who; n++ {
			m := j.found.at(n).unranked().ranked(uint32(rank))
			k := m.class()
			i := next[k]
			for ; i > first[k] && out.found[i-1] > m; i-- {
				out.found[i] = out.found[i-1] // of the same person, who has few
			}
			out.found[i] = m
			next[k]++
		}
	}
	out.count()
}

// sortPeople sorts people by what they are listed by. An element is the number of a
// person's first finding; above it is room for four bytes of the text, from the
// given one on, by which most people differ sooner or later.
func (j *judging) sortPeople(at []uint64, from int) {
	for i, a := range at {
		at[i] = uint64(j.letters(j.whose(a), from))<<32 | a&(1<<32-1)
	}
	slices.Sort(at)
	for len(at) > 0 {
		n := 1
		for n < len(at) && at[n]>>32 == at[0]>>32 {
			n++
		}
		switch same := at[:n]; {
		case n == 1:
		case n < 12 || same[0]>>32&0xff == 0: // the text ends here
			slices.SortFunc(same, func(a, b uint64) int { return j.comparePeople(j.whose(a), j.whose(b)) })
		default:
			j.sortPeople(same, from+4)
		}
		at = at[n:]
	}
}

// whose is the person whose first finding an element of sortPeople names.
func (j *judging) whose(a uint64) person { return person(j.found.at(uint32(a)).rank()) }

// letters are four bytes of the text that a person is listed by.
func (c *Crowd) letters(p person, from int) uint32 {
	r := c.listed(p)
	if r == 0 {
		return 0
	}
	b, _ := c.text.get(r)
	if from+4 <= len(b) {
		b = b[from:]
		return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	var v uint32
	for i := range 4 {
		v <<= 8
		if from+i < len(b) {
			v |= uint32(b[from+i])
		}
	}
	return v
}

// comparePeople orders people by what they are listed by, then by ID.
func (c *Crowd) comparePeople(p, q person) int {
	if p == q {
		return 0
	}
	if x, y := c.listed(p), c.listed(q); x != y {
		var l, m []byte
		var d, e uint8
		if x != 0 {
			l, d = c.text.get(x)
		}
		if y != 0 {
			m, e = c.text.get(y)
		}
		if n := cmp.Or(bytes.Compare(l, m), strings.Compare(c.text.domains[d%inline], c.text.domains[e%inline])); n != 0 {
			return n
		}
	}
	switch {
	case p&onlyUser != q&onlyUser:
		return cmp.Compare(p&onlyUser, q&onlyUser) // with an account first
	case p&onlyUser == 0:
		return c.compareAzureAD(uint32(p), uint32(q))
	}
	return c.compareJumpCloud(uint32(p&^onlyUser), uint32(q&^onlyUser))
}

// listed is the text that a person is listed by.
func (c *Crowd) listed(p person) ref {
	jc, ad := c.both(p)
	if ad != 0 {
		if upn := c.ad.at(ad - 1).upn; upn != 0 {
			return upn
		}
	}
	if jc != 0 {
		return c.jc.at(jc - 1).email
	}
	return 0
}
