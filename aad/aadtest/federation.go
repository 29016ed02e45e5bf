package aadtest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// federationNames are all properties of a federation, in the order of the documentation.
var federationNames = []string{
	"id", "displayName", "issuerUri", "metadataExchangeUri", "signingCertificate", "passiveSignInUri", "preferredAuthenticationProtocol",
	"activeSignInUri", "signOutUri", "promptLoginBehavior", "isSignedAuthenticationRequestRequired", "nextSigningCertificate",
	"signingCertificateUpdateStatus", "federatedIdpMfaBehavior", "passwordResetUri",
}

// federationObject is a federation as Graph writes it: with everything, null included.
func federationObject(f *aad.Federation) object {
	b, err := json.Marshal(f)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	o := make(object)
	json.Unmarshal(b, &o)
	for _, name := range federationNames {
		if _, ok := o[name]; !ok {
			o[name] = nil
		}
	}
	return o
}

func (s *Server) noFederation(d *domain) *refusal {
	if s.Quirks.PlainNotFound {
		return notFound(d.name)
	}
	return notFound("federationConfiguration")
}

// federationSeen returns the federation of the request's domain as reads show it.
func (s *Server) federationSeen(r *http.Request) (*domain, *aad.Federation, *refusal) {
	name := r.PathValue("domain")
	for _, d := range slices.Backward(s.domains) {
		if strings.EqualFold(d.name, name) {
			st := s.seen(d, "federation", s.lag("domains/"+d.name+"/federationConfiguration", s.GetLag))
			if st.gone {
				break
			}
			if st.broken {
				st.fed = nil
			}
			return d, st.fed, nil
		}
	}
	return nil, nil, notFound(name)
}

func (s *Server) listFederation(w http.ResponseWriter, r *http.Request) *refusal {
	d, f, e := s.federationSeen(r)
	switch {
	case e != nil:
		return e
	case f == nil && !s.Quirks.EmptyList:
		return s.noFederation(d)
	}
	var all []object
	if f != nil {
		all = append(all, federationObject(f))
	}
	return s.list(w, r, "domains('"+d.name+"')/federationConfiguration", all)
}

func (s *Server) getFederation(w http.ResponseWriter, r *http.Request) *refusal {
	d, f, e := s.federationSeen(r)
	switch {
	case e != nil:
		return e
	case f == nil:
		return s.noFederation(d)
	case f.ID != r.PathValue("id"):
		return notFound(r.PathValue("id"))
	}
	s.entity(w, r, http.StatusOK, "domains('"+d.name+"')/federationConfiguration/$entity", federationObject(f))
	return nil
}

// issuerTaken reports whether an issuer belongs to another domain than d.
func (s *Server) issuerTaken(d *domain, issuer string) bool {
	for _, other := range s.domains {
		if st := other.state.Now(); other != d && !st.gone && st.fed != nil && strings.EqualFold(st.fed.IssuerURI, issuer) {
			return true
		}
	}
	return s.foreign[issuer]
}

func (s *Server) sharedIssuer() *refusal {
	if s.Quirks.SharedIssuerIs400 {
		return bad("The issuerUri is already in use by another domain.")
	}
	return sameKey(http.StatusConflict, "issuerUri")
}

// checkFederation judges the properties of a body that are there.
func (s *Server) checkFederation(d *domain, body map[string]json.RawMessage) *refusal {
	known := maps.Clone(body)
	maps.DeleteFunc(known, func(name string, _ json.RawMessage) bool { return s.newer[name] })
	if e := federationKind.writes(known); e != nil {
		return e
	}
	invalid := func(name string) *refusal {
		return bad("Invalid value specified for property '%s' of resource 'InternalDomainFederation'.", name)
	}
	enums := map[string][]string{
		"preferredAuthenticationProtocol": {"wsFed", "saml"},
		"federatedIdpMfaBehavior":         {"acceptIfMfaDoneByFederatedIdp", "enforceMfaByFederatedIdp", "rejectMfaByFederatedIdp"},
		"promptLoginBehavior":             {"translateToFreshPasswordAuthentication", "nativeSupport", "disabled"},
	}
	for _, name := range []string{"preferredAuthenticationProtocol", "federatedIdpMfaBehavior", "promptLoginBehavior"} {
		if v := body[name]; v != nil && string(v) != "null" && !slices.Contains(enums[name], text(body, name)) {
			return invalid(name)
		}
	}
	for _, name := range []string{"issuerUri", "passiveSignInUri", "activeSignInUri", "signOutUri", "metadataExchangeUri"} {
		if v := text(body, name); v != "" {
			if u, err := url.Parse(v); err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" {
				return invalid(name)
			}
		}
	}
	for _, name := range []string{"signingCertificate", "nextSigningCertificate"} {
		if v := text(body, name); v != "" {
			der, err := base64.StdEncoding.DecodeString(v)
			if err != nil || strings.ContainsAny(v, "\r\n ") {
				return invalid(name)
			}
			if _, err := x509.ParseCertificate(der); err != nil {
				return invalid(name)
			}
		}
	}
	if issuer := text(body, "issuerUri"); issuer != "" && s.issuerTaken(d, issuer) {
		return s.sharedIssuer()
	}
	return nil
}

