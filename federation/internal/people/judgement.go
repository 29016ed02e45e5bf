package people

import "slices"

// A Judgement is what was found about the people of a crowd: figures, and
// findings in an order that depends on nothing but the people. It keeps the crowd,
// and puts findings into words one by one.
type Judgement struct {
	Figures
	Usual  Usual
	Proved Proved

	crowd *Crowd
	who   []person // those with findings, in the order in which they are told
	found []mark   // in order; the person of each is one of who
}

// Figures count people.
type Figures struct {
	JumpCloud int // users
	AzureAD   int // accounts on the domain
	Matched   int // people who are in both
	Elsewhere int // users who have nothing to do with the domain
	Known     int // users, those included whom only a binding or a group names

	Named int // bindings of people on the domain that name an account
	Here  int // and whose account was read

	LockedOut, AlreadyOut int // people, however many findings each has

	ByKind     [Kinds]int // findings
	BySeverity [severities]int
}

// Len returns how many findings there are.
func (j *Judgement) Len() int { return len(j.found) }

// At returns the i-th finding: who would be locked out first, then by severity,
// then by address.
func (j *Judgement) At(i int) Finding {
	m := j.found[i]
	f := m.finding()
	f.jc, f.ad = j.crowd.both(j.who[m.rank()])
	return f
}

// Policy takes the tenant's token validation policy into account: Azure AD lets
// people of a domain through that it does not validate.
func (j *Judgement) Policy(validates func(domain string) bool) {
	for i, m := range j.found {
		f := j.At(i)
		if f.Kind != OtherDomain {
			continue
		}
		f.Severity = Warning
		if d := j.otherDomainOf(f); d != "" && !validates(d) {
			f.Severity = Info
		}
		j.found[i] = newMark(f).ranked(m.rank())
	}
	slices.Sort(j.found)
	j.count()
}

// otherDomainOf is the domain that a finding about another domain is about; ""
// if it is not known.
func (j *Judgement) otherDomainOf(f Finding) string {
	c := j.crowd
	switch {
	case f.ad != 0:
		return c.text.domain(c.ad.at(f.ad - 1).upn)
	case c.jc.at(f.jc-1).ad != 0: // bound to an account that was not read
		return ""
	}
	return c.text.domain(c.key(f.jc - 1))
}

// A Person is whom a finding is about, as the services compare addresses: ASCII
// letters small. What is not known is empty.
type Person struct {
	UserPrincipalName, DisplayName, AzureADID string // of the account
	Email, JumpCloudID                        string // of the user
	Username                                  string // of a user without an email

	Suspended bool // in JumpCloud
	Synced    bool // from a directory on the premises
	Admin     bool // a Global Administrator
}

// AppendAccount appends the ID of the account that a finding is about to id, and its
// user principal name to upn; nothing if there is no account.
func (j *Judgement) AppendAccount(id, upn []byte, f Finding) (_, _ []byte) {
	if f.ad == 0 {
		return id, upn
	}
	c := j.crowd
	return c.appendADID(id, f.ad-1), c.text.append(upn, c.ad.at(f.ad-1).upn)
}

// Person says whom a finding is about.
func (j *Judgement) Person(f Finding) (p Person) {
	c := j.crowd
	if f.ad != 0 {
		u := c.ad.at(f.ad - 1)
		p.UserPrincipalName, p.DisplayName, p.AzureADID = c.text.str(u.upn), c.name(f.ad-1), c.adID(f.ad-1)
		p.Synced, p.Admin = u.flags&adSynced != 0, u.flags&adAdmin != 0
	}
	if f.jc != 0 {
		q := c.jc.at(f.jc - 1)
		p.JumpCloudID, p.Suspended = c.jcID(f.jc-1), q.flags&jcSuspended != 0
		if q.flags&jcNoEmail != 0 {
			p.Username = c.text.str(q.email)
		} else {
			p.Email = c.text.str(q.email)
		}
	}
	return p
}

// Origins tells what the immutable IDs of the domain's people are made of: how many
// are what one of the functions makes of a person's two IDs, the first that fits,
// and how many are something else.
func (j *Judgement) Origins(of ...func(azureADID, jumpCloudID string) string) (counts []int, others int) {
	c := j.crowd
	counts = make([]int, len(of))
	for i := range c.jc.n {
		q := c.jc.at(i)
		if match(q.flags>>jcHow) == matchNone {
			continue
		}
		u := c.ad.at(q.ad - 1)
		if !u.hasID() || u.flags&adOnDomain == 0 {
			continue
		}
		k := slices.IndexFunc(of, func(f func(string, string) string) bool {
			return c.immutable.at(q.ad-1) == c.hashID(f(c.adID(q.ad-1), c.jcID(i)))
		})
		if k < 0 {
			others++
		} else {
			counts[k]++
		}
	}
	return counts, others
}

// count makes the figures that are about findings.
func (j *Judgement) count() {
	j.LockedOut, j.AlreadyOut, j.ByKind, j.BySeverity = 0, 0, [Kinds]int{}, [severities]int{}
	locked, out := -1, -1 // the last; one person's findings of a sort stand together
	for _, m := range j.found {
		f, rank := m.finding(), int(m.rank())
		j.ByKind[f.Kind]++
		j.BySeverity[f.Severity]++
		if f.LockedOut && rank != locked {
			j.LockedOut++
			locked = rank
		}
		if f.AlreadyOut && rank != out {
			j.AlreadyOut++
			out = rank
		}
	}
}
