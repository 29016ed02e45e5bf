package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// apply sends those of the changes that were not sent yet, side by side. A
// temporary refusal is returned as refused, for the caller to look and try
// again; anything else ends the run.
//
// On a temporary failure the change may have been made all the same. Making a
// second application or group is worse than looking, so those are not sent
// again; everything else is a set, and sending it twice changes nothing.
func (r *run) apply(ctx context.Context, todo Changes) (refused, err error) {
	type result struct {
		refused, err error
	}
	results := make([]result, len(todo))
	plan := r.plan // as it is before this stage pins what it makes
	var wg sync.WaitGroup
	for i, c := range todo {
		r.mu.Lock()
		made := r.made[c.key()]
		r.mu.Unlock()
		if made {
			continue
		}
		wg.Go(func() {
			results[i].refused, results[i].err = r.applyOne(ctx, plan, c)
		})
	}
	wg.Wait()
	var refusals, errs []error
	for _, res := range results {
		refusals, errs = append(refusals, res.refused), append(errs, res.err)
	}
	return errors.Join(refusals...), errors.Join(errs...)
}

func (r *run) applyOne(ctx context.Context, plan Plan, c Change) (refused, fatal error) {
	key := c.key()
	start := time.Now()
	r.mu.Lock()
	i, ok := r.steps[key]
	if !ok {
		i = len(r.rep.Steps)
		r.steps[key] = i
		r.rep.Steps = append(r.rep.Steps, Step{Change: c, Started: start})
	}
	r.rep.Steps[i].Attempts++
	attempt := r.rep.Steps[i].Attempts
	if c.Resource == ResFederation && c.Action == Update && r.rep.Steps[i].Backup == nil {
		r.rep.Steps[i].Backup = r.st.fed
	}
	r.mu.Unlock()

	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: plan.Domain, Change: &c, Attempt: attempt})
	var answered atomic.Value // the ID of the last request that was answered
	sent := jumpcloud.WithRequestIDs(ctx, func(id string) { answered.Store(id) })
	if strings.HasPrefix(string(c.Resource), "azure-ad/") {
		sent = aad.WithRequestIDs(ctx, func(id string) { answered.Store(id) })
	}
	id, err := r.send(sent, plan, c)
	elapsed := time.Since(start)
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: plan.Domain, Change: &c, Attempt: attempt, Elapsed: max(elapsed, 1), Err: err})

	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.rep.Steps[i]
	s.Change, s.Elapsed = c, time.Since(s.Started)
	switch {
	case err == nil:
		s.Outcome, s.Error = Made, ""
		r.made[key] = true
	case already(err):
		// Somebody was there first: this run's own request, if it lost an
		// answer before, else somebody else.
		r.theirs[key] = s.Outcome != Unknown
		s.Outcome, s.Error = Unknown, err.Error()
		r.made[key] = true
		r.refusals[key], err = err, nil
	case unknown(err):
		s.Outcome, s.Error = Unknown, err.Error()
		r.made[key] = c.Action == Create && (c.Resource == ResApplication || c.Resource == ResGroup)
	default:
		s.Outcome, s.Error = Refused, err.Error()
	}
	if s.RequestID = requestID(err); err == nil {
		s.RequestID, _ = answered.Load().(string)
	}
	if id != "" {
		s.ID = id
		r.pinCreated(c, id)
	}
	switch {
	case err == nil:
		return nil, nil
	case temporary(err), r.young(c) && notThere(err):
		return err, nil
	}
	return nil, &StepError{PhaseApply, c, err}
}

// already reports whether a write was refused because it is so already.
func already(err error) bool {
	return errors.Is(err, aad.ErrAlreadyFederated) || errors.Is(err, aad.ErrConflict) && !errors.Is(err, aad.ErrIssuerInUse) ||
		errors.Is(err, jumpcloud.ErrConflict)
}

// notThere reports whether a service does not know what was just made.
func notThere(err error) bool {
	return errors.Is(err, jumpcloud.ErrNotFound) || errors.Is(err, jumpcloud.ErrInvalid) || errors.Is(err, aad.ErrNotFound)
}

// young reports whether the change builds on something that this run made,
// which one of a service's replicas may not have heard of yet.
func (r *run) young(c Change) bool {
	for _, s := range r.rep.Steps {
		if s.ID != "" && (s.ID == c.Parent || s.ID == c.Target) && s.Change.Action == Create {
			return true
		}
	}
	return false
}

func requestID(err error) string {
	var je *jumpcloud.Error
	var ae *aad.Error
	switch {
	case errors.As(err, &je):
		return je.RequestID
	case errors.As(err, &ae):
		return ae.RequestID
	}
	return ""
}

