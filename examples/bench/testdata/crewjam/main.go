// Command crewjam reads metadata with crewjam/saml, which leaves the signature to others: to
// goxmldsig.
package main

import (
	"context"
	"encoding/xml"
	"errors"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/dsig"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

func main() { task.Main(map[string]task.Func{task.Metadata: metadata}) }

func metadata(_ context.Context, t *task.Task) (crowd.Sum, error) {
	return dsig.Rounds(t, func(signed *etree.Element) (id, cert string, err error) {
		b, err := dsig.Bytes(signed)
		if err != nil {
			return "", "", err
		}
		var all saml.EntitiesDescriptor
		if signed.Tag == "EntitiesDescriptor" {
			err = xml.Unmarshal(b, &all)
		} else {
			all.EntityDescriptors = make([]saml.EntityDescriptor, 1)
			err = xml.Unmarshal(b, &all.EntityDescriptors[0])
		}
		if err != nil {
			return "", "", err
		}
		for _, e := range all.EntityDescriptors {
			if t.EntityID == "" || e.EntityID == t.EntityID {
				return e.EntityID, e.IDPSSODescriptors[0].KeyDescriptors[0].KeyInfo.X509Data.X509Certificates[0].Data, nil
			}
		}
		return "", "", errors.New("there is no such provider")
	})
}
