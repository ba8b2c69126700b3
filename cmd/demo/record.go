package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/jobs"
	"ecsbot/internal/store"

	"github.com/prometheus/client_golang/prometheus"
)

// record reads the bots' record, for the page to show: with an engine of its
// own that does no work, whenever a bot has written to it.
type record struct {
	w       *world
	tell    func(change)
	redis   *store.Redis
	engine  *jobs.Engine
	written chan struct{} // capacity 1
	end     context.CancelFunc
	ended   chan struct{}

	mu     sync.Mutex
	latest change // guarded by mu
}

// mostRequests is how many of the requests that have ended are shown.
const mostRequests = 30

func openRecord(ctx context.Context, w *world, tell func(change)) (*record, error) {
	db, err := store.Open("redis://"+w.store.Addr(), store.TLS{})
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	r := &record{w: w, tell: tell, redis: db, written: make(chan struct{}, 1), end: end, ended: make(chan struct{})}
	r.engine = jobs.New(jobs.Config{
		Keyspace: keyspace, Redis: db,
		Log: slog.New(slog.DiscardHandler), Metrics: jobs.NewMetrics(prometheus.NewRegistry()),
	})
	r.latest = change{"kind": "requests", "requests": []any{}, "freeze": nil}
	r.listen()
	go r.follow(ctx)
	return r, nil
}

// Close ends the reading.
func (r *record) Close() {
	r.end()
	<-r.ended
	r.redis.Close()
}

// listen has the store say when something is written to the record.
func (r *record) listen() {
	r.w.listen(r.wrote)
	r.wrote()
}

// follow reads the record after it was written to.
func (r *record) follow(ctx context.Context) {
	defer close(r.ended)
	const soon, late = 100 * time.Millisecond, time.Second
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			again = nil
		case <-r.written:
			// The hook runs before the command, so wait a moment for it. A command
			// that takes longer is seen at the second read.
			select {
			case <-ctx.Done():
				return
			case <-time.After(soon):
			}
			again = time.After(late)
		}
		requests, err := r.read(ctx)
		if err != nil { // the store is unreachable; the page keeps what was read last
			again = time.After(late)
			continue
		}
		r.mu.Lock()
		r.latest = requests
		r.mu.Unlock()
		r.tell(requests)
	}
}

// wrote says that there may be something new to read.
func (r *record) wrote() {
	select {
	case r.written <- struct{}{}:
	default:
	}
}

// last is the record as it was read last.
func (r *record) last() change {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

// asked are servers that an open request names; of a large one the first.
func (r *record) asked() map[string]bool {
	list, _ := r.last()["requests"].([]shownRequest)
	ids := map[string]bool{}
	for _, q := range list {
		for _, s := range q.Sample {
			ids[s.ID] = !q.State.Final() || ids[s.ID]
		}
	}
	return ids
}

// requestFields are a request's fields without its methods: embedded, its MarshalJSON
// would be that of a shownRequest and leave out what is added there.
type requestFields approvals.Request

// shownRequest is a request with its thread and its batches.
type shownRequest struct {
	requestFields
	Thread  shownThread  `json:"thread"`
	Batches []shownBatch `json:"batch_list"`
}

type shownThread struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

type shownBatch struct {
	N       int                  `json:"n"`
	State   approvals.BatchState `json:"state"`
	Size    int                  `json:"size"`
	Attempt int                  `json:"attempt,omitempty"`
	Lost    int                  `json:"lost,omitempty"`
	Job     string               `json:"job,omitempty"`
	Trouble string               `json:"trouble,omitempty"`
}

func (r *record) read(ctx context.Context) (change, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	open, _, err := r.engine.OpenRequests(ctx, "")
	if err != nil {
		return nil, err
	}
	slices.Reverse(open)
	ended, err := r.engine.EndedRequests(ctx, mostRequests)
	if err != nil {
		return nil, err
	}
	freeze, err := r.engine.FreezeState(ctx)
	if err != nil {
		return nil, err
	}
	shown := []shownRequest{}
	for _, q := range append(open, ended...) {
		batches, err := r.engine.Batches(ctx, q)
		if err != nil {
			return nil, err
		}
		s := shownRequest{requestFields: requestFields(q), Thread: shownThread(q.Thread), Batches: []shownBatch{}}
		for _, b := range batches {
			s.Batches = append(s.Batches, shownBatch{b.Index, b.State, len(b.Results), b.Attempt, b.UnclearCalls, b.JobID, b.Trouble.String()})
		}
		shown = append(shown, s)
	}
	return change{"kind": "requests", "requests": shown, "freeze": freeze}, nil
}
