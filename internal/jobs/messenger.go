package jobs

import (
	"context"
	"ecsbot/internal/approvals"
	"time"
)

// Messenger is what people see of the bot. The engine calls it to have things said
// and acts on what people sent; it never learns how that looks in Slack.
type Messenger interface {
	// Handle acts on something a person sent. It may be called again for the
	// same envelope when a process died meanwhile, so what it asks of the
	// engine must carry the envelope's id. An error means: try again later.
	Handle(ctx context.Context, env approvals.Envelope) error
	// TellTooLate tells a person privately that what they did was reached too late and
	// is not acted on. It tries once.
	TellTooLate(ctx context.Context, env approvals.Envelope)
	// Post says m: as the first message in the request's channel if the
	// request has no thread yet, else in its thread. It tries once.
	Post(ctx context.Context, m approvals.Message) approvals.Delivery
	// UpdateCard makes the request's first message show the request as it is, and what
	// the freeze means for it.
	UpdateCard(ctx context.Context, r approvals.Request, f approvals.Freeze) approvals.Delivery
	// FindPost finds a message by the id it carries, among those posted since. An
	// error may be a *approvals.LookError.
	FindPost(ctx context.Context, r approvals.Request, id string, since time.Time) (ts string, found bool, err error)
	// TellPrivately tells a person privately what could not be said in the channel: that
	// the request is withdrawn since its card could not be posted, or how it
	// ended, say. It tries once; an error means that nobody was told.
	TellPrivately(ctx context.Context, user string, m approvals.Message) error
	// PublishHome makes a person's Home show what there is for them now. Drawing it
	// twice does no harm.
	PublishHome(ctx context.Context, user string) approvals.Delivery
}
