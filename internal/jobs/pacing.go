package jobs

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacing is how fast Slack is called: at a steady pace, and by no replica for as long
// as Slack asks after a 429.
type pacing struct {
	*records

	mu    sync.Mutex
	paces map[string]*pacer // of Homes, which one replica draws; guarded by mu
}

// What Slack can want quiet about: a limit holds for one method, and that of
// chat.postMessage for one channel, whose id then names it.
const (
	drawings  = "chat.update"
	lookings  = "conversations"
	homeViews = "views.publish"
)

// backOffs are for how long Slack wants no post in a channel, no drawing and no
// looking.
type backOffs struct{ post, draw, look time.Duration }

func (p *pacing) backOffs(ctx context.Context, channel string) (backOffs, error) {
	all, err := p.backOffsOf(ctx, channel, drawings, lookings)
	if err != nil {
		return backOffs{}, err
	}
	return backOffs{all[0], all[1], all[2]}, nil
}

// backOffsOf tells for how long Slack wants none of each of what.
func (p *pacing) backOffsOf(ctx context.Context, what ...string) ([]time.Duration, error) {
	fields, err := p.store.Fields(ctx, p.keys.retryAfter(), what...)
	if err != nil {
		return nil, fmt.Errorf("read quiet times: %w", err)
	}
	waits := make([]time.Duration, len(what))
	for i, text := range fields {
		if till, err := strconv.ParseInt(text, 10, 64); err == nil {
			waits[i] = max(0, time.UnixMilli(till).Sub(p.now()))
		}
	}
	return waits, nil
}

// backOff has all replicas keep from what for so long.
func (p *pacing) backOff(ctx context.Context, what string, wait time.Duration) error {
	if err := p.store.Mark(ctx, p.keys.retryAfter(), what, p.now().Add(wait).UnixMilli()); err != nil {
		return fmt.Errorf("write quiet time: %w", err)
	}
	return nil
}

// pacer hands out turns at a steady pace to those who share it. One who has to
// wait keeps the turn that was given: nobody has to ask again and again, and
// nobody is overtaken by those who ask at the right moment.
type pacer struct {
	limit *rate.Limiter

	mu    sync.Mutex
	turns map[string]time.Time // of those who wait
}

func newPacer(gap time.Duration, burst int) *pacer {
	return &pacer{limit: rate.NewLimiter(rate.Every(gap), burst), turns: map[string]time.Time{}}
}

// unclaimed is how long after its moment a turn is kept: the work may go on in
// another replica.
const unclaimed = time.Minute

// pacer returns the pacer of that name.
func (p *pacing) pacer(name string, gap time.Duration, burst int) *pacer {
	p.mu.Lock()
	defer p.mu.Unlock()
	shared := p.paces[name]
	if shared == nil {
		shared = newPacer(gap, burst)
		p.paces[name] = shared
	}
	return shared
}

// turn returns 0 if it is the turn of who, which is taken with that, or how
// long it has to wait.
func (p *pacer) turn(who string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, waits := p.turns[who]; waits && now.Sub(at) < unclaimed {
		if wait := at.Sub(now); wait > 0 {
			return wait
		}
		delete(p.turns, who)
		return 0
	}
	delete(p.turns, who)
	wait := p.limit.ReserveN(now, 1).DelayFrom(now)
	if wait > 0 {
		p.forget(now)
		p.turns[who] = now.Add(wait)
	}
	return wait
}

// forget drops the turns that nobody came for. p.mu is held.
func (p *pacer) forget(now time.Time) {
	if len(p.turns) < 256 {
		return
	}
	for who, at := range p.turns {
		if now.Sub(at) >= unclaimed {
			delete(p.turns, who)
		}
	}
}
