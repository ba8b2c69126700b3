package main

import "context"

func succeeds(ctx context.Context, w *world, s *show) error {
	s.title("1. Two servers for the night")
	w.cloud.Add(server(1, "web-1"), server(2, "web-2"), server(3, "web-3", "keep"))
	t, err := w.ask(ctx, s, mia, `web-* --reason "night"`)
	if err != nil {
		return err
	}
	s.types(guest, "clicks Approve, although he is a guest")
	if err := t.click(ctx, guest, "ecs_stop_approve"); err != nil {
		return err
	}
	if err := w.private(ctx, guest, "Guests"); err != nil {
		return err
	}
	s.types(noah, "clicks Approve and confirms")
	if err := t.click(ctx, noah, "ecs_stop_approve"); err != nil {
		return err
	}
	if err := t.ends(ctx, "2 servers stopped"); err != nil {
		return err
	}
	return w.stopped(map[int]int{1: 1, 2: 1, 3: 0})
}

func failsInPart(ctx context.Context, w *world, s *show) error {
	s.title("2. One server does not want to")
	w.cloud.Add(server(11, "batch-1"), server(12, "batch-2"), server(13, "batch-3"))
	if err := w.cloud.FailServer(server(12, "").ID, "Ecs.0611", "the instance did not shut down in time"); err != nil {
		return err
	}
	t, err := w.ask(ctx, s, mia, "batch-1, batch-2, batch-3 —soft --reason “month's end is over”")
	if err != nil {
		return err
	}
	s.types(olga, "clicks Approve and confirms")
	if err := t.click(ctx, olga, "ecs_stop_approve"); err != nil {
		return err
	}
	if err := t.ends(ctx, "done in part", "batch-2", "Ecs.0611"); err != nil {
		return err
	}
	return retried(ctx, w, s, t)
}

// retried sends what failed once more. Olga could approve it alone, so her
// click does.
func retried(ctx context.Context, w *world, s *show, failed *thread) error {
	if err := w.cloud.FailServer(server(12, "").ID, "", ""); err != nil {
		return err
	}
	s.stage("batch-2 would shut down now")
	again, err := w.newCard(ctx, func() error {
		s.types(olga, "clicks Retry failed under the outcome and confirms")
		return failed.clickLast(ctx, olga, "ecs_stop_retry")
	})
	if err != nil {
		return err
	}
	if err := again.ends(ctx, "1 server stopped", "batch-2"); err != nil {
		return err
	}
	return w.stopped(map[int]int{11: 1, 12: 2, 13: 1})
}

func denied(ctx context.Context, w *world, s *show) error {
	s.title("3. Not this one")
	w.cloud.Add(server(21, "db-1"))
	t, err := w.ask(ctx, s, mia, "db-1 --hard --reason \"does not answer\"")
	if err != nil {
		return err
	}
	s.types(noah, "clicks Deny")
	if err := t.click(ctx, noah, "ecs_stop_deny"); err != nil {
		return err
	}
	if err := w.screen(ctx, s, noah, "Deny"); err != nil {
		return err
	}
	s.types(noah, "writes into the form: replication is still running")
	_, err = w.slack.Submit(ctx, noah, "", map[string]map[string]any{"reason": {"text": "replication is still running"}})
	if err != nil {
		return err
	}
	return t.ends(ctx, "denied", "replication is still running")
}
