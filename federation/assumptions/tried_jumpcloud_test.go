package assumptions_test

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// jc is a turn of a quirk of JumpCloud.
func jc(name, shows string, f func(*jumpcloudtest.Quirks)) turn {
	return turn{"jumpcloudtest." + name, func(b *bench) { f(&b.JumpCloud.Quirks) }, shows}
}

// jcThrottled is JumpCloud that refuses the second request of three seconds.
func jcThrottled(shows string, style jumpcloudtest.RetryAfterStyle) turn {
	return turn{"jumpcloudtest.Throttle.Style", func(b *bench) {
		b.JumpCloud.Throttle = &jumpcloudtest.Throttle{Rate: 0.4, Burst: 1, Style: style}
	}, shows}
}

var jumpCloudTrials = map[string]trial{
	"jc-empty-key": {writesBack, "200: the same certificate, which signs", []turn{
		jc("Quirks.EmptyKey", "200: the same certificate, which does not sign", func(q *jumpcloudtest.Quirks) { q.EmptyKey = jumpcloudtest.LoseKey }),
		jc("Quirks.EmptyKey", "200: another certificate, which signs", func(q *jumpcloudtest.Quirks) { q.EmptyKey = jumpcloudtest.RenewCertificate }),
	}},
	"jc-delete-status": {deletes, "200 with the application", []turn{
		jc("Quirks.DeleteStatus", "204 with nothing", func(q *jumpcloudtest.Quirks) { q.DeleteStatus = http.StatusNoContent }),
	}},
	"jc-group-names": {makesGroup, "201, 2 of the name", []turn{
		jc("Quirks.UniqueGroupNames", "409, 1 of the name", func(q *jumpcloudtest.Quirks) { q.UniqueGroupNames = true }),
	}},
	"jc-entity-ids": {makesApplication, "200, urn:uri:example.com", []turn{
		jc("Quirks.UniqueEntityIDs", "400, no second application", func(q *jumpcloudtest.Quirks) { q.UniqueEntityIDs = true }),
		jc("Quirks.AlterEntityIDs", "200, urn:uri:example.com/ID", func(q *jumpcloudtest.Quirks) { q.AlterEntityIDs = true }),
	}},
	"jc-certificate-lag": {renews, "signs with new; at once application new, metadata new; later new, new", []turn{
		jc("Quirks.CertificateLag", "signs with new; at once application old, metadata new; later new, new", func(q *jumpcloudtest.Quirks) {
			q.CertificateLag = jumpcloudtest.Lag{For: time.Minute}
		}),
		jc("Quirks.MetadataLag", "signs with new; at once application new, metadata old; later new, new", func(q *jumpcloudtest.Quirks) {
			q.MetadataLag = jumpcloudtest.Lag{For: time.Minute}
		}),
		jc("Quirks.KeepOldKey", "signs with old; at once application new, metadata new; later new, new", func(q *jumpcloudtest.Quirks) { q.KeepOldKey = true }),
	}},
	"jc-assertion": {asserts, "signed, made in 0s, over in 10m0s, PasswordProtectedTransport, IDPEmail: signed in", []turn{
		jc("SignInQuirks.Lifetime", "signed, made in 0s, over in 5m0s, PasswordProtectedTransport, IDPEmail: signed in", func(q *jumpcloudtest.Quirks) {
			q.SignIn.Lifetime = 5 * time.Minute
		}),
		jc("SignInQuirks.AuthnContext", "signed, made in 0s, over in 10m0s, unspecified, IDPEmail: signed in", func(q *jumpcloudtest.Quirks) {
			q.SignIn.AuthnContext = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
		}),
		jc("SignInQuirks.ImmutableIDAttribute", "signed, made in 0s, over in 10m0s, PasswordProtectedTransport, IDPEmail, ImmutableID: signed in",
			func(q *jumpcloudtest.Quirks) { q.SignIn.ImmutableIDAttribute = true }),
		jc("SignInQuirks.ClockSkew", "signed, made in 10m0s, over in 20m0s, PasswordProtectedTransport, IDPEmail: AADSTS500089", func(q *jumpcloudtest.Quirks) {
			q.SignIn.ClockSkew = 10 * time.Minute
		}),
	}},
	"jc-unexported": {unexported, string(jumpcloudtest.NoImmutableID) + ", nothing sent", []turn{
		jc("SignInQuirks.NameUnexported", "signed in, an assertion sent", func(q *jumpcloudtest.Quirks) { q.SignIn.NameUnexported = true }),
	}},
	"jc-event-failures": {fails, "sso_auth_failed", []turn{
		jc("SignInQuirks.Failures", "sso_auth with success false", func(q *jumpcloudtest.Quirks) { q.SignIn.Failures = jumpcloudtest.SuccessFlag }),
		jc("SignInQuirks.Failures", "no event", func(q *jumpcloudtest.Quirks) { q.SignIn.Failures = jumpcloudtest.NotTold }),
	}},
	"jc-wsfed": {asksWSFed, string(jumpcloudtest.BadRequest) + ", WS-Federation false", []turn{
		jc("SignInQuirks.WSFed", "AADSTS500085, WS-Federation true", func(q *jumpcloudtest.Quirks) { q.SignIn.WSFed = true }),
	}},
	"jc-retry-after": {jcHurries, `429, Retry-After "3"`, []turn{
		jcThrottled(`429, Retry-After "2.500"`, jumpcloudtest.FractionalSeconds),
		jcThrottled(`429, Retry-After "Sat, 01 Jan 2000 01:00:03 GMT"`, jumpcloudtest.HTTPDate),
		jcThrottled(`429, Retry-After ""`, jumpcloudtest.NoRetryAfter),
	}},
	"jc-suspected-abuse": {isRefused, "429, throttled true", []turn{
		{"jumpcloudtest.SuspectedAbuse", func(b *bench) {
			b.JumpCloud.Fault = func(*http.Request) jumpcloudtest.Fault { return jumpcloudtest.SuspectedAbuse() }
		}, "403, throttled true"},
	}},
}

