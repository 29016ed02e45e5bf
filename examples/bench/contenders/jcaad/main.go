// Command jcaad does the work with this library.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

func main() {
	task.Main(map[string]task.Func{
		task.Join: join, task.JumpCloud: readJumpCloud, task.Graph: readGraph,
		task.Preflight: preflight, task.Federate: federate, task.Metadata: metadata,
	})
}

// token is a credential that has its token already.
type token string

// GetToken implements [azcore.TokenCredential].
func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func clients(t *task.Task) (*jumpcloud.Client, *aad.Client, error) {
	jc, err := jumpcloud.New("not-a-real-key", &jumpcloud.Options{BaseURL: t.JumpCloudURL, MaxPages: 20000})
	if err != nil {
		return nil, nil, err
	}
	ad, err := aad.New(token(t.Token), &aad.Options{GraphURL: t.GraphURL, LoginURL: t.GraphURL})
	return jc, ad, err
}

func eachUser(ctx context.Context, jc *jumpcloud.Client, total func(int), yield func(*jumpcloud.User)) error {
	for u, err := range jc.Users(ctx, &jumpcloud.UsersOptions{
		Fields: []string{"email", "username", "state", "activated", "suspended"}, OnTotal: total,
	}) {
		if err != nil {
			return err
		}
		yield(u)
	}
	return nil
}

func eachAccount(ctx context.Context, ad *aad.Client, total func(int), yield func(*aad.User)) error {
	for u, err := range ad.Users(ctx, &aad.UsersOptions{
		Domain: crowd.Domain, Parallel: true, Reuse: true, OnTotal: total,
		Select: []string{"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "accountEnabled"},
	}) {
		if err != nil {
			return err
		}
		yield(u)
	}
	return nil
}

func join(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	jc, ad, err := clients(t)
	if err != nil {
		return sum, err
	}
	type account struct{ id, upn string }
	var ids map[string]string
	var accounts []account
	var wg sync.WaitGroup
	var failed [2]error
	wg.Go(func() {
		failed[0] = eachUser(ctx, jc, func(n int) { ids = make(map[string]string, n) },
			func(u *jumpcloud.User) { ids[strings.ToLower(u.Email)] = u.ID })
	})
	wg.Go(func() {
		failed[1] = eachAccount(ctx, ad, func(n int) { accounts = make([]account, 0, n) },
			func(u *aad.User) { accounts = append(accounts, account{u.ID, u.UserPrincipalName}) })
	})
	wg.Wait()
	for _, a := range accounts {
		if id, ok := ids[strings.ToLower(a.upn)]; ok {
			sum.Add(a.upn, id, a.id)
		}
	}
	return sum, errors.Join(failed[:]...)
}

func readJumpCloud(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	jc, _, err := clients(t)
	if err != nil {
		return sum, err
	}
	err = eachUser(ctx, jc, nil, func(u *jumpcloud.User) { sum.Add(u.ID, u.Email) })
	return sum, err
}

func readGraph(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	_, ad, err := clients(t)
	if err != nil {
		return sum, err
	}
	err = eachAccount(ctx, ad, nil, func(u *aad.User) { sum.Add(u.ID, u.UserPrincipalName) })
	return sum, err
}

func plan() federation.Plan {
	return federation.Plan{
		Domain: crowd.Domain, Groups: []federation.Group{{Name: "Everyone"}}, MFA: aad.AcceptIfMFADoneByFederatedIdP,
		TechnicalAccount: federation.TechnicalAccount{UserPrincipalName: "breakglass1@contoso.onmicrosoft.com"},
	}
}

func preflight(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	jc, ad, err := clients(t)
	if err != nil {
		return sum, err
	}
	p, err := federation.New(jc, ad, nil).Preflight(ctx, plan())
	if err != nil {
		return sum, err
	}
	if p.People == nil {
		return sum, fmt.Errorf("the people were not read: %v", p.Gates)
	}
	return crowd.Sum{Count: p.People.Counts.LockedOut}, nil
}

// federate federates a domain, or finds that it is federated. Count is 1 if it then is.
func federate(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	jc, ad, err := clients(t)
	if err != nil {
		return sum, err
	}
	p := plan()
	if t.NewGroup {
		p.Groups = []federation.Group{{Name: "Microsoft 365", Members: []string{"ada.abbott@" + crowd.Domain}}}
	}
	report, err := federation.New(jc, ad, nil).Federate(ctx, p)
	if err == nil && report.After == federation.StateFederated {
		sum.Count++
	}
	return sum, err
}
