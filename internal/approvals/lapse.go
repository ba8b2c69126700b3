package approvals

import "time"

// Lapsed is the clock's verdict on an approval that became too old before it
// was acted on.
const Lapsed Verdict = "lapse"

// TopicLapsed: nothing more is sent, since the approval became too old.
const TopicLapsed Topic = "lapsed"

// minFresh is how long an approval holds at least without being acted on,
// however short the time for approving is.
const minFresh = time.Hour

// Fresh is how long an approval of r holds while nothing is sent: as long as r
// was open for approval, and at least an hour.
func (r Request) Fresh() time.Duration { return max(r.Expires.Sub(r.Created), minFresh) }

// Lapse stops the sending of an approved request whose approval has become too
// old: people approved what they saw then. last is when a batch of it was last
// sent or ended; the zero time if none was. It returns false if the approval
// still holds, or if nothing more is sent anyway.
func (r Request) Lapse(last, now time.Time) (Request, bool) {
	if r.State != Executing || r.Stop != nil {
		return r, false
	}
	for _, d := range r.Decisions {
		if d.Verdict == Yes && d.At.After(last) {
			last = d.At
		}
	}
	if now.Sub(last) < r.Fresh() {
		return r, false
	}
	next := r
	next.Stop = &Decision{Verdict: Lapsed, At: now}
	next, err := next.to(Executing)
	return next, err == nil
}
