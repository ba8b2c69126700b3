package ecssim

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"
)

// Sign signs a request as a client with these options would, so that tests can
// send what a well-behaved client does not. That the rule itself is right is
// shown by another implementation of it, which the other tests use.
func Sign(r *http.Request, o Options, body []byte) {
	date := time.Now().UTC().Format("20060102T150405Z")
	r.Header.Set("X-Sdk-Date", date)
	if o.SecurityToken != "" {
		r.Header.Set("X-Security-Token", o.SecurityToken)
	}
	request := fmt.Sprintf("%s\n%s\n%s\nx-sdk-date:%s\n\nx-sdk-date\n%x", r.Method, pathOf(r.URL.Path), queryOf(r.URL.Query()), date, sha256.Sum256(body))
	mac := hmac.New(sha256.New, []byte(o.SecretKey))
	_, _ = fmt.Fprintf(mac, "SDK-HMAC-SHA256\n%s\n%x", date, sha256.Sum256([]byte(request)))
	r.Header.Set("Authorization", fmt.Sprintf("SDK-HMAC-SHA256 Access=%s, SignedHeaders=x-sdk-date, Signature=%x", o.AccessKey, mac.Sum(nil)))
}
