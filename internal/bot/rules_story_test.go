package bot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
)

const leaveOut = "ecs_stop_leave"

// ruled is a world whose only project has these rules. The group SLEADS has Ben, SDBA
// nobody yet.
func ruled(t *testing.T, rules string) *world {
	t.Helper()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "bot.yaml")
	if err := os.WriteFile(file, []byte("keyspace: "+w.env["HUAWEICLOUD_SDK_PROJECT_ID"]+"\nprojects:\n  - name: main\n    rules:\n"+rules), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env["CONFIG_FILE"] = file
	w.Groups = []string{"SLEADS", "SDBA", "SGONE"}
	w.Slack.AddGroup(slacksim.Group{ID: "SLEADS", Handle: "leads", Users: []string{ben}})
	w.Slack.AddGroup(slacksim.Group{ID: "SDBA", Handle: "dba"})
	w.Cloud.Add(server(1, "web-1", "env=prod"), server(2, "web-2", "env=prod"), server(3, "db-1", "role=db"), server(4, "dev-1", "env=dev"), server(5, "mail-1"))
	return w
}

// group changes who is in a group, and waits until the bot knows.
func (w *world) group(id string, users ...string) {
	w.t.Helper()
	if a, err := w.Slack.ChangeGroup(w.t.Context(), id, users...); err != nil || !a.Acked {
		w.t.Fatalf("the change of the group was not acknowledged: %v", err)
	}
}

// asksInVain types a request and reads why there is none.
func (w *world) asksInVain(user, text string, words ...string) {
	w.t.Helper()
	heard := w.Hears(user)
	w.Command(user, text)
	heard(words...)
}

// The strictest of all rules holds: both groups, a reason and a ticket. Who is in a
// group counts at the click.
func TestTwoGroupsDecideAboutOneRequest(t *testing.T) {
	t.Parallel()
	w := ruled(t, `
      - name: production
        match: {servers: ["web-*"]}
        require: {approvers: [SLEADS], approvals: 2, quiet: [UGUS, UDORA]}
      - name: databases
        match: {tags: [role=db]}
        require: {approvers: [SDBA], reason: true, ticket: "CHG-[0-9]+"}
`)
	w.start(nil)
	w.asksInVain(anna, "web-1 db-1", "reason is required")
	w.asksInVain(anna, "web-1 db-1 --reason night", "Rule `databases` needs a ticket like `CHG-[0-9]+`", "--ticket")
	w.asksInVain(anna, "web-1 db-1 --reason night --ticket CHG-x", "`CHG-x` doesn't fit")
	w.asksInVain(anna, "web-1 db-1 --dry-run --reason night --ticket CHG-1", "Dry run", "Rules `databases`, `production`", "1 of <!subteam^SDBA>", "2 of <!subteam^SLEADS>")
	w.asksInVain(anna, "explain web-1 db-1 mail-1", "Rule `databases` (db-1): 1 approval of <!subteam^SDBA>; a reason; a ticket like `CHG-[0-9]+`",
		"Rule `production` (web-1): 2 approvals of <!subteam^SLEADS>", "*By default* (mail-1): 1 approval of <@UBEN>", "*It needs 4 approvals* by different people")

	card := w.Ask(anna, "web-1 db-1 --reason night --ticket CHG-1")
	text := w.CardSays(card, "Needs 3 approvals", "2 of <!subteam^SLEADS> (rule `production`)", "1 of <!subteam^SDBA> (rule `databases`)", "ticket `CHG-1`")
	if holds(text, dora) || holds(text, "SDUTY") {
		t.Errorf("the card mentions a quiet approver, or those whose place the rules have taken:\n%s", text)
	}
	w.OpenHome(ben, "Needs your approval", "2 of <!subteam^SLEADS>")
	heard := w.Hears(carla)
	w.Click(carla, card, approve)
	heard("Only approvers can do this") // she is one of the project's, not of the rules'
	w.Click(ben, card, approve)
	w.CardSays(card, "Needs 2 more", "(rule `production`): :white_check_mark: <@UBEN>, 1 more")
	w.Reply(card, "<@UBEN> approved (1 of 3)")

	w.group("SDBA", carla)
	w.Click(carla, card, approve)
	w.CardSays(card, "(rule `databases`): :white_check_mark: <@UCARLA>")
	// Ben is also a database administrator now, and fills no second slot.
	heard = w.Hears(ben)
	w.group("SDBA", carla, ben)
	w.Click(ben, card, approve)
	heard("You already approved")
	w.Click(dora, card, approve) // quiet
	w.outcome(card, "2 servers stopped")
	w.Stopped(uuid(1), uuid(3))
	w.CardSays(card, "rules `databases`, `production`", "ticket `CHG-1`")
	if audit := w.audit(); !holds(audit, `"ticket":"CHG-1"`) {
		t.Error("the audit log does not have the ticket")
	}
}

