package recording_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/federation/recording"
	"github.com/jcaad/jcaad/jumpcloud"
)

// recorded returns a Federator over an environment whose clients are recorded.
func recorded(env *federationtest.Env, rec *recording.Recorder) *federation.Federator {
	return federation.New(
		env.JumpCloud.Client(&jumpcloud.Options{Wrap: rec.Transport, ReadOnly: true}),
		env.AzureAD.Client(&aad.Options{Wrap: rec.Transport, ReadOnly: true}), nil)
}

// clients returns clients that a recording answers.
func clients(t *testing.T, rec *recording.Recording) (*jumpcloud.Client, *aad.Client) {
	t.Helper()
	client := rec.HTTPClient()
	jc, err := jumpcloud.New("replay", &jumpcloud.Options{HTTPClient: client, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := aad.New(new(aadtest.Server).Credential(), &aad.Options{HTTPClient: client, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return jc, ad
}

// written returns the recording as Read reads what WriteTo has written.
func written(t *testing.T, rec *recording.Recorder) (*recording.Recording, string) {
	t.Helper()
	var b bytes.Buffer
	n, err := rec.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo = %d, %v; %d bytes were written", n, err, b.Len())
	}
	text := b.String()
	r, err := recording.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return r, text
}

// TestRecordedDomain: the state of a domain that this library has federated is the same in the
// recording, and nobody's name is in it.
func TestRecordedDomain(t *testing.T) {
	env := federationtest.New(nil)
	if _, err := env.Federator(nil).Federate(federationtest.Hurry(t.Context()), env.Plan()); err != nil {
		t.Fatal(err)
	}
	rec := recording.New()
	want, err := recorded(env, rec).Inspect(t.Context(), env.Domain)
	if err != nil {
		t.Fatal(err)
	}
	r, text := written(t, rec)
	for _, real := range []string{env.Domain, "ada.", "abbott", "contoso", env.Directory, env.JumpCloud.OrgID(), "example-com"} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(real)) {
			t.Errorf("the recording holds %q", real)
		}
	}
	jc, ad := clients(t, r)
	f := federation.New(jc, ad, &federation.Options{Now: func() time.Time { return r.Exchanges[0].At }})
	domain := ""
	for d, err := range ad.Domains(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !d.IsInitial {
			domain = d.Name
		}
	}
	got, err := f.Inspect(t.Context(), domain)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != want.State || got.Next != want.Next || domain == env.Domain {
		t.Errorf("%s: state %s, next %s; want %s, %s", domain, got.State, got.Next, want.State, want.Next)
	}
	if len(rec.Remains()) < 20 {
		t.Errorf("only %d values remain", len(rec.Remains()))
	}
}

// TestNotRecorded: what was not asked for is 501, with what was asked for.
func TestNotRecorded(t *testing.T) {
	r := &recording.Recording{Version: recording.Version}
	resp, err := r.HTTPClient().Get("https://graph.microsoft.com/v1.0/domains?$top=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	if resp.StatusCode != http.StatusNotImplemented || !strings.Contains(b.String(), "GET https://graph.microsoft.com/v1.0/domains?$top=1") {
		t.Errorf("%d %s", resp.StatusCode, b.String())
	}
}
