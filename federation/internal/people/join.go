package people

import (
	"bytes"
	"cmp"
	"slices"
)

// join finds each account's JumpCloud user. The result is partner; it depends on what
// was read, not on the order in which it came.
//
// First counts whose ID the account has as its immutable ID, by which Azure AD
// will find it; then the binding, which names the account; then the address that
// JumpCloud exports against the user principal name; then the mail address, the
// proxy addresses and the other mails, of which the best is taken.
//
// Planned are the addresses of those whom the plan adds to a group; it says
// whether the directory exports that one.
func (c *Crowd) join(planned map[ref]bool) {
	c.partner = make([]uint32, c.ad.n)
	room := make([]uint64, 0, max(c.jc.n, c.ad.n))
	c.shareIDs(room)
	c.joinIDs()
	c.jcIDs, c.adIDs = table{}, table{} // everybody is here
	c.joinBindings()
	c.twins(room, planned)
	c.joinUPN(room)
	c.joinAlias(room)
}

// twins marks users with one email, and those whom the plan adds.
func (c *Crowd) twins(room []uint64, planned map[ref]bool) {
	order := room[:0]
	for i := range c.jc.n {
		e := c.email(i)
		if e == 0 || c.jc.at(i).flags&jcSeen == 0 {
			continue
		}
		order = append(order, uint64(e)<<32|uint64(i))
		if exported, ok := planned[e]; ok {
			c.jc.at(i).flags |= jcPlanned
			if exported {
				c.jc.at(i).flags |= jcExported
			}
		}
	}
	slices.Sort(order)
	for k := 1; k < len(order); k++ {
		if order[k]>>32 == order[k-1]>>32 {
			c.jc.at(uint32(order[k])).flags |= jcTwin
			c.jc.at(uint32(order[k-1])).flags |= jcTwin
		}
	}
}

// joinBindings matches users with the accounts that their bindings name. Of two
// users who are bound to one account, the first by ID.
func (c *Crowd) joinBindings() {
	partner := c.partner
	strange := newBitmap(c.jc.n) // bound to an account with another address
	some := 0
	for i := range c.jc.n {
		p := c.jc.at(i)
		if p.ad == 0 || !c.free(i) || c.ad.at(p.ad-1).flags&adSeen == 0 {
			continue
		}
		q := &partner[p.ad-1]
		if *q != 0 && match(c.jc.at(*q-1).flags>>jcHow) != matchNone {
			continue // by its immutable ID the account is somebody else's
		}
		if *q == 0 || c.jcBefore(i, *q-1) {
			*q = i + 1
		}
		if k := c.key(i); k != 0 && k != c.ad.at(p.ad-1).upn {
			strange.add(i)
			some++
		}
	}
	if some > 0 {
		c.mixedUp(strange, some)
	}
	for u, j := range partner {
		if j != 0 && c.free(j-1) {
			c.pair(j-1, uint32(u), matchBinding)
		}
	}
}

// mixedUp takes bindings back that are wrong by the addresses of both accounts:
// there is an account with the user's own address, to which nobody with a better
// right is bound, and another user has the address of the account that the
// binding names.
func (c *Crowd) mixedUp(strange bitmap, some int) {
	keys, upns := make([]ref, 0, some), make([]ref, 0, some) // theirs, and of the accounts that they are bound to
	for i := range c.jc.n {
		if strange.has(i) {
			keys, upns = append(keys, c.key(i)), append(upns, c.ad.at(c.jc.at(i).ad-1).upn)
		}
	}
	slices.Sort(keys)
	slices.Sort(upns)
	keys, upns = slices.Compact(keys), slices.Compact(upns)
	own, claimed := newBitmap(uint32(len(keys))), newBitmap(uint32(len(upns)))
	for u := range c.ad.n {
		p := c.ad.at(u)
		if q := c.partner[u]; p.flags&(adSeen|adOnDomain|adExternal) != adSeen|adOnDomain || q != 0 && !strange.has(q-1) {
			continue
		}
		if k, ok := slices.BinarySearch(keys, p.upn); ok {
			own.add(uint32(k))
		}
	}
	for i := range c.jc.n {
		if c.jc.at(i).flags&jcSeen == 0 {
			continue
		}
		if k, ok := slices.BinarySearch(upns, c.key(i)); ok {
			claimed.add(uint32(k))
		}
	}
	for i := range c.jc.n {
		if !strange.has(i) {
			continue
		}
		u := c.jc.at(i).ad - 1
		k, _ := slices.BinarySearch(keys, c.key(i))
		l, _ := slices.BinarySearch(upns, c.ad.at(u).upn)
		if c.partner[u] == i+1 && own.has(uint32(k)) && claimed.has(uint32(l)) {
			c.partner[u] = 0
		}
	}
}

