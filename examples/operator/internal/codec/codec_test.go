package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// canary is what must not be seen.
const canary = "canary-of-a-payload"

// raw is a key of 32 bytes, which n tells from others.
func raw(n byte) []byte {
	k := make([]byte, keySize)
	for i := range k {
		k[i] = n + byte(i)*7
	}
	return k
}

func text(n byte) string { return base64.StdEncoding.EncodeToString(raw(n)) }

func mustKeys(t testing.TB, s string) Keys {
	t.Helper()
	k, err := ParseKeys(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustCodec(t testing.TB, s string, o Options) *Codec {
	t.Helper()
	c, err := NewCodec(mustKeys(t, s), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func payload(t testing.TB, v any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParseKeys(t *testing.T) {
	one := mustKeys(t, text(1)).IDs()
	if len(one) != 1 || len(one[0]) != 16 {
		t.Fatalf("IDs %q", one)
	}
	two := mustKeys(t, text(2)).IDs()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"hexadecimal": {hex.EncodeToString(raw(1)), one},
		"upper case":  {strings.ToUpper(hex.EncodeToString(raw(1))), one},
		"no padding":  {base64.RawStdEncoding.EncodeToString(raw(1)), one},
		"for URLs":    {base64.URLEncoding.EncodeToString(raw(1)), one},
		"two":         {text(2) + ", " + hex.EncodeToString(raw(1)) + "\n", append(two, one...)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, mustKeys(t, c.text).IDs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseKeysRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":      {" ", "there is no key"},
		"short":        {base64.StdEncoding.EncodeToString(raw(1)[:31]), "key 1 is not 32 bytes"},
		"long":         {base64.StdEncoding.EncodeToString(append(raw(1), 1)), "key 1 is not 32 bytes"},
		"words":        {text(1) + ",correct horse battery staple", "key 2 is not 32 bytes"},
		"comma at end": {text(1) + ",", "key 2 is not 32 bytes"},
		"bad digits":   {strings.Repeat("zy", 32), "key 1 is not 32 bytes"},
		"twice":        {text(1) + "," + text(2) + "," + hex.EncodeToString(raw(1)), "key 3 is the same as key 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKeys(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, not one with %q", err, c.want)
			}
			for part := range strings.SplitSeq(c.text, ",") {
				if part = strings.TrimSpace(part); part != "" && strings.Contains(err.Error(), part) {
					t.Errorf("it shows a key: %v", err)
				}
			}
		})
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	k := mustKeys(t, text(1)+","+text(2))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "keys", k)
	all := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb, k) + fmt.Sprintf(verb, &k) + fmt.Sprintf(verb, struct{ K Keys }{k})
	}
	if !strings.Contains(all, k.IDs()[0]) {
		t.Fatalf("the names are not shown: %s", all)
	}
	wantNoKey(t, []byte(all))
}

// wantNoKey fails if a key is seen in b, in one of the ways that it is written.
func wantNoKey(t *testing.T, b []byte) {
	t.Helper()
	for n := range byte(4) {
		for _, s := range []string{string(raw(n)), text(n)[:40], hex.EncodeToString(raw(n)), fmt.Sprint(raw(n))} {
			if bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(s))) {
				t.Errorf("key %d is seen", n)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	c := mustCodec(t, text(1)+","+text(2), Options{})
	in := []*commonpb.Payload{payload(t, map[string]string{"name": canary}), payload(t, []byte(canary)), payload(t, nil), {}}
	before := proto.Clone(&commonpb.Payloads{Payloads: in})
	out, err := c.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range out {
		b, err := proto.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.GetData()) < 28 || bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte("json/plain")) {
			t.Errorf("payload %d is %q", i, b)
		}
		wantNoKey(t, b)
		if id := string(p.GetMetadata()[metaKey]); id != c.keys[0].id {
			t.Errorf("payload %d has the key %q", i, id)
		}
		if bytes.Equal(p.GetData()[:12], again[i].GetData()[:12]) || bytes.Equal(p.GetData(), again[i].GetData()) {
			t.Errorf("payload %d: a nonce was used twice", i)
		}
	}
	// The keys in another order: what the second encrypted is read as well.
	got, err := mustCodec(t, text(2)+","+text(1), Options{}).Decode(out)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(before, &commonpb.Payloads{Payloads: got}) || !proto.Equal(before, &commonpb.Payloads{Payloads: in}) {
		t.Errorf("read: %v, of %v", got, in)
	}
}

