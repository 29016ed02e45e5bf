package reshape

import (
	"bytes"
	"net/http"
)

// Buffer is a [http.ResponseWriter] that holds an answer back. Head is what the handler
// finds there; informational answers go.
type Buffer struct {
	Head   http.Header
	Status int // 0: nothing was answered yet
	Body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (b *Buffer) Header() http.Header { return b.Head }

// WriteHeader implements [http.ResponseWriter]. The first one counts.
func (b *Buffer) WriteHeader(status int) {
	if b.Status == 0 && status >= 200 {
		b.Status = status
	}
}

// Write implements [http.ResponseWriter].
func (b *Buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.Body.Write(p)
}
