package approvals

import "time"

// Progress counts the servers of an executing request that have an outcome, also those
// whose batch has not ended.
func (r Request) Progress() Tally {
	if r.EarlyOpen != r.OpenBatches {
		// A replica of an older version has ended a batch, and left it in Early.
		return r.Tally
	}
	return r.Tally.Plus(r.Early)
}

// NoteEarly replaces what is counted early of a batch that has not ended.
func (r Request) NoteEarly(was, is Tally) Request {
	if r.EarlyOpen != r.OpenBatches {
		r.Early, r.EarlyOpen = Tally{}, r.OpenBatches
	}
	r.Early = r.Early.Plus(is).minus(was)
	return r
}

// Reserve is the room within the cloud's quota of rate servers that a request too large
// for one window leaves for the first batch of a small one. A full batch of size fits
// beside it.
func Reserve(rate, size int) int { return max(0, min(size, rate/10, rate-size)) }

// ETA estimates when an executing request will be done, with batches of size and the
// cloud's quota of rate servers a minute. It is the zero time if the quota does not
// matter, if others come first in the queue, or if the request is cancelled.
//
// The quota says how many minutes pass until the last batch is sent; how long that one
// takes then is taken from the first batch that ended. Both stay the same while the
// work goes on, so that the estimate does not jump from batch to batch. It moves only
// when the work falls behind it by half a minute. It depends on the record only.
func (r Request) ETA(rate, size int) time.Time {
	done := r.Tally.Done()
	if r.State != Executing || r.Cancellation != nil || r.Started.IsZero() || done >= r.Total || rate < 1 || r.QueuePosition > 1 {
		return time.Time{}
	}
	per := rate
	if r.Total > rate {
		per -= Reserve(rate, size)
	}
	minutes := func(servers int) time.Duration { return time.Duration((servers-1)/per) * time.Minute }
	if minutes(r.Total) == 0 {
		return time.Time{} // all of it is sent within seconds
	}
	eta := r.Started.Add(minutes(r.Total))
	if !r.FirstEndAt.IsZero() {
		eta = eta.Add(r.FirstEndAt.Sub(r.Started))
	}
	if at := r.LastBatchAt.Add(minutes(r.Total - done)); done > 0 && at.After(eta.Add(30*time.Second)) {
		eta = at
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
