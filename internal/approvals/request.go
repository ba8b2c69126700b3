package approvals

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Request is one wish to stop or start servers, from the command to its end. It is
// stored as one flat JSON object; fields may be added, but not renamed or given a
// new meaning.
type Request struct {
	ID    string `json:"id"` // S-7K3MQ: short enough to say aloud
	State State  `json:"state"`

	Asked
	Listed
	Decided
	Work

	Thread Thread `json:"-"` // its place in Slack; kept in a record of its own

	newer *NewerFields // what a newer version wrote into the record
}

// Asked is what was asked, by whom and where. It never changes.
type Asked struct {
	Project     string    `json:"project"`              // the configured project's name
	ProjectID   string    `json:"project_id,omitempty"` // its [Project.RecordID]
	Action      Action    `json:"action,omitempty"`
	FollowUpOf  string    `json:"of,omitempty"` // the request whose servers are tried or started again
	Mode        Mode      `json:"mode"`
	Reason      string    `json:"reason,omitempty"`
	Ticket      string    `json:"ticket,omitempty"` // of the change, where a rule asks for one
	Requester   string    `json:"requester"`        // Slack user id
	AskedIn     string    `json:"from"`             // channel where it was typed
	Channel     string    `json:"channel"`          // channel of the card
	ResponseURL string    `json:"answer,omitempty"` // for private answers to the requester, good for 30 minutes
	Step        string    `json:"step,omitempty"`   // id of the run of a Workflow Builder step that asked; it waits for the end
	CommandID   string    `json:"origin"`           // the envelope that made it; the same one makes no second request
	Created     time.Time `json:"created"`
}

// Listed is what the request is about: the servers that were found when it was
// asked. The whole list is a [ServerList] in a record of its own; this is what the
// card shows of it. It changes only when servers are left out.
type Listed struct {
	Total        int       `json:"total"`              // servers in the list
	Digest       string    `json:"digest"`             // of the list
	Sample       []Server  `json:"first"`              // the first of the list
	LeftOut      []LeftOut `json:"out,omitempty"`      // the first of those that were left out
	LeftOutCount int       `json:"out_sum,omitempty"`  // how many were left out
	Warnings     []Warning `json:"warnings,omitempty"` // of the whole list

	// For the card, of the whole list; read them with Named and Skips.
	Names      []NameRun   `json:"names,omitempty"`
	SkipCounts []SkipCount `json:"skips,omitempty"`

	// Original is the list that was asked for, if an approver has left some out since.
	Original *OriginalList `json:"original,omitempty"`
}

// Decided is what people have decided, and until when they may.
type Decided struct {
	ApprovalsNeeded int        `json:"need"` // by different people, in all
	Expires         time.Time  `json:"expires"`
	RemindersSent   int        `json:"reminded,omitempty"` // while nobody decided
	Decisions       []Decision `json:"decisions,omitempty"`
	Cancellation    *Decision  `json:"stop,omitempty"` // while executing: no further batch is sent

	// Nothing of this is stored as long as no rule matches.

	Rules         []Rule              `json:"rules,omitempty"`        // that matched at the ask, as they were
	DefaultNeeded int                 `json:"need_default,omitempty"` // how many of the policy's approvers servers need that no rule takes; 0: no rule matched yet
	Slots         []Slots             `json:"slots,omitempty"`        // the approvals that are needed, as of the ask or the last approval
	EscalatedAt   time.Time           `json:"escalated,omitzero"`     // when people were told last that a rule asks them, too
	Fits          map[string][]string `json:"fits,omitempty"`         // approver → the rules whose slots they can fill, as of the last approval
}

