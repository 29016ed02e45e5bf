package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/federation/recording"
)

var update = flag.Bool("update", false, "write the golden files anew")

// result is what the program did.
type result struct {
	code     int
	out, err string
}

func program(ctx context.Context, stdin io.Reader, args ...string) result {
	var out, errs bytes.Buffer
	code := run(ctx, args, stdin, &out, &errs)
	return result{code, out.String(), errs.String()}
}

func (r result) want(t *testing.T, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	text := strings.Join(strings.Fields(r.out+r.err), " ") // lines are broken
	for _, s := range says {
		if !strings.Contains(text, s) {
			t.Errorf("it does not say %q", s)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s\nerrors:\n%s", r.out, r.err)
	}
}

// port is where a stand-in listens, which is another one each time.
var port = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = port.ReplaceAllString(got, "127.0.0.1:PORT")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// TestDefaultRun: without a flag everything that can be read holds, and what that is, is
// explained.
func TestDefaultRun(t *testing.T) {
	r := program(t.Context(), nil)
	r.want(t, exitHolds)
	if r.err != "" {
		t.Errorf("standard error is not empty: %s", r.err)
	}
	golden(t, "default.txt", r.out)
}

// TestDiffer: what is turned round is told first, with what it means.
func TestDiffer(t *testing.T) {
	r := program(t.Context(), nil, "-differ", "jc-template-name,aad-managed-404", "-differ", "aad-policy/aadtest.Quirks.PolicyList")
	r.want(t, exitDiffers)
	golden(t, "differ.txt", r.out)
	program(t.Context(), nil, "-differ", "jc-external-id").want(t, exitNotYet, "do not federate yet: Preflight joins nobody by it")
}

// TestOthersDiffer: readable assumptions, of which these are a sample, can be made to differ by
// the flag, and that is the exit code.
func TestOthersDiffer(t *testing.T) {
	for i, a := range assumptions.All() {
		if a.Kind != assumptions.Readable || i%6 > 0 {
			continue
		}
		var f assumptions.Findings
		r := program(t.Context(), nil, "-differ", a.ID, "-o", "json")
		if err := json.Unmarshal([]byte(r.out), &f); err != nil {
			t.Fatalf("%s: %v\n%s%s", a.ID, err, r.out, r.err)
		}
		found := false
		for _, got := range f.Answers {
			found = found || got.ID == a.ID && got.Result == assumptions.Differs
		}
		if want := exitOf(&f); !found || r.code != want || want == exitHolds {
			t.Errorf("%s does not differ, or the exit code is %d, want %d", a.ID, r.code, want)
		}
	}
}

// TestFresh: before anything is federated, what could not be told is told with the reason.
func TestFresh(t *testing.T) {
	program(t.Context(), nil, "-fresh").want(t, exitHolds, "Could not be told, though it can be read",
		"jc-metadata-entity-id there is no application of Microsoft 365 yet", "aad-saml-auth-url no domain of the tenant is federated by SAML yet")
}

func TestForms(t *testing.T) {
	golden(t, "list.txt", program(t.Context(), nil, "-list").out)
	golden(t, "fresh.md", program(t.Context(), nil, "-fresh", "-o", "markdown", "-differ", "jc-template-name").out)
	var all []assumptions.Assumption
	if err := json.Unmarshal([]byte(program(t.Context(), nil, "-list", "-o", "json").out), &all); err != nil || len(all) != len(assumptions.All()) {
		t.Errorf("%d, %v", len(all), err)
	}
	program(t.Context(), nil, "-list", "-o", "markdown").want(t, exitHolds, "| jc-template-name | readable |")
	program(t.Context(), nil, "-h").want(t, exitHolds, "Exit codes", "JUMPCLOUD_API_KEY", "-differ")
}

func TestUsage(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken.json")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string]string{
		"not defined":                   "-knob",
		"is none of table":              "-o xml",
		"takes flags alone":             "example.com",
		"are for stand-ins":             "-live -fresh",
		"-list asks nobody":             "-list -live",
		"-yes is for -save":             "-yes",
		"how long the look may take":    "-within 0s",
		"is for -live":                  "-graph-url http://127.0.0.1:1",
		"-cloud, -region is for -live":  "-region eu -cloud china",
		"exists already":                "-save " + taken,
		"no such file or directory":     "-save " + filepath.Join(t.TempDir(), "nowhere", "new.json"),
		"there is no such assumption":   "-differ jc-nonsense",
		"or it has no such knob":        "-differ aad-policy/aadtest.Quirks.HalfState",
		"no credential for JumpCloud":   "-live -graph-token-env NONE",
		"-region \"moon\" is none of":   "-live -region moon -graph-token-env NONE",
		"-graph-token-env names NONE,":  "-live -graph-token-env NONE",
		"that can be read, or it has n": "-differ aad-half-state",
	} {
		t.Setenv("JUMPCLOUD_API_KEY", "")
		program(t.Context(), nil, strings.Fields(args)...).want(t, exitUsage, says)
	}
}

