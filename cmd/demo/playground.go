package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// playground is the world that the page shows, and what can be done to it.
type playground struct {
	*world
	live   *live
	record *record
	ctx    context.Context // of everything that is started here
	run    string          // names this world: a page of another one starts again

	telling sync.Mutex // held while state is read and sent
	setting sync.Mutex // held while state is changed; locked before telling and mu

	mu      sync.Mutex
	calls   []change // guarded by mu; the newest
	notes   []change // guarded by mu; the newest
	logs    []change // guarded by mu; the newest
	armed   []string // guarded by mu; what was planned and has not struck
	number  int64    // guarded by mu; of the newest call, note or line
	speed   float64  // guarded by mu
	storeUp bool     // guarded by mu
	slackUp bool     // guarded by mu
}

// newPlayground builds a world with a fleet of 3,000 servers, half of them made
// for the story of a large request, and starts bot A. The caller closes it.
func newPlayground(ctx context.Context, logs bool) (*playground, error) {
	g := &playground{ctx: ctx, run: rand.Text(), speed: 5, storeUp: true, slackUp: true}
	g.live = &live{everything: g.everything, viewers: map[*viewer]bool{}}
	cloud := ecssim.New(ecssim.Options{Seed: 7})
	cloud.Add(fleet()...)
	cloud.SetSpeed(g.speed)
	prints := printed(logs)
	w, err := newWorld(ctx, cloud, map[string]string{
		"MAX_SERVERS": "2000",
		// The shortest that are allowed: three minutes are too long for a demo.
		"SUBMIT_QUARANTINE": "45s", "SLACK_UNSURE_WAIT": "15s",
	}, func(bot, line string) { prints(bot, line); g.logged(bot, line) }, g.tellReplicas)
	if err != nil {
		return nil, err
	}
	g.world = w
	if g.record, err = openRecord(ctx, w, func(c change) { g.live.tell(c) }); err != nil {
		w.Close()
		return nil, err
	}
	w.Slack.Watch(g.slackChanged)
	w.Cloud.Watch(g.cloudChanged)
	if err := w.bots[0].start(ctx); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *playground) Close() {
	g.record.Close()
	g.world.Close()
}

// fleet is 1,500 servers of all kinds and 1,500 of one kind, of which all run
// and none is protected.
func fleet() []ecssim.Server {
	list := ecssim.Fleet(1500, 7)
	batch := ecssim.Fleet(1500, 8)
	for i := range batch {
		s := &batch[i]
		s.Name, s.Status, s.Flavor, s.ChargingMode = fmt.Sprintf("batch-%d", i+1), "ACTIVE", "c7.large.4", "0"
		s.Address, s.Tags = fmt.Sprintf("10.20.%d.%d", i/250, 4+i%250), []string{"env=dev", "role=batch"}
	}
	return append(list, batch...)
}

// people are everybody of the workspace with what they may do here.
func (g *playground) people() change {
	roles := map[string]string{mia: "may ask", noah: "approver", olga: "approver", guest: "guest", otto: "from another company"}
	type person struct {
		slacksim.User
		Role string `json:"role,omitempty"`
	}
	type channel struct {
		slacksim.Channel
		Members []string `json:"members"`
	}
	var people []person
	for _, u := range g.Slack.Users() {
		people = append(people, person{u, roles[u.ID]})
	}
	var channels []channel
	for _, c := range g.Slack.Channels() {
		channels = append(channels, channel{c, g.Slack.Members(c.ID)})
	}
	return change{"kind": "people", "people": people, "channels": channels}
}
