package signin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

// verdict is the short form of a verdict: what, code, and topic and result of the
// check that decides.
func verdict(v *signin.Verdict) string {
	s := v.Accepted.String()
	if v.Code != "" {
		s += " " + strings.TrimPrefix(v.Code, "AADSTS")
	}
	for _, r := range []signin.Result{signin.Bad, signin.Unknown, signin.Doubtful} {
		if c := v.First(r); c != nil {
			return s + ": " + string(c.Topic) + " " + r.String()
		}
	}
	return s
}

// TestTenant judges one good message in many tenants.
func TestTenant(t *testing.T) {
	type T = signin.Tenant
	disabled := false
	fed := func(t *T) *aad.Federation { return t.Domains[0].Federation }
	user := func(t *T, upn string) {
		u := ann()
		u.UserPrincipalName = upn
		t.User = signin.Users(u)
	}
	for _, test := range []struct {
		name string
		m    func(*maker)
		edit func(*T)
		want string
	}{
		{"as it is", nil, nil, "yes"},
		{"response signed, too", func(m *maker) { m.response = true }, nil, "yes"},
		{"only the response signed", func(m *maker) { m.response, m.unsigned = true, true }, nil, "no 500081: signature bad"},
		{"not signed", func(m *maker) { m.unsigned = true }, nil, "no 500081: signature bad"},
		{"next key", func(m *maker) { m.by = keys().next }, nil, "yes"},
		{"another key", func(m *maker) { m.by = keys().foreign }, nil, "no 5000811: signature bad"},
		{"renewed certificate of the key", func(m *maker) { m.by = keys().renewed }, nil, "yes"},
		{"expired certificate", nil, func(t *T) { fed(t).SigningCertificate = keys().expired.cert }, "yes: signature doubtful"},
		{"SHA-1", func(m *maker) { m.method = dsig.RSASHA1SignatureMethod }, nil, "yes: signature doubtful"},
		{"SHA-512", func(m *maker) { m.method = dsig.RSASHA512SignatureMethod }, nil, "cannot say: signature unknown"},
		{"inclusive canonicalization", func(m *maker) { m.canon = dsig.MakeC14N10RecCanonicalizer() }, nil, "cannot say: signature unknown"},
		{"canonicalization 1.1", func(m *maker) { m.canon = dsig.MakeC14N11Canonicalizer() }, nil, "cannot say: signature unknown"},
		{"no certificate", nil, func(t *T) {
			fed(t).SigningCertificate, fed(t).NextSigningCertificate = certs.Cert{}, certs.Cert{}
		}, "cannot say: signature unknown"},
		{"only the next certificate", func(m *maker) { m.by = keys().next }, func(t *T) { fed(t).SigningCertificate = certs.Cert{} }, "yes"},
		{"one certificate unreadable, other key", func(m *maker) { m.by = keys().foreign }, func(t *T) {
			fed(t).NextSigningCertificate, fed(t).RawNextSigningCertificate = certs.Cert{}, "?"
		}, "cannot say: signature unknown"},
		{"one certificate unreadable, right key", nil, func(t *T) {
			fed(t).NextSigningCertificate, fed(t).RawNextSigningCertificate = certs.Cert{}, "?"
		}, "yes"},

		{"no domains", nil, func(t *T) { t.Domains = nil }, "cannot say: realm unknown"},
		{"managed", nil, func(t *T) { t.Domains[0].Federation = nil }, "no 50107: realm bad"},
		{"another issuer", nil, func(t *T) { fed(t).IssuerURI += "/" }, "no 50107: realm bad"},
		{"the issuer of a subdomain as well", nil, func(t *T) { t.Domains[1].Federation = fed(t) }, "yes"},
		{"the issuer of two domains", nil, func(t *T) { t.Domains[2].Federation = fed(t) }, "cannot say: realm unknown"},
		{"configured for WS-Federation", nil, func(t *T) { fed(t).Protocol = aad.WSFed }, "no 50107: protocol bad"},
		{"configured for nothing known", nil, func(t *T) { fed(t).Protocol = "oidc" }, "cannot say: protocol unknown"},
		{"WS-Federation, configured for SAML", func(m *maker) { m.xml = token }, nil, "no 500085: protocol bad"},

		{"another cloud", nil, func(t *T) { t.Cloud = aad.USGovL4 }, "yes: recipient doubtful"},

		{"no look-up", nil, func(t *T) { t.User = nil }, "cannot say: user unknown"},
		{"nobody", nil, func(t *T) { t.User = signin.Users() }, "no 51004: user bad"},
		{"look-up fails", nil, func(t *T) {
			t.User = func(string) (*aad.User, error) { return nil, errors.New("no network") }
		}, "cannot say: user unknown"},
		{"look-up wraps", nil, func(t *T) {
			t.User = func(string) (*aad.User, error) { return nil, fmt.Errorf("page 2: %w", aad.ErrNotFound) }
		}, "no 51004: user bad"},
		{"look-up says nothing", nil, func(t *T) {
			t.User = func(string) (*aad.User, error) { return nil, nil }
		}, "cannot say: user unknown"},
		{"lenient look-up", nil, func(t *T) {
			t.User = func(string) (*aad.User, error) {
				return &aad.User{UserPrincipalName: "ann@example.com", ImmutableID: strings.ToUpper(annID)}, nil
			}
		}, "no 51004: user bad"},
		{"two users", nil, func(t *T) { t.User = signin.Users(ann(), ann()) }, "cannot say: user unknown"},
		{"three users", nil, func(t *T) { t.User = signin.Users(ann(), ann(), ann()) }, "cannot say: user unknown"},
		{"encoded as the page asks", func(m *maker) { m.before = nameID("a.2Bb.3D") }, func(t *T) {
			t.User = signin.Users(&aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "a+b="})
		}, "cannot say: user unknown"},
		{"encoded, and nobody", func(m *maker) { m.before = nameID("a.2Bb.3D") }, nil, "no 51004: user bad"},
		{"a point and two digits", func(m *maker) { m.before = nameID("a.2Bb") }, func(t *T) {
			t.User = signin.Users(&aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "a.2Bb"})
		}, "yes"},
		{"disabled", nil, func(t *T) {
			u := ann()
			u.Enabled = &disabled
			t.User = signin.Users(u)
		}, "cannot say: user unknown"},
		{"another UPN", nil, func(t *T) { user(t, "ann.new@example.com") }, "yes: user doubtful"},

		{"subdomain", nil, func(t *T) { user(t, "ann@sub.example.com") }, "yes: user doubtful"},
		{"promoted subdomain", nil, func(t *T) {
			t.Domains[1].Root = "sub.example.com"
			user(t, "ann@sub.example.com")
		}, "no 5000820: policy bad"},
		{"another domain", nil, func(t *T) { user(t, "ann@example.org") }, "no 5000820: policy bad"},
		{"another domain, default policy", nil, func(t *T) { t.Policy = nil; user(t, "ann@example.org") }, "no 5000820: policy bad"},
		{"another domain, no policy", nil, func(t *T) {
			t.Policy.RootDomains = aad.NoDomains
			user(t, "ann@example.org")
		}, "yes: user doubtful"},
		{"managed domain, policy for federated", nil, func(t *T) {
			t.Policy.RootDomains = aad.AllFederatedDomains
			user(t, "ann@example.org")
		}, "yes: user doubtful"},
		{"managed domain, policy for managed", nil, func(t *T) {
			t.Policy.RootDomains = aad.AllManagedDomains
			user(t, "ann@example.org")
		}, "no 5000820: policy bad"},
		{"listed domain", nil, func(t *T) {
			*t.Policy = aad.TokenValidationPolicy{RootDomains: aad.EnumeratedDomains, DomainNames: []string{"Example.org"}}
			user(t, "ann@example.org")
		}, "no 5000820: policy bad"},
		{"domain that is not listed", nil, func(t *T) {
			*t.Policy = aad.TokenValidationPolicy{RootDomains: aad.EnumeratedDomains, DomainNames: []string{"example.net"}}
			user(t, "ann@example.org")
		}, "yes: user doubtful"},
		{"managed or listed", nil, func(t *T) {
			*t.Policy = aad.TokenValidationPolicy{RootDomains: aad.AllManagedAndEnumeratedFederation}
			user(t, "ann@example.org")
		}, "no 5000820: policy bad"},
		{"promoted below a listed domain", nil, func(t *T) {
			*t.Policy = aad.TokenValidationPolicy{RootDomains: aad.EnumeratedDomains, DomainNames: []string{"example.com"}}
			t.Domains[1].Root = "sub.example.com"
			user(t, "ann@sub.example.com")
		}, "cannot say: policy unknown"},
		{"policy of a new kind", nil, func(t *T) { t.Policy.RootDomains = "some" }, "cannot say: policy unknown"},
		{"domain that is not known", nil, func(t *T) { user(t, "ann@example.net") }, "cannot say: policy unknown"},
		{"root that is not known", nil, func(t *T) {
			t.Domains[2].Root = ""
			user(t, "ann@example.org")
		}, "cannot say: policy unknown"},
		{"own root not known", nil, func(t *T) { t.Domains[0].Root = "" }, "yes"},

		{"enforced", nil, func(t *T) { fed(t).MFA = aad.EnforceMFAByFederatedIdP }, "yes: mfa doubtful"},
		{"enforced and demanded", nil, func(t *T) { fed(t).MFA, t.MFA = aad.EnforceMFAByFederatedIdP, signin.Yes }, "no: mfa bad"},
		{"enforced and not demanded", nil, func(t *T) { fed(t).MFA, t.MFA = aad.EnforceMFAByFederatedIdP, signin.No }, "yes"},
		{"enforced, demanded and shown", func(m *maker) { m.before = multiple }, func(t *T) {
			fed(t).MFA, t.MFA = aad.EnforceMFAByFederatedIdP, signin.Yes
		}, "yes"},
		{"accepted and demanded", nil, func(t *T) { t.MFA = signin.Yes }, "yes"},
		{"rejected and demanded", nil, func(t *T) { fed(t).MFA, t.MFA = aad.RejectMFAByFederatedIdP, signin.Yes }, "yes"},
		{"behaviour not known, demanded", nil, func(t *T) { fed(t).MFA, t.MFA = "", signin.Yes }, "cannot say: mfa unknown"},
		{"behaviour not known", nil, func(t *T) { fed(t).MFA = "" }, "yes: mfa doubtful"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, ten := good(), tenant(aad.SAML)
			if test.m != nil {
				test.m(&m)
			}
			if test.edit != nil {
				test.edit(&ten)
			}
			v := judge(t, m.make(t), ten)
			if got := verdict(v); got != test.want {
				t.Errorf("%s; want %s\n%s", got, test.want, list(v))
			}
			if v.Attack != "" {
				t.Errorf("told to be an attack: %s", v.Attack)
			}
			if (v.User != nil) != (v.Accepted == signin.Yes) {
				t.Errorf("user %v with %v", v.User, v.Accepted)
			}
		})
	}
}

