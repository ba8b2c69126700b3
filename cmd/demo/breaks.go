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

// breaks are what can be planned to go wrong once. Each says what will happen.
var breaks = map[string]struct {
	plan func(*playground)
	text string
}{
	"cloud_429":   {func(g *playground) { g.failCloud(ecssim.Throttle(8 * time.Second)) }, "The cloud will answer 429 (too many requests) to the next stop."},
	"cloud_502":   {func(g *playground) { g.failCloud(ecssim.HTML502) }, "The cloud's gateway will answer 502 to the next stop, and not act."},
	"cloud_drop":  {func(g *playground) { g.failCloud(ecssim.ResetAfter) }, "The cloud will act on the next stop and drop the answer."},
	"cloud_reset": {func(g *playground) { g.failCloud(ecssim.ResetBefore) }, "The next stop will be cut off before the cloud acts."},
	"fail_job":    {func(g *playground) { g.cloud.FailJob("Common.0021", "A sub job failed.") }, "The next job will fail as a whole."},
	"slack_drop":  {func(g *playground) { g.failSlack(slacksim.ResetAfter) }, "Slack will post the bot's next message and drop the answer."},
	"slack_lose":  {func(g *playground) { g.failSlack(slacksim.ResetBefore) }, "Slack will lose the bot's next message."},
	"slack_429":   {func(g *playground) { g.failSlack(slacksim.RateLimited(3 * time.Second)) }, "Slack will answer 429 to the bot's next message."},
}

func (g *playground) failCloud(f ecssim.Fault)   { g.cloud.FailNext("stop", 1, f) }
func (g *playground) failSlack(f slacksim.Fault) { g.slack.FailNext("chat.postMessage", 1, f) }

// breakIt does, or plans, one of the things that go wrong, and says what.
// Where a server is needed and none is named, one is picked.
func (g *playground) breakIt(what, server string) (string, error) {
	if b, ok := breaks[what]; ok {
		g.mu.Lock()
		g.armed = append(g.armed, what)
		g.mu.Unlock()
		b.plan(g)
		g.tellState()
		return g.note(b.text), nil
	}
	switch what {
	case "clear":
		g.cloud.ClearFaults()
		g.slack.ClearFaults()
		g.mu.Lock()
		g.armed = nil
		g.mu.Unlock()
		g.tellState()
		return g.note("What had not struck yet is taken back."), nil
	case "cut_socket":
		open := g.slack.OpenConnections()
		if len(open) == 0 {
			return "", errors.New("no socket is open")
		}
		g.slack.CutSocket(open[0])
		return g.note(fmt.Sprintf("Socket %d was cut without a word; %d were open.", open[0], len(open))), nil
	case "fail_server":
		return g.onServer(server, func(s ecssim.Server) bool { return s.Status == "ACTIVE" && s.TaskState == "" },
			"%s will not go off when it is told to.", func(id string) error {
				return g.cloud.FailServer(id, "Ecs.0213", "The guest operating system did not shut down.")
			})
	case "start_by_hand":
		return g.onServer(server, func(s ecssim.Server) bool { return s.Status == "SHUTOFF" || s.TaskState == "powering-off" },
			"Somebody started %s in the console.", g.cloud.StartByHand)
	}
	return "", fmt.Errorf("there is no %q to break", what)
}

// onServer does something to a server: the named one, or one that fits.
func (g *playground) onServer(id string, fits func(ecssim.Server) bool, text string, do func(id string) error) (string, error) {
	fleet := g.cloud.Servers()
	if id == "" {
		// One that a request is about shows more.
		busy := slices.DeleteFunc(slices.Clone(fleet), func(s ecssim.Server) bool { return !fits(s) || s.TaskState == "" })
		idle := slices.DeleteFunc(slices.Clone(fleet), func(s ecssim.Server) bool { return !fits(s) })
		from := cmp.Or(len(busy), len(idle))
		if from == 0 {
			return "", errors.New("no server fits")
		}
		if len(busy) == 0 {
			busy = idle
		}
		id = busy[rand.IntN(from)].ID
	}
	s, ok := g.cloud.Server(id)
	if !ok {
		return "", ecssim.ErrNoServer
	}
	if err := do(id); err != nil {
		return "", err
	}
	return g.note(fmt.Sprintf(text, s.Name)), nil
}

// struck forgets the oldest plan of a family: it has come true.
func (g *playground) struck(family string) {
	g.mu.Lock()
	i := slices.IndexFunc(g.armed, func(what string) bool { return strings.HasPrefix(what, family) })
	if i >= 0 {
		g.armed = slices.Delete(g.armed, i, i+1)
	}
	g.mu.Unlock()
	if i >= 0 {
		g.tellState()
	}
}

// setSpeed sets how quick the cloud's servers are.
func (g *playground) setSpeed(x float64) error {
	if x < 1 || x > 60 {
		return errors.New("the speed is 1 to 60")
	}
	g.cloud.SetSpeed(x)
	g.mu.Lock()
	g.speed = x
	g.mu.Unlock()
	g.tellState()
	return nil
}

// setStore stops the store, or starts it again with what it held.
func (g *playground) setStore(on bool) (string, error) {
	g.mu.Lock()
	was := g.storeUp
	g.storeUp = on
	g.mu.Unlock()
	defer g.tellState()
	switch {
	case was == on:
		return "", nil
	case on:
		if err := g.store.Restart(); err != nil {
			return "", err
		}
		g.record.listen()
		return g.note("The store is back, with what it held."), nil
	}
	g.store.Close()
	return g.note("The store was stopped."), nil
}

// setSlack takes Slack down, or up again.
func (g *playground) setSlack(on bool) (string, error) {
	g.slack.Down(!on)
	g.mu.Lock()
	g.slackUp = on
	g.mu.Unlock()
	defer g.tellState()
	if on {
		return g.note("Slack is back."), nil
	}
	return g.note("Slack is down."), nil
}

// setReplica starts or ends a bot.
func (g *playground) setReplica(name, do string) (text string, err error) {
	i := slices.IndexFunc(g.bots[:], func(b *replica) bool { return b.Name == name })
	if i < 0 {
		return "", fmt.Errorf("there is no bot %q", name)
	}
	switch b := g.bots[i]; do {
	case "kill":
		text = g.note("Bot " + name + " was killed (kill -9).")
		b.kill()
	case "stop":
		text = g.note("Bot " + name + " was asked to end (SIGTERM).")
		b.stop()
	case "start":
		text = g.note("Bot " + name + " was started.")
		err = b.start(g.ctx)
	default:
		err = fmt.Errorf("a bot cannot %q", do)
	}
	return text, err
}
