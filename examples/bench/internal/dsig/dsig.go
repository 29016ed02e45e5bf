// Package dsig verifies signed metadata with goxmldsig, as it comes, for the programs that
// have no verification of metadata of their own.
package dsig

import (
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// Rounds verifies the task's document again and again. Of the element that is signed, entity
// takes the provider's ID and its certificate.
func Rounds(t *task.Task, entity func(signed *etree.Element) (id, cert string, err error)) (sum crowd.Sum, err error) {
	document, err := os.ReadFile(t.Document)
	if err != nil {
		return sum, err
	}
	text, err := os.ReadFile(t.Certificate)
	if err != nil {
		return sum, err
	}
	block, _ := pem.Decode(text)
	trusted, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return sum, err
	}
	store := &goxmldsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{trusted}}
	for range t.Rounds {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(document); err != nil {
			return sum, err
		}
		signed, err := goxmldsig.NewDefaultValidationContext(store).Validate(doc.Root())
		if err != nil {
			return sum, err
		}
		id, cert, err := entity(signed)
		if err != nil {
			return sum, err
		}
		sum.Add(id, cert)
	}
	return sum, nil
}

// Bytes returns an element as a document.
func Bytes(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el)
	return doc.WriteToBytes()
}
