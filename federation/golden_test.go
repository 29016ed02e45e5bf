package federation

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files that tests compare with")

// Golden compares got with a file below testdata. It is exported for the tests
// outside of the package.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, d)
	}
}

// GoldenFiles fails if a directory below testdata holds a golden file that no
// test compares with any more.
func GoldenFiles(t *testing.T, dir string, names []string) {
	t.Helper()
	have, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range have {
		if name := dir + "/" + filepath.Base(path); !slices.Contains(names, name) {
			t.Errorf("no test compares with %s: delete it", path)
		}
	}
}

var thumbprint = regexp.MustCompile(`\b[0-9A-F]{40}\b`)

// Stable replaces the thumbprints of certificates that the fakes have made by
// numbers, in the order in which they appear.
func Stable(s string) string {
	seen := make(map[string]string)
	return thumbprint.ReplaceAllStringFunc(s, func(hex string) string {
		if seen[hex] == "" {
			seen[hex] = "<thumbprint " + strconv.Itoa(len(seen)+1) + ">"
		}
		return seen[hex]
	})
}

// fileName turns a test's name into that of its golden file.
func fileName(test string) string {
	return strings.NewReplacer(" ", "-", ",", "", "*", "", ".", "", "'", "").Replace(test) + ".txt"
}