// Work is how the carrying out goes. The fields from WaitingBatch on are only shown.
type Work struct {
	Batches     int       `json:"batches,omitempty"`
	OpenBatches int       `json:"open,omitempty"` // batches that have not ended
	Tally       Tally     `json:"tally,omitzero"` // of the batches that have ended
	Started     time.Time `json:"started,omitzero"`
	Finished    time.Time `json:"finished,omitzero"`
	LastBatchAt time.Time `json:"progress,omitzero"`    // when a batch ended last
	FirstEndAt  time.Time `json:"first_ended,omitzero"` // when a batch ended first
	RetriedBy   string    `json:"retried,omitempty"`    // the request that tries its rest again
	FreezeTold  int64     `json:"held,omitempty"`       // ms: since when the freeze is on that the thread was told of
	PauseTold   string    `json:"paused,omitempty"`     // the store's run for which the thread was told of a pause

	WaitingBatch  int       `json:"waiting,omitempty"` // number, from 1, of the batch that waits for the cloud's quota
	QueuePosition int       `json:"place,omitempty"`   // of the request in the queue for it, if others are before it
	QueueNotedAt  time.Time `json:"placed,omitzero"`

	// Of batches that have not ended: their servers that have an outcome already. It
	// counts only while EarlyOpen is OpenBatches; see [Request.Progress].
	Early     Tally `json:"early,omitzero"`
	EarlyOpen int   `json:"early_open,omitempty"`
}

// Thread is a place in Slack.
type Thread struct {
	Channel string
	TS      string // empty until the card is known to be posted
}

// Choice is what somebody, or the clock, decided.
type Choice string

const (
	ChoseApprove Choice = "approve"
	ChoseDeny    Choice = "deny"
	ChoseCancel  Choice = "cancel"
	ChoseLeave   Choice = "leave_out" // of a pending request: Count servers, the rest stays
	ChoseExpire  Choice = "expire"
	ChoseAuto    Choice = "auto"    // the rules say that no approval is needed; Reason names them
	ChoseNoCard  Choice = "no_card" // the card cannot be posted, so nobody could decide

	// A person's statement about servers with unknown outcome.

	ChoseServersOff Choice = "they_are_off"
	ChoseServersOn  Choice = "they_run"
)

// Decision is one decision. It is never changed, except to become void.
type Decision struct {
	Choice Choice    `json:"verdict"`
	By     string    `json:"by,omitempty"` // Slack user id; empty for the clock
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	OpID   string    `json:"op,omitempty"` // id of the click or command

	Count int    `json:"n,omitempty"`    // ChoseLeave: how many servers
	Rule  string `json:"rule,omitempty"` // ChoseRule: which one

	// Void: an approval that does not count any more, because its approver had lost
	// that right when the next approval was given, or has approved again.
	Void bool `json:"void,omitempty"`
}

// New makes a request from an ask and its server list: a pending one, or an approved one
// if rules say that no approval is needed. What the policy or a rule does not allow is
// a *Refusal.
func New(id string, ask Ask, list ServerList, pol Policy, now time.Time) (Request, error) {
	if err := pol.admits(ask, list); err != nil {
		return Request{}, err
	}
	d := pol.Demand(Subject{Action: list.Action, Mode: ask.Mode, Servers: list.Servers}, now).forStep(ask.Step, pol)
	if err := d.Admits(ask); err != nil {
		return Request{}, err
	}
	r := Request{
		ID: id, State: Pending,
		Asked: Asked{
			Project: ask.Project, ProjectID: ask.ProjectID, Action: list.Action, FollowUpOf: ask.FollowUpOf, Mode: ask.Mode, Reason: ask.Reason, Ticket: ask.Ticket,
			Requester: ask.By.ID, AskedIn: ask.AskedIn, Channel: cmp.Or(d.Channel(), ask.Channel), ResponseURL: ask.ResponseURL, Step: ask.Step, CommandID: ask.OpID,
			Created: now,
		},
		Listed:  list.listed(ask.Project, ask.Mode),
		Decided: Decided{Expires: now.Add(d.TTL(pol)), Rules: d.Rules},
	}
	r = r.demands(d, pol)
	if !d.Automatic {
		return r, nil
	}
	r = r.decided(Decision{Choice: ChoseAuto, At: now, Reason: strings.Join(d.automatic(), ", ")})
	return r.to(Approved)
}

