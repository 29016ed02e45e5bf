package assumptions

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

const (
	loginRoot = "https://sso.jumpcloud.com/saml2/"
	audience  = "urn:federation:MicrosoftOnline"
	consumer  = "https://login.microsoftonline.com/login.srf"
)

// askOrganization is the first question to JumpCloud.
func (l *looker) askOrganization() error {
	l.organization = l.jc.OrgID()
	for o, err := range l.jc.Organizations(l.ctx) {
		if err != nil {
			return err
		}
		l.organization = cmp.Or(l.organization, o.ID)
		break
	}
	return nil
}

func (l *looker) askTemplate() {
	others := []string{"jc-template-keys", "jc-template-defaults", "jc-template-login-url"}
	t, err := l.jc.Template(l.ctx, jumpcloud.Office365Template)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound):
		l.differs("jc-template-name", "there is no template of this name")
		l.unknown("there is no template office365", others...)
		return
	case err != nil:
		l.fails(err, append(others, "jc-template-name")...)
		return
	}
	l.holds("jc-template-name", "it is there, titled %q", t.DisplayName)
	var missing []string
	for _, key := range []string{"idpEntityId", "idpCertificate", "idpPrivateKey"} {
		if _, ok := t.Setting(key); !ok {
			missing = append(missing, key)
		}
	}
	l.check("jc-template-keys", len(missing) == 0, "of these it lacks: %s", orNone(missing))
	l.templateDefaults(t)
	l.templateLoginURL(t.SSOURL)
}

func (l *looker) templateDefaults(t *jumpcloud.Template) {
	const id = "jc-template-defaults"
	var wrong, absent []string
	for _, want := range []struct{ key, value string }{
		{"spEntityId", `"` + audience + `"`}, {"acsUrl", `"` + consumer + `"`}, {"signAssertion", "true"},
	} {
		v, ok := t.Setting(want.key)
		switch {
		case !ok:
			absent = append(absent, want.key)
		case string(v) != want.value:
			wrong = append(wrong, want.key+" is "+string(v))
		}
	}
	switch {
	case len(wrong) > 0:
		l.differs(id, "%s", strings.Join(wrong, ", "))
	case len(absent) > 0:
		l.unknown("the template has no setting for "+strings.Join(absent, ", ")+": only a sign-in shows it", id)
	default:
		l.holds(id, "they are so")
	}
}

func (l *looker) templateLoginURL(text string) {
	const id = "jc-template-login-url"
	u, err := url.Parse(text)
	l.check(id, strings.HasPrefix(text, loginRoot), "the template's own is %q", text)
	if err == nil && u.Scheme == "https" && u.Host != "" && strings.HasPrefix(u.Path, "/saml2/") {
		l.but(id, SafeToGoOn)
	}
}

// ofApplication are answered at an application, which need not be Microsoft's.
var ofApplication = []string{"jc-list-config", "jc-certificate-form", "jc-certificate-dates"}

// ofMetadata are answered by an application's metadata.
var ofMetadata = []string{
	"jc-metadata-endpoints", "jc-metadata-certificate", "jc-metadata-entity-id", "jc-metadata-type", "jc-metadata-org",
}

// askApplication looks at one application: that of the domain, else one of Microsoft
// 365, else one of the custom SAML template, which has the same form.
func (l *looker) askApplication() {
	var listed *jumpcloud.Application
	worth := func(a *jumpcloud.Application) int {
		switch {
		case l.domain != "" && strings.Contains(a.IdPEntityID, l.domain):
			return 3
		case a.Name == jumpcloud.Office365Template:
			return 2
		}
		return 1
	}
	n := 0
	for a, err := range l.jc.Applications(l.ctx, jumpcloud.Office365Template, "saml2") {
		if err != nil {
			l.fails(err, append(ofApplication, ofMetadata...)...)
			return
		}
		if listed == nil || worth(a) > worth(listed) {
			listed = a
		}
		if n++; n == 50 {
			break
		}
	}
	if listed == nil {
		l.unknown("there is no application of Microsoft 365 yet, nor another one by SAML: look again when there is one",
			append(ofApplication, ofMetadata...)...)
		return
	}
	a, err := l.jc.Application(l.ctx, listed.ID)
	if err != nil {
		l.fails(err, append(ofApplication, ofMetadata...)...)
		return
	}
	l.app = a
	was, wasErr := listed.Certificate()
	c, err := a.Certificate()
	l.check("jc-list-config", wasErr == nil && err == nil && was == c && listed.IdPEntityID == a.IdPEntityID,
		"the list of applications has the entity ID: %s, the certificate: %s", yes(listed.IdPEntityID == a.IdPEntityID),
		yes(wasErr == nil && was == c))
	l.certificateForm(a)
	l.check("jc-certificate-dates", !a.CertificateUpdated.IsZero() && !a.KeyUpdated.IsZero(),
		"it tells of the certificate: %s, of the key: %s", yes(!a.CertificateUpdated.IsZero()), yes(!a.KeyUpdated.IsZero()))
}

