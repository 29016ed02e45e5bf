package jumpcloudtest

import (
	"crypto/sha256"
	"encoding/base64"
	htmlpage "html/template"
	"net/http"
	"net/url"

	"github.com/jcaad/jcaad/jumpcloud"
)

// page is an answer to a person.
type page struct {
	status int
	name   string // of the template
	data   map[string]any
	cookie *http.Cookie
	where  string // Location
}

// submitScript is the only one of all pages, and nobody needs it. A control of the form
// with the name or the ID "submit" would take its place.
const submitScript = htmlpage.JS(`document.forms[0].submit()`)

// policy allows the pages what they do: their style, and that script.
var policy = func() string {
	sum := sha256.Sum256([]byte(submitScript))
	return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

func (p page) write(w http.ResponseWriter) {
	h := w.Header()
	if p.cookie != nil {
		http.SetCookie(w, p.cookie)
	}
	h.Set("Cache-Control", "no-store")
	if p.where != "" {
		h.Set("Location", p.where)
		w.WriteHeader(p.status)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.status)
	pages.ExecuteTemplate(w, p.name, p.data) // the client may be gone
}

// messages are what people read of a refusal, and the status of the page.
var messages = map[Refusal]struct {
	status       int
	title, lines string
}{
	WrongPassword: {401, "Log in", "The user name, the e-mail address or the password is wrong."},
	WrongFactor:   {401, "Second factor", "The code is wrong."},
	NotActivated:  {403, "Account not activated", "This account has not been activated yet. Follow the link in the e-mail that welcomed you."},
	SuspendedUser: {403, "Account suspended", "This account is suspended. Ask your administrator."},
	Locked:        {403, "Account locked", "This account is locked. Wait for a while, or ask your administrator to unlock it."},
	Expired:       {403, "Password expired", "Your password has expired. Choose a new one before you sign in."},
	Inactive:      {403, "Single Sign-On Inactive", "Single sign-on is not active for this application. Ask your administrator."},
	NotBound:      {403, "No access", "You do not have access to this application. Ask your administrator to add you to one of its groups."},
	NoImmutableID: {403, "Not connected with Microsoft 365", "Your account is missing the required M365 immutable ID. " +
		"Ask your administrator to bind it to the Microsoft 365 directory."},
	CannotSign:    {500, "Application not set up", "This application cannot sign you in: it has no private key, or no address to answer to."},
	WrongService:  {400, "Unknown service", "The request comes from another service than the one that this application is for."},
	BadRequest:    {400, "Request not understood", "The request of the service cannot be read."},
	NoApplication: {404, "Application not found", "There is no application with this address."},
}

// refusal is the page of a refusal; who is the user, if it is known.
func refusal(why Refusal, who *user) page {
	m := messages[why]
	data := map[string]any{"Title": m.title, "Text": m.lines, "Code": string(why), "Portal": portalPath}
	if who != nil {
		data["Who"] = who.Username
	}
	return page{status: m.status, name: "refusal", data: data}
}

// refuse refuses the person, and tells of it.
func (v *visit) refuse(why Refusal) page {
	v.tellRefusal(why)
	p := refusal(why, v.user)
	p.cookie = v.cookie
	if v.app != nil {
		p.data["Label"] = v.app.label()
	}
	return p
}

func (v *visit) tellRefusal(why Refusal) {
	if v.app != nil {
		v.s.tell(&event{Event: v.event(why, ""), app: v.appPart(), agent: v.r.UserAgent(), ip: clientIP(v.r)})
	}
}

// again shows a form once more.
func (v *visit) again(name string, why Refusal) page {
	v.tellRefusal(why)
	return v.form(messages[why].status, name, why)
}

// form is a step of the log-in. What the service provider asked for is handed on.
func (v *visit) form(status int, name string, why Refusal) page {
	data := map[string]any{"Action": v.r.URL.EscapedPath(), "Organization": v.s.organization(), "Hidden": v.handOn(),
		"Code": string(why), "Text": messages[why].lines}
	if v.app != nil {
		data["Label"] = v.app.label()
	}
	for _, k := range []string{"username", "login_hint"} { // whether Azure AD sends one is not known
		if u := v.r.Form.Get(k); u != "" && data["Username"] == nil {
			data["Username"] = u
		}
	}
	if name == "factor" {
		data["Login"] = v.wait()
	}
	return page{status: status, name: name, data: data}
}

// handOn are the fields that hand on what the service provider asked for.
func (v *visit) handOn() []namedValue {
	relay := namedValue{"RelayState", v.relay}
	switch {
	case v.asks == nil:
		return []namedValue{relay}
	case v.asks.wsfed:
		return []namedValue{{"wa", "wsignin1.0"}, {"wtrealm", v.asks.issuer}, {"wctx", v.relay}}
	}
	return []namedValue{{"SAMLRequest", base64.StdEncoding.EncodeToString(v.asks.xml)}, relay}
}

// tile is an application in the portal.
type tile struct{ Label, URL string }

func (v *visit) tiles() page {
	bound := v.s.bindings(v.user.ID, jumpcloud.ApplicationObject)
	var out []tile
	for _, a := range v.s.apps.all() {
		u, err := url.Parse(a.text("ssoUrl"))
		if !bound[a.id] || !a.active() || string(a.sso["hidden"]) == "true" || err != nil || u.Host == "" {
			continue
		}
		if !atJumpCloud(v.r) { // else the tile would lead to the real one
			u = &url.URL{Path: u.Path}
		}
		out = append(out, tile{a.label(), u.String()})
	}
	return page{status: http.StatusOK, name: "portal", cookie: v.cookie, data: map[string]any{
		"Who": v.user.Username, "Organization": v.s.organization(), "Tiles": out, "LogOut": portalPath + "logout",
	}}
}

var pages = htmlpage.Must(htmlpage.New("").Parse(`{{define "head"}}<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.}} – JumpCloud stand-in</title>
<style>
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1f2937;background:#eef2f7}
main{box-sizing:border-box;max-width:26rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.5rem;overflow-wrap:anywhere}
@media (max-width:28rem){main{margin:0;border-radius:0;min-height:100vh}}
h1{font-size:1.4rem;margin:0 0 1rem}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #6b7280;border-radius:.25rem}
button,.tile{display:block;box-sizing:border-box;width:100%;margin-top:1.25rem;padding:.7rem;font:inherit;font-weight:600;text-align:center;
 color:#fff;background:#065f46;border:0;border-radius:.25rem;text-decoration:none}
:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}
.error{padding:.6rem;color:#7f1d1d;background:#fee2e2;border-radius:.25rem}
ul{padding:0;list-style:none}a{color:#065f46}.small{font-size:.9rem;color:#4b5563}
</style></head><body><main>{{end}}
{{define "foot"}}</main></body></html>
{{end}}
{{define "hidden"}}{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}{{end}}
{{define "described"}}{{if .Code}} aria-invalid="true" aria-describedby="error"{{end}}{{end}}
{{define "error"}}{{if .Code}}<p class="error" role="alert" id="error" data-code="{{.Code}}">{{.Text}}</p>{{end}}{{end}}
{{define "login"}}{{template "head" "Log in"}}
<h1>Log in to {{with .Label}}{{.}}{{else}}your user portal{{end}}</h1>
<p class="small">{{.Organization}}</p>
{{template "error" .}}
<form method="post" action="{{.Action}}">
<input type="hidden" name="step" value="password">
{{template "hidden" .}}<label for="username">User name or e-mail address</label>
<input id="username" name="username" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required
 value="{{.Username}}"{{template "described" .}}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{{template "described" .}}>
<button type="submit" id="submit">Log in</button>
</form>
{{template "foot"}}{{end}}
{{define "factor"}}{{template "head" "Second factor"}}
<h1>Second factor</h1>
{{template "error" .}}
<form method="post" action="{{.Action}}">
<input type="hidden" name="step" value="factor">
<input type="hidden" name="login" value="{{.Login}}">
{{template "hidden" .}}<label for="code">Code of your authenticator app</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required{{template "described" .}}>
<button type="submit" id="submit">Go on</button>
</form>
{{template "foot"}}{{end}}
{{define "refusal"}}{{template "head" .Title}}
<h1 id="refusal" data-code="{{.Code}}">{{.Title}}</h1>
<p role="alert">{{.Text}}</p>
{{with .Label}}<p class="small">Application: {{.}}</p>{{end}}{{with .Who}}<p class="small">Logged in as {{.}}</p>{{end}}
<p class="small">Reason: <code>{{.Code}}</code></p>
<p><a href="{{.Portal}}">To the user portal</a></p>
{{template "foot"}}{{end}}
{{define "portal"}}{{template "head" "User portal"}}
<h1>Applications</h1>
<p class="small">{{.Organization}}: logged in as {{.Who}}</p>
{{if .Tiles}}<ul id="applications">{{range .Tiles}}<li><a class="tile" href="{{.URL}}">{{.Label}}</a></li>
{{end}}</ul>{{else}}<p>You have no applications.</p>{{end}}
<form method="post" action="{{.LogOut}}"><button type="submit">Log out</button></form>
{{template "foot"}}{{end}}
{{define "post"}}{{template "head" "Signing in"}}
<h1>Signing in to {{.Label}}</h1>
<form method="post" action="{{.To}}">
{{template "hidden" .}}<p>If nothing happens, press the button.</p>
<button type="submit">Go on</button>
</form>
<script>{{.Script}}</script>
{{template "foot"}}{{end}}
`))
