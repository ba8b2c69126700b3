package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// asker is one request whose calls go one after the other.
type asker struct {
	request    string
	cost, rest int
	call       int
	began      int64 // virtual ms
	next       int64 // when it asks again
}

// queue plays many requests for ms of virtual time, in which each call is
// answered after half a second and each one told to wait asks again after a
// second at most, as callers do. Done ones are handed to done.
func (w *world) queue(s *Store, ms int64, come func(now int64) []*asker, done func(*asker, int64)) {
	w.t.Helper()
	const tick = 200
	var waiting []*asker
	answers := map[int64][]*permit{}
	for now := int64(0); now < ms; now += tick {
		w.shift(s.keys, tick)
		for _, p := range answers[now] {
			w.startWindow(s, p, 62_000)
		}
		waiting = append(waiting, come(now)...)
		for _, a := range slices.Clone(waiting) {
			for a.next <= now && a.rest > 0 {
				p := full(s, a.request, a.call, min(a.cost, a.rest), a.rest)
				code, wait := w.acquire(s, p)
				if code != "done" {
					a.next = now + min(max(wait, tick), 1000)
					break
				}
				answers[now+400] = append(answers[now+400], p)
				a.rest -= p.Cost
				a.call++
				done(a, now)
			}
		}
		waiting = slices.DeleteFunc(waiting, func(a *asker) bool { return a.rest == 0 })
	}
}

func TestASmallRequestIsServedSoonBesideAHugeOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	draw := rand.New(rand.NewPCG(5, 5))
	huge, sent, n := "S-AAAAA", 0, 0
	next := int64(3000)
	var worst int64
	const span = 420_000
	w.queue(s, span, func(now int64) []*asker {
		if now == 0 {
			return []*asker{{request: huge, cost: 100, rest: 5000}}
		}
		if now < next {
			return nil
		}
		n++
		next += 62_000 + int64(draw.IntN(10_000))
		return []*asker{{request: fmt.Sprintf("S-Z%d", n), cost: 1 + draw.IntN(100), rest: 10_000, began: now}}[:1]
	}, func(a *asker, now int64) {
		if a.request == huge {
			sent += a.cost
			return
		}
		worst = max(worst, now-a.began)
		a.rest = 0 // it was small
	})
	if limit := int64(4000 + 1000 + 200); n < 5 || worst > limit {
		t.Errorf("of %d small requests one waited %d ms, want at most %d", n, worst, limit)
	}
	if sent < 5000 {
		t.Errorf("the huge one has sent %d only", sent)
	}
	t.Logf("%d small requests waited %d ms at most; the huge one sent %d of 5000 in %d s", n, worst, sent, span/1000)
}

// Newcomers are no reason to let the one wait that came first.
func TestAChunkIsNotStarvedByManySmallRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	const came = 20_000
	n, waiting := 0, 0
	var served int64
	w.queue(s, 150_000, func(now int64) []*asker {
		var all []*asker
		for ; waiting < 12; waiting++ { // there are always some
			n++
			all = append(all, &asker{request: fmt.Sprintf("S-A%04d", n), cost: 20, rest: 20, began: now})
		}
		if now == came {
			all = append(all, &asker{request: "S-ZZZZZ", cost: 100, rest: 100, began: now})
		}
		return all
	}, func(a *asker, now int64) {
		if a.request == "S-ZZZZZ" {
			served = now
			return
		}
		waiting--
	})
	if served == 0 {
		t.Fatalf("of %d requests, the large one that came after 20 s was not served in 150 s", n)
	}
	if served-came > 70_000 {
		t.Errorf("it waited %d ms", served-came)
	}
	t.Logf("it waited %d ms", served-came)
}
