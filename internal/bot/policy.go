package bot

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"ecsbot/internal/config"
)

// policy is the command `bot policy`, which works on a configuration file without
// tokens, Redis or the cloud.
func policy(args []string, stdout, stderr io.Writer) int {
	if len(args) != 2 || args[0] != "check" {
		return unknown("policy "+strings.Join(args, " "), stderr)
	}
	environ, err := ReadEnviron(os.Environ(), ".env")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	return checkPolicy(args[1], environ.Lookup, stdout, stderr)
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
		for _, r := range p.Rules {
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
