package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// yield settles it when another run has made the same application or group at
// the same moment, which JumpCloud does not prevent. The older one, by ID, is
// kept by both runs; the run that made the younger one removes its own.
func (r *run) yield(ctx context.Context) error {
	made := r.sent[Change{Resource: ResApplication, Name: r.plan.Application.IdPEntityID, Action: Create}.key()]
	if made != nil && len(r.st.apps) > 1 && r.rep.Steps[made.step].ID != "" {
		s, unpinned := &r.rep.Steps[made.step], r.plan
		unpinned.Application.ID = ""
		if theirs := r.st.app(unpinned); s.ID != theirs.ID && r.plan.Application.ID != theirs.ID {
			r.giveWay(made, ResApplication, theirs.ID)
			r.plan.Application.ID, r.rep.Plan.Application.ID = theirs.ID, theirs.ID
			r.forgetAfter(ResApplication)
			st, err := r.f.observe(ctx, r.plan, r.st, partApplications|partMetadata|partApplicationGroups)
			if err != nil {
				return err
			}
			r.st = st
		}
	}
	for i := range r.plan.Groups {
		g := &r.plan.Groups[i]
		made := r.sent[Change{Resource: ResGroup, Name: g.Name, Action: Create}.key()]
		all := r.st.groups[g.Name]
		if made == nil || len(all) < 2 {
			continue
		}
		if id := r.rep.Steps[made.step].ID; id == "" || id == all[0].ID || g.ID == all[0].ID {
			continue
		}
		r.giveWay(made, ResGroup, all[0].ID)
		g.ID = all[0].ID
		r.forgetAfter(ResGroup)
		st, err := r.f.observe(ctx, r.plan, r.st, partGroups|partMembers)
		if err != nil {
			return err
		}
		r.st = st
	}
	return nil
}

// A double is what this run has made and another run has made too. It is removed
// at the end, when the other one was seen in its place.
type double struct {
	kind   Resource
	id     string
	theirs string // what it gave way to
	step   int    // of its creation
}

// giveWay lets another run's thing take the place of what this run has made. Until
// that is removed again its step stays as it is, for Revert to find.
func (r *run) giveWay(made *sent, kind Resource, theirs string) {
	if id := r.rep.Steps[made.step].ID; !slices.ContainsFunc(r.doubles, func(d double) bool { return d.id == id }) {
		r.doubles = append(r.doubles, double{kind, id, theirs, made.step})
	}
}

// tidy removes what this run has made and another run has made too, and, with
// consent, other applications with the plan's entity ID. What anybody may still use
// stays, and is told.
func (r *run) tidy(ctx context.Context, removals Changes) error {
	doubles := r.doubles
	r.doubles = nil
	for _, c := range removals {
		if !slices.ContainsFunc(doubles, func(d double) bool { return d.id == c.Target }) {
			if err := r.approved.objections(Changes{c}, nil, nil); err != nil {
				r.doubles = doubles // these are removed whatever becomes of the run
				return &StepError{PhaseApply, c, err}
			}
			r.rep.Steps = append(r.rep.Steps, Step{Change: c, ID: c.Target, Outcome: Planned, Started: r.f.now()})
			doubles = append(doubles, double{ResApplication, c.Target, r.plan.Application.ID, len(r.rep.Steps) - 1})
		}
	}
	for _, d := range doubles {
		s := &r.rep.Steps[d.step]
		why, err := r.inUse(ctx, d, doubles)
		if err == nil && why == "" {
			if err := r.journal.removing(ctx, s); err != nil {
				return &StepError{PhaseApply, s.Change, err}
			}
			if d.kind == ResApplication {
				err = r.f.jc.DeleteApplication(ctx, d.id)
			} else {
				err = r.f.jc.DeleteGroup(ctx, d.id)
			}
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return &StepError{PhaseApply, s.Change, err}
		case err != nil:
			why = err.Error()
		}
		if err := r.journal.after(ctx, why == "" || err != nil, func() { d.file(s, why) }); err != nil {
			return &StepError{PhaseApply, s.Change, err}
		}
		if why != "" {
			var ps findings
			ps.alarm(CodeApplicationTwice, d.id,
				"the "+string(d.kind)+" "+d.id+" stands beside "+d.theirs+", which is used, and is left: "+why,
				"look who uses it, and delete it by hand")
			r.rep.note(ps)
		}
	}
	return nil
}

