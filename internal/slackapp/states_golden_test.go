package slackapp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// scene makes requests in every state, by the same moves as the engine.
type scene struct {
	t   *testing.T
	pol approvals.Policy
	ask approvals.Ask
	f   approvals.ServerList
	new *approvals.Request // made once: of thousands of servers that takes a while

	newer bool // drawn with the blocks of 2026
}

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

// after is so many minutes after noon.
func after(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// newScene asks for n servers; two of the approvers must agree.
func newScene(t *testing.T, n int) *scene {
	t.Helper()
	s := &scene{t: t,
		pol: approvals.Policy{Approvers: []string{"UBEN", "UCARLA", "SDUTY"}, ApprovalsRequired: 2, MaxServers: 10_000, TTL: time.Hour},
		ask: approvals.Ask{By: approvals.Person{ID: "UANNA"}, Channel: "COPS", Project: "main", Mode: approvals.Soft, Reason: "night & weekend"}}
	for i := range n {
		s.f.Servers = append(s.f.Servers, approvals.Server{
			ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), Name: fmt.Sprintf("web-%d", i+1), Status: "ACTIVE", Address: fmt.Sprintf("10.0.0.%d", i%250+1)})
	}
	return s
}

func (s *scene) view() view { return inForm(viewOf(s.pol), s.newer) }

func (s *scene) must(r approvals.Request, err error) approvals.Request {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *scene) pending() approvals.Request {
	s.t.Helper()
	if s.new != nil {
		return *s.new
	}
	r := s.must(approvals.New("S-22222", s.ask, s.f, s.pol, noon))
	r.Thread = approvals.Thread{Channel: "COPS", TS: "1700000000.000100"}
	s.new = &r
	return r
}

func (s *scene) oneYes() approvals.Request {
	s.t.Helper()
	return s.must(s.pending().Approve(approvals.Person{ID: "UBEN"}, s.pol, nil, "op1", after(1)))
}

func (s *scene) approved() approvals.Request {
	s.t.Helper()
	return s.must(s.oneYes().Approve(approvals.Person{ID: "UCARLA"}, s.pol, nil, "op2", after(2)))
}

// denied is the pending request, denied for a reason that may be empty.
func (s *scene) denied(reason string) approvals.Request {
	s.t.Helper()
	return s.must(s.pending().Deny(approvals.Person{ID: "UBEN"}, s.pol, reason, "op1", after(1)))
}

func (s *scene) cancelled(r approvals.Request) approvals.Request {
	s.t.Helper()
	return s.must(r.Cancel(approvals.Person{ID: "UANNA"}, s.pol, "op3", after(3)))
}

// lapsed is r after nobody acted on its approval for two hours.
func (s *scene) lapsed(r approvals.Request) approvals.Request {
	s.t.Helper()
	r, ok := r.Lapse(time.Time{}, after(140))
	if !ok {
		s.t.Fatal("its approval does not get old")
	}
	return r
}

// unsentAfter ends r, of which no server was sent.
func (s *scene) unsentAfter(r approvals.Request) approvals.Request {
	s.t.Helper()
	return s.must(r.BatchEnded(approvals.Tally{NotSent: r.Total}, after(141)))
}

func (s *scene) expired() approvals.Request {
	s.t.Helper()
	r, ok := s.pending().Expire(after(60))
	if !ok {
		s.t.Fatal("it does not expire")
	}
	return r
}

// withdrawn has no card.
func (s *scene) withdrawn() approvals.Request {
	s.t.Helper()
	r, ok := s.pending().CancelUnposted("not_in_channel", after(1))
	if !ok {
		s.t.Fatal("it is not withdrawn")
	}
	return r
}

func (s *scene) running() approvals.Request {
	s.t.Helper()
	return s.must(s.approved().Execute((len(s.f.Servers)+99)/100, after(2)))
}

