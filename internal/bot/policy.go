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
	f, err := config.Read(file, environment(lookup))
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

// environment returns what projects have where the file does not say otherwise. Faults
// of other settings do not matter here; a setting with a fault has its default.
func environment(lookup Lookup) config.Environment {
	c, _, _ := load(lookup)
	s := settings{lookup: lookup}
	return config.Environment{
		AllowedChannels: c.AllowedChannels,
		Project: config.Project{
			Region:    s.get("ECS_REGION"),
			Endpoint:  s.get("ECS_ENDPOINT"),
			ProjectID: c.ProjectID,
			Credentials: config.Credentials{
				AccessKey:     s.reference("HUAWEICLOUD_SDK_AK"),
				SecretKey:     s.reference("HUAWEICLOUD_SDK_SK"),
				SecurityToken: s.reference("HUAWEICLOUD_SDK_SECURITY_TOKEN"),
			},
			ApprovalChannel: c.Channel,
			Policy:          c.Policy,
			Rate:            c.Rate,
			BatchSize:       c.BatchSize,
			Anchor:          string(c.Anchor),
		},
	}
}

// reference says where a secret of the environment is.
func (s *settings) reference(name string) config.Reference {
	switch file := s.raw(name + "_FILE"); {
	case s.raw(name) != "":
		return config.Reference{Env: name}
	case file != "":
		return config.Reference{File: file}
	}
	return config.Reference{}
}
