package slackapp

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"ecsbot/internal/secret"

	"github.com/prometheus/client_golang/prometheus"
)

// A server that Slack's name leads to must not be able to send the token on.
func TestARedirectToAnotherHostDoesNotGetTheToken(t *testing.T) {
	var got atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(r.Header.Get("Authorization") + string(body))
		io.WriteString(w, `{"ok":true,"user_id":"UEVIL"}`)
	}))
	defer other.Close()
	for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, code)
		}))
		a := New(quietConfig(srv.URL), nil)
		if me, err := a.self(t.Context()); err == nil {
			t.Errorf("%d: the answer of another host is taken: %+v", code, me)
		}
		srv.Close()
	}
	if sent := got.Load(); sent != nil {
		t.Errorf("another host was asked, with the token: %v", strings.Contains(sent.(string), "xoxb-1"))
	}
}

func TestARedirectWithinTheHostIsFollowed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/new/auth.test" {
			http.Redirect(w, r, "/new/auth.test", http.StatusTemporaryRedirect)
			return
		}
		io.WriteString(w, `{"ok":true,"user_id":"UBOT"}`)
	}))
	defer srv.Close()
	a := New(quietConfig(srv.URL), nil)
	if me, err := a.self(t.Context()); err != nil || me.UserID != "UBOT" {
		t.Errorf("got %+v, %v", me, err)
	}
}

func quietConfig(url string) Config {
	return Config{
		BotToken: secret.New("xoxb-1"), AppToken: secret.New("xapp-1"), APIURL: url + "/api/", Sockets: 1,
		Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()),
	}
}
