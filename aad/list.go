package aad

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
)

// collection is the array of a list. A list without one, such as an error with
// status 200, is no list: to take it for an empty one would be a lie.
type collection[T any] struct {
	items []*T
	read  bool
}

// UnmarshalJSON implements [json.Unmarshaler]. Here null is an empty list.
func (v *collection[T]) UnmarshalJSON(b []byte) error {
	v.read = true
	return json.Unmarshal(b, &v.items)
}

var (
	errNoList = errors.New("the answer holds no list")
	errNoID   = errors.New("the ID is empty")
	errHollow = errors.New("the answer holds no object with an ID")
)

// unusable is the error for a 2xx answer that is not what was promised.
func unusable(r *rest.Request, resp *rest.Response, err error) error {
	e := newError(&rest.Failure{
		Method: r.Method, Path: r.Path, Permission: r.Permission,
		Status: resp.Status, Header: resp.Header, Body: resp.Body, RequestID: resp.RequestID, Attempts: resp.Attempts,
		OutcomeUnknown: r.Class != rest.Read, // a write has been made, and nobody has seen it
		Err:            fmt.Errorf("%w: it is %s", err, rest.What(resp.Body)),
	})
	return identify(e, r.Header.Get("client-request-id"))
}

// failed is a list that ends before its first request.
func failed[T any](r *rest.Request, errs ...error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, invalid(r.Method+" "+r.Path, errs...)) }
}

// list reads a collection of Graph, page by page, as far as it is asked for. A
// link to a page that was read already ends it with an error, and so does a page
// too many.
func list[T any](ctx context.Context, c *Client, request func() *rest.Request) iter.Seq2[*T, error] {
	return listUpTo[T](ctx, c, 0, request)
}

// listUpTo is list with a bound of its own; 0 is the client's.
func listUpTo[T any](ctx context.Context, c *Client, pages int, request func() *rest.Request) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := make(map[string]bool)
		for link := ""; ; {
			var page struct {
				Value collection[T] `json:"value"`
				Next  string        `json:"@odata.nextLink"`
			}
			r := request()
			resp, err := c.get(ctx, link, r, &page)
			if err == nil && !page.Value.read {
				err = unusable(r, resp, errNoList)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, v := range page.Value.items {
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
			if seen[page.Next] = true; len(seen) == c.maxPages || len(seen) == pages {
				yield(nil, tooManyPages(r, len(seen)))
				return
			}
			link = page.Next
		}
	}
}

// repeatedLink is the error for a list whose pages go round in a circle.
func repeatedLink(r *rest.Request) error {
	return &Error{Op: r.Method + " " + r.Path, Err: errors.New("the pages of the list go round in a circle"), meaning: ErrUnavailable}
}

// tooManyPages is the error for a list that does not end.
func tooManyPages(r *rest.Request, pages int) error {
	return &Error{
		Op: r.Method + " " + r.Path, meaning: ErrTooManyPages,
		Err: fmt.Errorf("the list has more than %d pages: if it is really that long, raise Options.MaxPages", pages),
	}
}

// entity decodes one object, which some answers wrap in {"value": …}.
type entity[T any] struct {
	v    *T
	none bool // it came as an empty list
}

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
		if e.none = len(all) == 0; e.none {
			return nil
		}
		b = all[0]
	}
	e.v = new(T)
	return json.Unmarshal(b, e.v)
}

// get returns the object, or an error if the answer did not hold one with an ID.
func (e *entity[T]) get(r *rest.Request, resp *rest.Response, id func(*T) string) (*T, error) {
	if e.v == nil || id(e.v) == "" {
		return nil, unusable(r, resp, errHollow)
	}
	return e.v, nil
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
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
		time.DateOnly} {
		if v, err := time.Parse(layout, s); err == nil {
			return v.UTC()
		}
	}
	return time.Time{}
}

// quote makes s a string of an OData filter.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