// ended plays the work in calls of 100 servers. become gives each its result;
// stop is whether the requester cancels it meanwhile.
func (s *scene) ended(stop bool, become func(i int) approvals.Result) approvals.Message {
	s.t.Helper()
	r := s.running()
	if stop {
		r = s.cancelled(r)
	}
	batches := approvals.PlanBatches(r, s.f, 100)
	for n, b := range batches {
		b.State, b.JobID = approvals.Running, fmt.Sprintf("ff80808270f5b0ab0170f5c3a3d8%04d", n)
		for i := range b.Results {
			is := become(n*100 + i)
			is.Server = b.Results[i].Server
			is.Sent = is.Outcome != approvals.NotSent && is.Outcome != approvals.Skipped
			b.Results[i] = is
		}
		b, err := b.Ended()
		if err != nil {
			s.t.Fatal(err)
		}
		if t := b.Tally(); t.NotSent == t.Done() {
			b.State, b.JobID = approvals.BatchCancelled, ""
		}
		batches[n] = b
		r = s.must(r.BatchEnded(b.Tally(), after(4).Add(time.Duration(n)*time.Second)))
	}
	return approvals.Message{Request: r, Batches: batches, Notes: []approvals.Note{{ID: r.ID + "/end", Topic: approvals.TopicOutcome, At: r.Finished}}}
}

// all gives every server the same result.
func all(is approvals.Result) func(int) approvals.Result {
	return func(int) approvals.Result { return is }
}

// inTurn gives the servers these results, over and over.
func inTurn(of ...approvals.Result) func(int) approvals.Result {
	return func(i int) approvals.Result { return of[i%len(of)] }
}

var (
	wasStopped = approvals.Result{Outcome: approvals.Stopped}
	wasStarted = approvals.Result{Outcome: approvals.Started}
	wasOff     = approvals.Result{Outcome: approvals.FoundOff}
	wasLeftOut = approvals.Result{Outcome: approvals.Skipped, Skip: approvals.SkipLocked}
	didFail    = approvals.Result{Outcome: approvals.ActionFailed, Code: "Ecs.0605", Detail: "the server is <locked>"}
	isNotKnown = approvals.Result{Outcome: approvals.NotKnown, Detail: "runs, and was changed after the call"}
	wasNotSent = approvals.Result{Outcome: approvals.NotSent}
)

// What has no picture here has one in the other tests of this kind.
func TestCardsLookAsTheyDidInEveryState(t *testing.T) {
	few, many, hard, start := newScene(t, 3), newScene(t, 1200), newScene(t, 3), newScene(t, 2)
	v := few.view()
	many.f.LeftOut = []approvals.LeftOut{
		{Server: approvals.Server{ID: uuid, Name: "db-1", Status: "SHUTOFF"}, Skip: approvals.SkipOff},
		{Server: approvals.Server{ID: uuid, Name: "db-2", Status: "ACTIVE"}, Skip: approvals.SkipProtected},
	}
	hard.ask.Mode = approvals.Hard
	start.ask.Mode, start.ask.FollowUpOf, start.ask.Reason, start.f.Action = "", "S-33333", "", approvals.Start

	running := many.must(many.running().BatchEnded(approvals.Tally{Stopped: 100}, after(3)))
	failing := many.must(running.BatchEnded(approvals.Tally{Stopped: 95, Failed: 5}, after(4)))
	unknown := few.ended(false, inTurn(wasStopped, isNotKnown)).Request

	for name, r := range map[string]approvals.Request{
		"card_pending":           few.pending(),
		"card_pending_many":      many.pending(),
		"card_one_of_two":        few.oneYes(),
		"card_approved":          few.approved(),
		"card_running":           running,
		"card_running_failed":    failing,
		"card_running_cancelled": many.cancelled(failing),
		"card_running_lapsed":    many.lapsed(many.running()),
		"card_lapsed":            few.unsentAfter(few.lapsed(few.running())),
		"card_succeeded":         few.ended(false, all(wasStopped)).Request,
		"card_succeeded_hard":    hard.ended(false, all(wasStopped)).Request,
		"card_partially_failed":  few.ended(false, inTurn(wasStopped, didFail)).Request,
		"card_failed":            few.ended(false, all(didFail)).Request,
		"card_unknown":           unknown,
		"card_settled_off":       few.must(unknown.Resolve(approvals.Person{ID: "UBEN"}, few.pol, false, "", "op4", after(30))),
		"card_stopped_in_part":   few.ended(true, inTurn(wasStopped, wasNotSent)).Request,
		"card_cancelled_unsent":  few.ended(true, all(wasNotSent)).Request,
		"card_denied":            few.denied(""),
		"card_denied_reason":     few.denied("release day, ask <Ben>"),
		"card_cancelled":         few.cancelled(few.pending()),
		"card_withdrawn":         few.withdrawn(),
		"card_expired":           few.expired(),
		"card_start_running":     start.running(),
		"card_start_succeeded":   start.ended(false, all(wasStarted)).Request,
		"card_start_failed":      start.ended(false, all(didFail)).Request,
		"card_start_denied":      start.denied("not yet"),
		"card_start_expired":     start.expired(),
	} {
		bothForms(t, name, v, func(v view) ([]slack.Block, string) { return v.card(r, approvals.Freeze{}) })
	}
	frozen := approvals.Freeze{On: true, By: "UCARLA", At: after(1), Reason: "release <day>"}
	bothForms(t, "card_pending_frozen", v, func(v view) ([]slack.Block, string) { return v.card(few.pending(), frozen) })
	bothForms(t, "card_approved_frozen", v, func(v view) ([]slack.Block, string) { return v.card(few.approved(), frozen) })
	bothForms(t, "card_running_frozen", v, func(v view) ([]slack.Block, string) { return v.card(running, frozen) })
	if asJSON(t, first(v.card(few.denied(""), frozen))) != asJSON(t, first(v.card(few.denied(""), approvals.Freeze{}))) {
		t.Error("the card of an ended request depends on the freeze")
	}
	// Without a card this is all that people see of it.
	goldenBlocks(t, slacksim.OnMessage, "unposted", paragraphs(sayUnposted(few.withdrawn(), "not_in_channel")))
}