// file files what came of a double; why says why it is left, if it is.
func (d double) file(s *Step, why string) {
	const same = " at the same moment, which is used; "
	switch removed := why == ""; {
	case s.Change.Action == Delete && removed:
		s.Outcome, s.Attempts = Done, 1
	case s.Change.Action == Delete:
		s.Outcome, s.Error = Left, why
	case removed:
		s.Outcome, s.ID = Skipped, d.theirs
		s.Error = "another run made " + d.theirs + same + d.id + " was removed again"
	default:
		s.Error = "another run made " + d.theirs + same + d.id + " is left: " + why
	}
}

// removals are the other applications with the plan's entity ID that the plan
// consents to remove, once everything else holds.
func (st *observation) removals(p Plan) (cs Changes) {
	if !p.Consent.RemoveDuplicate {
		return nil
	}
	second := st.secondApplication(p)
	for _, a := range st.apps {
		if a != st.app(p) && a != second && a.IdPEntityID == p.Application.IdPEntityID {
			cs = append(cs, Change{Resource: ResApplication, Name: a.IdPEntityID, Action: Delete, Target: a.ID,
				Fields: []Field{{Name: "label", Old: a.DisplayLabel}}})
		}
	}
	return cs
}

// inUse says why a double must stay; "" means that nobody uses it.
func (r *run) inUse(ctx context.Context, d double, doubles []double) (string, error) {
	if d.kind == ResApplication {
		domain, fed, err := r.f.authentication(ctx, r.plan.Domain)
		if err != nil {
			return "", err
		}
		now := observation{apps: r.st.apps, fed: fed}
		if domain != nil {
			now.domains = []*aad.Domain{domain}
		}
		if now.federated(r.plan.Domain) && (fed == nil || now.uses(d.id)) {
			return "the domain may be federated with it", nil
		}
		app := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: d.id}
		for to, err := range r.f.jc.Associations(ctx, app, jumpcloud.GroupObject, jumpcloud.UserObject) {
			if errors.Is(err, jumpcloud.ErrNotFound) {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			ours := slices.ContainsFunc(r.plan.Groups, func(g Group) bool { return g.ID == to.ID }) ||
				slices.ContainsFunc(doubles, func(d double) bool { return d.id == to.ID })
			if to.Type != jumpcloud.GroupObject || !ours {
				return "the " + to.String() + " is bound to it, which the plan does not name", nil
			}
		}
		return "", nil
	}
	listed := make(map[string]bool) // whom the plan has put there
	for _, g := range r.plan.Groups {
		if g.ID == d.theirs {
			for _, m := range g.Members {
				listed[r.st.userIDs[strings.ToLower(m)]] = true
			}
		}
	}
	for id, err := range r.f.jc.GroupMembers(ctx, d.id) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if !listed[id] {
			return "the user " + id + " is in it, whom the plan does not list", nil
		}
	}
	return r.letsIn(ctx, d, doubles)
}

// letsIn says through which application that is none of this run's the members of a group
// get in; "" if there is none. A run for another domain takes what it finds.
func (r *run) letsIn(ctx context.Context, d double, doubles []double) (string, error) {
	for to, err := range r.f.jc.Associations(ctx, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: d.id}, jumpcloud.ApplicationObject) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if to.ID != r.plan.Application.ID && !slices.ContainsFunc(doubles, func(d double) bool { return d.id == to.ID }) {
			return "it is bound to the " + to.String() + ", which is not the plan's", nil
		}
	}
	return "", nil
}

// forgetAfter lets the changes be made again that build on a thing which was
// replaced.
func (r *run) forgetAfter(replaced Resource) {
	for _, sent := range r.sent {
		if slices.Contains(resources[r.rep.Steps[sent.step].Change.Resource].on, replaced) {
			sent.made, sent.seen = false, 0
		}
	}
}

// inspectDoubles tells of a second application with the plan's entity ID: which of
// them answers at one address is not known, and it may be the trace of another run.
func (st *observation) inspectDoubles(ps *findings, p Plan) {
	app, second := st.app(p), st.secondApplication(p)
	for _, a := range st.apps {
		if a == app || a == second { // of a rotation: told by inspectRotation
			continue
		}
		why := "it is the older one"
		switch {
		case st.accepted(p.Domain) == app && st.uses(app.ID):
			why = "Azure AD accepts its certificate"
		case st.accepted(p.Domain) == app:
			why = "people are sent to it"
		case app.ID == p.Application.ID:
			why = "the plan pins it"
		}
		ps.alarm(CodeApplicationTwice, a.ID,
			"applications "+st.nameApplication(app)+" and "+st.nameApplication(a)+" carry the same entity ID "+p.Application.IdPEntityID+
				"; the plan's is the first, because "+why,
			"find out who made the other, perhaps another run at the same moment; "+
				"delete it with jumpcloud.Client.DeleteApplication(ctx, "+quote(a.ID)+"), or set consent.removeDuplicate").
			unless("removeDuplicate", p.Consent.RemoveDuplicate)
	}
}

