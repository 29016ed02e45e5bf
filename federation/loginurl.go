package federation

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
)

// gateLoginURL refuses a login URL that another application has: JumpCloud does
// not see to it, and which of the two answers is anybody's guess. Applications of
// all templates are read, but only when an address is about to be used that the
// domain's people are not sent to yet.
func (f *Federator) gateLoginURL(ctx context.Context, p Plan, st *observation, todo Changes) (findings, error) {
	own := st.app(p)
	if own == nil && (len(st.apps) > 0 || st.noTmpl) || st.domain(p.Domain) == nil || !slices.ContainsFunc(todo, func(c Change) bool {
		return c.makesApplication() || c.ofFederation() && c.writes(fieldPassiveSignIn)
	}) {
		return nil, nil
	}
	want := p.loginURL(st.template)
	if own != nil {
		want = own.SSOURL
	}
	var names []string
	for a, err := range recallList(ctx, "applications", f.jc.Applications(ctx)) {
		if err != nil {
			return nil, err
		}
		if (own == nil || a.ID != own.ID) && a.SSOURL != "" && sameEndpoint(a.SSOURL, want) {
			names = append(names, quote(cmp.Or(a.DisplayLabel, a.Name))+" ("+a.ID+")")
		}
	}
	if names == nil {
		return nil, nil
	}
	slices.Sort(names)
	var ps findings
	if own == nil {
		ps.refuse(CodeLoginURLTaken, want, loginURLTaken(p, want, strings.Join(names, " and ")),
			"set application.loginURL to one that no application has; if one of these is the application of "+p.Domain+
				", set application.idpEntityID to its entity ID")
	} else {
		ps.refuse(CodeLoginURLTaken, want, "the application "+quote(own.DisplayLabel)+" ("+own.ID+") of "+p.Domain+" has the login URL "+want+
			", which "+strings.Join(names, " and ")+" has too, and people would be sent to either",
			"delete the application that nobody uses; a login URL cannot be changed, so for another one an application has to be made anew")
	}
	return ps, nil
}

func loginURLTaken(p Plan, want, by string) string {
	return "the login URL " + want + " for the application of " + p.Domain + " is that of " + by +
		" already, and people would be sent to either"
}

// untaken refuses to make an application whose login URL somebody has taken since
// the gates, as the last look at the applications shows.
func (st *observation) untaken(p Plan) error {
	want := p.loginURL(st.template)
	for _, a := range st.others {
		if a.SSOURL != "" && sameEndpoint(a.SSOURL, want) {
			var ps findings
			ps.refuse(CodeLoginURLTaken, want, loginURLTaken(p, want, quote(a.DisplayLabel)+" ("+a.ID+")"),
				"set application.loginURL to one that no application has")
			return ps.err()
		}
	}
	return nil
}

// endpoint is a URL without its query, which can name a person.
func endpoint(s string) string {
	s, _, _ = strings.Cut(s, "?")
	return s
}

// sameEndpoint compares what the realm endpoint says, which carries a query of
// unknown form, with the application's login URL.
func sameEndpoint(auth, sso string) bool {
	a, err1 := url.Parse(auth)
	b, err2 := url.Parse(sso)
	return err1 == nil && err2 == nil && strings.EqualFold(a.Host, b.Host) &&
		strings.TrimSuffix(a.Path, "/") == strings.TrimSuffix(b.Path, "/")
}
