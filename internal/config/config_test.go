package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write docs/config.schema.json and the tables of docs/config.md again")

const (
	schemaFile = "../../docs/config.schema.json"
	docsFile   = "../../docs/config.md"
)

// everything has each key that can be there with the others.
const everything = `
keyspace: ecs
projects:
  - name: prod
    region: eu-west-101
    project_id: "0123"
    ak_env: PROD_AK
    sk_env: PROD_SK
    security_token_env: PROD_TOKEN
    channels: [C0PROD, G0PRIVATE]
    approval_channel: C0CARDS
    requesters: &dev [S0DEV, U0ANNA]
    approvers: [S0OPS]
    approvals: 2
    self_approval: true
    reason_required: true
    ttl: 1h30m
    max_servers: 50
    rate: 500
    batch_size: 20
    rate_anchor: finish
    protected_servers: [gateway, "*-db"]
    protected_tags: [critical, env=production]
    rules:
      - name: night
        match:
          servers: ["web-*"]
          tags: [env=production, "base64=YQ=="]
          actions: [stop, start]
          more_than: 10
          hours:
            - {days: [mon-fri, sun], from: 18:00, to: 08:00, zone: Europe/Berlin}
            - {days: [sat-mon]}
            - {to: "12:30"}
        require:
          requesters: *dev
          approvers: [S0NIGHT]
          quiet: [U0BOSS]
          approvals: 3
          self_approval: false
          escalate: {after: 15m, to: [S0SECOND]}
          reason: true
          ticket: CHG-[0-9]+
          channel: C0NIGHT
          ttl: 30m
      - name: power
        match: {type: HARD, actions: [stop]}
        deny: "The power stays on."
      - name: dev
        match: {tags: [env=dev]}
        auto: true
        auto_hard: true
        require: {ttl: 10m}
  - name: dev
    endpoint: https://ecs.example.com
    ak_file: /run/dev_ak
    sk_file: /run/dev_sk
    security_token_file: /run/dev_token
  - name: lab
    project_id: p3
    agency: true
`

