package services

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
)

const (
	jumpCloudPage    = 100
	jumpCloudRefusal = `{"message":"Too Many Requests"}`
)

// ServeJumpCloud returns JumpCloud.
func (w *World) ServeJumpCloud() http.Handler {
	return w.front(w.JumpCloud, w.jumpCloudList, w.Env.JumpCloud, jumpCloudRefusal)
}

func (w *World) jumpCloudList(r *http.Request) answer {
	switch path := r.URL.Path; {
	case r.Method != http.MethodGet:
		return nil
	case path == "/api/systemusers":
		return w.users
	case path == "/api/v2/office365s/"+w.Env.Directory+"/users":
		return w.plain(w.appendBound)
	case strings.HasPrefix(path, "/api/v2/usergroups/") && strings.HasSuffix(path, "/membership"):
		return w.plain(appendMember)
	}
	return nil
}

// window returns which users a request asks for.
func (w *World) window(r *http.Request) (from, to int) {
	q := r.URL.Query()
	from, _ = strconv.Atoi(q.Get("skip"))
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		limit = 10
	}
	from = min(max(from, 0), w.N)
	return from, min(from+min(max(limit, 1), jumpCloudPage), w.N)
}

func (w *World) users(b []byte, r *http.Request) ([]byte, string) {
	fields := strings.Fields(r.URL.Query().Get("fields"))
	if len(fields) == 0 {
		fields = []string{"_id", "email", "username", "state", "activated", "suspended", "account_locked", "password_expired"}
	}
	from, to := w.window(r)
	b = strconv.AppendInt(append(b, `{"totalCount":`...), int64(w.N), 10)
	b = append(b, `,"results":[`...)
	for place := from; place < to; place++ {
		b = append(b, '{')
		for _, field := range fields {
			b = w.appendField(b, field, place)
		}
		b = append(b[:len(b)-1], "},"...)
	}
	if from < to {
		b = b[:len(b)-1]
	}
	return append(b, "]}"...), ""
}

// appendField appends a field of a user, and a comma.
func (w *World) appendField(b []byte, field string, place int) []byte {
	i := w.Person(place)
	switch field {
	case "_id":
		b = append(crowd.AppendJumpCloudID(append(b, `"_id":"`...), place), '"')
	case "email":
		b = append(w.AppendEmail(append(b, `"email":"`...), i), '"')
	case "username":
		b = append(w.AppendLogin(append(b, `"username":"`...), i), '"')
	case "state":
		b = append(b, `"state":"ACTIVATED"`...)
	case "activated":
		b = append(b, `"activated":true`...)
	case "suspended", "account_locked", "password_expired":
		b = append(append(append(b, '"'), field...), `":false`...)
	default:
		return b
	}
	return append(b, ',')
}

// plain is a list that is an array of what one appends.
func (w *World) plain(one func(b []byte, place int) []byte) answer {
	return func(b []byte, r *http.Request) ([]byte, string) {
		from, to := w.window(r)
		b = append(b, '[')
		for place := from; place < to; place++ {
			if place > from {
				b = append(b, ',')
			}
			b = one(b, place)
		}
		return append(b, ']'), strconv.Itoa(w.N)
	}
}

// appendReached appends a user who is in a group, or bound to a directory, but for the end.
func appendReached(b []byte, place int) []byte {
	b = crowd.AppendJumpCloudID(append(b, `{"id":"`...), place)
	b = append(b, `","type":"user","compiledAttributes":{},"paths":[[{"attributes":null,"to":{"attributes":null,"id":"`...)
	return append(crowd.AppendJumpCloudID(b, place), `","type":"user"}}]]`...)
}

func appendMember(b []byte, place int) []byte { return append(appendReached(b, place), '}') }

func (w *World) appendBound(b []byte, place int) []byte {
	b = append(appendReached(b, place), `,"externalId":"`...)
	if i := w.Person(place); !w.All && !w.Stray(i) {
		b = crowd.AppendObjectID(b, i)
	}
	return append(b, `","syncStatus":{"code":200,"message":"OK","syncedAt":"2026-01-02T03:04:05Z"}}`...)
}
