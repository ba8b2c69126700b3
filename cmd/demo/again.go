package main

import (
	"context"
	"errors"
	"fmt"
)

// secondThoughts has servers stopped and started again. It shows the form, the
// Home and the freeze on the way.
func secondThoughts(ctx context.Context, w *world, s *show) error {
	s.title("4. Second thoughts")
	w.cloud.Add(server(41, "shop-1"), server(42, "shop-2"))
	stop, err := w.newCard(ctx, func() error { return fillIn(ctx, w, s) })
	if err != nil {
		return err
	}
	if err := approveAtHome(ctx, w, s); err != nil {
		return err
	}
	if err := stop.ends(ctx, "2 servers stopped"); err != nil {
		return err
	}
	start, err := w.newCard(ctx, func() error {
		s.types(mia, "clicks Start these again under the outcome")
		return stop.clickLast(ctx, mia, "ecs_stop_start")
	})
	if err != nil {
		return err
	}
	if err := approveFrozen(ctx, w, s, start); err != nil {
		return err
	}
	if err := start.ends(ctx, "2 servers started"); err != nil {
		return err
	}
	for _, n := range []int{41, 42} {
		if now, _ := w.cloud.Server(server(n, "").ID); now.Status != "ACTIVE" {
			return fmt.Errorf("%s is %s, want ACTIVE", now.Name, now.Status)
		}
	}
	return w.stopped(map[int]int{41: 1, 42: 1})
}

// fillIn asks by the form: a search, a choice, a preview.
func fillIn(ctx context.Context, w *world, s *show) error {
	s.types(mia, "types  /ecs-stop  and nothing else: a form opens")
	if _, err := w.slack.Command(ctx, mia, ops, "/ecs-stop", ""); err != nil {
		return err
	}
	if err := w.screen(ctx, s, mia, "Stop servers"); err != nil {
		return err
	}
	found, err := w.slack.Suggest(ctx, mia, "", "pick", "ecs_stop_pick", "shop")
	if err != nil {
		return err
	}
	var ids []string
	for _, o := range found {
		s.types(mia, "searches for shop and chooses  "+o.Text)
		ids = append(ids, o.Value)
	}
	if len(ids) != 2 {
		return fmt.Errorf("the form offers %v", found)
	}
	if _, err := w.slack.Submit(ctx, mia, "", map[string]map[string]any{
		"pick": {"ecs_stop_pick": ids}, "why": {"text": "nobody shops at night"},
	}); err != nil {
		return err
	}
	if err := w.screen(ctx, s, mia, "Check and ask", "2 servers", "nobody shops"); err != nil {
		return err
	}
	if n := w.cloud.StopCount(ids[0]); n != 0 {
		return errors.New("a preview stopped a server")
	}
	s.types(mia, "submits the preview")
	if _, err := w.slack.Submit(ctx, mia, "", nil); err != nil {
		return err
	}
	return w.screen(ctx, s, mia, "Asked as")
}

// approveAtHome has the approver find what waits in the app's Home.
func approveAtHome(ctx context.Context, w *world, s *show) error {
	s.types(noah, "opens the app's Home")
	if _, err := w.slack.OpenHome(ctx, noah); err != nil {
		return err
	}
	home, err := w.home(ctx, s, noah, "asks to stop", "nobody shops", "[Approve]")
	if err != nil {
		return err
	}
	s.types(noah, "clicks Approve there and confirms")
	_, err = w.slack.ClickInView(ctx, noah, home.ID, "ecs_stop_approve", "")
	return err
}

// approveFrozen has a request approved while nothing is sent.
func approveFrozen(ctx context.Context, w *world, s *show, t *thread) error {
	s.types(olga, "types  /ecs-stop freeze release is running")
	if _, err := w.slack.Command(ctx, olga, ops, "/ecs-stop", "freeze release is running"); err != nil {
		return err
	}
	if err := w.announced(ctx, "Frozen by", "release is running"); err != nil {
		return err
	}
	s.types(noah, "clicks Approve and confirms")
	if err := t.click(ctx, noah, "ecs_stop_approve"); err != nil {
		return err
	}
	if err := t.ends(ctx, "has frozen everything"); err != nil {
		return err
	}
	if now, _ := w.cloud.Server(server(41, "").ID); now.Status != "SHUTOFF" || now.TaskState != "" {
		return fmt.Errorf("%s is %s %s while everything is frozen", now.Name, now.Status, now.TaskState)
	}
	s.types(olga, "types  /ecs-stop unfreeze")
	if _, err := w.slack.Command(ctx, olga, ops, "/ecs-stop", "unfreeze"); err != nil {
		return err
	}
	return w.announced(ctx, "Not frozen any more")
}
