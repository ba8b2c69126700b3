package slackapp

import (
	"fmt"
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
	Servers  Verb = "servers"
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
