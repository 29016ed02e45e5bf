package federation

import (
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
)

// A crowd holds what the two directories said about people, small enough for
// hundreds of thousands of them. Records may come in any order, several times
// and from several goroutines; a record that others point to before it came is
// there with its ID alone.
type crowd struct {
	mu    sync.Mutex
	text  *texts
	jc    rows[jcPerson]
	ad    rows[adPerson]
	jcIDs idIndex
	adIDs idIndex

	// What only few people have.
	alias []aliasOf         // addresses of Azure AD beside the user principal name
	fault map[uint32]string // what the directory says about a JumpCloud user's binding
	alt   map[uint32]ref    // alternate emails, where a rule makes use of them

	sharing map[uint32]uint32 // by account: another with the same immutable ID; set by join

	elsewhere map[uint32]uint32 // by user: the account that the binding names, from 1, if the person has another; set by join

	useAlternate bool
	domains      []string // the domain and the subdomains that follow it
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
	id        [16]byte
	immutable [2]uint32 // hash, 0 for none; two halves need no padding
	upn       ref
	name      ref
	flags     uint32
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

	adForm = 28 // what the immutable ID looks like: an idForm from this bit on
)

// aliasOf is a further address of an Azure AD user.
type aliasOf struct {
	addr ref
	ad   uint32 // from 0
	kind aliasKind
}

type aliasKind uint32

const (
	aliasMail  = aliasKind(matchMail)
	aliasProxy = aliasKind(matchProxy)
	aliasOther = aliasKind(matchOther)
)

func newCrowd(domains []string, useAlternate bool) *crowd {
	return &crowd{
		text: newTexts(), domains: domains, useAlternate: useAlternate,
		fault: make(map[uint32]string), alt: make(map[uint32]ref),
		jcIDs: idIndex{seed: maphash.MakeSeed()}, adIDs: idIndex{seed: maphash.MakeSeed()},
	}
}

// jcUser is what is taken from a JumpCloud user.
type jcUser struct {
	id, username, email, alternate string
	suspended, notActivated        bool
	expired, locked                bool // the password, the account
}

func (c *crowd) addJumpCloud(u *jcUser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.jumpCloud(u.id)
	p := c.jc.at(i)
	if p.flags&jcSeen != 0 {
		return // on two pages
	}
	p.flags |= jcSeen
	if p.email = c.text.address(u.email); p.email == 0 {
		p.flags |= jcNoEmail
		p.email = c.text.name(u.username)
	}
	for _, f := range [...]struct {
		on   bool
		flag uint32
	}{{u.suspended, jcSuspended}, {u.notActivated, jcNotActivated}, {u.expired, jcExpired}, {u.locked, jcLocked}} {
		if f.on {
			p.flags |= f.flag
		}
	}
	if c.useAlternate {
		if a := c.text.address(u.alternate); a != 0 {
			c.alt[i] = a
		}
	}
}

// key is the address that JumpCloud exports as the user principal name.
func (c *crowd) key(i uint32) ref {
	if c.useAlternate {
		return c.alt[i]
	}
	return c.email(i)
}

func (c *crowd) email(i uint32) ref {
	p := c.jc.at(i)
	if p.flags&jcNoEmail != 0 {
		return 0
	}
	return p.email
}

// addBinding notes that a user is bound to the directory: to which account, if
// that is known, and what is wrong with it.
func (c *crowd) addBinding(userID, externalID, fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.jumpCloud(userID)
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
		c.fault[i] = plain(fault)
	}
}

// addMember notes that a user is in a bound group: directly or by way of
// another, and whether the directory exports that group.
func (c *crowd) addMember(userID string, direct, exported bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.jc.at(c.jumpCloud(userID))
	p.flags |= jcInGroup
	if direct {
		p.flags |= jcDirect
	}
	if exported {
		p.flags |= jcExported
	}
}

// adUser is what is taken from an Azure AD user.
type adUser struct {
	id, upn, name, mail, immutableID string
	disabled, guest, synced, admin   bool
	proxies, others                  []string
}

