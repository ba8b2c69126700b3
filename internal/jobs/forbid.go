package jobs

import (
	"context"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// forbid cancels an approved request that a rule denies now. It returns false if none
// does.
func (l *lifecycle) forbid(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], list approvals.ServerList) (denied bool, err error) {
	p := l.projects.of(r.Body)
	if p == nil {
		return false, nil // nothing is sent for it
	}
	next, denied, err := r.Body.Forbid(p.Policy, list, l.now())
	if err != nil || !denied {
		return false, err
	}
	ch, err := l.decision(ctx, r, next)
	if err != nil {
		return true, err
	}
	if _, err := l.commit(ctx, ch.FencedBy(lease).Release(never)); err != nil {
		return true, err
	}
	l.cfg.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return true, nil
}
