package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jcaad/jcaad/jumpcloud"
)

// elderApplication reports whether an older run, which is undone later, has made the
// application.
func (u *undoing) elderApplication(id string) bool { return u.elder(ResApplication, "", id) }

func (u *undoing) applicationStands(ctx context.Context, s *undoStep) (standing, string, error) {
	c := s.Change
	id := s.ID
	if c.Action == Update {
		id = c.Target
	}
	const deleted = "the application was deleted with its certificate and cannot be made again as it was: Federate makes a new one"
	lost := func() (standing, string, error) {
		if u.elderApplication(id) {
			return undone, "", nil
		}
		return differs, deleted, nil
	}
	switch {
	case c.Action == Create && u.gone(id):
		return lost() // whatever an old answer shows
	case id == "":
		return s.unidentified("application")
	}
	a, err := u.f.jc.Application(ctx, id)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound) && c.Action == Create:
		return lost()
	case errors.Is(err, jumpcloud.ErrNotFound):
		return undone, "", nil
	case err != nil:
		return differs, "", err
	case c.Action == Create:
		return undone, "", nil
	}
	now := map[string]string{"label": a.DisplayLabel, "template": a.Name, "idpEntityID": a.IdPEntityID, "loginURL": a.SSOURL,
		"active": fmt.Sprint(a.Active),
	}
	fields := c.Fields
	if c.Action == Delete { // that somebody has switched it off does not make it another one
		fields = slices.DeleteFunc(slices.Clone(fields), func(f Field) bool { return f.Name == "active" })
	}
	at, why, err := fieldsStand(fields, func(name string) string { return now[name] })
	if at == differs {
		why += ": delete it by hand if nobody needs it"
	}
	if at != asLeft || c.Action == Update {
		return at, why, err
	}
	app := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}
	for to, err := range u.f.jc.Associations(ctx, app, jumpcloud.GroupObject, jumpcloud.UserObject) {
		if err != nil {
			return differs, "", lagging(err)
		}
		if to.Type != jumpcloud.GroupObject || !u.removes(ResApplicationGroup, id, to.ID) {
			return differs, "the " + to.String() + " is bound to the application, which this run did not do: " +
				"end that binding, or keep the application", nil
		}
	}
	return asLeft, "", nil
}

// identifyApplication takes an application for the one whose creation was never
// answered if there was none before, and its name, template, URL and time are right.
func (u *undoing) identifyApplication(ctx context.Context, s *undoStep) error {
	var found []*jumpcloud.Application
	for a, err := range u.f.jc.Applications(ctx, u.p.Application.Template, "saml2") {
		if err != nil {
			return err
		}
		if a.IdPEntityID == s.Change.Name {
			found = append(found, a)
		}
	}
	s.nothing = len(found) == 0
	if len(found) != 1 || !s.Absent {
		return nil
	}
	a := found[0]
	if a.DisplayLabel == s.was("label") && a.Name == s.was("template") && a.SSOURL == s.was("loginURL") &&
		(a.Created.IsZero() || s.sameTime(a.Created)) {
		s.ID = a.ID
	}
	return nil
}

// gone reports whether the report itself says that the application was deleted:
// an old list may still show it.
func (u *undoing) gone(id string) bool {
	return slices.ContainsFunc(u.steps, func(s *undoStep) bool {
		return s.Change.makesApplication() && s.ID == id && (s.of == Done || s.of == Made)
	})
}

// undoApplication deletes the application that a run has made, or sets it to what
// it was.
func (f *Federator) undoApplication(ctx context.Context, s *undoStep) error {
	if s.Change.Action == Delete {
		return f.jc.DeleteApplication(ctx, s.ID)
	}
	_, err := f.jc.ModifyApplication(ctx, s.Change.Target, func(a *jumpcloud.Application) error {
		editApplication(a, s.Change.Fields)
		return nil
	})
	return err
}

// deletingApplication is the step that deletes an application, with what it was.
func deletingApplication(a *jumpcloud.Application) Step {
	return Step{ID: a.ID, Change: Change{Resource: ResApplication, Name: a.IdPEntityID, Action: Delete, Fields: []Field{
		{Name: "label", Old: a.DisplayLabel}, {Name: "idpEntityID", Old: a.IdPEntityID}, {Name: "loginURL", Old: a.SSOURL},
	}}}
}
