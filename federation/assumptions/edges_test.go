package assumptions_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestNothingThere: where there is nothing to look at, that is why it could not be told.
func TestNothingThere(t *testing.T) {
	w := &world{t: t}
	jc, ad := new(jumpcloudtest.Server), new(aadtest.Server)
	var watch assumptions.Watch
	f, err := assumptions.Look(t.Context(), &watch, jc.Client(&jumpcloud.Options{Wrap: watch.JumpCloud}), ad.Client(&aad.Options{Wrap: watch.AzureAD}), "")
	if err != nil {
		t.Fatal(err)
	}
	for id, says := range map[string]string{
		"jc-certificate-form": "no application", "jc-metadata-entity-id": "no application", "jc-external-id": "no Microsoft 365 directory",
		"jc-group-method": "no group", "aad-federation-list": "no domain of the tenant is federated", "aad-saml-auth-url": "federated by SAML",
		"aad-subdomain": "no subdomain", "aad-role-expand": "nobody has the role", "aad-starts-with": "nobody's name",
		"aad-next-link": "fit on one page", "aad-sign-in-protocol": "nobody has signed in",
	} {
		if a := of(w.t, f, id); a.Result != assumptions.CouldNotTell || !strings.Contains(a.Seen, says) || a.Means() == "" {
			t.Errorf("%s: %s (%s), %q", id, a.Result, a.Seen, a.Means())
		}
	}
	for _, a := range f.Answers {
		if a.Result == assumptions.Differs || a.Seen == "it was not asked" {
			t.Errorf("%s: %s (%s)", a.ID, a.Result, a.Seen)
		}
	}
	if f.Count(assumptions.Holds) < 15 || jc.Writes()+ad.Writes() != 0 {
		t.Errorf("%d hold, %d writes", f.Count(assumptions.Holds), jc.Writes()+ad.Writes())
	}
}

// TestDenied: what the credentials may not read is told with what they lack, and is no
// error.
func TestDenied(t *testing.T) {
	w := newWorld(t)
	w.JumpCloud.Scopes = []string{"organizations.readonly", "applications.readonly"}
	var watch assumptions.Watch
	ad := w.AzureAD.ClientWith(w.AzureAD.Credential("Domain.Read.All"), &aad.Options{Wrap: watch.AzureAD})
	f, err := assumptions.Look(t.Context(), &watch, w.JumpCloud.Client(&jumpcloud.Options{Wrap: watch.JumpCloud}), ad, w.domain)
	if err != nil {
		t.Fatal(err)
	}
	for id, says := range map[string]string{
		"jc-template-name": "applicationtemplates.readonly", "jc-directory-grant": "directories.readonly", "jc-group-method": "groups.readonly",
		"aad-managed-404": "Domain-InternalFederation.Read.All", "aad-ends-with": "User.Read.All", "aad-role-expand": "RoleManagement.Read.Directory",
		"aad-policy": "Policy.Read.All", "aad-sign-in-log": "AuditLog.Read.All",
	} {
		if a := of(t, f, id); a.Result != assumptions.CouldNotTell || !strings.Contains(a.Seen, says) {
			t.Errorf("%s: %s (%s)", id, a.Result, a.Seen)
		}
	}
	if a := of(t, f, "aad-permissions"); a.Result != assumptions.Holds || !strings.Contains(a.Seen, "User.Read.All") {
		t.Errorf("%s (%s)", a.Result, a.Seen)
	}
}

