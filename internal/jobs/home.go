package jobs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"golang.org/x/time/rate"
)

// homeLife is how long after its last opening a Home is still drawn: Slack
// does not tell when somebody goes away from it.
const homeLife = 24 * time.Hour

// Homes of one replica are drawn at this pace at most: Slack allows 100 a
// minute for the whole workspace.
const (
	homePace  = 700 * time.Millisecond
	homeBurst = 20
)

// HomeOpened has a person's Home drawn now, and again whenever a request
// moves, until a day after the last opening.
func (e *Engine) HomeOpened(ctx context.Context, user string) error {
	return e.homeDue(ctx, user, "")
}

// TellHome has a person's Home tell text until it is opened again. A click in
// the Home has no message and no channel to answer in.
func (e *Engine) TellHome(ctx context.Context, user, text string) error {
	return e.homeDue(ctx, user, text)
}

func (e *Engine) homeDue(ctx context.Context, user, text string) error {
	k := e.keys
	err := homeScript.Run(ctx, e.rdb, []string{k.due(), k.claims(), k.woken(), k.homes(), k.said()},
		user, homeItem(user), text).Err()
	if err != nil {
		return fmt.Errorf("have a Home drawn: %w", err)
	}
	e.nudge()
	return nil
}

// HomeTold is what the person's Home has to tell, or empty.
func (e *Engine) HomeTold(ctx context.Context, user string) (string, error) {
	text, err := e.rdb.HMGet(ctx, e.keys.said(), user).Result()
	if err != nil {
		return "", fmt.Errorf("read what a Home tells: %w", err)
	}
	s, _ := text[0].(string)
	return s, nil
}

// seenInHomes reports whether the change moves a request or the freeze, which
// Homes show.
func (e *Engine) seenInHomes(ch *change) bool {
	for _, w := range ch.Write {
		if strings.HasPrefix(w.Key, e.keys.request("")) || w.Key == e.keys.halt() {
			return true
		}
	}
	return false
}

// stepHome draws one person's Home. What changes while it is drawn makes it
// due again (the item is held meanwhile, so it is marked as woken).
func (e *Engine) stepHome(ctx context.Context, c claim, user string) error {
	opened, shown, err := e.homeTimes(ctx, user)
	if err != nil {
		return err
	}
	now := e.now()
	if now.Sub(opened) > homeLife {
		return e.forgetHome(ctx, c, user)
	}
	if wait := shown.Add(e.HomeGap).Sub(now); wait > 0 && !opened.After(shown) {
		e.release(ctx, c, wait, false)
		return nil
	}
	if wait := e.paceOf("a Home", homePace, homeBurst); wait > 0 {
		e.release(ctx, c, wait, false)
		return nil
	}
	d := e.face.Home(ctx, user)
	e.Metrics.said.WithLabelValues("home", fate(d.Fate)).Inc()
	switch d.Fate {
	case approvals.Unsayable:
		e.Log.WarnContext(ctx, "a Home cannot be drawn and is given up", "user", user, "err", d.Err)
		return e.forgetHome(ctx, c, user)
	case approvals.NotSaid, approvals.Unsure:
		e.Log.WarnContext(ctx, "a Home could not be drawn; trying again", "user", user, "err", d.Err)
		e.release(ctx, c, max(d.Wait, e.RetryIn), false)
		return nil
	}
	if err := markScript.Run(ctx, e.rdb, []string{e.keys.shown()}, user, now.UnixMilli()).Err(); err != nil {
		return fmt.Errorf("note that a Home was drawn: %w", err)
	}
	e.release(ctx, c, never, false)
	return nil
}

// homeTimes tells when the person opened the Home last and when it was drawn
// last; the zero time for never.
func (e *Engine) homeTimes(ctx context.Context, user string) (opened, shown time.Time, err error) {
	read := func(key string) time.Time {
		fields, e := e.rdb.HMGet(ctx, key, user).Result()
		if e != nil {
			err = fmt.Errorf("read when a Home was seen: %w", e)
			return time.Time{}
		}
		text, _ := fields[0].(string)
		ms, e := strconv.ParseInt(text, 10, 64)
		if e != nil {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	return read(e.keys.homes()), read(e.keys.shown()), err
}

func (e *Engine) forgetHome(ctx context.Context, c claim, user string) error {
	k := e.keys
	for _, key := range []string{k.homes(), k.shown(), k.said()} {
		if err := e.rdb.HDel(ctx, key, user).Err(); err != nil {
			return fmt.Errorf("forget a Home: %w", err)
		}
	}
	e.release(ctx, c, never, false)
	return nil
}

// paceOf returns 0 if one more of what may go now, or how long to wait.
func (e *Engine) paceOf(what string, every time.Duration, burst int) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.paces[what]
	if l == nil {
		l = rate.NewLimiter(rate.Every(every), burst)
		e.paces[what] = l
	}
	at := l.Reserve()
	wait := at.Delay()
	if wait > 0 {
		at.Cancel()
	}
	return wait
}
