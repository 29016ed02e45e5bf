// Command msgraph does the work with the official client of Microsoft Graph and that of
// JumpCloud. It is a module of its own, because compiling it takes minutes.
package main

import (
	"context"
	"strings"
	"sync"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"

	jumpcloud "github.com/TheJumpCloud/jcapi-go/v1"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	ktext "github.com/microsoft/kiota-serialization-text-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

func main() {
	task.Main(map[string]task.Func{task.Join: join, task.JumpCloud: readJumpCloud, task.Graph: readGraph})
}

func join(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	type account struct{ id, upn string }
	ids := make(map[string]string, t.People)
	var accounts []account
	var errs [2]error
	var wg sync.WaitGroup
	wg.Go(func() {
		errs[0] = eachUser(ctx, t, func(id, email string) { ids[strings.ToLower(email)] = id })
	})
	wg.Go(func() {
		errs[1] = eachAccount(ctx, t, func(id, upn string) { accounts = append(accounts, account{id, upn}) })
	})
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return sum, err
		}
	}
	for _, a := range accounts {
		if id := ids[strings.ToLower(a.upn)]; id != "" {
			sum.Add(a.upn, id, a.id)
		}
	}
	return sum, nil
}

func readJumpCloud(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	err = eachUser(ctx, t, func(id, email string) { sum.Add(id, email) })
	return sum, err
}

func readGraph(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	err = eachAccount(ctx, t, func(id, upn string) { sum.Add(id, upn) })
	return sum, err
}

// eachUser reads JumpCloud's users page by page, as jcapi-go is used.
func eachUser(ctx context.Context, t *task.Task, yield func(id, email string)) error {
	const js = "application/json"
	c := jumpcloud.NewConfiguration()
	c.BasePath = t.JumpCloudURL + "/api"
	client := jumpcloud.NewAPIClient(c)
	ctx = context.WithValue(ctx, jumpcloud.ContextAPIKey, jumpcloud.APIKey{Key: "not-a-real-key"})
	for skip, total := int32(0), int32(1); skip < total; {
		page, _, err := client.SystemusersApi.SystemusersList(ctx, js, js, map[string]any{
			"limit": int32(100), "skip": skip, "sort": "_id", "fields": "_id email username state activated suspended",
		})
		if err != nil {
			return err
		}
		for _, u := range page.Results {
			yield(u.Id, u.Email)
		}
		total = page.TotalCount
		skip += int32(len(page.Results))
	}
	return nil
}

// eachAccount reads Azure AD's accounts with the client's own iterator of pages, and the
// middlewares that it has by default.
func eachAccount(ctx context.Context, t *task.Task, yield func(id, upn string)) error {
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kjson.NewJsonParseNodeFactory() })
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return ktext.NewTextParseNodeFactory() })
	options := core.GraphClientOptions{GraphServiceLibraryVersion: "1.89.0"}
	hc := khttp.GetDefaultClient(core.GetDefaultMiddlewaresWithOptions(&options)...)
	adapter, err := core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		&authentication.AnonymousAuthenticationProvider{}, options, nil, nil, hc)
	if err != nil {
		return err
	}
	adapter.SetBaseUrl(t.GraphURL + "/v1.0")
	headers := abstractions.NewRequestHeaders()
	headers.Add("ConsistencyLevel", "eventual")
	filter, top, count := "endsWith(userPrincipalName,'@"+crowd.Domain+"')", int32(999), true
	first, err := users.NewUsersRequestBuilderInternal(map[string]string{"baseurl": adapter.GetBaseUrl()}, adapter).Get(ctx,
		&users.UsersRequestBuilderGetRequestConfiguration{Headers: headers, QueryParameters: &users.UsersRequestBuilderGetQueryParameters{
			Filter: &filter, Top: &top, Count: &count,
			Select: []string{"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "accountEnabled"},
		}})
	if err != nil {
		return err
	}
	pages, err := core.NewPageIterator[models.Userable](first, adapter, models.CreateUserCollectionResponseFromDiscriminatorValue)
	if err != nil {
		return err
	}
	pages.SetHeaders(headers)
	return pages.Iterate(ctx, func(u models.Userable) bool {
		yield(*u.GetId(), *u.GetUserPrincipalName())
		return true
	})
}