func TestDecodeRefused(t *testing.T) {
	c := mustCodec(t, text(1)+","+text(2), Options{})
	other := mustCodec(t, text(3), Options{})
	sealed := func() *commonpb.Payload {
		out, err := c.Encode([]*commonpb.Payload{payload(t, canary)})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	for name, k := range map[string]struct {
		codec *Codec
		spoil func(p *commonpb.Payload)
		want  string
	}{
		"unknown key": {other, func(*commonpb.Payload) {}, "is encrypted by the key \"" + c.keys[0].id +
			"\", which is not among those that are given (" + other.keys[0].id + ")"},
		"another key's name": {c, func(p *commonpb.Payload) { p.Metadata[metaKey] = []byte(c.keys[1].id) }, "was changed or cut"},
		"no key's name":      {c, func(p *commonpb.Payload) { delete(p.Metadata, metaKey) }, "by the key \"\""},
		"another cipher":     {c, func(p *commonpb.Payload) { p.Metadata[metaAlgorithm] = []byte("ROT13") }, "\"ROT13\""},
		"not encrypted": {c, func(p *commonpb.Payload) { p.Metadata[converter.MetadataEncoding] = []byte("json/plain") },
			"is not encrypted"},
		"nonce":   {c, func(p *commonpb.Payload) { p.Data[0] ^= 1 }, "was changed or cut"},
		"data":    {c, func(p *commonpb.Payload) { p.Data[20] ^= 1 }, "was changed or cut"},
		"tag":     {c, func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 }, "was changed or cut"},
		"cut":     {c, func(p *commonpb.Payload) { p.Data = p.Data[:len(p.Data)-1] }, "was changed or cut"},
		"no data": {c, func(p *commonpb.Payload) { p.Data = nil }, "was changed or cut"},
		"no payload": {c, func(p *commonpb.Payload) {
			p.Data = c.keys[0].aead.Seal(nil, nil, []byte("\xff\xff"), bound(c.keys[0].id))
		}, "something else than a payload"},
		"metadata not authenticated": {c, func(p *commonpb.Payload) {
			p.Data = c.keys[0].aead.Seal(nil, nil, []byte("x"), nil)
		}, "was changed or cut"},
	} {
		t.Run(name, func(t *testing.T) {
			p := sealed()
			k.spoil(p)
			got, err := k.codec.Decode([]*commonpb.Payload{p})
			if err == nil || got != nil || !strings.Contains(err.Error(), k.want) {
				t.Fatalf("%v, %v: not an error with %q", got, err, k.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("it shows what was encrypted: %v", err)
			}
		})
	}
}

func TestReadPlain(t *testing.T) {
	c := mustCodec(t, text(1), Options{ReadPlain: true})
	p := payload(t, "before there was a key")
	got, err := c.Decode([]*commonpb.Payload{p})
	if err != nil || len(got) != 1 || !proto.Equal(got[0], p) {
		t.Fatalf("%v, %v", got, err)
	}
	sealed, err := c.Encode([]*commonpb.Payload{p})
	if err != nil || string(sealed[0].GetMetadata()[converter.MetadataEncoding]) != encoding {
		t.Fatalf("%v, %v: it is encrypted all the same", sealed, err)
	}
	sealed[0].Data[15] ^= 1
	if _, err := c.Decode(sealed); err == nil {
		t.Error("what was changed is read")
	}
}

func TestNew(t *testing.T) {
	if _, _, err := New(Keys{}, Options{}); err == nil {
		t.Fatal("no key is no error")
	}
	data, failures, err := New(mustKeys(t, text(1)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := data.ToPayload(map[string]string{"name": canary})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := data.FromPayload(p, &got); err != nil || got["name"] != canary {
		t.Fatalf("%v, %v", got, err)
	}
	for name, in := range map[string]error{
		"plain":       errors.New(canary),
		"application": temporal.NewApplicationErrorWithCause(canary, "class", errors.New(canary+" below"), canary),
	} {
		t.Run(name, func(t *testing.T) {
			f := failures.ErrorToFailure(in)
			b, err := proto.Marshal(f)
			if err != nil || f.GetEncodedAttributes() == nil {
				t.Fatalf("%v, %v", f, err)
			}
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("the message is readable: %v", f)
			}
			wantNoKey(t, b)
			back := &failurepb.Failure{}
			if err := proto.Unmarshal(b, back); err != nil {
				t.Fatal(err)
			}
			if err := failures.FailureToError(back); err == nil || !strings.Contains(err.Error(), canary) {
				t.Errorf("read: %v", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	c := mustCodec(f, text(1)+","+text(2), Options{})
	in := []*commonpb.Payload{payload(f, canary), {}}
	sealed, err := c.Encode(in)
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range sealed {
		f.Add(string(p.Metadata[converter.MetadataEncoding]), string(p.Metadata[metaAlgorithm]), string(p.Metadata[metaKey]), p.Data)
	}
	f.Add("json/plain", "", "", []byte(`"x"`))
	f.Add(encoding, algorithm, c.keys[1].id, []byte("short"))
	f.Fuzz(func(t *testing.T, enc, alg, id string, b []byte) {
		p := &commonpb.Payload{Data: b, Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(enc), metaAlgorithm: []byte(alg), metaKey: []byte(id),
		}}
		out, err := c.Decode([]*commonpb.Payload{p})
		if (err == nil) != (out != nil) {
			t.Fatalf("%v and %v", out, err)
		}
		if err != nil {
			return
		}
		for _, q := range in { // the seeds are encrypted by another nonce in each process
			if proto.Equal(out[0], q) {
				return
			}
		}
		t.Fatalf("what nobody encrypted was decrypted: %v", out)
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(text(1) + "," + hex.EncodeToString(raw(2)))
	f.Add("a,b,")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKeys(s)
		if err == nil && len(k.IDs()) != strings.Count(s, ",")+1 {
			t.Errorf("%q: %d keys", s, len(k.IDs()))
		}
		for part := range strings.SplitSeq(s, ",") {
			if err != nil && len(part) > 20 && strings.Contains(err.Error(), part) {
				t.Errorf("it shows a key: %v", err)
			}
		}
	})
}
