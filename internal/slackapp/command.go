package slackapp

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Command is what a person typed after /ecs-stop, understood.
type Command struct {
	Verb    Verb     // Ask is the zero value: servers to be stopped
	Servers []string // ids in lower case, exact names, or patterns with '*'; in order, without repeats
	Tags    []string // "key=value"; all must hold
	Hard    bool
	Reason  string // one line, not escaped: it must be before it is shown
	Project string
	DryRun  bool
	ID      string // the request that status, approve, deny or cancel is about: "S-XXXXX"
	N       int    // how many history is to show; 0 if not said
}

// Verb is what the command asks the bot to do.
type Verb string

const (
	Ask      Verb = ""
	Form     Verb = "form" // nothing at all was typed; never typed itself
	Help     Verb = "help"
	List     Verb = "list"
	Status   Verb = "status"
	History  Verb = "history"
	Approve  Verb = "approve"
	Deny     Verb = "deny"
	Cancel   Verb = "cancel"
	Freeze   Verb = "freeze"
	Unfreeze Verb = "unfreeze"
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
}

var (
	verbNames = []string{"help", "list", "status", "history", "approve", "deny", "cancel", "freeze", "unfreeze"}
	flagNames = []string{"tag", "soft", "hard", "type", "reason", "project", "dry-run"}
)

// The bounds keep a slip of the paste buffer out. How many servers one request
// may have is policy and is checked elsewhere.
const (
	maxText    = 4000
	maxReason  = 500
	maxServers = 1000
	maxHistory = 100
	maxWord    = 60
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

const (
	nameForm     = "1 to 64 letters, digits, '_', '-' or '.'; '*' in a pattern"
	serverIDForm = "a server id has 32 hex digits: 8-4-4-4-12"
	idForm       = "S- and 5 or 6 letters or digits, never 0, O, 1, I or L"
	askForm      = "SERVER… or --tag key=value"
)

var (
	serverName   = regexp.MustCompile(`^[\p{L}\p{Mn}\p{Mc}\p{Nd}_.*-]{1,64}$`) // marks: é may be two characters
	letterOrNum  = regexp.MustCompile(`[\p{L}\p{Nd}]`)
	serverID     = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	notInID      = regexp.MustCompile(`(?i)[^0-9a-f-]`)
	bareLink     = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*://([^/?#:]+)(:\d+)?/?$`)
	stars        = regexp.MustCompile(`\*+`)
	requestID    = regexp.MustCompile(`^[2-9A-HJKMNP-Z]{5,6}$`)
	tagKey       = regexp.MustCompile(`^[^=*<>\\|,]{1,128}$`)
	tagValue     = regexp.MustCompile(`^[^*<>\\|,]{0,255}$`)
	historyCount = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// Parse understands what was typed after the command. The error, if any, is
// Mistakes with every fault of the text, and then the Command is empty.
func Parse(text string) (Command, error) {
	if n := utf8.RuneCountInString(text); n > maxText {
		return Command{}, Mistakes{{TooLong, "", fmt.Sprintf("at most %d characters, not %d", maxText, n)}}
	}
	p := commandParser{scan: typingScanner{text: []rune(asTyped(text))}}
	p.parse()
	if len(p.wrong) > 0 {
		return Command{}, p.wrong
	}
	return p.cmd, nil
}

// commandParser is the state of one Parse.
type commandParser struct {
	scan  typingScanner
	cmd   Command
	wrong Mistakes

	howSaid    string // the flag that said soft or hard
	reasonSaid string // the --reason flag, if its text was several words without quotes
	askSaid    bool   // something stood for servers, right or wrong
}

func (p *commandParser) parse() {
	first, ok := p.scan.next()
	if !ok {
		p.cmd.Verb = Form
		return
	}
	if verb, ok := p.verbOf(first); ok {
		p.cmd.Verb = verb
		p.arguments(first)
		return
	}
	if near := p.almostVerb(first); near != "" {
		p.fault(LooksLikeVerb, first.typed,
			fmt.Sprintf(`%s, or "-- %s" for a server of that name`, near, clip(first.text, maxWord)))
		return
	}
	p.scan.pos = first.start
	p.ask()
}

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
	case Status, Approve, Cancel:
		p.requestID(verb)
	case Deny:
		if p.requestID(verb) {
			p.restIsReason()
		}
	case Freeze:
		p.restIsReason()
	case History:
		p.historyCount()
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
		if p.cmd.ID, ok = parseRequestID(w.text); !ok {
			p.fault(BadID, w.typed, idForm)
		}
		return true
	}
	p.fault(MissingID, verb.typed, verbForms[p.cmd.Verb])
	return false
}

func parseRequestID(s string) (string, bool) {
	id := strings.ToUpper(plainDashes(strings.Trim(s, "`.,:;!?")))
	id = strings.TrimPrefix(id, "S-")
	return "S-" + id, requestID.MatchString(id)
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
	if !historyCount.MatchString(w.text) || n < 1 || n > maxHistory {
		p.fault(BadNumber, w.typed, fmt.Sprintf("1 to %d", maxHistory))
	}
	p.cmd.N = n
}

// ask reads servers and flags.
func (p *commandParser) ask() {
	onlyServers := false
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		flag := w.flag()
		switch {
		case w.open && (onlyServers || flag != "--reason"):
			p.openQuote(w)
		case onlyServers || flag == "":
			p.server(w)
		case flag == "--" && !strings.Contains(w.text, "="):
			onlyServers = true
		default:
			p.flag(w, flag)
		}
	}
	switch {
	case p.askSaid:
	case p.reasonSaid != "":
		p.fault(ReasonWithoutServers, p.reasonSaid, "servers before --reason, or the reason in quotes")
	default:
		p.fault(NoServers, oneLine(string(p.scan.text)), askForm)
	}
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
	wrong := len(notInID.FindAllString(s, 3))
	return len(s) >= 30 && !strings.Contains(s, "*") &&
		(wrong == 0 || wrong <= 2 && strings.Count(s, "-") >= 3)
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
	switch {
	case slices.Contains(p.cmd.Servers, name):
	case len(p.cmd.Servers) < maxServers:
		p.cmd.Servers = append(p.cmd.Servers, name)
	case !slices.ContainsFunc(p.wrong, func(m Mistake) bool { return m.Kind == TooManyServers }):
		p.fault(TooManyServers, w.typed, fmt.Sprintf("at most %d", maxServers))
	}
}

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

// value reads the value of a flag: behind its equals sign, or the next word.
func (p *commandParser) value(w typedWord, form string) (typedWord, bool) {
	before := p.scan.pos
	v, ok := w.afterEquals()
	if !ok {
		v, ok = p.scan.next()
		if ok && v.flag() != "" {
			p.scan.pos, ok = before, false
		}
	}
	v.text = oneLine(v.text)
	switch {
	case ok && v.open:
		p.openQuote(v)
		return v, false
	case !ok || v.text == "":
		typed, _, _ := strings.Cut(w.typed, "=")
		p.fault(FlagNeedsValue, typed, form)
		return v, false
	case !v.quoted && strings.ContainsAny(v.text, semicolons):
		p.fault(Semicolon, v.typed, semicolonHint(v.text))
		return v, false
	}
	return v, true
}

func (p *commandParser) tag(w typedWord) {
	p.askSaid = true // even a wrong tag was meant to choose servers
	v, ok := p.value(w, "--tag key=value")
	if !ok {
		return
	}
	key, value, equals := strings.Cut(plainDashes(v.text), "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch tag := key + "=" + value; {
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
	switch {
	case !ok:
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
	text, quoted, open := p.scan.reason()
	switch {
	case open:
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
