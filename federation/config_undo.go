package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// federation is the step that leads the domain's federation back, if there is
// one that is still to be made.
func (u *undoing) federation() *undoStep {
	for _, s := range u.steps {
		if s.Change.ofFederation() {
			return s
		}
	}
	return nil
}

const noConfiguration = " has no federation configuration any more: run Federate if it is wanted"

func (u *undoing) federationStands(ctx context.Context, s *undoStep) (standing, string, error) {
	c := s.Change
	d, fed, err := u.f.authentication(ctx, c.Name)
	if err != nil {
		return differs, "", err
	}
	managed := d == nil || !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated))
	switch c.Action {
	case Delete: // the step made it
		switch {
		case managed:
			return undone, "", nil
		case fed == nil:
			return asLeft, "", nil // a creation that came half through
		}
		return u.sameFederation(ctx, s, fed)
	case Create: // the step took it away
		switch b := s.Backup; {
		case b == nil:
			return differs, "the report holds no backup of the configuration", nil
		case d == nil:
			return differs, c.Name + " is not a domain of this tenant any more", nil
		case !managed && fed == nil:
			return differs, c.Name + " is federated, and its configuration cannot be read", nil
		case fed == nil && u.elder(ResFederation, c.Name, ""):
			return undone, "", nil // it would be taken away again
		case fed == nil:
			return asLeft, "", nil
		case fed.IssuerURI == b.IssuerURI && fed.PassiveSignInURI == b.PassiveSignInURI:
			return undone, "", nil
		default:
			return differs, c.Name + " is federated with " + provider(fed.IssuerURI, fed.PassiveSignInURI), nil
		}
	}
	switch {
	case managed && u.elder(ResFederation, c.Name, ""):
		return undone, "", nil
	case managed || fed == nil:
		return differs, c.Name + noConfiguration, nil
	}
	if s.Change.writes(fieldIssuer) {
		if s.back(fed, fieldIssuer) && s.back(fed, fieldPassiveSignIn) {
			return undone, "", nil
		}
		return u.sameFederation(ctx, s, fed)
	}
	// Fields are judged one by one, see judgeFields.
	for _, f := range c.Fields {
		if f.Old == Later || federationField(fed, f.Name) != f.New {
			return asLeft, "", nil
		}
	}
	return undone, "", nil
}

// back reports whether a field is as it was before the step, or was never
// written by it.
func (s *undoStep) back(fed *aad.Federation, name string) bool {
	for _, f := range s.Change.Fields {
		if f.Name == name {
			return federationField(fed, name) == f.New
		}
	}
	return true
}

// sameFederation tells whether a federation is still the one that the step left:
// its issuer and its address decide. Other settings may have been changed since;
// another ID, or another application, shows a later run's. A rotation by a second
// application is none: it has only moved people.
func (u *undoing) sameFederation(ctx context.Context, s *undoStep, fed *aad.Federation) (standing, string, error) {
	for _, f := range s.Change.Fields {
		if f.Name != fieldIssuer && f.Name != fieldPassiveSignIn || f.Old == Later {
			continue
		}
		if now := federationField(fed, f.Name); now != f.Old {
			if f.Name == fieldPassiveSignIn {
				if moved, err := u.rotated(ctx, s, fed); err != nil {
					return differs, "", err
				} else if moved {
					continue
				}
			}
			return differs, fmt.Sprintf("%s is federated with %s by now: %s is %s, the run left %s",
				s.Change.Name, provider(fed.IssuerURI, fed.PassiveSignInURI), f.Name, f.show(now), f.show(f.Old)), nil
		}
	}
	if slices.Contains(u.heirs, fed.ID) {
		s.ID = fed.ID
	}
	if s.Change.Action == Delete && s.ID != "" && fed.ID != "" && fed.ID != s.ID {
		return differs, s.Change.Name + " was federated anew after this run: the configuration " + s.ID +
			" that it made is gone, and " + fed.ID + " is a later run's", nil
	}
	return asLeft, "", nil
}

// frees reports whether the step, which leads the federation back, ends the
// domain's dependence on the application.
func (s *undoStep) frees() bool {
	switch s.Change.Action {
	case Delete:
		return true
	case Update:
		return s.restores(fieldIssuer)
	}
	return false
}

// restores reports whether the step writes the field of a configuration.
func (s *undoStep) restores(name string) bool {
	return slices.ContainsFunc(s.Change.Fields, func(f Field) bool { return f.Name == name && f.Old != f.New })
}

