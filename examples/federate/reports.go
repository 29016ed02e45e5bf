package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// reportFiles keep the reports of a run as they are before each write and after it.
// What undoes several runs makes several reports: each has a file.
type reportFiles struct {
	path string // of the first; empty: none is kept

	mu    sync.Mutex
	files map[*federation.Report]string
}

// keepReport chooses the file of the report, and says which it is: whoever is
// killed has it.
func (j *job) keepReport() error {
	path := j.report
	if path == "" {
		name := reportName(j.command.name, j.plan.Domain, time.Now())
		for n := 1; path == "" || exists(path); n++ {
			path = numbered(name, n)
		}
		if err := cli.CheckNew(path); err != nil {
			return err
		}
	}
	path, err := filepath.Abs(path)
	j.kept.path = path
	return err
}

// reportName names a report after what makes it, the domain and the time.
func reportName(verb, domain string, at time.Time) string {
	domain = strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, domain)
	return fmt.Sprintf("%s-%s-%s.json", verb, domain, at.UTC().Format("20060102-150405"))
}

// numbered is the name of the nth file.
func numbered(path string, n int) string {
	if n == 1 {
		return path
	}
	return fmt.Sprintf("%s-%d.json", strings.TrimSuffix(path, ".json"), n)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// store keeps a report. It fits [federation.Options.OnReport].
func (k *reportFiles) store(_ context.Context, rep *federation.Report) error {
	if k.path == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	path, ok := k.files[rep]
	if !ok {
		path = numbered(k.path, len(k.files)+1)
		if err := cli.CheckNew(path); err != nil {
			return err
		}
		if k.files == nil {
			k.files = make(map[*federation.Report]string)
		}
		k.files[rep] = path
	}
	return cli.WriteJSON(path, rep)
}

// names are the files that were written, the first one first.
func (k *reportFiles) names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	names := make([]string, 0, len(k.files))
	for n := range len(k.files) {
		names = append(names, numbered(k.path, n+1))
	}
	return names
}

// willKeep says where the report will be as soon as something is to be written.
func (j *job) willKeep() {
	if j.kept.path != "" {
		fmt.Fprintf(j.tell, "  the report  %s\n", j.kept.path)
	}
}

// hasKept says where the report is and what it is good for.
func (j *job) hasKept() {
	names := j.kept.names()
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(j.tell, "\nThe report is in %s.\n", strings.Join(names, " and "))
	if j.command.name != "revert" {
		fmt.Fprintf(j.tell, "To undo this run:  federate revert %s\n", strings.Join(names, " "))
	}
}
