package crowd

import "encoding/binary"

// Sum is what a contender has found, whatever the order: that it found all of it right is
// seen by comparing.
type Sum struct {
	Count int    `json:"count"`
	Hash  uint64 `json:"hash"`
}

// Add adds one finding, such as a person with both IDs. It costs some nanoseconds, of
// every contender alike.
func (s *Sum) Add(parts ...string) {
	h := uint64(14695981039346656037)
	var rest [8]byte
	for _, p := range parts {
		for ; len(p) >= 8; p = p[8:] {
			copy(rest[:], p)
			h = mix(h, binary.LittleEndian.Uint64(rest[:]))
		}
		rest = [8]byte{7: byte(len(p)) + 1}
		copy(rest[:7], p)
		h = mix(h, binary.LittleEndian.Uint64(rest[:]))
	}
	s.Count++
	s.Hash += h
}

func mix(h, v uint64) uint64 {
	h = (h ^ v) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// Users is the sum of all users of JumpCloud: ID and address.
func (c *Crowd) Users() (s Sum) {
	for place := range c.N {
		s.Add(string(AppendJumpCloudID(nil, place)), string(c.AppendEmail(nil, c.Person(place))))
	}
	return s
}

// Accounts is the sum of all accounts of Azure AD: object ID and user principal name.
func (c *Crowd) Accounts() (s Sum) {
	for i := range c.N {
		s.Add(string(AppendObjectID(nil, i)), string(c.AppendAddress(nil, i)))
	}
	return s
}

// Joined is the sum of all who have the same address on both sides: the address, JumpCloud's
// ID and the object ID.
func (c *Crowd) Joined() (s Sum) {
	for i := range c.N {
		if !c.Stray(i) {
			s.Add(string(c.AppendAddress(nil, i)), string(AppendJumpCloudID(nil, c.Place(i))), string(AppendObjectID(nil, i)))
		}
	}
	return s
}
