package slackapp

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MistakeKind says in which way a text is wrong.
type MistakeKind string

const (
	TooLong              MistakeKind = "TooLong"
	ReasonTooLong        MistakeKind = "ReasonTooLong"
	ControlCharacter     MistakeKind = "ControlCharacter"
	OpenQuote            MistakeKind = "OpenQuote"
	UnknownFlag          MistakeKind = "UnknownFlag"
	FlagNeedsValue       MistakeKind = "FlagNeedsValue"
	FlagTakesNoValue     MistakeKind = "FlagTakesNoValue"
	FlagTwice            MistakeKind = "FlagTwice"
	Contradiction        MistakeKind = "Contradiction"
	BadTag               MistakeKind = "BadTag"
	BadType              MistakeKind = "BadType"
	BadNumber            MistakeKind = "BadNumber"
	BadID                MistakeKind = "BadID"
	MissingID            MistakeKind = "MissingID"
	UnexpectedWord       MistakeKind = "UnexpectedWord"
	LooksLikeVerb        MistakeKind = "LooksLikeVerb"
	NotAServerName       MistakeKind = "NotAServerName"
	BadServerID          MistakeKind = "BadServerID"
	MentionNotServer     MistakeKind = "MentionNotServer"
	Semicolon            MistakeKind = "Semicolon"
	PatternTooWide       MistakeKind = "PatternTooWide"
	TooManyServers       MistakeKind = "TooManyServers"
	NoServers            MistakeKind = "NoServers"
	ReasonWithoutServers MistakeKind = "ReasonWithoutServers" // an unquoted reason may have swallowed them
)

var mistakesInWords = map[MistakeKind]string{
	TooLong:              "text is too long",
	ReasonTooLong:        "reason is too long",
	ControlCharacter:     "hidden control character",
	OpenQuote:            "quote is not closed",
	UnknownFlag:          "unknown flag",
	FlagNeedsValue:       "flag needs a value",
	FlagTakesNoValue:     "flag takes no value",
	FlagTwice:            "flag given twice",
	Contradiction:        "contradicts an earlier word",
	BadTag:               "not a tag",
	BadType:              "not a type of stop",
	BadNumber:            "not a number in range",
	BadID:                "not a request id",
	MissingID:            "request id is missing",
	UnexpectedWord:       "unexpected word",
	LooksLikeVerb:        "almost a verb",
	NotAServerName:       "not a server name",
	BadServerID:          "not a server id",
	MentionNotServer:     "a mention is not a server",
	Semicolon:            "semicolon between servers",
	PatternTooWide:       "pattern is too wide",
	TooManyServers:       "too many servers",
	NoServers:            "no servers",
	ReasonWithoutServers: "a reason but no servers",
}

// Mistake is one fault of a text. Word and Hint hold what the person typed:
// without control characters, but not escaped for Slack.
type Mistake struct {
	Kind MistakeKind
	Word string // as typed, at most 60 characters; may be empty
	Hint string // the nearest flag or verb, or the right form; may be empty
}

func (m Mistake) Error() string {
	said := mistakesInWords[m.Kind]
	if m.Word != "" {
		said += fmt.Sprintf(": %q", m.Word)
	}
	if m.Hint != "" {
		said += " (" + m.Hint + ")"
	}
	return said
}

// Mistakes are all faults of a text, in its order, without repeats.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	said := make([]string, len(ms))
	for i, m := range ms {
		said[i] = m.Error()
	}
	return strings.Join(said, "; ")
}

// fault notes a mistake. Whatever else is wrong with a word that hides a
// control character, that is the thing to say, and it is not to be repeated.
func (p *commandParser) fault(kind MistakeKind, typed, hint string) {
	if i := strings.IndexFunc(typed, isHiddenControl); i >= 0 {
		r, _ := utf8.DecodeRuneInString(typed[i:])
		kind, hint = ControlCharacter, fmt.Sprintf("U+%04X", r)
	}
	m := Mistake{kind, clip(oneLine(typed), maxWord), clip(hint, 2*maxWord)}
	if !slices.Contains(p.wrong, m) {
		p.wrong = append(p.wrong, m)
	}
}

// clip shortens s to at most n characters and shows control characters as �.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if isHiddenControl(r) || !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}
