package aadtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// services are those that a domain can be for.
var services = []string{
	"Email", "Sharepoint", "EmailInternalRelayOnly", "OfficeCommunicationsOnline", "SharePointDefaultDomain", "FullRedelegation",
	"SharePointPublic", "OrgIdAuthentication", "Yammer", "Intune",
}

// domainObject is a domain as Graph writes it.
func domainObject(name string, st domainState) object {
	return object{
		"id": name, "authenticationType": st.auth, "availabilityStatus": nil, "isAdminManaged": st.adminManaged,
		"isDefault": st.isDefault, "isInitial": st.isInitial, "isRoot": st.isRoot, "isVerified": st.isVerified,
		"supportedServices": append([]string{}, st.services...), "passwordValidityPeriodInDays": st.validity,
		"passwordNotificationWindowInDays": st.notification, "state": st.state, "manufacturer": nil, "model": nil,
	}
}

func (s *Server) listDomains(w http.ResponseWriter, r *http.Request) *refusal {
	var all []object
	for _, d := range s.domains {
		if st := s.seen(d, "domains", s.lag("domains", s.ListLag)); !st.gone {
			all = append(all, domainObject(d.name, st))
		}
	}
	return s.list(w, r, "domains", all)
}

func (s *Server) getDomain(w http.ResponseWriter, r *http.Request) *refusal {
	name := r.PathValue("domain")
	for _, d := range slices.Backward(s.domains) {
		if strings.EqualFold(d.name, name) {
			if st := s.seen(d, "domain", s.lag("domains/"+d.name, s.GetLag)); !st.gone {
				s.entity(w, r, http.StatusOK, "domains/$entity", domainObject(d.name, st))
				return nil
			}
			break
		}
	}
	return notFound(name)
}

// one returns the domain of the request's path, as it is now.
func (s *Server) one(r *http.Request) (*domain, domainState, *refusal) {
	name := r.PathValue("domain")
	d := s.find(name)
	if d == nil {
		return nil, domainState{}, notFound(name)
	}
	return d, d.state.Now(), nil
}

func (s *Server) createDomain(w http.ResponseWriter, r *http.Request) *refusal {
	body, e := decode(r)
	if e != nil {
		return e
	}
	for _, property := range slices.Sorted(maps.Keys(body)) {
		switch property {
		case "id", "authenticationType", "@odata.type":
		default:
			if p := domainKind.properties[property]; p != nil && p.access == kept {
				return notModelled("%s in the creation of a domain", property)
			}
		}
	}
	if e := domainKind.writes(body); e != nil {
		return e
	}
	name := strings.ToLower(text(body, "id"))
	switch {
	case text(body, "authenticationType") == string(aad.Federated):
		return bad("Creation of federated domain is not allowed.")
	case !strings.Contains(name, ".") || strings.ContainsAny(name, " /@"):
		return bad("Invalid value specified for property 'id' of resource 'Domain'.")
	case s.find(name) != nil:
		return sameKey(http.StatusBadRequest, "name")
	case body["authenticationType"] != nil && text(body, "authenticationType") != string(aad.Managed):
		return bad("Invalid value specified for property 'authenticationType' of resource 'Domain'.")
	}
	d := &domain{name: name}
	d.state.Set(domainState{gone: true})
	st := domainState{auth: aad.Managed, adminManaged: true}
	s.domains = append(s.domains, d)
	if p := s.parent(name); p != nil { // subdomains of what is verified need no proof of their own
		st.isVerified = true
	}
	s.set(d, st)
	s.entity(w, r, http.StatusCreated, "domains/$entity", domainObject(name, s.seen(d, "create", Lag{})))
	return nil
}

// parent returns the verified root domain above a name.
func (s *Server) parent(name string) *domain {
	for {
		_, up, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		if d := s.find(up); d != nil && d.state.Now().isRoot && d.state.Now().isVerified {
			return d
		}
		name = up
	}
}

