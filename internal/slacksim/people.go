package slacksim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// User is a person or a bot of the workspace, or a stranger from another one.
type User struct {
	ID          string `json:"id"`
	Name        string `json:"name"` // the handle, without @
	RealName    string `json:"real_name,omitempty"`
	Deleted     bool   `json:"deleted,omitempty"`
	Bot         bool   `json:"bot,omitempty"`
	Guest       bool   `json:"guest,omitempty"`        // is_restricted
	SingleGuest bool   `json:"single_guest,omitempty"` // is_ultra_restricted
	Stranger    bool   `json:"stranger,omitempty"`     // from another workspace
	TeamID      string `json:"team_id,omitempty"`      // default: the workspace's own
	TZ          string `json:"tz,omitempty"`           // default UTC
}

// Group is a user group (subteam).
type Group struct {
	ID     string   `json:"id"`
	Handle string   `json:"handle"` // without @
	Users  []string `json:"users"`

	updated int64 // date_update, in seconds; 0: as it was created
}

// groupsCreated is the date_create of every user group.
const groupsCreated = 1600000000

// Channel is a place to talk. The bot is no member of a new channel.
type Channel struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Private  bool   `json:"private,omitempty"`
	Archived bool   `json:"archived,omitempty"`
	Group    bool   `json:"group,omitempty"`  // a direct message of several people (mpim), private by nature
	Shared   bool   `json:"shared,omitempty"` // with another organization (Slack Connect)
}

// channel is a Channel with what happened in it.
type channel struct {
	Channel
	im       string // the other user of a direct message
	members  []string
	messages []*Message // roots and replies, by ts
}

func (c *channel) has(user string) bool { return slices.Contains(c.members, user) }

// AddUser adds a user, or replaces the one with the same ID.
func (w *Workspace) AddUser(u User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u.Name = cmp.Or(u.Name, strings.ToLower(u.ID))
	u.RealName = cmp.Or(u.RealName, u.Name)
	u.TeamID = cmp.Or(u.TeamID, w.opt.TeamID)
	u.TZ = cmp.Or(u.TZ, "UTC")
	w.users[u.ID] = &u
	w.happened(Event{Kind: PeopleChanged, User: u.ID})
}

// Deactivate marks a user as deleted. The payloads of what the user still does
// arrive as before: an app has to look for itself.
func (w *Workspace) Deactivate(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u := w.users[user]; u != nil {
		u.Deleted = true
		w.happened(Event{Kind: PeopleChanged, User: user})
	}
}

// AddChannel adds a channel without members. One with the same ID keeps its
// members and messages and takes the new name and properties.
func (w *Workspace) AddChannel(c Channel) {
	c.Private = c.Private || c.Group
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.channels[c.ID]; old != nil {
		old.Channel = c
	} else {
		w.channels[c.ID] = &channel{Channel: c}
		w.order = append(w.order, c.ID)
	}
	w.happened(Event{Kind: PeopleChanged, Channel: c.ID})
}

// AddGroup adds a user group, or replaces the one with the same ID.
func (w *Workspace) AddGroup(g Group) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g.Users = slices.Clone(g.Users)
	w.groups[g.ID] = &g
	w.happened(Event{Kind: PeopleChanged, Detail: g.ID})
}

// SetGroup replaces a group's members. It sends no event, as if it was lost; see
// ChangeGroup.
func (w *Workspace) SetGroup(id string, users ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g := w.groups[id]; g != nil {
		g.Users = slices.Clone(users)
		w.happened(Event{Kind: PeopleChanged, Detail: id})
	}
}

// ChangeGroup replaces a group's members as an administrator does, and notifies the
// app: subteam_members_changed says who came and who left, subteam_updated shows
// the whole group. An event goes out only if the app subscribes to it and its
// token has usergroups:read. The Answer is that to the last one, or to the first
// that was not acknowledged; it is empty if none went out.
func (w *Workspace) ChangeGroup(ctx context.Context, id string, users ...string) (Answer, error) {
	events, err := w.changeGroup(id, users)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Acked: true}
	for _, event := range events {
		next, err := w.SendEvent(ctx, event)
		if err != nil {
			return next, err
		}
		if answer.Acked {
			answer = next
		}
	}
	if len(events) == 0 {
		return Answer{}, nil
	}
	return answer, nil
}

