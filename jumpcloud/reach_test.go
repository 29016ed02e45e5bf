package jumpcloud

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReachPage compares the page that is read by hand with encoding/json.
func TestReachPage(t *testing.T) {
	long := make([]string, 250) // pages that outgrow what they were made for
	for i := range long {
		long[i] = fmt.Sprintf(`{"id":"u%d","type":"user","compiledAttributes":{"n":%d},"paths":[[{"to":{"id":"g%d","type":"user_group"}},{"to":{"id":"u%d","type":"user"}}],[{"to":{"id":"u%d","type":"user"}}]]}`, i, i, i, i, i)
	}
	for _, in := range []string{
		`[]`,
		`[{"id":"6026bec6b8207255280d5981","type":"user","compiledAttributes":{"ldapGroups":[{"name":"My Test Group"}],"Hello":"World"},"paths":[[{"attributes":null,"to":{"attributes":{"Hello":"World","ldapGroups":[{"name":"My Test Group"}]},"id":"6026da081f24755306c2ee0d","type":"user_group"}},{"attributes":null,"to":{"attributes":null,"id":"6026bec6b8207255280d5981","type":"user"}}]]}]`,
		`[ { "type" : "user", "id" : "a\u00e9", "compiledAttributes" : null, "paths" : null, "new": [1, {"x": "]"}] }, {"id":"b","type":"system","paths":[]} ]`,
		`[{"id":"c","type":"user","paths":[[],[{"from":{"id":"z","type":"user"},"to":null}]]}]`,
		"[" + strings.Join(long, ",") + "]",
	} {
		var want []Reach
		if err := json.Unmarshal([]byte(in), &want); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if string(want[i].CompiledAttributes) == "null" {
				want[i].CompiledAttributes = nil
			}
		}
		var got reachPage
		if err := got.decode([]byte(in)); err != nil {
			t.Fatal(err)
		}
		if len(got.items) == 0 && len(want) == 0 {
			continue
		}
		same := cmp.Comparer(func(a, b [][]Object) bool { // nil and empty paths are one
			return len(a) == 0 && len(b) == 0 || cmp.Equal(a, b, cmp.Comparer(func(a, b []Object) bool { return fmt.Sprint(a) == fmt.Sprint(b) }))
		})
		if d := cmp.Diff(want, got.items, same); d != "" {
			t.Errorf("%.80s:\n%s", in, d)
		}
	}
}
