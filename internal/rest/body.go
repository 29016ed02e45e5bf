package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// encode marshals a request's body.
func encode(v any) (body []byte, contentType string, err error) {
	const jsonType = "application/json"
	switch v := v.(type) {
	case nil:
		return nil, "", nil
	case json.RawMessage:
		return v, jsonType, nil
	case []byte:
		return v, jsonType, nil
	case url.Values:
		return []byte(v.Encode()), "application/x-www-form-urlencoded", nil
	}
	body, err = json.Marshal(v)
	if err != nil {
		return nil, "", fmt.Errorf("encoding the request: %w", err)
	}
	return body, jsonType, nil
}

// Body takes a 2xx body raw, in a buffer that is used again when the reader is done
// with it: the pages of a long list are hundreds of megabytes.
type Body struct {
	Bytes []byte
	buf   *bytes.Buffer
	pool  *sync.Pool
}

// maxPooled is how large a buffer may be that is kept for the next page.
const maxPooled = 2 << 20

// Release gives the buffer back: neither b.Bytes nor the Body of its [Response] may be
// read after it. Where it is not called, the buffer is left to who still reads it.
func (b *Body) Release() {
	if b.buf != nil && b.buf.Cap() <= maxPooled {
		b.pool.Put(b.buf)
	}
	*b = Body{}
}

// decode unmarshals a 2xx body. Where nobody wants the body, everything is good
// but a page of HTML: it shows that something else answered than the service.
func decode(h http.Header, body []byte, out any) error {
	switch out := out.(type) {
	case nil:
		if _, ok := HTMLPage(h, body); ok {
			return ErrNotJSON
		}
		return nil
	case *[]byte:
		*out = body
		return nil
	case *Body:
		out.Bytes = body
		return nil
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	err := json.Unmarshal(body, out)
	if err == nil {
		return nil
	}
	if _, ok := HTMLPage(h, body); ok {
		return ErrNotJSON
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input" {
		return fmt.Errorf("%w: %w", ErrNotJSON, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("%w but %s: %w", ErrNotJSON, What(body), err)
}
