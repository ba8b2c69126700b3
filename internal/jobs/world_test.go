package jobs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/redistest"
	"ecsbot/internal/secret"
	"ecsbot/internal/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// TestMain lets more worlds live at the same time than there are cores: their
// tests mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "4")
	os.Exit(m.Run())
}

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
	redistest.OnEach(t, func(t *testing.T, s *redistest.Server) { test(t, newWorldOn(t, s)) })
}

func newWorldOn(t testing.TB, server *redistest.Server) *world {
	t.Helper()
	w := &world{t: t, redis: server, keys: keysOf(projectID)}
	w.cloud = ecssim.New(ecssim.Options{MinJobTime: 20 * time.Millisecond, MaxJobTime: 60 * time.Millisecond, Seed: 1, ProjectID: projectID})
	t.Cleanup(w.cloud.Close)
	w.over, w.stopAll = context.WithCancel(context.Background())
	w.rdb = w.redis.Client()
	t.Cleanup(func() { w.rdb.Close() })
	return w
}

const projectID = "0123456789abcdef0123456789abcdef"

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
	c.Quarantine, c.PostQuarantine = 300*time.Millisecond, 300*time.Millisecond
	c.Polls = []time.Duration{20 * time.Millisecond, 50 * time.Millisecond}
	c.PollGap, c.Heartbeat, c.RetryIn = time.Microsecond, 150*time.Millisecond, 20*time.Millisecond
	c.Redraw, c.PostGap, c.DrawGap = 30*time.Millisecond, time.Microsecond, time.Microsecond
	c.RejectedRetry, c.Gather = 20*time.Millisecond, 10*time.Millisecond
	c.TrustEmpty = true
}

// unscaled takes back what scaled does: [New] fills in what the bot works with.
func unscaled(c *Config) {
	c.Window, c.Guard = 0, 0
	c.Quarantine, c.PostQuarantine = 0, 0
	c.Polls = nil
	c.PollGap, c.Heartbeat, c.RetryIn = 0, 0, 0
	c.Redraw, c.PostGap, c.DrawGap = 0, 0, 0
	c.RejectedRetry, c.Gather = 0, 0
}

// engine makes one replica's engine, with a connection of its own.
func (w *world) engine(tune ...func(*Config)) *Engine {
	w.t.Helper()
	return w.engineAt(w.redis.URL(), tune...)
}

