package federation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// revoke signs out everybody on the domain and on those that inherit from it: once at
// once, and once more when the stolen certificate is out of every node, because somebody
// may have signed in with it meanwhile. What a call does not come to, the next one does.
func (r *rotating) revoke(ctx context.Context) error {
	rot := r.rot
	if rot.Sessions == nil {
		rot.Sessions = &SessionsRevoked{Round: 1}
	}
	s := rot.Sessions
	switch {
	case !s.Second.IsZero():
		rot.Phase, rot.Complete, rot.Next = RotationRevoked, true, "nothing is left to be done; delete the stored key"
		r.tellRefused()
		return nil
	case !s.First.IsZero() && r.f.now().Before(s.First.Add(r.settleFor()+time.Minute)):
		rot.NotBefore, rot.Next = s.First.Add(r.settleFor()+time.Minute).UTC(), "sign out everybody once more"
		r.tellRefused()
		return nil
	case !s.First.IsZero() && s.Round == 1:
		*s = SessionsRevoked{Round: 2, First: s.First}
	}
	rot.NotBefore, rot.Next = r.f.now().UTC(), "go on signing everybody out"
	people, err := r.f.accounts(ctx, rot.Domain)
	if err != nil {
		return reading(PhaseCheck, err)
	}
	if r.only {
		return errOnly
	}
	if err := r.signOut(ctx, people); err != nil {
		return err
	}
	s.After = ""
	r.tellRefused()
	if s.Round == 1 {
		s.First = r.f.now().UTC()
		rot.NotBefore, rot.Next = s.First.Add(r.settleFor()+time.Minute), "sign out everybody once more"
		return nil
	}
	s.Second = r.f.now().UTC()
	rot.Phase, rot.Complete, rot.Next = RotationRevoked, true, "nothing is left to be done; delete the stored key"
	return nil
}

const (
	signOutTries = 3 // how often somebody is tried whom the service fails to sign out
	signOutFails = 5 // after so many in a row the call ends
)

// signOut signs out those whom the round has not come to, and those whom it failed with.
func (r *rotating) signOut(ctx context.Context, people []aad.User) error {
	s := r.rot.Sessions
	upn := func(u aad.User) string { return strings.ToLower(u.UserPrincipalName) }
	retry := s.Again
	s.Again = nil
	open := make(map[string]bool) // of those, who was not come to
	for _, name := range retry {
		open[name] = true
	}
	failed := 0
	var last error
	for i, u := range people {
		if upn(u) <= s.After && !open[upn(u)] {
			continue
		}
		delete(open, upn(u))
		err := r.f.ad.RevokeSignInSessions(ctx, u.ID)
		switch {
		case err == nil:
			s.People++
			failed = 0
		case errors.Is(err, aad.ErrNotFound): // gone meanwhile
		case ctx.Err() != nil:
			s.Again = append(append(s.Again, upn(u)), slices.Sorted(maps.Keys(open))...)
			return &StepError{Phase: PhaseApply, Err: fmt.Errorf("people were not all signed out; call again, it goes on there: %w", err)}
		case temporary(err):
			s.Again = append(s.Again, upn(u))
			failed, last = failed+1, err
		default:
			s.Refused = append(s.Refused, u.UserPrincipalName)
		}
		s.After = max(s.After, upn(u))
		r.f.emit(ctx, Event{Phase: PhaseApply, Domain: r.rot.Domain, Text: "signing out " + u.UserPrincipalName, Done: i + 1, Total: len(people),
			Err: err})
		if failed == signOutFails {
			break
		}
	}
	if failed == signOutFails {
		s.Again = append(s.Again, slices.Sorted(maps.Keys(open))...)
	}
	if last == nil {
		s.Tries = 0
		return nil
	}
	if s.Tries++; s.Tries >= signOutTries && failed < signOutFails {
		s.Refused, s.Again, s.Tries = append(s.Refused, s.Again...), nil, 0
		return nil
	}
	return &StepError{Phase: PhaseApply, Err: fmt.Errorf("%s could not be signed out; call again, they are tried once more: %w", some(s.Again, ", "), last)}
}

// tellRefused names whom the service refused to sign out.
func (r *rotating) tellRefused() {
	if names := r.rot.Sessions.Refused; len(names) > 0 {
		r.warn(CodeSessions, r.rot.Domain, "the service refused to sign out "+some(names, ", "),
			"sign them out by hand: of administrators the application needs a role besides the permission")
	}
}