// admits refuses what the policy allows nobody.
func (pol Policy) admits(ask Ask, list ServerList) error {
	switch {
	case pol.ReasonRequired && ask.Reason == "" && ask.FollowUpOf == "": // an earlier request is a reason
		return &Refusal{Kind: NoReason}
	case len(list.Servers) > pol.MaxServers:
		return &Refusal{Kind: TooManyServers, Count: len(list.Servers), Limit: pol.MaxServers}
	case len(list.LeftOut) > pol.mostLeftOut():
		return &Refusal{Kind: TooManyLeftOut, Count: len(list.LeftOut), Limit: pol.mostLeftOut()}
	case len(list.Servers) == 0:
		return &Refusal{Kind: NothingToDo, LeftOut: list.LeftOut, Action: list.Action}
	}
	return nil
}

// listed is what the request's record contains of the list.
func (f ServerList) listed(project string, mode Mode) Listed {
	names := NameRuns(f.Servers)
	return Listed{
		Total: len(f.Servers), Digest: f.Digest(project, mode),
		Sample:  f.Servers[:min(sampleSize, len(f.Servers))],
		LeftOut: f.LeftOut[:min(sampleSize, len(f.LeftOut))], LeftOutCount: len(f.LeftOut),
		Warnings: f.warnings(),
		Names:    names[:min(namedRuns, len(names))], SkipCounts: countSkips(f.LeftOut),
	}
}

// warnings are the hazards of stopping the servers; a start has none.
func (f ServerList) warnings() []Warning {
	if f.Action == Start {
		return nil
	}
	return Warn(f.Servers)
}

// sampleSize is how many servers the request's record contains for the card.
const sampleSize = 20

// Approvals is the number of people whose approval counts.
func (r Request) Approvals() int { return len(r.Approvers()) }

// Approvers are the people whose approval counts, in the order of their approvals.
func (r Request) Approvers() []string {
	var ids []string
	for _, d := range r.Decisions {
		if d.Counts() {
			ids = append(ids, d.By)
		}
	}
	return ids
}

// Counts reports whether d is an approval that counts.
func (d Decision) Counts() bool { return d.Choice == ChoseApprove && !d.Void }

// VoidApprovalsOf is the request with the approvals of those people void, who are not
// approvers any more.
func (r Request) VoidApprovalsOf(former []string) Request {
	r.Decisions = slices.Clone(r.Decisions)
	for i, d := range r.Decisions {
		if d.Choice == ChoseApprove && slices.Contains(former, d.By) {
			r.Decisions[i].Void = true
		}
	}
	return r
}

// DecisionByOp returns the decision that was made by the click or command op.
func (r Request) DecisionByOp(op string) (Decision, bool) {
	if r.Cancellation != nil && r.Cancellation.OpID == op && op != "" {
		return *r.Cancellation, true
	}
	i := slices.IndexFunc(r.Decisions, func(d Decision) bool { return d.OpID == op && op != "" })
	if i < 0 {
		return Decision{}, false
	}
	return r.Decisions[i], true
}

// LastDecision is the newest decision, or the zero value.
func (r Request) LastDecision() Decision {
	if len(r.Decisions) == 0 {
		return Decision{}
	}
	return r.Decisions[len(r.Decisions)-1]
}

// Deny ends the request. One denial is enough. A requester who is an approver may also
// deny their own request: that does no harm.
func (r Request) Deny(p Person, pol Policy, reason, op string, now time.Time) (Request, error) {
	if err := r.decidable(p, pol, now); err != nil {
		return r, err
	}
	next := r.decided(Decision{Choice: ChoseDeny, By: p.ID, At: now, Reason: reason, OpID: op})
	next.Finished = now
	return next.to(Denied)
}

// Cancel withdraws a pending request. If it is executing, it only stops further
// batches. Once it is approved, approvers may cancel it, too, because its requester
// may not be available. Before that they can deny it.
func (r Request) Cancel(p Person, pol Policy, op string, now time.Time) (Request, error) {
	if err := belongs(p); err != nil {
		return r, err
	}
	running := r.State == Approved || r.State == Executing
	if p.ID != r.Requester {
		if err := r.mayBrake(p, pol, running, now); err != nil {
			return r, err
		}
	}
	d := Decision{Choice: ChoseCancel, By: p.ID, At: now, OpID: op}
	switch {
	case r.State == Expired, r.State == Pending && !now.Before(r.Expires):
		return r, &Refusal{Kind: TooLate, Request: r}
	case r.State == Pending || r.State == Approved:
		next := r.decided(d)
		next.Finished = now
		return next.to(Cancelled)
	case r.State == Executing && r.Cancellation == nil:
		next := r
		next.Cancellation = &d
		return next.to(Executing)
	}
	return r, &Refusal{Kind: AlreadyDecided, Request: r}
}

