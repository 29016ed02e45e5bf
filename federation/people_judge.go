package federation

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

const ruleAlternateEmail = jumpcloud.UPNFromAlternateEmail

// A finding is a [PersonFinding] that has not been put into words: who it is
// about, by index from 1.
type finding struct {
	jc, ad   uint32
	arg      uint32 // what the kind makes of it
	kind     kind
	severity uint8 // index into severities
	locked   bool
	out      bool // cannot sign in, and could not before
}

// severities are in the order in which findings are told.
var severities = [...]Severity{Alarm, Refusal, Warning, Info}

const (
	sevAlarm = iota
	sevRefusal
	sevWarning
	sevInfo
)

// judge turns what was read into findings. It is pure: the same people give the
// same findings in the same order.
func judge(c *crowd, a audience) *People {
	planned := make(map[ref]bool, len(a.newMembers))
	for _, m := range a.newMembers {
		if r := c.text.known(m.email); r != 0 {
			planned[r] = planned[r] || m.exported
		}
	}
	j := &judgement{crowd: c, a: a}
	j.p = &People{Domain: a.domain, crowd: c, service: a.likelyService, subdomains: a.subdomains, absent: a.absent}
	partner := c.join(planned)
	for u := range c.ad.n {
		if c.ad.at(u).flags&adSeen != 0 {
			j.account(u, partner[u])
		}
	}
	j.identities(partner)
	for i := range c.jc.n {
		p := c.jc.at(i)
		if p.flags&jcSeen == 0 {
			continue
		}
		j.p.Counts.JumpCloud++
		if match(p.flags>>jcHow) == matchNone {
			j.alone(i, partner)
		}
	}
	c.text.slots = nil // from here on texts are only shown
	j.p.finish(j.found)
	if a.policy != nil {
		j.p.apply(a.policy)
	}
	return j.p
}

// apply takes the tenant's policy into account: Azure AD may let people of
// another domain through.
func (p *People) apply(policy *aad.TokenValidationPolicy) {
	p.policy = policy
	for i := range p.found {
		f := &p.found[i]
		if f.kind != kOtherDomain {
			continue
		}
		f.severity = sevWarning
		if d := p.otherDomainOf(*f); d != "" && !policy.Validates(d, aad.Managed) {
			f.severity = sevInfo
		}
	}
	p.finish(p.found)
}

// otherDomainOf is the domain that a finding about another domain is about; ""
// if it is not known.
func (p *People) otherDomainOf(f finding) string {
	c := p.crowd
	switch {
	case f.ad != 0:
		return c.text.domain(c.ad.at(f.ad - 1).upn)
	case c.jc.at(f.jc-1).ad != 0: // bound to an account that was not read
		return ""
	}
	return c.text.domain(c.key(f.jc - 1))
}

type judgement struct {
	*crowd
	a     audience
	p     *People
	found []finding
}

func (j *judgement) add(k kind, severity uint8, jc, ad uint32) {
	j.found = append(j.found, finding{jc: jc, ad: ad, kind: k, severity: severity})
}

// lock adds a finding that keeps the person from signing in: a lock-out, or, if
// they cannot sign in now either, something to be told.
func (j *judgement) lock(k kind, jc, ad uint32) {
	f := finding{jc: jc, ad: ad, kind: k, severity: sevRefusal, locked: true}
	could := true
	switch j.a.before {
	case withID:
		could = j.ad.at(ad-1).immutable != [2]uint32{}
	case halfMade:
		could = k == kNotInGroup || k == kNotBound
	case asAfter:
		could = false
	}
	if !could {
		f.severity, f.locked, f.out = sevWarning, false, true
	}
	j.found = append(j.found, f)
}

// lockIf adds a lock-out if it is one, else a warning.
func (j *judgement) lockIf(is bool, k kind, jc, ad uint32) {
	if is {
		j.lock(k, jc, ad)
	} else {
		j.add(k, sevWarning, jc, ad)
	}
}

