package slackapp

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// Names of the button that shows all servers of a request, and of those that
// turn the pages. The value of the latter is the page that they lead to.
const (
	actShow = "ecs_stop_show"
	actPrev = "ecs_stop_prev"
	actNext = "ecs_stop_next"
)

// perPage is how many servers one page shows.
const perPage = 30

// longerThanCard reports whether the card cannot show all there is.
func longerThanCard(r approvals.Request) bool {
	shown := sayServers(r, cardBudget)
	last := shown[strings.LastIndex(shown, "\n")+1:]
	return r.Total > len(r.First) || r.OutSum > len(r.Out) || !strings.HasPrefix(last, "•")
}

func showButton(r approvals.Request) slack.Block {
	return slack.NewActionBlock("all", slack.NewButtonBlockElement(actShow, r.ID, plain(sayShow)))
}

// showServers opens the list or turns a page of it. It changes nothing, so it
// is not recorded; any member of the workspace may look.
func (a *App) showServers(ctx context.Context, click interaction, cb slack.InteractionCallback) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2800*time.Millisecond)
	defer cancel()
	id, page := click.Request, 0
	if click.Action != actShow {
		id = cb.View.PrivateMetadata
		page, _ = strconv.Atoi(click.Request)
	}
	view, err := a.serversOf(ctx, click.User, id, page)
	var no *approvals.Refusal
	switch {
	case errors.As(err, &no) && click.Action == actShow:
		a.answer(ctx, click, sayRefusal(no))
		return
	case errors.As(err, &no):
		view, err = infoModal(sayRefusal(no)), nil
	}
	switch {
	case err != nil:
	case click.Action == actShow:
		_, err = a.api.OpenViewContext(ctx, cb.TriggerID, view)
	default:
		_, err = a.api.UpdateViewContext(ctx, view, "", cb.View.Hash, cb.View.ID)
	}
	if err == nil || hasSlackCode(err, "exchanged_trigger_id", "hash_conflict") {
		return // the latter two: Slack sent it twice, or two clicks came together
	}
	a.Log.WarnContext(ctx, "the servers of a request could not be shown", "request", id, "user", click.User, "err", err)
	if click.Action == actShow {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		a.answer(late, click, sayShowFailed(id))
	}
}

func (a *App) serversOf(ctx context.Context, user, id string, page int) (slack.ModalViewRequest, error) {
	var none slack.ModalViewRequest
	if err := a.mayView(ctx, user); err != nil {
		return none, err
	}
	r, err := a.desk.Find(ctx, id)
	if err != nil {
		return none, err
	}
	f, err := a.desk.Frozen(ctx, id)
	if err != nil {
		return none, err
	}
	return serversPage(r, f, page), nil
}

// serversPage is one page of the frozen list; what was left out comes last.
func serversPage(r approvals.Request, f approvals.Frozen, page int) slack.ModalViewRequest {
	all := len(f.Servers) + len(f.LeftOut)
	pages := max(1, (all+perPage-1)/perPage)
	page = min(max(page, 0), pages-1)
	first, end := page*perPage, min(all, (page+1)*perPage)
	lines := make([]string, 0, perPage)
	for i := first; i < end; i++ {
		if i < len(f.Servers) {
			lines = append(lines, serverLine(f.Servers[i]))
		} else {
			lines = append(lines, sayLeftOutAtEnd(f.LeftOut[i-len(f.Servers)]))
		}
	}
	blocks := append([]slack.Block{section(sayPage(r, first+1, end, all))}, paragraphs(strings.Join(lines, "\n"))...)
	var turn []slack.BlockElement
	if page > 0 {
		turn = append(turn, slack.NewButtonBlockElement(actPrev, strconv.Itoa(page-1), plain(sayPrev)))
	}
	if page < pages-1 {
		turn = append(turn, slack.NewButtonBlockElement(actNext, strconv.Itoa(page+1), plain(sayNext)))
	}
	if len(turn) > 0 {
		blocks = append(blocks, slack.NewActionBlock("turn", turn...))
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, PrivateMetadata: r.ID, Title: plain(sayPageTitle(r.ID)), Close: plain(sayPageClose),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
}
