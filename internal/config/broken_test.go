package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// plain is what the environment says where nothing but the defaults is set.
var plain = Environment{Project: Project{
	Policy: approvals.Policy{ApprovalsRequired: 1, TTL: time.Hour, MaxServers: 1000, MaxOpenRequests: 20, MaxAsksPerHour: 60},
	Rate:   1000, BatchSize: 100, Anchor: "submit",
}}

// prod is a project of seven lines, and alpha and beta are two of eight.
const (
	prod  = "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: p1\n    ak_env: PROD_AK\n    sk_env: PROD_SK\n    approvers: [S0OPS]\n"
	beta  = "  - name: dev\n    region: eu-west-101\n    project_id: p2\n    agency: true\n    approvers: [U0ANNA, U0BEN]\n"
	rules = prod + "    rules:\n"
)

// broken are files with the faults that each has, without the file's name.
var broken = []struct {
	name, text string
	want       []string
}{
	// What is not YAML.
	{"empty", "", []string{"1:1: is empty; write projects: and below it a list of at least one project"}},
	{"comments only", "# projects\n\n", []string{"1:1: is empty; write projects: and below it a list of at least one project"}},
	{"null", "---\n~\n", []string{"1:1: is empty; write projects: and below it a list of at least one project"}},
	{"tabs", "projects:\n\t- name: prod\n\t  region: eu-west-101\n", []string{"2:1: is indented with a tab; use spaces", "3:1: is indented with a tab; use spaces"}},
	{"tab after spaces", "projects:\n  - name: prod\n  \tregion: eu-west-101\n", []string{"3:3: is indented with a tab; use spaces"}},
	{"two documents", prod + "---\nkeyspace: a\n", []string{"8:1: is the second document of this file; keep one, without a line --- in it"}},
	{"second document not YAML", prod + "---\na: [\n", []string{"9:1: is not YAML: a value is missing; write it, or put the text in quotes"}},
	{"list not closed", "projects:\n  - name: prod\n    approvers: [U0ANNA, U0BEN\n    region: eu-west-101\n", []string{"3:5: is not YAML: a list is not closed; write ] at its end, and a comma between its entries"}},
	{"mapping not closed", prod + "    rules:\n      - {name: a, deny: \"No.\"\n    rate: 5\n", []string{"9:7: is not YAML: a mapping is not closed; write } at its end, and a comma between its keys"}},
	{"colon in text", prod + "    rules:\n      - name: a\n        deny: Frozen: ask later\n", []string{"10:9: is not YAML: a key may not stand here; check the indentation, and put a text with a colon in quotes"}},
	{"key without colon", prod + "    rate\n    ttl: 1h\n", []string{"8:5: is not YAML: a key has no colon; write key: value"}},
	{"indentation", "projects:\n  - name: prod\n   region: eu-west-101\n", []string{"3:4: is not YAML: an entry of a list or a key is not indented like the others before it; give all of them the same spaces"}},
	{"quote not closed", prod + "    approval_channel: 'C0PROD\n", []string{"8:5: is not YAML: a quote is not closed; write it at the end of the text"}},
	{"at sign", prod + "    requesters: [@ops]\n", []string{"8:5: is not YAML: a value begins with a character that YAML keeps for itself; put the text in quotes"}},
	{"pattern without quotes", prod + "    protected_servers: [*-db]\n", []string{"8:25: a value that begins with * means a value that an & before it names, and there is none; put the text in quotes"}},
	{"star alone", prod + "    protected_servers: [*]\n", []string{"8:5: is not YAML: a value begins with * or &; put the text in quotes"}},
	{"backslash", rules + "      - name: a\n        require: {ticket: \"CHG-\\d+\"}\n", []string{"10:9: is not YAML: a text in double quotes has a backslash; put it in single quotes"}},
	{"not UTF-8", "projects:\n  - name: pr\xf6d\n", []string{"2:13: is not UTF-8 text; save the file as UTF-8"}},
	{"control character", "projects:\n  - name: pr\x00d\n", []string{"2:13: is a control character; delete it"}},
	{"line breaks of YAML alone", "projects:\r  - name: prod\n", []string{"1:10: is a control character; delete it"}},
	{"line separator", "projects:\n  - name: a\u2028b\n", []string{"2:12: is a control character; delete it"}},
	{"tag", prod + "    rate: !!str 5\n", []string{"8:11: rate has a tag, which begins with !; leave the tag out"}},
	{"merge key", "projects:\n  - &a\n    name: prod\n    region: eu-west-101\n    project_id: p1\n    agency: true\n    approvers: [S0OPS]\n  - <<: *a\n    name: dev\n    project_id: p2\n", []string{
		"8:5: << is not supported; write the keys out",
		"9:5: approvers is missing; write user ids (U…) or user-group ids (S…), or set APPROVERS",
		"9:5: region is missing; write a region's id like ap-southeast-1, or set ECS_REGION",
		"9:5: the project has no credentials; write ak_env and sk_env, ak_file and sk_file, or agency: true, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
	}},
	{"key is a list", "? [a, b]\n: c\n" + prod, []string{"1:3: a key is a list; write the name of a key"}},

	// Keys.
	{"misspelt key", prod + "    aprovals: 2\n", []string{`8:5: "aprovals" is not a key; did you mean approvals?`}},
	{"key with hyphen", prod + "    batch-size: 5\n", []string{`8:5: "batch-size" is not a key; did you mean batch_size?`}},
	{"key in capitals", prod + "    maxServers: 5\n", []string{`8:5: "maxServers" is not a key; did you mean max_servers?`}},
	{"unknown key", "redis: x\n" + prod, []string{`1:1: "redis" is not a key; there are keyspace, projects`}},
	{"long key", "this-is-a-very-long-key-that-nobody-needs: x\n" + prod, []string{"1:1: a long text is not a key; there are keyspace, projects"}},
	{"key twice", prod + "    name: prod\n", []string{`8:5: "name" is there twice; the first is in line 2`}},
	{"key too far out", rules + "      - name: a\n        approvers: [U0ANNA]\n        tags: [a]\n", []string{
		"9:9: the rule demands nothing; write require, deny or auto: true",
		`10:9: "approvers" belongs into require; indent it below require:`,
		`11:9: "tags" belongs into match; indent it below match:`,
	}},
	{"key far too far out", prod + "    quiet: [U0ANNA]\n", []string{`8:5: "quiet" belongs into rules.require; indent it below require:`}},
	{"key too far in", rules + "      - name: a\n        require:\n          approvals: 2\n          deny: \"No.\"\n", []string{`12:11: "deny" belongs to the rule; give it the indentation of that`}},
	{"project not in list", "name: prod\nregion: eu-west-101\n", []string{
		`1:1: "name" belongs into projects; indent it below projects:`,
		"1:1: projects is missing; it has to be a list of projects",
		`2:1: "region" belongs into projects; indent it below projects:`,
	}},
	{"no projects", "keyspace: a\n", []string{"1:1: projects is missing; it has to be a list of projects"}},
	{"no name", "projects:\n  - region: eu-west-101\n    project_id: p1\n    agency: true\n    approvers: [S0OPS]\n", []string{"2:5: name is missing; it has to be what people write after --project, like prod"}},

	// Secrets.
	{"literal keys", prod + "    ak: ABCDEFGHIJ0123456789\n    secret_key: abcdefghijABC\n    security-token: t\n    password: hunter2\n", []string{
		`8:5: "ak" would be a secret in this file; write ak_env with the name of the variable that holds it, or ak_file with the path of a file`,
		`9:5: "secret_key" would be a secret in this file; write sk_env with the name of the variable that holds it, or sk_file with the path of a file`,
		`10:5: "security-token" would be a secret in this file; write security_token_env with the name of the variable that holds it, or security_token_file with the path of a file`,
		`11:5: "password" would be a secret in this file; write sk_env with the name of the variable that holds it, or sk_file with the path of a file`,
	}},
	{"access_key", prod + "    access_key: a\n", []string{`8:5: "access_key" would be a secret in this file; write ak_env with the name of the variable that holds it, or ak_file with the path of a file`}},
	{"secret instead of a variable", "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: p1\n    ak_env: ABCDEFGHIJ0123456789\n    sk_env: abcdefghijABCDEFGHIJ0123456789abcdefghij\n    approvers: [S0OPS]\n", []string{
		"5:13: ak_env is not the name of a variable; write a name like PROD_SK; the secret belongs into that variable, not into this file",
		"6:13: sk_env is not the name of a variable; write a name like PROD_SK; the secret belongs into that variable, not into this file",
	}},
	{"secret instead of a file", "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: p1\n    ak_file: ABCDEFGHIJ0123456789\n    sk_file: /run/sk\n    approvers: [S0OPS]\n", []string{
		"5:14: ak_file is not the path of a file; write it like /run/secrets/prod_sk; the secret belongs into that file, not into this one",
	}},

	// Types.
	{"file is a list", "- name: prod\n", []string{"1:1: the file is a list; write keys with values: keyspace, projects"}},
	{"projects is a mapping", "projects:\n  prod:\n    region: eu-west-101\n", []string{"2:3: projects is not a list; begin each entry with a hyphen"}},
	{"projects of names", "projects: [prod, dev]\n", []string{
		"1:12: an entry of projects is a single value; write keys with values: name, region, endpoint, project_id, ak_env, sk_env, security_token_env, ak_file, sk_file, security_token_file, agency, channels, approval_channel, requesters, approvers, approvals, self_approval, reason_required, ttl, max_servers, rate, batch_size, rate_anchor, protected_servers, protected_tags, rules",
		"1:18: an entry of projects is a single value; write keys with values: name, region, endpoint, project_id, ak_env, sk_env, security_token_env, ak_file, sk_file, security_token_file, agency, channels, approval_channel, requesters, approvers, approvals, self_approval, reason_required, ttl, max_servers, rate, batch_size, rate_anchor, protected_servers, protected_tags, rules",
	}},
	{"empty list", prod + "    channels: []\n", []string{"8:15: channels is empty; write an entry or leave the key out"}},
	{"no projects in the list", "projects: []\n", []string{"1:11: projects is empty; write an entry or leave the key out"}},
	{"one instead of a list", prod + "    requesters: S0DEV\n", []string{"8:17: requesters is not a list; write it like [S0123456789]"}},
	{"a list instead of one", prod + "    approval_channel: [C0PROD]\n", []string{"8:23: approval_channel is a list; write one value"}},
	{"a mapping instead of one", prod + "    ttl: {hours: 1}\n", []string{"8:10: ttl is a mapping; write one value"}},
	{"a list in a list", prod + "    channels: [[C0PROD]]\n", []string{"8:16: channels is a list; write one value"}},
	{"no value", prod + "    channels:\n    rate: ~\n", []string{
		"8:14: channels has no value; write one or leave the key out",
		"9:11: rate has no value; write one or leave the key out",
	}},
	{"tags as a mapping", rules + "      - name: a\n        match:\n          tags: {env: prod}\n        deny: \"No.\"\n", []string{"11:17: tags is not a list; write it like [env=production]"}},
	{"match is a list", rules + "      - name: a\n        match: [web-1]\n        deny: \"No.\"\n", []string{"10:16: match is a list; write keys with values: servers, tags, actions, type, more_than, hours"}},
	{"match is empty", rules + "      - name: a\n        match: {}\n        deny: \"No.\"\n", []string{"10:16: match is empty; write a key with its value, or leave it out"}},
	{"rule is a text", rules + "      - production\n", []string{"9:9: an entry of rules is a single value; write keys with values: name, match, require, deny, auto, auto_hard"}},
	{"number as text", prod + "    rate: \"5\"\n", []string{"8:11: rate is text; write the number without quotes"}},
	{"text as number", prod + "    rate: many\n", []string{"8:11: rate is not a number from 1 to 1000"}},
	{"fraction", prod + "    max_servers: 1.5\n", []string{"8:18: max_servers is not a number from 1 to 10000"}},
	{"number as id", "projects:\n  - name: 7\n    region: eu-west-101\n    project_id: 123456\n    agency: true\n    approvers: [S0OPS]\n", []string{
		"2:11: name is a number; write text, in quotes if it looks like one",
		"4:17: project_id is a number; write text, in quotes if it looks like one",
	}},
	{"yes", prod + "    self_approval: yes\n    reason_required: \"true\"\n", []string{
		"8:20: self_approval is neither true nor false; write one of them without quotes",
		"9:22: reason_required is neither true nor false; write one of them without quotes",
	}},
	{"auto: yes", rules + "      - name: a\n        match: {servers: [web-1]}\n        auto: yes\n        auto_hard: true\n", []string{"11:15: auto is neither true nor false; write one of them without quotes"}},
	{"auto: yes with a demand for nothing", rules + "      - name: a\n        auto: yes\n        require: {reason: false}\n", []string{"10:15: auto is neither true nor false; write one of them without quotes"}},
	{"what is wrong in a project is not said again of its rules", prod + "    ttl: 30\n    max_servers: many\n    rules:\n      - name: a\n        match: {more_than: 20}\n        require: {approvers: [S0A], ttl: 10m, escalate: {after: 5m, to: [S0B]}}\n      - name: b\n        require: {approvers: [S0A], escalate: {after: 5m, to: [S0B]}}\n", []string{
		"8:10: ttl is not a time from 1m to 168h; write it like 90s, 35m or 1h30m",
		"9:18: max_servers is not a number from 1 to 10000",
	}},
	{"deny: true", rules + "      - name: a\n        deny: true\n", []string{`10:15: deny is true or false; write it like "Payroll is running; ask again tomorrow."`}},
	{"a date", "keyspace: 2026-01-01\n" + prod, []string{"1:11: keyspace is a date; write text, in quotes if it looks like one"}},

	// Values.
	{"rate out of range", prod + "    rate: 2000\n    batch_size: 0\n", []string{
		"8:11: rate is not a number from 1 to 1000",
		"9:17: batch_size is not a number from 1 to 1000",
	}},
	{"time without unit", prod + "    ttl: 30\n", []string{"8:10: ttl is not a time from 1m to 168h; write it like 90s, 35m or 1h30m"}},
	{"time out of range", prod + "    ttl: 200h\n", []string{"8:10: ttl is not a time from 1m to 168h; write it like 90s, 35m or 1h30m"}},
	{"time in days", prod + "    ttl: 2d\n", []string{"8:10: ttl is not a time from 1m to 168h; write it like 90s, 35m or 1h30m"}},
	{"name", "projects:\n  - name: Prod EU\n    region: eu-west-101\n    project_id: p1\n    agency: true\n    approvers: [S0OPS]\n", []string{"2:11: name is not a project's name; write lower-case letters, digits and hyphens like prod, at most 30"}},
	{"keyspace", "keyspace: \"{p}\"\n" + prod, []string{"1:11: keyspace is not a name of keys; write letters, digits, dots and hyphens like ecsbot, at most 64"}},
	{"region", "projects:\n  - name: prod\n    region: Frankfurt\n    project_id: p1\n    agency: true\n    approvers: [S0OPS]\n", []string{"3:13: region is not a region's id; write it like ap-southeast-1"}},
	{"endpoint", "projects:\n  - name: prod\n    endpoint: http://ecs.example.com\n    project_id: p1\n    agency: true\n    approvers: [S0OPS]\n", []string{"3:15: endpoint is not an https address; write it like https://ecs.ap-southeast-1.myhuaweicloud.com"}},
	{"endpoint with password", "projects:\n  - name: prod\n    endpoint: https://me:pw@ecs.example.com\n    project_id: p1\n    agency: true\n    approvers: [S0OPS]\n", []string{"3:15: endpoint is not an https address; write it like https://ecs.ap-southeast-1.myhuaweicloud.com"}},
	{"project id", "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: a/b\n    agency: true\n    approvers: [S0OPS]\n", []string{"4:17: project_id is not a project's id; write the id from \"My Credentials\" in the console"}},
	{"channel's name", prod + "    approval_channel: \"#ops\"\n    channels: [ops, C0PROD, C0PROD]\n", []string{
		"8:23: approval_channel is not a channel's id; write it like C0123456789, not the channel's name",
		`9:16: channels holds "ops", which is not a channel's id; write it like C0123456789, not the channel's name`,
		`9:29: channels holds "C0PROD" twice`,
	}},
	{"member's name", prod + "    requesters: [\"@anna\", C0PROD]\n", []string{
		`8:18: requesters holds "@anna", which is not the id of a user or a user group; write user ids (U…) or user-group ids (S…)`,
		`8:27: requesters holds "C0PROD", which is not the id of a user or a user group; write user ids (U…) or user-group ids (S…)`,
	}},
	{"long entry", prod + "    requesters: [abcdefghijABCDEFGHIJ0123456789abcdefghij]\n", []string{"8:18: requesters holds a long text, which is not the id of a user or a user group; write user ids (U…) or user-group ids (S…)"}},
	{"choice is a number", prod + "    rate_anchor: 5\n", []string{`8:18: rate_anchor is a number; write it like "submit"`}},
	{"key is empty", prod + "    ~: 5\n", []string{"8:5: a key is empty; write the name of a key"}},
	{"anchor", prod + "    rate_anchor: end\n", []string{"8:18: rate_anchor is not one of submit, finish; write submit or finish"}},
	{"server pattern", prod + "    protected_servers: [\"db-[0-9]\", \"a, b\"]\n", []string{
		`8:25: protected_servers holds "db-[0-9]", which is not an id, a name or a pattern; write one of them for each entry; in a pattern * is any text and nothing else is special`,
		`8:37: protected_servers holds "a, b", which is not an id, a name or a pattern; write one of them for each entry; in a pattern * is any text and nothing else is special`,
	}},
	{"tag pattern", prod + "    protected_tags: [\"env=*\"]\n", []string{`8:22: protected_tags holds "env=*", which is not a tag; write key or key=value; there are no patterns in tags`}},
	{"action", rules + "      - name: a\n        match: {actions: [reboot]}\n        deny: \"No.\"\n", []string{`10:27: actions holds "reboot", which is not one of stop, start; write stop or start`}},
	{"type", rules + "      - name: a\n        match: {type: SOFT}\n        deny: \"No.\"\n", []string{"10:23: type is not HARD; write HARD or leave the key out"}},
	{"day", rules + "      - name: a\n        match: {hours: [{days: [Monday, mon-xyz]}]}\n        deny: \"No.\"\n", []string{
		`10:33: days holds "Monday", which is not a day or a range of days; write mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri`,
		`10:41: days holds "mon-xyz", which is not a day or a range of days; write mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri`,
	}},
	{"time of day", rules + "      - name: a\n        match:\n          hours:\n            - from: 24:00\n              to: 8am\n        deny: \"No.\"\n", []string{
		"12:21: from is not a time of day; write it like 08:00",
		"13:19: to is not a time of day; write it like 18:00, at most 24:00",
	}},
	{"zone", rules + "      - name: a\n        match: {hours: [{from: 18:00, zone: Europe/Bärlin}]}\n        deny: \"No.\"\n", []string{"10:45: zone is not a time zone; write it like Europe/Berlin or UTC"}},
	{"the machine's zone", rules + "      - name: a\n        match: {hours: [{from: 18:00, zone: Local}]}\n        deny: \"No.\"\n", []string{"10:45: zone is not a time zone; write it like Europe/Berlin or UTC"}},
	{"regular expression", rules + "      - name: a\n        require: {ticket: 'CHG-([0-9]+'}\n", []string{"10:27: ticket is not a regular expression; write it like CHG-[0-9]+"}},
	{"sentence of two lines", rules + "      - name: a\n        deny: |\n          No.\n          Never.\n", []string{"10:15: deny is not a sentence; write one line of at most 300 characters that tells people why"}},
	{"sentence is empty", rules + "      - name: a\n        deny: \" \"\n", []string{"10:15: deny is not a sentence; write one line of at most 300 characters that tells people why"}},

	// Contradictions in a project.
	{"nothing about the cloud", "projects:\n  - name: prod\n", []string{
		"2:5: approvers is missing; write user ids (U…) or user-group ids (S…), or set APPROVERS",
		"2:5: project_id is missing; write the id from \"My Credentials\" in the console",
		"2:5: region is missing; write a region's id like ap-southeast-1, or set ECS_REGION",
		"2:5: the project has no credentials; write ak_env and sk_env, ak_file and sk_file, or agency: true, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
	}},
	{"project name twice", prod + strings.Replace(beta, "dev", "prod", 1), []string{"8:5: name is also that of the project in line 2; each needs its own"}},
	{"project id twice", prod + strings.Replace(beta, "p2", "p1", 1), []string{`10:5: project_id is also that of project "prod"; a project in the cloud belongs to one project here`}},
	{"channel of two projects", prod + "    channels: [C0A]\n" + beta + "    channels: [C0B, C0A]\n", []string{`14:21: channels holds "C0A", which belongs to project "prod"; a channel belongs to one project`}},
	{"region and endpoint", prod + "    endpoint: https://ecs.example.com\n", []string{"8:5: region and endpoint are both set; keep one"}},
	{"variable and file", prod + "    ak_file: /run/ak\n", []string{"8:5: ak_env and ak_file are both set; keep one"}},
	{"agency and keys", prod + "    agency: true\n", []string{"8:5: agency is true, and keys are named, too; keep one of them"}},
	{"access key alone", "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: p1\n    ak_file: /run/ak\n    approvers: [S0OPS]\n", []string{"5:5: the access key has no secret key; write sk_env or sk_file, too"}},
	{"secret key alone", "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: p1\n    sk_env: SK\n    approvers: [S0OPS]\n", []string{"5:5: the secret key has no access key; write ak_env or ak_file, too"}},
	{"token alone", "projects:\n  - name: prod\n    region: eu-west-101\n    project_id: p1\n    security_token_env: ST\n    approvers: [S0OPS]\n", []string{"5:5: the security token has no keys; write ak_env and sk_env, or ak_file and sk_file, too"}},
	{"batch larger than the rate", prod + "    rate: 50\n", []string{"8:5: batch_size (100) is larger than rate (50); one call must fit into a minute"}},
	{"more approvals than approvers", strings.Replace(prod, "[S0OPS]", "[U0ANNA]", 1) + "    approvals: 2\n", []string{"8:5: approvals is 2, and approvers names 1 person; lower it or name more people"}},

	// Contradictions in a rule.
	{"rule name twice", rules + "      - name: a\n        deny: \"No.\"\n      - name: a\n        deny: \"Never.\"\n", []string{"11:9: name is also that of the rule in line 9; each needs its own"}},
	{"rule without demand", rules + "      - name: a\n        match: {servers: [web-1]}\n", []string{"9:9: the rule demands nothing; write require, deny or auto: true"}},
	{"auto: false", rules + "      - name: a\n        auto: false\n", []string{"10:9: the rule demands nothing; write require, deny or auto: true"}},
	{"require without demand", rules + "      - name: a\n        require: {reason: false}\n", []string{"10:9: require demands nothing; write what such a request needs"}},
	{"deny and require", rules + "      - name: a\n        deny: \"No.\"\n        require: {approvals: 2}\n", []string{"11:9: deny refuses each request, so require has no effect; keep one"}},
	{"deny and auto", rules + "      - name: a\n        match: {servers: [web-1]}\n        deny: \"No.\"\n        auto: true\n", []string{"11:9: deny and auto are both set; keep one"}},
	{"auto and approvals", rules + "      - name: a\n        match: {servers: [web-1]}\n        auto: true\n        require:\n          approvers: [S0OPS]\n          quiet: [S0TWO]\n          approvals: 1\n          self_approval: true\n          escalate: {after: 5m, to: [S0BOSS]}\n", []string{
		"13:11: approvers is about approvals, and auto means that none is needed; keep one",
		"14:11: quiet is about approvals, and auto means that none is needed; keep one",
		"15:11: approvals is about approvals, and auto means that none is needed; keep one",
		"16:11: self_approval is about approvals, and auto means that none is needed; keep one",
		"17:11: escalate is about approvals, and auto means that none is needed; keep one",
	}},
	{"auto and quiet approvals", rules + "      - name: a\n        match: {servers: [web-1]}\n        auto: true\n        require: {quiet: [S0TWO], self_approval: true}\n", []string{
		"12:19: quiet is about approvals, and auto means that none is needed; keep one",
		"12:35: self_approval is about approvals, and auto means that none is needed; keep one",
	}},
	{"auto for everything", rules + "      - name: a\n        auto: true\n", []string{`10:9: auto needs match.servers or match.tags; for all servers write servers: ["*"]`}},
	{"auto of many", rules + "      - name: a\n        match: {servers: [web-1], more_than: 5}\n        auto: true\n", []string{"10:35: auto has no effect with more_than: leaving servers out would make a request harder; leave more_than out"}},
	{"auto_hard without auto", rules + "      - name: a\n        require: {approvals: 2}\n        auto_hard: true\n", []string{"11:9: auto_hard without auto has no effect; write auto: true, too"}},
	{"auto of HARD only", rules + "      - name: a\n        match: {servers: [web-1], type: HARD}\n        auto: true\n", []string{"10:35: type is HARD, to which auto does not apply; write auto_hard: true, too"}},
	{"auto_hard of starts", rules + "      - name: a\n        match: {servers: [web-1], actions: [start]}\n        auto: true\n        auto_hard: true\n", []string{"12:9: auto_hard is about stops, and the rule is about starts; leave it out"}},
	{"HARD starts", rules + "      - name: a\n        match: {type: HARD, actions: [start]}\n        deny: \"No.\"\n", []string{"10:17: type is HARD, and the rule is about starts, which are never HARD; leave one out"}},
	{"quiet without approvers", rules + "      - name: a\n        require: {quiet: [S0TWO]}\n", []string{"10:19: quiet needs approvers in the same rule; write them, too"}},
	{"escalate without approvers", rules + "      - name: a\n        require: {escalate: {after: 5m, to: [S0BOSS]}}\n", []string{"10:19: escalate needs approvers in the same rule; write them, too"}},
	{"self-approval without approvers", rules + "      - name: a\n        require: {self_approval: true}\n", []string{"10:19: self_approval: true is about approvers of the same rule; write them, too"}},
	{"quiet and not", rules + "      - name: a\n        require: {approvers: [S0A, S0B], quiet: [S0B]}\n", []string{`10:50: quiet holds "S0B", which is in approvers; keep it in one of them`}},
	{"escalate to nobody", rules + "      - name: a\n        require: {approvers: [S0A], escalate: {after: 5m}}\n", []string{"10:48: to is missing; it has to be user ids (U…) or user-group ids (S…)"}},
	{"escalate to an empty list", rules + "      - name: a\n        require: {approvers: [S0A], escalate: {after: 5m, to: []}}\n", []string{"10:63: to is empty; write an entry or leave the key out"}},
	{"escalate to the same", rules + "      - name: a\n        require: {approvers: [S0A], escalate: {after: 5m, to: [S0A]}}\n", []string{`10:64: to holds "S0A", which is in approvers from the beginning; leave it out`}},
	{"escalate too late", rules + "      - name: a\n        require: {approvers: [S0A], escalate: {after: 1h, to: [S0B]}}\n", []string{"10:48: after (1h) is not before the request expires (1h, the project's ttl); lower it"}},
	{"escalate after the rule's ttl", rules + "      - name: a\n        require: {approvers: [S0A], ttl: 10m, escalate: {after: 15m, to: [S0B]}}\n", []string{"10:58: after (15m) is not before the request expires (10m, the rule's ttl); lower it"}},
	{"more approvals than a rule's approvers", rules + "      - name: a\n        require: {approvers: [U0ANNA], quiet: [U0BEN], approvals: 3}\n", []string{"10:56: approvals is 3, and the rule's approvers are 2 people; lower it or name more people"}},
	{"more approvals than the project's approvers", prod + beta + "    rules:\n      - name: a\n        require: {approvals: 3}\n", []string{"15:19: approvals is 3, and the project's approvers are 2 people; lower it or name more people"}},
	{"more approvals than nobody", strings.Replace(prod, "    approvers: [S0OPS]\n", "", 1) + "    approvals: 2\n    rules:\n      - name: a\n        require: {approvals: 3}\n", []string{"2:5: approvers is missing; write user ids (U…) or user-group ids (S…), or set APPROVERS"}},
	{"fewer approvals than the project's", prod + "    approvals: 3\n    rules:\n      - name: a\n        require: {approvals: 2}\n", []string{"11:19: approvals is 2, and the project's 3 count without approvers of the rule; raise it or name approvers"}},
	{"ttl longer than the project's", rules + "      - name: a\n        require: {ttl: 1h30m}\n", []string{"10:19: ttl (1h30m) is longer than the project's (1h), and the shorter one counts; lower it"}},
	{"more than there can be", prod + "    max_servers: 50\n    rules:\n      - name: a\n        match: {more_than: 50}\n        deny: \"No.\"\n", []string{"11:17: more_than is 50, and a request has at most 50 servers (max_servers); lower it"}},
	{"two values of a tag", rules + "      - name: a\n        match: {tags: [env=prod, env=dev]}\n        deny: \"No.\"\n", []string{`10:34: tags holds two values of "env", and a server has to have all tags; make two rules`}},
	{"from is to", rules + "      - name: a\n        match: {hours: [{from: 08:00, to: 08:00}]}\n        deny: \"No.\"\n", []string{"10:39: from and to are the same; for the whole day leave both out"}},
	{"midnight to midnight", rules + "      - name: a\n        match: {hours: [{to: 00:00}]}\n        deny: \"No.\"\n", []string{"10:26: from and to are the same; for the whole day leave both out"}},
	{"zone alone", rules + "      - name: a\n        match: {hours: [{zone: UTC}]}\n        deny: \"No.\"\n", []string{"10:26: hours with a zone alone are always; write days, or from and to"}},
	{"range of one day", rules + "      - name: a\n        match: {hours: [{days: [mon-mon]}]}\n        deny: \"No.\"\n", []string{`10:33: days holds "mon-mon"; write mon, or leave days out for every day`}},
	{"ticket that demands nothing", rules + "      - name: a\n        require: {ticket: '.*'}\n", []string{"10:19: ticket fits an empty id, so it demands nothing; write it like CHG-[0-9]+"}},
}

