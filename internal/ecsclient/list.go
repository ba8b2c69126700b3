package ecsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	pageSize   = 200 // what the documentation suggests for large sets
	maxPages   = 200
	idsAtATime = 100 // the most that is advised, for the length of the address
)

// Filter narrows ListServers. Its zero value asks for all servers.
type Filter struct {
	// IDs lists these servers only. Nil means no such filter; an empty list that is
	// not nil lists nothing.
	IDs []string
	// Name is the cloud's fuzzy filter: part of a name, in which "." matches any
	// character. Check the names of what comes back. Not used with IDs.
	Name string
	// Tag is "key=value", or a bare "key" for a tag without value. The cloud's filter
	// is as fuzzy as that of Name: check the tags of what comes back.
	Tag string
}

// ListServers reads servers with their details ("Querying Details About ECSs"),
// each once, in the cloud's order. Servers that
// do not exist are missing in the result of a filter by id.
func (c *Client) ListServers(ctx context.Context, f Filter) ([]Server, error) {
	if f.IDs != nil {
		return c.listByID(ctx, f.IDs)
	}
	return c.listAll(ctx, f, func(Server) bool { return false })
}

// tagQuery is how the cloud's filter wants a tag: one without value is its bare
// key. A value that ends in "=" stays as it is.
func tagQuery(tag string) string {
	if key, value, _ := strings.Cut(tag, "="); value == "" {
		return key
	}
	return tag
}

// listAll pages through everything that matches Name and Tag, until enough
// returns true. Pages may skip or repeat servers while the fleet changes; repeated
// servers are dropped.
func (c *Client) listAll(ctx context.Context, f Filter, enough func(Server) bool) ([]Server, error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if f.Name != "" {
		query.Set("name", f.Name)
	}
	if f.Tag != "" {
		query.Set("tags", tagQuery(f.Tag))
	}
	var found []Server
	seen := make(map[string]bool)
	done, known := false, 1
	take := func(p page) (more bool) {
		before := len(seen)
		for _, s := range p.servers {
			if seen[s.ID] {
				continue
			}
			seen[s.ID] = true
			if s.Status != "" {
				found = append(found, s)
			}
			done = enough(s) || done
		}
		done = done || len(seen) == before || p.last(len(seen))
		known = min(max(known, p.pages()), maxPages)
		return !done
	}
	for number := 1; number <= maxPages && !done; {
		// Pages that are known to follow are read together, else only the next one.
		pages := max(known-number+1, 1)
		err := inOrder(ctx, pages, func(ctx context.Context, i int) (page, error) {
			q := maps.Clone(query)
			q.Set("offset", strconv.Itoa(number+i))
			return c.page(ctx, q)
		}, take)
		if err != nil {
			return nil, err
		}
		number += pages
	}
	if !done {
		return nil, &Error{Op: opList, Verdict: Refused, Err: fmt.Errorf("more than %d pages of servers", maxPages)}
	}
	return found, nil
}