func (s *Server) createFederation(w http.ResponseWriter, r *http.Request) *refusal {
	d, st, e := s.one(r)
	if e != nil {
		return e
	}
	body, e := decode(r)
	switch {
	case e != nil:
		return e
	case !st.isVerified:
		return bad("Only verified domains can be federated.")
	case st.isInitial:
		return bad("The initial domain cannot be federated.")
	case st.isDefault:
		return bad("The default domain cannot be federated.")
	case !st.isRoot:
		return bad("The authenticationType of a subdomain is that of its root domain.")
	case st.fed != nil || st.broken:
		return bad("Domain already has Federation Configuration set.")
	case text(body, "federatedIdpMfaBehavior") == "":
		return bad("FederatedIdpMfaBehavior cannot be empty")
	}
	if e := s.checkFederation(d, body); e != nil {
		return e
	}
	if s.Quirks.HalfState > 0 || text(body, "signingCertificate") == "" {
		s.Quirks.HalfState = max(0, s.Quirks.HalfState-1)
		st.auth, st.broken = aad.Federated, true
		s.set(d, st)
		return &refusal{http.StatusInternalServerError, "InternalServerError", "An internal server error has occurred."}
	}
	delete(body, "id")
	delete(body, "signingCertificateUpdateStatus")
	f := merge(&aad.Federation{}, body)
	f.ID = s.newID(0xfed0)
	st.auth, st.fed = aad.Federated, f
	s.set(d, st)
	s.entity(w, r, http.StatusCreated, "domains('"+d.name+"')/federationConfiguration/$entity", federationObject(f))
	return nil
}

// merge returns f with the properties of a body.
func merge(f *aad.Federation, body map[string]json.RawMessage) *aad.Federation {
	b, _ := json.Marshal(f)
	all := make(map[string]json.RawMessage)
	json.Unmarshal(b, &all)
	for name, v := range body {
		all[name] = v
	}
	b, _ = json.Marshal(all)
	out := new(aad.Federation)
	if err := json.Unmarshal(b, out); err != nil {
		panic("aadtest: " + err.Error())
	}
	return out
}

func (s *Server) patchFederation(w http.ResponseWriter, r *http.Request) *refusal {
	d, st, e := s.one(r)
	if e != nil {
		return e
	}
	body, e := decode(r)
	switch {
	case e != nil:
		return e
	case st.fed == nil || st.broken:
		return s.noFederation(d)
	case st.fed.ID != r.PathValue("id"):
		return notFound(r.PathValue("id"))
	case body["federatedIdpMfaBehavior"] != nil && text(body, "federatedIdpMfaBehavior") == "":
		return bad("FederatedIdpMfaBehavior cannot be empty")
	case body["nextSigningCertificate"] != nil && text(body, "nextSigningCertificate") == "" && s.Quirks.RefuseNullCertificate:
		return bad("Invalid value specified for property 'nextSigningCertificate' of resource 'InternalDomainFederation'.")
	case s.Quirks.RefuseCleared && (string(body["metadataExchangeUri"]) == "null" || string(body["promptLoginBehavior"]) == "null"):
		return bad("Invalid value specified for property 'metadataExchangeUri' of resource 'InternalDomainFederation'.")
	case body["signingCertificate"] != nil && text(body, "signingCertificate") == "":
		return bad("Invalid value specified for property 'signingCertificate' of resource 'InternalDomainFederation'.")
	}
	if e := s.checkFederation(d, body); e != nil {
		return e
	}
	delete(body, "id")
	delete(body, "signingCertificateUpdateStatus")
	if v := body["nextSigningCertificate"]; v != nil && text(body, "nextSigningCertificate") == "" && s.Quirks.IgnoreNullCertificate {
		delete(body, "nextSigningCertificate")
	}
	if s.Quirks.KeepCleared {
		for _, name := range []string{"metadataExchangeUri", "promptLoginBehavior", "isSignedAuthenticationRequestRequired"} {
			delete(body, name)
		}
	}
	st.fed = merge(st.fed, body)
	s.set(d, st)
	switch {
	case s.Quirks.UpdateReplies500 > 0:
		s.Quirks.UpdateReplies500--
		return &refusal{http.StatusInternalServerError, "InternalServerError", ""}
	case s.Quirks.UpdateStatus == http.StatusNoContent:
		w.WriteHeader(http.StatusNoContent)
	default:
		s.entity(w, r, http.StatusOK, "domains('"+d.name+"')/federationConfiguration/$entity", federationObject(st.fed))
	}
	return nil
}

func (s *Server) deleteFederation(w http.ResponseWriter, r *http.Request) *refusal {
	d, st, e := s.one(r)
	switch {
	case e != nil:
		return e
	case st.fed == nil || st.broken:
		return s.noFederation(d)
	case st.fed.ID != r.PathValue("id"):
		return notFound(r.PathValue("id"))
	}
	st.auth, st.fed = aad.Managed, nil
	s.set(d, st)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
