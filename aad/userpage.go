package aad

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
)

// userPage is a page of users. encoding/json hands it the page as a whole,
// checked for syntax; the users are decoded one by one as they are asked for. Two
// allocations a user, one for all its strings, are what makes lists of hundreds of thousands cheap.
type userPage struct {
	count int    // @odata.count, -1 if it is not there
	link  string // @odata.nextLink
	value []byte // the array, without what stands before it
}

// UnmarshalJSON implements [json.Unmarshaler]. It keeps a part of b: the caller
// does not use b for anything else.
func (p *userPage) UnmarshalJSON(b []byte) error {
	*p = userPage{count: -1}
	d := decoder{b: b}
	if d.peek() != '{' {
		return errors.New("a page of users is not an object")
	}
	return d.object(func(key []byte) error {
		switch string(key) {
		case "@odata.count":
			if n, err := strconv.Atoi(string(bytes.Trim(d.value(), `"`))); err == nil {
				p.count = n
			}
		case "@odata.nextLink":
			p.link = d.text()
		case "value":
			if v := d.value(); len(v) > 0 && v[0] == '[' {
				p.value = v
			} else if string(v) != "null" {
				return errors.New("the users are not a list")
			}
		default:
			d.value()
		}
		return nil
	})
}

// users decodes the users of the page.
func (p *userPage) users() iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		d := decoder{b: p.value}
		if len(p.value) == 0 {
			return
		}
		for d.array() {
			if d.peek() != '{' {
				if v := d.value(); string(v) != "null" {
					yield(nil, errors.New("a user is not an object"))
					return
				}
				continue
			}
			if !yield(d.user(), nil) {
				return
			}
		}
	}
}

// len returns how many users the page has.
func (p *userPage) len() int {
	n := 0
	for d := (decoder{b: p.value}); len(p.value) > 0 && d.array(); n++ {
		d.value()
	}
	return n
}

// block is a user and the booleans that it points to.
type block struct {
	User
	enabled, synced bool
}

// user decodes one user: its strings are collected first and allocated together.
func (d *decoder) user() *User {
	u := new(block)
	var texts [6][]byte
	into := [6]*string{&u.ID, &u.UserPrincipalName, &u.DisplayName, &u.Mail, &u.ImmutableID, &u.UserType}
	flag := func(at *bool) *bool {
		switch string(d.value()) {
		case "true":
			*at = true
		case "false":
		default:
			return nil
		}
		return at
	}
	d.object(func(key []byte) error {
		switch string(key) {
		case "id":
			texts[0] = d.value()
		case "userPrincipalName":
			texts[1] = d.value()
		case "displayName":
			texts[2] = d.value()
		case "mail":
			texts[3] = d.value()
		case "onPremisesImmutableId":
			texts[4] = d.value()
		case "userType":
			texts[5] = d.value()
		case "accountEnabled":
			u.Enabled = flag(&u.enabled)
		case "onPremisesSyncEnabled":
			u.OnPremisesSyncEnabled = flag(&u.synced)
		case "proxyAddresses":
			u.ProxyAddresses = d.texts()
		case "otherMails":
			u.OtherMails = d.texts()
		case "createdDateTime":
			u.Created = parseTime(string(bytes.Trim(d.value(), `"`)))
		default:
			d.value()
		}
		return nil
	})
	share(texts[:], into[:])
	return &u.User
}

// share makes strings of JSON strings, with one allocation for all that have no escapes.
func share(raw [][]byte, into []*string) {
	n := 0
	for i, b := range raw {
		switch {
		case len(b) < 2 || b[0] != '"':
			raw[i] = nil // null, or something that is no string
		case bytes.IndexByte(b, '\\') >= 0:
			*into[i], raw[i] = unescape(b), nil
		default:
			raw[i] = b[1 : len(b)-1]
			n += len(b) - 2
		}
	}
	if n == 0 {
		return
	}
	var buf [512]byte
	all := buf[:0]
	for _, b := range raw {
		all = append(all, b...)
	}
	s := string(all)
	for i, b := range raw {
		if b != nil {
			*into[i], s = s[:len(b)], s[len(b):]
		}
	}
}

// unescape decodes a JSON string.
func unescape(b []byte) string {
	var s string
	json.Unmarshal(b, &s)
	return s
}

// decoder walks through JSON that is known to be well-formed.
type decoder struct {
	b []byte
	i int
}

// peek returns the next byte that is not white space, 0 at the end.
func (d *decoder) peek() byte {
	for d.i < len(d.b) {
		switch c := d.b[d.i]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			d.i++ // where commas and colons may stand has been checked
		default:
			return c
		}
	}
	return 0
}

// object calls f with each key of an object; f takes the value.
func (d *decoder) object(f func(key []byte) error) error {
	d.peek()
	for d.i++; d.peek() == '"'; {
		key := d.value()
		if len(key) < 2 {
			return nil
		}
		if key = key[1 : len(key)-1]; bytes.IndexByte(key, '\\') >= 0 {
			key = []byte(unescape([]byte(`"` + string(key) + `"`)))
		}
		if err := f(key); err != nil {
			return err
		}
	}
	d.i++
	return nil
}

// array reports whether there is another element of an array, which the caller
// takes. The first call enters the array.
func (d *decoder) array() bool {
	c := d.peek()
	if c == '[' && d.i == 0 {
		d.i++
		c = d.peek()
	}
	return c != ']' && c != 0
}

// value takes the next value and returns it as it is written.
func (d *decoder) value() []byte {
	c := d.peek()
	start := d.i
	switch c {
	case 0:
	case '"':
		d.skipString()
	case '{', '[':
		for depth := 0; d.i < len(d.b); {
			switch d.b[d.i] {
			case '"':
				d.skipString()
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			d.i++
			if depth == 0 {
				return d.b[start:d.i]
			}
		}
	default:
		for d.i < len(d.b) {
			switch d.b[d.i] {
			case ',', '}', ']', ' ', '\t', '\n', '\r':
				return d.b[start:d.i]
			}
			d.i++
		}
	}
	return d.b[start:d.i]
}

func (d *decoder) skipString() {
	for d.i++; d.i < len(d.b); {
		j := bytes.IndexByte(d.b[d.i:], '"')
		if j < 0 {
			d.i = len(d.b)
			return
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
}

// text takes a string; anything else is "".
func (d *decoder) text() string {
	v := d.value()
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return unescape(v)
}

// texts takes a list of strings; null is an empty one.
func (d *decoder) texts() []string {
	v := d.value()
	if len(v) < 3 || v[0] != '[' {
		return nil
	}
	var raw [][]byte
	for e := (decoder{b: v}); e.array(); {
		raw = append(raw, e.value())
	}
	if len(raw) == 0 {
		return nil
	}
	list := make([]string, len(raw))
	into := make([]*string, len(raw))
	for i := range list {
		into[i] = &list[i]
	}
	share(raw, into)
	return list
}
