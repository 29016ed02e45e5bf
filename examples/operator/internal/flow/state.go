package flow

import (
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// A Phase says what the workflow of a domain does or waits for.
type Phase string

// The phases.
const (
	Looking   Phase = "looking"   // it reads, or is about to
	Approval  Phase = "approval"  // a proposal waits for people
	Turn      Phase = "turn"      // approved; waits for a window, its batch, the Stop button or a free slot
	Running   Phase = "running"   // it writes
	Verifying Phase = "verifying" // written; waits until people can sign in
	Watching  Phase = "watching"  // nothing is to be done
	People    Phase = "people"    // waits until somebody does something: Problem says what
	Retired   Phase = "retired"   // ended on purpose
)

// State is where a domain is. It is what the query [QueryState] returns, what a worker
// shows, and what continue-as-new carries.
type State struct {
	Domain   string `json:"domain"`
	Customer string `json:"customer"`
	Phase    Phase  `json:"phase"`
	// Mode is "manage" or "watch", of the customers file as it was last read.
	Mode string `json:"mode,omitempty"`
	// Found is the state that the domain was seen in last.
	Found federation.State `json:"found,omitempty"`
	// Paused: somebody holds all writes of this domain. Unlisted: it is not in the
	// customers file, so that nothing is asked with its credentials.
	Paused   bool `json:"paused,omitempty"`
	Unlisted bool `json:"unlisted,omitempty"`
	// Waits says in a few words what is waited for, such as "the window opens in 3 h".
	Waits string `json:"waits,omitempty"`
	// Problem is why it does not go on; nil if it does.
	Problem *Problem `json:"problem,omitempty"`
	// Failures is how many reads or runs have failed one after the other, Failing how long
	// that has been so.
	Failures int           `json:"failures,omitempty"`
	Failing  time.Duration `json:"failingNanoseconds,omitempty"`

	// Look is what was found last about what stands in the way.
	Look *Look `json:"look,omitempty"`
	// Open is the proposal that waits for an approval, Approved the one that is carried
	// out.
	Open     *Open     `json:"open,omitempty"`
	Approved *Approved `json:"approved,omitempty"`
	// Layers are those of the last Verify, without evidence.
	Layers    []Layer `json:"layers,omitempty"`
	Effective bool    `json:"effective,omitempty"`
	// Verification is the last one, as stored.
	Verification *data.Ref `json:"verification,omitempty"`
	// Watch is what was found last about the certificates.
	Watch *Watched `json:"watch,omitempty"`
	// Rotation is how far the rotation is that is under way, or was last.
	Rotation *RotationState `json:"rotation,omitempty"`
	// Reports are the newest of those of all runs since the domain is managed, the oldest
	// first; EarlierReports stands for those before them. See [State.CheckReports].
	Reports        []data.Ref `json:"reports,omitempty"`
	EarlierReports Earlier    `json:"earlierReports,omitzero"`
	// Notes are the newest of what people have written, as stored, the oldest first;
	// EarlierNotes stands for those before them.
	Notes        []data.Ref `json:"notes,omitempty"`
	EarlierNotes Earlier    `json:"earlierNotes,omitzero"`
	// Next is when it goes on by itself, by the server's clock; zero: at once, or not before
	// somebody does something.
	Next time.Time `json:"next,omitzero"`
	// Kept is what only the workflow needs.
	Kept Kept `json:"kept,omitzero"`
	// Changed is when something of this last changed, by the server's clock.
	Changed time.Time `json:"changed"`
}

// A Problem is why something does not go on. It names no person.
type Problem struct {
	Class federation.ErrorClass `json:"class"`
	Code  string                `json:"code,omitempty"` // of a finding, or of a service
	Text  string                `json:"text"`           // at most 1 KiB: what happened, and what to do
	// After is how long the services asked to be left alone, by the bent clock.
	After time.Duration `json:"afterNanoseconds,omitempty"`
}

// Look is a preflight in numbers.
type Look struct {
	Gates      int       `json:"gates"`      // findings about the services that stand in the way
	Warnings   int       `json:"warnings"`   // those that do not
	LockedOut  int       `json:"lockedOut"`  // who would lose their sign-in
	AlreadyOut int       `json:"alreadyOut"` // who cannot sign in now
	People     int       `json:"people"`     // findings about people
	Changes    int       `json:"changes"`    // that are missing
	Preflight  *data.Ref `json:"preflight,omitempty"`
}

// Open is a proposal that waits for an approval.
type Open struct {
	Hash      string          `json:"hash"`
	Verb      federation.Verb `json:"verb"`
	Proposal  data.Ref        `json:"proposal"`
	Changes   int             `json:"changes"`
	LockedOut int             `json:"lockedOut,omitempty"`
	Consent   bool            `json:"consent,omitempty"` // it needs one; it cannot be approved with others
	Two       bool            `json:"two,omitempty"`     // two people must approve
	First     *data.Ref       `json:"first,omitempty"`   // the approval of the first of two
	// Life is for how long it is good from when it was made, by the bent clock.
	Life time.Duration `json:"lifeNanoseconds"`
	// Standing: the customers file allows it without an approval.
	Standing bool `json:"standing,omitempty"`
	// Rotate is what a rotation was asked for.
	Rotate *RotateArg `json:"rotate,omitempty"`
}

// Approved is what is carried out.
type Approved struct {
	Open     Open     `json:"open"`
	Approval data.Ref `json:"approval,omitzero"` // zero of what stands
	Batch    string   `json:"batch,omitempty"`   // whose turn is waited for
	Run      string   `json:"run"`               // names the report; fixed before the first write
	Begun    bool     `json:"begun,omitempty"`   // the activity that writes was started
}

// Layer is one of a Verify.
type Layer struct {
	Name   string                 `json:"name"`
	Status federation.LayerStatus `json:"status"`
}

// Watched is what a Watch found.
type Watched struct {
	Level federation.Severity `json:"level,omitempty"`
	Codes []string            `json:"codes,omitempty"`
	// Known says whether Days, which are left of the certificate that ends first, is.
	Known bool `json:"known,omitempty"`
	Days  int  `json:"days,omitempty"`
	// Foreign: Azure AD accepts a certificate that nobody knows.
	Foreign bool `json:"foreign,omitempty"`
	// Compared: what is there was compared with the plan. Drift counts what differs from it;
	// Twice says that it was seen twice.
	Compared bool `json:"compared,omitempty"`
	Drift    int  `json:"drift,omitempty"`
	Twice    bool `json:"twice,omitempty"`
	// Due is the method by which a rotation may begin now without an approval; "" if none.
	Due federation.RotateMethod `json:"due,omitempty"`
	// Replace is the fingerprint of the certificate that JumpCloud signs with.
	Replace string `json:"replace,omitempty"`
}

// RotationState is how far a rotation is.
type RotationState struct {
	Domain string                   `json:"domain"`
	Method federation.RotateMethod  `json:"method,omitempty"`
	Phase  federation.RotationPhase `json:"phase,omitempty"`
	Calls  int                      `json:"calls,omitempty"` // that were made
	Waits  string                   `json:"waits,omitempty"`
	Done   bool                     `json:"done,omitempty"`
	// Paused: somebody holds the calls; those that mend what is broken are made all the same.
	Paused bool `json:"paused,omitempty"`
	// Failures is how many calls have failed one after the other, Failing how long that has
	// been so, by the bent clock. Told: somebody was told.
	Failures int           `json:"failures,omitempty"`
	Failing  time.Duration `json:"failingNanoseconds,omitempty"`
	Told     bool          `json:"told,omitempty"`
	// Ended: the workflow is no more, done or not.
	Ended    bool      `json:"ended,omitempty"`
	Problem  *Problem  `json:"problem,omitempty"`
	Rotation *data.Ref `json:"rotation,omitempty"`
}
