package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// The names of the two services.
const (
	microsoft = "login.microsoftonline.com"
	sso       = "sso.jumpcloud.com"
	console   = "console.jumpcloud.com"
)

// loopback is all that the browser can reach: two services, by their true names, which
// are those of one environment after the other.
type loopback struct {
	pin     string // of the certificate that the browser is to take
	servers []*http.Server
	ports   [2]int // of Azure AD and of JumpCloud

	mu  sync.Mutex
	env *federationtest.Env
}

func newLoopback() (*loopback, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	names := []string{microsoft, sso, console}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	n := &loopback{pin: base64.StdEncoding.EncodeToString(sum[:])}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	for i := range n.ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			n.close()
			return nil, err
		}
		n.ports[i] = l.Addr().(*net.TCPAddr).Port
		h := func(w http.ResponseWriter, r *http.Request) { n.service(i).ServeHTTP(w, r) }
		s := &http.Server{Handler: http.HandlerFunc(h), ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0),
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
		n.servers = append(n.servers, s)
		go s.ServeTLS(l, "", "") // ends with close
	}
	return n, nil
}

// rules are how the browser resolves names: those of the services, and no other one.
func (n *loopback) rules() string {
	var rules []string
	for i, names := range [][]string{{microsoft}, {sso, console}} {
		for _, name := range names {
			rules = append(rules, fmt.Sprintf("MAP %s:443 127.0.0.1:%d", name, n.ports[i]))
		}
	}
	return strings.Join(append(rules, "MAP * ~NOTFOUND"), ",")
}

func (n *loopback) service(i int) http.Handler {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.env == nil:
		return http.NotFoundHandler()
	case i == 0:
		return n.env.AzureAD
	}
	return n.env.JumpCloud
}

// connect connects the services of an environment.
func (n *loopback) connect(env *federationtest.Env) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.env = env
}

func (n *loopback) close() {
	for _, s := range n.servers {
		s.Close()
	}
}
