package slackapp

import (
	"context"
	"strings"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// Names of the button that shows the results of a request that has ended, and of those
// that turn the pages.
const (
	actResults     = "ecs_stop_results"
	actResultsPrev = "ecs_stop_results_prev"
	actResultsNext = "ecs_stop_results_next"
)

func resultsButton(r approvals.Request) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(actResults, r.ID, plain(sayResults))
}

// openResults opens the results. That changes nothing, so it is not recorded; any
// member of the workspace may look.
func (a *App) openResults(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.openModal(ctx, in, cb.TriggerID, func(ctx context.Context) (slack.ModalViewRequest, error) {
		return a.resultsOf(ctx, in.User, in.Request, 0)
	}, func(context.Context) string { return sayShowFailed(in.Request) })
}

// turnResults shows another page of the open results.
func (a *App) turnResults(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.turn(ctx, in, cb, a.resultsOf)
}

func (a *App) resultsOf(ctx context.Context, user, id string, page int) (slack.ModalViewRequest, error) {
	var none slack.ModalViewRequest
	if err := a.roles.mayView(ctx, user); err != nil {
		return none, err
	}
	r, err := a.desk.Find(ctx, id)
	if err != nil {
		return none, err
	}
	batches, err := a.desk.Batches(ctx, r)
	if err != nil {
		return none, err
	}
	return resultsPage(r, batches, a.permalink(ctx, r), page), nil
}

// resultsPage is one page of the results, what went wrong first.
func resultsPage(r approvals.Request, batches []approvals.Batch, link string, page int) slack.ModalViewRequest {
	all := worstFirst(batches)
	p := pageOf(page, len(all))
	lines := make([]string, 0, perPage)
	for _, result := range all[p.first:p.end] {
		lines = append(lines, sayResult(result))
	}
	blocks := []slack.Block{section(sayResultsHead(r, p.first+1, p.end, len(all)))}
	blocks = append(blocks, paragraphs(strings.Join(lines, "\n"))...)
	if link != "" {
		blocks = append(blocks, contextBlock(sayResultsWhere(link, needsFile(batches))))
	}
	blocks = append(blocks, p.buttons(actResultsPrev, actResultsNext)...)
	return slack.ModalViewRequest{
		Type: slack.VTModal, PrivateMetadata: r.ID, Title: plain(sayResultsTitle(r.ID)), Close: plain(sayPageClose),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
}
