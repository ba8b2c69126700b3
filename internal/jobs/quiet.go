package jobs

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// What Slack can want quiet about: a limit holds for one method, and that of
// chat.postMessage for one channel, whose id then names it.
const (
	drawings = "chat.update"
	lookings = "conversations"
	homes    = "views.publish"
)

// backOffs are for how long Slack wants no post in a channel, no drawing and no
// looking.
type backOffs struct{ post, draw, look time.Duration }

func (e *Engine) backOffs(ctx context.Context, channel string) (backOffs, error) {
	all, err := e.backOffsOf(ctx, channel, drawings, lookings)
	if err != nil {
		return backOffs{}, err
	}
	return backOffs{all[0], all[1], all[2]}, nil
}

// backOffsOf tells for how long Slack wants none of each of what.
func (e *Engine) backOffsOf(ctx context.Context, what ...string) ([]time.Duration, error) {
	fields, err := e.store.Fields(ctx, e.keys.retryAfter(), what...)
	if err != nil {
		return nil, fmt.Errorf("read quiet times: %w", err)
	}
	waits := make([]time.Duration, len(what))
	for i, text := range fields {
		if till, err := strconv.ParseInt(text, 10, 64); err == nil {
			waits[i] = max(0, time.UnixMilli(till).Sub(e.now()))
		}
	}
	return waits, nil
}

// backOff has all replicas keep from what for so long.
func (e *Engine) backOff(ctx context.Context, what string, wait time.Duration) error {
	if err := e.store.Mark(ctx, e.keys.retryAfter(), what, e.now().Add(wait).UnixMilli()); err != nil {
		return fmt.Errorf("write quiet time: %w", err)
	}
	return nil
}