// changeGroup replaces a group's members and returns the events of it.
func (w *Workspace) changeGroup(id string, users []string) ([]object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.groups[id]
	if g == nil {
		return nil, fmt.Errorf("slacksim: no group %q", id)
	}
	added, removed := without(users, g.Users), without(g.Users, users)
	before := cmp.Or(g.updated, groupsCreated)
	g.Users, g.updated = slices.Clone(users), time.Now().Unix()
	w.happened(Event{Kind: PeopleChanged, Detail: id})

	var events []object
	stamp := formatTS(time.Now().UnixMicro())
	if w.subscribed("subteam_members_changed") && len(added)+len(removed) > 0 {
		events = append(events, object{
			"type": "subteam_members_changed", "subteam_id": id, "team_id": w.opt.TeamID, "event_ts": stamp,
			"date_previous_update": before, "date_update": g.updated,
			"added_users": added, "added_users_count": len(added),
			"removed_users": removed, "removed_users_count": len(removed),
		})
	}
	if w.subscribed("subteam_updated") {
		shown := w.groupObject(g)
		members := w.activeMembers(g, false)
		shown["users"], shown["user_count"] = members[:min(len(members), maxEventUsers)], len(members)
		events = append(events, object{"type": "subteam_updated", "subteam": shown, "event_ts": stamp})
	}
	return events, nil
}

// maxEventUsers is how many members a subteam_updated event names at most.
const maxEventUsers = 500

// without returns the members of list that are not in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(append([]string{}, list...), func(s string) bool { return slices.Contains(other, s) })
}

// Join makes users members of a channel.
func (w *Workspace) Join(channel string, users ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.channels[channel]; c != nil {
		for _, u := range users {
			if !c.has(u) {
				c.members = append(c.members, u)
			}
		}
		w.happened(Event{Kind: PeopleChanged, Channel: channel})
	}
}

// Leave takes users out of a channel.
func (w *Workspace) Leave(channel string, users ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.channels[channel]; c != nil {
		for _, u := range users {
			c.members = remove(c.members, u)
		}
		w.happened(Event{Kind: PeopleChanged, Channel: channel})
	}
}

// Archive archives a channel: nothing can be posted there any more.
func (w *Workspace) Archive(channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.channels[channel]; c != nil {
		c.Archived = true
		w.happened(Event{Kind: PeopleChanged, Channel: channel})
	}
}

// Users returns everybody, by ID, the bot included.
func (w *Workspace) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []User
	for _, id := range slices.Sorted(maps.Keys(w.users)) {
		list = append(list, *w.users[id])
	}
	return list
}

// Channels returns the channels in the order in which they were added.
func (w *Workspace) Channels() []Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Channel
	for _, id := range w.order {
		list = append(list, w.channels[id].Channel)
	}
	return list
}

// Members returns the members of a channel in the order in which they joined.
func (w *Workspace) Members(channel string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.channels[channel]; c != nil {
		return slices.Clone(c.members)
	}
	return nil
}

// direct returns the direct-message channel of the bot and a user, made on
// first use. The lock is held.
func (w *Workspace) direct(user string) *channel {
	id := "D" + user
	c := w.channels[id]
	if c == nil {
		c = &channel{Channel: Channel{ID: id, Private: true}, im: user, members: []string{user, BotUserID}}
		w.channels[id] = c
		w.order = append(w.order, id)
	}
	return c
}

// find resolves what an app may give as a channel: an id, a #name, or a user id
// for a direct message. A private channel that the bot is not in does not exist
// for it. The lock is held.
func (w *Workspace) find(ref string) (*channel, error) {
	c := w.channels[ref]
	if c == nil {
		name := strings.TrimPrefix(ref, "#")
		for _, id := range w.order {
			if name != "" && w.channels[id].Name == name {
				c = w.channels[id]
			}
		}
	}
	if c == nil && w.users[ref] != nil && ref != BotUserID {
		c = w.direct(ref)
	}
	if c == nil || c.Private && !c.has(BotUserID) {
		return nil, apiError("channel_not_found")
	}
	return c, nil
}

