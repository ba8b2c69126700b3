package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// breaks are what can be planned to go wrong once: how it is planned, how its
// coming true shows in the call that it strikes, and what will happen.
var breaks = map[string]struct {
	plan   func(*playground, *ecssim.Cloud)
	strike string
	text   string
}{
	"cloud_429":   {cloudFault(ecssim.Throttle(8 * time.Second)), "cloud throttle", "The cloud will answer 429 (too many requests) to the next stop."},
	"cloud_502":   {cloudFault(ecssim.HTML502), "cloud status", "The cloud's gateway will answer 502 to the next stop, and not act."},
	"cloud_drop":  {cloudFault(ecssim.ResetAfter), "cloud reset_after", "The cloud will act on the next stop and drop the answer."},
	"cloud_reset": {cloudFault(ecssim.ResetBefore), "cloud reset_before", "The next stop will be cut off before the cloud acts."},
	"fail_job":    {func(_ *playground, c *ecssim.Cloud) { c.FailJob("Common.0021", "A sub job failed.") }, "job", "The next job will fail as a whole."},
	"slack_drop":  {slackFault(slacksim.ResetAfter), "slack reset_after", "Slack will post the bot's next message and drop the answer."},
	"slack_lose":  {slackFault(slacksim.ResetBefore), "slack reset_before", "Slack will lose the bot's next message."},
	"slack_429":   {slackFault(slacksim.RateLimited(3 * time.Second)), "slack rate_limited", "Slack will answer 429 to the bot's next message."},
}

// planned is one of the breaks that has not struck yet.
type planned struct {
	What    string `json:"what"`
	Project string `json:"project,omitempty"` // whose cloud is to break; empty: Slack
}

func cloudFault(f ecssim.Fault) func(*playground, *ecssim.Cloud) {
	return func(_ *playground, c *ecssim.Cloud) { c.FailNext("stop", 1, f) }
}

func slackFault(f slacksim.Fault) func(*playground, *ecssim.Cloud) {
	return func(g *playground, _ *ecssim.Cloud) { g.Slack.FailNext("chat.postMessage", 1, f) }
}

// breakIt does, or plans, one of the things that go wrong, and says what. in names the
// project whose cloud breaks, if it is one that does.
func (g *playground) breakIt(what, in string) (string, error) {
	switch {
	case strings.HasPrefix(breaks[what].strike, "slack "):
		return g.planIt(what, project{}), nil
	case what == "clear":
		for _, p := range g.projects {
			p.Cloud.ClearFaults()
		}
		g.Slack.ClearFaults()
		g.mu.Lock()
		g.armed = nil
		g.mu.Unlock()
		g.tellState()
		return g.note("Disarmed: what had not struck yet will not."), nil
	case what == "cut_socket":
		open := g.Slack.OpenConnections()
		if len(open) == 0 {
			return "", errors.New("no socket is open")
		}
		g.Slack.CutSocket(open[0])
		return g.note(fmt.Sprintf("Socket %d was cut without a word; %d were open.", open[0], len(open))), nil
	}
	for _, p := range g.projects {
		if p.Name == in {
			return g.breakCloud(what, p)
		}
	}
	return "", fmt.Errorf("there is no project %q", in)
}

// breakCloud does, or plans, what goes wrong in the cloud of a project.
func (g *playground) breakCloud(what string, p project) (string, error) {
	switch what {
	case "fail_server":
		return g.onServer(p, "%s will not stop when it is told to.",
			func(s ecssim.Server) bool { return s.Status == "ACTIVE" && s.TaskState == "" && s.Fails == "" },
			func(id string) error {
				return p.Cloud.FailServer(id, "Ecs.0213", "The guest operating system did not shut down.")
			})
	case "start_by_hand":
		return g.onServer(p, "Somebody started %s in the console.",
			func(s ecssim.Server) bool { return s.Status == "SHUTOFF" || s.TaskState == "powering-off" }, p.Cloud.StartByHand)
	}
	if _, ok := breaks[what]; !ok {
		return "", fmt.Errorf("there is no %q to break", what)
	}
	return g.planIt(what, p), nil
}

// planIt plans what goes wrong once, in the cloud of a project or (none) in Slack.
func (g *playground) planIt(what string, p project) string {
	g.mu.Lock()
	g.armed = append(g.armed, planned{what, p.Name})
	g.mu.Unlock()
	breaks[what].plan(g, p.Cloud)
	g.tellState()
	return g.note(said(p.Name, breaks[what].text))
}

