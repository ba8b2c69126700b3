// Package config reads CONFIG_FILE: several cloud projects, and rules that say who
// decides about what. The file is YAML and read strictly: whatever is not understood
// is a [Fault] with its line and what to write instead, and all faults are reported at
// once. Secrets are not in the file; it says where they are.
package config

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"

	"ecsbot/internal/approvals"
)

// File is a configuration file, read and checked.
type File struct {
	Keyspace string // what the names of all keys in Redis begin with
	Projects []Project
}

// Project is one project in the cloud. What the file does not say about it has been
// filled in.
type Project struct {
	Name      string
	Region    string
	Endpoint  string // empty: the region's
	ProjectID string

	Credentials Credentials

	Channels        []string // a command typed there is about this project
	ApprovalChannel string   // empty: where the command was typed
	Policy          approvals.Policy

	Rate      int
	BatchSize int
	Anchor    string // submit or finish
}

// Environment is what the settings of the environment say.
type Environment struct {
	Project                  // what a project has where the file does not say otherwise
	AllowedChannels []string // where the command may be used; empty: everywhere
}

// Credentials say where a project's keys are, never what they are.
type Credentials struct {
	Agency        bool // temporary keys of the agency of the server that the bot runs on
	AccessKey     Reference
	SecretKey     Reference
	SecurityToken Reference // not set with permanent keys
}

// Reference names a variable of the environment, or a file, that holds a secret.
type Reference struct {
	Env  string
	File string
}

// IsSet reports whether r names anything.
func (r Reference) IsSet() bool { return r != Reference{} }

// Fault is what is wrong in one place of a file.
type Fault struct {
	File    string
	Line    int // from 1; 0: the whole file
	Col     int // from 1
	Message string
}

// Error is the fault as a compiler prints it.
func (f Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Col) + ": " + f.Message
}

// Faults are all faults of a file, in the order of their lines.
type Faults []Fault

// Error has a line for each fault.
func (all Faults) Error() string {
	lines := make([]string, len(all))
	for i, f := range all {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// mostBytes bounds a file: a larger one is not a configuration.
const mostBytes = 1 << 20

// Read reads a file. What a project does not say it takes from env. The error is of type [Faults]; no secret is in it.
func Read(file string, env Environment) (File, error) {
	if info, err := os.Stat(file); err == nil && info.Size() > mostBytes {
		return File{}, Faults{{File: file, Message: "is larger than 1 MB; it is not a configuration file"}}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return File{}, Faults{{File: file, Message: "cannot be read; check that it is a file, and its rights"}}
	}
	return Parse(file, text, env)
}

// Parse is [Read] for the text of a file.
func Parse(file string, text []byte, env Environment) (File, error) {
	d := decoder{file: file, at: map[any]place{}, bad: map[any]bool{}}
	var doc document
	if root := d.parse(text); root != nil {
		d.document(root, &doc)
		c := checker{decoder: &d, env: env}
		if f := c.convert(&doc); len(d.faults) == 0 {
			return f, nil
		}
	}
	slices.SortFunc(d.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Message, b.Message))
	})
	return File{}, Faults(slices.Compact(d.faults))
}
