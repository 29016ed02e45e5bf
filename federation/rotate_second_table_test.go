package federation

import (
	"crypto/x509/pkix"
	"fmt"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// fourCerts are certificates for tables: of the first application, of the second, one of
// the rotation's that nobody signs with any more, and a stranger's.
func fourCerts(t *testing.T) (c1, c2, was, x certs.Cert) {
	t.Helper()
	var all [4]certs.Cert
	for i := range all {
		now := time.Now()
		k, err := certs.NewKeyPair(pkix.Name{CommonName: fmt.Sprint("table ", i)}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}, 2048)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = k.Cert()
	}
	return all[0], all[1], all[2], all[3]
}

// TestSecondTable goes through both tables row by row: each has a sight for which it
// decides.
func TestSecondTable(t *testing.T) {
	c1, c2, was, x := fourCerts(t)
	var none certs.Cert
	at := func(edit func(*secondSight)) *secondSight {
		s := &secondSight{there1: true, active1: true, c1: c1, e1: c1, replace: c1.Fingerprint()}
		edit(s)
		return s
	}
	with := func(edit func(*secondSight)) *secondSight { // a second one, published
		return at(func(s *secondSight) { s.there2, s.hidden2, s.c2, s.e2 = true, true, c2, c2; edit(s) })
	}
	sent := func(edit func(*secondSight)) *secondSight {
		return with(func(s *secondSight) { s.sent2, s.active2, s.bound = true, true, true; edit(s) })
	}
	moved := func(edit func(*secondSight)) *secondSight { // tiles and slots as they shall be
		return sent(func(s *secondSight) { s.hidden1, s.hidden2, s.e1, s.e2 = true, false, c2, c1; edit(s) })
	}
	same := func(*secondSight) {}
	for _, table := range []struct {
		name string
		rows []secondRow
		all  []struct {
			row int
			s   *secondSight
		}
	}{
		{"forward", secondTable, []struct {
			row int
			s   *secondSight
		}{
			{0, at(func(s *secondSight) { s.e1 = x })},
			{0, at(func(s *secondSight) { s.c1 = none })},
			{0, with(func(s *secondSight) { s.c1 = x })},
			{0, moved(func(s *secondSight) { s.c2 = x })},
			{0, moved(func(s *secondSight) { s.e1, s.e2 = c1, none })},
			{1, moved(func(s *secondSight) { s.c1 = x })},
			{1, moved(func(s *secondSight) { s.e2 = none })},
			{1, moved(func(s *secondSight) { s.e2, s.odd2 = none, true })},
			{2, at(func(s *secondSight) { s.e2 = x })},
			{2, at(func(s *secondSight) { s.odd2 = true })},
			{2, at(func(s *secondSight) { s.e1, s.e2, s.odd1 = none, c1, true })},
			{2, at(func(s *secondSight) { s.e1, s.e2 = x, c1 })},
			{3, at(same)},
			{3, at(func(s *secondSight) { s.e2 = c1 })},
			{4, at(func(s *secondSight) { s.replace = x.Fingerprint() })},
			{4, at(func(s *secondSight) { s.replace, s.e2 = x.Fingerprint(), x })},
			{5, with(func(s *secondSight) { s.replace = x.Fingerprint() })},
			{5, with(func(s *secondSight) { s.c1, s.e1, s.e2 = x, x, c1 })},
			{6, with(func(s *secondSight) { s.active2, s.e2 = true, none })},
			{6, with(func(s *secondSight) { s.active2, s.bound, s.e2 = true, true, x })},
			{7, with(func(s *secondSight) { s.e2 = x })},
			{7, with(func(s *secondSight) { s.e2, s.odd2 = none, true })},
			{7, with(func(s *secondSight) { s.e2, s.lastNew = was, was.Fingerprint() })},
			{8, with(func(s *secondSight) { s.e2 = none })},
			{8, with(func(s *secondSight) { s.e2 = c1 })},
			{9, with(same)},
			{9, with(func(s *secondSight) { s.e1, s.e2 = c2, c1 })},
			{9, with(func(s *secondSight) { s.bound, s.pilot = true, true })},
			{10, with(func(s *secondSight) { s.active2, s.pilot = true, true })},
			{10, with(func(s *secondSight) { s.active2, s.pilot, s.bound = true, true, true })},
			{11, with(func(s *secondSight) { s.active2 = true })},
			{12, with(func(s *secondSight) { s.active2, s.bound = true, true })},
			{13, moved(func(s *secondSight) { s.active1, s.e2 = false, x })},
			{13, moved(func(s *secondSight) { s.active1, s.e2, s.odd2 = false, none, true })},
			{13, moved(func(s *secondSight) { s.active1, s.e1, s.e2 = false, x, c2 })},
			{14, sent(same)},
			{14, sent(func(s *secondSight) { s.hidden2 = false })},
			{14, sent(func(s *secondSight) { s.active1 = false })},
			{15, sent(func(s *secondSight) { s.hidden1, s.hidden2 = true, false })},
			{15, sent(func(s *secondSight) { s.hidden1 = true })},
			{15, sent(func(s *secondSight) { s.there1, s.active1, s.c1 = false, false, none })},
			{16, moved(same)},
			{17, moved(func(s *secondSight) { s.active1 = false })},
			{17, moved(func(s *secondSight) { s.there1, s.active1, s.c1 = false, false, none })},
			{17, moved(func(s *secondSight) { s.active1, s.e2, s.wrote = false, was, []string{was.Base64()} })},
			{18, moved(func(s *secondSight) { s.active1, s.e2, s.remove = false, none, true })},
			{19, moved(func(s *secondSight) { s.active1, s.e2 = false, none })},
			{19, moved(func(s *secondSight) { s.active1, s.e2 = false, c2 })},
			{19, moved(func(s *secondSight) { s.there1, s.active1, s.c1, s.e2, s.remove = false, false, none, none, true })},
		}},
		{"back", secondBackTable, []struct {
			row int
			s   *secondSight
		}{
			{0, at(func(s *secondSight) { s.e1 = x })},
			{1, moved(func(s *secondSight) { s.c1 = x })},
			{2, moved(func(s *secondSight) { s.active1, s.e2 = false, none })},
			{2, moved(func(s *secondSight) { s.there1, s.active1, s.c1 = false, false, none })},
			{3, moved(func(s *secondSight) { s.active1 = false })},
			{4, moved(same)},
			{4, sent(same)},
			{5, with(func(s *secondSight) { s.active2, s.hidden2, s.hidden1, s.e1, s.e2 = true, false, true, c2, c1 })},
			{5, with(func(s *secondSight) { s.active2, s.hidden2 = true, false })},
			{6, at(func(s *secondSight) { s.hidden1, s.hid = true, true })},
			{7, with(func(s *secondSight) { s.active2, s.e1, s.e2 = true, c2, c1 })},
			{8, with(func(s *secondSight) { s.active2 = true })},
			{8, with(func(s *secondSight) { s.active2, s.e2 = true, x })},
			{9, at(func(s *secondSight) { s.e1, s.e2, s.lastNew = was, c1, was.Fingerprint() })},
			{10, with(same)},
			{10, at(func(s *secondSight) { s.e2, s.lastNew = was, was.Fingerprint() })},
			{10, with(func(s *secondSight) { s.c1, s.e1, s.e2 = x, x, c1 })},
			{11, with(func(s *secondSight) { s.e2 = none })},
			{11, with(func(s *secondSight) { s.e2 = x })},
			{12, at(same)},
			{12, at(func(s *secondSight) { s.e2 = x })},
			{12, at(func(s *secondSight) { s.hidden1 = true })},
		}},
	} {
		hit := make(map[int]bool)
		for i, tt := range table.all {
			row := tt.s.row(table.rows)
			if row != &table.rows[tt.row] {
				t.Errorf("%s, sight %d: %s, %s (%s); want %s, %s (%s)", table.name, i, row.phase, row.step, row.seen,
					table.rows[tt.row].phase, table.rows[tt.row].step, table.rows[tt.row].seen)
			}
			hit[tt.row] = true
		}
		if len(hit) != len(table.rows) {
			t.Errorf("%s: %d of %d rows have a sight", table.name, len(hit), len(table.rows))
		}
	}
}