// send makes one change and returns the ID of what it made, if it made
// something.
func (r *run) send(ctx context.Context, plan Plan, c Change) (id string, err error) {
	switch c.Resource {
	case ResTechnicalAccount:
		u, err := r.f.ad.CreateUser(ctx, aad.NewUser{
			UserPrincipalName: c.Name,
			DisplayName:       plan.TechnicalAccount.DisplayName,
			Password:          r.f.opts.TechnicalPassword,
		})
		if err != nil {
			return "", err
		}
		return u.ID, nil
	case ResRole:
		a, err := r.f.ad.AssignRole(ctx, c.Target, aad.GlobalAdministrator)
		if err != nil {
			return "", err
		}
		return a.ID, nil
	case ResDefaultDomain:
		return "", r.f.ad.SetDefaultDomain(ctx, c.Name)
	case ResGroup:
		g, err := r.f.jc.CreateGroup(ctx, jumpcloud.Group{Name: c.Name})
		if err != nil {
			return "", err
		}
		return g.ID, nil
	case ResMember:
		return "", r.f.jc.AddGroupMember(ctx, c.Parent, c.Target)
	case ResApplication:
		return r.sendApplication(ctx, plan, c)
	case ResApplicationGroup:
		return "", r.f.jc.Associate(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target})
	case ResDirectoryGroup:
		return "", r.f.jc.Associate(ctx, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target})
	case ResDirectoryRule:
		rule, err := r.f.jc.CreateTranslationRule(ctx, c.Parent, jumpcloud.TranslationRule{BuiltIn: c.Name, Direction: "export"})
		if err != nil {
			return "", err
		}
		return rule.ID, nil
	case ResDirectoryDomain:
		d, err := r.f.jc.AddOffice365Domain(ctx, c.Parent, c.Name)
		if err != nil {
			return "", err
		}
		return d.ID, nil
	case ResDirectoryDefault:
		return "", r.f.jc.SetOffice365DefaultDomain(ctx, c.Parent, c.Target)
	case ResRecover:
		return "", r.f.ad.SetManaged(ctx, c.Name)
	case ResFederation:
		return r.sendFederation(ctx, plan, c)
	}
	return "", fmt.Errorf("federation: no way to %s", c.String())
}

