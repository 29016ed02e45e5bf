package aad

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
)

// list reads a collection of Graph, page by page, as far as it is asked for.
// A link to a page that was read already ends it with an error.
func list[T any](ctx context.Context, c *Client, request func() *rest.Request) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := make(map[string]bool)
		for link := ""; ; {
			var page struct {
				Value []*T   `json:"value"`
				Next  string `json:"@odata.nextLink"`
			}
			var err error
			r := request()
			if link == "" {
				_, err = c.do(ctx, r, &page)
			} else {
				err = c.follow(ctx, link, r, &page)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, v := range page.Value {
				if v != nil && !yield(v, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			if seen[page.Next] {
				yield(nil, repeatedLink(r))
				return
			}
			seen[page.Next] = true
			link = page.Next
		}
	}
}

// repeatedLink is the error for a list whose pages go round in a circle.
func repeatedLink(r *rest.Request) error {
	return &Error{Op: r.Method + " " + r.Path, Err: errors.New("the pages of the list go round in a circle"), meaning: ErrUnavailable}
}

// entity decodes one object, which some answers wrap in {"value": …}.
type entity[T any] struct{ v *T }

// UnmarshalJSON implements [json.Unmarshaler].
func (e *entity[T]) UnmarshalJSON(b []byte) error {
	var wrapped struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(b, &wrapped); err != nil {
		return err
	}
	switch w := bytes.TrimSpace(wrapped.Value); {
	case len(w) > 0 && w[0] == '{':
		b = w
	case len(w) > 0 && w[0] == '[':
		var all []json.RawMessage
		if err := json.Unmarshal(w, &all); err != nil {
			return err
		}
		if len(all) == 0 {
			return nil
		}
		b = all[0]
	}
	e.v = new(T)
	return json.Unmarshal(b, e.v)
}

// get returns the object; a body without one is an object without properties.
func (e *entity[T]) get() *T {
	if e.v == nil {
		return new(T)
	}
	return e.v
}

// timestamp decodes the dates of Graph: up to seven fraction digits, and now
// and then without a zone, which then is UTC. What is no date is the zero time.
type timestamp time.Time

// UnmarshalJSON implements [json.Unmarshaler].
func (t *timestamp) UnmarshalJSON(b []byte) error {
	*t = timestamp(parseTime(strings.Trim(string(b), `"`)))
	return nil
}

func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", time.DateOnly} {
		if v, err := time.Parse(layout, s); err == nil {
			return v.UTC()
		}
	}
	return time.Time{}
}

// quote makes s a string of an OData filter.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
