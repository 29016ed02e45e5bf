package people

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/jcaad/jcaad/internal/text"
)

// A ref stands for a text; 0 is no text. The same address always has the same
// ref, so that refs can be compared and sorted in place of addresses.
type ref uint32

// texts holds the texts of all people in blocks, each address once, in its
// folded form and without its domain, which is kept as a number. For most
// people JumpCloud's email and Azure AD's user principal name are one address.
type texts struct {
	blocks  [][]byte
	seed    maphash.Seed
	table   table            // of addresses
	domains []string         // by number; 0 is no domain
	numbers map[string]uint8 // of domains
	last    uint8            // the domain's number that was looked for last
	scratch []byte
}

const (
	blockSize = 1 << 16
	maxText   = 1 << 10
	inline    = 255 // the number of a domain that stands in the text
)

func newTexts() *texts {
	return &texts{seed: maphash.MakeSeed(), domains: []string{""}, numbers: make(map[string]uint8)}
}

// put stores a text: its length, its domain's number, its bytes.
func (t *texts) put(domain uint8, b []byte) ref {
	b = b[:min(len(b), maxText)]
	need := 2 + len(b)
	if len(b) >= 255 {
		need += 2
	}
	n := len(t.blocks)
	if n == 0 || cap(t.blocks[n-1])-len(t.blocks[n-1]) < need {
		block := make([]byte, 0, blockSize)
		if n == 0 {
			block = append(block, 0) // no text has ref 0
		}
		t.blocks = append(t.blocks, block)
		n++
	}
	block := t.blocks[n-1]
	at := ref((n-1)<<16 | len(block))
	if len(b) < 255 {
		block = append(block, byte(len(b)), domain)
	} else {
		block = append(block, 255, byte(len(b)>>8), byte(len(b)), domain)
	}
	t.blocks[n-1] = append(block, b...)
	return at
}

// get returns the bytes of a text and its domain's number.
func (t *texts) get(r ref) ([]byte, uint8) {
	b := t.blocks[r>>16][r&0xffff:]
	n, b := int(b[0]), b[1:]
	if n == 255 {
		n, b = int(b[0])<<8|int(b[1]), b[2:]
	}
	return b[1 : 1+n], b[0]
}

// str returns a text as people write it; "" for ref 0.
func (t *texts) str(r ref) string {
	if r == 0 {
		return ""
	}
	local, d := t.get(r)
	if d == 0 || d == inline {
		return string(local)
	}
	return string(local) + "@" + t.domains[d]
}

// append appends a text as people write it.
func (t *texts) append(b []byte, r ref) []byte {
	if r == 0 {
		return b
	}
	local, d := t.get(r)
	if b = append(b, local...); d == 0 || d == inline {
		return b
	}
	return append(append(b, '@'), t.domains[d]...)
}

// domain returns the domain of an address.
func (t *texts) domain(r ref) string {
	if r == 0 {
		return ""
	}
	local, d := t.get(r)
	if d == inline {
		return string(local[strings.LastIndexByte(string(local), '@')+1:])
	}
	return t.domains[d]
}

// name stores a text that is only shown. Control characters become spaces.
func (t *texts) name(s string) ref {
	if s == "" {
		return 0
	}
	t.scratch = appendPlain(t.scratch[:0], s)
	return t.put(0, t.scratch)
}

// spelled is how many bytes of somebody's login are their name, such as Anna Berg's:
// "anna.berg". It need not be stored. 0 means that the login begins otherwise.
func (t *texts) spelled(address ref, name string) uint8 {
	if address != 0 && len(name) > 0 && len(name) < 256 {
		if local, _ := t.get(address); spells(local, name) {
			return uint8(len(name))
		}
	}
	return 0
}

