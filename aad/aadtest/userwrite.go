package aadtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// checkUser judges the names of a user that is created or changed.
func (s *Server) checkUser(own *user, st *aad.User, nameChanged bool) *refusal {
	name, host, ok := strings.Cut(st.UserPrincipalName, "@")
	if !ok || name == "" || strings.ContainsAny(st.UserPrincipalName, ` ()<>,;:\"[]`) {
		return bad("Property userPrincipalName is invalid.")
	}
	d := s.find(host)
	if d == nil || !d.state.Now().isVerified {
		return bad("The domain portion of the userPrincipalName property is invalid. " +
			"You must use one of the verified domain names in your organization.")
	}
	if other := s.lookup(st.UserPrincipalName, false); nameChanged && other != nil && other != own {
		return sameKey(http.StatusBadRequest, "userPrincipalName")
	}
	if st.ImmutableID != "" {
		if strings.ContainsAny(st.ImmutableID, "$_") {
			return bad("Invalid value specified for property 'onPremisesImmutableId' of resource 'User'.")
		}
		for _, u := range s.order {
			if o := u.state.Now(); u != own && (!o.gone || s.Quirks.DeletedKeepImmutableIDs) && o.ImmutableID == st.ImmutableID {
				return sameKey(http.StatusBadRequest, "onPremisesImmutableId")
			}
		}
	}
	if nameChanged && st.ImmutableID == "" && s.seen(d, "user", Lag{}).auth == aad.Federated {
		return bad("One or more properties contains invalid values.")
	}
	return nil
}

func (s *Server) createUser(w http.ResponseWriter, r *http.Request) *refusal {
	body, e := decode(r)
	if e != nil {
		return e
	}
	var profile struct{ Password string }
	json.Unmarshal(body["passwordProfile"], &profile)
	var enabled *bool
	json.Unmarshal(body["accountEnabled"], &enabled)
	switch {
	case text(body, "userPrincipalName") == "", text(body, "displayName") == "", text(body, "mailNickname") == "", enabled == nil:
		return bad("One or more properties contains invalid values.")
	case profile.Password == "":
		return bad("The specified password does not comply with password complexity requirements. Please provide a different password.")
	}
	st := userState{password: profile.Password, User: aad.User{
		UserPrincipalName: text(body, "userPrincipalName"), DisplayName: text(body, "displayName"),
		ImmutableID: text(body, "onPremisesImmutableId"), UserType: "Member", Enabled: enabled, Created: s.now().UTC().Truncate(time.Second),
	}}
	if e := s.checkUser(nil, &st.User, true); e != nil {
		return e
	}
	st.ID = s.newID(0x05e5)
	u := new(user)
	u.state.Set(userState{gone: true})
	u.state.Set(st)
	s.add(u)
	s.entity(w, r, http.StatusCreated, "users/$entity", userObject(&st.User, strings.Split(defaultFields, ",")))
	return nil
}

func (s *Server) patchUser(w http.ResponseWriter, r *http.Request) *refusal {
	if e := dollar(r); e != nil {
		return e
	}
	u := s.lookup(r.PathValue("id"), true)
	if u == nil {
		return notFound(r.PathValue("id"))
	}
	body, e := decode(r)
	if e != nil {
		return e
	}
	st := u.state.Now()
	old := st.UserPrincipalName
	synced := st.OnPremisesSyncEnabled != nil && *st.OnPremisesSyncEnabled
	if v, ok := body["onPremisesImmutableId"]; ok {
		id := text(body, "onPremisesImmutableId")
		d := s.find(old[strings.LastIndex(old, "@")+1:])
		switch {
		case synced:
			return bad("Unable to update the specified properties for on-premises mastered Directory Sync objects " +
				"or objects currently undergoing migration.")
		case string(v) != "null" && id == "":
			return bad("Invalid value specified for property 'onPremisesImmutableId' of resource 'User'.")
		case s.Quirks.ImmutableIDFixedWhenFederated && d != nil && s.seen(d, "user", Lag{}).auth == aad.Federated:
			return bad("Unable to update the specified properties for objects that have originated within an external service.")
		}
		st.ImmutableID = id
	}
	if v := text(body, "userPrincipalName"); v != "" {
		if synced {
			return bad("Unable to update the specified properties for on-premises mastered Directory Sync objects " +
				"or objects currently undergoing migration.")
		}
		st.UserPrincipalName = v
	}
	if v := text(body, "displayName"); v != "" {
		st.DisplayName = v
	}
	if v, ok := body["accountEnabled"]; ok {
		st.Enabled = new(bool)
		json.Unmarshal(v, st.Enabled)
	}
	if e := s.checkUser(u, &st.User, !strings.EqualFold(old, st.UserPrincipalName)); e != nil {
		return e
	}
	delete(s.names, strings.ToLower(old))
	s.names[strings.ToLower(st.UserPrincipalName)] = u
	u.state.Set(st)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request) *refusal {
	if e := dollar(r); e != nil {
		return e
	}
	u := s.lookup(r.PathValue("id"), true)
	if u == nil {
		return notFound(r.PathValue("id"))
	}
	s.drop(u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// drop deletes a user, and what roles it had.
func (s *Server) drop(u *user) {
	st := u.state.Now()
	st.gone = true
	u.state.Set(st)
	delete(s.names, strings.ToLower(st.UserPrincipalName))
	for _, a := range s.roles {
		if a.principal == st.ID {
			a.gone.Set(true)
		}
	}
}
