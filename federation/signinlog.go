package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/jumpcloud"
)

// SignInLog allows [Federator.Verify] and [Federator.Preflight] to read who has signed in,
// and who has failed to, as the two services have logged it. That is the only proof,
// without a browser, that a federation works.
//
// Azure AD's log needs the permission AuditLog.Read.All and a tenant with Microsoft Entra
// ID P1; JumpCloud's is Directory Insights, for which the role or scope is not published.
// Both are minutes late, keep what they have for days to weeks, and name people: what is
// told of them are counts. Each is read back from now, for three pages at most, so that
// of a large tenant only the newest sign-ins are seen; where that was so, it is said.
// Whatever cannot be read is told, and fails nothing.
type SignInLog struct {
	// Since is when the change was made that is to be proved, such as Finished of the
	// [Report] that has federated the domain. Sign-ins before it prove nothing. The zero
	// value means that it is not known: then counts what has happened in the last seven
	// days, and a sign-in only if JumpCloud's log has it as well, as it may have been
	// through whatever provider the domain had before. In either case nothing counts from
	// before the application was made, or its certificate was last replaced, nor in the
	// second in which that happened: Azure AD's log has whole seconds.
	Since time.Time
}

const (
	signInPages  = 3                  // of each log
	signInWindow = 7 * 24 * time.Hour // if it is not known when the domain was federated
	signInTime   = 2 * time.Minute    // for both logs, so that one that stalls keeps nobody waiting
)

// signInsSeen is what both logs hold of the people of a domain.
type signInsSeen struct {
	since time.Time
	of    string // what since is, in words
	known bool   // the caller has said when the change was made

	entries []aad.SignIn // the newest first
	read    int          // entries of everybody
	oldest  time.Time    // the oldest of them
	cut     bool         // there are older ones since
	err     error        // why Azure AD's log could not be read

	events    []jumpcloud.Event // of the application, the newest first
	eventsCut bool
	eventsErr error
}

// since is from when on a sign-in speaks of the federation as it is, and that in words. The
// log has whole seconds, so it is the beginning of one. What is dated later than this
// machine's clock counts all the same: one of the two is wrong.
func (st *observation) since(p Plan, asked, now time.Time) (since time.Time, of string) {
	const notKnown = " (when the domain was federated is not known)"
	since, of = asked, "the change"
	if asked.IsZero() {
		since, of = now.Add(-signInWindow), ""
	}
	later := func(t time.Time, what string) {
		if t.After(since) {
			since, of = t, what
		}
	}
	if a := st.app(p); a != nil {
		later(a.Created, "when the application was made")
		later(a.CertificateUpdated, "when its certificate was replaced")
	}
	if own, err := st.cert(p); err == nil {
		later(own.X509().NotBefore, "when its certificate begins")
	}
	since = since.UTC().Add(time.Second - 1).Truncate(time.Second)
	switch {
	case of == "":
		return since, "in the last seven days" + notKnown
	case asked.IsZero():
		return since, "since " + when(since) + ", " + of + notKnown
	}
	return since, "since " + when(since) + ", " + of
}

// signIns reads both logs. An error is only that ctx has ended.
func (f *Federator) signIns(ctx context.Context, p Plan, st *observation) (*signInsSeen, error) {
	now := f.now()
	s := new(signInsSeen)
	asked := f.opts.SignInLog.Since
	s.since, s.of = st.since(p, asked, now)
	s.known = !asked.IsZero()
	f.emit(ctx, Event{Phase: PhaseCheck, Domain: p.Domain, Text: "reading the sign-in logs"})
	names := map[string]bool{p.Domain: true}
	for _, n := range st.followers(p.Domain) {
		names[n] = true
	}
	bounded, cancel := context.WithTimeoutCause(ctx, signInTime, errors.New("it took too long"))
	defer cancel()
	var g errgroup.Group // neither of the two ends the other
	g.Go(func() error {
		for e, err := range f.ad.SignIns(bounded, &aad.SignInsOptions{Since: s.since, MaxPages: signInPages}) {
			switch {
			case errors.Is(err, aad.ErrTooManyPages):
				s.cut = true
				return nil
			case err != nil:
				s.err = err
				return nil
			}
			s.read, s.oldest = s.read+1, e.Created
			login, domain, _ := strings.Cut(e.UserPrincipalName, "@")
			if names[text.Domain(domain)] && !isGuest(login) && !e.Created.Before(s.since) {
				s.entries = append(s.entries, *e)
			}
		}
		return nil
	})
	g.Go(func() error {
		ours := map[string]bool{st.app(p).ID: true}
		if o := st.rotation(p).second; o != nil {
			ours[o.ID] = true
		}
		for e, err := range f.jc.Events(bounded, jumpcloud.EventsOptions{From: s.since, NewestFirst: true, MaxPages: signInPages}) {
			switch {
			case errors.Is(err, jumpcloud.ErrTooManyPages):
				s.eventsCut = true
				return nil
			case err != nil:
				s.eventsErr = err
				return nil
			}
			if ours[e.Application.ID] {
				e.Raw = nil
				s.events = append(s.events, *e)
			}
		}
		return nil
	})
	_ = g.Wait() // their errors are in s
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	slices.SortStableFunc(s.entries, func(a, b aad.SignIn) int { return b.Created.Compare(a.Created) })
	slices.SortStableFunc(s.events, func(a, b jumpcloud.Event) int { return b.At.Compare(a.At) })
	return s, nil
}

