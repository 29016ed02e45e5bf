package page

import (
	"cmp"
	"strings"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

// changeView is a change of a proposal or a report: told by a sign, a word and a class, so
// that nobody needs the colour.
type changeView struct {
	Sign, Word, Class string
	What, Name        string
	Fields            []fieldView
}

// fieldView is a value before and after; the empty text is none.
type fieldView struct {
	Name, Old, New string
}

// changesOf are changes as they are shown.
func changesOf(cs []federation.Change) []changeView {
	out := make([]changeView, 0, len(cs))
	for _, c := range cs {
		out = append(out, changeOf(c))
	}
	return out
}

func changeOf(c federation.Change) changeView {
	v := changeView{Sign: "~", Word: string(c.Action), Class: "change", What: resourceWords(c.Resource), Name: c.Name}
	switch c.Action {
	case federation.Create, federation.Add:
		v.Sign, v.Class = "+", "add"
	case federation.Delete, federation.Remove:
		v.Sign, v.Class = "−", "remove"
	}
	for _, f := range c.Fields {
		v.Fields = append(v.Fields, fieldView{f.Name, shown(f.Name, f.Old), shown(f.Name, f.New)})
	}
	return v
}

// resourceWords name a kind of thing, with its service first.
func resourceWords(r federation.Resource) string {
	service, kind, ok := strings.Cut(string(r), "/")
	if !ok {
		return string(r)
	}
	service = cmp.Or(map[string]string{"azure-ad": "Azure AD", "jumpcloud": "JumpCloud"}[service], service)
	return service + ": " + strings.ReplaceAll(kind, "-", " ")
}

// shown is a value for people: a certificate is told by its thumbprint and its end.
func shown(name, value string) string {
	if value == "" || !strings.Contains(strings.ToLower(name), "certificate") {
		return value
	}
	c, err := certs.ParseOne([]byte(value))
	if err != nil {
		if len(value) > 200 {
			return "a certificate that cannot be read"
		}
		return value
	}
	return "certificate " + c.Thumbprint() + ", valid until " + c.X509().NotAfter.UTC().Format("2006-01-02")
}
