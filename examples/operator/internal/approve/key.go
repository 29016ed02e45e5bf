package approve

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// KeyVariable is the environment variable that holds the key of approvals.
const KeyVariable = "OPERATOR_APPROVAL_KEY"

const (
	leastKey = 32 // bytes
	mostKey  = 1024
	// leastVariety keeps out keys that somebody has typed to get on.
	leastVariety = 8
)

// A Key signs approvals, and tells those that it has signed. It never prints itself.
// The zero value signs nothing.
type Key struct{ b []byte }

// ParseKey reads the text of a key: 32 to 1,024 bytes, such as what openssl rand -hex
// 32 prints. Space around it does not count. The error does not have the key in it.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	const how = ": set " + KeyVariable + " to what openssl rand -hex 32 prints, the same for each start"
	seen := make(map[byte]bool)
	for _, b := range []byte(text) {
		seen[b] = true
	}
	switch {
	case text == "":
		return Key{}, errors.New("there is no key for approvals" + how)
	case len(text) < leastKey:
		return Key{}, fmt.Errorf("the key for approvals has %d bytes, which is less than %d"+how, len(text), leastKey)
	case len(text) > mostKey:
		return Key{}, fmt.Errorf("the key for approvals has more than %d bytes"+how, mostKey)
	case len(seen) < leastVariety:
		return Key{}, errors.New("the key for approvals can be guessed: it has too few different characters" + how)
	}
	return Key{[]byte(text)}, nil
}

// Format implements [fmt.Formatter] and shows nothing of the key.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "key (not shown)") }

// MarshalText implements [encoding.TextMarshaler] and shows nothing of the key.
func (k Key) MarshalText() ([]byte, error) { return []byte("key (not shown)"), nil }
