package people

import (
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
)

// JumpCloud most likely sends a user's own ID as the immutable ID: its script for
// Windows joins the two directories by address and writes the ID into every
// account that has another. It says so nowhere, and people who were imported may
// keep an older value, so a difference is told and refuses nothing. What it does send
// for a person is proved by a sign-in of theirs; that it is the user's ID, also by a
// binding that JumpCloud has synchronised with the very account that has it.

// An idForm is what an immutable ID looks like.
type idForm uint8

const (
	formNone     idForm = iota
	formUser            // 24 small hexadecimal digits, as JumpCloud's IDs are
	formObjectID        // base64 of the account's own object ID
	formGUID            // base64 of sixteen bytes, as Entra Connect makes them of a directory's GUIDs
	formGUIDText        // a GUID in letters, or base64 of them
	formAddress         // an email address
	formOther
)

var forms = [...]string{
	formUser:     "the ID of another JumpCloud user",
	formObjectID: "base64 of the account's object ID",
	formGUID:     "base64 of sixteen bytes, as Entra Connect makes them",
	formGUIDText: "a GUID in letters",
	formAddress:  "an email address",
	formOther:    "a text of some other form",
}

// formOf is the form of an account's immutable ID.
func formOf(u *AzureADUser) idForm {
	id := u.ImmutableID
	var raw [16]byte
	switch {
	case id == "":
		return formNone
	case isUserID(id):
		return formUser
	case strings.IndexByte(id, '@') > 0:
		return formAddress
	case len(id) == 24 && id[22:] == "==":
		if unguid(&raw, u.ID) {
			var text [24]byte
			base64.StdEncoding.Encode(text[:], windowsGUID(&raw)[:])
			if string(text[:]) == id {
				return formObjectID
			}
		}
		return formGUID
	case len(id) == 48, unguid(&raw, id):
		return formGUIDText
	}
	return formOther
}

func isUserID(id string) bool {
	var raw [12]byte
	return len(id) == 24 && unhex(raw[:], id)
}

// ObjectIDImmutable is the immutable ID that is made of an account's object ID:
// base64 of its sixteen bytes, in the order in which Windows writes a GUID's; ""
// for what is no GUID.
func ObjectIDImmutable(objectID string) string {
	var k [16]byte
	if !unguid(&k, objectID) {
		return ""
	}
	return base64.StdEncoding.EncodeToString(windowsGUID(&k)[:])
}

// windowsGUID puts the bytes of a GUID in the order in which Windows writes them.
func windowsGUID(k *[16]byte) *[16]byte {
	k[0], k[1], k[2], k[3] = k[3], k[2], k[1], k[0]
	k[4], k[5] = k[5], k[4]
	k[6], k[7] = k[7], k[6]
	return k
}

// hashID is the hash of an immutable ID, which is not that of none. One that looks like
// a JumpCloud ID has the hash under which the user is found.
func (c *Crowd) hashID(id string) uint64 {
	var raw [12]byte
	if len(id) == 24 && unhex(raw[:], id) {
		return max(1, maphash.Bytes(c.seed, raw[:]))
	}
	return max(1, maphash.String(c.text.seed, id))
}

// sender is the JumpCloud user whose ID an account has as its immutable ID. It
// can be asked as long as the index is there.
func (c *Crowd) sender(u uint32) (uint32, bool) {
	if idForm(c.ad.at(u).flags>>adForm) != formUser {
		return 0, false
	}
	h := c.immutable.at(u)
	v := c.jcIDs.find(h, func(v uint32) bool { return c.jcHash(v) == h })
	if v == 0 || binary.BigEndian.Uint64(c.jc.at(v - 1).id[:]) == odd { // no ID, but a key that looks like the account's
		return 0, false
	}
	return v - 1, c.jc.at(v-1).flags&jcSeen != 0
}

// joinIDs pairs the domain's accounts with the users whose IDs they have: that is
// whom Azure AD will find, whatever a binding says. An account that nobody signs
// in with takes no user away from another.
func (c *Crowd) joinIDs() {
	const all = adSeen | adOnDomain | adDisabled | adExternal | adSharedID
	for u := range c.ad.n {
		if p := c.ad.at(u); p.flags&all == adSeen|adOnDomain {
			if j, ok := c.sender(u); ok && c.free(j) {
				c.partner[u] = j + 1
				c.pair(j, u, matchID)
			}
		}
	}
}

// differs reports whether an account's immutable ID is another than the one that
// JumpCloud most likely sends for its user.
func (c *Crowd) differs(u, j uint32) bool {
	q := c.jc.at(j)
	if binary.BigEndian.Uint64(q.id[:]) == odd {
		return c.immutable.at(u) != c.hashID(c.jcID(j))
	}
	return c.immutable.at(u) != max(1, maphash.Bytes(c.seed, q.id[:]))
}

// belonging counts the bindings of people on the domain that name an account, and
// how many of these accounts the tenant has.
func (c *Crowd) belonging() (named, here int) {
	for i := range c.jc.n {
		q := c.jc.at(i)
		if q.flags&(jcSeen|jcNamed) != jcSeen|jcNamed || !c.onDomain(c.key(i)) && !c.onDomain(c.email(i)) {
			continue
		}
		named++
		if c.ad.at(q.ad-1).flags&adSeen != 0 {
			here++
		}
	}
	return named, here
}

