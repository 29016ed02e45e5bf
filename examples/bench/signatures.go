package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/signed"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// document is metadata that is verified, again and again.
type document struct {
	name, title, entity string
	rounds              int
	make                func() (text, cert string, err error)
}

// signatures measures the verification of signed metadata.
func (b *bench) signatures(ctx context.Context, p *plan, book *ledger) (*table, error) {
	t := &table{
		title: "Signed metadata",
		text: "VerifyMetadata beside etree and goxmldsig alone, and beside two libraries that read metadata and leave its " +
			"signature to goxmldsig. RSA, 2048 bits. The floor hashes the document as it stands and checks one signature; it would " +
			"accept what is wrapped, repeated or ambiguous.",
		head: []string{"metadata of", by, "processor time, µs", "goxmldsig alone = 1", "allocations"},
	}
	programs, err := b.programs(ctx, p, floor, goxmldsig, ours, gosaml2, crewjam)
	if err != nil {
		return nil, err
	}
	s, err := signed.New()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.trusted(), s.Certificate(), 0o600); err != nil {
		return nil, err
	}
	aggregate := func() (text, cert string, err error) { return s.Aggregate(100) }
	for _, doc := range []document{
		{"one", "one provider", signed.EntityID(0), 3000, s.One},
		{"aggregate", "100 providers, one asked for", signed.EntityID(50), 100, aggregate},
	} {
		if p.quick {
			doc.rounds /= 10
		}
		var alone float64
		for _, c := range programs {
			r, err := b.verify(ctx, c, doc)
			if err != nil {
				return nil, err
			}
			each := r.CPU.Seconds() * 1e6 / float64(doc.rounds)
			if c == goxmldsig {
				alone = each
			}
			if c == ours {
				book.note(doc.name, each/alone)
			}
			ratio := ""
			if alone > 0 {
				ratio = fmt.Sprintf("%.2f", each/alone)
			}
			t.add(doc.title, c.title, thousands(int(each)), ratio, thousands(int(r.Allocs)/doc.rounds))
		}
	}
	return t, nil
}

// trusted is the file with the certificate whose key signs.
func (b *bench) trusted() string { return filepath.Join(b.bin, "trusted.pem") }

// verify measures one contender with a document.
func (b *bench) verify(ctx context.Context, c contender, doc document) (result, error) {
	text, cert, err := doc.make()
	if err != nil {
		return result{}, err
	}
	file := filepath.Join(b.bin, doc.name+".xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return result{}, err
	}
	var want crowd.Sum
	for range doc.rounds {
		want.Add(doc.entity, cert)
	}
	return b.run(ctx, cell{contender: c, want: want, times: 3, Task: task.Task{
		Work: task.Metadata, Document: file, Certificate: b.trusted(), EntityID: doc.entity, Rounds: doc.rounds,
	}})
}
