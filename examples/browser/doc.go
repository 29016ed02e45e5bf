// Package browser has no code of its own: its tests drive a real browser, Chromium,
// through the sign-in of people of a domain, from Azure AD's page to JumpCloud's and
// back. Both services are the stand-ins, [aadtest.Server] and [jumpcloudtest.Server],
// which listen on loopback and are reached by their true names, over TLS; the
// browser finds no other host. The domain is federated as a program does it, by
// [federation.Federator.Federate].
//
//	go test -C examples/browser
//	go test -C examples/browser -chromium /opt/chromium/chrome -shots /tmp/shots
//
// Each walk is done twice over the same services: with a mouse on a wide screen, with
// scripts; and by Tab and Enter alone, on a screen 320 pixels wide, without scripts. Both
// must come to the same pages. Each page on the way is looked at: labels, contrast,
// the sizes of what is pressed, the order and the visibility of the focus, what the
// browser complains of, and what it asked for.
//
// Without a Chromium the tests are skipped, and say so; in an environment with CI=true,
// or with the flag -chromium, they fail. (go test shows what a passing test prints if
// no package is named, as above, or with -v.) The flag -shots keeps a picture of each page.
//
// [aadtest.Server]: https://pkg.go.dev/github.com/jcaad/jcaad/aad/aadtest#Server
// [jumpcloudtest.Server]: https://pkg.go.dev/github.com/jcaad/jcaad/jumpcloud/jumpcloudtest#Server
// [federation.Federator.Federate]: https://pkg.go.dev/github.com/jcaad/jcaad/federation#Federator.Federate
package browser
