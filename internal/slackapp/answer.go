package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// answer tells one person something that nobody else sees. It uses the act's
// response_url (good for 30 minutes and five answers, also where the bot is no
// member) or, failing that, an ephemeral message, or a direct one. A private answer cannot be
// looked up afterwards; when it is unclear whether one arrived it is said
// again: twice is better than never here.
//
// What was done in the person's Home is answered there: such an act has no
// response_url and no channel, the person may not be in the request's channel,
// and it is the Home that they look at.
func (a *App) answer(ctx context.Context, did act, text string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	text = clipText(text, maxFallback)
	if did.Home {
		if err := a.desk.TellHome(ctx, did.User, text); err != nil {
			a.Log.ErrorContext(ctx, "a person could not be answered in their Home", "user", did.User, "err", err)
		}
		return
	}
	blocks := slack.MsgOptionBlocks(paragraphs(text)...)
	var err error
	for pause := 200 * time.Millisecond; pause < 2*time.Second; pause *= 3 {
		if did.Response != "" {
			_, _, _, err = a.api.SendMessageContext(ctx, "", slack.MsgOptionResponseURL(did.Response, slack.ResponseTypeEphemeral),
				slack.MsgOptionText(text, false), blocks)
			if err == nil {
				return
			}
		}
		if did.Channel != "" {
			if _, e := a.api.PostEphemeralContext(ctx, did.Channel, did.User, slack.MsgOptionText(text, false), blocks); e == nil {
				return
			} else if err == nil {
				err = e
			}
			if _, _, e := a.api.PostMessageContext(ctx, did.User, slack.MsgOptionText(text, false), blocks); e == nil {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	a.Log.ErrorContext(ctx, "a person could not be answered", "user", did.User, "err", withoutURL(err))
}

// withoutURL takes the address out of an error: whoever knows a response_url
// can speak as the bot for half an hour.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// Stale tells a person that what they did was reached too late.
func (a *App) Stale(ctx context.Context, env approvals.Envelope) {
	var did act
	if err := json.Unmarshal(env.Body, &did); err != nil {
		a.Log.ErrorContext(ctx, "read act", "err", err)
		return
	}
	a.answer(ctx, did, sayStale)
}

// Aside tells the requester what could not be said in the channel.
func (a *App) Aside(ctx context.Context, m approvals.Message) {
	r := m.Request
	text := sayUnposted(r)
	if m.Notes[0].Topic == approvals.TopicEnd {
		text = sayEnd(r) + "\n" + sayAside(r)
	}
	a.answer(ctx, act{User: r.Requester, Channel: r.From, Response: r.Answer}, text)
}
