package aadtest

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// stamp sets the headers that every answer has.
func (s *Server) stamp(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	id := s.newID(0xffff)
	s.mu.Unlock()
	h := w.Header()
	h.Set("request-id", id)
	h.Set("client-request-id", id)
	if own := r.Header.Get("client-request-id"); own != "" {
		h.Set("client-request-id", own)
	}
	if isGraph(r) {
		h.Set("x-ms-resource-unit", fmt.Sprint(cost(r)))
	}
}

// cost is what a request costs in resource units.
func cost(r *http.Request) int {
	n := 1
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/users") {
		n = 2
	}
	if strings.HasSuffix(r.URL.Path, "/domainNameReferences") {
		n = 4
	}
	if strings.Contains(r.URL.Path, "/transitiveMembers") {
		n = 5
	}
	q := r.URL.Query()
	if q.Has("$select") {
		n--
	}
	if q.Has("$expand") {
		n++
	}
	return max(n, 1)
}

// refusal is an answer that is an error.
type refusal struct {
	status        int
	code, message string
}

func bad(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "Request_BadRequest", fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "Request_UnsupportedQuery", fmt.Sprintf(format, args...)}
}

func notFound(what string) *refusal {
	return &refusal{http.StatusNotFound, "Request_ResourceNotFound",
		fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", what)}
}

func sameKey(status int, property string) *refusal {
	return &refusal{status, "Request_MultipleObjectsWithSameKeyValue",
		fmt.Sprintf("Another object with the same value for property %s already exists.", property)}
}

// refuse writes an error as Graph does. Its date has no zone.
func refuse(w http.ResponseWriter, e *refusal) {
	write(w, e.status, map[string]any{"error": map[string]any{
		"code":    e.code,
		"message": e.message,
		"innerError": map[string]any{
			"date":              time.Now().UTC().Format("2006-01-02T15:04:05"),
			"request-id":        w.Header().Get("request-id"),
			"client-request-id": w.Header().Get("client-request-id"),
		},
	}})
}

// write writes a JSON answer.
func write(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(status)
	w.Write(b)
}

// object is a JSON object.
type object map[string]any

// entity writes one object.
func (s *Server) entity(w http.ResponseWriter, r *http.Request, status int, context string, v object) {
	v = picked(r, v)
	if s.Quirks.WrapEntities {
		write(w, status, object{"@odata.context": metadata(r, context), "value": v})
		return
	}
	v["@odata.context"] = metadata(r, context)
	write(w, status, v)
}

// list writes the page of a collection that the request asks for.
func (s *Server) list(w http.ResponseWriter, r *http.Request, context string, all []object) *refusal {
	return s.page(w, r, context, all, len(all))
}

// page is list for pages of at most size.
func (s *Server) page(w http.ResponseWriter, r *http.Request, context string, all []object, size int) *refusal {
	if s.PageSize > 0 {
		size = min(size, s.PageSize)
	}
	from, e := position(r)
	if e != nil {
		return e
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	list := make([]object, 0, to-from)
	for _, o := range all[from:to] {
		list = append(list, picked(r, o))
	}
	body := object{"@odata.context": metadata(r, context), "value": list}
	if s.Quirks.NullLists && from == to {
		body["value"] = nil
	}
	if to < len(all) {
		body["@odata.nextLink"] = s.nextLink(r, fmt.Sprint(to))
	}
	write(w, http.StatusOK, body)
	return nil
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

func metadata(r *http.Request, context string) string {
	return scheme(r) + "://" + r.Host + "/v1.0/$metadata#" + context
}

// nextLink is the address of the page from token on.
func (s *Server) nextLink(r *http.Request, token string) string {
	u := *asked(r).url
	q := u.Query()
	q.Set("$skiptoken", token)
	u.RawQuery = q.Encode()
	u.Scheme, u.Host = scheme(r), r.Host
	if s.Quirks.NextLinkHost != "" {
		u.Host = s.Quirks.NextLinkHost
	}
	return u.String()
}

// decode reads the body of a request. Microsoft's own clients compress it.
func decode(r *http.Request) (map[string]json.RawMessage, *refusal) {
	body := io.Reader(r.Body)
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, bad("Unable to read the request body.")
		}
		body = z
	default: // at this they send it again as it is
		return nil, &refusal{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "Content-Encoding " + encoding + " is not supported."}
	}
	b, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		return nil, bad("Unable to read the request body.")
	}
	if len(b) == 0 {
		return nil, nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, bad("Write requests (excluding DELETE) must contain the Content-Type header declaration.")
	}
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(b, &properties); err != nil || properties == nil {
		return nil, bad("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	return properties, nil
}

// noBody refuses what the body of an action says that takes none.
func noBody(r *http.Request) *refusal {
	body, e := decode(r)
	if e == nil && len(body) > 0 {
		return notModelled("the body of an action that takes none")
	}
	return e
}

// text returns a string of a body; "" for null, for what is no string and for what is not there.
func text(body map[string]json.RawMessage, name string) string {
	var s string
	json.Unmarshal(body[name], &s)
	return s
}
