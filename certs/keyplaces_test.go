package certs_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Each mark of a private key, with one behind or before it and without.
func TestMarksOfKeys(t *testing.T) {
	c := pairB().Cert()
	number := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("some number, ", 5)))
	pairs := strings.TrimSuffix(strings.Repeat("0a:1B:", 20), ":")
	eight := "00:11:22:33:44:55:66:77\n"
	const key, encrypted, none = certs.KindPrivateKey, certs.KindEncryptedPrivateKey, certs.Kind("")
	type test struct {
		in   string
		want certs.Kind
	}
	tests := []test{
		{"prime1:\n    " + pairs, key},
		{"prime1: " + eight, key},
		{"prime1: 0x0a1b2c3d4e5f6071\n", key},
		{"prime1: 00:11:22:33:44:55:66\n", none},
		{"prime1: 00:11:22:33:44:55:6\n", none},
		{"prime1: see the vault", none},
		{"Prime1: " + number, key},
		{"Prime1: " + strings.Repeat("zyxw", 6), key},
		{"Prime1: " + strings.Repeat("zyxw", 6)[1:], none},
		{"prime2 is not looked at", none},
		{"coefficient:\n    " + pairs, key},
		{"coefficient: " + eight, key},
		{"coefficient: none", none},
		{"coefficient " + pairs, none},
		{"priv:\n    " + pairs, key},
		{"priv:" + eight, key},
		{"priv:\n> 00:11:22\n> 33:44:55\n> 66:77\n", key},
		{"# priv:\n#   00:11:22:\n#   33:44:55:\n#   66:77\n", key},
		{"privateExponent: " + eight, key},
		{"PRIVATE EXPONENT: " + eight, key},
		{"private exponent:" + number, key},
		{"privateExponent", none},
		{"private exponents are large", none},
		{"private key: " + eight, key},
		{"Private Key:" + eight, key},
		{"private key:", none},
		{"private key", none},
		{"private", none},
		{"PRIVATE", none},
		{"PuTTY-User-Key-File-2: ssh-rsa", key},
		{"PuTTY-User-Key-File-0:", key},
		{"PuTTY-User-Key-File-9:", key},
		{"PuTTY-User-Key-File-2", none},
		{"PuTTY-User-Key-File-2 is the format", none},
		{"PuTTY-User-Key-File-x: y", none},
		{"PuTTY-User-Key-File-/: y", none},
		{"AGE-SECRET-KEY-1" + strings.Repeat("QPZRY9X8", 7) + "GF", key},
		{"AGE-SECRET-KEY-1QPZRY9X8", none},
		{"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ", key},
		{"b3BlbnNzaC1rZXk", none},
		{"<RSAKeyValue><D>sZ+9</D></RSAKeyValue>", key},
		{"<RSAKeyValue><P>sZ+9</P></RSAKeyValue>", key},
		{"<RSAKeyValue><Q>\n\t sZ+9</Q></RSAKeyValue>", key},
		{"<RSAKeyValue><DP>sZ+9</DP></RSAKeyValue>", key},
		{"<RSAKeyValue><Modulus>A</Modulus><DQ>sZ+9</DQ></RSAKeyValue>", key},
		{"<x:RSAKeyValue><x:InverseQ>sZ+9</x:InverseQ></x:RSAKeyValue>", key},
		{"<a:RSAKeyValue xmlns:a='u'><a:D>sZ+9", key},
		{"<DSAKeyValue><X>sZ+9</X></DSAKeyValue>", key},
		{"<a:DSAKeyValue><a:X>sZ+9</a:X></a:DSAKeyValue>", key},
		{"<RSAKeyValue><X>sZ+9</X></RSAKeyValue>", none},
		{"<DSAKeyValue><P>sZ+9</P><Q>A</Q><G>A</G><Y>A</Y></DSAKeyValue>", none},
		{"<RSAKeyValue><Modulus>sZ+9</Modulus><Exponent>AQAB</Exponent></RSAKeyValue><D>sZ+9</D>", none},
		{"<RSAKeyValue><D></D></RSAKeyValue>", none},
		{"<RSAKeyValue><D>(secret)</D></RSAKeyValue>", none},
		{"<RSAKeyValue><D/>sZ+9</RSAKeyValue>", none},
		{"<XSAKeyValue><D>sZ+9</D></XSAKeyValue>", none},
		{"an RSAKeyValue and its <D>sZ+9</D>", none},
		{"SAKeyValue", none},
		{"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + number, encrypted},
		{"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n" + number, encrypted},
		{number + "\n-----END ENCRYPTED PRIVATE KEY-----", encrypted},
		{number + "\n-----END PRIVATE KEY-----", key},
		{number + "\nEND RSA PRIVATE KEY", key},
		{"-----END CERTIFICATE-----\n-----END PRIVATE KEY-----", none},
		{number + "\n-----END NOTE-----\n-----END PRIVATE KEY-----", none},
		{"-----BEGIN PRIVATE KEY----- and -----BEGIN NOTE-----\n" + number, none},
		{"-----BEGIN FOO PRIVATE KEY-----\n" + number, key},
		{"–BEGIN FOO PRIVATE KEY–\n" + number, key},
		{"- BEGIN FOO PRIVATE KEY\n" + number, key},
		{"&#45;BEGIN FOO PRIVATE KEY&#45;\n" + number, key},
		{"%2D%2DBEGIN%20FOO%20PRIVATE%20KEY%2D%2D%0A" + number, key},
		{"-----+BEGIN+FOO+PRIVATE+KEY-----%0A" + number, key},
		{"BEGIN%20RSA%20PRIVATE%20KEY%0A" + number, key},
		{"BEGIN&#32;RSA&#32;PRIVATE&#32;KEY&#10;" + number, key},
		{"begin rsa PRIVATE key\n" + number, key},
		{"BEGIN FOO PRIVATE KEY\n" + number, none},
		{"begin of what FOO calls its PRIVATE KEY; " + number, none},
		{"BEGIN\nRSA PRIVATE KEY\n" + number, none},
		{"RSA PRIVATE KEY\n" + number, none},
		{"-----BEGIN PRIVATE NOTE-----\n" + number, none},
		{"-----BEGIN PRIVATE            KEY-----\n" + number, key},
		{"-----BEGIN PRIVATE KE", none},
		{"-----BEGIN PRIVATE KEY-----", none},
		{"-----BEGIN PRIVATE KEY-----\nMIIB", key},
		{"-----BEGIN PRIVATE KEY-----\n> zzzz=\n", key},
		{"-----BEGIN PRIVATE KEY-----\n(zzzz)\n", none},
		{"-----BEGIN PRIVATE KEY-----\n\n", none},
		{"-----BEGIN PRIVATE KEY----- zzzz\nzzzz\n", none},
		{"-----BEGIN PRIVATE KEY-----\nzzzz zzzz\n", none},
		{"3077020101", none},
		{hex.EncodeToString(c.DER()), none},
	}
	for _, label := range []string{
		"", "RSA ", "EC ", "DSA ", "DH ", "ANY ", "ENCRYPTED ", "OPENSSH ", "SSH2 ", "SSH2 ENCRYPTED ", "PGP ", "ED25519 ", "ED448 ", "X25519 ", "X448 ", "TSS2 ", "SM2 ",
	} {
		want := key
		if strings.Contains(label, "ENC") {
			want = encrypted
		}
		tests = append(tests, test{"BEGIN " + label + "PRIVATE KEY\n" + number, want})
	}
	for _, test := range tests {
		for where, in := range map[string]string{"before": test.in + "\n" + string(c.PEM()), "behind": string(c.PEM()) + test.in} {
			got, err := certs.Parse([]byte(in))
			switch k := found(err); {
			case test.want == none && (k == key || k == encrypted):
				t.Errorf("%s the certificate, %q: %v; there is no key", where, test.in, err)
			case test.want != none && k != test.want:
				t.Errorf("%s the certificate, %q: %v, %v; want %q", where, test.in, got, err, test.want)
			}
		}
	}
}

