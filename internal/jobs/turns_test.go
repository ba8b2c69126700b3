package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"

	"github.com/prometheus/client_golang/prometheus"
)

// What a person waits for comes first, then cards, then the rest; but what has waited
// long enough comes before all that is newer.
func TestOutcomesComeBeforeCardsAndNothingWaitsForever(t *testing.T) {
	now := time.Now()
	owed := func(ago time.Duration, topics ...approvals.Topic) int64 {
		var notes []approvals.Note
		for _, topic := range topics {
			notes = append(notes, approvals.Note{Topic: topic, At: now.Add(-ago)})
		}
		return postScore(notes)
	}
	order := []int64{
		owed(4*time.Minute, approvals.TopicSent),
		owed(90*time.Second, approvals.TopicCard),
		owed(0, approvals.TopicOutcome),
		owed(50*time.Second, approvals.TopicCard),
		owed(0, approvals.TopicCard),
		owed(100*time.Second, approvals.TopicApproved),
		owed(0, approvals.TopicSent),
	}
	if !slices.IsSorted(order) {
		t.Errorf("the order is %v", order)
	}
	if owed(0, approvals.TopicCard, approvals.TopicApproved, approvals.TopicOutcome) != owed(0, approvals.TopicOutcome) {
		t.Error("a card on which an outcome waits is not as urgent as that")
	}
}

func TestDecisionsAndEndsAreDrawnFirst(t *testing.T) {
	now := time.Now()
	done := approvals.Work{Tally: approvals.Tally{Stopped: 1}}
	order := []int64{
		drawScore(approvals.Request{State: approvals.Denied}, now, now),
		drawScore(approvals.Request{State: approvals.Executing}, now, now),
		drawScore(approvals.Request{State: approvals.Executing, Work: done}, time.Time{}, now),
		drawScore(approvals.Request{State: approvals.Executing, Work: done}, now.Add(-time.Hour), now),
		drawScore(approvals.Request{State: approvals.Executing, Work: done}, now, now),
	}
	if !slices.IsSorted(order) || len(slices.Compact(slices.Clone(order))) != len(order) {
		t.Errorf("the order is %v", order)
	}
	if cancelled := drawScore(approvals.Request{State: approvals.Executing, Work: done, Decided: approvals.Decided{Cancellation: &approvals.Decision{}}}, now, now); cancelled != order[0] {
		t.Error("a cancellation is drawn as progress")
	}
}

// What one post tells in a channel that is behind.
func TestWhatIsToldTogether(t *testing.T) {
	owed := func(topics ...approvals.Topic) []approvals.Note {
		var notes []approvals.Note
		for _, topic := range topics {
			notes = append(notes, approvals.Note{Topic: topic})
		}
		return notes
	}
	many := slices.Repeat([]approvals.Topic{approvals.TopicTrouble}, 2*maxMerged)
	for name, tt := range map[string]struct {
		topics []approvals.Topic
		behind bool
		want   int
	}{
		"all up to the outcome":        {[]approvals.Topic{approvals.TopicApproved, approvals.TopicSent, approvals.TopicTrouble, approvals.TopicOutcome, approvals.TopicResolved}, true, 4},
		"not on an idle channel":       {[]approvals.Topic{approvals.TopicApproved, approvals.TopicSent}, false, 1},
		"of one topic in any case":     {[]approvals.Topic{approvals.TopicSent, approvals.TopicSent, approvals.TopicOutcome}, false, 2},
		"a card is alone":              {[]approvals.Topic{approvals.TopicCard, approvals.TopicApproved}, true, 1},
		"a file is alone":              {[]approvals.Topic{approvals.TopicApproved, approvals.TopicList, approvals.TopicOutcome}, true, 1},
		"announcements are alone":      {[]approvals.Topic{approvals.TopicFrozen, approvals.TopicUnfrozen}, true, 1},
		"a reminder is alone":          {[]approvals.Topic{approvals.TopicApproved, approvals.TopicReminder}, true, 1},
		"nothing more after the end":   {[]approvals.Topic{approvals.TopicOutcome, approvals.TopicResolved}, true, 1},
		"not more than a message has":  {many, true, maxMerged},
		"of many alone where it is so": {many, false, 1},
	} {
		if got := together(owed(tt.topics...), tt.behind); len(got) != tt.want {
			t.Errorf("%s: %d of %v", name, len(got), tt.topics)
		}
	}
}