func (r *run) sendApplication(ctx context.Context, plan Plan, c Change) (string, error) {
	if c.Action == Create {
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
	_, err := r.f.jc.ModifyApplication(ctx, c.Target, func(a *jumpcloud.Application) error {
		editApplication(a, c.Fields)
		return nil
	})
	return "", err
}

func editApplication(a *jumpcloud.Application, fs []Field) {
	for _, f := range fs {
		switch f.Name {
		case "label":
			a.DisplayLabel = f.New
		case "active":
			a.Active = f.New == "true"
		}
	}
}

func (r *run) sendFederation(ctx context.Context, plan Plan, c Change) (string, error) {
	w, _ := plan.wanted(&r.st)
	if c.Action == Create {
		fed, err := r.f.ad.CreateFederation(ctx, plan.Domain, w)
		if err != nil {
			return "", err
		}
		return fed.ID, nil
	}
	u, err := federationUpdate(c.Fields)
	if err != nil {
		return "", err
	}
	_, err = r.f.ad.UpdateFederation(ctx, plan.Domain, c.Target, u)
	return "", err
}

// federationUpdate turns the fields of a change into what is to be written.
func federationUpdate(fs []Field) (u aad.FederationUpdate, err error) {
	for _, f := range fs {
		v := f.New
		switch f.Name {
		case "displayName":
			u.DisplayName = &v
		case "issuerUri":
			u.IssuerURI = &v
		case "passiveSignInUri":
			u.PassiveSignInURI = &v
		case "activeSignInUri":
			u.ActiveSignInURI = &v
		case "signOutUri":
			u.SignOutURI = &v
		case "preferredAuthenticationProtocol":
			p := aad.Protocol(v)
			u.Protocol = &p
		case "federatedIdpMfaBehavior":
			m := aad.MFABehavior(v)
			u.MFA = &m
		case fieldCertificate, fieldNextCertificate:
			var cert certs.Cert
			if v != "" {
				if cert, err = certs.ParseOne([]byte(v)); err != nil {
					return u, err
				}
			}
			if f.Name == fieldCertificate {
				u.SigningCertificate = &cert
			} else {
				u.NextSigningCertificate = &cert // zero: cleared
			}
		}
	}
	return u, nil
}

// pin writes the IDs of what was found into the plan of the report, so that a
// resumed run finds those very objects.
func (r *run) pin() {
	if a := r.st.app(r.plan); a != nil {
		r.plan.Application.ID = a.ID
	}
	groups := slices.Clone(r.plan.Groups)
	for i := range groups {
		if g := r.st.group(groups[i]); g != nil {
			groups[i].ID = g.ID
		}
	}
	r.plan.Groups = groups
	if d := r.st.directory(r.plan); d != nil {
		r.plan.Directory.ID = d.ID
	}
	r.rep.Plan = r.plan
}

// pinCreated does the same for what was just made. The caller holds r.mu.
func (r *run) pinCreated(c Change, id string) {
	switch {
	case c.Resource == ResApplication && c.Action == Create:
		r.plan.Application.ID = id
	case c.Resource == ResGroup:
		groups := slices.Clone(r.plan.Groups)
		for i := range groups {
			if groups[i].Name == c.Name {
				groups[i].ID = id
			}
		}
		r.plan.Groups = groups
	default:
		return
	}
	r.rep.Plan = r.plan
}

// note files findings in the report.
func (r *Report) note(fs []Finding) {
	for _, f := range fs {
		if f.Consented {
			r.Consents = append(r.Consents, f)
		} else {
			r.Findings = append(r.Findings, f)
		}
	}
}

// summary says in a few words what came of a run.
func (r *Report) summary(what string) string {
	n := 0
	for _, s := range r.Steps {
		if s.Outcome == Done || s.Outcome == Made {
			n++
		}
	}
	switch {
	case r.Error != "":
		return fmt.Sprintf("stopped after %s", plural(n, "change", "changes"))
	case n == 0:
		return "nothing was to be done"
	}
	return plural(n, "change", "changes") + " " + what
}

// finish completes the report, whatever came of the run.
func (r *run) finish(err error) {
	rep := r.rep
	rep.Finished = time.Now()
	if r.st.domains != nil {
		rep.After = classify(r.plan, &r.st)
	}
	if err != nil {
		rep.Error = err.Error()
	}
	rep.Rows = r.rows()
}

// rows tells what became of each row of the procedure.
func (r *run) rows() []Row {
	p, st := r.plan, &r.st
	observed := st.domains != nil
	var todo Changes
	if observed {
		todo = diff(p, st)
	}
	row := func(n int, title string, rs ...Resource) Row {
		out := Row{Number: n, Title: title, State: "held"}
		var names []string
		for _, s := range r.rep.Steps {
			for _, res := range rs {
				if s.Change.Resource == res && s.Outcome != Skipped {
					out.State = "done"
					names = append(names, string(s.Change.Action)+" "+s.Change.Name)
				}
			}
		}
		out.Evidence = strings.Join(names, ", ")
		for _, c := range todo {
			for _, res := range rs {
				if c.Resource == res {
					out.State = "open"
				}
			}
		}
		if !observed {
			out.State = "open"
		}
		return out
	}
	people := Row{Number: 1, Title: "users' email addresses agree in both directories", State: "open", Evidence: r.people}
	switch {
	case r.people != "":
		people.State = "checked"
	case observed && len(todo) == 0:
		people.Evidence, people.State = "nothing was to be changed; ask Preflight", "held"
	}
	rows := []Row{people,
		row(2, "a Global Administrator outside the domain", ResTechnicalAccount, ResRole),
		row(3, "the domain is not the tenant's default domain", ResDefaultDomain),
		row(4, "JumpCloud group for the accounts", ResGroup, ResMember),
		row(5, "Microsoft 365 application", ResApplication),
		row(6, "IdP entity ID, login URL, groups of the application", ResApplicationGroup),
		row(7, "application active, certificate read", ResApplication),
		row(8, "Microsoft 365 directory: grant, rules, groups, default domain", ResDirectoryGroup, ResDirectoryRule, ResDirectoryDomain, ResDirectoryDefault),
		row(9, "domain federated", ResRecover, ResFederation),
		{Number: 10, Title: "read back", State: "open"},
		{Number: 11, Title: "people can sign in", State: "waiting", Evidence: "not told by the services' settings; ask Verify or Wait (20 minutes to 2 hours, at worst 24)"},
	}
	rows[1].Evidence = evidence(rows[1].Evidence, adminEvidence(p, st))
	for _, d := range st.domains {
		if d.IsDefault {
			rows[2].Evidence = "the default domain is " + domainName(d.Name)
		}
	}
	if d := st.directory(p); d != nil {
		rows[7].Evidence = evidence(rows[7].Evidence, "directory "+quote(d.Name))
	}
	if a := st.app(p); a != nil {
		rows[4].Evidence = evidence(rows[4].Evidence, quote(a.DisplayLabel)+" ("+a.ID+")")
		rows[5].Evidence = evidence(rows[5].Evidence, a.IdPEntityID+", "+a.SSOURL)
		if c, err := st.cert(p); err == nil {
			rows[6].Evidence = evidence("", "the application and its metadata show the same certificate "+c.Thumbprint())
		} else {
			rows[6].State = "open"
		}
	}
	if observed && len(todo) == 0 && st.fed != nil {
		rows[9].State, rows[9].Evidence = "checked", "Microsoft Graph shows the domain federated, with the plan's values"
		if r.realm != "" {
			rows[9].Evidence += "; " + r.realm + " when the run ended"
		}
	}
	return rows
}

func evidence(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

func adminEvidence(p Plan, st *state) string {
	var fit []string
	for i := range st.admins {
		if st.admins[i].unfit(p, st) == "" {
			fit = append(fit, st.admins[i].upn)
		}
	}
	return strings.Join(fit, ", ")
}
