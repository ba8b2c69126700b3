package slackapp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var flagNames = []string{"tag", "soft", "hard", "type", "reason", "project", "dry-run"}

var (
	tagKey   = regexp.MustCompile(`^[^=*<>\\|,]{1,128}$`)
	tagValue = regexp.MustCompile(`^[^*<>\\|,]{0,255}$`)
)

// flag reads a flag and its value. A flag that is nearly right is reported and
// then read as the one it resembles, so that its value causes no more faults.
func (p *commandParser) flag(w typedWord, flag string) {
	name := strings.TrimPrefix(flag, "--")
	if !slices.Contains(flagNames, name) {
		typed, _, _ := strings.Cut(w.typed, "=")
		name = nearestFlag(flag)
		p.fault(UnknownFlag, typed, flagHint(flag, name))
	}
	switch name {
	case "soft", "hard", "dry-run":
		p.bareFlag(w, name)
	case "tag":
		p.tag(w)
	case "type":
		p.stopType(w)
	case "project":
		p.project(w)
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

func (p *commandParser) bareFlag(w typedWord, name string) {
	if _, ok := w.afterEquals(); ok {
		p.fault(FlagTakesNoValue, w.typed, "--"+name)
	}
	if name == "dry-run" {
		p.cmd.DryRun = true
		return
	}
	p.how(w, name == "hard")
}

// how notes SOFT or HARD, once.
func (p *commandParser) how(w typedWord, hard bool) {
	said := string(p.scan.text[w.start:p.scan.pos])
	switch {
	case p.howSaid == "":
		p.howSaid, p.cmd.Hard = clip(oneLine(said), maxWord), hard
	case p.cmd.Hard != hard:
		p.fault(Contradiction, said, p.howSaid)
	}
}

// value reads the value of a flag, or says that it should look like form.
func (p *commandParser) value(w typedWord, form string) (typedWord, bool) {
	v, ok := p.valueWord(w)
	v.text = oneLine(v.text)
	switch {
	case ok && v.unclosed:
		p.openQuote(v)
	case !ok || v.text == "":
		typed, _, _ := strings.Cut(w.typed, "=")
		p.fault(FlagNeedsValue, typed, form)
	case !v.quoted && strings.ContainsAny(v.text, semicolons):
		p.fault(Semicolon, v.typed, semicolonHint(v.text))
	default:
		return v, true
	}
	return v, false
}

// valueWord finds a flag's value behind its equals sign, or else in the next
// word if that is not a flag itself.
func (p *commandParser) valueWord(w typedWord) (typedWord, bool) {
	if v, ok := w.afterEquals(); ok {
		return v, true
	}
	before := p.scan.pos
	v, ok := p.scan.next()
	if ok && v.flag() != "" {
		p.scan.pos = before
		return typedWord{}, false
	}
	return v, ok
}

func (p *commandParser) tag(w typedWord) {
	p.askSaid = true // even a wrong tag was meant to choose servers
	v, ok := p.value(w, "--tag key=value")
	if !ok {
		return
	}
	key, value, equals := strings.Cut(plainDashes(v.text), "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	tag := key + "=" + value
	switch {
	case !tagKey.MatchString(key) || !tagValue.MatchString(value) || strings.ContainsFunc(v.text, isHiddenControl):
		p.fault(BadTag, v.typed, "--tag key=value")
	case !equals:
		p.fault(BadTag, v.typed, "--tag "+clip(key, maxWord)+"=value")
	case value == "" && !v.quoted: // "key= value" is likelier than a tag without value
		p.fault(BadTag, v.typed, fmt.Sprintf(`--tag %s=value, or %[1]s="" for an empty one`, clip(key, maxWord)))
	case !slices.Contains(p.cmd.Tags, tag):
		p.addTag(v, key, tag)
	}
}

// addTag refuses a second value for a key: a server has only one.
func (p *commandParser) addTag(v typedWord, key, tag string) {
	for _, earlier := range p.cmd.Tags {
		if strings.HasPrefix(earlier, key+"=") {
			p.fault(Contradiction, v.typed, clip(earlier, maxWord))
			return
		}
	}
	p.cmd.Tags = append(p.cmd.Tags, tag)
}

func (p *commandParser) stopType(w typedWord) {
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
		p.fault(BadType, v.typed, "SOFT or HARD")
	}
}

func (p *commandParser) project(w typedWord) {
	v, ok := p.value(w, "--project NAME")
	if !ok {
		return
	}
	switch {
	case strings.ContainsFunc(v.text, isHiddenControl):
		p.fault(ControlCharacter, v.typed, "")
	case p.cmd.Project != "":
		p.fault(FlagTwice, w.typed, clip(p.cmd.Project, maxWord))
	default:
		p.cmd.Project = plainDashes(v.text)
	}
}

func (p *commandParser) reasonFlag(w typedWord) {
	typed := w.typed
	if v, ok := w.afterEquals(); ok {
		typed, _, _ = strings.Cut(typed, "=")
		p.scan.pos = v.start // read it again: a reason holds commas
	}
	start := p.scan.pos
	text, quoted, unclosed := p.scan.reason()
	switch {
	case unclosed:
		p.openQuote(typedWord{typed: string(p.scan.text[start:])})
	case text == "":
		p.fault(FlagNeedsValue, typed, `--reason "why"`)
	case p.cmd.Reason != "":
		p.fault(FlagTwice, typed, clip(p.cmd.Reason, maxWord))
	default:
		p.reason(text)
		if !quoted && strings.Contains(text, " ") {
			p.reasonSaid = typed
		}
	}
}

func (p *commandParser) reason(text string) {
	if n := utf8.RuneCountInString(text); n > maxReason {
		p.fault(ReasonTooLong, text, fmt.Sprintf("at most %d characters, not %d", maxReason, n))
	}
	for word := range strings.FieldsSeq(text) {
		if strings.ContainsFunc(word, isHiddenControl) {
			p.fault(ControlCharacter, word, "")
		}
	}
	p.cmd.Reason = text
}
