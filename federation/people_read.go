package federation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/jumpcloud"
)

// people compares the two directories. It reads all lists at once, only the
// properties that are needed, and keeps of each person what judge needs.
func (f *Federator) people(ctx context.Context, a audience) (*People, error) {
	a.LikelyService = f.opts.LikelyService
	c := people.New(a.Audience)
	tell := &progress{f: f, ctx: ctx, domain: a.Domain, began: time.Now()}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.readJumpCloud(gctx, c, a, tell) })
	for some := range slices.Chunk(a.Domains(), domainsAtOnce) {
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
			for n := 1; ; n++ {
				members[i], err = f.readMembers(gctx, c, group.id, group.exported)
				switch {
				case !errors.Is(err, jumpcloud.ErrNotFound):
					return err
				case group.name == "":
					return nil // deleted, and a list still shows the binding
				case members[i] > 0 || n == firstLooks:
					return lagging(err)
				}
				// The plan's group was just seen, and this replica does not know it yet.
				if err := sleep(gctx, 5*time.Second); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := f.readStrangers(ctx, c, a.admins); err != nil {
		return nil, err
	}
	c.SignedIn(a.signedIn)
	judged := c.Judge()
	if judged.ByKind[people.OtherDomain] > 0 {
		policy, err := f.ad.TokenValidationPolicy(ctx)
		switch {
		case errors.Is(err, aad.ErrDenied): // the default is assumed
		case err != nil:
			return nil, err
		default:
			judged.Policy(func(domain string) bool { return policy.Validates(domain, aad.Managed) })
		}
	}
	p := newPeople(a, judged)
	for i, group := range a.groups {
		if members[i] == 0 && group.name != "" && !a.filled[group.name] {
			p.empty = append(p.empty, group.name)
		}
	}
	tell.end(p.Counts.Summary())
	return p, nil
}

// newPeople are the people of an audience, with the figures as they are told.
func newPeople(a audience, j *people.Judgement) *People {
	p := &People{
		Domain: a.Domain,
		Counts: PeopleCounts{
			JumpCloud: j.JumpCloud, AzureAD: j.AzureAD, Matched: j.Matched, Elsewhere: j.Elsewhere,
			LockedOut: j.LockedOut, AlreadyOut: j.AlreadyOut, Findings: j.Len(),
			BySeverity: make(map[Severity]int), ByCode: make(map[Code]int),
		},
		judged: j, subdomains: a.Subdomains, absent: a.absent,
	}
	for s, n := range j.BySeverity {
		if n > 0 {
			p.Counts.BySeverity[personSeverities[s]] = n
		}
	}
	for k, n := range j.ByKind {
		if n > 0 {
			p.Counts.ByCode[personCodes[k].code] = n
		}
	}
	return p
}

func (f *Federator) readJumpCloud(ctx context.Context, c *people.Crowd, a audience, tell *progress) error {
	fields := []string{"email", "username", "state", "activated", "suspended", "password_expired", "account_locked"}
	if a.AlternateEmail {
		fields = append(fields, "alternateEmail")
	}
	opts := &jumpcloud.UsersOptions{Fields: fields, OnTotal: func(n int) {
		c.ExpectJumpCloud(n)
		tell.expect(n)
	}}
	var v people.JumpCloudUser
	for u, err := range f.jc.Users(ctx, opts) {
		if err != nil {
			return err
		}
		v = people.JumpCloudUser{
			ID: u.ID, Username: u.Username, Email: u.Email, Alternate: u.AlternateEmail,
			Suspended:    u.Suspended || u.State == jumpcloud.Suspended,
			NotActivated: u.State == jumpcloud.Staged || !u.Activated,
			Expired:      u.PasswordExpired, Locked: u.AccountLocked,
		}
		c.AddJumpCloud(&v)
		a.members.see(u)
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

func (f *Federator) readAzureAD(ctx context.Context, c *people.Crowd, domains []string, admins map[string]bool, tell *progress) error {
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
			c.ExpectAzureAD(n)
			tell.expect(n)
		},
	})
}

// strangersAtMost is how many accounts are looked up that bindings name and the
// domain's list does not have; they are asked for fifteen at a time.
const strangersAtMost = 60

// readStrangers looks up accounts that a binding names and that are not on the
// domain, as far as the JumpCloud user is: a dead account is a reason to tell.
func (f *Federator) readStrangers(ctx context.Context, c *people.Crowd, admins map[string]bool) error {
	strangers := c.Strangers(strangersAtMost)
	if len(strangers) == 0 {
		return nil
	}
	if err := f.readAccounts(ctx, c, admins, nil, &aad.UsersOptions{Select: personFields, IDs: strangers}); err != nil {
		return err
	}
	c.LookedUp(strangers)
	return nil
}

func (f *Federator) readAccounts(
	ctx context.Context, c *people.Crowd, admins map[string]bool, tell *progress, opts *aad.UsersOptions,
) error {
	lower := make(map[string]bool, len(admins))
	for id, is := range admins {
		lower[strings.ToLower(id)] = is
	}
	var v people.AzureADUser
	for u, err := range f.ad.Users(ctx, opts) {
		if err != nil {
			return err
		}
		v = people.AzureADUser{
			ID: u.ID, UPN: u.UserPrincipalName, Name: u.DisplayName, Mail: u.Mail, ImmutableID: u.ImmutableID,
			Disabled: u.Enabled != nil && !*u.Enabled, Guest: strings.EqualFold(u.UserType, "Guest"),
			Synced:  u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled,
			Admin:   len(lower) > 0 && lower[strings.ToLower(u.ID)],
			Proxies: u.ProxyAddresses, Others: u.OtherMails,
		}
		c.AddAzureAD(&v)
		if tell != nil {
			tell.one()
		}
	}
	return nil
}

// readDirect reads who is bound to the application without a group.
func (f *Federator) readDirect(ctx context.Context, c *people.Crowd, applicationID string) error {
	app := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: applicationID}
	for o, err := range f.jc.Associations(ctx, app, jumpcloud.UserObject) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return nil // an application that not all replicas know yet has nobody
		}
		if err != nil {
			return err
		}
		c.AddMember(o.ID, true, false)
	}
	return nil
}

func (f *Federator) readBindings(ctx context.Context, c *people.Crowd, directoryID string) error {
	for b, err := range f.jc.Office365Users(ctx, directoryID) {
		if err != nil {
			return err
		}
		c.AddBinding(b.UserID, b.ExternalID, bindingFault(b.Sync))
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

func (f *Federator) readMembers(ctx context.Context, c *people.Crowd, groupID string, exported bool) (n int, err error) {
	for r, err := range f.jc.GroupMembership(ctx, groupID) {
		if err != nil {
			return n, err
		}
		if r.Type != jumpcloud.UserObject && r.Type != "" {
			continue
		}
		c.AddMember(r.ID, isDirect(r, groupID), exported)
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
	began  time.Time
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
	p.f.emit(p.ctx, Event{Phase: PhaseCheck, Domain: p.domain, Text: text, Done: n, Total: n, Elapsed: max(time.Since(p.began), 1)})
}
