package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
	"ecsbot/internal/store"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"
)

// People and places of the simulated workspace.
const (
	mia     = "U0MIA" // asks
	noah    = "U0NOAH"
	olga    = "U0OLGA"
	guest   = "U0GUEST"
	otto    = "U0OTTO" // works for another company and shares a channel
	ops     = "C0OPS"
	general = "C0GENERAL"
	project = "demo-1" // what people call the cloud project
)

// newSlack is a workspace in which the app has what its manifest asks for.
func newSlack() (*slacksim.Workspace, error) {
	opt, err := simworld.Installed(slacksim.Options{TeamDomain: "demo", BotName: "ecs-stop"})
	if err != nil {
		return nil, err
	}
	w := slacksim.New(opt)
	w.AddChannel(slacksim.Channel{ID: general, Name: "general"})
	w.AddChannel(slacksim.Channel{ID: ops, Name: "ops"})
	for _, u := range []slacksim.User{
		{ID: mia, Name: "mia", RealName: "Mia Requester"}, {ID: noah, Name: "noah", RealName: "Noah Approver"},
		{ID: olga, Name: "olga", RealName: "Olga Approver"}, {ID: guest, Name: "gus", RealName: "Gus Guest", Guest: true},
		{ID: otto, Name: "otto", RealName: "Otto Outside", Stranger: true},
	} {
		w.AddUser(u)
		w.Join(ops, u.ID)
		w.Join(general, u.ID)
	}
	w.Join(ops, slacksim.BotUserID)
	return w, nil
}

// newCloud is a cloud whose jobs take up to twice the time.
func newCloud(servers int, job time.Duration) *ecssim.Cloud {
	c := ecssim.New(ecssim.Options{MinJobTime: job, MaxJobTime: 2 * job, Seed: 7})
	c.Add(ecssim.Fleet(servers, 7)...)
	return c
}

// world is everything around the bot, and the bot's processes.
type world struct {
	*simworld.World
	store *miniredis.Miniredis
	bots  [2]*replica // none of them runs yet
	close []func()    // in the order of their calling
}

// newWorld builds the world around a cloud, which it takes over. The bot gets
// the settings besides those that it needs. hear gets each line that a bot logs,
// and moved is called when one has come or gone. The caller closes the world.
func newWorld(ctx context.Context, cloud *ecssim.Cloud, settings map[string]string, hear func(bot, line string), moved func()) (*world, error) {
	slack, err := newSlack()
	if err != nil {
		cloud.Close()
		return nil, err
	}
	served, err := simworld.Serve(slack, cloud)
	if err != nil {
		return nil, err
	}
	w := &world{World: served, store: miniredis.NewMiniRedis()}
	w.close = append(w.close, served.Close)
	ok := false
	defer func() {
		if !ok {
			w.Close()
		}
	}()
	dir, err := os.MkdirTemp("", "ecsbot-demo") // an empty one: no .env is read
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, func() { os.RemoveAll(dir) })
	if err := w.store.Start(); err != nil {
		return nil, err
	}
	w.close = append(w.close, w.store.Close)
	w.listen(func() {})
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	given := w.Settings()
	maps.Copy(given, map[string]string{
		"APPROVAL_CHANNEL": ops, "APPROVERS": noah + "," + olga, "ECS_REGION": project, "PROTECTED_TAGS": "keep",
		"REDIS_URL": "redis://" + w.store.Addr(), "ALLOW_VOLATILE_REDIS": "true", "LOG_FORMAT": "text",
	})
	maps.Copy(given, settings)
	var env []string
	for name, value := range given {
		env = append(env, name+"="+value)
	}
	for i := range w.bots {
		w.bots[i] = &replica{Name: string(rune('A' + i)), env: env, dir: dir, hear: hear, moved: moved, state: down, how: "not started"}
	}
	ok = true
	return w, nil
}

// listen lets the store call wrote when a record is written. It has to be called again
// after the store was restarted.
func (w *world) listen(wrote func()) {
	w.store.Server().SetPreHook(func(to *miniserver.Peer, command string, args ...string) bool {
		// The bot wants to know which process keeps its record. This one keeps it in
		// memory, so it is the same as before even when it was started again.
		if strings.EqualFold(command, "INFO") {
			to.WriteBulk("redis_mode:standalone\r\nrun_id:demo\r\n")
			return true
		}
		// The one script that changes requests is given a change that names what
		// it writes: commit.lua.
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "{") && strings.Contains(a, `"write"`) }) {
			wrote()
		}
		return false
	})
}

// open makes the empty store ours. A bot that opened it would send nothing for a
// minute, since it cannot know why it is empty.
func (w *world) open(ctx context.Context) error {
	db, err := store.Open("redis://"+w.store.Addr(), store.TLS{})
	if err != nil {
		return err
	}
	defer db.Close()
	return jobs.New(jobs.Config{Keyspace: w.Cloud.Options().ProjectID, Redis: db, TrustEmpty: true}).Bind(ctx, "", "")
}

// Close kills the bots and takes the world down.
func (w *world) Close() {
	for _, b := range w.bots {
		if b != nil {
			b.kill()
		}
	}
	for _, c := range w.close {
		c()
	}
}

// startBot starts the first bot and waits until Slack sees its sockets.
func (w *world) startBot(ctx context.Context) error {
	if err := w.bots[0].start(ctx); err != nil {
		return err
	}
	wait, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("the bot did not connect; see its log with -logs"))
	defer cancel()
	if err := w.Slack.WaitConnected(wait, 2); err != nil {
		return fmt.Errorf("start bot: %w", errors.Join(err, context.Cause(wait)))
	}
	return nil
}

// server describes one server of the script's fleet.
func server(n int, name string, tags ...string) ecssim.Server {
	return ecssim.Server{
		ID: fmt.Sprintf("%08x-4d3f-4c2a-9b1e-%012x", 0x5f3a0000+n, n), Name: name, Status: "ACTIVE", VMState: "active",
		Address: fmt.Sprintf("192.168.0.%d", 10+n), Tags: tags,
	}
}
