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

// quiets are for how long Slack wants no post in a channel, no drawing and no
// looking.
type quiets struct{ post, draw, look time.Duration }

func (e *Engine) quietTimes(ctx context.Context, channel string) (quiets, error) {
	all, err := e.quietFor(ctx, channel, drawings, lookings)
	if err != nil {
		return quiets{}, err
	}
	return quiets{all[0], all[1], all[2]}, nil
}

// quietFor tells for how long Slack wants none of each of what.
func (e *Engine) quietFor(ctx context.Context, what ...string) ([]time.Duration, error) {
	fields, err := e.store.Fields(ctx, e.keys.quiet(), what...)
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

// quieten has all replicas keep from what for so long.
func (e *Engine) quieten(ctx context.Context, what string, wait time.Duration) error {
	if err := e.store.Mark(ctx, e.keys.quiet(), what, e.now().Add(wait).UnixMilli()); err != nil {
		return fmt.Errorf("write quiet time: %w", err)
	}
	return nil
}
