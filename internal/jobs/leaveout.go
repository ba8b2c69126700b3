package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// namedLeftOut is how many runs of names a note about servers that were left out has.
const namedLeftOut = 10

// LeaveOut takes servers off the list of a pending request because the approver p does
// not want them in it. They are free for other requests at once. op is the id of the
// form; the same one twice leaves out once.
func (d *desk) LeaveOut(ctx context.Context, id string, p approvals.Person, servers []string, op string) (approvals.Request, error) {
	return d.decideAnd(ctx, id, op, func(r approvals.Request, pol approvals.Policy, now time.Time) (approvals.Request, func(*store.Change), error) {
		var list approvals.ServerList
		if r.State == approvals.Pending { // else it is refused, and the list may be gone
			var err error
			if list, err = d.loadServerList(ctx, r.ID); err != nil {
				return r, nil, err
			}
		}
		next, short, err := r.LeaveOut(p, pol, list, servers, op, now)
		if err != nil {
			return r, nil, err
		}
		return next, d.shorten(next, short), nil
	})
}

// shorten adds to a change that the request is about the shorter list.
func (d *desk) shorten(r approvals.Request, short approvals.ServerList) func(*store.Change) {
	said := r.LastDecision()
	var out []approvals.Server // they come last
	for _, l := range short.LeftOut[len(short.LeftOut)-said.Count:] {
		out = append(out, l.Server)
	}
	names := approvals.NameRuns(out)
	return func(ch *store.Change) {
		ch.Put(d.keys.serverList(r.ID), short)
		for _, s := range out {
			ch.Unlock(r.ID, s.ID)
		}
		ch.Also(tell(d.keys, r.ID, d.note(approvals.Note{
			ID: fmt.Sprintf("%s/left_out/%d", r.ID, len(r.LeftOutBy())), Topic: approvals.TopicLeftOut,
			By: said.By, Count: said.Count, Rest: r.Total, Names: names[:min(namedLeftOut, len(names))],
		})))
	}
}
