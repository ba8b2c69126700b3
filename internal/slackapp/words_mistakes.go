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
		return ":x: I could not read that; nothing was asked for. Try " + code(slash+" help") + "."
	}
	// The answer goes with the acknowledgement, which Slack drops if it is long.
	said := listing(all, len(all), 3000, func(m command.Mistake) string { return "• " + sayMistake(m) })
	return ":x: Nothing was asked for:\n" + said + "\nMore: " + code(slash+" help")
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
		return word + " is not a tag. Write " + code(m.Hint) + "."
	case command.TagWithoutValue:
		return word + " has no value. Write " + escape(m.Hint) + "=value, or " + escape(m.Hint) + `="" if the value is empty.`
	case command.TagNotServer:
		return word + " cannot be a server's name. If it is a tag, write it into the field for tags."
	case command.UnexpectedWord:
		return word + " does not belong here: flags are for the command, not for this form."
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
	case command.TooManyServers:
		return "That names too many servers: at most " + thousands(m.Limit) + "."
	case command.ControlCharacter:
		return word + " holds an invisible control character (" + escape(m.Hint) + "). Type it again."
	case command.OpenQuote:
		return "The quote at " + word + " is not closed. Put a closing quote at the end of a word."
	case command.UnknownFlag:
		return "I do not know the flag " + word + "." + sayMeant(m.Hint)
	case command.FlagNeedsValue:
		return word + " needs a value." + right
	case command.FlagTakesNoValue:
		return word + " takes no value." + right
	case command.FlagTwice:
		return word + " is given twice; it was " + hint + " before. Give it once."
	case command.Contradiction:
		return word + " contradicts " + hint + ". Choose one."
	case command.BadTag:
		return word + " is not a tag. Write " + code("--tag "+m.Hint) + "."
	case command.TagWithoutValue:
		return word + " has no value. Write " + code("--tag "+m.Hint+"=value") + ", or " + code("--tag "+m.Hint+`=""`) + " if the value is empty."
	case command.BadType:
		return word + " is not a way to stop. It has to be SOFT or HARD."
	case command.BadNumber:
		return word + " is not a number that fits here. It has to be 1 to " + thousands(m.Limit) + "."
	case command.BadID:
		return word + " is not a request's id: S- and 5 or 6 letters or digits, never 0, O, 1, I or L."
	case command.MissingID:
		return "Which request?" + right
	case command.UnexpectedWord:
		return word + " does not belong there." + right
	case command.LooksLikeVerb:
		return word + " looks like a mistyped word. Write " + hint + ", or " + code("-- "+m.Word) + " for a server of that name."
	case command.NotAServerName:
		if m.Hint == "" {
			return word + " cannot be a server's name. A name has 1 to 64 letters, digits, '_', '-' or '.'; '*' in a pattern."
		}
		return word + " cannot be a server's name." + sayMeant(m.Hint)
	case command.TagNotServer:
		return word + " cannot be a server's name." + sayMeant("--tag "+m.Word)
	case command.BadServerID:
		return word + " is not a server's id: that has 32 hex digits, 8-4-4-4-12."
	case command.MentionNotServer:
		return word + " is a person or a channel, not a server. Write a server's name or id."
	case command.PatternTooWide:
		return word + " would be every server. Write some letters or digits of the name, like " + code("web-*") + "."
	case command.Semicolon:
		return word + " has a semicolon. Use spaces or commas." + right
	case command.NoServers:
		return "No server is named. Write " + code("SERVER… or --tag key=value") + "."
	case command.ReasonWithoutServers:
		return "Everything after `--reason` was read as the reason, so no server is named. Put the servers first, or quote the reason."
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
