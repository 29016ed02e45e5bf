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
//	topic      what is wanted                                        if not so  code             source
//	message    a message, and the right kind                         unknown                     -
//	message    well-formed XML, that is read in one way              unknown                     XML Signature
//	message    posted, not by the Redirect binding                   unknown    75001            SAML page
//	message    base64 in SAMLResponse, or XML in wresult             unknown    75005            SAML page
//	message    one assertion, in clear text                          bad        500082           a guide
//	message    and in its place                                      unknown                     never seen
//	message    status Success, where there is no assertion           bad        500082           a guide
//	message    status Success beside an assertion                    unknown                     never seen
//	message    no second assertion, none encrypted beside it         unknown                     never seen
//	message    the whole message, not the assertion alone            unknown                     never seen
//	message    each part there, once, in its place                   unknown                     never seen
//	message    versions: 2.0, or 1.1                                 unknown    500085           never seen
//	message    IDs that are names                                    unknown    500086           error reference
//	message    each ID that of one element                           unknown                     XML Signature
//	message    no comments and instructions within values            unknown                     never seen
//	message    no AuthnContextDeclRef                                doubtful   50008            two reports
//	message    no AuthenticatingAuthority                            doubtful   500132           two reports
//	realm      issuer is a domain's issuerUri, byte for byte         bad        50107            issuer notes
//	realm      an issuer, of one domain only; domains are known      unknown                     issuer notes
//	realm      response and assertion have the same issuer           doubtful                    working set-ups
//	protocol   configured for SAML if the message is                 bad        50107            realm notes
//	protocol   configured for WS-Federation if the message is        bad        500085           realm notes
//	protocol   configuration and its protocol are known              unknown                     realm notes
//	protocol   assertion is of the protocol's version                bad        500085, 7500514  error reference
//	signature  assertion is signed, itself, not the response only    bad        500081           SAML page
//	signature  by a signature that is whole, and no HMAC             bad        50006            SAML page
//	signature  one signature                                         unknown                     never seen
//	signature  a signature that can be judged                        unknown                     SAML page, never seen
//	signature  about an ID that one element has                      unknown                     XML Signature
//	signature  by the key of one of the two certificates             bad        5000811          guest notes
//	signature  and not changed since                                 bad        50006            error reference
//	signature  RSA with SHA-256, exclusive canonicalization          unknown                     never seen
//	signature  not SHA-1                                             doubtful                    SAML page
//	signature  RSA key of 2048 bits or more                          unknown    50032            error reference
//	signature  response's own signature, if any, is as good          unknown                     never seen
//	signature  certificate is known, and can be read                 unknown                     SAML page
//	signature  certificate within its dates                          doubtful                    no word
//	lifetime   valid now, give or take five minutes                  bad        500089, 500133   SAML page
//	lifetime   valid now, to the second                              unknown    500089, 500133   never seen
//	lifetime   says from when to when it is valid                    unknown                     SAML page
//	lifetime   confirmation holds while the assertion does           unknown    500089           never seen
//	lifetime   times that are times, in UTC                          unknown    500089, 500133   never seen
//	lifetime   session, and WS-Federation's lifetime, not ended      unknown                     no word
//	audience   urn:federation:MicrosoftOnline                        bad        50010            SAML page
//	audience   one audience, without blanks around it                unknown                     never seen
//	recipient  Recipient is the cloud's login.srf                    doubtful   500089           working set-ups
//	recipient  Destination is, and it was posted there               doubtful   75008            working set-ups
//	recipient  Recipient and Destination are there                   doubtful                    working set-ups
//	recipient  AppliesTo, if it is there, names the audience         doubtful                    AD FS
//	recipient  confirmation names a recipient                        unknown                     never seen
//	subject    NameID is there (SAML 2.0)                            bad                         Windows page
//	subject    ImmutableID is there (SAML 1.1)                       bad        90020            AD FS
//	subject    NameIdentifier is there (SAML 1.1)                    bad                         AD FS
//	subject    one ImmutableID, the same as NameIdentifier           unknown                     AD FS
//	subject    claims parted before their last word (SAML 1.1)       unknown                     AD FS
//	subject    format persistent, or unspecified in SAML 1.1         doubtful                    SAML page, AD FS
//	subject    at most 64 characters                                 doubtful                    SAML page
//	subject    confirmed as bearer                                   unknown                     never seen
//	user       a user has exactly this immutable ID                  bad        51004            Windows page
//	user       or has it when .2B is read as +                       unknown                     SAML page
//	user       users were looked up, and that did not fail           unknown                     Windows page
//	user       the account is enabled                                unknown    50057            error reference
//	user       UPN is there (SAML 1.1)                               unknown    500088           AD FS
//	user       IDPEmail, or UPN in SAML 1.1, is the user's UPN       doubtful                    SAML page
//	mfa        multipleauthn, if enforced and demanded               bad        (a loop)         MFA page, reports
//	mfa        multipleauthn, if enforced and maybe demanded         doubtful                    MFA page, reports
//	mfa        multipleauthn, if demanded; behaviour not known       unknown                     MFA page, reports
//	mfa        realm is known                                        unknown                     MFA page
//	mfa        no attributes that pretend a second factor            doubtful                    MFA page
//	policy     user's and realm's domain have the same root          bad        5000820          policy page
//	policy     policy, roots and user are known                      unknown                     policy page
//
// Of a part of which there are several, assertions included, Azure AD may take
// another than the judge: what is read from one is then unknown where it would be bad.
//
// Bad is certain. Doubtful is probably harmless, and told. Unknown is what nobody has
// seen, or what could not be looked at: so is all that an assertion would say where
// there is none. The sources, in full in [Check].Source:
//
//	SAML page         Microsoft: Use a SAML 2.0 identity provider for single sign-on
//	MFA page          Microsoft: Satisfy multifactor authentication controls with MFA claims from a federated IdP
//	reports           and reports of the loop in which the browser is caught
//	Windows page      Microsoft: Configure federated sign-in for Windows devices
//	policy page       Microsoft: Strengthen federated sign-in security
//	error reference   Microsoft: Microsoft Entra authentication and authorization error codes
//	issuer notes      Microsoft: support notes on the issuer claim
//	realm notes       the same, and two reports of the protocol as the cause
//	guest notes       Microsoft: support notes on federation with guests
//	a guide           an identity provider's guide that shows the page
//	two reports       two reports of a failure
//	working set-ups   six that were published
//	never seen        no working set-up that was published has it
//	AD FS             recorded answers of it
//	XML Signature     the standard
//	no word           nothing says whether Azure AD looks at it
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
// time is linear in the input: hostile messages end within 100 ms, and archives,
// which may have 64 MiB, within a second. There is no
// state and no I/O; everything may be used from several goroutines, if the
// Tenant's User may.
package signin
