package jobs

import (
	"context"
	"time"

	"ecsbot/internal/approvals"
)

// Messenger is the engine's way to people: it handles what they sent and delivers
// messages. The engine does not know what either looks like in Slack.
type Messenger interface {
	// Handle acts on something that a person sent. It may be called again for the same
	// envelope if a process died meanwhile, so its calls of the engine must carry the
	// envelope's id. An error means: try again later.
	Handle(ctx context.Context, env approvals.Envelope) error
	// TellTooLate tells a person privately that the bot got to their command or click
	// too late and ignores it. It tries once.
	TellTooLate(ctx context.Context, env approvals.Envelope)
	// Post posts m: as the first message in the request's channel if the request has
	// no thread yet, else in its thread. It tries once.
	Post(ctx context.Context, m approvals.Message) approvals.Delivery
	// UpdateCard updates the request's first message to show the request, and what
	// the freeze means for it. It tries once.
	UpdateCard(ctx context.Context, r approvals.Request, f approvals.Freeze) approvals.Delivery
	// FindPost finds a message by the id in its metadata, among those posted since
	// the given time. An error may be a *approvals.FindError.
	FindPost(ctx context.Context, r approvals.Request, id string, since time.Time) (ts string, found bool, err error)
	// TellPrivately sends a person what could not be posted in the channel: that the
	// request is withdrawn because its card could not be posted, or its outcome. It
	// tries once; an error means that the person did not get it.
	TellPrivately(ctx context.Context, user string, m approvals.Message) error
	// CompleteStep tells the Workflow Builder step that asked for r how r has ended.
	// Doing it twice does no harm; an error means: try again later.
	CompleteStep(ctx context.Context, r approvals.Request) error
	// PublishHome updates a person's Home. Doing it twice does no harm.
	PublishHome(ctx context.Context, user string) approvals.Delivery
}
