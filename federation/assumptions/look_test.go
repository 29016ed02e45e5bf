package assumptions_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
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

const federated = "fed.example"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Env: federationtest.New(&federationtest.Options{Users: 5}), t: t, domain: "example.com"}
	w.AzureAD.PageSize = 4
	w.AzureAD.AddDomain(federated)
	w.app = w.JumpCloud.AddApplication("office365", "Microsoft 365", "urn:uri:"+federated, "https://sso.jumpcloud.com/saml2/fed-example")
	a, _ := w.JumpCloud.Application(w.app)
	w.AzureAD.SetFederation(federated, aad.Federation{
		DisplayName: federated, IssuerURI: "urn:uri:" + federated, PassiveSignInURI: a.SSOURL, SignOutURI: jumpcloud.US.UserConsole(),
		Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: a.Certificate,
	})
	w.AzureAD.AddDomain("sub."+federated, func(d *aad.Domain) { d.AuthenticationType = aad.Federated })
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

// differing is an assumption whose knob is turned.
type differing struct {
	turn   func(*world)
	advice assumptions.Advice
}

// template returns an edit of the template that replaces old, which must be there.
func template(old, new string) func(*world) {
	return func(w *world) {
		if !strings.Contains(template365, old) {
			w.t.Fatalf("the template has no %s", old)
		}
		w.JumpCloud.SetTemplate(strings.Replace(template365, old, new, 1))
	}
}

// template365 is a template of Microsoft 365 as it is assumed to be.
const template365 = `{"name":"office365","displayName":"Microsoft 365","ssoUrl":"https://sso.jumpcloud.com/saml2/office365","sso":{"type":"saml"},
"config":{"idpEntityId":{"value":""},"idpPrivateKey":{"value":""},"idpCertificate":{"value":""},"spEntityId":{"value":"urn:federation:MicrosoftOnline"},
"acsUrl":{"value":"https://login.microsoftonline.com/login.srf"},"signAssertion":{"value":true}}}`

func (w *world) bound() (ids []string) {
	for _, u := range w.JumpCloud.Users() {
		ids = append(ids, u.ID)
	}
	return ids
}

func jcQuirk(f func(*jumpcloudtest.Quirks)) func(*world) {
	return func(w *world) { f(&w.JumpCloud.Quirks) }
}

func adQuirk(f func(*aadtest.Quirks)) func(*world) { return func(w *world) { f(&w.AzureAD.Quirks) } }

const (
	safe   = assumptions.SafeToGoOn
	set    = assumptions.SetOption
	notYet = assumptions.DoNotFederate
)

