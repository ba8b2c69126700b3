package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"go.yaml.in/yaml/v3"
)

// checker makes projects of what was decoded, and finds what contradicts itself. What
// the decoder refused is empty and must not lead to further faults.
type checker struct {
	*decoder
	env Environment
}

func (c *checker) convert(doc *document) File {
	f := File{Keyspace: cmp.Or(doc.Keyspace, "ecsbot")}
	names, ids, channels := map[string]*project{}, map[string]*project{}, map[string]*project{}
	for i := range doc.Projects {
		p := &doc.Projects[i]
		if !c.isMapping(p) {
			continue
		}
		made := c.project(p)
		if other := names[p.Name]; p.Name != "" && other != nil {
			c.contradicts(&p.Name, "name is also that of the project in line %d; each needs its own", c.line(&other.Name))
		}
		names[p.Name] = p
		if other := ids[made.ProjectID]; made.ProjectID != "" && other != nil {
			c.contradicts(firstOf(c, p, &p.ProjectID, &p.Name), "project_id is also that of project %q; a project in the cloud belongs to one project here", other.Name)
		} else {
			ids[made.ProjectID] = p
		}
		for j, id := range p.Channels {
			if other := channels[id]; id != "" && other != nil {
				c.contradicts(&p.Channels[j], "channels holds %q, which belongs to project %q; a channel belongs to one project", id, other.Name)
			}
			channels[id] = p
			if allowed := c.env.AllowedChannels; id != "" && len(allowed) > 0 && !slices.Contains(allowed, id) {
				c.contradicts(&p.Channels[j], "channels holds %q, where the command may not be used; add it to ALLOWED_CHANNELS", id)
			}
		}
		f.Projects = append(f.Projects, made)
	}
	return f
}

// isMapping reports whether an entry of a list is a mapping with keys; else it has a
// fault already.
func (c *checker) isMapping(address any) bool {
	n := c.at[address].value
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n.Kind == yaml.MappingNode && len(n.Content) > 0
}

func (c *checker) line(address any) int {
	p := c.at[address]
	return cmp.Or(p.key, p.value).Line
}

// firstOf is the first of some addresses whose value is in the file, else that of the
// whole.
func firstOf(c *checker, whole any, addresses ...any) any {
	for _, a := range addresses {
		if c.has(a) {
			return a
		}
	}
	return whole
}

// project fills in from the environment what the file does not say.
func (c *checker) project(p *project) Project {
	made := c.env.Project
	made.Name = p.Name
	made.Channels = p.Channels
	set(c, &made.ProjectID, &p.ProjectID)
	set(c, &made.ApprovalChannel, &p.ApprovalChannel)
	set(c, &made.Rate, &p.Rate)
	set(c, &made.BatchSize, &p.BatchSize)
	set(c, &made.Anchor, &p.RateAnchor)
	pol := &made.Policy
	set(c, &pol.Requesters, &p.Requesters)
	set(c, &pol.Approvers, &p.Approvers)
	set(c, &pol.ApprovalsRequired, &p.Approvals)
	set(c, &pol.AllowSelfApproval, &p.SelfApproval)
	set(c, &pol.ReasonRequired, &p.ReasonRequired)
	set(c, &pol.TTL, &p.TTL)
	set(c, &pol.MaxServers, &p.MaxServers)
	set(c, &pol.Protection.Servers, &p.ProtectedServers)
	set(c, &pol.Protection.Tags, &p.ProtectedTags)

	if c.has(&p.Region) || c.has(&p.Endpoint) {
		made.Region, made.Endpoint = p.Region, p.Endpoint
	}
	switch {
	case c.has(&p.Region) && c.has(&p.Endpoint):
		c.contradicts(&p.Endpoint, "region and endpoint are both set; keep one")
	case !c.has(&p.Region) && !c.has(&p.Endpoint) && made.Region == "" && made.Endpoint == "":
		c.missing(p, "region is missing; write a region's id like ap-southeast-1, or set ECS_REGION")
	}
	if !c.has(&p.ProjectID) && made.ProjectID == "" {
		c.missing(p, "project_id is missing; write the id from \"My Credentials\" in the console")
	}
	if !c.has(&p.Approvers) && len(pol.Approvers) == 0 {
		c.missing(p, "approvers is missing; write user ids (U…) or user-group ids (S…), or set APPROVERS")
	}
	made.Credentials = c.credentials(p)

	if n, known := people(pol.Approvers); known && n > 0 && pol.ApprovalsRequired > n {
		c.contradicts(firstOf(c, p, &p.Approvals, &p.Approvers, &p.Name), "approvals is %d, and approvers names %s; lower it or name more people", pol.ApprovalsRequired, count(n, "person", "people"))
	}
	if made.Rate > 0 && made.BatchSize > made.Rate {
		c.contradicts(firstOf(c, p, &p.BatchSize, &p.Rate, &p.Name), "batch_size (%d) is larger than rate (%d); one call must fit into a minute", made.BatchSize, made.Rate)
	}
	names := map[string]*rule{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !c.isMapping(r) {
			continue
		}
		if other := names[r.Name]; r.Name != "" && other != nil {
			c.contradicts(&r.Name, "name is also that of the rule in line %d; each needs its own", c.line(&other.Name))
		}
		names[r.Name] = r
		pol.Rules = append(pol.Rules, c.rule(r, made))
	}
	return made
}

