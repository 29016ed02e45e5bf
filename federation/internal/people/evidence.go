package people

// Evidence says what was seen, in one sentence.
func (j *Judgement) Evidence(f Finding) string {
	c := j.crowd
	var (
		u     *adPerson
		q     *jcPerson
		upn   string
		email string
		key   string
	)
	if f.ad != 0 {
		u = c.ad.at(f.ad - 1)
		upn = c.text.str(u.upn)
	}
	if f.jc != 0 {
		q = c.jc.at(f.jc - 1)
		email = c.text.str(c.email(f.jc - 1))
		key = c.text.str(c.key(f.jc - 1))
	}
	switch f.Kind {
	case NotInJumpCloud:
		return "enabled in Azure AD, and no JumpCloud user has this address or one of its aliases"
	case NotInAzureAD:
		return "in JumpCloud as " + key + ", and Azure AD has no such account"
	case NoImmutableID:
		return "the account has no immutable ID, and by nothing else does Azure AD find federated people (AADSTS51004)"
	case SharedImmutableID:
		return "the account " + c.text.str(c.ad.at(c.sharing.at(f.ad-1)-1).upn) + " has the same immutable ID"
	case Suspended:
		return "suspended in JumpCloud as " + j.name(q, email) + ", enabled in Azure AD"
	case NotActivated:
		return "has not been activated in JumpCloud as " + j.name(q, email) + ": no password has been chosen there"
	case NotInGroup:
		return "in none of the JumpCloud groups that are bound to the application, or that the plan binds"
	case PasswordExpired:
		return "the password in JumpCloud has expired, as " + j.name(q, email)
	case AccountLocked:
		return "locked in JumpCloud as " + j.name(q, email)
	case BoundElsewhere:
		return j.boundElsewhere(f)
	case ImmutableIDDiffers:
		return j.idDiffers(u, q, f)
	case NotExported:
		return "bound to JumpCloud's Microsoft 365 directory, which has synchronised others and not this person yet: " +
			"until then JumpCloud may know no immutable ID to send"
	case NotBound:
		if f.LockedOut || f.AlreadyOut {
			return "not bound to JumpCloud's Microsoft 365 directory, so that JumpCloud knows no immutable ID to send"
		}
		return "not bound to JumpCloud's Microsoft 365 directory yet; the plan binds the group, " +
			"and sign-in works once the directory is synchronised"
	case BindingError:
		if of := c.owner(f.jc - 1); f.ad == 0 && of != 0 {
			other := c.jc.at(of - 1)
			if match(other.flags>>jcHow) != matchBinding {
				return "bound to the account in Azure AD that is " + j.name(other, c.text.str(c.email(of-1))) + "'s"
			}
			return "bound to an account in Azure AD to which " + c.text.str(other.email) + " is bound as well"
		}
		return "the Microsoft 365 directory reports: " + c.fault.at(c.text, f.jc-1)
	case OtherDomain:
		return j.otherDomain(f, upn, key)
	case EmailDiffers:
		if f.Severity == Info {
			return email + " in JumpCloud, but the mail address in Azure AD is " + c.mailsOf(f.ad-1)
		}
		s := key + " in JumpCloud, " + upn + " in Azure AD"
		switch match(q.flags >> jcHow) {
		case matchBinding:
			return s + " (the binding says that they are one person)"
		case matchID:
			return s + " (the account's immutable ID is the JumpCloud user's)"
		}
		return s + " (matched by the mail address)"
	case AliasOnly:
		what := "a further address"
		if match(q.flags>>jcHow) == matchOther {
			what = "one of the other mail addresses"
		}
		if key == "" || key == email {
			return email + " in JumpCloud is only " + what + " of " + upn + " in Azure AD"
		}
		return email + " in JumpCloud (exported as " + key + ") is only " + what + " of " + upn + " in Azure AD"
	case DuplicateEmail:
		return "another JumpCloud user than " + c.jcID(f.jc-1) + " has the email address " + email + " as well"
	case NoEmail:
		switch {
		case f.jc == 0:
			return "the account in Azure AD has no mail address"
		case email != "":
			return "no alternate email in JumpCloud, and by the directory's rule it becomes the user principal name"
		}
		return "the JumpCloud user " + j.name(q, email) + " has no email address"
	case GlobalAdmin:
		return "a Global Administrator who will depend on JumpCloud for every sign-in"
	case PrivilegedID:
		return "a Global Administrator with an immutable ID, by which a federated sign-in finds the account"
	case DirectorySynced:
		return "synchronised from a directory on the premises, which owns the immutable ID"
	case ServiceAccount:
		if service := c.a.LikelyService; service != nil {
			return "looks like a service, a room or a shared mailbox: " + service(upn, c.name(f.ad-1))
		}
		return "looks like a service, a room or a shared mailbox: " + c.hint(f.ad-1)
	case NestedGroup:
		return "in a bound group only by way of another group"
	case Guest:
		if u.flags&adGuest == 0 {
			return "a member from another tenant, whose sign-in does not change"
		}
		return "a guest, whose sign-in does not change"
	case Disabled:
		return "disabled in Azure AD"
	}
	return ""
}

// boundElsewhere says to which account the directory has bound a user.
func (j *Judgement) boundElsewhere(f Finding) string {
	c := j.crowd
	account := c.jc.at(f.jc - 1).ad
	if f.ad != 0 {
		account = c.elsewhere.at(f.jc - 1)
	}
	s := "JumpCloud's directory has bound the person to the account "
	switch other := c.ad.at(account - 1); {
	case other.flags&adSeen != 0:
		s += c.text.str(other.upn)
	case other.flags&adGone != 0:
		s += c.adID(account-1) + ", which does not exist in this tenant"
	default:
		s += c.adID(account-1) + ", which is not on " + j.crowd.a.Domain
	}
	if f.ad != 0 {
		s += ", and not to this one"
	}
	return s
}

// idDiffers says why a sign-in may not find the account.
func (j *Judgement) idDiffers(u *adPerson, q *jcPerson, f Finding) string {
	id, form := j.crowd.jcID(f.jc-1), forms[idForm(u.flags>>adForm)]
	if u.flags&adSignedIn != 0 {
		return "the immutable ID is not " + id + ", as was expected, but " + form +
			", and a sign-in through JumpCloud has proved it: it is what JumpCloud sends"
	}
	s := "the immutable ID is not " + id + ", which JumpCloud most likely sends, but " + form
	if q.flags&(jcBound|jcNamed) == jcBound {
		s += "; the directory has never synchronised the person"
	}
	return s
}

// name is what a JumpCloud user is called.
func (j *Judgement) name(q *jcPerson, email string) string {
	if email != "" {
		return email
	}
	if s := j.crowd.text.str(q.email); s != "" {
		return s
	}
	return "without a name"
}

func (j *Judgement) otherDomain(f Finding, upn, key string) string {
	c := j.crowd
	var s string
	if f.ad != 0 {
		s = "the user principal name in Azure AD is " + upn
	} else if account := c.jc.at(f.jc - 1).ad; account != 0 {
		s = "bound to the Azure AD account " + c.adID(account-1)
	} else {
		s = "JumpCloud exports the user principal name " + key
	}
	s += ", which is not on " + j.crowd.a.Domain
	if f.Severity == Info {
		return s + "; the tenant's token validation policy lets its domain through"
	}
	return s + "; Azure AD refuses sign-ins from one domain for people of another (AADSTS5000820)"
}
