package people

import (
	"slices"
	"strings"
)

// An alias is a further address of an Azure AD user: the ref of the address, the
// account, and what kind of address it is. So aliases of one address sort together,
// and then those of one account.
type alias uint64

type aliasKind uint32

const (
	aliasMail aliasKind = iota
	aliasProxy
	aliasOther
	aliasUPN // no alias, but the user principal name where it is no key

	aliasBits = 2
)

// how is how accounts are matched by such an address.
func (k aliasKind) how() match {
	if k == aliasUPN {
		return matchMail
	}
	return matchMail + match(k)
}

func newAlias(address ref, account uint32, k aliasKind) alias {
	return alias(address)<<32 | alias(account)<<aliasBits | alias(k)
}

func (a alias) address() ref    { return ref(a >> 32) }
func (a alias) account() uint32 { return uint32(a) >> aliasBits }
func (a alias) kind() aliasKind { return aliasKind(a & (1<<aliasBits - 1)) }

// mailOf is an account's mail address: those of one account sort together.
func mailOf(address ref, account uint32) uint64 { return uint64(account)<<32 | uint64(address) }

// hasMail reports whether an account has a mail address, after join.
func (c *Crowd) hasMail(u uint32, address ref) bool {
	_, has := slices.BinarySearch(c.mails, mailOf(address, u))
	return has
}

// mailsOf returns an account's mail addresses other than the user principal name,
// after join.
func (c *Crowd) mailsOf(u uint32) string {
	var found []string
	i, _ := slices.BinarySearch(c.mails, mailOf(0, u))
	for ; i < len(c.mails) && uint32(c.mails[i]>>32) == u; i++ {
		found = append(found, c.text.str(ref(c.mails[i])))
	}
	slices.Sort(found)
	return strings.Join(found, ", ")
}

// faults are what the directory says about bindings, by user.
type faults struct {
	of   sparse[uint32]    // the ref of the text
	long map[uint32]string // those that are too long for one
	said map[string]ref    // the first few that differ: what is said of everybody is kept once
}

const saidAtMost = 64

func (f *faults) set(t *texts, user uint32, fault string) {
	delete(f.long, user)
	if plain := Plain(fault); len(plain) > maxText {
		if f.long == nil {
			f.long = make(map[uint32]string)
		}
		f.long[user] = strings.Clone(plain)
		return
	}
	r, known := f.said[fault]
	if !known {
		r = t.name(fault)
		if f.said == nil {
			f.said = make(map[string]ref)
		}
		if len(f.said) < saidAtMost {
			f.said[strings.Clone(fault)] = r
		}
	}
	f.of.set(user, uint32(r))
}

func (f *faults) at(t *texts, user uint32) string {
	if s, ok := f.long[user]; ok {
		return s
	}
	return t.str(ref(f.of.at(user)))
}