// Two replicas keep one pace in one channel, other channels have their own, and a thread
// that waits is not worked on until its turn.
func TestReplicasShareAPaceAndWaitingCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const threads, gap = 60, 60 * time.Millisecond
	servers := w.fleet(threads)
	f := newMessenger()
	var posts []time.Time // guarded by f.mu
	f.fault = func(approvals.Message) fault {
		posts = append(posts, time.Now())
		return fault{}
	}
	asker := w.opened()
	for n, s := range servers {
		w.owe(asker, fmt.Sprint(n), s)
	}
	slow := func(c *Config) { c.PostGap = gap }
	a, b := w.engine(slow), w.engine(slow)
	began := time.Now()
	w.run(a, f)
	w.run(b, f)
	w.within(20*time.Second, "all cards", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(posts) == threads
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	took, least := posts[threads-1].Sub(posts[0]), (threads-1)*gap
	if took < least-gap {
		t.Errorf("%d posts in %v, and the pace wants %v", threads, took, least)
	}
	for i := 5; i < threads; i++ { // not each gap: a step may be late
		if five := posts[i].Sub(posts[i-5]); five < 4*gap {
			t.Errorf("five gaps before post %d took %v", i, five)
		}
	}
	steps := stepsOf(t, a, "t") + stepsOf(t, b, "t")
	if steps > 6*threads { // some more than four each where both replicas are slow
		t.Errorf("%d steps of threads for %d posts in %v", steps, threads, time.Since(began))
	}
}

// stepsOf counts the steps of one kind that an engine has done.
func stepsOf(t *testing.T, e *Engine, kind string) int {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(e.cfg.Metrics.steps)
	all, err := reg.Gather()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	n := 0
	for _, m := range all[0].GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "kind" && label.GetValue() == kind {
				n += int(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return n
}

// Posts may wait long for their turn; the drawing of a decision does not wait with them.
func TestAThreadThatWaitsForItsTurnIsDrawnMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened(func(c *Config) { c.PostGap = 300 * time.Millisecond })
	f := newMessenger()
	w.run(e, f)
	ids := w.fleet(8)
	first := w.ask(e, "first", ids[0])
	w.within(5*time.Second, "the card", func() bool { return len(f.posted(first.ID)) == 1 })
	for n, id := range ids[1:] {
		w.ask(e, fmt.Sprint(n), id)
	}
	if _, err := e.Deny(t.Context(), first.ID, ben, "no", "click"); err != nil {
		t.Fatal(err)
	}
	w.within(2*time.Second, "the drawing and the answer", func() bool {
		f.mu.Lock()
		drawn := slices.Contains(f.drawn[first.ID], approvals.Denied)
		f.mu.Unlock()
		return drawn && len(f.posted(first.ID)) == 2 // before the cards
	})
	cards := 0
	for id := range f.all() {
		if id != first.ID {
			cards++
		}
	}
	if cards == len(ids)-1 {
		t.Error("all cards came before the answer to a decision")
	}
}

// all are the posts by request.
func (f *messenger) all() map[string][]post {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string][]post{}
	for id, posts := range f.posts {
		all[id] = slices.Clone(posts)
	}
	return all
}

// Slack refuses a post of several notes. Then the first is posted alone, and each is
// given up in its own way.
func TestARefusedPostOfManyIsToldOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := newMessenger()
	var mu sync.Mutex
	refused := 0
	f.fault = func(m approvals.Message) fault {
		mu.Lock()
		defer mu.Unlock()
		topics := map[approvals.Topic]bool{}
		for _, n := range m.Notes {
			topics[n.Topic] = true
		}
		switch {
		case len(topics) > 1:
			refused++
			return fault{fate: approvals.Rejected, code: "msg_too_long"}
		case m.Notes[0].Topic == approvals.TopicOutcome:
			return fault{fate: approvals.Rejected, code: "is_archived"}
		}
		return fault{}
	}
	e := w.opened(func(c *Config) { c.PostGap = 20 * time.Millisecond })
	ids := w.fleet(12)
	for n, id := range ids[1:] {
		w.owe(e, fmt.Sprint(n), id)
	}
	id, notes := w.owe(e, "op", ids[0], approvals.TopicApproved, approvals.TopicSent, approvals.TopicOutcome)
	w.run(e, f)
	w.within(10*time.Second, "nothing is owed", func() bool { return do(w, w.rdb.Exists(t.Context(), w.keys.outbox(id))) == 0 })
	if got := f.posted(id); !slices.Equal(got, notes[:3]) {
		t.Errorf("told %v, want %v", got, notes[:3])
	}
	w.within(5*time.Second, "a private message with the outcome", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.Contains(f.told, anna.ID+" "+notes[3])
	})
	mu.Lock()
	defer mu.Unlock()
	if refused == 0 {
		t.Error("nothing was told together")
	}
}

