package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/notify"
)

// A receiver reads the body whole, verifies it, and drops what it has already.
func ExampleVerify() {
	key, err := notify.ParseKey("an-example-of-32-bytes-or-more-of-text")
	if err != nil {
		fmt.Println(err)
		return
	}
	seen := make(map[string]bool) // in a database, for a day
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, notify.MaxBody+1))
		if err != nil {
			http.Error(w, "the body did not arrive", http.StatusServiceUnavailable) // it comes again
			return
		}
		if err := notify.Verify(r.Header, body, key, time.Now()); err != nil {
			http.Error(w, "not verified", http.StatusForbidden) // it does not
			return
		}
		var n flow.Notice
		if err := json.Unmarshal(body, &n); err == nil && !seen[n.ID] {
			seen[n.ID] = true
			fmt.Println(n.Kind, n.Domain)
		}
	}))
	defer receiver.Close()

	sender, err := notify.New(notify.Options{URL: receiver.URL, Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := flow.Notice{ID: "effective/contoso.example/1", Kind: flow.NoticeEffective, Domain: "contoso.example"}
	for range 2 { // the second is told by its id
		if err := sender.Send(context.Background(), n); err != nil {
			fmt.Println(err)
		}
	}
	// Output: effective contoso.example
}
