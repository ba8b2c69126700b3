package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"ecsbot/internal/ecssim"
)

// live hands changes of the world to every page that is open, as server-sent
// events. A change carries the whole of what it is about, so that one may come
// twice; page/src/world.js takes them in.
type live struct {
	// everything is the whole world as changes, for a page that has just come.
	everything func() []change

	mu      sync.Mutex
	viewers map[*viewer]bool
}

// change is one piece of news. Its keys besides kind are those of its kind.
type change map[string]any

// shownServer is a server with the name of its project.
type shownServer struct {
	ecssim.Server
	Project string `json:"project"`
}

// serversChanged is the one kind that may come by the thousand.
func serversChanged(project string, list ...ecssim.Server) change {
	shown := make([]shownServer, len(list))
	for i, s := range list {
		shown[i] = shownServer{s, project}
	}
	return change{"kind": "servers", "servers": shown}
}

// viewer is an open page, with the news that it has not read yet.
type viewer struct {
	news []change      // guarded by live.mu
	wake chan struct{} // capacity 1
}

// mostNews is how many news a page may fall behind, and mostWait how long it may take
// to read some, before it is disconnected. It reconnects by itself, and then gets
// everything again.
const (
	mostNews = 50_000
	mostWait = 30 * time.Second
)

// tell sends news to all pages. It never waits.
func (l *live) tell(news ...change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.viewers {
		if len(p.news) <= mostNews {
			p.news = append(p.news, news...)
		}
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// gather is how long news are gathered before they are sent together.
const gather = 40 * time.Millisecond

// ServeHTTP streams the news to one page, until it goes away.
func (l *live) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	p := &viewer{wake: make(chan struct{}, 1)}
	l.mu.Lock()
	l.viewers[p] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.viewers, p)
		l.mu.Unlock()
	}()
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(rw)
	// What happens while the world is read comes after it, once more.
	if send(rw, out, l.everything()) != nil {
		return
	}
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-alive.C:
			out.SetWriteDeadline(time.Now().Add(mostWait))
			if _, err := fmt.Fprint(rw, ": alive\n\n"); err != nil || out.Flush() != nil {
				return
			}
		case <-p.wake:
			select {
			case <-time.After(gather):
			case <-r.Context().Done():
				return
			}
			l.mu.Lock()
			news := p.news
			p.news = nil
			l.mu.Unlock()
			if len(news) == 0 { // they went with those before
				continue
			}
			if len(news) > mostNews || send(rw, out, together(news)) != nil {
				return
			}
		}
	}
}

func send(rw http.ResponseWriter, out *http.ResponseController, news []change) error {
	data, err := json.Marshal(news)
	if err != nil {
		return err
	}
	out.SetWriteDeadline(time.Now().Add(mostWait)) // without one, a write could hang
	if _, err := fmt.Fprintf(rw, "data: %s\n\n", data); err != nil {
		return err
	}
	return out.Flush()
}

// together makes one change of the servers' changes, the newest of each server.
// Servers and the rest do not depend on each other's order.
func together(news []change) []change {
	var servers []shownServer
	at := map[string]int{}
	rest := slices.DeleteFunc(news, func(c change) bool {
		list, ok := c["servers"].([]shownServer)
		for _, s := range list {
			if i, known := at[s.ID]; known {
				servers[i] = s
				continue
			}
			at[s.ID] = len(servers)
			servers = append(servers, s)
		}
		return ok
	})
	if len(servers) > 0 {
		rest = append(rest, change{"kind": "servers", "servers": servers})
	}
	return rest
}
