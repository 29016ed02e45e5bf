package reshape_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jcaad/jcaad/internal/reshape"
)

// TestServe: an answer is changed as a whole, its length and type with it, and only if it
// is of the kind that edit is for.
func TestServe(t *testing.T) {
	leaveOut := func(a *reshape.Answer) { a.JSON(func(o map[string]any) { delete(o, "gone") }) }
	for name, tt := range map[string]struct {
		status       int
		body         string
		edit         func(*reshape.Answer)
		want         string
		wantStatus   int
		lengthIsTold bool
	}{
		"a member":       {200, `{"n":12345678901234567890,"gone":{"a":1}}`, leaveOut, `{"n":12345678901234567890}`, 200, true},
		"not an object":  {200, `[{"gone":1}]`, leaveOut, `[{"gone":1}]`, 200, true},
		"no JSON":        {200, `gone`, leaveOut, `gone`, 200, true},
		"a refusal":      {200, `{}`, func(a *reshape.Answer) { a.Refuse(403, `{"message":"no"}`) }, `{"message":"no"}`, 403, true},
		"without a body": {204, ``, func(a *reshape.Answer) { a.Header.Set("X-Seen", "1") }, ``, 204, false},
		"a redirect":     {302, ``, func(a *reshape.Answer) { a.Status = 200 }, ``, 302, false},
	} {
		t.Run(name, func(t *testing.T) {
			next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Kept", "yes")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			w := httptest.NewRecorder()
			reshape.Serve(w, httptest.NewRequest(http.MethodGet, "/", nil), next, tt.edit)
			if got := w.Body.String(); got != tt.want || w.Code != tt.wantStatus {
				t.Errorf("%d %s; want %d %s", w.Code, got, tt.wantStatus, tt.want)
			}
			if told := w.Header().Get("Content-Length") != ""; told != tt.lengthIsTold || w.Header().Get("X-Kept") != "yes" {
				t.Errorf("header %v", w.Header())
			}
		})
	}
}
