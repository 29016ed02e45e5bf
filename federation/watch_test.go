package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

var sha256Form = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// masked is what is told, with what is other at each run masked.
func masked(w interface{ String() string }) string {
	return sha256Form.ReplaceAllString(federation.Stable(w.String()), "<SHA-256>")
}

// TestWatchDays: every threshold, by the clock of the options; the first day after the
// end is -1.
func TestWatchDays(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		end := r.JumpCloud.Applications()[0].Certificate.X509().NotAfter
		for _, tt := range []struct {
			left  time.Duration
			days  int
			level federation.Severity
			says  string
		}{
			{900 * day, 900, "", ""},
			{61 * day, 61, "", ""},
			{60*day + time.Hour, 60, federation.Info, "60 days left"},
			{60 * day, 60, federation.Info, "60 days left"},
			{31 * day, 31, federation.Info, "31 days left"},
			{30 * day, 30, federation.Warning, "30 days left"},
			{8 * day, 8, federation.Warning, "it takes some hours"},
			{7 * day, 7, federation.Warning, "today"},
			{2 * day, 2, federation.Warning, "today"},
			{2*day - time.Second, 1, federation.Alarm, "1 day left"},
			{day, 1, federation.Alarm, "1 day left"},
			{day - time.Second, 0, federation.Alarm, "less than a day left"},
			{0, 0, federation.Alarm, "less than a day left"},
			{-time.Second, -1, federation.Alarm, "has ended on"},
			{-day, -1, federation.Alarm, "has ended on"},
			{-day - time.Second, -2, federation.Alarm, "has ended on"},
		} {
			opts := r.opts()
			opts.Now = func() time.Time { return end.Add(-tt.left) }
			w, err := r.Federator(opts).Watch(t.Context(), r.Plan())
			if err != nil {
				t.Fatal(err)
			}
			if w.Days != tt.days || w.Level != tt.level || !strings.Contains(w.String(), tt.says) || (tt.says == "") != (len(w.Findings) == 0) {
				t.Errorf("%v before the end: %d days, level %q, want %d and %q with %q:\n%s", tt.left, w.Days, w.Level, tt.days, tt.level, tt.says, w)
			}
			if !w.JumpCloudExpires.Equal(end) || !w.AzureADExpires.Equal(end) || !w.Checked.Equal(end.Add(-tt.left)) || w.Phase != federation.RotationIdle {
				t.Errorf("%v before the end: %+v", tt.left, w)
			}
		}
	})
}

