package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// files are so many reports, as the folder has them.
func files(n int) []data.Ref {
	var out []data.Ref
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i := range n {
		name := fmt.Sprintf("reports/%s/%s-run-%d.json", testDomain, at.Add(time.Duration(i)*time.Hour).Format("20060102T150405.000000000Z"), i)
		out = append(out, data.Ref{Name: name, SHA256: fmt.Sprintf("%064x", i)})
	}
	return out
}

func TestCheckFiles(t *testing.T) {
	all := files(200)
	named, e := shorten(all, Earlier{}, reportBytes)
	if len(named) < 10 || e.Count < 100 || e.Count+len(named) != len(all) || e.First != all[0].Name || e.Last != all[e.Count-1].Name {
		t.Fatalf("%d named, %+v", len(named), e)
	}
	without := func(i int) []data.Ref { return slices.Delete(slices.Clone(all), i, i+1) }
	changed := func(i int) []data.Ref {
		out := slices.Clone(all)
		out[i].SHA256 = strings.Repeat("f", 64)
		return out
	}
	added := func(at ...int) []data.Ref {
		out := slices.Clone(all)
		for _, i := range at {
			out = slices.Insert(out, i, data.Ref{Name: all[i-1].Name + "x", SHA256: strings.Repeat("e", 64)})
		}
		return out
	}
	swapped := slices.Clone(all)
	swapped[3].SHA256, swapped[4].SHA256 = swapped[4].SHA256, swapped[3].SHA256
	for name, tt := range map[string]struct {
		stored []data.Ref
		want   *LostError
	}{
		"as they were":                     {all, nil},
		"an old one is missing":            {without(7), &LostError{Earlier: 1, Of: 200}},
		"the oldest is missing":            {without(0), &LostError{Earlier: 1, Of: 200}},
		"the last of the old is missing":   {without(e.Count - 1), &LostError{Earlier: 1, Of: 200}},
		"a named one is missing":           {without(199), &LostError{Names: []string{all[199].Name}, Of: 200}},
		"the first named one is missing":   {without(e.Count), &LostError{Names: []string{all[e.Count].Name}, Of: 200}},
		"an old one is changed":            {changed(7), &LostError{Changed: true, Of: 200}},
		"a named one is changed":           {changed(199), &LostError{Names: []string{all[199].Name}, Of: 200}},
		"two have changed places":          {swapped, &LostError{Changed: true, Of: 200}},
		"one more, under way":              {append(slices.Clone(all), data.Ref{Name: all[199].Name + "x"}), nil},
		"one more, of another time":        {slices.Insert(slices.Clone(all), 0, data.Ref{Name: "reports/" + testDomain + "/1999"}), nil},
		"one more, nobody was told of":     {added(20), nil},
		"two more, nobody was told of":     {added(90, 20), nil},
		"one more, and one less":           {slices.Delete(added(20), 50, 51), &LostError{Changed: true, Of: 200}},
		"nothing is there":                 {nil, &LostError{Earlier: e.Count, Names: names(named), Of: 200}},
		"one more, and an old one changed": {slices.Insert(changed(7), 30, data.Ref{Name: all[29].Name + "x"}), &LostError{Changed: true, Of: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			err := State{Reports: named, EarlierReports: e}.CheckReports(tt.stored)
			var lost *LostError
			if (err == nil) != (tt.want == nil) || err != nil && !errors.As(err, &lost) {
				t.Fatalf("%v, want %+v", err, tt.want)
			}
			if diff := cmp.Diff(tt.want, lost); diff != "" {
				t.Error(diff)
			}
			if err != nil && !strings.Contains(err.Error(), "restore them from a backup") {
				t.Error(err)
			}
		})
	}
	if err := CheckFiles(Earlier{}, nil, nil); err != nil {
		t.Error("of nothing something is missing:", err)
	}
}

func names(refs []data.Ref) (out []string) {
	for _, r := range refs {
		out = append(out, r.Name)
	}
	return out
}