// good are ends of files that are close to being broken.
var good = map[string]string{
	"fewer approvals of others":  "    approvals: 3\n    rules:\n      - {name: a, require: {approvers: [S0A], approvals: 1}}\n",
	"as many approvals":          "    approvals: 3\n    rules:\n      - {name: a, require: {approvals: 3}}\n",
	"auto_hard of stops":         "    rules:\n      - {name: a, match: {servers: [a], actions: [stop]}, auto: true, auto_hard: true}\n",
	"auto of HARD":               "    rules:\n      - {name: a, match: {servers: [a], type: HARD}, auto: true, auto_hard: true}\n",
	"auto with some demands":     "    rules:\n      - {name: a, match: {servers: [a]}, auto: true, require: {requesters: [S0DEV], reason: false, ticket: A+, channel: C0A, ttl: 5m}}\n",
	"auto that demands nothing":  "    rules:\n      - {name: a, match: {servers: [a]}, auto: true, require: {reason: false}}\n",
	"a reason alone":             "    rules:\n      - {name: a, require: {reason: true}}\n",
	"self-approval nowhere":      "    rules:\n      - {name: a, require: {self_approval: false}}\n",
	"a tag with and without":     "    rules:\n      - {name: a, match: {tags: [env, env=prod]}, deny: \"No.\"}\n      - {name: b, match: {tags: [env=prod, env, a=1]}, deny: \"No.\"}\n",
	"as many as there are":       "    rules:\n      - {name: a, require: {approvers: [U0A, U0B], quiet: [U0C], approvals: 3, escalate: {after: 59m, to: [U0D]}}}\n",
	"more than there are people": "    rules:\n      - {name: a, require: {approvers: [U0A, S0B], approvals: 3}}\n",
	"the project's ttl":          "    rules:\n      - {name: a, require: {ttl: 1h}}\n",
	"more than all but one":      "    max_servers: 50\n    rules:\n      - {name: a, match: {more_than: 49}, deny: \"No.\"}\n",
	"the whole rate":             "    rate: 50\n    batch_size: 50\n",
	"another's channel":          "    approval_channel: C0A\n" + beta + "    channels: [C0A]\n    approvals: 2\n",
	"a replacement character":    "    rules:\n      - {name: a, deny: \"\ufffd\"}\n",
	"half an hour at midnight":   "    rules:\n      - {name: a, match: {hours: [{from: 23:45, to: 00:15}]}, deny: \"No.\"}\n",
}

func TestFilesThatAreCloseToBrokenAreGood(t *testing.T) {
	for name, end := range good {
		if _, err := Parse("f", []byte(prod+end), plain); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The environment may have an endpoint alone.
	env := plain
	env.Endpoint = "https://ecs.example.com"
	if _, err := Parse("f", []byte(strings.Replace(prod, "    region: eu-west-101\n", "", 1)), env); err != nil {
		t.Error(err)
	}
}

func TestBrokenFilesGetExactlyTheseFaults(t *testing.T) {
	if len(broken) < 100 {
		t.Errorf("only %d broken files", len(broken))
	}
	seen := map[string]bool{}
	for _, tt := range broken {
		if seen[tt.name] {
			t.Errorf("%s is there twice", tt.name)
		}
		seen[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("bot.yaml", []byte(tt.text), plain)
			var want []string
			for _, w := range tt.want {
				want = append(want, "bot.yaml:"+w)
			}
			if got := errorText(err); got != strings.Join(want, "\n") {
				t.Errorf("faults of\n%s\n got:\n%s\nwant:\n%s", tt.text, got, strings.Join(want, "\n"))
			}
			var faults Faults
			if err != nil && !errors.As(err, &faults) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
