package federation_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A situation is one that somebody was in: where a domain is switched, or what
// was switched is taken back (see the other file).
type situation struct {
	about string
	tell  func(*tale)
}

// onlyInAzureAD adds somebody whom JumpCloud does not know.
func (s *tale) onlyInAzureAD(upn string, edit ...func(*aad.User)) {
	s.edit(func() {
		u := aad.User{UserPrincipalName: upn, DisplayName: upn}
		for _, f := range edit {
			f(&u)
		}
		s.AzureAD.AddUser(u)
	})
}

// withoutAdministrators takes the two break-glass administrators away.
func (s *tale) withoutAdministrators() {
	s.edit(func() {
		for _, a := range s.AzureAD.RoleAssignments() {
			s.AzureAD.RemoveRole(a.ID)
		}
	})
}

// second adds another domain, with a plan that shares everything with the first.
func (s *tale) second(name string) federation.Plan {
	s.edit(func() {
		s.AzureAD.AddDomain(name)
		s.JumpCloud.AddDirectoryDomain(s.Directory, name, false)
	})
	p := s.Plan()
	p.Domain = name
	return p
}

// administrator adds a Global Administrator on a domain, who is in JumpCloud too.
func (s *tale) administrator(upn string, edit ...func(*aad.User)) {
	s.edit(func() {
		u := aad.User{UserPrincipalName: upn, DisplayName: "Administrator", UserType: "Member"}
		for _, f := range edit {
			f(&u)
		}
		s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddUser(u))
	})
}

// atOneMoment makes requests take time, so that runs that begin together all look
// before one of them writes.
func (s *tale) atOneMoment() {
	s.JumpCloud.Latency, s.AzureAD.Latency = 100*time.Millisecond, 100*time.Millisecond
}

// consenting is the plan with everybody named who may be locked out.
func consenting(p federation.Plan, upns ...string) federation.Plan {
	p.Consent.LockOut.People = append(p.Consent.LockOut.People, upns...)
	p.TechnicalAccount = federation.TechnicalAccount{}
	return p
}

// refused makes one person one who could not sign in, which has to be said
// before the domain is switched.
func (s *tale) refused(change func(*jumpcloud.User, *aad.User)) {
	s.edit(func() {
		u := s.JumpCloud.Users()[0]
		s.AzureAD.EditUser(u.Email, func(a *aad.User) { change(&u, a) })
		s.JumpCloud.EditUser(u.ID, func(v *jumpcloud.User) { *v = u })
	})
	_, err := s.federate(s.ctx, s.Plan(), nil)
	if refusal := (*federation.PreconditionError)(nil); !errors.As(err, &refusal) || s.Writes() != 0 {
		s.t.Errorf("%v, %d writes; want a refusal", err, s.Writes())
	}
}

// prepared leaves everything done but the switch.
func (s *tale) prepared() federation.Plan {
	p := s.Plan()
	s.federate(s.ctx, p, nil)
	s.defederate(s.ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsKnown})
	time.Sleep(time.Hour)
	return p
}

func (s *tale) whileAsked(change func()) { s.federate(s.ctx, s.prepared(), s.meanwhile(change)) }

