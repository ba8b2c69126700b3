package slackapp

import (
	"context"
	"errors"
	"strconv"
	"strings"

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

func showButton(r approvals.Request) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(actShow, r.ID, plain(sayShow))
}

// openServers opens the list. That changes nothing, so it is not recorded; any
// member of the workspace may look.
func (a *App) openServers(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.openModal(ctx, in, cb.TriggerID, func(ctx context.Context) (slack.ModalViewRequest, error) {
		return a.serversOf(ctx, in.User, in.Request, 0)
	}, func(context.Context) string { return sayShowFailed(in.Request) })
}

// turnPage shows another page of the open list.
func (a *App) turnPage(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.turn(ctx, in, cb, a.serversOf)
}

// turn shows another page in an open list, which build makes. The button's value is the
// page.
func (a *App) turn(ctx context.Context, in interaction, cb slack.InteractionCallback, build func(ctx context.Context, user, id string, page int) (slack.ModalViewRequest, error)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
	defer cancel()
	id := cb.View.PrivateMetadata
	page, _ := strconv.Atoi(in.Request)
	modal, err := build(ctx, in.User, id, page)
	if no, is := errors.AsType[*approvals.Refusal](err); is {
		modal, err = infoModal(a.view().sayRefusal(no)), nil
	}
	if err == nil {
		_, err = a.api.UpdateViewContext(ctx, modal, "", cb.View.Hash, cb.View.ID)
	}
	if err != nil && !hasSlackCode(err, "hash_conflict") { // two clicks came together
		a.log.WarnContext(ctx, "a page of a list could not be shown", "request", id, "user", in.User, "err", err)
	}
}

func (a *App) serversOf(ctx context.Context, user, id string, page int) (slack.ModalViewRequest, error) {
	var none slack.ModalViewRequest
	if err := a.roles.mayView(ctx, user); err != nil {
		return none, err
	}
	r, err := a.desk.Find(ctx, id)
	if err != nil {
		return none, err
	}
	f, err := a.desk.ServerList(ctx, id)
	if err != nil {
		return none, err
	}
	return serversPage(r, f, page), nil
}

// listPage is a part of a long list.
type listPage struct{ number, pages, first, end int }

// pageOf is the part of all lines on that page, or on the nearest one that there is.
func pageOf(page, all int) listPage {
	pages := max(1, (all+perPage-1)/perPage)
	page = min(max(page, 0), pages-1)
	return listPage{page, pages, page * perPage, min(all, (page+1)*perPage)}
}

// buttons turn the pages; their value is the page that they lead to.
func (p listPage) buttons(prev, next string) []slack.Block {
	var turn []slack.BlockElement
	if p.number > 0 {
		turn = append(turn, slack.NewButtonBlockElement(prev, strconv.Itoa(p.number-1), plain(sayPrev)))
	}
	if p.number < p.pages-1 {
		turn = append(turn, slack.NewButtonBlockElement(next, strconv.Itoa(p.number+1), plain(sayNext)))
	}
	if len(turn) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("turn", turn...)}
}

// serversPage is one page of the frozen list; what was left out comes last.
func serversPage(r approvals.Request, f approvals.ServerList, page int) slack.ModalViewRequest {
	all := len(f.Servers) + len(f.LeftOut)
	p := pageOf(page, all)
	lines := make([]string, 0, perPage)
	for i := p.first; i < p.end; i++ {
		if i < len(f.Servers) {
			lines = append(lines, serverLine(f.Servers[i]))
		} else {
			lines = append(lines, sayLeftOutAtEnd(f.LeftOut[i-len(f.Servers)]))
		}
	}
	blocks := append([]slack.Block{section(sayPage(r, p.first+1, p.end, all))}, paragraphs(strings.Join(lines, "\n"))...)
	blocks = append(blocks, p.buttons(actPrev, actNext)...)
	return slack.ModalViewRequest{
		Type: slack.VTModal, PrivateMetadata: r.ID, Title: plain(sayPageTitle(r.ID)), Close: plain(sayPageClose),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
}