// rewrite writes the application as it is read, but for what edit makes of its settings.
func (b *bench) rewrite(edit func(config map[string]map[string]any)) reply {
	b.t.Helper()
	path := "/api/applications/" + b.app
	var app map[string]any
	var settings struct{ Config map[string]map[string]any }
	text := []byte(b.jumpCloud("GET", path, "").text)
	if err := errors.Join(json.Unmarshal(text, &app), json.Unmarshal(text, &settings)); err != nil {
		b.t.Fatal(err)
	}
	edit(settings.Config)
	app["config"] = settings.Config
	body, err := json.Marshal(app)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.jumpCloud("PUT", path, string(body))
}

func writesBack(b *bench) string {
	before, _ := b.JumpCloud.Application(b.app)
	r := b.rewrite(func(map[string]map[string]any) {})
	after, _ := b.JumpCloud.Application(b.app)
	which, does := "another certificate", "signs"
	if after.Certificate == before.Certificate {
		which = "the same certificate"
	}
	if b.JumpCloud.Signer(b.app) == nil {
		does = "does not sign"
	}
	return fmt.Sprintf("%d: %s, which %s", r.status, which, does)
}

func deletes(b *bench) string {
	r := b.jumpCloud("DELETE", "/api/applications/"+b.app, "")
	if _, ok := b.JumpCloud.Application(b.app); ok {
		return "it is still there"
	}
	if strings.Contains(r.text, b.app) {
		return fmt.Sprint(r.status, " with the application")
	}
	return fmt.Sprint(r.status, " with nothing", r.text)
}

func makesGroup(b *bench) string {
	r, n := b.jumpCloud("POST", "/api/v2/usergroups", `{"name":"Everyone"}`), 0
	for _, g := range b.JumpCloud.Groups() {
		if g.Name == "Everyone" {
			n++
		}
	}
	return fmt.Sprintf("%d, %d of the name", r.status, n)
}

func makesApplication(b *bench) string {
	r := b.jumpCloud("POST", "/api/applications", `{"active":true,"name":"office365","displayLabel":"Another","ssoUrl":"`+loginURL+`-2",`+
		`"config":{"idpEntityId":{"value":"`+issuer+`"}}}`)
	for _, a := range b.JumpCloud.Applications() {
		if a.ID != b.app {
			return fmt.Sprintf("%d, %s", r.status, strings.ReplaceAll(a.EntityID, a.ID, "ID"))
		}
	}
	return fmt.Sprint(r.status, ", no second application")
}

