package ecsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	pageSize   = 200 // what the documentation suggests for large sets
	maxPages   = 200
	idsAtATime = 100 // the most that is advised, for the length of the address
)

// Filter narrows ListServers. Its zero value asks for all servers.
type Filter struct {
	// IDs asks for these servers only. Nil means no such filter; an empty list
	// that is not nil asks for nothing and gives nothing.
	IDs []string
	// Name is the cloud's fuzzy filter: part of a name, in which "." stands for
	// any character. Check the names of what comes back. Not used with IDs.
	Name string
	// Tag is "key=value", or a bare "key" for a tag without value. What comes
	// back carries exactly this tag.
	Tag string
}

// ListServers reads servers with their details ("Querying Details About ECSs"),
// each once, in the cloud's order. Asked for by id, servers that do not exist
// are simply absent from the result.
func (c *Client) ListServers(ctx context.Context, f Filter) ([]Server, error) {
	var (
		found []Server
		err   error
	)
	if f.IDs != nil {
		found, err = c.listByID(ctx, f.IDs)
	} else {
		found, err = c.listAll(ctx, f)
	}
	if err != nil {
		return nil, err
	}
	if f.Tag != "" {
		found = slices.DeleteFunc(found, func(s Server) bool { return !s.hasTag(f.Tag) })
	}
	return found, nil
}

// hasTag compares exactly. The cloud's own filter may match parts of a tag, and
// writes a tag without value as its bare key.
func (s Server) hasTag(tag string) bool {
	want := strings.TrimSuffix(tag, "=")
	return slices.ContainsFunc(s.Tags, func(t string) bool { return strings.TrimSuffix(t, "=") == want })
}

// listAll pages through everything that matches Name and Tag. Page numbers may
// skip or repeat servers while the fleet changes; repetitions are dropped.
func (c *Client) listAll(ctx context.Context, f Filter) ([]Server, error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if f.Name != "" {
		query.Set("name", f.Name)
	}
	if f.Tag != "" {
		query.Set("tags", strings.TrimSuffix(f.Tag, "="))
	}
	var found []Server
	seen := make(map[string]bool)
	for number := 1; number <= maxPages; number++ {
		query.Set("offset", strconv.Itoa(number))
		p, err := c.page(ctx, query)
		if err != nil {
			return nil, err
		}
		before := len(seen)
		for _, s := range p.servers {
			if !seen[s.ID] {
				seen[s.ID] = true
				if s.Status != "" {
					found = append(found, s)
				}
			}
		}
		if len(seen) == before || p.last(len(seen)) {
			return found, nil
		}
	}
	return nil, &Error{Op: opList, Verdict: Refused, Err: fmt.Errorf("more than %d pages of servers", maxPages)}
}

// listByID asks for ids in portions. The documentation says that a server which
// does not exist has an entry all the same, with nothing in it but id and fault.
// So an id without any entry means that the cloud did not understand the filter
// (some clouds have none, and sources differ on how to name several ids); such
// ids are then looked for among all servers.
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
	take := func(servers []Server) {
		for _, s := range servers {
			if missing[s.ID] {
				delete(missing, s.ID)
				if s.Status != "" {
					found = append(found, s)
				}
			}
		}
	}
	for portion := range slices.Chunk(unique, idsAtATime) {
		p, err := c.page(ctx, url.Values{
			"limit":     {strconv.Itoa(idsAtATime)},
			"offset":    {"1"},
			"server_id": portion,
		})
		if err != nil {
			return nil, err
		}
		take(p.servers)
		if slices.ContainsFunc(portion, func(id string) bool { return missing[id] }) {
			break // the other portions would fare no better
		}
	}
	if len(missing) > 0 {
		all, err := c.listAll(ctx, Filter{})
		if err != nil {
			return nil, err
		}
		take(all)
	}
	return found, nil
}

// page is one page of the list. A server that was asked for by id and does not
// exist is in it with no status.
type page struct {
	servers []Server
	limit   int
	count   int // what the cloud says there are; 0 if it does not say
}

// last reports whether no page follows, given how many servers were seen in all.
// The documentation does not say for sure whether count means all servers or
// those of the page, so it is believed only where both readings agree: to stop
// after a full page it must exceed one page.
func (p page) last(seen int) bool {
	if len(p.servers) < p.limit {
		return p.count <= seen
	}
	return p.count > p.limit && p.count <= seen
}

func (c *Client) page(ctx context.Context, query url.Values) (page, error) {
	var p page
	err := c.read(ctx, call{
		op:    opList,
		path:  "/v1/" + c.projectID + "/cloudservers/detail",
		query: query,
		cap:   maxList,
		decode: func(body []byte) (err error) {
			p, err = pageIn(body)
			return err
		},
	})
	p.limit, _ = strconv.Atoi(query.Get("limit"))
	return p, err
}

// pageIn insists on a list of objects with ids: a server dropped for being
// unreadable would pass for one that does not exist.
func pageIn(body []byte) (page, error) {
	var answer struct {
		Count   text         `json:"count"`
		Servers []wireServer `json:"servers"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return page{}, errors.New("the answer is not a readable list of servers")
	}
	if answer.Servers == nil {
		return page{}, errors.New("the answer holds no list of servers")
	}
	var p page
	p.count, _ = strconv.Atoi(string(answer.Count))
	for _, w := range answer.Servers {
		s := w.server()
		if s.ID == "" {
			return page{}, errors.New("the answer holds a server without id")
		}
		p.servers = append(p.servers, s)
	}
	return p, nil
}