func (s *Server) patchDomain(w http.ResponseWriter, r *http.Request) *refusal {
	d, st, e := s.one(r)
	if e != nil {
		return e
	}
	body, e := decode(r)
	switch {
	case e != nil:
		return e
	case body["federationConfiguration"] != nil:
		return &refusal{http.StatusInternalServerError, "InternalServerError", ""}
	case !st.isVerified:
		return bad("Only verified domains can be updated.")
	case body["id"] != nil:
		return bad("Property 'id' is read-only and cannot be set.")
	}
	if e := domainKind.writes(body); e != nil {
		return e
	}
	if v, ok := body["authenticationType"]; ok {
		auth := aad.AuthenticationType(text(body, "authenticationType"))
		switch {
		case !s.mayChangeAuthentication(r):
			return &refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}
		case auth != aad.Managed && auth != aad.Federated || string(v) == "null":
			return bad("Invalid value specified for property 'authenticationType' of resource 'Domain'.")
		case s.root(d) != nil:
			return bad("The authenticationType of a subdomain is that of its root domain.")
		case auth == aad.Federated && st.auth == aad.Managed:
			return bad("Changing authenticationType from Managed to Federated is currently not supported.")
		case auth == aad.Managed:
			st.auth, st.fed, st.broken = aad.Managed, nil, false
		}
	}
	var isDefault *bool
	json.Unmarshal(body["isDefault"], &isDefault)
	switch {
	case isDefault == nil:
	case !*isDefault && st.isDefault:
		return bad("The default domain cannot be unset; make another domain the default.")
	case *isDefault && s.seen(d, "default", Lag{}).auth == aad.Federated:
		return bad("The domain authentication type must be Managed to be set as the default.")
	case *isDefault && !st.isDefault:
		for _, other := range s.domains {
			if o := other.state.Now(); o.isDefault {
				o.isDefault = false
				s.set(other, o)
			}
		}
		st.isDefault = true
	}
	if v := body["supportedServices"]; v != nil {
		st.services = nil
		json.Unmarshal(v, &st.services)
		for _, service := range st.services {
			if !slices.Contains(services, service) {
				return bad("Invalid value specified for property 'supportedServices' of resource 'Domain'.")
			}
		}
	}
	for name, days := range map[string]**int32{
		"passwordValidityPeriodInDays": &st.validity, "passwordNotificationWindowInDays": &st.notification,
	} {
		if v := body[name]; v != nil {
			*days = nil
			json.Unmarshal(v, days)
		}
	}
	s.set(d, st)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mayChangeAuthentication: signed-in users need a permission more.
func (s *Server) mayChangeAuthentication(r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g := s.tokens[token]
	return g.user == nil || slices.Contains(g.user, "Domain-InternalFederation.ReadWrite.All")
}

// inUse reports whether anybody's name is on a domain.
func (s *Server) inUse(name string) bool {
	for _, u := range s.order {
		if st := u.state.Now(); !st.gone && onDomain(st.UserPrincipalName, name) {
			return true
		}
	}
	return s.gen != nil && s.gen.uses(name)
}

func onDomain(upn, name string) bool {
	return len(upn) > len(name) && upn[len(upn)-len(name)-1] == '@' && strings.EqualFold(upn[len(upn)-len(name):], name)
}

func (s *Server) deleteDomain(w http.ResponseWriter, r *http.Request) *refusal {
	d, st, e := s.one(r)
	switch {
	case e != nil:
		return e
	case st.isDefault || st.isInitial:
		return bad("The default domain and the initial domain cannot be deleted.")
	case s.inUse(d.name):
		return bad("Unable to delete the domain because it is still in use.")
	}
	st.gone, st.fed, st.broken = true, nil, false
	s.set(d, st)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) forceDelete(w http.ResponseWriter, r *http.Request) *refusal {
	d, st, e := s.one(r)
	switch {
	case e != nil:
		return e
	case s.seen(d, "force", Lag{}).auth == aad.Federated:
		return bad("A federated domain cannot be deleted by force.")
	case st.isDefault || st.isInitial:
		return bad("The default domain and the initial domain cannot be deleted.")
	}
	body, e := decode(r)
	if e == nil {
		e = forceDeleteKind.writes(body)
	}
	switch {
	case e != nil:
		return e
	case s.inUse(d.name): // the service gives them names on the initial domain, later
		return notModelled("forceDelete of a domain with users")
	}
	st.gone = true
	s.set(d, st)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) verifyDomain(w http.ResponseWriter, r *http.Request) *refusal {
	if e := noBody(r); e != nil {
		return e
	}
	d, st, e := s.one(r)
	switch {
	case e != nil:
		return e
	case st.isVerified:
		return bad("The domain is verified already.")
	case s.Quirks.DNSMissing:
		return bad("Domain verification failed with the following error: 'DNS record could not be found.'.")
	}
	st.isVerified = true
	st.isRoot = s.parent(d.name) == nil
	s.set(d, st)
	o := domainObject(d.name, s.seen(d, "verify", Lag{}))
	o["availabilityStatus"] = "AvailableImmediately"
	s.entity(w, r, http.StatusOK, "domains/$entity", o)
	return nil
}

