package bot

import (
	"fmt"
	"net/url"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/config"
	"ecsbot/internal/jobs"
)

// environment reads what the environment says of a project: the only one, or what
// projects of CONFIG_FILE do not say themselves.
func (s *settings) environment() config.Environment {
	env := config.Environment{
		AllowedChannels: s.list("ALLOWED_CHANNELS", channelID, "channel ids like C0123456789, separated by commas"),
		Project: config.Project{
			ProjectID:       s.needed("HUAWEICLOUD_SDK_PROJECT_ID", "the project's id from \"My Credentials\" in the console"),
			Credentials:     s.credentials(),
			ApprovalChannel: s.one("APPROVAL_CHANNEL", channelID, "a channel's id like C0123456789, not its name"),
			Policy: approvals.Policy{
				Requesters:        s.list("REQUESTERS", memberID, "user ids (U…) or user-group ids (S…), separated by commas"),
				Approvers:         s.list("APPROVERS", memberID, "user ids (U…) or user-group ids (S…), separated by commas"),
				ApprovalsRequired: s.number("APPROVALS_REQUIRED", 1, 1, 20),
				AllowSelfApproval: s.truth("ALLOW_SELF_APPROVAL"),
				TTL:               s.duration("APPROVAL_TTL", time.Hour, time.Minute, 7*24*time.Hour),
				ReasonRequired:    s.truth("REASON_REQUIRED"),
				MaxServers:        s.number("MAX_SERVERS", 1000, 1, 10000),
				MaxOpenRequests:   s.number("MAX_OPEN_REQUESTS", 20, 1, 1000),
				MaxAsksPerHour:    s.number("MAX_ASKS_PER_HOUR", 60, 1, 10000),
				Protection: approvals.Protection{
					Servers: s.list("PROTECTED_SERVERS", anything, ""),
					Tags:    s.list("PROTECTED_TAGS", anything, ""),
				},
			},
			Rate:      s.number("ECS_STOP_RATE", 1000, 1, 1000),
			BatchSize: s.number("ECS_BATCH_SIZE", 100, 1, 1000),
			Anchor:    s.choice("ECS_RATE_ANCHOR", string(jobs.AnchorSubmit), string(jobs.AnchorFinish)),
		},
	}
	env.Region, env.Endpoint = s.region()
	if len(env.Policy.Approvers) == 0 && !s.several() {
		s.fault("APPROVERS", "is missing; name user ids (U…) or user-group ids (S…), separated by commas")
	}
	if env.BatchSize > env.Rate {
		s.fault("ECS_BATCH_SIZE", fmt.Sprintf("is larger than ECS_STOP_RATE (%d); one call must fit into a minute", env.Rate))
	}
	return env
}

// region returns the region and, if it is given instead, the endpoint.
func (s *settings) region() (region, endpoint string) {
	region, endpoint = s.get("ECS_REGION"), s.get("ECS_ENDPOINT")
	switch {
	case region == "" && endpoint == "" && !s.several():
		s.fault("ECS_REGION", "is missing; set it to a region's id like ap-southeast-1, or set ECS_ENDPOINT")
	case region != "" && !regionID.MatchString(region):
		s.fault("ECS_REGION", "is not a region's id; write it like ap-southeast-1")
	}
	if endpoint != "" {
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u) {
			s.fault("ECS_ENDPOINT", "is not an https address; write it like https://ecs.ap-southeast-1.myhuaweicloud.com")
		}
	}
	return region, endpoint
}

// Names of the settings that hold keys.
const (
	accessKey     = "HUAWEICLOUD_SDK_AK"
	secretKey     = "HUAWEICLOUD_SDK_SK"
	securityToken = "HUAWEICLOUD_SDK_SECURITY_TOKEN"
)

// credentials says where the keys of the environment are.
func (s *settings) credentials() config.Credentials {
	if s.truth("ECS_AGENCY") {
		s.besideAgency(accessKey, secretKey, securityToken)
		return config.Credentials{Agency: true}
	}
	s.needed(accessKey, "the access key id")
	s.needed(secretKey, "the secret access key")
	s.get(securityToken)
	return config.Credentials{AccessKey: s.reference(accessKey), SecretKey: s.reference(secretKey), SecurityToken: s.reference(securityToken)}
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
