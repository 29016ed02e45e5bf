package judges_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

// unreadable is the one message whose signature the judge calls good and xmlsec1 does
// not, unless it is kept from reading KeyInfo: the certificate there is none.
// By its rules the judge is silent about KeyInfo, and tries the domain's keys.
const unreadable = "KeyInfo/X509Data/X509Certificate_MIIB"

// differences are what the judge refuses, or leaves open, and xmlsec1 verifies: the
// judge's words, and why that is so. The other way round there is but one.
var differences = []struct{ words, why string }{
	{"without a realm there is no key", "no key is tried if the issuer is not the domain's; xmlsec1 was given the key"},
	{"and not to the Assertion that holds it", "xmlsec1 verifies that something was signed, and not that it is what holds the signature"},
	{"and not to the Response that holds it", "the same for the response: the assertion's signature was moved there"},
	{"a comment or an instruction within the Signature", "readers differ in where such a value ends"},
	{"its Signature holds more than SignedInfo, SignatureValue", "an Object may carry what a reader takes for signed"},
	{unreadable, "xmlsec1 reads the certificate in KeyInfo, which is none; kept from it, it verifies the signature"},
}

var (
	differMu sync.Mutex
	differed = make(map[string][]string) // by the words of a difference, the names
)

// differs reports whether a difference has a name.
func differs(name, words string) bool {
	for _, d := range differences {
		if strings.Contains(words, d.words) {
			differMu.Lock()
			defer differMu.Unlock()
			differed[d.words] = append(differed[d.words], name)
			return true
		}
	}
	return false
}

// TestMutations asks xmlsec1 about the signatures of every message that the tests of
// package signin judge: mutations, wrapping, tampering, and many tenants.
func TestMutations(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("go", "test", "./aad/signin", "-count=1", "-short",
		"-run=^Test(Mutations|Tenant|Wrapping|Tampering|WSFed|Unproved|Forms)$", "-messages="+dir)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var wg sync.WaitGroup
	work := make(chan string)
	agreed := make([]int, 2)
	for i := range agreed {
		wg.Go(func() {
			for file := range work {
				agreed[i] += one(t, file)
			}
		})
	}
	for _, file := range files {
		work <- file
	}
	close(work)
	wg.Wait()
	n := agreed[0] + agreed[1]
	t.Logf("%d messages; on %d signatures both say the same", len(files), n)
	if len(files) < 500 || n < 400 {
		t.Errorf("%d messages with %d signatures; want 500 with 400", len(files), n)
	}
	for _, d := range differences {
		names := differed[d.words]
		if len(names) == 0 {
			t.Errorf("nothing differs any more: %s", d.words)
		}
		t.Logf("%s: %s\n\t%s", d.words, d.why, strings.Join(names, "\n\t"))
	}
}

// one compares the opinions on the message of a file.
func one(t *testing.T, file string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return 0
	}
	var m struct {
		Name    string
		Message []byte
		Certs   []certs.Cert
		Checks  []signin.Check
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Error(err)
		return 0
	}
	return compare(t, m.Name, m.Message, m.Checks, m.Certs...)
}
