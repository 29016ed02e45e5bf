package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Time is a time as services write it: RFC 3339 with any number of fraction
// digits, without a zone (which means UTC), with a space for the T, a bare date,
// a Unix time in seconds; null and "" are the zero time. It is written as
// RFC 3339 in UTC, the zero time as null.
type Time struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(b []byte) error {
	s, isString, err := scalar(b)
	if err != nil {
		return fmt.Errorf("time: %w", err)
	}
	if s == "" {
		t.Time = time.Time{}
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && !isString {
		t.Time = time.Unix(n, 0).UTC()
		return nil
	}
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", time.DateOnly,
		"2006-01-02T15:04:05Z0700", time.RFC1123, time.RFC1123Z,
	} {
		if v, err := time.Parse(layout, s); err == nil { // takes any fraction
			t.Time = v
			return nil
		}
	}
	return fmt.Errorf("time: %q has no known form", s)
}

// MarshalJSON implements [json.Marshaler].
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC())
}

// Int is an integer that may come as a number, as a string, or as null, which
// is 0. It is written as a number.
type Int int64

// UnmarshalJSON implements [json.Unmarshaler].
func (n *Int) UnmarshalJSON(b []byte) error {
	s, _, err := scalar(b)
	if err != nil || s == "" {
		*n = 0
		return err
	}
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = Int(v)
		return nil
	}
	// 1e3 and 5.0 are integers, too.
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != float64(int64(f)) {
		return fmt.Errorf("%q is not an integer", s)
	}
	*n = Int(f)
	return nil
}

// Bool is a truth value that may come as a string, as a number, or as null,
// which is false. It is written as a JSON boolean.
type Bool bool

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Bool) UnmarshalJSON(b []byte) error {
	s, _, err := scalar(b)
	if err != nil || s == "" {
		*v = false
		return err
	}
	x, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return fmt.Errorf("%q is not a truth value", s)
	}
	*v = Bool(x)
	return nil
}

// scalar returns the text of a JSON scalar; null is "".
func scalar(b []byte) (s string, isString bool, err error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || bytes.Equal(b, []byte("null")):
		return "", false, nil
	case b[0] == '"':
		err = json.Unmarshal(b, &s)
		return strings.TrimSpace(s), true, err
	case b[0] == '{' || b[0] == '[':
		return "", false, fmt.Errorf("an object or a list where a scalar was expected")
	}
	return string(b), false, nil
}

// Unwrap takes {"value":{…}} from around an entity, which Graph sends at some
// places. Everything else, a list in "value" too, is returned as it is.
func Unwrap(b []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil {
		return b
	}
	value, ok := fields["value"]
	for k := range fields {
		if k != "value" && !strings.HasPrefix(k, "@odata.") {
			return b
		}
	}
	if value = bytes.TrimSpace(value); !ok || len(value) == 0 || value[0] != '{' {
		return b
	}
	return value
}

// Merge writes the typed view v back over the object raw that it was decoded
// from. What v does not know survives, and so does the spelling of what was not
// changed: only the fields in which v differs from a fresh view of raw are
// replaced, in nested objects as well. A field that v has emptied and leaves
// out is removed. An empty raw is {}.
func Merge[T any](raw json.RawMessage, v T) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	t := reflect.TypeOf(v)
	if t == nil {
		return raw, nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	fresh := reflect.New(t)
	if err := json.Unmarshal(raw, fresh.Interface()); err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	before, err := json.Marshal(fresh.Interface())
	if err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	after, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	return overlay(raw, before, after)
}

// overlay applies the difference of before and after to raw.
func overlay(raw, before, after json.RawMessage) (json.RawMessage, error) {
	if bytes.Equal(before, after) {
		return raw, nil
	}
	r, ok1 := object(raw)
	b, ok2 := object(before)
	a, ok3 := object(after)
	if !ok1 || !ok2 || !ok3 {
		return after, nil
	}
	for k, now := range a {
		old, had := b[k]
		if had && bytes.Equal(old, now) {
			continue
		}
		if cur, ok := r[k]; ok && had {
			merged, err := overlay(cur, old, now)
			if err != nil {
				return nil, err
			}
			now = merged
		}
		r[k] = now
	}
	for k := range b {
		if _, still := a[k]; !still {
			delete(r, k)
		}
	}
	return json.Marshal(r)
}

func object(b json.RawMessage) (map[string]json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(b, &m) != nil || m == nil {
		return nil, false
	}
	return m, true
}