// Many files that nobody was told of make nobody wait.
func TestCheckFilesGivesUp(t *testing.T) {
	all := files(4000)
	_, e := shorten(all, Earlier{}, reportBytes)
	var more []data.Ref
	for i, r := range all {
		if more = append(more, r); i%2 == 0 {
			more = append(more, data.Ref{Name: r.Name + "x"})
		}
	}
	more[9].SHA256 = strings.Repeat("f", 64)
	began := time.Now()
	if err := CheckFiles(e, nil, more); err == nil {
		t.Error("a change is not seen")
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// A thousand runs, some of several attempts, and as many notes make no payload too large, and
// the files can still be checked.
func TestDomainThousandRuns(t *testing.T) {
	const runs = 1060 // one that comes as the workflow continues as new is lost in this environment
	b := newBench(t)
	var stored, notes []data.Ref
	var noted []*answer
	b.look = func(n int) LookOut {
		o := proposal("a")
		o.Hash = fmt.Sprintf("%064x", n+1)
		return LookOut{Reply: known(), Found: federation.StateFederated, Look: &Look{Changes: 3}, Open: o}
	}
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		out := RunOut{Reply: known(), Done: n%10 != 0 || len(in.Reports) > 0, Sent: true, After: federation.StateFederated}
		if !out.Done {
			out.Reply = trouble(federation.ClassTemporary, "the service is away")
		}
		for i := range 1 + n%3 {
			r := data.Ref{
				Name:   fmt.Sprintf("reports/%s/20260301T080000.%09dZ-%s.json", testDomain, len(stored), in.Approved.Run),
				SHA256: fmt.Sprintf("%064x", n*10+i),
			}
			stored = append(stored, r)
			if out.Report != nil {
				out.Others = append(out.Others, *out.Report)
			}
			out.Report = &r
		}
		return out, nil
	}
	b.verify = func(int) VerifyOut { return good() }
	for n := range runs {
		at := time.Duration(n+1) * time.Hour
		b.at(at, func() {
			b.signal(SignalLook, nil)
			note := data.Ref{Name: fmt.Sprintf("notes/%064x.json", n), SHA256: fmt.Sprintf("%064x", n)}
			noted = append(noted, b.update(fmt.Sprintf("note-%d", n), UpdateNote, NoteArg{Note: note}))
			notes = append(notes, note)
		})
		b.at(at+30*time.Minute, func() {
			if open := b.state().Open; open != nil {
				b.update(fmt.Sprintf("approve-%d", n), UpdateApprove, ApproveArg{Hash: open.Hash, Approval: ref("approvals/1.json"), Complete: true})
			}
		})
	}
	b.play((runs + 2) * time.Hour) // which looks at the payloads
	s := b.last()
	var kept []data.Ref
	for i, r := range notes {
		if noted[i].accepted {
			kept = append(kept, r)
		}
	}
	notes = kept
	if s.Kept.Runs < 1000 || len(stored) < 1900 || len(notes) < 1000 || b.runs < 40 {
		t.Fatalf("%d runs, %d reports, %d runs of the workflow", s.Kept.Runs, len(stored), b.runs)
	}
	if n := s.EarlierReports.Count + len(s.Reports); n != len(stored) || len(s.Reports) < 10 {
		t.Errorf("%d reports of %d, %d by name", n, len(stored), len(s.Reports))
	}
	if n := s.EarlierNotes.Count + len(s.Notes); n != len(notes) || len(s.Notes) < 10 {
		t.Errorf("%d notes of %d, %d by name", n, len(notes), len(s.Notes))
	}
	if err := s.CheckReports(stored); err != nil {
		t.Error(err)
	}
	if err := s.CheckReports(stored[1:]); err == nil {
		t.Error("the oldest is missing, which is not seen")
	}
	if err := CheckFiles(s.EarlierNotes, s.Notes, notes); err != nil {
		t.Error(err)
	}
	t.Logf("the largest payload has %d bytes", b.largest)
}

// The largest state that there may be, of the longest domain, with all notices unsent.
func TestLargestState(t *testing.T) {
	domain := strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 61)
	hash, long := strings.Repeat("f", 64), strings.Repeat("<", 2000)
	run := hash[:12] + "-12345678-1000"
	report := data.Ref{Name: "reports/" + domain + "/20260301T080000.000000000Z-" + run + ".json", SHA256: hash}
	file := func(folder string) data.Ref {
		return data.Ref{Name: folder + "/" + domain + "/" + hash + ".json", SHA256: hash}
	}
	flat := func(folder string) data.Ref { return data.Ref{Name: folder + "/" + hash + ".json.gz", SHA256: hash} }
	pointer := func(r data.Ref) *data.Ref { return &r }
	problem := func() *Problem {
		return &Problem{Class: federation.ClassUnsettled, Code: hash, Text: clip(long, maxProblem), After: time.Hour}
	}
	arg := RotateArg{Method: federation.SecondApplication, Replace: hash, Settle: time.Hour,
		Consent: federation.RotateConsent{Gap: true, Outage: true, Policies: true, RemoveNextCertificate: true}}
	open := Open{Hash: hash, Verb: federation.VerbDefederate, Proposal: flat("proposals"), Changes: 1e6, LockedOut: 1e6,
		Consent: true, Two: true, First: pointer(flat("approvals")), Life: time.Hour, Standing: true, Rotate: &arg}
	now := time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.UTC)
	customer, batch := strings.Repeat("k", 256), strings.Repeat("b", 100)
	s := State{
		Domain: domain, Customer: customer, Phase: Verifying, Mode: "manage", Found: federation.StateUnknownNext, Paused: true, Unlisted: true,
		Waits: strings.Repeat("w", 200), Problem: problem(), Failures: 1e6, Failing: time.Hour,
		Look: &Look{Gates: 1e6, Warnings: 1e6, LockedOut: 1e6, AlreadyOut: 1e6, People: 1e6, Changes: 1e6, Preflight: pointer(flat("people"))},
		Open: &open, Approved: &Approved{Open: open, Approval: flat("approvals"), Batch: batch, Run: run, Begun: true},
		Effective: true, Verification: pointer(file("verifications")),
		Watch: &Watched{Level: federation.Alarm, Known: true, Days: 1e6, Foreign: true, Compared: true, Drift: 1e6, Twice: true,
			Due: federation.SecondApplication, Replace: hash},
		Rotation: &RotationState{Domain: domain, Method: federation.SecondApplication, Phase: federation.RotationRegenerated, Calls: 1e6,
			Waits: strings.Repeat("w", 200), Problem: problem(), Rotation: pointer(file("rotations"))},
		Next: now, Changed: now,
		Kept: Kept{Watch: now, Whole: now, Open: now, Verify: now, Since: now, Asked: &Queued{Rotate: &arg}, Looks: 1e6, Runs: 1e6, Notices: 1e6,
			Rejected: hash, Held: true, Turn: batch, Batch: batch, Rotation: batch, Sent: true,
			Told: Told{Approval: hash, Refused: mark(long), Late: mark(long), Expiry: 30, Foreign: true, Drift: true}},
	}
	for i := range 100 {
		r := report
		r.Name = strings.Replace(r.Name, "1000", fmt.Sprint(1000+i), 1)
		s.Reports, s.Kept.Ran = append(s.Reports, r), append(s.Kept.Ran, r)
		s.Notes = append(s.Notes, data.Ref{Name: "notes/" + hash + ".json", SHA256: hash})
		if i < maxSeen {
			s.Kept.Seen = append(s.Kept.Seen, hash)
		}
		if i < 8 {
			s.Layers = append(s.Layers, Layer{Name: strings.Repeat("l", 30), Status: federation.Wrong})
		}
		if i < 12 {
			s.Watch.Codes = append(s.Watch.Codes, strings.Repeat("c", 30))
		}
	}
	s.shorten()
	if len(s.Reports) < 10 || len(s.Notes) < 15 || s.EarlierReports.Count == 0 || s.EarlierNotes.Count == 0 || len(s.Kept.Ran) != maxRan {
		t.Errorf("%d reports, %d notes, %d", len(s.Reports), len(s.Notes), len(s.Kept.Ran))
	}
	in := DomainIn{Domain: domain, Speed: 1.5, State: &s, Queue: []Queued{{Revert: true}, {Rotate: &arg}, {Look: true}}}
	for i := range maxNotices {
		in.Notices = append(in.Notices, Unsent{Until: now, Notice: Notice{ID: domain + "/12345678/100" + fmt.Sprint(i), Kind: NoticeApproval,
			Domain: domain, Customer: customer, Hash: hash, Days: 30, Text: clip(long, maxText)}}.short())
	}
	n := len(asJSON(t, in))
	if t.Logf("%d bytes; the state %d", n, len(asJSON(t, s))); n > 32<<10 || n < 24<<10 {
		t.Errorf("the largest argument has %d bytes", n)
	}
}