// live serves stand-ins and returns the flags that reach them as live services.
func live(t *testing.T) (*standin.Services, []string) {
	t.Helper()
	env := federationtest.New(nil)
	env.AddFederated("example.net")
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Setenv("JUMPCLOUD_API_KEY", standin.APIKey)
	t.Setenv("JUMPCLOUD_CLIENT_ID", "")
	t.Setenv("GRAPH_TOKEN", s.GraphToken)
	return s, []string{"-live", "-jumpcloud-url", s.JumpCloudURL, "-graph-url", s.AzureADURL, "-login-url", s.AzureADURL, "-graph-token-env", "GRAPH_TOKEN"}
}

// TestLive: the live services are told, and nothing is written.
func TestLive(t *testing.T) {
	s, flags := live(t)
	program(t.Context(), nil, append(flags, "-domain", "Example.com.", "-v")...).want(t, exitHolds,
		"This is live", s.JumpCloudURL, "0 differ", "none of which wrote", "level=DEBUG")
	if s.Writes() != 0 || s.Requests() == 0 || s.Requests() > assumptions.MaxRequests {
		t.Errorf("%d writes, %d requests", s.Writes(), s.Requests())
	}
	s.AzureAD.Quirks.NoPolicy = true
	program(t.Context(), nil, flags...).want(t, exitDiffers, "safe to go on", "-save FILE keeps what was seen")
}

func TestFailures(t *testing.T) {
	s, flags := live(t)
	t.Setenv("JUMPCLOUD_API_KEY", "the-wrong-key")
	r := program(t.Context(), nil, flags...)
	r.want(t, exitFailed, "JumpCloud answered", "401", "aad-policy", "JumpCloud could not be asked")
	if strings.Contains(r.out+r.err, "the-wrong-") {
		t.Error("the credential is in the output")
	}
	t.Setenv("JUMPCLOUD_API_KEY", standin.APIKey)
	ctx, cancel := context.WithCancel(t.Context())
	s.JumpCloud.OnRequest = func(*http.Request) { cancel() }
	program(ctx, nil, flags...).want(t, exitInterrupted, "interrupted")
	s.JumpCloud.OnRequest = func(r *http.Request) { <-r.Context().Done() }
	program(t.Context(), nil, append(flags, "-within", "1s")...).want(t, exitFailed, "ot everything was asked within 1s")
}

// terminal is somebody who types.
type terminal struct{ io.Reader }

func (terminal) IsTerminal() bool { return true }

// TestSave: the recording is written after what remains was shown, only if somebody says
// yes, holds nobody's name, and answers as the services did.
func TestSave(t *testing.T) {
	s, flags := live(t)
	for _, c := range []struct {
		name  string
		stdin io.Reader
		more  []string
		code  int
		says  string
	}{
		{"nobody", strings.NewReader("yes\n"), nil, exitFailed, "-yes goes on without asking"},
		{"no", terminal{strings.NewReader("no\n")}, nil, exitFailed, "the answer was not yes"},
		{"yes", terminal{strings.NewReader("yes\n")}, nil, exitHolds, "This remains as it came"},
		{"without asking", strings.NewReader(""), []string{"-yes", "-o", "json"}, exitHolds, "Written to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "recording.json")
			r := program(t.Context(), c.stdin, append(append(flags, "-save", file), c.more...)...)
			r.want(t, c.code, c.says, "member")
			b, err := os.ReadFile(file)
			if c.code != exitHolds {
				if err == nil {
					t.Error("it was written")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range s.AzureAD.Users() {
				for _, name := range []string{u.ID, u.UserPrincipalName, u.DisplayName} {
					if bytes.Contains(bytes.ToLower(b), []byte(strings.ToLower(name))) {
						t.Errorf("%s is in the recording", name)
					}
				}
			}
			again, err := recording.Read(bytes.NewReader(b))
			if err != nil || len(again.Exchanges) < 20 {
				t.Fatalf("%v, %v", again, err)
			}
			if strings.HasPrefix(fmt.Sprint(c.more), "[-yes") && !json.Valid([]byte(r.out)) {
				t.Error("the result does not stand alone")
			}
		})
	}
}
