package jumpcloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/internal/jsonscan"
	"github.com/jcaad/jcaad/internal/rest"
)

// Event is what happened in an organisation, as Directory Insights tells it. Which
// members an event has depends on its type, and is published for few.
type Event struct {
	ID      string
	Type    string // event_type: "sso_auth" for a sign-in to an application
	Service string // "sso" for those
	At      time.Time

	By           Actor
	Organization string
	Application  EventApplication

	ClientIP     string
	IDPInitiated bool   // the person started at JumpCloud, not at the application
	Message      string // error_message or message: why something failed, if the event says so

	// Success is what the event says of it, nil if it says nothing: most types have
	// no such member. See [Event.Failed].
	Success *bool

	// Raw is the whole event as JumpCloud sent it. It names people.
	Raw json.RawMessage
}

// Actor is who caused an event.
type Actor struct {
	Type     string // "systemuser" or "user" (an administrator)
	ID       string
	Username string // may be an address
}

// EventApplication is the application of a sign-in.
type EventApplication struct{ ID, Name, Label, SSOURL string }

// Failed reports whether the event tells of a failure: by its member success, or by
// a type that ends in "_failed", as in "sso_auth_failed". Which of them JumpCloud
// writes for a sign-in that was refused has not been published, nor whether it writes
// any; so a sign-in without a sign of failure is one that JumpCloud let pass, and says
// nothing of what the application made of it.
func (e *Event) Failed() bool {
	return e.Success != nil && !*e.Success || strings.HasSuffix(e.Type, "_failed") || strings.HasSuffix(e.Type, "_failure")
}

// UnmarshalJSON reads an event. Members that are of another kind than in JumpCloud's
// table of events, which does not agree with its own examples, are left empty.
func (e *Event) UnmarshalJSON(b []byte) error {
	m, err := members(b)
	if err != nil {
		return err
	}
	*e = Event{
		ID: loose(m["id"]), Type: loose(m["event_type"]), Service: loose(m["service"]), At: parseTime(loose(m["timestamp"])),
		ClientIP: loose(m["client_ip"]), IDPInitiated: loose(m["idp_initiated"]) == "true", Raw: slices.Clone(b),
	}
	for _, key := range []string{"error_message", "message"} {
		if e.Message == "" {
			e.Message = loose(m[key])
		}
	}
	if v, err := strconv.ParseBool(loose(m["success"])); err == nil {
		e.Success = &v
	}
	e.Organization = loose(m["organization"])
	if o, err := members(m["organization"]); err == nil && e.Organization == "" {
		e.Organization = loose(o["id"])
	}
	if by, err := members(m["initiated_by"]); err == nil {
		e.By = Actor{Type: loose(by["type"]), ID: loose(by["id"]), Username: loose(by["username"])}
		if e.By.Username == "" {
			e.By.Username = loose(by["email"])
		}
	}
	if a, err := members(m["application"]); err == nil {
		e.Application = EventApplication{ID: loose(a["id"]), Name: loose(a["name"]), Label: loose(a["display_label"]),
			SSOURL: loose(a["sso_url"])}
	}
	return nil
}

var errNoObject = errors.New("it is no object")

// members are the members of an object.
func members(b []byte) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil || m == nil {
		return nil, errNoObject
	}
	return m, nil
}

// loose is a string, a number or a truth value as text, "" for anything else.
func loose(b json.RawMessage) string {
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.ContainsAny(b[:1], `{["n`) {
		return ""
	}
	return string(b)
}

// EventsOptions select events.
type EventsOptions struct {
	// From is when the first one may have happened. The default is an hour ago. JumpCloud
	// keeps events for a time that the organisation pays for.
	From time.Time

	// To is when the last one may have happened. The default is no limit.
	To time.Time

	// Services are the parts of JumpCloud that tell of themselves, such as "sso",
	// "directory" or "all". The default is "sso": sign-ins to applications.
	Services []string

	// Types are the types that are wanted, such as "sso_auth". The default is all.
	Types []string

	// ApplicationID, if not empty, leaves only what happened with this application.
	ApplicationID string

	// NewestFirst lists what happened last before what happened earlier.
	NewestFirst bool

	// MaxPages is how many pages are read, of up to 1000 events each, before the list
	// ends with [ErrTooManyPages]. The default is the client's, [Options.MaxPages], and
	// more than that are never read.
	MaxPages int
}

const (
	eventsRoute    = "insights/directory/v1/events"
	eventsPageSize = 1000
)

