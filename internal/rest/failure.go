package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Failure is what a client makes its error from. It has neither secrets nor a
// query in it. If the service answered, Status is set even when the body is
// useless; if Attempts is 0, nothing was sent.
type Failure struct {
	Method     string
	Path       string // the template
	Permission string // as in the Request

	Status    int // 0: no answer
	Header    http.Header
	Body      []byte // at most 64 KiB
	RequestID string
	Attempts  int

	// RetryAfter is how long the service asked to wait, if it did.
	RetryAfter time.Duration

	// Throttled says that the call ended because the service, or what it had
	// said before, allowed no more requests.
	Throttled bool

	// OutcomeUnknown says that a write may have taken effect: an attempt got
	// no answer, a 5xx, or a 2xx whose body could not be read. Look before
	// it is sent again.
	OutcomeUnknown bool

	// Err is why there is no answer, why its body is useless, or why no
	// further attempt was made. It is nil if the answer says it all.
	Err error
}

// Error describes f in one line.
func (f *Failure) Error() string {
	s := f.Method + " " + f.Path
	if f.Status != 0 {
		s += fmt.Sprintf(": status %d", f.Status)
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	if f.RequestID != "" {
		s += " (request " + f.RequestID + ")"
	}
	return s
}

// Unwrap returns f.Err.
func (f *Failure) Unwrap() error { return f.Err }

// ErrTooLarge is in the chain of a Failure whose answer was over the limit.
var ErrTooLarge = errors.New("the answer is too large")

// ErrStalled is in the chain of a Failure whose answer began and did not go on:
// within the limit ([Config.Idle], counted from the beginning of the answer) it
// brought neither its end nor another KiB. A KiB, because a server that sends a
// byte now and then would hold a call for ever. Nobody knows what the rest would
// have said: it is treated like an answer that was lost.
var ErrStalled = errors.New("the answer stands still")

// ErrNotJSON is in the chain of a Failure whose 2xx answer could not be decoded.
var ErrNotJSON = errors.New("the answer is not the JSON expected")

// ErrForeignLink is in the chain of a Failure of [Caller.Follow] that would
// have left the service's own host.
var ErrForeignLink = errors.New("link to another host refused")

// bare strips the URLs that net/http puts around errors: they have the query.
func bare(err error) error {
	for err != nil {
		var ue *url.Error
		if !errors.As(err, &ue) {
			return err
		}
		err = ue.Err
	}
	return nil
}