// TestSecondTableSafe goes through whatever can be seen, and asks of each step that
// nobody who can sign in before it cannot after it.
func TestSecondTableSafe(t *testing.T) {
	c1, c2, was, x := fourCerts(t)
	bools := []bool{false, true}
	slots := []certs.Cert{{}, c1, c2, was, x}
	sights := 0
	var each func(*secondSight, []func(*secondSight, bool), func(*secondSight))
	each = func(s *secondSight, fields []func(*secondSight, bool), do func(*secondSight)) {
		if len(fields) == 0 {
			do(s)
			return
		}
		for _, b := range bools {
			fields[0](s, b)
			each(s, fields[1:], do)
		}
	}
	fields := []func(*secondSight, bool){
		func(s *secondSight, b bool) { s.sent2 = b }, func(s *secondSight, b bool) { s.there1 = b }, func(s *secondSight, b bool) { s.there2 = b },
		func(s *secondSight, b bool) { s.active1 = b }, func(s *secondSight, b bool) { s.active2 = b },
		func(s *secondSight, b bool) { s.hidden1 = b }, func(s *secondSight, b bool) { s.hidden2 = b },
		func(s *secondSight, b bool) { s.bound = b }, func(s *secondSight, b bool) { s.pilot = b }, func(s *secondSight, b bool) { s.remove = b },
	}
	for _, e1 := range slots {
		for _, e2 := range slots {
			for _, replace := range []certs.Cert{c1, was} {
				each(&secondSight{}, fields, func(is *secondSight) {
					s := *is
					s.e1, s.e2, s.replace, s.wrote = e1, e2, replace.Fingerprint(), []string{was.Base64()}
					s.odd1 = e1.IsZero()
					if s.c1 = c1; !s.there1 {
						s.c1, s.active1, s.hidden1 = certs.Cert{}, false, false
					}
					if s.c2 = c2; !s.there2 {
						s.c2, s.active2, s.hidden2 = certs.Cert{}, false, false
					}
					if s.sent2 && (!s.there2 || !s.active2) || !s.sent2 && (!s.there1 || !s.active1) {
						return // nobody could sign in before
					}
					sights++
					for _, table := range [][]secondRow{secondTable, secondBackTable} {
						row := s.row(table)
						if why := harms(&s, row); why != "" {
							t.Fatalf("%s in %s: %s\n%+v", row.step, row.phase, why, s)
						}
						steps, end := s.ahead(table, "", true, false, func(certs.Cert) bool { return false })
						if len(steps) > 16 {
							t.Fatalf("%s in %s: %d steps, and then %s\n%+v", row.step, row.phase, len(steps), end, s)
						}
					}
				})
			}
		}
	}
	if sights < 5000 {
		t.Errorf("only %d sights", sights)
	}
}

