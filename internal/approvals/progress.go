package approvals

import "time"

// ETA estimates when an executing request will be done: by the cloud's quota of rate
// servers a minute and by the progress so far, whichever is later. It depends on the
// record only. It is the zero time if nothing is known yet, or if the request is
// cancelled.
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

// NoteWaiting notes that batch n waits for the cloud's quota, and the request's place
// in the queue; 0 if it is first, or if the place is unknown.
func (r Request) NoteWaiting(n, place int, now time.Time) Request {
	r.WaitingBatch, r.QueuePosition, r.QueueNotedAt = n+1, place, now
	return r
}

// ClearWaiting removes the note of [Request.NoteWaiting].
func (r Request) ClearWaiting() Request {
	r.WaitingBatch, r.QueuePosition, r.QueueNotedAt = 0, 0, time.Time{}
	return r
}
