package bot

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"time"

	"ecsbot/internal/jobs"
)

// lookEach is how often CONFIG_FILE is looked at for changes.
const lookEach = 5 * time.Second

// reloader applies CONFIG_FILE again when it has changed or when the process gets
// SIGHUP: whole, or not at all.
type reloader struct {
	config Config                 // as applied last
	load   func() (Config, error) // nil: nothing is reloaded
	clouds *clouds
	engine *jobs.Engine
	log    *slog.Logger
	seen   [sha256.Size]byte // of the file as applied or refused last
}

// run reloads until ctx ends. hup delivers SIGHUP.
func (r *reloader) run(ctx context.Context, hup <-chan os.Signal) error {
	if r.load == nil {
		return nil
	}
	r.seen = r.content()
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			r.log.InfoContext(ctx, "SIGHUP: reading the settings again")
			r.reload(ctx)
		case <-tick.C:
			if r.content() != r.seen {
				r.log.InfoContext(ctx, "CONFIG_FILE has changed: reading it again", "file", r.config.File)
				r.reload(ctx)
			}
		}
	}
}

// content is a fingerprint of the file. One that cannot be read is like an empty one.
func (r *reloader) content() [sha256.Size]byte {
	if r.config.File == "" {
		return [sha256.Size]byte{}
	}
	text, err := os.ReadFile(r.config.File)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}

// reload applies the projects of the file. The other settings of the environment need a
// restart.
func (r *reloader) reload(ctx context.Context) {
	r.seen = r.content()
	if err := r.apply(); err != nil {
		r.log.ErrorContext(ctx, "the settings are refused and stay as they were", "file", r.config.File, "err", err)
		return
	}
	r.log.InfoContext(ctx, "the settings were applied", "file", r.config.File, "digest", r.config.Digest(), "projects", len(r.config.Projects))
}

// errKeyspace refuses another keyspace: the requests of the present one would be left.
var errKeyspace = errors.New("keyspace has changed, which needs a restart")

func (r *reloader) apply() error {
	next, err := r.load()
	if err != nil {
		return err
	}
	if next.Keyspace != r.config.Keyspace {
		return errKeyspace
	}
	served, err := r.clouds.serve(next.Projects)
	if err != nil {
		return err
	}
	r.engine.SetProjects(served)
	r.config.Projects = next.Projects
	r.engine.SetDigest(r.config.Digest())
	return nil
}
