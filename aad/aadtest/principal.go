package aadtest

import (
	"slices"
	"strings"
)

// expansion is what $expand asks for of a role assignment.
type expansion struct {
	s     *Server
	names []string // of principal
	whole bool     // all of its properties
}

// expansion reads $expand of role assignments.
func (s *Server) expansion(expand string) (*expansion, *refusal) {
	inner, nested := strings.CutPrefix(expand, "principal(")
	switch {
	case expand == "":
		return &expansion{s: s}, nil
	case expand == "principal":
		return &expansion{s: s, whole: true}, nil
	case !nested:
		name, _, _ := strings.Cut(expand, "(")
		if assignmentKind.properties[strings.TrimSpace(name)] == nil && !strings.Contains(name, ",") {
			return nil, assignmentKind.missing(name)
		}
		return nil, notModelled("$expand=%s of role assignments", expand)
	}
	inner, closed := strings.CutSuffix(inner, ")")
	sel, ok := strings.CutPrefix(strings.TrimSpace(inner), "$select=")
	switch {
	case !closed:
		return nil, bad("Invalid $expand clause")
	case !ok || strings.ContainsAny(sel, ";()"):
		return nil, notModelled("$expand=%s of role assignments", expand)
	}
	x := &expansion{s: s}
	for name := range strings.SplitSeq(sel, ",") {
		name = strings.TrimSpace(name)
		if groupKind.properties[name] == nil {
			spelled, e := userKind.selects([]string{name})
			if e != nil {
				return nil, e
			}
			name = spelled[0]
		}
		x.names = append(x.names, name)
	}
	return x, nil
}

// context is the part of the context that names what was expanded.
func (x *expansion) context() string {
	if !x.whole && x.names == nil {
		return ""
	}
	return "(principal(" + strings.Join(x.names, ",") + "))"
}

// expand returns an assignment with its principal, if that was asked for.
func (x *expansion) expand(a *assignment) object {
	o := a.object()
	if x.whole || x.names != nil {
		o["principal"] = x.principal(a.principal)
	}
	return o
}

// wholeUser are the properties of a user that is expanded without $select.
var wholeUser = func() []string {
	var names []string
	for name, p := range userKind.properties {
		if p.access != unmodelled && name != "userPrincipalName" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()

// principal is who has a role. The user principal name of users has to be asked for.
func (x *expansion) principal(id string) object {
	sort, o := "servicePrincipal", object{"id": id, "displayName": "Application", "accountEnabled": true}
	if g := x.s.groups[id]; g != nil {
		sort, o = "group", object{"id": g.id, "displayName": g.name, "isAssignableToRole": true, "securityEnabled": true}
	} else if u := x.s.lookup(id, false); u != nil {
		st, names := u.state.Now(), wholeUser
		if !x.whole {
			names = slices.DeleteFunc(slices.Clone(x.names), func(name string) bool { return userKind.properties[name] == nil })
		} else if x.s.Quirks.PrincipalNames {
			names = append(slices.Clip(names), "userPrincipalName")
		}
		sort, o = "user", userObject(&st, names)
	}
	if !x.whole {
		for name := range o {
			if !slices.Contains(x.names, name) {
				delete(o, name)
			}
		}
		o["id"] = id
	}
	o["@odata.type"] = "#microsoft.graph." + sort
	return o
}