// listByID lists ids in portions. By the documentation a server that does not exist
// has an entry, too, with only id and fault. So an id without entry means that the
// cloud ignores the filter (some clouds have none, and sources differ on how to name
// several ids); such ids are then searched among all servers.
func (c *Client) listByID(ctx context.Context, ids []string) ([]Server, error) {
	for _, id := range ids {
		if !plainID(id) {
			return nil, &Error{Op: opList, Verdict: Refused, Err: fmt.Errorf("malformed server id %q", brief(id, 64))}
		}
	}
	missing := make(map[string]bool, len(ids)) // asked for and not answered yet
	var unique []string
	for _, id := range ids {
		if !missing[id] {
			missing[id] = true
			unique = append(unique, id)
		}
	}
	var found []Server
	take := func(s Server) (all bool) {
		if missing[s.ID] {
			delete(missing, s.ID)
			if s.Status != "" {
				found = append(found, s)
			}
		}
		return len(missing) == 0
	}
	portions := slices.Collect(slices.Chunk(unique, idsAtATime))
	taken := 0
	err := inOrder(ctx, len(portions), func(ctx context.Context, i int) (page, error) {
		return c.page(ctx, url.Values{
			"limit":     {strconv.Itoa(idsAtATime)},
			"offset":    {"1"},
			"server_id": slices.Clone(portions[i]),
		})
	}, func(p page) (more bool) {
		for _, s := range p.servers {
			take(s)
		}
		taken++
		// If the cloud ignores the filter once, it ignores it in the other calls, too.
		return !slices.ContainsFunc(portions[taken-1], func(id string) bool { return missing[id] })
	})
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		if _, err := c.listAll(ctx, Filter{}, take); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readsAtATime is how many pages of one list are read concurrently. A page
// may take more than a second, and a thousand servers read by id take ten.
const readsAtATime = 4

// inOrder reads 0 to n-1, a few at a time, and passes the results to take in that
// order, until take returns false. The first error ends it. All reads have ended when
// it returns.
func inOrder[T any](ctx context.Context, n int, read func(context.Context, int) (T, error), take func(T) (more bool)) error {
	type result struct {
		i   int
		got T
		err error
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result, readsAtATime) // room for all that are under way
	early := make(map[int]T)
	for next, begun := 0, 0; next < n; {
		for ; begun < n && begun-next-len(early) < readsAtATime; begun++ {
			i := begun
			running.Go(func() {
				got, err := read(ctx, i)
				results <- result{i, got, err}
			})
		}
		r := <-results
		if r.err != nil {
			return r.err
		}
		early[r.i] = r.got
		for got, ok := early[next]; ok; got, ok = early[next] {
			delete(early, next)
			next++
			if !take(got) {
				return nil
			}
		}
	}
	return nil
}

// page is one page of the list. A server that does not exist is in a page of a filter
// by id, without status.
type page struct {
	servers []Server
	limit   int
	count   int // the cloud's count of servers; 0 if it gives none
}

// last reports whether no page follows, given how many servers were seen in all. The
// documentation does not say whether count means all servers or those of the page, so
// it is used only where both readings agree: to stop after a full page it must exceed
// one page.
func (p page) last(seen int) bool {
	if len(p.servers) < p.limit {
		return p.count <= seen
	}
	return p.count > p.limit && p.count <= seen
}

// pages is how many pages there certainly are, as far as this one tells. As in last, a
// count is used only if it exceeds one page, and only if the cloud has filled this
// page.
func (p page) pages() int {
	if len(p.servers) < p.limit || p.count <= p.limit {
		return 1
	}
	return (p.count + p.limit - 1) / p.limit
}

func (c *Client) page(ctx context.Context, query url.Values) (page, error) {
	var p page
	err := c.read(ctx, call{
		op:    opList,
		path:  "/v1/" + c.projectID + "/cloudservers/detail",
		query: query,
		cap:   c.listCap,
		decode: func(body io.Reader) (err error) {
			p, err = pageIn(body)
			return err
		},
	})
	p.limit, _ = strconv.Atoi(query.Get("limit"))
	return p, err
}

// pageIn decodes a page as it arrives, because its servers may have large user data,
// which is skipped. It demands a list of objects with ids: a server that is dropped
// because it is unreadable would count as one that does not exist.
func pageIn(body io.Reader) (page, error) {
	var p page
	listed := false
	d := json.NewDecoder(body)
	if !opens(d, '{') {
		return page{}, errNoPage
	}
	for d.More() {
		name, err := d.Token()
		switch {
		case err != nil:
			return page{}, errNoPage
		case name == "servers":
			if p.servers, err = serversIn(d); err != nil {
				return page{}, err
			}
			listed = true
		case name == "count":
			var count text
			if d.Decode(&count) != nil {
				return page{}, errNoPage
			}
			p.count, _ = strconv.Atoi(string(count))
		default:
			if d.Decode(new(json.RawMessage)) != nil {
				return page{}, errNoPage
			}
		}
	}
	if _, err := d.Token(); err != nil { // the last brace
		return page{}, errNoPage
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return page{}, errNoPage
	}
	if !listed {
		return page{}, errors.New("the answer holds no list of servers")
	}
	return p, nil
}

var errNoPage = errors.New("the answer is not a readable list of servers")

func serversIn(d *json.Decoder) ([]Server, error) {
	if !opens(d, '[') {
		return nil, errors.New("the answer holds no list of servers")
	}
	var servers []Server
	for d.More() {
		var w wireServer
		if d.Decode(&w) != nil {
			return nil, errNoPage
		}
		s := w.server()
		if s.ID == "" {
			return nil, errors.New("the answer holds a server without id")
		}
		servers = append(servers, s)
	}
	if _, err := d.Token(); err != nil { // the last bracket
		return nil, errNoPage
	}
	return servers, nil
}

func opens(d *json.Decoder, bracket json.Delim) bool {
	t, err := d.Token()
	return err == nil && t == bracket
}
