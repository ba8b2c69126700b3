package slacksim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"ecsbot/internal/slacksim"
)

// The scope that a conversations method needs depends on the kind of the
// conversation: a token that reads public channels reads nothing else.
func TestScopesGoByTheKindOfTheConversation(t *testing.T) {
	type place struct{ kind, id string }
	places := []place{{"channels", "COPS"}, {"groups", "CSECRET"}, {"im", "DUANN"}, {"mpim", "GTRIO"}}
	build := func(t *testing.T, scopes ...string) *rig {
		r := newRig(t, slacksim.Options{Scopes: append(scopes, "chat:write")})
		r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true})
		r.AddChannel(slacksim.Channel{ID: "GTRIO", Name: "mpdm-ann--bob--bot-1", Group: true})
		for _, id := range []string{"CSECRET", "GTRIO"} {
			r.Join(id, slacksim.BotUserID, "UANN")
		}
		if _, _, err := r.api.PostMessageContext(t.Context(), "UANN", slack.MsgOptionText("hi", false)); err != nil {
			t.Fatal(err) // opens the direct message
		}
		return r
	}
	methods := map[string]func(*rig, string) error{
		"conversations.history": func(r *rig, id string) error {
			_, err := r.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: id})
			return err
		},
		"conversations.replies": func(r *rig, id string) error {
			_, _, _, err := r.api.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: id, Timestamp: "1.000001"})
			if code(err) == "thread_not_found" {
				return nil
			}
			return err
		},
		"conversations.info": func(r *rig, id string) error {
			_, err := r.api.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: id})
			return err
		},
		"conversations.members": func(r *rig, id string) error {
			_, _, err := r.api.GetUsersInConversationContext(t.Context(), &slack.GetUsersInConversationParameters{ChannelID: id})
			return err
		},
	}
	for name, call := range methods {
		verb := ":read"
		if name == "conversations.history" || name == "conversations.replies" {
			verb = ":history"
		}
		for _, have := range places {
			r := build(t, have.kind+verb)
			for _, asked := range places {
				err := call(r, asked.id)
				if asked == have {
					wantCode(t, err, "")
					continue
				}
				e, _ := errors.AsType[slack.SlackErrorResponse](err)
				if e.Err != "missing_scope" || e.Needed != asked.kind+verb || e.Provided != have.kind+verb+",chat:write" {
					t.Errorf("%s of %s with %s%s: %v, needed %q, provided %q", name, asked.id, have.kind, verb, err, e.Needed, e.Provided)
				}
			}
		}
		// A token with none of the four does not even learn whether a channel exists.
		e, _ := errors.AsType[slack.SlackErrorResponse](call(build(t), "CNONE"))
		if want := "channels" + verb + ",groups" + verb + ",mpim" + verb + ",im" + verb; e.Err != "missing_scope" || e.Needed != want {
			t.Errorf("%s with no scope: %+v, want needed %q", name, e, want)
		}
	}
}

func TestConversationInfo(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true, Archived: true})
	r.AddChannel(slacksim.Channel{ID: "GTRIO", Name: "mpdm-ann--bob--bot-1", Group: true})
	r.AddChannel(slacksim.Channel{ID: "CSHARED", Name: "shared", Shared: true})
	r.Join("CSECRET", slacksim.BotUserID)
	r.Join("GTRIO", slacksim.BotUserID, "UANN", "UBOB")
	if _, _, err := r.api.PostMessageContext(t.Context(), "UANN", slack.MsgOptionText("hi", false)); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"COPS":    "channel member",
		"CSECRET": "group private member archived",
		"CSHARED": "channel shared",
		"GTRIO":   "mpim group private member",
		"DUANN":   "im",
	} {
		c, err := r.api.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: id})
		if err != nil {
			t.Fatal(id, err)
		}
		var marks []string
		for _, x := range []struct {
			name string
			is   bool
		}{
			{"im", c.IsIM}, {"mpim", c.IsMpIM}, {"channel", c.IsChannel}, {"group", c.IsGroup}, {"private", c.IsPrivate && !c.IsIM},
			{"member", c.IsMember}, {"archived", c.IsArchived}, {"shared", c.IsExtShared && c.IsShared},
		} {
			if x.is {
				marks = append(marks, x.name)
			}
		}
		if got := strings.Join(marks, " "); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
}

func TestConversationsList(t *testing.T) {
	r := newRig(t, slacksim.Options{Scopes: []string{"channels:read", "groups:read"}})
	r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true})
	r.AddChannel(slacksim.Channel{ID: "CMINE", Name: "mine", Private: true})
	r.AddChannel(slacksim.Channel{ID: "COLD", Name: "old", Archived: true})
	r.Join("CMINE", slacksim.BotUserID)
	list := func(p slack.GetConversationsParameters) string {
		channels, _, err := r.api.GetConversationsContext(t.Context(), &p)
		if err != nil {
			return code(err)
		}
		var ids []string
		for _, c := range channels {
			ids = append(ids, c.ID)
		}
		return strings.Join(ids, " ")
	}
	for want, p := range map[string]slack.GetConversationsParameters{
		"COPS COLD":     {},
		"COPS":          {ExcludeArchived: true},
		"CMINE":         {Types: []string{"private_channel"}},
		"missing_scope": {Types: []string{"public_channel", "im"}},
		"invalid_types": {Types: []string{"rooms"}},
	} {
		if got := list(p); got != want {
			t.Errorf("%+v: %s, want %s", p, got, want)
		}
	}
}

func TestTeamAndBotInfo(t *testing.T) {
	r := newRig(t, slacksim.Options{TeamDomain: "demo", BotName: "stopper"})
	team, err := r.api.GetTeamInfoContext(t.Context())
	if err != nil || team.ID != "TSIM" || team.Domain != "demo" {
		t.Errorf("%+v %v", team, err)
	}
	bot, err := r.api.GetBotInfoContext(t.Context(), slack.GetBotInfoParameters{Bot: slacksim.BotID})
	if err != nil || bot.UserID != slacksim.BotUserID || bot.AppID != slacksim.AppID || bot.Name != "stopper" {
		t.Errorf("%+v %v", bot, err)
	}
	_, err = r.api.GetBotInfoContext(t.Context(), slack.GetBotInfoParameters{Bot: "BNONE"})
	wantCode(t, err, "bot_not_found")
}

const aManifest = `{"oauth_config":{"scopes":{"bot":["chat:write","users:read"]}},
	"settings":{"event_subscriptions":{"bot_events":["app_home_opened"]}}}`

func TestAnAppHasWhatItsManifestAsksFor(t *testing.T) {
	opt, err := slacksim.Options{PostGap: -1}.WithManifest(aManifest)
	if err != nil || opt.PostGap != -1 || !slices.Equal(opt.Scopes, []string{"chat:write", "users:read"}) || !slices.Equal(opt.Events, []string{"app_home_opened"}) {
		t.Errorf("%+v %v", opt, err)
	}
	opt, err = slacksim.Options{}.WithManifest(`{}`)
	if err != nil || opt.Scopes == nil || len(opt.Scopes) != 0 || opt.Events == nil || len(opt.Events) != 0 {
		t.Errorf("an empty manifest gives %+v %v", opt, err)
	}
	if _, err := (slacksim.Options{}).WithManifest(`oauth_config: {}`); err == nil {
		t.Error("YAML was taken for JSON")
	}
}
