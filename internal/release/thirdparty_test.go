// Package release_test holds what a release of this module has to have beside its code.
package release_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

// root is the module's folder.
const root = "../.."

const head = `# Licences of what is linked

A program that imports every package of this module links these modules besides Go's own library, on Linux, macOS and
Windows. The programs under examples are modules of their own, and link others.

| module | version | licence | copyright |
|---|---|---|---|
`

// TestThirdParty: .github/THIRD_PARTY.md lists each module that is linked, with the
// licence that lies in it.
func TestThirdParty(t *testing.T) {
	modules := linked(t)
	if len(modules) < 5 {
		t.Fatalf("%d modules are linked: %q", len(modules), slices.Collect(maps.Keys(modules)))
	}
	var got strings.Builder
	got.WriteString(head)
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		path, version, _ := strings.Cut(module, " ")
		name, holders := licence(t, module, modules[module])
		fmt.Fprintf(&got, "| %s | %s | %s | %s |\n", path, version, name, strings.Join(holders, "; "))
	}
	const golden = root + "/.github/THIRD_PARTY.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("what is linked differs (-want +got); -update writes it anew:\n%s", diff)
	}
}

// linked returns the folders of the modules that packages of this one link, by path and
// version.
func linked(t *testing.T) map[string]string {
	modules := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./...")
		list.Dir = root
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			if module, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				modules[module] = dir
			}
		}
	}
	return modules
}

// licences are known by sentences, all of which stand in the text.
var licences = []struct {
	name      string
	sentences []string
}{
	{"MIT", []string{
		"permission is hereby granted, free of charge, to any person obtaining a copy of this software",
		"the above copyright notice and this permission notice shall be included in all copies or substantial portions",
	}},
	{"BSD-3-Clause", []string{
		"redistribution and use in source and binary forms, with or without modification, are permitted",
		"redistributions in binary form must reproduce the above copyright notice", "neither the name of",
	}},
	{"BSD-2-Clause", []string{
		"redistribution and use in source and binary forms, with or without modification, are permitted",
		"redistributions in binary form must reproduce the above copyright notice",
	}},
	{"Apache-2.0", []string{"apache license version 2.0, january 2004", "terms and conditions for use, reproduction, and distribution"}},
	{"MPL-2.0", []string{"mozilla public license, version 2.0", "each contributor hereby grants you a world-wide, royalty-free, non-exclusive license"}},
}

// named returns the name of the licence in a text, "" if it is none of those.
func named(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, l := range licences {
		if !slices.ContainsFunc(l.sentences, func(s string) bool { return !strings.Contains(text, s) }) {
			return l.name
		}
	}
	return ""
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)([-.].*)?$`)
	copyright   = regexp.MustCompile(`(?m)^\s*Copyright +(?:\([cC]\)|©)? *([0-9A-Z].*?)\.?\s*(?:All rights reserved\.?)?\s*$`)
)

// licence returns the name of a module's licence, and who holds the copyright where that
// is said in it.
func licence(t *testing.T, module, dir string) (name string, holders []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%s is not in the module cache: %v", module, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		name := named(string(b))
		if name == "" {
			t.Errorf("%s: nobody knows the licence in %s", module, e.Name())
		}
		names = append(names, name)
		for _, m := range copyright.FindAllStringSubmatch(string(b), -1) {
			holders = append(holders, strings.TrimRight(strings.TrimSpace(m[1]), ",."))
		}
	}
	if len(names) == 0 {
		t.Errorf("%s has no licence", module)
	}
	return strings.Join(names, ", "), holders
}

// TestNamed: a text that is nearly a licence is none.
func TestNamed(t *testing.T) {
	own, err := os.ReadFile(root + "/LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if got := named(string(own)); got != "Apache-2.0" {
		t.Errorf("our own licence is %q", got)
	}
	for _, text := range []string{"", "MIT", "Apache License", "Permission is hereby granted, free of charge, to any person", "All rights reserved."} {
		if got := named(text); got != "" {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
	for _, l := range licences {
		text := strings.ToUpper(strings.Join(l.sentences, "\n  "))
		if got := named(text); got != l.name {
			t.Errorf("%s is taken for %q", l.name, got)
		}
	}
}
