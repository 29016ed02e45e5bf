package federation

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// youngFor is how long the parts of Azure AD may not have heard of an account
// that was just made: minutes have been seen.
const youngFor = 15 * time.Minute

// youngAccount reports whether the change gives a role to an account that an earlier run
// has just made.
func (r *run) youngAccount(c Change) bool {
	t := r.st.technical
	return c.givesRole() && t != nil && !t.created.IsZero() && r.f.age(t.created) < youngFor
}

func (st *observation) diffAdmins(cs Changes, p Plan) Changes {
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" || !p.TechnicalAccount.Create {
		return cs
	}
	var id string
	if st.technical == nil {
		cs = append(cs, Change{Resource: ResTechnicalAccount, Name: upn, Action: Create, Fields: []Field{
			{Name: "displayName", New: p.TechnicalAccount.DisplayName},
			{Name: "accountEnabled", New: "true"},
		}})
	} else {
		id = st.technical.id
		if st.technical.global {
			return cs
		}
	}
	return append(cs, Change{Resource: ResRole, Name: upn, Action: Add, Target: id})
}

// inspectTechnicalAccount checks the account that gets back in.
func (st *observation) inspectTechnicalAccount(ps *findings, p Plan) {
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" {
		return
	}
	a := st.technical
	if a == nil {
		if !p.TechnicalAccount.Create {
			ps.refuse(CodeTechnicalAccount, upn, "the technical account "+upn+" does not exist",
				"create it, or set technicalAccount.create and supply a password")
		}
	} else {
		if why := a.unfit(p, st); why != "" {
			ps.refuse(CodeTechnicalAccount, upn, "the technical account "+upn+" "+why,
				"make it an enabled, cloud-only account on the tenant's *.onmicrosoft.com domain without an immutable ID")
		}
		if !a.global && !p.TechnicalAccount.Create {
			ps.refuse(CodeTechnicalAccount, upn, "the technical account "+upn+" is not a Global Administrator",
				"give it the role, or set technicalAccount.create to have it given")
		}
	}
	if _, at, _ := strings.Cut(upn, "@"); !strings.HasSuffix(domainName(at), ".onmicrosoft.com") {
		ps.warn(CodeTechnicalAccount, upn,
			"the technical account "+upn+" is not on the tenant's *.onmicrosoft.com domain",
			"an account there is out of reach of any federation")
	}
}

func (f *Federator) gatePassword(ps *findings, p Plan, st *observation) {
	if p.TechnicalAccount.Create && st.technical == nil && f.opts.TechnicalPassword.IsZero() {
		ps.refuse(CodeTechnicalAccount, p.TechnicalAccount.UserPrincipalName,
			"the technical account "+p.TechnicalAccount.UserPrincipalName+" is to be made, but no password was supplied",
			"supply Options.TechnicalPassword, or create the account by hand")
	}
}

func (f *Federator) accountStands(ctx context.Context, s *undoStep) (standing, string, error) {
	if s.ID == "" {
		return s.unidentified("account")
	}
	switch _, err := f.ad.User(ctx, s.ID); {
	case errors.Is(err, aad.ErrNotFound) && s.Change.Action == Create:
		return differs, "the account was deleted: Federate makes it anew", nil
	case err != nil && !errors.Is(err, aad.ErrNotFound):
		return differs, "", err
	default:
		return presence(s.Change, err == nil), "", nil
	}
}

// identifyAccount takes an account for the one whose creation was never
// answered if it was not there before, and its name and its time are right.
func (u *undoing) identifyAccount(ctx context.Context, s *undoStep) error {
	a, err := u.f.ad.User(ctx, s.Change.Name)
	switch {
	case errors.Is(err, aad.ErrNotFound):
		s.nothing = true
		return nil
	case err != nil:
		return err
	}
	if name := s.was("displayName"); s.Absent && a.DisplayName == name && s.sameTime(a.Created) {
		s.ID = a.ID
	}
	return nil
}

func (f *Federator) roleStands(ctx context.Context, s *undoStep) (standing, string, error) {
	there := false
	for a, err := range f.ad.RoleAssignments(ctx, aad.GlobalAdministrator) {
		if err != nil {
			return differs, "", err
		}
		if a.ID == s.ID || s.ID == "" && s.Change.Target != "" && a.PrincipalID == s.Change.Target {
			there = true
			s.ID = a.ID
		}
	}
	return presence(s.Change, there), "", nil
}

func (f *Federator) undoRole(ctx context.Context, s *undoStep) error {
	if s.Change.Action == Add {
		_, err := f.ad.AssignRole(ctx, s.Change.Target, aad.GlobalAdministrator)
		return err
	}
	return f.ad.RemoveRoleAssignment(ctx, s.ID)
}

// givesRole reports whether the change gives or takes the role of Global
// Administrator.
func (c Change) givesRole() bool { return c.Resource == ResRole }

// ofAdministrator reports whether the change is about who gets back in.
func (c Change) ofAdministrator() bool { return c.Resource == ResTechnicalAccount || c.givesRole() }

func (f *Federator) createAccount(ctx context.Context, plan Plan, c Change) (string, error) {
	u, err := f.ad.CreateUser(ctx, aad.NewUser{
		UserPrincipalName: c.Name,
		DisplayName:       plan.TechnicalAccount.DisplayName,
		Password:          f.opts.TechnicalPassword,
	})
	if err != nil {
		return "", err
	}
	return u.ID, nil
}

func (f *Federator) assignRole(ctx context.Context, c Change) (string, error) {
	a, err := f.ad.AssignRole(ctx, c.Target, aad.GlobalAdministrator)
	if err != nil {
		return "", err
	}
	return a.ID, nil
}

func (c Change) accountCmdlets(b *bufio.Writer) {
	name := psQuote(c.Name)
	if c.Action == Delete {
		fmt.Fprintf(b, "Remove-MgUser -UserId %s\n", name)
		return
	}
	local, _, _ := strings.Cut(c.Name, "@")
	fmt.Fprintf(b, "$password = [System.Net.NetworkCredential]::new('', (Read-Host -AsSecureString)).Password # not on this page\n"+
		"New-MgUser -UserPrincipalName %s -DisplayName %s -MailNickname %s -AccountEnabled -PasswordProfile @{ Password = $password; "+
		"ForceChangePasswordNextSignIn = $false }\n",
		name, psQuote(c.value("displayName")), psQuote(local))
}

func (c Change) roleCmdlets(b *bufio.Writer, s Step) {
	if c.Action == Remove {
		id := psQuote(s.ID)
		if s.ID == "" {
			id = "$assignment.Id # what the step above returned;"
		} else {
			id += " #"
		}
		fmt.Fprintf(b, "Remove-MgRoleManagementDirectoryRoleAssignment -UnifiedRoleAssignmentId %s Global Administrator of %s\n",
			id, comment(c.Name))
		return
	}
	fmt.Fprintf(b, "$assignment = New-MgRoleManagementDirectoryRoleAssignment -PrincipalId (Get-MgUser -UserId %s).Id "+
		"-RoleDefinitionId %s -DirectoryScopeId '/' # Global Administrator\n",
		psQuote(c.Name), psQuote(aad.GlobalAdministrator))
}
