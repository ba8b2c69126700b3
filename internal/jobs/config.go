package jobs

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"ecsbot/internal/store"
)

// Config configures an engine. Zero values get the defaults given.
type Config struct {
	Keyspace string // names the keys in Redis
	Projects []Project
	Redis    *store.Redis
	Log      *slog.Logger
	Metrics  *Metrics // must be set

	Window  time.Duration // of the cloud's quota; default 60 s, other values for tests
	Guard   time.Duration // added to the window for clock error; default 1 s
	Confirm int           // replicas that must have an intent before its call; default [store.ConfirmAuto]

	// TrustEmpty says that nothing was ever sent from an empty store. That is
	// certain only in the demo and in tests, which make their stores themselves. A
	// real store may be empty because its volume was lost, so without TrustEmpty
	// permits are blocked for one window.
	TrustEmpty bool

	Quarantine     time.Duration   // wait after an unclear call; default 180 s
	PostQuarantine time.Duration   // wait after an unclear post; default 25 s
	JobDeadline    time.Duration   // after it a job is reported as overdue; default 35 min
	MaxJobAge      time.Duration   // after it the servers decide; default 2 h
	GiveUp         time.Duration   // after it a server that is still powering off or on has an unknown outcome; default 3 MaxJobAge
	Polls          []time.Duration // pauses between two queries of a job; the last one repeats; default [polls]

	PollGap   time.Duration // pace at which one replica queries jobs; default 80 ms
	Lease     time.Duration // how long a claimed item belongs to a worker; default 30 s
	Heartbeat time.Duration // between two heartbeats; default 1 s. A worker that misses three is dead
	RetryIn   time.Duration // wait after a failed step; default 3 s
	Redraw    time.Duration // least time between two progress updates of a card; default 1.5 s
	Gather    time.Duration // how long a note about a batch waits for others like it; default 3 s
	PostGap   time.Duration // pace at which all replicas post in one channel; default 1 s
	DrawGap   time.Duration // pace at which all replicas update cards; default 1.5 s
	HomeGap   time.Duration // least time between two updates of one person's Home; default 5 s
	// A message that Slack rejects with an error code unknown to the bot is retried
	// after RejectedRetry, and given up after RejectedGiveUp; default 30 s and 1 h.
	RejectedRetry, RejectedGiveUp time.Duration

	RemindGap time.Duration // least time between two reminders of one request; default 5 min
	MaxSteps  int           // steps at the same time; default 32

	AuditKeep int // entries that the audit log keeps; default 1,000,000, about 200 MB
}

// polls are the default pauses between two queries of a job. For two minutes, in which
// most servers stop, the card follows them within five seconds. No job is queried more
// often than every two seconds, jitter included.
var polls = slices.Concat(
	slices.Repeat([]time.Duration{2500 * time.Millisecond}, 48),
	slices.Repeat([]time.Duration{5 * time.Second}, 36),
	[]time.Duration{10 * time.Second, 15 * time.Second, 30 * time.Second},
)

// Anchor says when the 60 seconds of a permit begin.
type Anchor string

const (
	AnchorSubmit Anchor = "submit" // with the answer to the call
	AnchorFinish Anchor = "finish" // with the end of the job
)

// withDefaults fills in what is not set: at most 1000 servers sent in any window, and
// 100 in one call.
func (p Project) withDefaults() Project {
	p.Rate = cmp.Or(p.Rate, 1000)
	p.BatchSize = cmp.Or(p.BatchSize, 100)
	p.Anchor = cmp.Or(p.Anchor, AnchorSubmit)
	return p
}

func (c Config) withDefaults() Config {
	c.Window = cmp.Or(c.Window, time.Minute)
	c.Guard = cmp.Or(c.Guard, time.Second)
	c.Quarantine = cmp.Or(c.Quarantine, 180*time.Second)
	c.PostQuarantine = cmp.Or(c.PostQuarantine, 25*time.Second)
	c.JobDeadline = cmp.Or(c.JobDeadline, 35*time.Minute)
	c.MaxJobAge = cmp.Or(c.MaxJobAge, 2*time.Hour)
	c.GiveUp = cmp.Or(c.GiveUp, 3*c.MaxJobAge)
	if len(c.Polls) == 0 {
		c.Polls = polls
	}
	c.PollGap = cmp.Or(c.PollGap, 80*time.Millisecond)
	c.Lease = cmp.Or(c.Lease, 30*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, time.Second)
	c.RetryIn = cmp.Or(c.RetryIn, 3*time.Second)
	c.Redraw = cmp.Or(c.Redraw, 1500*time.Millisecond)
	c.Gather = cmp.Or(c.Gather, 3*time.Second)
	c.PostGap = cmp.Or(c.PostGap, time.Second)
	c.DrawGap = cmp.Or(c.DrawGap, 1500*time.Millisecond)
	c.RejectedRetry = cmp.Or(c.RejectedRetry, 30*time.Second)
	c.RejectedGiveUp = cmp.Or(c.RejectedGiveUp, time.Hour)
	c.HomeGap = cmp.Or(c.HomeGap, 5*time.Second)
	c.RemindGap = cmp.Or(c.RemindGap, 5*time.Minute)
	c.MaxSteps = cmp.Or(c.MaxSteps, 32)
	c.AuditKeep = cmp.Or(c.AuditKeep, 1_000_000)
	return c
}

// pollPause is the pause after n queries of a job.
func (c Config) pollPause(n int) time.Duration { return c.Polls[min(n, len(c.Polls)-1)] }

// soon is how long a small request may have to wait for that room.
func (c Config) soon() time.Duration { return min(4*time.Second, c.Window/15) }

// window is how long a permit counts: the cloud's window and the guard.
func (c Config) window() time.Duration { return c.Window + c.Guard }