// audit is the whole audit log.
func (w *world) audit() string {
	w.t.Helper()
	rdb := w.redis.Client()
	defer rdb.Close()
	var b strings.Builder
	for _, m := range rdb.XRange(w.t.Context(), w.prefix()+"audit", "-", "+").Val() {
		entry, _ := m.Values["d"].(string)
		b.WriteString(entry + "\n")
	}
	return b.String()
}

// Each matcher is asked by a dry run, which names the rules that apply.
func TestWhatRulesMatch(t *testing.T) {
	t.Parallel()
	at := func(hours int) string { return time.Now().UTC().Add(time.Duration(hours) * time.Hour).Format("15:04") }
	w := ruled(t, `
      - {name: by-name, match: {servers: ["WEB-*"]}, require: {approvals: 2}}
      - {name: by-tag, match: {tags: [role=db]}, require: {approvals: 2}}
      - {name: by-key, match: {tags: [role]}, require: {approvals: 2}}
      - {name: stops, match: {actions: [stop], servers: [mail-1]}, require: {approvals: 2}}
      - {name: starts, match: {actions: [start], servers: [mail-1]}, require: {approvals: 2}}
      - {name: hard, match: {type: HARD, servers: [mail-1]}, require: {approvals: 2}}
      - {name: many, match: {more_than: 1, servers: ["web-*", "dev-*"]}, require: {approvals: 2}}
      - {name: today, match: {servers: [dev-1], hours: [{days: [mon-sun], zone: Asia/Tokyo}]}, require: {approvals: 2}}
      - {name: now, match: {servers: [dev-1], hours: [{from: "`+at(-2)+`", to: "`+at(2)+`"}]}, require: {approvals: 2}}
      - {name: later, match: {servers: [dev-1], hours: [{from: "`+at(3)+`", to: "`+at(6)+`"}]}, require: {approvals: 2}}
`)
	w.start(nil)
	for text, rules := range map[string]string{
		"web-1": "Rule `by-name`:", "db-1": "Rules `by-key`, `by-tag`:", "mail-1": "Rule `stops`:", "mail-1 --hard": "Rules `hard`, `stops`:",
		"web-1 web-2": "Rules `by-name`, `many`:", "web-1 dev-1": "Rules `by-name`, `many`, `now`, `today`:", "dev-1": "Rules `now`, `today`:",
	} {
		w.asksInVain(anna, text+" --dry-run", "Dry run", rules, "it needs 2 approvals")
	}
}

