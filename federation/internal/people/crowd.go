package people

import (
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
)

// A Crowd holds what the two directories said about people, small enough for
// hundreds of thousands of them. Records may come in any order, several times
// and from several goroutines; a record that others point to before it came is
// there with its ID alone.
type Crowd struct {
	mu    sync.Mutex
	text  *texts
	jc    rows[jcPerson]
	ad    rows[adPerson]
	jcIDs table
	adIDs table
	seed  maphash.Seed // of their hashes
	near  [lists]uint32

	// What only few people have, or all of them.
	alias     rows[alias]    // addresses of Azure AD beside the user principal name
	alt       sparse[uint32] // by user: the ref of the alternate email, where a rule makes use of it
	fault     faults
	immutable sparse[uint64] // by account: the hash of the immutable ID
	names     sparse[uint32] // by account: the ref of the name, if the login does not spell it

	// What join finds.
	partner   []uint32       // by account: the user, from 1
	mails     []uint64       // those of all accounts that are not the user principal name
	sharing   sparse[uint32] // by account: another with the same immutable ID, from 1
	elsewhere sparse[uint32] // by user: the account that the binding names, from 1, if the person has another

	a       Audience
	domains []string // of the audience
}

// jcPerson is a JumpCloud user.
type jcPerson struct {
	id    [12]byte
	email ref    // or, with jcNoEmail, the user name
	ad    uint32 // the account that the binding names or the join found, from 1
	flags uint32
}

const (
	jcSeen = 1 << iota // in the list of users
	jcNoEmail
	jcSuspended
	jcNotActivated
	jcBound
	jcBindingFault
	jcInGroup
	jcDirect   // a member of a group itself
	jcExported // in a group that the directory has or is given by the plan
	jcPlanned  // the plan adds them to a group
	jcTwin     // somebody else has the same email
	jcExpired  // the password has
	jcLocked
	jcNamed     // the binding names an account: it was synchronised once
	jcElsewhere // and it is not the person's

	jcHow = 28 // how the account was found: a kind of match from this bit on
)

// A match is how two accounts were found to be one person's.
type match uint32

const (
	matchNone match = iota
	matchBinding
	matchUPN
	matchMail
	matchProxy
	matchOther
	matchID // the account's immutable ID is the user's ID
)

// adPerson is an Azure AD user.
type adPerson struct {
	id    [16]byte
	upn   ref
	flags uint32
}

const (
	adSeen = 1 << iota // in the list of users
	adDisabled
	adGuest
	adSynced
	adOnDomain // the user principal name is
	adNoMail
	adMailDiffers // from the user principal name; the address is an alias
	adAdmin
	adSharedID
	adExternal // of another tenant: signs in there
	adGone     // named by a binding, and there is none
	adOwnID    // the immutable ID is the ID of the person's JumpCloud user
	adSignedIn // a sign-in through JumpCloud has found the account

	adSpelled = 16 // how much of the login is the name: a byte from this bit on; 0 for nothing
	adForm    = 28 // what the immutable ID looks like: an idForm from this bit on
)

// New returns an empty crowd for the people of an audience.
func New(a Audience) *Crowd {
	return &Crowd{
		a: a, text: newTexts(), domains: a.Domains(), seed: maphash.MakeSeed(),
	}
}

// The lists of JumpCloud, all of which are in the order of the IDs. Near is for each who
// stands after the user whom it has named last: most often that is the next.
const (
	listUsers = iota
	listBindings
	listMembers
	lists
)

// AddJumpCloud adds a user of JumpCloud's list; the first time counts.
func (c *Crowd) AddJumpCloud(u *JumpCloudUser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.jumpCloud(u.ID, listUsers)
	p := c.jc.at(i)
	if p.flags&jcSeen != 0 {
		return // on two pages
	}
	p.flags |= jcSeen
	if p.email = c.text.address(u.Email); p.email == 0 {
		p.flags |= jcNoEmail
		p.email = c.text.name(u.Username)
	}
	for _, f := range [...]struct {
		on   bool
		flag uint32
	}{{u.Suspended, jcSuspended}, {u.NotActivated, jcNotActivated}, {u.Expired, jcExpired}, {u.Locked, jcLocked}} {
		if f.on {
			p.flags |= f.flag
		}
	}
	if c.a.AlternateEmail {
		if a := c.text.address(u.Alternate); a != 0 {
			c.alt.set(i, uint32(a))
		}
	}
}

