package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// maxEnvelopeAge is how old an act may be when somebody gets to it. Nobody expects the
// answer to a command they typed an hour ago. An act that holds back is never too
// old: the person who pulled the brake still means it.
const maxEnvelopeAge = 10 * time.Minute

// Enqueue keeps what a person did, before it is acknowledged. It returns false
// if it was recorded before: then there is nothing more to do about it.
func (e *Engine) Enqueue(ctx context.Context, env approvals.Envelope) (bool, error) {
	// Which of two acts is newer must not depend on whose clock stamped them.
	env.At = env.At.Add(e.store.Skew())
	fresh, err := e.store.Record(ctx, store.Envelope{ID: env.ID, Body: env, Brake: env.Lane == approvals.LaneBrake})
	if errors.Is(err, store.ErrFull) {
		err = &approvals.Refusal{Kind: approvals.StoreFull}
	}
	if err != nil {
		return false, fmt.Errorf("record %s: %w", env.Kind, err)
	}
	crashpoint("inbox.recorded")
	return fresh, nil
}

// stepEnvelope has the face act on what a person did.
func (e *Engine) stepEnvelope(ctx context.Context, lease store.Lease, id string) error {
	var env approvals.Envelope
	if err := e.store.Get(ctx, e.store.EnvelopeKey(id), &env); err != nil {
		return fmt.Errorf("read envelope: %w", err)
	}
	if env.Lane != approvals.LaneBrake && e.now().Sub(env.At) > maxEnvelopeAge {
		e.cfg.Log.WarnContext(ctx, "an act of a person was too old to be acted on", "kind", env.Kind, "at", env.At)
		e.messenger.TellTooLate(ctx, env)
	} else if err := e.messenger.Handle(ctx, env); err != nil {
		return fmt.Errorf("handle %s: %w", env.Kind, err)
	}
	crashpoint("inbox.handled")
	_, err := e.commit(ctx, store.NewChange().FencedBy(lease).Drop(e.store.EnvelopeKey(id)).Release(never))
	return err
}