func (w *Workspace) usersInfo(a args) (object, error) {
	u := w.users[a["user"]]
	if u == nil {
		return nil, apiError("user_not_found")
	}
	return object{"user": w.userObject(u)}, nil
}

func (w *Workspace) usersList(a args) (object, error) {
	ids := slices.Sorted(maps.Keys(w.users))
	ids, next, err := page(ids, a, 0, 1000)
	if err != nil {
		return nil, err
	}
	members := []object{}
	for _, id := range ids {
		members = append(members, w.userObject(w.users[id]))
	}
	return object{"members": members, "cache_ts": time.Now().Unix(), "response_metadata": object{"next_cursor": next}}, nil
}

func (w *Workspace) userObject(u *User) object {
	offset := 0
	if loc, err := time.LoadLocation(u.TZ); err == nil {
		_, offset = time.Now().In(loc).Zone()
	}
	o := object{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "deleted": u.Deleted, "real_name": u.RealName,
		"tz": u.TZ, "tz_label": u.TZ, "tz_offset": offset,
		"profile": object{"real_name": u.RealName, "display_name": u.Name, "team": u.TeamID},
		"is_bot":  u.Bot, "is_app_user": false, "updated": 0,
		"is_admin": false, "is_owner": false, "is_primary_owner": false,
		"is_restricted": u.Guest || u.SingleGuest, "is_ultra_restricted": u.SingleGuest,
	}
	if u.Stranger {
		o["is_stranger"] = true
	}
	return o
}

func (w *Workspace) usergroupsList(a args) (object, error) {
	list := []object{}
	for _, id := range slices.Sorted(maps.Keys(w.groups)) {
		g := w.groups[id]
		o := w.groupObject(g)
		if a.on("include_users") {
			o["users"] = w.activeMembers(g, false)
		}
		if a.on("include_count") {
			o["user_count"] = len(w.activeMembers(g, false))
		}
		list = append(list, o)
	}
	return object{"usergroups": list}, nil
}

// groupObject is a user group as the Web API and the events show it, without its
// members.
func (w *Workspace) groupObject(g *Group) object {
	return object{
		"id": g.ID, "team_id": w.opt.TeamID, "is_usergroup": true, "is_subteam": true,
		"name": g.Handle, "handle": g.Handle, "description": "", "is_external": false,
		"date_create": groupsCreated, "date_update": cmp.Or(g.updated, groupsCreated), "date_delete": 0,
		"auto_type": nil, "auto_provision": false, "enterprise_subteam_id": "",
		"created_by": "USLACKBOT", "updated_by": "USLACKBOT", "deleted_by": nil,
		"prefs": object{"channels": []string{}, "groups": []string{}}, "channel_count": 0,
	}
}

func (w *Workspace) usergroupsUsersList(a args) (object, error) {
	g := w.groups[a["usergroup"]]
	if g == nil {
		return nil, apiError("no_such_subteam")
	}
	return object{"users": w.activeMembers(g, a.on("include_disabled"))}, nil
}

func (w *Workspace) activeMembers(g *Group, all bool) []string {
	list := []string{}
	for _, id := range g.Users {
		if u := w.users[id]; u == nil || !u.Deleted || all {
			list = append(list, id)
		}
	}
	return list
}

// kind is the name that a conversation's scopes begin with.
func (c *channel) kind() string {
	switch {
	case c.im != "":
		return "im"
	case c.Group:
		return "mpim"
	case c.Private:
		return "groups"
	}
	return "channels"
}

// allows reports whether the bot token has the scope for conversations of a kind. verb
// is read or history. The answer is for the case that it has not.
func (w *Workspace) allows(kind, verb string) (object, error) {
	if scope := kind + ":" + verb; !slices.Contains(w.opt.Scopes, scope) {
		return w.lacking(scope), apiError("missing_scope")
	}
	return nil, nil
}

