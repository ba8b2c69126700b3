package config

import "time"

// The types below are the shape of the file. Their tags are all that the decoder, the
// JSON schema and the tables in docs/config.md know of it:
//
//	yaml     the key
//	form     what a text has to look like (forms)
//	oneof    the texts that are allowed
//	range    the smallest and the largest number or time
//	must     what a key that has to be there has to be
//	default  what holds where the key is left out
//	doc      what it means

// document is the whole file.
type document struct {
	Keyspace string    `yaml:"keyspace" form:"keyspace" default:"ecsbot" doc:"The name that the bot's keys in Redis begin with. Two bots that share a Redis need different names. A bot that has served one project without this file finds its open requests again if this is the id of that project."`
	Projects []project `yaml:"projects" must:"a list of projects" doc:"The projects in the cloud, at least one."`
}

// project is one project in the cloud. Its keys have the meaning of the variables of the
// environment that they have as defaults.
type project struct {
	Name      string `yaml:"name" form:"project" must:"what people write after --project, like prod" doc:"What people write after --project: lower-case letters, digits and hyphens, at most 30."`
	Region    string `yaml:"region" form:"region" default:"ECS_REGION" doc:"The id of the project's region."`
	Endpoint  string `yaml:"endpoint" form:"endpoint" default:"ECS_ENDPOINT, or the region's" doc:"The base of the ECS API, instead of region."`
	ProjectID string `yaml:"project_id" form:"project_id" default:"HUAWEICLOUD_SDK_PROJECT_ID" doc:"The project's id from My Credentials in the console."`

	AKEnv     string `yaml:"ak_env" form:"variable" default:"HUAWEICLOUD_SDK_AK" doc:"The name of the variable that holds the access key id."`
	SKEnv     string `yaml:"sk_env" form:"variable" default:"HUAWEICLOUD_SDK_SK" doc:"The name of the variable that holds the secret access key."`
	TokenEnv  string `yaml:"security_token_env" form:"variable" default:"none with keys of its own" doc:"The name of the variable that holds the security token of temporary keys."`
	AKFile    string `yaml:"ak_file" form:"path" default:"none" doc:"The path of the file that holds the access key id, instead of ak_env."`
	SKFile    string `yaml:"sk_file" form:"path" default:"none" doc:"The path of the file that holds the secret access key, instead of sk_env."`
	TokenFile string `yaml:"security_token_file" form:"path" default:"none" doc:"The path of the file that holds the security token, instead of security_token_env."`
	Agency    bool   `yaml:"agency" default:"false" doc:"Take temporary keys from the agency of the cloud server that the bot runs on, instead of keys."`

	Channels        []string      `yaml:"channels" form:"channel" default:"none" doc:"Ids of channels: a command typed there is about this project. A channel belongs to one project."`
	ApprovalChannel string        `yaml:"approval_channel" form:"channel" default:"APPROVAL_CHANNEL" doc:"The id of the channel that gets the cards with the buttons."`
	Requesters      []string      `yaml:"requesters" form:"member" default:"REQUESTERS" doc:"Who may ask: ids of users (U…) and user groups (S…)."`
	Approvers       []string      `yaml:"approvers" form:"member" default:"APPROVERS" doc:"Who may approve and deny: ids of users (U…) and user groups (S…)."`
	Approvals       int           `yaml:"approvals" range:"1 20" default:"APPROVALS_REQUIRED" doc:"How many different people have to approve."`
	SelfApproval    bool          `yaml:"self_approval" default:"ALLOW_SELF_APPROVAL" doc:"Whether the requester's own approval counts."`
	ReasonRequired  bool          `yaml:"reason_required" default:"REASON_REQUIRED" doc:"Whether a request has to give a reason."`
	TTL             time.Duration `yaml:"ttl" range:"1m 168h" default:"APPROVAL_TTL" doc:"An undecided request expires after this time."`

	MaxServers       int      `yaml:"max_servers" range:"1 10000" default:"MAX_SERVERS" doc:"The most servers in one request."`
	Rate             int      `yaml:"rate" range:"1 1000" default:"ECS_STOP_RATE" doc:"The most servers stopped in any 60 seconds, over all replicas."`
	BatchSize        int      `yaml:"batch_size" range:"1 1000" default:"ECS_BATCH_SIZE" doc:"Servers in one call, not more than rate."`
	RateAnchor       string   `yaml:"rate_anchor" oneof:"submit finish" default:"ECS_RATE_ANCHOR" doc:"What the 60 seconds are counted from: the answer to the call, or the end of its job."`
	ProtectedServers []string `yaml:"protected_servers" form:"server" default:"PROTECTED_SERVERS" doc:"Servers that are never stopped: ids, names, or name patterns with *."`
	ProtectedTags    []string `yaml:"protected_tags" form:"tag" default:"PROTECTED_TAGS" doc:"Servers with one of these tags are never stopped: key, or key=value."`

	Rules []rule `yaml:"rules" default:"none" doc:"Who decides about which servers. Their order does not matter."`
}

