package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// HomeKeeper keeps what the engine knows of people's Homes.
type HomeKeeper interface {
	// HomeOpened notes that the person looks at their Home, so that it is drawn.
	HomeOpened(ctx context.Context, user string) error
	// AnswerInHome shows a text in the person's Home.
	AnswerInHome(ctx context.Context, user, text string) error
	// HomeAnswer is what TellHome last showed; empty if that is long ago.
	HomeAnswer(ctx context.Context, user string) (string, error)
	// Undelivered lists what could not be told to the person in its channel lately.
	Undelivered(ctx context.Context, user string) ([]approvals.Message, error)
}

// PublishHome makes a person's Home show what there is for them now.
func (po *poster) PublishHome(ctx context.Context, user string) approvals.Delivery {
	blocks, err := po.homeNow(ctx, user)
	if err != nil {
		limit, _ := errors.AsType[errThrottled](err)
		return approvals.Delivery{Status: approvals.NotPosted, RetryAfter: limit.RetryAfter(), Err: err}
	}
	_, err = po.api.PublishViewContext(ctx, slack.PublishViewContextRequest{
		UserID: user, View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}},
	})
	if err != nil {
		return fateOf(fmt.Errorf("views.publish: %w", err))
	}
	return approvals.Delivery{Status: approvals.Posted}
}

// homeNow reads what the Home shows.
func (po *poster) homeNow(ctx context.Context, user string) ([]slack.Block, error) {
	// What a click may do is looked up again at the click. In one list, a person's own id
	// would hide the groups by which they may do more.
	p, err := po.roles.person(ctx, user, ageToLook, po.desk.Projects().Deciders()...)
	if err != nil {
		return nil, err
	}
	h := home{person: p}
	if h.told, err = po.desk.HomeAnswer(ctx, user); err != nil {
		return nil, err
	}
	if h.untold, err = po.desk.Undelivered(ctx, user); err != nil {
		return nil, err
	}
	if h.freeze, err = po.desk.FreezeState(ctx); err != nil {
		return nil, err
	}
	if h.open, h.more, err = po.desk.OpenRequests(ctx, user); err != nil {
		return nil, err
	}
	if h.ended, err = po.desk.EndedRequests(ctx, homeResults); err != nil {
		return nil, err
	}
	h.now = time.Now()
	h.link = func(r approvals.Request) string { return po.permalink(ctx, r) }
	return po.view().home(h), nil
}

// home is what one person's Home shows.
type home struct {
	person approvals.Person
	told   string              // what the last click in it came to
	untold []approvals.Message // what their channels did not take
	freeze approvals.Freeze
	open   []approvals.Request
	more   int // open requests besides
	ended  []approvals.Request
	now    time.Time
	link   func(approvals.Request) string // to the card; empty if not known
}

// How much of each kind the Home shows.
const (
	homeListed  = 8
	homeResults = 5
	homeReason  = 200 // bytes of a request's reason
	homeUntold  = 3   // of what could not be said in its channel
	maxUntold   = 700 // bytes of each
)

// home draws it: what waits for the person comes first. There are buttons only
// where a click of this person would count; the click itself is checked again.
func (v view) home(h home) []slack.Block {
	page := homePage{left: maxBlocks}
	page.add(slack.NewHeaderBlock(plain(sayHomeTitle)), len(sayHomeTitle))
	if h.told != "" {
		page.text(h.told)
	}
	var no *approvals.Refusal
	switch errors.As(v.mayDecide(h.person), &no); {
	case no == nil, no.Kind == approvals.NotApprover:
	case no.Kind == approvals.CannotTell:
		page.text(v.sayRefusal(no)) // what they asked for is theirs all the same
	default:
		page.text(v.sayRefusal(no)) // an outsider: nothing here is for them
		return page.blocks
	}
	untold := slices.DeleteFunc(slices.Clone(h.untold), func(m approvals.Message) bool { return overtaken(m, h.freeze) })
	for _, m := range untold[:min(homeUntold, len(untold))] {
		page.text(clip(v.sayElsewhere(m), maxUntold))
	}
	if h.freeze.On {
		page.text(sayHomeFrozen(h.freeze))
	}
	waiting, own, running := v.homeSorted(h)
	if len(waiting) > 0 || no == nil {
		page.list(sayHomeWaiting, sayHomeNothingWaits, waiting, func(r approvals.Request) {
			page.text(v.sayHomeWish(r, h.link(r)))
			page.add(slack.NewActionBlock("decide:"+r.ID, approveButton(r, h.freeze), denyButton(r), showButton(r)), 0)
		})
	}
	page.add(slack.NewActionBlock("request", slack.NewButtonBlockElement(actRequest, "", plain(sayHomeRequest))), 0)
	open := func(r approvals.Request) {
		text := v.sayHomeOpen(r, h.freeze, h.link(r))
		_, err := r.Cancel(h.person, v.project(r).Policy, "", h.now)
		switch {
		case err != nil:
			page.text(text)
		case r.State == approvals.Pending:
			page.add(withButton(text, cancelButton(r)), len(text))
		default:
			page.add(withButton(text, stopButton(r)), len(text))
		}
	}
	page.list(sayHomeOwn, "", own, open)
	page.list(sayHomeRunning, "", running, open)
	if h.more > 0 {
		page.text(sayMoreOpen(h.more))
	}
	page.results(h)
	page.add(contextBlock(sayHomeFoot(h.now)), 0)
	return page.blocks
}