func (w *Workspace) conversationsInfo(a args) (object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, err
	}
	if answer, err := w.allows(c.kind(), "read"); err != nil {
		return answer, err
	}
	o := w.channelObject(c)
	if a.on("include_num_members") {
		o["num_members"] = len(c.members)
	}
	return object{"channel": o}, nil
}

func (w *Workspace) channelObject(c *channel) object {
	o := object{
		"id": c.ID, "created": 1600000000, "is_im": c.im != "", "is_mpim": c.Group,
		"is_channel": c.im == "" && !c.Private, "is_group": c.im == "" && c.Private,
		"is_private": c.Private, "is_archived": c.Archived, "context_team_id": w.opt.TeamID,
		"is_shared": c.Shared, "is_ext_shared": c.Shared, "is_org_shared": false, "is_pending_ext_shared": false,
	}
	if c.im != "" {
		o["user"] = c.im
		return o
	}
	o["name"], o["name_normalized"] = c.Name, c.Name
	o["is_member"], o["is_general"] = c.has(BotUserID), false
	o["topic"] = object{"value": "", "creator": "", "last_set": 0}
	o["purpose"] = object{"value": "", "creator": "", "last_set": 0}
	return o
}

func (w *Workspace) conversationsMembers(a args) (object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, err
	}
	if answer, err := w.allows(c.kind(), "read"); err != nil {
		return answer, err
	}
	ids, next, err := page(c.members, a, 100, 1000)
	if errors.Is(err, errLimit) {
		err = apiError("invalid_limit") // only this method has a code for it
	}
	if err != nil {
		return nil, err
	}
	return object{"members": append([]string{}, ids...), "response_metadata": object{"next_cursor": next}}, nil
}

// conversationTypes are the kinds that conversations.list knows.
var conversationTypes = map[string]string{"public_channel": "channels", "private_channel": "groups", "mpim": "mpim", "im": "im"}

// conversationsList lists the conversations that the bot can see, of the types
// that were asked for.
func (w *Workspace) conversationsList(a args) (object, error) {
	var kinds []string
	for name := range strings.SplitSeq(cmp.Or(a["types"], "public_channel"), ",") {
		kind, ok := conversationTypes[strings.TrimSpace(name)]
		if !ok {
			return nil, apiError("invalid_types")
		}
		if answer, err := w.allows(kind, "read"); err != nil {
			return answer, err
		}
		kinds = append(kinds, kind)
	}
	ids := slices.DeleteFunc(slices.Clone(w.order), func(id string) bool {
		c := w.channels[id]
		return !slices.Contains(kinds, c.kind()) || c.Private && !c.has(BotUserID) || c.Archived && a.on("exclude_archived")
	})
	ids, next, err := page(ids, a, 100, 1000)
	if errors.Is(err, errLimit) {
		err = apiError("invalid_limit")
	}
	if err != nil {
		return nil, err
	}
	channels := []object{}
	for _, id := range ids {
		channels = append(channels, w.channelObject(w.channels[id]))
	}
	return object{"channels": channels, "response_metadata": object{"next_cursor": next}}, nil
}

func (w *Workspace) teamInfo(a args) (object, error) {
	if team := a["team"]; team != "" && team != w.opt.TeamID {
		return nil, apiError("team_not_found")
	}
	return object{"team": object{
		"id": w.opt.TeamID, "name": w.opt.TeamDomain, "domain": w.opt.TeamDomain, "email_domain": "",
		"url": "https://" + w.opt.TeamDomain + ".slack.com/", "icon": object{"image_default": true}, "is_verified": false,
	}}, nil
}

func (w *Workspace) botsInfo(a args) (object, error) {
	if a["bot"] != BotID {
		return nil, apiError("bot_not_found")
	}
	return object{"bot": object{
		"id": BotID, "user_id": BotUserID, "app_id": AppID, "name": w.opt.BotName, "deleted": false, "updated": 1600000000, "icons": object{},
	}}, nil
}

func (w *Workspace) conversationsOpen(a args) (object, error) {
	u := w.users[a["users"]]
	if u == nil {
		return nil, apiError("user_not_found")
	}
	return object{"channel": object{"id": w.direct(u.ID).ID}}, nil
}
