package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// asProgram, in the environment, makes of the test's binary the program.
const asProgram = "JCAAD_FEDERATE"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(federationtest.Hurry(context.Background()), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A program that is killed has told its report's file before, and the report in it
// is good enough to undo all that was made.
func TestKilled(t *testing.T) {
	for _, kind := range []jumpcloud.ObjectType{jumpcloud.GroupObject, jumpcloud.ApplicationObject} {
		t.Run(string(kind), func(t *testing.T) {
			var process atomic.Pointer[os.Process]
			s, flags := live(t, func(e *federationtest.Env) {
				e.JumpCloud.OnChange = func(o jumpcloud.Object) {
					if p := process.Load(); p != nil && o.Type == kind {
						p.Kill()
					}
				}
			})
			var out, errs bytes.Buffer
			cmd := exec.Command(os.Args[0], with("apply", flags, "-plan", "plan.yaml", "-yes")...)
			cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), asProgram+"=1"), &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			process.Store(cmd.Process)
			cmd.Wait()
			process.Store(nil)
			if cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("it was not killed: %s\n%s%s", cmd.ProcessState, &out, &errs)
			}
			told := regexp.MustCompile(`the report +(\S+)`).FindStringSubmatch(out.String())
			if told == nil {
				t.Fatalf("it did not say where the report is:\n%s%s", &out, &errs)
			}
			info, err := os.Stat(told[1])
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("%v, %v", info, err)
			}
			rep, err := cli.ReadReport(told[1])
			if err != nil || rep.Count(federation.Unknown) == 0 {
				t.Fatalf("%v; no step is unknown:\n%s", err, rep)
			}
			// Of what was being sent nobody knows: it is waited for, in real time.
			program(t, with("revert", flags, told[1], "-yes", "-settle", "3s")...).want(t, exitDone, "done")
			if apps := len(s.JumpCloud.Applications()); apps != 0 {
				t.Errorf("%d applications are left", apps)
			}
			for _, g := range s.JumpCloud.Groups() {
				if strings.HasPrefix(g.Name, "Microsoft 365") {
					t.Errorf("the group %q is left", g.Name)
				}
			}
		})
	}
}

