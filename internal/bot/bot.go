// Package bot connects the parts: settings, Redis, the cloud, Slack, the engine
// between them, and the HTTP endpoints.
package bot

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"ecsbot/internal/jobs"
	"ecsbot/internal/slackapp"
	"ecsbot/internal/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
)

// Bot is one replica.
type Bot struct {
	store    *store.Redis
	engine   *jobs.Engine
	app      *slackapp.App
	redis    *keeper
	health   *health
	reloader *reloader
	log      *slog.Logger
}

// Tune changes values of the engine that are not settings: the demo and tests use
// shorter times. It may be nil.
type Tune func(*jobs.Config)

// New wires a bot. It does not connect yet. [Bot.Close] releases its resources.
func New(c Config, log *slog.Logger, tune Tune) (*Bot, error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	db, err := store.Open(c.RedisURL.Reveal(), c.RedisTLS)
	if err != nil {
		return nil, fmt.Errorf("connect to Redis: %w", err)
	}
	clouds := &clouds{observe: newCallMetrics(reg).observe, log: log.With("part", "cloud")}
	served, err := clouds.serve(c.Projects)
	if err != nil {
		db.Close()
		return nil, err
	}
	ec := jobs.Config{
		Keyspace: c.Keyspace, Projects: served, Redis: db,
		Log: log.With("part", "engine"), Metrics: jobs.NewMetrics(reg),
		Confirm:    c.Confirm,
		Quarantine: c.Quarantine, PostQuarantine: c.UnsureWait, JobDeadline: c.Deadline,
	}
	if tune != nil {
		tune(&ec)
	}
	engine := jobs.New(ec)
	engine.SetDigest(c.Digest())
	app := slackapp.New(slackapp.Config{
		BotToken: c.BotToken, AppToken: c.AppToken, APIURL: c.SlackURL, Sockets: c.Sockets, AllowedChannels: c.AllowedChannels,
		ClassicBlocks: c.Blocks == BlocksClassic, WorkflowStep: c.Step,
		Log: log.With("part", "slack"), Metrics: slackapp.NewMetrics(reg),
	}, engine)
	b := &Bot{store: db, engine: engine, app: app, log: log,
		redis: &keeper{store: db, engine: engine, volatile: c.VolatileRedis, sentinels: c.sentinels(), log: log}}
	b.reloader = &reloader{config: c, clouds: clouds, engine: engine, log: log.With("part", "settings")}
	b.health = newHealth(c.HTTPAddr, reg, b.causes, b.notes, log)
	return b, nil
}

// causes returns why the bot is not ready, one line each.
func (b *Bot) causes(ctx context.Context) []string {
	all := b.redis.causes(ctx)
	if err := b.app.Ready(); err != nil {
		all = append(all, err.Error())
	}
	return all
}

// ReloadWith has the bot read its settings again when CONFIG_FILE changes or the process
// gets SIGHUP. It is called before [Bot.Run].
func (b *Bot) ReloadWith(load func() (Config, error)) { b.reloader.load = load }

// notes are lines about the settings, below the state.
func (b *Bot) notes() []string {
	all := []string{"settings " + b.engine.Digest()}
	if others := b.engine.SettingsDiffer(); len(others) > 0 {
		all = append(all, "replicas with other settings: "+strings.Join(others, ", "))
	}
	return all
}

// Run serves until ctx ends or a part fails. After ctx has ended it returns nil within
// 10 seconds; its unfinished work is in the store.
//
// HTTP starts first: a probe must not end a process that only waits for Redis. The
// engine starts when Redis is usable, and Slack when the engine has started.
func (b *Bot) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	part := func(name string, run func(context.Context) error) {
		group.Go(func() error {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil // what fails during a shutdown is no reason for it
		})
	}
	part("http", b.health.run)
	part("settings", func(ctx context.Context) error {
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		return b.reloader.run(ctx, hup)
	})
	part("redis", func(ctx context.Context) error {
		if err := b.redis.wait(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		part("engine", func(ctx context.Context) error {
			return b.redis.begin(ctx, b.work)
		})
		part("slack", func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-b.engine.Started(): // receive nothing from Slack that cannot be recorded
				return b.app.Run(ctx)
			}
		})
		return b.redis.watch(ctx)
	})
	return group.Wait()
}

// work binds the store to the bot's team in Slack and runs the engine. Before that,
// nothing is claimed or recorded: with the tokens of another team the bot could not
// post in the channels, and would give up the other bot's requests.
func (b *Bot) work(ctx context.Context) error {
	team, bot, err := b.app.Identity(ctx)
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	if err := b.engine.Bind(ctx, team, bot); err != nil {
		return err
	}
	return b.engine.Run(ctx, b.app)
}

// Close releases the bot's resources. It is called after [Bot.Run] has returned.
func (b *Bot) Close() error {
	b.engine.Close()
	return b.store.Close()
}

// Addr is the address of the HTTP endpoints; nil before [Bot.Run] or without them.
func (b *Bot) Addr() net.Addr { return b.health.addr() }
