package jobs

import (
	"context"
	"ecsbot/internal/store"
	"fmt"
	"slices"
)

// cardsState names what the cards of open requests depend on besides the
// requests: the freeze, and whether the store has lost what they showed.
func (c *courier) cardsState(ctx context.Context) (string, error) {
	halt, err := c.loadFreeze(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d/%d", halt.Ver, c.store.LastLoss().UnixMilli()), nil
}

// cardsAtOnce is how many threads one change makes due.
const cardsAtOnce = 200

// stepCards makes the threads of all open requests due; each finds out itself
// whether its card has to be drawn again.
func (c *courier) stepCards(ctx context.Context, lease store.Lease) error {
	state, err := c.cardsState(ctx)
	if err != nil {
		return err
	}
	ids, err := c.openIDs(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(ids, cardsAtOnce) {
		ch := store.NewChange()
		for _, id := range some {
			ch.Wake(threadItem(id), 0)
		}
		if _, err := c.commit(ctx, ch); err != nil {
			return err
		}
	}
	if err := c.store.Set(ctx, c.keys.cardsSwept(), state, 0); err != nil {
		return fmt.Errorf("note that the cards were gone through: %w", err)
	}
	c.release(ctx, lease, never, false)
	return nil
}
