// Package jumpcloudtest provides a JumpCloud organisation in memory, for tests
// of code that talks to JumpCloud.
//
// A [Server] remembers what is written to it and behaves as the real service
// was seen to behave, traps included: its PUT of an application makes a new
// certificate if the old one is not sent along, lists without sort repeat
// users, a request without a key is redirected to /login. Its certificates and
// keys are real.
//
//	var jc jumpcloudtest.Server
//	jc.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
//	client := jc.Client(nil) // in memory; or serve &jc with httptest.NewServer
//
// Then let your code run against client, and look at what it did with
// [Server.Applications], [Server.Groups], [Server.Associations], [Server.Requests].
//
// # Trouble
//
// The exported fields of Server make trouble, one at a time or together:
//
//   - Fault decides on each request: refuse it, fail before or after it took
//     effect, drop the connection, cut the answer, throttle. See [Fault].
//   - Throttle is a token bucket for all requests, with Retry-After or without.
//   - ListLag and GetLag keep changes out of sight for some time or some
//     reads, and let replicas disagree.
//   - Latency is added to each request.
//   - Scopes takes rights away, APIKey and Region the access.
//
// Where nobody outside of JumpCloud knows what the service does, there is a
// field to choose ([Server.EmptyKey], [Server.DeleteStatus], …): code should
// work with all of them.
//
// The package works under testing/synctest, and imports neither testing nor
// net/http/httptest.
package jumpcloudtest
