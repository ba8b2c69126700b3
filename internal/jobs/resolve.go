package jobs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
)

// resolve turns what a person wrote into the frozen list: the servers as the
// cloud shows them now, and those that are left out. Whatever names no server,
// or more than one where one was meant, refuses the whole ask and is listed.
func (e *Engine) resolve(ctx context.Context, ask approvals.Ask) (approvals.Frozen, error) {
	frozen := approvals.Frozen{At: e.now()}
	f := finder{e: e, seen: map[string]bool{}, ambiguous: map[string][]approvals.Server{}}
	if err := f.find(ctx, ask); err != nil {
		return approvals.Frozen{}, e.cloudRefusal(ctx, "find servers", err)
	}
	if len(f.missing) > 0 || len(f.ambiguous) > 0 {
		return approvals.Frozen{}, &approvals.Refusal{Why: approvals.Unresolved, Missing: f.missing, Near: e.near(ctx, f.missing), Ambiguous: f.ambiguous}
	}
	for _, s := range f.found {
		why, ok := e.Policy.Protection.Sort(s)
		if ok && slices.Contains(ask.Without, s.ID) {
			why, ok = approvals.Since, false // it was shown as left out
		}
		if ok {
			frozen.Servers = append(frozen.Servers, s)
		} else {
			frozen.LeftOut = append(frozen.LeftOut, approvals.LeftOut{Server: s, Why: why})
		}
	}
	return frozen, nil
}

// cloudRefusal logs a failed read of the cloud and says what a person may know.
func (e *Engine) cloudRefusal(ctx context.Context, doing string, err error) error {
	e.Log.ErrorContext(ctx, "the cloud could not be read", "doing", doing, "err", err)
	if ecsclient.VerdictOf(err) == ecsclient.Authentication {
		return &approvals.Refusal{Why: approvals.CloudRefusesKey}
	}
	return &approvals.Refusal{Why: approvals.CloudAway}
}

// finder collects the servers of one ask, each once, in the order in which
// they were named.
type finder struct {
	e         *Engine
	found     []approvals.Server
	seen      map[string]bool // server id
	missing   []string
	ambiguous map[string][]approvals.Server
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

// matching returns the servers that fit, ordered by name.
func matching(all []approvals.Server, fits func(approvals.Server) bool) []approvals.Server {
	var hits []approvals.Server
	for _, s := range all {
		if fits(s) {
			hits = append(hits, s)
		}
	}
	slices.SortFunc(hits, func(a, b approvals.Server) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return hits
}

func (f *finder) listIDs(ctx context.Context, words []string) (map[string]approvals.Server, error) {
	var ids []string
	for _, w := range words {
		if approvals.IsServerID(w) {
			ids = append(ids, w)
		}
	}
	return f.e.look(ctx, ids)
}

// fewNames is up to how many names are asked for one by one; for more, one
// list of everything is cheaper.
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
		return f.e.fleet.fresh(ctx, f.e.Cloud)
	}
	seen := map[string]bool{}
	var all []approvals.Server
	for _, part := range parts {
		servers, err := f.e.Cloud.ListServers(ctx, ecsclient.Filter{Name: part})
		if err != nil {
			return nil, err
		}
		for _, s := range servers {
			if !seen[s.ID] {
				seen[s.ID] = true
				all = append(all, asSeen(s))
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

// listTags reads the servers that have all the tags.
func (f *finder) listTags(ctx context.Context, tags []string) ([]approvals.Server, error) {
	servers, err := f.e.Cloud.ListServers(ctx, ecsclient.Filter{Tag: tags[0]})
	if err != nil {
		return nil, err
	}
	var all []approvals.Server
	for _, s := range servers {
		all = append(all, asSeen(s))
	}
	return matching(all, func(s approvals.Server) bool {
		return !slices.ContainsFunc(tags, func(t string) bool { return !s.HasTag(t) })
	}), nil
}

// look reads servers by id as they are now. Those that the cloud does not know
// are absent.
func (e *Engine) look(ctx context.Context, ids []string) (map[string]approvals.Server, error) {
	seen := make(map[string]approvals.Server, len(ids))
	if len(ids) == 0 {
		return seen, nil
	}
	servers, err := e.Cloud.ListServers(ctx, ecsclient.Filter{IDs: ids})
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		seen[s.ID] = asSeen(s)
	}
	return seen, nil
}

func asSeen(s ecsclient.Server) approvals.Server {
	return approvals.Server{
		ID: s.ID, Name: s.Name, Address: s.Address, Status: s.Status, Task: s.TaskState,
		Updated: s.Updated, Locked: s.Locked, Tags: s.Tags,
		Flavor: s.Flavor, Charge: s.ChargingMode, BareMetal: s.BareMetal,
	}
}