func nameID(id string) func(*etree.Element) {
	return func(root *etree.Element) { find(root, "Assertion/Subject/NameID").SetText(id) }
}

func multiple(root *etree.Element) {
	find(root, "Assertion/AuthnStatement/AuthnContext/AuthnContextClassRef").SetText("http://schemas.microsoft.com/claims/multipleauthn")
}

// TestWSFed: what counts in WS-Federation and not in SAML 2.0.
func TestWSFed(t *testing.T) {
	ten := tenant(aad.WSFed)
	if v := judge(t, good11().make(t), ten); v.Accepted != signin.Yes || v.First(signin.Doubtful) != nil || v.User.ID != "1" {
		t.Errorf("%v\n%s", v, list(v))
	}
	ten.Domains[0].Federation.Protocol = aad.SAML
	if v := judge(t, good11().make(t), ten); v.Code != "AADSTS500085" {
		t.Errorf("configured for SAML: %v", v)
	}
}

// TestUnproved: what no valid signature covers is told as such, and nobody's name
// with it.
func TestUnproved(t *testing.T) {
	m := good()
	m.by = keys().foreign
	v := judge(t, m.make(t), tenant(aad.SAML))
	topics := make(map[signin.Topic]bool)
	for _, c := range v.Checks {
		topics[c.Topic] = true
		if own := c.Topic == signin.TopicSignature || strings.HasPrefix(c.Found, "how it was sent"); c.Unproved == own {
			t.Errorf("%s %q: unproved is %v", c.Topic, c.Found, c.Unproved)
		}
		if strings.Contains(c.Found+c.Want, "ann@") {
			t.Errorf("%q tells of a user", c.Found)
		}
	}
	if len(topics) != 11 {
		t.Errorf("%d topics are told; want all 11", len(topics))
	}
	// Of a good message, only what is outside of the assertion.
	for _, c := range judge(t, good().make(t), tenant(aad.SAML)).Checks {
		outside := strings.Contains(c.Found, "Response/") || c.Topic == signin.TopicMessage && !strings.HasPrefix(c.Found, "how it was sent")
		if c.Unproved != outside {
			t.Errorf("%s %q: unproved is %v", c.Topic, c.Found, c.Unproved)
		}
	}
	m = good()
	m.response = true
	for _, c := range judge(t, m.make(t), tenant(aad.SAML)).Checks {
		if c.Unproved {
			t.Errorf("unproved although the response is signed: %s %q", c.Topic, c.Found)
		}
	}
}