// overtaken reports whether a message says nothing true any more: what was in the
// way of a request that has ended, or a freeze that is not the one of now.
func overtaken(m approvals.Message, f approvals.Freeze) bool {
	switch m.Notes[0].Topic {
	case approvals.TopicFrozenBatch, approvals.TopicUnclear, approvals.TopicOverdue, approvals.TopicTrouble, approvals.TopicPaused:
		return m.Request.State.Final()
	case approvals.TopicFrozen:
		return !f.On
	case approvals.TopicUnfrozen:
		return f.On
	}
	return false
}

// homeSorted tells what waits for the person, what they asked for, and what
// else is running. Each request is in one list.
func (v view) homeSorted(h home) (waiting, own, running []approvals.Request) {
	for _, r := range h.open {
		r.Reason = clip(r.Reason, homeReason)
		err := r.MayApprove(h.person, v.project(r).Policy, h.now)
		switch {
		case err == nil:
			waiting = append(waiting, r)
		case r.Requester == h.person.ID:
			own = append(own, r)
		case r.State != approvals.Pending:
			running = append(running, r)
		}
	}
	return waiting, own, running
}

// homePage collects blocks as long as there is room for their text.
type homePage struct {
	blocks []slack.Block
	left   int
}

func (p *homePage) add(b slack.Block, text int) {
	p.blocks = append(p.blocks, b)
	p.left -= text
}

func (p *homePage) text(s string) {
	for _, part := range cutLines(s, maxSection) {
		p.add(section(part), len(part))
	}
}

// list shows the first of the requests under a heading, and says how many more
// there are; without any it says none, if that is not empty.
func (p *homePage) list(heading, none string, all []approvals.Request, show func(approvals.Request)) {
	if len(all) == 0 && none == "" {
		return
	}
	p.text(heading)
	if len(all) == 0 {
		p.text(none)
	}
	for i, r := range all {
		if i == homeListed || p.left < 1500 {
			p.text(sayHomeMore(len(all) - i))
			break
		}
		if i > 0 {
			p.add(slack.NewDividerBlock(), 0)
		}
		show(r)
	}
	p.add(slack.NewDividerBlock(), 0)
}

// results is a table of the last results, with a row of two cells for each.
func (p *homePage) results(h home) {
	if len(h.ended) == 0 {
		return
	}
	p.text(sayHomeResults)
	var cells []*slack.TextBlockObject
	for _, r := range h.ended[:min(homeResults, len(h.ended))] {
		what, who := sayHomeEnded(r, h.link(r))
		cells = append(cells, mrkdwn(clip(what, maxCell)), mrkdwn(clip(who, maxCell)))
		p.left -= min(len(what), maxCell) + min(len(who), maxCell)
	}
	p.add(slack.NewSectionBlock(nil, cells, nil), 0)
	p.add(slack.NewDividerBlock(), 0)
}

// maxCell is how many bytes a cell of the last results may have.
const maxCell = 400

// withButton is a section with one button beside it.
func withButton(text string, b *slack.ButtonBlockElement) slack.Block {
	return slack.NewSectionBlock(mrkdwn(clip(text, maxSection)), nil, slack.NewAccessory(b), slack.SectionBlockOptionExpand(true))
}
