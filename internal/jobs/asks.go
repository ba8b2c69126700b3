package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
)

// askLife is how long an ask counts against its person's limit.
const askLife = time.Hour

// countAsk counts one ask of a person and returns a *approvals.Refusal if it is
// one too many. It comes before the cloud is read: that is what the limit is for.
// The same ask counts once.
func (e *Engine) countAsk(ctx context.Context, ask approvals.Ask) error {
	most := e.Policy.MaxAsksPerHour
	if most == 0 {
		return nil
	}
	var wait int64
	err := e.retry(ctx, false, func() (err error) {
		wait, err = askScript.Run(ctx, e.rdb, []string{e.keys.asks(ask.By.ID)}, ask.Op, askLife.Milliseconds(), most).Int64()
		return err
	})
	if storeFull(err) {
		return &approvals.Refusal{Why: approvals.StoreFull}
	}
	if err != nil {
		return fmt.Errorf("count an ask: %w", err)
	}
	if wait > 0 {
		return &approvals.Refusal{Why: approvals.TooManyAsks, Limit: most, Again: e.now().Add(time.Duration(wait) * time.Millisecond)}
	}
	return nil
}

// roomForOpen refuses if a person has as many open requests as they may have.
// The commit has the last word (see countOpen).
func (e *Engine) roomForOpen(ctx context.Context, user string) error {
	most := e.Policy.MaxOpenRequests
	if most == 0 {
		return nil
	}
	own := e.keys.own(user)
	ids, err := e.rdb.ZRange(ctx, own, 0, -1).Result()
	if err != nil {
		return fmt.Errorf("read a person's open requests: %w", err)
	}
	if len(ids) < most {
		return nil
	}
	// A replica of an older version does not take off what has ended.
	scores, err := e.rdb.ZMScore(ctx, e.keys.open(), ids...).Result()
	if err != nil {
		return fmt.Errorf("read open requests: %w", err)
	}
	open := 0
	for i, created := range scores {
		if created != 0 {
			open++
		} else if err := e.rdb.ZRem(ctx, own, ids[i]).Err(); err != nil {
			return fmt.Errorf("forget an ended request: %w", err)
		}
	}
	if open >= most {
		return e.tooManyOpen()
	}
	return nil
}

func (e *Engine) tooManyOpen() error {
	return &approvals.Refusal{Why: approvals.TooManyOpen, Limit: e.Policy.MaxOpenRequests}
}

// countOpen has ch count r among its requester's open requests, and bounds them.
// A request that an approver renews is not its requester's doing.
func (e *Engine) countOpen(ch *change, r approvals.Request) {
	own := e.keys.own(r.Requester)
	if n := e.Policy.MaxOpenRequests; n > 0 && r.State == approvals.Pending {
		ch.Most = &most{own, n}
	}
	ch.Index = append(ch.Index, index{Key: own, Member: r.ID, Score: r.Created.UnixMilli()})
	ch.Expire = append(ch.Expire, expire{own, int64(keep.Seconds())})
}
