package federation

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// CodeSignedIn tells which account a delegated token is of, and whether this very
// account is about to lose its way in. What the token says is not verified.
const CodeSignedIn Code = "signed-in-account"

// signedIn is the account that a delegated token is of, as far as the token says.
type signedIn struct{ id, upn []byte }

// whoIsSignedIn returns whose token it is; nil for an application's own, and for one
// that cannot be read.
func whoIsSignedIn(perms *aad.Permissions) *signedIn {
	if perms == nil || perms.AppOnly {
		return nil
	}
	return &signedIn{[]byte(perms.ObjectID), []byte(plain(perms.UserPrincipalName))}
}

// signedInName names the account that is signed in; "" if none is, or nobody knows.
func signedInName(perms *aad.Permissions) string {
	if who := whoIsSignedIn(perms); who != nil {
		return who.name()
	}
	return ""
}

// is reports whether the account has this ID, or, if the token names none, this name.
func (s *signedIn) is(id, upn []byte) bool {
	if len(s.id) > 0 && len(id) > 0 {
		return bytes.EqualFold(s.id, id)
	}
	return len(s.upn) > 0 && bytes.EqualFold(s.upn, upn)
}

// name is how the account is called, and what a finding is about.
func (s *signedIn) name() string { return cmp.Or(string(s.upn), plain(string(s.id))) }

// domain is the one that the account is on; "" if the token does not say.
func (s *signedIn) domain() string {
	_, at, _ := strings.Cut(string(s.upn), "@")
	return domainName(at)
}

const signInElsewhere = "sign in as a Global Administrator on the tenant's *.onmicrosoft.com domain for this change"

// gateSignedIn tells who is signed in, and whether that account could undo the
// change once its session has ended. It is the account's own way in that is judged;
// everybody's is judged elsewhere.
func (st *observation) gateSignedIn(ps *findings, p Plan, perms *aad.Permissions, of *People) {
	who := whoIsSignedIn(perms)
	if who == nil {
		return
	}
	name := who.name()
	if name == "" {
		ps.info(CodeSignedIn, "token",
			"somebody is signed in, and the token does not say who: whether that account loses its sign-in is not known", signInElsewhere)
		return
	}
	for i, a := range of.lockedOut().accounts() {
		if who.is(a.id, a.upn) {
			ps.warn(CodeSignedIn, name, "the account that is signed in, "+name+", would be locked out itself ("+of.At(int(i)).Evidence+
				"), and nothing could be undone with it once its session has ended", signInElsewhere)
			return
		}
	}
	switch fit := st.fit(p); {
	case len(fit) == 1 && !p.makesAdministrator(st) && who.is([]byte(fit[0].id), []byte(fit[0].upn)):
		ps.warn(CodeSignedIn, name, "the account that is signed in, "+name+
			", is the only Global Administrator who could sign in if JumpCloud were down: nobody could help it back in",
			"have a second one on the tenant's *.onmicrosoft.com domain")
	case who.domain() != "" && st.root(who.domain()) == p.Domain && slices.ContainsFunc(diff(p, st), Change.switches):
		ps.info(CodeSignedIn, name, "the account that is signed in, "+name+
			", is on the domain itself: it gets in through JumpCloud next time, and only if that works can anything be undone with it",
			signInElsewhere)
	default:
		ps.info(CodeSignedIn, name, "the account that is signed in is "+name, "")
	}
}

// switches reports whether the change sends people to another place to sign in.
func (c Change) switches() bool {
	return c.ofFederation() && (c.Action == Create || c.Action == Update && c.writes(fieldPassiveSignIn))
}

// fit are the administrators who could sign in if JumpCloud were down.
func (st *observation) fit(p Plan) (fit []*admin) {
	for i := range st.admins {
		if a := &st.admins[i]; a.unfit(p, st) == "" {
			fit = append(fit, a)
		}
	}
	return fit
}

// makesAdministrator reports whether the plan makes one more of them.
func (p Plan) makesAdministrator(st *observation) bool {
	return p.TechnicalAccount.Create && (st.technical == nil || !st.technical.global)
}

// gateSignedOut tells whoever ends a federation that the account that is signed in
// lives on it: without a password in Azure AD it gets in no more.
func gateSignedOut(ps *findings, plan DefederatePlan, st *observation, perms *aad.Permissions) {
	who := whoIsSignedIn(perms)
	if who == nil || who.domain() == "" || st.root(who.domain()) != plan.Domain {
		return
	}
	name := who.name()
	tell := ps.warn
	if plan.Passwords == PasswordsKnown {
		tell = ps.info
	}
	tell(CodeSignedIn, name, "the account that is signed in, "+name+
		", is on the domain itself, and gets in with an Azure AD password next time",
		"make sure that it has one, or "+signInElsewhere)
}
