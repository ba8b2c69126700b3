package main

import (
	"slices"
	"strings"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// kept is how many old calls, notes and lines a new page gets.
const kept = 2000

// everything is the current state of the world.
func (g *playground) everything() []change {
	quota := g.Cloud.Options() // the other cloud has the same
	type shownProject struct {
		Name    string `json:"name"`
		Channel string `json:"channel"`
	}
	var projects []shownProject
	var servers []change
	for _, p := range g.projects {
		projects = append(projects, shownProject{p.Name, p.Channel})
		servers = append(servers, serversChanged(p.Name, p.Cloud.Servers()...))
	}
	all := append([]change{{
		"kind": "hello", "run": g.run, "now": time.Now().UnixMilli(), "limit": quota.Limit, "window_ms": quota.Window.Milliseconds(),
		"me": mia, "place": ops, "team": "Demo", "command": "/ecs-stop", "projects": projects,
	}, g.people(), g.state(), g.replicas()}, together(servers)...)
	for _, c := range g.Slack.Channels() {
		for _, root := range g.Slack.Messages(c.ID) {
			all = append(all, message(root))
			for _, reply := range g.Slack.Thread(c.ID, root.TS) {
				all = append(all, message(reply))
			}
		}
	}
	for _, u := range g.Slack.Users() {
		for _, m := range g.Slack.Private(u.ID) {
			all = append(all, message(m))
		}
		all = append(all, g.view(u.ID))
		if home, ok := g.Slack.HomeView(u.ID); ok {
			all = append(all, change{"kind": "home", "user": u.ID, "view": home})
		}
	}
	for _, f := range g.Slack.Files() {
		if f.Complete {
			all = append(all, change{"kind": "file", "file": f})
		}
	}
	g.mu.Lock()
	all = slices.Concat(all, g.calls, g.notes, g.logs)
	g.mu.Unlock()
	return append(all, g.record.last())
}

func message(m slacksim.Message) change { return change{"kind": "message", "message": m} }

// view is the modal that a person has on top, or none.
func (g *playground) view(user string) change {
	if v, open := g.Slack.View(user); open {
		return change{"kind": "view", "user": user, "view": v}
	}
	return change{"kind": "view", "user": user, "view": nil}
}

func (g *playground) replicas() change {
	var list []seen
	for _, b := range g.bots {
		list = append(list, b.look())
	}
	return change{"kind": "replicas", "replicas": list}
}

// tellReplicas sends the state of the bots. State is read and sent under one lock, so
// that a newer state is never sent before an older one.
func (g *playground) tellReplicas() {
	g.telling.Lock()
	defer g.telling.Unlock()
	g.live.tell(g.replicas())
}

// state is the state of Redis, Slack and the cloud.
func (g *playground) state() change {
	g.mu.Lock()
	defer g.mu.Unlock()
	most := map[string]int{}
	for _, p := range g.projects {
		most[p.Name] = p.Cloud.MaxInWindow(p.Cloud.Options().Window)
	}
	return change{"kind": "state",
		"store": map[string]any{"up": g.storeUp},
		"slack": map[string]any{"up": g.slackUp, "sockets": append([]int{}, g.Slack.OpenConnections()...)},
		"cloud": map[string]any{"speed": g.speed, "most": most},
		"armed": append([]planned{}, g.armed...),
	}
}

func (g *playground) tellState() {
	g.telling.Lock()
	defer g.telling.Unlock()
	g.live.tell(g.state())
}

// slackChanged sends what happened in the workspace.
func (g *playground) slackChanged(e slacksim.Event) {
	switch e.Kind {
	case slacksim.MessagePosted, slacksim.MessageUpdated, slacksim.MessageDeleted, slacksim.EphemeralShown:
		g.live.tell(message(*e.Message))
	case slacksim.ViewOpened, slacksim.ViewUpdated, slacksim.ViewClosed:
		g.live.tell(g.view(e.User))
	case slacksim.HomePublished:
		g.live.tell(change{"kind": "home", "user": e.User, "view": *e.View})
	case slacksim.FileShared:
		for _, f := range g.Slack.Files() {
			if f.ID == e.Detail {
				g.live.tell(change{"kind": "file", "file": f})
			}
		}
	case slacksim.SocketOpened, slacksim.SocketClosed:
		g.tellState()
	case slacksim.CallAnswered:
		if e.Call.Fault != "" {
			g.struck("slack "+e.Call.Fault, "")
		}
	case slacksim.PeopleChanged:
		g.live.tell(g.people())
	}
}

// cloudChanged sends what happened in the cloud of a project.
func (g *playground) cloudChanged(p project, e ecssim.Event) {
	if e.Server != nil {
		g.live.tell(serversChanged(p.Name, *e.Server))
		return
	}
	c := e.Call
	g.numbered(&g.calls, func(n int64) change {
		return change{"kind": "call", "call": map[string]any{
			"n": n, "time": c.Time, "project": p.Name, "op": c.Op, "method": c.Method, "path": c.Path, "count": len(c.IDs),
			"stop_type": c.StopType, "status": c.Status, "fault": c.Fault, "job_id": c.JobID,
		}}
	})
	if c.Fault != "" {
		g.struck("cloud "+c.Fault, p.Name)
	}
	if c.JobID != "" {
		g.struck("job", p.Name)
		g.tellState() // the window has changed
	}
}

// note sends what a person did to Redis, Slack, the cloud or a bot, and returns it.
func (g *playground) note(text string) string {
	g.numbered(&g.notes, func(n int64) change {
		return change{"kind": "note", "note": map[string]any{"n": n, "time": time.Now(), "text": text}}
	})
	return text
}

// logged sends a line of a bot's log.
func (g *playground) logged(bot, line string) {
	_, level, _ := strings.Cut(line, "level=")
	level, _, _ = strings.Cut(level, " ")
	g.numbered(&g.logs, func(n int64) change {
		return change{"kind": "log", "line": map[string]any{"n": n, "bot": bot, "level": level, "text": line}}
	})
}

// numbered keeps and sends one piece of news with the next number. News are sent in
// the order of their numbers: a page uses them as a clock.
func (g *playground) numbered(list *[]change, news func(n int64) change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.number++
	c := news(g.number)
	if len(*list) == kept {
		*list = (*list)[1:]
	}
	*list = append(*list, c)
	g.live.tell(c)
}
