package federation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// people compares the two directories. It reads all lists at once, only the
// properties that are needed, and keeps of each person what judge needs.
func (f *Federator) people(ctx context.Context, a audience) (*People, error) {
	if a.likelyService == nil {
		a.likelyService = f.opts.LikelyService
	}
	c := newCrowd(a.domains(), slices.Contains(a.rules, ruleAlternateEmail))
	tell := &progress{f: f, ctx: ctx, domain: a.domain}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.readJumpCloud(gctx, c, tell) })
	for some := range slices.Chunk(c.domains, domainsAtOnce) {
		g.Go(func() error { return f.readAzureAD(gctx, c, some, a.admins, tell) })
	}
	if a.directoryID != "" {
		g.Go(func() error { return f.readBindings(gctx, c, a.directoryID) })
	}
	if a.applicationID != "" {
		g.Go(func() error { return f.readDirect(gctx, c, a.applicationID) })
	}
	members := make([]int, len(a.groups))
	for i, group := range a.groups {
		g.Go(func() (err error) {
			members[i], err = f.readMembers(gctx, c, group.id, group.exported)
			if group.name == "" && errors.Is(err, jumpcloud.ErrNotFound) {
				err = nil // deleted, and a list still shows the binding
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := f.readStrangers(ctx, c, a.admins); err != nil {
		return nil, err
	}
	named, here := c.belonging() // before the join decides on accounts
	p := judge(c, a)
	p.named, p.here = named, here
	for i, group := range a.groups {
		if members[i] == 0 && group.name != "" && !slices.ContainsFunc(a.newMembers, func(m newMember) bool { return m.group == group.name }) {
			p.empty = append(p.empty, group.name)
		}
	}
	if a.policy == nil && p.Counts.ByCode[CodePersonOtherDomain] > 0 {
		policy, err := f.ad.TokenValidationPolicy(ctx)
		switch {
		case errors.Is(err, aad.ErrDenied): // the default is assumed
		case err != nil:
			return nil, err
		default:
			p.apply(policy)
		}
	}
	tell.end(p.Counts.Summary())
	return p, nil
}

func (f *Federator) readJumpCloud(ctx context.Context, c *crowd, tell *progress) error {
	fields := []string{"email", "username", "state", "activated", "suspended", "password_expired", "account_locked"}
	if c.useAlternate {
		fields = append(fields, "alternateEmail")
	}
	opts := &jumpcloud.UsersOptions{Fields: fields, OnTotal: func(n int) {
		c.expectJumpCloud(n)
		tell.expect(n)
	}}
	var v jcUser
	for u, err := range f.jc.Users(ctx, opts) {
		if err != nil {
			return err
		}
		v = jcUser{
			id: u.ID, username: u.Username, email: u.Email, alternate: u.AlternateEmail,
			suspended:    u.Suspended || u.State == jumpcloud.Suspended,
			notActivated: u.State == jumpcloud.Staged || !u.Activated,
			expired:      u.PasswordExpired, locked: u.AccountLocked,
		}
		c.addJumpCloud(&v)
		tell.one()
	}
	return nil
}

// personFields are the properties of an Azure AD user that judge needs.
var personFields = []string{
	"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "userType",
	"accountEnabled", "onPremisesSyncEnabled", "proxyAddresses", "otherMails",
}

// domainsAtOnce keeps the condition of one list below the fifteen clauses that
// Azure AD's directory takes.
const domainsAtOnce = 5

func (f *Federator) readAzureAD(ctx context.Context, c *crowd, domains []string, admins map[string]bool, tell *progress) error {
	// Whoever has a mail address on the domain but signs in with another name
	// would be missed by the user principal name alone.
	var conditions []string
	for _, d := range domains {
		suffix := aad.Quote("@" + d)
		conditions = append(conditions, "endsWith(userPrincipalName,"+suffix+") or endsWith(mail,"+suffix+")")
	}
	return f.readAccounts(ctx, c, admins, tell, &aad.UsersOptions{
		Filter:   strings.Join(conditions, " or "),
		Select:   personFields,
		Parallel: true,
		Reuse:    true,
		OnTotal: func(n int) {
			c.expectAzureAD(n)
			tell.expect(n)
		},
	})
}

// strangersAtMost is how many accounts are looked up that bindings name and the
// domain's list does not have; they are asked for fifteen at a time.
const strangersAtMost = 60

// readStrangers looks up accounts that a binding names and that are not on the
// domain, as far as the JumpCloud user is: a dead account is a reason to tell.
func (f *Federator) readStrangers(ctx context.Context, c *crowd, admins map[string]bool) error {
	strangers := c.strangers(strangersAtMost)
	if len(strangers) == 0 {
		return nil
	}
	opts := &aad.UsersOptions{Select: personFields}
	for _, u := range strangers {
		opts.IDs = append(opts.IDs, c.adID(u))
	}
	if err := f.readAccounts(ctx, c, admins, nil, opts); err != nil {
		return err
	}
	for _, u := range strangers {
		if p := c.ad.at(u); p.flags&adSeen == 0 {
			p.flags |= adGone
		}
	}
	return nil
}

func (f *Federator) readAccounts(ctx context.Context, c *crowd, admins map[string]bool, tell *progress, opts *aad.UsersOptions) error {
	lower := make(map[string]bool, len(admins))
	for id, is := range admins {
		lower[strings.ToLower(id)] = is
	}
	var v adUser
	for u, err := range f.ad.Users(ctx, opts) {
		if err != nil {
			return err
		}
		v = adUser{
			id: u.ID, upn: u.UserPrincipalName, name: u.DisplayName, mail: u.Mail, immutableID: u.ImmutableID,
			disabled: u.Enabled != nil && !*u.Enabled, guest: strings.EqualFold(u.UserType, "Guest"),
			synced:  u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled,
			admin:   len(lower) > 0 && lower[strings.ToLower(u.ID)],
			proxies: u.ProxyAddresses, others: u.OtherMails,
		}
		c.addAzureAD(&v)
		if tell != nil {
			tell.one()
		}
	}
	return nil
}

// readDirect reads who is bound to the application without a group.
func (f *Federator) readDirect(ctx context.Context, c *crowd, applicationID string) error {
	app := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: applicationID}
	for o, err := range f.jc.Associations(ctx, app, jumpcloud.UserObject) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return nil // an application that not all replicas know yet has nobody
		}
		if err != nil {
			return err
		}
		c.addMember(o.ID, true, false)
	}
	return nil
}

