package federation

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jcaad/jcaad/internal/perm"
)

// A Resource is a kind of thing that a plan speaks about.
type Resource string

// The resources. What others need is made first, whatever the order in which
// changes are told, and the domain last, because from then on people sign in
// through it.
const (
	ResTechnicalAccount Resource = "azure-ad/technical-account"
	ResRole             Resource = "azure-ad/global-administrator"
	ResDefaultDomain    Resource = "azure-ad/default-domain"
	ResGroup            Resource = "jumpcloud/group"
	ResApplication      Resource = "jumpcloud/application"
	ResMember           Resource = "jumpcloud/group-member"
	ResApplicationGroup Resource = "jumpcloud/application-group"
	ResDirectoryGroup   Resource = "jumpcloud/directory-group"
	ResDirectoryRule    Resource = "jumpcloud/directory-rule"
	ResDirectoryDomain  Resource = "jumpcloud/directory-domain"
	ResDirectoryDefault Resource = "jumpcloud/directory-default-domain"
	ResRecover          Resource = "azure-ad/authentication-type"
	ResFederation       Resource = "azure-ad/federation"
)

// What a repair gives to one person each, beside the membership of a group.
const (
	ResImmutableID   Resource = "azure-ad/immutable-id"
	ResDirectoryUser Resource = "jumpcloud/directory-user"
)

// A thing is what is known of a resource, whatever is done to it. What is done
// differs from one to the other: those are the switches below, whose cases call
// what stands in the thing's own file. A new resource is such a file, its line in
// the table, and its cases.
type thing struct {
	stage int   // when Federate makes it: things of one stage do not depend on each other; 0: a repair does
	rows  []int // of the procedure that doc.go lists
	parts part  // where it shows, and what is needed next

	// Sign-in through the application depends on a lifeline: it is not taken away
	// before the domain is seen to depend on the application no more.
	lifeline bool

	shared  bool // plans of a batch may share it
	single  bool // there must not be two: what is there is looked for twice before one is made
	doubles bool // the service makes a second one when it is asked again

	on          []Resource // what it is made of: when that is replaced, it is made anew
	kind        string     // what it is for people, if its name does not say
	purpose     string     // what its change is for, with %s for its name
	permissions []string   // those of Azure AD that its change needs
	instead     []string   // others, of which any one does as well
	events      audits     // what its change leaves in the services' logs
}

