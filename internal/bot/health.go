package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"ecsbot/internal/jobs"
	"ecsbot/internal/slackapp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health serves /healthz, /readyz and /metrics, and looks after Redis.
type health struct {
	address  string
	handler  http.Handler
	store    *jobs.Store
	engine   *jobs.Engine
	app      *slackapp.App
	volatile bool // ALLOW_VOLATILE_REDIS
	log      *slog.Logger
	bound    atomic.Pointer[net.Addr]
	warned   map[string]time.Time  // warning about Redis → when it was logged last; only judge uses it
	unkept   atomic.Pointer[error] // why Redis is not fit to keep requests
}

func newHealth(address string, reg *prometheus.Registry, store *jobs.Store, engine *jobs.Engine, app *slackapp.App, volatile bool, log *slog.Logger) *health {
	h := &health{address: address, store: store, engine: engine, app: app, volatile: volatile, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	h.handler = mux
	return h
}

// ready is 200 only while Redis takes writes and a Slack socket has said hello.
func (h *health) ready(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithTimeout(req.Context(), 2*time.Second)
	defer cancel()
	var causes []string
	if err := h.store.Writable(ctx); err != nil {
		causes = append(causes, err.Error())
	}
	if err := h.unkept.Load(); err != nil {
		causes = append(causes, (*err).Error())
	}
	if err := h.app.Ready(); err != nil {
		causes = append(causes, err.Error())
	}
	if len(causes) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, strings.Join(causes, "\n"))
		return
	}
	fmt.Fprintln(w, "ready")
}

// run serves until ctx ends, and checks Redis each half minute meanwhile.
func (h *health) run(ctx context.Context) error {
	if h.address == "" {
		h.watchStore(ctx)
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.address)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	addr := l.Addr()
	h.bound.Store(&addr)
	srv := &http.Server{Handler: h.handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	done := make(chan error, 1)
	watch, cancelWatch := context.WithCancel(ctx)
	go func() { // what it returns is waited for below
		done <- srv.Serve(l)
		cancelWatch()
	}()
	h.watchStore(watch)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (h *health) addr() net.Addr {
	if a := h.bound.Load(); a != nil {
		return *a
	}
	return nil
}

func (h *health) watchStore(ctx context.Context) {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if faults, err := h.store.Check(ctx); err == nil {
				if err := h.judge(faults); err != nil {
					h.log.ErrorContext(ctx, "Redis is not fit to keep requests any more", "err", err)
				}
			}
		}
	}
}

// refusedStore says that a Redis must not be used as it is.
type refusedStore struct{ faults []jobs.Fault }

func (r refusedStore) Error() string {
	lines := make([]string, len(r.faults))
	for i, f := range r.faults {
		lines[i] = "REDIS_URL: " + f.String()
	}
	return strings.Join(lines, "\n")
}

// warn logs a warning about Redis when it is new, and not at each check.
func (h *health) warn(f jobs.Fault) {
	if h.warned == nil {
		h.warned = map[string]time.Time{}
	}
	if time.Since(h.warned[f.Mend]) > time.Hour {
		h.warned[f.Mend] = time.Now()
		h.log.Warn("Redis: "+f.What, "do", f.Mend)
	}
}

// judge decides whether a Redis with these faults may be used. A loading one
// is an error but not a refusal: that passes.
func (h *health) judge(faults []jobs.Fault) error {
	var refused []jobs.Fault
	for _, f := range faults {
		switch {
		case f.Warning:
			h.warn(f)
		case f.Passing:
			return errors.New(f.String())
		case f.Loss && h.volatile:
			h.log.Warn("ALLOW_VOLATILE_REDIS: requests and the quota's log may be lost; use this for trials only", "fault", f.What)
		default:
			refused = append(refused, f)
		}
	}
	if len(refused) > 0 {
		err := error(refusedStore{refused})
		h.unkept.Store(&err)
		h.engine.Hold("the store may lose what is written to it")
		return err
	}
	h.unkept.Store(nil)
	h.engine.Hold("")
	return nil
}
