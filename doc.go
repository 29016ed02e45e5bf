// Package jcaad federates a Microsoft 365 (Azure AD, Microsoft Entra ID) domain
// with JumpCloud, in one idempotent call. The module has no code at its root;
// its packages are:
//
//   - [github.com/jcaad/jcaad/federation]: Plan, Preview, Federate, Verify, Revert. Start here.
//   - [github.com/jcaad/jcaad/jumpcloud]: a typed client of the JumpCloud admin API.
//   - [github.com/jcaad/jcaad/aad]: a typed client of Microsoft Graph's domain authentication API.
//   - [github.com/jcaad/jcaad/aad/signin]: judges a captured sign-in offline, as Azure AD does, and explains AADSTS codes.
//   - [github.com/jcaad/jcaad/certs]: SAML certificates and metadata, whatever the form they arrive in.
//   - [github.com/jcaad/jcaad/federation/assumptions]: what this module relies on undocumented, and whether it is so for you.
//   - [github.com/jcaad/jcaad/federation/recording]: what the services answer, anonymised as it is recorded, and replayed.
//   - [github.com/jcaad/jcaad/federation/schema]: JSON Schemas of plans, reports, rotations and verdicts, for editors and other languages.
//   - jumpcloudtest, aadtest, federationtest: both services in memory, for the tests of programs that use the above.
//
// A complete program:
//
//	cred, err := azidentity.NewDefaultAzureCredential(nil)
//	…
//	jc, err := jumpcloud.New(os.Getenv("JUMPCLOUD_API_KEY"), nil)
//	…
//	ad, err := aad.New(cred, nil)
//	…
//	f := federation.New(jc, ad, nil)
//	report, err := f.Federate(ctx, federation.Plan{
//		Domain: "example.com",
//		Groups: []federation.Group{{Name: "All Users"}}, // a JumpCloud group that has the people
//		MFA:    aad.AcceptIfMFADoneByFederatedIdP,
//	})
//	fmt.Print(report) // what was done, or what stands in the way
//
// Run it again and it finds nothing to do. The program in examples/federate does
// the same against stand-ins of both services, so that it can be watched first.
package jcaad
