package jobs

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// Replicas see whose settings differ from theirs, until that one is gone.
func TestReplicasCompareTheirSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, old := w.opened(), w.opened(), w.opened() // old does not say what its settings are
	a.SetDigest("aaaa")
	b.SetDigest("aaaa")
	differ := func(e *Engine) []string {
		for range 2 { // the others have beaten once
			for _, other := range []*Engine{a, b, old} {
				w.beat(other)
			}
		}
		return e.SettingsDiffer()
	}
	if got := differ(a); len(got) != 0 {
		t.Errorf("with the same settings: %v", got)
	}
	b.SetDigest("bbbb")
	if got := differ(a); !slices.Equal(got, []string{b.store.Worker()}) {
		t.Errorf("with others: %v", got)
	}
	if got := differ(b); !slices.Equal(got, []string{a.store.Worker()}) {
		t.Errorf("seen from the other side: %v", got)
	}
	if got := differ(old); len(got) != 0 {
		t.Errorf("without a digest: %v", got)
	}
	b.deregister(t.Context())
	w.beat(a)
	if got := a.SettingsDiffer(); len(got) != 0 {
		t.Errorf("after it has left: %v", got)
	}
}

// A difference is noted during an update, and an error after ten minutes.
func TestADifferenceBecomesAnError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := newWorld(t).engine(func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	e.SetDigest("aaaa")
	at := time.Now()
	for _, tt := range []struct {
		after  time.Duration
		others []string
		want   string
	}{
		{0, nil, ""},
		{0, []string{"W"}, "INFO normal during an update"},
		{9 * time.Minute, []string{"W"}, ""},
		{10 * time.Minute, []string{"W"}, "ERROR REPLICAS HAVE DIFFERENT SETTINGS"},
		{19 * time.Minute, []string{"W"}, ""},
		{20 * time.Minute, []string{"W"}, "ERROR REPLICAS HAVE DIFFERENT SETTINGS"},
		{21 * time.Minute, nil, "INFO same settings again"},
		{22 * time.Minute, nil, ""},
		{30 * time.Minute, []string{"W"}, "INFO normal during an update"},
	} {
		log.Reset()
		e.settings.compare(t.Context(), tt.others, at.Add(tt.after))
		level, words, _ := strings.Cut(tt.want, " ")
		if got := log.String(); (got == "") != (tt.want == "") || !strings.Contains(got, words) || !strings.Contains(got, level) {
			t.Errorf("after %v with %v: %s", tt.after, tt.others, got)
		}
	}
}
