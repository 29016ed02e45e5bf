package customers

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/internal/planyaml"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/text"
)

// Parse reads a customers file, which messages call name. The error is an [*Error] that
// lists everything that is wrong; there is no file with an error. A file without an entry
// is refused: it would unlist everybody.
func Parse(b []byte, name string) (*File, error) {
	root, p := document(b)
	if p != nil {
		return nil, &Error{name, []Problem{*p}}
	}
	r := reader{actors: make(map[string]actor)}
	f := r.file(planyaml.Node(root))
	if len(r.problems) > 0 {
		inOrder(r.problems)
		return nil, &Error{name, r.problems}
	}
	return f, nil
}

func (r *reader) file(n node) *File {
	f := &File{byDomain: make(map[string]int)}
	lines := make(map[string]int)
	has := r.object(n, "", []field{
		{"roles", func(n node, path string) { f.Roles = r.roles(n, path) }},
		{"customers", func(n node, path string) {
			items := r.list(n, path)
			if len(items) == 0 {
				r.add(n, path, "no customer is listed; to stop the work on all of them use Stop")
			}
			for i, item := range items {
				at := path + "[" + strconv.Itoa(i) + "]"
				c, where := r.customer(item, at)
				if c.Domain == "" {
					continue
				}
				if line, ok := lines[c.Domain]; ok {
					r.add(where, at, "the domain %s has two entries, on line %d and on line %d: give it one", c.Domain, line, where.Line())
					continue
				}
				lines[c.Domain] = where.Line()
				f.byDomain[c.Domain] = len(f.Customers)
				f.Customers = append(f.Customers, c)
			}
		}},
	})
	if has != nil && has["customers"] == nil {
		r.add(n, "", "the field customers is missing")
	}
	return f
}

// customer reads an entry, and returns where its domain is named as well. Without a domain
// there is none.
func (r *reader) customer(n node, path string) (Customer, node) {
	c := Customer{Mode: Watch}
	var plan readPlan
	has := r.object(n, path, []field{
		{"name", func(n node, path string) { c.Name = r.text(n, path) }},
		{"domain", func(n node, path string) { c.Domain = r.domain(n, path) }},
		{"owner", func(n node, path string) { c.Owner = r.text(n, path) }},
		{"labels", func(n node, path string) { c.Labels = r.labels(n, path) }},
		{"mode", func(n node, path string) { c.Mode = choice(r, n, path, Watch, Manage) }},
		{"standing", func(n node, path string) {
			c.Standing = choices(r, n, path, RotateOwnKey, RotateSecondApplication, MendOurs)
		}},
		{"window", func(n node, path string) { c.Window = r.window(n, path) }},
		{"roles", func(n node, path string) { c.Roles = r.roles(n, path) }},
		{"twoPeople", func(n node, path string) { two := r.bool(n, path); c.TwoPeople = &two }},
		{"jumpCloud", func(n node, path string) { c.JumpCloud = r.jumpCloud(n, path) }},
		{"azureAD", func(n node, path string) { c.AzureAD = r.azureAD(n, path) }},
		{"plan", func(n node, path string) { plan = r.plan(n, path) }},
	})
	if has == nil {
		return Customer{}, n
	}
	for _, name := range []string{"jumpCloud", "azureAD", "plan"} {
		if has[name] == nil {
			r.add(n, path, "the field %s is missing", name)
		}
	}
	where := has["domain"]
	if where == nil && plan.domain != nil {
		where = plan.domain
		c.Domain = r.domain(where, join(path, "plan.domain"))
	}
	if where == nil && (has["plan"] == nil || plan.node != nil) {
		r.add(n, path, "the field domain is missing")
	}
	if c.Domain != "" && plan.domain != nil && canonical(plan.plan.Domain) != c.Domain {
		r.add(plan.domain, join(path, "plan.domain"),
			"the plan is of another domain than the entry, which says %s on line %d", c.Domain, where.Line())
	}
	if plan.node != nil {
		plan.plan.Domain = cmp.Or(c.Domain, "example.com") // what else is wrong is told all the same
		r.valid(plan, join(path, "plan"))
	}
	r.pinned(&c, plan, path)
	c.Plan = plan.plan
	if c.Name == "" {
		c.Name = c.Domain
	}
	return c, where
}