// TestWatch: what it finds, in 5 requests that write nothing.
func TestWatch(t *testing.T) {
	type code = federation.Code
	var files []string
	const info, warning, alarm = federation.Info, federation.Warning, federation.Alarm
	slots := func(edit func(r *rotation, f *aad.Federation)) func(*testing.T, *rotation) {
		return func(_ *testing.T, r *rotation) {
			f, _ := r.AzureAD.Federation(r.Domain)
			edit(r, &f)
			r.AzureAD.SetFederation(r.Domain, f)
		}
	}
	store := func(t *testing.T, r *rotation) certs.Cert {
		k := pairOf(t, 1, time.Now())
		if err := r.keys.Save(t.Context(), r.Domain, k); err != nil {
			t.Fatal(err)
		}
		return k.Cert()
	}
	calls := func(n int) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			store(t, r)
			for range n {
				if err := r.rotate(t); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Until(r.last.NotBefore))
			}
		}
	}
	days := func(make func(*testing.T, *rotation), n int) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			make(t, r)
			time.Sleep(time.Duration(n) * 24 * time.Hour)
		}
	}
	for _, tt := range []struct {
		name   string
		make   func(*testing.T, *rotation)
		state  federation.State
		phase  federation.RotationPhase
		level  federation.Severity
		codes  []code
		says   string
		golden bool
		noKeys bool
		fewer  int // requests that are not needed
	}{
		{name: "idle", state: federation.StateFederated, phase: federation.RotationIdle, golden: true},
		{name: "saved", make: func(t *testing.T, r *rotation) { store(t, r) }, state: federation.StateFederated, phase: federation.RotationSaved},
		{name: "published", make: calls(1), state: federation.StateUnknownNext, phase: federation.RotationPublished},
		{name: "published without a store", make: calls(1), noKeys: true, state: federation.StateUnknownNext, phase: federation.RotationForeign,
			level: alarm, codes: []code{federation.CodeNextCertificate}, says: "if a rotation is under way"},
		{name: "published and standing still", make: days(calls(1), 8), state: federation.StateUnknownNext, phase: federation.RotationPublished,
			level: warning, codes: []code{federation.CodeRotation}, says: "stands still", golden: true},
		{name: "switched", make: calls(2), state: federation.StateRotating, phase: federation.RotationSwitched,
			level: warning, codes: []code{federation.CodeNextCertificate}, says: "the first is unknown here", golden: true},
		{name: "switched and standing still", make: days(calls(2), 8), state: federation.StateRotating, phase: federation.RotationSwitched,
			level: warning, codes: []code{federation.CodeNextCertificate, federation.CodeRotation}, says: "stands still"},
		{name: "swapped", make: calls(3), state: federation.StateUnknownNext, phase: federation.RotationSwapped,
			level: alarm, codes: []code{federation.CodeNextCertificate}, says: "if a rotation is under way"},
		{name: "retired", make: calls(4), state: federation.StateFederated, phase: federation.RotationIdle},
		{name: "foreign second", make: slots(func(_ *rotation, f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) }),
			state: federation.StateUnknownNext, phase: federation.RotationForeign, level: alarm, codes: []code{federation.CodeNextCertificate},
			says: "whoever has its key can sign in as anybody", golden: true},
		{name: "second is no certificate", make: slots(func(_ *rotation, f *aad.Federation) { f.RawNextSigningCertificate = "bm8gY2VydGlmaWNhdGU=" }),
			state: federation.StateUnknownNext, phase: federation.RotationForeign, level: alarm, codes: []code{federation.CodeNextCertificate}, says: "unreadable"},
		{name: "first is no certificate", make: slots(func(_ *rotation, f *aad.Federation) {
			f.NextSigningCertificate, f.SigningCertificate, f.RawSigningCertificate = f.SigningCertificate, certs.Cert{}, "bm8gY2VydGlmaWNhdGU="
		}), state: federation.StateRotating, phase: federation.RotationForeign, level: alarm, codes: []code{federation.CodeNextCertificate}, says: "none that can be read"},
		{name: "first unknown", make: slots(func(_ *rotation, f *aad.Federation) {
			f.NextSigningCertificate, f.SigningCertificate = f.SigningCertificate, foreignCert(t)
		}), state: federation.StateRotating, phase: federation.RotationSwitched, level: warning, codes: []code{federation.CodeNextCertificate}},
		{name: "broken", make: func(_ *testing.T, r *rotation) { r.JumpCloud.RegenerateCertificate(r.JumpCloud.Applications()[0].ID) },
			state: federation.StateMismatch, phase: federation.RotationBroken, level: alarm, codes: []code{federation.CodeRotationBroken},
			says: "call Rotate or Federate now", golden: true},
		{name: "store fails", make: func(t *testing.T, r *rotation) {
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
		}, state: federation.StateFederated, phase: federation.RotationIdle, level: warning, codes: []code{federation.CodeRotationKey},
			says: "the key store could not be read: " + errShelf.Error()},
		{name: "store fails, published", make: func(t *testing.T, r *rotation) {
			calls(1)(t, r)
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
		}, state: federation.StateUnknownNext, level: warning, codes: []code{federation.CodeRotationKey, federation.CodeNextCertificate},
			says: "whether it is the one of a rotation is not known"},
		{name: "consent broken", make: func(_ *testing.T, r *rotation) {
			r.JumpCloud.SetOAuth(r.Directory, jumpcloud.OAuthStatus{Error: "invalid_grant", Message: "revoked"})
		}, state: federation.StateFederated, phase: federation.RotationIdle, level: warning, codes: []code{federation.CodeDirectoryGrant}, says: "invalid_grant"},
		{name: "no directory", make: func(_ *testing.T, r *rotation) { r.JumpCloud.RemoveDirectory(r.Directory) },
			state: federation.StateFederated, phase: federation.RotationIdle, level: warning, codes: []code{federation.CodeDirectoryMissing}},
		{name: "other sign-in URL", make: slots(func(_ *rotation, f *aad.Federation) { f.PassiveSignInURI += "-other" }),
			state: federation.StateDiffers, level: alarm, codes: []code{federation.CodeDrift}, says: "answers there"},
		{name: "pinned to another", make: func(_ *testing.T, r *rotation) {
			r.plan.Plan.Application.ID = r.JumpCloud.AddApplication("saml2", "Other", "urn:other", "https://sso.jumpcloud.com/saml2/other")
		}, state: federation.StateFederated, phase: federation.RotationIdle, level: warning, codes: []code{federation.CodeApplicationFixed}, says: "set application.id to"},
		{name: "managed", make: func(_ *testing.T, r *rotation) { r.AzureAD.RemoveFederation(r.Domain) }, state: federation.StatePrepared,
			level: warning, codes: []code{federation.CodeDrift}, says: federation.StatePrepared.Meaning(), fewer: 1},
		{name: "somebody else's", make: func(t *testing.T, r *rotation) { r.AzureAD.SetFederation(r.Domain, okta(t)) }, state: federation.StateForeign,
			level: alarm, codes: []code{federation.CodeDomainForeign}, says: "Okta"},
		{name: "application gone", make: func(_ *testing.T, r *rotation) { r.JumpCloud.DeleteApplication(r.JumpCloud.Applications()[0].ID) },
			state: federation.StateOrphaned, level: alarm, codes: []code{federation.CodeApplicationGone}, fewer: 1},
		{name: "unknown", make: func(_ *testing.T, r *rotation) { r.plan.Plan.Domain = "example.org" }, state: federation.StateUnknown,
			level: warning, codes: []code{federation.CodeDomainUnknown}, says: federation.StateUnknown.Meaning(), fewer: 2},
		{name: "unverified", make: func(_ *testing.T, r *rotation) {
			r.AzureAD.AddDomain("example.net", aadtest.Unverified)
			r.plan.Plan.Domain = "example.net"
		}, state: federation.StateUnverified, level: warning, codes: []code{federation.CodeDomainUnverified}, fewer: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				if tt.make != nil {
					tt.make(t, r)
				}
				r.ResetLog()
				opts := r.opts()
				if tt.noKeys {
					opts.Keys = nil
				}
				saves := r.keys.saves
				w, err := r.Federator(opts).Watch(t.Context(), r.plan.Plan)
				if err != nil {
					t.Fatal(err)
				}
				var got []code
				for _, f := range w.Findings {
					got = append(got, f.Code)
				}
				if w.State != tt.state || w.Phase != tt.phase || w.Level != tt.level || !slices.Equal(got, tt.codes) || !strings.Contains(w.String(), tt.says) {
					t.Errorf("state %q, phase %q, level %q, codes %q; want %q, %q, %q, %q with %q:\n%s",
						w.State, w.Phase, w.Level, got, tt.state, tt.phase, tt.level, tt.codes, tt.says, w)
				}
				if n := r.Requests(); n != 5-tt.fewer || r.Writes() != 0 || r.keys.saves != saves {
					t.Errorf("%d requests, %d writes, %d pairs saved; want %d, 0 and 0", n, r.Writes(), r.keys.saves-saves, 5-tt.fewer)
				}
				b, err := json.Marshal(w)
				if err != nil || strings.Contains(string(b), "PRIVATE") {
					t.Errorf("%v: %s", err, b)
				}
				if tt.golden {
					file := "watch/" + strings.ReplaceAll(tt.name, " ", "-") + ".txt"
					files = append(files, file)
					federation.Golden(t, file, masked(w))
				}
				if tt.phase == federation.RotationIdle && tt.name == "idle" && (w.Signs != w.Accepts || w.Signs.Fingerprint != r.plan.Replace || w.AcceptsNext != federation.Certificate{}) {
					t.Errorf("signs %v, accepts %v and %v", w.Signs, w.Accepts, w.AcceptsNext)
				}
			})
		})
	}
	federation.GoldenFiles(t, "watch", files)
}