// older reports whether a was made before b, or comes first where that is not known.
func older(a, b *jumpcloud.Application) bool {
	if !a.Created.Equal(b.Created) && !a.Created.IsZero() && !b.Created.IsZero() {
		return a.Created.Before(b.Created)
	}
	return a.ID < b.ID
}

// accepted is the one of several applications with the issuer that stands in Azure AD
// which the domain is federated with: the one that people are sent to, if its certificate
// is accepted or it is one of the two of a rotation; else one whose certificate is
// accepted. It is nil if there is none.
func (st *observation) accepted(domain string) *jumpcloud.Application {
	if len(st.apps) < 2 || st.fed == nil || !st.federated(domain) {
		return nil
	}
	if a := st.sentTo(); a != nil && (st.uses(a.ID) || secondOf(st.apps, a) != nil) {
		return a
	}
	var found *jumpcloud.Application
	for _, a := range st.apps {
		if a.IdPEntityID == st.fed.IssuerURI && st.uses(a.ID) && (found == nil || older(a, found)) {
			found = a
		}
	}
	return found
}

// sentTo is the application that people are sent to, or nil. Of several with one login URL
// it is the one whose certificate is accepted, then the oldest.
func (st *observation) sentTo() *jumpcloud.Application {
	var found *jumpcloud.Application
	for _, a := range st.apps {
		if st.fed == nil || a.IdPEntityID != st.fed.IssuerURI || a.SSOURL == "" || a.SSOURL != st.fed.PassiveSignInURI {
			continue
		}
		if found == nil || st.uses(a.ID) && !st.uses(found.ID) || st.uses(a.ID) == st.uses(found.ID) && older(a, found) {
			found = a
		}
	}
	return found
}

// uses reports whether the domain is federated with the application.
func (st *observation) uses(appID string) bool {
	if st.fed == nil {
		return false
	}
	for _, a := range st.apps {
		if c, err := a.Certificate(); a.ID == appID && err == nil && (c == st.fed.SigningCertificate || c == st.fed.NextSigningCertificate) {
			return true
		}
	}
	return false
}

var errOvertaken = errors.New("another run has federated the domain a moment ago, with an application that JumpCloud does not list yet; " +
	"call again in some minutes, it goes on from what it finds")

// overtaken reports whether the domain was federated since this run looked first, with
// the plan's issuer and the certificate of no application that is seen.
func (r *run) overtaken() bool {
	now := r.st.fed
	if now == nil || !r.st.federated(r.plan.Domain) || now.IssuerURI != r.plan.Application.IdPEntityID {
		return false
	}
	if r.stood != nil && r.stood.SigningCertificate == now.SigningCertificate || slices.Contains(r.trusted, now.SigningCertificate) {
		return false
	}
	return !slices.ContainsFunc(r.st.apps, func(a *jumpcloud.Application) bool { return r.st.uses(a.ID) })
}

// nameApplication names an application for people. If there are several, it
// says with which of them the domain is federated.
func (st *observation) nameApplication(a *jumpcloud.Application) string {
	name := quote(a.DisplayLabel) + " (" + a.ID
	if st.fed == nil || len(st.apps) == 1 {
		return name + ")"
	}
	if own, err := a.Certificate(); err == nil && (own == st.fed.SigningCertificate || own == st.fed.NextSigningCertificate) {
		return name + ", whose certificate Azure AD accepts)"
	}
	return name + ", whose certificate Azure AD does not accept)"
}

// inspectTwice refuses to choose between two groups of one name.
func (st *observation) inspectTwice(ps *findings, p Plan) {
	for _, g := range p.Groups {
		if have := st.groups[g.Name]; len(have) > 1 && st.group(g) == nil {
			ids := make([]string, 0, len(have))
			for _, h := range have {
				ids = append(ids, h.ID)
			}
			ps.refuse(CodeGroupTwice, g.Name, fmt.Sprintf("JumpCloud has %d groups named %q (%s)", len(have), g.Name, strings.Join(ids, ", ")),
				"rename all but one, or set the group's id in the plan")
		}
	}
}