// account judges an Azure AD account and the JumpCloud user that belongs to it,
// if any (from 1).
func (j *judgement) account(u, jc uint32) {
	p, ad := j.ad.at(u), u+1
	if p.flags&adOnDomain == 0 {
		j.elsewhere(p, ad, jc)
		return
	}
	j.p.Counts.AzureAD++
	if jc != 0 {
		j.p.Counts.Matched++
	}
	if p.flags&adExternal != 0 {
		j.add(kGuest, sevInfo, jc, ad)
		return
	}
	if p.flags&adDisabled != 0 {
		j.add(kDisabled, sevInfo, jc, ad)
	}
	enabled := p.flags&adDisabled == 0
	if p.flags&adSynced != 0 {
		j.add(kDirectorySynced, sevWarning, jc, ad)
	}
	if p.flags&adAdmin != 0 {
		j.add(kGlobalAdmin, sevWarning, jc, ad)
		if p.immutable != [2]uint32{} {
			j.add(kPrivilegedID, sevWarning, jc, ad)
		}
	}
	if p.flags&adSharedID != 0 {
		j.lockIf(enabled, kSharedImmutableID, jc, ad)
	}
	if enabled && j.service(p) != "" {
		j.add(kServiceAccount, sevWarning, jc, ad)
	}
	if p.flags&adNoMail != 0 && jc == 0 {
		j.add(kNoEmail, sevInfo, 0, ad)
	}
	if jc == 0 {
		if enabled {
			j.lock(kNotInJumpCloud, 0, ad)
		}
		return
	}
	j.addresses(p, jc, ad)
	if enabled {
		j.access(p, jc, ad)
	}
}

// elsewhere judges an account whose mail is on the domain, but not its user
// principal name. Without a JumpCloud user it is none of our business.
func (j *judgement) elsewhere(p *adPerson, ad, jc uint32) {
	switch {
	case p.flags&(adGuest|adExternal) != 0:
		j.add(kGuest, sevInfo, jc, ad)
	case jc != 0 && p.flags&adDisabled == 0:
		j.p.Counts.Matched++
		j.add(kOtherDomain, sevWarning, jc, ad)
	}
}

// addresses compares the two sides' addresses.
func (j *judgement) addresses(p *adPerson, jc, ad uint32) {
	i := jc - 1
	q, key := j.jc.at(i), j.key(i)
	how := match(q.flags >> jcHow)
	switch {
	case how == matchProxy || how == matchOther:
		j.add(kAliasOnly, sevWarning, jc, ad)
	case key != 0 && key != p.upn:
		j.add(kEmailDiffers, sevWarning, jc, ad)
	case key != 0 && p.flags&adMailDiffers != 0 && !j.hasMail(ad-1, j.email(i)):
		j.add(kEmailDiffers, sevInfo, jc, ad)
	}
	if j.email(i) == 0 || key == 0 {
		j.add(kNoEmail, sevWarning, jc, ad)
	}
	if q.flags&jcTwin != 0 {
		j.add(kDuplicateEmail, sevWarning, jc, ad)
	}
	if q.flags&jcElsewhere != 0 {
		j.add(kBoundElsewhere, sevWarning, jc, ad)
	}
}

func (j *judgement) hasMail(u uint32, address ref) bool {
	i, _ := slices.BinarySearchFunc(j.alias, u, func(x aliasOf, u uint32) int { return cmp.Compare(x.ad, u) })
	end := i
	for end < len(j.alias) && j.alias[end].ad == u {
		end++
	}
	return slices.Contains(j.alias[i:end], aliasOf{address, u, aliasMail})
}

// access judges whether the person of an enabled account gets through JumpCloud.
func (j *judgement) access(p *adPerson, jc, ad uint32) {
	q := j.jc.at(jc - 1)
	if p.immutable == [2]uint32{} {
		j.lock(kNoImmutableID, jc, ad)
	}
	if q.flags&jcSuspended != 0 {
		j.lock(kSuspended, jc, ad)
	} else if q.flags&jcNotActivated != 0 {
		j.lock(kNotActivated, jc, ad)
	}
	if q.flags&jcExpired != 0 {
		j.add(kPasswordExpired, sevWarning, jc, ad)
	}
	if q.flags&jcLocked != 0 {
		j.add(kAccountLocked, sevWarning, jc, ad)
	}
	switch {
	case q.flags&(jcInGroup|jcPlanned) == 0:
		j.lock(kNotInGroup, jc, ad)
	case q.flags&(jcDirect|jcPlanned) == 0:
		j.add(kNestedGroup, sevWarning, jc, ad)
	}
	switch {
	case j.a.directoryID == "":
	case q.flags&jcBound == 0:
		// The plan binds the groups to the directory, and so their members.
		j.lockIf(q.flags&jcExported == 0, kNotBound, jc, ad)
	case q.flags&jcBindingFault != 0:
		// Once the binding knows the account, the ID went with it.
		how := match(q.flags >> jcHow)
		j.lockIf(how != matchBinding && !(how == matchID && q.flags&(jcNamed|jcElsewhere) == jcNamed), kBindingError, jc, ad)
	}
}

