package jobs

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

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

// spare reports whether there is so much room that something may go which
// otherwise gives way, and takes it.
func (p *pacer) spare(now time.Time) bool {
	return p.limit.TokensAt(now) >= float64(p.limit.Burst())/2 && p.limit.AllowN(now, 1)
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

// pacer returns the pacer of that name.
func (e *Engine) pacer(name string, gap time.Duration, burst int) *pacer {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.paces[name]
	if p == nil {
		p = newPacer(gap, burst)
		e.paces[name] = p
	}
	return p
}
