package people

// judging is a judgement that is being made.
type judging struct {
	*Crowd
	out    *Judgement
	found  rows[mark] // one person's together, the person in place of the rank
	people int        // how many have one
	ids    identities
}

// Judge turns what was read into findings: the same people give the same findings
// in the same order, in whatever order they came. It is called once, when everybody
// is there; nobody can be added any more.
func (c *Crowd) Judge() *Judgement {
	planned := make(map[ref]bool, len(c.a.Planned))
	for address, exported := range c.a.Planned {
		if r := c.text.known(address); r != 0 {
			planned[r] = planned[r] || exported
		}
	}
	c.text.table, c.a.Planned = table{}, nil // from here on texts are only shown
	j := &judging{Crowd: c, out: &Judgement{crowd: c}}
	j.out.Known = int(c.jc.n)
	j.out.Named, j.out.Here = c.belonging() // before the join decides on accounts
	c.join(planned)
	j.compare()
	for u := range c.ad.n {
		if c.ad.at(u).flags&adSeen != 0 {
			j.account(u, c.partner[u])
		}
	}
	for i := range c.jc.n {
		p := c.jc.at(i)
		if p.flags&jcSeen == 0 {
			continue
		}
		j.out.JumpCloud++
		if match(p.flags>>jcHow) == matchNone {
			j.alone(i)
		}
	}
	j.order()
	return j.out
}

// add notes a finding about a person. All of a person's are added one after the other.
func (j *judging) add(k Kind, severity Severity, jc, ad uint32) {
	j.note(newMark(Finding{Kind: k, Severity: severity}), jc, ad)
}

func (j *judging) note(m mark, jc, ad uint32) {
	who := uint32(newPerson(jc, ad))
	if n := j.found.n; n == 0 || j.found.at(n-1).rank() != who {
		j.people++
	}
	j.found.add(m.ranked(who))
}

// lock adds a finding that keeps the person from signing in: a lock-out, or, if
// they cannot sign in now either, something to be told.
func (j *judging) lock(k Kind, jc, ad uint32) {
	could := true
	switch j.a.Before {
	case WithID:
		could = j.ad.at(ad - 1).hasID()
	case HalfMade:
		could = k == NotInGroup || k == NotBound
	case AsAfter:
		could = false
	}
	f := Finding{Kind: k, Severity: Refusal, LockedOut: true}
	if !could {
		f = Finding{Kind: k, Severity: Warning, AlreadyOut: true}
	}
	j.note(newMark(f), jc, ad)
}

// lockIf adds a lock-out if it is one, else a warning.
func (j *judging) lockIf(is bool, k Kind, jc, ad uint32) {
	if is {
		j.lock(k, jc, ad)
	} else {
		j.add(k, Warning, jc, ad)
	}
}

// account judges an Azure AD account and the JumpCloud user that belongs to it,
// if any (from 1).
func (j *judging) account(u, jc uint32) {
	p, ad := j.ad.at(u), u+1
	if p.flags&adOnDomain == 0 {
		j.elsewhere(p, ad, jc)
		return
	}
	j.out.AzureAD++
	if jc != 0 {
		j.out.Matched++
	}
	if p.flags&adExternal != 0 {
		j.add(Guest, Info, jc, ad)
		return
	}
	if p.flags&adDisabled != 0 {
		j.add(Disabled, Info, jc, ad)
	}
	enabled := p.flags&adDisabled == 0
	if p.flags&adSynced != 0 {
		j.add(DirectorySynced, Warning, jc, ad)
	}
	if p.flags&adAdmin != 0 {
		j.add(GlobalAdmin, Warning, jc, ad)
		if p.hasID() {
			j.add(PrivilegedID, Warning, jc, ad)
		}
	}
	if p.flags&adSharedID != 0 {
		j.lockIf(enabled, SharedImmutableID, jc, ad)
	}
	if enabled && j.service(u) != "" {
		j.add(ServiceAccount, Warning, jc, ad)
	}
	if p.flags&adNoMail != 0 && jc == 0 {
		j.add(NoEmail, Info, 0, ad)
	}
	if jc == 0 {
		if enabled {
			j.lock(NotInJumpCloud, 0, ad)
		}
		return
	}
	j.addresses(p, jc, ad)
	if enabled {
		j.access(p, jc, ad)
	}
	if j.compares(p) {
		j.identity(p, jc, ad)
	}
}

// elsewhere judges an account whose mail is on the domain, but not its user
// principal name. Without a JumpCloud user it is none of our business.
func (j *judging) elsewhere(p *adPerson, ad, jc uint32) {
	switch {
	case p.flags&(adGuest|adExternal) != 0:
		j.add(Guest, Info, jc, ad)
	case jc != 0 && p.flags&adDisabled == 0:
		j.out.Matched++
		j.add(OtherDomain, Warning, jc, ad)
	}
}

