package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

var fixed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// noConsent is a plan that lets nobody be locked out.
const noConsent = "domain: example.com\nmfa: acceptIfMfaDoneByFederatedIdp\ngroups: [{name: Everyone}]\n"

func TestPreflight(t *testing.T) {
	s, flags := live(t, nil)
	plan := planFile(t, noConsent)
	program(t, with("preflight", flags, "-plan", plan)...).want(t, exitRefused, "Preflight of example.com", "LOCKED OUT", "uma.underhill@example.com", "What to do about")
	program(t, with("preflight", flags, "-plan", "plan.yaml")...).want(t, exitDone, "consented", "LOCKED OUT")
	r := program(t, with("preflight", flags, "-plan", plan, "-o", "csv")...)
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	if err != nil || len(rows) < 5 || rows[0][1] != "lockedOut" || r.err != "" {
		t.Errorf("%d rows, %v: %s", len(rows), err, r.err)
	}
	r = program(t, with("preflight", flags, "-plan", plan, "-o", "json")...)
	pre, err := federation.ParsePreflight([]byte(r.out))
	if err != nil || r.code != exitRefused || len(pre.LockedOut()) != 1 {
		t.Fatalf("code %d, %v\n%s", r.code, err, r.out)
	}
	if err := os.WriteFile("before.json", []byte(r.out), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, with("preflight", flags, "-plan", plan, "-before", "before.json")...).want(t, exitRefused, "locked out 1 -> 1")
	if n := s.Writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
	program(t, with("preflight", flags, "-plan", planFile(t, strings.Replace(noConsent, "example.com", "elsewhere.example", 1)))...).
		want(t, exitFailed, "elsewhere.example")
}

// Those who would be locked out, for people who do not know the program.
func TestLockOuts(t *testing.T) {
	_, flags := live(t, func(e *federationtest.Env) { generate(e, 300) })
	flags = append(flags, "-plan", planFile(t, noConsent), "-o", "csv", "-lock-outs")
	r := program(t, with("preflight", flags, "-bom")...)
	text, ok := strings.CutPrefix(r.out, "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if !ok || err != nil || len(rows) < 7 || r.err != "" {
		t.Fatalf("%d rows, %v, byte order mark %v: %s", len(rows), err, ok, r.err)
	}
	count := make(map[string]int)
	for _, row := range rows[1:] {
		count[row[0]]++
	}
	if count["no-immutable-id"] != 3 || count["not-in-jumpcloud"] < 4 {
		t.Errorf("%v", count)
	}
	r = program(t, with("preflight", flags, "-reason", "no-immutable-id")...)
	if rows, err = csv.NewReader(strings.NewReader(r.out)).ReadAll(); err != nil || len(rows) != 4 {
		t.Errorf("%d rows, %v, want 4:\n%s", len(rows), err, r.out)
	}
	dir := t.TempDir()
	r = program(t, with("preflight", flags, "-into", dir)...)
	r.want(t, exitRefused)
	files, _ := filepath.Glob(filepath.Join(dir, "example.com-*.csv"))
	if len(files) != len(count) || r.out != "" || !strings.Contains(r.err, files[0]) {
		t.Errorf("%q, want one of each of %v\n%s%s", files, count, r.out, r.err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	program(t, with("preflight", flags, "-into", dir)...).want(t, exitFailed, "exists")
}

// -plan - reads standard input.
func TestPlanFromStdin(t *testing.T) {
	_, flags := live(t, nil)
	programAt(t, t.Context(), strings.NewReader(string(examplePlan)), with("preview", flags, "-plan", "-")...).want(t, exitChanges, "8 changes")
	programAt(t, t.Context(), strings.NewReader("domain: example.com\nmfaa: x\n"), with("preview", flags, "-plan", "-")...).want(t, exitUsage, "mfaa")
}

func TestInspectAndOverview(t *testing.T) {
	_, flags := live(t, nil)
	program(t, with("inspect", flags, "example.com")...).want(t, exitDone, "example.com: managed", "next:")
	program(t, with("verify", flags, "-plan", "plan.yaml")...).want(t, exitFailed, "wrong    azure-ad", "A layer is wrong")
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitDone)
	program(t, with("overview", flags)...).want(t, exitDone, "identity provider", "example.com", "federated", "JumpCloud", "zoe.zimmer@example.com")
	program(t, with("verify", flags, "-plan", "plan.yaml")...).want(t, exitDone, "good     realm", "people can sign in")
	program(t, with("defederate", flags, "example.com", "-passwords", "known", "-yes")...).want(t, exitDone, "done      delete azure-ad/federation", "The report is in")
	program(t, with("inspect", flags, "example.com", "-o", "json")...).want(t, exitDone, `"domain": "example.com"`)
}

// Verify has an exit code for what is only late.
func TestVerifyWaiting(t *testing.T) {
	_, flags := live(t, func(e *federationtest.Env) { e.AzureAD.RealmLag = time.Hour })
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitDone)
	program(t, with("verify", flags, "-plan", "plan.yaml")...).want(t, exitWaiting, "not yet  realm", "Not in effect yet")
}

