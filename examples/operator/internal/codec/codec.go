// Package codec encrypts what the operator gives Temporal to keep: arguments, results,
// heartbeats, signals, updates, answers to queries and memos, and the messages and stacks of
// errors. The names of workflows, activities and signals, workflow IDs, which hold the names of
// domains, and times stay readable.
//
// An encrypted payload cannot be changed unseen. One that is put in another's place, by
// somebody who can write to the database, is not noticed.
package codec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// What the metadata of an encrypted payload says.
const (
	encoding       = "binary/encrypted"
	algorithm      = "AES-256-GCM"
	metaAlgorithm  = "encryption-cipher"
	metaKey        = "encryption-key-id"
	aboutMigration = "it was written before there was a key, or by somebody else"
)

// Options say what is read besides what the keys encrypted.
type Options struct {
	// ReadPlain takes payloads that are not encrypted for what they are. It is for histories
	// that were begun before there was a key, until none is open any more: meanwhile whoever
	// can write to the database can put in payloads of their own. What is written is encrypted
	// all the same.
	ReadPlain bool
}

// New returns the converters that a client of Temporal needs to encrypt everything: both of
// them, as the messages of errors are the failure converter's.
func New(keys Keys, o Options) (converter.DataConverter, converter.FailureConverter, error) {
	c, err := NewCodec(keys, o)
	if err != nil {
		return nil, nil, err
	}
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)
	failure := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: data, EncodeCommonAttributes: true,
	})
	return data, failure, nil
}

// Codec encrypts and decrypts payloads. It may be used by several goroutines at once.
type Codec struct {
	keys  []key
	plain bool
}

var _ converter.PayloadCodec = (*Codec)(nil)

// NewCodec returns the codec of the keys. It needs one at least.
func NewCodec(keys Keys, o Options) (*Codec, error) {
	if len(keys.list) == 0 {
		return nil, errors.New("payloads cannot be encrypted without a key")
	}
	return &Codec{keys: slices.Clone(keys.list), plain: o.ReadPlain}, nil
}

// Encode encrypts payloads whole, with what their metadata says.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	k := c.keys[0]
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		clear, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("a payload cannot be encrypted: %w", err)
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encoding),
				metaAlgorithm:              []byte(algorithm),
				metaKey:                    []byte(k.id),
			},
			Data: k.aead.Seal(nil, nil, clear, bound(k.id)),
		}
	}
	return out, nil
}

// Decode returns what Encode was given. A payload of a key that is not there, or that was
// changed, is an error, and so is one that is not encrypted, unless [Options] say otherwise.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		clear, err := c.decode(p)
		if err != nil {
			return nil, err
		}
		out[i] = clear
	}
	return out, nil
}

func (c *Codec) decode(p *commonpb.Payload) (*commonpb.Payload, error) {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != encoding {
		if c.plain {
			return p, nil
		}
		return nil, errors.New("a payload is not encrypted: " + aboutMigration)
	}
	if got := string(p.GetMetadata()[metaAlgorithm]); got != algorithm {
		return nil, fmt.Errorf("a payload is encrypted by %.40q, not by %s", got, algorithm)
	}
	id := string(p.GetMetadata()[metaKey])
	at := slices.IndexFunc(c.keys, func(k key) bool { return k.id == id })
	if at < 0 {
		return nil, fmt.Errorf("a payload is encrypted by the key %.40q, which is not among those that are given (%s): add it after the first",
			id, strings.Join(Keys{list: c.keys}.IDs(), ", "))
	}
	clear, err := c.keys[at].aead.Open(nil, nil, p.GetData(), bound(id))
	if err != nil {
		return nil, fmt.Errorf("a payload of the key %s was changed or cut", id)
	}
	out := &commonpb.Payload{}
	if err := proto.Unmarshal(clear, out); err != nil {
		return nil, fmt.Errorf("a payload of the key %s holds something else than a payload", id)
	}
	return out, nil
}

// bound is what is authenticated beside the payload: what its metadata says. None of the
// parts has a newline.
func bound(id string) []byte {
	return []byte(encoding + "\n" + algorithm + "\n" + id)
}
