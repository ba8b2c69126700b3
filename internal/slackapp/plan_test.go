package slackapp

import (
	"strings"
	"testing"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// The plan tells of batches that are done, under way and waiting; it never has more than
// eight lines, whatever the record says.
func TestThePlanTellsHowFarARequestIs(t *testing.T) {
	s := newScene(t, 1200)
	v := s.view()
	v.Newer = true
	running := s.running()
	failing := s.must(running.BatchEnded(approvals.Tally{Stopped: 95, Failed: 5}, after(3)))
	waiting := failing.NoteWaiting(4, 2, after(3)) // of the fifth call
	frozen := approvals.Freeze{On: true, By: "UBEN", At: after(3)}
	for _, c := range []struct {
		what string
		r    approvals.Request
		f    approvals.Freeze
		want []string
	}{
		{"just begun", running, approvals.Freeze{}, []string{"12 of 12 batches in progress. in_progress"}},
		{"one failed", failing, approvals.Freeze{}, []string{"1 of 12 batches done: 95 stopped. complete", "5 failed. error", "11 of 12 batches in progress. in_progress"}},
		{"waiting", waiting, approvals.Freeze{}, []string{"1 of 12 batches done: 95 stopped. complete", "5 failed. error", "3 batches running in Huawei Cloud. in_progress",
			"Batch 5 of 12 waits for Huawei Cloud's limit of 1,000 servers a minute (100 of them kept free for small requests); this request is 2nd in line. pending"}},
		{"frozen", waiting, frozen, []string{"1 of 12 batches done: 95 stopped. complete", "5 failed. error", "Sending is frozen; 11 batches not finished. pending"}},
		{"cancelled", s.cancelled(waiting), approvals.Freeze{}, []string{"1 of 12 batches done: 95 stopped. complete", "5 failed. error", "11 of 12 batches in progress. in_progress"}},
	} {
		tasks := v.tasks(c.r, c.f)
		var got []string
		for _, task := range tasks {
			got = append(got, task.Title+" "+string(task.Status))
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") || len(tasks) > 8 {
			t.Errorf("%s: the plan says\n%s\nwant\n%s", c.what, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		_, text := v.card(c.r, c.f)
		for _, task := range tasks {
			if !strings.Contains(text, escape(task.Title)) {
				t.Errorf("%s: the text beside the plan does not say %q: %s", c.what, task.Title, text)
			}
		}
	}
	if hasNewer(v.state(s.ended(false, all(wasStopped)).Request, approvals.Freeze{})) {
		t.Error("an ended request has a plan")
	}
}

// A long list folds, a short one does not; its servers are in the text beside it.
func TestLongListsFold(t *testing.T) {
	for n, folds := range map[int]bool{1: false, unfolded: false, unfolded + 1: true, 100: true} {
		s := newScene(t, n)
		s.newer = true
		blocks, text := s.view().card(s.pending(), approvals.Freeze{})
		var is *slack.ContainerBlock
		for _, b := range blocks {
			if c, ok := b.(*slack.ContainerBlock); ok {
				is = c
			}
		}
		if (is != nil) != folds {
			t.Errorf("the list of %d servers folds: %v", n, is != nil)
		}
		if is == nil {
			continue
		}
		if err := is.Validate(); err != nil || !is.IsCollapsible || !is.DefaultCollapsed {
			t.Errorf("%d servers: %+v, %v", n, is, err)
		}
		if !strings.Contains(is.Title.Text, "web-1") {
			t.Errorf("the title of %d servers names none: %s", n, is.Title.Text)
		}
		if !strings.Contains(text, "web-1") || len(text) > maxFallback {
			t.Errorf("the text beside the list of %d servers has %d bytes: %s", n, len(text), text)
		}
	}
}
