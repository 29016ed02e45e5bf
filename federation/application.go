package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/jumpcloud"
)

func (f *Federator) observeApplication(ctx context.Context, p Plan, st *observation, parts part, read lists) error {
	if err := f.listApplications(ctx, p, st, parts, read); err != nil {
		return err
	}
	if len(st.apps) > 1 {
		<-read.domain // of several, what the domain is federated with decides
	}
	app := st.app(p)
	g, ctx := errgroup.WithContext(ctx)
	if app == nil {
		st.metadata, st.appGroups = nil, nil
		if parts.has(partApplications) && st.template == nil && len(st.apps) == 0 {
			g.Go(func() (err error) {
				st.template, err = recallable(ctx, "template "+p.Application.Template, func(ctx context.Context) (*jumpcloud.Template, error) {
					return f.jc.Template(ctx, p.Application.Template)
				})
				if st.noTmpl = errors.Is(err, jumpcloud.ErrNotFound); st.noTmpl {
					err = nil
				}
				return err
			})
		}
		return g.Wait()
	}
	if parts.has(partMetadata) {
		g.Go(func() (err error) {
			st.metadata, err = f.jc.Metadata(ctx, app.OrganizationID, app.ID)
			return lagging(err)
		})
	}
	if parts.has(partApplicationGroups) {
		g.Go(func() (err error) {
			st.appGroups, err = f.bound(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID})
			return lagging(err)
		})
	}
	return g.Wait()
}

// listApplications reads the list, if it is one of the parts.
func (f *Federator) listApplications(ctx context.Context, p Plan, st *observation, parts part, read lists) error {
	defer close(read.applications)
	if !parts.has(partApplications) {
		return nil
	}
	return f.applications(ctx, p, st)
}

// applications reads the applications that carry the plan's entity ID, and the
// pinned one, which a list may not show yet. The list is narrowed to the
// template of the plan and to custom SAML applications, which can carry the
// same entity ID.
func (f *Federator) applications(ctx context.Context, p Plan, st *observation) error {
	var found, others []*jumpcloud.Application
	var atWork []worker
	listed, lost := p.Application.ID == "", false
	for a, err := range recallList(ctx, "applications of "+p.Application.Template, f.jc.Applications(ctx, p.Application.Template, "saml2")) {
		if err != nil {
			return err
		}
		if a.ID == p.Application.ID {
			listed = true
		} else if a.IdPEntityID != p.Application.IdPEntityID {
			others = append(others, a)
			if domain, ok := strings.CutPrefix(a.IdPEntityID, entityIDPrefix); ok && a.Active && f.age(a.Created) < atWorkFor {
				atWork = append(atWork, worker{domainName(domain), a.ID})
			}
			continue
		}
		found = append(found, a)
	}
	if !listed {
		switch a, err := f.jc.Application(ctx, p.Application.ID); {
		case err == nil:
			found = append(found, a)
		case errors.Is(err, jumpcloud.ErrNotFound):
			lost = true
		default:
			return err
		}
	}
	more, err := f.shownApplications(ctx, p, st, found)
	if err != nil {
		return err
	}
	found = append(found, more...)
	slices.SortFunc(found, func(a, b *jumpcloud.Application) int { return strings.Compare(a.ID, b.ID) })
	st.apps, st.others, st.pinLost, st.appHidden, st.atWork = found, others, lost, !listed && !lost, atWork
	st.at.applications = time.Now()
	return nil
}

// A worker is another run, in whatever process, that seems to be federating another
// domain: it has just made the domain's application.
type worker struct{ domain, app string }

// atWorkFor is how young an application must be to be the sign of another run.
const atWorkFor = 10 * time.Minute

// app is the application that the plan means, or nil. Of several with one entity
// ID it is the one that stands in Azure AD, then the pinned one, then the oldest:
// runs in two processes that have made one each choose the same.
func (st *observation) app(p Plan) *jumpcloud.Application {
	if len(st.apps) == 0 {
		return nil
	}
	if a := st.accepted(p.Domain); a != nil {
		return a
	}
	oldest := st.apps[0]
	for _, a := range st.apps {
		if a.ID == p.Application.ID {
			return a
		}
		if older(a, oldest) {
			oldest = a
		}
	}
	return oldest
}

// signing is the certificate that an application signs with, worked out once
// for what was read: judging a certificate costs a signature's verification.
type signing struct {
	app      *jumpcloud.Application
	metadata *certs.Metadata
	cert     certs.Cert
	err      error
}