// said is a sentence about the cloud of a project, with the project's name.
func said(project, text string) string {
	if project == "" {
		return text
	}
	return project + ": " + text
}

// onServer does something to a server of a project that fits: to one that is on its way
// or that an open request names, if there is one. That shows more. Otherwise to one that
// people are likely to name next: the tour begins with web-1.
func (g *playground) onServer(p project, text string, fits func(ecssim.Server) bool, do func(id string) error) (string, error) {
	from := slices.DeleteFunc(p.Cloud.Servers(), func(s ecssim.Server) bool { return !fits(s) })
	asked := g.record.asked()
	near := slices.DeleteFunc(slices.Clone(from), func(s ecssim.Server) bool { return s.TaskState == "" && !asked[s.ID] })
	if len(near) == 0 {
		near = slices.DeleteFunc(slices.Clone(from), func(s ecssim.Server) bool {
			return !strings.HasPrefix(s.Name, "web-") && !strings.HasPrefix(s.Name, "dev-")
		})
		slices.SortFunc(near, func(a, b ecssim.Server) int {
			return cmp.Or(len(a.Name)-len(b.Name), strings.Compare(a.Name, b.Name))
		})
		near = near[:min(1, len(near))]
	}
	if len(near) > 0 {
		from = near
	}
	if len(from) == 0 {
		return "", errors.New("no server fits")
	}
	s := from[rand.IntN(len(from))]
	if err := do(s.ID); err != nil {
		return "", err
	}
	return g.note(fmt.Sprintf(text, s.Name)), nil
}

// struck forgets the oldest plan that shows in this way in the cloud of a project, or in
// Slack: it has come true.
func (g *playground) struck(strike, in string) {
	g.mu.Lock()
	i := slices.IndexFunc(g.armed, func(p planned) bool { return breaks[p.What].strike == strike && p.Project == in })
	if i >= 0 {
		g.armed = slices.Delete(g.armed, i, i+1)
	}
	g.mu.Unlock()
	if i >= 0 {
		g.tellState()
	}
}

// setSpeed sets how quick the servers of both clouds are.
func (g *playground) setSpeed(x float64) error {
	if x < 1 || x > 60 {
		return errors.New("the speed is 1 to 60")
	}
	g.setting.Lock()
	defer g.setting.Unlock()
	for _, p := range g.projects {
		p.Cloud.SetSpeed(x)
	}
	g.set(func() { g.speed = x })
	return nil
}

// setStore stops the store, or starts it again with what it held.
func (g *playground) setStore(on bool) (string, error) {
	g.setting.Lock()
	defer g.setting.Unlock()
	switch {
	case on == (g.store.Server() != nil):
		return "", nil
	case on:
		if err := g.store.Restart(); err != nil {
			return "", err
		}
		g.record.listen()
		g.set(func() { g.storeUp = true })
		return g.note("The store is back, with what it held."), nil
	}
	g.store.Close()
	g.set(func() { g.storeUp = false })
	return g.note("The store was stopped."), nil
}

// setSlack takes Slack down, or up again.
func (g *playground) setSlack(on bool) (string, error) {
	g.setting.Lock()
	defer g.setting.Unlock()
	g.Slack.Down(!on)
	g.set(func() { g.slackUp = on })
	if on {
		return g.note("Slack is back."), nil
	}
	return g.note("Slack is down."), nil
}

// set changes state and sends it.
func (g *playground) set(change func()) {
	g.mu.Lock()
	change()
	g.mu.Unlock()
	g.tellState()
}

// setReplica starts or ends a bot.
func (g *playground) setReplica(name, do string) (string, error) {
	i := slices.IndexFunc(g.bots[:], func(b *replica) bool { return b.Name == name })
	if i < 0 {
		return "", fmt.Errorf("there is no bot %q", name)
	}
	b := g.bots[i]
	runs := b.look().PID != 0
	switch {
	case do == "start" && runs, do == "kill" && !runs, do == "stop" && !runs:
		return "", nil // another page was faster
	case do == "start":
		if err := b.start(g.ctx); err != nil {
			return "", err
		}
		return g.note("Bot " + name + " was started."), nil
	case do == "kill":
		defer b.kill() // after the note, so that the log has them in this order
		return g.note("Bot " + name + " was killed (kill -9)."), nil
	case do == "stop":
		defer b.stop()
		return g.note("Bot " + name + " was asked to end (SIGTERM)."), nil
	}
	return "", fmt.Errorf("a bot cannot %q", do)
}