// turns has, for each readable assumption, each of its knobs.
var turns = map[string]map[string]differing{
	"jc-template-name":     {"jumpcloudtest.Server.RemoveTemplate": {func(w *world) { w.JumpCloud.RemoveTemplate("office365") }, set}},
	"jc-template-keys":     {"jumpcloudtest.Server.SetTemplate": {template(`"idpEntityId":`, `"entityId":`), set}},
	"jc-template-defaults": {"jumpcloudtest.Server.SetTemplate": {template("urn:federation:MicrosoftOnline", "urn:other"), notYet}},
	"jc-template-login-url": {
		"jumpcloudtest.Server.SetTemplate": {template("https://sso.jumpcloud.com/saml2/office365", "office365"), set},
	},
	"jc-list-config":       {"jumpcloudtest.Shapes.ListsWithoutConfig": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.ListsWithoutConfig = true }), notYet}},
	"jc-certificate-form":  {"jumpcloudtest.Shapes.CertificateDER": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.CertificateDER = true }), safe}},
	"jc-certificate-dates": {"jumpcloudtest.Quirks.OmitUpdatedAt": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.OmitUpdatedAt = true }), safe}},
	"jc-metadata-endpoints": {"jumpcloudtest.Shapes.MetadataLocation": {
		jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.MetadataLocation = "https://sso.example/other" }), notYet,
	}},
	"jc-metadata-certificate": {
		"jumpcloudtest.Shapes.NextInMetadata": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.NextInMetadata = true }), safe},
		"jumpcloudtest.Quirks.MetadataLag": {func(w *world) {
			w.JumpCloud.RegenerateCertificate(w.app)
			w.JumpCloud.Quirks.MetadataLag = jumpcloudtest.Lag{For: time.Hour}
		}, notYet},
	},
	"jc-metadata-entity-id": {"jumpcloudtest.Shapes.MetadataEntityID": {
		jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.MetadataEntityID = "jumpcloud" }), notYet,
	}},
	"jc-metadata-type":     {"jumpcloudtest.Quirks.MetadataType": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.MetadataType = "text/plain" }), safe}},
	"jc-metadata-org":      {"jumpcloudtest.Quirks.RequireMetadataOrg": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.RequireMetadataOrg = true }), set}},
	"jc-404-body":          {"jumpcloudtest.Quirks.EmptyNotFound": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.EmptyNotFound = true }), safe}},
	"jc-events":            {"jumpcloudtest.Shapes.NoEvents": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.NoEvents = true }), safe}},
	"jc-clock":             {"jumpcloudtest.Shapes.ClockAhead": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.ClockAhead = -7 * time.Minute }), notYet}},
	"jc-list-office365s":   {"jumpcloudtest.Quirks.ListOffice365s": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.ListOffice365s = true }), safe}},
	"jc-directory-domains": {"jumpcloudtest.Shapes.NoDirectoryDomains": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.NoDirectoryDomains = true }), notYet}},
	"jc-total-number":      {"jumpcloudtest.Quirks.StringTotals": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.StringTotals = true }), safe}},
	"jc-total-header":      {"jumpcloudtest.Quirks.NoTotals": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.NoTotals = true }), safe}},
	"jc-sync-status":       {"jumpcloudtest.Shapes.NoSyncStatus": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.NoSyncStatus = true }), safe}},
	"jc-group-method":      {"jumpcloudtest.Shapes.NoMembershipMethod": {jcQuirk(func(q *jumpcloudtest.Quirks) { q.Shapes.NoMembershipMethod = true }), set}},
	"jc-directory-grant": {"jumpcloudtest.Server.SetOAuth": {func(w *world) {
		w.JumpCloud.SetOAuth(w.Directory, jumpcloud.OAuthStatus{Error: "invalid_grant", Message: "AADSTS70008"})
	}, notYet}},
	"jc-external-id": {"jumpcloudtest.Server.BindUser": {func(w *world) {
		for _, id := range w.bound() {
			w.JumpCloud.BindUser(w.Directory, id, "11111111-0000-4000-8000-"+id[12:])
		}
	}, notYet}},
	"jc-immutable-id": {"aadtest.Server.EditUser": {func(w *world) {
		for _, u := range w.AzureAD.Users() {
			w.AzureAD.EditUser(u.ID, func(u *aad.User) { u.ImmutableID = "another of " + u.ID[:8] })
		}
	}, notYet}},

	"aad-managed-404":      {"aadtest.Quirks.EmptyList": {adQuirk(func(q *aadtest.Quirks) { q.EmptyList = true }), safe}},
	"aad-managed-404-text": {"aadtest.Quirks.PlainNotFound": {adQuirk(func(q *aadtest.Quirks) { q.PlainNotFound = true }), safe}},
	"aad-domain-list": {
		"aadtest.Server.ListLag": {func(w *world) { w.domain, w.AzureAD.ListLag = federated, aadtest.Lag{For: time.Hour} }, notYet},
		"aadtest.Server.GetLag":  {func(w *world) { w.domain, w.AzureAD.GetLag = federated, aadtest.Lag{For: time.Hour} }, notYet},
	},
	"aad-federation-list": {"aadtest.Shapes.ListsWithoutCertificates": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.ListsWithoutCertificates = true }), notYet}},
	"aad-bare-entities":   {"aadtest.Quirks.WrapEntities": {adQuirk(func(q *aadtest.Quirks) { q.WrapEntities = true }), safe}},
	"aad-empty-list":      {"aadtest.Quirks.NullLists": {adQuirk(func(q *aadtest.Quirks) { q.NullLists = true }), safe}},
	"aad-policy": {
		"aadtest.Quirks.NoPolicy":   {adQuirk(func(q *aadtest.Quirks) { q.NoPolicy = true }), safe},
		"aadtest.Quirks.PolicyList": {adQuirk(func(q *aadtest.Quirks) { q.PolicyList = true }), safe},
	},
	"aad-permissions":     {"aadtest.Server.OpaqueTokens": {func(w *world) { w.AzureAD.OpaqueTokens = true }, safe}},
	"aad-realm-userrealm": {"aadtest.Quirks.NoUserRealm": {adQuirk(func(q *aadtest.Quirks) { q.NoUserRealm = true }), safe}},
	"aad-realm-srf": {
		"aadtest.Quirks.RealmXML":       {adQuirk(func(q *aadtest.Quirks) { q.RealmXML = true }), safe},
		"aadtest.Shapes.NoGetUserRealm": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoGetUserRealm = true }), safe},
	},
	"aad-realm-graph":    {"aadtest.Server.RealmLag": {func(w *world) { w.AzureAD.RealmLag = time.Hour }, notYet}},
	"aad-realm-protocol": {"aadtest.Shapes.NoRealmProtocol": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoRealmProtocol = true }), safe}},
	"aad-saml-auth-url": {"aadtest.Quirks.SAMLAuthURL": {adQuirk(func(q *aadtest.Quirks) {
		q.SAMLAuthURL = func(_, user string) string { return "https://login.microsoftonline.com/saml?u=" + user }
	}), set}},
	"aad-subdomain":        {"aadtest.Quirks.SubdomainShowsParent": {adQuirk(func(q *aadtest.Quirks) { q.SubdomainShowsParent = true }), safe}},
	"aad-throttle-headers": {"aadtest.Shapes.NoResourceUnits": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoResourceUnits = true }), safe}},
	"aad-clock":            {"aadtest.Shapes.ClockAhead": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.ClockAhead = 10 * time.Minute }), set}},
	"aad-ends-with":        {"aadtest.Shapes.NoEndsWith": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoEndsWith = true }), notYet}},
	"aad-starts-with":      {"aadtest.Shapes.NoStartsWith": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoStartsWith = true }), notYet}},
	"aad-counts":           {"aadtest.Shapes.NoCounts": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoCounts = true }), safe}},
	"aad-next-link":        {"aadtest.Quirks.NextLinkHost": {adQuirk(func(q *aadtest.Quirks) { q.NextLinkHost = "graph.example" }), notYet}},
	"aad-role-expand":      {"aadtest.Shapes.NoPrincipals": {adQuirk(func(q *aadtest.Quirks) { q.Shapes.NoPrincipals = true }), set}},
	"aad-principal-names":  {"aadtest.Quirks.PrincipalNames": {adQuirk(func(q *aadtest.Quirks) { q.PrincipalNames = true }), safe}},
	"aad-sign-in-log":      {"aadtest.Quirks.NoPremium": {adQuirk(func(q *aadtest.Quirks) { q.NoPremium = true }), safe}},
	"aad-sign-in-protocol": {"aadtest.Quirks.BareSignIns": {adQuirk(func(q *aadtest.Quirks) { q.BareSignIns = true }), safe}},
}

