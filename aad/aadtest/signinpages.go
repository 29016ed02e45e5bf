package aadtest

import (
	"bytes"
	"html/template"
	"net/http"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// view is what a page shows.
type view struct {
	Title   string
	Attempt *attempt
	User    *aad.User
	Trouble string // what was wrong with what was typed

	Brand, Action string // of the identity provider
	Fields        []field

	Message, RequestID, Timestamp string // of an error
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// Read by the templates.

func (a *attempt) ID() string          { return a.id }
func (a *attempt) Login() string       { return a.login }
func (a *attempt) Correlation() string { return a.correlation }
func (a *attempt) App() string         { return a.app }
func (a *attempt) AppID() string       { return a.appID }

// The pages need no script, fit narrow screens, and have no link to elsewhere.
var pages = template.Must(template.New("").Parse(`
{{define "top"}}<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
body { margin: 0; background: #f2f2f2; color: #1b1b1b; font: 1rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 28rem; margin: 2rem auto; padding: 2rem; background: #fff; overflow-wrap: anywhere; }
@media (max-width: 30rem) { main { margin: 0; padding: 1rem; min-height: 100vh; } }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.2; }
label { display: block; margin-bottom: .25rem; }
input { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: .5rem; border: 1px solid #595959; font: inherit; }
button { min-height: 2.75rem; margin-top: 1rem; padding: .5rem 1.5rem; border: 0; background: #005a9e; color: #fff; font: inherit; }
input:focus, button:focus, a:focus { outline: 3px solid #b35900; outline-offset: 2px; }
a { color: #00518f; }
dt { font-weight: bold; }
dd { margin: 0 0 .5rem; }
.trouble { color: #a80000; }
</style>
</head>
<body>
<main>
{{end}}
{{define "end"}}</main>
</body>
</html>
{{end}}
{{define "trouble"}}{{with .Trouble}}<p class="trouble" id="trouble" role="alert">{{.}}</p>
{{end}}{{end}}
{{define "described"}}{{if .Trouble}} aria-invalid="true" aria-describedby="trouble"{{end}}{{end}}

{{define "name"}}{{template "top" .}}<h1>Sign in</h1>
<form method="post" action="/common/login">
{{template "trouble" .}}<input type="hidden" name="ctx" value="{{.Attempt.ID}}">
<label for="loginfmt">User name</label>
<input id="loginfmt" name="loginfmt" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" required
 value="{{.Attempt.Login}}"{{template "described" .}}>
<button type="submit">Next</button>
</form>
{{template "end"}}{{end}}

{{define "password"}}{{template "top" .}}<h1>Enter password</h1>
<p>{{.Attempt.Login}}</p>
<form method="post" action="/common/login">
{{template "trouble" .}}<input type="hidden" name="ctx" value="{{.Attempt.ID}}">
<input name="loginfmt" type="email" autocomplete="username" readonly hidden value="{{.Attempt.Login}}">
<label for="passwd">Password</label>
<input id="passwd" name="passwd" type="password" autocomplete="current-password" required{{template "described" .}}>
<button type="submit">Sign in</button>
</form>
{{template "end"}}{{end}}

{{define "mfa"}}{{template "top" .}}<h1>Verify your identity</h1>
<p>{{.User.UserPrincipalName}}</p>
<form method="post" action="/common/SAS/ProcessAuth">
{{template "trouble" .}}<input type="hidden" name="ctx" value="{{.Attempt.ID}}">
<label for="otc">Code of your authenticator app</label>
<input id="otc" name="otc" inputmode="numeric" autocomplete="one-time-code" required{{template "described" .}}>
<button type="submit">Verify</button>
</form>
{{template "end"}}{{end}}

{{define "provider"}}{{template "top" .}}<h1>Taking you to your organization's sign-in page</h1>
<p>{{.Brand}}</p>
<form method="post" action="{{.Action}}">
{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<button type="submit">Continue</button>
</form>
{{template "end"}}{{end}}

{{define "signedin"}}{{template "top" .}}<h1>You are signed in</h1>
<dl>
<dt>Name</dt><dd id="displayName">{{or .User.DisplayName .User.UserPrincipalName}}</dd>
<dt>User name</dt><dd id="userPrincipalName">{{.User.UserPrincipalName}}</dd>
<dt>Application</dt><dd>{{.Attempt.App}}</dd>
</dl>
<p><a href="/common/oauth2/v2.0/logout">Sign out</a></p>
{{template "end"}}{{end}}

{{define "signedout"}}{{template "top" .}}<h1>You are signed out</h1>
<p><a href="/">Sign in</a></p>
{{template "end"}}{{end}}

{{define "error"}}{{template "top" .}}<h1>Sign in</h1>
<p>Sorry, but we’re having trouble signing you in.</p>
<p id="message" class="trouble" role="alert">{{.Message}}</p>
<h2>Troubleshooting details</h2>
<dl>
<dt>Request Id</dt><dd id="requestId">{{.RequestID}}</dd>
<dt>Correlation Id</dt><dd id="correlationId">{{.Attempt.Correlation}}</dd>
<dt>Timestamp</dt><dd id="timestamp">{{.Timestamp}}</dd>
<dt>App name</dt><dd>{{.Attempt.App}}</dd>
<dt>App id</dt><dd>{{.Attempt.AppID}}</dd>
</dl>
<p><a href="/?prompt=login">Sign in again</a></p>
{{template "end"}}{{end}}
`))

// show writes a page.
func (s *Server) show(w http.ResponseWriter, name string, v view) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		panic("aadtest: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Write(b.Bytes())
}

// fail writes the error page, and the line in the log. u is nil if nobody was found.
func (s *Server) fail(w http.ResponseWriter, a *attempt, u *aad.User, code string, m said) {
	message := signInText(code, m)
	s.note(a, u, code, message)
	s.show(w, "error", view{Title: "Sign in", Attempt: a, Message: code + ": " + message,
		RequestID: w.Header().Get("request-id"), Timestamp: s.now().UTC().Format(time.RFC3339)})
}
