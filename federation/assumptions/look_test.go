package assumptions_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// world is an environment in which everything that can be read is there: a domain that
// is to be federated, one that is already, and a subdomain of that.
type world struct {
	*federationtest.Env
	t      *testing.T
	app    string // of the federated domain
	domain string // that a look is about

	jc jumpcloud.Options
	ad aad.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Env: federationtest.New(&federationtest.Options{Users: 5}), t: t, domain: "example.com"}
	w.AzureAD.PageSize = 4
	w.app = w.AddFederated("fed.example")
	who := federationtest.Person{UserName: w.AzureAD.Users()[len(w.AzureAD.Users())-1].UserPrincipalName}
	if walk, err := w.Browser().SignIn(t.Context(), who); err != nil || walk.SignedIn == "" {
		t.Fatalf("nobody has signed in: %v\n%v", err, walk)
	}
	w.ResetLog()
	return w
}

// look looks at the world with clients that could write, and demands that nothing was.
func (w *world) look() (*assumptions.Findings, error) {
	w.t.Helper()
	var watch assumptions.Watch
	w.jc.Wrap, w.ad.Wrap = watch.JumpCloud, watch.AzureAD
	w.ResetLog()
	f, err := assumptions.Look(w.t.Context(), &watch, w.JumpCloud.Client(&w.jc), w.AzureAD.Client(&w.ad), w.domain)
	if n := w.Writes(); n != 0 {
		w.t.Errorf("%d writes", n)
	}
	if n := w.Requests(); n > assumptions.MaxRequests || n != f.Requests {
		w.t.Errorf("%d requests, of which %d were told", n, f.Requests)
	}
	return f, err
}

func (w *world) answer(id string) assumptions.Answer {
	w.t.Helper()
	f, err := w.look()
	if err != nil {
		w.t.Fatal(err)
	}
	return of(w.t, f, id)
}

func of(t *testing.T, f *assumptions.Findings, id string) assumptions.Answer {
	t.Helper()
	i := slices.IndexFunc(f.Answers, func(a assumptions.Answer) bool { return a.ID == id })
	if i < 0 {
		t.Fatalf("there is no answer to %s", id)
	}
	return f.Answers[i]
}

// TestHolds: on the stand-ins as they are, every readable assumption holds, and what is
// not readable could not be told.
func TestHolds(t *testing.T) {
	f, err := newWorld(t).look()
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Answers) != len(assumptions.All()) {
		t.Fatalf("%d answers", len(f.Answers))
	}
	for i, a := range assumptions.All() {
		got, want := f.Answers[i], assumptions.Holds
		if a.Kind != assumptions.Readable {
			want = assumptions.CouldNotTell
		}
		if got.ID != a.ID || got.Result != want || got.Seen == "" {
			t.Errorf("%s: %s (%s); want %s of %s", got.ID, got.Result, got.Seen, want, a.ID)
		}
	}
	if f.Advice() != "" || f.Unseen() != 0 || f.Requests < 30 {
		t.Errorf("advice %q, %d not seen, %d requests", f.Advice(), f.Unseen(), f.Requests)
	}
	t.Logf("%d requests", f.Requests)
}

const (
	safe   = assumptions.SafeToGoOn
	set    = assumptions.SetOption
	notYet = assumptions.DoNotFederate
)

// means has what each readable assumption means if it differs, by knob where they differ.
var means = map[string]assumptions.Advice{
	"jc-template-name": set, "jc-template-keys": set, "jc-template-defaults": notYet, "jc-template-login-url": set, "jc-list-config": notYet,
	"jc-certificate-form": safe, "jc-certificate-dates": safe, "jc-metadata-endpoints": notYet,
	"jc-metadata-certificate jumpcloudtest.Shapes.NextInMetadata": safe, "jc-metadata-certificate jumpcloudtest.Quirks.MetadataLag": notYet,
	"jc-metadata-entity-id": notYet, "jc-metadata-type": safe, "jc-metadata-org": safe, "jc-404-body": safe, "jc-events": safe, "jc-clock": notYet,
	"jc-list-office365s": safe, "jc-directory-grant": notYet, "jc-directory-domains": notYet, "jc-total-number": safe, "jc-total-header": safe,
	"jc-sync-status": safe, "jc-external-id": notYet, "jc-immutable-id": notYet, "jc-group-method": set,

	"aad-managed-404": safe, "aad-managed-404-text": safe, "aad-domain-list": notYet, "aad-federation-list": notYet, "aad-bare-entities": safe,
	"aad-empty-list": safe, "aad-policy": safe, "aad-permissions": safe, "aad-realm-userrealm": safe, "aad-realm-srf": safe,
	"aad-realm-graph": notYet, "aad-realm-protocol": safe, "aad-saml-auth-url": set, "aad-subdomain": safe, "aad-throttle-headers": safe,
	"aad-clock": set, "aad-ends-with": notYet, "aad-starts-with": notYet, "aad-counts": safe, "aad-next-link": notYet, "aad-role-expand": set,
	"aad-principal-names": safe, "aad-sign-in-log": safe, "aad-sign-in-protocol": safe,
}

// TestDiffers: with each of its knobs turned, each readable assumption differs, and what
// that means is told. What is not readable has no knob that shows here.
func TestDiffers(t *testing.T) {
	for _, a := range assumptions.All() {
		if a.Kind != assumptions.Readable {
			if err := new(federationtest.Env).Turn(a.ID, ""); err == nil {
				t.Errorf("%s is not readable, and there is a knob that is turned", a.ID)
			}
			continue
		}
		for _, knob := range a.Knobs {
			t.Run(a.ID+"/"+knob, func(t *testing.T) {
				w := newWorld(t)
				if err := w.Turn(a.ID, knob); err != nil {
					t.Fatal(err)
				}
				got, want := w.answer(a.ID), cmp.Or(means[a.ID+" "+knob], means[a.ID])
				if got.Result != assumptions.Differs || got.Advice != want || got.Seen == "" {
					t.Errorf("%s, %q (%s); want that it differs, %q", got.Result, got.Advice, got.Seen, want)
				}
				if !strings.HasPrefix(got.Means(), strings.Fields(string(want))[0]) {
					t.Errorf("it means %q", got.Means())
				}
			})
		}
	}
}

// TestDoubleTrouble: what another difference makes of an answer.
func TestDoubleTrouble(t *testing.T) {
	w := newWorld(t)
	w.AzureAD.Quirks.NoUserRealm, w.AzureAD.Quirks.Shapes.NoGetUserRealm = true, true
	if a := w.answer("aad-realm-userrealm"); a.Result != assumptions.Differs || a.Advice != notYet {
		t.Errorf("no realm endpoint: %s, %q (%s)", a.Result, a.Advice, a.Seen)
	}
	w = newWorld(t)
	w.domain = "other.example"
	const instead = "the tenant does not have the domain other.example: contoso.onmicrosoft.com was looked at instead"
	if a := w.answer("aad-domain-list"); a.Result != assumptions.CouldNotTell || a.Seen != instead {
		t.Errorf("a domain that the tenant does not have: %s (%s)", a.Result, a.Seen)
	}
	if a := w.answer("aad-bare-entities"); a.Result != assumptions.Holds {
		t.Errorf("a domain that the tenant does not have, %s: %s (%s)", a.ID, a.Result, a.Seen)
	}
	if err := w.Turn("aad-policy", "aadtest.Quirks.HalfState"); err == nil {
		t.Error("another's knob was turned")
	}
}
