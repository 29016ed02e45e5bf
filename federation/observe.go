package federation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// observe reads the given parts of both services anew and returns old with
// them replaced. Independent reads run side by side, at most two deep.
func (f *Federator) observe(ctx context.Context, p Plan, old state, parts part) (state, error) {
	st := old
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.observeApplication(ctx, p, &st, parts) })
	g.Go(func() error { return f.observeGroups(ctx, p, &st, parts) })
	g.Go(func() error { return f.observeDirectory(ctx, p, &st, parts) })
	g.Go(func() error { return f.observeDomain(ctx, p, &st, parts) })
	g.Go(func() error { return f.observeAdmins(ctx, p, &st, parts) })
	if err := g.Wait(); err != nil {
		return old, err
	}
	return st, nil
}

// firstLook observes everything, and again if what it sees may be two answers of
// different age: a configuration that cannot be read, a certificate that
// differs between two places, a pinned application that is gone. Only what
// stays so for half a minute is believed.
func (f *Federator) firstLook(ctx context.Context, p Plan) (state, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Text: "reading both services"})
	st, err := f.observe(ctx, p, state{}, partAll)
	for n := 1; n <= 6 && err == nil && doubtful(p, &st); n++ {
		f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Attempt: n, Text: "reading again what may be out of date"})
		if err := sleep(ctx, 5*time.Second); err != nil {
			return st, err
		}
		st, err = f.observe(ctx, p, st, partApplications|partMetadata|partDomains|partFederation)
	}
	return st, err
}

func doubtful(p Plan, st *state) bool {
	if st.pinLost || classify(p, st) == StateHalf && !p.Consent.Recover {
		return true
	}
	_, err := st.cert(p)
	return st.app(p) != nil && err != nil
}

func (f *Federator) observeApplication(ctx context.Context, p Plan, st *state, parts part) error {
	if parts.has(partApplications) {
		if err := f.applications(ctx, p, st); err != nil {
			return err
		}
	}
	app := st.app(p)
	g, ctx := errgroup.WithContext(ctx)
	if app == nil {
		st.metadata, st.appGroups = nil, nil
		if parts.has(partApplications) && st.template == nil && len(st.apps) == 0 {
			g.Go(func() (err error) {
				st.template, err = f.jc.Template(ctx, p.Application.Template)
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
			return err
		})
	}
	if parts.has(partApplicationGroups) {
		g.Go(func() (err error) {
			st.appGroups, err = f.bound(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID})
			return err
		})
	}
	return g.Wait()
}