func (l *looker) certificateForm(a *jumpcloud.Application) {
	const id = "jc-certificate-form"
	v, _ := a.Setting("idpCertificate")
	var text string
	if json.Unmarshal(v, &text) != nil || text == "" {
		l.differs(id, "the setting holds no text")
		return
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil && bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN CERTIFICATE-----")) {
		l.holds(id, "it is base64 of PEM")
		return
	}
	if _, err := certs.ParseOne([]byte(text)); err != nil {
		l.differs(id, "it is another form, which cannot be read")
		return
	}
	l.differs(id, "it is another form, which can be read")
	l.but(id, SafeToGoOn)
}

// askMetadata compares an application with its metadata.
func (l *looker) askMetadata() {
	a := l.app
	if a == nil {
		return
	}
	var m *certs.Metadata
	var err error
	seen := l.during(true, func() { m, err = l.jc.Metadata(l.ctx, cmp.Or(a.OrganizationID, l.organization), a.ID) })
	if err != nil {
		l.fails(err, ofMetadata...)
		return
	}
	x := last(seen)
	l.check("jc-metadata-org", !x.org, "it came with x-org-id: %s", yes(x.org))
	kind := x.header.Get("Content-Type")
	l.check("jc-metadata-type", strings.Contains(kind, "xml"), "it came as %q", kind)
	l.check("jc-metadata-entity-id", m.EntityID == a.IdPEntityID && a.IdPEntityID != "", "the two are %q and %q", m.EntityID,
		a.IdPEntityID)
	l.metadataEndpoints(m, a.SSOURL)
	c, err := a.Certificate()
	own := err == nil && slices.Contains(m.SigningCerts, c)
	l.check("jc-metadata-certificate", own && len(m.SigningCerts) == 1, "it has %d, the application's own among them: %s",
		len(m.SigningCerts), yes(own))
	if own {
		l.but("jc-metadata-certificate", SafeToGoOn)
	}
}

func (l *looker) metadataEndpoints(m *certs.Metadata, loginURL string) {
	const id = "jc-metadata-endpoints"
	var bindings []string
	for _, e := range m.SSO {
		if e.Location != loginURL {
			l.differs(id, "it names %s, and the application %s", e.Location, loginURL)
			return
		}
		bindings = append(bindings, e.Binding[strings.LastIndex(e.Binding, ":")+1:])
	}
	both := slices.Contains(bindings, "HTTP-POST") && slices.Contains(bindings, "HTTP-Redirect")
	l.check(id, both, "the login URL is there for %s", cmp.Or(strings.Join(bindings, ", "), "nothing"))
	if len(bindings) > 0 {
		l.but(id, SafeToGoOn)
	}
}

// askMissing asks for an application that cannot be there.
func (l *looker) askMissing() {
	const id = "jc-404-body"
	var err error
	x := last(l.during(true, func() { _, err = l.jc.Application(l.ctx, "ffffffffffffffffffffffff") }))
	if x.status != http.StatusNotFound {
		l.unknown("an application that cannot be there was not answered with 404", id)
		if err != nil {
			l.fails(err, id)
		}
		return
	}
	var body struct{ Message string }
	json.Unmarshal(x.body.Bytes(), &body)
	l.check(id, body.Message != "", "the body has %d bytes, with a message: %s", x.body.Len(), yes(body.Message != ""))
}

func (l *looker) askEvents() {
	const id = "jc-events"
	n := 0
	day := jumpcloud.EventsOptions{From: time.Now().Add(-24 * time.Hour), NewestFirst: true, MaxPages: 1}
	for _, err := range l.jc.Events(l.ctx, day) {
		switch {
		case errors.Is(err, jumpcloud.ErrDenied), errors.Is(err, jumpcloud.ErrUnauthenticated), errors.Is(err, jumpcloud.ErrNotFound):
			l.differs(id, "it was refused: %s", why(err))
			return
		case errors.Is(err, jumpcloud.ErrTooManyPages):
		case err != nil:
			l.fails(err, id)
			return
		default:
			n++
		}
	}
	l.holds(id, "it was answered, with %d sign-ins of the last day", n)
}