// key is the address that JumpCloud exports as the user principal name.
func (c *Crowd) key(i uint32) ref {
	if c.a.AlternateEmail {
		return ref(c.alt.at(i))
	}
	return c.email(i)
}

func (c *Crowd) email(i uint32) ref {
	p := c.jc.at(i)
	if p.flags&jcNoEmail != 0 {
		return 0
	}
	return p.email
}

// AddBinding notes that a user is bound to the directory: to which account, if
// that is known, and what is wrong with it.
func (c *Crowd) AddBinding(userID, externalID, fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.jumpCloud(userID, listBindings)
	var account uint32
	if externalID != "" {
		account = c.azureAD(externalID) + 1
	}
	p := c.jc.at(i)
	p.flags |= jcBound
	if account != 0 {
		p.ad = account
		p.flags |= jcNamed
	}
	if fault != "" {
		p.flags |= jcBindingFault
		c.fault.set(c.text, i, fault)
	}
}

// AddMember notes that a user is in a bound group: directly or by way of
// another, and whether the directory exports that group.
func (c *Crowd) AddMember(userID string, direct, exported bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.jc.at(c.jumpCloud(userID, listMembers))
	p.flags |= jcInGroup
	if direct {
		p.flags |= jcDirect
	}
	if exported {
		p.flags |= jcExported
	}
}

// AddAzureAD adds an account of Azure AD's list; the first time counts.
func (c *Crowd) AddAzureAD(u *AzureADUser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.azureAD(u.ID)
	p := c.ad.at(i)
	if p.flags&adSeen != 0 {
		return
	}
	p.flags |= adSeen
	p.upn = c.text.address(u.UPN)
	if n := c.text.spelled(p.upn, u.Name); n > 0 {
		p.flags |= uint32(n) << adSpelled
	} else if r := c.text.name(u.Name); r != 0 {
		c.names.set(i, uint32(r))
	}
	if u.ImmutableID != "" {
		c.immutable.set(i, c.hashID(u.ImmutableID))
		p.flags |= uint32(formOf(u)) << adForm
	}
	if c.onDomain(p.upn) {
		p.flags |= adOnDomain
	}
	if IsExternal(u.UPN) {
		p.flags |= adExternal
	}
	for _, f := range [...]struct {
		on   bool
		flag uint32
	}{{u.Disabled, adDisabled}, {u.Guest, adGuest}, {u.Synced, adSynced}, {u.Admin, adAdmin}} {
		if f.on {
			p.flags |= f.flag
		}
	}
	mail := p.upn
	if u.Mail != u.UPN { // else it is not looked for again
		mail = c.text.address(u.Mail)
	}
	if mail == 0 {
		p.flags |= adNoMail
	} else if mail != p.upn {
		p.flags |= adMailDiffers
		c.alias.add(newAlias(mail, i, aliasMail))
	}
	for _, s := range u.Proxies {
		if len(s) > 5 && (s[:5] == "SMTP:" || s[:5] == "smtp:") && s[5:] != u.UPN {
			c.addAlias(i, p, s[5:], aliasProxy)
		}
	}
	for _, s := range u.Others {
		c.addAlias(i, p, s, aliasOther)
	}
}

// onDomain reports whether an address is on the domain or on a subdomain that
// follows it.
func (c *Crowd) onDomain(address ref) bool {
	return address != 0 && slices.Contains(c.domains, c.text.domain(address))
}

// IsExternal reports whether an account is one of another tenant, by the mark
// that Azure AD puts into the user principal name. Its type says nothing: there
// are guests with an account of this tenant, and members with one elsewhere.
func IsExternal(upn string) bool {
	for i := 0; i+5 <= len(upn); i++ {
		if upn[i] == '#' && strings.EqualFold(upn[i:i+5], "#EXT#") {
			return true
		}
	}
	return false
}