// addresses compares the two sides' addresses.
func (j *judging) addresses(p *adPerson, jc, ad uint32) {
	i := jc - 1
	q, key := j.jc.at(i), j.key(i)
	how := match(q.flags >> jcHow)
	switch {
	case how == matchProxy || how == matchOther:
		j.add(AliasOnly, Warning, jc, ad)
	case key != 0 && key != p.upn:
		j.add(EmailDiffers, Warning, jc, ad)
	case key != 0 && p.flags&adMailDiffers != 0 && !j.hasMail(ad-1, j.email(i)):
		j.add(EmailDiffers, Info, jc, ad)
	}
	if j.email(i) == 0 || key == 0 {
		j.add(NoEmail, Warning, jc, ad)
	}
	if q.flags&jcTwin != 0 {
		j.add(DuplicateEmail, Warning, jc, ad)
	}
	if q.flags&jcElsewhere != 0 {
		j.add(BoundElsewhere, Warning, jc, ad)
	}
}

// access judges whether the person of an enabled account gets through JumpCloud.
func (j *judging) access(p *adPerson, jc, ad uint32) {
	q := j.jc.at(jc - 1)
	if !p.hasID() {
		j.lock(NoImmutableID, jc, ad)
	}
	if q.flags&jcSuspended != 0 {
		j.lock(Suspended, jc, ad)
	} else if q.flags&jcNotActivated != 0 {
		j.lock(NotActivated, jc, ad)
	}
	if q.flags&jcExpired != 0 {
		j.add(PasswordExpired, Warning, jc, ad)
	}
	if q.flags&jcLocked != 0 {
		j.add(AccountLocked, Warning, jc, ad)
	}
	switch {
	case q.flags&(jcInGroup|jcPlanned) == 0:
		j.lock(NotInGroup, jc, ad)
	case q.flags&(jcDirect|jcPlanned) == 0:
		j.add(NestedGroup, Warning, jc, ad)
	}
	switch {
	case !j.a.Directory:
	case q.flags&jcBound == 0:
		// The plan binds the groups to the directory, and so their members.
		j.lockIf(q.flags&jcExported == 0, NotBound, jc, ad)
	case q.flags&jcBindingFault != 0:
		// Once the binding knows the account, the ID went with it.
		how := match(q.flags >> jcHow)
		j.lockIf(how != matchBinding && !(how == matchID && q.flags&(jcNamed|jcElsewhere) == jcNamed), BindingError, jc, ad)
	}
}

// alone judges a JumpCloud user without an account on the domain.
func (j *judging) alone(i uint32) {
	q, jc, key, email := j.jc.at(i), i+1, j.key(i), j.email(i)
	grouped := q.flags&(jcInGroup|jcPlanned|jcBound) != 0
	if email == 0 {
		j.add(NoEmail, Warning, jc, 0)
		return
	}
	if !grouped && !j.onDomain(key) && !j.onDomain(email) {
		j.out.Elsewhere++ // somebody who has nothing to do with it
		return
	}
	if q.flags&jcTwin != 0 {
		j.add(DuplicateEmail, Warning, jc, 0)
	}
	gone := q.ad != 0 && j.ad.at(q.ad-1).flags&adGone != 0
	switch {
	case j.owner(i) != 0:
		j.add(BindingError, Warning, jc, 0)
		return
	case q.flags&jcBindingFault != 0:
		j.add(BindingError, Warning, jc, 0)
	}
	switch {
	case key == 0:
		j.add(NoEmail, Warning, jc, 0)
	case q.flags&jcSuspended != 0: // somebody who has left
	case gone:
		j.add(BoundElsewhere, Warning, jc, 0)
	case q.ad != 0 || !j.onDomain(key):
		j.add(OtherDomain, Warning, jc, 0)
	default:
		j.add(NotInAzureAD, Warning, jc, 0)
	}
}

// owner is who has the account that a user's binding names, from 1; 0 for nobody.
func (c *Crowd) owner(i uint32) uint32 {
	if account := c.jc.at(i).ad; account != 0 {
		return c.partner[account-1]
	}
	return 0
}

// service says why the account looks like no person.
func (j *judging) service(u uint32) string {
	if f := j.a.LikelyService; f != nil {
		return f(j.text.str(j.ad.at(u).upn), j.name(u))
	}
	return j.hint(u)
}

func (c *Crowd) hint(u uint32) string {
	var local, name []byte
	if upn := c.ad.at(u).upn; upn != 0 {
		local, _ = c.text.get(upn)
	}
	if r := ref(c.names.at(u)); r != 0 { // else its words are those of the login
		name, _ = c.text.get(r)
	}
	return serviceHint(local, name)
}
