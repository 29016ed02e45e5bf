package certs

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// What is read of private keys: how much text, and how many bits. With fewer
// crypto/rsa does not sign.
const (
	maxPairText   = 16 << 10
	minParsedBits = 1024
	maxParsedBits = 16384
)

const adviceKeyAgain = "make a new pair, or look for the file again"

// ParseKeyPair reads a key pair that was stored: the certificate, which is what
// [ParseOne] takes, such as [Cert.PEM], and its private key, which is the one PEM
// block of [KeyPair.PrivateKeyPEM], not encrypted: "PRIVATE KEY" (PKCS#8), or
// "RSA PRIVATE KEY" (PKCS#1). White space and lines of text may stand around the
// block, and no other block.
//
// The key must be RSA, of 1024 to 16384 bits, and the certificate its own, which
// is proved by a signature; whether the certificate is good for anything is up to
// [Cert.Check]. Every error is a [*ParseError] that says which of the two is meant.
// It holds nothing of the key, whatever the key's text is. Neither argument is
// kept or changed: overwrite key when it is no longer needed.
func ParseKeyPair(certificate, key []byte) (*KeyPair, error) {
	cert, err := ParseOne(certificate)
	if err != nil {
		return nil, err
	}
	private, perr := parseRSAKey(key)
	if perr != nil {
		return nil, perr
	}
	x := cert.X509()
	public, ok := x.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, refuse(KindUnusableKey, "the certificate's key is %s, and a key pair is RSA: make an RSA pair", keyName(x))
	case !private.PublicKey.Equal(public) || !signs(private, public):
		return nil, &ParseError{Found: KindOtherKey, Subjects: []string{subject(x)},
			detail: "certificate and private key do not belong together: take both from the same place"}
	}
	return &KeyPair{cert: cert, key: func() *rsa.PrivateKey { return private }}, nil
}

// parseRSAKey reads the one PEM block of an RSA key. Nothing that crypto/x509
// says of it is passed on.
func parseRSAKey(text []byte) (*rsa.PrivateKey, *ParseError) {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, refuse(KindEmpty, "the private key is missing: %s", adviceKeyAgain)
	case len(text) > maxPairText:
		return nil, refuse(KindTooLarge, "a private key has a few KiB: %s", adviceKeyAgain)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, refuse(KindNotKey, "it has no PEM block that is whole, from its BEGIN line to its END line: %s", adviceKeyAgain)
	}
	defer clear(block.Bytes)
	if bytes.Contains(rest, []byte("-----BEGIN")) || bytes.Count(text, []byte("-----BEGIN")) > 1 {
		return nil, refuse(KindNotKey, "it has more than one PEM block: keep the private key alone, without certificates and other keys")
	}
	if k := blockKind(block); k != "" {
		return nil, refuse(k, "%s", blockAdvice(k))
	}
	var parsed any
	var err error
	if block.Type == "RSA PRIVATE KEY" {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	switch {
	case err != nil:
		return nil, refuse(KindUnusableKey, "its content is damaged, or not what the PEM block says: %s", adviceKeyAgain)
	case !ok:
		return nil, refuse(KindUnusableKey, "it is not RSA, and nothing else is documented to work: make an RSA pair")
	case private.N.BitLen() < minParsedBits || private.N.BitLen() > maxParsedBits:
		return nil, refuse(KindUnusableKey, "it has %d bits: make a pair of %d to %d bits", private.N.BitLen(), minKeyBits, maxKeyBits)
	case private.Validate() != nil:
		return nil, refuse(KindUnusableKey, "its numbers contradict each other, so it is damaged: %s", adviceKeyAgain)
	}
	return private, nil
}

// blockKind is what a PEM block is if it cannot be a private key that is read here.
func blockKind(block *pem.Block) Kind {
	switch t := block.Type; {
	case t == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") || block.Headers["DEK-Info"] != "":
		return KindEncryptedPrivateKey
	case t == "PRIVATE KEY" || t == "RSA PRIVATE KEY":
		return ""
	case t == "OPENSSH PRIVATE KEY":
		return KindSSHKey
	case strings.HasSuffix(t, "PRIVATE KEY"):
		return KindUnusableKey
	case strings.HasSuffix(t, "PUBLIC KEY"):
		return KindPublicKey
	}
	return KindNotKey
}

func blockAdvice(k Kind) string {
	switch k {
	case KindEncryptedPrivateKey:
		return "a private key without a passphrase is needed: take the passphrase off (openssl pkey -in FILE), " +
			"and keep the result as safe as the passphrase"
	case KindSSHKey:
		return "a private key in PKCS#8 or PKCS#1 is needed: this is one for SSH"
	case KindUnusableKey:
		return "it is not RSA, and nothing else is documented to work: make an RSA pair"
	case KindPublicKey:
		return "the private key is needed, which stays with who made the pair"
	}
	return "the PEM block is no private key: are certificate and private key exchanged?"
}

// signs reports whether what private signs is good by public: the proof of what the
// comparison of the numbers says.
func signs(private *rsa.PrivateKey, public *rsa.PublicKey) bool {
	sum := sha256.Sum256([]byte("key pair"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sig) == nil
}
