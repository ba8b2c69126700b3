package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"ecsbot/internal/approvals"
)

// people keeps what Slack last said of people, user groups and newer blocks, for all
// replicas.
type people struct{ *records }

// knownFor is how long it is kept what Slack said of a person or a group. As
// long as that, an act that only holds back can lean on it.
const knownFor = 30 * 24 * time.Hour

// KnownAnswer reads into body what was kept under id. It tells when it was asked for
// and whether it has changed since; ok is false if nothing is kept.
func (p *people) KnownAnswer(ctx context.Context, id string, body any) (approvals.Known, bool, error) {
	raw, err := p.store.Values(ctx, p.keys.known(id), p.keys.knownStale(id))
	if err != nil {
		return approvals.Known{}, false, fmt.Errorf("read what is known of %s: %w", id, err)
	}
	if raw[0] == "" {
		return approvals.Known{}, false, nil
	}
	var k kept
	if err := json.Unmarshal([]byte(raw[0]), &k); err != nil {
		return approvals.Known{}, false, fmt.Errorf("read what is known of %s: %w", id, err)
	}
	if err := json.Unmarshal(k.Body, body); err != nil {
		return approvals.Known{}, false, fmt.Errorf("read what is known of %s: %w", id, err)
	}
	changed := int64(-1)
	if raw[1] != "" {
		changed, _ = strconv.ParseInt(raw[1], 10, 64)
	}
	return approvals.Known{Age: p.now().Sub(k.At), Changed: changed >= k.At.UnixMilli()}, true, nil
}

// kept is what is kept of a person or a group.
type kept struct {
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body"`
}

// KeepAnswer keeps body under id, which Slack was asked for asked ago, for all
// replicas.
func (p *people) KeepAnswer(ctx context.Context, id string, body any, asked time.Duration) error {
	k := kept{At: p.now().Add(-asked), Body: json.RawMessage(marshal(body))}
	if err := p.store.Set(ctx, p.keys.known(id), marshal(k), knownFor); err != nil {
		return fmt.Errorf("keep what is known of %s: %w", id, err)
	}
	return nil
}

// Changed notes that what is kept under id is not so any more. Answers to
// questions that were asked before are taken for changed, too.
func (p *people) Changed(ctx context.Context, id string) error {
	if err := p.store.Set(ctx, p.keys.knownStale(id), strconv.FormatInt(p.now().UnixMilli(), 10), time.Hour); err != nil {
		return fmt.Errorf("note a change of %s: %w", id, err)
	}
	return nil
}
