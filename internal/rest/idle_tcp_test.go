package rest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
)

// TestStalledOverTCP: closing the body wakes net/http's readers, of both protocols.
func TestStalledOverTCP(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		srv.EnableHTTP2 = http2
		srv.StartTLS()
		base, _ := url.Parse(srv.URL)
		c, err := rest.New(rest.Config{Base: base, HTTPClient: srv.Client(), Idle: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil)
		if f := failure(t, err); !errors.Is(err, rest.ErrStalled) || !f.OutcomeUnknown || time.Since(began) > 10*time.Second {
			t.Errorf("HTTP/2 %v: %+v after %v", http2, f, time.Since(began))
		}
		srv.Close()
	}
}
