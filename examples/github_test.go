package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const github = "../.github"

// strictly reads a file of YAML into v, which has to have every field.
func strictly(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestWorkflow: it calls the gate with the newest Go, tests the library with the oldest,
// names actions by commit, and may only read.
func TestWorkflow(t *testing.T) {
	var w struct {
		Name        string
		On          map[string]any
		Permissions map[string]string
		Concurrency map[string]any
		Jobs        map[string]struct {
			Name     string
			RunsOn   string `yaml:"runs-on"`
			Timeout  int    `yaml:"timeout-minutes"`
			Strategy struct {
				FailFast bool `yaml:"fail-fast"`
				Matrix   struct {
					Include []struct{ Name, Go, Run string }
				}
			}
			Steps []struct {
				Uses, Run string
				With      map[string]any
			}
		}
	}
	strictly(t, github+"/workflows/gate.yml", &w)
	if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
		t.Errorf("it may %v; want to read alone", w.Permissions)
	}
	pinned := regexp.MustCompile(`^actions/[a-z-]+@[0-9a-f]{40}$`)
	job := w.Jobs["gate"]
	actions, runs := 0, 0
	for _, s := range job.Steps {
		switch {
		case s.Uses != "":
			if actions++; !pinned.MatchString(s.Uses) {
				t.Errorf("the action %q is not named by its commit", s.Uses)
			}
		case s.Run == "${{ matrix.run }}":
			runs++
		}
	}
	if actions != 2 || runs != 1 || len(w.Jobs) != 1 {
		t.Errorf("%d actions, %d runs of the matrix, %d jobs", actions, runs, len(w.Jobs))
	}
	oldest, err := exec.Command("go", "list", "-C", "..", "-m", "-f", "{{.GoVersion}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	byGo := map[string]string{}
	for _, m := range job.Strategy.Matrix.Include {
		byGo[m.Go] = m.Run
	}
	old := byGo[strings.TrimSpace(string(oldest))]
	if byGo["stable"] != ".ci/run" || !strings.Contains(old, "go test") || !strings.Contains(old, "go vet") || len(byGo) != 2 {
		t.Errorf("the matrix is %q; the oldest Go is %s", byGo, oldest)
	}
}

// TestIssueForms: they are forms, of which that for tenants asks for the recording.
func TestIssueForms(t *testing.T) {
	kinds := []string{"markdown", "textarea", "input", "dropdown", "checkboxes"}
	names, err := filepath.Glob(github + "/ISSUE_TEMPLATE/*.yml")
	if err != nil || len(names) < 2 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		var form struct {
			Name, Description, Title string
			Body                     []struct {
				Type, ID   string
				Attributes struct {
					Label, Description, Value, Render string
					Options                           []any
				}
				Validations struct{ Required bool }
			}
		}
		strictly(t, name, &form)
		seen, asked := map[string]bool{}, 0
		for _, b := range form.Body {
			switch {
			case !slices.Contains(kinds, b.Type):
				t.Errorf("%s: there is no %q in a form", name, b.Type)
			case b.Type == "markdown":
				if b.Attributes.Value == "" {
					t.Errorf("%s: a text is empty", name)
				}
				continue
			case b.ID == "" || seen[b.ID] || b.Attributes.Label == "":
				t.Errorf("%s: the question %q has no name of its own, or no label", name, b.ID)
			case (b.Type == "dropdown" || b.Type == "checkboxes") != (len(b.Attributes.Options) > 0):
				t.Errorf("%s: %s has %d options", name, b.ID, len(b.Attributes.Options))
			}
			seen[b.ID] = true
			if b.Validations.Required {
				asked++
			}
		}
		if form.Name == "" || form.Description == "" || asked == 0 {
			t.Errorf("%s: %q, %q, asks %d questions", name, form.Name, form.Description, asked)
		}
		if filepath.Base(name) == "tenant.yml" &&
			(!seen["recording"] || !strings.Contains(form.Body[0].Attributes.Value, "go run -C examples ./probe -live -save FILE")) {
			t.Errorf("%s does not ask for the recording, or does not say how it is made", name)
		}
	}
}

// TestNobodyIsNamed: no person, address or bot that does not exist is in what GitHub reads.
func TestNobodyIsNamed(t *testing.T) {
	never := regexp.MustCompile(`(?i)dependabot|renovate|codeowners|[\w.]+@[a-z][\w-]*\.[a-z]{2,}|https?://|\s@[a-z]`)
	files := 0
	err := filepath.WalkDir(github, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		if found := never.Find(append([]byte(name+"\n"), b...)); found != nil {
			t.Errorf("%s has %q", name, found)
		}
		return nil
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}
