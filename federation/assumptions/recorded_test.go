package assumptions_test

import (
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/recording"
	"github.com/jcaad/jcaad/jumpcloud"
)

// otherwise are the answers that a recording may change: times in it are shifted, texts that
// people write are left out, and what a look makes up to ask for has another name in it.
var otherwise = map[string]bool{"aad-clock": true, "jc-404-body": true, "aad-empty-list": true, "aad-starts-with": true}

// TestRecorded: a look over a recording of a look says the same.
func TestRecorded(t *testing.T) {
	w := newWorld(t)
	w.domain = ""
	rec := recording.New()
	w.jc.HTTPClient, w.ad.HTTPClient = w.JumpCloud.HTTPClient(), w.AzureAD.HTTPClient()
	w.jc.HTTPClient.Transport, w.ad.HTTPClient.Transport = rec.Transport(w.jc.HTTPClient.Transport), rec.Transport(w.ad.HTTPClient.Transport)
	before, err := w.look()
	if err != nil {
		t.Fatal(err)
	}
	var watch assumptions.Watch
	replay := rec.Recording().HTTPClient()
	jc, err := jumpcloud.New("key", &jumpcloud.Options{ReadOnly: true, Wrap: watch.JumpCloud, HTTPClient: replay})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := aad.New(w.AzureAD.Credential(), &aad.Options{ReadOnly: true, Wrap: watch.AzureAD, HTTPClient: replay})
	if err != nil {
		t.Fatal(err)
	}
	after, err := assumptions.Look(t.Context(), &watch, jc, ad, "")
	if err != nil {
		t.Error(err)
	}
	for i, a := range before.Answers {
		if b := after.Answers[i]; a.Result != b.Result && !otherwise[a.ID] {
			t.Errorf("%s: %s (%s); recorded: %s (%s)", a.ID, a.Result, a.Seen, b.Result, b.Seen)
		}
	}
}
