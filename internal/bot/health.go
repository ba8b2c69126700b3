package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Limits of the HTTP endpoints, so that their callers cannot overload the process or
// Redis.
const (
	readyFor       = time.Second     // how long an answer of /readyz is reused
	readyPatience  = 2 * time.Second // for one check
	maxConnections = 100
	httpPatience   = 10 * time.Second // to read a request, and to write an answer
	httpIdle       = 15 * time.Second // until an idle connection is closed
)

// health serves /healthz, /readyz and /metrics. It works without Redis and Slack.
type health struct {
	address string
	handler http.Handler
	causes  func(context.Context) []string // why the bot is not ready
	notes   func() []string                // what else /readyz says
	log     *slog.Logger
	bound   atomic.Pointer[net.Addr]

	mu      sync.Mutex
	checked time.Time // guarded by mu; when found was determined
	found   []string  // guarded by mu
}

func newHealth(address string, reg *prometheus.Registry, causes func(context.Context) []string, notes func() []string, log *slog.Logger) *health {
	h := &health{address: address, causes: causes, notes: notes, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	h.handler = mux
	return h
}

// ready is 200 only while Redis takes writes and a Slack socket has said hello.
func (h *health) ready(w http.ResponseWriter, req *http.Request) {
	lines := h.check(req.Context())
	if len(lines) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	} else {
		lines = []string{"ready"}
	}
	fmt.Fprintln(w, strings.Join(slices.Concat(lines, h.notes()), "\n"))
}

// check finds out why the bot is not ready, at most once in readyFor, because it writes
// to Redis. It continues if one of the waiting clients disconnects.
func (h *health) check(ctx context.Context) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.checked.IsZero() && time.Since(h.checked) < readyFor {
		return h.found
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyPatience)
	defer cancel()
	h.found, h.checked = h.causes(ctx), time.Now()
	return h.found
}

// run serves until ctx ends.
func (h *health) run(ctx context.Context) error {
	if h.address == "" {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.address)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	addr := l.Addr()
	h.bound.Store(&addr)
	h.log.InfoContext(ctx, "serving health, readiness and metrics over HTTP", "address", addr.String())
	srv := &http.Server{
		Handler: h.handler, ReadHeaderTimeout: httpPatience / 2, ReadTimeout: httpPatience, WriteTimeout: httpPatience, IdleTimeout: httpIdle,
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(limited(l, maxConnections)) }() // received below
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
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
