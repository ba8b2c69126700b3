package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// heartbeats sends heartbeats until ctx ends.
func (e *Engine) heartbeats(ctx context.Context) {
	tick := time.NewTicker(e.cfg.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.heartbeat(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.WarnContext(ctx, "heartbeat failed", "err", err)
		}
	}
}

// heartbeat sends one heartbeat, and notifies threads if the store was restarted.
func (e *Engine) heartbeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	b, err := e.store.Beat(ctx)
	if err != nil {
		return err
	}
	e.cfg.Metrics.skew.Set(b.Skew.Seconds())
	e.cfg.Metrics.blocked.Set(b.Blocked.Seconds())
	e.cfg.Metrics.memory.Set(e.cfg.Redis.Memory())
	e.settings.compare(ctx, b.Differing, time.Now())
	if b.Lost {
		return nil // the next heartbeat reports the pause
	}
	return e.noticePause(ctx, b.Paused)
}

// noticePause notifies threads of a restart of the store while it blocks permits.
// The store holds the time at which a heartbeat, or a batch that asked for a permit,
// detected the restart; each restart is reported once.
func (e *Engine) noticePause(ctx context.Context, paused bool) error {
	loss := e.store.LastLoss()
	if !paused {
		e.pauseTold = loss // permits are granted again
		return nil
	}
	if loss.Equal(e.pauseTold) {
		return nil
	}
	e.cfg.Log.WarnContext(ctx, "Redis was restarted or lost changes; permits are blocked and nothing is sent for one window", "window", e.cfg.window())
	if err := e.tellPaused(ctx, fmt.Sprint(loss.UnixMilli())); err != nil {
		return err
	}
	e.pauseTold = loss
	return nil
}

// tellPaused adds to the outbox of each executing request, once for each incident,
// that nothing is sent for a while.
func (e *Engine) tellPaused(ctx context.Context, incident string) error {
	ids, err := e.openIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := e.tellOnePaused(ctx, id, incident); err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (e *Engine) tellOnePaused(ctx context.Context, id, incident string) error {
	r, err := e.loadRequest(ctx, id)
	if err != nil {
		return err
	}
	if r.Body.State != approvals.Executing || r.Body.PauseTold == incident {
		return nil
	}
	next := r.Body
	next.PauseTold = incident
	ch := store.NewChange().EvenIfFull().Write(e.keys.request(id), r.Ver, next).
		Log(audit.Entry{Event: audit.Paused, Request: id, Reason: "store restarted", Worker: e.store.Worker()}).
		Also(tell(e.keys, id, e.note(approvals.Note{ID: id + "/paused/" + incident, Topic: approvals.TopicPaused})))
	_, err = e.commitProgress(ctx, ch)
	return err
}
