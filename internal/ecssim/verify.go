package ecssim

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// Key is a key pair that the cloud accepts.
type Key struct {
	AccessKey, SecretKey string
	SecurityToken        string    // set for a temporary key, which is refused without it
	Ends                 time.Time // zero means never
}

// AddKey makes the cloud accept another key pair. One with the same access key is
// replaced.
func (c *Cloud) AddKey(k Key) { c.do(func() { c.pairs[k.AccessKey] = k }) }

// RevokeKey makes the cloud refuse a key from now on.
func (c *Cloud) RevokeKey(accessKey string) { c.do(func() { delete(c.pairs, accessKey) }) }

// keyGuard counts how often a key failed.
type keyGuard struct {
	failures int // in a row
	locked   time.Time
}

const (
	maxFailures = 5 // more than these in a row lock the key
	lockTime    = 5 * time.Minute
	maxSkew     = 15 * time.Minute
)

// authenticate checks a request as the gateway does, and gives its refusal or
// nil. c.mu is held.
func (c *Cloud) authenticate(r *http.Request, body []byte, now time.Time) *answer {
	scheme, fields := authorizationOf(r.Header.Get("Authorization"))
	key := fields["Access"]
	guard := c.keys[key]
	if guard == nil {
		guard = &keyGuard{}
		c.keys[key] = guard
	}
	if now.Before(guard.locked) {
		return unauthorized("the number of failed authentications exceeds the access limit, try again later")
	}
	fault := ""
	pair, known := c.pairs[key]
	switch {
	case scheme != "SDK-HMAC-SHA256":
		fault = "Authorization header is missing or its algorithm is unknown"
	case !known || !pair.Ends.IsZero() && !now.Before(pair.Ends):
		fault = "get secretKey failed, ak is invalid"
	default:
		fault = checkSignature(r, body, now, fields, pair)
	}
	if fault == "" {
		guard.failures = 0
		return nil
	}
	guard.failures++
	if guard.failures > maxFailures {
		guard.failures, guard.locked = 0, now.Add(lockTime)
	}
	return unauthorized(fault)
}

func unauthorized(fault string) *answer {
	return new(gatewayError(http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: "+fault))
}

// authorizationOf takes "ALGORITHM Access=…, SignedHeaders=…, Signature=…" apart.
func authorizationOf(header string) (scheme string, fields map[string]string) {
	scheme, rest, _ := strings.Cut(header, " ")
	fields = make(map[string]string)
	for pair := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		fields[name] = value
	}
	return scheme, fields
}

// checkSignature computes the signature from the request as it arrived, by the "API
// Signing Guide", and returns what is wrong; "" if nothing.
func checkSignature(r *http.Request, body []byte, now time.Time, fields map[string]string, pair Key) string {
	date := r.Header.Get("X-Sdk-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return "X-Sdk-Date is missing or malformed"
	}
	if skew := now.Sub(at); skew > maxSkew || skew < -maxSkew {
		return "the request is expired, check the clock"
	}
	if r.Header.Get("X-Security-Token") != pair.SecurityToken {
		return "the security token does not belong to the ak"
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	dated := false
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
		dated = dated || name == "x-sdk-date"
	}
	if !dated {
		return "x-sdk-date is not signed"
	}
	bodySum := r.Header.Get("X-Sdk-Content-Sha256")
	if bodySum == "" {
		bodySum = fmt.Sprintf("%x", sha256.Sum256(body))
	}
	request := fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n%s", r.Method, pathOf(r.URL.Path), queryOf(r.URL.Query()),
		headers.String(), fields["SignedHeaders"], bodySum)
	text := fmt.Sprintf("SDK-HMAC-SHA256\n%s\n%x", date, sha256.Sum256([]byte(request)))
	mac := hmac.New(sha256.New, []byte(pair.SecretKey))
	mac.Write([]byte(text))
	if !hmac.Equal(fmt.Appendf(nil, "%x", mac.Sum(nil)), []byte(fields["Signature"])) {
		return "verify aksk signature fail"
	}
	return ""
}

func pathOf(path string) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		b.WriteString("/" + percent(segment))
	}
	return b.String() + "/"
}

func queryOf(query url.Values) string {
	var keys []string
	for key := range query {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, key := range keys {
		values := append([]string(nil), query[key]...)
		sort.Strings(values)
		for _, value := range values {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(percent(key) + "=" + percent(value))
		}
	}
	return b.String()
}

// percent encodes every byte but the unreserved ones of RFC 3986.
func percent(s string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(unreserved, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}
