package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/approvals"
)

// Suggest finds up to n servers by what a person has typed so far, ignoring case: part
// of a name, the beginning of an id, or part of a tag. The data may be some seconds old,
// and older if the cloud takes longer than ctx.
func (inv *Inventory) Suggest(ctx context.Context, typed string, n int) ([]approvals.Server, error) {
	all, err := inv.fleet.recent(ctx)
	if err != nil {
		return nil, fmt.Errorf("suggest servers: %w", err)
	}
	typed = strings.ToLower(strings.TrimSpace(typed))
	type hit struct {
		rank   int
		server approvals.Server
	}
	var hits []hit
	for _, s := range all {
		if rank := likeness(s, typed); rank >= 0 {
			hits = append(hits, hit{rank, s})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(a.server.Name), len(b.server.Name)),
			cmp.Compare(a.server.Name, b.server.Name), cmp.Compare(a.server.ID, b.server.ID))
	})
	var found []approvals.Server
	for _, h := range hits[:min(n, len(hits))] {
		found = append(found, h.server)
	}
	return found, nil
}

// Warm starts to read what Suggest needs and returns at once: listing a large fleet
// takes longer than typing a name. The read continues after ctx has ended, until it is
// done or the inventory is closed.
func (inv *Inventory) Warm(ctx context.Context) { inv.fleet.warm(ctx) }

// likeness ranks how well a server fits what was typed: 0 is best, -1 is not at all.
// typed is in lower case.
func likeness(s approvals.Server, typed string) int {
	name := strings.ToLower(s.Name)
	switch {
	case strings.HasPrefix(name, typed):
		return 0
	case strings.Contains(name, typed):
		return 1
	case slices.ContainsFunc(s.Tags, func(tag string) bool { return strings.Contains(strings.ToLower(tag), typed) }):
		return 2
	case strings.HasPrefix(s.ID, typed):
		return 3
	}
	return -1
}

const (
	nearNames   = 3               // most names suggested for a missing one
	nearMissing = 20              // most missing names that get suggestions
	nearWithin  = 3 * time.Second // longest wait for suggestions
)

// near finds names that are similar to the missing ones. Ids, patterns and tags get
// none.
func (inv *Inventory) near(ctx context.Context, missing []string) map[string][]string {
	missing = slices.DeleteFunc(slices.Clone(missing), func(word string) bool {
		return approvals.IsServerID(word) || strings.ContainsAny(word, "*=")
	})
	if len(missing) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, nearWithin)
	defer cancel()
	all, err := inv.fleet.recent(ctx)
	if err != nil {
		inv.log.WarnContext(ctx, "cannot list servers to suggest names like the missing ones", "err", err)
		return nil
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	near := map[string][]string{}
	for _, word := range missing[:min(nearMissing, len(missing))] {
		if found := approvals.Near(word, names, nearNames); len(found) > 0 {
			near[word] = found
		}
	}
	return near
}
