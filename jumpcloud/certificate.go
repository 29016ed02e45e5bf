package jumpcloud

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/rest"
)

// ReplaceCertificate gives an application a key and certificate of your own, and
// looks whether JumpCloud shows them: GET, PUT and GET /api/applications/{id},
// and GET …/metadata.xml, scope applications. Everything else stays. What is no
// RSA pair of at least 2048 bits is [ErrInvalid], and nothing is sent. That the
// certificate in place cannot be used, so that the metadata fails, is no obstacle.
//
// From now on the application signs with the new key. There is no overlap and
// no way back: JumpCloud never shows a private key. Teach the service provider
// the new certificate first. It is safe to repeat with the same pair.
//
// It returns the application as it was read back. [ErrNotVisible] means that it
// was written and that the application or its metadata does not show the new
// certificate yet, or that the application says that its key is older than the
// certificate by more than a minute: it may sign with the old one. Read again after
// a while. [ErrCertificateRegenerated] means that a third certificate is in place.
// If the answer of the PUT is lost, the error is [ErrOutcomeUnknown].
func (c *Client) ReplaceCertificate(ctx context.Context, id string, pair *certs.KeyPair) (*Application, error) {
	if err := usable(pair); err != nil {
		return nil, op(http.MethodPut, applicationPath, err)
	}
	before, err := c.Application(ctx, id)
	if err != nil {
		return nil, err
	}
	body, err := before.withPair(pair)
	if err != nil {
		return nil, op(http.MethodPut, applicationPath, err)
	}
	defer clear(body)
	answer, err := c.application(ctx, put(id, body, rest.Idempotent))
	if !written(err) {
		return nil, withoutKey(err)
	}
	if err == nil {
		if got, err := answer.Certificate(); err == nil && got != pair.Cert() && !sameCertificate(before, answer) {
			return answer, replaced(id, pair.Cert(), got)
		}
	}
	after, err := c.readBack(ctx, id)
	if err != nil {
		return nil, err
	}
	return after, c.shows(ctx, before, after, pair.Cert())
}

// keyLike is what may be a piece of a key, in PEM or in base64 of it.
var keyLike = regexp.MustCompile(`[A-Za-z0-9+/=]{24,}`)

// withoutKey blanks what an answer may have repeated of the key that it answers.
func withoutKey(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Code, e.Message = keyLike.ReplaceAllString(e.Code, "…"), keyLike.ReplaceAllString(e.Message, "…")
	}
	return err
}

// usable judges a pair before anything is sent. When it is valid is up to the caller.
func usable(pair *certs.KeyPair) error {
	switch {
	case pair == nil:
		return invalidf("the key pair is nil")
	case pair.Bits() == 0 || pair.Cert().IsZero():
		return invalidf("the key pair is empty")
	}
	for _, p := range pair.Cert().Check(pair.Cert().X509().NotAfter) {
		if p.Severity == certs.Error || p.Code == certs.CodeWeakRSA {
			return invalidf("the key pair cannot be used: %s", p.Message)
		}
	}
	return nil
}

// keySlack is by how much a key may be older than its certificate, both of which
// were written by one PUT.
const keySlack = time.Minute

// shows reports what does not show yet of a certificate that was written.
func (c *Client) shows(ctx context.Context, before, after *Application, want certs.Cert) error {
	missing := func(format string, args ...any) error {
		return fmt.Errorf("jumpcloud: application %s: thumbprint %s is %w: %w", before.ID, want.Thumbprint(), ErrNotVisible,
			fmt.Errorf(format, args...))
	}
	got, err := after.Certificate()
	switch {
	case err != nil:
		return missing("the application shows none that can be read: %w", err)
	case got != want && !sameCertificate(before, after):
		return replaced(before.ID, want, got)
	case got != want:
		return missing("the application shows %s", got.Thumbprint())
	case !after.KeyUpdated.IsZero() && after.KeyUpdated.Add(keySlack).Before(after.CertificateUpdated):
		return missing("its private key is of %s, and the certificate of %s", after.KeyUpdated.UTC().Format(time.RFC3339),
			after.CertificateUpdated.UTC().Format(time.RFC3339))
	}
	m, err := c.Metadata(ctx, cmp.Or(after.OrganizationID, c.orgID), before.ID)
	if err != nil {
		return missing("the metadata cannot be read: %w", err)
	}
	if !slices.Equal(m.SigningCerts, []certs.Cert{want}) {
		return missing("the metadata shows %s", m.SigningCerts[0].Thumbprint())
	}
	return nil
}

