package main

import (
	"fmt"
	"net/http"
)

// newPage is the page over the desk.
func (o *operator) newPage() (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintln(w, "This build has no page.")
	}), nil
}
