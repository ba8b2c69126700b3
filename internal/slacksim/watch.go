package slacksim

import (
	"context"
	"sync"
	"time"
)

// Kinds of events.
const (
	MessagePosted   = "message_posted"
	MessageUpdated  = "message_updated"
	MessageDeleted  = "message_deleted"
	EphemeralShown  = "ephemeral_shown" // new or replaced; Message.Deleted: it was removed
	ViewOpened      = "view_opened"
	ViewUpdated     = "view_updated"
	ViewClosed      = "view_closed"
	HomePublished   = "home_published"
	FileShared      = "file_shared"
	SocketOpened    = "socket_opened"
	SocketClosed    = "socket_closed"
	EnvelopeSent    = "envelope_sent"
	EnvelopeAcked   = "envelope_acked"
	EnvelopeExpired = "envelope_expired"
	AckIgnored      = "ack_ignored" // too big, fragmented, late, second or unknown; Detail says which
	CallAnswered    = "call_answered"
	PeopleChanged   = "people_changed"
)

// Event is one thing that happened. Which fields are set depends on the kind.
type Event struct {
	Kind       string    `json:"kind"`
	Time       time.Time `json:"time"`
	Channel    string    `json:"channel,omitempty"`
	TS         string    `json:"ts,omitempty"`
	User       string    `json:"user,omitempty"`
	Message    *Message  `json:"message,omitempty"`
	View       *View     `json:"view,omitempty"`
	Call       *Call     `json:"call,omitempty"`
	Connection int       `json:"connection,omitempty"`
	Detail     string    `json:"detail,omitempty"`
}

// watcher hands events in order to one function. Its queue has no bound, so
// that a slow watcher cannot hold up the workspace.
type watcher struct {
	mu    sync.Mutex
	queue []Event
	wake  chan struct{} // capacity 1
	stop  chan struct{}
}

// Watch calls f with each event from now on, in order, one at a time, on a
// goroutine of its own; f may call the workspace's methods, but not Close. After
// stop no further call begins.
func (w *Workspace) Watch(f func(Event)) (stop func()) {
	wa := &watcher{wake: make(chan struct{}, 1), stop: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watchers[wa] = struct{}{}
	w.goOwned(func() {
		for {
			select {
			case <-wa.wake:
			case <-wa.stop:
				return
			case <-w.done:
				return
			}
			wa.mu.Lock()
			batch := wa.queue
			wa.queue = nil
			wa.mu.Unlock()
			for _, ev := range batch {
				select {
				case <-wa.stop:
					return
				default:
					f(ev)
				}
			}
		}
	})
	return sync.OnceFunc(func() {
		close(wa.stop)
		w.mu.Lock()
		delete(w.watchers, wa)
		w.mu.Unlock()
	})
}

// happened notifies watchers and all callers of Wait. The lock is held.
func (w *Workspace) happened(ev Event) {
	ev.Time = time.Now()
	for wa := range w.watchers {
		wa.mu.Lock()
		wa.queue = append(wa.queue, ev)
		wa.mu.Unlock()
		select {
		case wa.wake <- struct{}{}:
		default:
		}
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// sleep waits for d, and returns false if the workspace or ctx ended first.
func (w *Workspace) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	case <-w.done:
		return false
	}
}
