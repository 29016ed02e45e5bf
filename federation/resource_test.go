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
		if is.stage == 0 || is.rows == nil || is.parts == 0 {
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
