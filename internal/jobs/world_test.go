package jobs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/redistest"
	"ecsbot/internal/secret"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// world is a real Redis and a simulated cloud, for any number of engines.
type world struct {
	t     testing.TB
	redis *redistest.Server
	cloud *ecssim.Cloud
	rdb   *redis.Client // a plain client, to look and to meddle
	keys  keys

	over    context.Context // ends with the test
	stopAll func()

	called func(*http.Request) // if set, told of each call to the cloud before it is made
}

// RoundTrip carries a call to the cloud.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.called != nil {
		w.called(req)
	}
	return w.cloud.Transport().RoundTrip(req)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, redistest.Start(t))
}

// onEach runs a test on every kind of server there is.
func onEach(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	for _, binary := range redistest.Binaries() {
		t.Run(binary, func(t *testing.T) {
			t.Parallel()
			test(t, newWorldOn(t, redistest.StartBinary(t, binary)))
		})
	}
}

func newWorldOn(t testing.TB, server *redistest.Server) *world {
	t.Helper()
	w := &world{t: t, redis: server, keys: keysOf(project)}
	w.cloud = ecssim.New(ecssim.Options{MinJobTime: 20 * time.Millisecond, MaxJobTime: 60 * time.Millisecond, Seed: 1, ProjectID: project})
	t.Cleanup(w.cloud.Close)
	w.over, w.stopAll = context.WithCancel(context.Background())
	w.rdb = w.redis.Client()
	t.Cleanup(func() { w.rdb.Close() })
	return w
}

const project = "0123456789abcdef0123456789abcdef"

// People of the tests.
var (
	anna  = approvals.Person{ID: "UANNA"} // asks
	ben   = approvals.Person{ID: "UBEN"}  // approves, as do the two below
	carla = approvals.Person{ID: "UCARLA"}
	dora  = approvals.Person{ID: "UDORA"}
)

// scaled makes an engine work on a clock some thirty times quicker.
func scaled(c *Config) {
	c.Window, c.Guard = 2*time.Second, 70*time.Millisecond
	c.Quarantine, c.UnsureWait = 300*time.Millisecond, 300*time.Millisecond
	c.Polls = []time.Duration{20 * time.Millisecond, 50 * time.Millisecond}
	c.Beat, c.RetryIn = 150*time.Millisecond, 20*time.Millisecond
	c.Redraw, c.PostGap, c.DrawGap = 30*time.Millisecond, time.Microsecond, time.Microsecond
	c.RefusedPause = 20 * time.Millisecond
	c.TrustEmpty = true
}

// engine makes one replica's engine, with a connection of its own.
func (w *world) engine(tune ...func(*Config)) *Engine {
	w.t.Helper()
	return w.engineAt(w.redis.URL(), tune...)
}

func (w *world) engineAt(url string, tune ...func(*Config)) *Engine {
	w.t.Helper()
	store, err := OpenStore(url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { store.Close() })
	o := w.cloud.Options()
	cloud, err := ecsclient.New(ecsclient.Config{
		Endpoint: "https://ecs.example.com", ProjectID: project, Transport: w,
		Credentials: ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	c := Config{
		ProjectID: project, Project: "demo", Redis: store, Cloud: cloud,
		Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()),
		Policy: approvals.Policy{
			Approvers: []string{ben.ID, carla.ID, dora.ID}, ApprovalsRequired: 1, TTL: time.Hour, MaxServers: 2000,
		},
	}
	scaled(&c)
	for _, f := range tune {
		f(&c)
	}
	e := New(c)
	w.t.Cleanup(e.Close)
	return e
}

// opened is an engine that has joined the store but does not run: its scripts
// can be called one by one.
func (w *world) opened(tune ...func(*Config)) *Engine {
	w.t.Helper()
	e := w.engine(tune...)
	w.open(e)
	return e
}

func (w *world) open(e *Engine) {
	w.t.Helper()
	if err := w.rdb.Ping(w.t.Context()).Err(); err != nil {
		w.t.Fatal(err)
	}
	// The first connection tells the run id; open must not be the one to learn it.
	if err := e.rdb.Ping(w.t.Context()).Err(); err != nil {
		w.t.Fatal(err)
	}
	if err := e.open(w.t.Context(), false); err != nil {
		w.t.Fatal(err)
	}
}

// run runs e until stop is called or the test ends. Then all are told to stop
// before any is waited for: each may need some seconds.
func (w *world) run(e *Engine, face Face) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.over)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, face) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the engine ended with %v", err)
		}
	})
	w.t.Cleanup(func() {
		w.stopAll()
		stop()
	})
	return stop
}

// kill takes e's connection away for good. As far as all others can see, its
// process is dead: it neither beats nor claims nor commits.
func kill(e *Engine) { e.Redis.Close() }

