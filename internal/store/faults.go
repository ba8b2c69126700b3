package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Fault is a problem of the Redis server or its settings, and how to fix it. It is
// an error where it prevents something.
type Fault struct {
	What string
	Fix  string
	// Loss: data may be lost; ALLOW_VOLATILE_REDIS accepts that.
	Loss bool
	// Passing: it goes away by itself.
	Passing bool
	// Warning: it is worth a line in the log, and no more.
	Warning bool
	// Foreign: another bot works with this store.
	Foreign bool
}

func (f Fault) String() string { return f.What + ": " + f.Fix }

func (f Fault) Error() string { return f.String() }

// noRunID is the fault of a Redis that could be restarted or replaced unnoticed;
// its log might then lack the newest permits.
var noRunID = Fault{
	What: "this Redis does not say which process it is (INFO has no run_id), so a restart could not be noticed",
	Fix:  "use Redis 6.2 or newer, or Valkey",
}

// Check asks Redis whether it keeps what is written to it, and how much memory it
// has left. What only a person can change, such as a wrong password or a refused
// INFO, is a fault; an error means that Redis could not be asked now.
func (s *Redis) Check(ctx context.Context) ([]Fault, error) {
	info, err := s.info(ctx)
	if err != nil {
		if f, ok := faultOf(err); ok {
			return []Fault{f}, nil
		}
		return nil, fmt.Errorf("ask Redis: %w", err)
	}
	if n, err := strconv.ParseInt(info["connected_slaves"], 10, 32); err == nil {
		s.replicas.Store(int32(n))
	}
	s.memory.Store(math.Float64bits(memoryUsed(info)))
	return faults(info), nil
}

func (s *Redis) info(ctx context.Context) (map[string]string, error) {
	node, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := node.Info(ctx).Result()
	if err != nil {
		return nil, err
	}
	return parseInfo(raw), nil
}

// Memory is the share of its maxmemory that Redis used at the last [Redis.Check]; 0
// if it has no maxmemory.
func (s *Redis) Memory() float64 { return math.Float64frombits(s.memory.Load()) }

func memoryUsed(info map[string]string) float64 {
	most, _ := strconv.ParseFloat(info["maxmemory"], 64)
	used, _ := strconv.ParseFloat(info["used_memory"], 64)
	if most <= 0 {
		return 0
	}
	return used / most
}

// nearlyFull is the share of maxmemory from which a warning is logged.
const nearlyFull = 0.8

// faults finds what is wrong by the answer of INFO. A field that only a real Redis
// has is not expected; every other missing field counts as off.
func faults(info map[string]string) []Fault {
	if mode(info) == "sentinel" {
		return []Fault{{What: "this is a Sentinel and not a Redis", Fix: "add ?master_name= with the name of the primary to REDIS_URL"}}
	}
	var all []Fault
	if info["run_id"] == "" {
		all = append(all, noRunID)
	}
	if v := info["redis_version"]; v != "" && olderThan(v, 6, 2) {
		all = append(all, Fault{What: "Redis " + v + " is too old", Fix: "use 6.2 or newer"})
	}
	if role := info["role"]; role != "" && role != "master" {
		all = append(all, Fault{What: "this Redis is a replica", Fix: "point REDIS_URL at the primary, or name the Sentinels"})
	}
	if info["loading"] == "1" {
		all = append(all, Fault{What: "Redis is still loading its data", Fix: "wait until it is done", Passing: true})
	}
	if info["aof_enabled"] != "1" {
		all = append(all, Fault{What: "Redis would lose everything in a restart (no append-only file)", Fix: "set `appendonly yes` and `appendfsync everysec` in redis.conf, or ALLOW_VOLATILE_REDIS=true for a trial", Loss: true})
	}
	if st := info["aof_last_write_status"]; st != "" && st != "ok" {
		all = append(all, Fault{What: "Redis cannot write its append-only file", Fix: "look at its log and its disk", Loss: true})
	}
	if p := info["maxmemory_policy"]; p != "" && p != "noeviction" && info["maxmemory"] != "0" {
		all = append(all, Fault{What: "Redis throws data away when memory is short (" + p + ")", Fix: "set `maxmemory-policy noeviction` in redis.conf", Loss: true})
	}
	if used := memoryUsed(info); used >= nearlyFull {
		all = append(all, Fault{What: fmt.Sprintf("Redis uses %.0f %% of its maxmemory", 100*used), Fix: "raise `maxmemory`: a full Redis takes no new requests", Warning: true})
	}
	// INFO has the number of good replicas only where it is asked for.
	if n := info["connected_slaves"]; n != "" && n != "0" && info["min_slaves_good_slaves"] == "" {
		all = append(all, Fault{What: "Redis has replicas but does not ask for them (min-replicas-to-write is 0), so a primary that is cut off goes on taking clicks that the next one will not know", Fix: "set `min-replicas-to-write 1` in redis.conf", Warning: true})
	}
	return all
}

// faultOf returns the fault that an error means, if a person has to change something
// so that Redis accepts the bot.
func faultOf(err error) (Fault, bool) {
	var (
		f      Fault
		badTLS *tls.CertificateVerificationError
		alert  tls.AlertError
		answer redis.Error
	)
	says := func(code string) bool { return errors.As(err, &answer) && strings.Contains(err.Error(), code) }
	switch {
	case errors.As(err, &f):
		return f, true
	case says("NOPERM") && says("'info'"):
		return Fault{What: "Redis refuses INFO to this user, so a restart could not be noticed", Fix: "allow it: ACL SETUSER name +info"}, true
	case says("NOPERM"), says("ACL failure in script"), says("user executing the script can't"):
		return Fault{What: "Redis refuses this user a command or a key (" + reason(answer) + ")", Fix: "give the user the rights that the README lists; ACL LOG on the server names what was missing"}, true
	case says("WRONGPASS"), says("ERR invalid password"), says("AUTH called without"), says("AUTH <password> called"):
		return Fault{What: "Redis refuses the user name or the password", Fix: "correct them in REDIS_URL; for a Redis behind Sentinels they are &username= and &password=, and what is before the @ is for the Sentinels"}, true
	case says("NOAUTH"):
		return Fault{What: "Redis wants a password", Fix: "put it into REDIS_URL, as redis://:password@host; for a Redis behind Sentinels as &password="}, true
	case errors.As(err, &badTLS):
		return Fault{What: "the certificate of Redis is not trusted (" + badTLS.Err.Error() + ")", Fix: "name its CA in REDIS_TLS_CA_FILE, and the host as the certificate has it in REDIS_URL"}, true
	case errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, new(x509.HostnameError)), errors.As(err, new(x509.CertificateInvalidError)):
		return Fault{What: "the certificate of Redis is not trusted", Fix: "name its CA in REDIS_TLS_CA_FILE, and the host as the certificate has it in REDIS_URL"}, true
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls:"):
		return Fault{What: "Redis refuses the TLS connection (" + err.Error() + ")", Fix: "if it asks for a client certificate, name it in REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE"}, true
	case errors.Is(err, redis.Nil):
		return Fault{What: "the Sentinels do not know a primary of this name", Fix: "correct master_name= in REDIS_URL"}, true
	}
	return Fault{}, false
}

// reason is the answer of Redis on one line.
func reason(answer redis.Error) string { return strings.TrimSpace(answer.Error()) }

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