// What was owed has been told by a replica that knows no queues: the thread's place must
// not keep the others.
func TestAThreadThatIsOwedNothingLeavesTheQueue(t *testing.T) {
	t.Parallel()
	w, e := alone(t)
	ids := w.fleet(3)
	var threads []string
	for n, id := range ids {
		r := w.ask(e, fmt.Sprint(n), id)
		threads = append(threads, r.ID)
	}
	e.serve(newMessenger())
	step := func(lease store.Lease) {
		t.Helper()
		if err := e.courier.stepThread(context.Background(), lease, strings.TrimPrefix(lease.Item, "t:")); err != nil {
			t.Fatal(err)
		}
	}
	leases := w.claims(e, 100)
	for _, id := range threads {
		step(leases[slices.IndexFunc(leases, func(l store.Lease) bool { return l.Item == threadItem(id) })])
	}
	limit := e.courier.pacing.posts("COPS")
	queue := string(w.keys) + "turns:" + limit.Name
	if n := do(w, w.rdb.ZCard(t.Context(), queue)); n != 2 {
		t.Fatalf("%d threads wait", n)
	}
	w.commit(e, store.NewChange().Pop(w.keys.outbox(threads[1]), 1))
	step(w.hold(e, threadItem(threads[1])))
	if left := do(w, w.rdb.ZRange(t.Context(), queue, 0, -1)); !slices.Equal(left, []string{threadItem(threads[2])}) {
		t.Errorf("%v wait", left)
	}
}

// Notes about batches that come within seconds of each other are told in one post, but
// never late: the last batch, the end or anything else ends the wait.
func TestNotesAboutBatchesGather(t *testing.T) {
	t.Parallel()
	const gap = 3 * time.Second
	begun := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	note := func(topic approvals.Topic, batch int, after time.Duration) approvals.Note {
		return approvals.Note{Topic: topic, Batch: batch, At: begun.Add(after)}
	}
	sent, failed := approvals.TopicSent, approvals.TopicBatchFailed
	for name, tt := range map[string]struct {
		notes   []approvals.Note
		batches int
		state   approvals.State
		want    time.Duration // counted from the first note
	}{
		"one batch":               {[]approvals.Note{note(sent, 0, 0)}, 1, approvals.Executing, 0},
		"the first of many":       {[]approvals.Note{note(sent, 0, 0)}, 15, approvals.Executing, gap},
		"each waits for the next": {[]approvals.Note{note(sent, 0, 0), note(sent, 1, time.Second), note(sent, 2, 2*time.Second)}, 15, approvals.Executing, 2*time.Second + gap},
		"but not forever":         {[]approvals.Note{note(sent, 0, 0), note(sent, 1, 11*time.Second)}, 15, approvals.Executing, 4 * gap},
		"all are sent":            {[]approvals.Note{note(sent, 0, 0), note(sent, 1, 0)}, 2, approvals.Executing, 0},
		"failures":                {[]approvals.Note{note(failed, 1, 0), note(failed, 0, time.Second)}, 15, approvals.Executing, time.Second + gap},
		"the last one fails":      {[]approvals.Note{note(failed, 14, 0)}, 15, approvals.Executing, gap},
		"something else follows":  {[]approvals.Note{note(sent, 0, 0), note(approvals.TopicTrouble, 1, 0)}, 15, approvals.Executing, 0},
		"it has ended":            {[]approvals.Note{note(sent, 0, 0)}, 15, approvals.Failed, 0},
	} {
		r := approvals.Request{State: tt.state, Work: approvals.Work{Batches: tt.batches}}
		if got := gatherFor(tt.notes, r, gap, begun); got != tt.want {
			t.Errorf("%s: it waits %v, want %v", name, got, tt.want)
		}
		if got := gatherFor(tt.notes, r, gap, begun.Add(time.Minute)); got != 0 {
			t.Errorf("%s: after a minute it waits %v", name, got)
		}
	}
}

func TestFailuresAreNotToldBesideTheOutcome(t *testing.T) {
	t.Parallel()
	var rs *records
	failed := approvals.Note{Topic: approvals.TopicBatchFailed}
	for state, want := range map[approvals.State]bool{approvals.Executing: false, approvals.PartiallyFailed: true, approvals.Failed: true} {
		if got := rs.overtaken(failed, approvals.Request{State: state}); got != want {
			t.Errorf("in %s a note of failures is obsolete: %v, want %v", state, got, want)
		}
	}
}
