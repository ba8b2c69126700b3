package jobs

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

func TestACallIsNotMadeWhenItsIntentMayBeStale(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name  string
		got   store.Receipt
		began time.Time // by the monotonic clock
		wall  time.Time
		fit   bool
	}{
		{"all is well", store.Receipt{Now: now, Confirmed: true}, now, now, true},
		{"half a second of difference", store.Receipt{Now: now.Add(500 * time.Millisecond), Confirmed: true}, now, now, true},
		{"Redis is far ahead", store.Receipt{Now: now.Add(12 * time.Second), Confirmed: true}, now, now, false},
		{"Redis is far behind", store.Receipt{Now: now.Add(-12 * time.Second), Confirmed: true}, now, now, false},
		{"slept", store.Receipt{Now: now, Confirmed: true}, now.Add(-3 * time.Second), now, false},
		// The monotonic clock stands still while a virtual machine is suspended.
		{"was suspended", store.Receipt{Now: now, Confirmed: true}, now, now.Add(-3 * time.Second), false},
		{"no replica has it", store.Receipt{Now: now}, now, now, false},
		{"Redis jumped ahead", store.Receipt{Now: now, Confirmed: true, Ahead: true}, now, now, false},
		{"Redis is another process", store.Receipt{Now: now, Confirmed: true, Restarted: true}, now, now, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if why := unsafeToSend(tt.got, tt.began, tt.wall.Round(0)); (why == approvals.Cause{}) != tt.fit {
				t.Errorf("got %q", why)
			}
		})
	}
}
