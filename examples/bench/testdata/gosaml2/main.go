// Command gosaml2 reads metadata into the types of gosaml2, which leaves the signature to
// others: to goxmldsig. It has no type for several providers.
package main

import (
	"context"
	"encoding/xml"
	"errors"

	"github.com/beevik/etree"
	"github.com/russellhaering/gosaml2/types"

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
		var all struct {
			Entities []types.EntityDescriptor `xml:"EntityDescriptor"`
		}
		if signed.Tag == "EntitiesDescriptor" {
			err = xml.Unmarshal(b, &all)
		} else {
			all.Entities = make([]types.EntityDescriptor, 1)
			err = xml.Unmarshal(b, &all.Entities[0])
		}
		if err != nil {
			return "", "", err
		}
		for _, e := range all.Entities {
			if t.EntityID == "" || e.EntityID == t.EntityID {
				return e.EntityID, e.IDPSSODescriptor.KeyDescriptors[0].KeyInfo.X509Data.X509Certificates[0].Data, nil
			}
		}
		return "", "", errors.New("there is no such provider")
	})
}