// cert is the certificate that the application signs with. JumpCloud shows it
// in two places; only if both agree is it known.
func (st *observation) cert(p Plan) (certs.Cert, error) {
	a := st.app(p)
	if a == nil || st.metadata == nil {
		return certs.Cert{}, errors.New("the application's certificate is not known yet")
	}
	if st.signing.app != a || st.signing.metadata != st.metadata {
		c, err := signingCert(a, st.metadata)
		st.signing = signing{a, st.metadata, c, err}
	}
	return st.signing.cert, st.signing.err
}

// shows reports whether JumpCloud shows a certificate as the application's, in
// either place.
func (st *observation) shows(p Plan, c certs.Cert) bool {
	a := st.app(p)
	if a == nil || c.IsZero() {
		return false
	}
	own, err := a.Certificate()
	return err == nil && own == c ||
		st.metadata != nil && st.metadata.EntityID == a.IdPEntityID && slices.Contains(st.metadata.SigningCerts, c)
}

func signingCert(a *jumpcloud.Application, m *certs.Metadata) (certs.Cert, error) {
	own, err := a.Certificate()
	if err != nil {
		return certs.Cert{}, err
	}
	switch {
	case len(m.SigningCerts) != 1:
		return certs.Cert{}, errors.New("the application's metadata does not hold exactly one signing certificate")
	case m.SigningCerts[0] != own:
		return certs.Cert{}, errors.New("the application's certificate " + own.Thumbprint() +
			" is not the one in its metadata, " + m.SigningCerts[0].Thumbprint())
	case m.EntityID != a.IdPEntityID:
		return certs.Cert{}, errors.New("the application's entity ID " + quote(a.IdPEntityID) +
			" is not the one in its metadata, " + quote(m.EntityID))
	}
	return own, nil
}

func (st *observation) diffApplication(cs Changes, p Plan) Changes {
	a := st.app(p)
	id := ""
	if a == nil {
		cs = append(cs, Change{Resource: ResApplication, Name: p.Application.IdPEntityID, Action: Create, Fields: []Field{
			{Name: "label", New: p.label()},
			{Name: "template", New: p.Application.Template},
			{Name: "idpEntityID", New: p.Application.IdPEntityID},
			{Name: "loginURL", New: p.loginURL(st.template)},
			{Name: "active", New: "true"},
		}})
	} else {
		id = a.ID
		var fs []Field
		if f := st.relabels(p); f.Name != "" && !st.leavesApplication(p) {
			fs = append(fs, f)
		}
		if !a.Active {
			fs = append(fs, Field{Name: "active", Old: "false", New: "true"})
		}
		if fs != nil {
			cs = append(cs, Change{Resource: ResApplication, Name: p.Application.IdPEntityID, Action: Update, Fields: fs, Target: id})
		}
	}
	return st.diffApplicationGroups(cs, p, id)
}

// relabels is the change of the application's label; zero if there is none.
func (st *observation) relabels(p Plan) Field {
	a, want := st.app(p), p.Application.Label
	if a == nil || want == "" || a.DisplayLabel == want {
		return Field{}
	}
	return Field{Name: "label", Old: a.DisplayLabel, New: want}
}

// changing is a change of an application, or its end.
func changing(a *jumpcloud.Application, action Action, fields ...Field) Change {
	return Change{Resource: ResApplication, Name: a.IdPEntityID, Action: action, Target: a.ID, Fields: fields}
}

// ofApplication reports whether the change is about the application itself.
func (c Change) ofApplication() bool { return c.Resource == ResApplication }

func (c Change) makesApplication() bool { return c.ofApplication() && c.Action == Create }

func (c Change) deletesApplication() bool { return c.ofApplication() && c.Action == Delete }

// switchesOff reports whether the change makes the application inactive.
func (c Change) switchesOff() bool {
	return c.ofApplication() && c.Action == Update &&
		slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Name == "active" && f.New != "true" })
}

func (p Plan) label() string {
	return cmp.Or(p.Application.Label, "Microsoft 365 ("+p.Domain+")")
}

// loginURL is the login URL of an application that is yet to be made: the
// plan's, or the domain's slug beside the template's own URL, whose host
// differs between regions.
func (p Plan) loginURL(t *jumpcloud.Template) string {
	if p.Application.LoginURL != "" {
		return p.Application.LoginURL
	}
	root := defaultLoginRoot
	if t != nil && checkURL(t.SSOURL) == "" {
		if dir, _ := path.Split(t.SSOURL); dir != "" {
			root = dir
		}
	}
	return root + text.Slug(p.Domain)
}