// TestOrder: the checks are told in the order of the topics, and the first bad
// one gives the code.
func TestOrder(t *testing.T) {
	m := good()
	m.by = keys().foreign
	m.before = func(root *etree.Element) {
		find(root, "Assertion/Conditions/AudienceRestriction/Audience").SetText("urn:x")
		find(root, "Assertion/Subject/NameID").SetText("nobody")
	}
	v := signin.Judge(m.make(t), tenant(aad.SAML), now.Add(24*time.Hour))
	var bad []string
	order := []signin.Topic{signin.TopicMessage, signin.TopicRealm, signin.TopicProtocol, signin.TopicSignature, signin.TopicLifetime,
		signin.TopicAudience, signin.TopicRecipient, signin.TopicSubject, signin.TopicUser, signin.TopicMFA, signin.TopicPolicy}
	at := 0
	for _, c := range v.Checks {
		for at < len(order) && order[at] != c.Topic {
			at++
		}
		if at == len(order) {
			t.Fatalf("%s is told behind a later topic\n%s", c.Topic, list(v))
		}
		if c.Result == signin.Bad {
			bad = append(bad, c.Code)
		}
		if c.Result != signin.Good && c.Found == "" {
			t.Errorf("%s says nothing", c.Topic)
		}
	}
	want := []string{"AADSTS5000811", "AADSTS500089", "AADSTS50010", "AADSTS51004"}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if v.Code != want[0] {
		t.Errorf("the code is %s", v.Code)
	}
}

