package federation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// overviewAtOnce is how many domains, or applications, are read at once.
const overviewAtOnce = 8

// Overview tells every domain of the tenant at a glance: what [Federator.Inspect]
// would say of each, and the administrators on it. Subdomains that inherit are told
// the provider of their root. Domains stand in alphabetical order, subdomains below
// their roots. [Statuses] puts them into a table. It only reads.
//
// It makes at most five requests for a tenant of up to a hundred JumpCloud
// applications and thirty administrators with the role themselves, one more for each
// federated domain, and one for each application that belongs to a domain. Reads are
// made side by side, eight at a time.
//
// A domain about which something cannot be read says so in its Error, and hides no
// other. If the lists of domains, applications or administrators cannot be read,
// or ctx ends, the error is all there is.
func (f *Federator) Overview(ctx context.Context) ([]Status, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Text: "reading all domains of the tenant"})
	seen, err := f.readTenant(ctx)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, reading(PhaseObserve, err)
	}
	slices.SortFunc(seen, func(a, b *domainSeen) int {
		return cmp.Or(strings.Compare(a.top(), b.top()), slices.Compare(labelsUp(a.p.Domain), labelsUp(b.p.Domain)))
	})
	now := f.now()
	all := make([]Status, len(seen))
	told := make(map[string]*Status, len(seen))
	for i, d := range seen { // roots come before what is below them
		all[i] = d.tell(now)
		s := &all[i]
		told[s.Domain] = s
		if root := told[s.Root]; s.State == StateInherits && root != nil {
			s.Provider, s.MFA = root.Provider, root.MFA
			s.Expires, s.NextExpires, s.ApplicationExpires = root.Expires, root.NextExpires, root.ApplicationExpires
		}
	}
	return all, nil
}

// domainSeen is what was observed about one domain.
type domainSeen struct {
	st     observation // its domains are this one and those above it
	p      Plan        // by which it is judged: its own
	admins []string    // on the domain, by name
	err    error
}

// readTenant reads the lists, then each federated domain, then the metadata of each
// application that a domain means.
func (f *Federator) readTenant(ctx context.Context) ([]*domainSeen, error) {
	var domains, admins observation
	var apps []*jumpcloud.Application
	lists, lctx := errgroup.WithContext(ctx)
	lists.Go(func() error { return f.observeDomain(lctx, Plan{}, &domains, partDomains) })
	lists.Go(func() error { return f.observeAdmins(lctx, Plan{}, &admins, partAdmins) })
	lists.Go(func() error {
		for a, err := range f.jc.Applications(lctx, DefaultTemplate, "saml2") {
			if err != nil {
				return err
			}
			apps = append(apps, a)
		}
		return nil
	})
	if err := lists.Wait(); err != nil {
		return nil, err
	}
	all := lineages(domains.domains, admins.admins)

	var each errgroup.Group // no domain's failure ends another's reading
	each.SetLimit(overviewAtOnce)
	for _, seen := range all {
		name := seen.p.Domain
		if !seen.st.domain(name).IsRoot || !seen.st.federated(name) {
			continue
		}
		each.Go(func() error {
			seen.st.fed, seen.err = f.ad.Federation(ctx, name)
			if errors.Is(seen.err, aad.ErrNotFederated) {
				seen.err = nil // the state says it
			}
			if seen.err == nil {
				seen.err = f.observeKey(ctx, name, &seen.st)
			}
			return nil
		})
	}
	_ = each.Wait() // each domain's error is its own

	slices.SortFunc(apps, func(a, b *jumpcloud.Application) int { return strings.Compare(a.ID, b.ID) })
	carrying := make(map[string][]*jumpcloud.Application)
	for _, a := range apps {
		carrying[a.IdPEntityID] = append(carrying[a.IdPEntityID], a)
	}
	documents := make(map[string]*document)
	for _, seen := range all {
		seen.p = seen.st.ownPlan(seen.p.Domain)
		if seen.err != nil {
			continue
		}
		if seen.st.apps = carrying[seen.p.Application.IdPEntityID]; len(seen.st.apps) == 0 {
			seen.st.others = apps
		}
		app := seen.st.app(seen.p)
		if app == nil || documents[app.ID] != nil {
			continue
		}
		doc := new(document)
		documents[app.ID] = doc
		each.Go(func() error {
			doc.metadata, doc.err = f.jc.Metadata(ctx, app.OrganizationID, app.ID)
			return nil
		})
	}
	_ = each.Wait()
	for _, seen := range all {
		if app := seen.st.app(seen.p); app != nil {
			seen.st.metadata, seen.err = documents[app.ID].metadata, documents[app.ID].err
		}
	}
	return all, nil
}

// lineages observes each domain with those above it and the administrators on it.
// With all domains of a tenant, thousands perhaps, each would be looked for among
// all others.
func lineages(domains []*aad.Domain, admins []admin) []*domainSeen {
	byName := make(map[string]*aad.Domain, len(domains))
	for _, d := range domains {
		byName[domainName(d.Name)] = d
	}
	on := make(map[string][]string)
	for i := range admins {
		a := &admins[i]
		if _, at, _ := strings.Cut(a.upn, "@"); !a.external { // who signs in elsewhere is on no domain of this tenant
			on[domainName(at)] = append(on[domainName(at)], a.upn)
		}
	}
	all := make([]*domainSeen, len(domains))
	for i, d := range domains {
		name := domainName(d.Name)
		seen := &domainSeen{p: Plan{Domain: name}, admins: on[name]}
		for n, ok := name, true; ok; _, n, ok = strings.Cut(n, ".") {
			if d := byName[n]; d != nil {
				seen.st.domains = append(seen.st.domains, d)
			}
		}
		all[i] = seen
	}
	return all
}

// document is the metadata of an application, or why it cannot be read.
type document struct {
	metadata *certs.Metadata
	err      error
}

// tell says of the domain what is known. If something could not be read that decides
// how people sign in, the state is not.
func (seen *domainSeen) tell(now time.Time) Status {
	var s Status
	if seen.err == nil || !seen.st.federated(seen.p.Domain) {
		s = *seen.st.status(seen.p, now)
	} else {
		s = Status{Domain: seen.p.Domain, Checked: now, Next: "look at the error, and then inspect the domain by itself"}
		seen.st.fill(&s)
		for _, a := range seen.st.apps {
			s.Applications = append(s.Applications, seen.st.nameApplication(a))
		}
	}
	if seen.err != nil {
		s.Error = plain(seen.err.Error())
	}
	s.Administrators = seen.admins
	return s
}

// top is the uppermost domain of the tenant that the domain is, or is below.
func (seen *domainSeen) top() string {
	name := seen.p.Domain
	for up := name; up != ""; up = seen.st.above(up) {
		name = up
	}
	return name
}

// labelsUp are the labels of a name, the last one first.
func labelsUp(name string) []string {
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return labels
}
