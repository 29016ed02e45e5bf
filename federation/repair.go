package federation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/jumpcloud"
)

// An ImmutableIDSource says what becomes the immutable ID of an account that has
// none. JumpCloud sends the ID that it knows for a bound user, and does not
// document where it keeps it or what it is, so there is no default: look at what
// people who can be signed in have, or let [Federator.PreviewRepair] do so.
type ImmutableIDSource string

const (
	// FromObjectID is base64 of the sixteen bytes of the account's object ID in
	// Azure AD, in the order in which Windows writes a GUID's bytes.
	FromObjectID ImmutableIDSource = "objectID"
	// FromJumpCloudID is the ID of the JumpCloud user.
	FromJumpCloudID ImmutableIDSource = "jumpCloudID"
)

var immutableIDSources = []ImmutableIDSource{FromObjectID, FromJumpCloudID}

// A RepairPlan says what may be put right about people before the domain is
// switched. It is plain data, without secrets. Nothing is done that it does not
// name.
type RepairPlan struct {
	// Plan is the federation that is prepared: its domain, its directory and its
	// groups, which must exist.
	Plan Plan `json:"plan" yaml:"plan"`

	// ImmutableIDs gives an immutable ID to people who have none. Accounts that
	// are synchronised from the premises, and Global Administrators, are left
	// alone; the latter unless People names them.
	ImmutableIDs ImmutableIDSource `json:"immutableIDs,omitempty" yaml:"immutableIDs,omitempty"`

	// Bind binds people to JumpCloud's Microsoft 365 directory who are not.
	Bind bool `json:"bind,omitempty" yaml:"bind,omitempty"`

	// Group is the name of the one of Plan.Groups to which people are added who
	// are in none of them.
	Group string `json:"group,omitempty" yaml:"group,omitempty"`

	// People narrows the repair to these user principal names or emails.
	// Default: everybody with an enabled account on the domain and an active
	// user in JumpCloud.
	People []string `json:"people,omitempty" yaml:"people,omitempty"`
}

// A RepairKind is what is done about one person.
type RepairKind string

const (
	SetImmutableID  RepairKind = "set-immutable-id"
	BindToDirectory RepairKind = "bind-to-directory"
	AddToGroup      RepairKind = "add-to-group"
)

const (
	// Planned: nothing has been sent yet.
	Planned Outcome = "planned"
	// Undone: the step was done, and then taken back.
	Undone Outcome = "undone"
)

