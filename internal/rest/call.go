package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/jcaad/jcaad/internal/pace"
	"github.com/jcaad/jcaad/internal/wait"
)

// attempt is one request and what came of it.
type attempt struct {
	status     int // 0: no answer
	header     http.Header
	body       []byte
	broken     error // the body could not be read
	err        error // no answer, or a 2xx with a broken body
	unsent     bool  // certainly nothing was written
	took       bool  // something may have taken effect, whatever the answer says
	sent, done time.Time
}

func (a *attempt) ok() bool { return a.status/100 == 2 }

// call is the state of one Do. It belongs to one goroutine.
type call struct {
	c     *Caller
	r     *Request
	bulk  bool
	last  attempt
	n     int  // attempts
	spent int  // repeats after failures
	fresh bool // the last attempt was not looked at yet

	renewed   bool
	throttled bool          // the last answer was
	asked     time.Duration // by the service, in its last answer
	told      bool          // it did ask
	waited    time.Duration // because of throttling, in all
	pause     time.Duration // before the next attempt, by the gate's leave
	unknown   bool          // some attempt may have taken effect
	stop      error         // why no more attempts are made, beside the answer
	lease     pace.Lease
	slept     time.Duration // before the present attempt
	buf       *bytes.Buffer // that the answers are read into; nil: each into its own
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	cl, _ := ctx.Value(callKey{}).(*call)
	return cl
}

// Do sends r, repeats it as its class allows, and decodes a 2xx body into out:
// nil ignores it, *[]byte and *[Body] take it raw, everything else is JSON. An empty body
// leaves out alone. The Response is nil if the error is not.
func (c *Caller) Do(ctx context.Context, r *Request, out any) (*Response, error) {
	path, err := expand(r.Path, r.Args)
	if err != nil {
		return nil, c.refuse(r, err)
	}
	return c.do(ctx, r, c.address(path, r.Query), out)
}

// Follow gets a link that the service sent, such as a nextLink. r gives
// everything but the address. A link that leaves the scheme and host of the
// base is an error that names the foreign host, and nothing is sent.
func (c *Caller) Follow(ctx context.Context, link string, r *Request, out any) (*Response, error) {
	g := Request{Method: http.MethodGet}
	if r != nil {
		g = *r
		g.Method, g.Body, g.Class = http.MethodGet, nil, Read
	}
	addr, err := c.resolve(link)
	if err != nil {
		return nil, c.refuse(&g, err)
	}
	return c.do(ctx, &g, addr, out)
}

// refuse is the failure of a request of which nothing was sent.
func (c *Caller) refuse(r *Request, err error) error {
	return c.cfg.Error(&Failure{Method: r.Method, Path: r.Path, Permission: r.Permission, Err: err})
}

func (c *Caller) do(ctx context.Context, r *Request, addr string, out any) (*Response, error) {
	if c.cfg.ReadOnly != nil && r.Class != Read {
		return nil, c.refuse(r, c.cfg.ReadOnly)
	}
	body, ctype, err := encode(r.Body)
	if err != nil {
		return nil, c.refuse(r, err)
	}
	cl := &call{c: c, r: r, bulk: r.Bulk || isBulk(ctx)}
	defer cl.release()
	lent, _ := out.(*Body)
	if lent != nil {
		cl.buf = c.bodies.Get().(*bytes.Buffer)
	}
	for {
		if err := cl.send(context.WithValue(ctx, callKey{}, cl), addr, body, ctype); err != nil {
			return nil, err
		}
		err := decode(cl.last.header, cl.last.body, out)
		if err == nil {
			break
		}
		// A body cut at a chunk's end is no transport error.
		cl.last.err = err
		if !errors.Is(err, io.ErrUnexpectedEOF) || !cl.again(ctx) {
			cl.unknown = r.Class != Read
			return nil, cl.failure(ctx)
		}
		if err := wait.For(ctx, cl.pause); err != nil {
			cl.stop = err
			return nil, cl.failure(ctx)
		}
	}
	if lent != nil { // after a failure, the error has what is in it
		lent.buf, lent.pool = cl.buf, &c.bodies
	}
	tellRequestID(ctx, cl.requestID())
	return &Response{
		Status: cl.last.status, Header: cl.last.header, Body: cl.last.body,
		RequestID: cl.requestID(), Attempts: cl.n,
	}, nil
}

func (cl *call) requestID() string {
	if cl.c.cfg.RequestID == nil || cl.last.header == nil {
		return ""
	}
	return cl.c.cfg.RequestID(cl.last.header)
}

type requestIDs struct{}

// WithRequestIDs returns a context whose requests tell the service's ID of each
// request that was answered well; those of failures are in the [Failure].
func WithRequestIDs(ctx context.Context, tell func(id string)) context.Context {
	return context.WithValue(ctx, requestIDs{}, tell)
}

func tellRequestID(ctx context.Context, id string) {
	if tell, ok := ctx.Value(requestIDs{}).(func(string)); ok && id != "" {
		tell(id)
	}
}

// failure describes the end of the call to the client.
func (cl *call) failure(ctx context.Context) error {
	a := &cl.last
	f := &Failure{
		Method: cl.r.Method, Path: cl.r.Path, Permission: cl.r.Permission,
		Status: a.status, Header: a.header, Body: a.body[:min(len(a.body), maxErrorBody)],
		RequestID: cl.requestID(), Attempts: cl.n,
		RetryAfter: cl.asked, Throttled: cl.throttled, OutcomeUnknown: cl.unknown,
		Err: a.err,
	}
	if cl.stop != nil {
		f.Err = cl.stop
	}
	var closed *pace.ClosedError
	if errors.As(f.Err, &closed) {
		f.Throttled, f.RetryAfter = true, closed.Wait
	}
	return cl.c.cfg.Error(f)
}
