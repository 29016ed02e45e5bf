package federation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/jumpcloud"
)

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

// CodePlanRepair is the code of what is wrong with a repair plan, and of what a
// person should know of it before it is carried out, such as who was left out, and
// why.
const CodePlanRepair Code = "plan-repair"

// PreviewRepair says what Repair would do for the plan, person by person: the steps
// of the report are all [Planned], and its findings are what they should know who
// confirm it. It only reads.
func (f *Federator) PreviewRepair(ctx context.Context, plan RepairPlan) (*Report, error) {
	rep := &Report{Version: reportVersion, Verb: VerbRepair, Plan: plan.Plan, Repair: &plan, Started: f.now().UTC(), Steps: []Step{}}
	err := f.previewRepair(ctx, rep)
	rep.Finished = f.now().UTC()
	if err != nil {
		rep.Error = err.Error()
	}
	return rep, err
}

func (f *Federator) previewRepair(ctx context.Context, rep *Report) error {
	plan, err := rep.Plan.normalize()
	if err != nil {
		return err
	}
	repair := rep.Repair
	rep.Plan, repair.Plan = plan, plan
	group, err := repair.check()
	if err != nil {
		return err
	}
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: plan.Domain, Text: "reading both services"})
	st, err := f.observe(ctx, plan, observation{}, partAll)
	if err != nil {
		return reading(PhaseObserve, err)
	}
	if rep.Tenant, err = f.tenant(ctx); err != nil {
		return reading(PhaseCheck, err)
	}
	rep.Organization = st.organization(plan)
	var bad findings
	gateCustomer(&bad, "plan", plan.Tenant, rep.Tenant, plan.Organization, rep.Organization)
	if st.domain(plan.Domain) == nil {
		bad.refuse(CodeDomainUnknown, plan.Domain, "the tenant has no domain "+plan.Domain, "name one of its domains")
	}
	var to gifts
	if dir := st.directory(plan); dir != nil {
		to.directory = dir.ID
	} else if repair.Bind {
		bad.refuse(CodeDirectoryMissing, plan.Directory.Name, "there is no one Microsoft 365 directory to bind people to",
			"create it in JumpCloud's console, or name it in the plan")
	}
	if group.Name != "" {
		if to.group, err = f.repairGroup(ctx, &bad, &st, group); err != nil {
			return reading(PhaseObserve, err)
		}
	}
	if err := bad.err(); err != nil {
		return err
	}
	people, err := f.people(ctx, newAudience(plan, &st))
	if err != nil {
		return reading(PhaseCheck, err)
	}
	people.repairs(rep, to)
	if r := st.rotation(plan); r.told() {
		var told findings
		st.tellRotation(&told, plan, &r)
		rep.note(told)
	}
	return nil
}

// check judges the plan by itself, and returns its group.
func (p *RepairPlan) check() (Group, error) {
	var bad findings
	if p.ImmutableIDs == "" && !p.Bind && p.Group == "" {
		bad.refuse(CodePlanRepair, "repair", "the repair plan names nothing to repair", "set immutableIDs, bind or group")
	}
	if s := p.ImmutableIDs; s != "" && !slices.Contains(immutableIDSources, s) {
		bad.refuse(CodePlanRepair, string(s), "the source of immutable IDs "+quote(string(s))+" is unknown",
			"use objectID (base64 of the account's object ID) or jumpCloudID, whichever people who can sign in have")
	}
	group := Group{Name: p.Group}
	if i := slices.IndexFunc(p.Plan.Groups, func(g Group) bool { return g.Name == group.Name }); i >= 0 {
		group = p.Plan.Groups[i]
	} else if group.Name != "" {
		bad.refuse(CodePlanRepair, group.Name, "the group "+quote(group.Name)+" is not among the plan's groups", "name one of them")
	}
	return group, bad.err()
}

