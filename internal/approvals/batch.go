package approvals

import (
	"fmt"
	"slices"
	"time"
)

// Outcome is what became of one server. Empty: not known yet.
type Outcome string

const (
	// Stopped: the job says so and the server's state confirms it.
	Stopped Outcome = "stopped"
	// FoundOff: the server is off, but no job confirms that the bot did it.
	FoundOff Outcome = "off"
	// Started: the job says so and the server's state confirms it.
	Started Outcome = "started"
	// FoundOn: the server runs, but no job confirms that the bot did it.
	FoundOn Outcome = "on"
	// Skipped: left out just before sending; [Result.Skip] says why.
	Skipped Outcome = "left_out"
	// ActionFailed: the cloud refused or failed; Code and Detail are the cloud's.
	ActionFailed Outcome = "failed"
	// NotKnown: the outcome could not be determined; [Result.Cause] is why.
	NotKnown Outcome = "unknown"
	// NotSent: cancelled before its batch was sent.
	NotSent Outcome = "not_sent"
)

// Result is one server of a batch: as it was last read, and its outcome.
type Result struct {
	Server         Server     `json:"s"`               // once sent: the snapshot taken before the intent
	Sent           bool       `json:"sent,omitempty"`  // part of a call that may have reached the cloud
	SentInAttempt  int        `json:"in,omitempty"`    // attempt in which it was last sent
	SeenInProgress bool       `json:"going,omitempty"` // seen powering off (or on) after an unclear call
	Outcome        Outcome    `json:"o,omitempty"`
	Skip           SkipReason `json:"why,omitempty"`
	Code           string     `json:"code,omitempty"`
	Detail         string     `json:"reason,omitempty"` // the cloud's reason, or a stored [Cause]
	Seconds        int        `json:"secs,omitempty"`   // from when the cloud took the call until the outcome was known
}

// Batch is the servers of one call.
type Batch struct {
	Request      string     `json:"request"`
	ProjectID    string     `json:"project_id,omitempty"` // [Project.RecordID] of the request's project
	Action       Action     `json:"action,omitempty"`
	Index        int        `json:"n"`    // from 0
	Remaining    int        `json:"rest"` // servers in this batch and all after it
	State        BatchState `json:"state"`
	Attempt      int        `json:"attempt,omitempty"` // intents written so far
	UnclearCalls int        `json:"lost,omitempty"`    // calls without a clear answer so far
	Permit       string     `json:"permit,omitempty"`  // of the current attempt
	Planned      time.Time  `json:"planned"`           // when the servers of the list were read
	IntentAt     time.Time  `json:"intent,omitzero"`   // when the intent of the current attempt was written
	JobID        string     `json:"job,omitempty"`
	SentAt       time.Time  `json:"sent,omitzero"` // when the cloud accepted it
	Polls        int        `json:"polls,omitempty"`
	Rechecks     int        `json:"looks,omitempty"`  // times that servers were read because they contradicted their job
	OverdueTold  bool       `json:"late,omitempty"`   // the thread says that the job is overdue
	Trouble      Cause      `json:"trouble,omitzero"` // why it waits, or why its job is not polled; the thread says so
	Noted        Tally      `json:"noted,omitzero"`   // what the request's Early has of this batch
	Results      []Result   `json:"results"`

	newer *NewerFields // what a newer version wrote into the record
}

// PlanBatches cuts the approved list into batches of at most size servers. A batch
// keeps of each server what is needed to compare and to name it.
func PlanBatches(r Request, f ServerList, size int) []Batch {
	size = max(1, size)
	read := f.At
	if read.IsZero() { // a list stored by an older version
		read = r.Created
	}
	var batches []Batch
	for at := 0; at < len(f.Servers); at += size {
		part := f.Servers[at:min(at+size, len(f.Servers))]
		b := Batch{Request: r.ID, ProjectID: r.ProjectID, Action: r.Action, Index: len(batches), Remaining: len(f.Servers) - at, State: Queued, Planned: read}
		for _, s := range part {
			b.Results = append(b.Results, Result{Server: s.brief()})
		}
		batches = append(batches, b)
	}
	return batches
}

// Split keeps the first size servers without outcome in a queued batch and moves the
// others to new batches, numbered from first. The new batches are a chain of their
// own: each wakes the next, and the caller wakes the first.
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
		m.newer = nil // those fields refer to b's servers by position
		m.Index, m.Remaining = first+len(moved), len(rest)-at
		m.Results = slices.Clone(rest[at:min(at+size, len(rest))])
		m.Permit, m.Trouble, m.Noted = "", Cause{}, Tally{}
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

// To moves the batch to a state, or returns an error if that is not allowed.
func (b Batch) To(next BatchState) (Batch, error) {
	if !b.State.MayBecome(next) {
		return b, fmt.Errorf("batch %s/%d cannot go from %s to %s", b.Request, b.Index, b.State, next)
	}
	b.State = next
	return b, nil
}

// Ended moves the batch to the final state of its results. It is an error if a server
// has no outcome.
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
	LeftOut int `json:"out,omitempty"`     // skipped for another reason than being off
	Failed  int `json:"failed,omitempty"`  // refused or failed
	Unknown int `json:"unknown,omitempty"` // outcome unknown
	NotSent int `json:"unsent,omitempty"`  // cancelled in time
}

// Tally counts the batch's results that have an outcome.
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

// minus takes u from t; no count falls below 0.
func (t Tally) minus(u Tally) Tally {
	return Tally{
		Stopped: max(0, t.Stopped-u.Stopped), Off: max(0, t.Off-u.Off),
		Started: max(0, t.Started-u.Started), On: max(0, t.On-u.On), LeftOut: max(0, t.LeftOut-u.LeftOut),
		Failed: max(0, t.Failed-u.Failed), Unknown: max(0, t.Unknown-u.Unknown), NotSent: max(0, t.NotSent-u.NotSent),
	}
}

// Done counts the servers that have an outcome, NotKnown included.
func (t Tally) Done() int {
	return t.Stopped + t.Off + t.Started + t.On + t.LeftOut + t.Failed + t.Unknown + t.NotSent
}

// Good counts the servers that are in the state that was asked for.
func (t Tally) Good() int { return t.Stopped + t.Off + t.Started + t.On }

// Bad counts all other servers that have an outcome.
func (t Tally) Bad() int { return t.LeftOut + t.Failed + t.Unknown + t.NotSent }

// Long reports whether Bad is so high that the outcome of each server is also
// attached as a file.
func (t Tally) Long() bool { return t.Bad() > fewBad }

// fewBad is how many bad servers a message can list.
const fewBad = 20

// end is the final state of a request (or batch) with these results.
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