func (st *observation) inspectApplication(ps *findings, p Plan) {
	app := st.app(p)
	switch {
	case st.pinLost:
		ps.refuse(CodeApplicationGone, p.Application.ID, "the application "+p.Application.ID+" that the plan pins does not exist any more",
			"remove application.id from the plan to have it made anew")
	case st.inspectPin(ps, p):
	case app == nil && st.noTmpl:
		ps.refuse(CodeTemplateMissing, p.Application.Template, "JumpCloud has no application template "+quote(p.Application.Template),
			"set application.template to the name of the Microsoft 365 template of your organisation")
	case app == nil:
	case app.IdPEntityID != p.Application.IdPEntityID:
		ps.refuse(CodeApplicationFixed, app.ID, "the pinned application "+app.ID+" has the entity ID "+quote(app.IdPEntityID)+
			", the plan asks for "+quote(p.Application.IdPEntityID),
			"set application.idpEntityID to the application's, or pin another one")
	case p.Application.LoginURL != "" && app.SSOURL != p.Application.LoginURL:
		ps.refuse(CodeApplicationFixed, app.ID, "the application "+quote(app.DisplayLabel)+" has the login URL "+app.SSOURL+
			", which cannot be changed after it was made; the plan asks for "+p.Application.LoginURL,
			"leave application.loginURL out to use what it has")
	}
}

// checkCertificate turns what certs has to say into findings.
func checkCertificate(ps *findings, p Plan, c certs.Cert, now time.Time) {
	for _, problem := range c.Check(now) {
		message := "JumpCloud's certificate " + c.Thumbprint() + ": " + problem.Message
		switch problem.Severity {
		case certs.Error:
			ps.refuse(CodeCertificate, c.Thumbprint(), message, "have the application make a new certificate in JumpCloud's console").
				unless("certificate: ["+string(problem.Code)+"]", slices.Contains(p.Consent.Certificate, string(problem.Code)))
		case certs.Warning:
			ps.warn(CodeCertificate, c.Thumbprint(), message, "")
		default:
			ps.info(CodeCertificate, c.Thumbprint(), message, "")
		}
	}
}

func (r *run) sendApplication(ctx context.Context, plan Plan, c Change) (string, error) {
	if c.Action == Create {
		if err := r.st.untaken(plan); err != nil {
			return "", err
		}
		a, err := r.f.jc.CreateApplication(ctx, jumpcloud.NewApplication{
			Template:    r.st.template,
			Label:       plan.label(),
			SSOURL:      plan.loginURL(r.st.template),
			IdPEntityID: plan.Application.IdPEntityID,
			Active:      true,
		})
		if err != nil {
			return "", err
		}
		return a.ID, nil
	}
	own, unknown := r.st.cert(plan)
	_, err := r.f.jc.ModifyApplication(ctx, c.Target, func(a *jumpcloud.Application) error {
		if unknown == nil {
			if err := showsStill(a, own); err != nil {
				return err
			}
		}
		editApplication(a, c.Fields)
		return nil
	})
	return "", err
}

// showsStill refuses to write an application back that shows another certificate than
// both of JumpCloud's places did a moment ago: one of the answers is old, and the old
// certificate would come back to an application that signs with the new key.
func showsStill(a *jumpcloud.Application, own certs.Cert) error {
	switch now, err := a.Certificate(); {
	case err != nil:
		return fmt.Errorf("%w: %w", errLagging, err)
	case now != own:
		return fmt.Errorf("%w: the application shows the certificate %s, and a moment ago %s; it was not written to", errLagging,
			now.Thumbprint(), own.Thumbprint())
	}
	return nil
}

func editApplication(a *jumpcloud.Application, fs []Field) {
	for _, f := range fs {
		switch f.Name {
		case "label":
			a.DisplayLabel = f.New
		case "active":
			a.Active = f.New == "true"
		case "hidden":
			a.Hidden = f.New == "true"
		}
	}
}

func (st *observation) applicationDrift(p Plan, c Change) (Severity, string) {
	if c.Action != Update {
		return Alarm, "JumpCloud's application is missing, so nobody can sign in"
	}
	severity := Alarm
	if a := st.app(p); a == nil || a.Active {
		severity = Warning
	}
	return severity, "JumpCloud's application differs: " + describe(c)
}