// In metadata, too, a key shows behind an escaped line end, in hexadecimal
// digits and in what belongs to another entity; a certificate in any of them does not.
func TestKeysInMetadata(t *testing.T) {
	a, c := pairA(), pairB().Cert()
	block, _ := pem.Decode(a.PrivateKeyPEM())
	bare := base64.StdEncoding.EncodeToString(block.Bytes)
	digits := hex.EncodeToString(block.Bytes)
	sec1, _ := hex.DecodeString("30770201010420" + strings.Repeat("fb", 32) + "a00a06082a8648ce3d030107")
	url64 := base64.RawURLEncoding.EncodeToString(sec1)
	good := entity(`entityID="good"`, idpRole("", keyDescriptor("", c)))
	public := a.Cert()
	for _, test := range []struct {
		name, in string
		key      bool
	}{
		{"behind an escaped line end", `key:\n` + bare, true},
		{"behind an encoded line end", "key:%0A" + bare, true},
		{"behind a letter", "key" + bare, false},
		{"folded", "key: " + fold(bare, 76, "\n"), true},
		{"folded short", "key: " + fold(bare, 4, "\n"), true},
		{"PEM in base64", b64(string(a.PrivateKeyPEM())), true},
		{"PEM of a certificate in base64", b64(string(public.PEM())), false},
		{"hexadecimal digits", digits, true},
		{"hexadecimal digits in capitals", strings.ToUpper(digits), true},
		{"hexadecimal digits with colons", fold(digits, 2, ":"), true},
		{"hexadecimal digits in lines", "key: " + fold(digits, 32, "\n  "), true},
		{"hexadecimal digits of a certificate", hex.EncodeToString(public.DER()), false},
		{"hexadecimal digits of something else", "3" + strings.Repeat("1", 100), false},
		{"hexadecimal digits, few", digits[:20], false},
		{"SEC 1", base64.StdEncoding.EncodeToString(sec1), true},
		{"SEC 1, the other alphabet", url64, true},
		{"SEC 1, hexadecimal digits", hex.EncodeToString(sec1), true},
		{"a certificate", public.Base64(), false},
		{"few characters", bare[:12], false},
	} {
		for where, doc := range map[string]string{
			"a comment":               strings.Replace(good, "<md:IDPSSO", "<!-- "+test.in+" --><md:IDPSSO", 1),
			"an instruction":          strings.Replace(good, "<md:IDPSSO", "<?x "+test.in+" ?><md:IDPSSO", 1),
			"a text":                  strings.Replace(good, "</md:IDPSSODescriptor>", "<md:Extensions>the long text of a key: "+test.in+"</md:Extensions></md:IDPSSODescriptor>", 1),
			"an attribute":            strings.Replace(good, "<md:IDPSSO", `<md:Extensions x="the long text of a key: `+test.in+`"/><md:IDPSSO`, 1),
			"a text of another":       `<md:EntitiesDescriptor ` + mdNS + `>` + good + entity(`entityID="x"`, `<md:Extensions>the long text of a key: `+test.in+`</md:Extensions>`) + `</md:EntitiesDescriptor>`,
			"a certificate's element": good,
		} {
			if where == "a certificate's element" {
				if !strings.HasPrefix(test.in, "MI") || len(test.in) < 200 {
					continue
				}
				doc = `<md:EntitiesDescriptor ` + mdNS + `>` + good +
					entity(`entityID="x"`, idpRole("", strings.Replace(keyDescriptor("", c), c.Base64(), "\n  "+test.in, 1))) + `</md:EntitiesDescriptor>`
			}
			md, err := certs.ParseMetadataFor([]byte(doc), "good")
			if k := found(err); test.key != (k == certs.KindPrivateKey) || !test.key && (err != nil || md.SigningCerts[0] != c) {
				t.Errorf("%s in %s: %v, %v", test.name, where, md, err)
			}
			md, err = certs.ReadMetadataFor(strings.NewReader(doc), "good")
			if k := found(err); test.key != (k == certs.KindPrivateKey) || !test.key && (err != nil || md.SigningCerts[0] != c) {
				t.Errorf("%s in %s, ReadMetadataFor: %v, %v", test.name, where, md, err)
			}
		}
	}
	for name, in := range map[string]string{
		"PEM in an X509Certificate":                  string(a.PrivateKeyPEM()),
		"PEM with short dashes":                      strings.ReplaceAll(string(a.PrivateKeyPEM()), "-----", "-"),
		"an RSAKeyValue's D":                         "</ds:X509Certificate></ds:X509Data><ds:KeyValue><ds:RSAKeyValue><ds:D>A</ds:D></ds:RSAKeyValue></ds:KeyValue><ds:X509Data><ds:X509Certificate>",
		"an RSAKeyValue's DP":                        "</ds:X509Certificate></ds:X509Data><ds:KeyValue><ds:RSAKeyValue><ds:DP>A</ds:DP></ds:RSAKeyValue></ds:KeyValue><ds:X509Data><ds:X509Certificate>",
		"an RSAKeyValue's DQ":                        "</ds:X509Certificate></ds:X509Data><ds:KeyValue><ds:RSAKeyValue><ds:DQ>A</ds:DQ></ds:RSAKeyValue></ds:KeyValue><ds:X509Data><ds:X509Certificate>",
		"an RSAKeyValue's InverseQ":                  "</ds:X509Certificate></ds:X509Data><ds:KeyValue><ds:RSAKeyValue><ds:InverseQ>A</ds:InverseQ></ds:RSAKeyValue></ds:KeyValue><ds:X509Data><ds:X509Certificate>",
		"PEM in a KeyName behind an X509Certificate": c.Base64() + "</ds:X509Certificate></ds:X509Data><ds:KeyName>" + bare + "</ds:KeyName><ds:X509Data><ds:X509Certificate>",
	} {
		bad := entity(`entityID="bad"`, idpRole("", strings.Replace(keyDescriptor("", c), c.Base64(), in, 1)))
		doc := `<md:EntitiesDescriptor ` + mdNS + `>` + good + bad + `</md:EntitiesDescriptor>`
		if md, err := certs.ParseMetadataFor([]byte(doc), "good"); found(err) != certs.KindPrivateKey {
			t.Errorf("%s of another entity: %v, %v", name, md, err)
		}
	}
}
