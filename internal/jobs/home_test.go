package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"

	"github.com/redis/go-redis/v9"
)

// drawer is a face that only draws Homes.
type drawer struct {
	Messenger
	mu    sync.Mutex
	drawn []string
	fate  approvals.Delivery
	while func()
}

func (d *drawer) PublishHome(_ context.Context, user string) approvals.Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drawn = append(d.drawn, user)
	if d.while != nil {
		d.while()
	}
	return d.fate
}

func (d *drawer) times() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.drawn)
}

// doDue takes up whatever is due and does its step, once.
func (w *world) doDue(e *Engine) {
	w.t.Helper()
	for _, c := range w.claims(e, 10) {
		e.step(w.t.Context(), c)
	}
}

// homesDue lets the drawer of Homes work, now.
func (w *world) homesDue(e *Engine) {
	w.t.Helper()
	score, err := w.rdb.ZScore(w.t.Context(), w.key("due"), homesItem).Result()
	if errors.Is(err, redis.Nil) {
		return
	}
	if soon := float64(e.now().Add(time.Second).UnixMilli()); err != nil || score > soon {
		return // it waits for something else
	}
	w.rdb.ZAdd(w.t.Context(), w.key("due"), redis.Z{Member: homesItem})
	w.doDue(e)
}

// move commits a move of a request.
func (w *world) move(e *Engine, id string) {
	w.t.Helper()
	w.commit(e, store.NewChange().Write(e.keys.request(id), 0, approvals.Request{ID: id, State: approvals.Pending}))
}

func TestAHomeIsDrawnWhenItIsOpenedAndWhenARequestMoves(t *testing.T) {
	face := &drawer{}
	w, e := alone(t, func(c *Config) { c.HomeGap = time.Millisecond })
	e.serve(face)
	check := func(when string, want int) {
		t.Helper()
		if len(face.drawn) != want {
			t.Errorf("%s: drawn %v, want %d times", when, face.drawn, want)
		}
	}
	w.move(e, "S-22222")
	w.homesDue(e)
	check("nobody looks", 0)
	if err := e.HomeOpened(t.Context(), "UBEN"); err != nil {
		t.Fatal(err)
	}
	w.homesDue(e)
	check("opened", 1)
	w.homesDue(e)
	check("nothing has changed", 1)
	time.Sleep(2 * time.Millisecond)
	w.move(e, "S-33333")
	w.homesDue(e)
	check("moved", 2)

	time.Sleep(2 * time.Millisecond)
	face.while = func() { face.while = nil; w.move(e, "S-44444"); time.Sleep(2 * time.Millisecond) }
	w.move(e, "S-55555")
	w.homesDue(e) // the same step sees it
	w.homesDue(e)
	check("moved, and again while it was drawn", 4)
}

func TestProgressMakesNoHomeStale(t *testing.T) {
	face := &drawer{}
	w, e := alone(t, func(c *Config) { c.HomeGap = time.Millisecond })
	e.serve(face)
	if err := e.HomeOpened(t.Context(), "UBEN"); err != nil {
		t.Fatal(err)
	}
	w.homesDue(e)
	time.Sleep(2 * time.Millisecond)
	r := approvals.Request{ID: "S-22222", State: approvals.Executing}
	if _, err := e.commitProgress(t.Context(), store.NewChange().Write(e.keys.request(r.ID), 0, r)); err != nil {
		t.Fatal(err)
	}
	w.homesDue(e)
	if len(face.drawn) != 1 {
		t.Errorf("drawn %d times, want only when it was opened", len(face.drawn))
	}
}

func TestAHomeIsNotDrawnTooOften(t *testing.T) {
	face := &drawer{}
	w, e := alone(t, func(c *Config) { c.HomeGap = time.Hour })
	e.serve(face)
	if err := e.HomeOpened(t.Context(), "UBEN"); err != nil {
		t.Fatal(err)
	}
	w.homesDue(e)
	for _, id := range []string{"S-22222", "S-33333"} {
		w.move(e, id)
		w.homesDue(e)
	}
	if len(face.drawn) != 1 {
		t.Errorf("drawn %d times within the gap", len(face.drawn))
	}
	if err := e.AnswerInHome(t.Context(), "UBEN", "done"); err != nil {
		t.Fatal(err)
	}
	w.homesDue(e)
	if text, err := e.HomeAnswer(t.Context(), "UBEN"); len(face.drawn) != 2 || text != "done" || err != nil {
		t.Errorf("an answer waits: drawn %d times, %q, %v", len(face.drawn), text, err)
	}
}

func TestAHomeIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration
		fate approvals.Delivery
		want int
		kept bool
	}{
		{"after an hour", 61 * time.Minute, approvals.Delivery{}, 0, false},
		{"within an hour", 59 * time.Minute, approvals.Delivery{}, 1, true},
		{"when Slack says it can never be drawn", time.Minute, approvals.Delivery{Status: approvals.Rejected}, 1, false},
		{"not when Slack is away", time.Minute, approvals.Delivery{Status: approvals.NotPosted}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			face := &drawer{fate: c.fate}
			w, e := alone(t)
			e.serve(face)
			w.rdb.ZAdd(t.Context(), e.keys.homesOpened(), redis.Z{Member: "UBEN", Score: float64(time.Now().Add(-c.age).UnixMicro())})
			w.move(e, "S-22222")
			w.homesDue(e)
			_, err := w.rdb.ZScore(t.Context(), e.keys.homesOpened(), "UBEN").Result()
			if kept := err == nil; len(face.drawn) != c.want || kept != c.kept {
				t.Errorf("drawn %d times, kept %v", len(face.drawn), kept)
			}
		})
	}
}