func replaced(id string, want, got certs.Cert) error {
	return fmt.Errorf("jumpcloud: application %s: %w: thumbprint %s was written, %s is in place", id, ErrCertificateRegenerated,
		want.Thumbprint(), got.Thumbprint())
}

// RegenerateCertificate has JumpCloud make a new key and certificate for an
// application, as the button of its console does: GET and PUT
// /api/applications/{id}, scope applications. Everything else stays.
//
// At once nobody can sign in with the service provider, until it knows the new
// certificate, which nobody can know before: prefer [Client.ReplaceCertificate].
// There is no way back.
//
// It makes another one each time. Therefore old must be the certificate in place:
// if it is not, the error is [ErrCertificate] and nothing is written; and the PUT
// is not repeated if its answer is lost, which is [ErrOutcomeUnknown]: then read the
// application.
//
// It returns the application as JumpCloud answered, with the new certificate; it is
// read once if the answer is empty. If it shows the old certificate, or none, that
// is [ErrNotVisible].
func (c *Client) RegenerateCertificate(ctx context.Context, id string, old certs.Cert) (*Application, error) {
	if old.IsZero() {
		return nil, op(http.MethodPut, applicationPath, invalidf("the certificate that is to be replaced is missing"))
	}
	before, err := c.Application(ctx, id)
	if err != nil {
		return nil, err
	}
	switch got, err := before.Certificate(); {
	case err != nil:
		return nil, fmt.Errorf("jumpcloud: application %s: %w: thumbprint %s was to be in place: %w", id, ErrCertificate, old.Thumbprint(), err)
	case got != old:
		return nil, fmt.Errorf("jumpcloud: application %s: %w: thumbprint %s was to be in place, and %s is", id, ErrCertificate,
			old.Thumbprint(), got.Thumbprint())
	}
	body, err := before.withSettings(func(config map[string]json.RawMessage) error {
		delete(config, settingCertificate)
		delete(config, settingKey)
		return nil
	})
	if err != nil {
		return nil, op(http.MethodPut, applicationPath, err)
	}
	after, err := c.putApplication(ctx, id, body, rest.Create)
	if err != nil {
		return nil, err
	}
	switch got, err := after.Certificate(); {
	case err != nil:
		return after, fmt.Errorf("jumpcloud: application %s: the new certificate is %w: %w", id, ErrNotVisible, err)
	case got == old:
		return after, fmt.Errorf("jumpcloud: application %s: the new certificate is %w: thumbprint %s is shown", id, ErrNotVisible,
			old.Thumbprint())
	}
	return after, nil
}

// withPair returns the object with another certificate and key.
func (a *Application) withPair(pair *certs.KeyPair) (json.RawMessage, error) {
	key := pair.PrivateKeyPEM()
	defer clear(key)
	if key == nil {
		return nil, invalidf("the key pair is empty")
	}
	return a.withSettings(func(config map[string]json.RawMessage) error {
		b := &Application{config: config}
		for name, pem := range map[string][]byte{settingCertificate: pair.Cert().PEM(), settingKey: key} {
			if _, ok := b.config[name]; !ok {
				b.config[name] = json.RawMessage(`{}`)
			}
			if err := b.SetSetting(name, base64.StdEncoding.EncodeToString(pem)); err != nil {
				return err
			}
			config[name] = b.config[name]
		}
		return nil
	})
}

// withSettings returns the object to write with other settings, a copy of which edit
// changes: with another certificate. What it tells about the old one is left out.
func (a *Application) withSettings(edit func(map[string]json.RawMessage) error) (json.RawMessage, error) {
	b := a.clone()
	if b.config == nil {
		return nil, invalidf("application %s shows no settings", a.ID)
	}
	err := edit(b.config)
	if err != nil {
		return nil, err
	}
	if sso := a.sso(append([]string{"idpCertExpirationAt"}, readOnlySSO...)...); sso != nil {
		if b.raw["sso"], err = json.Marshal(sso); err != nil {
			return nil, err
		}
	}
	if b.raw["config"], err = json.Marshal(b.config); err != nil {
		return nil, err
	}
	return json.Marshal(b.raw)
}
