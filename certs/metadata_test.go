package certs_test

// illFormed are documents that are not XML, though encoding/xml and etree take
// most of them.
var illFormed = []string{
	`<a/><b/>`,
}
