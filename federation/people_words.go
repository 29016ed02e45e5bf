package federation

import "strings"

// words puts a finding into words.
func (p *People) words(f finding) PersonFinding {
	c := p.crowd
	w := PersonFinding{
		Code: f.kind.code(), Severity: severities[f.severity], LockedOut: f.locked, AlreadyOut: f.out,
		Evidence: p.evidence(f), Repair: personCodes[f.kind].repair,
	}
	if f.ad != 0 {
		u := c.ad.at(f.ad - 1)
		w.UserPrincipalName, w.DisplayName, w.AzureADID = c.text.str(u.upn), c.name(u), c.adID(f.ad-1)
	}
	if f.jc != 0 {
		w.Email, w.JumpCloudID = c.text.str(c.jc.at(f.jc-1).email), c.jcID(f.jc-1)
	}
	return w
}

// evidence says what was seen.
func (p *People) evidence(f finding) string {
	c := p.crowd
	var (
		u     *adPerson
		j     *jcPerson
		upn   string
		email string
		key   string
	)
	if f.ad != 0 {
		u = c.ad.at(f.ad - 1)
		upn = c.text.str(u.upn)
	}
	if f.jc != 0 {
		j = c.jc.at(f.jc - 1)
		email = c.text.str(c.email(f.jc - 1))
		key = c.text.str(c.key(f.jc - 1))
	}
	switch f.kind {
	case kNotInJumpCloud:
		return "enabled in Azure AD, and no JumpCloud user has this address or one of its aliases"
	case kNotInAzureAD:
		return "in JumpCloud as " + key + ", and Azure AD has no such account"
	case kNoImmutableID:
		return "the account has no immutable ID, and by nothing else does Azure AD find federated people (AADSTS51004)"
	case kSharedImmutableID:
		return "the account " + c.text.str(c.ad.at(c.sharing[f.ad-1]).upn) + " has the same immutable ID"
	case kSuspended:
		return "suspended in JumpCloud as " + p.name(j, email) + ", enabled in Azure AD"
	case kNotActivated:
		return "has not been activated in JumpCloud as " + p.name(j, email) + ": no password has been chosen there"
	case kNotInGroup:
		return "in none of the JumpCloud groups that are bound to the application, or that the plan binds"
	case kPasswordExpired:
		return "the password in JumpCloud has expired, as " + p.name(j, email)
	case kAccountLocked:
		return "locked in JumpCloud as " + p.name(j, email)
	case kBoundElsewhere:
		return p.boundElsewhere(f)
	case kImmutableIDDiffers:
		return p.idDiffers(u, j, f)
	case kNotBound:
		if f.locked || f.out {
			return "not bound to JumpCloud's Microsoft 365 directory, so that JumpCloud knows no immutable ID to send"
		}
		return "not bound to JumpCloud's Microsoft 365 directory yet; the plan binds the group, " +
			"and sign-in works once the directory is synchronised"
	case kBindingError:
		if f.arg != 0 {
			other := c.jc.at(f.arg - 1)
			if match(other.flags>>jcHow) != matchBinding {
				return "bound to the account in Azure AD that is " + p.name(other, c.text.str(c.email(f.arg-1))) + "'s"
			}
			return "bound to an account in Azure AD to which " + c.text.str(other.email) + " is bound as well"
		}
		return "the Microsoft 365 directory reports: " + c.fault[f.jc-1]
	case kOtherDomain:
		return p.otherDomain(f, upn, key)
	case kEmailDiffers:
		if f.severity == sevInfo {
			return email + " in JumpCloud, but the mail address in Azure AD is " + strings.Join(c.aliases(f.ad-1, aliasMail), ", ")
		}
		s := key + " in JumpCloud, " + upn + " in Azure AD"
		switch match(j.flags >> jcHow) {
		case matchBinding:
			return s + " (the binding says that they are one person)"
		case matchID:
			return s + " (the account's immutable ID is the JumpCloud user's)"
		}
		return s + " (matched by the mail address)"
	case kAliasOnly:
		what := "a further address"
		if match(j.flags>>jcHow) == matchOther {
			what = "one of the other mail addresses"
		}
		if key == "" || key == email {
			return email + " in JumpCloud is only " + what + " of " + upn + " in Azure AD"
		}
		return email + " in JumpCloud (exported as " + key + ") is only " + what + " of " + upn + " in Azure AD"
	case kDuplicateEmail:
		return "another JumpCloud user than " + c.jcID(f.jc-1) + " has the email address " + email + " as well"
	case kNoEmail:
		switch {
		case f.jc == 0:
			return "the account in Azure AD has no mail address"
		case email != "":
			return "no alternate email in JumpCloud, and by the directory's rule it becomes the user principal name"
		}
		return "the JumpCloud user " + p.name(j, email) + " has no email address"
	case kGlobalAdmin:
		return "a Global Administrator who will depend on JumpCloud for every sign-in"
	case kPrivilegedID:
		return "a Global Administrator with an immutable ID, by which a federated sign-in finds the account"
	case kDirectorySynced:
		return "synchronised from a directory on the premises, which owns the immutable ID"
	case kServiceAccount:
		if p.service != nil {
			return "looks like a service, a room or a shared mailbox: " + p.service(upn, c.name(u))
		}
		return "looks like a service, a room or a shared mailbox: " + c.hint(u)
	case kNestedGroup:
		return "in a bound group only by way of another group"
	case kGuest:
		if u.flags&adGuest == 0 {
			return "a member from another tenant, whose sign-in does not change"
		}
		return "a guest, whose sign-in does not change"
	case kDisabled:
		return "disabled in Azure AD"
	}
	return ""
}

// boundElsewhere says to which account the directory has bound a user.
func (p *People) boundElsewhere(f finding) string {
	c := p.crowd
	account := c.jc.at(f.jc - 1).ad
	if f.ad != 0 {
		account = c.elsewhere[f.jc-1]
	}
	s := "JumpCloud's directory has bound the person to the account "
	switch other := c.ad.at(account - 1); {
	case other.flags&adSeen != 0:
		s += c.text.str(other.upn)
	case other.flags&adGone != 0:
		s += c.adID(account-1) + ", which does not exist in this tenant"
	default:
		s += c.adID(account-1) + ", which is not on " + p.Domain
	}
	if f.ad != 0 {
		s += ", and not to this one"
	}
	return s
}

// idDiffers says why a sign-in may not find the account.
func (p *People) idDiffers(u *adPerson, j *jcPerson, f finding) string {
	s := "the immutable ID is not " + p.crowd.jcID(f.jc-1) + ", which JumpCloud most likely sends, but " + forms[idForm(u.flags>>adForm)]
	if j.flags&(jcBound|jcNamed) == jcBound {
		s += "; the directory has never synchronised the person"
	}
	return s
}

// name is what a JumpCloud user is called.
func (p *People) name(j *jcPerson, email string) string {
	if email != "" {
		return email
	}
	if s := p.crowd.text.str(j.email); s != "" {
		return s
	}
	return "without a name"
}

func (p *People) otherDomain(f finding, upn, key string) string {
	c := p.crowd
	var s string
	if f.ad != 0 {
		s = "the user principal name in Azure AD is " + upn
	} else if account := c.jc.at(f.jc - 1).ad; account != 0 {
		s = "bound to the Azure AD account " + c.adID(account-1)
	} else {
		s = "JumpCloud exports the user principal name " + key
	}
	s += ", which is not on " + p.Domain
	if f.severity == sevInfo {
		return s + "; the tenant's token validation policy lets its domain through"
	}
	return s + "; Azure AD refuses sign-ins from one domain for people of another (AADSTS5000820)"
}
