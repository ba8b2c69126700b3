package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"ecsbot/internal/approvals"
)

// people caches what Slack last said about people, user groups and newer blocks, for
// all replicas.
type people struct{ *records }

// knownFor is how long Slack's answer about a person or a group is cached. For that
// long a command that only stops something can rely on it.
const knownFor = 30 * 24 * time.Hour

// KnownAnswer reads the answer cached under id into body, with its age and whether it
// is known to be out of date. It returns false if nothing is cached.
func (p *people) KnownAnswer(ctx context.Context, id string, body any) (approvals.Known, bool, error) {
	raw, err := p.store.Values(ctx, p.keys.known(id), p.keys.knownStale(id))
	if err != nil {
		return approvals.Known{}, false, fmt.Errorf("read the cached answer about %s: %w", id, err)
	}
	if raw[0] == "" {
		return approvals.Known{}, false, nil
	}
	var k kept
	if err := json.Unmarshal([]byte(raw[0]), &k); err != nil {
		return approvals.Known{}, false, fmt.Errorf("read the cached answer about %s: %w", id, err)
	}
	if err := json.Unmarshal(k.Body, body); err != nil {
		return approvals.Known{}, false, fmt.Errorf("read the cached answer about %s: %w", id, err)
	}
	changed := int64(-1)
	if raw[1] != "" {
		changed, _ = strconv.ParseInt(raw[1], 10, 64)
	}
	return approvals.Known{Age: p.now().Sub(k.At), Changed: changed >= k.At.UnixMilli()}, true, nil
}

// kept is a cached answer.
type kept struct {
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body"`
}

// KeepAnswer caches body under id, for all replicas. asked is how long ago Slack was
// asked.
func (p *people) KeepAnswer(ctx context.Context, id string, body any, asked time.Duration) error {
	k := kept{At: p.now().Add(-asked), Body: json.RawMessage(marshal(body))}
	if err := p.store.Set(ctx, p.keys.known(id), marshal(k), knownFor); err != nil {
		return fmt.Errorf("cache the answer about %s: %w", id, err)
	}
	return nil
}

// Changed marks what is cached under id as out of date, and also answers to questions
// that were asked before now.
func (p *people) Changed(ctx context.Context, id string) error {
	if err := p.store.Set(ctx, p.keys.knownStale(id), strconv.FormatInt(p.now().UnixMilli(), 10), time.Hour); err != nil {
		return fmt.Errorf("note a change of %s: %w", id, err)
	}
	return nil
}
