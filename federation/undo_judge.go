package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Codes of findings that keep Revert from undoing anything.
const (
	CodeRevertForeign Code = "revert-federation-elsewhere"
	CodeRevertNothing Code = "revert-nothing-to-restore"
)

// A sighting is what the sign-in of a domain depends on at one moment, with the
// domain read by its name rather than from a list.
type sighting struct {
	read bool
	st   observation
}

func (s *sighting) state(p Plan) State {
	if !s.read {
		return ""
	}
	return classify(p, &s.st)
}

// authentication reads a domain and its configuration by name. Both are nil for
// a domain that the tenant does not have.
func (f *Federator) authentication(ctx context.Context, domain string) (*aad.Domain, *aad.Federation, error) {
	d, err := f.ad.Domain(ctx, domain)
	if errors.Is(err, aad.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	fed, err := f.ad.Federation(ctx, domain)
	if errors.Is(err, aad.ErrNotFederated) || errors.Is(err, aad.ErrNotFound) {
		return d, nil, nil
	}
	return d, fed, err
}

// look reads it. A federated domain whose configuration does not show, or a managed
// one with a configuration, is looked at for half a minute: one of two answers may
// be older than the other.
func (f *Federator) look(ctx context.Context, p Plan) (sighting, error) {
	s := sighting{read: true}
	for n := 1; ; n++ {
		d, fed, err := f.authentication(ctx, p.Domain)
		if err != nil && (!temporary(err) || n == halfStateLooks) {
			return s, err
		}
		if err == nil {
			s.st.domains, s.st.fed = nil, fed
			if d != nil {
				s.st.domains = []*aad.Domain{d}
			}
			if s.st.federated(p.Domain) == (fed != nil) || n == halfStateLooks {
				break
			}
		}
		if err := sleep(ctx, 5*time.Second); err != nil {
			return s, err
		}
	}
	err := f.lookAtApplications(ctx, p, &s.st)
	return s, err
}

// lookAtApplications reads the applications that the plan may mean, each by its
// ID: a list may show one that is gone.
func (f *Federator) lookAtApplications(ctx context.Context, p Plan, st *observation) error {
	if err := f.applications(ctx, p, st); err != nil {
		return err
	}
	listed := st.apps
	st.apps, st.metadata = nil, nil
	for _, a := range listed {
		a, err := f.jc.Application(ctx, a.ID)
		switch {
		case err == nil:
			st.apps = append(st.apps, a)
		case !errors.Is(err, jumpcloud.ErrNotFound):
			return err
		}
	}
	if a := st.app(p); a != nil {
		m, err := f.jc.Metadata(ctx, a.OrganizationID, a.ID)
		if err != nil && !errors.Is(err, jumpcloud.ErrNotFound) {
			return err
		}
		st.metadata = m
	}
	return nil
}

// depends says why people sign in through the plan's application as things
// stand; "" means that the domain depends on it no more: it is managed, gone, or
// federated with another issuer.
func depends(p Plan, app *jumpcloud.Application, d *aad.Domain, fed *aad.Federation) string {
	switch {
	case d == nil:
		return ""
	case !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)):
		if fed == nil {
			return ""
		}
		return p.Domain + " is managed, and yet its federation can be read"
	case fed == nil:
		return p.Domain + " is federated, and its configuration cannot be read"
	case fed.IssuerURI == p.Application.IdPEntityID,
		app != nil && (fed.IssuerURI == app.IdPEntityID || fed.PassiveSignInURI == app.SSOURL):
		return p.Domain + " is federated with this application"
	}
	return ""
}

