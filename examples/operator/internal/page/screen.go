package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"
)

//go:embed templates/*.html
var files embed.FS

// partsHeader is of a request of the script, which wants what is live of a page alone.
const partsHeader = "X-Parts"

// screen is one page for one viewer, before it is rendered.
type screen struct {
	name  string // of its template
	Title string
	// Data is what the template shows.
	Data any
	// parts are the templates of what the script keeps fresh, by data-part. There is no form
	// in them.
	parts []string
	// Acts is a token that changes when other forms are to be shown: the script then says so,
	// and leaves what is being typed alone.
	Acts string
	// csv and json are the same content in another form, at the same address; nil if there
	// is none.
	csv, json func(io.Writer) error
	file      string // the name that csv is saved by
	back      string // the address of the page
}

// frame is what the layout shows.
type frame struct {
	*screen
	Viewer        *viewer
	Demonstration bool
	Password      bool
	Result        *result
	Stop          stopView
	Notices       []string
	Back          string // the address of the page itself
}

// Name is who looks at it.
func (f frame) Name() string {
	if f.Viewer == nil {
		return ""
	}
	return f.Viewer.actor.Name
}

// set is a page's templates.
type set struct{ t *template.Template }

// parseScreens reads the templates: the layout and the common ones, with each page's own.
func parseScreens() (map[string]*set, error) {
	names, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	base := template.New("layout.html").Funcs(functions)
	if base, err = base.ParseFS(files, "templates/layout.html", "templates/common.html"); err != nil {
		return nil, err
	}
	out := make(map[string]*set)
	for _, f := range names {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "common" {
			continue
		}
		t, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if t, err = t.ParseFS(files, "templates/"+f.Name()); err != nil {
			return nil, err
		}
		out[name] = &set{t}
	}
	return out, nil
}

// get answers with a page that build makes for the viewer.
func (p *page) get(build func(*viewer, *http.Request) (*screen, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, ok := p.who(w, r)
		if !ok {
			return
		}
		s, err := build(v, r)
		if err != nil {
			p.failed(w, v, err)
			return
		}
		s.back = r.URL.Path
		p.show(w, r, v, s)
	}
}

// failed answers with what went wrong.
func (p *page) failed(w http.ResponseWriter, v *viewer, err error) {
	status := http.StatusInternalServerError
	var wrong wrongError
	switch {
	case errors.As(err, &wrong):
		status = http.StatusBadRequest
	case errors.Is(err, errNotFound):
		status = http.StatusNotFound
	case errors.Is(err, errForbidden):
		status = http.StatusForbidden
	default:
		p.o.Log.Error("a page could not be shown", "error", err.Error())
	}
	p.problem(w, v, status, err)
}

// show answers with a page, in the form that was asked for.
func (p *page) show(w http.ResponseWriter, r *http.Request, v *viewer, s *screen) {
	w.Header().Set("Vary", "Accept, "+partsHeader)
	switch form := format(r); {
	case r.Header.Get(partsHeader) != "":
		p.showParts(w, v, s)
	case form == "csv" && s.csv != nil:
		w.Header().Set("Content-Disposition", `attachment; filename="`+s.file+`.csv"`)
		p.write(w, "text/csv; charset=utf-8", s.csv)
	case form == "json" && s.json != nil:
		p.write(w, "application/json", s.json)
	default:
		p.html(w, v, s, http.StatusOK, p.results.get(v.actor.Name, r.URL.Query().Get("sent")))
	}
}

// format is what a request asks for: "csv", "json", or "" for HTML.
func format(r *http.Request) string {
	if f := r.URL.Query().Get("format"); f != "" {
		return f
	}
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "text/html"):
		return ""
	case strings.Contains(accept, "text/csv"):
		return "csv"
	case strings.Contains(accept, "application/json"):
		return "json"
	}
	return ""
}

// write answers with what write writes, or with an error if that fails before anything was
// written.
func (p *page) write(w http.ResponseWriter, contentType string, write func(io.Writer) error) {
	w.Header().Set("Content-Type", contentType)
	begun := &counter{w: w}
	err := write(begun)
	if err == nil {
		return
	}
	p.o.Log.Error("an export ended early", "error", err.Error())
	if begun.n == 0 {
		w.Header().Del("Content-Disposition")
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	panic(http.ErrAbortHandler) // nobody takes the half for the whole
}

type counter struct {
	w io.Writer
	n int
}

// Write counts what it writes.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += n
	return n, err
}

// html answers with a whole page.
func (p *page) html(w http.ResponseWriter, v *viewer, s *screen, status int, result *result) {
	f := frame{
		screen: s, Viewer: v, Demonstration: p.o.Demonstration, Password: p.o.Guard.ByPassword(), Result: result,
		Stop: p.stopView(v), Notices: p.notices(v), Back: s.back,
	}
	var b bytes.Buffer
	if err := p.screens[s.name].t.ExecuteTemplate(&b, "layout.html", f); err != nil {
		p.o.Log.Error("a page could not be made", "page", s.name, "error", err.Error())
		http.Error(w, "This page could not be made; the log of the operator says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// showParts answers the script.
func (p *page) showParts(w http.ResponseWriter, v *viewer, s *screen) {
	type fresh struct {
		Acts  string            `json:"acts"`
		Parts map[string]string `json:"parts"`
	}
	out := fresh{Acts: s.Acts, Parts: make(map[string]string)}
	render := func(name string, data any) bool {
		var b bytes.Buffer
		err := p.screens[s.name].t.ExecuteTemplate(&b, name, data)
		if err != nil {
			p.o.Log.Error("a part of a page could not be made", "page", s.name, "part", name, "error", err.Error())
			http.Error(w, "a part could not be made", http.StatusInternalServerError)
			return false
		}
		out.Parts[name] = b.String()
		return true
	}
	for _, name := range s.parts {
		if !render(name, s.Data) {
			return
		}
	}
	if !render("notices", frame{screen: s, Viewer: v, Notices: p.notices(v), Stop: p.stopView(v)}) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// notices are what everybody should know now.
func (p *page) notices(v *viewer) []string {
	if v == nil {
		return nil
	}
	var out []string
	if since, err := p.o.Backend.Away(); err != nil {
		out = append(out, "Temporal has not answered since "+clock(since)+": what is shown may be old, and nothing can be decided.")
	}
	if at, err := p.o.Backend.FileProblem(); err != nil {
		text := "The customers file was changed at " + clock(at) + " and not taken: what was in force still is."
		if v.canAll("view") {
			text += " " + err.Error()
		}
		out = append(out, text)
	}
	return out
}

// problem answers with what went wrong, and what to do.
func (p *page) problem(w http.ResponseWriter, v *viewer, status int, err error) {
	p.html(w, v, &screen{name: "problem", Title: http.StatusText(status), Data: sentence(err.Error())}, status, nil)
}
