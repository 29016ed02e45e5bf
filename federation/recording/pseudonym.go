package recording

import (
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode"
)

// mask replaces what is real by what looks like it. Equal values get equal
// pseudonyms as long as the mask lives, and no longer: its key is random, is never
// written anywhere, and goes with it.
//
// A pseudonym is drawn from the HMAC of the value, so that nothing real has to be
// remembered. Only certificates, which are made at random, are remembered, by HMAC.
type mask struct {
	key   [32]byte
	shift time.Duration // added to every time: whole seconds, into the past

	mu    sync.Mutex
	certs map[[32]byte][]byte // the pseudonym of each certificate, by the HMAC of the real one
	keys  map[[32]byte]any    // the private key of each pseudonym, by the HMAC of the real public key
	left  map[kept]*Remain
}

// Times move back by one to nine years: so far that no date can be told, into the past
// so that a recorded Retry-After never makes anybody wait for years.
const (
	leastShift = 365 * 24 * time.Hour
	shiftRange = 8 * 365 * 24 * time.Hour
)

func newMask() *mask {
	m := &mask{certs: make(map[[32]byte][]byte), keys: make(map[[32]byte]any), left: make(map[kept]*Remain)}
	cryptorand.Read(m.key[:]) // never fails
	seconds := m.draw("shift", "").Int64N(int64(shiftRange / time.Second))
	m.shift = -leastShift - time.Duration(seconds)*time.Second
	return m
}

// sum is the HMAC of a value of a kind.
func (m *mask) sum(kind, real string) (out [32]byte) {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write([]byte(real))
	h.Sum(out[:0])
	return out
}

// draw returns the source that a value's pseudonym is drawn from.
func (m *mask) draw(kind, real string) *rand.Rand {
	return rand.New(rand.NewChaCha8(m.sum(kind, real)))
}

const (
	consonants = "bcdfghjklmnpqrstvwxz"
	vowels     = "aeiou"
	syllables  = 6 // 10^12 words: two of 60,000 names are alike once in 500 recordings

	hexDigits = "0123456789abcdef"
	digits    = "0123456789"
	small     = "abcdefghijklmnopqrstuvwxyz"
)

// word is the pseudonym of a name, in the same capitals: names that differ only in
// capitals have pseudonyms that differ only in capitals.
func (m *mask) word(real string) string {
	return capitals(real, utter(m.draw("word", strings.ToLower(real)), syllables))
}

func utter(r *rand.Rand, syllables int) string {
	b := make([]byte, 0, 2*syllables)
	for range syllables {
		b = append(b, consonants[r.IntN(len(consonants))], vowels[r.IntN(len(vowels))])
	}
	return string(b)
}

// capitals writes word the way like is written: small, capital, or capitals.
func capitals(like, word string) string {
	upper, lower, first := 0, 0, false
	for i, c := range like {
		switch {
		case unicode.IsUpper(c):
			upper++
			first = first || i == 0
		case unicode.IsLower(c):
			lower++
		}
	}
	switch {
	case upper == 0:
		return word
	case lower == 0 && upper > 1:
		return strings.ToUpper(word)
	case first:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word[:1] + strings.ToUpper(word[1:2]) + word[2:]
}

// phrase is the pseudonym of a name of several words.
func (m *mask) phrase(words []string) string {
	if len(words) == 1 {
		return m.word(words[0])
	}
	r := m.draw("phrase", strings.ToLower(strings.Join(words, " ")))
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = capitals(w, utter(r, 3))
	}
	return strings.Join(out, " ")
}

// sentence is the pseudonym of a text that somebody wrote.
func (m *mask) sentence(real string) string {
	return "text " + utter(m.draw("text", real), syllables)
}

// hex replaces the hexadecimal digits of an ID and leaves what is between them. IDs
// are compared without regard to capitals. As many as a GUID has become one of version 4.
func (m *mask) hex(real string) string {
	lower := strings.ToLower(real)
	if strings.Trim(lower, "0-{}") == "" {
		return real // the ID of nothing
	}
	bare := strings.Map(func(c rune) rune {
		if strings.ContainsRune(hexDigits, c) {
			return c
		}
		return -1
	}, lower)
	r := m.draw("hex", bare)
	out, n := []byte(lower), 0
	for i := range out {
		if strings.IndexByte(hexDigits, out[i]) < 0 {
			continue
		}
		out[i] = hexDigits[r.IntN(len(hexDigits))]
		switch n++; {
		case len(bare) != 32:
		case n == 13:
			out[i] = '4'
		case n == 17:
			out[i] = "89ab"[r.IntN(4)]
		}
	}
	if lower != real {
		return strings.ToUpper(string(out))
	}
	return string(out)
}

// digits replaces the digits of a number and leaves what is between them. The first one is
// a 1 if the number is long, so that who reads it into an integer can read its pseudonym.
func (m *mask) digits(real string) string {
	bare := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, real)
	r := m.draw("digits", bare)
	out, first := []byte(real), true
	for i, c := range out {
		if c < '0' || c > '9' {
			continue
		}
		switch {
		case !first:
			out[i] = digits[r.IntN(10)]
		case len(bare) >= 10:
			out[i] = '1'
		case c != '0' || len(bare) == 1:
			out[i] = digits[1+r.IntN(9)]
		}
		first = false
	}
	return string(out)
}

// opaque replaces what only its maker can read, by as many characters of the same classes.
func (m *mask) opaque(real string) string {
	alphabet := ""
	if strings.ContainsAny(real, small) {
		alphabet += small
	}
	if strings.ContainsAny(real, strings.ToUpper(small)) {
		alphabet += strings.ToUpper(small)
	}
	if strings.ContainsAny(real, digits) || alphabet == "" {
		alphabet += digits
	}
	r := m.draw("opaque", real)
	var b strings.Builder
	for _, c := range real {
		if strings.ContainsRune("=-_.~/+:|", c) {
			b.WriteRune(c)
		} else {
			b.WriteByte(alphabet[r.IntN(len(alphabet))])
		}
	}
	return b.String()
}

// bytes returns as many bytes as there are in real.
func (m *mask) bytes(real []byte) []byte {
	r := m.draw("bytes", string(real))
	out := make([]byte, len(real))
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}
