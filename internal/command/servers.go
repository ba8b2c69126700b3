package command

import (
	"regexp"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

var (
	serverName  = regexp.MustCompile(`^[\p{L}\p{Mn}\p{Mc}\p{Nd}_.*-]{1,64}$`) // marks: é may be two characters
	letterOrNum = regexp.MustCompile(`[\p{L}\p{Nd}]`)
	notInID     = regexp.MustCompile(`(?i)[^0-9a-f-]`)
	bareLink    = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*://([^/?#:]+)(:\d+)?/?$`)
	stars       = regexp.MustCompile(`\*+`)
)

// ask reads servers and flags.
func (p *parser) ask() {
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
		p.mistake(ReasonWithoutServers, p.reasonSaid, "")
		return
	}
	p.mistake(NoServers, "", "")
}

// openQuote reports a quote that hides all the rest, servers perhaps among it.
func (p *parser) openQuote(w word) {
	p.askSaid = true
	p.mistake(OpenQuote, w.typed, "")
}

func (p *parser) server(w word) {
	p.askSaid = true
	name := stars.ReplaceAllString(serverText(w.text), "*")
	id := strings.ToLower(name)
	switch {
	case strings.ContainsAny(name, semicolons):
		p.mistake(Semicolon, w.typed, semicolonHint(w.text))
	case strings.HasPrefix(name, "@"), strings.HasPrefix(name, "#"):
		p.mistake(MentionNotServer, w.typed, "")
	case approvals.IsServerID(id):
		p.addServer(w, id)
	case isNearlyServerID(name):
		p.mistake(BadServerID, w.typed, "")
	case strings.Contains(name, "*") && !letterOrNum.MatchString(name):
		p.mistake(PatternTooWide, w.typed, "")
	case !isServerName(name) && looksLikeTag(w):
		p.mistake(TagNotServer, w.typed, "")
	case !isServerName(name):
		p.mistake(NotAServerName, w.typed, nearName(w))
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

// semicolonHint writes names that semicolons separate with commas, if they are
// names.
func semicolonHint(text string) string {
	names := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(semicolons+" ", r) })
	wrong := func(name string) bool { return !isServerName(name) }
	if len(names) == 0 || slices.ContainsFunc(names, wrong) {
		return ""
	}
	return strings.Join(names, ", ")
}

func looksLikeTag(w word) bool {
	key, _, equals := strings.Cut(w.text, "=")
	return equals && isServerName(key)
}

// nearName is the name that was probably meant by a word that cannot be one.
func nearName(w word) string {
	bare := strings.Trim(w.text, "`<>()[]{}\"'“”‘’:!")
	for _, meant := range []string{bare, strings.ReplaceAll(bare, "?", "*")} {
		if isServerName(meant) {
			return meant
		}
	}
	return ""
}

func (p *parser) addServer(w word, name string) {
	if slices.Contains(p.cmd.Servers, name) {
		return
	}
	if len(p.cmd.Servers) < maxServers {
		p.cmd.Servers = append(p.cmd.Servers, name)
		return
	}
	said := slices.ContainsFunc(p.mistakes, func(m Mistake) bool { return m.Kind == TooManyServers })
	if !said { // once is enough
		p.mistakeOf(Mistake{Kind: TooManyServers, Word: w.typed, Limit: maxServers})
	}
}

// showServers reads the servers of the verb that only shows them: named as for
// a request, but nothing that says how or why to stop them.
func (p *parser) showServers() {
	if p.explain(); p.howSaid != "" {
		p.unexpected(p.howSaid)
	}
}

// explain reads servers and how they would be stopped, but nothing that says why.
func (p *parser) explain() {
	p.ask()
	switch {
	case p.cmd.Reason != "":
		p.unexpected("--reason")
	case p.cmd.Ticket != "":
		p.unexpected("--ticket")
	case p.cmd.DryRun:
		p.unexpected("--dry-run")
	}
}
