package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// face is a Slack of a few lines: it remembers what was posted, and fails in
// both ways.
type messenger struct {
	Messenger // nil: what is not told below is not asked of it

	mu    sync.Mutex
	posts map[string][]post // by request
	drawn map[string][]approvals.State
	held  map[string][]bool // whether each drawing showed a freeze
	told  []string          // notes told to somebody alone
	deaf  int               // so many tries to tell somebody alone fail
	looks int

	draw func(approvals.Request) approvals.Delivery // nil: it is drawn
	look error                                      // of each look

	// fault says what becomes of a post; nil: it stands.
	fault func(m approvals.Message) fault
	end   chan bool // closed: posts that never come back may
}

// faulty is what one engine has of the face, to know who speaks.
type faulty struct {
	*messenger
	fault func(m approvals.Message) fault
}

func (m faulty) Post(ctx context.Context, msg approvals.Message) approvals.Delivery {
	return m.messenger.post(ctx, msg, m.fault)
}

type post struct {
	ids []string // of the notes told
	ts  string
	at  time.Time // from when on it is shown
}

// fault is what becomes of one post.
type fault struct {
	fate  approvals.DeliveryStatus
	done  bool          // it stands nevertheless
	late  time.Duration // it is shown only so much later
	dies  bool          // the answer never comes
	wait  time.Duration
	quiet bool
	odd   bool
	code  string
}

func newMessenger() *messenger {
	return &messenger{posts: map[string][]post{}, drawn: map[string][]approvals.State{}, held: map[string][]bool{}, end: make(chan bool)}
}

func (f *messenger) Handle(context.Context, approvals.Envelope) error { return nil }

func (f *messenger) Post(ctx context.Context, m approvals.Message) approvals.Delivery {
	return f.post(ctx, m, f.fault)
}

func (f *messenger) post(ctx context.Context, m approvals.Message, faultOf func(approvals.Message) fault) approvals.Delivery {
	f.mu.Lock()
	var what fault
	if faultOf != nil {
		what = faultOf(m)
	}
	p := post{ts: fmt.Sprintf("%d.%06d", len(f.posts), len(f.posts[m.Request.ID])), at: time.Now().Add(what.late)}
	for _, n := range m.Notes {
		p.ids = append(p.ids, n.ID)
	}
	if what.fate == approvals.Posted || what.done {
		f.posts[m.Request.ID] = append(f.posts[m.Request.ID], p)
	}
	f.mu.Unlock()
	if what.dies {
		select {
		case <-ctx.Done():
		case <-f.end:
		}
	}
	return approvals.Delivery{Status: what.fate, TS: p.ts, RetryAfter: what.wait, WholeMethod: what.quiet, UnknownCode: what.odd, Code: what.code, Err: errors.New("as planned")}
}

func (f *messenger) UpdateCard(_ context.Context, r approvals.Request, halt approvals.Freeze) approvals.Delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draw != nil {
		if d := f.draw(r); d.Status != approvals.Posted {
			return d
		}
	}
	f.held[r.ID] = append(f.held[r.ID], halt.On)
	f.drawn[r.ID] = append(f.drawn[r.ID], r.State)
	return approvals.Delivery{}
}

func (f *messenger) FindPost(_ context.Context, r approvals.Request, id string, since time.Time) (string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if f.look != nil {
		return "", false, f.look
	}
	for _, p := range f.posts[r.ID] {
		if slices.Contains(p.ids, id) && time.Now().After(p.at) && p.at.After(since.Add(-5*time.Second)) {
			return p.ts, true, nil
		}
	}
	return "", false, nil
}

func (f *messenger) TellPrivately(_ context.Context, user string, m approvals.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf > 0 {
		f.deaf--
		return errors.New("Slack is away")
	}
	f.told = append(f.told, user+" "+m.ID())
	return nil
}

// posted lists the notes that stand in a request's thread.
func (f *messenger) posted(request string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, p := range f.posts[request] {
		ids = append(ids, p.ids...)
	}
	return ids
}

// owe makes a request with a card and a note of each topic after it, and returns the
// ids of all in order.
func (w *world) owe(e *Engine, op, server string, topics ...approvals.Topic) (request string, ids []string) {
	w.t.Helper()
	r := w.ask(e, op, server)
	ids = append(ids, r.ID+"/card")
	ch := store.NewChange()
	for i, topic := range topics {
		id := fmt.Sprintf("%s/%d", r.ID, i)
		ids = append(ids, id)
		ch.Also(tell(w.keys, r.ID, e.note(approvals.Note{ID: id, Topic: topic})))
	}
	if len(topics) > 0 {
		w.commit(e, ch)
	}
	return r.ID, ids
}

// Slack fails, hides what it did, shows it late; and engines die between
// writing that they are about to post and hearing what came of it.
func TestEveryNoteIsToldOnceAndInOrder(t *testing.T) {
	t.Parallel()
	if joined := everyNoteIsToldOnce(t); joined > 0 {
		t.Errorf("%d posts tell of several topics in channels that are not behind", joined)
	}
}

