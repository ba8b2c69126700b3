// Package ecssim is a small simulated Elastic Cloud Server service with
// opinions. It obeys the rules that Huawei Cloud documents, refuses what the
// real one refuses (signatures, rates, wrong states), remembers what was done
// to it, and fails on demand in both ways: not done and said no, and done with
// the answer lost.
//
//	POST /v1/{project}/cloudservers/action    os-stop, os-start, reboot ──► a job
//	GET  /v1/{project}/jobs/{job}
//	GET  /v1/{project}/cloudservers/detail
//	GET  /v1/{project}/cloudservers/{server}
//
// A server that a call stops goes through these states, and its `updated`
// moves with each step:
//
//	ACTIVE ──► ACTIVE, powering-off ──(job time)──► SHUTOFF
//
// It is one plain struct on the real time package, so that it works behind a
// listener (Handler) and, over Transport, inside a synctest bubble.
package ecssim

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	mrand "math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Options says what kind of cloud it is. The zero value is a believable one.
type Options struct {
	// ProjectID, AccessKey and SecretKey have defaults, which Cloud.Options returns.
	ProjectID, AccessKey, SecretKey string
	// SecurityToken, if set, makes the key a temporary one.
	SecurityToken string

	// JobTime is how long a server takes for a power action. Nil draws from
	// MinJobTime to MaxJobTime (by default 15 to 35 seconds, as others assume of
	// the real cloud), repeatable by Seed. A forced stop takes a quarter. For a
	// job that touches no server it is asked with an empty id.
	JobTime                func(serverID string) time.Duration
	MinJobTime, MaxJobTime time.Duration
	Seed                   uint64
	// JobRetention is how long a finished job can be asked for; one day by default.
	JobRetention time.Duration

	// At most Limit servers are accepted for stopping, and as many for starting,
	// within any Window: 1,000 in 60 seconds by default.
	Limit  int
	Window time.Duration
}

// Cloud is the simulated service. It is safe for concurrent use.
type Cloud struct {
	opts Options

	mu       sync.Mutex
	draw     *mrand.Rand
	servers  map[string]*server
	order    []string       // server ids, as they were added
	stops    map[string]int // accepted stops by server id, deleted servers included
	jobs     map[string]*job
	accepted []acceptance
	pairs    map[string]Key       // accepted key pairs, by access key
	keys     map[string]*keyGuard // by access key, of others too
	calls    []Call
	faults   []*pendingFault
	failJobs []failure
	stuck    int // how many jobs to come shall never end

	watchers map[int]func(Event)
	nextID   int
	news     []Event
	telling  bool

	timers map[*timer]bool
	speed  float64
	closed bool
	done   chan struct{}
}

// New makes an empty cloud. Close it when done.
func New(opts Options) *Cloud {
	opts.ProjectID = cmp.Or(opts.ProjectID, "0123456789abcdef0123456789abcdef")
	opts.AccessKey = cmp.Or(opts.AccessKey, "SIMULATEDACCESSKEY00")
	opts.SecretKey = cmp.Or(opts.SecretKey, "simulated-secret-key-0123456789abcdefghij")
	opts.JobRetention = cmp.Or(opts.JobRetention, 24*time.Hour)
	opts.Limit = cmp.Or(opts.Limit, 1000)
	opts.Window = cmp.Or(opts.Window, time.Minute)
	if opts.MinJobTime == 0 && opts.MaxJobTime == 0 {
		opts.MinJobTime, opts.MaxJobTime = 15*time.Second, 35*time.Second
	}
	opts.MaxJobTime = max(opts.MinJobTime, opts.MaxJobTime)
	return &Cloud{
		opts:     opts,
		draw:     mrand.New(mrand.NewPCG(opts.Seed, 1)),
		servers:  make(map[string]*server),
		stops:    make(map[string]int),
		jobs:     make(map[string]*job),
		pairs:    map[string]Key{opts.AccessKey: {AccessKey: opts.AccessKey, SecretKey: opts.SecretKey, SecurityToken: opts.SecurityToken}},
		keys:     make(map[string]*keyGuard),
		watchers: make(map[int]func(Event)),
		timers:   make(map[*timer]bool),
		speed:    1,
		done:     make(chan struct{}),
	}
}

// Options returns the options in force, defaults filled in.
func (c *Cloud) Options() Options { return c.opts }

// Close stops all timers and lets go of calls that hang. Nothing moves afterwards.
func (c *Cloud) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	close(c.done)
	for t := range c.timers {
		t.clock.Stop()
	}
	clear(c.timers)
}

// jobTime is how long the server takes for a power action. c.mu is held.
func (c *Cloud) jobTime(id string) time.Duration {
	if c.opts.JobTime != nil {
		return c.opts.JobTime(id)
	}
	return c.opts.MinJobTime + time.Duration(c.draw.Int64N(int64(c.opts.MaxJobTime-c.opts.MinJobTime)+1))
}

// do runs f with the lock held, and notifies the watchers afterwards.
func (c *Cloud) do(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.tell()
}

// Event is something that happened. Exactly one of the two is set.
type Event struct {
	Time   time.Time `json:"time"`
	Server *Server   `json:"server,omitempty"` // a server changed, or came; Status is DELETED when it went
	Call   *Call     `json:"call,omitempty"`   // a call was answered, or cut, or began to hang
}

// Watch calls f for each event from now on, one at a time and in order, until
// stop is called. f may call the cloud, but must not wait for another event.
func (c *Cloud) Watch(f func(Event)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.nextID
	c.nextID++
	c.watchers[id] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, id)
	}
}

// note queues an event for tell. c.mu is held.
func (c *Cloud) note(e Event) {
	if len(c.watchers) > 0 {
		e.Time = time.Now()
		c.news = append(c.news, e)
	}
}

// tell passes queued events to the watchers, without the lock. Only one goroutine
// does so at a time; it also takes the events of the others.
func (c *Cloud) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.telling {
		return
	}
	c.telling = true
	for len(c.news) > 0 {
		news := c.news
		c.news = nil
		var watchers []func(Event)
		for id := range c.nextID {
			if f, ok := c.watchers[id]; ok {
				watchers = append(watchers, f)
			}
		}
		c.mu.Unlock()
		for _, e := range news {
			for _, f := range watchers {
				f(e)
			}
		}
		c.mu.Lock()
	}
	c.telling = false
}

// Call is a request that reached the cloud.
type Call struct {
	Time     time.Time `json:"time"`
	Op       string    `json:"op"` // "stop", "start", "reboot", "job", "list", "show" or "other"
	Method   string    `json:"method"`
	Path     string    `json:"path"` // with the query
	Body     string    `json:"body,omitempty"`
	IDs      []string  `json:"ids,omitempty"`       // servers named in an action
	StopType string    `json:"stop_type,omitempty"` // as sent
	Status   int       `json:"status"`              // 0 while open, or when no answer was given
	Fault    string    `json:"fault,omitempty"`     // the kind of fault that was injected
	Key      string    `json:"-"`                   // access key that signed it
	JobID    string    `json:"job_id,omitempty"`    // the job that was started, even if the caller got no answer
}

// Calls returns all requests so far, oldest first, refused ones included.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// newID gives 32 hex digits, as jobs and requests have them.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
