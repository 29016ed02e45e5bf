package federation

import (
	"context"
	"errors"

	"github.com/jcaad/jcaad/jumpcloud"
)

// bindingUser binds a person to JumpCloud's Microsoft 365 directory.
func bindingUser(who, directory, user string) Change {
	return Change{Resource: ResDirectoryUser, Name: who, Action: Add, Parent: directory, Target: user}
}

// user is the JumpCloud user whom the change is about.
func (c Change) user() jumpcloud.Object {
	return jumpcloud.Object{Type: jumpcloud.UserObject, ID: c.Target}
}

// directoryUserStands reads whether the user is bound to the directory directly. A
// binding whose own answer was lost may be anybody's.
func (f *Federator) directoryUserStands(ctx context.Context, c Change, was Outcome) (standing, string, error) {
	bound := false
	for o, err := range f.jc.Associations(ctx, c.user(), jumpcloud.DirectoryObject) {
		if errors.Is(err, jumpcloud.ErrNotFound) && c.Action == Remove {
			break // the user is gone, and so is the binding
		}
		if err != nil {
			return differs, "", err
		}
		bound = bound || o.ID == c.Parent
	}
	switch {
	case c.Action == Add && bound:
		return undone, "bound already", nil
	case c.Action == Remove && !bound:
		return undone, "not bound any more", nil
	case c.Action == Remove && was == Unknown:
		return differs, "bound, but it is not known by whom: unbind the person in JumpCloud if it should not be so", nil
	}
	return asLeft, "", nil
}

func (f *Federator) sendDirectoryUser(ctx context.Context, c Change) error {
	directory := jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: c.Parent}
	if c.Action == Add {
		return f.jc.Associate(ctx, directory, c.user())
	}
	return f.jc.Dissociate(ctx, directory, c.user())
}
