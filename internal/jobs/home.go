package jobs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// homes keeps the open Homes up to date.
type homes struct {
	*records
	pacing    *pacing
	messenger Messenger // set by [Engine.Run]

	mu     sync.Mutex
	failed map[string]time.Time // Homes that could not be drawn, and before when they are not tried again; guarded by mu
}

// homeLife is how long after its last opening a Home is still drawn: Slack
// does not tell when somebody goes away from it. It is drawn when it is opened
// again.
const homeLife = time.Hour

// Homes are drawn at this pace at most: Slack allows 100 a minute for the whole
// workspace.
const (
	homePace  = 700 * time.Millisecond
	homeBurst = 20
)

// HomeOpened has a person's Home drawn now, and again whenever a request
// moves, until an hour after the last opening.
func (hs *homes) HomeOpened(ctx context.Context, user string) error {
	return wrapped("have a Home drawn", hs.store.Viewed(ctx, hs.viewers(), user, ""))
}

// AnswerInHome has a person's Home tell text until it is opened again. A click in
// the Home has no message and no channel to answer in.
func (hs *homes) AnswerInHome(ctx context.Context, user, text string) error {
	return wrapped("have a Home drawn", hs.store.Viewed(ctx, hs.viewers(), user, text))
}

// viewers are the people who have the Home open.
func (hs *homes) viewers() store.Viewers {
	return store.Viewers{Opened: hs.keys.homesOpened(), Answers: hs.keys.homeAnswers(), Older: hs.keys.homes(), Item: homesItem}
}

// adoptOldHome takes up a Home that an older replica knows to be open.
func (hs *homes) adoptOldHome(ctx context.Context, lease store.Lease, user string) error {
	if err := hs.store.AdoptViewer(ctx, hs.viewers(), user); err != nil {
		return err
	}
	hs.release(ctx, lease, never, false)
	return nil
}

// HomeAnswer is what the person's Home has to tell, or empty.
func (hs *homes) HomeAnswer(ctx context.Context, user string) (string, error) {
	text, err := hs.store.Fields(ctx, hs.keys.homeAnswers(), user)
	if err != nil {
		return "", fmt.Errorf("read what a Home tells: %w", err)
	}
	return text[0], nil
}

// openHome is a Home that somebody opened within the last hour.
type openHome struct {
	user          string
	opened, shown time.Time // shown: when it was drawn last; zero for never
}

// stepHomes draws stale Homes one after the other at the pace that Slack allows,
// for as long as the step may take. Those that were opened or answered since
// they were drawn come first.
func (hs *homes) stepHomes(ctx context.Context, lease store.Lease) error {
	if err := hs.forgetHomes(ctx); err != nil {
		return err
	}
	stop := time.Now().Add(hs.cfg.Lease / 2)
	for time.Now().Before(stop) {
		all, err := hs.openHomes(ctx)
		if err != nil {
			return err
		}
		moved, err := hs.store.Values(ctx, hs.keys.homesChanged())
		if err != nil {
			return fmt.Errorf("read when something moved: %w", err)
		}
		queue, wait := hs.staleHomes(all, asMoment(moved[0]))
		if len(queue) == 0 {
			return hs.homesIdle(ctx, lease, all, moved[0], wait)
		}
		if wait, err := hs.drawHomes(ctx, queue, stop); err != nil || wait > 0 {
			if err == nil {
				hs.release(ctx, lease, wait, false)
			}
			return err
		}
	}
	hs.release(ctx, lease, 0, false)
	return nil
}

// homesAtOnce is after how many Homes it is looked again whose is to be drawn
// next: somebody may have opened theirs.
const homesAtOnce = 5

// drawHomes draws the first Homes of the queue. It returns how long Slack wants
// no other one.
func (hs *homes) drawHomes(ctx context.Context, queue []openHome, stop time.Time) (time.Duration, error) {
	for _, h := range queue[:min(homesAtOnce, len(queue))] {
		quiet, err := hs.pacing.backOffsOf(ctx, homeViews)
		if err != nil || quiet[0] > 0 {
			return quiet[0], err
		}
		wait := hs.pacing.pacer(homeViews, homePace, homeBurst).turn(homesItem, time.Now())
		if time.Now().Add(wait).After(stop) {
			return wait, nil // it keeps its turn
		}
		if wait > 0 {
			select {
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			case <-time.After(wait):
			}
			hs.pacing.pacer(homeViews, homePace, homeBurst).turn(homesItem, time.Now())
		}
		if wait, err := hs.drawHome(ctx, h.user); err != nil || wait > 0 {
			return wait, err
		}
	}
	return 0, nil
}

