package federation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// Forty customers are federated behind a key that may ask ten times a second: they
// take hardly longer than the throttle demands, and are hardly ever refused.
func TestTenantsThrottled(t *testing.T) {
	run := func(t *testing.T, concurrency int, apart bool) (took, schedule time.Duration, refused float64) {
		const latency = 50 * time.Millisecond
		p := federationtest.NewProvider(40, nil)
		p.JumpCloud.Latency = latency
		p.JumpCloud.Throttle = &jumpcloudtest.Throttle{Rate: 10, Burst: 10, Grace: latency}
		tenants := p.Tenants(nil)
		if apart {
			for i, e := range p.Customers {
				tenants[i].Federator = federation.New(e.JumpCloud.Client(nil), e.AzureAD.Client(nil), nil)
			}
		}
		s, err := federation.FederateTenants(t.Context(), tenants, &federation.TenantsOptions{Concurrency: concurrency})
		if err != nil || s.Count(federation.TenantChanged) != 40 {
			t.Fatalf("%v\n%s", err, s)
		}
		stats := p.JumpCloud.Throttle.Stats()
		took, schedule = s.Finished.Sub(s.Started), p.JumpCloud.Throttle.Schedule(stats.Accepted)
		t.Logf("%v for a schedule of %v, %d of %d refused", took, schedule, stats.Refused, stats.Accepted+stats.Refused)
		return took, schedule, float64(stats.Refused) / float64(stats.Accepted+stats.Refused)
	}
	for name, concurrency := range map[string]int{"some at a time": 0, "all at once": 40} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, schedule, refused := run(t, concurrency, false)
				if took > schedule*11/10 {
					t.Errorf("took %v; the schedule allows %v", took, schedule)
				}
				if refused > 0.05 {
					t.Errorf("%.1f %% refused", refused*100)
				}
			})
		})
	}
	t.Run("made apart", func(t *testing.T) { // else the cases above are none
		synctest.Test(t, func(t *testing.T) {
			if _, _, refused := run(t, 0, true); refused < 0.1 {
				t.Errorf("%.1f %% refused; there is nothing to better", refused*100)
			}
		})
	})
}
