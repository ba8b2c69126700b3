package approvals

import "time"

// Reminders are the times at which people are reminded of an undecided request: after
// a quarter, a half and three quarters of its time, as far as they are at least gap
// apart.
func (r Request) Reminders(gap time.Duration) []time.Time {
	ttl := r.Expires.Sub(r.Created)
	var all []time.Time
	last := r.Created
	for quarter := range time.Duration(3) {
		at := r.Created.Add(ttl * (quarter + 1) / 4)
		if at.Sub(last) >= gap {
			all = append(all, at)
			last = at
		}
	}
	return all
}

// Remind counts the reminders that are due. It returns false if none is new, or if
// the request is decided.
func (r Request) Remind(gap time.Duration, now time.Time) (Request, bool) {
	due := 0
	for _, at := range r.Reminders(gap) {
		if !now.Before(at) {
			due++
		}
	}
	if r.State != Pending || !now.Before(r.Expires) || due <= r.RemindersSent {
		return r, false
	}
	// Several may be due after an outage; they become one.
	r.RemindersSent = due
	return r, true
}

// NextDue is when a pending request needs its next step: a reminder, an escalation, or
// its expiry.
func (r Request) NextDue(gap time.Duration) time.Time {
	next := r.Expires
	if all := r.Reminders(gap); r.RemindersSent < len(all) {
		next = all[r.RemindersSent]
	}
	if all := r.escalations(); len(all) > 0 && all[0].at.Before(next) {
		next = all[0].at
	}
	return next
}