func TestWhatRulesDemand(t *testing.T) {
	t.Parallel()
	w := ruled(t, `
      - {name: asking, match: {servers: [db-1]}, require: {requesters: [UBEN]}}
      - {name: frozen, match: {servers: [mail-1]}, deny: "Mail is frozen until Monday, ask <Dora>."}
      - {name: elsewhere, match: {servers: ["web-*"]}, require: {channel: CWEB, ttl: 5m, approvals: 2}}
      - {name: own, match: {servers: [dev-1]}, require: {approvers: [UANNA], self_approval: true}}
      - {name: never-own, match: {servers: [web-2]}, require: {self_approval: false}}
`)
	w.Slack.AddChannel(slacksim.Channel{ID: "CWEB", Name: "web"})
	for _, user := range []string{anna, ben, carla, slacksim.BotUserID} {
		w.Slack.Join("CWEB", user)
	}
	w.start(nil)
	w.asksInVain(anna, "db-1", "Rule `asking` doesn't let you request this", "No request was created")
	w.asksInVain(anna, "mail-1 web-1", "Rule `frozen` doesn't allow this: Mail is frozen until Monday, ask &lt;Dora&gt;.", "No request was created")
	if made := w.keys(w.prefix() + "r:*"); len(made) != 0 {
		t.Errorf("requests were created: %v", made)
	}
	heard := w.Hears(anna)
	w.Command(anna, "web-1")
	heard("created", "<#CWEB>")
	w.Within(w.Patience, "card in the other channel", func() bool { return len(w.Slack.Messages("CWEB")) == 1 })
	made := w.keys(w.prefix() + "r:*")
	if r := stored[approvals.Request](w, strings.TrimPrefix(made[0], w.prefix())); r.Expires.Sub(r.Created) != 5*time.Minute || r.Channel != "CWEB" || r.ApprovalsNeeded != 2 {
		t.Errorf("it expires after %v, in %s, with %d approvals", r.Expires.Sub(r.Created), r.Channel, r.ApprovalsNeeded)
	}
	elsewhere := w.Slack.Messages("CWEB")[0]
	w.Click(ben, elsewhere, approve)
	w.CardSays(elsewhere, "Needs 1 more")
	w.Click(carla, elsewhere, approve)
	w.Within(w.Patience, "stop", func() bool { return w.Cloud.StopCount(uuid(1)) == 1 })

	own := w.Ask(anna, "dev-1")
	w.CardSays(own, "1 of <@UANNA> (rule `own`)")
	w.Click(anna, own, approve)
	w.outcome(own, "1 of 1 server stopped")
}

func TestAnAutomaticRule(t *testing.T) {
	t.Parallel()
	w := ruled(t, `
      - {name: dev, match: {tags: [env=dev]}, auto: true}
      - {name: mail, match: {servers: ["mail-*"]}, auto: true, auto_hard: true}
      - {name: production, match: {servers: ["web-*"]}, require: {approvers: [SLEADS]}}
`)
	w.start(nil)
	// What takes approval for one server takes it for the request.
	mixed := w.Ask(anna, "dev-1 web-1")
	w.CardSays(mixed, "*Needs* 1 of <!subteam^SLEADS> (rule `production`)", "rule `dev`")
	w.Click(anna, mixed, cancel)
	w.CardSays(mixed, "Cancelled")
	hard := w.Ask(anna, "dev-1 --hard")
	w.CardSays(hard, "Needs 1 approval")
	w.Click(anna, hard, cancel)
	w.CardSays(hard, "Cancelled")
	w.Untouched(uuid(4), uuid(1))

	heard := w.Hears(anna)
	card := w.Ask(anna, "dev-1")
	heard("created", "Approved automatically by rule `dev`: it starts now.")
	w.Reply(card, "Approved automatically by rule `dev`.")
	w.outcome(card, "1 of 1 server stopped")
	w.CardSays(card, "approved automatically by rule `dev`")
	w.Stopped(uuid(4))
	if audit := w.audit(); !holds(audit, `"event":"auto"`, `"reason":"dev"`) {
		t.Error("the audit log does not name the rule")
	}
	power := w.Ask(anna, "mail-1 --hard")
	w.outcome(power, "1 of 1 server stopped")
	w.CardSays(power, "automatically by rule `mail`")
}

func TestAnApproverLeavesSomeOut(t *testing.T) {
	t.Parallel()
	w := ruled(t, `
      - {name: production, match: {servers: ["web-*"]}, require: {approvers: [SLEADS]}}
`)
	w.start(nil)
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2 mail-1")
	w.CardSays(card, "Needs 2 approvals")
	heard := w.Hears(dora)
	w.Click(dora, card, leaveOut)
	heard("Only approvers can do this")
	w.Click(carla, card, leaveOut)
	w.View(carla, "Leave servers out", "Stop 3 servers", "web-1", "mail-1")
	w.Submit(carla, map[string]map[string]any{"leave": {"ecs_stop_leave_pick": []string{uuid(1), uuid(2)}}})
	w.redeliver()
	w.CardSays(card, "Stop 1 server", "1 of 3 servers; 2 left out by <@UCARLA>", "left out by an approver (web-1, web-2)", "Needs 1 approval")
	w.Reply(card, "<@UCARLA> left out 2 servers: web-1, web-2. 1 remains.")
	if n := w.Count(card, "left out 2 servers"); n != 1 {
		t.Errorf("told %d times", n)
	}
	other := w.Ask(anna, "web-1") // it is free at once
	w.CardSays(other, "Stop 1 server")
	w.Click(carla, card, approve)
	w.outcome(card, "1 of 1 server stopped")
	w.Stopped(uuid(5))
	w.Untouched(uuid(1), uuid(2))
}

