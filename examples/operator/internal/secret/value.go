package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what is shown instead of a value.
const hidden = "[secret]"

// Value is a secret. It prints as "[secret]", whatever prints it: fmt with any verb,
// log/slog, encoding/json, xml and what else asks for a text. Only [Value.Reveal] tells it.
type Value struct {
	p *string // a pointer: package fmt shows an address of what it cannot ask
}

// NewValue returns s as a Value.
func NewValue(s string) Value { return Value{&s} }

// Reveal returns the secret itself, for the header of a request and nothing else.
func (v Value) Reveal() string {
	if v.p == nil {
		return ""
	}
	return *v.p
}

// IsZero reports whether there is no secret in v.
func (v Value) IsZero() bool { return v.p == nil || *v.p == "" }

// Equal reports whether both are the same secret, in a time that does not tell how much
// of it is.
func (v Value) Equal(w Value) bool {
	a, b := sha256.Sum256([]byte(v.Reveal())), sha256.Sum256([]byte(w.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns "[secret]".
func (v Value) String() string { return hidden }

// GoString returns "[secret]".
func (v Value) GoString() string { return hidden }

// Format writes "[secret]", for every verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON returns "[secret]" in quotes.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText returns "[secret]".
func (v Value) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns "[secret]".
func (v Value) LogValue() slog.Value { return slog.StringValue(hidden) }
