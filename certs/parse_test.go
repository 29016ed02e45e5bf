package certs_test

import (
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
)

func TestQuick(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	kp, err := certs.NewKeyPair(pkix.Name{CommonName: "x"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(5, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	c := kp.Cert()
	for _, b := range [][]byte{c.PEM(), c.DER(), []byte(c.Base64())} {
		got, err := certs.ParseOne(b)
		if err != nil || got != c {
			t.Errorf("%v %v", got, err)
		}
	}
	t.Log(c.Check(now), c)
}
