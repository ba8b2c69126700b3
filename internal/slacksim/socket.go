package slacksim

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// MaxConnections is how many sockets one app may have open.
const MaxConnections = 10

// maxAck is the size at which Slack drops an ack without a word.
const maxAck = 20 * 1024

const writeTimeout = 2 * time.Second

// conn is one Socket Mode connection. Its reader is the handler's goroutine.
type conn struct {
	serial  int // 1, 2, … in order of arrival
	ws      *websocket.Conn
	writing sync.Mutex
	ready   bool          // hello was sent; guarded by Workspace.mu
	leaving bool          // no more envelopes; guarded by Workspace.mu
	gone    chan struct{} // closed when the reader has ended
	frames  *frameWatch
}

func (c *conn) write(v any) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.ws.WriteMessage(websocket.TextMessage, mustJSON(v))
}

// cut ends the connection without a close frame, as a broken line does.
func (c *conn) cut() { c.ws.NetConn().Close() }

func (w *Workspace) connectionsOpen(args) (object, error) {
	ticket := newUUID()
	w.tickets[ticket] = true
	return object{"url": "ws" + strings.TrimPrefix(w.base, "http") + "/socket?ticket=" + ticket + "&app_id=" + AppID}, nil
}

// serveSocket is one connection from its ticket to its end.
func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	ok := w.tickets[ticket] && !w.closed && !w.down
	delete(w.tickets, ticket)
	if ok {
		w.wg.Add(1)
		defer w.wg.Done()
	}
	w.mu.Unlock()
	if !ok {
		http.Error(rw, "Bad Request", http.StatusBadRequest)
		return
	}

	tap := &tappedWriter{ResponseWriter: rw}
	up := websocket.Upgrader{
		CheckOrigin:     func(*http.Request) bool { return true }, // clients send Slack's own origin
		ReadBufferSize:  4096,                                     // not 0: the upgrader must read through the tap
		WriteBufferSize: 64 * 1024,
	}
	ws, err := up.Upgrade(tap, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c := &conn{ws: ws, gone: make(chan struct{}), frames: &tap.frames}
	defer close(c.gone)

	w.mu.Lock()
	if w.closed || w.down {
		w.mu.Unlock()
		return
	}
	count := len(w.conns) + 1
	if count > MaxConnections {
		w.mu.Unlock()
		c.write(disconnectFrame("too_many_websockets"))
		c.sayGoodbye()
		return
	}
	w.connSerial++
	c.serial = w.connSerial
	w.conns = append(w.conns, c)
	w.mu.Unlock()
	defer w.forget(c)

	lifetime := 18060
	if r.URL.Query().Get("debug_reconnects") == "true" {
		lifetime = 360
	}
	hello := object{
		"type": "hello", "num_connections": count, "connection_info": object{"app_id": AppID},
		"debug_info": object{"host": "applink-sim", "build_number": 1, "approximate_connection_time": lifetime},
	}
	if c.write(hello) != nil {
		return
	}
	w.mu.Lock()
	c.ready = true
	w.goOwned(func() { w.ping(c) })
	w.happened(Event{Kind: SocketOpened, Connection: c.serial})
	w.mu.Unlock()
	w.read(c)
}

// forget takes a connection that has ended out of the list.
func (w *Workspace) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = remove(w.conns, c)
	w.happened(Event{Kind: SocketClosed, Connection: c.serial})
}

// ping pings until the reader has ended.
func (w *Workspace) ping(c *conn) {
	t := time.NewTicker(w.opt.PingEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-sim"), time.Now().Add(writeTimeout)) != nil {
				c.cut()
				return
			}
		case <-c.gone:
			return
		}
	}
}

// read takes acks until the connection ends. A client that does not answer
// three pings is taken for dead.
func (w *Workspace) read(c *conn) {
	alive := func() { c.ws.SetReadDeadline(time.Now().Add(3*w.opt.PingEvery + time.Second)) }
	alive()
	c.ws.SetPongHandler(func(string) error { alive(); return nil })
	for {
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		w.takeAck(c, data, c.frames.next())
	}
}

// takeAck accepts what a client sent as an ack, or ignores it as Slack does.
func (w *Workspace) takeAck(c *conn, data []byte, fragmented bool) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	bad := json.Unmarshal(data, &ack) != nil
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.pending[ack.EnvelopeID]
	reason := ""
	switch {
	case bad:
		reason = "not JSON"
	case fragmented:
		reason = "fragmented frame"
	case len(data) >= maxAck:
		reason = "20 KiB or more"
	case d == nil:
		reason = "unknown envelope"
	case d.acked:
		reason = "second ack"
	case d.over:
		reason = "too late"
	}
	if d != nil {
		d.frames++
	}
	if reason != "" {
		w.happened(Event{Kind: AckIgnored, Connection: c.serial, Detail: reason})
		return
	}
	if string(ack.Payload) == "null" {
		ack.Payload = nil
	}
	d.acked, d.answer, d.after = true, ack.Payload, time.Since(d.sent)
	if d.onAck != nil {
		d.onAck(ack.Payload)
	}
	close(d.done)
	w.happened(Event{Kind: EnvelopeAcked, Connection: c.serial, Detail: d.kind})
}

// Connections is the number of sockets that have said hello and are still open.
func (w *Workspace) Connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.conns {
		if c.ready {
			n++
		}
	}
	return n
}

// WaitConnected waits until at least n sockets are open.
func (w *Workspace) WaitConnected(ctx context.Context, n int) error {
	return w.Wait(ctx, func() bool { return w.Connections() >= n })
}

func disconnectFrame(reason string) object {
	return object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "applink-sim"}}
}

func (c *conn) sayGoodbye() {
	c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(writeTimeout))
}

// chosen returns the connections with the given serial numbers, or all. The lock
// is held.
func (w *Workspace) chosen(serials []int) []*conn {
	var list []*conn
	for _, c := range w.conns {
		if len(serials) == 0 || slices.Contains(serials, c.serial) {
			list = append(list, c)
		}
	}
	return list
}

// Disconnect sends a disconnect frame ("warning", "refresh_requested",
// "link_disabled", …) to the connections with these numbers, or to all. They get
// no more envelopes, unless it is only a warning, and end after the grace time
// if the client does not end them before.
func (w *Workspace) Disconnect(reason string, connections ...int) {
	w.mu.Lock()
	list := w.chosen(connections)
	for _, c := range list {
		c.leaving = c.leaving || reason != "warning"
	}
	w.mu.Unlock()
	for _, c := range list {
		if c.write(disconnectFrame(reason)) != nil {
			c.cut()
			continue
		}
		w.mu.Lock()
		w.goOwned(func() {
			t := time.NewTimer(w.opt.DisconnectGrace)
			defer t.Stop()
			select {
			case <-t.C:
				c.sayGoodbye()
				c.cut()
			case <-c.gone:
			}
		})
		w.mu.Unlock()
	}
}

// CutSocket breaks one connection without a word.
func (w *Workspace) CutSocket(connection int) { w.CutSockets(connection) }

// CutSockets breaks the connections with these numbers, or all, without a word.
func (w *Workspace) CutSockets(connections ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.chosen(connections) {
		c.leaving = true
		c.cut()
	}
}

// OpenConnections returns the numbers of the open connections.
func (w *Workspace) OpenConnections() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []int
	for _, c := range w.conns {
		if c.ready {
			list = append(list, c.serial)
		}
	}
	return list
}
