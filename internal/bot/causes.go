package bot

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// trouble is why Redis is not usable, in a sentence that may be shown to everybody: it
// contains no address and nothing of Redis's answer.
type trouble struct {
	cause   string
	refused bool // Redis refuses the bot: a person has to act
}

var away = trouble{cause: "Redis does not answer"}

// answers maps the error codes of Redis to what they mean.
var answers = map[string]trouble{
	"WRONGPASS":   {"Redis refuses the user name or the password in REDIS_URL", true},
	"NOAUTH":      {"Redis wants a password, and REDIS_URL holds none", true},
	"NOPERM":      {"Redis does not permit what the bot has to do; docs/redis.md has the access rules (ACL) that are needed", true},
	"DENIED":      {"Redis runs in protected mode and refuses other machines", true},
	"LOADING":     {"Redis is still loading its data", false},
	"BUSY":        {"Redis is busy with a script", false},
	"MASTERDOWN":  {"Redis has lost its primary", false},
	"READONLY":    {"this Redis is a replica and takes no writes", false},
	"MISCONF":     {"Redis cannot save its data and takes no writes", false},
	"OOM":         {"Redis has reached its maxmemory and takes no writes", false},
	"NOREPLICAS":  {"Redis has too few replicas and takes no writes", false},
	"CLUSTERDOWN": {"the Redis cluster is down", false},
}

// troubleOf finds out what an error means. known is false for an error that comes
// neither from Redis nor from the connection to it.
func troubleOf(err error, sentinels bool) (t trouble, known bool) {
	if sentinels && strings.Contains(err.Error(), "all sentinels") {
		return sentinelTrouble(err), true
	}
	if answer, ok := redisAnswer(err); ok {
		word, _, _ := strings.Cut(strings.TrimPrefix(answer, "-"), " ")
		t, known := answers[word]
		switch {
		case !known:
			t = trouble{"Redis answers with an error; the bot's log has it", true}
		case word == "NOAUTH" && sentinels:
			t.cause = "Redis wants a password; behind Sentinels it belongs into &password=… of REDIS_URL"
		}
		return t, true
	}
	if t, ok := tlsTrouble(err); ok {
		return t, true
	}
	var fault interface { // a fault that the store found; its text may contain an address
		error
		fmt.Stringer
	}
	if errors.As(err, &fault) {
		return trouble{"Redis refuses the bot, or is not fit for it; the bot's log says why", true}, true
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "redis: ") {
		return away, true
	}
	return away, false
}

// redisAnswer returns the error that Redis itself answered, if it did.
func redisAnswer(err error) (string, bool) {
	var answered interface {
		error
		RedisError()
	}
	if !errors.As(err, &answered) {
		return "", false
	}
	return answered.Error(), true
}

func sentinelTrouble(err error) trouble {
	answer, answered := redisAnswer(err)
	switch {
	case answer == "redis: nil":
		return trouble{"no Sentinel knows a primary by the master_name in REDIS_URL", true}
	case strings.HasPrefix(answer, "NOAUTH"), strings.HasPrefix(answer, "WRONGPASS"):
		return trouble{"the Sentinels refuse the password before the @ in REDIS_URL, or want one there", true}
	case strings.HasPrefix(answer, "NOPERM"):
		return trouble{"the Sentinels do not permit what the bot has to ask", true}
	case strings.HasPrefix(answer, "ERR unknown command"):
		return trouble{"REDIS_URL names a Redis where a Sentinel should be (port 26379?)", true}
	case answered:
		return trouble{"the Sentinels answer with an error; the bot's log has it", true}
	}
	if t, ok := tlsTrouble(err); ok {
		return t
	}
	return trouble{cause: "no Sentinel answers"}
}

func tlsTrouble(err error) (trouble, bool) {
	var verify *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return trouble{"the certificate of Redis is not for the host in REDIS_URL", true}, true
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &invalid):
		return trouble{"the certificate of Redis is not trusted; docs/redis.md says how to name its authority", true}, true
	case errors.As(err, &header):
		return trouble{"what answers at REDIS_URL does not speak TLS; write redis:// or another port", true}, true
	case strings.Contains(err.Error(), "remote error: tls:"):
		return trouble{"Redis refuses the TLS connection; it may want a client certificate (docs/redis.md)", true}, true
	}
	return trouble{}, false
}

// reminder decides when a lasting trouble is logged: at once, when its cause changes,
// and once a minute.
type reminder struct {
	cause string
	at    time.Time
}

func (r *reminder) due(cause string, now time.Time) bool {
	if cause == r.cause && now.Sub(r.at) < time.Minute {
		return false
	}
	r.cause, r.at = cause, now
	return true
}
