package judges_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

// signed is an element whose signature is asked about.
type signed struct {
	what string
	path string // of the element, in XPath
	id   string // the attribute that is an ID, and of which element
}

var (
	response  = signed{"response", step("Response"), "ID urn:oasis:names:tc:SAML:2.0:protocol:Response"}
	assertion = signed{"assertion", step("Response") + step("Assertion"), "ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion"}
	token     = signed{"assertion", step("RequestSecurityTokenResponse") + step("RequestedSecurityToken") + step("Assertion"),
		"AssertionID urn:oasis:names:tc:SAML:1.0:assertion:Assertion"}
	authnRequest = signed{"request", step("AuthnRequest"), "ID urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"}
)

// step is one of a path in XPath: to the first element with a name.
func step(name string) string { return fmt.Sprintf("/*[local-name()='%s'][1]", name) }

// xmlsec is how xmlsec1 is called: newer ones want to be told that a key need not have
// the name that KeyInfo gives.
var xmlsec = sync.OnceValues(func() ([]string, error) {
	program, err := exec.LookPath("xmlsec1")
	if err != nil {
		return nil, err
	}
	args := []string{program, "--verify"}
	if help, _ := exec.Command(program, "--help-verify").CombinedOutput(); bytes.Contains(help, []byte("--lax-key-search")) {
		args = append(args, "--lax-key-search")
	}
	return args, nil
})

// blind keeps xmlsec1 from reading certificates in KeyInfo.
var blind = []string{"--enabled-key-data", "key-name"}

// verifies reports whether xmlsec1 verifies the first signature that is a child of the
// element, with the key of any of the certificates.
func verifies(tb testing.TB, message []byte, el signed, options []string, trusted ...certs.Cert) bool {
	tb.Helper()
	command, err := xmlsec()
	if err != nil {
		missing(tb, "xmlsec1 is not installed")
	}
	dir, err := os.MkdirTemp("", "xmlsec")
	if err != nil {
		tb.Fatal(err)
	}
	defer os.RemoveAll(dir)
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	file := write("message.xml", message)
	args := append(command[1:len(command):len(command)], "--ignore-manifests", "--node-xpath", el.path+step("Signature"))
	args = append(args, options...)
	for _, of := range []signed{response, assertion, token, authnRequest} {
		attr, node, _ := strings.Cut(of.id, " ")
		args = append(args, "--id-attr:"+attr, node)
	}
	for i, c := range trusted {
		key := write(fmt.Sprint(i, ".pem"), c.PEM())
		if exec.Command(command[0], append(args[:len(args):len(args)], "--pubkey-cert-pem", key, file)...).Run() == nil {
			return true
		}
	}
	return false
}

// opinion is what the judge says of a signature.
type opinion struct {
	good  bool
	words []string
}

// opinions are those of the judge on the assertion's signature and on the response's.
func opinions(checks []signin.Check) (assertion, response opinion) {
	for _, c := range checks {
		if c.Topic != signin.TopicSignature {
			continue
		}
		of := &assertion
		if strings.HasPrefix(c.Found, "the response") {
			of = &response
		}
		if strings.HasPrefix(c.Found, "the assertion is signed by ") || strings.HasPrefix(c.Found, "the response is signed, too, by ") {
			of.good = true
		}
		of.words = append(of.words, c.Found)
	}
	return assertion, response
}

// agree holds the judge's opinion on the signatures of a message against xmlsec1's.
func agree(t *testing.T, message []byte, v *signin.Verdict, trusted ...certs.Cert) {
	t.Helper()
	compare(t, t.Name(), message, v.Checks, trusted...)
}

// compare says where the two differ, but for differences that have a name. It reports on
// how many signatures they agreed.
func compare(t *testing.T, name string, message []byte, checks []signin.Check, trusted ...certs.Cert) (agreed int) {
	t.Helper()
	ofAssertion, ofResponse := opinions(checks)
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(message); err != nil || doc.Root() == nil {
		if ofAssertion.good || ofResponse.good {
			t.Errorf("%s: the judge finds a good signature in what is no XML: %v", name, err)
		}
		return 0
	}
	for _, part := range []struct {
		signed
		opinion
	}{{response, ofResponse}, {assertion, ofAssertion}, {token, ofAssertion}} {
		if doc.FindElement(strings.NewReplacer("*[local-name()='", "", "'][1]", "").Replace(part.path)+"/Signature") == nil {
			continue
		}
		switch ok := verifies(t, message, part.signed, nil, trusted...); {
		case ok == part.good:
			agreed++
		case part.good && strings.Contains(name, unreadable) && verifies(t, message, part.signed, blind, trusted...):
			differs(name, unreadable)
		case part.good:
			t.Errorf("%s: xmlsec1 refuses the signature of the %s, and the judge does not", name, part.what)
		case !differs(name, strings.Join(part.words, "; ")):
			t.Errorf("%s: xmlsec1 verifies the signature of the %s, and the judge says: %q", name, part.what, part.words)
		}
	}
	return agreed
}