func (w *world) engineAt(url string, tune ...func(*Config)) *Engine {
	w.t.Helper()
	db, err := store.Open(url, store.TLS{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	o := w.cloud.Options()
	cloud, err := ecsclient.New(ecsclient.Config{
		Endpoint: "https://ecs.example.com", ProjectID: projectID, Transport: w,
		Credentials: ecsclient.Fixed(ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	c := Config{
		Keyspace: projectID, Redis: db,
		Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()),
		Projects: []Project{{Cloud: cloud, Project: approvals.Project{Name: "demo", ID: projectID, Policy: approvals.Policy{
			Approvers: []string{ben.ID, carla.ID, dora.ID}, ApprovalsRequired: 1, TTL: time.Hour, MaxServers: 2000,
		}}}},
	}
	scaled(&c)
	for _, f := range tune {
		f(&c)
	}
	e := New(c)
	w.t.Cleanup(e.Close)
	return e
}

// only is the sender of the only project.
func (e *Engine) only() *sender { return e.senders.of(e.projects.all()[0]) }

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
	// The first connection tells the run id; Join must not be the one to learn it.
	if _, err := e.store.Time(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := e.store.Join(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// alone is a world with one engine that has joined the store and lives, but does
// nothing by itself. It works at the real pace, so that nothing is due before a
// test wants it to be.
func alone(t *testing.T, tune ...func(*Config)) (*world, *Engine) {
	t.Helper()
	w := newWorld(t)
	e := w.opened(append([]func(*Config){func(c *Config) {
		unscaled(c)
		c.Projects[0].Policy.Approvers, c.Projects[0].Policy.MaxServers = []string{ben.ID, carla.ID}, 100
	}}, tune...)...)
	w.beat(e)
	return w, e
}

// key names what the store itself keeps.
func (w *world) key(name string) string { return string(w.keys) + name }

// commit makes ch, which must succeed.
func (w *world) commit(e *Engine, ch *store.Change) {
	w.t.Helper()
	if _, err := e.commit(w.t.Context(), ch); err != nil {
		w.t.Fatal(err)
	}
}

// claims takes up to n due items.
func (w *world) claims(e *Engine, n int) []store.Lease {
	w.t.Helper()
	got, _, err := e.store.Claim(w.t.Context(), store.Lanes{All: n, Usual: n, Slow: n})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// hold makes item due and claims it.
func (w *world) hold(e *Engine, item string) store.Lease {
	w.t.Helper()
	w.commit(e, store.NewChange().Wake(item, 0))
	for _, c := range w.claims(e, 100) {
		if c.Item == item {
			return c
		}
	}
	w.t.Fatalf("%s was not handed out", item)
	return store.Lease{}
}

// dueAt puts items into the list as due so many ms ago.
func (w *world) dueAt(ago map[string]int64) {
	w.t.Helper()
	now := do(w, w.rdb.Time(w.t.Context())).UnixMilli()
	for item, ms := range ago {
		w.rdb.ZAdd(w.t.Context(), w.key("due"), redis.Z{Score: float64(now - ms), Member: item})
	}
}

func (w *world) beat(e *Engine) {
	w.t.Helper()
	if err := e.heartbeat(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// beatAgain beats until Redis answers: connections to a process that died fail
// once each.
func (w *world) beatAgain(e *Engine) {
	w.t.Helper()
	w.within(5*time.Second, "a beat", func() bool { return e.heartbeat(w.t.Context()) == nil })
}

// beats waits until so many replicas have beaten n times more.
func (w *world) beats(replicas, n int) {
	w.t.Helper()
	seen := map[string]map[float64]bool{}
	w.within(10*time.Second, "beats of each replica", func() bool {
		for _, z := range do(w, w.rdb.ZRangeWithScores(w.t.Context(), w.key("beats"), 0, -1)) {
			worker := z.Member.(string)
			if seen[worker] == nil {
				seen[worker] = map[float64]bool{}
			}
			seen[worker][z.Score] = true
		}
		enough := 0
		for _, beats := range seen {
			if len(beats) > n {
				enough++
			}
		}
		return enough >= replicas
	})
}

// blocked reports whether permits are blocked, as an engine sees them.
func (w *world) blocked(e *Engine) bool {
	w.t.Helper()
	probe := store.Permit{ID: "probe", Request: "S-PROBE", Cost: 1, Rest: 1, First: true, Limit: 1000}
	_, err := e.store.Commit(w.t.Context(), store.NewChange().Permit(probe))
	if err == nil { // given back: it was only asked for
		w.commit(e, store.NewChange().StartWindow("probe", 0))
	}
	no, ok := errors.AsType[*store.NoRoom](err)
	return ok && no.Blocked()
}

// rollBack takes changes back, as far as the store's count of them tells.
func (w *world) rollBack() {
	w.t.Helper()
	if err := w.rdb.HSet(w.t.Context(), w.key("meta"), "seq", 0).Err(); err != nil {
		w.t.Fatal(err)
	}
}

// wrongClock is where the Redis answers whose clock is off by so many ms, as far
// as its scripts tell.
func (w *world) wrongClock() (url string, ms *atomic.Int64) {
	w.t.Helper()
	ms = new(atomic.Int64)
	c := &redistest.Cutter{Say: func(answer []byte) []byte {
		return moment.ReplaceAllFunc(answer, func(m []byte) []byte {
			n, _ := strconv.ParseInt(string(m[1:len(m)-2]), 10, 64)
			return fmt.Appendf(nil, ":%d\r\n", n+ms.Load())
		})
	}}
	return c.Start(w.t, w.redis).URL, ms
}

// moment is a time in ms, as an integer of Redis's protocol.
var moment = regexp.MustCompile(`:1\d{12}\r\n`)

// fill makes Redis refuse whatever needs memory.
func (w *world) fill() {
	w.t.Helper()
	if err := w.rdb.ConfigSet(w.t.Context(), "maxmemory", "1").Err(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.rdb.Set(w.t.Context(), "x", "y", 0).Err(); err == nil {
		w.t.Fatal("it is not full")
	}
}

func newCutter(w *world, cut func(command string) bool) *redistest.Cutter {
	w.t.Helper()
	return (&redistest.Cutter{Cut: cut}).Start(w.t, w.redis)
}

// run runs e until stop is called or the test ends. Then all are told to stop
// before any is waited for: each may need some seconds.
func (w *world) run(e *Engine, m Messenger) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.over)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, m) }()
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
func kill(e *Engine) { e.cfg.Redis.Close() }

// within waits until ok holds.
func (w *world) within(d time.Duration, what string, ok func() bool) {
	w.t.Helper()
	w.redis.Within(d, what, ok)
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
	return approvals.Ask{OpID: op, By: anna, AskedIn: "COPS", Channel: "COPS", Servers: servers, Mode: approvals.Soft, Reason: "test"}
}

func do[T any](w *world, cmd interface{ Result() (T, error) }) T {
	w.t.Helper()
	return redistest.Do(w.t, cmd)
}

// shift makes ms milliseconds pass for the permits: it moves all their times
// into the past, so that nobody has to wait. A negative ms is what they see of
// a clock that was set back.
func (w *world) shift(k keys, ms int64) {
	w.t.Helper()
	if err := redistest.Shift(w.t.Context(), w.rdb, string(k)+"log", string(k)+"book", ms); err != nil {
		w.t.Fatal(err)
	}
}
