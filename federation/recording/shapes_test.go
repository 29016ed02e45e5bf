package recording_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/federation/recording"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

var (
	update = flag.Bool("update", false, "write the golden files of the replays anew")
	anew   = flag.Bool("record", false, "record the fakes anew, into testdata")
)

// shapes are what services may be like.
var shapes = []struct {
	name string
	make func(ctx context.Context) (*jumpcloudtest.Server, *aadtest.Server, error)
}{
	{"managed", func(context.Context) (*jumpcloudtest.Server, *aadtest.Server, error) {
		e := federationtest.New(nil)
		return e.JumpCloud, e.AzureAD, nil
	}},
	{"federated", func(ctx context.Context) (*jumpcloudtest.Server, *aadtest.Server, error) {
		e := federationtest.New(nil)
		e.JumpCloud.AddTranslationRule(e.Directory, "user_department")
		_, err := e.Federator(nil).Federate(federationtest.Hurry(ctx), e.Plan())
		if err == nil {
			_, err = e.Browser().SignIn(ctx, federationtest.Person{UserName: "ada.abbott@" + e.Domain})
		}
		return e.JumpCloud, e.AzureAD, err
	}},
	{"another", func(context.Context) (*jumpcloudtest.Server, *aadtest.Server, error) {
		e := federationtest.New(nil)
		e.AzureAD.SetFederation(e.Domain, aad.Federation{DisplayName: "Fabrikam", IssuerURI: "http://adfs.fabrikam.com/adfs/services/trust",
			PassiveSignInURI: "https://adfs.fabrikam.com/adfs/ls/", SignOutURI: "https://adfs.fabrikam.com/adfs/ls/", Protocol: aad.WSFed,
			MFA: aad.RejectMFAByFederatedIdP, SigningCertificate: canaryCertificate})
		e.AzureAD.AddDomain("sub."+e.Domain, func(d *aad.Domain) { d.IsRoot = false })
		return e.JumpCloud, e.AzureAD, nil
	}},
	{"provider", func(context.Context) (*jumpcloudtest.Server, *aadtest.Server, error) {
		p := federationtest.NewProvider(2, nil)
		return p.JumpCloud, p.Customers[0].AzureAD, nil
	}},
	{"quirks", func(context.Context) (*jumpcloudtest.Server, *aadtest.Server, error) {
		e := federationtest.New(&federationtest.Options{DefaultDomain: true})
		e.AzureAD.Quirks.WrapEntities, e.AzureAD.Quirks.EmptyList, e.AzureAD.Quirks.PrincipalNames = true, true, true
		e.JumpCloud.Quirks.StringTotals, e.JumpCloud.Quirks.NoTotals, e.JumpCloud.Quirks.EmptyNotFound = true, true, true
		return e.JumpCloud, e.AzureAD, nil
	}},
}

// recordShape asks a shape everything, and returns what was answered and the recording.
func recordShape(t *testing.T, jcs *jumpcloudtest.Server, ads *aadtest.Server) (string, *recording.Recording) {
	rec := recording.New()
	v := &interview{ctx: t.Context(), now: time.Now(),
		jc: jcs.Client(&jumpcloud.Options{Wrap: rec.Transport, ReadOnly: true}), ad: ads.Client(&aad.Options{Wrap: rec.Transport, ReadOnly: true})}
	live := v.hold()
	r, text := written(t, rec)
	if found := found(text); len(found) > 0 {
		t.Errorf("a canary is in it: %+v", found)
	}
	return live, r
}

// replayed returns what a recording answers to the same questions.
func replayed(t *testing.T, r *recording.Recording) string {
	jc, ad := clients(t, r)
	v := &interview{ctx: t.Context(), jc: jc, ad: ad, now: r.Exchanges[0].At}
	return v.hold()
}

// TestAnswersStay: what the fakes answer to a question is answered in the replay too: as many
// things, and the same errors, of whatever shape the services are.
func TestAnswersStay(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jcs, ads, err := s.make(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				live, r := recordShape(t, jcs, ads)
				if strings.Count(live, "\n") < 50 || strings.Contains(live, "was not asked") {
					t.Errorf("the services were asked too little:\n%s", live)
				}
				again := replayed(t, r)
				if diff := cmp.Diff(outline(live), outline(again)); diff != "" {
					t.Errorf("(-live +replayed)\n%s", diff)
				}
				if *anew {
					save(t, s.name, r)
				}
			})
		})
	}
}

// outline is what an interview says without who is who.
func outline(s string) (out []string) {
	for line := range strings.Lines(s) {
		if rest, ok := strings.CutPrefix(line, "\t"); ok { // of an answer with several lines: what kind of finding it is
			if word, _, ok := strings.Cut(rest, " "); ok && word != "" && word[0] >= 'a' {
				out = append(out, word)
			}
			continue
		}
		question, answer, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if !strings.HasPrefix(answer, "error") && !strings.HasSuffix(answer, "in all") && answer != "was not asked" {
			answer = "…"
		}
		out = append(out, question+": "+answer)
	}
	return out
}

func save(t *testing.T, name string, r *recording.Recording) {
	f, err := os.Create(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReplays: every recording in testdata answers what it answered when its golden file was read: the
// typed clients read it, and this library judges it. Another recording is put beside them; -update then writes
// its golden file, which is to be read before it is committed.
func TestReplays(t *testing.T) {
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) < 5 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, err := os.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				r, err := recording.Read(f)
				if err != nil {
					t.Fatal(err)
				}
				got := replayed(t, r)
				golden := strings.TrimSuffix(name, ".json") + ".golden"
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
					t.Errorf("(-golden +replayed)\n%s", diff)
				}
			})
		})
	}
}
