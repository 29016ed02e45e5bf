// Package trace tells an OpenTelemetry collector which requests the operator makes, how
// long they take and how they end. It does so only if the environment names a collector.
//
// A span has the method, the host, the path as a template ("/v1.0/users/{id}"), and the
// status: words of the two services' interfaces stay, everything else of a path is {id},
// and there is no query. So no span names a person, or holds a token or the body of a
// message. What others put into spans passes through a list of what may be told. No
// header is added to requests: the services learn nothing of it.
package trace
