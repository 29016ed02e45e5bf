package aad

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"

	"github.com/jcaad/jcaad/internal/jsonscan"
)

// userPage is a page of users, decoded in one pass: lists of hundreds of thousands
// are read page after page, and encoding/json would spend more on them than the
// network. Of its body nothing is kept.
type userPage struct {
	count int    // @odata.count, -1 if it is not there
	link  string // @odata.nextLink
	len   int    // of the array, with what is null in it
	made  blocks
	reuse *block // if not nil, what every user is returned in
}

var errNotPage = errors.New("the answer is not a page of users")

// parsePage decodes a page and checks it to its end. The users are made in blocks
// that nobody else uses, and which are empty.
func parsePage(b []byte, made blocks) (userPage, error) {
	p := userPage{count: -1, made: made}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	d := decoder{Scanner: jsonscan.New(b), keys: jsonscan.NewKeys(keyOf)}
	if d.Peek() != '{' {
		return p, errNotPage
	}
	list := false
	for key, ok := d.Object(); ok; key, ok = d.Field() {
		switch string(key) {
		case "@odata.count":
			if n, ok := d.Number(); ok {
				p.count = n
			}
		case "@odata.nextLink":
			if d.Peek() == '"' {
				json.Unmarshal(d.Skip(), &p.link) // after a mistake, nothing
			}
		case "value":
			list = true
			p.len = 0
			p.made.clear()
			p.value(&d)
		}
	}
	switch {
	case d.End() != nil:
		return userPage{count: -1}, errNotPage
	case !list: // an error, say: to take it for "nobody" would be a lie
		return userPage{count: -1}, errNoList
	}
	return p, nil
}

// value reads the array, whose elements are users or null. Null instead of it is an
// empty one; the rest is a mistake.
func (p *userPage) value(d *decoder) {
	if c := d.Peek(); c != '[' && c != 'n' {
		d.Stop()
		return
	}
	for ok := d.Array(); ok; ok = d.Element() {
		p.len++
		switch d.Peek() {
		case '{':
			d.user(p.made.add())
		case 'n':
		default:
			d.Stop()
		}
	}
}

// users yields the users of the page.
func (p *userPage) users() iter.Seq[*User] {
	return func(yield func(*User) bool) {
		for i := range p.made.n {
			u := p.made.at(i)
			if p.reuse != nil {
				p.reuse.be(u)
				u = p.reuse
			}
			if !yield(&u.User) {
				return
			}
		}
	}
}

// blockSize is how many users are allocated together, and listSize how many texts of
// their lists: who keeps one keeps as many.
const (
	blockSize = 64
	listSize  = 256
)

// blocks are users that do not move.
type blocks struct {
	all [][]block
	n   int
}

func (b *blocks) add() *block {
	if b.n == len(b.all)*blockSize {
		b.all = append(b.all, make([]block, blockSize))
	}
	b.n++
	return b.at(b.n - 1)
}

// clear makes room for others.
func (b *blocks) clear() {
	for i := range (b.n + blockSize - 1) / blockSize {
		clear(b.all[i])
	}
	b.n = 0
}

func (b *blocks) at(i int) *block { return &b.all[i/blockSize][i%blockSize] }

// block is a user and the booleans that it points to.
type block struct {
	User
	enabled, synced bool
}

// be makes u a copy of v.
func (u *block) be(v *block) {
	*u = *v
	if u.Enabled != nil {
		u.Enabled = &u.enabled
	}
	if u.OnPremisesSyncEnabled != nil {
		u.OnPremisesSyncEnabled = &u.synced
	}
}

// The properties of a user, as keyOf numbers them.
const (
	keyID = 1 + iota
	keyUPN
	keyName
	keyMail
	keyImmutableID
	keyType
	keyEnabled
	keySynced
	keyProxies
	keyMails
	keyCreated
)

func keyOf(key []byte) int {
	switch string(key) {
	case "id":
		return keyID
	case "userPrincipalName":
		return keyUPN
	case "displayName":
		return keyName
	case "mail":
		return keyMail
	case "onPremisesImmutableId":
		return keyImmutableID
	case "userType":
		return keyType
	case "accountEnabled":
		return keyEnabled
	case "onPremisesSyncEnabled":
		return keySynced
	case "proxyAddresses":
		return keyProxies
	case "otherMails":
		return keyMails
	case "createdDateTime":
		return keyCreated
	}
	return 0
}

// decoder reads users one after the other.
type decoder struct {
	jsonscan.Scanner
	keys  jsonscan.Keys
	texts jsonscan.Arena
	lists []string // what is left of those allocated last
	list  []string // of the user at hand
}

// user decodes one user.
func (d *decoder) user(u *block) {
	s, texts := &d.Scanner, &d.texts
	var proxies, mails [2]int // of d.list
	d.list = d.list[:0]
	for key, ok := d.ObjectOf(&d.keys); ok; key, ok = d.FieldOf(&d.keys) {
		switch key {
		case keyID:
			texts.Text(s, &u.ID)
		case keyUPN:
			texts.Text(s, &u.UserPrincipalName)
		case keyName:
			texts.Text(s, &u.DisplayName)
		case keyMail:
			texts.Text(s, &u.Mail)
		case keyImmutableID:
			texts.Text(s, &u.ImmutableID)
		case keyType:
			texts.Text(s, &u.UserType)
		case keyEnabled:
			u.Enabled = flag(s.Skip(), &u.enabled)
		case keySynced:
			u.OnPremisesSyncEnabled = flag(s.Skip(), &u.synced)
		case keyProxies:
			proxies = d.strings()
		case keyMails:
			mails = d.strings()
		case keyCreated:
			u.Created = parseTime(string(bytes.Trim(s.Skip(), `"`)))
		}
	}
	if n := len(d.list); n > 0 {
		if n > len(d.lists) {
			d.lists = make([]string, max(listSize, n))
		}
		list := d.lists[:copy(d.lists, d.list)]
		d.lists = d.lists[n:]
		u.ProxyAddresses, u.OtherMails = sub(list, proxies), sub(list, mails)
	}
}

// strings reads a list, and returns where in d.list it is.
func (d *decoder) strings() [2]int {
	from := len(d.list)
	for ok := d.Array(); ok; ok = d.Element() {
		d.list = append(d.list, "")
		d.texts.Text(&d.Scanner, &d.list[len(d.list)-1])
	}
	return [2]int{from, len(d.list)}
}

func sub(list []string, span [2]int) []string {
	if span[0] == span[1] {
		return nil
	}
	return list[span[0]:span[1]:span[1]]
}

// flag returns a boolean, kept at; nil for null.
func flag(v []byte, at *bool) *bool {
	switch string(v) {
	case "true":
		*at = true
	case "false":
		*at = false
	default:
		return nil
	}
	return at
}
