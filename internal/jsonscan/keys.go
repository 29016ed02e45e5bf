package jsonscan

// Keys reads the keys of the objects of a list, which are alike: each key is expected
// where it was in the first of them, and then found by comparing the bytes alone. It
// belongs to one Scanner.
type Keys struct {
	find  func(key []byte) int
	first [24]place // of the keys of the first object, with their colons
	n     int       // of them
	at    int       // the one that is expected next
}

// place is where a key stands, and what find says that it is.
type place struct{ from, to, name int }

// NewKeys returns keys that find knows: it returns a number of its own for each, the
// same whenever it is asked.
func NewKeys(find func(key []byte) int) Keys { return Keys{find: find} }

// ObjectOf is [Scanner.Object] for one of the objects that k is for: it returns the
// number of the key instead of the key.
func (s *Scanner) ObjectOf(k *Keys) (name int, ok bool) {
	if !s.open('{', '}') {
		return 0, false
	}
	k.at = 0
	return s.keyOf(k)
}

// FieldOf is [Scanner.Field] in an object that ObjectOf has entered.
func (s *Scanner) FieldOf(k *Keys) (name int, ok bool) {
	if s.i == s.value {
		s.pass()
	}
	if s.here() == ',' {
		s.i++
	} else if !s.more('}') {
		return 0, false
	}
	return s.keyOf(k)
}

func (s *Scanner) keyOf(k *Keys) (name int, ok bool) {
	if s.here() <= ' ' {
		s.space()
	}
	if k.at < k.n {
		p := &k.first[k.at]
		to := s.i + p.to - p.from
		if to <= len(s.b) && string(s.b[s.i:to]) == string(s.b[p.from:p.to]) {
			k.at++
			if s.i = to; s.here() <= ' ' {
				if s.space(); s.err != nil {
					return 0, false
				}
			}
			s.value = s.i
			return p.name, true
		}
	}
	from := s.i
	key := s.key()
	if s.err != nil {
		return 0, false
	}
	name = k.find(key)
	k.meet(s.b, place{from, s.value, name})
	return name, true
}

// meet takes note of a key that was not expected.
func (k *Keys) meet(b []byte, p place) {
	for i := k.at + 1; i < k.n; i++ { // some are missing
		if q := k.first[i]; string(b[p.from:p.to]) == string(b[q.from:q.to]) {
			k.at = i + 1
			return
		}
	}
	if k.at == k.n && k.n < len(k.first) {
		k.first[k.n] = p
		k.n++
		k.at++
	}
}
