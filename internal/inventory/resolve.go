package inventory

import (
	"context"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
)

// Resolve turns what a person wrote into the list to be approved: the servers as the
// cloud lists them now, and those that are left out, for example because p covers
// them. now becomes the time of the list.
// If words name no server, if several servers have the same name, or if the cloud
// cannot be read, the error is a *approvals.Refusal that lists all problems.
func (inv *Inventory) Resolve(ctx context.Context, ask approvals.Ask, p approvals.Protection, now time.Time) (approvals.ServerList, error) {
	list := approvals.ServerList{At: now}
	f := newFinder(inv)
	if err := f.find(ctx, ask); err != nil {
		return approvals.ServerList{}, inv.refusal(ctx, "find servers", err)
	}
	if len(f.missing) > 0 || len(f.ambiguous) > 0 {
		return approvals.ServerList{}, &approvals.Refusal{Kind: approvals.Unresolved, Missing: f.missing, Near: inv.near(ctx, f.missing), Ambiguous: f.ambiguous}
	}
	for _, s := range f.found {
		why, ok := p.Eligible(s)
		if ok && slices.Contains(ask.Except, s.ID) {
			why, ok = approvals.SkipChangedSince, false // a draft showed it as left out
		}
		if ok {
			list.Servers = append(list.Servers, s)
		} else {
			list.LeftOut = append(list.LeftOut, approvals.LeftOut{Server: s, Skip: why})
		}
	}
	return list, nil
}

// Recheck makes the list of a new request from servers of an earlier one, by their
// state now. now becomes the time of the list. An error is a *approvals.Refusal.
func (inv *Inventory) Recheck(ctx context.Context, a approvals.Action, servers []approvals.Server, p approvals.Protection, now time.Time) (approvals.ServerList, error) {
	ids := make([]string, len(servers))
	for i, s := range servers {
		ids[i] = s.ID
	}
	list := approvals.ServerList{Action: a, At: now}
	seen, err := inv.Read(ctx, ids)
	if err != nil {
		return approvals.ServerList{}, inv.refusal(ctx, "read the servers of an earlier request", err)
	}
	for _, was := range servers {
		s, there := seen[was.ID]
		if !there {
			list.LeftOut = append(list.LeftOut, approvals.LeftOut{Server: was, Skip: approvals.SkipVanished})
		} else if a == approvals.Start && s.IsOff() && s.Updated != was.Updated {
			// It has changed since, so somebody may want it off.
			list.LeftOut = append(list.LeftOut, approvals.LeftOut{Server: s, Skip: approvals.SkipChangedSince})
		} else if why, ok := a.Eligible(p, s); ok {
			list.Servers = append(list.Servers, s)
		} else {
			list.LeftOut = append(list.LeftOut, approvals.LeftOut{Server: s, Skip: why})
		}
	}
	return list, nil
}

// Find returns all servers that a person names, as the cloud lists them now. A name
// that several servers have means all of them. missing lists words that name no server;
// it is nil if there are none. An error is a *approvals.Refusal.
func (inv *Inventory) Find(ctx context.Context, ask approvals.Ask) (found []approvals.Server, missing *approvals.Refusal, err error) {
	f := newFinder(inv)
	if err := f.find(ctx, ask); err != nil {
		return nil, nil, inv.refusal(ctx, "show servers", err)
	}
	for _, word := range ask.Servers {
		if hits := f.ambiguous[word]; len(hits) > 0 {
			f.add(word, hits)
		}
	}
	if len(f.missing) > 0 {
		missing = &approvals.Refusal{Kind: approvals.Unresolved, Missing: f.missing, Near: inv.near(ctx, f.missing)}
	}
	return f.found, missing, nil
}

// finder collects the servers of one ask, each once, in the order of their names in the
// ask.
type finder struct {
	inv       *Inventory
	found     []approvals.Server
	seen      map[string]bool               // server id
	missing   []string                      // words that name no server
	ambiguous map[string][]approvals.Server // name → the servers that have it
}