// Reports have names that say whose they are, are not written over, and undo each
// other's runs, the newest first.
func TestReportsByDefault(t *testing.T) {
	s, flags := live(t, nil)
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitDone,
		"the report", "apply-example.com-2", "8 changes made", "The report is in", "federate revert")
	wider := planFile(t, strings.Replace(string(examplePlan), "groups:\n", "groups:\n  - name: Interns\n", 1))
	program(t, with("apply", flags, "-plan", wider, "-yes")...).want(t, exitDone, "3 changes made", "The report is in")
	program(t, with("apply", flags, "-plan", wider, "-yes")...).want(t, exitDone, "nothing was to be done")
	reports, _ := filepath.Glob("apply-example.com-*.json")
	if len(reports) != 2 {
		t.Fatalf("%q, want two reports: a run that writes nothing keeps none", reports)
	}
	program(t, with("revert", flags, append(reports, "-preview")...)...).want(t, exitChanges, "revert example.com", "- azure-ad/federation")
	r := program(t, with("revert", flags, append(reports, "-yes", "-report", "undone.json")...)...)
	r.want(t, exitDone, "undone.json", "Interns", "delete azure-ad/federation", "The report is in", "undone.json and", "undone-2.json")
	for _, name := range []string{"undone.json", "undone-2.json"} {
		if rep, err := cli.ReadReport(name); err != nil || rep.Verb != federation.VerbRevert {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, federated := s.AzureAD.Federation("example.com"); federated || len(s.JumpCloud.Applications()) != 0 {
		t.Error("not everything is undone")
	}
}

func TestReportName(t *testing.T) {
	for domain, want := range map[string]string{
		"example.com": "apply-example.com-", "../etc/passwd": "apply-.._etc_passwd-", "münchen.de": "apply-m_nchen.de-",
	} {
		if got := reportName("apply", domain, fixed); got != want+"20260102-030405.json" {
			t.Errorf("%s: %s", domain, got)
		}
	}
}

// What a preview wrote is applied, and nothing else.
func TestProposal(t *testing.T) {
	s, flags := live(t, nil)
	r := program(t, with("preview", flags, "-plan", "plan.yaml", "-o", "json")...)
	r.want(t, exitChanges)
	p, err := federation.ParseProposal([]byte(r.out))
	if err != nil || len(p.Changes) != 8 || len(p.People) != 1 || r.err != "" {
		t.Fatalf("%v, %d changes, %d people, %s", err, len(p.Changes), len(p.People), r.err)
	}
	if err := os.WriteFile("proposal.json", []byte(r.out), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(r.out, `"name": "Microsoft 365 contractors"`, `"name": "Others"`, 1)
	programAt(t, t.Context(), strings.NewReader(changed), with("apply", flags, "-proposal", "-")...).want(t, exitRefused, "changed since it was made")
	if s.Writes() != 0 {
		t.Fatalf("%d writes", s.Writes())
	}
	program(t, with("apply", flags, "-proposal", "proposal.json")...).want(t, exitDone,
		"the report", "8 changes, one person will be locked out", "done      create azure-ad/federation", "11  good")

	r = program(t, with("defederate", flags, "example.com", "-passwords", "known", "-preview", "-o", "json")...)
	r.want(t, exitChanges)
	programAt(t, t.Context(), strings.NewReader(r.out), with("apply", flags, "-proposal", "-")...).want(t, exitDone, "defederate example.com", "delete azure-ad/federation")
	if _, federated := s.AzureAD.Federation("example.com"); federated {
		t.Error("the domain is federated still")
	}
}

// A document is all that standard output has; people are told on standard error.
func TestDocuments(t *testing.T) {
	s, flags := live(t, nil)
	r := program(t, with("apply", flags, "-plan", "plan.yaml", "-yes", "-o", "json")...)
	r.want(t, exitDone)
	if rep, err := federation.ParseReport([]byte(r.out)); err != nil || rep.Count(federation.Done) != 8 {
		t.Errorf("%v\n%s", err, r.out)
	}
	if !strings.Contains(r.err, "The report is in ") {
		t.Errorf("it does not say where the report is: %q", r.err)
	}
	for _, c := range []struct {
		args     []string
		code     int
		markdown string
		is       any
	}{
		{[]string{"preview", "-plan", "plan.yaml"}, exitDone, "# ", new(federation.Proposal)},
		{[]string{"verify", "-plan", "plan.yaml"}, exitDone, "# Verification of example.com", new(federation.Verification)},
		{[]string{"inspect", "example.com"}, exitDone, "| domain |", new(federation.Status)},
		{[]string{"overview"}, exitDone, "| domain |", new([]federation.Status)},
		{[]string{"preflight", "-plan", "plan.yaml"}, exitDone, "# Preflight of example.com", new(federation.Preflight)},
		{[]string{"apply", "-plan", "plan.yaml", "-preview"}, exitDone, "# ", new(federation.Proposal)},
		{[]string{"apply", "-plan", "plan.yaml", "-yes"}, exitDone, "# ", new(federation.Report)},
		{[]string{"repair", "-plan", "plan.yaml", "-bind", "-preview"}, exitDone, "# ", new(federation.Proposal)},
		{[]string{"repair", "-plan", "plan.yaml", "-bind", "-yes"}, exitDone, "# ", new(federation.Report)},
		{[]string{"defederate", "example.com", "-passwords", "known", "-preview"}, exitChanges, "# ", new(federation.Proposal)},
	} {
		writes := s.Writes()
		r := program(t, with(c.args[0], flags, append(c.args[1:], "-o", "json")...)...)
		if err := json.Unmarshal([]byte(r.out), c.is); err != nil || r.code != c.code || r.err != "" && !strings.Contains(r.err, "the report") {
			t.Errorf("%q: code %d, want %d: %v\n%s\n%s", c.args, r.code, c.code, err, r.out, r.err)
		}
		r = program(t, with(c.args[0], flags, append(c.args[1:], "-o", "markdown")...)...)
		if r.code != c.code || !strings.HasPrefix(r.out, c.markdown) {
			t.Errorf("%q: code %d, want %d:\n%s\n%s", c.args, r.code, c.code, r.out, r.err)
		}
		if n := s.Writes() - writes; n != 0 {
			t.Errorf("%q: %d writes", c.args, n)
		}
	}
}