// Verify looks for real sign-ins if it is asked to, and claims none that it has not seen.
func TestVerifySignIns(t *testing.T) {
	s, flags := live(t, nil)
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes", "-report", "report.json")...).want(t, exitDone)
	unseen := func(of string) []string {
		return []string{"unseen   sign-in", "nobody has been seen", of, "that somebody has is not proved yet"}
	}
	program(t, with("verify", flags, "-plan", "plan.yaml", "-sign-ins")...).want(t, exitDone, unseen("is not known")...)
	program(t, with("verify", flags, "-resume", "report.json", "-sign-ins")...).want(t, exitDone, unseen("change")...)
	at := time.Now().Add(2 * time.Second)
	s.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: "ada.abbott@example.com", Protocol: aad.SignInSAML20, Token: aad.TokenSAML20, Created: at})
	program(t, with("verify", flags, "-resume", "report.json", "-sign-ins", "-wait", "1m")...).want(t, exitDone, "good     sign-in", "Every layer is good")
	program(t, with("verify", flags, "-plan", "plan.yaml", "-sign-ins", "-since", at.Add(time.Hour).UTC().Format("2006-01-02 15:04"))...).
		want(t, exitDone, unseen("since")...)
	program(t, with("verify", flags, "-plan", "plan.yaml", "-since", "2026-03-02")...).want(t, exitUsage, "this is no time")
	program(t, with("verify", flags, "-plan", "plan.yaml", "-since", "2026-03-02 09:01")...).want(t, exitUsage, "-since is for -sign-ins")
}

func TestRepair(t *testing.T) {
	s, flags := live(t, func(e *federationtest.Env) {
		n := 0
		for _, u := range e.AzureAD.Users() {
			if u.ImmutableID != "" && strings.HasSuffix(u.UserPrincipalName, "@example.com") && n < 2 {
				e.AzureAD.EditUser(u.ID, func(u *aad.User) { u.ImmutableID = "" })
				n++
			}
		}
	})
	args := with("repair", flags, "-plan", "plan.yaml", "-immutable-ids", "objectID")
	program(t, append(args, "-preview")...).want(t, exitChanges, "azure-ad/immutable-id")
	program(t, args...).want(t, exitRefused, "-yes")
	if n := s.Writes(); n != 0 {
		t.Fatalf("%d writes", n)
	}
	program(t, append(args, "-yes", "-report", "repaired.json")...).want(t, exitDone, "done      ", "azure-ad/immutable-id", "repaired.json")
	if n := s.Writes(); n == 0 {
		t.Error("nothing was written")
	}
	program(t, with("revert", flags, "repaired.json", "-yes")...).want(t, exitDone, "azure-ad/immutable-id")
}

// Whatever the width is, lines fit it, but for words that are longer.
func TestWidth(t *testing.T) {
	for _, columns := range []string{"60", "80"} {
		t.Setenv("COLUMNS", columns)
		width := map[string]int{"60": 60, "80": 80}[columns]
		for _, args := range [][]string{
			{"preview", "-stand-ins"}, {"apply", "-stand-ins", "-yes", "-report", filepath.Join(t.TempDir(), "r.json")}, {"verify", "-stand-ins"},
			{"preflight", "-stand-ins"}, {"overview", "-stand-ins"}, {"inspect", "-stand-ins", "example.com"},
			{"apply", "-stand-ins", "-plan", planFile(t, noConsent), "-yes"},
		} {
			r := program(t, args...)
			if len(r.out) < 100 {
				t.Errorf("%q: %s%s", args, r.out, r.err)
			}
			for line := range strings.Lines(r.out + r.err) {
				line = strings.TrimRight(line, "\n")
				if utf8.RuneCountInString(line) > width && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%q at %d: %q", args, width, line)
				}
			}
		}
	}
}

// The help fits a screen of 24 lines and 80 columns, and goes to standard output.
func TestHelpFitsAScreen(t *testing.T) {
	r := program(t, "-h")
	if n := strings.Count(r.out, "\n"); n > 23 || r.err != "" || r.code != exitDone {
		t.Errorf("%d lines, code %d, %q", n, r.code, r.err)
	}
	for line := range strings.Lines(r.out) {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("too wide: %s", line)
		}
	}
	for _, c := range commands() {
		if c.name != "demo" && !strings.Contains(r.out, "federate "+c.name) {
			t.Errorf("it does not name %s", c.name)
		}
		if h := program(t, c.name, "-h"); h.code != exitDone || h.err != "" || !strings.Contains(h.out, "  -o form") {
			t.Errorf("%s -h: code %d\n%s%s", c.name, h.code, h.out, h.err)
		}
	}
}
