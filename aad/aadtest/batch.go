package aadtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/reshape"
)

// maxBatch is how many requests a batch may have.
const maxBatch = 20

// batchItem is a request in a batch.
type batchItem struct {
	ID, Method, URL string
	Headers         map[string]string
	Body            json.RawMessage
	DependsOn       []string
	AtomicityGroup  any // has no effect on the service either
}

// batch answers several reads at once. Writes in it are refused one by one.
func (s *Server) batch(operations http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.allow(w, r, "") {
			return
		}
		items, e := batchItems(r)
		if e != nil {
			refuse(w, e)
			return
		}
		status := make(map[string]int)
		responses := []object{}
		for left := items; len(left) > 0; {
			i := slices.IndexFunc(left, func(item batchItem) bool {
				return !slices.ContainsFunc(item.DependsOn, func(id string) bool { return status[strings.ToLower(id)] == 0 })
			})
			if i < 0 {
				refuse(w, bad("The requests of the batch depend on each other, or on one that is not there."))
				return
			}
			answer := s.batched(operations, r, left[i], status)
			status[strings.ToLower(left[i].ID)] = answer["status"].(int)
			responses = append(responses, answer)
			left = slices.Delete(slices.Clone(left), i, i+1)
		}
		write(w, http.StatusOK, object{"responses": responses})
	}
}

// batchItems reads a batch.
func batchItems(r *http.Request) ([]batchItem, *refusal) {
	body, e := decode(r)
	if e != nil {
		return nil, e
	}
	if len(r.URL.RawQuery) > 0 {
		return nil, notModelled("query parameters of $batch")
	}
	var items []batchItem
	d := json.NewDecoder(bytes.NewReader(body["requests"]))
	d.DisallowUnknownFields()
	if len(body) != 1 || d.Decode(&items) != nil || len(items) == 0 {
		return nil, bad("Invalid batch payload format.")
	}
	if len(items) > maxBatch {
		return nil, bad("Number of batch request steps exceeds the maximum value of %d.", maxBatch)
	}
	seen := make(map[string]bool)
	for _, item := range items {
		id := strings.ToLower(item.ID)
		if id == "" || item.Method == "" || item.URL == "" || seen[id] {
			return nil, bad("Invalid batch payload format.")
		}
		seen[id] = true
	}
	return items, nil
}

// batched answers one request of a batch.
func (s *Server) batched(operations http.Handler, outer *http.Request, item batchItem, status map[string]int) object {
	rec := &reshape.Buffer{Head: make(http.Header)} // it becomes a part of another answer
	failed := slices.ContainsFunc(item.DependsOn, func(id string) bool { return status[strings.ToLower(id)] >= 400 })
	u, err := url.Parse(item.URL)
	switch {
	case failed:
		refuse(rec, &refusal{http.StatusFailedDependency, "FailedDependency", "A request that this one depends on has failed."})
	case err != nil || u.IsAbs() || u.Host != "":
		refuse(rec, bad("Invalid URL in the batch: it is relative to the version."))
	case item.Method != http.MethodGet:
		refuse(rec, notModelled("%s in a batch", item.Method))
	case len(item.Body) > 0 && string(item.Body) != "null":
		refuse(rec, notModelled("a body of a GET in a batch"))
	default:
		in := outer.Clone(outer.Context())
		in.Method, in.Body, in.ContentLength = http.MethodGet, http.NoBody, 0
		in.URL = &url.URL{Path: "/v1.0/" + strings.TrimPrefix(u.Path, "/"), RawQuery: u.RawQuery}
		in.URL.RawPath = "/v1.0/" + strings.TrimPrefix(u.EscapedPath(), "/")
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length", "ConsistencyLevel"} {
			in.Header.Del(name)
		}
		for name, v := range item.Headers {
			in.Header.Set(name, v)
		}
		in.Header.Set("Authorization", outer.Header.Get("Authorization"))
		s.stamp(rec, in)
		s.serveGraph(operations, rec, in)
	}
	headers := make(map[string]string)
	for name := range rec.Head {
		headers[name] = rec.Head.Get(name)
	}
	answer := object{"id": item.ID, "status": max(rec.Status, http.StatusOK), "headers": headers}
	if rec.Body.Len() > 0 {
		answer["body"] = json.RawMessage(rec.Body.Bytes())
	}
	return answer
}
