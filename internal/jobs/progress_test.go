package jobs

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
)

// A server reaches its state at any moment of a job's first two minutes; the queries are
// as late as jitter makes them, and the card was just drawn. Calls have half a second.
func TestTheCardFollowsServersWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	cfg := Config{}.withDefaults()
	const calls = 500 * time.Millisecond
	longest := func(n int) time.Duration { return cfg.pollPause(n) * 6 / 5 }
	query, n := longest(0), 0
	for at := time.Duration(0); at < 2*time.Minute; at += 50 * time.Millisecond {
		for query < at {
			n++
			query += longest(n)
		}
		if shown := query + cfg.Redraw + calls; shown > at+5*time.Second {
			t.Fatalf("what is true after %v is shown after %v", at, shown)
		}
	}
	// The cloud is asked less than once in two seconds for any job, and drawings of one
	// card alone stay below Slack's limit.
	for i := range cfg.Polls {
		if cfg.pollPause(i)*4/5 < 2*time.Second || i > 0 && cfg.pollPause(i) < cfg.pollPause(i-1) {
			t.Errorf("pause %d is %v", i, cfg.pollPause(i))
		}
	}
	if cfg.Redraw < cfg.DrawGap {
		t.Errorf("a card is drawn each %v, all cards each %v", cfg.Redraw, cfg.DrawGap)
	}
}

// The card counts a server that is off while another one of its batch takes long; at the
// end nothing is counted twice.
func TestTheCardCountsServersOfABatchThatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := ""
	w.cloud = ecssim.New(ecssim.Options{ProjectID: projectID, Seed: 1, JobTime: func(id string) time.Duration {
		if id == slow {
			return time.Hour
		}
		return 20 * time.Millisecond
	}})
	t.Cleanup(w.cloud.Close)
	ids := w.fleet(3)
	slow = ids[2]
	e := w.opened()
	m := newMessenger()
	seen := make(chan approvals.Request, 1000)
	m.draw = func(r approvals.Request) approvals.Delivery {
		seen <- r
		return approvals.Delivery{}
	}
	r := w.approved(e, "op", ids...)
	w.run(e, m)
	shows := func(what string, ok func(approvals.Request) bool) approvals.Request {
		t.Helper()
		var last approvals.Request
		w.within(20*time.Second, what, func() bool {
			for {
				select {
				case last = <-seen:
					if ok(last) {
						return true
					}
				default:
					return false
				}
			}
		})
		return last
	}
	shows("the card counts two of three", func(r approvals.Request) bool {
		return r.State == approvals.Executing && r.Progress().Stopped == 2
	})
	w.cloud.SetSpeed(1e6)
	end := shows("the end", func(r approvals.Request) bool { return r.State.Final() })
	if end.ID != r.ID || end.Tally != (approvals.Tally{Stopped: 3}) || end.Progress() != end.Tally || end.Early != (approvals.Tally{}) {
		t.Errorf("at the end it counts %+v, and %+v early", end.Tally, end.Early)
	}
}
