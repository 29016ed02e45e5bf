package federation

import (
	"slices"
	"strings"
)

// nextText says what the next call of Rotate will do; "" if there is none to be made.
func (r *rotationSeen) nextText() string {
	switch {
	case r.step != "":
		was, is := r.certs.names(r.phase)
		rot := rotating{rot: &Rotation{Old: newCertificate(was), New: newCertificate(is)}}
		return rot.nextText(r.step)
	case r.second != nil && r.under:
		return "go on with the second application"
	}
	return ""
}

// call says what to do about a rotation that is under way.
func (r *rotationSeen) call() string {
	how := ""
	switch {
	case r.phase == RotationForeign:
		return "find out who set the certificate that is not JumpCloud's, then call Rotate"
	case r.second != nil:
		how = " with the method second-application"
	}
	return "call Rotate" + how + " until it is done: once that has spread, it will " + r.nextText()
}

// evidence is what a verification says of the second certificate; "" if there is nothing
// to be said.
func (r *rotationSeen) evidence() string {
	if !r.under {
		return ""
	}
	s := &r.certs
	text := "; a rotation is " + string(r.phase)
	switch r.phase {
	case RotationPublished:
		text += ": Azure AD accepts " + s.e2.Thumbprint() + " as well"
	case RotationSwitched:
		text += ": the first one is " + s.e1.Thumbprint() + ", the certificate before, as far as can be known"
		if s.e1 == s.k {
			text = strings.TrimSuffix(text, ", the certificate before, as far as can be known") + ", of the stored pair"
		}
	case RotationSwapped:
		text += ": the second one is " + s.e2.Thumbprint() + ", the certificate before, as far as can be known"
	case RotationForeign:
		return "; the other one is no certificate"
	}
	return text + "; " + r.call()
}

// inspectRotation tells of a rotation, and refuses what must not be written meanwhile.
func (st *observation) inspectRotation(ps *findings, p Plan) {
	r := st.rotation(p)
	shown := func() string {
		return showCertificate(rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate))
	}
	if err := st.stored.err; err != nil {
		const repair = "see to the key store, then call again"
		message := "the key store could not be read, so that it is not known what Azure AD's second certificate for " + p.Domain +
			" is, " + shown() + ": " + err.Error()
		if slices.ContainsFunc(st.diffFederation(nil, p), Change.writesSlots) {
			ps.refuse(CodeRotationKey, p.Domain, message, repair)
		} else {
			ps.warn(CodeRotationKey, p.Domain, message, repair)
		}
	}
	switch {
	case r.urgent:
		ps.refuse(CodeRotationBroken, p.Domain, "Azure AD accepts nothing but the certificate of the stored pair, "+
			newCertificate(r.certs.k).String()+", and JumpCloud signs with another, "+newCertificate(r.certs.j).String()+
			": an emergency was interrupted, and nobody on "+p.Domain+" can sign in",
			"call Rotate with the method emergency: the certificate that JumpCloud signs with may be a stolen one")
	case r.told():
		st.tellRotation(ps, p, &r)
	case r.closed:
		ps.info(CodeRotation, r.second.ID, "beside the domain's application there is the one from before a rotation, "+
			st.nameApplication(r.second)+", which is not active",
			"delete it when nobody needs it, with jumpcloud.Client.DeleteApplication(ctx, "+quote(r.second.ID)+")")
	}
	if r.under && (r.phase == RotationSwitched && r.doubtful != "" || r.phase == RotationForeign && r.certs.odd1) {
		ps.warn(CodeRotation, p.Domain, "JumpCloud signs with Azure AD's second certificate for "+p.Domain+
			", and the first one is not known to be the one before: "+
			showCertificate(rawCertificate(st.fed.SigningCertificate, st.fed.RawSigningCertificate))+
			strings.TrimSuffix("; "+r.doubtful, "; "), "find out who set it; call Rotate to have it replaced")
	}
	if st.classifyOurs(p) == StateUnknownNext && st.stored.err == nil {
		tell := ps.alarm
		if p.Consent.RemoveNextCertificate && !r.under {
			tell = ps.warn // somebody has looked, and it is to go
		}
		message := "beside JumpCloud's, Azure AD accepts another certificate for " + p.Domain + ": " + shown() +
			"; whoever has its key can sign in as anybody"
		if !st.stored.asked {
			message += "; it is unknown to this program, which has no key store"
		} else if r.doubtful != "" {
			message += "; it may be the one before the last rotation, but " + r.doubtful
		}
		tell(CodeNextCertificate, p.Domain, message, "find out who set it; set consent.removeNextCertificate to have it removed").
			unless("removeNextCertificate", p.Consent.RemoveNextCertificate)
	}
}

// tellRotation tells how far a rotation has come that is under way.
func (st *observation) tellRotation(ps *findings, p Plan, r *rotationSeen) {
	message := "a rotation of the certificate of " + p.Domain + " is " + string(r.phase) +
		"; certificates and sign-in addresses are left to it"
	if r.second != nil {
		message += "; its other application is " + st.nameApplication(r.second)
	}
	ps.info(CodeRotation, p.Domain, message, r.call())
}

// writesSlots reports whether the change writes a certificate of a standing federation.
func (c Change) writesSlots() bool {
	return c.ofFederation() && c.Action == Update && (c.writes(fieldCertificate) || c.writes(fieldNextCertificate))
}
