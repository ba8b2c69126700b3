package jobs

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// One server hangs in going off. The others are free as soon as they are done,
// whether they share its batch or not; and it does not keep the request for
// ever.
func TestAServerThatHangsKeepsNoOther(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"in a batch of its own": 1, "in one batch with the others": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(3)
			e := w.opened(func(c *Config) {
				c.Projects[0].BatchSize, c.MaxJobAge, c.JobDeadline, c.GiveUp = size, time.Second, 200*time.Millisecond, 4*time.Second
			})
			if err := w.cloud.StickServer(ids[2]); err != nil {
				t.Fatal(err)
			}
			r := w.approved(e, "op", ids...)
			f := newMessenger()
			w.run(e, f)
			for _, id := range ids[:2] {
				w.within(10*time.Second, id+" is free", func() bool {
					return !do(w, w.rdb.HExists(t.Context(), w.key("locks"), id))
				})
			}
			if got, err := e.Find(t.Context(), r.ID); err != nil || got.State != approvals.Executing {
				t.Fatalf("not the case that is tested: %s, %v", got.State, err)
			}
			w.startByHand(ids[0])
			if _, err := e.Ask(t.Context(), askOf("other", ids[0])); err != nil {
				t.Errorf("asking for a server that is done: %v", err)
			}
			end := w.ended(20*time.Second, e, r.ID)
			if end.State != approvals.Unknown || end.Tally != (approvals.Tally{Stopped: 2, Unknown: 1}) {
				t.Errorf("it ended %s, %+v", end.State, end.Tally)
			}
			if _, err := e.Resolve(t.Context(), r.ID, ben, false, "seen in the console", "s1"); err != nil {
				t.Errorf("an approver's word: %v", err)
			}
			late := 0
			for _, entry := range w.entries() {
				if entry.Event == "late" {
					late++
				}
			}
			if late != 1 {
				t.Errorf("people were told %d times that it takes longer", late)
			}
		})
	}
}
