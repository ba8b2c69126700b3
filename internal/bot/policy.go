package bot

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"ecsbot/internal/config"
)

// policy is the command `bot policy`, which works on the rules without Slack and Redis.
func policy(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	check := len(args) == 2 && args[0] == "check"
	explain := len(args) > 0 && args[0] == "explain"
	if !check && !explain {
		return unknown("policy "+strings.Join(args, " "), stderr)
	}
	environ, err := ReadEnviron(os.Environ(), ".env")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if check {
		return checkPolicy(args[1], environ.Lookup, stdout, stderr)
	}
	e, err := readExplanation(args[1:], stderr)
	if err != nil {
		return exitUsage
	}
	return explainPolicy(ctx, e, environ.Lookup, stdout, stderr)
}

// checkPolicy prints what is wrong in a file as a compiler does, or a line for each
// project.
func checkPolicy(file string, lookup Lookup, stdout, stderr io.Writer) int {
	f, err := config.Read(file, envOf(lookup))
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, p := range f.Projects {
		var rules []string
		for _, r := range p.Policy.Rules {
			rules = append(rules, r.Name)
		}
		fmt.Fprintf(table, "%s\t%s\trules: %s\n", p.Name, cmp.Or(p.Endpoint, p.Region), cmp.Or(strings.Join(rules, ", "), "none"))
	}
	table.Flush()
	return exitOK
}

// envOf reads what projects have where the file does not say otherwise. Faults of the
// environment do not matter here; a setting with a fault has its default.
func envOf(lookup Lookup) config.Environment {
	s := settings{lookup: lookup}
	return s.environment()
}
