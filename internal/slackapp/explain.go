package slackapp

import (
	"context"
	"maps"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// maxConflicts is how many requests that hold wanted servers are looked up and
// linked to.
const maxConflicts = 5

// explain says why something was refused. Where servers are part of other
// requests, it leads to their cards: whose they are, and where they stand.
func (po *poster) explain(ctx context.Context, no *approvals.Refusal) string {
	v := po.view()
	if no.Kind == approvals.RetriedBefore {
		v.links = po.linksTo(ctx, no.Request.RetriedBy)
	}
	said := []string{v.sayRefusal(no)}
	holders := slices.Compact(slices.Sorted(maps.Values(no.Taken)))
	for _, id := range holders[:min(maxConflicts, len(holders))] {
		r, err := po.desk.Find(ctx, id)
		if err != nil {
			po.log.WarnContext(ctx, "a request that holds servers could not be read", "request", id, "err", err)
			continue
		}
		said = append(said, sayHolder(r, po.permalink(ctx, r)))
	}
	return strings.Join(said, "\n")
}
