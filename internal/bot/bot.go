// Package bot puts the parts together: settings, Redis, the cloud, Slack, the
// engine between them, and the HTTP endpoints.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/jobs"
	"ecsbot/internal/slackapp"
	"ecsbot/internal/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/time/rate"
)

// Bot is one replica.
type Bot struct {
	store  *store.Redis
	engine *jobs.Engine
	app    *slackapp.App
	redis  *keeper
	health *health
	log    *slog.Logger
}

// Tune changes how the engine works where no setting does: the demo and tests
// run on a faster clock. It may be nil.
type Tune func(*jobs.Config)

// New wires a bot. Nothing is connected yet; [Bot.Close] frees what it holds.
func New(c Config, log *slog.Logger, tune Tune) (*Bot, error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	db, err := store.Open(c.RedisURL.Reveal(), c.RedisTLS)
	if err != nil {
		return nil, fmt.Errorf("connect to Redis: %w", err)
	}
	calls := newCallMetrics(reg)
	cloud, err := ecsclient.New(ecsclient.Config{
		Endpoint: c.Endpoint, ProjectID: c.ProjectID, Credentials: c.Credentials,
		// It only smooths the calls of this process; the quota is kept in Redis.
		Limiter: rate.NewLimiter(20, 40),
		Observe: calls.observe,
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("cloud: %w", err)
	}
	ec := jobs.Config{
		ProjectID: c.ProjectID, Project: c.Project, Redis: db, Cloud: cloud, Policy: c.Policy,
		Log: log.With("part", "engine"), Metrics: jobs.NewMetrics(reg),
		Rate: c.Rate, BatchSize: c.BatchSize, Anchor: c.Anchor,
		Confirm:    c.Confirm,
		Quarantine: c.Quarantine, PostQuarantine: c.UnsureWait, JobDeadline: c.Deadline,
	}
	if tune != nil {
		tune(&ec)
	}
	engine := jobs.New(ec)
	app := slackapp.New(slackapp.Config{
		BotToken: c.BotToken, AppToken: c.AppToken, APIURL: c.SlackURL, Sockets: c.Sockets, Channel: c.Channel,
		Policy: c.Policy, Batch: c.BatchSize, Rate: c.Rate, ClassicBlocks: c.Blocks == BlocksClassic,
		Log: log.With("part", "slack"), Metrics: slackapp.NewMetrics(reg),
	}, engine)
	b := &Bot{store: db, engine: engine, app: app, log: log,
		redis: &keeper{store: db, engine: engine, volatile: c.VolatileRedis, sentinels: c.sentinels(), log: log}}
	b.health = newHealth(c.HTTPAddr, reg, b.causes, log)
	return b, nil
}

// causes are why the bot is not ready, one line each.
func (b *Bot) causes(ctx context.Context) []string {
	all := b.redis.causes(ctx)
	if err := b.app.Ready(); err != nil {
		all = append(all, err.Error())
	}
	return all
}

// Run serves until ctx ends or something cannot go on. After ctx has ended it
// returns nil within 10 seconds; what it held is in the store.
//
// HTTP comes first: a probe must not end a process that only waits for Redis.
// The engine begins when Redis can be worked with, and Slack when the engine has.
func (b *Bot) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	part := func(name string, run func(context.Context) error) {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	part("http", b.health.run)
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
			case <-b.engine.Started(): // nothing is taken that cannot be recorded
				return b.app.Run(ctx)
			}
		})
		return b.redis.watch(ctx)
	})
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// work binds the store to the bot's team in Slack and runs the engine. Before the
// store is bound nothing is claimed or recorded: with the tokens of another team
// the bot could post in none of the channels, and would give the other's
// requests up.
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

// Close frees what the bot holds. It is called after [Bot.Run] has returned.
func (b *Bot) Close() error {
	b.engine.Close()
	return b.store.Close()
}

// Addr is where the HTTP endpoints listen; nil before [Bot.Run] or without them.
func (b *Bot) Addr() net.Addr { return b.health.addr() }
