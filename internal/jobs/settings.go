package jobs

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// settings compares the settings of this replica with those of all others: replicas
// with other settings decide differently.
type settings struct {
	*records
	digest atomic.Pointer[string]
	differ atomic.Pointer[[]string] // workers with other settings, as of the last heartbeat

	// Only heartbeats use them.
	since  time.Time // when they began to differ
	logged time.Time
}

// rolloutWithin is how long an update may take in which replicas have other settings.
const rolloutWithin = 10 * time.Minute

// SetDigest sets the digest of the settings that this replica works with. It holds no
// secret.
func (s *settings) SetDigest(digest string) {
	s.cfg.Metrics.digest.Reset()
	s.cfg.Metrics.digest.WithLabelValues(digest).Set(1)
	s.digest.Store(&digest)
	s.store.SetDigest(digest)
}

// Digest is what SetDigest has set.
func (s *settings) Digest() string { return *s.digest.Load() }

// SettingsDiffer lists the replicas that work with other settings, as of the last
// heartbeat.
func (s *settings) SettingsDiffer() []string {
	if all := s.differ.Load(); all != nil {
		return *all
	}
	return nil
}

// compare notes which replicas have other settings. During an update that is only
// noted; after ten minutes it is an error in the log, repeated as often.
func (s *settings) compare(ctx context.Context, others []string, now time.Time) {
	slices.Sort(others)
	s.differ.Store(&others)
	s.cfg.Metrics.differing.Set(float64(len(others)))
	switch {
	case len(others) == 0:
		if !s.since.IsZero() {
			s.cfg.Log.InfoContext(ctx, "all replicas have the same settings again")
		}
		s.since, s.logged = time.Time{}, time.Time{}
	case s.since.IsZero():
		s.since, s.logged = now, now
		s.cfg.Log.InfoContext(ctx, "another replica has other settings; that is normal during an update", "digest", *s.digest.Load(), "replicas", others)
	case now.Sub(s.since) >= rolloutWithin && now.Sub(s.logged) >= rolloutWithin:
		s.logged = now
		s.cfg.Log.ErrorContext(ctx, "REPLICAS HAVE DIFFERENT SETTINGS: who may do what depends on which one answers. Give all the same environment and CONFIG_FILE", "since", now.Sub(s.since).Round(time.Second), "digest", *s.digest.Load(), "replicas", others)
	}
}
