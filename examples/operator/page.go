package main

import (
	"net/http"

	"github.com/jcaad/jcaad/examples/operator/internal/page"
)

// newPage is the page over the desk.
func (o *operator) newPage() (http.Handler, error) {
	return page.New(page.Options{Backend: o.desk, Guard: o.guard, Now: o.clock.Now, Log: o.log, Demonstration: o.demonstration})
}
