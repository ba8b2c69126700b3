package jobs

import (
	"context"
	"fmt"
	"time"
)

// Writable writes to the store, to find out whether it takes writes now. The
// key is one of the project's own: no access rule has to name another, and in a
// cluster it lives on the node that the project's work needs.
func (e *Engine) Writable(ctx context.Context) error {
	if err := e.rdb.Set(ctx, e.keys.ready(), time.Now().Unix(), time.Minute).Err(); err != nil {
		return fmt.Errorf("write to Redis: %w", err)
	}
	return nil
}

// Working reports whether [Engine.Run] has begun its work and not ended it.
func (e *Engine) Working() bool { return e.working.Load() }

// Begun is closed when [Engine.Run] has begun its work: the store is open, and
// it is ours.
func (e *Engine) Begun() <-chan struct{} { return e.begun }

// nowWorking marks the beginning of the work; what it returns marks its end.
func (e *Engine) nowWorking() func() {
	if e.working.Store(true); !isClosed(e.begun) {
		close(e.begun)
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
