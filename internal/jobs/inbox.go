package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// maxEnvelopeAge is how old a command or click may be when it is handled: people do
// not expect the answer to a command that they typed an hour ago. One that stops
// something is never too old, because the person still means it.
const maxEnvelopeAge = 10 * time.Minute

// Enqueue stores an envelope, before it is acknowledged to Slack. It returns false if
// the envelope was recorded before: then there is nothing more to do.
func (e *Engine) Enqueue(ctx context.Context, env approvals.Envelope) (bool, error) {
	// Which of two envelopes is newer must not depend on the clocks of the replicas.
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

// stepEnvelope lets the messenger handle what a person did.
func (e *Engine) stepEnvelope(ctx context.Context, lease store.Lease, id string) error {
	var env approvals.Envelope
	if err := e.store.Get(ctx, e.store.EnvelopeKey(id), &env); err != nil {
		return fmt.Errorf("read envelope: %w", err)
	}
	if env.Lane != approvals.LaneBrake && e.now().Sub(env.At) > maxEnvelopeAge {
		e.cfg.Log.WarnContext(ctx, "envelope too old: a person's command or click is ignored", "kind", env.Kind, "at", env.At)
		e.messenger.TellTooLate(ctx, env)
	} else if err := e.messenger.Handle(ctx, env); err != nil {
		return fmt.Errorf("handle %s: %w", env.Kind, err)
	}
	crashpoint("inbox.handled")
	_, err := e.commit(ctx, store.NewChange().FencedBy(lease).Drop(e.store.EnvelopeKey(id)).Release(never))
	return err
}