// unread tells what of the logs could not be read, and what is needed for that.
func (s *signInsSeen) unread() (told []string) {
	var e *aad.Error
	switch {
	case s.err == nil:
	case errors.As(s.err, &e) && e.Code == noLicense:
		told = append(told, "Azure AD's sign-in log cannot be read: the tenant has no license for it, Microsoft Entra ID P1 ("+noLicense+")")
	case errors.Is(s.err, aad.ErrDenied):
		told = append(told, "Azure AD's sign-in log cannot be read without the permission "+perm.AuditLog)
	default:
		told = append(told, "Azure AD's sign-in log, which needs the permission "+perm.AuditLog+", cannot be read: "+sentence(s.err))
	}
	if s.eventsErr != nil {
		told = append(told, "JumpCloud's Directory Insights cannot be read (which role or scope that needs is not published): "+
			sentence(s.eventsErr))
	}
	if s.cut {
		told = append(told, fmt.Sprintf("only the newest %d entries of Azure AD's log were read, back to %s", s.read, when(s.oldest)))
	}
	if s.eventsCut {
		told = append(told, "only the newest events of JumpCloud's were read")
	}
	return told
}

// noLicense is the code that a tenant gets which has not bought the sign-in log.
const noLicense = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

// federatedBefore is how long before an entry of a log that tells no protocol JumpCloud
// must have let that very person pass.
const federatedBefore = 10 * time.Minute

// proves reports whether an entry is of somebody who has got in by the federation. One
// that does not tell how somebody signed in, or through whom, is believed if JumpCloud
// has let them pass right before it.
func (s *signInsSeen) proves(e *aad.SignIn) bool {
	switch {
	case e.ErrorCode != 0:
		return false
	case s.known && byToken(e):
		return true
	case !byToken(e) && !untold(e):
		return false
	}
	return slices.ContainsFunc(s.events, func(j jumpcloud.Event) bool {
		wait := e.Created.Sub(j.At)
		return !j.Failed() && wait > -time.Minute && wait < federatedBefore && samePerson(j.By.Username, e.UserPrincipalName)
	})
}

// byToken reports whether an entry says that an identity provider's token was sent.
func byToken(e *aad.SignIn) bool { return e.Token == aad.TokenSAML20 || e.Token == aad.TokenSAML11 }

// untold reports whether the service has left out how somebody signed in. The protocol
// alone does not say it: it may be the one that the application speaks.
func untold(e *aad.SignIn) bool {
	return !byToken(e) && (e.Federated() || e.Protocol == "" && e.Token == "")
}

// isGuest reports whether the first part of a user principal name is that of a guest,
// whose sign-in is another domain's.
func isGuest(login string) bool { return strings.Contains(strings.ToUpper(login), "#EXT#") }

// samePerson compares a name in JumpCloud, which is an address or a user name, with an
// account's.
func samePerson(username, upn string) bool {
	if login, _, found := strings.Cut(upn, "@"); found && !strings.Contains(username, "@") {
		upn = login
	}
	return username != "" && strings.EqualFold(username, upn)
}

// signedInAs identifies whom an entry is about.
func signedInAs(e *aad.SignIn) string {
	if strings.Trim(e.UserID, "0-") == "" {
		return strings.ToLower(e.UserPrincipalName)
	}
	return cmp.Or(e.UserID, strings.ToLower(e.UserPrincipalName))
}
