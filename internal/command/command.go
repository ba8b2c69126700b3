// Package command understands what a person typed: after the slash command,
// or into the fields of the request form, which are read by the same rules.
//
// [Parse] makes a [Command] of a text, or returns all its [Mistakes] at once. A
// mistake is data: what is wrong, and with which word. The caller makes the
// sentence that a person reads.
//
// The files follow the text: typing.go undoes what Slack and keyboards do to
// it, scan.go cuts it into words, verbs.go, servers.go and flags.go say what
// the words mean. Of Slack the package knows only how it writes what was typed.
package command

import "unicode/utf8"

// Command is what a person typed after /ecs-stop, understood.
type Command struct {
	Verb    Verb     // Ask is the zero value: servers to be stopped
	Servers []string // ids in lower case, exact names, or patterns with '*'; in order, without repeats
	Tags    []string // "key=value"; all must hold
	Hard    bool
	Reason  string // one line, not escaped: it must be before it is shown
	Project string
	Ticket  string // of a change; not escaped
	DryRun  bool
	ID      string // the request that status, approve, deny, cancel, retry or start is about: "S-7K3MQ"
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
	Retry    Verb = "retry" // what failed of a request
	Start    Verb = "start" // again what a request stopped

	ShowServers Verb = "servers"
	Explain     Verb = "explain" // which rules apply to servers
)

// The bounds keep a slip of the paste buffer out. How many servers one request
// may have is policy and is checked elsewhere.
const (
	MaxReason  = 500 // characters of a reason
	MaxTicket  = 100 // characters of a ticket
	maxText    = 4000
	maxServers = 1000
	maxHistory = 100
	maxWord    = 60 // characters of a word that is shown as a mistake
)

// Parse understands what was typed after the slash command. The error, if any,
// is Mistakes with all that is wrong, and then the Command is empty.
func Parse(text string) (Command, error) {
	if n := utf8.RuneCountInString(text); n > maxText {
		return Command{}, Mistakes{{Kind: TooLong, Count: n, Limit: maxText}}
	}
	p := newParser(text)
	p.parse()
	if len(p.mistakes) > 0 {
		return Command{}, p.mistakes
	}
	return p.cmd, nil
}

// parser reads one text. It notes mistakes and goes on reading.
type parser struct {
	scan     scanner
	cmd      Command
	mistakes Mistakes

	howSaid    string // the flag that said soft or hard
	reasonSaid string // the --reason flag, if its text was several words without quotes
	askSaid    bool   // servers or tags were given, right or wrong
}

func newParser(text string) *parser {
	return &parser{scan: scanner{text: []rune(asTyped(text))}}
}

func (p *parser) parse() {
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
		p.mistake(LooksLikeVerb, first.typed, near)
		return
	}
	p.scan.pos = first.start
	p.ask()
}
