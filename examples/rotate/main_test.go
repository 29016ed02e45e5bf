package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// result is what one run of the program left.
type result struct {
	code     int
	out, err string
}

// want checks the exit code, and that out and err together hold the texts in this order.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	rest := strings.Join(strings.Fields(r.out+r.err), " ") // lines are broken to fit a terminal
	for _, text := range texts {
		i := strings.Index(rest, text)
		if i < 0 {
			t.Errorf("the output does not say %q, or not in order", text)
			continue
		}
		rest = rest[i+len(text):]
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
}

// program runs the program by a clock.
func program(t *testing.T, ctx context.Context, c clock, stdin io.Reader, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := runAt(federationtest.Hurry(ctx), c, args, stdin, &out, &errs)
	return result{code, out.String(), errs.String()}
}

// A world is a federated domain whose services listen on this machine, by a bent clock,
// and the files of a rotation.
type world struct {
	*federationtest.Env
	t        *testing.T
	clock    *bentClock
	began    time.Time
	services *standin.Services
	flags    []string
	state    string
	keys     string
	on       func(*http.Request) // sees each request first
}

// days is how long the certificate of a new world is still good for.
const days = 50

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, Env: federationtest.New(nil), clock: &bentClock{at: time.Date(2026, time.January, 5, 22, 0, 0, 0, time.UTC)}}
	w.JumpCloud.Now, w.AzureAD.Now = w.clock.now, w.clock.now
	f := w.Federator(&federation.Options{Now: w.clock.now})
	if rep, err := f.Federate(federationtest.Hurry(t.Context()), w.Plan()); err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
	w.clock.jump(t.Context(), w.first().Expires.AddDate(0, 0, -days))
	w.began = w.clock.now()
	w.ResetLog()
	var err error
	w.services, err = standin.Serve(w.Env, standin.Options{Wrap: func(_ string, h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if w.on != nil {
				w.on(r)
			}
			h.ServeHTTP(rw, r)
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.services.Close() })
	dir := t.TempDir()
	w.state, w.keys = filepath.Join(dir, "state.json"), filepath.Join(dir, "keys")
	plan := filepath.Join(dir, "plan.yaml")
	if err := errors.Join(os.Mkdir(w.keys, 0o700), os.WriteFile(plan, []byte("domain: "+w.Domain+
		"\nmfa: acceptIfMfaDoneByFederatedIdp\ngroups: [{name: Everyone}]\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUMPCLOUD_API_KEY", standin.APIKey)
	t.Setenv("GRAPH_TOKEN", w.services.GraphToken)
	for _, name := range []string{"JUMPCLOUD_ORG_ID", "JUMPCLOUD_CLIENT_ID", "JUMPCLOUD_CLIENT_SECRET", "ROTATE_PASSPHRASE"} {
		t.Setenv(name, "")
	}
	w.flags = []string{
		"-jumpcloud-url", w.services.JumpCloudURL, "-jumpcloud-token-url", w.services.JumpCloudURL + "/oauth2/token",
		"-graph-url", w.services.AzureADURL, "-login-url", w.services.AzureADURL, "-graph-token-env", "GRAPH_TOKEN", "-plan", plan,
	}
	return w
}

// first is what Azure AD has in its first place.
func (w *world) first() federation.Certificate {
	fed, _ := w.AzureAD.Federation(w.Domain)
	c := fed.SigningCertificate
	return federation.Certificate{Fingerprint: c.Fingerprint(), Thumbprint: c.Thumbprint(), Expires: c.X509().NotAfter}
}

// run runs the program on this world.
func (w *world) run(more ...string) result {
	return w.runIn(w.t.Context(), strings.NewReader(""), more...)
}

func (w *world) runIn(ctx context.Context, stdin io.Reader, more ...string) result {
	w.t.Helper()
	return program(w.t, ctx, w.clock.clock(), stdin, append(w.flags[:len(w.flags):len(w.flags)], more...)...)
}

// own are the flags of a rotation with an own key pair.
func (w *world) own(more ...string) []string {
	return append([]string{"-state", w.state, "-keys", w.keys, "-bits", "2048", "-yes"}, more...)
}

// keyFile is the only file in the folder of keys.
func (w *world) keyFile() string {
	w.t.Helper()
	all, err := os.ReadDir(w.keys)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d key files, %v", len(all), err)
	}
	return filepath.Join(w.keys, all[0].Name())
}

// judge asks that nobody's sign-in failed so far.
func (w *world) judge() {
	w.t.Helper()
	if s := w.SignIns(w.began, w.clock.now().Add(2*time.Hour), 2*time.Hour); s.Failed > 0 || s.Seconds < 3600 {
		w.t.Errorf("%s", s)
	}
}

// writeFile replaces a file.
func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

// A somebody answers at a terminal.
type somebody struct{ io.Reader }

func (somebody) IsTerminal() bool { return true }

// foreign puts a certificate into Azure AD's second place that nobody knows.
func (w *world) foreign() {
	other := federationtest.New(nil)
	f := other.Federator(nil)
	if _, err := f.Federate(federationtest.Hurry(w.t.Context()), other.Plan()); err != nil {
		w.t.Fatal(err)
	}
	theirs, _ := other.AzureAD.Federation(other.Domain)
	fed, _ := w.AzureAD.Federation(w.Domain)
	fed.NextSigningCertificate = theirs.SigningCertificate
	w.AzureAD.SetFederation(w.Domain, fed)
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(*world) // what is so before
		args  func(*world) []string
		stdin io.Reader
		code  int
		says  []string
		wrote bool
	}{
		{name: "nothing is due", args: func(w *world) []string { return w.own("-within", "20d") }, code: exitDone, says: []string{"idle", "Nothing was to be done"}},
		{name: "due", args: func(w *world) []string { return w.own("-once") }, code: exitWaiting, wrote: true,
			says: []string{"published", "next", "not before 2030-11-17 00:01:00", "Not finished yet. Run the same command again at 2030-11-17 00:01:00"}},
		{name: "a service fails", world: func(w *world) {
			w.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
				if r.Method == http.MethodPatch {
					return aadtest.Fault{Kind: aadtest.DropBefore}
				}
				return aadtest.Fault{}
			}
		}, args: func(w *world) []string { return w.own("-once") }, code: exitFailed, says: []string{"saved", "Run the same command again"}},
		{name: "the state cannot be stored", world: func(w *world) {
			w.on = func(r *http.Request) {
				if r.Method == http.MethodPatch {
					os.RemoveAll(filepath.Dir(w.state) + "/gone")
				}
			}
			os.Mkdir(filepath.Dir(w.state)+"/gone", 0o700)
		}, args: func(w *world) []string { return w.own("-once", "-state", filepath.Dir(w.state)+"/gone/state.json") }, code: exitFailed, wrote: true,
			says: []string{"could not be stored", "Nothing is lost"}},
		{name: "a plan that is none", args: func(w *world) []string { return w.own("-plan", w.keys) }, code: exitRefused, says: []string{"the plan cannot be read"}},
		{name: "a plan with a typing error", world: func(w *world) { writeFile(w.t, w.state, "domian: a", 0o600) },
			args: func(w *world) []string { return []string{"-plan", w.state, "-once", "-state", w.state + "2"} }, code: exitRefused, says: []string{"did you mean"}},
		{name: "a state that is none", world: func(w *world) { writeFile(w.t, w.state, "{", 0o600) },
			args: func(w *world) []string { return w.own("-once") }, code: exitRefused, says: []string{"state.json", "no rotation"}},
		{name: "a state of a newer program", world: func(w *world) {
			writeFile(w.t, w.state, `{"version": 99, "domain": "example.com", "phase": "idle"}`, 0o600)
		},
			args: func(w *world) []string { return w.own("-once") }, code: exitRefused, says: []string{"version 99"}},
		{name: "a state of another domain", world: func(w *world) {
			writeFile(w.t, w.state, `{"version": 1, "domain": "other.example", "phase": "idle"}`, 0o600)
		},
			args: func(w *world) []string { return w.own("-once") }, code: exitRefused, says: []string{"other.example"}},
		{name: "no folder for the state", args: func(w *world) []string { return w.own("-state", w.state+"/x/state.json") }, code: exitRefused, says: []string{"-state"}},
		{name: "no key store", args: func(w *world) []string { return []string{"-state", w.state, "-once", "-yes"} }, code: exitRefused, says: []string{"Refused; nothing was written"}},
		{name: "a key file that others read", world: func(w *world) { writeFile(w.t, w.keys+"/key-example.com.pem", "x", 0o644) },
			args: func(w *world) []string { return w.own("-once") }, code: exitRefused, says: []string{"others can read"}},
		{name: "a key file that is none", world: func(w *world) { writeFile(w.t, w.keys+"/key-example.com.pem", "x", 0o600) },
			args: func(w *world) []string { return w.own("-once") }, code: exitRefused, says: []string{"damaged"}},
		{name: "no folder of keys", args: func(w *world) []string { return w.own("-keys", w.keys+"/none", "-once") }, code: exitRefused, says: []string{"folder of the key files"}},
		{name: "nobody to ask", args: func(w *world) []string { return w.own("-once", "-yes=false") }, code: exitRefused,
			says: []string{"nextSigningCertificate", "Not confirmed", "-yes goes on without asking"}},
		{name: "the answer is no", stdin: somebody{strings.NewReader("no\n")}, args: func(w *world) []string { return w.own("-once", "-yes=false") },
			code: exitRefused, says: []string{"Type yes", "the answer was not yes"}},
		{name: "the answer is yes", stdin: somebody{strings.NewReader("yes\n")}, args: func(w *world) []string { return w.own("-once", "-yes=false") },
			code: exitWaiting, says: []string{"Type yes", "published"}, wrote: true},
		{name: "a settle that is too short", args: func(w *world) []string { return w.own("-settle", "5m") }, code: exitRefused, says: []string{"Refused", "20 minutes"}},
		{name: "regenerate without consent", args: func(w *world) []string { return w.own("-method", "regenerate", "-replace", w.first().Fingerprint) },
			code: exitRefused, says: []string{"Refused", "consent.gap"}},
		{name: "an unknown second certificate", world: (*world).foreign, args: func(w *world) []string { return w.own() }, code: exitPerson,
			says: []string{"foreign", "alarm", "A person has to act"}},
		{name: "a pilot", args: func(w *world) []string {
			return w.own("-method", "second-application", "-replace", w.first().Fingerprint, "-pilot", "-consent", "policies")
		}, code: exitPerson, says: []string{"pilot", "bind one person", "A person has to act"}, wrote: true},
		{name: "led back", world: func(w *world) { w.run(w.own("-once")...).want(w.t, exitWaiting); w.ResetLog() },
			args: func(w *world) []string { return w.own("-cancel") }, code: exitDone, says: []string{"cancelled", "Done"}, wrote: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.world != nil {
				c.world(w)
			}
			stdin := c.stdin
			if stdin == nil {
				stdin = strings.NewReader("")
			}
			w.runIn(t.Context(), stdin, c.args(w)...).want(t, c.code, c.says...)
			if wrote := w.Writes() > 0 && c.name != "a service fails"; wrote != c.wrote {
				t.Errorf("%d writes", w.Writes())
			}
			if c.wrote {
				w.judge()
			}
		})
	}
}