// domain reads the name of a domain, and returns its one spelling; "" if it is none.
func (r *reader) domain(n node, path string) string {
	s, ok := r.word(n, path)
	if !ok {
		return ""
	}
	d := canonical(s)
	if says := text.WrongDomain(d); says != "" {
		r.add(n, path, "the domain %s", says)
		return ""
	}
	return d
}

func (r *reader) labels(n node, path string) map[string]string {
	pairs, ok := r.pairs(n, path)
	if !ok {
		return nil
	}
	labels := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if says := wrongText(p.name); says != "" {
			r.add(p.key, path, "the name of a label: the text %s", says)
			continue
		}
		labels[p.name] = r.text(p.value, path)
	}
	return labels
}

// actor is one who was read, and on which line.
type actor struct {
	name string
	line int
}

// roles reads what each actor may do. No name is told: actors are people.
func (r *reader) roles(n node, path string) []Role {
	pairs, ok := r.pairs(n, path)
	if !ok {
		return nil
	}
	var roles []Role
	for _, p := range pairs {
		folded := strings.ToLower(p.name)
		if says := wrongText(p.name); says != "" {
			r.add(p.key, path, "the name of an actor: the text %s", says)
		} else if p.name == "*" {
			r.add(p.key, path, "roles are given to actors, each by name: everybody is none of them")
		} else if before, ok := r.actors[folded]; ok && before.name != p.name {
			r.add(p.key, path, "this actor and the one on line %d differ only in capital letters: write both the same", before.line)
		} else if !ok {
			r.actors[folded] = actor{p.name, p.key.Line()}
		}
		var may []RoleName
		if k := p.value.Kind(); k == federation.NodeText {
			if name := choice(r, p.value, path, View, Approve, Admin); name != "" {
				may = []RoleName{name}
			}
		} else if may = choices(r, p.value, path, View, Approve, Admin); k == federation.NodeList && len(p.value.Children()) == 0 {
			r.add(p.value, path, "this actor has no role: give view, approve or admin, or leave the actor out")
		}
		for _, name := range may {
			roles = append(roles, Role{p.name, name})
		}
	}
	return roles
}

var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday,
	"fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

func (r *reader) window(n node, path string) *Window {
	var w Window
	before := len(r.problems)
	has := r.object(n, path, []field{
		{"days", func(n node, path string) {
			days := choices(r, n, path, "mon", "tue", "wed", "thu", "fri", "sat", "sun")
			if n.Kind() == federation.NodeList && len(n.Children()) == 0 {
				r.add(n, path, "a window without days never opens: leave it out, or list days")
			}
			for _, d := range days {
				w.Days = append(w.Days, weekdays[d])
			}
			slices.Sort(w.Days)
		}},
		{"from", func(n node, path string) { w.From = r.clock(n, path) }},
		{"to", func(n node, path string) { w.To = r.clock(n, path) }},
		{"timeZone", func(n node, path string) {
			s, ok := r.word(n, path)
			loc, err := time.LoadLocation(s)
			if ok && (err != nil || s == "" || s == "Local") {
				r.add(n, path, "no such time zone: a name such as Europe/Berlin or UTC is wanted")
			}
			w.Location = loc
		}},
	})
	if has == nil {
		return nil
	}
	for _, name := range []string{"days", "from", "to", "timeZone"} {
		if has[name] == nil {
			r.add(n, path, "the field %s is missing", name)
		}
	}
	switch {
	case len(r.problems) > before:
		return nil
	case w.From == day:
		r.add(has["from"], join(path, "from"), "24:00 is the end of a day; a window begins before it")
	case w.From == w.To:
		r.add(has["to"], join(path, "to"), "the window ends when it begins; a whole day is from 00:00 to 24:00")
	}
	return &w
}

// clock reads a time of day, as the time since midnight on a day without changes.
func (r *reader) clock(n node, path string) time.Duration {
	s, ok := r.word(n, path)
	if !ok {
		return 0
	}
	if s == "24:00" {
		return day
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		r.add(n, path, "this is no time of day: hours and minutes are wanted, such as %q", "22:00")
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
