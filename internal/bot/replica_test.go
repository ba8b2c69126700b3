package bot_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/bot"
)

// fast makes an engine work on a clock some twenty times quicker.
var fast = bot.Fast

// start runs a bot in this process until the test ends or stop is called.
func (w *world) start(tune bot.Tune) (stop func()) {
	w.t.Helper()
	c, err := bot.Load(func(name string) (string, bool) { v, set := w.env[name]; return v, set })
	if err != nil {
		w.t.Fatal(err)
	}
	if tune == nil {
		tune = fast
	}
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	b, err := bot.New(c, log, tune)
	if err != nil {
		w.t.Fatal(err)
	}
	before := w.Slack.OpenConnections() // some may be closing: they are not this bot's
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the bot ended with %v", err)
		}
		b.Close()
	}
	w.t.Cleanup(stop)
	w.Within(10*time.Second, "sockets", func() bool {
		own := slices.DeleteFunc(w.Slack.OpenConnections(), func(n int) bool { return slices.Contains(before, n) })
		return len(own) >= c.Sockets
	})
	return stop
}

// served is a bot in this process of which the log and the HTTP endpoints are
// looked at.
type served struct {
	w     *world
	bot   *bot.Bot
	log   *lockedBuffer
	ended chan error
	stop  func()
}

// serve runs a bot until the test ends. It waits for nothing.
func (w *world) serve() *served {
	w.t.Helper()
	c, err := bot.Load(func(name string) (string, bool) { v, set := w.env[name]; return v, set })
	if err != nil {
		w.t.Fatal(err)
	}
	c.Projects[0].Keys.Metadata = w.metadata
	s := &served{w: w, log: &lockedBuffer{}, ended: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(s.log, w.t.Output()), nil))
	if s.bot, err = bot.New(c, log, fast); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	go func() { s.ended <- s.bot.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-s.ended; err != nil {
			w.t.Errorf("the bot ended with %v", err)
		}
		s.bot.Close()
	})
	w.t.Cleanup(s.stop)
	return s
}

// get returns what an endpoint answers.
func (s *served) get(path string) (int, string) {
	s.w.t.Helper()
	s.w.Within(5*time.Second, "HTTP", func() bool { return s.bot.Addr() != nil })
	resp, err := http.Get("http://" + s.bot.Addr().String() + path)
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// notReady waits until /readyz is 503 and says all the words; /healthz is 200
// all the time.
func (s *served) notReady(words ...string) string {
	s.w.t.Helper()
	said := ""
	s.w.Within(10*time.Second, fmt.Sprintf("503 with %q", words), func() bool {
		if code, _ := s.get("/healthz"); code != http.StatusOK {
			s.w.t.Fatalf("/healthz is %d", code)
		}
		var code int
		code, said = s.get("/readyz")
		return code == http.StatusServiceUnavailable && holds(said, words...)
	})
	return said
}

func (s *served) ready() {
	s.w.t.Helper()
	s.w.Within(15*time.Second, "ready bot", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines are the lines written so far that hold all the words.
func (l *lockedBuffer) lines(words ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for line := range strings.Lines(l.b.String()) {
		if holds(line, words...) {
			all = append(all, line)
		}
	}
	return all
}
