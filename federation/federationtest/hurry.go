package federationtest

import (
	"context"

	"github.com/jcaad/jcaad/internal/wait"
)

// Hurry returns a context in which a [federation.Federator]'s own pauses, between
// two looks at what it has changed or is about to, take a hundredth of their
// time. They are there because a real service may not show a change for a while;
// those of an [Env] do at once, unless they are given a Lag. Everything else
// takes its time: what a service asks a client to wait, and Options.Settle.
//
// It is for tests and demonstrations that have no bubble of [testing/synctest].
func Hurry(ctx context.Context) context.Context { return wait.Hurry(ctx) }
