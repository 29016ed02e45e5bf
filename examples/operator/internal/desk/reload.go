package desk

import (
	"context"
	"errors"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
)

// verbCustomers is the audit's verb of a change of the customers file.
const verbCustomers = "customers-file"

// Reload reads the customers file again. What has changed is written into the audit, and
// told to the workflows that it is about: if Temporal is away, as soon as it is back. A
// file that is wrong changes nothing. The error says why it was not taken, or that the
// audit could not be written; the file is then in force nevertheless.
func (d *Desk) Reload(ctx context.Context) ([]customers.Difference, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	defer d.board.changed()
	differences, err := d.o.Customers.Reload()
	if err != nil {
		kept := d.Log(audit.Entry{Verb: verbCustomers, Outcome: "not taken: " + err.Error()})
		return nil, errors.Join(err, kept)
	}
	d.o.Vault.Forget()
	var failed []error
	var domains []string
	for _, c := range differences {
		e := audit.Entry{Verb: verbCustomers, Customer: c.Name, Outcome: string(c.Kind)}
		if len(c.Fields) > 0 {
			e.Outcome += ": " + strings.Join(c.Fields, ", ")
		}
		if c.Domain != customers.Everybody {
			e.Domain = c.Domain
			domains = append(domains, c.Domain)
			d.miss(c.Domain, c.Kind)
		}
		if err := d.Log(e); err != nil {
			failed = append(failed, err)
		}
	}
	err = each(ctx, domains, d.tell)
	d.keepTold()
	if err != nil {
		d.o.Log.Warn("what has changed in the customers file is told to the workflows later", "error", err.Error())
		d.heard(err)
		d.nudge()
	}
	return differences, errors.Join(failed...)
}

// nudge has Start look at once what is to be told.
func (d *Desk) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