// applications reads the applications that carry the plan's entity ID, and the
// pinned one, which a list may not show yet. The list is narrowed to the
// template of the plan and to custom SAML applications, which can carry the
// same entity ID.
func (f *Federator) applications(ctx context.Context, p Plan, st *state) error {
	var found []*jumpcloud.Application
	listed, lost := p.Application.ID == "", false
	opts := &jumpcloud.ApplicationsOptions{Templates: []string{p.Application.Template, "saml2"}}
	for a, err := range f.jc.Applications(ctx, opts) {
		if err != nil {
			return err
		}
		if a.ID == p.Application.ID {
			listed = true
		} else if a.IdPEntityID != p.Application.IdPEntityID {
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
	slices.SortFunc(found, func(a, b *jumpcloud.Application) int { return strings.Compare(a.ID, b.ID) })
	st.apps, st.pinLost, st.appHidden = found, lost, !listed && !lost
	return nil
}

// bound returns the IDs of the groups that are bound to an object directly.
func (f *Federator) bound(ctx context.Context, o jumpcloud.Object) (map[string]bool, error) {
	ids := make(map[string]bool)
	for to, err := range f.jc.Associations(ctx, o, jumpcloud.GroupObject) {
		if err != nil {
			return nil, err
		}
		ids[to.ID] = true
	}
	return ids, nil
}

func (f *Federator) observeGroups(ctx context.Context, p Plan, st *state, parts part) error {
	if parts.has(partGroups) {
		if err := f.readGroups(ctx, p, st); err != nil {
			return err
		}
	}
	if !parts.has(partMembers) {
		return nil
	}
	var emails []string
	members := make(map[string]map[string]bool)
	g, ctx := errgroup.WithContext(ctx)
	for _, want := range p.Groups {
		if len(want.Members) == 0 {
			continue
		}
		emails = append(emails, want.Members...)
		have := st.group(want)
		if have == nil {
			continue
		}
		set := make(map[string]bool)
		members[have.ID] = set
		g.Go(func() error {
			for id, err := range f.jc.GroupMembers(ctx, have.ID) {
				if err != nil {
					return err
				}
				set[id] = true
			}
			return nil
		})
	}
	if len(emails) > 0 && st.userIDs == nil {
		g.Go(func() (err error) {
			st.userIDs, err = f.userIDs(ctx, emails)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	st.members = members
	return nil
}

// readGroups reads the plan's groups by name, and the pinned ones, which a list
// may not show yet.
func (f *Federator) readGroups(ctx context.Context, p Plan, st *state) error {
	names := make([]string, 0, len(p.Groups))
	for _, g := range p.Groups {
		names = append(names, g.Name)
	}
	found := make(map[string][]*jumpcloud.Group)
	hidden := make(map[string]bool)
	for g, err := range f.jc.Groups(ctx, &jumpcloud.GroupsOptions{Names: names}) {
		if err != nil {
			return err
		}
		if slices.Contains(names, g.Name) {
			found[g.Name] = append(found[g.Name], g)
		}
	}
	for _, g := range p.Groups {
		if g.ID == "" || slices.ContainsFunc(found[g.Name], func(h *jumpcloud.Group) bool { return h.ID == g.ID }) {
			continue
		}
		have, err := f.jc.Group(ctx, g.ID)
		if err != nil && !errors.Is(err, jumpcloud.ErrNotFound) {
			return err
		}
		if err == nil {
			found[g.Name] = append(found[g.Name], have)
			hidden[g.Name] = true
		}
	}
	for _, gs := range found {
		slices.SortFunc(gs, func(a, b *jumpcloud.Group) int { return strings.Compare(a.ID, b.ID) })
	}
	st.groups, st.hidden = found, hidden
	return nil
}

// userIDs resolves email addresses. The service's filter is case-sensitive, so
// it is asked for each address as written and in lower case.
func (f *Federator) userIDs(ctx context.Context, emails []string) (map[string]string, error) {
	var values []string
	for _, e := range emails {
		values = append(values, e, strings.ToLower(e))
	}
	slices.Sort(values)
	values = slices.Compact(values)
	ids := make(map[string]string)
	const chunk = 40 // keeps the query string short
	for part := range slices.Chunk(values, chunk) {
		opts := &jumpcloud.UsersOptions{Filter: []string{jumpcloud.In("email", part...)}, Fields: []string{"email"}}
		for u, err := range f.jc.Users(ctx, opts) {
			if err != nil {
				return nil, err
			}
			ids[strings.ToLower(u.Email)] = u.ID
		}
	}
	return ids, nil
}

func (f *Federator) observeDirectory(ctx context.Context, p Plan, st *state, parts part) error {
	if parts.has(partDirectories) {
		var found []*jumpcloud.Directory
		for d, err := range f.jc.Directories(ctx) {
			if err != nil {
				return err
			}
			if d.Type == jumpcloud.DirectoryObject {
				found = append(found, d)
			}
		}
		st.directories = found
	}
	dir := st.directory(p)
	if dir == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	if parts.has(partDirectoryGroups) {
		g.Go(func() (err error) {
			st.dirGroups, err = f.bound(ctx, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: dir.ID})
			return err
		})
	}
	// The list of directories tells the default domain. If that is the right
	// one already, the list of domains has nothing to add.
	if parts.has(partDirectoryDomains) && (st.dirDomains != nil || !defaultDomainHolds(p, dir)) {
		g.Go(func() error {
			domains := make([]*jumpcloud.DirectoryDomain, 0, 4)
			for d, err := range f.jc.Office365Domains(ctx, dir.ID) {
				if err != nil {
					return err
				}
				domains = append(domains, d)
			}
			st.dirDomains = domains
			return nil
		})
	}
	if parts.has(partRules) && len(p.Directory.Rules) > 0 {
		g.Go(func() error {
			rules := make(map[string]bool)
			for r, err := range f.jc.TranslationRules(ctx, dir.ID) {
				if err != nil {
					return err
				}
				rules[r.BuiltIn] = true
			}
			st.rules = rules
			return nil
		})
	}
	return g.Wait()
}

func (f *Federator) observeDomain(ctx context.Context, p Plan, st *state, parts part) error {
	readFederation := func() error {
		fed, err := f.ad.Federation(ctx, p.Domain)
		if err != nil && !errors.Is(err, aad.ErrNotFederated) {
			return err
		}
		st.fed = fed
		return nil
	}
	var g errgroup.Group
	// After our own write both are read at once. On a first look a managed
	// domain, which has no configuration, is not asked for one.
	const both = partDomains | partFederation
	afterWrite := parts.has(partFederation) && parts&^both == 0
	if afterWrite {
		g.Go(readFederation)
	}
	if parts.has(partDomains) {
		var domains []*aad.Domain
		for d, err := range f.ad.Domains(ctx) {
			if err != nil {
				return errors.Join(err, g.Wait())
			}
			domains = append(domains, d)
		}
		st.domains = domains
	}
	switch {
	case afterWrite || !parts.has(partFederation):
	case st.federated(p.Domain):
		g.Go(readFederation)
	default:
		st.fed = nil
	}
	return g.Wait()
}

// observeAdmins reads who is Global Administrator, groups with the role
// included, and the technical account.
func (f *Federator) observeAdmins(ctx context.Context, p Plan, st *state, parts part) error {
	if !parts.has(partAdmins) {
		return nil
	}
	var admins []admin
	for u, err := range f.ad.RoleUsers(ctx, aad.GlobalAdministrator) {
		if err != nil {
			return err
		}
		if u.DirectoryScopeID != "" && u.DirectoryScopeID != "/" {
			continue // a role over a part of the tenant gets nobody back in
		}
		a := newAdmin(&u.User)
		a.global = true
		admins = append(admins, a)
	}
	slices.SortFunc(admins, func(a, b admin) int { return strings.Compare(a.upn, b.upn) })
	st.admins, st.technical = admins, nil
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" {
		return nil
	}
	for i := range admins {
		if strings.EqualFold(admins[i].upn, upn) {
			st.technical = &admins[i]
			return nil
		}
	}
	switch u, err := f.ad.User(ctx, upn); {
	case err == nil:
		a := newAdmin(u)
		st.technical = &a
	case !errors.Is(err, aad.ErrNotFound):
		return err
	}
	return nil
}
