package flow

import (
	"context"
	"slices"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// Activities are what the workflows ask for; package work has them. They are registered
// by the names of their methods.
//
// What a service says no to is a result, with a [Problem], and no error: the workflow
// decides when to try again. An error is only of a worker that is lost or ends, and is
// tried again by Temporal. All durations are by the bent clock.
type Activities interface {
	// Look preflights a domain and proposes what is missing. It only reads.
	Look(ctx context.Context, in LookIn) (LookOut, error)
	// ProposeRevert proposes to undo the runs of the reports, ProposeRotation to rotate the
	// certificate. Both only read.
	ProposeRevert(ctx context.Context, in ProposeRevertIn) (ProposeOut, error)
	ProposeRotation(ctx context.Context, in ProposeRotationIn) (ProposeOut, error)
	// Run carries out what was approved. It is called again, with the same argument, until
	// it is done or refused.
	Run(ctx context.Context, in RunIn) (RunOut, error)
	// Rotate makes one call of a rotation.
	Rotate(ctx context.Context, in RotateIn) (RotateOut, error)
	// Verify is one look of a wait until people can sign in.
	Verify(ctx context.Context, in VerifyIn) (VerifyOut, error)
	// Watch looks at the certificates and at what is not as the plan says and, with Verify, at
	// everything.
	Watch(ctx context.Context, in WatchIn) (WatchOut, error)
	// Tell sends a notice. An error is tried again by Temporal.
	Tell(ctx context.Context, in Notice) error
}

// Reply is what every activity that asks the services tells.
type Reply struct {
	// Unlisted: the customers file does not have the domain, and nothing was asked.
	Unlisted bool   `json:"unlisted,omitempty"`
	Customer string `json:"customer,omitempty"`
	Mode     string `json:"mode,omitempty"`
	// Busy is how long to wait for a free slot, the window or the Stop button: nothing was
	// asked, and Why says for what.
	Busy time.Duration `json:"busyNanoseconds,omitempty"`
	Why  string        `json:"why,omitempty"`
	// Problem is what went wrong.
	Problem *Problem `json:"problem,omitempty"`
}

// LookIn asks for a Look.
type LookIn struct {
	Domain string `json:"domain"`
}

// LookOut is what a Look found.
type LookOut struct {
	Reply
	Found federation.State `json:"found,omitempty"`
	Look  *Look            `json:"look,omitempty"`
	// Open is what is missing; nil if nothing is, or if something stands in the way, which
	// Problem says, or if the customer is only watched.
	Open *Open `json:"open,omitempty"`
}

// ProposeRevertIn asks for a proposal to undo what the reports say.
type ProposeRevertIn struct {
	Domain  string     `json:"domain"`
	Reports []data.Ref `json:"reports"`
	// Earlier stands for the reports before them.
	Earlier Earlier `json:"earlier,omitzero"`
}

// ProposeRotationIn asks for a proposal to rotate.
type ProposeRotationIn struct {
	Domain string    `json:"domain"`
	Rotate RotateArg `json:"rotate"`
	// Standing: the customers file is to allow it.
	Standing bool `json:"standing,omitempty"`
}

// ProposeOut is a proposal.
type ProposeOut struct {
	Reply
	Open *Open `json:"open,omitempty"` // nil: nothing is to be done, or Problem says why
}

// RunIn asks for a run.
type RunIn struct {
	Domain   string   `json:"domain"`
	Approved Approved `json:"approved"`
	// Reports are the newest of those of earlier attempts under the same approval.
	Reports []data.Ref `json:"reports,omitempty"`
}

// RunOut is what came of a run.
type RunOut struct {
	Reply
	// Done: everything that was approved is done.
	Done bool `json:"done,omitempty"`
	// Void: the approval is of something else than what is to be done now: Problem tells
	// the difference, and a new proposal is needed.
	Void bool `json:"void,omitempty"`
	// Sent: something was written, or may have been.
	Sent   bool      `json:"sent,omitempty"`
	Report *data.Ref `json:"report,omitempty"` // of the run, whole; the newest if there are several
	// Others are reports of other attempts of the run that are older than Report and that
	// RunIn does not have, the oldest first.
	Others []data.Ref       `json:"others,omitempty"`
	After  federation.State `json:"after,omitempty"`
	Steps  int              `json:"steps,omitempty"`
}

// stored are all reports, the oldest first.
func (out RunOut) stored() []data.Ref {
	refs := slices.Clone(out.Others)
	if out.Report != nil {
		refs = append(refs, *out.Report)
	}
	return refs
}

// RotateIn asks for one call of a rotation.
type RotateIn struct {
	Domain   string    `json:"domain"`
	Approved Approved  `json:"approved"`
	Last     *data.Ref `json:"last,omitempty"` // what the call before returned
}

// RotateOut is what came of it.
type RotateOut struct {
	Reply
	Phase federation.RotationPhase `json:"phase,omitempty"`
	// Wait is when to call again; 0 and not Done: a person has to act, and Problem says so.
	Wait     time.Duration `json:"waitNanoseconds,omitempty"`
	Done     bool          `json:"done,omitempty"`
	Void     bool          `json:"void,omitempty"`
	Rotation *data.Ref     `json:"rotation,omitempty"`
	Next     string        `json:"next,omitempty"`
}

// VerifyIn asks for one look.
type VerifyIn struct {
	Domain string    `json:"domain"`
	Last   *data.Ref `json:"last,omitempty"` // nil begins
}

// VerifyOut is what it showed.
type VerifyOut struct {
	Reply
	Found     federation.State `json:"found,omitempty"`
	Layers    []Layer          `json:"layers,omitempty"`
	Effective bool             `json:"effective,omitempty"`
	Wrong     bool             `json:"wrong,omitempty"` // and waiting does not help
	Drift     int              `json:"drift,omitempty"`
	// AskAgain is when to look again; 0: not at all.
	AskAgain     time.Duration `json:"askAgainNanoseconds,omitempty"`
	Verification *data.Ref     `json:"verification,omitempty"`
}

// WatchIn asks for a Watch.
type WatchIn struct {
	Domain string `json:"domain"`
	// Whole: Verify as well.
	Whole bool `json:"whole,omitempty"`
}

// WatchOut is what it found.
type WatchOut struct {
	Reply
	Watched *Watched   `json:"watched,omitempty"`
	Whole   *VerifyOut `json:"whole,omitempty"`
}

// Kinds of notices.
const (
	NoticeApproval  = "approval"  // a proposal waits for people
	NoticeRefused   = "refused"   // something stands in the way
	NoticeFailed    = "failed"    // a run failed, or reads have failed for an hour
	NoticeEffective = "effective" // people can sign in
	NoticeExpiry    = "expiry"    // 30, 7 or 1 days are left of a certificate, or fewer
	NoticeDrift     = "drift"     // seen twice
	NoticeForeign   = "foreign"   // a certificate that nobody knows
	NoticeUnlisted  = "unlisted"
	NoticeDigest    = "digest" // of all domains, once a day
	NoticeRotated   = "rotated"
)

// Notice is what is told. It names no person.
type Notice struct {
	// ID is the same however often it is sent.
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Domain   string `json:"domain,omitempty"`
	Customer string `json:"customer,omitempty"`
	Hash     string `json:"hash,omitempty"` // of the proposal
	Days     int    `json:"days,omitempty"`
	Text     string `json:"text,omitempty"`
}
