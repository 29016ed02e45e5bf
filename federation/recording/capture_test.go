package recording_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// canaryCertificate is somebody's.
var canaryCertificate = func() certs.Cert {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	name := pkix.Name{CommonName: "Zebulon Quackenbush", Organization: []string{"quackfabrik"}}
	t := &x509.Certificate{SerialNumber: big.NewInt(0x5eba11deadbeef), Subject: name, NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(2e9, 0),
		EmailAddresses: []string{"zebulon@quackfabrik-graz.com"}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		panic(err)
	}
	return c
}()

func certificateParts() []string {
	text := canaryCertificate.Base64()
	return []string{"zebulon", "quackenbush", "quackfabrik", strings.ToLower(text[48:88]), strings.ToLower(text[len(text)-60 : len(text)-20])}
}

// answered is an exchange of the fakes as it was.
type answered struct {
	req    *http.Request
	status int
	header http.Header
	body   []byte
}

// collector keeps what goes through it: one exchange of each kind.
type collector struct {
	base http.RoundTripper
	mu   *sync.Mutex
	seen map[string]answered
}

var anyID = regexp.MustCompile(`[0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[^/]+(@|%40)[^/?]+|skip=\d+`)

func (c collector) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(b))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[fmt.Sprintf("%s %s %d", r.Method, anyID.ReplaceAllString(r.URL.String(), "x"), resp.StatusCode)] = answered{r, resp.StatusCode, resp.Header.Clone(), b}
	return resp, err
}

// captured returns an exchange of every kind that both fakes have.
func captured(t *testing.T) []answered {
	t.Helper()
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	ctx := federationtest.Hurry(t.Context())
	if _, err := env.Federator(nil).Federate(ctx, env.Plan()); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Browser().SignIn(ctx, federationtest.Person{UserName: "ada.abbott@" + env.Domain}); err != nil {
		t.Fatal(err)
	}
	env.JumpCloud.AddTranslationRule(env.Directory, "user_department")
	c := collector{mu: new(sync.Mutex), seen: make(map[string]answered)}
	wrap := func(base http.RoundTripper) http.RoundTripper { c.base = base; return collector{base, c.mu, c.seen} }
	v := &interview{ctx: ctx, jc: env.JumpCloud.Client(&jumpcloud.Options{Wrap: wrap}), ad: env.AzureAD.Client(&aad.Options{Wrap: wrap}), now: time.Now()}
	v.hold()
	for _, ask := range []func() error{ // errors of every kind
		func() error { _, err := v.ad.Domain(ctx, "nobody.example"); return err },
		func() error { _, err := v.ad.User(ctx, "nobody@nobody.example"); return err },
		func() error { return v.ad.SetDefaultDomain(ctx, env.Domain) },
		func() error { _, err := v.jc.Application(ctx, "ffffffffffffffffffffffff"); return err },
		func() error { return v.jc.AddGroupMember(ctx, "ffffffffffffffffffffffff", "ffffffffffffffffffffffff") },
	} {
		if err := ask(); err == nil {
			t.Error("no error")
		}
	}
	if _, err := v.ad.Realm(ctx, "nobody.example"); err != nil {
		t.Error(err)
	}
	var out []answered
	for _, key := range slices.Sorted(maps.Keys(c.seen)) {
		out = append(out, c.seen[key])
	}
	if len(out) < 30 {
		t.Fatalf("only %d exchanges", len(out))
	}
	return out
}

// plant replaces every value of a JSON document by value, whatever it was, adds members that nobody knows, and
// leaves no more than two elements of each list.
func plant(doc any, value any) any {
	switch d := doc.(type) {
	case map[string]any:
		out := map[string]any{"Quackenbush": value, fmt.Sprint(value): value, "displayName": value, "zebulonsThings": map[string]any{"id": value}}
		for k, v := range d {
			out[k] = plant(v, value)
		}
		return out
	case []any:
		out := []any{value}
		for i := range min(len(d), 2) {
			out = append(out, plant(d[i], value))
		}
		return out
	}
	return value
}

// plantText is plant for the JSON or XML of an answer.
func plantText(t *testing.T, body []byte, value any) []byte {
	t.Helper()
	var doc any
	if json.Unmarshal(body, &doc) == nil {
		return mustJSON(plant(doc, value))
	}
	if bytes.HasPrefix(body, []byte("<")) {
		text := escape(fmt.Sprint(value))
		body = regexp.MustCompile(`="[^"]*"`).ReplaceAllFunc(body, func(b []byte) []byte { return []byte(`="` + text + `"`) })
		body = regexp.MustCompile(`>[^<]+<`).ReplaceAllFunc(body, func(b []byte) []byte { return []byte(`>` + text + `<`) })
		return body
	}
	return []byte(fmt.Sprint(value))
}
