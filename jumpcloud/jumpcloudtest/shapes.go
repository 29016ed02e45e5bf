package jumpcloudtest

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/reshape"
)

// Shapes choose among forms of answers: what the service may leave out, or say in
// another way, without doing anything else than it does. The zero value is what has been
// seen or, where nobody has, what is likely.
type Shapes struct {
	// ClockAhead is how far the Date of answers is ahead of the real time (jc-clock).
	ClockAhead time.Duration

	// ListsWithoutConfig leaves the settings, and with them the certificate, out where
	// applications are listed; what is asked by its ID has them (jc-list-config).
	ListsWithoutConfig bool

	// CertificateDER shows an application's certificate as base64 of DER, not of PEM
	// (jc-certificate-form).
	CertificateDER bool

	// MetadataLocation, if not empty, is the address in metadata.xml in the place of the
	// application's login URL, and MetadataEntityID the entity ID there (jc-metadata-endpoints,
	// jc-metadata-entity-id).
	MetadataLocation, MetadataEntityID string

	// NextInMetadata shows a second certificate in metadata.xml, which nothing signs with
	// (jc-metadata-certificate).
	NextInMetadata bool

	// NoDirectoryDomains does not find the domains of a Microsoft 365 directory, which
	// only one edition of JumpCloud's description has (jc-directory-domains).
	NoDirectoryDomains bool

	// NoMembershipMethod does not tell of a group who decides on its members (jc-group-method).
	NoMembershipMethod bool

	// NoSyncStatus does not tell how the synchronisation of a bound user went (jc-sync-status).
	NoSyncStatus bool

	// NoEvents refuses to tell of events, as to a credential that may not read them (jc-events).
	NoEvents bool
}

// shape serves r by next, with the answer in the forms that Quirks.Shapes choose.
func (s *Server) shape(w http.ResponseWriter, r *http.Request, next http.Handler) {
	sh := s.Quirks.Shapes
	if sh == (Shapes{}) {
		next.ServeHTTP(w, r)
		return
	}
	reshape.Serve(w, r, next, func(a *reshape.Answer) {
		sh.edit(r, a)
		if sh.NextInMetadata && strings.HasSuffix(r.URL.Path, "/metadata.xml") {
			a.Body = secondCertificate(a.Body, s.spareCertificate())
		}
	})
}

// spareCertificate is one that no application has.
func (s *Server) spareCertificate() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newPair().der
}

func (sh *Shapes) edit(r *http.Request, a *reshape.Answer) {
	if sh.ClockAhead != 0 {
		a.Header.Set("Date", time.Now().Add(sh.ClockAhead).UTC().Format(http.TimeFormat))
	}
	path := r.URL.Path
	switch {
	case a.Status != http.StatusOK:
	case sh.NoDirectoryDomains && strings.HasPrefix(path, "/api/v2/office365s/") && strings.HasSuffix(path, "/domains"):
		a.Refuse(http.StatusNotFound, `{"message":"Not Found"}`)
	case sh.NoEvents && path == eventsPath:
		a.Refuse(http.StatusForbidden, `{"message":"Forbidden"}`)
	case strings.HasSuffix(path, "/metadata.xml"):
		sh.editMetadata(a)
	case path == "/api/applications" && r.Method == http.MethodGet:
		a.JSON(func(o map[string]any) {
			all, _ := o["results"].([]any)
			for _, v := range all {
				sh.editApplication(v, true)
			}
		})
	case strings.HasPrefix(path, "/api/applications/"):
		a.JSON(func(o map[string]any) { sh.editApplication(o, false) })
	case sh.NoMembershipMethod && strings.HasPrefix(path, "/api/v2/usergroups/"):
		a.JSON(func(o map[string]any) { delete(o, "membershipMethod") })
	case sh.NoSyncStatus && strings.HasPrefix(path, "/api/v2/office365s/") && strings.HasSuffix(path, "/users"):
		a.Body = bytes.ReplaceAll(a.Body, []byte(`"syncStatus":`), []byte(`"syncState":`))
	}
}

func (sh *Shapes) editApplication(v any, listed bool) {
	o, _ := v.(map[string]any)
	if listed && sh.ListsWithoutConfig {
		delete(o, "config")
	}
	config, _ := o["config"].(map[string]any)
	field, _ := config["idpCertificate"].(map[string]any)
	if text, _ := field["value"].(string); sh.CertificateDER && text != "" {
		if c := parseValue(text); c != nil {
			field["value"] = base64.StdEncoding.EncodeToString(c.Raw)
		}
	}
}

// Attributes of metadata that is written as this package writes it.
var (
	metadataLocation = regexp.MustCompile(` Location="[^"]*"`)
	metadataEntityID = regexp.MustCompile(` entityID="[^"]*"`)
)

func (sh *Shapes) editMetadata(a *reshape.Answer) {
	if sh.MetadataLocation != "" {
		a.Body = metadataLocation.ReplaceAllLiteral(a.Body, []byte(` Location="`+sh.MetadataLocation+`"`))
	}
	if sh.MetadataEntityID != "" {
		a.Body = metadataEntityID.ReplaceAllLiteral(a.Body, []byte(` entityID="`+sh.MetadataEntityID+`"`))
	}
}

// secondCertificate puts another signing key into metadata.
func secondCertificate(metadata, der []byte) []byte {
	const end = "</md:KeyDescriptor>"
	key := `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
		base64.StdEncoding.EncodeToString(der) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>` + end
	return bytes.Replace(metadata, []byte(end), []byte(end+key), 1)
}
