package aad

import (
	"bytes"
	"errors"
	"iter"

	"github.com/jcaad/jcaad/internal/jsonscan"
)

// userPage is a page of users, as it came. The users are decoded one by one as they
// are asked for: lists of hundreds of thousands are read page after page, and
// encoding/json would spend more on them than the network. A user costs two
// allocations, three with lists in it, and one if the block is reused.
type userPage struct {
	count int    // @odata.count, -1 if it is not there
	link  string // @odata.nextLink
	value []byte // the array
	len   int    // of it
	reuse *block // if not nil, what every user is decoded into
}

var errNotPage = errors.New("the answer is not a page of users")

// parsePage checks a page to its end, and finds its parts. The page keeps b.
func parsePage(b []byte) (userPage, error) {
	p := userPage{count: -1}
	list := false
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	s, texts := jsonscan.New(b), jsonscan.Arena{}
	if s.Peek() != '{' {
		return p, errNotPage
	}
	s.Object(func(key []byte) {
		switch string(key) {
		case "@odata.count":
			if n, ok := s.Number(); ok {
				p.count = n
			}
		case "@odata.nextLink":
			texts.Text(&s, &p.link)
		case "value":
			switch s.Peek() {
			case '[':
				from := s.At()
				p.len = 0
				s.Array(func() {
					if c := s.Peek(); c != '{' && c != 'n' {
						s.Stop() // neither a user nor null
					}
					p.len++
				})
				p.value, list = b[from:s.At()], true
			case 'n':
				p.value, p.len, list = nil, 0, true
			default:
				s.Stop()
			}
		}
	})
	texts.Done()
	switch {
	case s.End() != nil:
		return userPage{count: -1}, errNotPage
	case !list: // an error, say: to take it for "nobody" would be a lie
		return userPage{count: -1}, errNoList
	}
	return p, nil
}

// users decodes the users of the page.
func (p *userPage) users() iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		d := decoder{Scanner: jsonscan.New(p.value), reuse: p.reuse}
		left := false
		if len(p.value) > 0 {
			d.Array(func() {
				if d.Peek() == '{' && !yield(d.user(), nil) {
					left = true
					d.Stop()
				}
			})
			if d.End() != nil && !left {
				yield(nil, errNotPage)
			}
		}
	}
}

// block is a user and the booleans that it points to.
type block struct {
	User
	enabled, synced bool
}

// decoder reads users one after the other.
type decoder struct {
	jsonscan.Scanner
	reuse *block
	texts jsonscan.Arena
	lists []string // those of the user at hand
}

// user decodes one user. Its texts are collected first, and allocated together.
func (d *decoder) user() *User {
	u := d.reuse
	if u == nil {
		u = new(block)
	} else {
		*u = block{}
	}
	s, texts := &d.Scanner, &d.texts
	var proxies, mails [2]int // of d.lists
	d.lists = d.lists[:0]
	d.Object(func(key []byte) {
		switch string(key) {
		case "id":
			texts.Text(s, &u.ID)
		case "userPrincipalName":
			texts.Text(s, &u.UserPrincipalName)
		case "displayName":
			texts.Text(s, &u.DisplayName)
		case "mail":
			texts.Text(s, &u.Mail)
		case "onPremisesImmutableId":
			texts.Text(s, &u.ImmutableID)
		case "userType":
			texts.Text(s, &u.UserType)
		case "accountEnabled":
			u.Enabled = flag(s.Skip(), &u.enabled)
		case "onPremisesSyncEnabled":
			u.OnPremisesSyncEnabled = flag(s.Skip(), &u.synced)
		case "proxyAddresses":
			proxies = d.list()
		case "otherMails":
			mails = d.list()
		case "createdDateTime":
			u.Created = parseTime(string(bytes.Trim(s.Skip(), `"`)))
		}
	})
	texts.Done()
	if len(d.lists) > 0 {
		list := d.lists
		if d.reuse == nil {
			list = append(make([]string, 0, len(list)), list...)
		}
		u.ProxyAddresses, u.OtherMails = sub(list, proxies), sub(list, mails)
	}
	return &u.User
}

// list keeps the strings of a list, and returns which ones they are.
func (d *decoder) list() [2]int {
	from := len(d.lists)
	d.Array(func() {
		if len(d.lists) == cap(d.lists) {
			d.texts.Done() // they are about to move
		}
		d.lists = append(d.lists, "")
		d.texts.Text(&d.Scanner, &d.lists[len(d.lists)-1])
	})
	return [2]int{from, len(d.lists)}
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
