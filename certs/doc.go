// Package certs reads SAML signing certificates and identity provider metadata
// in whatever form they reach people, and gives each certificate one spelling.
//
// To get the value that Microsoft Graph's signingCertificate takes out of what
// an administrator pasted:
//
//	signing, err := certs.Normalize(pasted)
//	if err != nil {
//		return err // says what was pasted instead, and what to do
//	}
//
// To look at the certificate before it is used, take [ParseOne] and
// [Cert.Check]; to get it with the entity ID and the log-in URL, take
// [ParseMetadata]. Start there: [Cert] is a value that compares with ==.
//
// # Accepted
//
// [Parse], [ParseOne], [Normalize] and [Cert.UnmarshalText] read:
//
//   - DER, alone or several certificates one after the other
//   - PEM: any line ends, width and indentation, headers, text around, several
//     blocks, flattened into one line, without BEGIN or without END, the
//     markers squashed, in small letters, with long dashes or the wrong number
//   - base64: any white space and invisible characters (non-breaking and
//     zero-width spaces, soft hyphens, byte order marks), with padding or
//     without, in either alphabet
//   - base64 of any of these, as in idpCertificate.value of JumpCloud's API,
//     which is base64 of PEM; and DER as hexadecimal digits
//   - PKCS#7 (.p7b, .p7c), in DER, PEM or base64
//   - SAML metadata: the signing certificates of every identity provider in it
//   - a piece of metadata: X509Certificate, X509Data, KeyInfo, KeyDescriptor,
//     with its prefixes declared or not
//   - JSON: a string, x5c of a JWKS, the application as JumpCloud's API returns
//     it, the configuration as Microsoft Graph does
//   - configuration, code and mails around any of these: YAML scalars and
//     blocks, assignments in shells and PowerShell, here-documents, string
//     literals joined by operators, numbered and prefixed lines
//
// in UTF-8, UTF-16 or Windows-1252, with or without byte order mark; and any
// of it quoted (straight, smart or back quotes), JSON-escaped,
// percent-encoded, HTML-escaped or broken by tags, in a data: URI, in
// quoted-printable, in a Markdown fence, or behind the > of a mail; also
// several of these one inside the other, up to a dozen layers.
//
// The layers are peeled from the outside. Once XML begins, its text is XML's
// alone: metadata comes back as it was, or not at all. A certificate in a
// comment of XML is not there.
//
// Nothing is guessed: a visible character that does not belong is never
// dropped, and what is returned is always every certificate of the input; only
// base64 within a sentence beside PEM is none.
//
// # Refused
//
// Every refusal is a [*ParseError] whose Found says what was there: a private
// key, encrypted or not (anywhere in the input, which is refused as a whole: as
// PEM, bare, encoded once more, as a JSON Web Key, or as openssl prints one; words
// about keys are none), a signing request, a public key, a revocation list, PKCS#12, an SSH key, an
// HTML page, JSON, metadata of a service provider or without a signing
// certificate, a truncated certificate (with the number of missing bytes), data
// behind the certificate, several certificates where one is needed (with their
// subjects), a damaged certificate, nothing, too much, or something else.
//
// A certificate that names itself as its issuer must carry its own signature,
// unless it shows that another key of that name made it: by key identifiers that
// differ, or by a kind or length of signature that its key does not make. It is
// the only sign by which a bit that was lost in a paste shows, as crypto/x509
// reads such certificates without complaint. A key of an algorithm that nobody
// knows is damage, too. Of a certificate that an authority has issued, a changed
// bit cannot be seen.
//
// No error, and nothing that [KeyPair] prints, holds key material.
//
// # Metadata
//
// [ParseMetadata] and [ParseMetadataFor] read metadata that is trusted for the
// way it came: JumpCloud does not sign its own. [ReadMetadataFor] does so for
// an aggregate of any length on a stream, in little memory. [VerifyMetadata]
// returns only what one of the given keys signed.
//
// All of them demand well-formed XML, with namespaces, without exception, and
// refuse document types, so that no two readers can disagree about what a
// document says.
//
// Metadata that was wrapped on its way (quoted, escaped, indented in YAML, behind
// the > of a mail, in a fence, a here-document or JSON) comes back as it was, or is
// refused. A wrapping is told by what stands outermost, and each is taken off by its
// own rules, once: where the text begins like XML, all that looks like an escape
// in it is XML's. What could be read in two ways is refused.
//
// # Limits
//
// Time and memory are linear in the input, whose size is bounded ([MaxInput],
// [MaxMetadata]), as are depth, attributes and layers of wrapping. The package
// opens no file and no connection, and has no clock: times are arguments. It
// has no state, so that everything in it may be used from several goroutines.
package certs
