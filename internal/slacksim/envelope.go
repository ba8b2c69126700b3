package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Answer is what the app did with something that a person did.
type Answer struct {
	Acked      bool            `json:"acked"` // in time
	Payload    json.RawMessage `json:"payload,omitempty"`
	Connection int             `json:"connection"` // number of the connection; 0: it reached none
	After      time.Duration   `json:"after"`      // until the ack, or until Slack gave up
	EnvelopeID string          `json:"envelope_id"`
}

// Delivery is one envelope that was sent, or should have been.
type Delivery struct {
	EnvelopeID string
	Kind       string // slash_commands, interactive, events_api
	Payload    json.RawMessage
	Sent       time.Time
	Connection int  // 0: it reached none
	Acked      bool // in time
	Frames     int  // acks of it that came, also late, repeated and ignored ones
}

// delivery is an envelope under way, or done.
type delivery struct {
	id         string
	kind       string
	payload    json.RawMessage
	retry      int // of an event
	sent       time.Time
	connection int
	onAck      func(payload json.RawMessage) // what an ack in time changes; called under the lock

	acked  bool
	over   bool // the deadline has passed
	answer json.RawMessage
	after  time.Duration
	frames int
	done   chan struct{} // closed by the ack
}

var errNothingSent = errors.New("slacksim: no envelope was sent yet")

// deliver sends a payload in a new envelope and waits for its ack, for the
// deadline, or for ctx. That no ack came is no error.
func (w *Workspace) deliver(ctx context.Context, kind string, payload any, onAck func(json.RawMessage)) (Answer, error) {
	return w.send(ctx, &delivery{id: newUUID(), kind: kind, payload: mustJSON(payload), onAck: onAck})
}

func (w *Workspace) send(ctx context.Context, d *delivery) (Answer, error) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return Answer{}, ErrClosed
	}
	d.sent = time.Now()
	d.done = make(chan struct{})
	w.pending[d.id] = d
	w.deliveries = append(w.deliveries, d)
	c := w.route()
	lost := c != nil && w.loseNext > 0
	if lost {
		w.loseNext--
	}
	if c != nil {
		d.connection = c.serial
	}
	w.happened(Event{Kind: EnvelopeSent, Connection: d.connection, Detail: d.kind})
	w.mu.Unlock()
	if c == nil {
		return w.giveUp(d), nil // nothing could take it: no use to wait
	}

	if !lost {
		envelope := object{
			"envelope_id": d.id, "type": d.kind, "payload": d.payload,
			"accepts_response_payload": d.kind != "events_api",
		}
		if d.kind == "events_api" {
			envelope["retry_attempt"], envelope["retry_reason"] = d.retry, ""
			if d.retry > 0 {
				envelope["retry_reason"] = "timeout"
			}
		}
		c.write(envelope) // if this fails the envelope is lost, as on a broken line
	}
	t := time.NewTimer(w.opt.AckTimeout)
	defer t.Stop()
	select {
	case <-d.done:
		w.mu.Lock()
		defer w.mu.Unlock()
		return d.result(), nil
	case <-t.C:
		return w.giveUp(d), nil
	case <-ctx.Done():
		return w.giveUp(d), context.Cause(ctx)
	case <-w.done:
		return w.giveUp(d), ErrClosed
	}
}

// giveUp ends the wait for an ack, unless one came at the last moment.
func (w *Workspace) giveUp(d *delivery) Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !d.acked {
		d.over = true
		d.after = time.Since(d.sent)
		w.happened(Event{Kind: EnvelopeExpired, Connection: d.connection, Detail: d.kind})
	}
	return d.result()
}

func (d *delivery) result() Answer {
	return Answer{Acked: d.acked, Payload: d.answer, Connection: d.connection, After: d.after, EnvelopeID: d.id}
}

// route chooses the connection for the next envelope, nil if there is none. The
// lock is held.
func (w *Workspace) route() *conn {
	var ready []*conn
	for _, c := range w.conns {
		if c.ready && !c.leaving {
			ready = append(ready, c)
		}
	}
	if len(ready) == 0 || w.down {
		return nil
	}
	if w.random != nil {
		return ready[w.random.IntN(len(ready))]
	}
	w.turn++
	return ready[w.turn%len(ready)]
}

