package jobs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// workflows is a messenger that notes which ends its steps were told.
type workflows struct {
	*messenger

	mu     sync.Mutex
	ends   []approvals.Request // guarded by mu
	refuse error               // of each try; guarded by mu
}

func (f *workflows) CompleteStep(_ context.Context, r approvals.Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, r)
	return f.refuse
}

func (f *workflows) told() []approvals.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ends)
}

// byStep makes a request of a step, which was withdrawn so long ago.
func (w *world) byStep(e *Engine, ago time.Duration) approvals.Request {
	w.t.Helper()
	r, err := e.Ask(w.t.Context(), approvals.Ask{OpID: "op", By: approvals.Person{ID: "UANN"}, Channel: "C1", Servers: w.fleet(1), Step: "Fx1"})
	if err == nil {
		r, err = e.Cancel(w.t.Context(), r.ID, approvals.Person{ID: "UANN"}, "op2")
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if ago > 0 {
		stored, err := e.loadRequest(w.t.Context(), r.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		stored.Body.Finished = stored.Body.Finished.Add(-ago)
		w.commit(e, store.NewChange().Write(e.keys.request(r.ID), stored.Ver, stored.Body))
	}
	return r
}

// The end of a request and that its step is owed one are one commit, so an engine that
// starts later completes the step, with the card's place for the link.
func TestAStepIsCompletedByALaterEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.byStep(w.opened(), 0)
	f := &workflows{messenger: newMessenger()}
	w.run(w.engine(), f)
	w.within(10*time.Second, "end of the step", func() bool { return len(f.told()) > 0 })
	if got := f.told()[0]; got.ID != r.ID || got.State != approvals.Cancelled || got.Step != "Fx1" || got.Thread.TS == "" {
		t.Errorf("told %+v", got)
	}
}

// A step that cannot be completed is tried again, and given up after a day.
func TestAStepIsTriedForADay(t *testing.T) {
	for name, c := range map[string]struct {
		ago  time.Duration
		more bool
	}{
		"within a day": {0, true},
		"after a day":  {stepLife, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.opened()
			r := w.byStep(e, c.ago)
			f := &workflows{messenger: newMessenger(), refuse: errors.New("as planned")}
			w.run(e, f)
			w.within(10*time.Second, "a try", func() bool { return len(f.told()) > 0 })
			due := func() bool { return w.rdb.ZScore(t.Context(), w.key("due"), kindStep.item(r.ID)).Err() == nil }
			if c.more {
				w.within(10*time.Second, "three tries", func() bool { return len(f.told()) >= 3 })
				return
			}
			w.within(10*time.Second, "end of the tries", func() bool { return !due() })
			if n := len(f.told()); n != 1 {
				t.Errorf("tried %d times", n)
			}
		})
	}
}
