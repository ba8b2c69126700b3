package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// show prints what happens, with the seconds since the beginning.
type show struct {
	began time.Time
	names map[string]string // user id → name

	mu   sync.Mutex
	out  io.Writer         // guarded by mu
	seen map[string]string // ts → text shown last; guarded by mu
}

// Colours of the terminal; empty where NO_COLOR asks for none (no-color.org).
var (
	grey, red, green, yellow, blue, magenta, cyan, strong, reset = paint("90"), paint("31"), paint("32"), paint("33"), paint("34"), paint("35"), paint("36"), paint("1"), paint("0")
)

func paint(code string) string {
	if os.Getenv("NO_COLOR") != "" {
		return ""
	}
	return "\x1b[" + code + "m"
}

func (s *show) title(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "\n%s%s%s\n\n", strong, text, reset)
}

// stage tells what was done to the world.
func (s *show) stage(text string) { s.print(red, "stage", text) }

// types tells what a person does.
func (s *show) types(user, text string) { s.print(cyan, "@"+s.names[user], text) }

func (s *show) print(colour, who, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		at := fmt.Sprintf("%6.1fs", time.Since(s.began).Seconds())
		if i > 0 {
			at, who = strings.Repeat(" ", len(at)), strings.Repeat(" ", len(who))
		}
		fmt.Fprintf(s.out, "%s%s%s  %s%s%s  %s\n", grey, at, reset, colour, who, reset, line)
	}
}

// slack shows what appears in the workspace.
func (s *show) slack(e slacksim.Event) {
	if e.Message == nil {
		return
	}
	m := *e.Message
	text := s.readable(slacksim.PlainText(m))
	switch {
	case m.User != slacksim.BotUserID && m.BotID == "" && m.EphemeralTo == "":
		return
	case m.EphemeralTo != "":
		s.print(magenta, "only to @"+s.names[m.EphemeralTo], text)
	case m.ThreadTS != "" && m.ThreadTS != m.TS:
		s.print(green, "#ops  └ thread", text)
	case e.Kind == slacksim.MessageUpdated:
		s.changed(m.TS, text)
	default:
		s.remember(m.TS, text)
		s.print(green, "#ops  card", text)
	}
}

func (s *show) remember(ts, text string) (before string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.seen[ts] = s.seen[ts], text
	return before
}

// changed shows only the lines of a card that are new.
func (s *show) changed(ts, text string) {
	before := s.remember(ts, text)
	var fresh []string
	for line := range strings.Lines(text) {
		if !strings.Contains(before, strings.TrimSpace(line)) {
			fresh = append(fresh, strings.TrimRight(line, "\n"))
		}
	}
	if len(fresh) > 0 {
		s.print(green, "#ops  card now", strings.Join(fresh, "\n"))
	}
}

// cloud shows calls that change something, and servers that change.
func (s *show) cloud(e ecssim.Event) {
	switch {
	case e.Call != nil && e.Call.Op == "stop":
		s.print(blue, "cloud", fmt.Sprintf("POST %s, %d servers, %s → %d %s", e.Call.Path, len(e.Call.IDs), e.Call.StopType, e.Call.Status, e.Call.JobID))
	case e.Server != nil && e.Server.TaskState == "powering-off":
		s.print(grey, "cloud", e.Server.Name+" is going off")
	case e.Server != nil && e.Server.Status == "SHUTOFF":
		s.print(grey, "cloud", e.Server.Name+" is off")
	}
}

// emoji are the signs that the bot uses.
var emoji = map[string]string{
	"white_check_mark": "✅", "x": "❌", "warning": "⚠️ ", "hourglass_flowing_sand": "⏳", "gear": "⚙️ ",
	"no_entry": "⛔", "mag": "🔍", "satellite_antenna": "📡", "ballot_box_with_ballot": "🗳️ ", "grey_question": "❔",
	"alarm_clock": "⏰", "fast_forward": "⏩", "double_vertical_bar": "⏸️ ", "information_source": "ℹ️ ",
}

var (
	emojiCode = regexp.MustCompile(`:([a-z_]+):`)
	dateCode  = regexp.MustCompile(`<!date\^(\d+)\^[^|]*\|([^>]*)>`)
	userCode  = regexp.MustCompile(`<@([A-Z0-9]+)>`)
	roomCode  = regexp.MustCompile(`<#[A-Z0-9]+>`)
	boldText  = regexp.MustCompile(`\*([^*\n]+)\*`)
	codeText  = regexp.MustCompile("`([^`\n]+)`")
)

// readable turns Slack's markup into what a terminal shows.
func (s *show) readable(text string) string {
	text = emojiCode.ReplaceAllStringFunc(text, func(m string) string {
		if e, ok := emoji[strings.Trim(m, ":")]; ok {
			return e
		}
		return m
	})
	text = dateCode.ReplaceAllString(text, "$2")
	text = userCode.ReplaceAllStringFunc(text, func(m string) string { return "@" + s.names[strings.Trim(m, "<@>")] })
	text = roomCode.ReplaceAllString(text, "#ops")
	text = boldText.ReplaceAllString(text, strong+"$1"+reset)
	text = codeText.ReplaceAllString(text, yellow+"$1"+reset)
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}
