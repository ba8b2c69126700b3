package slackapp

import (
	"fmt"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// state is what has become of a request: while it runs with a plan in place of the bar.
func (v view) state(r approvals.Request, f approvals.Freeze) []slack.Block {
	if !v.Newer || r.State != approvals.Executing {
		return []slack.Block{section(v.sayStateIn(r, f))}
	}
	said := sayTitle(r, f)
	if held := sayHeldBack(r, f); held != "" {
		said += "\n" + held
	}
	plan := slack.NewPlanBlock(sayPlanTitle(r), slack.PlanBlockOptionBlockID("plan")).WithTasks(v.tasks(r, f)...)
	return []slack.Block{section(said), plan}
}

// tasks are the lines of the plan: batches that are done, what failed in them, batches
// under way, and what the rest waits for. The record knows how many batches have ended
// and which one waits; batches are sent in their order.
func (v view) tasks(r approvals.Request, f approvals.Freeze) []*slack.TaskCardBlock {
	var tasks []*slack.TaskCardBlock
	add := func(id, title string, is slack.TaskCardStatus, details ...slack.RichTextSectionElement) {
		task := slack.NewTaskCardBlock(id, title).WithStatus(is)
		if len(details) > 0 {
			task.WithDetails(slack.NewRichTextBlock("", slack.NewRichTextSection(details...)))
		}
		tasks = append(tasks, task)
	}
	done := max(0, r.Batches-r.OpenBatches)
	if done > 0 {
		add("done", sayBatchesDone(r, done), slack.TaskCardStatusComplete)
	}
	if now := r.Progress(); now.Failed+now.Unknown > 0 {
		add("bad", sayBad(now), slack.TaskCardStatusError)
	}
	waits := r.WaitingBatch > 0 && r.Cancellation == nil && !f.On
	running := r.OpenBatches
	if waits {
		running = max(0, r.WaitingBatch-1-done)
	}
	if r.Cancellation == nil && f.On {
		add("frozen", sayPlanFrozen(r.OpenBatches), slack.TaskCardStatusPending)
		running = 0 // which of them were sent the record does not tell
	}
	if running > 0 {
		var when []slack.RichTextSectionElement
		if at := v.eta(r); !at.IsZero() && !f.On {
			when = sayAt(sayDoneAbout, at)
		}
		add("running", sayBatchesOpen(r, running, waits), slack.TaskCardStatusInProgress, when...)
	}
	if waits {
		add("waiting", v.sayWaiting(r), slack.TaskCardStatusPending, sayAt(sayWaitsSince, r.QueueNotedAt)...)
	}
	return tasks
}

// sayAt is a moment after some words, in the reader's own time zone.
func sayAt(words string, at time.Time) []slack.RichTextSectionElement {
	if at.IsZero() {
		return nil
	}
	otherwise := at.UTC().Format("2006-01-02 15:04 UTC")
	return []slack.RichTextSectionElement{
		slack.NewRichTextSectionTextElement(words+" ", nil),
		slack.NewRichTextSectionDateElement(at.Unix(), "{date_short_pretty} {time}", nil, &otherwise),
	}
}

// beside is the text of a message with what its newer blocks show: a notification and
// a screen reader get nothing of the blocks themselves.
func beside(text string, blocks []slack.Block) string {
	var b strings.Builder
	b.WriteString(text)
	for _, block := range blocks {
		for line := range strings.Lines(spoken(block)) {
			line = "\n" + strings.TrimRight(line, "\n")
			if b.Len()+len(line)+len("\n…") > maxFallback {
				return clip(b.String()+"\n…", maxFallback)
			}
			b.WriteString(line)
		}
	}
	return clip(b.String(), maxFallback)
}

// spoken is what a newer block of a card shows, as text; of other blocks it is empty.
func spoken(b slack.Block) string {
	switch b := b.(type) {
	case *slack.PlanBlock:
		var s strings.Builder
		s.WriteString(escape(b.Title))
		for _, task := range b.Tasks {
			s.WriteString("\n• " + escape(task.Title) + spokenDetails(task.Details))
		}
		return s.String()
	case *slack.ContainerBlock:
		var s strings.Builder
		s.WriteString(escape(b.Title.Text))
		for _, child := range b.ChildBlocks.BlockSet {
			if section, is := child.(*slack.SectionBlock); is {
				s.WriteString("\n" + section.Text.Text)
			}
		}
		return s.String()
	}
	return ""
}

func spokenDetails(d *slack.RichTextBlock) string {
	s := ""
	if d == nil {
		return s
	}
	for _, e := range d.Elements {
		line, _ := e.(*slack.RichTextSection)
		for _, part := range line.Elements {
			switch part := part.(type) {
			case *slack.RichTextSectionTextElement:
				s += escape(part.Text) + " "
			case *slack.RichTextSectionDateElement:
				s += clock(part.Timestamp.Time())
			}
		}
	}
	return fmt.Sprintf(" (%s)", strings.TrimSpace(s))
}
