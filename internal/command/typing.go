package command

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Slack and people's keyboards rewrite what is typed. This file undoes that;
// scan.go cuts the text into words, and command.go interprets them.

// asTyped gives the text as the person saw it: without Slack's encoding,
// without invisible characters, with one kind of space and of line break, and
// without code ticks around the whole.
func asTyped(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = slackMarkup.ReplaceAllStringFunc(text, readMarkup)
	text = slackEscapes.Replace(text) // after the markup, or a typed "<" would look like one
	return withoutTicks(strings.Map(plainSpace, text))
}

var (
	slackMarkup  = regexp.MustCompile(`<[^<>\n]+>`)
	slackEscapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	linkScheme   = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*:`)
)

// readMarkup replaces Slack's <…> by its meaning: a link into its label,
// a mention into @name or #channel.
func readMarkup(markup string) string {
	body, label, _ := strings.Cut(markup[1:len(markup)-1], "|")
	switch {
	case strings.HasPrefix(body, "@"), strings.HasPrefix(body, "#"):
		return body[:1] + firstSaid(strings.TrimLeft(label, "@#"), body[1:])
	case strings.HasPrefix(body, "!date^"):
		return label
	case strings.HasPrefix(body, "!"):
		return "@" + firstSaid(strings.TrimLeft(label, "@"), strings.TrimPrefix(body[1:], "subteam^"))
	case linkScheme.MatchString(body):
		return firstSaid(label, strings.TrimPrefix(strings.TrimPrefix(body, "mailto:"), "tel:"))
	}
	return markup
}

func firstSaid(a, b string) string {
	if strings.TrimSpace(a) != "" {
		return a
	}
	return b
}

// plainSpace is for strings.Map: it drops invisible characters that people do
// not type on purpose. Other format characters stay, to be refused by name: they
// can make a text look like a different one.
func plainSpace(r rune) rune {
	switch {
	case r >= 0x200B && r <= 0x200D, r == 0x2060, r == 0xFEFF, r == 0x00AD, r == 0xFE0E, r == 0xFE0F:
		return -1
	case strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r):
		return '\n'
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

func isHiddenControl(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) || r == utf8.RuneError
}

// withoutTicks takes one, two or three code ticks off both ends, if they
// belong together: in "`a` and `b`" they do not.
func withoutTicks(text string) string {
	trimmed := strings.TrimSpace(text)
	for _, ticks := range []string{"```", "``", "`"} {
		inner, ok := strings.CutPrefix(trimmed, ticks)
		if !ok {
			continue
		}
		if inner, ok = strings.CutSuffix(inner, ticks); ok && !strings.Contains(inner, ticks) {
			return inner
		}
	}
	return text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
