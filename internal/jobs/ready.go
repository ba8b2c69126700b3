package jobs

import "context"

// Writable finds out whether the store takes writes now.
func (e *Engine) Writable(ctx context.Context) error { return e.store.Writable(ctx) }

// Working reports whether [Engine.Run] has begun its work and not ended it.
func (e *Engine) Working() bool { return e.working.Load() }

// Started is closed when [Engine.Run] has begun its work: the store is open, and
// it is ours.
func (e *Engine) Started() <-chan struct{} { return e.started }

// nowWorking marks the beginning of the work; what it returns marks its end.
func (e *Engine) nowWorking() func() {
	if e.working.Store(true); !isClosed(e.started) {
		close(e.started)
	}
	return func() { e.working.Store(false) }
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
