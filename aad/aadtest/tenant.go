package aadtest

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// organization is the tenant as Graph writes it.
func (s *Server) organization() object {
	var domains []object
	for _, d := range s.domains {
		if st := s.seen(d, "organization", s.lag("organization", s.ListLag)); !st.gone && st.isVerified {
			domains = append(domains, object{
				"name": d.name, "type": st.auth, "capabilities": strings.Join(st.services, ", "),
				"isDefault": st.isDefault, "isInitial": st.isInitial,
			})
		}
	}
	o := object{
		"id": s.TenantID, "displayName": s.TenantName, "tenantType": "AAD", "countryLetterCode": "US",
		"onPremisesSyncEnabled": nil, "onPremisesLastSyncDateTime": nil, "technicalNotificationMails": []string{}, "verifiedDomains": domains,
	}
	if s.synced {
		o["onPremisesSyncEnabled"], o["onPremisesLastSyncDateTime"] = true, "2026-08-25T07:44:46.2616778Z"
	}
	return o
}

func (s *Server) listOrganization(w http.ResponseWriter, r *http.Request) *refusal {
	return s.list(w, r, "organization", []object{s.organization()})
}

func (s *Server) getOrganization(w http.ResponseWriter, r *http.Request) *refusal {
	if id := r.PathValue("id"); !strings.EqualFold(id, s.TenantID) {
		return notFound(id)
	}
	s.entity(w, r, http.StatusOK, "organization/$entity", s.organization())
	return nil
}

func (s *Server) getPolicy(w http.ResponseWriter, r *http.Request) *refusal {
	if s.Quirks.NoPolicy {
		return notFound("federatedTokenValidationPolicy")
	}
	p := aad.TokenValidationPolicy{RootDomains: aad.AllDomains}
	if s.policy != nil {
		p = *s.policy
	}
	domains := object{"@odata.type": "#microsoft.graph.allDomains", "rootDomains": p.RootDomains}
	if p.RootDomains == aad.EnumeratedDomains || p.RootDomains == aad.AllManagedAndEnumeratedFederation {
		domains["@odata.type"] = "#microsoft.graph.enumeratedDomains"
		domains["domainNames"] = append([]string{}, p.DomainNames...)
	}
	id := p.ID
	if id == "" {
		id = "b0f2d6a4-0000-4000-8000-00000000fed1"
	}
	o := object{"id": id, "deletedDateTime": nil, "validatingDomains": domains}
	if s.Quirks.PolicyList {
		return s.list(w, r, "policies/federatedTokenValidationPolicy", []object{o})
	}
	s.entity(w, r, http.StatusOK, "policies/federatedTokenValidationPolicy/$entity", o)
	return nil
}

// realm is what the login service knows of a domain, which is behind.
func (s *Server) realm(login string) (name string, st domainState, ok bool) {
	name = strings.ToLower(login[strings.LastIndex(login, "@")+1:])
	for _, d := range slices.Backward(s.domains) {
		if strings.EqualFold(d.name, name) {
			st := s.seen(d, "realm", Lag{For: s.RealmLag})
			return d.name, st, !st.gone && st.isVerified
		}
	}
	return name, st, false
}

// federated returns the federation that the login service sends users to.
func (st *domainState) federated() (aad.Federation, bool) {
	if st.auth != aad.Federated {
		return aad.Federation{}, false
	}
	if st.fed == nil {
		return aad.Federation{}, true // inherited, or half a state
	}
	return *st.fed, true
}

func (s *Server) authURL(f *aad.Federation, login string) string {
	if f.PassiveSignInURI == "" {
		return ""
	}
	if f.Protocol == aad.SAML && s.Quirks.SAMLAuthURL != nil {
		return s.Quirks.SAMLAuthURL(f.PassiveSignInURI, login)
	}
	sep := "?"
	if strings.Contains(f.PassiveSignInURI, "?") {
		sep = "&"
	}
	u := f.PassiveSignInURI + sep + "username=" + url.QueryEscape(login)
	if f.Protocol != aad.SAML {
		u += "&wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx="
	}
	return u
}

