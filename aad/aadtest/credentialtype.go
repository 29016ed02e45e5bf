package aadtest

import (
	"encoding/json"
	"io"
	"net/http"
)

// The kinds of domains and credentials, and whether an account exists, in the numbers
// of GetCredentialType.
const (
	domainUnknown, domainManaged, domainFederated = 1, 3, 4
	prefersPassword, prefersFederation            = 1, 4
	accountExists, accountDoesNot                 = 0, 1
)

// credentialType answers the question that the sign-in page's script asks when a user
// name was typed.
func (s *Server) credentialType(w http.ResponseWriter, r *http.Request) {
	var body struct{ Username string }
	if b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)); err != nil || json.Unmarshal(b, &body) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	credentials := object{"PrefCredential": prefersPassword, "HasPassword": true, "RemoteNgcParams": nil, "FidoParams": nil, "SasParams": nil}
	exists, kind := accountDoesNot, domainUnknown
	switch f, ok := s.homeRealm(body.Username); {
	case ok && f != nil: // whether the account exists is the provider's business
		exists, kind = accountExists, domainFederated
		credentials["PrefCredential"], credentials["FederationRedirectUrl"] = prefersFederation, s.authURL(f, body.Username)
	case ok:
		kind = domainManaged
		if s.lookup(body.Username, false) != nil {
			exists = accountExists
		}
	}
	write(w, http.StatusOK, object{
		"Username": body.Username, "Display": body.Username, "IfExistsResult": exists, "ThrottleStatus": 1, "Credentials": credentials,
		"EstsProperties": object{"UserTenantBranding": nil, "DomainType": kind}, "FlowToken": "", "apiCanary": s.newID(0xca4a),
	})
}
