package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a notice.
const (
	HeaderID        = "Idempotency-Key"
	HeaderTimestamp = "Jcaad-Timestamp"
	HeaderSignature = "Jcaad-Signature"
)

const (
	// KeyVariable is the environment variable that holds the key of notices.
	KeyVariable = "OPERATOR_NOTIFY_KEY"
	// Window is how far the timestamp of a notice may be from the receiver's clock, to
	// either side.
	Window = 5 * time.Minute
	// MaxBody is how long the body of a notice may be, in bytes.
	MaxBody = 4 << 10

	version  = "v1"
	leastKey = 32 // bytes
	mostKey  = 1024
)

// Errors of [Verify], beside those that say that a header or the body has another form.
var (
	ErrSignature = errors.New("notify: the signature is not of this key, timestamp and body")
	ErrWindow    = errors.New("notify: the timestamp is too far from this clock: an old notice, or a wrong clock")
)

// A Key signs notices, and tells those that it has signed. It never prints itself. The
// zero value signs nothing and believes nothing.
type Key struct{ b []byte }

// ParseKey reads the text of a key: 32 to 1,024 bytes, such as what openssl rand -hex 32
// prints. Space around it does not count. The error does not have the key in it.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	const how = ": set " + KeyVariable + " to what openssl rand -hex 32 prints"
	switch {
	case text == "":
		return Key{}, errors.New("there is no key for notices" + how)
	case len(text) < leastKey:
		return Key{}, fmt.Errorf("the key for notices has %d bytes, which is less than %d"+how, len(text), leastKey)
	case len(text) > mostKey:
		return Key{}, fmt.Errorf("the key for notices has more than %d bytes"+how, mostKey)
	}
	return Key{[]byte(text)}, nil
}

// Format implements [fmt.Formatter] and shows nothing of the key.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "key (not shown)") }

// MarshalText implements [encoding.TextMarshaler] and shows nothing of the key.
func (k Key) MarshalText() ([]byte, error) { return []byte("key (not shown)"), nil }

func (k Key) mac(timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, k.b)
	_, _ = io.WriteString(h, version+"."+timestamp+".")
	_, _ = h.Write(body)
	return h.Sum(nil)
}

// sign sets the headers of a notice.
func (k Key) sign(h http.Header, id string, body []byte, now time.Time) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	h.Set("Content-Type", "application/json")
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, version+"="+hex.EncodeToString(k.mac(timestamp, body)))
}

// Verify is for receivers: nil means that who has the key has sent this body, at most a
// [Window] from now, and that its id is that of the header [HeaderID]. It does not know
// whether the notice has come before: drop an id that was seen within the last day.
// While the key is replaced, call it with both. A body of more than [MaxBody] bytes is
// refused, so read no more than one byte above.
func Verify(h http.Header, body []byte, key Key, now time.Time) error {
	if len(key.b) == 0 {
		return errors.New("notify: there is no key to verify by")
	}
	if len(body) > MaxBody {
		return fmt.Errorf("notify: the body has more than %d bytes", MaxBody)
	}
	timestamp, err := one(h, HeaderTimestamp)
	if err != nil {
		return err
	}
	signature, err := one(h, HeaderSignature)
	if err != nil {
		return err
	}
	id, err := one(h, HeaderID)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	// One spelling: no sign, no leading zero, nothing before 1970 or after the year 9999.
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp || seconds < 0 || seconds > 253402300799 {
		return fmt.Errorf("notify: the header %s is no count of seconds", HeaderTimestamp)
	}
	text, ok := strings.CutPrefix(signature, version+"=")
	mac, err := hex.DecodeString(text)
	if !ok || err != nil || len(mac) != sha256.Size || strings.ToLower(text) != text {
		return fmt.Errorf("notify: the header %s is not of the form %s= and 64 hexadecimal digits in lower case", HeaderSignature, version)
	}
	if !hmac.Equal(mac, key.mac(timestamp, body)) {
		return ErrSignature
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > Window || d < -Window {
		return ErrWindow
	}
	var n struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &n); err != nil {
		return errors.New("notify: the body is signed and is no notice")
	}
	if n.ID != id {
		return fmt.Errorf("notify: the header %s is not the id of the notice, which is signed", HeaderID)
	}
	return nil
}

// one returns the header, which must be there once.
func one(h http.Header, name string) (string, error) {
	switch v := h.Values(name); {
	case len(v) == 0:
		return "", fmt.Errorf("notify: the header %s is missing", name)
	case len(v) > 1:
		return "", fmt.Errorf("notify: the header %s is there %d times", name, len(v))
	default:
		return v[0], nil
	}
}
