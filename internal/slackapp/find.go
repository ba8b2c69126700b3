package slackapp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// lookError sorts the errors of a call that looks for a message.
func lookError(err error) error {
	e := &approvals.FindError{Err: clean(err), Final: hasSlackCode(err,
		"missing_scope", "access_denied", "no_permission", "not_allowed_token_type", "team_access_not_granted", "ekm_access_denied",
		"channel_type_not_supported", "method_deprecated", "deprecated_endpoint", "method_not_supported_for_channel_type")}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		e.RetryAfter = max(limited.RetryAfter, time.Second)
	}
	return e
}

// readBack is how long before its intent a message is looked for: Slack's
// clock stamps it, not ours.
const readBack = 5 * time.Second

// FindPost finds a message of ours by the note it tells.
func (cl *client) FindPost(ctx context.Context, r approvals.Request, id string, since time.Time) (string, bool, error) {
	me, err := cl.self(ctx)
	if err != nil {
		return "", false, err
	}
	oldest := strconv.FormatFloat(float64(since.Add(-readBack).UnixMicro())/1e6, 'f', 6, 64)
	cursor := ""
	for {
		msgs, next, err := cl.page(ctx, r.Thread, oldest, cursor)
		if err != nil {
			return "", false, err
		}
		for _, m := range msgs {
			ours := m.BotID == me.BotID || m.User == me.UserID
			if ours && tells(m, r, id) {
				return m.Timestamp, true, nil
			}
		}
		if next == "" {
			return "", false, nil
		}
		cursor = next
	}
}

// noteIDs names all notes that one message tells.
func noteIDs(notes []approvals.Note) string {
	ids := make([]string, len(notes))
	for i, n := range notes {
		ids[i] = n.ID
	}
	return strings.Join(ids, " ")
}

// page reads one page of the thread, or of the channel while there is no
// thread yet.
func (cl *client) page(ctx context.Context, t approvals.Thread, oldest, cursor string) ([]slack.Message, string, error) {
	const limit = 100
	if t.TS != "" {
		msgs, _, next, err := cl.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: t.Channel, Timestamp: t.TS, Oldest: oldest, Cursor: cursor, Limit: limit, IncludeAllMetadata: true,
		})
		if hasSlackCode(err, "thread_not_found", "not_in_channel", "channel_not_found") {
			// The card was deleted, or the channel is closed to the bot: the next
			// attempt to post will tell.
			return nil, "", nil
		}
		if err != nil {
			return nil, "", lookError(fmt.Errorf("conversations.replies: %w", err))
		}
		return msgs, next, nil
	}
	page, err := cl.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: t.Channel, Oldest: oldest, Cursor: cursor, Limit: limit, IncludeAllMetadata: true,
	})
	if hasSlackCode(err, "not_in_channel", "channel_not_found") {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", lookError(fmt.Errorf("conversations.history: %w", err))
	}
	return page.Messages, page.ResponseMetadata.Cursor, nil
}
