package bot_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/redistest"
	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
)

// world is a simulated workspace and a simulated cloud with people in them, and a
// real Redis: everything a bot needs, and nothing of the bot itself.
type world struct {
	*simworld.People
	t     *testing.T
	redis *redistest.Server
	env   map[string]string // settings of every bot
	// metadata is where the metadata service of every bot's server is; empty: it has none.
	metadata string
}

// quiet is a Slack that lets many posts pass.
var quiet = slacksim.Options{PostGap: -1}

// newWorld makes a world with quick jobs and no pauses between posts.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	return newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1},
		quiet, env...)
}

func newWorldWith(t *testing.T, cloud ecssim.Options, slack slacksim.Options, env ...string) *world {
	t.Helper()
	if slack.Scopes == nil {
		var err error
		if slack, err = simworld.Installed(slack); err != nil {
			t.Fatal(err)
		}
	}
	served, err := simworld.Serve(slacksim.New(slack), ecssim.New(cloud))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(served.Close)
	w := &world{
		t: t, redis: redistest.Start(t), env: served.Settings(),
		People: &simworld.People{World: served, T: t, Ops: ops, Group: "SDUTY", Patience: 30 * time.Second},
	}
	t.Cleanup(w.Check)
	w.Slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops"})
	for _, u := range []slacksim.User{
		{ID: anna, Name: "anna"}, {ID: ben, Name: "ben"}, {ID: carla, Name: "carla"}, {ID: dora, Name: "dora"},
		{ID: gus, Name: "gus", Guest: true},
	} {
		w.Slack.AddUser(u)
		w.Slack.Join(ops, u.ID)
	}
	w.Slack.Join(ops, slacksim.BotUserID)
	w.Slack.AddGroup(slacksim.Group{ID: "SDUTY", Handle: "duty", Users: []string{carla, gus}})
	w.env["APPROVAL_CHANNEL"], w.env["APPROVERS"] = ops, ben+",SDUTY"
	w.env["ECS_REGION"], w.env["REDIS_URL"] = "sim-1", w.redis.URL()
	for i := 0; i+1 < len(env); i += 2 {
		w.env[env[i]] = env[i+1]
	}
	return w
}

// in is the same world, seen from a subtest.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t, sub.People = t, w.In(t)
	return &sub
}

// slow is a world whose jobs take long enough to do something meanwhile.
func slow(t *testing.T, env ...string) *world {
	return newWorldWith(t, ecssim.Options{MinJobTime: 600 * time.Millisecond, MaxJobTime: 700 * time.Millisecond, Seed: 1},
		slacksim.Options{PostGap: -1}, env...)
}

// TestMain lets more stories run at the same time than there are cores: they
// mostly wait for their worlds.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12") // stories wait most of their time
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}
