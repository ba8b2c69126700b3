package ecssim

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Server is a simulated server as seen from outside. For Add only an ID is
// needed; the rest has defaults, above all status ACTIVE.
type Server struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Status       string   `json:"status"` // ACTIVE, SHUTOFF, REBOOT; DELETED in an event
	VMState      string   `json:"vm_state"`
	TaskState    string   `json:"task_state"` // "" when idle, else powering-off, powering-on, rebooting
	Updated      string   `json:"updated"`
	Zone         string   `json:"zone"`
	Flavor       string   `json:"flavor"`
	Address      string   `json:"address"`
	ChargingMode string   `json:"charging_mode"` // "0" pay-per-use, "1" yearly/monthly, "2" spot
	Locked       bool     `json:"locked"`
	Tags         []string `json:"tags"`            // "key=value", or the bare key if there is no value; BareMetalTag is one
	Fails        string   `json:"fails,omitempty"` // the code with which actions on it fail; see FailServer
	// UserDataSize is how many bytes of user_data it carries, at most
	// MaxUserData; by default a short script. Its text begins with UserData.
	UserDataSize int `json:"user_data_size,omitempty"`
}

// MaxUserData is how much user_data a server may be given, before its base64.
const MaxUserData = 32 << 10

// BareMetalTag marks a physical server, as the cloud does. It is listed like any
// other, and power actions on it fail: they are for another API.
const BareMetalTag = "__type_baremetal"

func (s *server) bareMetal() bool {
	return slices.ContainsFunc(s.Tags, func(tag string) bool {
		key, _, _ := strings.Cut(tag, "=")
		return key == BareMetalTag
	})
}

// ErrNoServer: there is no server of that id.
var ErrNoServer = errors.New("ecssim: no such server")

const (
	active  = "ACTIVE"
	shutoff = "SHUTOFF"
)

type server struct {
	Server
	updated time.Time
	touched int      // counts changes by hand, so that a running action notices
	stuck   bool     // actions begin and never end
	fail    *failure // actions end with it
}

// failure is how a job or a part of it fails.
type failure struct{ code, reason string }

// touch moves `updated`. The stamp has whole seconds only, but must differ
// after every change. c.mu is held.
func (c *Cloud) touch(s *server) {
	now := time.Now().UTC().Truncate(time.Second)
	if !now.After(s.updated) {
		now = s.updated.Add(time.Second)
	}
	s.updated = now
	s.Updated = now.Format("2006-01-02T15:04:05Z")
	c.note(Event{Server: s.snapshot()})
}

func (s *server) snapshot() *Server {
	out := s.Server
	out.Tags = slices.Clone(s.Tags)
	return &out
}

func (s *server) set(status string) {
	s.Status, s.TaskState = status, ""
	switch status {
	case active:
		s.VMState = "active"
	case shutoff:
		s.VMState = "stopped"
	}
}

// Add puts servers into the cloud, or replaces those of the same id.
func (c *Cloud) Add(servers ...Server) {
	c.do(func() {
		for _, given := range servers {
			s, ok := c.servers[given.ID]
			if !ok {
				s = &server{}
				c.servers[given.ID] = s
				c.order = append(c.order, given.ID)
			}
			given.Tags = slices.Clone(given.Tags)
			given.TaskState, given.Fails = "", s.Fails
			s.Server = given
			s.touched++
			if s.Status == "" {
				s.Status = active
			}
			s.set(s.Status)
			for _, d := range []struct {
				field *string
				value string
			}{
				{&s.Name, given.ID},
				{&s.Zone, "ap-southeast-1a"},
				{&s.Flavor, "s6.large.2"},
				{&s.Address, "192.168.0.10"},
				{&s.ChargingMode, "0"},
			} {
				if *d.field == "" {
					*d.field = d.value
				}
			}
			c.touch(s)
		}
	})
}

// Servers returns all servers as they are now, in the order they were added.
func (c *Cloud) Servers() []Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Server, 0, len(c.order))
	for _, id := range c.order {
		out = append(out, *c.servers[id].snapshot())
	}
	return out
}

// Server returns one server as it is now.
func (c *Cloud) Server(id string) (Server, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.servers[id]
	if !ok {
		return Server{}, false
	}
	return *s.snapshot(), true
}

// StopCount is how many accepted stops named the server, with any result.
func (c *Cloud) StopCount(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stops[id]
}

// change applies f to a server and moves its `updated`.
func (c *Cloud) change(id string, f func(*server)) (err error) {
	c.do(func() {
		s, ok := c.servers[id]
		if !ok {
			err = ErrNoServer
			return
		}
		f(s)
		c.touch(s)
	})
	return err
}

// StartByHand makes the server run at once, as if a person had started it in the
// console.
func (c *Cloud) StartByHand(id string) error {
	return c.change(id, func(s *server) { s.touched++; s.set(active) })
}

// StopByHand shuts the server down at once.
func (c *Cloud) StopByHand(id string) error {
	return c.change(id, func(s *server) { s.touched++; s.set(shutoff) })
}

// Lock locks or unlocks the server against all actions.
func (c *Cloud) Lock(id string, locked bool) error {
	return c.change(id, func(s *server) { s.Locked = locked })
}

// Rename gives the server another name.
func (c *Cloud) Rename(id, name string) error {
	return c.change(id, func(s *server) { s.Name = name })
}

// SetTags replaces the server's tags.
func (c *Cloud) SetTags(id string, tags ...string) error {
	return c.change(id, func(s *server) { s.Tags = slices.Clone(tags) })
}

// Delete removes the server. An action that runs on it fails.
func (c *Cloud) Delete(id string) error {
	var err error
	c.do(func() {
		s, ok := c.servers[id]
		if !ok {
			err = ErrNoServer
			return
		}
		delete(c.servers, id)
		c.order = slices.DeleteFunc(c.order, func(other string) bool { return other == id })
		gone := s.snapshot()
		gone.Status = "DELETED"
		c.note(Event{Server: gone})
	})
	return err
}

// FailServer makes actions on the server fail when they would have ended, until
// it is called with an empty code.
func (c *Cloud) FailServer(id, code, reason string) error {
	return c.setup(id, func(s *server) {
		s.Fails, s.fail = code, &failure{code, reason}
		if code == "" {
			s.fail = nil
		}
		c.note(Event{Server: s.snapshot()})
	})
}

// StickServer makes actions on the server begin and never end.
func (c *Cloud) StickServer(id string) error {
	return c.setup(id, func(s *server) { s.stuck = true })
}

// setup prepares a server without any change that the API shows.
func (c *Cloud) setup(id string, f func(*server)) (err error) {
	c.do(func() {
		if s, ok := c.servers[id]; ok {
			f(s)
		} else {
			err = ErrNoServer
		}
	})
	return err
}
