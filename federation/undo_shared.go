package federation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

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
		admins = admins || s.Change.ofAdministrator() || s.Change.ofDirectoryDomain()
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
		return s.Change.ofAdministrator() && s.Change.takesAway() && s.at == asLeft && s.why == ""
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

// serves says what else lives on what a step takes away in Azure AD or in the
// directory; "" means nothing.
func (u *undoing) serves(s *undoStep, others map[string]string) string {
	var names []string
	for _, n := range others {
		names = append(names, n)
	}
	slices.Sort(names)
	switch {
	case s.Change.ofAdministrator():
		if len(names) > 0 {
			return "it gets administrators back in while " + strings.Join(names, ", ") + " is federated: " +
				"revert the reports of the other domains first, or delete the account by hand"
		}
	case s.Change.ofDirectoryDomain():
		if n := s.Change.Name; slices.Contains(names, n) {
			return n + " is federated, and the directory exports its people: revert the report of " + n + " first"
		}
	}
	return ""
}

// identifyAll looks for everything that was made and whose answer was lost.
func (u *undoing) identifyAll(ctx context.Context) error {
	for _, s := range u.steps {
		if s.ID != "" || s.Change.Action != Delete {
			continue
		}
		if err := u.identify(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
