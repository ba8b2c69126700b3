package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// desk makes requests from what people ask for, and decides about them.
type desk struct{ *records }

// Ask makes a request from what a person wants, and adds its card to the channel's
// outbox. Asking twice with the same OpID makes one request and returns it twice. A
// dry run makes none. If the person can fix the problem the error is a
// *approvals.Refusal, and nothing was made.
func (d *desk) Ask(ctx context.Context, ask approvals.Ask) (approvals.Request, error) {
	p, err := d.admit(&ask)
	if err != nil {
		return approvals.Request{}, err
	}
	id, made, err := d.idFor(ctx, ask.OpID)
	if err != nil || made.ID != "" {
		return made, err
	}
	if !ask.DryRun {
		if err := d.roomForOpen(ctx, p.Policy, ask.By.ID); err != nil {
			return approvals.Request{}, err
		}
	}
	if err := d.countAsk(ctx, p.Policy, ask); err != nil {
		return approvals.Request{}, err
	}
	list, err := p.resolve(ctx, ask, d.now())
	if err != nil {
		return approvals.Request{}, err
	}
	if err := d.unlocked(ctx, id, list); err != nil {
		return approvals.Request{}, err
	}
	r, err := approvals.New(id, ask, list, p.Policy, d.now())
	if err != nil || ask.DryRun {
		return r, err
	}
	return r, d.create(ctx, p.Policy, r, list, nil)
}

// admit chooses the project that an ask is about, and writes it into the ask. It
// refuses an ask of a person who may not ask there.
func (d *desk) admit(ask *approvals.Ask) (*project, error) {
	p, err := d.projects.choose(ask.Project, ask.AskedIn)
	if err != nil {
		return nil, err
	}
	ask.Project, ask.ProjectID = p.Name, p.RecordID
	return p, p.Policy.MayAsk(ask.By)
}

// resolve finds the servers of an ask ([inventory.Inventory.Resolve]). While as many
// steps as may are waiting for the project's cloud, it fails: the ask is repeated soon.
func (p *project) resolve(ctx context.Context, ask approvals.Ask, now time.Time) (approvals.ServerList, error) {
	end, ok := p.begin()
	if !ok {
		return approvals.ServerList{}, fmt.Errorf("project %s has too many steps that wait for its cloud", p.Name)
	}
	defer end()
	return p.inventory.Resolve(ctx, ask, p.Policy.Protection, now)
}

// Servers finds the servers that a person names, without making a request
// ([inventory.Inventory.Find]).
func (d *desk) Servers(ctx context.Context, ask approvals.Ask) (found []approvals.Server, missing *approvals.Refusal, err error) {
	p, err := d.admit(&ask)
	if err != nil {
		return nil, nil, err
	}
	return p.inventory.Find(ctx, ask)
}

// Suggest finds up to n servers of a project by what a person has typed so far
// ([inventory.Inventory.Suggest]).
func (d *desk) Suggest(ctx context.Context, project, typed string, n int) ([]approvals.Server, error) {
	p, err := d.projects.choose(project, "")
	if err != nil {
		return nil, err
	}
	return p.inventory.Suggest(ctx, typed, n)
}

// WarmSuggestions starts reading what Suggest needs, and returns at once.
func (d *desk) WarmSuggestions(ctx context.Context, project string) {
	if p, err := d.projects.choose(project, ""); err == nil {
		p.inventory.Warm(ctx)
	}
}

// idFor returns a free id for the request that op asks for, or the request that op
// has already made.
func (d *desk) idFor(ctx context.Context, op string) (id string, made approvals.Request, err error) {
	for n := range 100 {
		id = approvals.IDFor(op, n)
		r, err := d.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return id, made, nil
		}
		if err != nil {
			return "", made, err
		}
		if r.Body.CommandID == op {
			return id, r.Body, nil
		}
	}
	return "", made, errors.New("no free request id in 100 tries")
}

// create stores a new request with everything that belongs to it, and with what more
// adds to the change.
func (d *desk) create(ctx context.Context, pol approvals.Policy, r approvals.Request, list approvals.ServerList, more func(*store.Change)) error {
	k := d.keys
	ch := store.NewChange().
		Write(k.request(r.ID), 0, r).
		Write(k.thread(r.ID), 0, thread{Channel: r.Channel}).
		Log(audit.Entry{Event: audit.Asked, Request: r.ID, By: r.Requester, To: string(r.State), Count: r.Total, Digest: r.Digest, Reason: r.Reason, Worker: d.store.Worker()}).
		Also(tell(k, r.ID, d.note(approvals.Note{ID: r.ID + "/card", Topic: approvals.TopicCard, By: r.Requester}))).
		Wake(requestItem(r.ID), r.NextDue(d.cfg.RemindGap).Sub(r.Created))
	if r.State == approvals.Approved { // by the same click that asked for it, or by rules
		by := r.LastDecision()
		ch.Log(audit.Entry{Event: audit.Event(by.Choice), Request: r.ID, By: by.By, From: string(approvals.Pending), To: string(r.State), Digest: r.Digest, Reason: by.Reason, Worker: d.store.Worker()}).
			Wake(requestItem(r.ID), 0)
		if by.Choice == approvals.ChoseApprove {
			ch.Also(tell(k, r.ID, d.approvedNote(r, by)))
		}
	}
	if r.Total > len(r.Sample) {
		ch.Also(tell(k, r.ID, d.note(approvals.Note{ID: r.ID + approvals.ListNote, Topic: approvals.TopicList, Count: r.Total})))
	}
	ch.Put(k.serverList(r.ID), list).Add(k.open(), r.ID, r.Created.UnixMilli())
	d.countOpen(ch, pol, r)
	for _, s := range list.Servers {
		ch.Lock(r.ID, s.ID)
	}
	if more != nil {
		more(ch)
	}
	_, err := d.commit(ctx, ch)
	var taken store.Taken
	if errors.As(err, &taken) {
		return &approvals.Refusal{Kind: approvals.ServersTaken, Taken: taken}
	}
	if errors.Is(err, store.ErrTooMany) {
		return tooManyOpen(pol)
	}
	if err != nil {
		return err
	}
	d.cfg.Metrics.moves.WithLabelValues(string(r.State)).Inc()
	return nil
}

// unlocked refuses if a server is part of another request. Servers that would be left
// out count, too: one that another request is stopping right now looks like one that
// is already stopped. Locks of the same ask, handled twice at once, do not count.
// The commit checks the locks again.
func (d *desk) unlocked(ctx context.Context, id string, f approvals.ServerList) error {
	var ids []string
	for _, s := range f.Servers {
		ids = append(ids, s.ID)
	}
	for _, l := range f.LeftOut {
		ids = append(ids, l.Server.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	taken, err := d.store.Holders(ctx, ids...)
	if err != nil {
		return fmt.Errorf("read locks: %w", err)
	}
	maps.DeleteFunc(taken, func(_, holder string) bool { return holder == id })
	if len(taken) > 0 {
		return &approvals.Refusal{Kind: approvals.ServersTaken, Taken: taken}
	}
	return nil
}