// TestFlags: what is wrong with the flags is said, and nothing is asked.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	plan := filepath.Join(dir, "plan.yaml")
	writeFile(t, plan, "domain: example.com", 0o600)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"", exitRefused, "this needs a plan"},
		{"-nonsense", exitRefused, "-nonsense"},
		{"-plan P extra", exitRefused, "takes no arguments"},
		{"-plan P", exitRefused, "needs a -state"},
		{"-plan P -once", exitRefused, "needs a -state"},
		{"-plan P -state S -once -preview", exitRefused, "only one of"},
		{"-plan P -state S -lag 1h", exitRefused, "-lag is for -fast"},
		{"-plan P -state S -consent everything", exitRefused, "everything"},
		{"-plan P -state S -settle soon", exitRefused, "2h, 90m or 60d"},
		{"-fast -plan P", exitRefused, "leave out -plan"},
		{"-fast -lag 25h", exitRefused, "-lag"},
		{"-fast -method magic", exitRefused, "no method"},
		{"-watch", watchUnknown, "this needs a plan"},
		{"-watch -nonsense", watchUnknown, "-nonsense"},
		{"-nonsense -watch", watchUnknown, "-nonsense"},
		{"-watch -plan P -region moon", watchUnknown, "moon"},
		{"-h", exitDone, "Exit codes"},
	} {
		args := strings.Fields(strings.NewReplacer("P", plan, "S", filepath.Join(dir, "state.json")).Replace(c.args))
		r := program(t, t.Context(), clock{now: time.Now, wait: sleep}, strings.NewReader(""), args...)
		r.want(t, c.code, c.says)
	}
}