var resources = map[Resource]thing{
	ResTechnicalAccount: {stage: 1, rows: []int{2}, parts: partAdmins, lifeline: true, shared: true, single: true,
		purpose: "create the account %s", permissions: []string{perm.UserWrite},
		events: audits{Delete: audited("Delete user"), otherwise: audited("Add user")}},
	ResRole: {stage: 2, rows: []int{2}, parts: partAdmins, lifeline: true, shared: true,
		on: []Resource{ResTechnicalAccount}, kind: "role Global Administrator of",
		purpose: "make %s a Global Administrator", permissions: []string{perm.RoleWrite},
		events: audits{Remove: audited("Remove member from role"), otherwise: audited("Add member to role")}},
	ResDefaultDomain: {stage: 1, rows: []int{3}, parts: partDomains, lifeline: true,
		purpose: "make %s the default domain", permissions: []string{perm.DomainWrite},
		events: audits{otherwise: audited("Update domain")}},
	ResGroup: {stage: 1, rows: []int{4}, parts: partGroups, lifeline: true, shared: true, single: true, doubles: true,
		events: audits{Create: insight("group_create"), Update: insight("group_update"), Delete: insight("group_delete")}},
	ResMember: {stage: 2, rows: []int{4}, parts: partMembers, lifeline: true, shared: true,
		on: []Resource{ResGroup}, events: audits{otherwise: insight("association_change")}},
	ResApplication: {stage: 1, rows: []int{5, 7}, parts: partApplications, lifeline: true, single: true, doubles: true,
		events: audits{
			Create: insight("application_create"), Update: insight("application_update"), Delete: insight("application_delete"),
		}},
	ResApplicationGroup: {stage: 2, rows: []int{6}, parts: partApplicationGroups | partMetadata, lifeline: true,
		on: []Resource{ResApplication, ResGroup}, kind: "application's group", events: audits{otherwise: insight("association_change")}},
	ResDirectoryGroup: {stage: 2, rows: []int{8}, parts: partDirectoryGroups, lifeline: true, shared: true,
		on: []Resource{ResGroup}, kind: "Microsoft 365 directory's group",
		events: audits{otherwise: append( // the members are exported from then on
			insight("association_change", "user_create_provision", "user_update_provision"), audited("Update user")...)}},
	ResDirectoryRule: {stage: 2, rows: []int{8}, parts: partRules, shared: true, kind: "Microsoft 365 directory's translation rule",
		events: audits{Add: insight("integrationattribute_include"), Remove: insight("integrationattribute_exclude")}},
	ResDirectoryDomain: {stage: 1, rows: []int{8}, parts: partDirectories | partDirectoryDomains, kind: "Microsoft 365 directory's domain",
		events: audits{Add: insight("integration_domain_add"), Remove: insight("integration_domain_delete")}},
	ResDirectoryDefault: {stage: 2, rows: []int{8}, parts: partDirectories | partDirectoryDomains,
		on: []Resource{ResDirectoryDomain}, kind: "Microsoft 365 directory's default domain",
		events: audits{otherwise: insight("integration_default_domain_update")}},
	ResRecover: {stage: 3, rows: []int{9}, parts: partDomains | partFederation,
		purpose: "set %s to Managed", permissions: []string{perm.DomainWrite},
		events: audits{otherwise: audited(activityAuthentication)}},
	ResFederation: {stage: 4, rows: []int{9}, parts: partDomains | partFederation,
		on: []Resource{ResApplication}, kind: "federation of",
		purpose: "federate %s", permissions: []string{perm.FederationWrite},
		events: audits{Update: audited(activityFederation), otherwise: audited(activityAuthentication, activityFederation)}},
	ResImmutableID: {rows: []int{1}, lifeline: true, kind: "immutable ID of",
		purpose: "change the immutable ID of %s", permissions: []string{perm.UserWrite},
		instead: []string{"Directory.ReadWrite.All", "Directory.AccessAsUser.All"},
		events:  audits{otherwise: audited("Update user")}},
	ResDirectoryUser: {rows: []int{8}, lifeline: true, kind: "Microsoft 365 directory's user",
		events: audits{otherwise: append( // the person is exported from then on
			insight("association_change", "user_create_provision", "user_update_provision"), audited("Update user")...)}},
}

// Row is the row of the manual procedure that the resource belongs to.
func (r Resource) Row() int {
	if rows := resources[r].rows; rows != nil {
		return rows[0]
	}
	return 0
}

// shown is where the resource itself shows; what is read beside it is needed next.
func (r Resource) shown() part { return resources[r].parts &^ partMetadata }

// send makes one change and returns the ID of what it made, if it made
// something.
func (r *run) send(ctx context.Context, plan Plan, c Change) (id string, err error) {
	if of, _ := c.builtOn(); of != "" && c.Target == "" {
		return "", fmt.Errorf("the %s %s does not show yet: %w", of, c.Name, errLagging)
	}
	switch c.Resource {
	case ResTechnicalAccount:
		return r.f.createAccount(ctx, plan, c)
	case ResRole:
		return r.f.assignRole(ctx, c)
	case ResDefaultDomain:
		return "", r.f.ad.SetDefaultDomain(ctx, c.Name)
	case ResGroup:
		return r.f.createGroup(ctx, c)
	case ResMember:
		return "", r.f.sendMember(ctx, c)
	case ResApplication:
		return r.sendApplication(ctx, plan, c)
	case ResApplicationGroup, ResDirectoryGroup:
		return "", r.f.sendBinding(ctx, c)
	case ResDirectoryRule:
		return r.f.addRule(ctx, c)
	case ResDirectoryDomain:
		return r.f.addDirectoryDomain(ctx, c)
	case ResDirectoryDefault:
		return "", r.f.jc.SetOffice365DefaultDomain(ctx, c.Parent, c.Target)
	case ResRecover:
		return "", r.f.ad.SetManaged(ctx, c.Name)
	case ResFederation:
		return r.sendFederation(ctx, plan, c)
	}
	return "", fmt.Errorf("federation: no way to %s", c.String())
}