// Who has just opened theirs does not wait behind all those whose is stale, and
// approvers do not wait behind the rest.
func TestHomesAreDrawnInTheOrderInWhichTheyMatter(t *testing.T) {
	face := &drawer{}
	w, e := alone(t, func(c *Config) { c.HomeGap = time.Millisecond })
	e.serve(face)
	ago := func(d time.Duration) float64 { return float64(time.Now().Add(-d).UnixMicro()) }
	for user, at := range map[string]float64{"U1": ago(3 * time.Minute), "U2": ago(2 * time.Minute), "UBEN": ago(4 * time.Minute)} {
		w.rdb.ZAdd(t.Context(), e.keys.homesOpened(), redis.Z{Member: user, Score: at})
		w.rdb.HSet(t.Context(), e.keys.homesDrawn(), user, int64(ago(time.Minute)))
	}
	w.move(e, "S-22222")
	if err := e.HomeOpened(t.Context(), "U3"); err != nil {
		t.Fatal(err)
	}
	w.homesDue(e)
	if want := []string{"U3", "UBEN", "U2", "U1"}; !slices.Equal(face.drawn, want) {
		t.Errorf("drawn %v, want %v", face.drawn, want)
	}
}

// However many Homes are open, a move of a request adds one item.
func TestOpenHomesAddOneItemToAMove(t *testing.T) {
	w, e := alone(t)
	var all []redis.Z
	for i := range 10_000 {
		all = append(all, redis.Z{Member: fmt.Sprintf("U%05d", i), Score: float64(time.Now().UnixMicro())})
	}
	w.rdb.ZAdd(t.Context(), e.keys.homesOpened(), all...)
	w.move(e, "S-22222")
	if due := w.rdb.ZRange(t.Context(), w.key("due"), 0, -1).Val(); !slices.Equal(due, []string{homesItem}) {
		t.Errorf("%d items are due: %.200v", len(due), due)
	}
}

// While Homes wait for their pace nobody asks the store again and again.
func TestHomesThatWaitForTheirPaceDoNotSpin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	for i := range 200 {
		if err := e.HomeOpened(t.Context(), fmt.Sprintf("U%03d", i)); err != nil {
			t.Fatal(err)
		}
	}
	f := &drawer{Messenger: newMessenger()}
	w.run(e, f)
	w.within(5*time.Second, "the first burst", func() bool { return f.times() >= homeBurst })
	fences := func() int64 {
		n, _ := w.rdb.HGet(t.Context(), w.key("meta"), "fence").Int64()
		return n
	}
	before, began := fences(), time.Now()
	w.within(5*time.Second, "three more at the pace", func() bool { return f.times() >= homeBurst+3 })
	if took := time.Since(began); took < 2*homePace {
		t.Errorf("three Homes were drawn within %v", took)
	}
	if claims := fences() - before; claims > 10 {
		t.Errorf("%d claims while three Homes were drawn", claims)
	}
}

// An older replica keeps open Homes in its own way and makes an item for each.
func TestAHomeThatAnOlderReplicaKnowsIsTakenUp(t *testing.T) {
	face := &drawer{}
	w, e := alone(t)
	e.serve(face)
	w.rdb.HSet(t.Context(), e.keys.homes(), "UBEN", time.Now().UnixMilli())
	w.rdb.ZAdd(t.Context(), w.key("due"), redis.Z{Member: "h:UBEN"})
	w.doDue(e)
	w.homesDue(e)
	if !slices.Equal(face.drawn, []string{"UBEN"}) {
		t.Errorf("drawn %v", face.drawn)
	}
	// One that nobody has open is no work.
	w.rdb.ZAdd(t.Context(), w.key("due"), redis.Z{Member: "h:UGONE"})
	w.doDue(e)
	if n := w.rdb.ZScore(t.Context(), w.key("due"), "h:UGONE").Err(); !errors.Is(n, redis.Nil) {
		t.Error("an item of an older replica is still due")
	}
}

// An older replica does not know these items and drops them.
func TestItemsOfTheOutboxComeBack(t *testing.T) {
	w, e := alone(t)
	if err := e.HomeOpened(t.Context(), "UBEN"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Freeze(t.Context(), approvals.Person{ID: "UBEN"}, "", "COPS", "op", time.Now()); err != nil {
		t.Fatal(err)
	}
	ch := store.NewChange()
	if err := e.privates.owePrivately(t.Context(), ch, "UANNA", privateNote{Request: "S-22222", Notes: []approvals.Note{{ID: "x"}}, At: e.now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.commit(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	want := []string{homesItem, cardsItem, privateItem("UANNA")}
	for _, item := range want {
		if n := w.rdb.ZRem(t.Context(), w.key("due"), item).Val(); n != 1 {
			t.Errorf("%s was not due", item)
		}
	}
	if err := e.wakeOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	due := w.rdb.ZRange(t.Context(), w.key("due"), 0, -1).Val()
	for _, item := range want {
		if !slices.Contains(due, item) {
			t.Errorf("%s is not due again: %v", item, due)
		}
	}
	// Once all of it is done, nothing comes back.
	e.serve(&drawer{Messenger: newMessenger()})
	for range 4 {
		for _, item := range want {
			w.rdb.ZAdd(t.Context(), w.key("due"), redis.Z{Member: item})
		}
		w.rdb.ZRem(t.Context(), w.key("due"), threadItem("@COPS"))
		w.doDue(e)
	}
	w.rdb.ZRem(t.Context(), w.key("due"), want[0], want[1], want[2])
	if err := e.wakeOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if due := w.rdb.ZRange(t.Context(), w.key("due"), 0, -1).Val(); len(due) != 0 {
		t.Errorf("due without need: %v", due)
	}
}