// rule has one of require, deny and auto; auto may have some of require, too.
type rule struct {
	Name     string  `yaml:"name" form:"rule" must:"what cards call the rule, like production" doc:"What cards call the rule: lower-case letters, digits and hyphens, at most 40."`
	Match    match   `yaml:"match" default:"every request" doc:"Which requests the rule is about. All its keys have to fit."`
	Require  require `yaml:"require" default:"nothing" doc:"What such a request needs."`
	Deny     string  `yaml:"deny" form:"sentence" default:"none" doc:"No such request is made or approved. The sentence tells people why."`
	Auto     bool    `yaml:"auto" default:"false" doc:"Servers that this rule touches, and no rule with require or deny, need no approval. A request is approved at once if that holds for all its servers. The rule needs match.servers or match.tags; of require it may have requesters, reason, ticket, channel and ttl."`
	AutoHard bool    `yaml:"auto_hard" default:"false" doc:"auto holds for requests that cut the power (HARD), too."`
}

// match says which requests a rule is about.
type match struct {
	Servers  []string `yaml:"servers" form:"server" default:"all" doc:"Ids, names, or name patterns with *; one has to fit. Capital letters do not matter."`
	Tags     []string `yaml:"tags" form:"tag" default:"any" doc:"key, or key=value; the server has all of them. If its tags cannot be read, they fit, except for auto."`
	Actions  []string `yaml:"actions" oneof:"stop start" default:"both" doc:"What is done to the servers."`
	Type     string   `yaml:"type" oneof:"HARD" default:"SOFT and HARD" doc:"HARD: only requests that cut the power."`
	MoreThan int      `yaml:"more_than" range:"1 9999" default:"any number" doc:"Only requests that touch more than this number of servers that the rule is about."`
	Hours    []hours  `yaml:"hours" default:"always" doc:"Parts of the week; the time of the request or of the decision has to be in one of them."`
}

// hours is a part of the week.
type hours struct {
	Days []string `yaml:"days" form:"day" default:"every day" doc:"Days and ranges of days: mon, tue, wed, thu, fri, sat, sun, mon-fri."`
	From string   `yaml:"from" form:"from" default:"00:00" doc:"When it begins."`
	To   string   `yaml:"to" form:"to" default:"24:00" doc:"When it ends. If that is earlier than from, on the next day."`
	Zone string   `yaml:"zone" form:"zone" default:"UTC" doc:"The time zone, like Europe/Berlin."`
}

// require says what a request needs.
type require struct {
	Requesters   []string      `yaml:"requesters" form:"member" default:"the project's" doc:"Who may ask. They have to be the project's requesters, too."`
	Approvers    []string      `yaml:"approvers" form:"member" default:"the project's" doc:"Who approves. For the servers of this rule they take the place of the project's approvers; with more_than they come in addition."`
	Quiet        []string      `yaml:"quiet" form:"member" default:"none" doc:"Who may approve as well and is not mentioned."`
	Approvals    int           `yaml:"approvals" range:"1 20" default:"1 with approvers" doc:"How many different people have to approve."`
	SelfApproval bool          `yaml:"self_approval" default:"false with approvers" doc:"true: the requester may be one of this rule's approvers. false: the requester's own approval counts nowhere in the request."`
	Escalate     escalate      `yaml:"escalate" default:"none" doc:"Who is asked when nobody has decided for some time."`
	Reason       bool          `yaml:"reason" default:"false" doc:"Whether a reason has to be given."`
	Ticket       string        `yaml:"ticket" form:"regexp" default:"none" doc:"A regular expression that the whole id after --ticket has to fit."`
	Channel      string        `yaml:"channel" form:"channel" default:"the project's approval_channel" doc:"The id of the channel that gets the card."`
	TTL          time.Duration `yaml:"ttl" range:"1m 168h" default:"the project's" doc:"An undecided request expires after this time, if the project's ttl is not shorter."`
}

// escalate says who is asked later.
type escalate struct {
	After time.Duration `yaml:"after" range:"1m 168h" must:"a time like 15m" doc:"How long after the request."`
	To    []string      `yaml:"to" form:"member" must:"user ids (U…) or user-group ids (S…)" doc:"Who may approve from then on, and is mentioned."`
}