// A RepairStep is one write about one person.
type RepairStep struct {
	Kind              RepairKind `json:"kind"`
	UserPrincipalName string     `json:"userPrincipalName,omitempty"`
	Email             string     `json:"email,omitempty"`
	DisplayName       string     `json:"displayName,omitempty"`
	JumpCloudID       string     `json:"jumpCloudID,omitempty"`
	AzureADID         string     `json:"azureADID,omitempty"`

	// Value is the immutable ID, or the ID of the directory or the group.
	Value   string  `json:"value"`
	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`
}

// String returns the step on one line.
func (s RepairStep) String() string {
	who := s.UserPrincipalName
	if who == "" {
		who = s.Email
	}
	out := fmt.Sprintf("%-8s %s %s: %s", s.Outcome, s.Kind, who, s.Value)
	if s.Error != "" {
		out += " (" + s.Error + ")"
	}
	return plain(out)
}

// PreviewRepair says what Repair would do for the plan, person by person, and
// what they should know who confirm it. It only reads.
func (f *Federator) PreviewRepair(ctx context.Context, plan RepairPlan) (*RepairReport, error) {
	rep := &RepairReport{Version: repairVersion, Plan: plan, Started: time.Now().UTC(), Steps: []RepairStep{}}
	err := f.previewRepair(ctx, rep)
	rep.Finished = time.Now().UTC()
	if err != nil {
		rep.Error = err.Error()
	}
	return rep, err
}

func (f *Federator) previewRepair(ctx context.Context, rep *RepairReport) error {
	plan, err := rep.Plan.Plan.normalize()
	if err != nil {
		return err
	}
	rep.Plan.Plan = plan
	var bad findings
	if rep.Plan.ImmutableIDs == "" && !rep.Plan.Bind && rep.Plan.Group == "" {
		bad.refuse(CodePlanRepair, "repair", "the repair plan names nothing to repair", "set immutableIDs, bind or group")
	}
	if s := rep.Plan.ImmutableIDs; s != "" && !slices.Contains(immutableIDSources, s) {
		bad.refuse(CodePlanRepair, string(s), "the source of immutable IDs "+quote(string(s))+" is unknown",
			"use objectID (base64 of the account's object ID) or jumpCloudID, whichever people who can sign in have")
	}
	group := Group{Name: rep.Plan.Group}
	if i := slices.IndexFunc(plan.Groups, func(g Group) bool { return g.Name == group.Name }); i >= 0 {
		group = plan.Groups[i]
	} else if group.Name != "" {
		bad.refuse(CodePlanRepair, group.Name, "the group "+quote(group.Name)+" is not among the plan's groups", "name one of them")
	}
	if err := bad.err(); err != nil {
		return err
	}

	f.emit(ctx, Event{Phase: PhaseObserve, Domain: plan.Domain, Text: "reading both services"})
	st, err := f.observe(ctx, plan, observation{}, partAll)
	if err != nil {
		return reading(PhaseObserve, err)
	}
	if st.domain(plan.Domain) == nil {
		bad.refuse(CodeDomainUnknown, plan.Domain, "the tenant has no domain "+plan.Domain, "name one of its domains")
	}
	dir := st.directory(plan)
	if rep.Plan.Bind && dir == nil {
		bad.refuse(CodeDirectoryMissing, plan.Directory.Name, "there is no one Microsoft 365 directory to bind people to", "create it in JumpCloud's console, or name it in the plan")
	}
	var groupID string
	if group.Name != "" {
		g := st.group(group)
		if g != nil {
			// Only by its ID does a group tell how it gets its members.
			if g, err = f.jc.Group(ctx, g.ID); err != nil {
				return reading(PhaseObserve, err)
			}
		}
		switch {
		case g == nil:
			bad.refuse(CodePlanRepair, group.Name, "there is no one group "+quote(group.Name)+" to add people to", "create it first")
		case g.IsDynamic():
			bad.refuse(CodePlanRepair, group.Name, "the members of "+quote(group.Name)+" are decided by a rule, and additions have no effect",
				"change the rule, or name another group")
		default:
			groupID = g.ID
		}
	}
	if err := bad.err(); err != nil {
		return err
	}
	people, err := f.people(ctx, newAudience(plan, &st))
	if err != nil {
		return reading(PhaseCheck, err)
	}
	if dir != nil {
		people.repairs(rep, dir.ID, groupID)
	} else {
		people.repairs(rep, "", groupID)
	}
	return nil
}

// CodePlanRepair is the code of what is wrong with a repair plan.
const CodePlanRepair Code = "plan-repair"

// repairs turns findings into steps, in the order of the findings' people.
func (p *People) repairs(rep *RepairReport, directoryID, groupID string) {
	plan := rep.Plan
	p.observeIDs(rep)
	wanted := make(map[string]bool, len(plan.People))
	met := make(map[string]bool, len(plan.People))
	for _, s := range plan.People {
		wanted[people.Fold(s)] = true
	}
	synced, admins, left := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for i := range p.judged.Len() {
		f := p.judged.At(i)
		if !f.Both() {
			continue
		}
		who := p.judged.Person(f)
		named := wanted[who.UserPrincipalName] || wanted[who.Email]
		if named {
			met[who.UserPrincipalName], met[who.Email] = true, true
		}
		w := RepairStep{
			UserPrincipalName: who.UserPrincipalName, Email: who.Email, DisplayName: who.DisplayName,
			JumpCloudID: who.JumpCloudID, AzureADID: who.AzureADID, Outcome: Planned,
		}
		switch {
		case f.Kind == people.NoImmutableID && plan.ImmutableIDs != "":
			w.Kind, w.Value = SetImmutableID, plan.ImmutableIDs.of(w.AzureADID, w.JumpCloudID)
		case f.Kind == people.NotBound && plan.Bind:
			w.Kind, w.Value = BindToDirectory, directoryID
		case f.Kind == people.NotInGroup && groupID != "":
			w.Kind, w.Value = AddToGroup, groupID
		default:
			continue
		}
		switch {
		case len(wanted) > 0 && !named:
			continue
		case who.Suspended:
			left[w.AzureADID] = true
			continue
		case w.Kind == SetImmutableID && who.Synced:
			synced[w.AzureADID] = true
			continue
		case w.Kind == SetImmutableID && who.Admin && !named:
			admins[w.AzureADID] = true
			continue
		}
		rep.Steps = append(rep.Steps, w)
	}
	for _, n := range []struct {
		people map[string]bool
		text   string
	}{
		{left, "left out, suspended in JumpCloud: %d"},
		{synced, "left out, the directory on the premises owns the immutable ID: %d"},
		{admins, "left out, Global Administrators, whom an immutable ID makes open to impersonation: %d; name them in people if you want it"},
	} {
		if len(n.people) > 0 {
			rep.Notes = append(rep.Notes, fmt.Sprintf(n.text, len(n.people)))
		}
	}
	for _, s := range plan.People {
		if !met[people.Fold(s)] {
			rep.Notes = append(rep.Notes, "nothing to repair about "+s+": nobody of this name is on both sides with a finding")
		}
	}
	if d := rep.Duration(); d > time.Minute {
		rep.Notes = append(rep.Notes, fmt.Sprintf("at 20 writes a second this takes at least %v", d.Round(time.Second)))
	}
}

// observeIDs counts what the immutable IDs of the domain are made of, and notes
// if that speaks against the plan.
func (p *People) observeIDs(rep *RepairReport) {
	rep.Observed = make(map[ImmutableIDSource]int)
	var of []func(azureADID, jumpCloudID string) string
	for _, s := range immutableIDSources {
		of = append(of, s.of)
	}
	counts, others := p.judged.Origins(of...)
	for i, n := range counts {
		if n > 0 {
			rep.Observed[immutableIDSources[i]] = n
		}
	}
	rep.Others = others
	chosen := rep.Plan.ImmutableIDs
	total := rep.Others
	for _, n := range rep.Observed {
		total += n
	}
	switch {
	case chosen == "":
	case total == 0:
		rep.Notes = append(rep.Notes, "nobody on the domain has an immutable ID yet, so nothing shows which one JumpCloud sends: "+
			"repair one person, and let them sign in, before the others")
	case 2*rep.Observed[chosen] <= total:
		rep.Notes = append(rep.Notes, fmt.Sprintf("of the %d people who have an immutable ID, only %d have the one that %s makes: "+
			"JumpCloud probably sends something else", total, rep.Observed[chosen], chosen))
	}
}

// of returns the immutable ID for a person.
func (s ImmutableIDSource) of(azureADID, jumpCloudID string) string {
	if s == FromJumpCloudID {
		return jumpCloudID
	}
	return people.ObjectIDImmutable(azureADID)
}

// user and directory are the objects that a step speaks about.
func (s RepairStep) user() jumpcloud.Object {
	return jumpcloud.Object{Type: jumpcloud.UserObject, ID: s.JumpCloudID}
}

func (s RepairStep) directory() jumpcloud.Object {
	return jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: s.Value}
}
