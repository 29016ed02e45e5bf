package aad

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"unicode/utf8"
)

// userPage is a page of users, as it came. The users are decoded one by one as they
// are asked for: lists of hundreds of thousands are read page after page, and
// encoding/json would spend more on them than the network. A user costs two
// allocations, three with lists in it, and one if the block is reused.
type userPage struct {
	count int    // @odata.count, -1 if it is not there
	link  string // @odata.nextLink
	value []byte // the array
	reuse *block // if not nil, what every user is decoded into
}

var errNotPage = errors.New("the answer is not a page of users")

// parsePage finds the parts of a page. The page keeps b.
func parsePage(b []byte) (userPage, error) {
	p := userPage{count: -1}
	list := false
	d := decoder{b: bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))}
	ok := d.object(func(key []byte) bool {
		v := d.value()
		switch string(key) {
		case "@odata.count":
			if n, err := strconv.Atoi(string(bytes.Trim(v, `"`))); err == nil {
				p.count = n
			}
		case "@odata.nextLink":
			if len(v) > 0 && v[0] == '"' {
				p.link = unescape(v)
			}
		case "value":
			if string(v) == "null" {
				v = nil
			} else if len(v) == 0 || v[0] != '[' {
				return false
			}
			p.value, list = v, true
		}
		return true
	})
	switch {
	case !ok || d.peek() != 0:
		return userPage{count: -1}, errNotPage
	case !list: // an error, say: to take it for "nobody" would be a lie
		return userPage{count: -1}, errNoList
	}
	return p, nil
}

// len returns how many users the page has.
func (p *userPage) len() int {
	n := 0
	for d := (decoder{b: p.value}); len(p.value) > 0 && d.element(); n++ {
		d.value()
	}
	return n
}

// users decodes the users of the page.
func (p *userPage) users() iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		if len(p.value) == 0 {
			return
		}
		d := decoder{b: p.value, reuse: p.reuse}
		for d.element() {
			if d.peek() != '{' {
				if string(d.value()) != "null" {
					d.bad = true
					break
				}
				continue
			}
			u := d.user()
			if d.bad {
				break
			}
			if !yield(u, nil) {
				return
			}
		}
		if d.bad {
			yield(nil, errNotPage)
		}
	}
}

// block is a user and the booleans that it points to.
type block struct {
	User
	enabled, synced bool
}

