package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// Servers shows the servers that a person names, as the cloud shows them now,
// and creates nothing. A name that several servers bear stands for all of them.
// Words that name none are in missing.
func (e *Engine) Servers(ctx context.Context, ask approvals.Ask) (found []approvals.Server, missing *approvals.Refusal, err error) {
	if ask.Project != "" && ask.Project != e.Project {
		return nil, nil, &approvals.Refusal{Why: approvals.WrongProject, Asked: ask.Project, Known: e.Project}
	}
	if err := e.Policy.MayAsk(ask.By); err != nil {
		return nil, nil, err
	}
	f := finder{e: e, seen: map[string]bool{}, ambiguous: map[string][]approvals.Server{}}
	if err := f.find(ctx, ask); err != nil {
		return nil, nil, e.cloudRefusal(ctx, "look at servers", err)
	}
	for _, word := range ask.Servers {
		if hits := f.ambiguous[word]; len(hits) > 0 {
			f.add(word, hits)
		}
	}
	if len(f.missing) > 0 {
		missing = &approvals.Refusal{Why: approvals.Unresolved, Missing: f.missing, Near: e.near(ctx, f.missing)}
	}
	return f.found, missing, nil
}

// Frozen returns the list that a request is about, or a *approvals.Refusal.
func (e *Engine) Frozen(ctx context.Context, id string) (approvals.Frozen, error) {
	f, err := e.loadFrozen(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		r, err := e.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return f, &approvals.Refusal{Why: approvals.NotFound, Request: approvals.Request{ID: id}}
		}
		if err == nil {
			err = &approvals.Refusal{Why: approvals.ListGone, Request: r.Body}
		}
		return f, err
	}
	return f, err
}

// draftLife is how long a person may think about what they were shown.
const draftLife = time.Hour

// Draft shows what an ask would ask for, and keeps it under the ask's Op for
// [Engine.AskDraft]. It makes no request.
func (e *Engine) Draft(ctx context.Context, ask approvals.Ask) (approvals.Request, error) {
	ask.DryRun = true
	ask.Project = cmp.Or(ask.Project, e.Project)
	if ask.Project != e.Project {
		return approvals.Request{}, &approvals.Refusal{Why: approvals.WrongProject, Asked: ask.Project, Known: e.Project}
	}
	if err := e.Policy.MayAsk(ask.By); err != nil {
		return approvals.Request{}, err
	}
	if err := e.countAsk(ctx, ask); err != nil {
		return approvals.Request{}, err
	}
	// One that was shown before, by a process that died, is shown again.
	if err := e.store.Get(ctx, e.keys.draft(ask.Op), &ask); err != nil && !errors.Is(err, store.ErrNotFound) {
		return approvals.Request{}, fmt.Errorf("read draft: %w", err)
	}
	ask.DryRun = true
	frozen, err := e.resolve(ctx, ask)
	if err != nil {
		return approvals.Request{}, err
	}
	if err := e.untaken(ctx, approvals.IDFor(ask.Op, 0), frozen); err != nil {
		return approvals.Request{}, err
	}
	r, err := approvals.New(approvals.IDFor(ask.Op, 0), ask, frozen, e.Policy, e.now())
	if err != nil {
		return approvals.Request{}, err
	}
	// What will be asked for is what was shown, not what fits the words by then.
	ask.Servers, ask.Tags, ask.DryRun = nil, nil, false
	for _, s := range frozen.Servers {
		ask.Servers = append(ask.Servers, s.ID)
	}
	ask.Without = nil
	for _, l := range frozen.LeftOut {
		ask.Servers = append(ask.Servers, l.Server.ID)
		ask.Without = append(ask.Without, l.Server.ID)
	}
	if err := e.store.Set(ctx, e.keys.draft(ask.Op), marshal(ask), draftLife); errors.Is(err, store.ErrFull) {
		return r, &approvals.Refusal{Why: approvals.StoreFull}
	} else if err != nil {
		return r, fmt.Errorf("keep draft: %w", err)
	}
	return r, nil
}

// AskDraft makes the request that p was shown by [Engine.Draft]. The same draft
// twice makes one request and returns it twice.
func (e *Engine) AskDraft(ctx context.Context, draft string, p approvals.Person) (approvals.Request, error) {
	var ask approvals.Ask
	err := e.store.Get(ctx, e.keys.draft(draft), &ask)
	if errors.Is(err, store.ErrNotFound) {
		return approvals.Request{}, &approvals.Refusal{Why: approvals.DraftGone}
	}
	if err != nil {
		return approvals.Request{}, fmt.Errorf("read draft: %w", err)
	}
	if ask.By.ID != p.ID {
		return approvals.Request{}, &approvals.Refusal{Why: approvals.DraftGone}
	}
	ask.By = p // rights are those of now
	return e.Ask(ctx, ask)
}

