package federationtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// SignIns says how the sign-ins of some time went: one began each second.
type SignIns struct {
	Seconds, Failed int
	Gaps            []Gap // in their order; they do not overlap
}

// Gap is a time in which each sign-in that began could fail, for the same reason.
type Gap struct {
	From, To time.Time // To is the second after the last one that failed
	Why      string
}

// String returns the counts in one line, and a line for each gap.
func (s SignIns) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sign-ins, %d failed", s.Seconds, s.Failed)
	for _, g := range s.Gaps {
		const layout = "2006-01-02 15:04:05"
		fmt.Fprintf(&b, "\n%s to %s (%s): %s", g.From.Format(layout), g.To.Format(layout), g.To.Sub(g.From), g.Why)
	}
	return b.String()
}

// pageOpen is how long a person may take from the beginning of a sign-in to its end.
const pageOpen = 10 * time.Minute

// SignIns returns how the sign-ins of people of Domain went that began at each second
// from one time until before another, if no server of either service was further
// behind than lag. It counts a sign-in as failed if it can fail at all:
//
//   - Some server of Azure AD says where it goes: any that shows a state of the domain
//     that was current within lag. A domain that is managed is a failure.
//   - Some server of JumpCloud, up to ten minutes later, has any application with that
//     URL sign, with the key that it has. It fails if there is none, or one that is not
//     active or has no key.
//   - Some other server of Azure AD, at that moment, accepts it or not: the issuer must
//     be the domain's, and one of the domain's two certificates must have that key.
//
// A sign-in also begins at each tile that some server of JumpCloud shows: of an
// application with an issuer that some server of Azure AD has for the domain, active, not
// hidden, and bound to a user or a group.
//
// What is so now stays so. What was changed with the stand-ins' own methods is on its way
// as long as what requests have changed, but for what AddApplication has added.
func (e *Env) SignIns(from, to time.Time, lag time.Duration) SignIns {
	c := &court{from: from.Round(0), seconds: max(0, int((to.Sub(from)+time.Second-1)/time.Second)), lag: lag, open: pageOpen}
	return c.judge(e.realms(), e.JumpCloud.Histories())
}

// realm is what Azure AD has about a domain.
type realm struct {
	federated, readable bool // readable: the configuration is
	issuer, url         string
	signing, next       certs.Cert
}

func newRealm(auth aad.AuthenticationType, f *aad.Federation) realm {
	r := realm{federated: auth == aad.Federated}
	if r.federated && f != nil {
		r.readable, r.issuer, r.url, r.signing, r.next = true, f.IssuerURI, f.PassiveSignInURI, f.SigningCertificate, f.NextSigningCertificate
	}
	return r
}

// change is a state and when it began. The zero time is long ago.
type change[T comparable] struct {
	at         time.Time
	everywhere bool // nobody sees what was before
	state      T
}

// realms returns what the domain was, or the root domain that it inherits from.
func (e *Env) realms() []change[realm] {
	name := e.Domain
	for _, d := range e.AzureAD.Domains() {
		if d.IsRoot && strings.HasSuffix("."+strings.ToLower(e.Domain), "."+d.Name) {
			name = d.Name
		}
	}
	var out []change[realm]
	for _, st := range e.AzureAD.History() {
		if st.Domain != name {
			continue
		}
		if len(out) == 0 {
			out = append(out, before(st))
		}
		out = append(out, change[realm]{at: st.At, state: newRealm(st.AuthenticationType, st.Federation)})
	}
	if out == nil {
		out = []change[realm]{{state: e.realm(name)}}
	}
	return out
}

func before(st aadtest.State) change[realm] {
	if st.Before == nil {
		return change[realm]{}
	}
	return change[realm]{state: newRealm(st.Before.AuthenticationType, st.Before.Federation)}
}

// realm is what a domain is now.
func (e *Env) realm(name string) realm {
	for _, d := range e.AzureAD.Domains() {
		if d.Name == name {
			if f, ok := e.AzureAD.Federation(name); ok {
				return newRealm(d.AuthenticationType, &f)
			}
			return newRealm(d.AuthenticationType, nil)
		}
	}
	return realm{}
}

// tile is an application, or the lack of one, as JumpCloud has it.
type tile struct {
	app   jumpcloudtest.Application
	signs certs.Cert
	bound bool
	there bool
	gone  bool // not there any more
}

func tiles(h jumpcloudtest.History) []change[tile] {
	out := []change[tile]{{state: tile{app: jumpcloudtest.Application{ID: h.ID}}}}
	for _, v := range h.Versions {
		out = append(out, change[tile]{v.At, v.Everywhere, tile{v.Application, v.Signs, v.Bound, !v.Gone, v.Gone}})
	}
	return out
}

// seen reports whether a person sees the tile.
func (t tile) seen() bool { return t.there && t.app.Active && !t.app.Hidden && t.bound }

// cannot says why the application does not sign; empty if it does.
func (t tile) cannot() string {
	switch {
	case t.gone:
		return t.String() + " is deleted"
	case !t.there:
		return t.String() + " does not exist yet"
	case !t.app.Active:
		return t.String() + " is not active"
	case t.signs.IsZero():
		return t.String() + " has no key"
	}
	return ""
}

func (t tile) String() string {
	if t.app.Label == "" {
		return "application " + t.app.ID
	}
	return fmt.Sprintf("application %s (%s)", t.app.ID, t.app.Label)
}

// refuses says why the domain does not accept what the application signs; empty if it does.
func (c *court) refuses(r realm, t tile) string {
	by := t.String() + " signs with " + t.signs.Thumbprint()
	switch {
	case !r.federated:
		return by + ", and the domain is managed in Azure AD"
	case !r.readable:
		return by + ", and the domain's federation in Azure AD is broken"
	case r.issuer != t.app.EntityID:
		return fmt.Sprintf("%s as %s, and the domain's issuer in Azure AD is %s", by, t.app.EntityID, r.issuer)
	case c.key(t.signs) != c.key(r.signing) && (r.next.IsZero() || c.key(t.signs) != c.key(r.next)):
		slots := r.signing.Thumbprint()
		if slots == "" {
			slots = "no certificate"
		}
		if !r.next.IsZero() && r.next != r.signing {
			slots += " and " + r.next.Thumbprint()
		}
		return by + ", and Azure AD accepts " + slots
	}
	return ""
}
