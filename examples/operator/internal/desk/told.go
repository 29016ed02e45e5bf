package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// signal is what a workflow is told of a change of the customers file.
type signal struct {
	flow.ListedSignal
	begin bool   // the workflow, if there is none; also after it was retired
	plan  string // the SHA-256 of the plan that it is told of
}

// unlisted begins what is kept of a domain that is listed no more; the plan's sum that its
// workflow was told of last follows, so that the same plan, listed again, voids nothing.
const unlisted = "unlisted "

// isUnlisted reports whether what is kept of a domain says that it is listed no more.
func isUnlisted(told string) bool { return told == "" || strings.HasPrefix(told, unlisted) }

// planSum is the SHA-256 of a plan, as JSON.
func planSum(p federation.Plan) string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings, numbers and booleans
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// meanwhile compares the customers file with what the workflows were told of it by an
// operator before this one, which is kept in the folder, and notes what they have to be
// told: so that what was changed while none was there voids open proposals as well. What
// is told twice is done twice, and nothing worse. Without a record all is taken to be told.
func (d *Desk) meanwhile() {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	told, err := d.o.Data.Told()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.o.Log.Warn("nobody knows which plans have changed while no operator was there", "error", err.Error())
		}
		told = nil
	}
	now := make(map[string]string)
	if f := d.File(); f != nil {
		for _, c := range f.Customers {
			now[c.Domain] = planSum(c.Plan)
		}
	}
	d.mu.Lock()
	if d.told = told; told == nil {
		d.told, d.untold = now, true
	}
	d.mu.Unlock()
	if told != nil {
		for _, domain := range slices.Sorted(maps.Keys(now)) {
			switch was, known := told[domain]; {
			case !known, isUnlisted(was):
				d.found(domain, customers.Added)
			case was != now[domain]:
				d.found(domain, customers.PlanChanged)
			}
		}
		for _, domain := range slices.Sorted(maps.Keys(told)) {
			if _, listed := now[domain]; !listed && !isUnlisted(told[domain]) {
				d.found(domain, customers.Removed)
			}
		}
	}
	d.keepTold()
}

// found notes, and writes into the audit what has changed while no operator was there.
func (d *Desk) found(domain string, kind customers.Kind) {
	d.miss(domain, kind)
	e := audit.Entry{Verb: verbCustomers, Domain: domain, Outcome: string(kind) + " while no operator was there"}
	if c, ok := d.File().ByDomain(domain); ok {
		e.Customer = c.Name
	}
	if err := d.Log(e); err != nil {
		d.o.Log.Error("the audit does not have a change of the customers file", "domain", domain, "error", err.Error())
	}
}

// miss notes what a workflow has to be told: what the file in force says of it. Its plan
// is another one if it is said to be, or is not the one that it was told of last.
func (d *Desk) miss(domain string, kind customers.Kind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var s signal
	was := d.missed[domain]
	if c, ok := d.File().ByDomain(domain); ok {
		s.Listed, s.plan = true, planSum(c.Plan)
		told, known := d.told[domain]
		s.Plan = kind == customers.PlanChanged || was.Plan || known && strings.TrimPrefix(told, unlisted) != s.plan
		s.begin = kind == customers.Added || was.begin
	}
	d.missed[domain] = s
}

// heardOf compares what a workflow says when it is first heard of with the customers file.
func (d *Desk) heardOf(s flow.State) {
	if _, ok := d.File().ByDomain(s.Domain); ok == s.Unlisted && s.Phase != flow.Retired {
		d.miss(s.Domain, customers.Other)
		d.nudge()
	}
}

// wasTold notes that a workflow was told, for keepTold.
func (d *Desk) wasTold(domain string, s signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.missed[domain] == s {
		delete(d.missed, domain)
	}
	if d.told == nil {
		return
	}
	now := s.plan
	if !s.Listed {
		now = unlisted + strings.TrimPrefix(d.told[domain], unlisted)
	}
	d.told[domain], d.untold = now, true
}

// keepTold keeps in the folder what the workflows were told. What is not kept is told
// again by the next operator.
func (d *Desk) keepTold() {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	d.mu.Lock()
	untold, told := d.untold, maps.Clone(d.told)
	d.untold = false
	d.mu.Unlock()
	if !untold {
		return
	}
	if err := d.o.Data.SaveTold(told); err != nil {
		d.o.Log.Warn("what the workflows were told of the customers file is not kept: the next operator tells them again", "error", err.Error())
		d.mu.Lock()
		defer d.mu.Unlock()
		d.untold = true
	}
}
