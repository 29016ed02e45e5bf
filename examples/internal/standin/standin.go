// Package standin serves a JumpCloud organisation and an Azure AD tenant, both
// in memory, over HTTP on loopback.
package standin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// APIKey is the only key that the stand-in of JumpCloud accepts.
const APIKey = "stand-in-key"

// Services are the two stand-ins while they listen. Their pages lead to each other on
// this machine, so that a browser, or a plain [http.Client], can walk a sign-in.
type Services struct {
	*federationtest.Env

	// JumpCloudURL and AzureADURL are where they listen. The second one serves
	// Microsoft Graph and the login endpoints, the pages among them.
	JumpCloudURL, AzureADURL string

	// GraphToken is an access token for the stand-in of Azure AD, with all
	// permissions that the library needs.
	GraphToken string

	servers []*http.Server
}

// Options tune [Serve]. The zero value of every field is its default.
type Options struct {
	// JumpCloudAddr and AzureADAddr are where to listen.
	// The default is a free port of 127.0.0.1.
	JumpCloudAddr, AzureADAddr string

	// Wrap, if not nil, wraps each service's handler, for logs.
	Wrap func(service string, h http.Handler) http.Handler
}

// Serve lets the two services of env listen until Close.
func Serve(env *federationtest.Env, opts Options) (*Services, error) {
	env.JumpCloud.APIKey = APIKey
	token, err := env.AzureAD.Credential().GetToken(context.Background(), policy.TokenRequestOptions{})
	if err != nil {
		return nil, err
	}
	s := &Services{Env: env, GraphToken: token.Token}
	if s.JumpCloudURL, err = s.listen("JumpCloud", opts.JumpCloudAddr, env.JumpCloud, opts.Wrap); err != nil {
		return nil, err
	}
	if s.AzureADURL, err = s.listen("Azure AD", opts.AzureADAddr, env.AzureAD, opts.Wrap); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Services) listen(name, addr string, h http.Handler, wrap func(string, http.Handler) http.Handler) (url string, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	h = s.link(h)
	if wrap != nil {
		h = wrap(name, h)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, srv)
	go srv.Serve(l) // ends with Close
	return "http://" + l.Addr().String(), nil
}

// Close ends both listeners and all connections.
func (s *Services) Close() error {
	var errs []error
	for _, srv := range s.servers {
		errs = append(errs, srv.Close())
	}
	return errors.Join(errs...)
}
