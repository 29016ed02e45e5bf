package federation

import (
	"sync"

	"github.com/jcaad/jcaad/certs"
)

// What becomes of what is seen by each step: a preview asks the tables with that, as the
// calls will, so it cannot tell of others than they make.

// stepOnly takes a stranger's certificate out, once people are sent to the second
// application. Only a person's consent has it done.
const stepOnly rotateStep = "only"

// stepRescue sends people back from an application that is gone.
const stepRescue rotateStep = "rescue"

// unmade stands for the certificate of an application that is not there yet. It is one
// that nobody has: of a key made of nothing.
func unmade() certs.Cert {
	unmadeOnce.Do(func() {
		c, err := certs.ParseOne([]byte(unmadeText))
		if err != nil {
			panic(err) // nothing of it depends on anybody
		}
		unmadeCert = c
	})
	return unmadeCert
}

var (
	unmadeOnce sync.Once
	unmadeCert certs.Cert
)

const unmadeText = "MIGvMGOgAwIBAgIBATAFBgMrZXAwADAiGA8wMDAxMDEwMTAwMDAwMFoYDzIxMDYwMjA3MDYyODE2WjAAMCowBQYDK2VwAyEA" +
	"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ikwBQYDK2VwA0EAAhuG2o7mj+k0KHvLNQE93pqVn9v8B0pedinLC8h1Zf5N" +
	"MJGUTD2YqaHuUw4u6wI4PGomFq3ir1J1o8DIUcVnBw=="

// mended are the slots as a mend writes them: what people are sent to first, then the
// other one's certificate if that signs and people may come to it, which of the second
// the caller says; else the one that stood first.
func (s *secondSight) mended(expelled func(certs.Cert) bool, reached2 bool) (signing, next certs.Cert) {
	signing, next = s.signs(), s.e1
	other, active := s.c2, s.active2 && reached2
	if s.sent2 {
		other, active = s.c1, s.active1
	}
	if active && !other.IsZero() && other != signing {
		next = other
	}
	if next.IsZero() || next == signing || expelled(next) {
		next = signing
	}
	return signing, next
}

// beside is what stays in the second slot when a stranger is taken out and the second
// application's certificate is the first: the zero one if that is to be alone.
func (s *secondSight) beside() certs.Cert {
	if s.odd1 || s.e1 == s.c2 || !s.ours(s.e1) {
		return certs.Cert{}
	}
	return s.e1
}

// consented is the step that consent has made where a person would be asked.
func (s *secondSight) consented() rotateStep {
	switch {
	case s.sent2:
		return stepOnly
	case !s.there2:
		return stepMake
	case !s.begins():
		return stepAsk // which no consent answers
	}
	return stepPublish
}

// make takes a step: what is seen when it is made.
func (s *secondSight) make(step rotateStep, pilot bool, expelled func(certs.Cert) bool) {
	none := certs.Cert{}
	switch step {
	case stepMend:
		s.e1, s.e2 = s.mended(expelled, !s.hidden2)
		s.odd1, s.odd2 = false, false
	case stepRescue:
		if !s.accepted(s.c1) {
			s.e1, s.e2, s.odd1, s.odd2 = s.c1, s.e1, false, s.odd1
		}
		s.sent2, s.active1 = false, true
	case stepMake:
		s.there2, s.active2, s.hidden2, s.c2, s.pilot = true, false, true, unmade(), pilot
	case stepPublish:
		s.e1, s.e2, s.odd1, s.odd2 = s.c1, s.c2, false, false
	case stepOnly:
		s.e1, s.e2, s.odd1, s.odd2 = s.c2, s.beside(), false, false
	case stepActivate, stepWithdraw:
		s.active2 = step == stepActivate
	case stepDeactivate, stepReactivate:
		s.active1 = step == stepReactivate
	case stepBind:
		s.bound = true
	case stepRedirect, stepReturn:
		s.sent2 = step == stepRedirect
	case stepTiles, stepTilesBack:
		s.hidden1, s.hidden2 = step == stepTiles, step == stepTilesBack
	case stepSwap, stepSwapBack:
		s.e1, s.e2, s.odd1, s.odd2 = s.signs(), s.e1, false, false
	case stepRetire, stepClear:
		s.e2, s.odd2 = none, false
	case stepDelete:
		s.there1, s.active1, s.c1 = false, false, none
	case stepRemove:
		s.there2, s.active2, s.c2 = false, false, none
	}
}

// A secondAhead is a step that is ahead, and what is seen before it.
type secondAhead struct {
	row  *secondRow
	step rotateStep // that of the row, or what is made of it
	seen secondSight
}

// ahead are the steps that are left by a table, from the one that a call makes now, and
// the one with which it ends: nothing is left, or a person has to act.
func (s secondSight) ahead(table []secondRow, first rotateStep, consent, pilot bool, expelled func(certs.Cert) bool) (
	steps []secondAhead, end rotateStep) {
	for {
		row := s.row(table)
		step := row.step
		if len(steps) == 0 && first != "" {
			step = first
		}
		if step == stepAsk && consent {
			step = s.consented()
		}
		switch step {
		case stepNone, stepAsk, stepPilot, stepNoWay:
			return steps, step
		case stepMend:
			if expelled(s.signs()) {
				return steps, stepAsk
			}
		}
		if len(steps) == len(secondTable)+len(secondBackTable) {
			return steps, stepAsk // it does not come to an end by itself
		}
		steps = append(steps, secondAhead{row, step, s})
		s.make(step, pilot, expelled)
	}
}
