// Package recording records what goes between this module's clients and the two services,
// without anything that is anybody's, and answers from such a recording as the services did.
//
// What nobody has published about the services can only be seen at a live one. A recording is how
// who has one shows it to who has none, and a test that asks it is how a fact stays known:
//
//	rec := recording.New()
//	jc, err := jumpcloud.New(key, &jumpcloud.Options{Wrap: rec.Transport, ReadOnly: true})
//	…
//	for _, r := range rec.Remains() {
//		fmt.Println(r) // what is in it as it came: read it before you hand it on
//	}
//	_, err = rec.WriteTo(file)
//
//	r, err := recording.Read(file)
//	jc, err = jumpcloud.New("any", &jumpcloud.Options{HTTPClient: r.HTTPClient()})
//
// # What becomes of what was said
//
// Every exchange is anonymised when it ends, and is not kept as it was. What stays is
// on a list: methods, status codes, the order and the shape of everything, the names of members
// that the services' descriptions or this module's types have, values of enumerations, codes and
// sentences that the services say to everybody, numbers that count, and the services' own hosts and
// paths. [Recorder.Remains] shows all of it. All else is replaced by what looks like it:
//
//   - names, addresses, domains, IDs, telephone numbers, tokens and URLs become others of the same
//     form, and equal ones become equal ones, without regard to capitals where the services have none.
//     The address of somebody is on the pseudonym of the domain, and a subdomain below that of
//     its domain. Domains end in .example or in what is no top-level domain, IP addresses are ones that
//     nobody has; onmicrosoft.com and its kin keep their names.
//   - a certificate becomes a fresh one with the same algorithm, size of key, and length of validity. Its
//     key is made to be found quickly, protects nothing, and is not kept. Signatures of documents and
//     tokens do not verify any more.
//   - all times move back by the same offset, of one to nine years, in whatever they are written. What
//     is below a second is replaced.
//   - of free text nothing is left but that there was one, and the codes of Azure AD in it.
//   - members that nobody has described lose their name as well, and keep their type.
//   - JSON, XML, base64, percent-encoding, tokens and URLs within texts are opened and treated
//     in the same way; what lies too deep goes as a whole.
//   - of headers a few are kept, which concern paging, throttling, and the IDs of requests. Credentials
//     and cookies are not read.
//
// Pseudonyms are made with a random key which is not kept, so that nobody can go from one back to the
// real one, nor tell from two recordings that somebody is in both. Numbers and codes of a few characters have
// so few pseudonyms that different ones may become equal. How many there are of
// something, and how much time has passed between two things, stays what it was: a recording is
// anonymous for who does not have the same data.
//
// # What a replay is good for
//
// [Recording.Handler] and [Recording.HTTPClient] answer what was asked, and nothing else: 501 says what is
// missing. The questions have to name the pseudonyms, so that one begins with a list. A judge of
// dates has to be told that it is the time of the recording, which is At of its exchanges. Filters that ask for
// parts of names are answered if just these were asked, for a pseudonym has no part of a name in it.
package recording
