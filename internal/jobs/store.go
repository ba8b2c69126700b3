package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Store is a connection to Redis as the engine needs it.
type Store struct {
	client   redis.UniversalClient
	run      atomic.Pointer[string] // run id of the process that the newest connection speaks to
	replicas atomic.Int32
}

// OpenStore prepares a connection. It does not connect yet.
//
// address is redis://, rediss:// or unix://; with the parameter master_name it
// names Sentinels, with addr= parameters nodes of a cluster (the forms of
// go-redis).
func OpenStore(address string) (*Store, error) {
	redis.SetLogger(unheard{}) // what it would print comes back as errors, too
	s := &Store{}
	s.run.Store(new(string))
	if unencoded(address) {
		return nil, BadAddress("write /, ?, # and @ in a password as %2F, %3F, %23 and %40")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not a URL") // the parser's words would repeat the password
	}
	switch {
	case u.Query().Has("master_name"):
		o, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, err
		}
		o.OnConnect, o.MaxRetries, o.ContextTimeoutEnabled = s.connected, -1, true
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		s.client = redis.NewFailoverClient(o)
	case u.Query().Has("addr"):
		o, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, err
		}
		o.OnConnect, o.MaxRetries, o.ContextTimeoutEnabled = s.connected, -1, true
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		s.client = redis.NewClusterClient(o)
	default:
		o, err := redis.ParseURL(address)
		if err != nil {
			return nil, err
		}
		// go-redis repeats a script whose answer was lost, unseen (200 calls ran
		// 400 times). We repeat ourselves, by operation id: see Engine.commit.
		o.OnConnect, o.MaxRetries, o.ContextTimeoutEnabled = s.connected, -1, true
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		o.DialerRetries = 1
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		s.client = redis.NewClient(o)
	}
	return s, nil
}

const (
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second
)

// unheard is a logger of go-redis that says nothing.
type unheard struct{}

func (unheard) Printf(context.Context, string, ...any) {}

// Close closes all connections.
func (s *Store) Close() error { return s.client.Close() }

// connected reads, on each new connection, which process it speaks to.
func (s *Store) connected(ctx context.Context, cn *redis.Conn) error {
	info, err := cn.Info(ctx, "server").Result()
	var answered redis.Error
	if errors.As(err, &answered) {
		return nil // a store without INFO server: it has no run id to watch
	}
	if err != nil {
		return err
	}
	// Of a Sentinel, or of whatever node of a cluster, the id says nothing.
	fields := parseInfo(info)
	if id := fields["run_id"]; id != "" && fields["redis_mode"] == "standalone" {
		s.run.Store(&id)
	}
	return nil
}

// refresh reads, in a cluster, the run id of the node that holds the key.
// Elsewhere each new connection tells it.
func (s *Store) refresh(ctx context.Context, key string) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return
	}
	node, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return // the beat that asked will fail, too
	}
	if info, err := node.Info(ctx, "server").Result(); err == nil {
		if id := parseInfo(info)["run_id"]; id != "" {
			s.run.Store(&id)
		}
	}
}

// RunID names the Redis process that the newest connection speaks to.
func (s *Store) RunID() string { return *s.run.Load() }

// Fault is something about Redis that must be mended.
type Fault struct {
	What string
	Mend string
	// Loss: it lets data be lost; ALLOW_VOLATILE_REDIS accepts that.
	Loss bool
	// Passing: it goes away by itself.
	Passing bool
}

func (f Fault) String() string { return f.What + ": " + f.Mend }

// Check asks Redis whether it keeps what is written to it. An error means that
// it could not be asked.
func (s *Store) Check(ctx context.Context) ([]Fault, error) {
	raw, err := s.client.Info(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis: %w", err)
	}
	info := parseInfo(raw)
	if n := info["connected_slaves"]; n != "" {
		var count int32
		fmt.Sscan(n, &count)
		s.replicas.Store(count)
	}
	return faults(info), nil
}

// faults judges the answer of INFO. What a store does not tell is taken for
// absent, except what only a real Redis tells.
func faults(info map[string]string) []Fault {
	var all []Fault
	if v := info["redis_version"]; v != "" && olderThan(v, 6, 2) {
		all = append(all, Fault{What: "Redis " + v + " is too old", Mend: "use 6.2 or newer"})
	}
	if role := info["role"]; role != "" && role != "master" {
		all = append(all, Fault{What: "this Redis is a replica", Mend: "point REDIS_URL at the primary, or name the Sentinels"})
	}
	if info["loading"] == "1" {
		all = append(all, Fault{What: "Redis is still loading its data", Mend: "wait until it is done", Passing: true})
	}
	if info["aof_enabled"] != "1" {
		all = append(all, Fault{What: "Redis would lose everything in a restart (no append-only file)", Mend: "set `appendonly yes` and `appendfsync everysec` in redis.conf, or ALLOW_VOLATILE_REDIS=true for a trial", Loss: true})
	}
	if st := info["aof_last_write_status"]; st != "" && st != "ok" {
		all = append(all, Fault{What: "Redis cannot write its append-only file", Mend: "look at its log and its disk", Loss: true})
	}
	if p := info["maxmemory_policy"]; p != "" && p != "noeviction" && info["maxmemory"] != "0" {
		all = append(all, Fault{What: "Redis throws data away when memory is short (" + p + ")", Mend: "set `maxmemory-policy noeviction` in redis.conf", Loss: true})
	}
	return all
}

func parseInfo(raw string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(raw) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[key] = value
		}
	}
	return info
}

func olderThan(version string, major, minor int) bool {
	var a, b int
	fmt.Sscanf(version, "%d.%d", &a, &b)
	return a < major || a == major && b < minor
}

// pinned returns a connection of its own, on which [Store.confirmed] can be
// asked what was written through it. It is nil where that cannot be had (a
// cluster) or is not needed (no replica).
func (s *Store) pinned() *redis.Conn {
	c, ok := s.client.(*redis.Client)
	if !ok || s.replicas.Load() == 0 {
		return nil
	}
	return c.Conn()
}

// confirmed waits until a replica has everything that was written through via.
func (s *Store) confirmed(ctx context.Context, via *redis.Conn) bool {
	n, err := via.Wait(ctx, 1, time.Second).Result()
	return err == nil && n >= 1
}
