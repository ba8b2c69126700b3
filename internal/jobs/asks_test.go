package jobs

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

func refusalOf(err error) approvals.RefusalKind {
	if no, ok := errors.AsType[*approvals.Refusal](err); ok {
		return no.Kind
	}
	return ""
}

// Over all replicas, and whatever becomes of the asks.
func TestOnePersonsAsksAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	const most = 7
	limited := func(c *Config) { c.Projects[0].Policy.MaxAsksPerHour = most }
	engines := []*Engine{w.opened(limited), w.opened(limited)}
	var through atomic.Int32
	var wg sync.WaitGroup
	for n := range 3 * most {
		wg.Go(func() {
			ask := askOf(fmt.Sprint("op", n), ids[0])
			ask.DryRun = true
			_, err := engines[n%2].Ask(t.Context(), ask)
			if err == nil {
				through.Add(1)
			} else if refusalOf(err) != approvals.TooManyAsks {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := through.Load(); n != most {
		t.Errorf("%d asks in an hour, want %d", n, most)
	}
	e := engines[0]
	_, err := e.Draft(t.Context(), askOf("draft", ids[0]))
	no, _ := errors.AsType[*approvals.Refusal](err)
	if no == nil || no.Kind != approvals.TooManyAsks || no.Limit != most {
		t.Fatalf("a preview: %v", err)
	}
	if wait := no.RetryAt.Sub(e.now()); wait < 55*time.Minute || wait > time.Hour {
		t.Errorf("one may ask again in %v", wait)
	}
	// Another person may, and the first one again when the hour is over.
	other := askOf("other", ids[0])
	other.By = dora
	if _, err := e.Ask(t.Context(), other); err != nil {
		t.Error(err)
	}
	if ttl := do(w, w.rdb.PTTL(t.Context(), w.keys.asks(anna.ID))); ttl <= 0 || ttl > time.Hour {
		t.Errorf("the count is kept for %v", ttl)
	}
}

// An ask that is repeated after a crash counts once; so does a preview with the
// request that is made of it.
func TestAnAskThatIsRepeatedCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e := w.opened(func(c *Config) { c.Projects[0].Policy.MaxAsksPerHour = 2 })
	for range 3 {
		w.ask(e, "op", ids[0])
		if _, err := e.Draft(t.Context(), askOf("draft", ids[1])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.AskDraft(t.Context(), "draft", anna); err != nil {
		t.Error(err)
	}
}

func TestOnePersonsOpenRequestsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const most = 3
	ids := w.fleet(12)
	limited := func(c *Config) { c.Projects[0].Policy.MaxOpenRequests = most }
	engines := []*Engine{w.opened(limited), w.opened(limited)}
	var mu sync.Mutex
	var made []approvals.Request
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() {
			r, err := engines[n%2].Ask(t.Context(), askOf(fmt.Sprint("op", n), ids[n]))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made = append(made, r)
			} else if refusalOf(err) != approvals.TooManyOpen {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(made) != most {
		t.Fatalf("%d requests were made, want %d", len(made), most)
	}
	e := engines[0]
	if n := do(w, w.rdb.HLen(t.Context(), w.key("locks"))); n != most {
		t.Errorf("%d servers are locked", n)
	}
	dry := askOf("dry", ids[10])
	dry.DryRun = true
	if _, err := e.Ask(t.Context(), dry); err != nil {
		t.Errorf("a dry run makes none: %v", err)
	}
	if _, err := e.Cancel(t.Context(), made[0].ID, anna, "cancel"); err != nil {
		t.Fatal(err)
	}
	w.ask(e, "another", ids[10])
	if _, err := e.Ask(t.Context(), askOf("one more", ids[11])); refusalOf(err) != approvals.TooManyOpen {
		t.Errorf("one more: %v", err)
	}
	// A replica of an older version ends a request and forgets to count it off.
	w.rdb.ZRem(t.Context(), w.keys.open(), made[1].ID)
	w.ask(e, "one more", ids[11])
}
