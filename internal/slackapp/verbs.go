package slackapp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// verbForms says what each verb that can be typed takes.
var verbForms = map[Verb]string{
	Help:     "help",
	List:     "list",
	Status:   "status ID",
	History:  "history [N]",
	Approve:  "approve ID",
	Deny:     "deny ID [reason]",
	Cancel:   "cancel ID",
	Freeze:   "freeze [reason]",
	Unfreeze: "unfreeze",
	Retry:    "retry ID",
	Start:    "start ID",
	Servers:  "servers SERVER… or servers --tag key=value",
}

var verbNames = []string{"help", "list", "status", "history", "approve", "deny", "cancel", "freeze", "unfreeze", "retry", "start", "servers"}

const idForm = "S- and 5 or 6 letters or digits, never 0, O, 1, I or L"

var (
	idLetters = regexp.MustCompile(`^[2-9A-HJKMNP-Z]{5,6}$`) // what follows the S-
	digits    = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// verbOf also takes the --help and -h that every other program knows, if
// nothing else was typed.
func (p *commandParser) verbOf(w typedWord) (Verb, bool) {
	if flag := strings.TrimLeft(w.flag(), "-"); flag == "help" || flag == "h" {
		return Help, strings.TrimSpace(string(p.scan.text[p.scan.pos:])) == ""
	}
	verb := Verb(strings.ToLower(w.text))
	_, ok := verbForms[verb]
	return verb, ok && !w.quoted
}

// almostVerb guesses that a verb was meant only where the text looks like
// nothing else; a list of servers may well begin with "lists".
func (p *commandParser) almostVerb(w typedWord) string {
	near := nearest(strings.ToLower(w.text), verbNames)
	if near == "" || w.quoted || w.flag() != "" || editDistance(strings.ToLower(w.text), near) > 1 {
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
func (p *commandParser) arguments(verb typedWord) {
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
	case Servers:
		p.look()
	}
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		p.unexpected(w.typed)
	}
}

func (p *commandParser) unexpected(typed string) {
	p.fault(UnexpectedWord, typed, verbForms[p.cmd.Verb])
}

// requestID passes over flags to find the verb's id.
func (p *commandParser) requestID(verb typedWord) (found bool) {
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		if w.flag() != "" {
			p.unexpected(w.typed)
			continue
		}
		id, ok := parseRequestID(w.text)
		if !ok {
			p.fault(BadID, w.typed, idForm)
		}
		p.cmd.ID = id
		return true
	}
	p.fault(MissingID, verb.typed, verbForms[p.cmd.Verb])
	return false
}

func parseRequestID(s string) (string, bool) {
	id := strings.ToUpper(plainDashes(strings.Trim(s, "`.,:;!?")))
	id = strings.TrimPrefix(id, "S-")
	return "S-" + id, idLetters.MatchString(id)
}

func (p *commandParser) restIsReason() {
	text, quoted := p.scan.rest()
	for word := range strings.FieldsSeq(text) {
		if !quoted && word != "--" && isFlagInProse(word) {
			p.unexpected(word)
		}
	}
	p.reason(text)
}

func (p *commandParser) historyCount() {
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
		p.fault(BadNumber, w.typed, fmt.Sprintf("1 to %d", maxHistory))
	}
	p.cmd.N = n
}