func TestThreadsLookAsTheyDidOnEveryTopic(t *testing.T) {
	few, many, start := newScene(t, 3), newScene(t, 1200), newScene(t, 2)
	v := few.view()
	start.ask.Mode, start.ask.FollowUpOf, start.f.Action = "", "S-33333", approvals.Start
	const job = "ff80808270f5b0ab0170f5c3a3d80001"
	unknown := few.ended(false, inTurn(wasStopped, isNotKnown)).Request
	one := func(n approvals.Note) []approvals.Note { return []approvals.Note{n} }

	for name, m := range map[string]approvals.Message{
		"thread_approved":          {Request: few.approved(), Notes: one(approvals.Note{Topic: approvals.TopicApproved, By: "UCARLA", Count: 2})},
		"thread_one_of_two":        {Request: few.oneYes(), Notes: one(approvals.Note{Topic: approvals.TopicApproved, By: "UBEN", Count: 1})},
		"thread_denied":            {Request: few.denied(""), Notes: one(approvals.Note{Topic: approvals.TopicDenied, By: "UBEN"})},
		"thread_denied_reason":     {Request: few.denied("x"), Notes: one(approvals.Note{Topic: approvals.TopicDenied, By: "UBEN", Why: "release day, ask <Ben>"})},
		"thread_cancelled":         {Request: few.cancelled(few.pending()), Notes: one(approvals.Note{Topic: approvals.TopicCancelled, By: "UANNA"})},
		"thread_cancelled_running": {Request: many.cancelled(many.running()), Notes: one(approvals.Note{Topic: approvals.TopicCancelled, By: "UANNA"})},
		"thread_lapsed":            {Request: many.lapsed(many.running()), Notes: one(approvals.Note{Topic: approvals.TopicLapsed})},
		"thread_expired":           {Request: few.expired(), Notes: one(approvals.Note{Topic: approvals.TopicExpired})},
		"thread_sent": {Request: many.running(), Notes: []approvals.Note{
			{Topic: approvals.TopicSent, Batch: 0, Count: 100, Job: job},
			{Topic: approvals.TopicSent, Batch: 1, Count: 99, Job: "ff80808270f5b0ab0170f5c3a3d80002"},
			{Topic: approvals.TopicSent, Batch: 2, Count: 1, Job: "ff80808270f5b0ab0170f5c3a3d80003"},
		}},
		"thread_unclear":          {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicUnclear, Batch: 4, Why: "no answer within 30 s"})},
		"thread_late":             {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicOverdue, Batch: 4, Count: 7, Why: "30m0s", Job: job})},
		"thread_late_without":     {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicOverdue, Batch: 4, Count: 1, Why: "30m0s"})},
		"thread_paused":           {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicPaused})},
		"thread_trouble":          {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicTrouble, Batch: 4, Why: "the cloud refuses the key (APIGW.0301)"})},
		"thread_settled_off":      {Request: few.must(unknown.Resolve(approvals.Person{ID: "UBEN"}, few.pol, false, "", "op4", after(30))), Notes: one(approvals.Note{Topic: approvals.TopicResolved, By: "UBEN", Count: 1})},
		"thread_unshared_list":    {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicUnshared, Why: string(approvals.TopicList)})},
		"thread_unshared_results": {Request: many.running(), Notes: one(approvals.Note{Topic: approvals.TopicUnshared, Why: string(approvals.TopicResults), Code: "missing_scope"})},
		"thread_start_approved":   {Request: start.approved(), Notes: one(approvals.Note{Topic: approvals.TopicApproved, By: "UCARLA", Count: 2})},
		"thread_start_denied":     {Request: start.denied(""), Notes: one(approvals.Note{Topic: approvals.TopicDenied, By: "UBEN"})},
		"end_one":                 newScene(t, 1).ended(false, all(wasStopped)),
		"end_many":                many.ended(false, all(wasStopped)),
		"end_found_off":           few.ended(false, inTurn(wasOff, wasStopped)),
		"end_left_out":            few.ended(false, inTurn(wasStopped, wasLeftOut)),
		"end_failed":              few.ended(false, all(didFail)),
		"end_many_failed":         many.ended(false, inTurn(wasStopped, wasStopped, didFail)),
		"end_not_sent":            few.ended(true, inTurn(wasStopped, wasNotSent)),
		"end_cancelled":           few.ended(true, all(wasNotSent)),
		"end_of_all_kinds":        newScene(t, 6).ended(true, inTurn(wasStopped, wasOff, wasLeftOut, didFail, isNotKnown, wasNotSent)),
		"end_start_unknown":       start.ended(false, inTurn(wasStarted, isNotKnown)),
	} {
		bothForms(t, name, v, func(v view) ([]slack.Block, string) { return v.reply(m) })
	}
}

