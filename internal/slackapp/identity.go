package slackapp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// Identity tells which team and which bot user the bot token stands for. While
// Slack cannot be reached it waits; it returns an error if Slack refuses the
// token, or when ctx ends.
func (cl *client) Identity(ctx context.Context) (team, bot string, err error) {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		me, err := cl.self(ctx)
		if err == nil {
			return me.TeamID, me.UserID, nil
		}
		var answer slack.SlackErrorResponse
		if errors.As(err, &answer) && errors.As(fatalOr(err), new(errRefused)) {
			return "", "", fmt.Errorf("the bot token is refused by Slack: %s", answer.Err)
		}
		if ctx.Err() == nil {
			cl.log.WarnContext(ctx, "Slack does not tell who this bot is; nothing is done until it does", "in", pause, "err", err)
		}
		select {
		case <-ctx.Done():
			return "", "", ctx.Err()
		case <-time.After(pause):
		}
	}
}