func TestAFileBecomesPolicies(t *testing.T) {
	env := plain
	env.Region, env.ProjectID, env.ApprovalChannel = "ap-southeast-1", "p2", "C0ENV"
	env.Policy.Approvers = []string{"U0ENV"}
	env.Policy.Protection.Tags = []string{"keep"}

	no := false
	prod, dev, lab := env.Project, env.Project, env.Project
	prod.Name, prod.Region, prod.ProjectID = "prod", "eu-west-101", "0123"
	prod.Credentials = Credentials{AccessKey: Reference{Env: "PROD_AK"}, SecretKey: Reference{Env: "PROD_SK"}, SecurityToken: Reference{Env: "PROD_TOKEN"}}
	prod.Channels, prod.ApprovalChannel = []string{"C0PROD", "G0PRIVATE"}, "C0CARDS"
	prod.Policy = approvals.Policy{
		Requesters: []string{"S0DEV", "U0ANNA"}, Approvers: []string{"S0OPS"}, ApprovalsRequired: 2,
		AllowSelfApproval: true, TTL: 90 * time.Minute, ReasonRequired: true, MaxServers: 50, MaxOpenRequests: 20, MaxAsksPerHour: 60,
		Protection: approvals.Protection{Servers: []string{"gateway", "*-db"}, Tags: []string{"critical", "env=production"}},
	}
	prod.Rate, prod.BatchSize, prod.Anchor = 500, 20, "finish"
	prod.Policy.Rules = []approvals.Rule{{
		Name: "night", Servers: []string{"web-*"}, Tags: []string{"env=production", "base64=YQ=="},
		Actions: []approvals.Action{approvals.Stop, approvals.Start}, MoreThan: 10,
		Hours: []approvals.Hours{
			{Days: []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, From: 18 * 60, To: 8 * 60, Zone: "Europe/Berlin"},
			{Days: []time.Weekday{time.Sunday, time.Monday, time.Saturday}, From: 0, To: 24 * 60},
			{From: 0, To: 12*60 + 30},
		},
		Requesters: []string{"S0DEV", "U0ANNA"}, Approvers: []string{"S0NIGHT"}, Quiet: []string{"U0BOSS"}, Approvals: 3, SelfApproval: &no,
		Escalate: &approvals.Escalation{After: 15 * time.Minute, To: []string{"S0SECOND"}},
		Reason:   true, Ticket: "CHG-[0-9]+", Channel: "C0NIGHT", TTL: 30 * time.Minute,
	}, {
		Name: "power", Actions: []approvals.Action{approvals.Stop}, Hard: true, Deny: "The power stays on.",
	}, {
		Name: "dev", Tags: []string{"env=dev"}, Auto: true, AutoHard: true, TTL: 10 * time.Minute,
	}}
	dev.Name, dev.Region, dev.Endpoint = "dev", "", "https://ecs.example.com"
	dev.Credentials = Credentials{AccessKey: Reference{File: "/run/dev_ak"}, SecretKey: Reference{File: "/run/dev_sk"}, SecurityToken: Reference{File: "/run/dev_token"}}
	lab.Name, lab.ProjectID, lab.Credentials = "lab", "p3", Credentials{Agency: true}

	file := filepath.Join(t.TempDir(), "bot.yaml")
	if err := os.WriteFile(file, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(file, env)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(File{"ecs", []Project{prod, dev, lab}}, got); d != "" {
		t.Error(d)
	}
}

// A project that says nothing has what the environment says.
func TestWhatAProjectDoesNotSayComesFromTheEnvironment(t *testing.T) {
	env := plain
	env.Region, env.Endpoint, env.ProjectID = "ap-southeast-1", "https://ecs.example.com", "p2"
	env.Credentials = Credentials{AccessKey: Reference{Env: "A"}, SecretKey: Reference{File: "/b"}, SecurityToken: Reference{Env: "C"}}
	env.Policy.Approvers = []string{"U0ENV"}
	got, err := Parse("bot.yaml", []byte("projects: [{name: prod}]"), env)
	if err != nil {
		t.Fatal(err)
	}
	env.Name = "prod"
	if d := cmp.Diff(File{"ecsbot", []Project{env.Project}}, got); d != "" {
		t.Error(d)
	}
	// Of a pair of keys the token of another pair is no part.
	got, err = Parse("bot.yaml", []byte("projects: [{name: prod, ak_env: P, sk_env: Q}]"), env)
	if err != nil || got.Projects[0].Credentials.SecurityToken.IsSet() {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFilesThatCannotBeReadAreFaults(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, bytes.Repeat([]byte("# a comment\n"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "cannot be read; check that it is a file, and its rights",
		dir:                             "cannot be read; check that it is a file, and its rights",
		large:                           "is larger than 1 MB; it is not a configuration file",
	} {
		if _, err := Read(file, plain); errorText(err) != file+": "+want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheCommandMayBeUsedInAProjectsChannels(t *testing.T) {
	env := plain
	env.AllowedChannels = []string{"C0OPS"}
	_, err := Parse("f", []byte(prod+"    channels: [C0OPS, C0PROD]\n"), env)
	if want := `f:8:23: channels holds "C0PROD", where the command may not be used; add it to ALLOWED_CHANNELS`; errorText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Anchors save writing, and what they mean is checked in each place.
func TestAliasesMeanWhatTheirAnchorsDo(t *testing.T) {
	text := rules + `      - &one
        name: a
        match: {servers: [&web web-1]}
        deny: "No."
      - name: b
        match: {servers: [*web]}
        deny: "No."
`
	f, err := Parse("f", []byte(text), plain)
	if err != nil || len(f.Projects[0].Policy.Rules) != 2 || f.Projects[0].Policy.Rules[1].Servers[0] != "web-1" {
		t.Errorf("%+v %v", f, err)
	}
	_, err = Parse("f", []byte(text+"      - *one\n"), plain)
	if want := "f:10:9: name is also that of the rule in line 10; each needs its own"; errorText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// In a very long file the line of what is not YAML is the library's.
func TestTheLineOfAFaultInALongFile(t *testing.T) {
	long := strings.Repeat("# a comment\n", 2500)
	for end, want := range map[string]string{
		"projects:\n  - name: a\n    deny: No: never\n":    "f:2503:5: is not YAML: a key may not stand here; check the indentation, and put a text with a colon in quotes",
		"projects:\n  - name: a\n   region: b\nrules: x\n": "f:2502:3: is not YAML: an entry of a list or a key is not indented like the others before it; give all of them the same spaces",
	} {
		if _, err := Parse("f", []byte(long+end), plain); errorText(err) != want {
			t.Errorf("%s: %v", end, err)
		}
	}
}

// An editor on Windows begins a file with a byte-order mark and ends lines with \r\n.
func TestFilesOfWindowsAreRead(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(prod, "\n", "\r\n")
	if _, err := Parse("bot.yaml", []byte(text), plain); err != nil {
		t.Error(err)
	}
}

// Wherever somebody puts a secret by mistake, as a key, a value or an entry, no message
// repeats it.
func TestNoMessageRepeatsASecret(t *testing.T) {
	const secret = "abcdefghijABCDEFGHIJ0123456789abcdefghij"
	var scalar func(n *yaml.Node, visit func(*yaml.Node))
	scalar = func(n *yaml.Node, visit func(*yaml.Node)) {
		if n.Kind == yaml.ScalarNode {
			visit(n)
		}
		for _, c := range n.Content {
			scalar(c, visit)
		}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(everything), &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	scalar(&doc, func(at *yaml.Node) {
		was := *at
		*at = yaml.Node{Kind: yaml.ScalarNode, Value: secret}
		text, err := yaml.Marshal(&doc)
		*at = was
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse("bot.yaml", text, plain)
		if strings.Contains(errorText(err), secret) {
			t.Errorf("instead of %q: %v", was.Value, err)
		}
		n++
	})
	for _, text := range []string{prod + "    sk_env: *" + secret + "\n", prod + "    ? " + secret + "\n", prod + "    " + secret + "\n", prod + "    a: \"\\" + secret + "\n", secret, "- " + secret, prod + "    rate: !" + secret + " 5\n"} {
		_, err := Parse("bot.yaml", []byte(text), plain)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if n < 130 {
		t.Errorf("only %d places", n)
	}
}

// FuzzParse holds that no text breaks the reader, and that faults name places in the
// file, in order.
func FuzzParse(f *testing.F) {
	f.Add(everything)
	for _, b := range broken {
		f.Add(b.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse("f", []byte(text), plain)
		if err == nil {
			return
		}
		lines, last := strings.Count(text, "\n")+1, 0
		for _, fault := range err.(Faults) {
			if fault.Line < 1 || fault.Line > lines || fault.Col < 1 || fault.Line < last || fault.Message == "" {
				t.Errorf("%v in %d lines, after line %d", fault, lines, last)
			}
			last = fault.Line
		}
	})
}

func TestTheSchemaIsUpToDate(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/config.schema.json is old: go test ./internal/config -update")
	}
}

// keysMark stands before the tables in docs/config.md.
const keysMark = "<!-- go test ./internal/config -update writes what follows -->\n"

func TestTheDocsHaveEveryKey(t *testing.T) {
	got, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(got), keysMark)
	if !found {
		t.Fatal("docs/config.md has no place for the keys")
	}
	want := "\n" + strings.TrimSuffix(Keys(), "\n")
	if *update {
		if err := os.WriteFile(docsFile, []byte(before+keysMark+want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if after != want {
		t.Error("the keys in docs/config.md are old: go test ./internal/config -update")
	}
	n := 0
	var each func(reflect.Type)
	each = func(typ reflect.Type) {
		for _, k := range keysOf(typ) {
			n++
			if !strings.Contains(want, "| `"+k.name+"` |") {
				t.Errorf("the tables lack %s", k.name)
			}
			if k.doc == "" || k.must == "" && k.preset == "" {
				t.Errorf("%s has no meaning or no default", k.name)
			}
			if below := k.below(); below != nil {
				each(below)
			}
		}
	}
	each(reflect.TypeFor[document]())
	if n < 50 {
		t.Errorf("only %d keys", n)
	}
}

// examples are the files in docs/config.md.
func examples(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		all = append(all, string(m[1]))
	}
	if len(all) != 4 {
		t.Errorf("%d examples, want 4", len(all))
	}
	return all
}

func TestTheExamplesOfTheDocsAreGood(t *testing.T) {
	env := plain
	env.Credentials = Credentials{AccessKey: Reference{Env: "HUAWEICLOUD_SDK_AK"}, SecretKey: Reference{Env: "HUAWEICLOUD_SDK_SK"}}
	for _, text := range examples(t) {
		if _, err := Parse("config.md", []byte(text), env); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func TestTheSchemaTakesWhatTheReaderTakes(t *testing.T) {
	raw, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var parsed any
	if err := json.Unmarshal(raw, &parsed); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			return err
		}
		return schema.Validate(v)
	}
	for _, text := range append(examples(t), everything) {
		if err := validate(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	// What the decoder refuses, the schema refuses; only what checker refuses, and what
	// the form's function does, passes it.
	refused := 0
	for _, b := range broken {
		if validate(b.text) != nil {
			refused++
		}
	}
	if refused < 65 {
		t.Errorf("the schema refuses only %d of %d broken files", refused, len(broken))
	}
}

// The examples that messages show are of the form that they are about.
func TestExamplesOfFormsFit(t *testing.T) {
	for name, f := range forms {
		if !f.fits(f.example) {
			t.Errorf("%s: %q does not fit", name, f.example)
		}
		if f.fits("") || f.fits("a\nb/") {
			t.Errorf("%s takes what is no single line", name)
		}
	}
}