// TestDiffers: with a knob turned, each readable assumption differs, and what that means
// is told. Each of its knobs is turned; what is not readable has none that shows here.
func TestDiffers(t *testing.T) {
	for _, a := range assumptions.All() {
		if a.Kind != assumptions.Readable {
			if turns[a.ID] != nil {
				t.Errorf("%s is not readable, and has a knob that is turned", a.ID)
			}
			continue
		}
		for _, knob := range a.Knobs {
			d, ok := turns[a.ID][knob]
			if !ok {
				t.Errorf("%s: %s is not turned", a.ID, knob)
				continue
			}
			t.Run(a.ID+"/"+knob, func(t *testing.T) {
				w := newWorld(t)
				d.turn(w)
				got := w.answer(a.ID)
				if got.Result != assumptions.Differs || got.Advice != d.advice || got.Seen == "" {
					t.Errorf("%s, %q (%s); want that it differs, %q", got.Result, got.Advice, got.Seen, d.advice)
				}
				if !strings.HasPrefix(got.Means(), strings.Fields(string(d.advice))[0]) {
					t.Errorf("it means %q", got.Means())
				}
			})
		}
		if len(turns[a.ID]) != len(a.Knobs) {
			t.Errorf("%s has %d knobs, and %d that are turned", a.ID, len(a.Knobs), len(turns[a.ID]))
		}
	}
}
