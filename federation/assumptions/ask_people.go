package assumptions

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

func (l *looker) askRoles() {
	ids := []string{"aad-role-expand", "aad-principal-names"}
	var n, typed, users, named int
	for a, err := range l.ad.RoleAssignments(l.ctx, aad.GlobalAdministrator) {
		if err != nil {
			l.fails(err, ids...)
			return
		}
		n++
		if p := a.Principal; p != nil && p.Type != "" {
			typed++
			if p.Type == aad.UserPrincipal {
				users++
			}
			if p.UserPrincipalName != "" {
				named++
			}
		}
		if n == 50 {
			break
		}
	}
	if n == 0 {
		l.unknown("nobody has the role of Global Administrator", ids...)
		return
	}
	l.check("aad-role-expand", typed == n, "of %d assignments %d tell it", n, typed)
	if users == 0 {
		l.unknown("no user has the role of Global Administrator", "aad-principal-names")
		return
	}
	l.check("aad-principal-names", named == 0, "of %d users %d come with it", users, named)
}

// askPeople lists people of a domain, as Preflight does.
func (l *looker) askPeople() {
	const ends, link, counts = "aad-ends-with", "aad-next-link", "aad-counts"
	if l.people == "" {
		l.unknown("there is no domain to look at", ends, link, counts, "aad-starts-with", "aad-empty-list")
		return
	}
	var n, wrong int
	total := -1
	var failed error
	seen := l.during(false, func() {
		opts := aad.UsersOptions{Domain: l.people, Select: []string{"id", "userPrincipalName"}, OnTotal: func(n int) { total = n }}
		for u, err := range l.ad.Users(l.ctx, &opts) {
			if failed = err; err != nil {
				break
			}
			if n++; !strings.HasSuffix(strings.ToLower(u.UserPrincipalName), "@"+l.people) {
				wrong++
			}
			if n == 500 {
				break
			}
		}
	})
	if len(seen) > 0 {
		l.nextLink(seen[0])
	}
	switch {
	case errors.Is(failed, aad.ErrInvalid):
		l.differs(ends, "the filter was refused")
		l.fails(failed, link, counts)
		return
	case failed != nil:
		l.fails(failed, ends, link, counts)
		return
	}
	l.check(ends, wrong == 0, "of the users of %s %d were read, %d of them of another domain", l.people, n, wrong)
	counted, err := l.ad.UserCount(l.ctx, &aad.UsersOptions{Domain: l.people})
	switch {
	case total < 0 || errors.Is(err, aad.ErrInvalid):
		l.differs(counts, "the list tells how many there are: %s; they can be counted: %s", yes(total >= 0), yes(err == nil))
	case err != nil:
		l.fails(err, counts)
	default:
		l.check(counts, counted == total && total >= n, "%d by the list, %d by the count, %d read", total, counted, n)
	}
}

func (l *looker) nextLink(x *exchange) {
	const id = "aad-next-link"
	var wire struct {
		Next string `json:"@odata.nextLink"`
	}
	json.Unmarshal(x.body.Bytes(), &wire)
	u, err := url.Parse(wire.Next)
	if wire.Next == "" || err != nil {
		l.unknown("the users of one domain fit on one page", id)
		return
	}
	l.check(id, strings.EqualFold(u.Host, x.host), "it leads to %s", u.Host)
}

// askStartsWith lists those whose names begin with a letter, for several, until one is of somebody.
func (l *looker) askStartsWith() {
	const id = "aad-starts-with"
	for _, prefix := range []string{"A", "S", "M", "J", "B", "C"} {
		n, wrong := 0, 0
		for u, err := range l.ad.Users(l.ctx, &aad.UsersOptions{Prefix: prefix, Select: []string{"id", "userPrincipalName"}}) {
			switch {
			case errors.Is(err, aad.ErrInvalid):
				l.differs(id, "the filter was refused")
				return
			case err != nil:
				l.fails(err, id)
				return
			}
			if n++; !strings.HasPrefix(strings.ToUpper(u.UserPrincipalName), prefix) {
				wrong++
			}
			if n == 500 {
				break
			}
		}
		if n > 0 {
			l.check(id, wrong == 0, "of the users whose names begin with %s %d were read, %d of them with another letter", prefix, n, wrong)
			return
		}
	}
	l.unknown("nobody's name begins with one of the letters that were tried", id)
}

// askNobody asks for users who cannot be there.
func (l *looker) askNobody() {
	const id = "aad-empty-list"
	filter := "userPrincipalName eq " + aad.Quote("nobody-7f3a9c51e2@"+l.people)
	n := 0
	var failed error
	x := last(l.during(false, func() {
		for _, err := range l.ad.Users(l.ctx, &aad.UsersOptions{Filter: filter, Select: []string{"id"}}) {
			if failed = err; err != nil {
				break
			}
			n++
		}
	}))
	var wire struct{ Value json.RawMessage }
	json.Unmarshal(x.body.Bytes(), &wire)
	text := string(bytes.TrimSpace(wire.Value))
	switch {
	case failed != nil:
		l.fails(failed, id)
	case n > 0:
		l.unknown("somebody was found who cannot be there", id)
	default:
		l.check(id, text == "[]", "it is %s", text)
	}
}

// askSignIns reads the newest entries of the sign-in log.
func (l *looker) askSignIns() {
	const log, protocol = "aad-sign-in-log", "aad-sign-in-protocol"
	n, told := 0, 0
	for s, err := range l.ad.SignIns(l.ctx, &aad.SignInsOptions{Since: time.Now().Add(-24 * time.Hour), MaxPages: 1}) {
		var e *aad.Error
		switch {
		case errors.Is(err, aad.ErrTooManyPages):
			continue
		case errors.As(err, &e) && strings.HasPrefix(e.Code, "Authentication_RequestFromNonPremiumTenant"):
			l.differs(log, "the tenant has no license for it")
			l.unknown("there is no sign-in log", protocol)
			return
		case err != nil:
			l.fails(err, log, protocol)
			return
		}
		if n++; s.Protocol != "" || s.Token != "" {
			told++
		}
	}
	l.holds(log, "it was read, with %d sign-ins of the last day", n)
	if n == 0 {
		l.unknown("nobody has signed in within the last day", protocol)
		return
	}
	l.check(protocol, told > 0, "of %d entries %d do", n, told)
}
