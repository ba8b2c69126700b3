package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

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
	calls   []change  // guarded by mu; the newest
	notes   []change  // guarded by mu; the newest
	logs    []change  // guarded by mu; the newest
	armed   []planned // guarded by mu; what has not struck
	number  int64     // guarded by mu; of the newest call, note or line
	speed   float64   // guarded by mu
	storeUp bool      // guarded by mu
	slackUp bool      // guarded by mu
}

// newPlayground builds a world with a fleet of 3,000 servers, half of them made
// for the story of a large request, and a few for the rules. It starts bot A. The
// caller closes it.
func newPlayground(ctx context.Context, logs bool) (*playground, error) {
	g := &playground{ctx: ctx, run: rand.Text(), speed: 5, storeUp: true, slackUp: true}
	g.live = &live{everything: g.everything, viewers: map[*viewer]bool{}}
	prod, dev := ecssim.New(ecssim.Options{Seed: 7}), newDevCloud(15*time.Second)
	prod.Add(fleet()...)
	dev.Add(devFleet()...)
	prod.SetSpeed(g.speed)
	dev.SetSpeed(g.speed)
	prints := printed(logs)
	w, err := newWorld(ctx, prod, dev, map[string]string{
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
	for _, p := range w.projects {
		p.Cloud.Watch(func(e ecssim.Event) { g.cloudChanged(p, e) })
	}
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
// and none is protected, and the servers of the payroll. A rule is about db-1, so it is
// not protected.
func fleet() []ecssim.Server {
	list := ecssim.Fleet(1500, 7)
	for i, s := range list {
		if s.Name == "db-1" {
			list[i].Tags = slices.DeleteFunc(s.Tags, func(tag string) bool { return tag == "keep" })
		}
	}
	batch := ecssim.Fleet(1500, 8)
	for i := range batch {
		s := &batch[i]
		s.Name, s.Status, s.Flavor, s.ChargingMode = fmt.Sprintf("batch-%d", i+1), "ACTIVE", "c7.large.4", "0"
		s.Address, s.Tags = fmt.Sprintf("10.20.%d.%d", i/250, 4+i%250), []string{"env=dev", "role=batch"}
	}
	pay := ecssim.Fleet(12, 10)
	for i := range pay {
		s := &pay[i]
		s.Name, s.Status, s.Flavor = fmt.Sprintf("pay-%d", i+1), "ACTIVE", "m7.large.8"
		s.Address, s.Tags = fmt.Sprintf("10.30.0.%d", 4+i), []string{"env=prod", "role=payroll"}
	}
	return slices.Concat(list, batch, pay)
}

// devFleet is the servers of the project dev: those that a rule lets anyone stop, and
// some for which it does not.
func devFleet() []ecssim.Server {
	list := ecssim.Fleet(96, 9)
	for i := range list {
		kind, n := "dev", i+1
		switch {
		case i >= 72:
			kind, n = "build", i-71
		case i >= 48:
			kind, n = "sandbox", i-47
		}
		s := &list[i]
		s.Name, s.Status, s.Zone, s.Flavor, s.ChargingMode = fmt.Sprintf("%s-%d", kind, n), "ACTIVE", "ap-southeast-3a", "s6.large.2", "0"
		s.Address, s.Tags = fmt.Sprintf("10.40.0.%d", 4+i), []string{"env=dev", "role=" + kind}
	}
	return list
}

// people are everybody of the workspace with what they may do here.
func (g *playground) people() change {
	roles := map[string]string{mia: "may ask", noah: "approver, @sre", olga: "approver, @dba", guest: "guest", otto: "from another company", dora: "approver in #dev"}
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
	return change{"kind": "people", "people": people, "channels": channels, "groups": groups}
}