// open reports whether an account can still be matched by address. A guest's
// mail address belongs to somebody who signs in elsewhere.
func (c *Crowd) open(u uint32) bool {
	f := c.ad.at(u).flags
	return c.partner[u] == 0 && f&(adSeen|adExternal) == adSeen && (f&adGuest == 0 || f&adOnDomain != 0)
}

// free reports whether a JumpCloud user has no account yet.
func (c *Crowd) free(j uint32) bool {
	f := c.jc.at(j).flags
	return f&jcSeen != 0 && match(f>>jcHow) == matchNone
}

func (c *Crowd) pair(j, u uint32, how match) {
	p := c.jc.at(j)
	if p.ad != 0 && p.ad != u+1 {
		p.flags |= jcElsewhere
		c.elsewhere.set(j, p.ad)
	}
	p.ad = u + 1
	p.flags |= uint32(how) << jcHow
}

// joinUPN matches exported addresses and user principal names: equal addresses
// have equal refs, so that two sorted lists are merged.
func (c *Crowd) joinUPN(room []uint64) {
	keys := room[:0]
	for j := range c.jc.n {
		if k := c.key(j); k != 0 && c.free(j) {
			keys = append(keys, uint64(k)<<32|uint64(j))
		}
	}
	if len(keys) == 0 {
		return
	}
	slices.Sort(keys)
	for u := range c.ad.n {
		upn := c.ad.at(u).upn
		if upn == 0 || !c.open(u) {
			continue
		}
		best, found := uint32(0), false
		k, _ := slices.BinarySearch(keys, uint64(upn)<<32)
		for ; k < len(keys) && ref(keys[k]>>32) == upn; k++ {
			if j := uint32(keys[k]); c.free(j) && (!found || c.jcBefore(j, best)) {
				best, found = j, true
			}
		}
		if found {
			c.partner[u] = best + 1
			c.pair(best, u, matchUPN)
		}
	}
}

