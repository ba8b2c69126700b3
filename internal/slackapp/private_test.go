package slackapp

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ecsbot/internal/secret"

	"github.com/prometheus/client_golang/prometheus"
)

// Whoever knows a response_url can speak as the bot, so it is never logged.
func TestResponseURLsAreNotLogged(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close() // nobody answers there
	var log bytes.Buffer
	a := New(Config{
		BotToken: secret.New("xoxb-1"), AppToken: secret.New("xapp-1"), APIURL: srv.URL + "/api/", Sockets: 1,
		Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: NewMetrics(prometheus.NewRegistry()),
	}, nil)
	a.poster.answer(t.Context(), interaction{User: "U1", Response: srv.URL + "/commands/T1/2/SECRET"}, "hello")
	if out := log.String(); out == "" || strings.Contains(out, "SECRET") {
		t.Errorf("logged %q", out)
	}
}
