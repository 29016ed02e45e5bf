package federation

import (
	"cmp"
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// part is a set of things that are read together. After a change only its own
// parts are read again.
type part uint

const (
	partApplications part = 1 << iota
	partMetadata
	partApplicationGroups
	partGroups
	partMembers
	partDirectories
	partDirectoryGroups
	partDirectoryDomains
	partRules
	partDomains
	partFederation
	partAdmins

	partAll = 1<<iota - 1
)

func (p part) has(q part) bool { return p&q != 0 }

// observation is what both services say, as far as a plan cares. It is plain data:
// diff and inspectAll look at nothing else.
type observation struct {
	// Applications that carry the plan's entity ID, or its pinned ID.
	apps      []*jumpcloud.Application
	pinLost   bool     // the pinned application does not exist any more
	atWork    []worker // other runs that seem to be federating other domains
	appHidden bool     // the list does not show the pinned application, which exists
	template  *jumpcloud.Template
	noTmpl    bool                     // asked for and not there
	others    []*jumpcloud.Application // the applications of the same templates with other entity IDs
	signOut   string                   // the user console of the organisation's region; "" if sign-out is not compared with it
	metadata  *certs.Metadata
	signing   signing
	appGroups map[string]bool // IDs of groups bound to the application

	groups  map[string][]*jumpcloud.Group // by name, only the plan's
	hidden  map[string]bool               // names of pinned groups that the list does not show, though they exist
	members map[string]map[string]bool    // group ID -> user IDs, only of groups with members in the plan
	userIDs map[string]string             // folded email -> user ID, of the plan's members; nil: not known yet

	directories []*jumpcloud.Directory // Microsoft 365 ones
	dirGroups   map[string]bool
	dirUnread   bool                         // because there was nothing that could be bound
	dirDomains  []*jumpcloud.DirectoryDomain // nil: not read, because the default is known to be right
	rules       map[string]bool

	domains []*aad.Domain
	fed     *aad.Federation // nil: none readable
	clearing
	stored storedKey  // what the key store says, where there is a second certificate
	anew   bool       // this run has made the application
	made   []string   // IDs of applications and groups that this run has made
	kept   certs.Cert // what this run has kept accepted as the second certificate

	signedIn []string        // object IDs of accounts that a sign-in through JumpCloud has found
	unable   map[string]bool // folded user principal names of who is known not to get in

	shown                      *sightings // what the looks of this run have shown so far; nil: does not count
	appVanished, groupVanished bool       // an earlier look has shown one that neither its list nor its ID shows now

	asksAll bool // everybody will be read if something is missing, the plan's members among them

	at readAt // when the lists were read by which it is known what is there already

	admins    []admin  // Global Administrators
	leftOut   []string // who has the role and is no account that can be read, with the reason
	technical *admin   // nil: does not exist
}

// readAt is when lists were answered last.
type readAt struct{ applications, groups, admins time.Time }

// of is when the last of the lists was answered that show what the changes make.
func (t readAt) of(cs Changes) (at time.Time) {
	parts := cs.parts()
	for part, when := range map[part]time.Time{partApplications: t.applications, partGroups: t.groups, partAdmins: t.admins} {
		if parts.has(part) && when.After(at) {
			at = when
		}
	}
	return at
}

// unlisted is what has to be read until the lists show what is pinned.
func (st *observation) unlisted() (p part) {
	if st.appHidden {
		p |= partApplications
	}
	if len(st.hidden) > 0 {
		p |= partGroups
	}
	return p
}

// lists are closed when that list of an observation is read, or is not to be read, for
// who goes by what it shows.
type lists struct{ domain, applications, groups chan struct{} }

// observe reads the given parts of both services anew and returns old with
// them replaced. Independent reads run side by side, at most two deep.
func (f *Federator) observe(ctx context.Context, p Plan, old observation, parts part) (observation, error) {
	st, outer := old, ctx
	g, ctx := errgroup.WithContext(ctx)
	read := lists{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	g.Go(func() error { return f.observeApplication(ctx, p, &st, parts, read) })
	g.Go(func() error { return f.observeGroups(ctx, p, &st, parts, read) })
	g.Go(func() error { return f.observeDirectory(ctx, p, &st, parts, read) })
	g.Go(func() error {
		defer close(read.domain)
		return f.observeDomain(ctx, p, &st, parts)
	})
	g.Go(func() error { return f.observeAdmins(ctx, p, &st, parts) })
	if err := g.Wait(); err != nil {
		return old, err
	}
	if parts.has(partFederation) {
		if err := f.observeKey(outer, p.Domain, &st); err != nil {
			return old, err
		}
	}
	return st, nil
}

// firstLook observes everything, and again if what it sees may be two answers of
// different age: a configuration that cannot be read, a certificate that
// differs between two places, an application that is pinned, or was shown, and is
// gone. Only what stays so for half a minute is believed. st is what the run knows by itself.
func (f *Federator) firstLook(ctx context.Context, p Plan, st observation) (observation, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Text: "reading both services"})
	st.signOut = f.jc.Region().UserConsole()
	st.shown = cmp.Or(st.shown, new(sightings))
	parts := part(partAll)
	for n := 1; ; n++ {
		seen, err := f.observe(ctx, p, st, parts)
		switch {
		case err != nil && (!temporary(err) || n == firstLooks):
			return st, reading(PhaseObserve, err)
		case err != nil: // of the same parts again
		case !seen.doubtful(p) || n == firstLooks:
			return seen, nil
		default:
			st, parts = seen, partApplications|partMetadata|partDomains|partFederation
			if seen.groupVanished {
				parts |= partGroups | partMembers
			}
			if seen.appGroups == nil { // of an application that may show from now on
				parts |= partApplicationGroups
			}
		}
		ctx = anew(ctx)
		f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Attempt: n, Text: "reading again what may be out of date", Err: err})
		if err := sleep(ctx, 5*time.Second); err != nil {
			return st, reading(PhaseObserve, err)
		}
	}
}

// firstLooks is how many first looks are taken at what may be out of date.
const firstLooks = 7

func (st *observation) doubtful(p Plan) bool {
	if st.pinLost || st.appVanished || st.groupVanished || st.classify(p) == StateHalf && !p.Consent.Recover {
		return true
	}
	_, err := st.cert(p)
	return st.app(p) != nil && err != nil
}
