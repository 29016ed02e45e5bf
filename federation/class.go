package federation

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// ErrorClass says what a program that goes on for days does about an error.
type ErrorClass string

// The classes of errors, those first that are seen to first.
const (
	// ClassUnsettled: a change was made, or may have been, and does not show. Ask
	// [Federator.Inspect], then make the same call again: it looks first, and goes on
	// from what it finds. Nobody needs to decide anew.
	ClassUnsettled ErrorClass = "unsettled"
	// ClassPeople: it stays so until somebody does something, which [Explain] says.
	ClassPeople ErrorClass = "people"
	// ClassTemporary: it may pass by itself. Make the same call again, not before
	// [RetryAfter], and later and later.
	ClassTemporary ErrorClass = "temporary"
	// ClassStopped: the caller ended it, or it was never begun. Make the same call
	// again whenever it is wanted.
	ClassStopped ErrorClass = "stopped"
	// ClassFault: nobody knows. Treat it as temporary, and tell somebody soon.
	ClassFault ErrorClass = "fault"
)

// Class says which class an error of this module is of; it is "" only for nil.
//
// An error that joins several, as that of a batch does, is of the class that is seen
// to first: what is unsettled is looked at before people are asked, and people are
// asked before anything is tried once more. Ask of each domain's error where there is
// one.
//
// A credential that was refused waits for people. One that could not be asked, because
// the network failed, is temporary.
func Class(err error) ErrorClass {
	if err == nil {
		return ""
	}
	for _, c := range [...]ErrorClass{ClassUnsettled, ClassPeople, ClassTemporary, ClassStopped} {
		if slices.Contains(classesIn(nil, err), c) {
			return c
		}
	}
	return ClassFault
}

// kindsOf are the kinds of errors of each class.
var kindsOf = map[ErrorClass][]error{
	ClassUnsettled: {
		ErrNotConverged, jumpcloud.ErrOutcomeUnknown, aad.ErrOutcomeUnknown, jumpcloud.ErrNotVisible, jumpcloud.ErrCertificateRegenerated,
	},
	ClassPeople: {
		ErrNotConfirmed, ErrNotApproved, ErrDiffers, ErrNoKey, ErrWrong,
		jumpcloud.ErrUnauthenticated, jumpcloud.ErrDenied, jumpcloud.ErrReadOnly, jumpcloud.ErrInvalid, jumpcloud.ErrConflict,
		jumpcloud.ErrNotFound, jumpcloud.ErrCertificate, jumpcloud.ErrTooManyPages,
		aad.ErrUnauthenticated, aad.ErrDenied, aad.ErrReadOnly, aad.ErrInvalid, aad.ErrConflict, aad.ErrNotFound, aad.ErrNotFederated,
		aad.ErrAlreadyFederated, aad.ErrIssuerInUse, aad.ErrTooManyPages, aad.ErrOpaqueToken,
	},
	ClassTemporary: {
		jumpcloud.ErrThrottled, aad.ErrThrottled, jumpcloud.ErrUnavailable, aad.ErrUnavailable, jumpcloud.ErrNoCertificate,
		ErrNotStored, context.DeadlineExceeded,
	},
	ClassStopped: {context.Canceled, ErrNotStarted},
}

// classesIn appends the classes of everything in the tree of err.
func classesIn(all []ErrorClass, err error) []ErrorClass {
	switch e := err.(type) {
	case *PreconditionError, *PlanError, *certs.ParseError:
		return append(all, ClassPeople)
	case *aad.Error:
		var network net.Error
		if e.StatusCode == 0 && errors.Is(e, aad.ErrUnauthenticated) && errors.As(e.Err, &network) {
			return append(all, ClassTemporary)
		}
	}
	is, _ := err.(interface{ Is(error) bool })
	for class, of := range kindsOf {
		if slices.ContainsFunc(of, func(kind error) bool { return kind == err || is != nil && is.Is(kind) }) {
			all = append(all, class)
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if e.Unwrap() != nil {
			all = classesIn(all, e.Unwrap())
		}
	case interface{ Unwrap() []error }:
		switch parts := e.Unwrap(); {
		case slices.Contains(parts, errLagging): // whatever it was taken for
			return append(all, ClassTemporary)
		case slices.Contains(parts, ErrNotConfirmed) && errors.Is(err, context.Canceled): // nobody has answered
			return append(all, ClassStopped)
		default:
			for _, part := range parts {
				all = classesIn(all, part)
			}
		}
	}
	return all
}

// RetryAfter returns how long the services asked to be left alone: the longest such
// time in the tree of err, 0 if there is none. What is short, the clients have waited
// already.
func RetryAfter(err error) time.Duration {
	var longest time.Duration
	switch e := err.(type) {
	case *jumpcloud.Error:
		longest = e.RetryAfter
	case *aad.Error:
		longest = e.RetryAfter
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		longest = max(longest, RetryAfter(e.Unwrap()))
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			longest = max(longest, RetryAfter(part))
		}
	}
	return longest
}