// spell returns the name that so many bytes of a login are.
func (t *texts) spell(address ref, n uint8) string {
	local, _ := t.get(address)
	b := append([]byte(nil), local[:n]...)
	for i, c := range b {
		switch {
		case isSeparator(c):
			b[i] = ' '
		case i == 0 || b[i-1] == ' ':
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// spells reports whether a login begins with a name, in small letters and with
// one separator for each space.
func spells(local []byte, name string) bool {
	if len(name) > len(local) {
		return false
	}
	capital := true
	for i := range len(name) {
		c, l := name[i], local[i]
		switch {
		case c == ' ':
			if capital || !isSeparator(l) {
				return false
			}
		case capital:
			if l < 'a' || l > 'z' || c != l-'a'+'A' {
				return false
			}
		case c != l || isSeparator(c) || c < ' ' || c >= 0x7f:
			return false
		}
		capital = c == ' '
	}
	return !capital
}

func isSeparator(c byte) bool { return c == '.' || c == '_' || c == '-' }

// address stores an address, once.
func (t *texts) address(s string) ref {
	local, domain := t.fold(s)
	if len(local) == 0 {
		return 0
	}
	h := t.hash(local, domain)
	if r := t.find(h, local, domain); r != 0 {
		return r
	}
	r := t.put(domain, local)
	t.table.add(h, uint32(r), t.hashOf)
	return r
}

// known returns the ref of an address that was stored, or 0.
func (t *texts) known(s string) ref {
	local, domain := t.fold(s)
	if len(local) == 0 {
		return 0
	}
	return t.find(t.hash(local, domain), local, domain)
}

func (t *texts) find(hash uint64, local []byte, domain uint8) ref {
	return ref(t.table.find(hash, func(v uint32) bool {
		b, d := t.get(ref(v))
		return d == domain && string(b) == string(local)
	}))
}

func (t *texts) hash(local []byte, domain uint8) uint64 {
	return maphash.Bytes(t.seed, local) + uint64(domain)*0x9e3779b97f4a7c15
}

// hashOf is the hash of an address that is stored.
func (t *texts) hashOf(v uint32) uint64 { return t.hash(t.get(ref(v))) }

// fold returns an address as both services compare it: ASCII letters small,
// the domain as an A-label. What has no @ has no domain. The bytes are valid
// until the next call.
func (t *texts) fold(s string) (local []byte, domain uint8) {
	s = strings.TrimSpace(s)
	if len(s) > maxText {
		s = s[:maxText]
	}
	b := appendLower(t.scratch[:0], s)
	t.scratch = b
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return b, 0
	}
	host := b[at+1:]
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1]
	}
	if t.last != 0 && string(host) == t.domains[t.last] {
		return b[:at], t.last
	}
	if d, ok := t.numbers[string(host)]; ok && d != inline {
		t.last = d
		return b[:at], d
	}
	label := asciiDomain(string(host))
	d, ok := t.numbers[label]
	if !ok {
		if d = inline; len(t.domains) < inline {
			d = uint8(len(t.domains))
			t.domains = append(t.domains, strings.Clone(label))
			t.numbers[t.domains[d]] = d
		}
	}
	if d == inline {
		t.scratch = append(b[:at+1], label...)
		return t.scratch, inline
	}
	if label != string(host) && len(t.numbers) < 4*inline {
		t.numbers[string(host)] = d // this spelling too
	}
	return b[:at], d
}

// asciiDomain returns a domain as an A-label, or as it is if it has none.
func asciiDomain(d string) string {
	for i := range len(d) {
		if d[i] >= 0x80 {
			if a, err := idna.Lookup.ToASCII(d); err == nil {
				return a
			}
			break
		}
	}
	return d
}

func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, lower(s[i]))
	}
	return b
}

// Fold returns one address as both services compare it.
func Fold(s string) string {
	s = strings.TrimSpace(s)
	b := appendLower(make([]byte, 0, len(s)), s)
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return string(b)
	}
	return string(b[:at+1]) + asciiDomain(strings.TrimSuffix(string(b[at+1:]), "."))
}

// appendPlain is Plain.
func appendPlain(b []byte, s string) []byte {
	for _, r := range s {
		b = utf8.AppendRune(b, text.Visible(r))
	}
	return b
}

// Plain returns s on one line, without what a terminal would obey.
func Plain(s string) string { return strings.Map(text.Visible, s) }
