package certs

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"time"
)

// Lifetime is when a certificate begins and ends to be valid. JumpCloud's own
// certificates live for five calendar years:
//
//	certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(5, 0, 0)}
//
// Seconds are the finest grain of a certificate; fractions are cut off.
type Lifetime struct {
	NotBefore, NotAfter time.Time
}

// KeyPair is a private key with its self-signed certificate. No way of printing
// it shows the key; only [KeyPair.PrivateKeyPEM] gives it away.
type KeyPair struct {
	cert Cert
	key  func() *rsa.PrivateKey // a function, for printers that follow pointers
}

// The lengths of new keys. JumpCloud makes 4096 itself and accepts 2048 (its
// guide to uploading a certificate uses that); both are proved to work with
// Azure AD. The shorter one is made in a fraction of a second.
const (
	minKeyBits = 2048
	maxKeyBits = 4096
)

// NewKeyPair makes an RSA key and a self-signed certificate for it, of the kind
// that JumpCloud makes: version 3, SHA-256, a random serial number, no
// extensions. The key has so many bits, 2048 to 4096; 0 means 2048, and a key of
// 4096 can take seconds. The certificate passes [Cert.Check] during lifetime,
// which may be up to ten years. The subject should tell the pair from others of
// the same organisation; JumpCloud's does not:
//
//	C=US, ST=CO, L=Boulder, O=<organisation>, OU=JumpCloudSAMLIdP, CN=JumpCloudSAMLUser
//
// It reads the system's random source and no clock.
func NewKeyPair(subject pkix.Name, lifetime Lifetime, bits int) (*KeyPair, error) {
	bits = cmp.Or(bits, minKeyBits)
	from, to := lifetime.NotBefore.UTC().Truncate(time.Second), lifetime.NotAfter.UTC().Truncate(time.Second)
	switch {
	case len(subject.ToRDNSequence()) == 0:
		return nil, errors.New("certs: a key pair needs a subject: set at least the common name")
	case from.IsZero() || !to.After(from):
		return nil, errors.New("certs: the lifetime of a key pair must end after it begins: set both times")
	case to.After(from.AddDate(10, 0, 0)):
		return nil, errors.New("certs: the lifetime of a key pair must not exceed 10 years: a stolen key would be good as long")
	case bits < minKeyBits || bits > maxKeyBits:
		return nil, fmt.Errorf("certs: a key pair has %d to %d bits, not %d", minKeyBits, maxKeyBits, bits)
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("certs: no RSA key could be made: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159)) // RFC 5280, 4.1.2.2: at most 20 octets
	if err != nil {
		return nil, fmt.Errorf("certs: no serial number could be made: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      subject,
		NotBefore:    from,
		NotAfter:     to,
	}, &x509.Certificate{Subject: subject}, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("certs: no certificate could be made: %w", err)
	}
	cert, perr := newCert(der)
	if perr != nil {
		return nil, perr
	}
	return &KeyPair{cert: cert, key: func() *rsa.PrivateKey { return key }}, nil
}

// Bits returns the length of the key, or 0 for the zero value.
func (k KeyPair) Bits() int {
	if k.key == nil {
		return 0
	}
	return k.key().N.BitLen()
}

// Cert returns the certificate.
func (k KeyPair) Cert() Cert { return k.cert }

// PrivateKeyPEM returns the private key as an unencrypted PKCS#8 PEM block, the
// form that JumpCloud's idpPrivateKey takes (there in base64 once more). It is
// nil for the zero value. Whoever has it can sign in as anybody: write it
// nowhere, and overwrite it when it was sent.
func (k KeyPair) PrivateKeyPEM() []byte {
	if k.key == nil {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.key())
	if err != nil {
		return nil // cannot be: RSA keys have a PKCS#8 form
	}
	defer clear(der)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// String describes the certificate; the key is left out.
func (k KeyPair) String() string { return "key pair of " + k.cert.String() + ", private key redacted" }

// GoString is [KeyPair.String].
func (k KeyPair) GoString() string { return k.String() }

// Format implements [fmt.Formatter]: every verb prints [KeyPair.String].
func (k KeyPair) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer]; the key is left out.
func (k KeyPair) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("cert", k.cert.LogValue()), slog.String("privateKey", "redacted"))
}

// MarshalJSON writes the certificate; the key is left out.
func (k KeyPair) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Cert       Cert   `json:"cert"`
		PrivateKey string `json:"privateKey"`
	}{k.cert, "redacted"})
}
