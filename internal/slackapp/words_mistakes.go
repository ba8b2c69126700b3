package slackapp

import (
	"errors"
	"fmt"
	"strings"

	"ecsbot/internal/command"
)

// Words about mistakes in what a person typed: after the command or into the
// form.

// sayMistakes names every mistake in a command at once. slash is the command
// as it is called in this workspace.
func sayMistakes(slash string, err error) string {
	var all command.Mistakes
	if !errors.As(err, &all) {
		return ":x: I couldn't read that. No request was created. Try " + code(slash+" help") + "."
	}
	// The answer goes with the acknowledgement, which Slack drops if it is long.
	said := listing(all, len(all), 3000, func(m command.Mistake) string { return "• " + sayMistake(m) })
	return ":x: No request was created:\n" + said + "\nHelp: " + code(slash+" help")
}

// sayFieldMistakes says all that is wrong in one field of the form.
func sayFieldMistakes(all command.Mistakes) string {
	said := make([]string, len(all))
	for i, m := range all {
		said[i] = plainly(sayFieldMistake(m))
	}
	return clip(strings.Join(said, " "), 600)
}

// sayFieldMistake says in the form what is wrong. Where it differs from what is
// said about a command, it speaks of fields instead of flags.
func sayFieldMistake(m command.Mistake) string {
	word := code(m.Word)
	switch m.Kind {
	case command.BadTag:
		return word + " is not a tag. Use key=value, for example " + code(m.Hint) + "."
	case command.TagWithoutValue:
		return word + " has no value. Write " + escape(m.Hint) + "=value, or " + escape(m.Hint) + `="" if the value is empty.`
	case command.TagNotServer:
		return word + " can't be a server name. If it is a tag, put it in the tags field."
	case command.UnexpectedWord:
		return word + " is a flag of the command. Use the fields of this form instead."
	}
	return sayMistake(m)
}

// sayMistake says what is wrong with a command, shows the word, and how to do it
// right.
func sayMistake(m command.Mistake) string {
	word, hint := code(m.Word), code(m.Hint)
	right := ""
	if m.Hint != "" {
		right = " Write " + hint + "."
	}
	switch m.Kind {
	case command.TooLong:
		return "The command is too long: " + sayTooMany(m) + "."
	case command.ReasonTooLong:
		return "The reason is too long: " + sayTooMany(m) + "."
	case command.TicketTooLong:
		return "The ticket is too long: " + sayTooMany(m) + "."
	case command.TooManyServers:
		return "That names too many servers: at most " + thousands(m.Limit) + "."
	case command.ControlCharacter:
		return word + " contains an invisible control character (" + escape(m.Hint) + "). Please retype it."
	case command.OpenQuote:
		return "The quote at " + word + " is not closed. Add a closing quote."
	case command.UnknownFlag:
		return "Unknown flag " + word + "." + sayMeant(m.Hint)
	case command.FlagNeedsValue:
		return word + " needs a value." + right
	case command.FlagTakesNoValue:
		return word + " takes no value." + right
	case command.FlagTwice:
		return word + " was given twice; the first one was " + hint + ". Give it once."
	case command.Contradiction:
		return word + " contradicts " + hint + ". Choose one."
	case command.BadTag:
		return word + " is not a tag. Write " + code("--tag "+m.Hint) + "."
	case command.TagWithoutValue:
		return word + " has no value. Write " + code("--tag "+m.Hint+"=value") + ", or " + code("--tag "+m.Hint+`=""`) + " if the value is empty."
	case command.BadType:
		return word + " is not a shutdown type. Use SOFT or HARD."
	case command.BadNumber:
		return word + " is not a valid number here. Use 1 to " + thousands(m.Limit) + "."
	case command.BadID:
		return word + " is not a request id. Ids look like `S-7K3MQ`: never with 0, O, 1, I or L."
	case command.MissingID:
		return "Which request?" + right
	case command.UnexpectedWord:
		return word + " doesn't belong there." + right
	case command.LooksLikeVerb:
		return "Did you mean " + hint + " instead of " + word + "? For a server of that name, write " + code("-- "+m.Word) + "."
	case command.NotAServerName:
		if m.Hint == "" {
			return word + " can't be a server name. Names have 1 to 64 letters, digits, '_', '-' or '.'; patterns also '*'."
		}
		return word + " can't be a server name." + sayMeant(m.Hint)
	case command.TagNotServer:
		return word + " can't be a server name." + sayMeant("--tag "+m.Word)
	case command.BadServerID:
		return word + " is not a server id: those have 32 hex digits, 8-4-4-4-12."
	case command.MentionNotServer:
		return word + " is a person or a channel. Use the name or id of a server."
	case command.PatternTooWide:
		return word + " would match every server. Add part of the name, like " + code("web-*") + "."
	case command.Semicolon:
		return word + " contains a semicolon. Separate servers with spaces or commas." + right
	case command.NoServers:
		return "Name at least one server, or use `--tag key=value`."
	case command.ReasonWithoutServers:
		return "Everything after `--reason` became the reason. Put the servers first, or quote the reason."
	}
	return word + ": " + m.Kind.String() + "." + right
}

func sayTooMany(m command.Mistake) string {
	return fmt.Sprintf("at most %s characters, not %s", thousands(m.Limit), thousands(m.Count))
}

func sayMeant(hint string) string {
	if hint == "" {
		return ""
	}
	return " Did you mean " + code(hint) + "?"
}
