// Code generated from package internal/fake by its test with -update. DO NOT EDIT.

package jumpcloudtest

import "github.com/jcaad/jcaad/internal/fake"

// Fault is what happens to one request. The zero value lets it through.
//
//	type Fault struct {
//		Kind FaultKind
//
//		// Delay is waited before the request is looked at; for SlowBody, it is
//		// the time that the body takes.
//		Delay time.Duration
//
//		// RetryAfter is the value of the header of Refuse503 and TooMany.
//		RetryAfter string
//
//		// Status and Body replace those of an answer that the fault itself gives.
//		Status int
//		Body   string
//	}
type Fault = fake.Fault

// FaultKind is what goes wrong with a request.
//
//	type FaultKind int
//	func (k FaultKind) String() string
type FaultKind = fake.FaultKind

// The kinds of faults.
const (
	None           = fake.None           // nothing
	Refuse503      = fake.Refuse503      // 503, without effect; Retry-After as in the Fault
	Error500Before = fake.Error500Before // 500, without effect
	Error500After  = fake.Error500After  // the effect, then 500
	DropBefore     = fake.DropBefore     // the connection is reset, without effect
	DropAfter      = fake.DropAfter      // the effect, then the answer is lost
	Truncate       = fake.Truncate       // the effect, and half of the answer's body
	TooMany        = fake.TooMany        // 429 with Retry-After, by default of one second
	TooManyBare    = fake.TooManyBare    // 429 without Retry-After
	Hang           = fake.Hang           // no answer until the client gives up; without effect
	SlowBody       = fake.SlowBody       // the effect, and a body that takes Delay to arrive
)

// Lag is how long a change cannot be seen by those who read: what was created is
// not there yet, what was deleted still is, what was changed is as before. First
// nobody sees it, for some time and then for some reads; after that readers see it
// and do not see it in turn, as when replicas alternate. The zero value is no lag.
//
//	type Lag struct {
//		For   time.Duration // nobody sees the change so long after it,
//		Reads int           // nor in so many reads after that time
//
//		FlapFor time.Duration // then every other read sees it, the first one to begin with, for so long
//		Flaps   int           // and for at least so many reads
//	}
type Lag = fake.Lag

// Request is one request that a stand-in has seen.
//
//	type Request struct {
//		N       int // from 1, in the order of arrival
//		Method  string
//		Path    string // as it was sent, without the query
//		Pattern string // of the http.ServeMux that served it, if it got there
//		Write   bool
//		Status  int // that was sent; 0 if the connection was dropped
//		Inner   int // of the handler behind a fault; 0 if it was not asked or no fault came between
//		Fault   FaultKind
//		At      time.Time     // of arrival
//		Took    time.Duration // until the answer was written
//		Done    bool          // false while it is being served
//	}
type Request = fake.Request

// RetryAfterStyle is how a [Throttle] tells the wait.
//
//	type RetryAfterStyle int
type RetryAfterStyle = fake.RetryAfterStyle

// How a [Throttle] tells the wait.
const (
	WholeSeconds      = fake.WholeSeconds      // seconds, rounded up
	FractionalSeconds = fake.FractionalSeconds // seconds with three digits, as in Graph's documentation
	HTTPDate          = fake.HTTPDate          // an HTTP date, rounded up to the second
	NoRetryAfter      = fake.NoRetryAfter      // not at all
)

// Throttle is a token bucket of Burst tokens that gets Rate of them a second, full
// at the start. A request without a token is answered with 429 and costs nothing.
// The fields are set before the first request.
//
//	type Throttle struct {
//		Rate  float64
//		Burst int
//		Style RetryAfterStyle
//
//		// AtLeast is the shortest wait that is told.
//		AtLeast time.Duration
//
//		// Grace is how long after a refusal a request may still arrive that was
//		// sent before the refusal was known: the round trip's time.
//		Grace time.Duration
//
//		// Status and Body of a refusal; 0 and "" mean 429 in the words of the service.
//		Status int
//		Body   string
//
//		// Only, if set, selects the requests that count. Otherwise all do to which
//		// the service's own limits apply.
//		Only func(*http.Request) bool
//		// contains filtered or unexported fields
//	}
//	func (b *Throttle) ResetStats()
//	func (b *Throttle) Schedule(n int) time.Duration
//	func (b *Throttle) Stats() ThrottleStats
//	func (b *Throttle) Wrap(next http.Handler) http.Handler
type Throttle = fake.Throttle
