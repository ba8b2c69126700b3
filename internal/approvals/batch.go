package approvals

import (
	"fmt"
	"slices"
	"time"
)

// Outcome is what is known of one server in the end. Empty: not yet.
type Outcome string

const (
	// Stopped: the job says so and a look at the server confirms it.
	Stopped Outcome = "stopped"
	// FoundOff: the server is off, but no job of ours confirms that we did it.
	FoundOff Outcome = "off"
	// Started: the job says so and a look at the server confirms it.
	Started Outcome = "started"
	// FoundOn: the server runs, but no job of ours confirms that we did it.
	FoundOn Outcome = "on"
	// Skipped: left out just before sending; the result's Why says why.
	Skipped Outcome = "left_out"
	// ActionFailed: the cloud refused or failed; Code and Reason are the cloud's.
	ActionFailed Outcome = "failed"
	// NotKnown: it could not be found out; [Result.Cause] is why.
	NotKnown Outcome = "unknown"
	// NotSent: cancelled before its batch was sent.
	NotSent Outcome = "not_sent"
)

// Result is one server of a batch: as it was last seen, and what became of it.
type Result struct {
	Server         Server     `json:"s"`               // in a call: the snapshot taken before the intent
	Sent           bool       `json:"sent,omitempty"`  // in a call that may have reached the cloud
	SentInAttempt  int        `json:"in,omitempty"`    // attempt in which it was sent last
	SeenInProgress bool       `json:"going,omitempty"` // seen on its way after a call with an unclear answer
	Outcome        Outcome    `json:"o,omitempty"`
	Skip           SkipReason `json:"why,omitempty"`
	Code           string     `json:"code,omitempty"`
	Detail         string     `json:"reason,omitempty"` // the cloud's, or that of [Result.Cause]
	Seconds        int        `json:"secs,omitempty"`   // from when the cloud took the call until the outcome was known
}

// Batch is one call's worth of servers.
type Batch struct {
	Request      string     `json:"request"`
	Action       Action     `json:"action,omitempty"`
	Index        int        `json:"n"`    // from 0
	Remaining    int        `json:"rest"` // servers in this batch and all after it
	State        BatchState `json:"state"`
	Attempt      int        `json:"attempt,omitempty"` // intents written so far
	UnclearCalls int        `json:"lost,omitempty"`    // calls without a clear answer so far
	Permit       string     `json:"permit,omitempty"`  // of the current attempt
	Planned      time.Time  `json:"planned"`           // when the servers were read that the batch was made of
	IntentAt     time.Time  `json:"intent,omitzero"`   // when the current attempt was about to be sent
	JobID        string     `json:"job,omitempty"`
	SentAt       time.Time  `json:"sent,omitzero"` // when the cloud took it
	Polls        int        `json:"polls,omitempty"`
	Rechecks     int        `json:"looks,omitempty"`  // looks at servers that did not agree with their job
	OverdueTold  bool       `json:"late,omitempty"`   // the thread was told that the job is overdue
	Trouble      Cause      `json:"trouble,omitzero"` // why it waits, or why its job is not followed; people were told
	Results      []Result   `json:"results"`

	newer *NewerFields // what a newer version wrote into the record
}

// PlanBatches cuts the approved list into batches of at most size servers. Of each
// server a batch keeps what is needed to compare and to name it.
func PlanBatches(r Request, f ServerList, size int) []Batch {
	size = max(1, size)
	read := f.At
	if read.IsZero() { // a list of an older version
		read = r.Created
	}
	var batches []Batch
	for at := 0; at < len(f.Servers); at += size {
		part := f.Servers[at:min(at+size, len(f.Servers))]
		b := Batch{Request: r.ID, Action: r.Action, Index: len(batches), Remaining: len(f.Servers) - at, State: Queued, Planned: read}
		for _, s := range part {
			b.Results = append(b.Results, Result{Server: s.brief()})
		}
		batches = append(batches, b)
	}
	return batches
}

// Split keeps the first size servers without outcome in a queued batch and
// moves the others to new batches, numbered from first on. The new ones are a
// chain of their own: each wakes the next, the first has to be woken.
func (b Batch) Split(size, first int) (kept Batch, moved []Batch) {
	size = max(1, size)
	kept = b
	kept.Results = nil
	var rest []Result
	open := 0
	for _, r := range b.Results {
		if r.Outcome == "" {
			open++
		}
		if r.Outcome == "" && open > size {
			rest = append(rest, r)
		} else {
			kept.Results = append(kept.Results, r)
		}
	}
	kept.Remaining -= len(rest)
	for at := 0; at < len(rest); at += size {
		m := b
		m.newer = nil // it belongs to b's servers, by their place
		m.Index, m.Remaining = first+len(moved), len(rest)-at
		m.Results = slices.Clone(rest[at:min(at+size, len(rest))])
		m.Permit, m.Trouble = "", Cause{}
		moved = append(moved, m)
	}
	return kept, moved
}