// within waits until ok holds.
func (w *world) within(d time.Duration, what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(d)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %v: %s\n%s", d, what, w.dump())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *world) dump() string {
	var b strings.Builder
	for key, value := range w.redis.Dump(context.Background(), string(w.keys)+"*") {
		fmt.Fprintf(&b, "%s = %.400s\n", key, value)
	}
	return b.String()
}

// fleet adds n running servers and returns their ids.
func (w *world) fleet(n int) []string {
	ids := make([]string, n)
	servers := make([]ecssim.Server, n)
	for i := range n {
		ids[i] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1)
		servers[i] = ecssim.Server{ID: ids[i], Name: fmt.Sprintf("web-%d", i+1), Status: "ACTIVE", VMState: "active"}
	}
	w.cloud.Add(servers...)
	return ids
}

// ask makes a request of anna's.
func (w *world) ask(e *Engine, op string, servers ...string) approvals.Request {
	w.t.Helper()
	r, err := e.Ask(w.t.Context(), askOf(op, servers...))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func askOf(op string, servers ...string) approvals.Ask {
	return approvals.Ask{Op: op, By: anna, From: "COPS", Channel: "COPS", Servers: servers, Mode: approvals.Soft, Reason: "test"}
}

// do is for commands of the plain client that cannot fail unless Redis is gone.
func do[T any](w *world, cmd interface{ Result() (T, error) }) T {
	w.t.Helper()
	v, err := cmd.Result()
	if err != nil && err != redis.Nil {
		w.t.Fatal(err)
	}
	return v
}

// shift makes ms milliseconds pass for the permits: it moves all their times
// into the past, so that nobody has to wait. A negative ms is what they see of
// a clock that was set back.
func (w *world) shift(k keys, ms int64) {
	w.t.Helper()
	err := shiftScript.Run(w.t.Context(), w.rdb, []string{k.log(approvals.Stop), k.book(approvals.Stop)}, ms).Err()
	if err != nil && err != redis.Nil {
		w.t.Fatal(err)
	}
}

var shiftScript = redis.NewScript(`
local z = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #z, 2 do redis.call('ZADD', KEYS[1], z[i + 1] - ARGV[1], z[i]) end
local h = redis.call('HGETALL', KEYS[2])
for i = 1, #h, 2 do
  local f = h[i]
  if f == '#clock' or f == '#frozen' or f == '#since' or string.sub(f, 1, 2) == 'a:' or string.sub(f, 1, 2) == 'f:' then
    redis.call('HINCRBY', KEYS[2], f, -ARGV[1])
  end
end`)

// cutter stands between an engine and Redis. It lets every command through;
// of those that cut picks it takes the answer away, with the connection.
type cutter struct {
	url string
	cut func(command string) bool
	say func(answer []byte) []byte // changes an answer; nil: none

	mu   sync.Mutex
	cuts int
}

func newCutter(w *world, cut func(command string) bool) *cutter {
	w.t.Helper()
	return newProxy(w, cut, nil)
}

// newProxy is newCutter with a change of answers; say may be nil.
func newProxy(w *world, cut func(command string) bool, say func(answer []byte) []byte) *cutter {
	w.t.Helper()
	path := w.redis.Dir() + "/cut"
	l, err := net.Listen("unix", path)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &cutter{url: "unix://" + path, cut: cut, say: say}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.carry(near, strings.TrimPrefix(w.redis.URL(), "unix://")) })
		}
	})
	w.t.Cleanup(func() {
		l.Close()
		w.redis.Kill() // ends what the connections still wait for
		wg.Wait()
	})
	return c
}

// carry carries one connection. go-redis sends a command only when it has the
// answer to the one before, so what comes in one piece belongs together.
func (c *cutter) carry(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() { // ends when either side closes
		defer near.Close()
		if c.say == nil {
			io.Copy(near, far)
			return
		}
		for buf := make([]byte, 256<<10); ; {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			near.Write(c.say(buf[:n]))
		}
	}()
	buf := make([]byte, 256<<10)
	for {
		n, err := near.Read(buf)
		if err != nil {
			return
		}
		c.mu.Lock()
		cut := c.cut(string(buf[:n]))
		if cut {
			c.cuts++
		}
		c.mu.Unlock()
		if cut {
			swallow(to, buf[:n])
			return
		}
		if _, err := far.Write(buf[:n]); err != nil {
			return
		}
	}
}

// swallow has the command carried out over a connection of its own, and waits
// for the answer: it is sure to be done before the caller hears of the cut.
func swallow(to string, command []byte) {
	aside, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer aside.Close()
	aside.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := aside.Write(command); err == nil {
		aside.Read(make([]byte, 64<<10))
	}
}
