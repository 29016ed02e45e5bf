package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/jsonscan"
)

// readArchive finds the messages in a HAR ({"log": {"entries": …}}), in an export
// of SAML-tracer ({"requests": …}), or in the fields of a form as JSON.
func readArchive(b []byte) ([]Message, error) {
	var found []Message
	type request struct{ raw, at []byte }
	var requests []request // those that may hold messages, of which the last are read
	read := readHAR
	s := jsonscan.New(b)
	keep := func(raw, at []byte) {
		if bytes.Contains(raw, []byte(fieldSAML)) || bytes.Contains(raw, []byte(fieldWSFed)) {
			requests = append(requests, request{raw, at})
		}
	}
	s.Object(func(key []byte) {
		switch string(key) {
		case "log":
			s.Object(func(key []byte) {
				if string(key) != "entries" {
					return
				}
				s.Array(func() {
					var raw, at []byte
					s.Object(func(key []byte) {
						switch string(key) {
						case "request":
							raw = s.Skip()
						case "startedDateTime":
							at = s.Skip()
						}
					})
					keep(raw, at)
				})
			})
		case "requests":
			read = readTrace
			s.Array(func() { keep(s.Skip(), nil) })
		case fieldSAML, fieldWSFed:
			var v string
			if json.Unmarshal(s.Skip(), &v) == nil {
				found = append(found, formField(string(key), v)...)
			}
		}
	})
	for _, r := range requests[max(0, len(requests)-2*maxMessages):] {
		var at time.Time
		if json.Unmarshal(r.at, &at) != nil {
			at = time.Time{} // of an entry without one
		}
		for _, m := range read(r.raw) {
			m.At = at
			found = append(found, m)
		}
	}
	// An archive that was cut off may hold what is looked for.
	switch err := s.End(); {
	case err == nil || len(found) > 0:
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("signin: an archive that is cut off before any message")
	default:
		return nil, errors.New("signin: it begins like an archive, and is not valid JSON")
	}
	return checked(found)
}

// formField returns the message in the value of a form field, if there is one.
func formField(name, value string) []Message {
	if name != fieldSAML && name != fieldWSFed {
		return nil
	}
	m, ok := decodeField(value)
	if !ok {
		return nil
	}
	m.Field = name
	return []Message{m}
}

// sent completes what is known of messages that went to an address.
func sent(found []Message, method, address string) []Message {
	for i := range found {
		m := &found[i]
		m.URL = withoutQuery(address)
		m.Binding = certs.BindingHTTPRedirect
		if strings.EqualFold(method, "POST") {
			m.Binding = certs.BindingHTTPPost
		}
	}
	return found
}

// readHAR reads the request of an entry.
func readHAR(raw []byte) []Message {
	var r struct {
		Method, URL string
		PostData    struct {
			Text   string
			Params []struct{ Name, Value string }
		}
	}
	if json.Unmarshal(raw, &r) != nil {
		return nil
	}
	if !strings.EqualFold(r.Method, "POST") {
		_, query, _ := strings.Cut(r.URL, "?")
		return sent(readFields(query), r.Method, r.URL)
	}
	found := readFields(r.PostData.Text)
	if len(found) == 0 {
		for _, p := range r.PostData.Params {
			found = append(found, formField(p.Name, p.Value)...)
		}
	}
	return sent(found, r.Method, r.URL)
}

// readTrace reads a request that SAML-tracer has exported.
func readTrace(raw []byte) []Message {
	var r struct {
		Method, URL string
		Get, Post   [][]string
	}
	if json.Unmarshal(raw, &r) != nil {
		return nil
	}
	fields := r.Post
	if !strings.EqualFold(r.Method, "POST") {
		fields = r.Get
	}
	var found []Message
	for _, f := range fields {
		if len(f) == 2 {
			found = append(found, formField(f[0], f[1])...)
		}
	}
	return sent(found, r.Method, r.URL)
}
