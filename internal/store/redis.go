package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis is a connection to a Redis, for one project.
type Redis struct {
	client   redis.UniversalClient
	key      string                 // a key of the project, which selects the node in a cluster; set by [New]
	run      atomic.Pointer[string] // run id of the process that the newest connection speaks to
	replicas atomic.Int32           // connected when [Redis.Check] asked last
	memory   atomic.Uint64          // bits of a float64: the share of maxmemory in use
}

// TLS names PEM files for a rediss:// address; each may be empty.
type TLS struct {
	CA   string // certificates to trust instead of the system's
	Cert string // shown to a server that wants a client certificate
	Key  string // of Cert
}

// Open prepares a connection. It does not connect yet.
//
// address is redis://, rediss:// or unix://; with the parameter master_name it
// names Sentinels, with addr= parameters nodes of a cluster (the forms of
// go-redis).
func Open(address string, files TLS) (*Redis, error) {
	redis.SetLogger(silentLogger{}) // what it would print is also returned as an error
	s := &Redis{}
	s.run.Store(new(string))
	if unencoded(address) {
		return nil, BadAddress("write /, ?, # and @ in a password as %2F, %3F, %23 and %40")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not a URL") // the parser's error would contain the password
	}
	switch {
	case u.Query().Has("master_name"):
		o, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, err
		}
		if err := files.apply(o.TLSConfig); err != nil {
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
		if err := files.apply(o.TLSConfig); err != nil {
			return nil, err
		}
		// A new connection may lead to any node of a cluster, so its run id says
		// nothing: see [Redis.refresh].
		o.MaxRetries, o.ContextTimeoutEnabled = -1, true
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		s.client = redis.NewClusterClient(o)
	default:
		o, err := redis.ParseURL(address)
		if err != nil {
			return nil, err
		}
		if err := files.apply(o.TLSConfig); err != nil {
			return nil, err
		}
		// By itself go-redis silently repeats a script whose answer was lost (200
		// calls ran 400 times). [Store.Commit] repeats safely, by operation id.
		o.OnConnect, o.MaxRetries, o.ContextTimeoutEnabled = s.connected, -1, true
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		o.DialerRetries = 1
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		s.client = redis.NewClient(o)
	}
	return s, nil
}

// apply puts the certificates into c, which is nil for an address without TLS.
func (f TLS) apply(c *tls.Config) error {
	if f == (TLS{}) {
		return nil
	}
	if c == nil {
		return Fault{What: "certificates for Redis are set, but its address has no TLS", Fix: "write rediss:// in REDIS_URL, or leave REDIS_TLS_… out"}
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return Fault{What: "the CA of Redis cannot be read (" + err.Error() + ")", Fix: "correct REDIS_TLS_CA_FILE or the rights of the file"}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return Fault{What: f.CA + " holds no certificate in PEM form", Fix: "correct REDIS_TLS_CA_FILE"}
		}
	}
	if f.Cert == "" && f.Key == "" {
		return nil
	}
	if f.Cert == "" || f.Key == "" {
		return Fault{What: "a client certificate is of no use without its key", Fix: "set both REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE, or none"}
	}
	pair := func() (*tls.Certificate, error) {
		p, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, Fault{What: "the client certificate for Redis cannot be used (" + err.Error() + ")", Fix: "correct REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE"}
		}
		return &p, nil
	}
	// Read at each connection: certificates are renewed while the bot runs.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair() }
	_, err := pair()
	return err
}

const (
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second
)

// silentLogger is a logger for go-redis that prints nothing.
type silentLogger struct{}

func (silentLogger) Printf(context.Context, string, ...any) {}

// Close closes all connections.
func (s *Redis) Close() error { return s.client.Close() }

// connected reads the run id of the process at the other end of a new connection.
func (s *Redis) connected(ctx context.Context, cn *redis.Conn) error {
	raw, err := cn.Info(ctx, "server").Result()
	var answered redis.Error
	if errors.As(err, &answered) {
		return nil // [Redis.Check] reports that INFO is refused
	}
	if err != nil {
		return err
	}
	info := parseInfo(raw)
	if id := info["run_id"]; id != "" && mode(info) != "sentinel" {
		s.run.Store(&id)
	}
	return nil
}

// mode is standalone, cluster or sentinel. Valkey has another field for it.
func mode(info map[string]string) string { return cmp.Or(info["redis_mode"], info["server_mode"]) }

// node is the client of the Redis process that holds the project's keys.
func (s *Redis) node(ctx context.Context) (*redis.Client, error) {
	switch c := s.client.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, s.key)
	}
	return nil, fmt.Errorf("no node of a %T is known", s.client)
}

// pinned is a single connection, and so a single Redis process: everything read and
// written on it belongs to that run id. The caller closes it.
type pinned struct {
	*redis.Conn
	run string
}

// pin opens a connection to the process that holds the project's keys, and asks it
// for its run id.
func (s *Redis) pin(ctx context.Context) (*pinned, error) {
	node, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	p := &pinned{Conn: node.Conn()}
	raw, err := p.Info(ctx, "server").Result()
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("ask Redis which process it is: %w", err)
	}
	if p.run = parseInfo(raw)["run_id"]; p.run == "" {
		p.Close()
		return nil, noRunID
	}
	if node != s.client { // in a cluster new connections do not read it
		s.run.Store(&p.run)
	}
	return p, nil
}

// refresh reads, in a cluster, the run id of the project's node. Elsewhere each new
// connection reads it.
func (s *Redis) refresh(ctx context.Context) error {
	if _, ok := s.client.(*redis.ClusterClient); !ok {
		return nil
	}
	p, err := s.pin(ctx)
	if err != nil {
		return err
	}
	return p.Close()
}

// RunID names the Redis process that the newest connection speaks to.
func (s *Redis) RunID() string { return *s.run.Load() }

// confirmed waits until n replicas have everything that was written on p.
func (p *pinned) confirmed(ctx context.Context, n int) bool {
	got, err := p.Wait(ctx, n, time.Second).Result()
	return err == nil && got >= int64(n)
}
