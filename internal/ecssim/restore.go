package ecssim

import (
	"slices"
	"time"
)

// Past is a job of an earlier cloud that had not ended: it stops the servers.
type Past struct {
	ID      string   `json:"id"`
	Servers []string `json:"servers"`
}

// Restore puts servers of an earlier cloud into this one as they were, with their
// stamps, the counts of stops that named them, and jobs that are under way. Each
// job ends after the time that jobs of this cloud take.
func (c *Cloud) Restore(servers []Server, stops map[string]int, jobs []Past) {
	c.do(func() {
		for _, given := range servers {
			given.Tags = slices.Clone(given.Tags)
			s := &server{Server: given}
			s.updated, _ = time.Parse(time.RFC3339, given.Updated)
			if given.Fails != "" {
				s.fail = &failure{given.Fails, "It fails as it did before."}
			}
			c.servers[given.ID] = s
			c.order = append(c.order, given.ID)
		}
		for id, n := range stops {
			c.stops[id] += n
		}
		for _, past := range jobs {
			c.resume(past)
		}
	})
}

// resume goes on with a job. c.mu is held.
func (c *Cloud) resume(past Past) {
	now := time.Now()
	j := &job{id: past.ID, status: running, begin: now}
	c.jobs[j.id] = j
	for _, id := range past.Servers {
		p := &part{id: newID(), server: id, status: running, begin: now}
		j.parts = append(j.parts, p)
		j.open++
		takes := c.jobTime(id)
		j.lag = max(j.lag, takes/4)
		c.working(takes, func() {
			s, ok := c.servers[id]
			if !ok {
				c.endPart(j, p, &failure{"Ecs.0114", "The ECS does not exist."})
				return
			}
			if s.TaskState != "" {
				s.set(shutoff)
				c.touch(s)
			}
			c.endPart(j, p, nil)
		})
	}
}
