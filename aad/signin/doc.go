// Package signin judges the answer of an identity provider as Azure AD (Microsoft
// Entra ID) judges it when a person signs in to a federated domain, and explains
// the codes that people see when that fails.
//
// It is pure: bytes in, a verdict out. What Azure AD holds is given as a [Tenant];
// package tenant reads one from a live service.
//
//	v := signin.Judge(har, tenant, time.Now())
//	fmt.Println(v)
//	for _, c := range v.Checks {
//		fmt.Println(c.Topic, c.Result, c.Found, c.Repair)
//	}
//
// # Verdict
//
// Nobody outside of Microsoft knows all that Azure AD looks at. So the judge says
// no only where that is certain, by vendor's text or by what the service has
// answered, and yes only if every part of the message is as it was seen to be
// accepted. Else it cannot say, and says why:
//
//   - [Verdict].Accepted is No if any check is Bad. The first Bad gives the code.
//   - Otherwise it is CannotSay if any check is Unknown.
//   - Otherwise it is Yes. What is Doubtful is told and does not count.
//
// What no valid signature covers is told as Unproved: with a bad signature that
// is everything, and whoever sent the message can have written it.
//
// # Checks
//
// They are told in Azure AD's order, as far as that is known: the realm first, as
// it has the keys; then signature, time and audience; the user; the second factor;
// the policy.
//
//	check                                               if not so  code            source
//	one assertion, in clear text                        bad        500082          an identity provider's guide
//	several assertions, or an encrypted one beside      unknown                    never seen
//	status Success                                      unknown                    never seen
//	status another, and no assertion                    bad        500082          inferred from the text
//	posted, not by the Redirect binding                 unknown    75001           SAML page
//	each part there, once, in its place                 unknown                    six working set-ups
//	IDs that are names, each of one element             unknown    500086          error reference
//	no comments within values                           unknown                    never seen
//	no AuthnContextDeclRef, AuthenticatingAuthority     doubtful   50008, 500132   two reports
//	issuer is a domain's issuerUri, byte for byte       bad        50107           support notes
//	issuer of one domain only                           unknown                    reports
//	response and assertion have the same issuer         doubtful                   six working set-ups
//	configured protocol is the message's                bad        50107, 500085   support notes, two reports
//	assertion is of the protocol's version              bad        500085, 7500514 error reference
//	assertion is signed, itself                         bad        500081          SAML page
//	by a key of one of the two certificates             bad        5000811         support notes
//	and was not changed since                           bad        50006           error reference
//	RSA with SHA-256, exclusive canonicalization        unknown                    SAML page, working set-ups
//	not SHA-1                                           doubtful                   SAML page
//	response's own signature, if any, verifies          unknown                    never seen
//	a certificate of the domain can be read             unknown                    -
//	certificate within its dates                        doubtful                   not known whether it counts
//	valid now, give or take five minutes                bad        500089, 500133  SAML page
//	valid now, to the second                            doubtful                   tolerance not known
//	confirmation did not end before the assertion       unknown                    never seen
//	times that are times, in UTC                        unknown                    never seen
//	session not ended                                   doubtful                   not known whether it counts
//	audience urn:federation:MicrosoftOnline             bad        50010           SAML page
//	one audience                                        unknown                    never seen
//	Recipient and Destination are login.srf, and it
//	was posted there                                    doubtful   500089, 75008   working set-ups; clouds differ
//	NameID is there                                     bad                        SAML page
//	ImmutableID is there (SAML 1.1)                     bad        90020           error reference
//	NameID has the format persistent                    doubtful                   SAML page; guides differ
//	confirmed as bearer                                 unknown                    never seen
//	a user has exactly this immutable ID                bad        51004           Windows page: case counts
//	or has it when .2B is read as +                     unknown                    SAML page; working set-ups differ
//	users were looked up, and that did not fail         unknown                    -
//	the account is enabled                              unknown    50057           error reference
//	IDPEmail is the user's UPN                          doubtful                   SAML page; two set-ups send none
//	multipleauthn, if enforced and demanded             bad        (a loop)        MFA page, a report
//	multipleauthn, if enforced and maybe demanded       doubtful                   MFA page
//	no attributes that pretend a second factor          doubtful                   MFA page: ignored
//	user's and realm's domain have the same root,
//	where the policy of token validation holds          bad        5000820         page on federated sign-in security
//	policy and roots are known                          unknown                    -
//
// Nothing is said of InResponseTo, SessionIndex, Address, the order of statements,
// further attributes and the form of KeyInfo: responses without a request are
// accepted, and both certificates are tried whatever KeyInfo names. A certificate
// that was renewed for the same key is as good.
//
// # Attacks
//
// A message that carries somebody's valid signature to another assertion is no
// mere error. [Verdict].Attack says so where assertions stand in places that have
// none, a signature is about another element than the one that holds it, IDs are
// doubled, values are broken by comments, a transform rewrites what was signed, a
// public key is taken for a secret, or the document has a type.
//
// Signatures are verified on a strict reading of the document, each on its own, by
// an implementation of this module; where goxmldsig is known to be right it must
// agree. Nothing is read twice: what is told is what was verified.
//
// # Codes
//
// [Explain] finds codes in pages, logs and JSON, and says what they mean in a
// federated domain, which is often narrower than their text. The table is a hint:
// Microsoft changes codes and texts.
//
// # Limits
//
// Bytes, elements, depth, namespaces, references and transforms are bounded, and
// time is linear in the input: hostile messages end within 100 ms. There is no
// state and no I/O; everything may be used from several goroutines, if the
// Tenant's User may.
package signin
