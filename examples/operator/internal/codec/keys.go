package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// keySize is the length of a key in bytes: AES-256.
const keySize = 32

// Keys are keys of payloads. No way of printing them shows one.
type Keys struct {
	list []key // the first encrypts
}

// key is one of them. What it was made of is not kept.
type key struct {
	id   string
	aead cipher.AEAD // with a random nonce, which stands before what it encrypts
}

// ParseKeys reads keys, separated by commas. The first encrypts; all of them decrypt, so that a
// key is changed by writing a new one before the old, and the old one is taken away when no
// history that it encrypted is kept any more. A key is 32 random bytes in base64 (of either
// alphabet, with or without padding) or hexadecimal, such as "openssl rand -base64 32" makes.
// One key encrypts 2³² payloads at most.
//
// An error says which key is wrong by its place, and shows nothing of it.
func ParseKeys(text string) (Keys, error) {
	if strings.TrimSpace(text) == "" {
		return Keys{}, errors.New("there is no key: 32 bytes in base64 or hexadecimal are needed")
	}
	var keys Keys
	for i, part := range strings.Split(text, ",") {
		raw, ok := decodeKey(strings.TrimSpace(part))
		if !ok {
			return Keys{}, fmt.Errorf("key %d is not %d bytes in base64 or hexadecimal", i+1, keySize)
		}
		k, err := newKey(raw)
		if err != nil {
			return Keys{}, fmt.Errorf("key %d cannot be used", i+1)
		}
		if j := slices.IndexFunc(keys.list, func(other key) bool { return other.id == k.id }); j >= 0 {
			return Keys{}, fmt.Errorf("key %d is the same as key %d", i+1, j+1)
		}
		keys.list = append(keys.list, k)
	}
	return keys, nil
}

// decodeKey reads one key. 64 hexadecimal digits are base64 as well, of too many bytes.
func decodeKey(s string) ([]byte, bool) {
	if len(s) == hex.EncodedLen(keySize) {
		raw, err := hex.DecodeString(s)
		return raw, err == nil
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSuffix(s, "="))
	raw, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return raw, err == nil && len(raw) == keySize
}

func newKey(raw []byte) (key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("jcaad operator: the name of a payload key"))
	return key{id: hex.EncodeToString(mac.Sum(nil)[:8]), aead: aead}, nil
}

// IDs are the names of the keys, in their order, as payloads carry them. They tell keys apart,
// and nothing of what they are.
func (k Keys) IDs() []string {
	ids := make([]string, len(k.list))
	for i, one := range k.list {
		ids[i] = one.id
	}
	return ids
}

// String is the names of the keys.
func (k Keys) String() string { return "payload keys " + strings.Join(k.IDs(), ", ") }

// Format prints what String says, whatever is asked for.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }
