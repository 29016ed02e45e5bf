// Package judges holds what this module says of SAML against implementations that others
// wrote. It has tests only, in a module of its own, so that nothing that is used
// links those:
//
//   - Responses of crewjam/saml's and of samlify's identity provider are judged by
//     signin.Judge.
//   - Responses of jumpcloudtest are judged by the service providers of crewjam/saml,
//     node-saml and samlify; requests of aadtest by the identity providers of the first
//     and the last.
//   - xmlsec1 is asked about every signature, those of the tests of package signin included,
//     and signs in ways in which the others do not.
//
// They need xmlsec1, and Node.js with the packages in node/package-lock.json:
//
//	(cd node && npm ci --ignore-scripts) && go test .
//
// What is missing is skipped, unless JUDGES=required is in the environment.
package judges
