package main

import (
	"context"
	"os"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

func metadata(_ context.Context, t *task.Task) (sum crowd.Sum, err error) {
	document, err := os.ReadFile(t.Document)
	if err != nil {
		return sum, err
	}
	text, err := os.ReadFile(t.Certificate)
	if err != nil {
		return sum, err
	}
	trusted, err := certs.ParseOne(text)
	if err != nil {
		return sum, err
	}
	for range t.Rounds {
		m, err := certs.VerifyMetadataWith(document, []certs.Cert{trusted}, &certs.VerifyOptions{EntityID: t.EntityID})
		if err != nil {
			return sum, err
		}
		sum.Add(m.EntityID, m.SigningCerts[0].Base64())
	}
	return sum, nil
}
