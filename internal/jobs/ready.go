package jobs

import "context"

// Writable checks that the store takes writes now.
func (e *Engine) Writable(ctx context.Context) error { return e.store.Writable(ctx) }

// Working reports whether [Engine.Run] has sent its first heartbeat and not ended yet.
func (e *Engine) Working() bool { return e.working.Load() }

// Started is closed when [Engine.Run] has sent its first heartbeat: the store is open,
// and belongs to this bot.
func (e *Engine) Started() <-chan struct{} { return e.started }

// nowWorking marks the start of the work. The function that it returns marks its end.
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