// renews writes the pair of an application of somebody else's.
func renews(b *bench) string {
	var elsewhere jumpcloudtest.Server
	elsewhere.AddApplication(jumpcloud.Office365Template, "First", "urn:uri:first.example", loginURL) // has the key of b.app
	id := elsewhere.AddApplication(jumpcloud.Office365Template, "Other", "urn:uri:other.example", loginURL+"-2")
	other, _ := elsewhere.Application(id)
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(elsewhere.Signer(id).(*rsa.PrivateKey))})
	r := b.rewrite(func(config map[string]map[string]any) {
		config["idpCertificate"]["value"], config["idpPrivateKey"]["value"] = other.Certificate.PEM(), key // in base64
	})
	if r.status != http.StatusOK {
		b.t.Fatal(r)
	}
	age := map[bool]string{true: "new", false: "old"}
	signs := age[other.Certificate.X509().PublicKey.(*rsa.PublicKey).Equal(b.JumpCloud.Signer(b.app).Public())]
	show := func() (application, metadata string) {
		a, err := b.JumpCloud.Client(nil).Application(b.t.Context(), b.app)
		if err != nil {
			b.t.Fatal(err)
		}
		cert, err := a.Certificate()
		if err != nil {
			b.t.Fatal(err)
		}
		m, err := b.JumpCloud.Client(nil).Metadata(b.t.Context(), b.JumpCloud.OrgID(), b.app)
		if err != nil {
			b.t.Fatal(err)
		}
		return age[cert == other.Certificate], age[m.SigningCerts[0] == other.Certificate]
	}
	app, metadata := show()
	time.Sleep(2 * time.Minute)
	laterApp, laterMetadata := show()
	return fmt.Sprintf("signs with %s; at once application %s, metadata %s; later %s, %s", signs, app, metadata, laterApp, laterMetadata)
}

var (
	instant  = regexp.MustCompile(`IssueInstant="([^"]+)"`)
	end      = regexp.MustCompile(`NotOnOrAfter="([^"]+)"`)
	class    = regexp.MustCompile(`AuthnContextClassRef>[^<]*:([A-Za-z]+)<`)
	attrName = regexp.MustCompile(`<saml:Attribute Name="(?:[^"]*/)?([^"/]+)"`)
)

func asserts(b *bench) string {
	walk := b.signIn("", "")
	raw, err := base64.StdEncoding.DecodeString(walk.Posted.Get("SAMLResponse"))
	if err != nil || len(raw) == 0 {
		b.t.Fatalf("%v\n%v", err, walk)
	}
	text := string(raw)
	first := func(re *regexp.Regexp) string { return append(re.FindStringSubmatch(text), "", "")[1] }
	in := func(re *regexp.Regexp) string {
		at, err := time.Parse(time.RFC3339, first(re))
		if err != nil {
			return err.Error()
		}
		return time.Until(at).Round(time.Second).String()
	}
	seen := []string{"not signed", "made in " + in(instant), "over in " + in(end), first(class)}
	if strings.Contains(text, "SignatureValue>") {
		seen[0] = "signed"
	}
	for _, name := range attrName.FindAllStringSubmatch(text, -1) {
		seen = append(seen, name[1])
	}
	return strings.Join(seen, ", ") + ": " + ended(walk)
}

func unexported(b *bench) string {
	b.JumpCloud.Unbind(b.object(jumpcloud.DirectoryObject, b.Directory), b.object(jumpcloud.UserObject, b.ada))
	walk := b.signIn("", "")
	if walk.Posted == nil {
		return ended(walk) + ", nothing sent"
	}
	return ended(walk) + ", an assertion sent"
}

func fails(b *bench) string {
	if walk := b.signIn("", "wrong"); walk.Refusal != jumpcloudtest.WrongPassword {
		b.t.Fatalf("%v", walk)
	}
	var seen []string
	for e, err := range b.JumpCloud.Client(nil).Events(b.t.Context(), jumpcloud.EventsOptions{From: time.Now().Add(-time.Hour)}) {
		if err != nil {
			b.t.Fatal(err)
		}
		says := e.Type
		if e.Success != nil {
			says += fmt.Sprint(" with success ", *e.Success)
		}
		seen = append(seen, says)
	}
	return cmp.Or(strings.Join(seen, ", "), "no event")
}

func asksWSFed(b *bench) string {
	walk := b.signIn(loginURL+"?wa=wsignin1.0&wtrealm=urn%3Afederation%3AMicrosoftOnline&wctx=", "")
	return fmt.Sprintf("%s, WS-Federation %t", ended(walk), walk.Posted.Has("wresult"))
}

func jcHurries(b *bench) string {
	if b.JumpCloud.Throttle == nil {
		jcThrottled("", jumpcloudtest.WholeSeconds).turn(b)
	}
	if r := b.jumpCloud("GET", "/api/applications", ""); r.status != http.StatusOK {
		b.t.Fatal(r)
	}
	r := b.jumpCloud("GET", "/api/applications", "")
	return fmt.Sprintf("%d, Retry-After %q", r.status, r.header.Get("Retry-After"))
}

// isRefused is what comes when JumpCloud has had too much, and what a client takes it for
// that does not wait.
func isRefused(b *bench) string {
	if b.JumpCloud.Fault == nil {
		jcHurries(b)
	}
	r := b.jumpCloud("GET", "/api/applications", "")
	_, err := b.JumpCloud.Client(&jumpcloud.Options{MaxWait: time.Second}).Application(b.t.Context(), b.app)
	return fmt.Sprintf("%d, throttled %t", r.status, errors.Is(err, jumpcloud.ErrThrottled))
}
