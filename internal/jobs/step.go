package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// steps tells Slack's Workflow Builder how the requests of its steps have ended. That
// needs no intent: Slack takes one completion of a step and refuses a second one.
type steps struct {
	*records
	messenger Messenger // set by [Engine.Run]
}

const (
	// stepLinkWithin is how long a step waits for the card of its request, to which
	// it is given a link.
	stepLinkWithin = time.Minute
	// stepLife is how long it is tried to complete a step.
	stepLife = 24 * time.Hour
)

// oweStep adds to ch, which ends r, that the step which asked for r is completed.
func (rs *records) oweStep(ch *store.Change, r approvals.Request) {
	if r.EndsStep() {
		ch.Wake(kindStep.item(r.ID), 0)
	}
}

// stepStep completes the step of an ended request.
func (s *steps) stepStep(ctx context.Context, lease store.Lease, id string) error {
	found, err := s.findAll(ctx, []string{id})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	}
	r, ended := found[0], time.Duration(0)
	if !r.State.Final() || r.Step == "" {
		s.release(ctx, lease, never, false) // its end makes it due again
		return nil
	}
	ended = s.now().Sub(r.Finished)
	if r.Thread.TS == "" && r.LastDecision().Choice != approvals.ChoseNoCard && ended < stepLinkWithin {
		s.release(ctx, lease, s.cfg.RetryIn, false)
		return nil
	}
	crashpoint("step.before")
	switch err := s.messenger.CompleteStep(ctx, r); {
	case err != nil && ended < stepLife:
		return fmt.Errorf("complete the workflow step of %s: %w", id, err)
	case err != nil:
		s.cfg.Log.ErrorContext(ctx, "a workflow step could not be completed within a day and is given up; it stays in progress in Slack", "request", id, "err", err)
	}
	crashpoint("step.completed")
	_, err = s.commit(ctx, store.NewChange().FencedBy(lease).Release(never))
	return err
}
