package command

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ecsbot/internal/approvals"
)

// verbForms says what each verb that can be typed takes.
var verbForms = map[Verb]string{
	Help:        "help",
	List:        "list",
	Status:      "status ID",
	History:     "history [N]",
	Approve:     "approve ID",
	Deny:        "deny ID [reason]",
	Cancel:      "cancel ID",
	Freeze:      "freeze [reason]",
	Unfreeze:    "unfreeze",
	Retry:       "retry ID",
	Start:       "start ID",
	ShowServers: "servers SERVER… or servers --tag key=value",
	Explain:     "explain SERVER… or explain --tag key=value, with --hard and --project",
}

// Verbs lists the verbs that can be typed, in alphabetical order.
func Verbs() []Verb { return slices.Sorted(maps.Keys(verbForms)) }

var verbNames = func() (names []string) {
	for _, v := range Verbs() {
		names = append(names, string(v))
	}
	return names
}()

var (
	idLetters = regexp.MustCompile(`^[2-9A-HJKMNP-Z]{5,6}$`) // what follows the S-
	digits    = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// verbOf also takes the --help and -h that every other program knows, if
// nothing else was typed.
func (p *parser) verbOf(w word) (Verb, bool) {
	if flag := strings.TrimLeft(w.flag(), "-"); flag == "help" || flag == "h" {
		return Help, strings.TrimSpace(string(p.scan.text[p.scan.pos:])) == ""
	}
	verb := Verb(strings.ToLower(w.text))
	_, ok := verbForms[verb]
	return verb, ok && !w.quoted
}

// almostVerb guesses that a verb was meant only where the text looks like
// nothing else; a list of servers may well begin with "lists".
func (p *parser) almostVerb(w word) string {
	near := nearest(strings.ToLower(w.text), verbNames)
	if near == "" || w.quoted || w.flag() != "" || approvals.Distance(strings.ToLower(w.text), near) > 1 {
		return ""
	}
	ahead := p.scan
	second, more := ahead.next()
	if !more || strings.HasPrefix(strings.ToUpper(plainDashes(second.text)), "S-") {
		return near
	}
	if _, ok := parseRequestID(second.text); ok {
		return near
	}
	return ""
}

// arguments reads what follows a verb.
func (p *parser) arguments(verb word) {
	switch p.cmd.Verb {
	case Status, Approve, Cancel, Retry, Start:
		p.requestID(verb)
	case Deny:
		if p.requestID(verb) {
			p.restIsReason()
		}
	case Freeze:
		p.restIsReason()
	case History:
		p.historyCount()
	case ShowServers:
		p.showServers()
	case Explain:
		p.explain()
	}
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		p.unexpected(w.typed)
	}
}

func (p *parser) unexpected(typed string) {
	p.mistake(UnexpectedWord, typed, verbForms[p.cmd.Verb])
}

// requestID passes over flags to find the verb's id.
func (p *parser) requestID(verb word) (found bool) {
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		if w.flag() != "" {
			p.unexpected(w.typed)
			continue
		}
		id, ok := parseRequestID(w.text)
		if !ok {
			p.mistake(BadID, w.typed, "")
		}
		p.cmd.ID = id
		return true
	}
	p.mistake(MissingID, verb.typed, verbForms[p.cmd.Verb])
	return false
}

func parseRequestID(s string) (string, bool) {
	id := strings.ToUpper(plainDashes(strings.Trim(s, "`.,:;!?")))
	id = strings.TrimPrefix(id, "S-")
	return "S-" + id, idLetters.MatchString(id)
}

func (p *parser) restIsReason() {
	text, quoted := p.scan.rest()
	for word := range strings.FieldsSeq(text) {
		if !quoted && word != "--" && isFlagInProse(word) {
			p.unexpected(word)
		}
	}
	p.reason(text)
}

func (p *parser) historyCount() {
	before := p.scan.pos
	w, ok := p.scan.next()
	if !ok {
		return
	}
	if w.flag() != "" {
		p.scan.pos = before // unexpected, like all that follows
		return
	}
	n, _ := strconv.Atoi(w.text)
	if !digits.MatchString(w.text) || n < 1 || n > maxHistory {
		p.mistakeOf(Mistake{Kind: BadNumber, Word: w.typed, Limit: maxHistory})
	}
	p.cmd.N = n
}
