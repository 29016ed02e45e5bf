package people

import (
	"bytes"
	"cmp"
	"slices"
)

// join finds each account's JumpCloud user. The result is by account, from 1.
// It depends on what was read, not on the order in which it came.
//
// First counts whose ID the account has as its immutable ID, by which Azure AD
// will find it; then the binding, which names the account; then the address that
// JumpCloud exports against the user principal name; then the mail address, the
// proxy addresses and the other mails, of which the best is taken.
//
// Planned are the addresses of those whom the plan adds to a group; it says
// whether the directory exports that one.
func (c *Crowd) join(planned map[ref]bool) (partner []uint32) {
	partner = make([]uint32, c.ad.n)
	order := make([]uint64, 0, max(c.jc.n, c.ad.n))
	c.elsewhere = make(map[uint32]uint32)
	c.shareIDs(order)
	c.joinIDs(partner)
	c.jcIDs, c.adIDs = idIndex{seed: c.jcIDs.seed}, idIndex{} // everybody is here
	c.joinBindings(partner)

	// Users with one email, and those whom the plan adds.
	for i := range c.jc.n {
		if e := c.email(i); e != 0 && c.jc.at(i).flags&jcSeen != 0 {
			order = append(order, uint64(e)<<32|uint64(i))
			if exported, ok := planned[e]; ok {
				c.jc.at(i).flags |= jcPlanned
				if exported {
					c.jc.at(i).flags |= jcExported
				}
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

	c.joinUPN(partner, order)
	c.joinAlias(partner)
	return partner
}

// joinBindings matches users with the accounts that their bindings name. Of two
// users who are bound to one account, the first by ID.
func (c *Crowd) joinBindings(partner []uint32) {
	var strange []uint32 // bound to an account with another address
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
			strange = append(strange, i)
		}
	}
	c.mixedUp(partner, strange)
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
func (c *Crowd) mixedUp(partner, strange []uint32) {
	own := make(map[ref]uint32, len(strange)) // accounts from 1, by user principal name
	claimed := make(map[ref]bool, len(strange))
	too := make(map[uint32]bool, len(strange))
	for _, i := range strange {
		too[i] = true
		own[c.key(i)] = 0
		claimed[c.ad.at(c.jc.at(i).ad-1).upn] = false
	}
	if len(strange) == 0 {
		return
	}
	for u := range c.ad.n {
		p := c.ad.at(u)
		if _, ok := own[p.upn]; ok && p.flags&(adSeen|adOnDomain|adExternal) == adSeen|adOnDomain && (partner[u] == 0 || too[partner[u]-1]) {
			own[p.upn] = u + 1
		}
	}
	for i := range c.jc.n {
		k := c.key(i)
		if _, ok := claimed[k]; ok && c.jc.at(i).flags&jcSeen != 0 {
			claimed[k] = true
		}
	}
	for _, i := range strange {
		u := c.jc.at(i).ad - 1
		if partner[u] == i+1 && own[c.key(i)] != 0 && claimed[c.ad.at(u).upn] {
			partner[u] = 0
		}
	}
}

// open reports whether an account can still be matched by address. A guest's
// mail address belongs to somebody who signs in elsewhere.
func (c *Crowd) open(partner []uint32, u uint32) bool {
	f := c.ad.at(u).flags
	return partner[u] == 0 && f&(adSeen|adExternal) == adSeen && (f&adGuest == 0 || f&adOnDomain != 0)
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
		c.elsewhere[j] = p.ad
	}
	p.ad = u + 1
	p.flags |= uint32(how) << jcHow
}

// joinUPN matches exported addresses and user principal names: equal addresses
// have equal refs, so that two sorted lists are merged.
func (c *Crowd) joinUPN(partner []uint32, order []uint64) {
	keys := order[:0]
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
		if upn == 0 || !c.open(partner, u) {
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
			partner[u] = best + 1
			c.pair(best, u, matchUPN)
		}
	}
}

// joinAlias matches whoever is left by the other addresses.
func (c *Crowd) joinAlias(partner []uint32) {
	type candidate struct {
		how  match
		j, u uint32
	}
	var (
		all   []candidate
		upns  []uint64
		alias = c.alias
	)
	for u := range c.ad.n {
		if upn := c.ad.at(u).upn; upn != 0 && c.a.AlternateEmail && c.open(partner, u) {
			upns = append(upns, uint64(upn)<<32|uint64(u))
		}
	}
	slices.Sort(upns)
	slices.SortFunc(alias, func(a, b aliasOf) int { return cmp.Compare(a.addr, b.addr) })
	for j := range c.jc.n {
		if !c.free(j) {
			continue
		}
		addrs := [2]ref{c.email(j)}
		if c.a.AlternateEmail {
			addrs[1] = c.key(j)
		}
		for _, a := range addrs {
			if a == 0 {
				continue
			}
			k, _ := slices.BinarySearchFunc(alias, a, func(x aliasOf, a ref) int { return cmp.Compare(x.addr, a) })
			for ; k < len(alias) && alias[k].addr == a; k++ {
				if c.open(partner, alias[k].ad) {
					all = append(all, candidate{match(alias[k].kind), j, alias[k].ad})
				}
			}
			k, _ = slices.BinarySearch(upns, uint64(a)<<32)
			for ; k < len(upns) && ref(upns[k]>>32) == a; k++ {
				all = append(all, candidate{matchMail, j, uint32(upns[k])})
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.how, b.how), c.compareJumpCloud(a.j, b.j), c.compareAzureAD(a.u, b.u))
	})
	for _, x := range all {
		if c.free(x.j) && partner[x.u] == 0 {
			partner[x.u] = x.j + 1
			c.pair(x.j, x.u, x.how)
		}
	}
	slices.SortFunc(alias, func(a, b aliasOf) int { return cmp.Compare(a.ad, b.ad) }) // for aliases
}

// shareIDs marks the accounts that have one immutable ID in common, and notes
// with whom.
func (c *Crowd) shareIDs(order []uint64) {
	ids := order[:0]
	hash := func(p *adPerson) uint64 { return uint64(p.immutable[0])<<32 | uint64(p.immutable[1]) }
	for u := range c.ad.n {
		if h := hash(c.ad.at(u)); h != 0 {
			ids = append(ids, h)
		}
	}
	slices.Sort(ids)
	shared := make(map[uint64][]uint32)
	for k := 1; k < len(ids); k++ {
		if ids[k] == ids[k-1] {
			shared[ids[k]] = nil
		}
	}
	if len(shared) == 0 {
		return
	}
	for u := range c.ad.n {
		p := c.ad.at(u)
		if all, ok := shared[hash(p)]; ok {
			p.flags |= adSharedID
			shared[hash(p)] = append(all, u)
		}
	}
	c.sharing = make(map[uint32]uint32)
	for _, all := range shared {
		slices.SortFunc(all, c.compareAzureAD)
		for i, u := range all {
			c.sharing[u] = all[(i+1)%len(all)]
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

// aliases returns the other addresses of an account that are of a kind, after
// join.
func (c *Crowd) aliases(u uint32, k aliasKind) []string {
	i, _ := slices.BinarySearchFunc(c.alias, u, func(x aliasOf, u uint32) int { return cmp.Compare(x.ad, u) })
	var found []string
	for ; i < len(c.alias) && c.alias[i].ad == u; i++ {
		if c.alias[i].kind == k {
			found = append(found, c.text.str(c.alias[i].addr))
		}
	}
	slices.Sort(found)
	return found
}
