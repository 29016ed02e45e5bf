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
	left := maxDecoded
	type request struct{ raw, at []byte }
	var requests []request // those that may hold messages, of which the last are read
	read := readHAR
	s := jsonscan.New(b)
	keep := func(raw, at []byte) {
		if bytes.Contains(raw, []byte(fieldSAML)) || bytes.Contains(raw, []byte(fieldWSFed)) || bytes.Contains(raw, []byte(`"base64"`)) {
			requests = append(requests, request{raw, at})
		}
	}
	for key, ok := s.Object(); ok; key, ok = s.Field() {
		switch string(key) {
		case "log":
			readLog(&s, keep)
		case "requests":
			read = readTrace
			for ok := s.Array(); ok; ok = s.Element() {
				keep(s.Skip(), nil)
			}
		case fieldSAML, fieldWSFed:
			var v string
			if json.Unmarshal(s.Skip(), &v) == nil {
				found = append(found, formField(string(key), v, &left)...)
			}
		}
	}
	// From the last on, so that it is the first ones for which nothing is left.
	read1 := func(r request) []Message {
		var at time.Time
		if json.Unmarshal(r.at, &at) != nil {
			at = time.Time{} // of an entry without one
		}
		all := read(r.raw, &left)
		for i := range all {
			all[i].At = at
		}
		return all
	}
	requests = requests[max(0, len(requests)-maxRequests):]
	for bytesLeft := 2 * maxDecoded; len(requests) > 0 && len(found) < maxMessages && left > 0; {
		r := requests[len(requests)-1]
		requests = requests[:len(requests)-1]
		if bytesLeft -= len(r.raw); bytesLeft < 0 {
			break
		}
		found = append(read1(r), found...)
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

// readLog gives the requests of a HAR's log to keep, as they stand, with their times.
func readLog(s *jsonscan.Scanner, keep func(raw, at []byte)) {
	for key, ok := s.Object(); ok; key, ok = s.Field() {
		if string(key) != "entries" {
			continue
		}
		for ok := s.Array(); ok; ok = s.Element() {
			var raw, at []byte
			for key, ok := s.Object(); ok; key, ok = s.Field() {
				switch string(key) {
				case "request":
					raw = s.Skip()
				case "startedDateTime":
					at = s.Skip()
				}
			}
			keep(raw, at)
		}
	}
}

// maxRequests is how many requests of an archive are read, the last ones, of those in
// which something like a message stands. A sign-in has a few.
const maxRequests = 2000

// formField returns the message in the value of a form field, if there is one.
func formField(name, value string, left *int) []Message {
	if name != fieldSAML && name != fieldWSFed {
		return nil
	}
	m, ok := decodeField(value, left)
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
func readHAR(raw []byte, left *int) []Message {
	var r struct {
		Method, URL string
		PostData    struct {
			Text string
			// Some write the bytes of the body in base64, as HAR has it of answers.
			Encoding string
			Params   []struct{ Name, Value string }
		}
	}
	if json.Unmarshal(raw, &r) != nil {
		return nil
	}
	if !strings.EqualFold(r.Method, "POST") {
		_, query, _ := strings.Cut(r.URL, "?")
		return sent(readFields(query, left), r.Method, r.URL)
	}
	if body, ok := decodeBase64(r.PostData.Text); ok && r.PostData.Encoding == "base64" {
		r.PostData.Text = string(body)
	}
	found := readFields(r.PostData.Text, left)
	if len(found) == 0 {
		for _, p := range r.PostData.Params {
			found = append(found, formField(p.Name, p.Value, left)...)
		}
	}
	return sent(found, r.Method, r.URL)
}

// readTrace reads a request that SAML-tracer has exported.
func readTrace(raw []byte, left *int) []Message {
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
			found = append(found, formField(f[0], f[1], left)...)
		}
	}
	return sent(found, r.Method, r.URL)
}
