// Package conformance compares what packages jumpcloud and aad send, and what
// their fakes answer, with the machine-readable descriptions of the two
// services.
//
// It has nothing but tests. Each operation of both clients is driven against
// its fake, and a validator stands between the two: an [http.RoundTripper] that
// looks up each request and each answer in the description (path, query,
// headers, statuses, bodies). It is stricter than the descriptions: a query
// parameter, header or property that they do not name is an error, even where
// they allow for others.
//
// The other way round, both fakes are held to the descriptions, without a client: every
// query parameter, every operator of a filter and every property of a body that a
// description has for what a fake models is sent to it, one by one. It changes the
// answer as it should, judged by what the fake shows otherwise, or it is refused by
// its name.
//
// The folder clients drives both with clients that others wrote.
//
// The descriptions are not part of this module. The environment variable
// JCAAD_SPECS names the folder that has them:
//
//	graph-v1.0-trimmed.yaml     Microsoft Graph v1.0 (OpenAPI 3.0)
//	jumpcloud-v1-trimmed.json   JumpCloud's API v1 (Swagger 2.0)
//	jumpcloud-v2-trimmed.json   JumpCloud's API v2 (Swagger 2.0)
//
// Without it the comparison is skipped; that the validator can fail is tested
// in any case.
//
// The descriptions are wrong in places (mistakes_test.go) and do not have
// everything that exists (absent_test.go). Both files say why, and an entry that
// is not needed fails the test.
//
//	JCAAD_SPECS=/path/to/descriptions go test -v ./...
//
// Beside that, the JSON Schemas of package federation/schema are held against what the
// library reads and writes, by a validator that others wrote. That needs no descriptions.
//
// It is a module of its own so that the validator and what it needs stay out of
// everything else.
package conformance