// Expire ends a pending request whose time is over. Before that it changes nothing and
// returns false.
func (r Request) Expire(now time.Time) (Request, bool) {
	if r.State != Pending || now.Before(r.Expires) {
		return r, false
	}
	next := r.decided(Decision{Choice: ChoseExpire, At: now})
	next.Finished = now
	next, err := next.to(Expired)
	return next, err == nil
}

// CancelUnposted ends a pending request whose card cannot be posted.
func (r Request) CancelUnposted(why string, now time.Time) (Request, bool) {
	if r.State != Pending {
		return r, false
	}
	next := r.decided(Decision{Choice: ChoseNoCard, At: now, Reason: why})
	next.Finished = now
	next, err := next.to(Cancelled)
	return next, err == nil
}

// Execute starts an approved request with n batches. It is allowed once: a second
// start would forget the first one's results.
func (r Request) Execute(n int, now time.Time) (Request, error) {
	if r.State != Approved || n < 1 {
		return r, fmt.Errorf("request %s is %s: cannot start %d batches", r.ID, r.State, n)
	}
	r.Batches, r.OpenBatches, r.Started = n, n, now
	return r.to(Executing)
}

// AddBatches counts n more batches, after one was split.
func (r Request) AddBatches(n int) Request {
	if r.EarlyOpen == r.OpenBatches {
		r.EarlyOpen += n
	} else {
		r.Early, r.EarlyOpen = Tally{}, 0 // it must not come to count by chance
	}
	r.Batches += n
	r.OpenBatches += n
	return r
}

// BatchEnded counts an ended batch, of which nothing is counted early any more, and ends the request with its last one. It is an
// error if no batch is open.
func (r Request) BatchEnded(t Tally, now time.Time) (Request, error) {
	if r.State != Executing || r.OpenBatches < 1 {
		return r, fmt.Errorf("request %s is %s with %d open batches: none can end", r.ID, r.State, r.OpenBatches)
	}
	if r.EarlyOpen == r.OpenBatches {
		r.EarlyOpen--
	}
	r.OpenBatches--
	r.Tally, r.LastBatchAt = r.Tally.Plus(t), now
	if r.FirstEndAt.IsZero() {
		r.FirstEndAt = now
	}
	if r.OpenBatches > 0 {
		return r.to(Executing)
	}
	r.Finished = now
	return r.to(r.Tally.end(r.Cancellation != nil))
}

// mayBrake refuses a person who did not ask for r and wants to cancel it.
func (r Request) mayBrake(p Person, pol Policy, running bool, now time.Time) error {
	err := r.MayDecide(p, pol, now)
	if no, ok := errors.AsType[*Refusal](err); running && (err == nil || ok && no.Kind == CannotTell) {
		return err
	}
	return &Refusal{Kind: NotYours, Request: r}
}

// decidable returns nil if a denial of p can count, else a *Refusal.
func (r Request) decidable(p Person, pol Policy, now time.Time) error {
	if err := r.MayDecide(p, pol, now); err != nil {
		return err
	}
	return r.open(now)
}

// open refuses if people cannot decide about r any more.
func (r Request) open(now time.Time) error {
	switch {
	case r.State == Expired, r.State == Pending && !now.Before(r.Expires):
		return &Refusal{Kind: TooLate, Request: r}
	case r.State != Pending:
		return &Refusal{Kind: AlreadyDecided, Request: r}
	}
	return nil
}

func (r Request) decided(d Decision) Request {
	// A new slice, because the caller may still use the old request.
	r.Decisions = append(slices.Clone(r.Decisions), d)
	return r
}

func (r Request) to(next State) (Request, error) {
	if !r.State.MayBecome(next) {
		return r, fmt.Errorf("request %s cannot go from %s to %s", r.ID, r.State, next)
	}
	r.State = next
	return r, nil
}
