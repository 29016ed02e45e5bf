package federation

import (
	"context"
	"errors"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// A storedKey is what is known of [Options.Keys].
type storedKey struct {
	asked bool
	of    string // what stood in the second slot then
	at    time.Time
	cert  certs.Cert // of the pair; zero if there is none
	err   error      // why the store could not be read
}

// observeKey asks the store for the domain's pair, if Azure AD has a second certificate
// that was not asked about.
func (f *Federator) observeKey(ctx context.Context, domain string, st *observation) error {
	if f.opts.Keys == nil || st.fed == nil {
		return nil
	}
	next := rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate)
	s := &st.stored
	if next == "" || s.asked && (s.of == next || st.fed.NextSigningCertificate == s.cert) {
		return nil
	}
	*s = storedKey{asked: true, of: next, at: f.now()}
	k, err := f.loadKey(ctx, domain)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.err = err; err == nil && k != nil {
		s.cert = k.Cert()
	}
	return nil
}

// loadKey asks the store for a domain's pair, nil if it has none. Calls for one domain
// wait for each other.
func (f *Federator) loadKey(ctx context.Context, domain string) (*certs.KeyPair, error) {
	unlock, err := f.lockKey(ctx, domain)
	if err != nil {
		return nil, err
	}
	defer unlock()
	k, err := f.opts.Keys.Load(ctx, domain)
	switch {
	case errors.Is(err, ErrNoKey):
		return nil, nil
	case err != nil:
		return nil, err
	case k == nil || k.Cert().IsZero():
		return nil, errors.New("it returned neither a pair nor ErrNoKey")
	}
	return k, nil
}

// saveKey has the store keep a domain's pair.
func (f *Federator) saveKey(ctx context.Context, domain string, k *certs.KeyPair) error {
	unlock, err := f.lockKey(ctx, domain)
	if err != nil {
		return err
	}
	defer unlock()
	return f.opts.Keys.Save(ctx, domain, k)
}

// lockKey takes the store's place of a domain: reading verbs do not wait for a run, and
// must not ask for the pair while it is saved.
func (f *Federator) lockKey(ctx context.Context, domain string) (unlock func(), err error) {
	return f.lock(ctx, "key of "+domain)
}
