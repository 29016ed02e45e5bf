package aadtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// userOrder is what $orderby asks for; the zero value is the server's own order.
type userOrder struct {
	by         string
	descending bool
}

// parseOrder reads $orderby of users. combined says that there is a condition as well,
// eventual that the request is one of an advanced query.
func parseOrder(s string, combined, eventual bool) (userOrder, *refusal) {
	if s == "" {
		return userOrder{}, nil
	}
	if strings.Contains(s, ",") {
		return userOrder{}, notModelled("$orderby with several properties")
	}
	words := strings.Fields(s)
	if len(words) == 0 || len(words) > 2 {
		return userOrder{}, bad("Invalid orderby clause")
	}
	f := userKind.find(words[0])
	if f == nil {
		return userOrder{}, userKind.missing(words[0])
	}
	o := userOrder{by: f.name}
	if len(words) == 2 {
		switch strings.ToLower(words[1]) {
		case "asc":
		case "desc":
			o.descending = true
		default:
			return userOrder{}, bad("Invalid orderby clause")
		}
	}
	simple := f.name == "displayName" || f.name == "userPrincipalName"
	dated := f.name == "createdDateTime" || f.name == "deletedDateTime"
	if !simple && !dated || (combined || dated) && !eventual {
		return userOrder{}, &refusal{http.StatusBadRequest, "Request_UnsupportedQuery", "Sorting not supported for current query."}
	}
	return o, nil
}

// sort puts users in the order; those who are alike stay as they are.
func (o userOrder) sort(users []userState) {
	if o.by == "" {
		return
	}
	slices.SortStableFunc(users, func(a, b userState) int {
		if o.descending {
			a, b = b, a
		}
		v, u := a.value(o.by), b.value(o.by)
		return cmp.Or(v.at.Compare(u.at), strings.Compare(strings.ToLower(v.text), strings.ToLower(u.text)))
	})
}
