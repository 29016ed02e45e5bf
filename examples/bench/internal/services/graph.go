package services

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
)

const (
	graphPage    = 999
	graphRefusal = `{"error":{"code":"TooManyRequests","message":"Too many requests","innerError":{"request-id":"0"}}}`
)

// ServeGraph returns Microsoft Graph, and the login service.
func (w *World) ServeGraph() http.Handler {
	return w.front(w.Graph, w.graphList, w.Env.AzureAD, graphRefusal)
}

func (w *World) graphList(r *http.Request) answer {
	path := r.URL.Path
	if r.Method != http.MethodGet || path != "/v1.0/users" && path != "/v1.0/users/$count" {
		return nil
	}
	q := r.URL.Query()
	spans, ok := w.spans(q.Get("$filter"))
	if !ok {
		return nil
	}
	if path == "/v1.0/users/$count" {
		return func(b []byte, _ *http.Request) ([]byte, string) {
			return strconv.AppendInt(b, int64(count(spans)), 10), ""
		}
	}
	return func(b []byte, r *http.Request) ([]byte, string) { return w.accounts(b, r.Host, q, spans), "" }
}

// span is a row of people.
type span struct{ from, to int }

func count(spans []span) (n int) {
	for _, s := range spans {
		n += s.to - s.from
	}
	return n
}

// spans returns the accounts that meet conditions on the user principal name. A condition
// that is not known here is not met.
func (w *World) spans(filter string) (spans []span, ok bool) {
	spans = []span{{0, w.N}}
	for _, condition := range strings.Split(filter, " and ") {
		if strings.Contains(condition, "endsWith(userPrincipalName,'@"+crowd.Domain+"')") {
			continue
		}
		if other, not := argument(condition, "not(startsWith(userPrincipalName,'", "'))"); not {
			from, to := w.Range(strings.ToLower(other))
			spans = append(within(spans, 0, from), within(spans, to, w.N)...)
			continue
		}
		var some []span // that begin with one of several
		for _, one := range strings.Split(strings.Trim(condition, "()"), " or ") {
			prefix, begins := strings.CutPrefix(one, "startsWith(userPrincipalName,'")
			if !begins {
				return nil, false
			}
			from, to := w.Range(strings.ToLower(strings.TrimRight(prefix, "')")))
			some = append(some, within(spans, from, to)...)
		}
		spans = some
	}
	return spans, true
}

func argument(condition, before, after string) (string, bool) {
	s, ok := strings.CutPrefix(condition, before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(s, after)
}

// within returns what lies between from and to.
func within(spans []span, from, to int) (out []span) {
	for _, s := range spans {
		if s.from, s.to = max(s.from, from), min(s.to, to); s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}

func (w *World) accounts(b []byte, host string, q url.Values, spans []span) []byte {
	top, err := strconv.Atoi(q.Get("$top"))
	if err != nil {
		top = 100
	}
	top = min(max(top, 1), graphPage)
	skip, _ := strconv.Atoi(q.Get("$skiptoken"))
	total := count(spans)
	b = append(append(append(b, `{"@odata.context":"http://`...), host...), `/v1.0/$metadata#users"`...)
	if q.Get("$count") == "true" && skip == 0 {
		b = strconv.AppendInt(append(b, `,"@odata.count":`...), int64(total), 10)
	}
	if skip+top < total {
		q.Set("$skiptoken", strconv.Itoa(skip+top))
		b = append(append(append(b, `,"@odata.nextLink":"http://`...), host...), "/v1.0/users?"...)
		b = append(append(b, q.Encode()...), '"')
	}
	fields := strings.Split(q.Get("$select"), ",")
	b = append(b, `,"value":[`...)
	left := top
	for _, s := range spans {
		from := min(s.from+skip, s.to)
		skip -= from - s.from
		for i := from; i < s.to && left > 0; i++ {
			b = append(b, '{')
			for _, field := range fields {
				b = w.appendProperty(b, field, i)
			}
			b = append(b[:len(b)-1], "},"...)
			left--
		}
	}
	if left < top {
		b = b[:len(b)-1]
	}
	return append(b, "]}"...)
}

// appendProperty appends a property of an account, and a comma.
func (w *World) appendProperty(b []byte, field string, i int) []byte {
	b = append(append(append(b, '"'), field...), `":`...)
	switch field {
	case "id":
		b = append(crowd.AppendObjectID(append(b, '"'), i), '"')
	case "userPrincipalName", "mail":
		b = append(w.AppendAddress(append(b, '"'), i), '"')
	case "displayName":
		b = append(w.AppendName(append(b, '"'), i), '"')
	case "onPremisesImmutableId":
		switch {
		case w.Bare(i):
			b = append(b, "null"...)
		case w.Stray(i):
			b = append(strconv.AppendInt(append(b, `"older-`...), int64(i), 10), '"')
		default:
			b = append(crowd.AppendJumpCloudID(append(b, '"'), w.Place(i)), '"')
		}
	case "userType":
		b = append(b, `"Member"`...)
	case "accountEnabled":
		b = append(b, "true"...)
	case "proxyAddresses":
		b = append(w.AppendAddress(append(b, `["SMTP:`...), i), `"]`...)
	case "otherMails":
		b = append(b, "[]"...)
	default:
		b = append(b, "null"...)
	}
	return append(b, ',')
}
