package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/examples/operator/internal/customers"
)

// TestREADME reads the customers file that the README prints, also with what is
// commented out.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	yaml, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no customers file")
	}
	for name, yaml := range map[string]string{
		"as it is":  yaml,
		"all of it": strings.NewReplacer("mode: watch ", "mode: manage ", "# standing:", "standing:", "# window:", "window:").Replace(yaml),
	} {
		f, err := customers.Parse([]byte(yaml), "customers.yaml")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c, ok := f.ByDomain("contoso.example")
		if !ok {
			t.Fatalf("%s: the domain is not there", name)
		}
		if all := name == "all of it"; (c.Window != nil) != all || (len(c.Standing) == 1) != all || (c.Mode == customers.Manage) != all {
			t.Errorf("%s: got %+v", name, c)
		}
	}
}
