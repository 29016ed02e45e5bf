package certs_test

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// allocated returns how many bytes f takes from the heap in all.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	f() // what is made once
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// manyIDs is a stream of n elements with an ID each. It takes nothing from the
// heap itself.
type manyIDs struct{ n, at int }

func (m *manyIDs) Read(p []byte) (int, error) {
	m.at++
	switch {
	case m.at == 1:
		return copy(p, `<md:EntitiesDescriptor `+mdNS+`>`), nil
	case m.at <= m.n:
		n := copy(p, `<md:Extensions ID="_`)
		n = len(strconv.AppendInt(p[:n], int64(m.at), 10))
		return n + copy(p[n:], `"/>`), nil
	case m.at == m.n+1:
		return copy(p, `</md:EntitiesDescriptor>`), io.EOF
	}
	return 0, io.EOF
}

// A stream of any length is read in the same memory: its IDs are not kept
// without bound.
func TestReadMetadataForKeepsNoIDs(t *testing.T) {
	alone(t)
	read := func(n int) int64 {
		return allocated(func() {
			if _, err := certs.ReadMetadataFor(&manyIDs{n: n}, "y"); found(err) != certs.KindUnknownEntity {
				t.Fatal(err)
			}
		})
	}
	// Whatever is kept of each ID takes at least 8 bytes.
	if half, whole := read(150_000), read(300_000); whole-half > 150_000*8 {
		t.Errorf("300,000 IDs take %d KiB, 150,000 take %d", whole>>10, half>>10)
	}
	twice := `<md:EntitiesDescriptor ` + mdNS + ` ID="a"><md:EntityDescriptor ID="a"/></md:EntitiesDescriptor>`
	if _, err := certs.ReadMetadataFor(strings.NewReader(twice), "y"); found(err) != certs.KindMalformedXML {
		t.Errorf("the same ID twice: %v", err)
	}
}

// Where a signature may refer to any of them, no ID is had twice, however many
// there are.
func TestVerifyMetadataKeepsAllIDs(t *testing.T) {
	var b strings.Builder
	for i := range 70_000 {
		fmt.Fprintf(&b, `<md:Extensions ID="i%d"/>`, i)
	}
	doc := rsaSigner().sign(`<md:EntityDescriptor `+mdNS+` ID="_1a2b">`+b.String()+`<md:Extensions ID="i69999"/></md:EntityDescriptor>`, "")
	if _, err := certs.VerifyMetadata([]byte(doc), rsaSigner().cert); found(err) != certs.KindMalformedXML || !strings.Contains(err.Error(), "an ID that two elements have") {
		t.Errorf("err = %v; want it to say that two elements have an ID", err)
	}
}

// The document is read once, however many keys are trusted, and once more if one
// of them has signed it.
func TestVerifyMetadataWithManyKeys(t *testing.T) {
	doc := []byte(rsaSigner().sign(aggregate(40, pairA().Cert()), ""))
	others := make([]certs.Cert, 64)
	for i := range others {
		others[i] = rsaOther().cert
	}
	verify := func(trusted ...certs.Cert) int64 {
		return allocated(func() {
			certs.VerifyMetadataWith(doc, trusted, &certs.VerifyOptions{EntityID: "https://idp7.example.com/idp"})
		})
	}
	// What a key takes by itself is parsed and tried in less than 16 KiB.
	if one, many := verify(others[0]), verify(others...); many-one > 64*16<<10 {
		t.Errorf("64 keys that did not sign it take %d KiB, one takes %d", many>>10, one>>10)
	}
	if one, last := verify(rsaSigner().cert), verify(append(others, rsaSigner().cert)...); last-one > 65*16<<10 {
		t.Errorf("the last of 65 keys takes %d KiB, the only one %d", last>>10, one>>10)
	}
}

// What a document takes is in proportion to its length, whoever signed it.
func TestVerifyMetadataLinear(t *testing.T) {
	alone(t)
	s := rsaSigner()
	unit := func(n int) map[string]string {
		return map[string]string{
			"entities":     aggregate(n/3000+1, pairA().Cert()),
			"elements":     entity(`entityID="x" ID="_1a2b"`, `<md:Extensions>`+strings.Repeat(`<x a="b">text text text text text</x>`, n/40)+`</md:Extensions>`),
			"declarations": entity(`entityID="x" ID="_1a2b"`, `<md:Extensions>`+strings.Repeat(`<a:x xmlns:a="urn:a" a:b="c">text text</a:x>`, n/40)+`</md:Extensions>`),
			"attributes":   entity(`entityID="x" ID="_1a2b"`, `<md:Extensions>`+strings.Repeat(`<x`+attributes(100)+`>text</x>`, n/700)+`</md:Extensions>`),
			"text":         entity(`entityID="x" ID="_1a2b"`, `<md:Extensions>`+strings.Repeat("a&amp;b&#10;\n", n/12)+`</md:Extensions>`),
		}
	}
	last := make(map[string]float64)
	for _, n := range []int{1 << 15, 1 << 17, 1 << 19} {
		for name, doc := range unit(n) {
			signed := []byte(s.sign(doc, ""))
			for who, trusted := range map[string]certs.Cert{"signer": s.cert, "stranger": rsaOther().cert} {
				used := allocated(func() { certs.VerifyMetadata(signed, trusted) })
				per, key := float64(used)/float64(len(signed)), name+", "+who
				if p := last[key]; p > 0 && per > 1.5*p+1 {
					t.Errorf("%s: %d bytes of %s take %.1f bytes each, a quarter of it took %.1f", who, len(signed), name, per, p)
				}
				if who == "stranger" && per > 8 {
					t.Errorf("%d bytes of %s take %.1f bytes each, though nobody trusted signed them", len(signed), name, per)
				}
				last[key] = per
			}
		}
	}
}
