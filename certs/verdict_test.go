package certs_test

import (
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// The verdict on a document of one entity takes few allocations, most of them for
// the dozen elements of its Signature.
func TestVerdictAllocations(t *testing.T) {
	alone(t)
	signer, doc := mustCert(t, fixture(t, "signer.pem")), fixture(t, "signed.xml")
	verdict := certs.Verdict(signer)
	if err := verdict(doc); err != nil {
		t.Fatal(err)
	}
	const most = 70
	got := testing.AllocsPerRun(50, func() {
		if err := verdict(doc); err != nil {
			t.Error(err)
		}
	})
	if got < 10 || got > most {
		t.Errorf("%.0f allocations; want at most %d", got, most)
	}
	changed := []byte(strings.Replace(string(doc), `entityID="`, `entityID="x`, 1))
	if err := verdict(changed); found(err) != certs.KindBadSignature {
		t.Errorf("the verdict on a changed document: %v", err)
	}
}

// Nothing is kept of a document for the verdict on it, however long it is.
func TestVerdictKeepsNothing(t *testing.T) {
	alone(t)
	s := rsaSigner()
	verdict := certs.Verdict(s.cert)
	takes := func(entities int) (length int, taken int64) {
		doc := []byte(s.sign(strings.ReplaceAll(aggregate(entities, pairA().Cert()), "&amp;", "and"), ""))
		return len(doc), allocated(func() {
			if err := verdict(doc); err != nil {
				t.Error(err)
			}
		})
	}
	short, few := takes(20)
	long, many := takes(200)
	if short < 40_000 || long < 9*short {
		t.Fatalf("%d and %d bytes: no comparison", short, long)
	}
	if many-few > 8<<10 {
		t.Errorf("%d bytes take %d, and %d bytes take %d; want no more for more", short, few, long, many)
	}
}
