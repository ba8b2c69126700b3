package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// never is the due time of what is done for good.
const never = store.Never

// commit makes a change, and what follows from it for Slack.
func (rs *records) commit(ctx context.Context, ch *store.Change) (store.Receipt, error) {
	return rs.commitWith(ctx, ch, false)
}

// commitProgress is [Engine.commit] of progress, which open Homes need not show
// at once.
func (rs *records) commitProgress(ctx context.Context, ch *store.Change) (store.Receipt, error) {
	return rs.commitWith(ctx, ch, true)
}

func (rs *records) commitWith(ctx context.Context, ch *store.Change, progress bool) (store.Receipt, error) {
	rs.follow(ch, progress)
	r, err := rs.store.Commit(ctx, ch)
	if errors.Is(err, store.ErrFull) {
		err = fmt.Errorf("%w: %w", &approvals.Refusal{Kind: approvals.StoreFull}, err)
	}
	return r, err
}

// follow adds to ch what follows from its writes for Slack: Homes show requests
// and the freeze, cards of open requests show the freeze. Both are gone through
// by an item of their own, so a commit costs the same however many there are.
func (rs *records) follow(ch *store.Change, progress bool) {
	for _, key := range ch.Written() {
		if key == rs.keys.freeze() {
			rs.redrawHomes(ch)
			ch.Wake(cardsItem, 0)
		} else if !progress && strings.HasPrefix(key, rs.keys.request("")) {
			rs.redrawHomes(ch)
		}
	}
}

// tell has the request's thread told of n.
func tell(k keys, request string, n approvals.Note) func(*store.Change) {
	return func(ch *store.Change) {
		ch.Push(k.outbox(request), n).Wake(threadItem(request), 0)
	}
}

// now is the time by Redis's clock, as far as it is known.
func (rs *records) now() time.Time { return rs.store.Now() }

// marshal is for our own types, all of which can be marshalled.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("jobs: marshal %T: %v", v, err))
	}
	return string(b)
}