func (f *Federator) readBindings(ctx context.Context, c *crowd, directoryID string) error {
	for b, err := range f.jc.Office365Users(ctx, directoryID) {
		if err != nil {
			return err
		}
		c.addBinding(b.UserID, b.ExternalID, bindingFault(b.Sync))
	}
	return nil
}

// bindingFault returns what a directory says is wrong with a binding. Which
// codes mean success is not documented; these are what such codes are called.
func bindingFault(s *jumpcloud.SyncStatus) string {
	if s == nil {
		return ""
	}
	switch strings.ToLower(s.Code) {
	case "", "0", "200", "ok", "success", "succeeded", "synced", "none":
		return ""
	}
	return cmp.Or(s.Message, "code "+s.Code)
}

func (f *Federator) readMembers(ctx context.Context, c *crowd, groupID string, exported bool) (n int, err error) {
	for r, err := range f.jc.GroupMembership(ctx, groupID) {
		if err != nil {
			return n, err
		}
		if r.Type != jumpcloud.UserObject && r.Type != "" {
			continue
		}
		c.addMember(r.ID, isDirect(r, groupID), exported)
		n++
	}
	return n, nil
}

// isDirect reports whether one of the ways to a member has no other group on it.
func isDirect(r *jumpcloud.Reach, groupID string) bool {
	if len(r.Paths) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Paths, func(path []jumpcloud.Object) bool {
		return !slices.ContainsFunc(path, func(o jumpcloud.Object) bool {
			return o.Type == jumpcloud.GroupObject && o.ID != groupID
		})
	})
}

// progress tells how many people have been read, of both directories together.
type progress struct {
	f      *Federator
	ctx    context.Context
	domain string
	done   atomic.Int64
	mu     sync.Mutex
	total  int
	told   int64
}

// progressStep is how many people pass between two events; it grows with the
// total, so that no run tells more than some hundreds.
const progressStep = 200

func (p *progress) expect(n int) {
	p.mu.Lock()
	p.total += n
	p.mu.Unlock()
}

func (p *progress) one() {
	n := p.done.Add(1)
	if n%progressStep != 0 {
		return
	}
	p.mu.Lock()
	total := p.total
	due := n > p.told && n-p.told >= int64(total/200)
	if due {
		p.told = n
	}
	p.mu.Unlock()
	if due {
		p.f.emit(p.ctx, Event{Phase: PhaseCheck, Domain: p.domain, Text: "reading people", Done: int(n), Total: max(total, int(n))})
	}
}

func (p *progress) end(text string) {
	n := int(p.done.Load())
	p.f.emit(p.ctx, Event{Phase: PhaseCheck, Domain: p.domain, Text: text, Done: n, Total: n})
}
