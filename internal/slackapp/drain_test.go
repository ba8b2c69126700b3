package slackapp

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/slack-go/slack/socketmode"
)

// At a stop all slots are taken on purpose. What arrives then is not "too much",
// and must not stand in the log before the true cause of the stop.
func TestOnlyABotThatGoesOnIsOverloaded(t *testing.T) {
	for name, tt := range map[string]struct {
		drain bool
		want  bool
	}{
		"overloaded": {false, true},
		"stopping":   {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := quietConfig("http://127.0.0.1:1")
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
			a := New(c, nil)
			if tt.drain {
				a.sockets.drainSlots()
			} else {
				for range cap(a.sockets.slots) {
					a.sockets.slots <- struct{}{}
				}
			}
			a.sockets.receive(t.Context(), nil, socketmode.Event{Type: socketmode.EventTypeConnected})
			if got := strings.Contains(log.String(), "too much at once"); got != tt.want {
				t.Errorf("the log says that it is too much: %v, want %v: %s", got, tt.want, log.String())
			}
		})
	}
}