var switching = []situation{
	{"nothing is wrong", func(s *tale) {
		rep, err := s.federate(s.ctx, s.Plan(), nil)
		if err != nil {
			s.t.Error(err)
		}
		if _, err = s.revert(s.ctx, rep); err != nil {
			s.t.Error(err)
		}
	}},
	{"people in a group within the group", func(s *tale) {
		s.edit(func() {
			s.JumpCloud.Bind(object(jumpcloud.GroupObject, s.JumpCloud.AddGroup("Outer")), object(jumpcloud.GroupObject, s.groupID(federationtest.Group)))
		})
		p := s.Plan()
		p.Groups = []federation.Group{{Name: "Outer"}}
		if _, err := s.federate(s.ctx, p, nil); err != nil {
			s.t.Error(err)
		}
	}},
	{"somebody is named in the consent", func(s *tale) {
		s.onlyInAzureAD("uma@example.com")
		if _, err := s.federate(s.ctx, consenting(s.Plan(), "uma@example.com"), nil); err != nil {
			s.t.Error(err)
		}
	}},
	{"somebody has no immutable ID", func(s *tale) {
		s.refused(func(u *jumpcloud.User, a *aad.User) { a.ImmutableID = "" })
	}},
	{"somebody is suspended", func(s *tale) {
		s.refused(func(u *jumpcloud.User, a *aad.User) { u.State, u.Suspended = jumpcloud.Suspended, true })
	}},
	{"somebody was never activated", func(s *tale) {
		s.refused(func(u *jumpcloud.User, a *aad.User) { u.State, u.Activated = jumpcloud.Staged, false })
	}},
	{"somebody is in none of the groups", func(s *tale) {
		s.refused(func(u *jumpcloud.User, a *aad.User) {
			s.JumpCloud.Unbind(object(jumpcloud.GroupObject, s.groupID(federationtest.Group)), object(jumpcloud.UserObject, u.ID))
		})
	}},
	{"the only administrators are on the domain", func(s *tale) {
		s.withoutAdministrators()
		s.administrator("boss@example.com")
		s.federate(s.ctx, consenting(s.Plan(), "boss@example.com"), nil)
	}},
	{"a group that is new", func(s *tale) {
		p := s.Plan()
		p.Groups = []federation.Group{{Name: "Everybody"}}
		s.federate(s.ctx, p, nil)
	}},
	{"a new group beside an old one", func(s *tale) {
		users := s.JumpCloud.Users()
		s.edit(func() {
			s.JumpCloud.Unbind(object(jumpcloud.GroupObject, s.groupID(federationtest.Group)), object(jumpcloud.UserObject, users[0].ID))
		})
		p := s.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "Contractors"})
		s.federate(s.ctx, p, nil)
	}},
	{"a group that is empty", func(s *tale) {
		s.edit(func() { s.JumpCloud.AddGroup("Empty") })
		p := s.Plan()
		p.Groups = []federation.Group{{Name: "Empty"}}
		if _, err := s.federate(s.ctx, p, nil); err == nil {
			s.t.Error("it was not refused")
		}
	}},
	{"a consent by number, to more people than a sentence names", func(s *tale) {
		for i := range 15 {
			s.onlyInAzureAD(fmt.Sprintf("temp%02d@example.com", i))
		}
		p := s.Plan()
		p.Consent.LockOut.AtMost = 15
		s.federate(s.ctx, p, nil)
	}},
	{"an inheriting subdomain", func(s *tale) {
		s.edit(func() { s.AzureAD.AddDomain("eu." + s.Domain) })
		s.onlyInAzureAD("inge@eu.example.com")
		s.federate(s.ctx, s.Plan(), nil)
		rep, _ := s.defederate(s.ctx, federation.DefederatePlan{Domain: s.Domain, Passwords: federation.PasswordsReset})
		if !slices.ContainsFunc(rep.Findings, func(f federation.Finding) bool { return strings.Contains(f.String(), "inge@eu.example.com") }) {
			s.blame("Defederate: who needs a password is not named", "inge@eu.example.com")
		}
	}},
	{"the only administrators are on an inheriting subdomain", func(s *tale) {
		s.withoutAdministrators()
		s.edit(func() { s.AzureAD.AddDomain("eu." + s.Domain) })
		s.administrator("boss@eu.example.com")
		s.federate(s.ctx, consenting(s.Plan(), "boss@eu.example.com"), nil)
	}},
	{"each takes the other's administrator", func(s *tale) {
		s.withoutAdministrators()
		other := s.second("other.example")
		s.administrator("boss@example.com")
		s.administrator("boss@other.example")
		s.atOneMoment()
		f := s.Federator(nil) // what two processes do to each other is told in the documentation
		s.both(s.ctx, f, f, consenting(s.Plan(), "boss@example.com"), consenting(other, "boss@other.example"))
	}},
	{"each takes the other's administrator, in one batch", func(s *tale) {
		s.withoutAdministrators()
		other := s.second("other.example")
		s.administrator("boss@example.com")
		s.administrator("boss@other.example")
		s.atOneMoment()
		s.federateAll(s.ctx, []federation.Plan{consenting(s.Plan(), "boss@example.com"), consenting(other, "boss@other.example")})
	}},
	{"a guest whose account is this tenant's", func(s *tale) {
		s.onlyInAzureAD("guest@example.com", func(u *aad.User) { u.UserType = "Guest" })
		s.federate(s.ctx, s.Plan(), nil)
	}},
	{"the only administrator is an external member", func(s *tale) {
		s.withoutAdministrators()
		s.administrator("partner_mail.example#EXT#@contoso.onmicrosoft.com")
		s.federate(s.ctx, consenting(s.Plan()), nil)
	}},
	{"an immutable ID that JumpCloud does not send", func(s *tale) {
		s.edit(func() { s.AzureAD.EditUser("ada.abbott@example.com", func(u *aad.User) { u.ImmutableID = "b2xkZXI=" }) })
		s.federate(s.ctx, s.Plan(), nil)
	}},
	{"two domains with one login URL", func(s *tale) {
		s.edit(func() {
			id := s.JumpCloud.AddUser(jumpcloud.User{Username: "w", Email: "w@a-b.example", State: jumpcloud.Activated, Activated: true})
			s.JumpCloud.BindUser(s.Directory, id, "")
			s.JumpCloud.AddGroup("Dash", id)
			s.AzureAD.AddUser(aad.User{UserPrincipalName: "w@a-b.example", ImmutableID: id})
		})
		dash, dot := s.second("a-b.example"), s.second("a.b.example")
		dash.Groups = []federation.Group{{Name: "Dash"}}
		s.federate(s.ctx, dot, nil)
		s.federate(s.ctx, dash, nil)
	}},
	{"a list of people without its list", func(s *tale) {
		s.onlyInAzureAD("uma@example.com")
		s.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
			if r.URL.Path == "/v1.0/users" && strings.Contains(r.URL.Query().Get("$filter"), "endsWith") {
				return nothing
			}
			return aadtest.Fault{}
		}
		s.federate(s.ctx, s.Plan(), nil)
	}},
	{"a group that two plans need, under lost answers", func(s *tale) {
		p, q := s.Plan(), s.second("other.example")
		p.Groups = append(p.Groups, federation.Group{Name: "Shared"})
		q.Groups = p.Groups
		s.JumpCloud.ListLag = jumpcloudtest.Lag{For: 20 * time.Second}
		defer s.onRequest(http.MethodPost, "/api/v2/usergroups", 2, lostWith)()
		s.federateAll(s.ctx, []federation.Plan{p, q})
		s.doubles("FederateAll")
	}},
	{"the answers to the creations are lost, and lists lag", func(s *tale) {
		p := s.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "New", Members: []string{"ada.abbott@example.com"}})
		s.JumpCloud.ListLag = jumpcloudtest.Lag{For: 20 * time.Second}
		s.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
			if r.Method == http.MethodPost && (r.URL.Path == "/api/applications" || r.URL.Path == "/api/v2/usergroups") {
				return lostWith
			}
			return jumpcloudtest.Fault{}
		}
		s.federate(s.ctx, p, nil)
		s.doubles("Federate")
	}},
	{"one plan by two processes", func(s *tale) {
		s.atOneMoment()
		reps := s.twoAtOnce(s.ctx, s.Plan(), s.Plan())
		s.doubles("two Federates at once")
		if rep, err := s.federate(s.ctx, s.Plan(), nil); err != nil || rep.Changed() {
			s.blame("two Federates at once: do not end in one state", "%v\n%s\n%s\n%s", err, rep, reps[0], reps[1])
		}
	}},
	{"one plan by two processes, and lists lag", func(s *tale) {
		s.atOneMoment()
		s.JumpCloud.ListLag = jumpcloudtest.Lag{For: 40 * time.Second}
		s.twoAtOnce(s.ctx, s.Plan(), s.Plan())
		s.doubles("two Federates at once")
	}},
	{"while Confirm waits, the application is deactivated", func(s *tale) {
		s.whileAsked(func() { s.JumpCloud.SetApplicationField(s.app().ID, "active", false) })
	}},
	{"while Confirm waits, the group is unbound", func(s *tale) {
		s.whileAsked(func() {
			s.JumpCloud.Unbind(object(jumpcloud.ApplicationObject, s.app().ID), object(jumpcloud.GroupObject, s.groupID(federationtest.Group)))
		})
	}},
	{"while Confirm waits, the certificate is made anew", func(s *tale) {
		s.whileAsked(func() { s.JumpCloud.RegenerateCertificate(s.app().ID) })
	}},
	{"while Confirm waits, the administrators lose their role", func(s *tale) {
		p := consenting(s.prepared())
		s.federate(s.ctx, p, s.meanwhile(func() {
			for _, a := range s.AzureAD.RoleAssignments() {
				s.AzureAD.RemoveRole(a.ID)
			}
		}))
	}},
	{"while Confirm waits, somebody is suspended", func(s *tale) {
		s.whileAsked(func() {
			s.JumpCloud.EditUser(s.JumpCloud.Users()[0].ID, func(u *jumpcloud.User) { u.State, u.Suspended = jumpcloud.Suspended, true })
		})
	}},
	{"while Confirm waits, somebody is hired", func(s *tale) {
		s.whileAsked(func() { s.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@example.com"}) })
	}},
	{"while many members are added, somebody is hired", func(s *tale) {
		p := s.Plan()
		everybody := federation.Group{Name: "Everybody"}
		for i := range 24 {
			address := fmt.Sprintf("member.%d@example.com", i)
			s.JumpCloud.AddUser(jumpcloud.User{Username: fmt.Sprintf("member.%d", i), Email: address, State: jumpcloud.Activated, Activated: true})
			everybody.Members = append(everybody.Members, address)
		}
		p.Groups = append(p.Groups, everybody)
		var once sync.Once
		s.JumpCloud.OnRequest = func(r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/members") {
				once.Do(func() { s.edit(func() { s.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@example.com"}) }) })
			}
		}
		var pe *federation.PreconditionError
		if rep, err := s.federate(s.ctx, p, nil); !errors.As(err, &pe) {
			s.t.Errorf("%v; want a *PreconditionError\n%s", err, rep)
		}
	}},
	{"while Confirm waits, somebody is unbound from the directory", func(s *tale) {
		s.whileAsked(func() {
			u := s.JumpCloud.Users()[0]
			s.JumpCloud.Unbind(object(jumpcloud.DirectoryObject, s.Directory), object(jumpcloud.UserObject, u.ID))
			s.JumpCloud.Unbind(object(jumpcloud.DirectoryObject, s.Directory), object(jumpcloud.GroupObject, s.groupID(federationtest.Group)))
		})
	}},
	{"replicas do not know the new application and group yet", func(s *tale) {
		p := s.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "New", Members: []string{"ada.abbott@example.com"}})
		s.JumpCloud.ListLag, s.JumpCloud.GetLag = jumpcloudtest.Lag{For: 40 * time.Second}, jumpcloudtest.Lag{Flaps: 8}
		if _, err := s.federate(s.ctx, p, nil); err != nil {
			s.blame("Federate: ends with an error although nothing was wrong but lag", "%v", err)
		}
		s.federate(s.ctx, p, nil) // whose report was lost
		s.doubles("Federate")
	}},
	{"everything lags half a minute", func(s *tale) {
		s.JumpCloud.ListLag, s.JumpCloud.GetLag = jumpcloudtest.Lag{For: 30 * time.Second}, jumpcloudtest.Lag{For: 30 * time.Second}
		s.AzureAD.ListLag, s.AzureAD.GetLag = aadtest.Lag{For: 30 * time.Second}, aadtest.Lag{For: 30 * time.Second}
		rep, err := s.federate(s.ctx, s.Plan(), nil)
		if err != nil {
			s.blame("Federate: ends with an error although nothing was wrong but lag", "%v", err)
		}
		time.Sleep(time.Hour)
		if rep, err = s.federate(s.ctx, rep.Plan, nil); err != nil {
			s.blame("Federate: ends with an error although nothing was wrong any more", "%v", err)
		}
		if _, err = s.revert(s.ctx, rep); err != nil {
			s.blame("Revert: ends with an error although nothing was wrong but lag", "%v", err)
		}
	}},
	{"a group whose members a rule decides on", func(s *tale) {
		var id string
		s.edit(func() {
			s.JumpCloud.AddDynamicGroup("Rule")
			id = s.JumpCloud.AddUser(jumpcloud.User{Username: "uma", Email: "uma@example.com", State: jumpcloud.Activated, Activated: true})
		})
		s.onlyInAzureAD("uma@example.com", func(u *aad.User) { u.ImmutableID = id })
		p := s.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "Rule"})
		s.repair(s.ctx, federation.RepairPlan{Plan: p, Group: "Rule"})
	}},
	{"somebody was put right by hand before the repair came to it", func(s *tale) {
		p := s.lacking()
		preview, err := s.Federator(nil).PreviewRepair(s.ctx, p)
		if err != nil {
			s.t.Error(err)
		}
		user := slices.IndexFunc(s.JumpCloud.Users(), func(u jumpcloud.User) bool { return u.Email == "r0@example.com" })
		group, member := s.groupID(federationtest.Group), s.JumpCloud.Users()[user].ID
		s.edit(func() { s.JumpCloud.Bind(object(jumpcloud.GroupObject, group), object(jumpcloud.UserObject, member)) })
		s.revertRepair(s.ctx, s.repairAs(s.ctx, preview))
		for _, g := range s.JumpCloud.Groups() {
			if g.ID == group && !slices.Contains(g.Members, member) {
				s.blame("Revert of a Repair: takes back what somebody else did", "r0@example.com")
			}
		}
	}},
	{"one person is refused while another's answer is lost", func(s *tale) {
		s.edit(func() {
			for i := range 4 {
				upn := fmt.Sprintf("r%d@example.com", i)
				id := s.JumpCloud.AddUser(jumpcloud.User{Username: upn[:2], Email: upn, State: jumpcloud.Activated, Activated: true})
				s.JumpCloud.BindUser(s.Directory, id, s.AzureAD.AddUser(aad.User{UserPrincipalName: upn, ImmutableID: id}))
			}
		})
		var mu sync.Mutex
		n := 0
		s.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/members") {
				return jumpcloudtest.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			if n++; n == 2 {
				f := denied
				f.Delay = time.Second
				return f
			}
			s.afterEffect(r, func() { // the answer is on its way when the other one is refused
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Second):
				}
			})
			return jumpcloudtest.Fault{}
		}
		s.repair(s.ctx, federation.RepairPlan{Plan: s.Plan(), Group: federationtest.Group})
	}},
}
