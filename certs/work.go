package certs

// counted, if a test has set it, is told how many bytes each step of a text
// reader looks at, so that tests can see that all of them together are in
// proportion to the input.
var counted func(n int)

func count(n int) {
	if counted != nil {
		counted(n)
	}
}
