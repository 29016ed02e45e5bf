package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/jumpcloud"
)

func (f *Federator) observeDirectory(ctx context.Context, p Plan, st *observation, parts part, read lists) error {
	if parts.has(partDirectories) {
		var found []*jumpcloud.Directory
		for d, err := range recallList(ctx, "directories", f.jc.Directories(ctx)) {
			if err != nil {
				return err
			}
			if d.Type == jumpcloud.DirectoryObject {
				found = append(found, d)
			}
		}
		st.directories = found
	}
	dir := st.directory(p)
	if dir == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.observeDirectoryGroups(ctx, st, dir.ID, parts, read) })
	// The list of directories tells the default domain. If that is the right
	// one already, the list of domains has nothing to add.
	if parts.has(partDirectoryDomains) && (st.dirDomains != nil || !defaultDomainHolds(p, dir)) {
		g.Go(func() error {
			domains := make([]*jumpcloud.DirectoryDomain, 0, 4)
			for d, err := range recallList(ctx, "domains of "+dir.ID, f.jc.Office365Domains(ctx, dir.ID)) {
				if err != nil {
					return err
				}
				domains = append(domains, d)
			}
			st.dirDomains = domains
			return nil
		})
	}
	if parts.has(partRules) && len(p.Directory.Rules) > 0 {
		g.Go(func() error {
			rules := make(map[string]bool)
			for r, err := range recallList(ctx, "rules of "+dir.ID, f.jc.TranslationRules(ctx, dir.ID)) {
				if err != nil {
					return err
				}
				rules[r.BuiltIn] = true
			}
			st.rules = rules
			return nil
		})
	}
	return g.Wait()
}

// observeDirectoryGroups reads which groups are bound to the directory. As long as there
// is neither a group of the plan nor an application that may have groups of its own, none
// that counts can be, and it is not asked; nor for what this run itself makes then.
func (f *Federator) observeDirectoryGroups(ctx context.Context, st *observation, dir string, parts part, read lists) (err error) {
	if !parts.has(partDirectoryGroups) && !st.dirUnread {
		return nil
	}
	if st.dirGroups == nil {
		<-read.applications
		<-read.groups
		there, theirs := st.bindable()
		if st.dirUnread = !there || !theirs && !parts.has(partDirectoryGroups); st.dirUnread {
			return nil
		}
	}
	st.dirGroups, err = f.bound(ctx, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: dir})
	return err
}

// bindable reports whether there is a group of the plan, or an application with the plan's
// entity ID, and whether somebody else has made one of them.
func (st *observation) bindable() (there, theirs bool) {
	for _, a := range st.apps {
		there, theirs = true, theirs || !slices.Contains(st.made, a.ID)
	}
	for _, all := range st.groups {
		for _, g := range all {
			there, theirs = true, theirs || !slices.Contains(st.made, g.ID)
		}
	}
	return there, theirs
}

// directory is the directory that the plan means, or nil.
func (st *observation) directory(p Plan) *jumpcloud.Directory {
	var found *jumpcloud.Directory
	for _, d := range st.directories {
		switch {
		case p.Directory.ID != "" && d.ID == p.Directory.ID:
			return d
		case p.Directory.ID == "" && (p.Directory.Name == "" || d.Name == p.Directory.Name):
			if found != nil {
				return nil
			}
			found = d
		}
	}
	return found
}

func defaultDomainHolds(p Plan, d *jumpcloud.Directory) bool {
	if d.DefaultDomain == nil {
		return false
	}
	have := domainName(d.DefaultDomain.Domain)
	return have == p.Domain && (p.Directory.DefaultDomain == "" || have == p.Directory.DefaultDomain)
}

func (st *observation) diffDirectory(cs Changes, p Plan) Changes {
	dir := st.directory(p)
	if dir == nil {
		return cs // a refusal; see inspectDirectory
	}
	cs = st.diffDirectoryGroups(cs, p, dir.ID)
	for _, rule := range p.Directory.Rules {
		if !st.rules[rule] {
			cs = append(cs, Change{Resource: ResDirectoryRule, Name: rule, Action: Add, Parent: dir.ID})
		}
	}
	if st.dirDomains == nil && defaultDomainHolds(p, dir) {
		return cs
	}
	return st.diffDirectoryDomains(cs, p, dir)
}

func (st *observation) diffDirectoryDomains(cs Changes, p Plan, dir *jumpcloud.Directory) Changes {
	var have string // the default domain now
	ids := make(map[string]string)
	for _, d := range st.dirDomains {
		ids[domainName(d.Domain)] = d.ID
		if d.Default {
			have = domainName(d.Domain)
		}
	}
	if have == "" && dir.DefaultDomain != nil {
		have = domainName(dir.DefaultDomain.Domain)
	}
	if ids[p.Domain] == "" {
		cs = append(cs, Change{Resource: ResDirectoryDomain, Name: p.Domain, Action: Add, Parent: dir.ID})
	}
	want := p.Directory.DefaultDomain
	if want == "" && have == "" {
		want = p.Domain
	}
	if want != "" && want != have {
		cs = append(cs, Change{Resource: ResDirectoryDefault, Name: want, Action: Update, Parent: dir.ID, Target: ids[want],
			Fields: []Field{{Name: "defaultDomain", Old: have, New: want}}})
	}
	return cs
}