// TestWatchSides: while the two sides differ the earlier end counts, and is named.
func TestWatchSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		old := r.JumpCloud.Applications()[0].Certificate.X509().NotAfter
		time.Sleep(48 * time.Hour)
		r.JumpCloud.RegenerateCertificate(r.JumpCloud.Applications()[0].ID)
		opts := r.opts()
		opts.Now = func() time.Time { return old.Add(-29 * 24 * time.Hour) }
		w, err := r.Federator(opts).Watch(t.Context(), r.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if !w.AzureADExpires.Equal(old) || !w.JumpCloudExpires.After(old) || w.Days != 29 || !strings.Contains(w.String(), "the certificate of example.com that Azure AD accepts ends on") {
			t.Errorf("%+v\n%s", w, w)
		}
	})
}

// TestWatchMetadata: metadata that cannot be made hides neither the end nor the grant.
func TestWatchMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.JumpCloud.Fault = failing("metadata.xml")
		w, err := r.Federator(r.opts()).Watch(t.Context(), r.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if w.Phase != "" || w.Days < 1000 || w.Level != federation.Warning || !strings.Contains(w.String(), "is not known") {
			t.Errorf("%s", w)
		}
		r.JumpCloud.Fault = failing("directories")
		if w, err = r.Federator(r.opts()).Watch(t.Context(), r.Plan()); err != nil || w.Phase != federation.RotationIdle || w.Level != federation.Warning {
			t.Errorf("%v\n%s", err, w)
		}
	})
}