func (s *Server) promoteDomain(w http.ResponseWriter, r *http.Request) *refusal {
	if e := noBody(r); e != nil {
		return e
	}
	d, st, e := s.one(r)
	switch {
	case e != nil:
		return e
	case !st.isVerified:
		return bad("Unverified domains can't be promoted. Verify the domain before promotion.")
	case st.isRoot:
		return bad("The domain is a root domain already.")
	case s.inUse(d.name):
		return bad("Promoting a subdomain with user references isn't allowed. " +
			"Migrate the users to the current root domain before promotion of the subdomain.")
	}
	st.isRoot, st.auth = true, aad.Managed // even if what it inherited was a federation
	s.set(d, st)
	write(w, http.StatusOK, object{"@odata.context": metadata(r, "Edm.Boolean"), "value": true})
	return nil
}

func (s *Server) rootDomain(w http.ResponseWriter, r *http.Request) *refusal {
	d, _, e := s.one(r)
	if e != nil {
		return e
	}
	if p := s.root(d); p != nil {
		d = p
	}
	s.entity(w, r, http.StatusOK, "domains/$entity", domainObject(d.name, s.seen(d, "domain", s.lag("domains/"+d.name, s.GetLag))))
	return nil
}

func (s *Server) verificationRecords(w http.ResponseWriter, r *http.Request) *refusal {
	d, _, e := s.one(r)
	if e != nil {
		return e
	}
	return s.list(w, r, "domains('"+d.name+"')/verificationDnsRecords", []object{
		{
			"@odata.type": "#microsoft.graph.domainDnsTxtRecord", "id": "txt-" + d.name, "isOptional": false,
			"label": d.name, "recordType": "Txt", "supportedService": "", "ttl": 3600,
			"text": "MS=ms" + s.proof(d.name),
		},
		{
			"@odata.type": "#microsoft.graph.domainDnsMxRecord", "id": "mx-" + d.name, "isOptional": false,
			"label": d.name, "recordType": "Mx", "supportedService": "", "ttl": 3600,
			"mailExchange": "ms" + s.proof(d.name) + ".msv1.invalid", "preference": 32767,
		},
	})
}

// proof is the number that the owner of a domain has to publish.
func (s *Server) proof(name string) string {
	n := 10000000
	for _, b := range []byte(s.TenantID + name) {
		n = (n*31 + int(b)) % 90000000
	}
	return string([]byte{
		byte('1' + n/10000000), byte('0' + n/1000000%10), byte('0' + n/100000%10), byte('0' + n/10000%10),
		byte('0' + n/1000%10), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10),
	})
}

func (s *Server) serviceRecords(w http.ResponseWriter, r *http.Request) *refusal {
	d, _, e := s.one(r)
	if e != nil {
		return e
	}
	return s.list(w, r, "domains('"+d.name+"')/serviceConfigurationRecords", []object{
		{
			"@odata.type": "#microsoft.graph.domainDnsCnameRecord", "id": "cname-" + d.name, "isOptional": true,
			"label": "autodiscover." + d.name, "recordType": "CName", "supportedService": "Email", "ttl": 3600,
			"canonicalName": "autodiscover.outlook.com",
		},
	})
}

func (s *Server) domainNameReferences(w http.ResponseWriter, r *http.Request) *refusal {
	d, _, e := s.one(r)
	if e != nil {
		return e
	}
	if s.seen(d, "references", Lag{}).auth == aad.Federated {
		return unsupported("This API is not supported for federated domains.")
	}
	var all []object
	for _, u := range s.order {
		if st := u.state.Now(); !st.gone && onDomain(st.UserPrincipalName, d.name) {
			all = append(all, object{
				"@odata.type": "#microsoft.graph.user", "id": st.ID,
				"displayName": st.DisplayName, "userPrincipalName": st.UserPrincipalName,
			})
		}
	}
	return s.list(w, r, "directoryObjects", all)
}
