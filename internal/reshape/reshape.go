// Package reshape changes the answers of a stand-in on their way out, for the forms in
// which a service may say the same: what it leaves out, or calls by another name.
package reshape

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// Answer is what a stand-in is about to answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Serve serves r by next, and lets edit change the answer. Redirects pass as they are.
func Serve(w http.ResponseWriter, r *http.Request, next http.Handler, edit func(*Answer)) {
	b := &Buffer{Head: w.Header()}
	next.ServeHTTP(b, r)
	b.WriteHeader(http.StatusOK)
	a := &Answer{Status: b.Status, Header: b.Head, Body: b.Body.Bytes()}
	if a.Status/100 != 3 {
		edit(a)
	}
	if len(a.Body) > 0 {
		a.Header.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body) // the client may be gone
}

// JSON lets edit change the object that is the body; an answer without one stays.
func (a *Answer) JSON(edit func(map[string]any)) {
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	var o map[string]any
	if d.Decode(&o) != nil || o == nil {
		return
	}
	edit(o)
	if b, err := json.Marshal(o); err == nil { // it was read from JSON
		a.Body = b
	}
}

// Refuse makes the answer an error with a body in JSON.
func (a *Answer) Refuse(status int, body string) {
	a.Status, a.Body = status, []byte(body)
	a.Header.Set("Content-Type", "application/json; charset=utf-8")
}
