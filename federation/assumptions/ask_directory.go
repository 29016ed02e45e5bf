package assumptions

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// noDirectory is why nothing can be told of a Microsoft 365 directory.
const noDirectory = "JumpCloud has no Microsoft 365 directory yet: make it in the console, and look again"

// ofDirectory are answered at a Microsoft 365 directory.
var ofDirectory = []string{"jc-directory-grant", "jc-directory-domains", "jc-total-number", "jc-sync-status", "jc-external-id",
	"jc-immutable-id"}

func (l *looker) askDirectories() {
	var all []*jumpcloud.Directory
	var err error
	x := last(l.during(true, func() {
		for d, e := range l.jc.Directories(l.ctx) {
			if err = e; err != nil || len(all) == 100 {
				break
			}
			all = append(all, d)
		}
	}))
	if err != nil {
		l.fails(err, append(ofDirectory, "jc-total-header")...)
		return
	}
	total := x.header.Get("X-Total-Count")
	l.check("jc-total-header", total != "", "the list of directories came with %q", total)
	for _, d := range all {
		if d.Type == jumpcloud.DirectoryObject && (l.directory == nil || !l.directory.Healthy() && d.Healthy()) {
			l.directory = d
		}
	}
	if l.directory == nil {
		l.unknown(noDirectory, ofDirectory...)
		return
	}
	switch o := l.directory.OAuth; {
	case o == nil:
		l.differs("jc-directory-grant", "nothing is told of the consent")
		l.but("jc-directory-grant", SafeToGoOn)
	case o.Error != "":
		l.differs("jc-directory-grant", "the consent has ended: %s; renew it in JumpCloud's console", o.Error)
	default:
		l.holds("jc-directory-grant", "it is good, and tells when it ends: %s", yes(!o.Expiry.IsZero()))
	}
}

func (l *looker) askOffice365s() {
	const id = "jc-list-office365s"
	n := 0
	for _, err := range l.jc.Office365s(l.ctx) {
		switch {
		case errors.Is(err, jumpcloud.ErrNotFound), errors.Is(err, jumpcloud.ErrInvalid):
			l.holds(id, "it is not answered")
			return
		case err != nil:
			l.fails(err, id)
			return
		}
		n++
	}
	l.differs(id, "it is answered, with %d directories", n)
}

func (l *looker) askDirectoryDomains() {
	if l.directory == nil {
		return
	}
	var names []string
	var err error
	x := last(l.during(true, func() {
		for d, e := range l.jc.Office365Domains(l.ctx, l.directory.ID) {
			if err = e; err != nil || len(names) == 100 {
				break
			}
			names = append(names, d.Domain)
		}
	}))
	const id = "jc-directory-domains"
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound):
		l.differs(id, "they are not found")
		l.fails(err, "jc-total-number")
		return
	case err != nil:
		l.fails(err, id, "jc-total-number")
		return
	}
	known := 0
	for _, name := range names {
		if l.domains[name] != nil {
			known++
		}
	}
	switch {
	case len(names) == 0:
		l.holds(id, "there is a list, with nothing in it")
	case len(l.domains) == 0:
		l.unknown("the tenant's domains could not be read, to compare", id)
	default:
		l.check(id, known > 0, "it has %d, of which the tenant has %d", len(names), known)
	}
	var wire struct{ TotalCount json.RawMessage }
	json.Unmarshal(x.body.Bytes(), &wire)
	if text := string(wire.TotalCount); text == "" {
		l.unknown("it is left out", "jc-total-number")
	} else {
		l.check("jc-total-number", text[0] != '"', "it is %s", text)
	}
}

// bounds is how many bound users are compared: as many as one request to Graph asks for.
const bounds = 15

// askBound compares users who are bound to the directory with their accounts.
func (l *looker) askBound() {
	if l.directory == nil {
		return
	}
	ids := []string{"jc-sync-status", "jc-external-id", "jc-immutable-id"}
	var seen, synced int
	user := make(map[string]string) // JumpCloud's ID, by the external one
	var external []string
	for u, err := range l.jc.Office365Users(l.ctx, l.directory.ID) {
		if err != nil {
			l.fails(err, ids...)
			return
		}
		seen++
		if u.Sync != nil {
			synced++
		}
		if u.ExternalID != "" {
			external, user[u.ExternalID] = append(external, u.ExternalID), u.UserID
		}
		if seen == 100 || len(external) == bounds {
			break
		}
	}
	if seen == 0 {
		l.unknown("nobody is bound to the Microsoft 365 directory yet", ids...)
		return
	}
	l.check("jc-sync-status", synced > 0, "of %d bound users %d come with it", seen, synced)
	switch {
	case len(external) == 0 && synced > 0:
		l.differs("jc-external-id", "%d bound users have a state, and none has an external ID", synced)
	case len(external) == 0:
		l.unknown("nobody was synchronised with Microsoft 365 yet", ids...)
	default:
		l.accounts(external, user)
	}
	l.unknown("no account of a bound user was found", "jc-immutable-id")
}

func (l *looker) accounts(external []string, user map[string]string) {
	var found, same, other int
	for u, err := range l.ad.Users(l.ctx, &aad.UsersOptions{IDs: external, Select: []string{"id", "onPremisesImmutableId"}}) {
		if errors.Is(err, aad.ErrInvalid) || errors.Is(err, aad.ErrNotFound) {
			break // they are no IDs of Graph's
		}
		if err != nil {
			l.fails(err, "jc-external-id", "jc-immutable-id")
			return
		}
		found++
		switch u.ImmutableID {
		case "":
		case user[u.ID]:
			same++
		default:
			other++
		}
	}
	l.check("jc-external-id", found > 0, "of %d of them the tenant has %d", len(external), found)
	switch {
	case found == 0:
	case same+other == 0:
		l.unknown("the accounts of bound users have no immutable ID yet", "jc-immutable-id")
	default:
		l.check("jc-immutable-id", other == 0, "of %d accounts %d have that, %d another, %d none", found, same, other, found-same-other)
	}
}

func (l *looker) askGroup() {
	const id = "jc-group-method"
	for listed, err := range l.jc.Groups(l.ctx) {
		if err != nil {
			l.fails(err, id)
			return
		}
		g, err := l.jc.Group(l.ctx, listed.ID)
		if err != nil {
			l.fails(err, id)
			return
		}
		l.check(id, g.MembershipMethod != "", "a group says %q", g.MembershipMethod)
		return
	}
	l.unknown("there is no group", id)
}

// answered reports whether a service has answered x so.
func (x *exchange) answered(status int) bool { return x.status == status && x.method == http.MethodGet }
