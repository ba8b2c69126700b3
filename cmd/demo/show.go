package main

import (
	"encoding/json"
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
	names map[string]string // id of a user, group or channel → name

	mu   sync.Mutex
	out  io.Writer         // guarded by mu
	seen map[string]string // ts → text shown last, server → state; guarded by mu
}

// Colours of the terminal; empty where NO_COLOR asks for none (no-color.org), and in
// files and pipes.
var (
	grey, red, green, yellow, blue, magenta, cyan, strong, reset = paint("90"), paint("31"), paint("32"), paint("33"), paint("34"), paint("35"), paint("36"), paint("1"), paint("0")
)

func paint(code string) string {
	if out, err := os.Stdout.Stat(); err != nil || out.Mode()&os.ModeCharDevice == 0 || os.Getenv("NO_COLOR") != "" {
		return ""
	}
	return "\x1b[" + code + "m"
}

func (s *show) title(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "\n%s%s%s\n\n", strong, text, reset)
}

// stage prints what was done to the world.
func (s *show) stage(text string) { s.print(red, "stage", text) }

// types prints what a person does.
func (s *show) types(user, text string) { s.print(cyan, "@"+s.names[user], text) }

// sees prints the beginning of what a form or the Home shows a person.
func (s *show) sees(user, text string) {
	const most = 10
	var lines []string
	for line := range strings.Lines(s.readable(text)) {
		if line = strings.TrimSpace(line); line != "" && line != "---" {
			lines = append(lines, "│ "+line)
		}
	}
	if len(lines) > most {
		lines = append(lines[:most], "│ …")
	}
	s.print(magenta, "@"+s.names[user]+" sees", strings.Join(lines, "\n"))
}

// formText is what a form asks for, without the hints and examples in its fields.
func formText(v slacksim.View) string {
	var form map[string]any
	if json.Unmarshal(v.Raw, &form) != nil {
		return slacksim.ViewText(v)
	}
	blocks, _ := json.Marshal(withoutHints(form["blocks"]))
	return v.Title + "\n" + slacksim.BlocksText(blocks)
}

// withoutHints takes from a part of a form what only helps to fill it in.
func withoutHints(part any) any {
	switch part := part.(type) {
	case map[string]any:
		for key, inner := range part {
			if key == "hint" || key == "placeholder" || key == "description" {
				delete(part, key)
			} else {
				part[key] = withoutHints(inner)
			}
		}
	case []any:
		for i, inner := range part {
			part[i] = withoutHints(inner)
		}
	}
	return part
}

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
	text, room := s.readable(slacksim.PlainText(m)), "#"+s.names[m.Channel]
	switch {
	case m.User != slacksim.BotUserID && m.BotID == "" && m.EphemeralTo == "":
		return
	case m.EphemeralTo != "":
		s.print(magenta, "only to @"+s.names[m.EphemeralTo], text)
	case m.ThreadTS != "" && m.ThreadTS != m.TS:
		s.print(green, room+"  └ thread", text)
	case e.Kind == slacksim.MessageUpdated:
		s.changed(room, m.TS, text)
	case strings.Contains(text, "Requested by "):
		s.remember(m.TS, text)
		s.print(green, room+"  card", text)
	default:
		s.print(green, room, text)
	}
}

func (s *show) remember(ts, text string) (before string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.seen[ts] = s.seen[ts], text
	return before
}

// changed shows only the lines of a card that are new.
func (s *show) changed(room, ts, text string) {
	before := s.remember(ts, text)
	var fresh []string
	for line := range strings.Lines(text) {
		if !strings.Contains(before, strings.TrimSpace(line)) {
			fresh = append(fresh, strings.TrimRight(line, "\n"))
		}
	}
	if len(fresh) > 0 {
		s.print(green, room+"  card now", strings.Join(fresh, "\n"))
	}
}

// cloud shows calls that change something, and servers that change.
func (s *show) cloud(e ecssim.Event) {
	switch {
	case e.Call != nil && (e.Call.Op == "stop" || e.Call.Op == "start"):
		what := strings.TrimSpace(e.Call.Op + " " + e.Call.StopType)
		answer := fmt.Sprint(e.Call.Status)
		if e.Call.JobID != "" {
			answer += ", job " + e.Call.JobID
		}
		s.print(blue, "cloud", shortIDs(fmt.Sprintf("POST …/cloudservers/action, %s, servers: %d → %s", what, len(e.Call.IDs), answer)))
	case e.Server != nil:
		s.server(*e.Server)
	}
}

// server shows a server that goes off or on; before that it runs unnoticed.
func (s *show) server(now ecssim.Server) {
	state := now.Status + now.TaskState
	before := s.remember(now.ID, state)
	told := map[string]string{"ACTIVEpowering-off": "is going off", "SHUTOFF": "is off", "SHUTOFFpowering-on": "is starting"}[state]
	if state == "ACTIVE" && before == "SHUTOFFpowering-on" {
		told = "runs"
	}
	if told != "" && before != state {
		s.print(grey, "cloud", now.Name+" "+told)
	}
}

// emoji are the signs that the bot uses.
var emoji = map[string]string{
	"white_check_mark": "✅", "x": "❌", "warning": "⚠️ ", "hourglass_flowing_sand": "⏳", "gear": "⚙️ ",
	"snowflake": "❄️ ", "no_entry": "⛔", "large_green_square": "🟩", "white_large_square": "⬜",
}

var (
	emojiCode = regexp.MustCompile(`:([a-z_]+):`)
	dateCode  = regexp.MustCompile(`<!date\^(\d+)\^[^|]*\|([^>]*)>`)
	userCode  = regexp.MustCompile(`<@([A-Z0-9]+)>`)
	groupCode = regexp.MustCompile(`<!subteam\^([A-Z0-9]+)>`)
	roomCode  = regexp.MustCompile(`<#([A-Z0-9]+)>`)
	linkCode  = regexp.MustCompile(`<https?:[^|>]*\|([^>]*)>`)
	boldText  = regexp.MustCompile(`\*([^*\n]+)\*`)
	codeText  = regexp.MustCompile("`([^`\n]+)`")
	longID    = regexp.MustCompile(`\b([0-9a-f]{8})(?:[0-9a-f]{24}|-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b`)
)

// shortIDs cuts ids of servers and jobs: nobody compares them on a terminal.
func shortIDs(text string) string { return longID.ReplaceAllString(text, "$1…") }

// readable turns Slack's markup into what a terminal shows.
func (s *show) readable(text string) string {
	text = emojiCode.ReplaceAllStringFunc(shortIDs(text), func(m string) string {
		if e, ok := emoji[strings.Trim(m, ":")]; ok {
			return e
		}
		return m
	})
	text = dateCode.ReplaceAllString(text, "$2")
	text = linkCode.ReplaceAllString(text, "$1")
	text = userCode.ReplaceAllStringFunc(text, func(m string) string { return "@" + s.names[strings.Trim(m, "<@>")] })
	text = groupCode.ReplaceAllStringFunc(text, func(m string) string {
		return "@" + s.names[strings.TrimSuffix(strings.TrimPrefix(m, "<!subteam^"), ">")]
	})
	text = roomCode.ReplaceAllStringFunc(text, func(m string) string { return "#" + s.names[strings.Trim(m, "<#>")] })
	text = boldText.ReplaceAllString(text, strong+"$1"+reset)
	text = codeText.ReplaceAllString(text, yellow+"$1"+reset)
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}
