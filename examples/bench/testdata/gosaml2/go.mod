module github.com/jcaad/jcaad/examples/bench/testdata/gosaml2

go 1.25.0

replace (
	github.com/jcaad/jcaad => ../../../../
	github.com/jcaad/jcaad/examples/bench => ../../
)

require (
	github.com/beevik/etree v1.8.1
	github.com/jcaad/jcaad/examples/bench v0.0.0-00010101000000-000000000000
	github.com/russellhaering/gosaml2 v0.12.0
)

require (
	github.com/jonboulle/clockwork v0.5.0 // indirect
	github.com/russellhaering/goxmldsig v1.6.1 // indirect
)