// user decodes one user. Its texts are collected first, and allocated together.
func (d *decoder) user() *User {
	u := d.reuse
	if u == nil {
		u = new(block)
	} else {
		*u = block{}
	}
	into := [...]*string{&u.ID, &u.UserPrincipalName, &u.DisplayName, &u.Mail, &u.ImmutableID, &u.UserType}
	var ends [len(into)][2]int // of the texts in d.text
	var proxies, mails [2]int  // of the lists in d.ends
	d.text, d.ends = d.text[:0], d.ends[:0]
	ok := d.object(func(key []byte) bool {
		v := d.value()
		field := -1
		switch string(key) {
		case "id":
			field = 0
		case "userPrincipalName":
			field = 1
		case "displayName":
			field = 2
		case "mail":
			field = 3
		case "onPremisesImmutableId":
			field = 4
		case "userType":
			field = 5
		case "accountEnabled":
			u.Enabled = flag(v, &u.enabled)
		case "onPremisesSyncEnabled":
			u.OnPremisesSyncEnabled = flag(v, &u.synced)
		case "proxyAddresses":
			proxies = d.list(v)
		case "otherMails":
			mails = d.list(v)
		case "createdDateTime":
			u.Created = parseTime(string(bytes.Trim(v, `"`)))
		}
		if field >= 0 {
			ends[field] = d.keep(v)
		}
		return true
	})
	if !ok {
		d.bad = true
		return nil
	}
	all := string(d.text)
	for i, e := range ends {
		*into[i] = all[e[0]:e[1]]
	}
	if len(d.ends) > 0 {
		list := d.strings[:0]
		if d.reuse == nil || cap(list) < len(d.ends) {
			list = make([]string, 0, len(d.ends))
		}
		for _, e := range d.ends {
			list = append(list, all[e[0]:e[1]])
		}
		d.strings = list
		u.ProxyAddresses = sub(list, proxies)
		u.OtherMails = sub(list, mails)
	}
	return &u.User
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

// keep appends what a JSON string says to the texts, and returns where it is.
// What is no string says nothing.
func (d *decoder) keep(v []byte) [2]int {
	from := len(d.text)
	switch {
	case len(v) < 2 || v[0] != '"':
	case bytes.IndexByte(v, '\\') >= 0 || !utf8.Valid(v):
		d.text = append(d.text, unescape(v)...)
	default:
		d.text = append(d.text, v[1:len(v)-1]...)
	}
	return [2]int{from, len(d.text)}
}

// list keeps the strings of a list, and returns which ones they are.
func (d *decoder) list(v []byte) [2]int {
	from := len(d.ends)
	if len(v) > 0 && v[0] == '[' {
		e := decoder{b: v}
		for e.element() {
			d.ends = append(d.ends, d.keep(e.value()))
		}
		d.bad = d.bad || e.bad
	}
	return [2]int{from, len(d.ends)}
}

// unescape decodes a JSON string.
func unescape(b []byte) string {
	var s string
	json.Unmarshal(b, &s)
	return s
}

// decoder walks through JSON. It notices what is cut off or has no structure, and
// leaves to others whether what it skips is well-formed.
type decoder struct {
	b   []byte
	i   int
	bad bool

	reuse   *block
	text    []byte   // of the user at hand, and
	ends    [][2]int // of its lists
	strings []string // of the last user
}

// peek returns the next byte that is not white space, 0 at the end.
func (d *decoder) peek() byte {
	for ; d.i < len(d.b); d.i++ {
		switch c := d.b[d.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take takes the next byte if it is c.
func (d *decoder) take(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.i++
	return true
}

// object calls f with each key of an object; f takes the value. It returns
// false if the object is not one, or f does.
func (d *decoder) object(f func(key []byte) bool) bool {
	if !d.take('{') {
		return false
	}
	if d.take('}') {
		return true
	}
	for {
		if d.peek() != '"' {
			return false
		}
		key := d.value()
		if d.bad || !d.take(':') {
			return false
		}
		if key = key[1 : len(key)-1]; bytes.IndexByte(key, '\\') >= 0 {
			key = []byte(unescape([]byte(`"` + string(key) + `"`)))
		}
		if !f(key) || d.bad {
			return false
		}
		if d.take('}') {
			return true
		}
		if !d.take(',') {
			return false
		}
	}
}

// element reports whether there is another element of an array, which the caller
// takes. The first call, at the beginning of d.b, enters the array.
func (d *decoder) element() bool {
	if d.bad {
		return false
	}
	first := d.i == 0
	if first && !d.take('[') {
		d.bad = true
		return false
	}
	if d.take(']') {
		return false
	}
	if !first && !d.take(',') {
		d.bad = true
	}
	return !d.bad
}

// value takes the next value and returns it as it is written.
func (d *decoder) value() []byte {
	c := d.peek()
	start := d.i
	switch c {
	case '"':
		d.skipString()
	case '{', '[':
		d.skipNested()
	case 0, ',', ':', '}', ']':
		d.bad = true
	default:
		for d.i < len(d.b) && !delimiter(d.b[d.i]) {
			d.i++
		}
		switch v := d.b[start:d.i]; string(v) {
		case "true", "false", "null":
		default:
			d.bad = d.bad || !json.Valid(v)
		}
	}
	return d.b[start:d.i]
}

// delimiter reports whether a number or a word ends before c.
func delimiter(c byte) bool {
	switch c {
	case ',', ':', '{', '}', '[', ']', '"', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

func (d *decoder) skipNested() {
	for depth := 0; d.i < len(d.b); {
		switch d.b[d.i] {
		case '"':
			if d.skipString(); d.bad {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		d.i++
		if depth == 0 {
			return
		}
	}
	d.bad = true
}

func (d *decoder) skipString() {
	for d.i++; d.i < len(d.b); {
		j := bytes.IndexByte(d.b[d.i:], '"')
		if j < 0 {
			break
		}
		d.i += j + 1
		escapes := 0
		for k := d.i - 2; k >= 0 && d.b[k] == '\\'; k-- {
			escapes++
		}
		if escapes%2 == 0 {
			return
		}
	}
	d.i, d.bad = len(d.b), true
}
