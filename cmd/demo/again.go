package main

import "ecsbot/internal/slacksim"

// secondThoughts has servers stopped and started again. It shows the form, the
// Home and the freeze on the way.
func secondThoughts(s *script) {
	s.title("4. Second thoughts")
	shops := []string{server(41, "").ID, server(42, "").ID}
	s.Cloud.Add(server(41, "shop-1"), server(42, "shop-2"))
	stop := s.NewCard(s.fillIn)
	s.approveAtHome()
	stopped := s.ReplyMessage(stop, "2 servers stopped")
	start := s.NewCard(func() { s.clicks(mia, stopped, "ecs_stop_start", "Start these again under the outcome") })
	s.approveFrozen(start, shops)
	s.Reply(start, "2 servers started")
	s.Is("ACTIVE", shops...)
	s.StopsOf(1, shops...)
}

// fillIn asks by the form: a search, a choice, a preview.
func (s *script) fillIn() {
	s.types(mia, "types  /ecs-stop  and nothing else: a form opens")
	s.Command(mia, "")
	s.form(mia, "Stop servers")
	var ids []string
	for _, o := range s.Suggest(mia, "shop") {
		s.types(mia, "searches for shop and chooses  "+o.Text)
		ids = append(ids, o.Value)
	}
	if len(ids) != 2 {
		s.Fatalf("the form offers %v", ids)
	}
	s.Submit(mia, map[string]map[string]any{s.PickBlock(mia): {"ecs_stop_pick": ids}, "why": {"text": "nobody shops at night"}})
	s.form(mia, "Review request", "2 servers", "nobody shops")
	s.Untouched(ids...)
	s.types(mia, "submits the preview")
	s.Submit(mia, nil)
	s.Private(mia, "created")
}

// approveAtHome has the approver find what waits in the app's Home.
func (s *script) approveAtHome() {
	s.types(noah, "opens the app's Home")
	s.sees(noah, s.OpenHome(noah, "Requested by", "nobody shops", "[Approve]"))
	s.types(noah, "clicks Approve there and confirms")
	s.ClickHome(noah, "ecs_stop_approve", "")
}

// approveFrozen has a request approved while nothing is sent.
func (s *script) approveFrozen(card slacksim.Message, ids []string) {
	s.orders(olga, "freeze release is running")
	s.Announcement("frozen by", "release is running")
	s.clicks(noah, card, "ecs_stop_approve", "Approve and confirms")
	s.Reply(card, "froze sending")
	for _, id := range ids {
		if now, _ := s.Cloud.Server(id); now.Status != "SHUTOFF" || now.TaskState != "" {
			s.Fatalf("%s is %s %s while everything is frozen", now.Name, now.Status, now.TaskState)
		}
	}
	s.orders(olga, "unfreeze")
	s.Announcement("Freeze lifted")
}
