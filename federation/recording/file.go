package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Version is the version of the file's form that this package writes, and the only one that it reads.
const Version = 1

// A Recording is an anonymised recording: requests and answers in the order in which they were
// asked. Its JSON is the form of a file.
type Recording struct {
	Version   int        `json:"version"`
	Exchanges []Exchange `json:"exchanges"`
}

// An Exchange is a request with its answer.
type Exchange struct {
	At     time.Time         `json:"at"` // when it was asked, moved like all times; whole seconds
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Body   json.RawMessage   `json:"body,omitempty"`
	Answer *Answer           `json:"answer,omitempty"` // nil: none came

	where string // method and URL without query
	done  bool
}

// An Answer is what a service has answered. At most one of JSON and Text is set.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Mark   bool              `json:"mark,omitempty"` // the body begins with a byte order mark
	Cut    bool              `json:"cut,omitempty"`  // the body broke off, or was not read to its end
	JSON   json.RawMessage   `json:"json,omitempty"`
	Text   string            `json:"text,omitempty"`
}

// WriteTo writes the recording as indented JSON, which ends with a line break. The same recording gives
// the same bytes.
func (r *Recording) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		return 0, fmt.Errorf("recording: %w", err)
	}
	n, err := w.Write(b.Bytes())
	return int64(n), err
}

// maxFile is the largest file that is read.
const maxFile = 256 << 20

// Read reads what WriteTo has written. It is strict: a member that it does not know, another version,
// or an exchange that cannot have happened is an error that says what was found, and where.
func Read(r io.Reader) (*Recording, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("recording: %w", err)
	case len(b) > maxFile:
		return nil, fmt.Errorf("recording: it is larger than %d MiB", maxFile>>20)
	case len(bytes.TrimSpace(b)) == 0:
		return nil, errors.New("recording: it is empty")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var rec Recording
	if err := d.Decode(&rec); err != nil {
		return nil, fmt.Errorf("recording: %s: %w", position(b, d.InputOffset(), err), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("recording: %s: something follows the recording", position(b, d.InputOffset(), nil))
	}
	if rec.Version != Version {
		return nil, fmt.Errorf("recording: it has version %d; this program reads version %d", rec.Version, Version)
	}
	for i := range rec.Exchanges {
		if err := rec.Exchanges[i].check(); err != nil {
			return nil, fmt.Errorf("recording: exchange %d: %w", i+1, err)
		}
		rec.Exchanges[i].done = true
	}
	return &rec, nil
}

// position is the line and column of an error.
func position(b []byte, offset int64, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(len(b))
	}
	before := b[:min(max(offset, 0), int64(len(b)))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}

// check refuses what cannot have been recorded.
func (x *Exchange) check() error {
	u, err := url.Parse(x.URL)
	switch {
	case x.Method == "":
		return errors.New("it has no method")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("its url %q is none of http or https", x.URL)
	}
	if err := checkHeader(x.Header); err != nil || x.Answer == nil {
		return err
	}
	switch a := x.Answer; {
	case a.Status < 100 || a.Status > 599:
		return fmt.Errorf("its answer has the status %d", a.Status)
	case a.JSON != nil && a.Text != "":
		return errors.New("its answer has both json and text")
	}
	return checkHeader(x.Answer.Header)
}

// checkHeader refuses headers that carry credentials.
func checkHeader(h map[string]string) error {
	for name := range h {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Authorization", "X-Api-Key", "Cookie", "Set-Cookie", "Proxy-Authorization":
			return fmt.Errorf("it has the header %s, which no recording has", name)
		}
	}
	return nil
}
