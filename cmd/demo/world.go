package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"

	"github.com/alicebob/miniredis/v2"
)

// People and places of the simulated workspace.
const (
	mia   = "U0MIA" // asks
	noah  = "U0NOAH"
	olga  = "U0OLGA"
	guest = "U0GUEST"
	ops   = "C0OPS"
)

func newSlack() *slacksim.Workspace {
	w := slacksim.New(slacksim.Options{TeamDomain: "demo", BotName: "ecs-stop"})
	w.AddChannel(slacksim.Channel{ID: ops, Name: "ops"})
	w.AddChannel(slacksim.Channel{ID: "C0GENERAL", Name: "general"})
	for _, u := range []slacksim.User{
		{ID: mia, Name: "mia", RealName: "Mia Requester"}, {ID: noah, Name: "noah", RealName: "Noah Approver"},
		{ID: olga, Name: "olga", RealName: "Olga Approver"}, {ID: guest, Name: "gus", RealName: "Gus Guest", Guest: true},
	} {
		w.AddUser(u)
		w.Join(ops, u.ID)
		w.Join("C0GENERAL", u.ID)
	}
	w.Join(ops, slacksim.BotUserID)
	return w
}

// newCloud is a cloud whose jobs take up to twice the time.
func newCloud(servers int, job time.Duration) *ecssim.Cloud {
	c := ecssim.New(ecssim.Options{MinJobTime: job, MaxJobTime: 2 * job, Seed: 7})
	c.Add(ecssim.Fleet(servers, 7)...)
	return c
}

// world is everything around the bot, and the bot's process.
type world struct {
	slack *slacksim.Workspace
	cloud *ecssim.Cloud
	store *miniredis.Miniredis
	env   []string
	dir   string
	log   io.Writer
	bot   *exec.Cmd
	close []func()
}

// newWorld builds the world. The caller closes it.
func newWorld(log io.Writer) (*world, error) {
	w := &world{slack: newSlack(), cloud: newCloud(0, time.Second), store: miniredis.NewMiniRedis(), log: log}
	w.close = append(w.close, w.slack.Close, w.cloud.Close)
	if err := w.store.Start(); err != nil {
		w.Close()
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ecsbot-demo")
	if err != nil {
		w.Close()
		return nil, err
	}
	w.dir = dir
	slackHTTP, cloudHTTP := httptest.NewServer(w.slack.Handler()), httptest.NewServer(w.cloud.Handler())
	w.close = append(w.close, w.store.Close, slackHTTP.CloseClientConnections, cloudHTTP.CloseClientConnections, func() { os.RemoveAll(dir) })
	o := w.cloud.Options()
	w.env = []string{
		"SLACK_BOT_TOKEN=xoxb-sim", "SLACK_APP_TOKEN=xapp-sim", "SLACK_API_URL=" + slackHTTP.URL + "/api/",
		"APPROVAL_CHANNEL=" + ops, "APPROVERS=" + noah + "," + olga,
		"HUAWEICLOUD_SDK_AK=" + o.AccessKey, "HUAWEICLOUD_SDK_SK=" + o.SecretKey, "HUAWEICLOUD_SDK_PROJECT_ID=" + o.ProjectID,
		"ECS_ENDPOINT=" + cloudHTTP.URL, "ECS_REGION=demo-1", "PROTECTED_TAGS=keep",
		"REDIS_URL=redis://" + w.store.Addr(), "ALLOW_VOLATILE_REDIS=true", "HTTP_ADDR=127.0.0.1:0", "LOG_FORMAT=text",
	}
	return w, nil
}

// Close kills the bot and takes the world down.
func (w *world) Close() {
	w.kill()
	for _, c := range w.close {
		c()
	}
}

// startBot starts the bot's process and waits until Slack sees its sockets.
func (w *world) startBot(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w.bot = exec.CommandContext(ctx, self, runAsBot)
	w.bot.Env, w.bot.Dir = w.env, w.dir
	w.bot.Stdout, w.bot.Stderr = w.log, w.log
	if err := w.bot.Start(); err != nil {
		return err
	}
	wait, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("the bot did not connect; see its log with -logs"))
	defer cancel()
	if err := w.slack.WaitConnected(wait, 2); err != nil {
		return fmt.Errorf("start bot: %w", errors.Join(err, context.Cause(wait)))
	}
	return nil
}

// kill ends the bot's process as kill -9 does. It is gone when kill returns.
func (w *world) kill() {
	if w.bot == nil || w.bot.Process == nil {
		return
	}
	w.bot.Process.Kill()
	w.bot.Wait()
	w.bot = nil
}

// server describes one server of the fleet.
func server(n int, name string, tags ...string) ecssim.Server {
	return ecssim.Server{
		ID: fmt.Sprintf("%08x-4d3f-4c2a-9b1e-%012x", 0x5f3a0000+n, n), Name: name, Status: "ACTIVE", VMState: "active",
		Address: fmt.Sprintf("192.168.0.%d", 10+n), Tags: tags,
	}
}

func logFile(show bool, dir string) (io.Writer, func(), error) {
	if show {
		return os.Stderr, func() {}, nil
	}
	f, err := os.CreateTemp(dir, "ecsbot-demo-*.log")
	if err != nil {
		return nil, nil, err
	}
	return f, func() { f.Close(); os.Remove(filepath.Clean(f.Name())) }, nil
}
