package slackapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// answer tells one person something that nobody else sees. What was clicked in a
// thread is answered there. Otherwise it uses the interaction's response_url (good for 30 minutes and five answers, also where the bot is no
// member) or, failing that, an ephemeral message, or a direct one. A private
// answer cannot be looked up afterwards; when it is unclear whether one arrived
// it is said again: twice is better than never here.
//
// What was done in the person's Home is answered there: such an interaction has no
// response_url and no channel, the person may not be in the request's channel,
// and it is the Home that they look at.
func (po *poster) answer(ctx context.Context, in interaction, text string) {
	if err := po.tell(ctx, in, text); err != nil {
		po.log.ErrorContext(ctx, "a person could not be answered", "user", in.User, "home", in.Home, "err", err)
	}
}

// tell is answer, for whom it matters whether somebody was told.
func (po *poster) tell(ctx context.Context, in interaction, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	text = clip(text, maxFallback)
	if in.Home {
		return po.desk.AnswerInHome(ctx, in.User, text)
	}
	if in.Step != nil {
		return po.failStep(ctx, in.Step.Execution, text)
	}
	var all error
	for pause := 200 * time.Millisecond; pause < 2*time.Second; pause *= 3 {
		err := po.tellOnce(ctx, in, text)
		if err == nil {
			return nil
		}
		all = err
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return clean(all)
}

// tellOnce tries each way to a person once. Its error names what was tried.
func (po *poster) tellOnce(ctx context.Context, in interaction, text string) error {
	var tried []error
	opts := []slack.MsgOption{slack.MsgOptionText(text, false), slack.MsgOptionBlocks(paragraphs(text)...)}
	if in.Thread != "" && in.Channel != "" { // a response_url would answer in the channel
		err := po.tellInChannel(ctx, in, append(opts, slack.MsgOptionTS(in.Thread)))
		if err == nil {
			return nil
		}
		tried = append(tried, fmt.Errorf("in the thread: %w", err))
	}
	if in.Response != "" {
		err := po.respond(ctx, in.Response, text)
		if err == nil {
			return nil
		}
		tried = append(tried, fmt.Errorf("response_url: %w", err))
	}
	if in.Channel != "" {
		err := po.tellInChannel(ctx, in, opts)
		if err == nil {
			return nil
		}
		tried = append(tried, fmt.Errorf("chat.postEphemeral: %w", err))
	}
	err := po.call("chat.postMessage to a person", func() error {
		_, _, err := po.api.PostMessageContext(ctx, in.User, opts...)
		return err
	})
	if err == nil {
		return nil
	}
	return errors.Join(append(tried, fmt.Errorf("direct message: %w", err))...)
}

func (po *poster) tellInChannel(ctx context.Context, in interaction, opts []slack.MsgOption) error {
	return po.call("chat.postEphemeral", func() error {
		_, err := po.api.PostEphemeralContext(ctx, in.Channel, in.User, opts...)
		return err
	})
}

// respond says something to one person by a response_url. Any success of HTTP
// counts, whatever its body looks like, unless it says no: else the same would
// be said again.
func (cl *client) respond(ctx context.Context, to, text string) error {
	body, err := json.Marshal(map[string]any{
		"response_type": slack.ResponseTypeEphemeral, "replace_original": false, "text": text, "blocks": paragraphs(text),
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := cl.calls.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", resp.Status, clip(string(said), 200))
	}
	var no struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	if err == nil && json.Unmarshal(said, &no) == nil && no.OK != nil && !*no.OK {
		return errors.New(no.Error)
	}
	return nil
}

// TellTooLate tells a person that what they did was reached too late.
func (po *poster) TellTooLate(ctx context.Context, env approvals.Envelope) {
	var in interaction
	if err := json.Unmarshal(env.Body, &in); err != nil {
		po.log.ErrorContext(ctx, "read act", "err", err)
		return
	}
	po.answer(ctx, in, sayStale)
}

// TellPrivately tells a person privately what could not be said in the channel. The
// response_url of their command may still work; it is not tried for others.
func (po *poster) TellPrivately(ctx context.Context, user string, m approvals.Message) error {
	in := interaction{User: user}
	if user == m.Request.Requester {
		in.Channel, in.Response = m.Request.AskedIn, m.Request.ResponseURL
	}
	return po.tell(ctx, in, po.view().sayElsewhere(m))
}
