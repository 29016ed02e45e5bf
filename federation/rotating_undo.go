package federation

import (
	"context"
	"fmt"
	"slices"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// observeKey asks the store for the domain's pair, once for all judgements of a call.
func (u *undoing) observeKey(ctx context.Context) error {
	st := &u.sight.st
	st.stored = u.keys
	err := u.f.observeKey(ctx, u.p.Domain, st)
	u.keys = st.stored
	return err
}

// rotated reports whether a federation differs from what the step left only by a rotation
// by a second application: it has the step's issuer, and sends people to an application
// of that issuer whose certificate it accepts.
func (u *undoing) rotated(ctx context.Context, s *undoStep, fed *aad.Federation) (bool, error) {
	if issuer := s.was(fieldIssuer); issuer == "" || issuer != fed.IssuerURI {
		return false, nil
	}
	var st observation
	if err := u.f.applications(ctx, u.p, &st); err != nil {
		return false, err
	}
	st.fed = fed
	a := st.answers()
	if a == nil {
		return false, nil
	}
	own, err := a.Certificate()
	return err == nil && holds(fed, own), nil
}

// judgeRotation tells of a rotation what the call means to it, and refuses to set back
// values of a federation while one is under way.
func (u *undoing) judgeRotation(ps *findings) {
	st := &u.sight.st
	r := st.rotation(u.p)
	s := u.federation()
	ends := s != nil && s.at == asLeft && s.Change.Action == Delete
	if err := st.stored.err; err != nil {
		tell, message := ps.warn, "the key store could not be read, so that it is not known whether a rotation is under way: "+err.Error()
		if s != nil && s.at != undone && s.Change.writesSlots() {
			tell = ps.refuse
		}
		tell(CodeRotationKey, u.p.Domain, message, "see to the key store, then call again")
	}
	switch {
	case s == nil || !r.told():
	case s.Change.Action == Update && s.at != undone:
		ps.refuse(CodeRotation, u.p.Domain, "a rotation of the certificate of "+u.p.Domain+" is "+string(r.phase)+
			", and values from before it would break it", r.call()+"; then revert")
	case ends:
		ps.info(CodeRotation, u.p.Domain, "a rotation of the certificate of "+u.p.Domain+" is "+string(r.phase)+
			", and ends with its federation, which is taken away as it is now", "delete the stored key, if there is one")
	}
	both := []*jumpcloud.Application{st.app(u.p), st.secondApplication(u.p)}
	for _, s := range u.steps {
		i := slices.IndexFunc(both, func(a *jumpcloud.Application) bool { return a != nil && a.ID == s.ID })
		if both[1] == nil || i < 0 || !s.Change.deletesApplication() || s.at == undone {
			continue
		}
		o := both[1-i]
		ps.warn(CodeRotation, o.ID, "of the two applications of a rotation "+st.nameApplication(both[i])+" is removed, and "+
			st.nameApplication(o)+" is left",
			"delete it when nobody needs it, with jumpcloud.Client.DeleteApplication(ctx, "+quote(o.ID)+")")
	}
}

// writesOther says why a certificate does not come back to a standing federation: none
// but the one that JumpCloud signs with is ever written there by who undoes.
func (u *undoing) writesOther(s *undoStep, f Field) string {
	if f.Name != fieldCertificate && f.Name != fieldNextCertificate {
		return ""
	}
	own, err := u.sight.st.app(u.p).Certificate() // unfitField has asked for both
	switch {
	case f.New != "" && (err != nil || f.New != own.Base64()):
		return fmt.Sprintf("%s stays %s, because JumpCloud does not sign with the %s", f.Name, f.show(f.Old), f.show(f.New))
	case f.New == "" && s.Change.writes(fieldCertificate) && s.was(fieldCertificate) == own.Base64():
		return fmt.Sprintf("%s stays %s, because some of JumpCloud's nodes may still sign with that", f.Name, f.show(f.Old))
	}
	return ""
}