// Of many servers an approver searches for some, among those of the request alone.
func TestAnApproverSearchesForWhatToLeaveOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(120)
	w.Cloud.Add(server(1, "web-x"))
	w.start(nil)
	card := w.Ask(anna, "web-1*") // web-1, web-10 to web-19, web-100 to web-120
	w.Click(ben, card, leaveOut)
	w.View(ben, "Leave servers out", "Stop 32 servers")
	w.Submit(ben, map[string]map[string]any{"leave": {"ecs_stop_leave_pick": []string{ids[0], ids[9]}}})
	w.CardSays(card, "30 of 32 servers; 2 left out by <@UBEN>")
	many := w.Ask(anna, "web-2* web-3* web-4* web-5* web-6* web-7* web-8* web-9* web-x --reason x")
	w.CardSays(many, "Stop 89 servers")
	w.Click(ben, card, deny)
	w.View(ben, "Deny request")
	w.Submit(ben, nil)
	w.CardSays(card, "Denied")
	w.Click(anna, many, cancel)
	w.CardSays(many, "Cancelled")
	all := w.Ask(anna, "web-*")
	w.Click(ben, all, leaveOut)
	w.View(ben, "Stop 121 servers")
	for typed, want := range map[string]int{"web-x": 1, "WEB-11": 11, "nothing": 0} {
		found, err := w.Slack.Suggest(t.Context(), ben, "", "leave", "ecs_stop_leave_pick", typed)
		if err != nil || len(found) != want {
			t.Errorf("for %q there are %v, %v", typed, found, err)
		}
	}
	w.Submit(ben, map[string]map[string]any{"leave": {"ecs_stop_leave_pick": []string{uuid(1)}}})
	w.CardSays(all, "120 of 121 servers; 1 left out by <@UBEN>")
}

// A group that Slack cannot tell about decides nothing, and harms no member of another.
func TestAGroupThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := ruled(t, `
      - {name: production, match: {servers: ["web-*"]}, require: {approvers: [SGONE, SLEADS]}}
      - {name: asking, match: {servers: [mail-1]}, require: {requesters: [SGONE]}}
`)
	w.start(nil)
	w.asksInVain(anna, "mail-1", "can't tell right now who is in <!subteam^SGONE>")
	card := w.Ask(anna, "web-1")
	heard := w.Hears(dora)
	w.Click(dora, card, approve)
	heard("can't tell right now who is in <!subteam^SGONE>, and that decides")
	w.CardSays(card, "Needs")
	w.Click(ben, card, approve)
	w.outcome(card, "1 of 1 server stopped")
}

// The form asks for a ticket where a rule does, and its preview names the rules.
func TestTheFormAsksForATicket(t *testing.T) {
	t.Parallel()
	w := ruled(t, `
      - {name: changes, match: {servers: ["web-*"]}, require: {ticket: "CHG-[0-9]+"}}
`)
	w.start(nil)
	w.Command(anna, "")
	w.View(anna, "Stop servers", "Ticket", "Rules may say otherwise")
	w.Submit(anna, simworld.Fields("names", "web-1", "ticket", "none"))
	w.View(anna, "Rule `changes` needs a ticket like `CHG-[0-9]+`")
	if _, err := w.Slack.CloseView(t.Context(), anna, ""); err != nil {
		t.Fatal(err)
	}
	w.Submit(anna, simworld.Fields("names", "web-1", "ticket", "CHG-7"))
	w.View(anna, "Review request", "ticket `CHG-7`", "Rule `changes`.", "needs 1 approval")
	w.Submit(anna, nil)
	w.CardSays(w.Card(0), "ticket `CHG-7`", "rule `changes`")
}