// judge finds out where every step stands, which of them stay, and whether
// anything keeps all of them from being undone.
func (u *undoing) judge(ctx context.Context) error {
	u.f.emit(ctx, Event{Phase: PhaseObserve, Domain: u.p.Domain, Text: "judging every step before the first is undone"})
	for _, s := range u.steps {
		s.at, s.why = asLeft, ""
	}
	if err := u.identify(ctx); err != nil {
		return reading(PhaseObserve, err)
	}
	if err := u.placeAll(ctx); err != nil {
		return err
	}
	if err := u.lookAround(ctx); err != nil {
		return reading(PhaseObserve, err)
	}
	u.rep.Before = u.sight.state(u.p)
	var ps problems
	if err := u.judgeFederation(ctx, &ps); err != nil {
		return reading(PhaseCheck, err)
	}
	u.judgeLine()
	if err := u.judgeShared(ctx); err != nil {
		return reading(PhaseCheck, err)
	}
	perms, err := u.f.ad.Permissions(ctx)
	if err != nil && !errors.Is(err, aad.ErrOpaqueToken) {
		return reading(PhaseCheck, err)
	}
	var todo Changes
	for _, s := range u.steps {
		if s.at == asLeft && s.why == "" {
			todo = append(todo, s.Change)
		}
	}
	if perms != nil {
		gatePermissions(&ps, todo, perms)
	}
	u.rep.note(ps)
	return ps.differs()
}

// lookAround reads what the domain's sign-in depends on. If that is another story
// than the federation's step has told, which was looked at twice and apart, one of
// the answers is old.
func (u *undoing) lookAround(ctx context.Context) (err error) {
	for n := 1; ; n++ {
		if u.sight, err = u.f.look(ctx, u.p); err != nil {
			u.sight.read = false
			return err
		}
		s := u.federation()
		if s == nil || s.Change.Action != Delete || s.at == differs || (s.at == undone) != u.sight.st.federated(u.p.Domain) || n == halfStateLooks {
			return nil
		}
		if err := sleep(ctx, 5*time.Second); err != nil {
			return err
		}
	}
}

// federation is the step that leads the domain's federation back, if there is
// one that is still to be made.
func (u *undoing) federation() *undoStep {
	for _, s := range u.steps {
		if s.Change.Resource == ResFederation {
			return s
		}
	}
	return nil
}

// judgeLine lets everything stay that sign-in through the application depends
// on, if the domain will still depend on it.
func (u *undoing) judgeLine() {
	app := u.sight.st.app(u.p)
	reason := depends(u.p, app, u.sight.st.domain(u.p.Domain), u.sight.st.fed)
	if reason == "" {
		return
	}
	if s := u.federation(); s != nil && s.at == asLeft && s.why == "" && s.frees() {
		return
	}
	reason += u.wayOut()
	for _, s := range u.steps {
		if s.losing && s.at != undone && s.why == "" {
			s.why = reason
		}
	}
}

// wayOut says what to do about what stays because the domain is federated.
func (u *undoing) wayOut() string {
	if s := u.federation(); s != nil && s.frees() {
		return ", and people sign in through it: call again once its federation can be taken away"
	}
	return ", and people sign in through it: revert the report of the run that federated the domain first, or call Defederate"
}

// frees reports whether the step, which leads the federation back, ends the
// domain's dependence on the application.
func (s *undoStep) frees() bool {
	switch s.Change.Action {
	case Delete:
		return true
	case Update:
		return s.restores(fieldIssuer)
	}
	return false
}

// restores reports whether the step writes the field of a configuration.
func (s *undoStep) restores(name string) bool {
	return slices.ContainsFunc(s.Change.Fields, func(f Field) bool { return f.Name == name && f.Old != f.New })
}

// release waits until the domain is seen, twice and apart, to depend on the
// application no more. It returns why it does, if it stays so.
func (u *undoing) release(ctx context.Context) (reason string, err error) {
	if u.freed || u.stuck != "" {
		return u.stuck, nil
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, u.f.opts.Settle, ErrNotConverged)
	defer cancel()
	app := u.sight.st.app(u.p)
	// Where the domain looked free when the steps were judged, or was freed by this
	// call, an answer that says otherwise is most likely an old one.
	expected := u.took || depends(u.p, app, u.sight.st.domain(u.p.Domain), u.sight.st.fed) == ""
	var since time.Time
	for n, bound := 1, 0; ; n++ {
		pause := backoff(n)
		d, fed, err := u.f.authentication(ctx, u.p.Domain)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			u.stuck = "it could not be seen that " + u.p.Domain + " depends on it no more: call Revert again"
			return "", reading(PhaseWait, err)
		case err != nil:
			since = time.Time{}
		default:
			reason = depends(u.p, app, d, fed)
			if reason != "" {
				since = time.Time{}
				if bound++; bound == differsLooks && !expected {
					u.stuck = reason + u.wayOut()
					return u.stuck, nil
				}
				break
			}
			bound = 0
			if since.IsZero() {
				since = time.Now()
			} else if time.Since(since) >= apart {
				u.freed = true
				if fed == nil {
					u.f.ad.Switches().Forget(u.p.Domain)
				}
				return "", nil
			}
			pause = apart
		}
		u.f.emit(ctx, Event{Phase: PhaseWait, Domain: u.p.Domain, Attempt: n, Text: "making sure that the domain depends on the application no more", Err: err})
		if serr := sleep(ctx, pause); serr != nil {
			u.stuck = "it did not show that " + u.p.Domain + " depends on it no more: call Revert again"
			if parent.Err() != nil || err != nil {
				return "", &StepError{Phase: PhaseWait, Err: errors.Join(serr, err)}
			}
			return u.stuck, nil
		}
	}
}