// joinAlias matches whoever is left by the other addresses.
func (c *Crowd) joinAlias(room []uint64) {
	aliases := make([]alias, 0, c.alias.n)
	for k := range c.alias.n {
		aliases = append(aliases, *c.alias.at(k))
	}
	c.alias = rows[alias]{}
	left := room[:0] // addresses and users
	for j := range c.jc.n {
		if !c.free(j) {
			continue
		}
		email, key := c.email(j), c.key(j)
		if email != 0 {
			left = append(left, uint64(email)<<32|uint64(j))
		}
		if key != 0 && key != email {
			left = append(left, uint64(key)<<32|uint64(j))
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		by := aliases
		if c.a.AlternateEmail {
			by = slices.Concat(aliases, c.upns())
		}
		slices.Sort(by)
		for how := matchMail; how <= matchOther; how++ {
			c.joinBy(how, by, left)
		}
	}
	c.mails = make([]uint64, 0, len(aliases))
	for _, a := range aliases {
		if a.kind() == aliasMail {
			c.mails = append(c.mails, mailOf(a.address(), a.account()))
		}
	}
	slices.Sort(c.mails)
}

// upns are the user principal names of accounts that are open.
func (c *Crowd) upns() (names []alias) {
	for u := range c.ad.n {
		if upn := c.ad.at(u).upn; upn != 0 && c.open(u) {
			names = append(names, newAlias(upn, u, aliasUPN))
		}
	}
	return names
}

// joinBy matches who is left by one kind of addresses. If there is a choice, users
// choose in the order of their IDs, and the first account by ID.
func (c *Crowd) joinBy(how match, by []alias, left []uint64) {
	users, accounts := newBitmap(c.jc.n), newBitmap(c.ad.n)
	doubtful, taken := newBitmap(c.jc.n), newBitmap(c.ad.n) // those with a choice
	c.meet(how, by, left, func(j, u uint32) {
		if !users.add(j) {
			doubtful.add(j)
		}
		if !accounts.add(u) {
			taken.add(u)
		}
	})
	var pairs []uint64
	c.meet(how, by, left, func(j, u uint32) {
		if doubtful.has(j) || taken.has(u) {
			pairs = append(pairs, uint64(j)<<32|uint64(u))
			return
		}
		c.partner[u] = j + 1
		c.pair(j, u, how)
	})
	slices.SortFunc(pairs, func(a, b uint64) int {
		return cmp.Or(c.compareJumpCloud(uint32(a>>32), uint32(b>>32)), c.compareAzureAD(uint32(a), uint32(b)))
	})
	for _, p := range pairs {
		if j, u := uint32(p>>32), uint32(p); c.free(j) && c.partner[u] == 0 {
			c.partner[u] = j + 1
			c.pair(j, u, how)
		}
	}
}

// meet calls f for users who are left and open accounts with the same address. Both
// lists are sorted.
func (c *Crowd) meet(how match, by []alias, left []uint64, f func(j, u uint32)) {
	k := 0
	for _, x := range left {
		address, j := ref(x>>32), uint32(x)
		for k < len(by) && by[k].address() < address {
			k++
		}
		for n := k; n < len(by) && by[n].address() == address; n++ {
			if a := by[n]; a.kind().how() == how && c.free(j) && c.open(a.account()) {
				f(j, a.account())
			}
		}
	}
}

// shareIDs marks the accounts that have one immutable ID in common, and notes
// with whom.
func (c *Crowd) shareIDs(room []uint64) {
	ids := room[:0]
	for u := range c.ad.n {
		if h := c.immutable.at(u); h != 0 {
			ids = append(ids, h)
		}
	}
	slices.Sort(ids)
	shared, sharing := ids[:0], 0 // each of those once, and how many accounts have one
	for from, to := 0, 0; from < len(ids); from = to {
		id := ids[from]
		for to < len(ids) && ids[to] == id {
			to++
		}
		if to-from > 1 {
			shared, sharing = append(shared, id), sharing+to-from
		}
	}
	if len(shared) == 0 {
		return
	}
	all := make([]uint64, 0, sharing) // which of the IDs, and the account
	for u := range c.ad.n {
		if k, ok := slices.BinarySearch(shared, c.immutable.at(u)); ok {
			c.ad.at(u).flags |= adSharedID
			all = append(all, uint64(k)<<32|uint64(u))
		}
	}
	slices.SortFunc(all, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(a>>32, b>>32), c.compareAzureAD(uint32(a), uint32(b)))
	})
	for from, to := 0, 0; from < len(all); from = to {
		for to < len(all) && all[to]>>32 == all[from]>>32 {
			to++
		}
		next := all[from] // whom the last one is told to share with
		for k := to - 1; k >= from; k-- {
			c.sharing.set(uint32(all[k]), uint32(next)+1)
			next = all[k]
		}
	}
}

func (c *Crowd) jcBefore(i, j uint32) bool { return c.compareJumpCloud(i, j) < 0 }

// compareJumpCloud orders users by ID. IDs that are no ObjectIDs are compared
// as texts, because their keys depend on what was read first.
func (c *Crowd) compareJumpCloud(i, j uint32) int {
	a, b := c.jc.at(i), c.jc.at(j)
	if a.id[0]&b.id[0] == 0xff {
		return cmp.Compare(c.jcID(i), c.jcID(j))
	}
	return bytes.Compare(a.id[:], b.id[:])
}

func (c *Crowd) compareAzureAD(i, j uint32) int {
	a, b := c.ad.at(i), c.ad.at(j)
	if a.id[0]&b.id[0] == 0xff {
		return cmp.Compare(c.adID(i), c.adID(j))
	}
	return bytes.Compare(a.id[:], b.id[:])
}