// harms says what a step would break.
func harms(s *secondSight, row *secondRow) string {
	after := *s
	switch row.step {
	case stepRedirect:
		after.sent2 = true
		if !s.bound || s.pilot || !row.waits {
			return "people are sent where not all of them may go"
		}
	case stepReturn:
		after.sent2 = false
	case stepActivate:
		after.active2 = true
	case stepReactivate:
		after.active1 = true
	case stepWithdraw:
		after.active2 = false
	case stepDeactivate:
		after.active1 = false
		if !row.waits || !row.pages || !s.hidden1 {
			return "pages may be open"
		}
	case stepDelete:
		if s.active1 {
			return "it is active"
		}
		after.there1 = false
	case stepRemove:
		if s.active2 {
			return "it is active"
		}
		after.there2 = false
	case stepSwap, stepSwapBack:
		after.e1, after.e2 = s.signs(), s.e1
	case stepPublish:
		after.e1, after.e2 = s.c1, s.c2
	case stepRetire, stepClear:
		after.e2 = certs.Cert{}
		if !row.waits {
			return "assertions may be under way"
		}
	case stepTiles:
		after.hidden1, after.hidden2 = true, s.hidden2 && s.hidden1
	case stepTilesBack:
		after.hidden1, after.hidden2 = false, s.there2
	}
	switch {
	case after.sent2 && (!after.there2 || !after.active2), !after.sent2 && (!after.there1 || !after.active1):
		return "people are sent to what does not sign"
	case row.step == stepMend || row.step == stepAsk:
		return ""
	case !after.accepted(after.signs()):
		return "people are sent to what is not accepted"
	case after.sent2 && after.active1 && !after.accepted(after.c1), after.active2 && !after.accepted(after.c2) && s.accepted(s.c2):
		return "what is active is not accepted"
	}
	return ""
}

