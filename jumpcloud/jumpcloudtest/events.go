package jumpcloudtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const eventsPath = "/insights/directory/v1/events"

// Failures is how events tell of a person who was refused, which nobody has published.
type Failures int

// The possibilities.
const (
	FailedType  Failures = iota // as events of the type sso_auth_failed
	SuccessFlag                 // all sso_auth have a member "success"
	NotTold                     // not at all
)

// Event is a sign-in to an application, or the attempt.
type Event struct {
	ID            string
	At            time.Time // by Server.Now
	ApplicationID string
	UserID        string  // empty if nobody has the name that was given
	Username      string  // as it was given, if nobody has it; empty if none was
	Refused       Refusal // empty: the person was signed in
	IDPInitiated  bool    // the service provider did not ask for it
	SecondFactor  bool    // one was given, now or earlier in the session
	NameID        string  // that was sent
}

// event is an Event with what else its wire form holds, which nobody changes later.
type event struct {
	Event
	since     time.Time
	app       map[string]string
	agent, ip string
}

// Events returns the truth about sign-ins, oldest first, whatever readers of the API
// see. What happens at the portal alone is none.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Event, len(s.idp.events))
	for i, e := range s.idp.events {
		out[i] = e.Event
	}
	return out
}

// tell keeps an event.
func (s *Server) tell(e *event) {
	e.ID = fmt.Sprintf("30b03bc3-be76-4919-%04x-%012x", s.number, len(s.idp.events)+1)
	e.At, e.since = s.now(), time.Now()
	s.idp.events = append(s.idp.events, e)
}

// event is what happened in the visit.
func (v *visit) event(why Refusal, nameID string) Event {
	e := Event{
		ApplicationID: v.app.id, Refused: why, NameID: nameID,
		IDPInitiated: v.r.Form.Get("SAMLRequest") == "" && v.r.Form.Get("wa") == "",
	}
	if v.user != nil {
		e.UserID, e.Username = v.user.ID, v.user.Username
	} else if v.r.Method == http.MethodPost {
		e.Username = v.r.PostForm.Get("username")
	}
	e.SecondFactor = v.session != nil && v.session.factor
	return e
}

func (v *visit) appPart() map[string]string {
	return map[string]string{
		"display_label": v.app.label(), "id": v.app.id, "name": v.app.text("name"), "sso_url": v.app.text("ssoUrl"),
	}
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// renderEvent is the event in the form of JumpCloud's example.
func (s *Server) renderEvent(e *event) map[string]any {
	by := map[string]string{"type": "systemuser", "username": e.Username}
	if e.UserID != "" {
		by["id"] = e.UserID
	}
	out := map[string]any{
		"id": e.ID, "event_type": "sso_auth", "timestamp": stamp(e.At), "initiated_by": by, "organization": s.orgID(),
		"application": e.app, "client_ip": e.ip, "useragent": map[string]string{"name": e.agent}, "geoip": map[string]string{},
		"idp_initiated": e.IDPInitiated, "service": "sso", "@version": "1",
	}
	switch s.Quirks.SignIn.Failures {
	case SuccessFlag:
		out["success"] = e.Refused == ""
	default:
		if e.Refused != "" {
			out["event_type"] = "sso_auth_failed"
		}
	}
	if e.Refused != "" {
		out["error_message"] = string(e.Refused)
	}
	return out
}

// services are those that tell of events.
var services = strings.Fields(`access_management alerts all asset_management directory ldap mdm notifications
	object_storage password_manager radius reports saas_app_management software sso systems`)

// listEvents is a search in the events.
func (s *Server) listEvents(c *call) reply {
	var q struct {
		Service []string `json:"service"`
		Start   string   `json:"start_time"`
		End     string   `json:"end_time"`
		Limit   int      `json:"limit"`
		Sort    string   `json:"sort"`
		After   []any    `json:"search_after"`
		Term    struct {
			And, Or, Not map[string]any
		} `json:"search_term"`
		Fields []string `json:"fields"`
	}
	if json.Unmarshal(raw(c.body), &q) != nil {
		return invalid("the request cannot be read")
	}
	if name := extraneous(asObject(c.body["search_term"]), "and or not", nil); name != "" {
		return unmodelled("the search term " + name + " of events")
	}
	start, err := time.Parse(time.RFC3339, q.Start)
	end := s.now()
	if err == nil && q.End != "" {
		end, err = time.Parse(time.RFC3339, q.End)
	}
	limit := cmp.Or(q.Limit, 1000)
	switch {
	case len(q.Service) == 0:
		return invalid("service is required")
	case slices.ContainsFunc(q.Service, func(name string) bool { return !slices.Contains(services, name) }):
		return unmodelled("a service that is none of " + strings.Join(services, ", "))
	case err != nil:
		return invalid("start_time and end_time must be RFC 3339")
	case limit < 0 || limit > 10_000:
		return invalid("limit must be from 1 to 10000")
	case q.Sort != "" && q.Sort != "ASC" && q.Sort != "DESC":
		return invalid("sort must be ASC or DESC")
	}
	var all []map[string]any
	if slices.Contains(q.Service, "sso") || slices.Contains(q.Service, "all") {
		for _, e := range s.idp.events {
			hidden := e.At.Before(start) || e.At.After(end) || time.Since(e.since) < s.EventLag ||
				e.Refused != "" && s.Quirks.SignIn.Failures == NotTold
			if m := s.renderEvent(e); !hidden && matches(m, q.Term.And, q.Term.Or, q.Term.Not) {
				all = append(all, m)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b map[string]any) int {
		return cmp.Compare(a["timestamp"].(string), b["timestamp"].(string))
	})
	if q.Sort != "ASC" {
		slices.Reverse(all)
	}
	if len(q.After) > 0 {
		id := q.After[len(q.After)-1]
		if i := slices.IndexFunc(all, func(m map[string]any) bool { return m["id"] == id }); i >= 0 {
			all = all[i+1:]
		}
	}
	return eventPage(all[:min(limit, len(all))], limit, cmp.Or(q.Sort, "DESC"), q.Fields)
}

func eventPage(all []map[string]any, limit int, sort string, fields []string) reply {
	after := []any{}
	if n := len(all); n > 0 {
		after = []any{all[n-1]["timestamp"], all[n-1]["id"]}
	}
	if len(fields) > 0 {
		for _, m := range all {
			for k := range m {
				if !slices.Contains(fields, k) {
					delete(m, k)
				}
			}
		}
	}
	if all == nil {
		all = []map[string]any{}
	}
	r := ok(all)
	r.header = map[string]string{
		"X-Result-Count": fmt.Sprint(len(all)), "X-Limit": fmt.Sprint(limit), "X-Sort": sort,
		"X-Search_after": string(raw(after)), "X-Request-Id": newElementID()[1:],
	}
	return r
}

// matches reports whether an event has all, one and none of some values.
func matches(m map[string]any, and, or, not map[string]any) bool {
	has := func(name string, want any) bool {
		var v any = m
		for _, part := range strings.Split(name, ".") {
			b, _ := json.Marshal(v)
			var o map[string]any
			json.Unmarshal(b, &o)
			v = o[part]
		}
		values, many := want.([]any)
		if !many {
			values = []any{want}
		}
		return slices.ContainsFunc(values, func(x any) bool { return fmt.Sprint(x) == fmt.Sprint(v) })
	}
	found := len(or) == 0
	for k, v := range or {
		found = found || has(k, v)
	}
	for k, v := range and {
		found = found && has(k, v)
	}
	for k, v := range not {
		found = found && !has(k, v)
	}
	return found
}
