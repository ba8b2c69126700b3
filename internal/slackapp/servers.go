package slackapp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	nameForm     = "1 to 64 letters, digits, '_', '-' or '.'; '*' in a pattern"
	serverIDForm = "a server id has 32 hex digits: 8-4-4-4-12"
	askForm      = "SERVER… or --tag key=value"
)

var (
	serverName  = regexp.MustCompile(`^[\p{L}\p{Mn}\p{Mc}\p{Nd}_.*-]{1,64}$`) // marks: é may be two characters
	letterOrNum = regexp.MustCompile(`[\p{L}\p{Nd}]`)
	serverID    = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	notInID     = regexp.MustCompile(`(?i)[^0-9a-f-]`)
	bareLink    = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*://([^/?#:]+)(:\d+)?/?$`)
	stars       = regexp.MustCompile(`\*+`)
)

// ask reads servers and flags.
func (p *commandParser) ask() {
	onlyServers := false
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		flag := w.flag()
		switch {
		case w.unclosed && (onlyServers || flag != "--reason"):
			p.openQuote(w)
		case onlyServers || flag == "":
			p.server(w)
		case flag == "--" && !strings.Contains(w.text, "="):
			onlyServers = true
		default:
			p.flag(w, flag)
		}
	}
	if p.askSaid {
		return
	}
	if p.reasonSaid != "" {
		p.fault(ReasonWithoutServers, p.reasonSaid, "servers before --reason, or the reason in quotes")
		return
	}
	p.fault(NoServers, oneLine(string(p.scan.text)), askForm)
}

// openQuote reports a quote that hides all the rest, servers perhaps among it.
func (p *commandParser) openQuote(w typedWord) {
	p.askSaid = true
	p.fault(OpenQuote, w.typed, "a closing quote at the end of a word")
}

func (p *commandParser) server(w typedWord) {
	p.askSaid = true
	name := stars.ReplaceAllString(serverText(w.text), "*")
	switch {
	case strings.ContainsAny(name, semicolons):
		p.fault(Semicolon, w.typed, semicolonHint(w.text))
	case strings.HasPrefix(name, "@"), strings.HasPrefix(name, "#"):
		p.fault(MentionNotServer, w.typed, "a server's name or id")
	case serverID.MatchString(name):
		p.addServer(w, strings.ToLower(name))
	case isNearlyServerID(name):
		p.fault(BadServerID, w.typed, serverIDForm)
	case strings.Contains(name, "*") && !letterOrNum.MatchString(name):
		p.fault(PatternTooWide, w.typed, "some letters or digits of the name, like web-*")
	case !isServerName(name):
		p.fault(NotAServerName, w.typed, nameHint(w))
	default:
		p.addServer(w, name)
	}
}

// serverText undoes what typing does to a name: a link made of it, dashes
// made of its hyphens.
func serverText(s string) string {
	if m := bareLink.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	if rest, ok := strings.CutPrefix(s, "—"); ok {
		s = "--" + rest // as for a flag; only after "--" can it be a name
	}
	return plainDashes(s)
}

func isServerName(s string) bool {
	return serverName.MatchString(s) && letterOrNum.MatchString(s)
}

// isNearlyServerID finds ids with a lost or mistyped digit. Up to two strange
// characters are allowed for, more make it a long name.
func isNearlyServerID(s string) bool {
	if len(s) < 30 || strings.Contains(s, "*") {
		return false
	}
	strange := len(notInID.FindAllString(s, 3))
	return strange == 0 || strange <= 2 && strings.Count(s, "-") >= 3
}

func semicolonHint(text string) string {
	names := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(semicolons+" ", r) })
	wrong := func(name string) bool { return !isServerName(name) }
	if len(names) == 0 || slices.ContainsFunc(names, wrong) {
		return "a space or a comma"
	}
	return strings.Join(names, ", ")
}

// nameHint says what was probably meant by a word that cannot be a name.
func nameHint(w typedWord) string {
	if key, _, ok := strings.Cut(w.text, "="); ok && isServerName(key) {
		return "--tag " + clip(w.typed, maxWord)
	}
	bare := strings.Trim(w.text, "`<>()[]{}\"'“”‘’:!")
	for _, meant := range []string{bare, strings.ReplaceAll(bare, "?", "*")} {
		if isServerName(meant) {
			return meant
		}
	}
	return nameForm
}

func (p *commandParser) addServer(w typedWord, name string) {
	if slices.Contains(p.cmd.Servers, name) {
		return
	}
	if len(p.cmd.Servers) < maxServers {
		p.cmd.Servers = append(p.cmd.Servers, name)
		return
	}
	said := slices.ContainsFunc(p.wrong, func(m Mistake) bool { return m.Kind == TooManyServers })
	if !said { // once is enough
		p.fault(TooManyServers, w.typed, fmt.Sprintf("at most %d", maxServers))
	}
}