// The same in a channel that is behind, where one post tells several notes: its one
// intent stands for all of them.
func TestEveryNoteIsToldOnceInAChannelThatIsBehind(t *testing.T) {
	t.Parallel()
	joined := everyNoteIsToldOnce(t, func(c *Config) { c.PostGap = 4 * time.Millisecond })
	if joined < 50 {
		t.Errorf("only %d posts tell of several topics", joined)
	}
}

// everyNoteIsToldOnce returns how many posts told of several topics.
func everyNoteIsToldOnce(t *testing.T, tune ...func(*Config)) (joined int) {
	w := newWorld(t)
	const threads, notes, engines = 200, 4, 3
	servers := w.fleet(threads)
	draw := rand.New(rand.NewPCG(3, 9))
	f := newMessenger()
	defer close(f.end)
	faults := map[string]int{}
	dead := make(chan bool, 100)
	// fault draws one for a post of e's. f.mu is held.
	faultOf := func(e *Engine) fault {
		late := time.Duration(draw.IntN(100)) * time.Millisecond
		name, what := "none", fault{}
		switch n := draw.IntN(100); {
		case n < 8:
			name, what = "no, not done", fault{fate: approvals.NotPosted}
		case n < 16:
			name, what = "unsure, done", fault{fate: approvals.MaybePosted, done: true}
		case n < 24:
			name, what = "unsure, shown late", fault{fate: approvals.MaybePosted, done: true, late: late}
		case n < 32:
			name, what = "unsure, not done", fault{fate: approvals.MaybePosted}
		case n < 34 && faults["dies, done"] < 6:
			name, what = "dies, done", fault{done: true, late: late, dies: true}
		case n < 36 && faults["dies, not done"] < 6:
			name, what = "dies, not done", fault{fate: approvals.MaybePosted, dies: true}
		}
		faults[name]++
		if what.dies {
			kill(e)
			dead <- true
		}
		return what
	}
	start := func() {
		// The wait must be longer than a post may be shown late and than a call takes.
		// What a dead one tries to write down it gives up with its lease.
		e := w.engine(append(tune, func(c *Config) { c.PostQuarantine, c.Lease = 500*time.Millisecond, 3*time.Second })...)
		w.run(e, faulty{f, func(approvals.Message) fault { return faultOf(e) }})
	}
	asker := w.opened()
	want := map[string][]string{}
	for n := range threads {
		topics := slices.Repeat([]approvals.Topic{approvals.TopicTrouble}, notes)
		if len(tune) > 0 {
			topics = []approvals.Topic{approvals.TopicApproved, approvals.TopicSent, approvals.TopicTrouble, approvals.TopicOutcome}
		}
		id, ids := w.owe(asker, fmt.Sprint(n), servers[n], topics...)
		want[id] = ids
	}
	for range engines {
		start()
	}
	w.within(30*time.Second, "all notes are told", func() bool {
		select {
		case <-dead:
			start()
		default:
		}
		for id := range want {
			if do(w, w.rdb.Exists(t.Context(), w.keys.outbox(id))) != 0 {
				return false
			}
		}
		return true
	})
	for id, ids := range want {
		if got := f.posted(id); !slices.Equal(got, ids) {
			t.Errorf("%s: told %v, want %v", id, got, ids)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.Log(faults, f.looks, "looks")
	if faults["dies, done"] == 0 || faults["dies, not done"] == 0 {
		t.Error("no engine has died")
	}
	for _, posts := range f.posts {
		for _, p := range posts {
			if len(p.ids) > 1 {
				joined++
			}
		}
	}
	return joined
}

func TestOnlyNotesOfSentBatchesAreToldTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers := w.fleet(2)
	e := w.engine()
	w.open(e)
	sent, _ := w.owe(e, "sent", servers[0], slices.Repeat([]approvals.Topic{approvals.TopicSent}, 12)...)
	other, _ := w.owe(e, "other", servers[1], approvals.TopicTrouble, approvals.TopicTrouble)
	f := newMessenger()
	w.run(e, f)
	w.within(5*time.Second, "every note is posted", func() bool { return len(f.posted(sent)) == 13 && len(f.posted(other)) == 3 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.posts[sent]); n != 3 { // the card, ten, and two
		t.Errorf("12 notes of sent batches made %d posts", n-1)
	}
	if n := len(f.posts[other]); n != 3 {
		t.Errorf("2 other notes made %d posts", n-1)
	}
}

func TestARequestWhoseCardCannotBePostedIsWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	e := w.engine()
	w.open(e)
	f := newMessenger()
	f.fault = func(approvals.Message) fault { return fault{fate: approvals.Rejected} }
	w.run(e, f)
	r := w.ask(e, "op", ids...)
	w.within(5*time.Second, "the end", func() bool {
		now, err := e.Find(t.Context(), r.ID)
		return err == nil && now.State == approvals.Cancelled
	})
	w.within(5*time.Second, "the requester is told", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.Equal(f.told, []string{anna.ID + " " + r.ID + "/card"})
	})
	if n := do(w, w.rdb.HLen(t.Context(), w.key("locks"))); n != 0 {
		t.Errorf("%d servers are still locked", n)
	}
	if n := do(w, w.rdb.Exists(t.Context(), w.keys.outbox(r.ID))); n != 0 {
		t.Error("something is still owed to a thread that does not exist")
	}
	w.ask(e, "again", ids...)
}

