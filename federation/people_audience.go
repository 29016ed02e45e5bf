package federation

import (
	"slices"

	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/jumpcloud"
)

// audience says whose sign-in is judged, and what is read for it.
type audience struct {
	people.Audience
	directoryID   string          // JumpCloud's Microsoft 365 directory; "" = none yet
	applicationID string          // whose users are read who are bound to it directly; "" = none yet
	groups        []boundGroup    // that are bound to the application, or will be
	filled        map[string]bool // names of groups that the plan adds members to
	absent        []string        // names of the plan's groups that do not exist
	admins        map[string]bool // Azure AD object IDs of Global Administrators
	signedIn      []string        // those of who has signed in through JumpCloud
	members       *lookOut        // for the plan's members
}

// boundGroup is a group that lets its members in.
type boundGroup struct {
	id       string
	name     string // in the plan; "" for one that the plan does not name
	exported bool   // by the directory, now or by the plan
}

// newAudience says whose sign-in is to be judged, by what will be true after the
// plan: who is in a group that is bound to the application or that the plan binds,
// whom the plan adds, and who is bound without a group. A group that the plan
// makes has nobody in it but those.
func newAudience(p Plan, st *observation) audience {
	a := audience{
		Audience: people.Audience{
			Domain: p.Domain, Subdomains: st.followers(p.Domain), Before: reachBefore(p, st), Planned: make(map[string]bool),
		},
		filled: make(map[string]bool), admins: make(map[string]bool), signedIn: st.signedIn, members: st.lookOut(p),
	}
	_, have := st.rules[jumpcloud.UPNFromAlternateEmail]
	a.AlternateEmail = have || slices.Contains(p.Directory.Rules, jumpcloud.UPNFromAlternateEmail)
	if d := st.directory(p); d != nil {
		a.directoryID, a.Directory = d.ID, true
	}
	named := make(map[string]bool)
	for _, g := range p.Groups {
		exported := slices.Contains(p.Directory.Groups, g.Name)
		have := st.groups[g.Name] // several: a refusal of its own, so that any of them may be meant
		if one := st.group(g); one != nil {
			have = []*jumpcloud.Group{one}
		}
		for _, h := range have {
			exported = exported || st.dirGroups[h.ID]
			named[h.ID] = true
			a.groups = append(a.groups, boundGroup{h.ID, g.Name, exported})
		}
		if len(have) == 0 {
			a.absent = append(a.absent, g.Name)
		}
		for _, m := range g.Members {
			a.Planned[m] = a.Planned[m] || exported
			a.filled[g.Name] = true
		}
	}
	if app := st.app(p); app != nil {
		a.applicationID = app.ID
		for id := range st.appGroups {
			if !named[id] {
				a.groups = append(a.groups, boundGroup{id: id, exported: st.dirGroups[id]})
			}
		}
	}
	for i := range st.admins {
		a.admins[st.admins[i].id] = true
	}
	return a
}

// reachBefore says who can sign in before the plan is carried out. Where it is
// in doubt, more people can: a lock-out too many is told, one too few is not.
func reachBefore(p Plan, st *observation) people.Reach {
	switch {
	case !st.federated(p.Domain):
		return people.Everybody
	case st.fed == nil:
		return people.HalfMade
	case !ours(p, st):
		return people.WithID
	}
	for _, a := range st.apps {
		if a != st.app(p) && a.IdPEntityID == st.fed.IssuerURI && sameEndpoint(st.fed.PassiveSignInURI, a.SSOURL) {
			return people.WithID // by an application that is not the plan's
		}
	}
	return people.AsAfter
}
