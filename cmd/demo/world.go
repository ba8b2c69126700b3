package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
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
	dora    = "U0DORA" // approves for the project dev
	sre     = "S0SRE"  // Noah's user group
	dba     = "S0DBA"  // Olga's user group
	ops     = "C0OPS"  // for the project prod
	devs    = "C0DEV"  // for the project dev
	general = "C0GENERAL"
)

// keyspace names the bot's keys in Redis, as projects.yaml does.
const keyspace = "demo"

// projectsFile is the bot's CONFIG_FILE, in which the addresses of the clouds and the
// days of the payroll are filled in.
//
//go:embed projects.yaml
var projectsFile string

// groups are the user groups.
var groups = []slacksim.Group{{ID: sre, Handle: "sre", Users: []string{noah}}, {ID: dba, Handle: "dba", Users: []string{olga}}}

// project is one of the projects in projectsFile.
type project struct {
	Name    string
	Channel string // where people type about it
	Cloud   *ecssim.Cloud
}

// newSlack is a workspace in which the app has what its manifest asks for.
func newSlack() (*slacksim.Workspace, error) {
	opt, err := simworld.Installed(slacksim.Options{TeamDomain: "demo", BotName: "ecs-stop"})
	if err != nil {
		return nil, err
	}
	w := slacksim.New(opt)
	w.AddChannel(slacksim.Channel{ID: general, Name: "general"})
	w.AddChannel(slacksim.Channel{ID: ops, Name: "ops"})
	w.AddChannel(slacksim.Channel{ID: devs, Name: "dev"})
	for _, u := range []slacksim.User{
		{ID: mia, Name: "mia", RealName: "Mia Requester"}, {ID: noah, Name: "noah", RealName: "Noah Approver"},
		{ID: olga, Name: "olga", RealName: "Olga Approver"}, {ID: guest, Name: "gus", RealName: "Gus Guest", Guest: true},
		{ID: otto, Name: "otto", RealName: "Otto Outside", Stranger: true}, {ID: dora, Name: "dora", RealName: "Dora Developer"},
	} {
		w.AddUser(u)
		w.Join(general, u.ID)
		if u.ID != dora {
			w.Join(ops, u.ID)
		}
	}
	w.Join(ops, slacksim.BotUserID)
	w.Join(devs, mia, dora, noah, olga, slacksim.BotUserID)
	for _, g := range groups {
		w.AddGroup(g)
	}
	return w, nil
}

// newCloud is a cloud whose jobs take up to twice the time.
func newCloud(servers int, job time.Duration) *ecssim.Cloud {
	c := ecssim.New(ecssim.Options{MinJobTime: job, MaxJobTime: 2 * job, Seed: 7})
	c.Add(ecssim.Fleet(servers, 7)...)
	return c
}

// newDevCloud is the cloud of the project dev, with an account of its own.
func newDevCloud(job time.Duration) *ecssim.Cloud {
	return ecssim.New(ecssim.Options{
		ProjectID: "fedcba9876543210fedcba9876543210", AccessKey: "SIMULATEDACCESSKEY01", SecretKey: "simulated-secret-key-of-the-project-dev--",
		MinJobTime: job, MaxJobTime: 2 * job, Seed: 9,
	})
}

// world is everything around the bot, and the bot's processes. The embedded world's
// cloud is that of the project prod.
type world struct {
	*simworld.World
	projects []project
	store    *miniredis.Miniredis
	bots     [2]*replica // none of them runs yet
	close    []func()    // in the order of their calling
}

// newWorld builds the world around the clouds of two projects, which it takes over. The
// bot gets the settings besides those that it needs. hear gets each line that a bot
// logs, and moved is called when one has come or gone. The caller closes the world.
func newWorld(ctx context.Context, prod, dev *ecssim.Cloud, settings map[string]string, hear func(bot, line string), moved func()) (*world, error) {
	slack, err := newSlack()
	if err != nil {
		prod.Close()
		dev.Close()
		return nil, err
	}
	served, err := simworld.Serve(slack, prod)
	if err != nil {
		dev.Close()
		return nil, err
	}
	w := &world{World: served, projects: []project{{"prod", ops, prod}, {"dev", devs, dev}}, store: miniredis.NewMiniRedis()}
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
	devURL, err := served.AddCloud(dev)
	if err != nil {
		return nil, err
	}
	given := w.Settings()
	file := filepath.Join(dir, "projects.yaml")
	if err := w.configure(file, given["ECS_ENDPOINT"], devURL, time.Now()); err != nil {
		return nil, err
	}
	if err := w.store.Start(); err != nil {
		return nil, err
	}
	w.close = append(w.close, w.store.Close)
	w.listen(func() {})
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	maps.Copy(given, map[string]string{
		"CONFIG_FILE": file, "DEV_AK": dev.Options().AccessKey, "DEV_SK": dev.Options().SecretKey,
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

// configure writes the bot's CONFIG_FILE. The payroll runs from the day before until the
// day after now.
func (w *world) configure(file, prod, dev string, now time.Time) error {
	var payroll []string
	for days := -1; days <= 1; days++ {
		payroll = append(payroll, strings.ToLower(now.UTC().AddDate(0, 0, days).Format("Mon")))
	}
	form, err := template.New("projects.yaml").Parse(projectsFile)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := form.Execute(&text, map[string]any{
		"prod": prod, "prodID": w.projects[0].Cloud.Options().ProjectID,
		"dev": dev, "devID": w.projects[1].Cloud.Options().ProjectID,
		"payroll": strings.Join(payroll, ", "), "lastDay": now.UTC().AddDate(0, 0, 1).Format("Monday"),
	}); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text.String()), 0o600)
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
	return jobs.New(jobs.Config{Keyspace: keyspace, Redis: db, TrustEmpty: true}).Bind(ctx, "", "")
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
