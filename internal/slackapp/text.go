package slackapp

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"
)

// Slack's limits that we keep to (method and block pages). The text of all
// blocks of one message has an undocumented limit of about 12,000 characters;
// we stay well below it.
const (
	maxFallback = 3900 // text of a message; chat.update refuses more than 4,000
	maxSection  = 2900 // text of one section, of 3,000
	maxHeader   = 150  // characters of a headline
	maxConfirm  = 300  // characters of the text of a confirm dialog
	maxBlocks   = 9000 // text of all blocks of a message, as it is counted: escaped
)

// escape makes foreign text harmless: no mention, no link, no formatting of
// lines, no turning round of what follows. What people and the cloud wrote
// goes through here, always.
func escape(s string) string { return slackutilsx.EscapeMessage(withoutControls(s)) }

// withoutControls takes from foreign text what cannot be seen, what would turn it round or
// end its line, for places that show text as it is.
func withoutControls(s string) string {
	s = strings.Map(func(r rune) rune {
		if unseen(r) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// unseen reports whether a character shows nothing and takes no room: two names
// that look alike could differ by it, and it could turn round what follows.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Bidi_Control, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// code shows foreign text as it is, in the type of code.
func code(s string) string {
	return "`" + strings.ReplaceAll(escape(s), "`", "'") + "`"
}

// bold shows foreign text in bold; stars in it would end that early.
func bold(s string) string {
	return "*" + strings.ReplaceAll(escape(s), "*", "∗") + "*"
}

func mention(user string) string { return "<@" + user + ">" }

// mentions names users and user groups.
func mentions(ids []string) string {
	return strings.Join(mentionEach(ids), ", ")
}

// anyOf mentions people and groups of whom one is enough.
func anyOf(ids []string) string {
	names := mentionEach(ids)
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " or " + names[n]
	}
	return strings.Join(names, "")
}

func mentionEach(ids []string) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = mention(id)
		if strings.HasPrefix(id, "S") {
			names[i] = "<!subteam^" + id + ">"
		}
	}
	return names
}

// clock shows a moment in the reader's own time zone.
func clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// clip cuts s to at most n bytes, at a rune's edge, and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// clipRunes cuts s to at most n characters, for where Slack counts those.
func clipRunes(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// took is a duration as people say it.
func took(d time.Duration) string {
	large, small, units := int(d.Hours()), int(d.Minutes())%60, [2]string{"h", "min"}
	if d < time.Hour {
		large, small, units = int(d.Minutes()), int(d.Seconds())%60, [2]string{"min", "s"}
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second).Seconds())))
	case small == 0:
		return fmt.Sprintf("%d %s", large, units[0])
	}
	return fmt.Sprintf("%d %s %d %s", large, units[0], small, units[1])
}

// plain is text that Slack shows as it is.
func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, true, false)
}

// mrkdwn is text with our own formatting. Verbatim keeps Slack from making
// links and mentions out of what only looks like them.
func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, true)
}

func section(s string) slack.Block {
	return slack.NewSectionBlock(mrkdwn(clip(s, maxSection)), nil, nil, slack.SectionBlockOptionExpand(true))
}

// header is a headline, in the characters that Slack allows.
func header(s string) slack.Block {
	return slack.NewHeaderBlock(plain(clipRunes(withoutControls(s), maxHeader)))
}

func contextBlock(parts ...string) slack.Block {
	elements := make([]slack.MixedElement, len(parts))
	for i, p := range parts {
		elements[i] = mrkdwn(clip(p, maxSection))
	}
	return slack.NewContextBlock("", elements...)
}

// paragraphs makes sections of a text, cut at line ends.
func paragraphs(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range cutLines(text, maxSection) {
		blocks = append(blocks, section(part))
	}
	return blocks
}

// cutLines cuts text into parts of at most n bytes, between lines or else words
// where it can.
func cutLines(text string, n int) []string {
	var parts []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		if b.Len() > 0 && b.Len()+len(line) > n {
			parts = append(parts, strings.TrimRight(b.String(), "\n"))
			b.Reset()
		}
		for len(line) > n {
			head := cutWords(line, n)
			parts, line = append(parts, strings.TrimRight(head, " ")), line[len(head):]
		}
		b.WriteString(line)
	}
	if strings.TrimSpace(b.String()) != "" {
		parts = append(parts, strings.TrimRight(b.String(), "\n"))
	}
	return parts
}

// cutWords is as much of a line as n bytes hold.
func cutWords(line string, n int) string {
	if at := strings.LastIndexByte(line[:n], ' '); at > 0 {
		return line[:at+1]
	}
	for !utf8.RuneStart(line[n]) {
		n--
	}
	return line[:n]
}

// listing writes lines until budget bytes are used, and says how many more
// there are.
func listing[T any](items []T, total, budget int, line func(T) string) string {
	var b strings.Builder
	for i, item := range items {
		l := line(item) + "\n"
		if b.Len()+len(l) > budget {
			return b.String() + sayMore(total-i)
		}
		b.WriteString(l)
	}
	if total > len(items) {
		return b.String() + sayMore(total-len(items))
	}
	return strings.TrimRight(b.String(), "\n")
}