// name is an account's display name.
func (c *Crowd) name(u uint32) string {
	p := c.ad.at(u)
	if n := uint8(p.flags >> adSpelled); n > 0 {
		return c.text.spell(p.upn, n)
	}
	return c.text.str(ref(c.names.at(u)))
}

// hasID reports whether an account has an immutable ID.
func (p *adPerson) hasID() bool { return idForm(p.flags>>adForm) != formNone }

func (c *Crowd) addAlias(i uint32, p *adPerson, address string, k aliasKind) {
	a := c.text.address(address)
	if a == 0 || a == p.upn {
		return
	}
	for j := c.alias.n; j > 0; j-- {
		switch x := *c.alias.at(j - 1); {
		case x.account() != i:
			c.alias.add(newAlias(a, i, k))
			return
		case x.address() == a:
			return
		}
	}
	c.alias.add(newAlias(a, i, k))
}

// odd is how the keys of IDs begin that are not of the usual form: what follows
// is the ref of the text.
const odd = 1<<64 - 1

// jumpCloud returns the index of the user with this ID, whom a list names.
func (c *Crowd) jumpCloud(id string, list int) uint32 {
	var k [12]byte
	if len(id) != 24 || !unhex(k[:], id) || binary.BigEndian.Uint64(k[:]) == odd {
		for i := range 8 {
			k[i] = 0xff
		}
		binary.BigEndian.PutUint32(k[8:], uint32(c.text.address(id)))
	}
	if n := c.near[list]; n < c.jc.n && c.jc.at(n).id == k {
		c.near[list]++
		return n
	}
	h := maphash.Bytes(c.seed, k[:])
	v := c.jcIDs.find(h, func(v uint32) bool { return c.jc.at(v-1).id == k })
	if v == 0 {
		v = c.jc.add(jcPerson{id: k}) + 1
		c.jcIDs.add(h, v, c.jcHash)
	}
	c.near[list] = v
	return v - 1
}

// jcHash is the hash of the ID of a user, from 1.
func (c *Crowd) jcHash(v uint32) uint64 { return maphash.Bytes(c.seed, c.jc.at(v - 1).id[:]) }

// azureAD returns the index of the account with this ID.
func (c *Crowd) azureAD(id string) uint32 {
	var k [16]byte
	if !unguid(&k, id) || binary.BigEndian.Uint64(k[:]) == odd {
		for i := range 12 {
			k[i] = 0xff
		}
		binary.BigEndian.PutUint32(k[12:], uint32(c.text.address(id)))
	}
	h := maphash.Bytes(c.seed, k[:])
	v := c.adIDs.find(h, func(v uint32) bool { return c.ad.at(v-1).id == k })
	if v == 0 {
		v = c.ad.add(adPerson{id: k}) + 1
		c.adIDs.add(h, v, c.adHash)
	}
	return v - 1
}

func (c *Crowd) adHash(v uint32) uint64 { return maphash.Bytes(c.seed, c.ad.at(v - 1).id[:]) }

func (c *Crowd) jcID(i uint32) string {
	k := c.jc.at(i).id
	if binary.BigEndian.Uint64(k[:]) == odd {
		return c.text.str(ref(binary.BigEndian.Uint32(k[8:])))
	}
	return hex.EncodeToString(k[:])
}

func (c *Crowd) adID(i uint32) string { return string(c.appendADID(make([]byte, 0, 36), i)) }

func (c *Crowd) appendADID(b []byte, i uint32) []byte {
	k := c.ad.at(i).id
	if binary.BigEndian.Uint64(k[:]) == odd {
		return c.text.append(b, ref(binary.BigEndian.Uint32(k[12:])))
	}
	return appendGUID(b, k)
}

// ExpectJumpCloud makes room for so many users.
func (c *Crowd) ExpectJumpCloud(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jcIDs.grow(room(n), c.jcHash)
	c.text.table.grow(room(n), c.text.hashOf)
}

// ExpectAzureAD makes room for so many accounts.
func (c *Crowd) ExpectAzureAD(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.adIDs.grow(room(n), c.adHash)
	c.text.table.grow(room(n), c.text.hashOf)
}

// room is for how many there will be room. Totals are the services' word only.
func room(n int) int { return min(max(n, 0), 4<<20) }