// alone judges a JumpCloud user without an account on the domain.
func (j *judgement) alone(i uint32, partner []uint32) {
	q, jc, key, email := j.jc.at(i), i+1, j.key(i), j.email(i)
	grouped := q.flags&(jcInGroup|jcPlanned|jcBound) != 0
	if email == 0 {
		j.add(kNoEmail, sevWarning, jc, 0)
		return
	}
	if !grouped && !j.onDomain(key) && !j.onDomain(email) {
		j.p.Counts.Elsewhere++ // somebody who has nothing to do with it
		return
	}
	if q.flags&jcTwin != 0 {
		j.add(kDuplicateEmail, sevWarning, jc, 0)
	}
	gone := q.ad != 0 && j.ad.at(q.ad-1).flags&adGone != 0
	switch {
	case q.ad != 0 && partner[q.ad-1] != 0:
		j.found = append(j.found, finding{jc: jc, arg: partner[q.ad-1], kind: kBindingError, severity: sevWarning})
		return
	case q.flags&jcBindingFault != 0:
		j.add(kBindingError, sevWarning, jc, 0)
	}
	switch {
	case key == 0:
		j.add(kNoEmail, sevWarning, jc, 0)
	case q.flags&jcSuspended != 0: // somebody who has left
	case gone:
		j.add(kBoundElsewhere, sevWarning, jc, 0)
	case q.ad != 0 || !j.onDomain(key):
		j.add(kOtherDomain, sevWarning, jc, 0)
	default:
		j.add(kNotInAzureAD, sevWarning, jc, 0)
	}
}

// service says why the account looks like no person.
func (j *judgement) service(p *adPerson) string {
	if f := j.a.likelyService; f != nil {
		return f(j.text.str(p.upn), j.name(p))
	}
	return j.hint(p)
}

func (c *crowd) hint(p *adPerson) string {
	var local, name []byte
	if p.upn != 0 {
		local, _ = c.text.get(p.upn)
	}
	if p.name != 0 && p.name < nameOf { // else its words are those of the login
		name, _ = c.text.get(p.name)
	}
	return serviceHint(local, name)
}

// finish sorts and counts.
func (p *People) finish(found []finding) {
	c := p.crowd
	slices.SortFunc(found, func(a, b finding) int {
		if a.locked != b.locked {
			if a.locked {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.severity, b.severity), c.compareWho(a, b), cmp.Compare(a.kind, b.kind))
	})
	p.found = found
	var last, out finding
	p.Counts.Findings, p.Counts.LockedOut, p.Counts.AlreadyOut = len(found), 0, 0
	p.Counts.ByCode = make(map[Code]int)
	p.Counts.BySeverity = make(map[Severity]int)
	for _, f := range found {
		p.Counts.ByCode[f.kind.code()]++
		p.Counts.BySeverity[severities[f.severity]]++
		if f.locked && f.ad != last.ad {
			p.Counts.LockedOut++ // one person's lock-outs stand together
			last = f
		}
		if f.out && f.ad != out.ad {
			p.Counts.AlreadyOut++
			out = f
		}
	}
}

// compareWho orders findings by the person's address, then by ID.
func (c *crowd) compareWho(a, b finding) int {
	if a.ad == b.ad && a.jc == b.jc {
		return 0
	}
	x, y := c.who(a), c.who(b)
	if x != y {
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
	case a.ad != 0 && b.ad != 0 && a.ad != b.ad:
		return c.compareAzureAD(a.ad-1, b.ad-1)
	case a.ad != b.ad:
		return cmp.Compare(min(b.ad, 1), min(a.ad, 1)) // with an account first
	case a.jc != 0 && b.jc != 0:
		return c.compareJumpCloud(a.jc-1, b.jc-1)
	}
	return cmp.Compare(min(a.jc, 1), min(b.jc, 1))
}

// who is the text that a person is listed by.
func (c *crowd) who(f finding) ref {
	if f.ad != 0 {
		if p := c.ad.at(f.ad - 1); p.upn != 0 {
			return p.upn
		}
	}
	if f.jc != 0 {
		return c.jc.at(f.jc - 1).email
	}
	return 0
}