// TestOneServiceLost: of a service that cannot be asked the error tells, and the other
// one is asked all the same.
func TestOneServiceLost(t *testing.T) {
	for name, tt := range map[string]struct {
		trouble func(*world)
		is      error
		lost    string // unknown
		remains string // holds
	}{
		"a wrong key":    {func(w *world) { w.JumpCloud.APIKey = "another" }, jumpcloud.ErrUnauthenticated, "jc-404-body", "aad-policy"},
		"another region": {func(w *world) { w.JumpCloud.Region = jumpcloud.EU; w.jc.Region = jumpcloud.US }, jumpcloud.ErrUnauthenticated, "jc-events", "aad-policy"},
		"no token": {func(w *world) {
			w.AzureAD.Fault = func(*http.Request) aadtest.Fault { return aadtest.Fault{Kind: aadtest.TooManyBare, Status: 401} }
		}, aad.ErrUnauthenticated, "aad-policy", "jc-404-body"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key := "jumpcloudtest"
			var watch assumptions.Watch
			w.jc.Wrap, w.jc.HTTPClient = watch.JumpCloud, w.JumpCloud.HTTPClient()
			tt.trouble(w)
			jc, err := jumpcloud.New(key, &w.jc)
			if err != nil {
				t.Fatal(err)
			}
			f, err := assumptions.Look(t.Context(), &watch, jc, w.AzureAD.Client(&aad.Options{Wrap: watch.AzureAD}), w.domain)
			if !errors.Is(err, tt.is) {
				t.Errorf("error = %v", err)
			}
			if a := of(t, f, tt.lost); a.Result != assumptions.CouldNotTell || a.Seen == "it was not asked" {
				t.Errorf("%s: %s (%s)", a.ID, a.Result, a.Seen)
			}
			if a := of(t, f, tt.remains); a.Result != assumptions.Holds {
				t.Errorf("%s: %s (%s)", a.ID, a.Result, a.Seen)
			}
		})
	}
}

// noLogin is a network that does not reach Microsoft's login service.
type noLogin struct{ http.RoundTripper }

var errUnreachable = errors.New("no route to host")

func (n noLogin) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "userrealm") {
		return nil, errUnreachable
	}
	return n.RoundTripper.RoundTrip(r)
}

// TestNoLogin: Microsoft's login service has a host of its own. That it cannot be asked is
// an error as well, and what Graph answers is told.
func TestNoLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var watch assumptions.Watch
		wrap := func(next http.RoundTripper) http.RoundTripper { return watch.AzureAD(noLogin{next}) }
		f, err := assumptions.Look(t.Context(), &watch, w.JumpCloud.Client(&jumpcloud.Options{Wrap: watch.JumpCloud}),
			w.AzureAD.Client(&aad.Options{Wrap: wrap}), w.domain)
		if !errors.Is(err, errUnreachable) {
			t.Errorf("error = %v", err)
		}
		if a := of(t, f, "aad-realm-graph"); a.Result != assumptions.CouldNotTell {
			t.Errorf("%s: %s (%s)", a.ID, a.Result, a.Seen)
		}
		for _, id := range []string{"aad-policy", "jc-404-body"} {
			if a := of(t, f, id); a.Result != assumptions.Holds {
				t.Errorf("%s: %s (%s)", a.ID, a.Result, a.Seen)
			}
		}
	})
}

// TestServiceAccount: what asks for a token is counted, and is no write.
func TestServiceAccount(t *testing.T) {
	w := newWorld(t)
	var watch assumptions.Watch
	jc := w.JumpCloud.ServiceAccount(&jumpcloud.Options{ReadOnly: true, Wrap: watch.JumpCloud})
	f, err := assumptions.Look(t.Context(), &watch, jc, w.AzureAD.Client(&aad.Options{ReadOnly: true, Wrap: watch.AzureAD}), w.domain)
	if err != nil || f.Unseen() != 0 || f.Count(assumptions.Differs) != 0 || f.Requests != w.Requests() || w.Writes() != 0 {
		t.Errorf("%v, %d of %d requests, %d writes\n%v", err, f.Requests, w.Requests(), w.Writes(), f)
	}
}