// builtOn is what must have been made, and how, for the change to have a target: a
// thing of the same name.
func (c Change) builtOn() (of Resource, by Action) {
	switch c.Resource {
	case ResRole:
		return ResTechnicalAccount, Create
	case ResDirectoryDefault:
		return ResDirectoryDomain, Add
	}
	return "", ""
}

// hidden reports whether a list does not show yet what the change has made. A
// run that is not pinned would make it again.
func (r *run) hidden(c Change) bool {
	switch c.Resource {
	case ResApplication:
		return r.st.appHidden
	case ResGroup:
		return r.st.hidden[c.Name]
	}
	return false
}

// found is the ID of what a creation made, as the services show it.
func (r *run) found(c Change) (id string) {
	if c.Action != Create {
		return ""
	}
	switch c.Resource {
	case ResApplication:
		if a := r.st.app(r.plan); a != nil {
			id = a.ID
		}
	case ResGroup:
		id = r.st.groupID(r.plan, c.Name)
	case ResTechnicalAccount:
		if r.st.technical != nil {
			id = r.st.technical.id
		}
	case ResFederation:
		if r.st.fed != nil {
			id = r.st.fed.ID
		}
	}
	if id != "" {
		r.pinCreated(c, id)
	}
	return id
}

// pinCreated writes the ID of what was just made into the plan of the report.
func (r *run) pinCreated(c Change, id string) {
	r.plan.pin(c, id)
	r.rep.Plan = r.plan
	r.st.anew = r.st.anew || c.makesApplication()
	if c.inLists() {
		r.st.made = append(slices.Clip(r.st.made), id)
	}
}

// pin gives the plan the ID of what a change has made, if the plan has a place for it.
func (p *Plan) pin(c Change, id string) {
	switch {
	case c.makesApplication() && c.Name == p.Application.IdPEntityID:
		p.Application.ID = id
	case c.Resource == ResGroup:
		p.Groups = pinGroup(p.Groups, c.Name, id)
	}
}

// driftOf is what a change says that is missing though it was there once.
func (st *observation) driftOf(p Plan, c Change) []Finding {
	f := Finding{Code: CodeDrift, Severity: Warning, Subject: c.Name,
		Message: "the plan does not hold: Federate would " + c.String(), Repair: "run Federate"}
	switch c.Resource {
	case ResFederation, ResRecover:
		return st.driftFederation(p, c, f)
	case ResApplication:
		f.Severity, f.Message = st.applicationDrift(p, c)
	case ResApplicationGroup, ResDirectoryGroup:
		f.Severity, f.Message = c.bindingDrift()
	case ResDefaultDomain:
		f.Message = "the tenant's default domain is " + p.Domain + " again"
	}
	return []Finding{f}
}

// stands reads where a step stands, as things will be once the steps before it
// are made.
func (u *undoing) stands(ctx context.Context, s *undoStep) (standing, string, error) {
	c := s.Change
	switch c.Resource {
	case ResFederation:
		return u.federationStands(ctx, s)
	case ResRecover:
		return undone, "", nil // nobody wants an unreadable federation back
	case ResDefaultDomain:
		return u.defaultStands(ctx, c)
	case ResApplication:
		return u.applicationStands(ctx, s)
	case ResGroup:
		return u.groupStands(ctx, s)
	case ResApplicationGroup, ResDirectoryGroup:
		return u.bindingStands(ctx, c)
	case ResMember:
		return u.f.memberStands(ctx, c)
	case ResDirectoryRule:
		return u.f.ruleStands(ctx, c)
	case ResDirectoryDomain, ResDirectoryDefault:
		return u.f.directoryStands(ctx, c)
	case ResTechnicalAccount:
		return u.f.accountStands(ctx, s)
	case ResRole:
		return u.f.roleStands(ctx, s)
	}
	return differs, "nothing is known about " + string(c.Resource), nil
}

