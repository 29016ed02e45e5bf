package page

import (
	"cmp"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// layerView is a layer of the last Verify.
type layerView struct {
	Name, Status, Class      string
	Evidence, Checked, Range string
}

// rotationView is how far the rotation is.
type rotationView struct {
	flow.RotationState
	Next, NotBefore string
	Old, New        string // certificates, "" if not known
	Steps           int
	Lacks           string // why there is no more to show
}

// live looks up what the script keeps fresh.
func (d *domainView) live() {
	b := d.p.o.Backend
	if d.Phase == flow.Running {
		d.Steps = b.Live(d.Domain)
	}
	more := make(map[string]federation.Layer)
	if d.Verification != nil {
		if v, err := b.Verification(d.Domain); err == nil {
			for _, l := range v.Layers {
				more[l.Name] = l
			}
		}
	}
	for _, l := range d.State.Layers {
		one := layerView{Name: layerName(l.Name), Status: string(l.Status), Class: layerClass(l.Status)}
		if m := more[l.Name]; m.Status == l.Status { // else it is of another look
			one.Evidence, one.Checked, one.Range = m.Evidence, clock(m.Checked), m.Range
			if m.Works {
				one.Range = strings.TrimPrefix(one.Range+"; people can sign in all the same", "; ")
			}
		}
		d.Layers = append(d.Layers, one)
	}
	if d.Rotation == nil {
		return
	}
	d.Rotating = &rotationView{RotationState: *d.Rotation}
	switch rot, err := b.Rotation(d.Domain); {
	case err == nil:
		d.Rotating.Next, d.Rotating.NotBefore, d.Rotating.Steps = rot.Next, clock(rot.NotBefore), len(rot.Steps)
		d.Rotating.Old, d.Rotating.New = certificateName(rot.Old), certificateName(rot.New)
	case !errors.Is(err, fs.ErrNotExist):
		d.Rotating.Lacks = sentence(err.Error())
	}
}

func certificateName(c federation.Certificate) string {
	if c.Fingerprint == "" && c.Thumbprint == "" {
		return ""
	}
	return c.String()
}

func layerName(name string) string {
	words := map[string]string{
		federation.LayerApplication: "Application: active, and bound to its groups",
		federation.LayerCertificate: "Certificate: the same at JumpCloud and in Azure AD",
		federation.LayerGraph:       "Azure AD: says federated, with the plan's values",
		federation.LayerRealm:       "Realm: what the sign-in page asks",
		federation.LayerPeople:      "People: bound, synchronised, with immutable IDs",
		federation.LayerSignIn:      "Sign-in: real sign-ins in the logs",
	}
	return cmp.Or(words[name], name)
}

func layerClass(s federation.LayerStatus) string {
	switch s {
	case federation.Good:
		return "good"
	case federation.Wrong:
		return "bad"
	case federation.Late:
		return "warn"
	}
	return "muted"
}

// FoundWords say what the state means that the domain was seen in.
func (d *domainView) FoundWords() string {
	if d.Found == "" {
		return "not seen yet"
	}
	if m := d.Found.Meaning(); m != "" {
		return string(d.Found) + ": " + m
	}
	return string(d.Found)
}

// ClassWords say what the class of a problem means.
func problemMeans(c federation.ErrorClass) string {
	words := map[federation.ErrorClass]string{
		federation.ClassTemporary: "It is tried again by itself.",
		federation.ClassUnsettled: "It looks again first, and goes on from what it finds.",
		federation.ClassPeople:    "It goes on when somebody has done something.",
		federation.ClassStopped:   "It was stopped, and goes on when it is called again.",
		federation.ClassFault:     "Something is wrong with the operator itself: its log says more.",
	}
	return cmp.Or(words[c], string(c))
}

// ProblemView is a problem in words.
type problemView struct {
	Class, Code, Text, Meaning, After string
}

func problemOf(p *flow.Problem) *problemView {
	if p == nil {
		return nil
	}
	out := &problemView{Class: string(p.Class), Code: p.Code, Text: p.Text, Meaning: problemMeans(p.Class)}
	if p.After > 0 {
		out.After = span(p.After)
	}
	return out
}

// Trouble is why the domain does not go on; nil if it does.
func (d *domainView) Trouble() *problemView { return problemOf(d.Problem) }

// Trouble is why the rotation does not go on; nil if it does.
func (r *rotationView) Trouble() *problemView { return problemOf(r.Problem) }

// FailingWords say how often, and for how long, reads or runs have failed.
func (d *domainView) FailingWords() string { return failingWords(d.Failures, d.Failing) }

// FailingWords say the same of the calls of the rotation.
func (r *rotationView) FailingWords() string { return failingWords(r.Failures, r.Failing) }

func failingWords(n int, d time.Duration) string {
	switch {
	case n == 0:
		return ""
	case n == 1:
		return "It failed once."
	}
	return "It failed " + strconv.Itoa(n) + " times in a row, for " + span(d) + "."
}

// CertificateClass is the class of what was found about the certificates.
func (d *domainView) CertificateClass() string {
	switch w := d.Watch; {
	case w == nil:
		return "muted"
	case w.Foreign || w.Level == federation.Alarm || w.Known && w.Days <= 1:
		return "bad"
	case w.Level == federation.Warning || w.Level == federation.Refusal || w.Known && w.Days <= 30:
		return "warn"
	}
	return "good"
}

// DaysWords say how long the certificate is good that ends first.
func (d *domainView) DaysWords() string {
	switch w := d.Watch; {
	case w == nil || !w.Known:
		return "not known"
	case w.Days < 0:
		return "it has ended"
	case w.Days == 0:
		return "it ends today"
	default:
		return count(w.Days, "day is left", "days are left")
	}
}