// Events lists what happened, oldest first unless the options say otherwise: POST /insights/directory/v1/events, at the
// region's own host for it; see [Options.InsightsURL]. It changes nothing, and a
// client that is [Options.ReadOnly] may call it. Which scope or role it needs
// is not published.
//
// An event is not there at once; how late it comes is not published either.
// So that none is seen, says nothing.
//
// Each range over the result starts again from the first event. Iteration ends after
// the first error. An event that comes late may be missed.
func (c *Client) Events(ctx context.Context, o EventsOptions) iter.Seq2[*Event, error] {
	o.Services, o.Types = slices.Clone(o.Services), slices.Clone(o.Types)
	if len(o.Services) == 0 {
		o.Services = []string{"sso"}
	}
	return func(yield func(*Event, error) bool) {
		q := map[string]any{"service": o.Services, "sort": "ASC", "limit": eventsPageSize}
		from := o.From
		if from.IsZero() {
			from = time.Now().Add(-time.Hour)
		}
		if o.NewestFirst {
			q["sort"] = "DESC"
		}
		q["start_time"] = from.UTC().Format(time.RFC3339Nano)
		if !o.To.IsZero() {
			q["end_time"] = o.To.UTC().Format(time.RFC3339Nano)
		}
		if len(o.Types) == 1 { // whether several can be asked for in one search is not published
			q["search_term"] = map[string]any{"and": map[string]string{"event_type": o.Types[0]}}
		}
		c.eachEvent(ctx, q, o, yield)
	}
}

// eachEvent reads page after page.
func (c *Client) eachEvent(ctx context.Context, q map[string]any, o EventsOptions, yield func(*Event, error) bool) {
	cursor, seen := "", ""
	for n := 1; ; n++ {
		r := &rest.Request{Method: http.MethodPost, Path: eventsRoute, Body: q, Class: rest.Read}
		if c != nil && (n > c.maxPages && c.maxPages > 0 || n > o.MaxPages && o.MaxPages > 0) {
			yield(nil, c.tooManyPages(r, n-1))
			return
		}
		var p eventsPage
		resp, err := c.readVia(ctx, c.events, r, &p)
		if err != nil {
			yield(nil, err)
			return
		}
		page := p.items
		for _, e := range page {
			if e.ID != "" && e.ID == seen {
				continue // the page may begin with the last one of the page before it
			}
			wanted := (len(o.Types) == 0 || slices.Contains(o.Types, e.Type)) && (o.ApplicationID == "" || e.Application.ID == o.ApplicationID)
			if wanted && !yield(e, nil) {
				return
			}
		}
		next := cmp.Or(resp.Header.Get("X-Search_after"), resp.Header.Get("X-Search-After"))
		limit, err := strconv.Atoi(resp.Header.Get("X-Limit"))
		told := err == nil && limit > 0
		switch {
		case len(page) == 0,
			told && len(page) < limit,
			!told && len(page) < eventsPageSize && next == "":
			return
		case !json.Valid([]byte(next)) || next == cursor:
			yield(nil, c.unusable(r, resp, resp.Attempts, errors.New("the page is full, and nothing says how to go on")))
			return
		}
		seen = page[len(page)-1].ID
		cursor = next
		q["search_after"] = json.RawMessage(next)
	}
}

// eventsPage is one page: a bare array, as JumpCloud's specification has it, or one in
// the envelope of its other lists. As everywhere, null is no list.
type eventsPage struct{ items []*Event }

func (p *eventsPage) decode(b []byte) error {
	s := jsonscan.New(b)
	p.items = nil
	var bad error
	all := elementsOf(&s)
	for ok := all.first(); ok; ok = all.next() {
		e := new(Event)
		if err := e.UnmarshalJSON(s.Skip()); err != nil && bad == nil {
			bad = fmt.Errorf("an event of the list: %w", err)
		}
		p.items = append(p.items, e)
	}
	_, err := all.end()
	if err == nil {
		err = bad
	}
	return err
}

// insights makes the caller of Directory Insights when it is first wanted: it has a host
// of its own, and with it connections and a pace.
func insights(cfg rest.Config) func() (*rest.Caller, error) {
	return sync.OnceValues(func() (*rest.Caller, error) { return rest.New(cfg) })
}

// events returns the caller of Directory Insights.
func (c *Client) events() (*rest.Caller, error) {
	caller, err := c.insights()
	if err != nil {
		return nil, fmt.Errorf("jumpcloud: %w", err)
	}
	return caller, nil
}

// insightsBase is where Directory Insights answers: the region's own host, or the one
// that stands in for JumpCloud.
func insightsBase(o *Options, domain string, base *url.URL, custom bool) (*url.URL, error) {
	switch {
	case o.InsightsURL != "":
		u, err := parseBase("Insights URL", o.InsightsURL)
		if err != nil {
			return nil, err
		}
		if _, err := rest.New(rest.Config{Base: u, HTTPClient: http.DefaultClient}); err != nil {
			return nil, fmt.Errorf("jumpcloud: Insights URL: %w", err)
		}
		return u, nil
	case custom:
		return base, nil
	}
	return parseBase("Insights URL", "https://api."+domain)
}