// TestBudget: services that fail at every other request are asked no more often, and the
// rest could not be told.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		fails := func(r *http.Request) bool {
			return !strings.HasSuffix(r.URL.Path, "/domains") && r.URL.Path != "/api/organizations"
		}
		w.AzureAD.Fault = func(r *http.Request) (f aadtest.Fault) {
			if fails(r) {
				f.Kind = aadtest.Error500Before
			}
			return f
		}
		f, err := w.look() // which counts
		if err != nil {
			t.Fatal(err)
		}
		if f.Requests != assumptions.MaxRequests {
			t.Errorf("%d requests", f.Requests)
		}
		if a := of(t, f, "jc-events"); a.Result != assumptions.CouldNotTell || !strings.Contains(a.Seen, "60 requests") {
			t.Errorf("%s (%s)", a.Result, a.Seen)
		}
	})
}

// TestNotWatched: clients that the watch does not see, a watch that is in use, and what is
// missing are told.
func TestNotWatched(t *testing.T) {
	w := newWorld(t)
	var watch, other assumptions.Watch
	jc, ad := w.JumpCloud.Client(&jumpcloud.Options{Wrap: watch.JumpCloud}), w.AzureAD.Client(&aad.Options{Wrap: watch.AzureAD})
	for name, look := range map[string]func() (*assumptions.Findings, error){
		"neither": func() (*assumptions.Findings, error) { return assumptions.Look(t.Context(), &other, jc, ad, "") },
		"JumpCloud's not": func() (*assumptions.Findings, error) {
			return assumptions.Look(t.Context(), &watch, w.JumpCloud.Client(nil), ad, "")
		},
		"Azure AD's not": func() (*assumptions.Findings, error) {
			return assumptions.Look(t.Context(), &watch, jc, w.AzureAD.Client(nil), "")
		},
	} {
		if f, err := look(); err == nil || !strings.Contains(err.Error(), "not made with the Watch") || len(f.Answers) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f, err := assumptions.Look(t.Context(), nil, jc, ad, ""); err == nil || f == nil || f.Count(assumptions.Holds) != 0 {
		t.Errorf("without a watch: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var inner error
	w.AzureAD.OnRequest = func(*http.Request) {
		_, inner = assumptions.Look(t.Context(), &watch, jc, ad, "")
		w.AzureAD.OnRequest = nil
		cancel()
	}
	if f, err := assumptions.Look(ctx, &watch, jc, ad, ""); !errors.Is(err, context.Canceled) || f.Count(assumptions.Differs) != 0 {
		t.Errorf("a look that was ended: %v", err)
	}
	if inner == nil || !strings.Contains(inner.Error(), "in use") {
		t.Errorf("a second look: %v", inner)
	}
	if f, err := assumptions.Look(t.Context(), &watch, jc, ad, w.domain); err != nil || f.Unseen() != 0 {
		t.Errorf("afterwards: %v\n%v", err, f)
	}
}

// TestNoWrites: what would write does not reach a service, whatever the client allows.
func TestNoWrites(t *testing.T) {
	w := newWorld(t)
	var watch assumptions.Watch
	jc, ad := w.JumpCloud.Client(&jumpcloud.Options{Wrap: watch.JumpCloud}), w.AzureAD.Client(&aad.Options{Wrap: watch.AzureAD})
	synctest.Test(t, func(t *testing.T) { // the client repeats what did not reach a service
		for name, write := range map[string]func(context.Context) error{
			"PUT":    func(ctx context.Context) error { return ad.SetManaged(ctx, w.Domain) },
			"POST":   func(ctx context.Context) error { _, err := jc.CreateGroup(ctx, jumpcloud.Group{Name: "g"}); return err },
			"DELETE": func(ctx context.Context) error { return jc.DeleteApplication(ctx, w.app) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if err := write(ctx); err == nil || !strings.Contains(err.Error(), "lets no write through") {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
		}
	})
	if w.Writes() != 0 || w.Requests() != 0 {
		t.Errorf("%d writes, %d requests", w.Writes(), w.Requests())
	}
}
