package aadtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
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
	switch {
	case text(body, "userPrincipalName") == "", text(body, "displayName") == "", text(body, "mailNickname") == "",
		body["accountEnabled"] == nil:
		return bad("One or more properties contains invalid values.")
	case passwordOf(body) == "":
		return bad("The specified password does not comply with password complexity requirements. Please provide a different password.")
	}
	st := userState{User: aad.User{UserType: "Member", Created: s.now().UTC().Truncate(time.Second)}}
	if e := st.take(body); e != nil {
		return e
	}
	if e := s.checkUser(nil, &st.User, true); e != nil {
		return e
	}
	st.ID = s.newID(0x05e5)
	u := new(user)
	u.state.Set(userState{gone: true})
	u.state.Set(st)
	s.add(u)
	s.entity(w, r, http.StatusCreated, "users/$entity", userObject(&st, defaultFields))
	return nil
}

func passwordOf(body map[string]json.RawMessage) string {
	var profile struct{ Password string }
	json.Unmarshal(body["passwordProfile"], &profile)
	return profile.Password
}

// take puts the properties of a body into the user, of whom there may be older copies.
func (u *userState) take(body map[string]json.RawMessage) *refusal {
	if e := userKind.writes(body); e != nil {
		return e
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		v, ok := text(body, name), true
		switch name {
		case "usageLocation":
			ok = country(v)
		case "userType":
			ok = v == "Member" || v == "Guest"
		case "displayName":
			ok = v != ""
		case "mailNickname":
			ok = v != "" && len(v) <= 64 && !strings.ContainsAny(v, `@()\[]";:<>, `)
		case "businessPhones": // a list of one, as the documentation says
			var phones []string
			json.Unmarshal(body[name], &phones)
			ok = len(phones) <= 1
		}
		if !ok {
			return bad("Invalid value specified for property '%s' of resource 'User'.", name)
		}
	}
	more := maps.Clone(u.more)
	if more == nil {
		more = make(map[string]json.RawMessage)
	}
	for name, v := range body {
		switch name {
		case "@odata.type":
		case "userPrincipalName":
			u.UserPrincipalName = text(body, name)
		case "displayName":
			u.DisplayName = text(body, name)
		case "mail":
			u.Mail = text(body, name)
		case "onPremisesImmutableId":
			u.ImmutableID = text(body, name)
		case "userType":
			u.UserType = text(body, name)
		case "accountEnabled":
			u.Enabled = new(bool)
			json.Unmarshal(v, u.Enabled)
		case "otherMails":
			u.OtherMails = nil
			json.Unmarshal(v, &u.OtherMails)
		case "passwordProfile":
			u.password = cmp.Or(passwordOf(body), u.password)
			more[name] = withoutPassword(merged(more[name], v))
		case "employeeOrgData", "onPremisesExtensionAttributes":
			more[name] = merged(more[name], v)
		default:
			more[name] = compact(v)
		}
	}
	u.more = more
	return nil
}

// country reports whether s has the form of a country's code.
func country(s string) bool {
	return len(s) == 2 && strings.Trim(strings.ToUpper(s), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func compact(v json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return v
	}
	return b.Bytes()
}

// merged returns an object with the properties of another one; null replaces it.
func merged(old, change json.RawMessage) json.RawMessage {
	var all, some map[string]json.RawMessage
	if json.Unmarshal(change, &some); some == nil {
		return json.RawMessage("null")
	}
	json.Unmarshal(old, &all)
	if all == nil {
		all = make(map[string]json.RawMessage)
	}
	maps.Copy(all, some)
	b, _ := json.Marshal(all)
	return b
}

// withoutPassword is a password profile as it is shown.
func withoutPassword(v json.RawMessage) json.RawMessage {
	shown := map[string]any{"password": nil, "forceChangePasswordNextSignIn": false, "forceChangePasswordNextSignInWithMfa": false}
	var kept map[string]any
	if json.Unmarshal(v, &kept); kept == nil {
		return json.RawMessage("null")
	}
	for name, value := range kept {
		if name != "password" && name != "@odata.type" {
			shown[name] = value
		}
	}
	b, _ := json.Marshal(shown)
	return b
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
	if text(body, "id") == st.ID {
		delete(body, "id") // clients that write back what they have read send it along
	}
	old := st.UserPrincipalName
	if e := s.mastered(&st, body); e != nil {
		return e
	}
	if e := st.take(body); e != nil {
		return e
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

// cloudMastered are the properties of a synchronised user that can be changed here.
var cloudMastered = []string{
	"usageLocation", "preferredDataLocation", "ageGroup", "consentProvidedForMinor", "passwordPolicies",
}

// mastered refuses changes of what is decided elsewhere.
func (s *Server) mastered(st *userState, body map[string]json.RawMessage) *refusal {
	_, host, _ := strings.Cut(st.UserPrincipalName, "@")
	d := s.find(host)
	federated := d != nil && s.seen(d, "user", Lag{}).auth == aad.Federated
	synced := st.OnPremisesSyncEnabled != nil && *st.OnPremisesSyncEnabled
	for _, name := range slices.Sorted(maps.Keys(body)) {
		switch {
		case userKind.properties[name] == nil || userKind.properties[name].access != kept:
		case synced && !slices.Contains(cloudMastered, name):
			return bad("Unable to update the specified properties for on-premises mastered Directory Sync objects " +
				"or objects currently undergoing migration.")
		case name == "onPremisesImmutableId" && string(body[name]) == `""`:
			return bad("Invalid value specified for property 'onPremisesImmutableId' of resource 'User'.")
		case name == "onPremisesImmutableId" && s.Quirks.ImmutableIDFixedWhenFederated && federated,
			name == "passwordProfile" && federated:
			return bad("Unable to update the specified properties for objects that have originated within an external service.")
		}
	}
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