// TestSecondOf finds the other application of a rotation by its address.
func TestSecondOf(t *testing.T) {
	app := func(id, url string) *jumpcloud.Application {
		return &jumpcloud.Application{ID: id, SSOURL: "https://sso.jumpcloud.com/saml2/" + url, IdPEntityID: "urn:uri:example.com"}
	}
	a, b, c := app("1", "m365"), app("2", "m365-0123abcd"), app("3", "m365-0123abcd-89abcdef")
	other := app("4", "m365-0123abcd")
	other.IdPEntityID = "urn:uri:example.net"
	for _, tt := range []struct {
		all  []*jumpcloud.Application
		of   *jumpcloud.Application
		want *jumpcloud.Application
	}{
		{nil, nil, nil},
		{[]*jumpcloud.Application{a}, a, nil},
		{[]*jumpcloud.Application{a, b}, a, b},
		{[]*jumpcloud.Application{a, b}, b, a},
		{[]*jumpcloud.Application{a, b, c}, b, c}, // the rotation under way, not the one before
		{[]*jumpcloud.Application{a, b, c}, c, b},
		{[]*jumpcloud.Application{a, other}, a, nil},
		{[]*jumpcloud.Application{a, app("5", "m365-test"), app("6", "m365-0123ABCD"), app("7", "m3650123abcd"), app("8", "m365-0123abcde")}, a, nil},
		{[]*jumpcloud.Application{a, app("9", "m365-0123abcd"), b}, a, b},
	} {
		if got := secondOf(tt.all, tt.of); got != tt.want {
			t.Errorf("%v of %v: %v; want %v", tt.of, tt.all, got, tt.want)
		}
	}
}

// TestAcceptedByAddress: of the two applications of a rotation the domain's is the one
// that people are sent to.
func TestAcceptedByAddress(t *testing.T) {
	app := func(id, url string) *jumpcloud.Application {
		return &jumpcloud.Application{ID: id, SSOURL: url, IdPEntityID: "urn:uri:example.com"}
	}
	a, b := app("1", "https://sso.example/1"), app("2", "https://sso.example/1-0123abcd")
	for _, tt := range []struct {
		passive string
		want    *jumpcloud.Application
	}{{a.SSOURL, a}, {b.SSOURL, b}, {"https://sso.example/3", nil}} {
		st := observation{
			apps: []*jumpcloud.Application{a, b}, fed: &aad.Federation{IssuerURI: a.IdPEntityID, PassiveSignInURI: tt.passive},
			domains: []*aad.Domain{{Name: "example.com", AuthenticationType: aad.Federated}},
		}
		if got := st.accepted("example.com"); got != tt.want {
			t.Errorf("%s: %v; want %v", tt.passive, got, tt.want)
		}
	}
}
