package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/store"
)

// watchEvery is how often the outbox is looked after.
const watchEvery = 5 * time.Second

// watchOutbox sees until ctx ends that the items which go through Homes, cards
// and private notes are due while there is something to do. An older replica
// does not know them and drops them; and after a loss nothing else makes the
// cards due.
func (e *Engine) watchOutbox(ctx context.Context) {
	tick := time.NewTicker(min(watchEvery, 5*e.cfg.Heartbeat))
	defer tick.Stop()
	for {
		if err := e.wakeOutbox(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.WarnContext(ctx, "the outbox could not be looked after", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) wakeOutbox(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	state, err := e.courier.cardsState(ctx)
	if err != nil {
		return err
	}
	k := e.keys
	err = e.store.WakeWaiting(ctx, store.Waiting{
		Viewers: e.homes.viewers(), Moved: k.homesChanged(), Rested: k.homesSettled(),
		Swept: k.cardsSwept(), State: state, SweepItem: cardsItem,
		Persons: k.privates(), PersonItem: privateItem(""),
	})
	if err != nil {
		return fmt.Errorf("look after the outbox: %w", err)
	}
	return e.store.FreeTurns(ctx)
}
