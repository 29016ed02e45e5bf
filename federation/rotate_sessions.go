package federation

import (
	"context"
	"errors"
	"fmt"
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
	case !s.First.IsZero() && r.f.now().Before(s.First.Add(r.settleFor() + time.Minute)):
		rot.NotBefore, rot.Next = s.First.Add(r.settleFor() + time.Minute).UTC(), "sign out everybody once more"
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
	left := slices.DeleteFunc(people, func(u aad.User) bool { return strings.ToLower(u.UserPrincipalName) <= s.After })
	for i, u := range left {
		if r.only {
			return errOnly
		}
		err := r.f.ad.RevokeSignInSessions(ctx, u.ID)
		switch {
		case err == nil:
			s.People++
		case errors.Is(err, aad.ErrNotFound): // gone meanwhile
		case temporary(err) || ctx.Err() != nil:
			return &StepError{Phase: PhaseApply, Err: fmt.Errorf("%s could not be signed out; call again, it goes on there: %w", u.UserPrincipalName, err)}
		default:
			s.Refused = append(s.Refused, u.UserPrincipalName)
		}
		s.After = strings.ToLower(u.UserPrincipalName)
		r.f.emit(ctx, Event{Phase: PhaseApply, Domain: rot.Domain, Text: "signing out " + u.UserPrincipalName, Done: i + 1, Total: len(left), Err: err})
	}
	s.After = ""
	r.tellRefused()
	if s.Round == 1 {
		s.First = r.f.now().UTC()
		rot.NotBefore, rot.Next = s.First.Add(r.settleFor() + time.Minute), "sign out everybody once more"
		return nil
	}
	s.Second = r.f.now().UTC()
	rot.Phase, rot.Complete, rot.Next = RotationRevoked, true, "nothing is left to be done; delete the stored key"
	return nil
}

// tellRefused names whom the service refused to sign out.
func (r *rotating) tellRefused() {
	if names := r.rot.Sessions.Refused; len(names) > 0 {
		r.warn(CodeSessions, r.rot.Domain, "the service refused to sign out "+some(names, ", "),
			"sign them out by hand: of administrators the application needs a role besides the permission")
	}
}
