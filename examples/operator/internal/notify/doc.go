// Package notify tells what happens: notices to an address that takes JSON, a digest once
// a day, and metrics for Prometheus. Nothing of it names a person or holds a secret.
//
// # Notices
//
// A notice is one POST of at most 4 KiB of JSON, a [flow.Notice], with the headers
//
//	Content-Type     application/json
//	Idempotency-Key  the notice's id, the same however often it is sent
//	Jcaad-Timestamp  seconds since 1970 in UTC, when this attempt was made
//	Jcaad-Signature  v1= and a MAC of 64 hexadecimal digits in lower case
//
// The MAC is HMAC-SHA-256, by the key that sender and receiver share, over the text "v1",
// a dot, the timestamp as it stands in its header, a dot, and the body as it was received.
//
// A receiver calls [Verify], or does the same in its own language: it compares the MAC in
// constant time, refuses a timestamp that is more than five minutes from its own clock
// (the [Window]), and drops what has an id that it has seen within the last day: a notice
// is sent again until it is answered, so that one whose answer was lost arrives twice,
// each time with a timestamp and a signature of its own.
//
// It answers 2xx when it has stored the notice. A 4xx, but for 408 and 429, says that this
// notice will never be taken: it is not sent again. After anything else it is, but not
// before a Retry-After has passed.
package notify