// Strangers are the IDs of accounts that a user of the domain is bound to and that
// were not read: the first by ID, up to a number.
func (c *Crowd) Strangers(atMost int) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var accounts []uint32
	first := func() {
		slices.SortFunc(accounts, c.compareAzureAD)
		accounts = slices.Compact(accounts)
		accounts = accounts[:min(len(accounts), atMost)]
	}
	for i := range c.jc.n {
		q := c.jc.at(i)
		if q.flags&jcSeen == 0 || q.ad == 0 || c.ad.at(q.ad-1).flags&adSeen != 0 ||
			!c.onDomain(c.key(i)) && !c.onDomain(c.email(i)) {
			continue
		}
		if accounts = append(accounts, q.ad-1); len(accounts) > 64*(atMost+1) {
			first()
		}
	}
	first()
	for _, u := range accounts {
		ids = append(ids, c.adID(u))
	}
	return ids
}

// LookedUp notes that accounts were asked for by ID: those that were not added are
// gone.
func (c *Crowd) LookedUp(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if p := c.ad.at(c.azureAD(id)); p.flags&adSeen == 0 {
			p.flags |= adGone
		}
	}
}

// SignedIn notes, by IDs of accounts, who has signed in through JumpCloud: their
// immutable IDs are what JumpCloud sends. Accounts that were not read count for nothing.
func (c *Crowd) SignedIn(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.ad.at(c.azureAD(id)).flags |= adSignedIn
	}
}

// identities is what the immutable IDs of people who could otherwise sign in have in
// common. If most differ from JumpCloud's IDs in one way, that is how this tenant is,
// and is told once; who differs otherwise is named.
type identities struct {
	most   idForm // the form of most that differ; none if there is no such form
	many   bool   // most were never synchronised and differ
	synced bool   // somebody was, with the ID that is expected
}

// compares reports whether an account's immutable ID is compared with its user's.
func (c *Crowd) compares(p *adPerson) bool {
	const all = adSeen | adOnDomain | adDisabled | adExternal
	return p.flags&all == adSeen|adOnDomain && p.hasID()
}

// never reports whether the directory has never synchronised somebody who is bound.
func never(q *jcPerson) bool { return q.flags&(jcBound|jcNamed) == jcBound }

// compare compares everybody's immutable ID with the one that JumpCloud most likely
// sends, and marks those who have it.
func (j *judging) compare() {
	c := j.Crowd
	var of [formOther + 1]int
	compared, alone := 0, 0
	proved := &j.out.Proved
	for u := range c.ad.n {
		p, jc := c.ad.at(u), c.partner[u]
		if jc == 0 || !c.compares(p) {
			continue
		}
		compared++
		q, own, in := c.jc.at(jc-1), !c.differs(u, jc-1), p.flags&adSignedIn != 0
		if own {
			p.flags |= adOwnID
			proved.Own++
		}
		switch {
		case own && in:
			proved.BySignIn++
		case own && q.flags&(jcBound|jcNamed|jcBindingFault|jcElsewhere) == jcBound|jcNamed:
			proved.ByBinding++
		case in:
			proved.Others++
		}
		switch {
		case own || in:
		case never(q):
			alone++
		default:
			of[idForm(p.flags>>adForm)]++
		}
	}
	most := idForm(0)
	for f, n := range of {
		if n >= mostAtLeast && 2*n > compared {
			most = idForm(f)
		}
	}
	j.out.Usual = Usual{Form: forms[most], Count: of[most], Compared: compared}
	many := alone >= mostAtLeast && 2*alone > compared
	if many {
		j.out.Usual.Never = alone
	}
	proved.Compared = compared
	j.ids = identities{most, many, proved.ByBinding > 0}
}

// identity judges the immutable ID of an account and its user, which are compared.
func (j *judging) identity(p *adPerson, jc, ad uint32) {
	q := j.jc.at(jc - 1)
	own, in := p.flags&adOwnID != 0, p.flags&adSignedIn != 0
	if own && !in && never(q) && q.flags&jcBindingFault == 0 && j.ids.synced {
		j.add(NotExported, Warning, jc, ad)
	}
	usual := j.ids.most != formNone && idForm(p.flags>>adForm) == j.ids.most
	switch {
	case own:
	case in:
		j.add(ImmutableIDDiffers, Info, jc, ad)
	case never(q) && !j.ids.many, !never(q) && !usual:
		j.add(ImmutableIDDiffers, Warning, jc, ad)
	}
}

// mostAtLeast is how many people make a usual form: fewer are named.
const mostAtLeast = 3

// Proved is what is known of the immutable IDs that JumpCloud sends.
type Proved struct {
	Compared  int // people who are in both and have one
	Own       int // of whom it is the ID of their JumpCloud user, as is expected
	BySignIn  int // and a sign-in through JumpCloud has found the account
	ByBinding int // or the directory has synchronised them with it
	Others    int // of whom it is another, and a sign-in has found the account
}

// Usual is how most immutable IDs of a domain differ from JumpCloud's.
type Usual struct {
	Form            string // "": they do not, or not in one way
	Count, Compared int    // people whose IDs are of the form, of so many
	Never           int    // most were never synchronised and have other IDs: so many
}