// TestForms: an immutable ID from elsewhere is recognised.
func TestForms(t *testing.T) {
	for id, want := range map[string]string{
		annID: "JumpCloud", "3q2+796tvu/erb7v3q2+7w==": "GUID in base64", "ann@example.com": "e-mail",
		"ZGVhZGJlZWYtZGVhZC1iZWVmLWRlYWQtYmVlZmRlYWRiZWVm": "GUID's text", "deadbeef-dead-beef-dead-beefdeadbeef": "form of a GUID",
		" x": "white space", "12345": "",
	} {
		m := good()
		m.before = func(root *etree.Element) { find(root, "Assertion/Subject/NameID").SetText(id) }
		v := judge(t, m.make(t), tenant(aad.SAML))
		for _, c := range v.Checks {
			if c.Topic == signin.TopicSubject && c.Result == signin.Good && !strings.Contains(c.Found, want) {
				t.Errorf("%q: %s; want %q", id, c.Found, want)
			}
		}
	}
}

func TestTenantJSON(t *testing.T) {
	fed, err := json.Marshal(tenant(aad.SAML).Domains[0].Federation)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"cloud": "public", "domains": [{"name": "example.com", "root": "example.com", "federation": ` + string(fed) + `}],
		"policy": {"validatingDomains": {"rootDomains": "allFederated"}}, "mfa": "no",
		"users": [{"userPrincipalName": "ann@example.com", "onPremisesImmutableId": "` + annID + `"}]}`
	var ten signin.Tenant
	if err := json.Unmarshal([]byte(text), &ten); err != nil {
		t.Fatal(err)
	}
	v := judge(t, good().make(t), ten)
	if v.Accepted != signin.Yes || ten.MFA != signin.No || ten.Policy.RootDomains != aad.AllFederatedDomains {
		t.Errorf("%v\n%s", v, list(v))
	}
	for bad, says := range map[string]string{
		`{"cloud": "moon"}`:  "moon",
		`{"mfa": "perhaps"}`: "perhaps",
		`{"domains": [{}]}`:  "no name",
		`[]`:                 "array",
		`{"usres": []}`:      `"usres"`,
		`{"domains": [{"name": "a.example", "rot": ""}]}`: `"rot"`,
		`{"users": [{"userPrincipalName": 1}]}`:           "user 1",
	} {
		if err := json.Unmarshal([]byte(bad), &ten); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want an error that says %s", bad, err, says)
		}
	}
	// What Graph gives besides is no mistake.
	err = json.Unmarshal([]byte(`{"users": [{"@odata.type": "#microsoft.graph.user", "givenName": "Ann", "onPremisesImmutableId": "a"},
		null]}`), &ten)
	if err != nil {
		t.Error(err)
	} else if _, err := ten.User("a"); err != nil {
		t.Error(err)
	}
	ten = signin.Tenant{}
	if err := json.Unmarshal([]byte(`{}`), &ten); err != nil || ten.User != nil {
		t.Errorf("%v; without users nobody is to be looked up", err)
	}
	b, err := json.Marshal(signin.Judge(nil, ten, now))
	if err != nil || !strings.Contains(string(b), `"accepted":"cannot say"`) || !strings.Contains(string(b), `"result":"unknown"`) {
		t.Errorf("%s, %v", b, err)
	}
}
