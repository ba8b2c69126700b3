package bot_test

import (
	"strings"
	"testing"
)

func TestAskApproveStopped(t *testing.T) {
	w := newWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	card := w.Ask(anna, `web-1 web-2 --reason "night"`)
	w.Click(ben, card, "ecs_stop_approve")
	end := w.Reply(card, "<@UANNA>", "2 servers stopped")
	for i, want := range []int{1, 1, 0} {
		if got := w.Cloud.StopCount(ids[i]); got != want {
			t.Errorf("web-%d was stopped %d times, want %d", i+1, got, want)
		}
	}
	if strings.Contains(string(w.Now(card).Blocks), "ecs_stop_approve") {
		t.Error("the card still has buttons")
	}
	t.Log(end)
	t.Log(w.Transcript())
}
