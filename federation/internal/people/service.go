package people

import (
	"bytes"
	"strings"
)

// LikelyService says why an account looks like a service, a device, a room or a
// shared mailbox rather than a person; "" means that it does not. It is a guess
// by words of the name alone.
func LikelyService(userPrincipalName, displayName string) (reason string) {
	local, _, _ := strings.Cut(userPrincipalName, "@")
	return serviceHint([]byte(strings.ToLower(local)), []byte(displayName))
}

// serviceWords betray a service anywhere in a name; those with true only as
// the whole name, because people are called so too, or have such tasks.
var serviceWords = map[string]bool{
	"svc": false, "srv": false, "service": false, "services": false, "daemon": false, "bot": false, "robot": false,
	"automation": false, "integration": false, "api": false, "sync": false, "backup": false, "smtp": false, "relay": false,
	"noreply": false, "donotreply": false, "mailer": false, "notification": false, "notifications": false, "alerts": false,
	"scanner": false, "scan": false, "printer": false, "copier": false, "mfp": false, "fax": false, "kiosk": false,
	"room": false, "meetingroom": false, "boardroom": false, "conference": false, "confroom": false, "projector": false,
	"mailbox": false, "shared": false, "resource": false, "calendar": false,
	"info": true, "office": true, "sales": true, "support": true, "helpdesk": true, "contact": true, "hello": true,
	"team": true, "billing": true, "invoice": true, "invoices": true, "accounting": true, "hr": true, "jobs": true,
	"careers": true, "marketing": true, "reception": true, "webmaster": true, "postmaster": true, "abuse": true, "admin": true,
}

// serviceHint is LikelyService for a folded local part. It allocates only for
// what it finds.
func serviceHint(local, name []byte) string {
	if bytes.Contains(local, []byte("no-reply")) || bytes.Contains(local, []byte("do-not-reply")) {
		return "its name says that it takes no answers"
	}
	for from, i := 0, 0; i <= len(local); i++ {
		if i < len(local) && 'a' <= local[i] && local[i] <= 'z' {
			continue
		}
		if whole, ok := serviceWords[string(local[from:i])]; ok && (!whole || i-from == len(local)) {
			return "its name has the word \"" + string(local[from:i]) + "\" in it"
		}
		from = i + 1
	}
	var buf [64]byte
	for word := range bytes.FieldsSeq(name) {
		if len(word) > len(buf) {
			continue
		}
		w := buf[:len(word)]
		for i, b := range word {
			if 'A' <= b && b <= 'Z' {
				b += 'a' - 'A'
			}
			w[i] = b
		}
		if whole, ok := serviceWords[string(w)]; ok && !whole {
			return "its display name has the word \"" + string(w) + "\" in it"
		}
	}
	return ""
}
