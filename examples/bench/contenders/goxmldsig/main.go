// Command goxmldsig verifies metadata with etree and goxmldsig alone.
package main

import (
	"context"
	"errors"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/dsig"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

func main() { task.Main(map[string]task.Func{task.Metadata: metadata}) }

func metadata(_ context.Context, t *task.Task) (crowd.Sum, error) {
	return dsig.Rounds(t, func(signed *etree.Element) (id, cert string, err error) {
		entity := signed
		for _, e := range signed.ChildElements() {
			if t.EntityID != "" && e.SelectAttrValue("entityID", "") == t.EntityID {
				entity = e
			}
		}
		for _, path := range []string{"IDPSSODescriptor", "KeyDescriptor", "KeyInfo", "X509Data", "X509Certificate"} {
			if signed = entity.SelectElement(path); signed == nil {
				return "", "", errors.New("there is no " + path)
			}
			if path == "IDPSSODescriptor" {
				id = entity.SelectAttrValue("entityID", "")
			}
			entity = signed
		}
		return id, entity.Text(), nil
	})
}
