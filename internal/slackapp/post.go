package slackapp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// poster posts: in channels and threads, to people privately, and in their Homes.
type poster struct {
	*client
	roles *roles
}

// eventType marks the bot's messages; their payload names the note they tell,
// so that a message whose answer was lost is found again.
const eventType = "ecs_stop"

// Post says m once. Without a thread it posts the card.
func (po *poster) Post(ctx context.Context, m approvals.Message) approvals.Delivery {
	if t := m.Notes[0].Topic; t == approvals.TopicList || t == approvals.TopicResults {
		return po.postFile(ctx, m)
	}
	r := m.Request
	opts := []slack.MsgOption{
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: eventType, EventPayload: map[string]any{"id": m.ID(), "all": noteIDs(m.Notes), "request": r.ID}}),
	}
	links := po.linksTo(ctx, leadsTo(r, m.Notes...)...)
	draw := func(v view) ([]slack.Block, string) {
		v.links = links
		return v.reply(m)
	}
	switch {
	case m.Notes[0].Topic.Announces():
		draw = func(view) ([]slack.Block, string) {
			text := sayAnnouncement(m.Notes[0])
			return paragraphs(text), text
		}
	case r.Thread.TS == "":
		draw = func(v view) ([]slack.Block, string) {
			v.links = links
			return v.card(r, m.Freeze)
		}
	default:
		opts = append(opts, slack.MsgOptionTS(r.Thread.TS))
	}
	var said string
	d := po.inEitherForm(ctx, draw, func(blocks []slack.Block, text string) approvals.Delivery {
		said = text
		return po.post(ctx, r.Thread.Channel, append(opts, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...)))
	})
	if hasSlackCode(d.Err, "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long") {
		// Slack refuses how it looks, not that it is said: say it plainly.
		po.log.ErrorContext(ctx, "Slack refused the blocks of a message; posting its text", "request", r.ID, "topic", m.Notes[0].Topic, "err", d.Err)
		d = po.post(ctx, r.Thread.Channel, append(opts, slack.MsgOptionText(said, false)))
	}
	return d
}

func (po *poster) post(ctx context.Context, channel string, opts []slack.MsgOption) approvals.Delivery {
	_, ts, err := po.api.PostMessageContext(ctx, channel, opts...)
	if err != nil {
		return fateOf(fmt.Errorf("chat.postMessage: %w", err))
	}
	return approvals.Delivery{Status: approvals.Posted, TS: ts}
}

// UpdateCard makes the card show the request as it is, and what the freeze means for
// it.
func (po *poster) UpdateCard(ctx context.Context, r approvals.Request, f approvals.Freeze) approvals.Delivery {
	links := po.linksTo(ctx, leadsTo(r)...)
	draw := func(v view) ([]slack.Block, string) {
		v.links = links
		return v.card(r, f)
	}
	return po.inEitherForm(ctx, draw, func(blocks []slack.Block, text string) approvals.Delivery {
		_, ts, _, err := po.api.UpdateMessageContext(ctx, r.Thread.Channel, r.Thread.TS, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...))
		if err != nil {
			return fateOf(fmt.Errorf("chat.update: %w", err))
		}
		return approvals.Delivery{Status: approvals.Posted, TS: ts}
	})
}

// What Slack's answers mean for a message, by its method pages. The texts of
// the first group there say that part of the operation may have happened.
// finalCodes are about the message or its place, so that no other try does
// better; laterCodes pass, or somebody has to repair the app. Codes that stand
// nowhere may be either.
var (
	unsureCodes = []string{"internal_error", "fatal_error", "request_timeout"}
	laterCodes  = []string{
		"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "team_access_not_granted",
		"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope",
	}
	thereCodes = []string{"duplicate_message", "duplicate_client_msg_id"}
	finalCodes = []string{
		"channel_not_found", "not_in_channel", "is_archived", "is_inactive", "channel_type_not_supported", "user_not_found", "user_not_in_channel",
		"restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"restricted_action_non_threadable_channel", "restricted_action_thread_locked", "cannot_reply_to_message",
		"ekm_access_denied", "no_permission", "messages_tab_disabled", "cannot_dm_bot",
		"msg_too_long", "msg_blocks_too_long", "no_text", "invalid_blocks", "invalid_blocks_format", "too_many_attachments",
		"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "metadata_must_be_sent_from_app",
		"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data",
		// of drawing
		"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch", "view_too_large",
		// of files
		"file_not_found", "file_uploads_disabled", "file_uploads_except_images_disabled", "file_type_blocked", "slack_connect_file_upload_sharing_blocked", "storage_limit_reached",
	}
)

// fateOf sorts the errors of a call that writes.
func fateOf(err error) approvals.Delivery {
	d := approvals.Delivery{Status: approvals.MaybePosted, Code: codeOf(err), Err: clean(err)}
	var limited *slack.RateLimitedError
	var status slack.StatusCodeError
	var dial *net.OpError
	switch {
	case errors.As(err, &limited):
		d.Status, d.RetryAfter, d.WholeMethod = approvals.NotPosted, max(limited.RetryAfter, time.Second), true
	case errors.As(err, &status) && status.Code == 429:
		d.Status, d.RetryAfter, d.WholeMethod = approvals.NotPosted, 30*time.Second, true
	case errors.As(err, &status) && status.Code < 500:
		d.Status, d.RetryAfter = approvals.NotPosted, 30*time.Second
	case errors.As(err, &dial) && dial.Op == "dial":
		d.Status = approvals.NotPosted
	case hasSlackCode(err, unsureCodes...), hasSlackCode(err, thereCodes...):
	case hasSlackCode(err, laterCodes...):
		d.Status, d.RetryAfter = approvals.NotPosted, 30*time.Second
	case hasSlackCode(err, finalCodes...):
		d.Status = approvals.Rejected
	case d.Code != "":
		d.Status, d.UnknownCode = approvals.NotPosted, true
	}
	return d
}

// codeOf is the code with which Slack itself said no; empty if it did not.
func codeOf(err error) string {
	answer, _ := errors.AsType[slack.SlackErrorResponse](err)
	return answer.Err
}
