package federation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

func (st *observation) layerApplication(p Plan, missing Changes) Layer {
	l := Layer{Name: LayerApplication, Status: Good}
	a := st.app(p)
	if a == nil {
		l.Status, l.Evidence = Wrong, "JumpCloud has no single application with the entity ID "+p.Application.IdPEntityID
		return l
	}
	var bad []string
	for _, c := range missing {
		switch {
		case c.ofApplication() && !a.Active:
			bad = append(bad, "it is not active")
		case c.bindsApplication():
			bad = append(bad, "the group "+quote(c.Name)+" is not bound to it")
		}
	}
	l.Evidence = quote(a.DisplayLabel) + " (" + a.ID + ")"
	if bad != nil {
		l.Status = Wrong
		l.Evidence += ": " + strings.Join(bad, ", ")
		return l
	}
	l.Evidence += " is active and bound to its groups"
	return l
}

func (st *observation) layerCertificate(p Plan, now time.Time) Layer {
	l := Layer{Name: LayerCertificate, Status: Wrong}
	own, err := st.cert(p)
	rot := st.rotation(p)
	switch {
	case err != nil && rot.unsure:
		l.Status, l.Evidence = Good, err.Error()+"; Azure AD accepts both"
	case err != nil:
		l.Evidence = err.Error()
	case st.fed == nil:
		l.Evidence = "Azure AD has no certificate for the domain; JumpCloud signs with " + own.Thumbprint()
	case st.fed.SigningCertificate == own:
		l.Status, l.Evidence = Good, own.Thumbprint()+" in JumpCloud's metadata and in Azure AD"+rot.evidence()
	case st.fed.NextSigningCertificate == own:
		l.Status, l.Evidence = Good, own.Thumbprint()+" in JumpCloud's metadata and, as the second one, in Azure AD"+rot.evidence()
	default:
		l.Evidence = "JumpCloud signs with " + own.Thumbprint() + ", Azure AD expects the " +
			showCertificate(rawCertificate(st.fed.SigningCertificate, st.fed.RawSigningCertificate))
	}
	if expired(p, st, now) { // nobody says whether Azure AD looks at the dates
		l.Status = Wrong
		l.Evidence += ", expired on " + own.X509().NotAfter.UTC().Format("2006-01-02") + "; sign-in may still work"
	}
	return l
}

// expired reports whether the certificate is in its place and its time is over.
func expired(p Plan, st *observation, now time.Time) bool {
	own, err := st.cert(p)
	return err == nil && st.fed != nil && (st.fed.SigningCertificate == own || st.fed.NextSigningCertificate == own) &&
		now.After(own.X509().NotAfter)
}

// expiries returns when the certificate of either side ends; see [Verification].
func (st *observation) expiries(p Plan) (jc, ad time.Time) {
	own, err := st.cert(p)
	if err == nil {
		jc = expiry(own)
	}
	switch {
	case st.fed == nil:
	case err == nil && st.fed.NextSigningCertificate == own:
		ad = expiry(own)
	default:
		ad = expiry(st.fed.SigningCertificate)
	}
	return jc, ad
}

// expiry is when c ends; a certificate that could not be read is zero.
func expiry(c certs.Cert) time.Time {
	if c.IsZero() {
		return time.Time{}
	}
	return c.X509().NotAfter.UTC()
}

func (st *observation) layerGraph(p Plan, missing Changes) Layer {
	l := Layer{Name: LayerGraph, Status: Good, Evidence: p.Domain + " is federated with the plan's values"}
	d := st.domain(p.Domain)
	switch {
	case d == nil:
		l.Status, l.Evidence = Wrong, p.Domain+" is not a domain of this tenant"
	case !st.federated(p.Domain):
		l.Status, l.Evidence = Wrong, p.Domain+" is "+string(d.AuthenticationType)
	case st.fed == nil:
		l.Status, l.Evidence = Wrong, "the configuration cannot be read"
	default:
		for _, c := range missing {
			if !c.ofFederation() {
				continue
			}
			var names []string
			for _, f := range c.Fields {
				names = append(names, f.Name)
			}
			if !slices.ContainsFunc(names, func(n string) bool { return n != fieldNextCertificate && !leftover(n) }) {
				if names[0] == fieldNextCertificate {
					l.Evidence += "; Federate will remove a second certificate"
				} else {
					l.Evidence += "; Federate will clear what a provider before has left"
				}
				continue // which hinders nobody
			}
			l.Status, l.Evidence = Wrong, "differs in "+strings.Join(names, ", ")
		}
	}
	return l
}

func (v *Verification) layerRealm(p Plan, realm *aad.Realm, err error) Layer {
	l := Layer{Name: LayerRealm}
	if err != nil {
		l.Status, l.Evidence = Unseen, "the public realm endpoint did not answer: "+err.Error()
		return l
	}
	if realm.NameSpaceType != aad.Federated {
		l.Status, l.Evidence, l.Range = Late, "still says "+string(realm.NameSpaceType), realmDelay
		return l
	}
	own := provider("", realm.AuthURL) == jumpCloud // perhaps by an application that was
	if v.OtherSignInURL != "" && sameEndpoint(realm.AuthURL, v.OtherSignInURL) && realm.Protocol != aad.RealmWSTrust {
		l.Status, l.Range, l.Works = Late, realmDelay, true
		l.Evidence = "still sends people to the other application of the rotation, " + v.OtherSignInURL
		return l
	}
	there := v.SignInURL != "" && sameEndpoint(realm.AuthURL, v.SignInURL)
	switch {
	case realm.AuthURL == "":
		l.Status, l.Evidence = Unseen, "says federated, but not where it sends people"
		return l
	case there && realm.Protocol != aad.RealmWSTrust:
		l.Status, l.Evidence = Good, "sends people to "+v.SignInURL
		return l
	case there:
		l.Evidence = "sends people to " + v.SignInURL + ", but with WS-Trust instead of SAML"
	case own:
		l.Evidence = "sends people to another JumpCloud application, " + endpoint(realm.AuthURL)
	default:
		l.Evidence = "sends people to " + provider("", realm.AuthURL) + " instead of JumpCloud"
	}
	l.Status = Wrong
	for _, c := range v.Repair {
		if c.ofFederation() {
			return l
		}
	}
	if v.SignInURL != "" && (own || p.Consent.TakeOver) {
		// Graph has the plan's values, and what the endpoint shows is what was
		// before them.
		l.Status, l.Evidence, l.Range = Late, "still "+l.Evidence, realmDelay
	}
	return l
}

func (f *Federator) layerPeople(ctx context.Context, p Plan, st *observation) (Layer, error) {
	l := Layer{Name: LayerPeople, Status: Good}
	of, err := f.people(ctx, newAudience(p, st))
	if err != nil {
		return l, err
	}
	l.Evidence = of.Counts.Summary()
	unable := of.lockedOut()
	unable.at = append(unable.at, of.alreadyOut().at...)
	st.unable = make(map[string]bool, len(unable.at))
	for _, a := range unable.accounts() {
		st.unable[string(a.upn)] = true
	}
	if bad, _ := p.Consent.LockOut.split(unable); len(bad.at) > 0 {
		l.Status = Wrong
		l.Evidence += "; " + bad.count() + " cannot sign in: " + bad.String()
	}
	return l, nil
}
