package signin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/jsonscan"
)

// readArchive finds the messages in a HAR ({"log": {"entries": …}}), in an export
// of SAML-tracer ({"requests": …}), or in the fields of a form as JSON.
func readArchive(b []byte) ([]Message, error) {
	var found []Message
	s := jsonscan.New(b)
	request := func(read func([]byte) []Message) {
		raw := s.Skip()
		if bytes.Contains(raw, []byte(fieldSAML)) || bytes.Contains(raw, []byte(fieldWSFed)) {
			found = append(found, read(raw)...)
			found = found[max(0, len(found)-maxMessages):]
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
					s.Object(func(key []byte) {
						if string(key) == "request" {
							request(readHAR)
						}
					})
				})
			})
		case "requests":
			s.Array(func() { request(readTrace) })
		case fieldSAML, fieldWSFed:
			var v string
			if json.Unmarshal(s.Skip(), &v) == nil {
				found = append(found, formField(string(key), v)...)
			}
		}
	})
	// An archive that was cut off may hold what is looked for.
	if err := s.End(); err != nil && len(found) == 0 {
		return nil, fmt.Errorf("signin: an archive that cannot be read: %w", err)
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
