package approvals

import "time"

// ChoseLapse is the clock's decision about an approval that became too old before it
// was used.
const ChoseLapse Choice = "lapse"

// TopicLapsed: nothing more is sent, because the approval became too old.
const TopicLapsed Topic = "lapsed"

// minApprovalLife is how long an unused approval holds at least, however short the
// time for approving is.
const minApprovalLife = time.Hour

// ApprovalLife is how long an approval of r holds while nothing is sent: as long as r
// was open for approval, and at least an hour.
func (r Request) ApprovalLife() time.Duration { return max(r.Expires.Sub(r.Created), minApprovalLife) }

// Lapse stops the sending of an approved request whose approval has become too
// old: people approved what they saw at that time. last is when a batch of it was last
// sent or ended; the zero time if none was. It returns false if the approval
// still holds, or if nothing more is sent anyway.
func (r Request) Lapse(last, now time.Time) (Request, bool) {
	if r.State != Executing || r.Cancellation != nil {
		return r, false
	}
	for _, d := range r.Decisions {
		if (d.Choice == ChoseApprove || d.Choice == ChoseAuto) && d.At.After(last) {
			last = d.At
		}
	}
	if now.Sub(last) < r.ApprovalLife() {
		return r, false
	}
	next := r
	next.Cancellation = &Decision{Choice: ChoseLapse, At: now}
	next, err := next.to(Executing)
	return next, err == nil
}