// target is the configuration that a step leads back to.
func (u *undoing) target(s *undoStep) *aad.Federation {
	if s.Change.Action == Create {
		return s.Backup
	}
	w := *u.sight.st.fed
	for _, f := range s.Change.Fields {
		for _, c := range configFields {
			if c.name == f.Name && c.get(&w) != f.New {
				_ = c.set(&w, f.New) // what cannot be read is judged as missing
			}
		}
	}
	return &w
}

// judgeFields restores a standing federation field by field. What somebody has
// changed since is left, and certificates and addresses that would not fit what
// JumpCloud signs with, and where, as well.
func (u *undoing) judgeFields(s *undoStep) {
	fed := u.sight.st.fed
	var fields []Field
	var left []string
	for _, f := range s.Change.Fields {
		now := federationField(fed, f.Name)
		switch {
		case now == f.New:
			continue // is as it was already
		case f.Old != Later && now != f.Old:
			left = append(left, fmt.Sprintf("%s is %s, the step left %s: somebody has changed it since", f.Name, f.show(now), f.show(f.Old)))
			continue
		}
		why := u.unfitField(f)
		if why == "" {
			why = u.writesOther(s, f)
		}
		if why != "" {
			left = append(left, why)
			continue
		}
		fields = append(fields, Field{Name: f.Name, Old: now, New: f.New})
	}
	s.leftFields = left
	if len(fields) == 0 && len(left) > 0 {
		s.at, s.why = differs, strings.Join(left, ", ")+": set it by hand if it is still wanted"
		return
	}
	s.Change.Fields = fields
}

// unfitField says why a value of a standing federation must not come back.
func (u *undoing) unfitField(f Field) string {
	switch f.Name {
	case fieldCertificate, fieldNextCertificate:
		a := u.sight.st.app(u.p)
		if a == nil {
			return f.Name + " stays, because the application that signs is not known"
		}
		own, err := a.Certificate()
		if err != nil {
			return f.Name + " stays, because the certificate that JumpCloud signs with cannot be read"
		}
		// Afterwards one of the two slots must hold it.
		w := *u.sight.st.fed
		for _, c := range configFields {
			if c.name == f.Name && c.set(&w, f.New) != nil {
				return f.Name + " stays, because the value before cannot be read as a certificate"
			}
		}
		if w.SigningCertificate != own && w.NextSigningCertificate != own {
			return fmt.Sprintf("%s stays %s, because JumpCloud signs with that and not with the %s any more", f.Name, f.show(f.Old), f.show(f.New))
		}
	case fieldActiveSignIn, fieldProtocol, fieldPassiveSignIn:
		return f.Name + " stays " + f.show(f.Old) + ", because it is what the application answers at"
	}
	return ""
}

func (u *undoing) sendFederation(ctx context.Context, s *undoStep) error {
	c := s.Change
	switch c.Action {
	case Create:
		back := *s.Backup
		back.ID = ""
		err := u.f.switchOver(ctx, Plan{Domain: u.p.Domain, Consent: u.p.Consent}, nil, func() error {
			fed, err := u.f.ad.CreateFederation(ctx, c.Name, back)
			if err == nil {
				s.ID = fed.ID
			}
			return err
		})
		if errors.Is(err, aad.ErrAlreadyFederated) {
			return nil
		}
		return err
	case Delete:
		return u.unfederate(ctx, s)
	}
	fed, err := u.f.ad.Federation(ctx, c.Name)
	if err != nil {
		return err
	}
	_, up, err := configuration(c.Fields)
	if err != nil {
		return err
	}
	s.Backup = fed
	_, err = u.f.ad.UpdateFederation(ctx, c.Name, fed.ID, up)
	return err
}

// unfederate makes a domain managed: by deleting the configuration, or, where
// that cannot be read, by setting the domain to Managed.
func (u *undoing) unfederate(ctx context.Context, s *undoStep) error {
	fed, err := u.f.ad.Federation(ctx, s.Change.Name)
	switch {
	case errors.Is(err, aad.ErrNotFederated):
		return u.f.ad.SetManaged(ctx, s.Change.Name)
	case err != nil:
		return err
	}
	s.Backup = fed
	return u.f.ad.DeleteFederation(ctx, s.Change.Name, fed.ID)
}
