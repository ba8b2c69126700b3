package approvals

import "time"

// ETA is when an executing request will about be done, at the cloud's limit
// of rate servers a minute and by what is done so far, whichever is later. It
// depends on the record alone. The zero time: nothing is known yet, or the
// request is cancelled and will end before all is done.
func (r Request) ETA(rate int) time.Time {
	done := r.Tally.Done()
	if r.State != Executing || r.Cancellation != nil || r.Started.IsZero() || done >= r.Total || rate < 1 {
		return time.Time{}
	}
	var eta time.Time
	if minutes := (r.Total - 1) / rate; minutes > 0 {
		eta = r.Started.Add(time.Duration(minutes) * time.Minute)
	}
	if took := r.LastBatchAt.Sub(r.Started); done > 0 && took > 0 {
		each := took / time.Duration(done)
		if at := r.LastBatchAt.Add(each * time.Duration(r.Total-done)); at.After(eta) {
			eta = at
		}
	}
	return eta
}

// NoteWaiting notes that batch n waits for the cloud's limit, at which place in the
// line; 0 if the request is the first, or nobody knows.
func (r Request) NoteWaiting(n, place int, now time.Time) Request {
	r.WaitingBatch, r.QueuePosition, r.QueueNotedAt = n+1, place, now
	return r
}

// ClearWaiting takes that back.
func (r Request) ClearWaiting() Request {
	r.WaitingBatch, r.QueuePosition, r.QueueNotedAt = 0, 0, time.Time{}
	return r
}