// WithoutOutcome lists the ids of servers without an outcome.
func (b Batch) WithoutOutcome() []string {
	var ids []string
	for _, r := range b.Results {
		if r.Outcome == "" {
			ids = append(ids, r.Server.ID)
		}
	}
	return ids
}

// To moves the batch, or says that the move is not legal.
func (b Batch) To(next BatchState) (Batch, error) {
	if !b.State.MayBecome(next) {
		return b, fmt.Errorf("batch %s/%d cannot go from %s to %s", b.Request, b.Index, b.State, next)
	}
	b.State = next
	return b, nil
}

// Ended moves the batch to the end that its results say. It is an error if a
// server is still without outcome.
func (b Batch) Ended() (Batch, error) {
	if n := len(b.WithoutOutcome()); n > 0 {
		return b, fmt.Errorf("batch %s/%d cannot end: %d servers without outcome", b.Request, b.Index, n)
	}
	t := b.Tally()
	switch end := t.end(false); end {
	case Unknown:
		return b.To(BatchUnknown)
	case Failed:
		return b.To(BatchFailed)
	case PartiallyFailed:
		return b.To(BatchPartiallyFailed)
	default:
		return b.To(BatchSucceeded)
	}
}

// Tally counts servers by outcome.
type Tally struct {
	Stopped int `json:"stopped,omitempty"`
	Off     int `json:"off,omitempty"` // found off, also those that were off before
	Started int `json:"started,omitempty"`
	On      int `json:"on,omitempty"`      // found running, also those that ran before
	LeftOut int `json:"out,omitempty"`     // left out for another reason than being off
	Failed  int `json:"failed,omitempty"`  // refused or failed
	Unknown int `json:"unknown,omitempty"` // not known
	NotSent int `json:"unsent,omitempty"`  // cancelled in time
}

// Tally counts the batch's results that are known.
func (b Batch) Tally() Tally {
	var t Tally
	for _, r := range b.Results {
		switch r.Outcome {
		case Stopped:
			t.Stopped++
		case FoundOff:
			t.Off++
		case Started:
			t.Started++
		case FoundOn:
			t.On++
		case Skipped:
			switch r.Skip {
			case SkipOff:
				t.Off++
			case SkipOn:
				t.On++
			default:
				t.LeftOut++
			}
		case ActionFailed:
			t.Failed++
		case NotKnown:
			t.Unknown++
		case NotSent:
			t.NotSent++
		}
	}
	return t
}

// Plus adds two tallies.
func (t Tally) Plus(u Tally) Tally {
	return Tally{
		Stopped: t.Stopped + u.Stopped, Off: t.Off + u.Off,
		Started: t.Started + u.Started, On: t.On + u.On, LeftOut: t.LeftOut + u.LeftOut,
		Failed: t.Failed + u.Failed, Unknown: t.Unknown + u.Unknown, NotSent: t.NotSent + u.NotSent,
	}
}

// Done counts the servers that have an outcome, be it that it cannot be known.
func (t Tally) Done() int {
	return t.Stopped + t.Off + t.Started + t.On + t.LeftOut + t.Failed + t.Unknown + t.NotSent
}

// Good counts the servers that are as the request wants them.
func (t Tally) Good() int { return t.Stopped + t.Off + t.Started + t.On }

// Bad counts the servers that did not end well.
func (t Tally) Bad() int { return t.LeftOut + t.Failed + t.Unknown + t.NotSent }

// Long reports whether so many servers did not end well that what became of
// each is told as a file, too.
func (t Tally) Long() bool { return t.Bad() > fewBad }

// fewBad is how many of them a message tells well enough.
const fewBad = 20

// end says how a request (or batch) with these results has ended.
func (t Tally) end(cancelled bool) State {
	good, bad := t.Good(), t.LeftOut+t.Failed+t.NotSent
	switch {
	case t.Unknown > 0:
		return Unknown
	case cancelled && t.NotSent == t.Done():
		return Cancelled
	case bad == 0:
		return Succeeded
	case good == 0:
		return Failed
	}
	return PartiallyFailed
}