// TestUsage: the usage and the documentation tell the exit codes.
func TestUsage(t *testing.T) {
	r := program(t, t.Context(), clock{}, strings.NewReader(""), "-h")
	r.want(t, exitDone)
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, _, _ := strings.Cut(string(source), "package main")
	for _, c := range []struct {
		code        int
		usage, text string
	}{
		{exitDone, "0 done, or nothing is due", "0    done, or nothing is due"},
		{exitFailed, "1 something failed", "1    something failed"},
		{exitRefused, "2 refused before any write", "2    refused before any write"},
		{exitWaiting, "3 not finished yet", "3    not finished yet"},
		{exitPerson, "4 a person has to act", "4    a person has to act"},
		{watchQuiet, "0 nothing to do now", "0    nothing to do now"},
		{watchWarning, "1 a warning", "1    a warning"},
		{watchAlarm, "2 an alarm", "2    an alarm"},
		{watchUnknown, "3 not known", "3    not known"},
	} {
		if !strings.Contains(r.out, c.usage) || !strings.Contains(doc, c.text) || c.usage[0] != byte('0'+c.code) {
			t.Errorf("code %d: the usage lacks %q, or the documentation %q", c.code, c.usage, c.text)
		}
	}
	head, _, _ := strings.Cut(r.out, "Environment:")
	if n := strings.Count(head, "\n"); n > 24 {
		t.Errorf("the usage has %d lines before the environment; a screen has 24", n)
	}
	for _, line := range strings.Split(head, "\n") {
		if len(line) > 80 {
			t.Errorf("longer than 80: %s", line)
		}
	}
}