func newFinder(inv *Inventory) *finder {
	return &finder{inv: inv, seen: map[string]bool{}, ambiguous: map[string][]approvals.Server{}}
}

func (f *finder) find(ctx context.Context, ask approvals.Ask) error {
	byID, err := f.listIDs(ctx, ask.Servers)
	if err != nil {
		return err
	}
	byName, err := f.listNames(ctx, ask.Servers)
	if err != nil {
		return err
	}
	for _, word := range ask.Servers {
		var hits []approvals.Server
		switch {
		case approvals.IsServerID(word):
			if s, ok := byID[word]; ok {
				hits = append(hits, s)
			}
		case strings.Contains(word, "*"):
			hits = matching(byName, func(s approvals.Server) bool { return approvals.Match(word, s.Name) })
		default:
			hits = matching(byName, func(s approvals.Server) bool { return s.Name == word })
			if len(hits) > 1 {
				f.ambiguous[word] = hits
				continue
			}
		}
		f.add(word, hits)
	}
	if len(ask.Tags) > 0 {
		hits, err := f.listTags(ctx, ask.Tags)
		if err != nil {
			return err
		}
		f.add(strings.Join(ask.Tags, " "), hits)
	}
	return nil
}

func (f *finder) add(word string, hits []approvals.Server) {
	if len(hits) == 0 {
		f.missing = append(f.missing, word)
	}
	for _, s := range hits {
		if !f.seen[s.ID] {
			f.seen[s.ID] = true
			f.found = append(f.found, s)
		}
	}
}

// matching returns the servers that fit, ordered by name as people count.
func matching(all []approvals.Server, fits func(approvals.Server) bool) []approvals.Server {
	var hits []approvals.Server
	for _, s := range all {
		if fits(s) {
			hits = append(hits, s)
		}
	}
	slices.SortFunc(hits, approvals.CompareServers)
	return hits
}

func (f *finder) listIDs(ctx context.Context, words []string) (map[string]approvals.Server, error) {
	var ids []string
	for _, w := range words {
		if approvals.IsServerID(w) {
			ids = append(ids, w)
		}
	}
	return f.inv.Read(ctx, ids)
}

// fewNames is up to how many names are listed one by one. For more, one list of all
// servers is cheaper.
const fewNames = 5

// listNames reads the servers whose names may fit one of the words. The
// cloud's name filter is fuzzy, so it is only a way to read less.
func (f *finder) listNames(ctx context.Context, words []string) ([]approvals.Server, error) {
	var parts []string
	for _, w := range words {
		if !approvals.IsServerID(w) {
			parts = append(parts, longestLiteral(w))
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	if len(parts) > fewNames {
		return f.inv.fleet.fresh(ctx)
	}
	seen := map[string]bool{}
	var all []approvals.Server
	for _, part := range parts {
		servers, err := f.inv.cloud.ListServers(ctx, ecsclient.Filter{Name: part})
		if err != nil {
			return nil, err
		}
		for _, s := range toServers(servers) {
			if !seen[s.ID] {
				seen[s.ID] = true
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// longestLiteral is the longest piece of a pattern without a star.
func longestLiteral(pattern string) string {
	longest := ""
	for part := range strings.SplitSeq(pattern, "*") {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// listTags reads the servers that have all the tags. The cloud's tag filter is
// fuzzy, so it is only a way to read less.
func (f *finder) listTags(ctx context.Context, tags []string) ([]approvals.Server, error) {
	servers, err := f.inv.cloud.ListServers(ctx, ecsclient.Filter{Tag: tags[0]})
	if err != nil {
		return nil, err
	}
	return matching(toServers(servers), func(s approvals.Server) bool {
		return !slices.ContainsFunc(tags, func(t string) bool { return !s.HasTag(t) })
	}), nil
}
