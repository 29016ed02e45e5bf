package flow

import (
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
)

// Kept is what the workflow of a domain has to remember, and nobody has to see. All
// instants are by the server's clock.
type Kept struct {
	// Watch is when the certificates are looked at next, Whole when everything is.
	Watch time.Time `json:"watch,omitzero"`
	Whole time.Time `json:"whole,omitzero"`
	// Open is until when the open proposal is good, Verify until when people are expected
	// to be able to sign in; zero if nothing is expected.
	Open   time.Time `json:"open,omitzero"`
	Verify time.Time `json:"verify,omitzero"`
	// Since is when failing began.
	Since time.Time `json:"since,omitzero"`
	// Asked is what a proposal is being made of: to revert or to rotate.
	Asked *Queued `json:"asked,omitempty"`
	// Looks, Runs and Notices count what there was.
	Looks   int `json:"looks,omitempty"`
	Runs    int `json:"runs,omitempty"`
	Notices int `json:"notices,omitempty"`
	// Rejected is the hash of the proposal that was rejected last. Held: nothing is
	// proposed, because it was reverted. Both until somebody asks for a look.
	Rejected string `json:"rejected,omitempty"`
	Held     bool   `json:"held,omitempty"`
	// Retiring: it ends as soon as nothing is under way.
	Retiring bool `json:"retiring,omitempty"`
	// Turn is the batch that has given the domain its turn last; Batch the one that is told
	// how the last write went, and Rotation how the rotation went.
	Turn     string `json:"turn,omitempty"`
	Batch    string `json:"batch,omitempty"`
	Rotation string `json:"rotation,omitempty"`
	// Sent: under the present approval something was written, or may have been; Ran are the
	// newest reports of its run.
	Sent bool       `json:"sent,omitempty"`
	Ran  []data.Ref `json:"ran,omitempty"`
	// Seen are the IDs of the last updates, so that one is one act in the next run too.
	Seen []string `json:"seen,omitempty"`
	// Told is what was told, so that it is told once.
	Told Told `json:"told,omitzero"`
}

// Told is what was told and is still so.
type Told struct {
	Approval string `json:"approval,omitempty"` // the hash of the proposal
	Refused  string `json:"refused,omitempty"`  // a mark of the text
	Failed   bool   `json:"failed,omitempty"`
	Late     string `json:"late,omitempty"`   // a mark of the text of a Verify that came to nothing
	Expiry   int    `json:"expiry,omitempty"` // the fewest of 30, 7 and 1 days
	Foreign  bool   `json:"foreign,omitempty"`
	Drift    bool   `json:"drift,omitempty"`
}
