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

// never is the due time of an item that is finished.
const never = store.Never

// commit commits a change, with the updates in Slack that follow from it.
func (rs *records) commit(ctx context.Context, ch *store.Change) (store.Receipt, error) {
	return rs.commitWith(ctx, ch, false)
}

// commitProgress is commit for mere progress, which open Homes need not show at once.
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

// follow adds to ch the updates in Slack that follow from its writes: Homes show
// requests and the freeze, cards of open requests show the freeze. One item updates
// all Homes and one all cards, so the cost of a commit does not depend on their
// number.
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

// tell adds a note to the outbox of the request's thread.
func tell(k keys, request string, n approvals.Note) func(*store.Change) {
	return func(ch *store.Change) {
		ch.Push(k.outbox(request), n).Wake(threadItem(request), 0)
	}
}

// now is the time by Redis's clock, as estimated at the last heartbeat.
func (rs *records) now() time.Time { return rs.store.Now() }

// marshal is for our own types, all of which can be marshalled.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("jobs: marshal %T: %v", v, err))
	}
	return string(b)
}
