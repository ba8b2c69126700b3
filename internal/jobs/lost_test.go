package jobs

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// The store lost what was done about a note, so it is owed once more. It stands
// in the thread and is not posted again.
func TestANoteOfALostPastIsNotPostedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened()
	f := newMessenger()
	w.run(e, f)
	r := w.ask(e, "op", id)
	owe := func() {
		n := e.note(approvals.Note{ID: r.ID + "/approved/1", Topic: approvals.TopicApproved, By: ben.ID, Count: 1})
		if _, err := e.commit(t.Context(), store.NewChange().Also(tell(e.keys, r.ID, n))); err != nil {
			t.Fatal(err)
		}
		w.within(5*time.Second, "nothing is owed", func() bool { return do(w, w.rdb.Exists(t.Context(), w.keys.outbox(r.ID))) == 0 })
	}
	owe()
	time.Sleep(2 * time.Millisecond) // the loss comes after the request was made
	w.rdb.HSet(t.Context(), w.key("book"), "#since", do(w, w.rdb.Time(t.Context())).UnixMilli())
	w.within(5*time.Second, "the loss is noticed", func() bool { return e.store.LastLoss().UnixMilli() > 0 })
	owe()
	if got := f.posted(r.ID); len(got) != 2 {
		t.Errorf("posted %v", got)
	}
}

// The store comes back as another process, with less than it had. Nothing is
// posted before a heartbeat has found out.
func TestNothingIsPostedBeforeALossIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened(func(c *Config) { c.Heartbeat = time.Hour })
	w.beat(e)
	f := newMessenger()
	e.serve(f)
	r := w.ask(e, "op", id)
	w.redis.Kill()
	w.redis.Restart()
	w.within(5*time.Second, "a connection", func() bool { _, err := e.store.Time(t.Context()); return err == nil })
	c := w.hold(e, threadItem(r.ID))
	if err := e.courier.stepThread(t.Context(), c, r.ID); err != nil {
		t.Fatal(err)
	}
	if got := f.posted(r.ID); len(got) != 0 {
		t.Errorf("posted %v", got)
	}
	w.beatAgain(e)
	if err := e.courier.stepThread(t.Context(), w.hold(e, threadItem(r.ID)), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := f.posted(r.ID); len(got) != 1 {
		t.Errorf("after the heartbeat: %v", got)
	}
}
