// Package slackapp is the bot's face in Slack: it receives commands, clicks and
// forms over Socket Mode, hands them to the engine, and posts what the engine
// has to say. It knows no Redis and no cloud.
//
// What comes in is recorded with the engine before it is acknowledged (Slack
// does not send a lost click again), and acted on later by any replica that
// claims it: [App.Handle]. What goes out is asked for by the engine, one
// message at a time: [App.Post], [App.UpdateCard], [App.FindPost]. What a verb, a
// button or a form does is one line in the tables of routes.go. How things look is
// drawn by methods of view, which needs no connection.
//
// Every sentence that people read in Slack is in words*.go. Other packages name
// what happened by closed types (a cause, a kind of refusal, of mistake, a topic);
// only foreign text, which people and the cloud wrote, is passed on as it is.
package slackapp

import (
	"log/slog"
	"sync/atomic"

	"ecsbot/internal/secret"
)

// Desk is what the Slack side asks of the engine. Each part is declared beside
// the code that calls it. Methods that take an op do nothing twice for the same
// op. What a person can put right comes back as a *approvals.Refusal.
type Desk interface {
	Recorder   // interaction.go: store what people did
	Asker      // ask.go: make a request
	Decider    // decide.go: approve, deny, cancel
	FollowUps  // followup.go: retry, start again
	Resolver   // resolve.go: take a person's word
	Freezer    // freeze.go: the emergency stop
	Drafter    // preview.go: keep what a preview shows
	Reader     // show.go: read requests and their lists
	Inventory  // form.go: servers in the cloud
	HomeKeeper // home.go: what Homes show
	Knower     // people.go: what Slack said of people
	Served     // projects.go: which projects there are
}

// Config says how the app appears in Slack.
type Config struct {
	BotToken        secret.String
	AppToken        secret.String
	APIURL          string   // Web API base ending in a slash; empty: Slack's own
	Sockets         int      // live Socket Mode connections, at least 1
	AllowedChannels []string // where the command may be used; empty: everywhere
	// ClassicBlocks draws without the blocks of 2026; otherwise they are tried, and
	// left out for a day if Slack refuses them.
	ClassicBlocks bool
	WorkflowStep  bool // workflows may ask by the step of [StepManifest]
	Log           *slog.Logger
	Metrics       *Metrics // must be set
}

// App is one replica's connection to a Slack workspace. Its own methods act on what
// people did (routes.go says which does what); its parts receive it, know who people
// are, and post.
type App struct {
	*client
	*poster
	*sockets
	roles *roles
}

// New makes an app. It talks to Slack only from [App.Run] on, or when the
// engine asks it to.
func New(c Config, desk Desk) *App {
	cl := newClient(c, desk)
	a := &App{client: cl, roles: &roles{client: cl}}
	a.poster = &poster{client: cl, roles: a.roles}
	a.sockets = &sockets{
		client: cl, poster: a.poster, roles: a.roles, app: a,
		hello: make([]atomic.Bool, c.Sockets),
		slots: make(chan struct{}, 64), brakes: make(chan struct{}, 16),
	}
	return a
}
