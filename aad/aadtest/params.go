package aadtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// systemOptions are the query parameters that Graph documents.
var systemOptions = []string{
	"$apply", "$compute", "$count", "$deltatoken", "$expand", "$filter", "$format", "$orderby", "$search", "$select",
	"$skip", "$skiptoken", "$top",
}

// checkQuery judges the query parameters of a request by those that the operation
// models: what else Graph has is refused by its name, what it does not have is wrong.
func (o *operation) checkQuery(r *http.Request) *refusal {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return bad("The query specified in the URI is not valid.")
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains(o.query(), name):
		case name == "$skip" && strings.HasSuffix(o.pattern, " /v1.0/users"):
			return bad("'$skip' is not supported by the service.")
		case slices.Contains(systemOptions, lower), slices.Contains(systemOptions, "$"+lower):
			return notModelled("%s of %s", name, strings.Replace(o.pattern, " /v1.0", " ", 1))
		case strings.HasPrefix(name, "$"):
			return bad("The query parameter '%s' is not supported.", name)
		default:
			return bad("Unrecognized query argument specified: '%s'.", name)
		}
		switch v := params[name]; {
		case len(v) > 1:
			return bad("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		case strings.TrimSpace(v[0]) == "":
			return bad("The value for OData query '%s' cannot be empty.", name)
		case name == "$count" && v[0] != "true" && v[0] != "false":
			return bad("Invalid value '%s' for $count query option found.", v[0])
		}
	}
	if names := selected(r); names != nil {
		names, e := o.kind.selects(names)
		params.Set("$select", strings.Join(names, ","))
		r.URL.RawQuery = params.Encode()
		return e
	}
	return nil
}

// checkHeader refuses what makes a request conditional.
func checkHeader(r *http.Request) *refusal {
	switch v := r.Header.Get("If-Match"); {
	case v != "" && v != "*":
		return notModelled("the header If-Match")
	case r.Header.Get("If-None-Match") != "":
		return notModelled("the header If-None-Match")
	}
	return nil
}

// query returns the query parameters that the operation models. Lists have
// $skiptoken, for the links to their pages.
func (o *operation) query() []string { return strings.Fields(o.params) }

// selected returns the properties that $select names, once each; nil if there is none.
func selected(r *http.Request) []string {
	sel := r.URL.Query().Get("$select")
	if sel == "" {
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(sel, ",") {
		if name = strings.TrimSpace(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// picked returns what $select leaves of an object; annotations and what was expanded stay.
func picked(r *http.Request, o object) object {
	names := selected(r)
	if names == nil {
		return o
	}
	out := make(object)
	for name, v := range o {
		if slices.Contains(names, name) || strings.HasPrefix(name, "@") || expanded(r) == name {
			out[name] = v
		}
	}
	return out
}

// expanded returns the name of what $expand asks for.
func expanded(r *http.Request) string {
	name, _, _ := strings.Cut(r.URL.Query().Get("$expand"), "(")
	return name
}
