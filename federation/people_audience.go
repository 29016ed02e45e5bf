package federation

import (
	"slices"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// audience says whose sign-in is judged.
type audience struct {
	domain        string                     // normalised
	subdomains    []string                   // those that follow it
	before        reach                      // who can sign in now
	directoryID   string                     // JumpCloud's Microsoft 365 directory; "" = none yet
	applicationID string                     // whose users are read who are bound to it directly; "" = none yet
	groups        []boundGroup               // that are bound to the application, or will be
	newMembers    []newMember                // whom the plan will add to groups
	absent        []string                   // names of the plan's groups that do not exist
	rules         []string                   // translation rules on or planned
	admins        map[string]bool            // Azure AD object IDs of Global Administrators
	policy        *aad.TokenValidationPolicy // nil = default (all)

	// likelyService says why an account looks like a service, a room or a
	// shared mailbox; "" if it does not. Nil means LikelyService.
	likelyService func(userPrincipalName, displayName string) string
}

// domains are the domain itself and those that follow it.
func (a audience) domains() []string {
	return append([]string{a.domain}, a.subdomains...)
}

// boundGroup is a group that lets its members in.
type boundGroup struct {
	id       string
	name     string // in the plan; "" for one that the plan does not name
	exported bool   // by the directory, now or by the plan
}

// newMember is somebody whom the plan adds to a group.
type newMember struct {
	email, group string
	exported     bool
}

// reach says who can sign in before the change, as far as anybody can read.
// Whoever cannot does not lose anything by it.
type reach uint8

const (
	// everybody with an enabled account: the domain is managed.
	everybody reach = iota
	// withID: whoever has an immutable ID, by another identity provider.
	withID
	// halfMade: nobody, since Azure AD sends people nowhere. But the run brings
	// their passwords back before it federates the domain anew, and what the plan
	// then leaves out is the plan's doing: whoever is in none of its groups is
	// locked out by it.
	halfMade
	// asAfter: whoever can after the change, and nobody else. The domain is
	// federated with the plan's application, and a plan only adds; or the
	// federation lets nobody in.
	asAfter
)

// newAudience says whose sign-in is to be judged, by what will be true after the
// plan: who is in a group that is bound to the application or that the plan binds,
// whom the plan adds, and who is bound without a group. A group that the plan
// makes has nobody in it but those.
func newAudience(p Plan, st *observation) audience {
	a := audience{
		domain: p.Domain, subdomains: st.followers(p.Domain), before: reachBefore(p, st),
		rules: p.Directory.Rules, admins: make(map[string]bool),
	}
	for rule := range st.rules {
		a.rules = append(a.rules[:len(a.rules):len(a.rules)], rule)
	}
	if d := st.directory(p); d != nil {
		a.directoryID = d.ID
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
			a.newMembers = append(a.newMembers, newMember{m, g.Name, exported})
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
func reachBefore(p Plan, st *observation) reach {
	switch {
	case !st.federated(p.Domain):
		return everybody
	case st.fed == nil:
		return halfMade
	case !ours(p, st):
		return withID
	}
	for _, a := range st.apps {
		if a != st.app(p) && a.IdPEntityID == st.fed.IssuerURI && sameEndpoint(st.fed.PassiveSignInURI, a.SSOURL) {
			return withID // by an application that is not the plan's
		}
	}
	return asAfter
}
