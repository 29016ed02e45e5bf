package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// metadata hashes the document as it stands, which is right only because it is written in
// its canonical form, and checks one signature.
func metadata(_ context.Context, t *task.Task) (sum crowd.Sum, err error) {
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
	key, ok := trusted.PublicKey.(*rsa.PublicKey)
	if !ok {
		return sum, errors.New("this is no RSA key")
	}
	for range t.Rounds {
		if err := verify(document, key); err != nil {
			return sum, err
		}
		id, cert, err := entity(document, t.EntityID)
		if err != nil {
			return sum, err
		}
		sum.Add(id, cert)
	}
	return sum, nil
}

// between returns what stands between two texts, and where that begins.
func between(b []byte, before, after string) (text []byte, at int) {
	i := bytes.Index(b, []byte(before))
	if i < 0 {
		return nil, 0
	}
	i += len(before)
	end := bytes.Index(b[i:], []byte(after))
	if end < 0 {
		return nil, 0
	}
	return b[i : i+end], i
}

func verify(document []byte, key *rsa.PublicKey) error {
	const begin, end = "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">", "</ds:Signature>"
	signature, at := between(document, begin, end)
	if signature == nil {
		return errors.New("there is no signature")
	}
	hash := sha256.New()
	hash.Write(document[:at-len(begin)])
	hash.Write(document[at+len(signature)+len(end):])
	digest, _ := between(signature, "<ds:DigestValue>", "</ds:DigestValue>")
	if base64.StdEncoding.EncodeToString(hash.Sum(nil)) != string(digest) {
		return errors.New("the digest differs")
	}
	hash.Reset()
	info, _ := between(signature, "<ds:SignedInfo>", "</ds:SignedInfo>")
	hash.Write([]byte("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">"))
	hash.Write(info)
	hash.Write([]byte("</ds:SignedInfo>"))
	value, _ := between(signature, "<ds:SignatureValue>", "</ds:SignatureValue>")
	raw, err := base64.StdEncoding.DecodeString(string(value))
	if err != nil {
		return err
	}
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash.Sum(nil), raw)
}

// entity returns a provider's ID and certificate, which is parsed.
func entity(document []byte, id string) (entityID, cert string, err error) {
	from := bytes.Index(document, []byte(`entityID="`+id))
	if from < 0 {
		return "", "", errors.New("there is no such provider")
	}
	name, _ := between(document[from:], `entityID="`, `"`)
	_, at := between(document[from:], `<md:KeyDescriptor use="signing">`, "<")
	text, _ := between(document[from+at:], "<ds:X509Certificate>", "</ds:X509Certificate>")
	der, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return "", "", err
	}
	if _, err := x509.ParseCertificate(der); err != nil {
		return "", "", err
	}
	return string(name), string(text), nil
}