// drawHome draws one person's Home.
func (hs *homes) drawHome(ctx context.Context, user string) (time.Duration, error) {
	now, err := hs.store.Time(ctx) // what moves while it is drawn makes it stale again
	if err != nil {
		return 0, fmt.Errorf("ask the time: %w", err)
	}
	d := hs.messenger.PublishHome(ctx, user)
	hs.cfg.Metrics.posts.WithLabelValues("home", deliveryLabel(d.Status)).Inc()
	switch {
	case d.Status == approvals.Rejected, d.UnknownCode:
		hs.cfg.Log.WarnContext(ctx, "a Home cannot be drawn and is given up until it is opened again", "user", user, "err", d.Err)
		return 0, hs.forgetHome(ctx, user)
	case d.Status != approvals.Posted:
		hs.cfg.Log.WarnContext(ctx, "a Home could not be drawn; trying again", "user", user, "err", d.Err)
		wait := max(d.RetryAfter, hs.cfg.RetryIn)
		if !d.WholeMethod { // it is about this Home alone: the others go on
			hs.mu.Lock()
			defer hs.mu.Unlock()
			hs.failed[user] = hs.now().Add(max(wait, 10*hs.cfg.RetryIn))
			return 0, nil
		}
		if err := hs.pacing.backOff(ctx, homeViews, wait); err != nil {
			return 0, err
		}
		return wait, nil
	}
	if err := hs.store.Mark(ctx, hs.keys.homesDrawn(), user, now.UnixMicro()); err != nil {
		return 0, fmt.Errorf("note that a Home was drawn: %w", err)
	}
	return 0, nil
}

// openHomes lists who has the Home open, the newest opening first.
func (hs *homes) openHomes(ctx context.Context) ([]openHome, error) {
	members, err := hs.store.Range(ctx, hs.keys.homesOpened(), 0, -1)
	if err != nil || len(members) == 0 {
		return nil, wrapped("list open Homes", err)
	}
	slices.Reverse(members)
	all := make([]openHome, 0, len(members))
	for some := range slices.Chunk(members, 1000) {
		shown, err := hs.store.Fields(ctx, hs.keys.homesDrawn(), store.Names(some)...)
		if err != nil {
			return nil, fmt.Errorf("read when Homes were drawn: %w", err)
		}
		for i, m := range some {
			all = append(all, openHome{user: m.Name, opened: time.UnixMicro(m.Score), shown: asMoment(shown[i])})
		}
	}
	return all, nil
}

// staleHomes picks those to draw now, in order: opened or answered since they
// were drawn, then those of approvers, who may be waited for; in each the newest
// opening first. Without any it returns how long it is until one may be.
func (hs *homes) staleHomes(all []openHome, moved time.Time) ([]openHome, time.Duration) {
	now, wait := hs.now(), never
	var opened, approvers, others []openHome
	deciders := hs.Projects().Approvers()
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for user, until := range hs.failed {
		if !now.Before(until) {
			delete(hs.failed, user)
		}
	}
	for _, h := range all {
		if until, failed := hs.failed[h.user]; failed {
			wait = sooner(wait, until.Sub(now))
			continue
		}
		switch early := h.shown.Add(hs.cfg.HomeGap).Sub(now); {
		case !h.opened.Before(h.shown):
			opened = append(opened, h)
		case moved.Before(h.shown):
		case early > 0:
			wait = sooner(wait, early)
		case slices.Contains(deciders, h.user):
			approvers = append(approvers, h)
		default:
			others = append(others, h)
		}
	}
	return slices.Concat(opened, approvers, others), wait
}

// homesIdle gives the item back while no Home has to be drawn. Once all show
// everything it says so: [Engine.watchOutbox] need not make it due.
func (hs *homes) homesIdle(ctx context.Context, lease store.Lease, all []openHome, moved string, wait time.Duration) error {
	if wait == never && len(all) > 0 {
		if err := hs.store.Set(ctx, hs.keys.homesSettled(), fmt.Sprintf("%s/%d", moved, all[0].opened.UnixMicro()), 0); err != nil {
			return fmt.Errorf("note that all Homes are drawn: %w", err)
		}
	}
	hs.release(ctx, lease, wait, false)
	return nil
}

// forgetHomes forgets those that were not opened for an hour.
func (hs *homes) forgetHomes(ctx context.Context) error {
	before := hs.now().Add(-homeLife).UnixMicro()
	oldest, err := hs.store.Range(ctx, hs.keys.homesOpened(), 0, 999)
	if err != nil {
		return wrapped("list Homes that were left", err)
	}
	left := slices.DeleteFunc(oldest, func(m store.Member) bool { return m.Score > before })
	if len(left) == 0 {
		return nil
	}
	return hs.forgetHome(ctx, store.Names(left)...)
}

func (hs *homes) forgetHome(ctx context.Context, users ...string) error {
	k := hs.keys
	return wrapped("forget Homes", hs.store.Forget(ctx, users, []string{k.homesOpened()}, []string{k.homesDrawn(), k.homeAnswers()}))
}

// asMoment reads a moment in microseconds; the zero time if there is none.
func asMoment(text string) time.Time {
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// wrapped adds what was being done to an error, if there is one.
func wrapped(doing string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", doing, err)
	}
	return err
}