// repairGroup finds the group that people are added to.
func (f *Federator) repairGroup(ctx context.Context, bad *findings, st *observation, group Group) (*jumpcloud.Group, error) {
	g := st.group(group)
	if g == nil {
		bad.refuse(CodePlanRepair, group.Name, "there is no one group "+quote(group.Name)+" to add people to", "create it first")
		return nil, nil
	}
	// Only by its ID does a group tell how it gets its members.
	g, err := f.jc.Group(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	if g.IsDynamic() {
		bad.refuse(CodePlanRepair, group.Name, "the members of "+quote(group.Name)+" are decided by a rule, and additions have no effect",
			"change the rule, or name another group")
	}
	return g, nil
}

// gifts are what a repair binds people to.
type gifts struct {
	directory string
	group     *jumpcloud.Group
}

// mends returns the change that mends a finding about a person, if the plan has it
// done.
func (p *RepairPlan) mends(kind people.Kind, who people.Person, to gifts) (c Change, ok bool) {
	name := cmp.Or(who.UserPrincipalName, who.Email)
	switch {
	case kind == people.NoImmutableID && p.ImmutableIDs != "":
		return givingImmutableID(name, who.AzureADID, p.ImmutableIDs.of(who.AzureADID, who.JumpCloudID)), true
	case kind == people.NotBound && p.Bind:
		return bindingUser(name, to.directory, who.JumpCloudID), true
	case kind == people.NotInGroup && to.group != nil:
		return joining(name, to.group, who.JumpCloudID), true
	}
	return Change{}, false
}

// repairs turns findings into steps, in the order of the findings' people.
func (p *People) repairs(rep *Report, to gifts) {
	plan := rep.Repair
	var told findings
	p.observeIDs(rep, &told)
	wanted := make(map[string]bool, len(plan.People))
	met := make(map[string]bool, len(plan.People))
	for _, s := range plan.People {
		wanted[people.Fold(s)] = true
	}
	synced, admins, left := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	ids := 0
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
		c, ok := plan.mends(f.Kind, who, to)
		switch {
		case !ok, len(wanted) > 0 && !named:
		case who.Suspended:
			left[who.AzureADID] = true
		case c.ofImmutableID() && who.Synced:
			synced[who.AzureADID] = true
		case c.ofImmutableID() && who.Admin && !named:
			admins[who.AzureADID] = true
		default:
			rep.Steps = append(rep.Steps, Step{Change: c, Outcome: Planned})
			if c.ofImmutableID() {
				ids++
			}
		}
	}
	for _, n := range []struct {
		people       map[string]bool
		text, repair string
	}{
		{left, "left out, suspended in JumpCloud: %d", ""},
		{synced, "left out, the directory on the premises owns the immutable ID: %d", ""},
		{admins, "left out, Global Administrators, whom an immutable ID makes open to impersonation: %d", "name them in people if you want it"},
	} {
		if len(n.people) > 0 {
			told.info(CodePlanRepair, p.Domain, fmt.Sprintf(n.text, len(n.people)), n.repair)
		}
	}
	for _, s := range plan.People {
		if !met[people.Fold(s)] {
			told.warn(CodePlanRepair, s, "nothing to repair about "+plain(s)+": nobody of this name is on both sides with a finding", "")
		}
	}
	if d := time.Duration(ids) * writeInterval; d > time.Minute {
		told.info(CodePlanRepair, p.Domain, fmt.Sprintf("at 20 writes a second this takes at least %v", d.Round(time.Second)), "")
	}
	rep.note(told)
}

// observeIDs counts what the immutable IDs of the domain are made of, and tells if
// that speaks against the plan.
func (p *People) observeIDs(rep *Report, told *findings) {
	rep.Observed = make(map[ImmutableIDSource]int)
	var of []func(azureADID, jumpCloudID string) string
	for _, s := range immutableIDSources {
		of = append(of, s.of)
	}
	counts, others := p.judged.Origins(of...)
	total := others
	for i, n := range counts {
		if total += n; n > 0 {
			rep.Observed[immutableIDSources[i]] = n
		}
	}
	if others > 0 {
		rep.Observed[""] = others
	}
	switch chosen := rep.Repair.ImmutableIDs; {
	case chosen == "":
	case total == 0:
		told.warn(CodePlanRepair, string(chosen), "nobody on the domain has an immutable ID yet, so nothing shows which one JumpCloud sends",
			"repair one person, and let them sign in, before the others")
	case 2*rep.Observed[chosen] <= total:
		told.warn(CodePlanRepair, string(chosen), fmt.Sprintf("of the %d people who have an immutable ID, only %d have the one that %s makes: "+
			"JumpCloud probably sends something else", total, rep.Observed[chosen], chosen), "")
	}
}
