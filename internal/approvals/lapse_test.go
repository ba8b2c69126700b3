package approvals

import (
	"testing"
	"time"
)

func TestApprovalsGetOld(t *testing.T) {
	approved := noon.Add(time.Minute)
	for _, test := range []struct {
		name  string
		state State
		ttl   time.Duration
		last  time.Duration // after the approval, when something was last sent; 0: nothing
		after time.Duration // after the approval
		stop  bool
		want  bool
	}{
		{name: "fresh", ttl: 2 * time.Hour, after: 119 * time.Minute},
		{name: "too old", ttl: 2 * time.Hour, after: 2 * time.Hour, want: true},
		{name: "a short time to approve is no short time to send", ttl: time.Minute, after: 59 * time.Minute},
		{name: "but an hour is enough", ttl: time.Minute, after: time.Hour, want: true},
		{name: "work goes on", ttl: 2 * time.Hour, last: time.Hour, after: 179 * time.Minute},
		{name: "work has stood still", ttl: 2 * time.Hour, last: time.Hour, after: 3 * time.Hour, want: true},
		{name: "cancelled before", ttl: 2 * time.Hour, after: 5 * time.Hour, stop: true},
		{name: "not begun", state: Approved, ttl: 2 * time.Hour, after: 5 * time.Hour},
	} {
		r := Request{
			ID: "S-23456", State: Executing,
			Asked:   Asked{Created: noon},
			Decided: Decided{Expires: noon.Add(test.ttl), Decisions: []Decision{{Choice: ChoseApprove, By: "U1", At: approved}}},
		}
		if test.state != "" {
			r.State = test.state
		}
		if test.stop {
			r.Cancellation = &Decision{Choice: ChoseCancel}
		}
		var last time.Time
		if test.last > 0 {
			last = approved.Add(test.last)
		}
		now := approved.Add(test.after)
		next, old := r.Lapse(last, now)
		if old != test.want {
			t.Errorf("%s: too old: %v", test.name, old)
		}
		if old && (next.Cancellation.Choice != ChoseLapse || !next.Cancellation.At.Equal(now) || next.State != Executing || r.Cancellation != nil) {
			t.Errorf("%s: %+v", test.name, next)
		}
	}
}