// ofDirectoryDomain reports whether the change is about a domain of the directory.
func (c Change) ofDirectoryDomain() bool {
	return c.Resource == ResDirectoryDomain || c.Resource == ResDirectoryDefault
}

// addsDefault reports whether the change gives the directory its first default domain.
func (c Change) addsDefault() bool {
	return c.Resource == ResDirectoryDefault && len(c.Fields) == 1 && c.Fields[0].Old == ""
}

func (st *observation) inspectDirectory(ps *findings, p Plan) {
	dir := st.directory(p)
	if dir == nil {
		var names []string
		for _, d := range st.directories {
			names = append(names, quote(d.Name))
		}
		switch {
		case len(names) == 0:
			ps.refuse(CodeDirectoryMissing, p.Domain,
				"JumpCloud has no Microsoft 365 directory, so no user has the immutable ID that Azure AD looks for",
				"add one in the JumpCloud console (Directory Integrations, Cloud Directories, Microsoft 365) "+
					"and give consent as a Global Administrator; this cannot be done through the API")
		case p.Directory.ID != "" || p.Directory.Name != "":
			ps.refuse(CodeDirectoryMissing, p.Directory.Name,
				"JumpCloud has no Microsoft 365 directory "+quote(p.Directory.Name)+", only "+strings.Join(names, ", "),
				"set directory.name to one of these")
		default:
			ps.refuse(CodeDirectoryAmbiguous, p.Domain, "JumpCloud has several Microsoft 365 directories: "+strings.Join(names, ", "),
				"set directory.name to the one that exports the people of "+p.Domain)
		}
		return
	}
	if dir.OAuth != nil && dir.OAuth.Error != "" {
		ps.refuse(CodeDirectoryGrant, dir.Name,
			fmt.Sprintf("the consent that JumpCloud's Microsoft 365 directory %q works with is broken: %s", dir.Name,
				strings.TrimSuffix(dir.OAuth.Error+": "+dir.OAuth.Message, ": ")),
			"reactivate the directory in the JumpCloud console (Directory Integrations, Cloud Directories, "+dir.Name+
				", Reactivate) as a Global Administrator; the users stay connected")
	}
	if want := p.Directory.DefaultDomain; want != "" && want != p.Domain && st.dirDomains != nil &&
		!slices.ContainsFunc(st.dirDomains, func(d *jumpcloud.DirectoryDomain) bool { return domainName(d.Domain) == want }) {
		ps.refuse(CodeDirectoryDomain, want, "the directory "+quote(dir.Name)+" has no domain "+want+" to be its default",
			"name one of the directory's domains, or leave directory.defaultDomain out")
	}
}

func (f *Federator) addRule(ctx context.Context, c Change) (string, error) {
	rule, err := f.jc.CreateTranslationRule(ctx, c.Parent, jumpcloud.TranslationRule{BuiltIn: c.Name, Direction: "export"})
	if err != nil {
		return "", err
	}
	return rule.ID, nil
}

func (f *Federator) addDirectoryDomain(ctx context.Context, c Change) (string, error) {
	d, err := f.jc.AddOffice365Domain(ctx, c.Parent, c.Name)
	if err != nil {
		return "", err
	}
	return d.ID, nil
}

func (f *Federator) directoryStands(ctx context.Context, c Change) (standing, string, error) {
	listed, def := false, ""
	for d, err := range f.jc.Office365Domains(ctx, c.Parent) {
		if err != nil {
			return differs, "", err
		}
		listed = listed || domainName(d.Domain) == c.Name
		if d.Default {
			def = domainName(d.Domain)
		}
	}
	if c.Resource == ResDirectoryDomain {
		return presence(c, listed), "", nil
	}
	return fieldsStand(c.Fields, func(string) string { return def })
}

func (f *Federator) ruleStands(ctx context.Context, c Change) (standing, string, error) {
	for r, err := range f.jc.TranslationRules(ctx, c.Parent) {
		if err != nil {
			return differs, "", err
		}
		if r.BuiltIn == c.Name {
			return presence(c, true), "", nil
		}
	}
	return presence(c, false), "", nil
}

func (f *Federator) undoRule(ctx context.Context, s Step) error {
	if s.Change.Action == Add {
		_, err := f.addRule(ctx, s.Change)
		return err
	}
	id := s.ID
	for r, err := range f.jc.TranslationRules(ctx, s.Change.Parent) {
		if err != nil {
			return err
		}
		if r.BuiltIn == s.Change.Name {
			id = r.ID
		}
	}
	return f.jc.DeleteTranslationRule(ctx, s.Change.Parent, id)
}

func (f *Federator) undoDirectoryDomain(ctx context.Context, c Change) error {
	want := c.Name
	if c.Resource == ResDirectoryDefault {
		if want = c.Fields[0].New; want == "" {
			return f.jc.UnsetOffice365DefaultDomain(ctx, c.Parent)
		}
	}
	if c.Resource == ResDirectoryDomain && c.Action == Add {
		_, err := f.addDirectoryDomain(ctx, c)
		return err
	}
	for d, err := range f.jc.Office365Domains(ctx, c.Parent) {
		if err != nil {
			return err
		}
		if domainName(d.Domain) != want {
			continue
		}
		if c.Resource == ResDirectoryDefault {
			return f.jc.SetOffice365DefaultDomain(ctx, c.Parent, d.ID)
		}
		return f.jc.DeleteOffice365Domain(ctx, c.Parent, d.ID)
	}
	return nil
}