// LoseNext sends the next n envelopes to a dead connection: they are lost, and the ack
// times out.
func (w *Workspace) LoseNext(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loseNext = n
}

// Redeliver sends the last envelope once more, with the same envelope_id and
// payload, as Slack sometimes does. If the first one was acked, the second ack
// changes nothing.
func (w *Workspace) Redeliver(ctx context.Context) (Answer, error) {
	return w.again(ctx, false)
}

// RedeliverOther sends the payload of the last envelope once more, with the same
// trigger_id, in an envelope with a new id.
func (w *Workspace) RedeliverOther(ctx context.Context) (Answer, error) {
	return w.again(ctx, true)
}

func (w *Workspace) again(ctx context.Context, newID bool) (Answer, error) {
	w.mu.Lock()
	if len(w.deliveries) == 0 {
		w.mu.Unlock()
		return Answer{}, errNothingSent
	}
	last := w.deliveries[len(w.deliveries)-1]
	d := &delivery{id: last.id, kind: last.kind, payload: last.payload, retry: last.retry, onAck: last.onAck}
	if last.acked {
		d.onAck = nil
	}
	w.mu.Unlock()
	if newID {
		d.id = newUUID()
	}
	return w.send(ctx, d)
}

// Deliveries returns every envelope so far, in order.
func (w *Workspace) Deliveries() []Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Delivery
	for _, d := range w.deliveries {
		list = append(list, Delivery{d.id, d.kind, d.payload, d.sent, d.connection, d.acked, d.frames})
	}
	return list
}

// eventScopes are the scopes without which Slack does not send an event.
var eventScopes = map[string]string{
	"subteam_members_changed": "usergroups:read",
	"subteam_updated":         "usergroups:read",
}

// subscribed reports whether the app gets events of a type.
func (w *Workspace) subscribed(event string) bool {
	scope := eventScopes[event]
	return (w.opt.Events == nil || slices.Contains(w.opt.Events, event)) &&
		(scope == "" || slices.Contains(w.opt.Scopes, scope))
}

// SendEvent sends an event of the Events API, for example
// {"type":"subteam_updated",…}, and waits for the ack of the first delivery. If
// none comes, the retries go on by themselves.
func (w *Workspace) SendEvent(ctx context.Context, event map[string]any) (Answer, error) {
	w.mu.Lock()
	payload := mustJSON(object{
		"type": "event_callback", "team_id": w.opt.TeamID, "api_app_id": AppID, "event": event,
		"event_id": w.nextID("Ev"), "event_time": time.Now().Unix(),
		"authorizations": []object{{"team_id": w.opt.TeamID, "user_id": BotUserID, "is_bot": true, "is_enterprise_install": false}},
	})
	w.mu.Unlock()
	d := &delivery{id: newUUID(), kind: "events_api", payload: payload}
	answer, err := w.send(ctx, d)
	if err == nil && !answer.Acked {
		w.mu.Lock()
		w.goOwned(func() { w.retryEvent(context.WithoutCancel(ctx), payload) })
		w.mu.Unlock()
	}
	return answer, err
}

// SendRaw sends a payload as it is in a new envelope of a kind, and waits for the
// ack: what an app makes of a payload that it cannot understand.
func (w *Workspace) SendRaw(ctx context.Context, kind string, payload json.RawMessage) (Answer, error) {
	return w.send(ctx, &delivery{id: newUUID(), kind: kind, payload: payload})
}

// retryEvent redelivers an event until it is acked or the retries are used up.
func (w *Workspace) retryEvent(ctx context.Context, payload json.RawMessage) {
	for i, wait := range w.opt.EventRetries {
		if !w.sleep(ctx, wait) {
			return
		}
		answer, err := w.send(ctx, &delivery{id: newUUID(), kind: "events_api", payload: payload, retry: i + 1})
		if err != nil || answer.Acked {
			return
		}
	}
}
