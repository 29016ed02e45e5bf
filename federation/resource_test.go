package federation

import (
	"strings"
	"testing"
)

// TestResources makes sure that the line of a resource says everything that others
// ask of it, and that nothing is made before what it is made of.
func TestResources(t *testing.T) {
	opposite := map[Action]Action{Create: Delete, Add: Remove, Update: Update}
	for r, is := range resources {
		repairs := r == ResImmutableID || r == ResDirectoryUser // Federate neither makes nor observes them
		if (is.stage == 0 || is.parts == 0) != repairs || is.rows == nil {
			t.Errorf("%s: stage %d, rows %v, parts %b; want all of them", r, is.stage, is.rows, is.parts)
		}
		for _, below := range is.on {
			if resources[below].stage >= is.stage {
				t.Errorf("%s is of stage %d, and is made of %s, which is of stage %d", r, is.stage, below, resources[below].stage)
			}
		}
		azure := strings.HasPrefix(string(r), "azure-ad/")
		if azure != (is.permissions != nil) || azure != strings.Contains(is.purpose, "%s") {
			t.Errorf("%s: permissions %q for %q; want them for what is in Azure AD, and only there", r, is.permissions, is.purpose)
		}
		if is.doubles && !is.single {
			t.Errorf("%s would be made twice if it were asked for twice, and is not looked for first", r)
		}
		told := false
		for there, back := range opposite {
			n, m := len(Change{Resource: r, Action: there}.events()), len(Change{Resource: r, Action: back}.events())
			if n > 0 != (m > 0) {
				t.Errorf("%s: %d events when it is to %s, %d when that is undone; want some or none", r, n, there, m)
			}
			told = told || n > 0
		}
		if !told {
			t.Errorf("%s leaves nothing in a log, whatever is done to it", r)
		}
	}
}

// TestLoses tells what a change takes away that sign-in depends on, which an undo
// must not do while the domain is federated.
func TestLoses(t *testing.T) {
	active := func(v string) []Field { return []Field{{Name: "active", New: v}} }
	for _, tt := range []struct {
		c     Change
		takes bool
		loses bool
	}{
		{Change{Resource: ResApplication, Action: Delete}, true, true},
		{Change{Resource: ResApplication, Action: Update, Fields: active("false")}, true, true},
		{Change{Resource: ResApplication, Action: Update, Fields: active("true")}, false, false},
		{Change{Resource: ResApplication, Action: Update, Fields: []Field{{Name: "label", New: "M365"}}}, false, false},
		{Change{Resource: ResMember, Action: Remove}, true, true},
		{Change{Resource: ResMember, Action: Add}, false, false},
		{Change{Resource: ResDefaultDomain, Action: Update}, true, true},
		{Change{Resource: ResImmutableID, Action: Remove}, true, true},
		{Change{Resource: ResDirectoryUser, Action: Remove}, true, true},
		{Change{Resource: ResDirectoryRule, Action: Remove}, true, false},
		{Change{Resource: ResFederation, Action: Delete}, true, false},
	} {
		if takes, loses := tt.c.takesAway(), tt.c.loses(); takes != tt.takes || loses != tt.loses {
			t.Errorf("%s %v takes away %v, loses %v; want %v, %v", tt.c, tt.c.Fields, takes, loses, tt.takes, tt.loses)
		}
	}
}