// send makes the change that leads a step back.
func (u *undoing) send(ctx context.Context, s *undoStep) error {
	f, c := u.f, s.Change
	switch c.Resource {
	case ResFederation:
		return u.sendFederation(ctx, s)
	case ResDefaultDomain:
		return f.ad.SetDefaultDomain(ctx, c.Fields[0].New)
	case ResApplication:
		return f.undoApplication(ctx, s)
	case ResGroup:
		return f.jc.DeleteGroup(ctx, s.ID)
	case ResApplicationGroup, ResDirectoryGroup:
		return f.sendBinding(ctx, c)
	case ResMember:
		return f.sendMember(ctx, c)
	case ResDirectoryRule:
		return f.undoRule(ctx, s.Step)
	case ResDirectoryDomain, ResDirectoryDefault:
		return f.undoDirectoryDomain(ctx, c)
	case ResTechnicalAccount:
		return f.ad.DeleteUser(ctx, s.ID)
	case ResRole:
		return f.undoRole(ctx, s)
	}
	return fmt.Errorf("federation: no way to %s", c.String())
}

// personStands reads where a change about one person stands: asLeft, it is still to
// be made; undone, it shows, whoever made it; differs, it must not be made. What is
// known of the change from before is was: if that is [Unknown], what is there may be
// the change's own doing.
func (f *Federator) personStands(ctx context.Context, c Change, was Outcome) (standing, string, error) {
	switch c.Resource {
	case ResImmutableID:
		return f.immutableIDStands(ctx, c)
	case ResDirectoryUser:
		return f.directoryUserStands(ctx, c, was)
	case ResMember:
		return f.personMemberStands(ctx, c, was)
	}
	return differs, "", fmt.Errorf("federation: no repair can %s", c.String())
}

// sendPerson makes a change about one person.
func (f *Federator) sendPerson(ctx context.Context, c Change) error {
	switch c.Resource {
	case ResImmutableID:
		return f.sendImmutableID(ctx, c)
	case ResDirectoryUser:
		return f.sendDirectoryUser(ctx, c)
	case ResMember:
		return f.sendMember(ctx, c)
	}
	return fmt.Errorf("federation: no way to %s", c.String())
}

// identify looks for what a creation made whose answer was lost. It is taken for
// the run's only if the run had seen, twice, that there was none, and what is
// there fits: the name, and the time where the service tells one.
func (u *undoing) identify(ctx context.Context, s *undoStep) error {
	switch s.Change.Resource {
	case ResTechnicalAccount:
		return u.identifyAccount(ctx, s)
	case ResApplication:
		return u.identifyApplication(ctx, s)
	case ResGroup:
		return u.identifyGroup(ctx, s)
	}
	return nil
}

// group is the ID of the JumpCloud group that a step is about, as far as others
// may live on it: its binding to this run's own application concerns nobody else.
func (s *undoStep) group() string {
	switch s.Change.Resource {
	case ResGroup:
		return s.ID
	case ResMember:
		return s.Change.Parent
	case ResDirectoryGroup:
		return s.Change.Target
	}
	return ""
}

// probes are what a step names that only the customer has whose report it is.
func (u *undoing) probes(s *undoStep) []probe {
	switch c := s.Change; c.Resource {
	case ResApplication:
		return []probe{{cmp.Or(s.ID, c.Target), u.f.hasApplication}}
	case ResApplicationGroup:
		return []probe{{c.Parent, u.f.hasApplication}, {c.Target, u.f.hasGroup}}
	case ResGroup:
		return []probe{{s.ID, u.f.hasGroup}}
	case ResTechnicalAccount:
		return []probe{{s.ID, u.f.hasAccount}}
	case ResFederation:
		return []probe{{c.Name, u.f.hasDomain}}
	}
	return nil
}

// writeCmdlets writes one change, or the comment that it is none of Azure AD's.
func writeCmdlets(b *bufio.Writer, c Change, s Step) {
	switch c.Resource {
	case ResTechnicalAccount:
		c.accountCmdlets(b)
	case ResRole:
		c.roleCmdlets(b, s)
	case ResDefaultDomain:
		fmt.Fprintf(b, "Update-MgDomain -DomainId %s -IsDefault\n", psQuote(c.value("defaultDomain")))
	case ResRecover:
		fmt.Fprintf(b, "Update-MgDomain -DomainId %s -AuthenticationType 'Managed' # its configuration cannot be read\n", psQuote(c.Name))
	case ResFederation:
		c.federationCmdlets(b, s)
	case ResImmutableID:
		c.immutableIDCmdlets(b)
	default:
		c.writeComment(b)
	}
}
