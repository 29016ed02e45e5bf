package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/jcaad/jcaad/federation/internal/people"
)

// judgeAgain judges people once more if more of them can sign in than when they
// were judged: a domain that was read as federated, and is managed. That this run
// itself has set it to Managed changes nothing for those who could not before.
func (r *run) judgeAgain(ctx context.Context) error {
	now := reachBefore(r.plan, &r.st)
	if now >= r.before {
		return nil
	}
	if s := r.sent[(Change{Resource: ResRecover, Name: r.plan.Domain, Action: Update}).key()]; s != nil {
		return nil
	}
	return r.judgePeople(ctx)
}

// namesAtMost is how many people a sentence names; the others are counted.
const namesAtMost = 10

// some joins names, or other words, with the rest of many counted.
func some(words []string, by string) string {
	if n := len(words) - namesAtMost; n > 0 {
		words = append(words[:namesAtMost:namesAtMost], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(words, by)
}

// gates turns the people into findings: those who would be locked out come
// first, as the one thing that refuses. Then who is told of by name, because
// something is likely to be in their way. The findings have their people if
// byName says so; their sentences name ten at most.
func (p *People) gates(consent LockOut, similar []string, byName bool) (fs findings) {
	locked, out := p.lockedOut(), p.alreadyOut()
	bad, accepted := consent.split(locked)
	if len(bad.at) > 0 {
		f := fs.refuse(CodeLockOut, p.Domain, bad.count()+" would be locked out: "+bad.String(),
			"run Preflight for the reasons and repairs, or name these people in consent.lockOut.people")
		f.unless("lockOut.people", false)
		f.of(bad, byName)
		f.because(similar)
	}
	if len(accepted.at) > 0 {
		f := fs.refuse(CodeLockOut, p.Domain, accepted.count()+" will be locked out: "+accepted.String(), "")
		f.unless("lockOut.people", true)
		f.of(accepted, byName)
	}
	if len(out.at) > 0 {
		f := fs.warn(CodeAlreadyOut, p.Domain, out.count()+" cannot sign in today either, and will not be able to: "+out.String(),
			"run Preflight for the reasons and repairs")
		f.of(out, byName)
		f.because(similar)
	}
	for _, t := range toldByName {
		if who := p.with(t.kind, func(f people.Finding) bool { return f.Severity != people.Info }); len(who.at) > 0 {
			c := personCodes[t.kind]
			fs.warn(c.code, p.Domain, t.text+" ("+who.count()+"): "+who.String(), c.repair).of(who, byName)
		}
	}
	p.usualIDs(&fs)
	p.expectedIDs(&fs)
	p.customer(&fs)
	p.otherDomainGate(&fs, byName)
	if len(p.subdomains) > 0 {
		fs.info(CodeSubdomain, p.Domain,
			"federated together with "+p.Domain+", because they follow it: "+strings.Join(p.subdomains, ", "), "")
	}
	consent.unused(&fs, p.Domain, locked, out)
	return fs
}

// of makes the finding one about people, and attaches them if byName says so.
func (f *Finding) of(who roll, byName bool) {
	if byName {
		f.People = who.people()
	}
}

// otherDomainGate names the people whom the tenant's token validation policy keeps
// out although JumpCloud would let them in.
func (p *People) otherDomainGate(fs *findings, byName bool) {
	who := p.with(people.OtherDomain, func(f people.Finding) bool { return f.Severity == people.Warning })
	if len(who.at) > 0 {
		fs.warn(CodeTokenPolicy, p.Domain, "the tenant's token validation policy lets nobody in through "+p.Domain+
			" whose user principal name is on another domain ("+codeOtherRoot+"): "+who.String(),
			"give these people user principal names on "+p.Domain+", or let them go on signing in on their own domain").of(who, byName)
	}
}

// strangersEnough is how many bindings must name accounts, none of which the
// tenant has, before directory and tenant are taken for those of two customers.
const strangersEnough = 3

// customer tells by the bindings whether JumpCloud's directory and the tenant
// belong together.
func (p *People) customer(fs *findings) {
	switch j := p.judged; {
	case j.Known == 0 || j.AzureAD == 0:
		// nobody who could be bound, or whom they could be bound to
	case j.Named >= strangersEnough && j.Here == 0:
		fs.refuse(CodeWrongTenant, p.Domain,
			fmt.Sprintf("JumpCloud's directory has bound %d people of %s to accounts, none of which is in this Azure AD tenant: "+
				"directory and tenant most likely belong to two customers", j.Named, p.Domain),
			"use the credentials of one customer for both services")
	case j.Named == 0:
		fs.info(CodeWrongTenant, p.Domain, "JumpCloud's directory has bound nobody of "+p.Domain+" to an account yet, "+
			"so nothing shows that directory and tenant belong to one customer", "")
	}
}

// usualIDs tells once for all how most immutable IDs differ from JumpCloud's.
func (p *People) usualIDs(fs *findings) {
	const sends = "; JumpCloud most likely sends the ID of its own user, 24 hexadecimal digits, and says so nowhere"
	const repair = "let one of them sign in through JumpCloud on a test domain, or see what people have who can, before the domain is switched"
	u := p.judged.Usual
	if u.Form != "" {
		fs.warn(CodeImmutableIDForm, p.Domain,
			fmt.Sprintf("the immutable IDs of %d of %d people are of one other form, %s%s", u.Count, u.Compared, u.Form, sends), repair)
	}
	if u.Never > 0 {
		fs.warn(CodeImmutableIDForm, p.Domain,
			fmt.Sprintf("%d of %d people are bound to JumpCloud's directory, were never synchronised, "+
				"and have immutable IDs of another origin%s", u.Never, u.Compared, sends), repair)
	}
}

// expectedIDs tells of how many people it is expected which immutable ID JumpCloud
// sends, and of how many it is proved.
func (p *People) expectedIDs(fs *findings) {
	v := p.judged.Proved
	if v.Own+v.Others == 0 {
		return
	}
	s := fmt.Sprintf("of %s with immutable IDs, %d have the one that JumpCloud is expected to send, the ID of its own user: ",
		plural(v.Compared, "person", "people"), v.Own)
	var how []string
	for _, h := range [...]struct {
		n    int
		text string
	}{
		{v.BySignIn, "proved for %d by sign-ins through JumpCloud"},
		{v.ByBinding, "proved for %d by the directory, which has synchronised them with the accounts that have these IDs"},
		{v.Own - v.BySignIn - v.ByBinding, "likely for %d, and certain once they have signed in or the directory has synchronised them"},
	} {
		if h.n > 0 {
			how = append(how, fmt.Sprintf(h.text, h.n))
		}
	}
	if v.Own == 0 {
		how = append(how, "so it is expected of nobody")
	}
	s += strings.Join(how, "; ")
	if v.Others > 0 {
		s += fmt.Sprintf("; of %d others sign-ins through JumpCloud have proved that it sends another one, which they have", v.Others)
	}
	fs.info(CodeImmutableIDExpected, p.Domain, s, "")
}

// because adds what is wrong with the plan's groups.
func (f *Finding) because(groups []string) {
	if len(groups) > 0 {
		f.Message += "; " + strings.Join(groups, "; ")
		f.Repair = "name a group that has the people, or list its members in the plan; " + f.Repair
	}
}

// toldByName are the kinds of findings that a run tells by name besides
// lock-outs: signs that somebody will not get in.
var toldByName = []struct {
	kind people.Kind
	text string
}{
	{people.BoundElsewhere, "JumpCloud's directory has bound people to other accounts than their addresses say"},
	{people.ImmutableIDDiffers, "immutable IDs are others than JumpCloud most likely sends"},
	{people.NotExported, "JumpCloud's directory has synchronised others and not these people, so that it may know no immutable ID to send"},
	{people.PasswordExpired, "passwords in JumpCloud have expired"},
	{people.AccountLocked, "people are locked in JumpCloud"},
}

// unused tells of a consent that fits nobody among these: a name that was mistyped, or
// somebody for whom all is well by now.
func (c LockOut) unused(fs *findings, domain string, rolls ...roll) {
	left := c.names()
	for _, r := range rolls {
		if len(left) == 0 {
			return
		}
		for _, a := range r.accounts() {
			if left[string(a.upn)] {
				delete(left, string(a.upn))
			}
		}
	}
	var names []string
	for _, s := range c.People {
		if left[people.Fold(s)] {
			names = append(names, plain(s))
		}
	}
	if names == nil {
		return
	}
	fs.info(CodeConsentUnused, domain, "consent.lockOut.people names people who would not be locked out: "+some(names, ", "),
		"look for a mistyped name, or take them out of the plan")
}

// similarGroups says which groups of the plan let nobody in, and which ones have
// a similar name. It asks only if that is why somebody does not get in.
func (f *Federator) similarGroups(ctx context.Context, p Plan, of *People) ([]string, error) {
	if len(of.absent)+len(of.empty) == 0 || of.judged.ByKind[people.NotInGroup] == 0 {
		return nil, nil
	}
	var names []string
	for g, err := range recallList(ctx, "groups", f.jc.Groups(ctx)) {
		if err != nil {
			return nil, err
		}
		names = append(names, g.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var out []string
	tell := func(name, what string) {
		s := "the group " + quote(name) + " " + what
		var like []string
		for _, n := range names {
			if n != name && similar(n, name) && !slices.ContainsFunc(p.Groups, func(g Group) bool { return g.Name == n }) {
				like = append(like, quote(n))
			}
		}
		if len(like) > 0 {
			s += "; JumpCloud has " + strings.Join(like[:min(len(like), namesAtMost)], ", ")
		}
		out = append(out, s)
	}
	for _, name := range of.absent {
		tell(name, "does not exist, and a new one lets in only the members that the plan lists")
	}
	for _, name := range of.empty {
		tell(name, "has no members")
	}
	return out, nil
}

// similar reports whether one name may be meant by another: they differ in case,
// in spaces and punctuation, or by a slip or two of the keyboard.
func similar(a, b string) bool {
	x, y := letters(a), letters(b)
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	most := 2
	if n := min(len(x), len(y)); n < 4 {
		most = 0
	} else if n < 6 {
		most = 1
	}
	return slips(x, y, most) <= most
}

// letters are what counts of a name.
func letters(s string) []rune {
	var out []rune
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// slips is how many letters were left out, added, replaced, or swapped with their
// neighbours between two words; more than most is told as one more.
func slips(a, b []rune, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