// TestWatchAll: in order, never nil, each error with its domain, and what ctx kept from
// being begun says so.
func TestWatchAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		plans := []federation.Plan{r.Plan(), {Domain: "not a domain"}, r.Plan()}
		plans[2].Domain = "example.org"
		all, err := r.Federator(r.opts()).WatchAll(t.Context(), plans, &federation.BatchOptions{Concurrency: 1})
		if len(all) != 3 || all[0] == nil || all[1] == nil || all[2] == nil {
			t.Fatalf("%v", all)
		}
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !strings.HasPrefix(err.Error(), "not a domain: ") || all[1].Error == "" || !strings.Contains(all[1].String(), "could not be read") {
			t.Errorf("%v\n%s", err, all[1])
		}
		if all[0].Days < 1000 || all[0].Error != "" || all[2].State != federation.StateUnknown {
			t.Errorf("%s%s", all[0], all[2])
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errShelf)
		r.ResetLog()
		all, err = r.Federator(nil).WatchAll(ctx, plans[:1], nil)
		if !errors.Is(err, federation.ErrNotStarted) || !errors.Is(err, errShelf) || len(all) != 1 || all[0].Domain != r.Domain || all[0].Error == "" || r.Requests() != 0 {
			t.Errorf("%v: %v", err, all)
		}
		if all, err := r.Federator(nil).WatchAll(t.Context(), nil, nil); all == nil || err != nil {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// TestWatchDenied: what cannot be read is an error, and the watch is there all the same.
func TestWatchDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		f := federation.New(r.JumpCloud.Client(nil), r.AzureAD.ClientWith(r.AzureAD.Credential("User.Read.All"), nil), nil)
		w, err := f.Watch(t.Context(), r.Plan())
		if !errors.Is(err, aad.ErrDenied) || w == nil || w.Error == "" || w.Domain != r.Domain || w.State != "" {
			t.Errorf("%v: %+v", err, w)
		}
	})
}

// failing answers 500 to whatever is asked of JumpCloud below a path.
func failing(part string) func(*http.Request) jumpcloudtest.Fault {
	return func(r *http.Request) jumpcloudtest.Fault {
		if strings.Contains(r.URL.Path, part) {
			return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before}
		}
		return jumpcloudtest.Fault{}
	}
}