func protocol(f *aad.Federation) string {
	if f.Protocol == aad.SAML {
		return "SAML20"
	}
	return "WSTrust"
}

func cloudInstance(r *http.Request) string { return strings.TrimPrefix(r.Host, "login.") }

// inherit completes the state of a subdomain with the federation of its root.
func (s *Server) inherit(name string, st *domainState) {
	if d := s.find(name); d != nil && st.fed == nil {
		if p := s.root(d); p != nil {
			st.fed = p.state.Read("realm of "+name+"'s root", Lag{For: s.RealmLag}).fed
		}
	}
}

func (s *Server) getUserRealm(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login := r.FormValue("login")
	type answer struct {
		XMLName                 xml.Name `json:"-" xml:"RealmInfo"`
		Success                 string   `json:"-" xml:"Success,attr"`
		State, UserState        int
		Login                   string
		NameSpaceType           string
		DomainName              string `json:",omitempty" xml:",omitempty"`
		IsFederatedNS           *bool  `json:"-"`
		FederationGlobalVersion int    `json:",omitempty" xml:"-"`
		AuthURL                 string `json:",omitempty" xml:",omitempty"`
		FederationBrandName     string `json:",omitempty" xml:",omitempty"`
		AuthNForwardType        int    `json:",omitempty" xml:"-"`
		CloudInstanceName       string `json:",omitempty" xml:",omitempty"`
		CloudInstanceIssuerUri  string `json:",omitempty" xml:",omitempty"`
	}
	a := answer{Success: "true", State: 4, UserState: 1, Login: login, NameSpaceType: "Unknown"}
	if name, st, ok := s.realm(login); ok {
		s.inherit(name, &st)
		f, federated := st.federated()
		a.NameSpaceType, a.DomainName, a.IsFederatedNS = "Managed", name, &federated
		a.FederationBrandName = s.TenantName
		a.CloudInstanceName, a.CloudInstanceIssuerUri = cloudInstance(r), "urn:federation:MicrosoftOnline"
		if federated {
			a.State, a.UserState, a.NameSpaceType, a.FederationGlobalVersion, a.AuthNForwardType = 3, 2, "Federated", -1, 1
			a.AuthURL, a.FederationBrandName = s.authURL(&f, login), f.DisplayName
		}
	}
	if r.FormValue("xml") == "1" || s.Quirks.RealmXML {
		b, err := xml.Marshal(a)
		if err != nil {
			panic("aadtest: " + err.Error())
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Write(b)
		return
	}
	write(w, http.StatusOK, a)
}

func (s *Server) userRealm(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login := r.PathValue("user")
	if login == "" {
		login = r.FormValue("user")
	}
	version := r.FormValue("api-version")
	if s.Quirks.NoUserRealm || login == "" || version != "1.0" && version != "2.0" && version != "2.1" {
		http.Error(w, "<html><body>not found</body></html>", http.StatusNotFound)
		return
	}
	name, st, ok := s.realm(login)
	s.inherit(name, &st)
	f, federated := st.federated()
	kind := "Unknown"
	switch {
	case ok && federated:
		kind = "Federated"
	case ok:
		kind = "Managed"
	}
	var o object
	if version == "1.0" {
		o = object{
			"ver": "1.0", "account_type": kind,
			"cloud_instance_name": cloudInstance(r), "cloud_audience_urn": "urn:federation:MicrosoftOnline",
		}
		if ok {
			o["domain_name"] = name
		}
		if kind == "Federated" {
			o["federation_protocol"] = protocol(&f)
			o["federation_metadata_url"], o["federation_active_auth_url"] = f.MetadataExchangeURI, f.ActiveSignInURI
		}
	} else {
		o = object{"NameSpaceType": kind, "Login": login}
		if ok {
			o["DomainName"], o["FederationBrandName"], o["cloudinstancename"] = name, s.TenantName, r.Host
		}
		if kind == "Federated" {
			o["federation_protocol"], o["AuthURL"], o["FederationBrandName"] = protocol(&f), s.authURL(&f, login), f.DisplayName
		}
	}
	write(w, http.StatusOK, o)
}
