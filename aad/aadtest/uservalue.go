package aadtest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

func userType(u *aad.User) string {
	if u.UserType == "" {
		return "Member"
	}
	return u.UserType
}

// value returns a property for a condition.
func (u *userState) value(name string) value {
	text := func(s string) value { return value{set: s != "", text: s} }
	list := func(l []string) value { return value{set: len(l) > 0, list: l} }
	switch name {
	case "id":
		return text(u.ID)
	case "userPrincipalName":
		return text(u.UserPrincipalName)
	case "displayName":
		return text(u.DisplayName)
	case "mail":
		return text(u.Mail)
	case "onPremisesImmutableId":
		return text(u.ImmutableID)
	case "userType":
		return text(userType(&u.User))
	case "accountEnabled":
		return value{set: true, text: strconv.FormatBool(u.Enabled == nil || *u.Enabled)}
	case "onPremisesSyncEnabled":
		if u.OnPremisesSyncEnabled == nil {
			return value{}
		}
		return value{set: true, text: strconv.FormatBool(*u.OnPremisesSyncEnabled)}
	case "createdDateTime":
		return value{set: !u.Created.IsZero(), at: u.Created}
	case "proxyAddresses":
		return list(u.ProxyAddresses)
	case "otherMails":
		return list(u.OtherMails)
	case "mailNickname":
		return text(u.nickname())
	}
	return u.kept(name)
}

// kept returns a property that only this package keeps.
func (u *userState) kept(name string) value {
	raw, ok := u.more[name]
	if !ok {
		return value{}
	}
	var v value
	switch strings.TrimSuffix(userKind.properties[name].form, "!") {
	case "texts":
		json.Unmarshal(raw, &v.list)
		v.set = len(v.list) > 0
	case "date":
		v.set = json.Unmarshal(raw, &v.at) == nil
	default:
		v.set = json.Unmarshal(raw, &v.text) == nil && v.text != ""
	}
	return v
}

// nickname is the mail nickname: who was added without one has the name before the @.
func (u *userState) nickname() string {
	if raw, ok := u.more["mailNickname"]; ok {
		var s string
		json.Unmarshal(raw, &s)
		return s
	}
	name, _, _ := strings.Cut(u.UserPrincipalName, "@")
	return name
}

// append writes a property.
func (u *userState) append(b []byte, name string) []byte {
	switch name {
	case "accountEnabled":
		return strconv.AppendBool(b, u.Enabled == nil || *u.Enabled)
	case "onPremisesSyncEnabled":
		if u.OnPremisesSyncEnabled == nil {
			return append(b, "null"...)
		}
		return strconv.AppendBool(b, *u.OnPremisesSyncEnabled)
	case "proxyAddresses":
		return appendStrings(b, u.ProxyAddresses)
	case "otherMails":
		return appendStrings(b, u.OtherMails)
	case "createdDateTime":
		if u.Created.IsZero() {
			return append(b, "null"...)
		}
		b = append(b, '"')
		b = u.Created.UTC().AppendFormat(b, time.RFC3339)
		return append(b, '"')
	}
	if raw, ok := u.more[name]; ok {
		return append(b, raw...)
	}
	switch name {
	case "businessPhones", "imAddresses":
		return append(b, "[]"...)
	}
	if v := u.value(name); v.set {
		return appendString(b, v.text)
	}
	return append(b, "null"...)
}