func TestANoteThatCannotBeToldDoesNotStopTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	w.open(e)
	f := newMessenger()
	f.fault = func(m approvals.Message) fault {
		if m.ID() == m.Request.ID+"/0" {
			return fault{fate: approvals.Rejected}
		}
		return fault{}
	}
	id, ids := w.owe(e, "op", w.fleet(1)[0], approvals.TopicTrouble, approvals.TopicTrouble)
	w.run(e, f)
	w.within(5*time.Second, "the last note", func() bool { return slices.Equal(f.posted(id), []string{ids[0], ids[2]}) })
	if r, _ := e.Find(t.Context(), id); r.State != approvals.Pending {
		t.Errorf("the request is %s", r.State)
	}
}

func TestAllEnginesAreQuietAsLongAsSlackWantsThemToBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers := w.fleet(4)
	f := newMessenger()
	const wait = 1200 * time.Millisecond
	var refused time.Time
	var early int
	f.fault = func(approvals.Message) fault {
		if refused.IsZero() {
			refused = time.Now()
			return fault{fate: approvals.NotPosted, wait: wait, quiet: true}
		}
		// What was on its way in other threads may still come.
		if since := time.Since(refused); since > 200*time.Millisecond && since < wait-20*time.Millisecond {
			early++
		}
		return fault{}
	}
	asker := w.opened()
	var ids []string
	for n, s := range servers {
		id, _ := w.owe(asker, fmt.Sprint(n), s, approvals.TopicTrouble, approvals.TopicTrouble, approvals.TopicTrouble)
		ids = append(ids, id)
	}
	// One post each 30 ms, so that much is still to be said when Slack refuses.
	slow := func(c *Config) { c.PostGap = 30 * time.Millisecond }
	w.run(w.engine(slow), f)
	w.run(w.engine(slow), f)
	w.within(10*time.Second, "all is told", func() bool {
		for _, id := range ids {
			if len(f.posted(id)) != 4 {
				return false
			}
		}
		return true
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if early > 0 {
		t.Errorf("%d posts were tried while Slack wanted none", early)
	}
}

// The store has forgotten that notes were told; Slack has not.
func TestAfterALossOfThePastSlackIsLookedAtBeforeAnythingIsTold(t *testing.T) {
	for name, inOnePost := range map[string]bool{"one by one": false, "together": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.engine()
			w.open(e)
			id, ids := w.owe(e, "op", w.fleet(1)[0], approvals.TopicTrouble, approvals.TopicOutcome)
			f := newMessenger()
			f.posts[id] = []post{{ids: ids[:1], ts: "1.0", at: time.Now()}}
			if inOnePost {
				f.posts[id] = append(f.posts[id], post{ids: ids[1:], ts: "2.0", at: time.Now()})
			} else {
				for _, note := range ids[1:] {
					f.posts[id] = append(f.posts[id], post{ids: []string{note}, ts: "2.0", at: time.Now()})
				}
			}
			time.Sleep(2 * time.Millisecond) // the loss is later than the notes
			w.rollBack()
			w.beat(e)
			w.run(e, f)
			w.within(5*time.Second, "nothing is owed", func() bool { return do(w, w.rdb.Exists(t.Context(), w.keys.outbox(id))) == 0 })
			if got := f.posted(id); !slices.Equal(got, ids) {
				t.Errorf("told %v, want %v", got, ids)
			}
			if r, _ := e.Find(t.Context(), id); r.Thread.TS != "1.0" {
				t.Errorf("the card's place is %q", r.Thread.TS)
			}
		})
	}
}

func TestTheCardShowsTheDecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	w.open(e)
	f := newMessenger()
	w.run(e, f)
	r := w.ask(e, "op", w.fleet(1)[0])
	w.within(5*time.Second, "the card", func() bool { return len(f.posted(r.ID)) == 1 })
	if _, err := e.Deny(t.Context(), r.ID, ben, "no", "click"); err != nil {
		t.Fatal(err)
	}
	w.within(5*time.Second, "the card is drawn and the reply told", func() bool {
		f.mu.Lock()
		drawn := slices.Contains(f.drawn[r.ID], approvals.Denied)
		f.mu.Unlock()
		return drawn && len(f.posted(r.ID)) == 2
	})
}
