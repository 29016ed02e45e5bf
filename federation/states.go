package federation

// State is the state that a domain is in, seen together with the JumpCloud
// application. Each has one decided outcome; see [States].
type State string

// The states of a domain.
const (
	StateUnknown     State = "unknown"        // not a domain of this tenant
	StateUnverified  State = "unverified"     // ownership is not proved yet
	StateInitial     State = "initial"        // *.onmicrosoft.com
	StateInherits    State = "inherits"       // a subdomain, its root decides
	StateManaged     State = "managed"        // passwords in Azure AD; nothing of ours
	StatePrepared    State = "prepared"       // managed, and the application exists: application without federation
	StateFederated   State = "federated"      // by us, as the plan says
	StateDiffers     State = "differs"        // by us, with other settings
	StateRotating    State = "rotating"       // by us, and a rotation of the certificate is under way
	StateUnknownNext State = "unknown-next"   // by us, a second certificate that nobody knows
	StateMismatch    State = "mismatch"       // by us, neither certificate is JumpCloud's
	StateOrphaned    State = "orphaned"       // with our issuer, but the application is gone
	StateAmbiguous   State = "ambiguous"      // two applications carry our entity ID
	StateForeign     State = "foreign"        // federated by somebody else
	StateHalf        State = "half-federated" // federated without a readable configuration
)

// States lists every state.
func States() []State {
	out := make([]State, len(states))
	for i, info := range states {
		out[i] = info.state
	}
	return out
}

// Meaning is what a person should understand of the state; "" if there is no such
// state.
func (s State) Meaning() string { return s.info().meaning }

// Federate is what [Federator.Federate] does about the state.
func (s State) Federate() string { return s.info().federate }

// Next is the safe next step in the state.
func (s State) Next() string { return s.info().next }

// stateInfo is the decided outcome of a state.
type stateInfo struct {
	state                   State
	meaning, federate, next string
}

var states = []stateInfo{
	{StateUnknown, "the domain does not belong to this tenant", "refuses",
		"add the domain to the tenant and verify it, or check the spelling and the credential's tenant"},
	{StateUnverified, "the domain is in the tenant, but its ownership is not verified", "refuses",
		"publish the domain's verification record and verify it"},
	{StateInitial, "Microsoft's own domain, which cannot be federated", "refuses", "federate a domain of your own"},
	{StateInherits, "a subdomain that inherits the authentication of its root domain", "refuses and names the root",
		"federate the root domain; its subdomains follow"},
	{StateManaged, "people sign in with Azure AD passwords; JumpCloud has no application for the domain", "federates it",
		"run Preflight, then Federate"},
	{StatePrepared, "people sign in with Azure AD passwords; JumpCloud's application exists already",
		"adopts the application and federates the domain", "run Preflight, then Federate"},
	{StateFederated, "people sign in through the JumpCloud application", "does nothing", "nothing is to be done"},
	{StateDiffers, "people sign in through the JumpCloud application, with settings that differ from the application's or the plan's",
		"updates what differs", "run Preview and look at what differs, then Federate"},
	{StateRotating, "people sign in through JumpCloud, and a rotation of its certificate is under way: Azure AD accepts two",
		"leaves certificates and sign-in addresses as they are, and does the rest of the plan", "call Rotate until it is done"},
	{StateUnknownNext, "people sign in through JumpCloud, but Azure AD accepts a second certificate that is not JumpCloud's",
		"leaves it and raises an alarm; removes it with consent.removeNextCertificate", "find out who set it: whoever has its key can sign in as anybody"},
	{StateMismatch, "Azure AD holds no certificate that JumpCloud signs with: nobody on the domain can sign in",
		"writes JumpCloud's certificate, and keeps the one before as the second; refuses if an emergency was interrupted", "run Federate now"},
	{StateOrphaned, "Azure AD sends people to a JumpCloud application that does not exist any more: nobody on the domain can sign in",
		"makes the application anew and writes its certificate", "run Federate, or Defederate to go back to passwords"},
	{StateAmbiguous, "two JumpCloud applications carry the domain's entity ID",
		"takes the one that Azure AD knows, the pinned one, or the older one, and raises an alarm about the other; removes that with consent.removeDuplicate", "delete the one that nobody uses, or pin the other with application.id"},
	{StateForeign, "people sign in through another identity provider", "refuses; replaces it with consent.takeOver",
		"find out who depends on the provider before taking the domain over"},
	{StateHalf, "the domain is federated, but its configuration cannot be read: what a failed creation leaves behind",
		"refuses; sets the domain to Managed and starts anew with consent.recover", "set the domain to Managed, so that people sign in with Azure AD passwords, or run Federate with consent.recover, which does so and federates it anew"},
}

func (s State) info() stateInfo {
	for _, i := range states {
		if i.state == s {
			return i
		}
	}
	return stateInfo{state: s}
}

// classify names the state that a domain is in.
func (st *observation) classify(p Plan) State {
	d := st.domain(p.Domain)
	switch {
	case d == nil:
		return StateUnknown
	case d.IsInitial:
		return StateInitial
	case !d.IsVerified:
		return StateUnverified
	case !d.IsRoot:
		return StateInherits
	case len(st.apps) > 1 && st.accepted(p.Domain) == nil:
		return StateAmbiguous
	case !st.federated(p.Domain) && len(st.apps) > 0:
		return StatePrepared
	case !st.federated(p.Domain):
		return StateManaged
	case st.fed == nil:
		return StateHalf
	case !ours(p, st):
		return StateForeign
	case st.app(p) == nil:
		return StateOrphaned
	}
	return st.classifyOurs(p)
}

// classifyOurs looks closer at a domain that is federated with our application.
func (st *observation) classifyOurs(p Plan) State {
	own, err := st.cert(p)
	rot := st.rotation(p)
	next := rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate)
	switch {
	case rot.told(), err == nil && st.fed.SigningCertificate != own && st.fed.NextSigningCertificate == own:
		return StateRotating
	case err == nil && st.fed.SigningCertificate != own:
		return StateMismatch
	case next != "" && (err != nil || st.fed.NextSigningCertificate != own) && !st.shows(p, st.fed.NextSigningCertificate) &&
		!rot.knows(st.fed.NextSigningCertificate):
		return StateUnknownNext
	case len(st.diffFederation(nil, p)) > 0:
		return StateDiffers
	}
	return StateFederated
}

// ours reports whether the domain's federation is with the plan's application:
// it carries the entity ID, or sends people to the application's login URL.
func ours(p Plan, st *observation) bool {
	if st.fed == nil {
		return false
	}
	if st.fed.IssuerURI == p.Application.IdPEntityID {
		return true
	}
	a := st.app(p)
	return a != nil && a.SSOURL != "" && st.fed.PassiveSignInURI == a.SSOURL
}