// set takes a value from the file if it is there.
func set[T any](c *checker, to, from *T) {
	if c.has(from) {
		*to = *from
	}
}

// missing says what a project lacks, where it begins.
func (c *checker) missing(p *project, message string) {
	c.contradicts(firstOf(c, p, &p.Name), "%s", message)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// people counts the people in lists; known is false if a group is among them, whose
// members only Slack knows.
func people(lists ...[]string) (n int, known bool) {
	all := slices.Concat(lists...)
	for _, id := range all {
		if id == "" || id[0] == 'S' {
			return 0, false
		}
	}
	slices.Sort(all)
	return len(slices.Compact(all)), true
}

func (c *checker) credentials(p *project) Credentials {
	one := func(name string, env, file *string) Reference {
		if c.has(env) && c.has(file) {
			c.contradicts(file, "%s_env and %s_file are both set; keep one", name, name)
		}
		return Reference{*env, *file}
	}
	made := Credentials{p.Agency, one("ak", &p.AKEnv, &p.AKFile), one("sk", &p.SKEnv, &p.SKFile), one("security_token", &p.TokenEnv, &p.TokenFile)}
	ak := c.has(&p.AKEnv) || c.has(&p.AKFile)
	sk := c.has(&p.SKEnv) || c.has(&p.SKFile)
	token := c.has(&p.TokenEnv) || c.has(&p.TokenFile)
	switch {
	case p.Agency && (ak || sk || token):
		c.contradicts(&p.Agency, "agency is true, and keys are named, too; keep one of them")
	case p.Agency, c.bad[&p.Agency]:
	case ak && !sk:
		c.contradicts(firstOf(c, p, &p.AKEnv, &p.AKFile), "the access key has no secret key; write sk_env or sk_file, too")
	case sk && !ak:
		c.contradicts(firstOf(c, p, &p.SKEnv, &p.SKFile), "the secret key has no access key; write ak_env or ak_file, too")
	case token && !ak:
		c.contradicts(firstOf(c, p, &p.TokenEnv, &p.TokenFile), "the security token has no keys; write ak_env and sk_env, or ak_file and sk_file, too")
	case !ak && !c.env.Credentials.Agency && !c.env.Credentials.AccessKey.IsSet():
		c.missing(p, "the project has no credentials; write ak_env and sk_env, ak_file and sk_file, or agency: true, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")
	case !ak:
		return c.env.Credentials
	}
	return made
}

// rule checks a rule of a project.
func (c *checker) rule(r *rule, p Project) approvals.Rule {
	made := approvals.Rule{
		Name:     r.Name,
		Servers:  r.Match.Servers,
		Tags:     r.Match.Tags,
		Hard:     r.Match.Type == "HARD",
		MoreThan: r.Match.MoreThan,

		Requesters: r.Require.Requesters,
		Approvers:  r.Require.Approvers,
		Quiet:      r.Require.Quiet,
		Approvals:  r.Require.Approvals,
		Reason:     r.Require.Reason,
		Ticket:     r.Require.Ticket,
		Channel:    r.Require.Channel,
		TTL:        r.Require.TTL,
		Deny:       r.Deny,
		Auto:       r.Auto,
		AutoHard:   r.AutoHard,
	}
	if c.has(&r.Require.SelfApproval) {
		made.SelfApproval = &r.Require.SelfApproval
	}
	if c.has(&r.Require.Escalate) {
		made.Escalate = &approvals.Escalation{After: r.Require.Escalate.After, To: r.Require.Escalate.To}
	}
	for _, a := range r.Match.Actions {
		made.Actions = append(made.Actions, actions[a])
	}
	for i := range r.Match.Hours {
		if h := &r.Match.Hours[i]; c.isMapping(h) {
			made.Hours = append(made.Hours, c.hours(h))
		}
	}
	c.kind(r)
	c.match(r, p)
	c.require(r, p)
	return made
}

var actions = map[string]approvals.Action{"stop": approvals.Stop, "start": approvals.Start}

// kind checks which of require, deny and auto a rule has.
func (c *checker) kind(r *rule) {
	q := &r.Require
	switch {
	case c.has(&r.Deny) && r.Auto:
		c.contradicts(&r.Deny, "deny and auto are both set; keep one")
	case c.has(&r.Deny) && c.has(q):
		c.contradicts(q, "deny refuses each request, so require has no effect; keep one")
	case !c.has(&r.Deny) && !r.Auto && !c.bad[&r.Auto] && !c.has(q):
		c.contradicts(firstOf(c, r, &r.Auto, &r.Name), "the rule demands nothing; write require, deny or auto: true")
	case !c.has(&r.Deny) && !r.Auto && !c.bad[&r.Auto] && c.demandsNothing(q):
		c.contradicts(q, "require demands nothing; write what such a request needs")
	}
	if r.AutoHard && !r.Auto && !c.bad[&r.Auto] {
		c.contradicts(&r.AutoHard, "auto_hard without auto has no effect; write auto: true, too")
	}
	if !r.Auto {
		return
	}
	for name, address := range c.ofAuto(q) {
		if c.has(address) {
			c.contradicts(address, "%s is about approvals, and auto means that none is needed; keep one", name)
		}
	}
	if !c.has(&r.Match.Servers) && !c.has(&r.Match.Tags) {
		c.contradicts(&r.Auto, "auto needs match.servers or match.tags; for all servers write servers: [\"*\"]")
	}
	if c.has(&r.Match.MoreThan) {
		c.contradicts(&r.Match.MoreThan, "auto has no effect with more_than: leaving servers out would make a request harder; leave more_than out")
	}
	starts := len(r.Match.Actions) == 1 && r.Match.Actions[0] == "start"
	switch {
	case r.Match.Type == "HARD" && !r.AutoHard:
		c.contradicts(&r.Match.Type, "type is HARD, to which auto does not apply; write auto_hard: true, too")
	case r.AutoHard && starts:
		c.contradicts(&r.AutoHard, "auto_hard is about stops, and the rule is about starts; leave it out")
	}
}

// ofAuto are demands that an auto rule cannot have.
func (c *checker) ofAuto(q *require) map[string]any {
	return map[string]any{"approvers": &q.Approvers, "quiet": &q.Quiet, "approvals": &q.Approvals, "self_approval": &q.SelfApproval, "escalate": &q.Escalate}
}

// demandsNothing is true where only reason: false is written.
func (c *checker) demandsNothing(q *require) bool {
	for _, address := range c.ofAuto(q) {
		if c.has(address) {
			return false
		}
	}
	return !c.has(&q.Requesters) && !c.has(&q.Ticket) && !c.has(&q.Channel) && !c.has(&q.TTL) && c.has(&q.Reason) && !q.Reason
}

// match checks what can never match.
func (c *checker) match(r *rule, p Project) {
	m := &r.Match
	if m.MoreThan > 0 && p.Policy.MaxServers > 0 && m.MoreThan >= p.Policy.MaxServers {
		c.contradicts(&m.MoreThan, "more_than is %d, and a request has at most %d servers (max_servers); lower it", m.MoreThan, p.Policy.MaxServers)
	}
	if m.Type == "HARD" && len(m.Actions) == 1 && m.Actions[0] == "start" {
		c.contradicts(&m.Type, "type is HARD, and the rule is about starts, which are never HARD; leave one out")
	}
	keys := map[string]string{}
	for i, tag := range m.Tags {
		key, value, _ := strings.Cut(tag, "=")
		if other, has := keys[key]; has && value != "" && other != "" {
			c.contradicts(&m.Tags[i], "tags holds two values of %q, and a server has to have all tags; make two rules", key)
		}
		keys[key] = cmp.Or(value, keys[key])
	}
}

// require checks demands that contradict each other or the project.
func (c *checker) require(r *rule, p Project) {
	q := &r.Require
	if !c.has(&q.Approvers) {
		for name, address := range map[string]any{"quiet": &q.Quiet, "escalate": &q.Escalate} {
			if c.has(address) && !r.Auto {
				c.contradicts(address, "%s needs approvers in the same rule; write them, too", name)
			}
		}
		if q.SelfApproval && !r.Auto {
			c.contradicts(&q.SelfApproval, "self_approval: true is about approvers of the same rule; write them, too")
		}
	}
	approvers, whose := q.Approvers, "the rule's approvers are"
	if !c.has(&q.Approvers) {
		approvers, whose = p.Policy.Approvers, "the project's approvers are"
	}
	if n, known := people(approvers, q.Quiet, q.Escalate.To); known && n > 0 && q.Approvals > n {
		c.contradicts(&q.Approvals, "approvals is %d, and %s %s; lower it or name more people", q.Approvals, whose, count(n, "person", "people"))
	}
	if least := p.Policy.ApprovalsRequired; !c.has(&q.Approvers) && q.Approvals > 0 && q.Approvals < least {
		c.contradicts(&q.Approvals, "approvals is %d, and the project's %d count without approvers of the rule; raise it or name approvers", q.Approvals, least)
	}
	for i, id := range q.Quiet {
		if id != "" && slices.Contains(q.Approvers, id) {
			c.contradicts(&q.Quiet[i], "quiet holds %q, which is in approvers; keep it in one of them", id)
		}
	}
	for i, id := range q.Escalate.To {
		if id != "" && slices.Contains(q.Approvers, id) {
			c.contradicts(&q.Escalate.To[i], "to holds %q, which is in approvers from the beginning; leave it out", id)
		}
	}
	ttl, whoseTTL := p.Policy.TTL, "the project's ttl"
	if q.TTL > 0 && ttl > 0 && q.TTL > ttl {
		c.contradicts(&q.TTL, "ttl (%s) is longer than the project's (%s), and the shorter one counts; lower it", short(q.TTL), short(ttl))
	} else if q.TTL > 0 {
		ttl, whoseTTL = q.TTL, "the rule's ttl"
	}
	if after := q.Escalate.After; after > 0 && ttl > 0 && after >= ttl {
		c.contradicts(&q.Escalate.After, "after (%s) is not before the request expires (%s, %s); lower it", short(after), short(ttl), whoseTTL)
	}
	if f, err := regexp.Compile(`^(?:` + q.Ticket + `)$`); q.Ticket != "" && err == nil && f.MatchString("") {
		c.contradicts(&q.Ticket, "ticket fits an empty id, so it demands nothing; write it like CHG-[0-9]+")
	}
}

// short writes a time as people do: 15m, not 15m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// hours makes days and minutes of texts that the decoder has found to be good.
func (c *checker) hours(h *hours) approvals.Hours {
	made := approvals.Hours{From: minutes(cmp.Or(h.From, "00:00")), To: minutes(cmp.Or(h.To, "24:00")), Zone: h.Zone}
	if !c.has(&h.Days) && !c.has(&h.From) && !c.has(&h.To) && c.has(&h.Zone) {
		c.contradicts(&h.Zone, "hours with a zone alone are always; write days, or from and to")
	}
	if made.From == made.To && (h.From != "" || h.To != "") {
		c.contradicts(firstOf(c, h, &h.To, &h.From), "from and to are the same; for the whole day leave both out")
	}
	for i, text := range h.Days {
		first, last, isRange := strings.Cut(text, "-")
		from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if !isRange {
			to = from
		}
		if from < 0 || to < 0 {
			continue
		}
		if isRange && from == to {
			c.contradicts(&h.Days[i], "days holds %q; write %s, or leave days out for every day", text, first)
		}
		for day := from; ; day = (day + 1) % 7 {
			if !slices.Contains(made.Days, time.Weekday(day)) {
				made.Days = append(made.Days, time.Weekday(day))
			}
			if day == to {
				break
			}
		}
	}
	slices.Sort(made.Days)
	return made
}

// minutes reads a time of day.
func minutes(clock string) int {
	var h, m int
	fmt.Sscanf(clock, "%d:%d", &h, &m)
	return 60*h + m
}
