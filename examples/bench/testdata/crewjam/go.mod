module github.com/jcaad/jcaad/examples/bench/testdata/crewjam

go 1.25.0

replace (
	github.com/jcaad/jcaad => ../../../../
	github.com/jcaad/jcaad/examples/bench => ../../
)

require (
	github.com/beevik/etree v1.8.1
	github.com/crewjam/saml v0.6.3
	github.com/jcaad/jcaad/examples/bench v0.0.0-00010101000000-000000000000
)

require (
	github.com/jonboulle/clockwork v0.5.0 // indirect
	github.com/russellhaering/goxmldsig v1.6.1 // indirect
	golang.org/x/crypto v0.55.0 // indirect
)
