package command

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says in which way a text is wrong. What people read about it is said
// elsewhere; its name is for logs.
type Kind int

const (
	TooLong          Kind = iota // Count, Limit: characters
	ReasonTooLong                // Count, Limit: characters
	TicketTooLong                // Count, Limit: characters
	ControlCharacter             // Hint: which, like U+202E
	OpenQuote
	UnknownFlag      // Hint: the flag or verb that it resembles
	FlagNeedsValue   // Hint: the flag with a value
	FlagTakesNoValue // Hint: the flag
	FlagTwice        // Hint: its first value
	Contradiction    // Hint: the earlier word
	BadTag           // Hint: the form of a right one
	TagWithoutValue  // Hint: its key
	BadType
	BadNumber // Limit: the largest that may be; the smallest is 1
	BadID
	MissingID      // Hint: what the verb takes
	UnexpectedWord // Hint: what the verb takes; empty in a form
	LooksLikeVerb  // Hint: the verb
	NotAServerName // Hint: the name that may have been meant
	TagNotServer
	BadServerID
	MentionNotServer
	Semicolon // Hint: the same names with commas
	PatternTooWide
	TooManyServers // Limit: how many may be
	NoServers
	ReasonWithoutServers // an unquoted reason may have swallowed them
	endOfKinds
)

var kindNames = [endOfKinds]string{
	TooLong:              "text is too long",
	ReasonTooLong:        "reason is too long",
	TicketTooLong:        "ticket is too long",
	ControlCharacter:     "hidden control character",
	OpenQuote:            "quote is not closed",
	UnknownFlag:          "unknown flag",
	FlagNeedsValue:       "flag needs a value",
	FlagTakesNoValue:     "flag takes no value",
	FlagTwice:            "flag given twice",
	Contradiction:        "contradicts an earlier word",
	BadTag:               "not a tag",
	TagWithoutValue:      "tag has no value",
	BadType:              "not a type of stop",
	BadNumber:            "not a number in range",
	BadID:                "not a request id",
	MissingID:            "request id is missing",
	UnexpectedWord:       "unexpected word",
	LooksLikeVerb:        "almost a verb",
	NotAServerName:       "not a server name",
	TagNotServer:         "a tag is not a server",
	BadServerID:          "not a server id",
	MentionNotServer:     "a mention is not a server",
	Semicolon:            "semicolon between words",
	PatternTooWide:       "pattern is too wide",
	TooManyServers:       "too many servers",
	NoServers:            "no servers",
	ReasonWithoutServers: "a reason but no servers",
}

func (k Kind) String() string { return kindNames[k] }

// Kinds are all kinds.
func Kinds() []Kind {
	all := make([]Kind, endOfKinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Mistake is one thing that is wrong with a text. Word and Hint hold what the
// person typed or might have typed: without control characters, but not escaped
// for Slack. Which kind has a Hint, Count or Limit, and of what, is said there.
type Mistake struct {
	Kind  Kind
	Word  string // as typed, at most 60 characters; may be empty
	Hint  string // at most 120 characters; may be empty
	Count int
	Limit int
}

func (m Mistake) Error() string {
	said := m.Kind.String()
	if m.Word != "" {
		said += fmt.Sprintf(": %q", m.Word)
	}
	if m.Hint != "" {
		said += " (" + m.Hint + ")"
	}
	return said
}

// Mistakes are all that is wrong with a text, in its order, without repeats.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	said := make([]string, len(ms))
	for i, m := range ms {
		said[i] = m.Error()
	}
	return strings.Join(said, "; ")
}

// mistake notes what is wrong with a word.
func (p *parser) mistake(kind Kind, typed, hint string) {
	p.mistakeOf(Mistake{Kind: kind, Word: typed, Hint: hint})
}

// mistakeOf notes a mistake whose Word is as typed. Whatever else is wrong with
// a word that hides a control character, that is the thing to say, and it is
// not to be repeated.
func (p *parser) mistakeOf(m Mistake) {
	if i := strings.IndexFunc(m.Word, isHiddenControl); i >= 0 {
		r, _ := utf8.DecodeRuneInString(m.Word[i:])
		m = Mistake{Kind: ControlCharacter, Word: m.Word, Hint: fmt.Sprintf("U+%04X", r)}
	}
	m.Word, m.Hint = clip(oneLine(m.Word), maxWord), clip(m.Hint, 2*maxWord)
	if !slices.Contains(p.mistakes, m) {
		p.mistakes = append(p.mistakes, m)
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
