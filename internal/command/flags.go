package command

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var flagNames = []string{"tag", "soft", "hard", "type", "reason", "project", "ticket", "dry-run"}

var (
	tagKey   = regexp.MustCompile(`^[^=*<>\\|,]{1,128}$`)
	tagValue = regexp.MustCompile(`^[^*<>\\|,]{0,255}$`)
)

// flag reads a flag and its value. A flag that is nearly right is reported and
// then read as the one it resembles, so that its value causes no more mistakes.
func (p *parser) flag(w word, flag string) {
	name := strings.TrimPrefix(flag, "--")
	if !slices.Contains(flagNames, name) {
		typed, _, _ := strings.Cut(w.typed, "=")
		name = nearestFlag(flag)
		p.mistake(UnknownFlag, typed, flagHint(flag, name))
	}
	switch name {
	case "soft", "hard", "dry-run":
		p.bareFlag(w, name)
	case "tag":
		p.tagFlag(w)
	case "type":
		p.stopType(w)
	case "project":
		p.project(w)
	case "ticket":
		p.ticketFlag(w)
	case "reason":
		p.reasonFlag(w)
	}
}

func nearestFlag(flag string) string {
	return nearest(strings.TrimLeft(flag, "-"), flagNames)
}

func flagHint(flag, near string) string {
	if near != "" {
		return "--" + near
	}
	if flag == "-" {
		return "--"
	}
	return nearest(strings.TrimLeft(flag, "-"), verbNames)
}

func (p *parser) bareFlag(w word, name string) {
	if _, ok := w.afterEquals(); ok {
		p.mistake(FlagTakesNoValue, w.typed, "--"+name)
	}
	if name == "dry-run" {
		p.cmd.DryRun = true
		return
	}
	p.how(w, name == "hard")
}

// how notes SOFT or HARD, once.
func (p *parser) how(w word, hard bool) {
	said := string(p.scan.text[w.start:p.scan.pos])
	switch {
	case p.howSaid == "":
		p.howSaid, p.cmd.Hard = clip(oneLine(said), maxWord), hard
	case p.cmd.Hard != hard:
		p.mistake(Contradiction, said, p.howSaid)
	}
}

// value reads the value of a flag; form is how the flag is written rightly.
func (p *parser) value(w word, form string) (word, bool) {
	v, _ := p.valueWord(w)
	v.text = oneLine(v.text)
	if v.text == "" && !v.unclosed {
		typed, _, _ := strings.Cut(w.typed, "=")
		p.mistake(FlagNeedsValue, typed, form)
		return v, false
	}
	return v, p.ended(v)
}

// ended reports whether a value ends where it should: at its closing quote, and
// without a semicolon. If not, that is noted.
func (p *parser) ended(v word) bool {
	switch {
	case v.unclosed:
		p.openQuote(v)
	case !v.quoted && strings.ContainsAny(v.text, semicolons):
		p.mistake(Semicolon, v.typed, semicolonHint(v.text))
	default:
		return true
	}
	return false
}

// valueWord finds a flag's value behind its equals sign, or else in the next
// word if that is not a flag itself.
func (p *parser) valueWord(w word) (word, bool) {
	if v, ok := w.afterEquals(); ok {
		return v, true
	}
	before := p.scan.pos
	v, ok := p.scan.next()
	if ok && v.flag() != "" {
		p.scan.pos = before
		return word{}, false
	}
	return v, ok
}

func (p *parser) tagFlag(w word) {
	p.askSaid = true // even a wrong tag was meant to choose servers
	if v, ok := p.value(w, "--tag key=value"); ok {
		p.tag(v)
	}
}

// tag notes the tag that v is.
func (p *parser) tag(v word) {
	key, value, equals := strings.Cut(plainDashes(v.text), "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	tag := key + "=" + value
	switch {
	case !tagKey.MatchString(key) || !tagValue.MatchString(value) || strings.ContainsFunc(v.text, isHiddenControl):
		p.mistake(BadTag, v.typed, "key=value")
	case !equals:
		p.mistake(BadTag, v.typed, clip(key, maxWord)+"=value")
	case value == "" && !v.quoted: // "key= value" is likelier than a tag without value
		p.mistake(TagWithoutValue, v.typed, clip(key, maxWord))
	case !slices.Contains(p.cmd.Tags, tag):
		p.addTag(v, key, tag)
	}
}

// addTag refuses a second value for a key: a server has only one.
func (p *parser) addTag(v word, key, tag string) {
	for _, earlier := range p.cmd.Tags {
		if strings.HasPrefix(earlier, key+"=") {
			p.mistake(Contradiction, v.typed, clip(earlier, maxWord))
			return
		}
	}
	p.cmd.Tags = append(p.cmd.Tags, tag)
}

func (p *parser) stopType(w word) {
	v, ok := p.value(w, "--type SOFT or --type HARD")
	if !ok {
		return
	}
	switch strings.ToUpper(v.text) {
	case "SOFT":
		p.how(w, false)
	case "HARD":
		p.how(w, true)
	default:
		p.mistake(BadType, v.typed, "")
	}
}

func (p *parser) project(w word) {
	v, ok := p.value(w, "--project NAME")
	if !ok {
		return
	}
	switch {
	case strings.ContainsFunc(v.text, isHiddenControl):
		p.mistake(ControlCharacter, v.typed, "")
	case p.cmd.Project != "":
		p.mistake(FlagTwice, w.typed, clip(p.cmd.Project, maxWord))
	default:
		p.cmd.Project = plainDashes(v.text)
	}
}

func (p *parser) ticketFlag(w word) {
	v, ok := p.value(w, "--ticket ID")
	switch {
	case !ok:
	case p.cmd.Ticket != "":
		p.mistake(FlagTwice, w.typed, clip(p.cmd.Ticket, maxWord))
	default:
		p.ticket(plainDashes(v.text))
	}
}

// ticket notes the id of a change. What it has to look like is policy.
func (p *parser) ticket(id string) {
	switch n := utf8.RuneCountInString(id); {
	case strings.ContainsFunc(id, isHiddenControl):
		p.mistake(ControlCharacter, id, "")
	case n > MaxTicket:
		p.mistakeOf(Mistake{Kind: TicketTooLong, Word: id, Count: n, Limit: MaxTicket})
	default:
		p.cmd.Ticket = id
	}
}

func (p *parser) reasonFlag(w word) {
	typed := w.typed
	if v, ok := w.afterEquals(); ok {
		typed, _, _ = strings.Cut(typed, "=")
		p.scan.pos = v.start // read it again: a reason holds commas
	}
	start := p.scan.pos
	text, quoted, unclosed := p.scan.reason()
	switch {
	case unclosed:
		p.openQuote(word{typed: string(p.scan.text[start:])})
	case text == "":
		p.mistake(FlagNeedsValue, typed, `--reason "why"`)
	case p.cmd.Reason != "":
		p.mistake(FlagTwice, typed, clip(p.cmd.Reason, maxWord))
	default:
		p.reason(text)
		if !quoted && strings.Contains(text, " ") {
			p.reasonSaid = typed
		}
	}
}

func (p *parser) reason(text string) {
	if n := utf8.RuneCountInString(text); n > MaxReason {
		p.mistakeOf(Mistake{Kind: ReasonTooLong, Word: text, Count: n, Limit: MaxReason})
	}
	for word := range strings.FieldsSeq(text) {
		if strings.ContainsFunc(word, isHiddenControl) {
			p.mistake(ControlCharacter, word, "")
		}
	}
	p.cmd.Reason = text
}