// TestWatch: the exit code is the severity.
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(*world)
		code  int
		says  string
	}{
		{"soon", nil, watchQuiet, "50 days left"},
		{"in a month", func(w *world) { w.clock.move(25 * 24 * time.Hour) }, watchWarning, "25 days left"},
		{"ended", func(w *world) { w.clock.move(51 * 24 * time.Hour) }, watchAlarm, "has ended"},
		{"foreign", (*world).foreign, watchAlarm, "another certificate"},
		{"in a rotation", func(w *world) { w.run(w.own("-once")...).want(w.t, exitWaiting) }, watchQuiet, "rotation published"},
		{"not federated", func(w *world) {
			w.AzureAD.SetFederation(w.Domain, aad.Federation{IssuerURI: "urn:x", PassiveSignInURI: "https://x"})
		}, watchAlarm, ""},
		{"no answer", func(w *world) { w.services.Close(); w.flags = append(w.flags, "-graph-token-env", "NOT_SET") }, watchUnknown, ""},
		{"no permission", func(w *world) { w.t.Setenv("GRAPH_TOKEN", "wrong") }, watchUnknown, "not accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.world != nil {
				c.world(w)
			}
			w.ResetLog()
			w.run("-watch", "-keys", w.keys).want(t, c.code, c.says)
			if n := w.Writes(); n > 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

// TestPreviewWritesNothing: neither to a service nor to a file.
func TestPreviewWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.run(w.own("-preview")...).want(t, exitDone, "own-key-pair", "1. now", "people notice: nothing", "4. ", "gap: none")
	all, err := os.ReadDir(w.keys)
	if _, serr := os.Stat(w.state); err != nil || len(all) > 0 || !errors.Is(serr, os.ErrNotExist) || w.Writes() > 0 {
		t.Errorf("%d key files, %v, %v, %d writes", len(all), err, serr, w.Writes())
	}
	w.run("-preview").want(t, exitRefused, "1. now", "Refused", "Options.Keys")
}

// masked takes out of a text what is another in each run.
func masked(text string) string {
	for _, m := range []struct{ pattern, by string }{
		{`\b[0-9A-F]{40}\b`, "0123456789ABCDEF0123456789ABCDEF01234567"},
		{`\b[0-9a-f]{64}\b`, strings.Repeat("0123456789abcdef", 4)},
		{`example-com-[0-9a-f]{8}\b`, "example-com-01234567"},
		{`\S*rotate-keys-\d+`, "KEYS"},
	} {
		text = regexp.MustCompile(m.pattern).ReplaceAllString(text, m.by)
	}
	return text
}