func TestModalsAndHomesLookAsTheyDid(t *testing.T) {
	goldenModal(t, "deny", denyModal(newScene(t, 3).pending(), `{"request":"S-22222","channel":"COPS"}`))
	few := newScene(t, 3)
	v := few.view()
	unknown := few.ended(false, inTurn(wasStopped, isNotKnown)).Request
	goldenModal(t, "settle_off", resolveModal(unknown, interaction{Request: unknown.ID, Action: actTheyAreOff, Channel: "COPS"}))
	goldenModal(t, "servers_only", serversPage(few.pending(), few.f, 0))

	many := newScene(t, 65).ended(false, inTurn(approvals.Result{Outcome: approvals.Stopped, Seconds: 75}, wasStopped, didFail, isNotKnown, wasLeftOut))
	const card = "https://sim.slack.com/archives/COPS/p1700000000000100"
	goldenModal(t, "results_only", resultsPage(few.ended(false, inTurn(wasStopped, didFail)).Request, few.ended(false, inTurn(wasStopped, didFail)).Batches, card, 0))
	goldenModal(t, "results_first", resultsPage(many.Request, many.Batches, card, 0))
	goldenModal(t, "results_middle", resultsPage(many.Request, many.Batches, "", 1))
	goldenModal(t, "results_last", resultsPage(many.Request, many.Batches, card, 2))

	link := func(approvals.Request) string { return "https://sim.slack.com/archives/COPS/p1700000000000100" }
	ben, anna, dora := approvals.Person{ID: "UBEN"}, approvals.Person{ID: "UANNA"}, approvals.Person{ID: "UDORA"}
	goldenBlocks(t, slacksim.OnHome, "home_empty", v.home(home{person: ben, now: noon, link: link}))
	goldenBlocks(t, slacksim.OnHome, "home_nobody", v.home(home{person: dora, now: noon, link: link, open: []approvals.Request{few.pending()}}))
	goldenBlocks(t, slacksim.OnHome, "home_requester", v.home(home{
		person: anna, now: after(5), link: link,
		open:  []approvals.Request{few.oneYes(), few.running(), few.cancelled(few.running())},
		ended: []approvals.Request{unknown, few.expired(), few.cancelled(few.pending())},
	}))
	var waiting []approvals.Request
	for i := range homeListed + 3 {
		r := few.pending()
		r.ID = fmt.Sprintf("S-%05d", i)
		waiting = append(waiting, r)
	}
	blocks := v.home(home{person: ben, now: noon, link: link, open: waiting})
	goldenBlocks(t, slacksim.OnHome, "home_many", blocks)
	if !strings.Contains(asJSON(t, blocks), "and 3 more") {
		t.Error("the Home does not tell of the requests that it leaves out")
	}
}