// judgeShared lets everything stay that another federated domain lives on.
func (u *undoing) judgeShared(ctx context.Context) error {
	var groups []string
	admins := false
	for _, s := range u.steps {
		if s.at != asLeft || s.why != "" || !s.Change.takesAway() {
			continue
		}
		if id := s.group(); id != "" && !slices.Contains(groups, id) {
			groups = append(groups, id)
		}
		admins = admins || s.Change.Resource == ResTechnicalAccount || s.Change.Resource == ResRole ||
			s.Change.Resource == ResDirectoryDomain || s.Change.Resource == ResDirectoryDefault
	}
	if len(groups) == 0 && !admins {
		return nil
	}
	others, st, err := u.otherDomains(ctx)
	if err != nil {
		return err
	}
	users := make([]string, len(groups))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, id := range groups {
		g.Go(func() (err error) {
			users[i], err = u.groupUser(gctx, id, others)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, s := range u.steps {
		if s.at != asLeft || s.why != "" || !s.Change.takesAway() {
			continue
		}
		if i := slices.Index(groups, s.group()); i >= 0 && users[i] != "" {
			s.why = "people of another domain sign in by this group: it is bound to " + users[i] + "; revert the report of that domain first"
			continue
		}
		s.why = u.serves(s, others)
	}
	return u.judgeAdministrators(ctx, st)
}

// judgeAdministrators lets the technical account and its role stay if nobody else
// could administer the tenant without JumpCloud. It is asked as if the report's
// domain were managed again.
func (u *undoing) judgeAdministrators(ctx context.Context, st *observation) error {
	own := func(s *undoStep) bool {
		return (s.Change.Resource == ResTechnicalAccount || s.Change.Resource == ResRole) && s.Change.takesAway() && s.at == asLeft && s.why == ""
	}
	if !slices.ContainsFunc(u.steps, own) {
		return nil
	}
	seen, err := u.f.observe(ctx, Plan{}, observation{}, partAdmins)
	if err != nil {
		return err
	}
	seen.domains = slices.DeleteFunc(slices.Clone(st.domains), func(d *aad.Domain) bool { return domainName(d.Name) == u.p.Domain })
	mine := make(map[string]bool)
	for _, s := range u.steps {
		if own(s) {
			mine[strings.ToLower(s.Change.Name)] = true
		}
	}
	for i := range seen.admins {
		if a := &seen.admins[i]; !mine[strings.ToLower(a.upn)] && a.unfit(Plan{}, &seen) == "" {
			return nil
		}
	}
	for _, s := range u.steps {
		if own(s) {
			s.why = "no other Global Administrator could sign in without an identity provider: give the role to another cloud-only account first"
		}
	}
	return nil
}

// group is the ID of the JumpCloud group that a step is about, as far as others
// may live on it: its binding to this run's own application concerns nobody else.
func (s *undoStep) group() string {
	switch s.Change.Resource {
	case ResGroup:
		return s.ID
	case ResMember:
		return s.Change.Parent
	case ResDirectoryGroup:
		return s.Change.Target
	}
	return ""
}

// otherDomains maps the issuers of the tenant's other federated domains to
// these; the key of one whose issuer cannot be read is its name.
func (u *undoing) otherDomains(ctx context.Context) (map[string]string, *observation, error) {
	var st observation
	for d, err := range u.f.ad.Domains(ctx) {
		if err != nil {
			return nil, nil, err
		}
		st.domains = append(st.domains, d)
	}
	issuers, err := u.f.issuers(ctx, u.p, &st)
	if err != nil {
		return nil, nil, err
	}
	others := make(map[string]string)
	for _, d := range st.domains {
		if n := domainName(d.Name); n != u.p.Domain && d.IsRoot && st.federated(n) {
			others[n] = n
		}
	}
	for issuer, n := range issuers {
		if issuer != "" {
			delete(others, n)
			others[issuer] = n
		}
	}
	return others, &st, nil
}

// groupUser names an application of another domain that the group is bound to,
// directly or by way of groups that it is in. JumpCloud is asked, so that domains
// of other tenants count.
func (u *undoing) groupUser(ctx context.Context, groupID string, others map[string]string) (string, error) {
	for to, err := range u.f.jc.Traverse(ctx, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: groupID}, jumpcloud.ApplicationObject) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if to.ID == u.p.Application.ID || u.deletes(to.ID) {
			continue
		}
		a, err := u.f.jc.Application(ctx, to.ID)
		if errors.Is(err, jumpcloud.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if a.Name == DefaultTemplate || a.Name == u.p.Application.Template || others[a.IdPEntityID] != "" {
			return "the application " + quote(a.DisplayLabel) + " (" + a.ID + ")", nil
		}
	}
	return "", nil
}

// deletes reports whether one of the steps deletes this thing.
func (u *undoing) deletes(id string) bool {
	return slices.ContainsFunc(u.steps, func(s *undoStep) bool { return s.Change.Action == Delete && s.ID == id })
}

// serves says what else lives on what a step takes away in Azure AD or in the
// directory; "" means nothing.
func (u *undoing) serves(s *undoStep, others map[string]string) string {
	var names []string
	for _, n := range others {
		names = append(names, n)
	}
	slices.Sort(names)
	switch s.Change.Resource {
	case ResTechnicalAccount, ResRole:
		if len(names) > 0 {
			return "it gets administrators back in while " + strings.Join(names, ", ") + " is federated: revert the reports of the other domains first, or delete the account by hand"
		}
	case ResDirectoryDomain, ResDirectoryDefault:
		if n := s.Change.Name; slices.Contains(names, n) {
			return n + " is federated, and the directory exports its people: revert the report of " + n + " first"
		}
	}
	return ""
}

// identify looks for what a creation made whose answer was lost. It is taken for
// the run's only if the run had seen, twice, that there was none, and what is
// there fits: the name, and the time where the service tells one.
func (u *undoing) identify(ctx context.Context) error {
	for _, s := range u.steps {
		if s.ID != "" || s.Change.Action != Delete {
			continue
		}
		var err error
		switch s.Change.Resource {
		case ResTechnicalAccount:
			err = u.identifyAccount(ctx, s)
		case ResApplication:
			err = u.identifyApplication(ctx, s)
		case ResGroup:
			err = u.identifyGroup(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sameTime reports whether something was made when the step was sent.
func (s *undoStep) sameTime(created time.Time) bool {
	d := created.Sub(s.begun)
	return !created.IsZero() && d > -5*time.Minute && d < s.Elapsed+5*time.Minute
}

// differs returns the refusals among p as an error that is [ErrDiffers] too, or nil.
func (p problems) differs() error {
	err := p.err()
	var pe *PreconditionError
	if errors.As(err, &pe) {
		pe.differs = slices.ContainsFunc(pe.Findings, func(f Finding) bool { return f.Code == CodeRevertForeign || f.Code == CodeRevertNothing })
	}
	return err
}

// inDate says what is wrong with the dates of another provider's certificate.
func inDate(c certs.Cert, now time.Time) string {
	x := c.X509()
	switch {
	case now.After(x.NotAfter):
		return fmt.Sprintf("expired on %s", x.NotAfter.Format("2006-01-02"))
	case now.Before(x.NotBefore):
		return fmt.Sprintf("is valid only from %s", x.NotBefore.Format("2006-01-02"))
	}
	return ""
}
