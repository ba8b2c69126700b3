package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"

	"github.com/redis/go-redis/v9"
)

// remember is how long an act of a person is known, so that a second delivery
// of it does nothing. Slack re-sends for up to a day ("Delayed Events").
const remember = 24 * time.Hour

// stale is how old an act may be when somebody gets to it. Nobody expects the
// answer to a command they typed an hour ago. An act that holds back is never too
// old: the person who pulled the brake still means it.
const stale = 10 * time.Minute

// Record keeps what a person did, before it is acknowledged. It returns false
// if it was recorded before: then there is nothing more to do about it.
func (e *Engine) Record(ctx context.Context, env approvals.Envelope) (bool, error) {
	k := e.keys
	// Which of two acts is newer must not depend on whose clock stamped them.
	env.At = env.At.Add(time.Duration(e.skew.Load()))
	brake := "0"
	if env.Lane == approvals.LaneBrake {
		brake = "1"
	}
	fresh, full := 0, false
	err := e.retry(ctx, true, func() (err error) {
		fresh, err = recordScript.Run(ctx, e.rdb, []string{k.seen(env.ID), k.envelope(env.ID), k.due(), k.first(), k.claims()},
			envelopeItem(env.ID), marshal(env), int64(remember.Seconds()), brake).Int()
		if full = brake == "0" && storeFull(err); full {
			return nil
		}
		return err
	})
	if full {
		err = &approvals.Refusal{Why: approvals.StoreFull}
	}
	if err != nil {
		return false, fmt.Errorf("record %s: %w", env.Kind, err)
	}
	crashpoint("inbox.recorded")
	e.nudge()
	return fresh == 1, nil
}

// stepEnvelope has the face act on what a person did.
func (e *Engine) stepEnvelope(ctx context.Context, c claim, id string) error {
	body, err := e.rdb.Get(ctx, e.keys.envelope(id)).Result()
	if errors.Is(err, redis.Nil) {
		return fmt.Errorf("read envelope: %w", errNoRecord)
	}
	if err != nil {
		return fmt.Errorf("read envelope: %w", err)
	}
	var env approvals.Envelope
	if err := json.Unmarshal([]byte(body), &env); err != nil {
		return fmt.Errorf("read envelope: %w", err)
	}
	if env.Lane != approvals.LaneBrake && e.now().Sub(env.At) > stale {
		e.Log.WarnContext(ctx, "an act of a person was too old to be acted on", "kind", env.Kind, "at", env.At)
		e.face.Stale(ctx, env)
	} else if err := e.face.Handle(ctx, env); err != nil {
		return fmt.Errorf("handle %s: %w", env.Kind, err)
	}
	crashpoint("inbox.handled")
	ch := newChange().under(c).done(never)
	ch.Drop = []string{e.keys.envelope(id)}
	_, err = e.commit(ctx, ch)
	return err
}
