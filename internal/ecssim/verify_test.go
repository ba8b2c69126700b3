package ecssim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

func TestSignaturesAreCheckedAndKeysLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		defer cloud.Close()
		o := cloud.Options()
		try := func(change func(*http.Request, *ecssim.Options)) int {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://h/v1/"+o.ProjectID+"/cloudservers/detail?name=a%20b&limit=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			opts := o
			change(req, &opts)
			if opts.AccessKey != "" {
				ecssim.Sign(req, opts, nil)
			}
			if opts.Seed == 1 {
				req.URL.RawQuery = "limit=2" // tampered with on the way
			}
			resp, err := cloud.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
			return resp.StatusCode
		}
		good := func(*http.Request, *ecssim.Options) {}
		for name, bad := range map[string]func(*http.Request, *ecssim.Options){
			"no signature":  func(_ *http.Request, o *ecssim.Options) { o.AccessKey = "" },
			"wrong key":     func(_ *http.Request, o *ecssim.Options) { o.AccessKey = "AK2" },
			"wrong secret":  func(_ *http.Request, o *ecssim.Options) { o.SecretKey = "x" },
			"changed query": func(_ *http.Request, o *ecssim.Options) { o.Seed = 1 },
			"odd token":     func(_ *http.Request, o *ecssim.Options) { o.SecurityToken = "tok" },
		} {
			if got := try(bad); got != 401 {
				t.Errorf("%s: HTTP %d", name, got)
			}
			if got := try(good); got != 200 {
				t.Errorf("then good: HTTP %d", got)
			}
		}
		wrong := func(_ *http.Request, o *ecssim.Options) { o.SecretKey = "x" }
		for range 5 {
			try(wrong)
		}
		if got := try(good); got != 200 {
			t.Errorf("five failures: HTTP %d", got)
		}
		for range 6 {
			try(wrong)
		}
		if got := try(good); got != 401 {
			t.Errorf("six failures: HTTP %d", got)
		}
		time.Sleep(5 * time.Minute)
		if got := try(good); got != 200 {
			t.Errorf("five minutes later: HTTP %d", got)
		}
	})
}

func TestOurClientDoesNotLockItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		defer cloud.Close()
		client := clientFor(t, cloud, "http://h", func(c *ecsclient.Config) {
			c.Transport = cloud.Transport()
			c.Credentials = ecsclient.Fixed(ecsclient.Credentials{AccessKey: cloud.Options().AccessKey, SecretKey: secret.New("wrong")})
		})
		for range 10 {
			_, err := client.ListServers(t.Context(), ecsclient.Filter{})
			if ecsclient.VerdictOf(err) != ecsclient.Authentication {
				t.Fatal(err)
			}
		}
		if n := len(cloud.Calls()); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

// The cloud knows several keys; one is revoked, one ends, one is a temporary one.
func TestKeysComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		defer cloud.Close()
		try := func(k ecssim.Key) int {
			o := cloud.Options()
			o.AccessKey, o.SecretKey, o.SecurityToken = k.AccessKey, k.SecretKey, k.SecurityToken
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://h/v1/"+o.ProjectID+"/cloudservers/detail?limit=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			ecssim.Sign(req, o, nil)
			resp, err := cloud.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode
		}
		o := cloud.Options()
		first := ecssim.Key{AccessKey: o.AccessKey, SecretKey: o.SecretKey}
		second := ecssim.Key{AccessKey: "AK2", SecretKey: "SK2"}
		temporary := ecssim.Key{AccessKey: "AK3", SecretKey: "SK3", SecurityToken: "T3", Ends: time.Now().Add(time.Hour)}
		want := func(k ecssim.Key, status int) {
			t.Helper()
			if got := try(k); got != status {
				t.Errorf("%s: HTTP %d, want %d", k.AccessKey, got, status)
			}
		}
		want(second, 401)
		cloud.AddKey(second)
		cloud.AddKey(temporary)
		want(first, 200)
		want(second, 200)
		want(temporary, 200)
		want(ecssim.Key{AccessKey: "AK3", SecretKey: "SK3"}, 401)                      // without its token
		want(ecssim.Key{AccessKey: "AK3", SecretKey: "SK3", SecurityToken: "T2"}, 401) // with another
		want(ecssim.Key{AccessKey: "AK2", SecretKey: "SK3"}, 401)                      // of two pairs
		cloud.RevokeKey(first.AccessKey)
		want(first, 401)
		want(second, 200)
		time.Sleep(time.Hour)
		want(temporary, 401)
		cloud.AddKey(first)
		want(first, 200)
		var signed []string
		for _, call := range cloud.Calls() {
			signed = append(signed, call.Key)
		}
		if got := strings.Join(signed[:2], " "); got != "AK2 "+first.AccessKey {
			t.Errorf("calls were signed with %s", got)
		}
	})
}