// Suggest finds up to n servers by what a person has typed so far: part of a
// name, the beginning of an id, or part of a tag, in capitals or not. What it
// shows may be some seconds old, and older where the cloud takes longer than ctx.
func (e *Engine) Suggest(ctx context.Context, typed string, n int) ([]approvals.Server, error) {
	all, err := e.fleet.now(ctx, e.Cloud)
	if err != nil {
		return nil, fmt.Errorf("suggest servers: %w", err)
	}
	typed = strings.ToLower(strings.TrimSpace(typed))
	type hit struct {
		rank   int
		server approvals.Server
	}
	var hits []hit
	for _, s := range all {
		if rank := likeness(s, typed); rank >= 0 {
			hits = append(hits, hit{rank, s})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(a.server.Name), len(b.server.Name)),
			cmp.Compare(a.server.Name, b.server.Name), cmp.Compare(a.server.ID, b.server.ID))
	})
	var found []approvals.Server
	for _, h := range hits[:min(n, len(hits))] {
		found = append(found, h.server)
	}
	return found, nil
}

// ReadAhead begins to read what Suggest will need, and does not wait for it: a
// large fleet takes longer than a person who types.
func (e *Engine) ReadAhead(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	e.fleet.now(ctx, e.Cloud)
}

// likeness says how well a server fits what was typed, 0 being best; -1 is not
// at all.
func likeness(s approvals.Server, typed string) int {
	name := strings.ToLower(s.Name)
	switch {
	case strings.HasPrefix(name, typed):
		return 0
	case strings.Contains(name, typed):
		return 1
	case slices.ContainsFunc(s.Tags, func(tag string) bool { return strings.Contains(strings.ToLower(tag), typed) }):
		return 2
	case strings.HasPrefix(s.ID, typed):
		return 3
	}
	return -1
}

const (
	nearNames   = 3               // names offered for one that is missing
	nearMissing = 20              // missing names for which that is done
	nearWithin  = 3 * time.Second // it is a courtesy, not worth a longer wait
)

// near finds names like those that name no server.
func (e *Engine) near(ctx context.Context, missing []string) map[string][]string {
	missing = slices.DeleteFunc(slices.Clone(missing), func(word string) bool {
		return uuid.MatchString(word) || strings.ContainsAny(word, "*=")
	})
	if len(missing) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, nearWithin)
	defer cancel()
	all, err := e.fleet.now(ctx, e.Cloud)
	if err != nil {
		e.Log.WarnContext(ctx, "no names like the missing ones could be looked for", "err", err)
		return nil
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	near := map[string][]string{}
	for _, word := range missing[:min(nearMissing, len(missing))] {
		if found := approvals.Near(word, names, nearNames); len(found) > 0 {
			near[word] = found
		}
	}
	return near
}

// fleet is the list of all servers, read once for all who need it at the same
// time, and kept for some seconds: a person who types a name asks for it with
// every letter. Its zero value is ready.
type fleet struct {
	mu      sync.Mutex
	servers []approvals.Server
	at      time.Time     // the list that is kept was begun to be read
	reading chan struct{} // closed when the reading under way ends; nil: none is
	began   time.Time     // the last reading, or the one under way
	err     error         // of the last reading
}

const (
	fleetLife   = 20 * time.Second
	fleetWithin = 30 * time.Second // for reading it
)

// now returns the list, at most fleetLife old, or older if ctx ends before it is
// read again. It is good enough to choose from, not to act on.
func (f *fleet) now(ctx context.Context, cloud *ecsclient.Client) ([]approvals.Server, error) {
	f.mu.Lock()
	if f.servers != nil && time.Since(f.at) < fleetLife {
		defer f.mu.Unlock()
		return f.servers, nil
	}
	reading := f.underWay(ctx, cloud)
	f.mu.Unlock()
	select {
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.servers != nil {
			return f.servers, nil // the old one is better than none
		}
		return nil, context.Cause(ctx)
	case <-reading:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers, f.err
}

// fresh returns the list as a reading shows it that was begun after the call.
// However many ask for it meanwhile, they share the next one.
func (f *fleet) fresh(ctx context.Context, cloud *ecsclient.Client) ([]approvals.Server, error) {
	asked := time.Now()
	for {
		f.mu.Lock()
		if f.reading == nil && !f.began.Before(asked) {
			defer f.mu.Unlock()
			return f.servers, f.err
		}
		reading := f.underWay(ctx, cloud)
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-reading:
		}
	}
}

// underWay begins a reading if none is under way. It goes on when the one who
// asked for it has lost patience, so that the next letter finds it; it ends by its
// own deadline. The lock is held.
func (f *fleet) underWay(ctx context.Context, cloud *ecsclient.Client) <-chan struct{} {
	if f.reading == nil {
		f.reading, f.began = make(chan struct{}), time.Now()
		go f.read(context.WithoutCancel(ctx), cloud)
	}
	return f.reading
}

func (f *fleet) read(ctx context.Context, cloud *ecsclient.Client) {
	ctx, cancel := context.WithTimeout(ctx, fleetWithin)
	defer cancel()
	listed, err := cloud.ListServers(ctx, ecsclient.Filter{})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	if err == nil {
		f.servers, f.at = make([]approvals.Server, 0, len(listed)), f.began
		for _, s := range listed {
			f.servers = append(f.servers, asSeen(s))
		}
	}
	close(f.reading)
	f.reading = nil
}
