package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// draftLife is how long a draft is kept for the person's decision.
const draftLife = time.Hour

// Draft returns the request that an ask would make, and stores the ask under its OpID
// for [Engine.AskDraft]. It makes no request.
func (d *desk) Draft(ctx context.Context, ask approvals.Ask) (approvals.Request, error) {
	ask.DryRun = true
	p, err := d.admit(&ask)
	if err != nil {
		return approvals.Request{}, err
	}
	if err := d.countAsk(ctx, p.Policy, ask); err != nil {
		return approvals.Request{}, err
	}
	// A draft that a process stored before it died is shown again.
	if err := d.store.Get(ctx, d.keys.draft(ask.OpID), &ask); err != nil && !errors.Is(err, store.ErrNotFound) {
		return approvals.Request{}, fmt.Errorf("read draft: %w", err)
	}
	ask.DryRun = true
	list, err := p.resolve(ctx, ask, d.now())
	if err != nil {
		return approvals.Request{}, err
	}
	if err := d.unlocked(ctx, approvals.IDFor(ask.OpID, 0), list); err != nil {
		return approvals.Request{}, err
	}
	r, err := approvals.New(approvals.IDFor(ask.OpID, 0), ask, list, p.Policy, d.now())
	if err != nil {
		return approvals.Request{}, err
	}
	// The draft names the servers that were shown, not those that fit the words later.
	ask.Servers, ask.Tags, ask.DryRun = nil, nil, false
	for _, s := range list.Servers {
		ask.Servers = append(ask.Servers, s.ID)
	}
	ask.Except = nil
	for _, l := range list.LeftOut {
		ask.Servers = append(ask.Servers, l.Server.ID)
		ask.Except = append(ask.Except, l.Server.ID)
	}
	if err := d.store.Set(ctx, d.keys.draft(ask.OpID), marshal(ask), draftLife); errors.Is(err, store.ErrFull) {
		return r, &approvals.Refusal{Kind: approvals.StoreFull}
	} else if err != nil {
		return r, fmt.Errorf("keep draft: %w", err)
	}
	return r, nil
}

// AskDraft makes the request that [Engine.Draft] showed p. The same draft twice makes
// one request and returns it twice.
func (d *desk) AskDraft(ctx context.Context, draft string, p approvals.Person) (approvals.Request, error) {
	var ask approvals.Ask
	err := d.store.Get(ctx, d.keys.draft(draft), &ask)
	if errors.Is(err, store.ErrNotFound) {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.DraftGone}
	}
	if err != nil {
		return approvals.Request{}, fmt.Errorf("read draft: %w", err)
	}
	if ask.By.ID != p.ID {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.DraftGone}
	}
	ask.By = p // with the rights that p has now
	return d.Ask(ctx, ask)
}