func (c *crowd) addAzureAD(u *adUser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.azureAD(u.id)
	p := c.ad.at(i)
	if p.flags&adSeen != 0 {
		return
	}
	p.flags |= adSeen
	p.upn = c.text.address(u.upn)
	p.name = c.text.nameLike(p.upn, u.name)
	if u.immutableID != "" {
		p.immutable = c.hashID(u.immutableID)
		p.flags |= uint32(formOf(u)) << adForm
	}
	if c.onDomain(p.upn) {
		p.flags |= adOnDomain
	}
	if isExternal(u.upn) {
		p.flags |= adExternal
	}
	for _, f := range [...]struct {
		on   bool
		flag uint32
	}{{u.disabled, adDisabled}, {u.guest, adGuest}, {u.synced, adSynced}, {u.admin, adAdmin}} {
		if f.on {
			p.flags |= f.flag
		}
	}
	if a := c.text.address(u.mail); a == 0 {
		p.flags |= adNoMail
	} else if a != p.upn {
		p.flags |= adMailDiffers
		c.alias = append(c.alias, aliasOf{a, i, aliasMail})
	}
	for _, s := range u.proxies {
		if len(s) > 5 && (s[:5] == "SMTP:" || s[:5] == "smtp:") {
			c.addAlias(i, p, s[5:], aliasProxy)
		}
	}
	for _, s := range u.others {
		c.addAlias(i, p, s, aliasOther)
	}
}

// onDomain reports whether an address is on the domain or on a subdomain that
// follows it.
func (c *crowd) onDomain(address ref) bool {
	return address != 0 && slices.Contains(c.domains, c.text.domain(address))
}

// isExternal reports whether an account is one of another tenant, by the mark
// that Azure AD puts into the user principal name. Its type says nothing: there
// are guests with an account of this tenant, and members with one elsewhere.
func isExternal(upn string) bool {
	for i := 0; i+5 <= len(upn); i++ {
		if upn[i] == '#' && strings.EqualFold(upn[i:i+5], "#EXT#") {
			return true
		}
	}
	return false
}

// name is an account's display name.
func (c *crowd) name(p *adPerson) string { return c.text.nameOr(p.upn, p.name) }

func (c *crowd) addAlias(i uint32, p *adPerson, address string, k aliasKind) {
	a := c.text.address(address)
	if a == 0 || a == p.upn {
		return
	}
	for j := len(c.alias) - 1; j >= 0 && c.alias[j].ad == i; j-- {
		if c.alias[j].addr == a {
			return
		}
	}
	c.alias = append(c.alias, aliasOf{a, i, k})
}

// odd is how the keys of IDs begin that are not of the usual form: what follows
// is the ref of the text.
const odd = 1<<64 - 1

// jumpCloud returns the index of the user with this ID.
func (c *crowd) jumpCloud(id string) uint32 {
	var k [12]byte
	if len(id) != 24 || !unhex(k[:], id) || binary.BigEndian.Uint64(k[:]) == odd {
		for i := range 8 {
			k[i] = 0xff
		}
		binary.BigEndian.PutUint32(k[8:], uint32(c.text.address(id)))
	}
	i, found := c.jcIDs.find(k[:], func(i uint32) []byte { return c.jc.at(i).id[:] })
	if !found {
		i = c.jc.add(jcPerson{id: k})
		c.jcIDs.set(k[:], i, func(i uint32) []byte { return c.jc.at(i).id[:] })
	}
	return i
}

// azureAD returns the index of the account with this ID.
func (c *crowd) azureAD(id string) uint32 {
	var k [16]byte
	if !unguid(&k, id) || binary.BigEndian.Uint64(k[:]) == odd {
		for i := range 12 {
			k[i] = 0xff
		}
		binary.BigEndian.PutUint32(k[12:], uint32(c.text.address(id)))
	}
	i, found := c.adIDs.find(k[:], func(i uint32) []byte { return c.ad.at(i).id[:] })
	if !found {
		i = c.ad.add(adPerson{id: k})
		c.adIDs.set(k[:], i, func(i uint32) []byte { return c.ad.at(i).id[:] })
	}
	return i
}

func (c *crowd) jcID(i uint32) string {
	k := c.jc.at(i).id
	if binary.BigEndian.Uint64(k[:]) == odd {
		return c.text.str(ref(binary.BigEndian.Uint32(k[8:])))
	}
	return hex.EncodeToString(k[:])
}

func (c *crowd) adID(i uint32) string {
	k := c.ad.at(i).id
	if binary.BigEndian.Uint64(k[:]) == odd {
		return c.text.str(ref(binary.BigEndian.Uint32(k[12:])))
	}
	return guid(k)
}

// expectJumpCloud and expectAzureAD make room for so many people.
func (c *crowd) expectJumpCloud(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jcIDs.grow(room(n), func(i uint32) []byte { return c.jc.at(i).id[:] })
	c.text.grow(room(n))
}

func (c *crowd) expectAzureAD(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.adIDs.grow(room(n), func(i uint32) []byte { return c.ad.at(i).id[:] })
	c.text.grow(room(n))
}

// room is how many slots n entries need. Totals are the services' word only.
func room(n int) int {
	n = min(max(n, 0), 4<<20)
	return (n+n/64)*8/7 + 8
}
