package ecsclient

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateHeader = "X-Sdk-Date"
	dateLayout = "20060102T150405Z"
)

// message is what a signature covers. Header names may be in any case; exactly
// those in the map are signed, with the date added by authorization.
type message struct {
	Method  string
	Path    string // decoded, as url.URL has it
	Query   url.Values
	Headers map[string]string
	Body    []byte
}

// authorization returns the value of the Authorization header for m sent at
// the given time, by Huawei Cloud's "API Signing Guide"
// (devg-apisign). The gateway refuses dates more than 15 minutes off, so every
// try needs a signature of its own.
func authorization(keys Credentials, at time.Time, m message) string {
	headers := map[string]string{strings.ToLower(dateHeader): at.UTC().Format(dateLayout)}
	for name, value := range m.Headers {
		headers[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	names := slices.Sorted(maps.Keys(headers))
	signed := strings.Join(names, ";")

	var lines strings.Builder
	for _, name := range names {
		lines.WriteString(name + ":" + headers[name] + "\n")
	}
	canonical := strings.Join([]string{
		m.Method,
		signedPath(m.Path),
		encodeQuery(m.Query),
		lines.String(),
		signed,
		hexSum(m.Body),
	}, "\n")

	// The secret key signs directly: there are no derived keys and no scope.
	mac := hmac.New(sha256.New, []byte(keys.SecretKey.Reveal()))
	mac.Write([]byte(algorithm + "\n" + at.UTC().Format(dateLayout) + "\n" + hexSum([]byte(canonical))))
	return algorithm + " Access=" + keys.AccessKey +
		", SignedHeaders=" + signed +
		", Signature=" + hex.EncodeToString(mac.Sum(nil))
}

// signedPath encodes each segment and ends in a slash. The slash is part of the
// signature only; the request is sent without it.
func signedPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	return strings.TrimSuffix(strings.Join(segments, "/"), "/") + "/"
}

// encodeQuery writes a query in canonical order and encoding. The same text is
// signed and sent, so that the two cannot differ.
func encodeQuery(query url.Values) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[key])) {
			pairs = append(pairs, escape(key)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// escape percent-encodes all but the unreserved characters of RFC 3986.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
